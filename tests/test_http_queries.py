"""Questions over HTTP: what traces say, by the page, once the views are there, and only when something is new."""

from __future__ import annotations

import base64
import html
import json
from typing import Any
from urllib.parse import quote

import pytest
from httpx import Response
from serving import Served

from api.http.office import MAX_STREAMS
from projections.history import NOW, reading_from
from projections.trace import whole

DAY = "2026-01-02"
pytestmark = pytest.mark.usefixtures("story")


@pytest.fixture(scope="module")
def story(served: Served) -> None:
    """Twelve gifts of two donors; of the first, some went to a case and a hospital."""
    for n in range(12):
        gift = {"donation": f"Q{n}", "donor": "N" if n < 9 else "M", "fund": "F", "amount": 10_000, "on": DAY}
        served.record("/v1/donations", **gift)
    served.record("/v1/allocations", allocation="A1", case="C", amount="150.00", on=DAY)
    served.record(
        "/v1/hospital-payments", payment="P1", hospital="H", lines=[{"case": "C", "amount": "120.00"}], on=DAY
    )
    served.fenhao.runner.wait_for(served.fenhao.journal.entries.head().size - 1, 20)


def get(
    served: Served, path: str, *, scope: str = "read", headers: dict[str, str] | None = None, **asked: Any
) -> Response:
    return served.client(scope).get(path, params=asked, headers=headers)


@pytest.mark.parametrize(
    ("path", "noun", "id", "hidden"),
    [
        ("/v1/donors/N/ledger", "donor", "N", {"flows"}),
        ("/v1/donations/Q0/trace", "donation", "Q0", set[str]()),
        ("/v1/cases/C/trace", "case", "C", set[str]()),
        ("/v1/hospitals/H", "hospital", "H", {"donors"}),
        ("/v1/funds/F", "fund", "F", set[str]()),
        ("/v1/serials/t1/100", "serial", "t1:100", set[str]()),
    ],
)
def test_a_question_is_answered_as_the_trace_has_it(
    served: Served, path: str, noun: str, id: str, hidden: set[str]
) -> None:
    with reading_from(served.fenhao.journal, NOW) as traces:
        trace = whole(getattr(traces, noun)(id))
    said = get(served, path).json()
    said.pop("next", None)
    assert said == {name: value for name, value in json.loads(json.dumps(trace)).items() if name not in hidden}


def test_pages_together_are_the_whole_list_in_order_whatever_comes_meanwhile(served: Served) -> None:
    found: list[str] = []
    asked: dict[str, Any] = {"limit": 2}
    while True:
        said = get(served, "/v1/donors/N/ledger", **asked).json()
        found += [one["donation"] for one in said["donations"]]
        if said["next"] is None:
            break
        asked = {"limit": 3, "cursor": said["next"]}
    assert found[:9] == [f"Q{n}" for n in range(9)]
    first = get(served, "/v1/entries", scope="log", limit=3, type="DonationReceived").json()
    second = get(served, "/v1/entries", scope="log", limit=3, cursor=first["next"]).json()
    numbers = [one["entry"]["data"]["donation"] for one in (*first["entries"], *second["entries"])]
    assert numbers == [f"Q{n}" for n in range(6)]


def test_a_cases_gifts_come_by_the_page_too(served: Served) -> None:
    first = get(served, "/v1/cases/C/trace", limit=1).json()
    second = get(served, "/v1/cases/C/trace", limit=1, cursor=first["next"]).json()
    assert [one["donation"] for one in (*first["donors"], *second["donors"])] == ["Q0", "Q1"]
    assert (first["allocated"], second["next"]) == (second["allocated"], None)


def test_a_gifts_ranges_and_a_hospitals_lists_come_by_the_page(served: Served) -> None:
    served.record("/v1/hospitals", hospital="HP", name="pages")
    for n in range(3):
        served.record("/v1/cases", case=f"CP{n}", fund="F", hospital="HP", person=f"PP{n}")
        person = {"nature": "agency", "restriction": {"person": [f"PP{n}"]}}
        served.record("/v1/donations", donation=f"DP{n}", donor=f"NP{n}", fund="F", amount=700, on=DAY, **person)
        served.record("/v1/allocations", allocation=f"AP{n}", case=f"CP{n}", amount=700, on=DAY)
        line = {"case": f"CP{n}", "amount": 600}
        last = served.record("/v1/hospital-payments", payment=f"YP{n}", hospital="HP", lines=[line], on=DAY)
    served.fenhao.runner.wait_for(last["seq"], 20)
    lengths = []
    for path, name in (("donations/Q1/trace", "flows"), ("hospitals/HP", "cases"), ("hospitals/HP", "donors")):
        which: dict[str, Any] = {"list": name} if name == "donors" else {}
        entire = get(served, f"/v1/{path}", **which).json()
        first = get(served, f"/v1/{path}", limit=1, **which).json()
        cursor: dict[str, Any] = {"cursor": first["next"]} if first["next"] else {}
        rest = get(served, f"/v1/{path}", **cursor, **which).json()[name] if cursor else []
        assert entire == {**first, name: first[name] + rest, "next": None}
        lengths.append(len(entire[name]))
    assert lengths == [3, 3, 3]


def test_flows_look_back_too(served: Served) -> None:
    before = get(served, "/v1/donors/N/flows", as_of="2026-01-01")
    assert before.status_code == 404, "the donor had given nothing then"
    assert get(served, "/v1/donors/N/flows", as_of=DAY).json()["total"] >= 90_000
    assert get(served, "/v1/flows", known_at="2020-01-01").json()["total"] == 0
    assert served.client().get("/v1/flows", params={"as_of": DAY}).status_code == 401


def test_a_cursor_keeps_from_where_was_looked(served: Served) -> None:
    said = get(served, "/v1/donors/N/ledger", limit=2, as_of=DAY, known_at="2099-01-01").json()
    cursor = said["next"]
    kept = get(served, "/v1/donors/N/ledger", cursor=cursor).json()
    assert kept["donations"][0]["donation"] == "Q2"
    assert get(served, "/v1/donors/N/ledger", cursor=cursor, as_of=DAY).status_code == 200
    assert get(served, "/v1/donors/N/ledger", cursor=cursor, as_of="2026-01-01").status_code == 400


def encoded(*value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_cursor_of_another_list_or_of_no_list_is_refused(served: Served) -> None:
    cursor = get(served, "/v1/donors/N/ledger", limit=2).json()["next"]
    mark = json.loads(base64.urlsafe_b64decode(cursor + "=="))[0]
    assert get(served, "/v1/donors/M/ledger", cursor=cursor).status_code == 400
    assert get(served, "/v1/entries", scope="log", cursor=cursor).status_code == 400
    for bad in (
        "", "x", "=", "é", "AAAA", cursor[:-2], cursor + "A" * 3_000, encoded(),
        encoded(mark, [None, None], ["0; drop"]), encoded(mark, [None, None], [{}, 1]),
        encoded(mark, [None], [1, "x"]), encoded(mark, ["x" * 300, None], [1, "x"]),
        encoded(mark, [None, None], [1.5, "x"]), encoded(mark, [None, None], []), encoded(mark, None, None),
        encoded("x" * 16, [None, None], [1, "x"]), encoded(mark, [1, None], [1, "x"]),
    ):  # fmt: skip
        answer = get(served, "/v1/donors/N/ledger", cursor=bad)
        assert answer.status_code == 400, bad
        assert answer.headers["content-type"] == "application/problem+json"
    for bad in (encoded(mark, [None, None], [2**70]), encoded(mark, [None, None], ["1"])):
        assert get(served, "/v1/entries", scope="log", cursor=bad).status_code == 400


def test_who_has_the_answer_already_is_told_so_until_something_comes(served: Served) -> None:
    for path in ("/v1/donors/M/ledger", "/v1/donors/M/flows", "/v1/balances"):
        first = get(served, path)
        tag = first.headers["etag"]
        again = get(served, path, headers={"If-None-Match": f'"x", W/{tag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        seq = served.record("/v1/donations", donation=f"E-{path}", donor="M", fund="F", amount=1, on=DAY)["seq"]
        anew = get(served, path, headers={"If-None-Match": tag}, after_seq=seq)
        assert anew.status_code == 200
        assert anew.content != first.content


def test_a_question_waits_for_an_entry_that_is_there_and_for_no_other(served: Served) -> None:
    seq = served.record("/v1/donations", donation="W", donor="W", fund="F", amount=5, on=DAY)["seq"]
    said = get(served, "/v1/donors/W/ledger", after_seq=seq)
    assert (said.status_code, said.json()["given"]) == (200, 5)
    assert get(served, "/v1/donors/W/ledger", after_seq=10**9).status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/donors/nobody/ledger", 404),
        ("/v1/cases/nothing/trace", 404),
        ("/v1/funds/%20", 400),
        ("/v1/funds/a%00b", 400),
        ("/v1/funds/F?as_of=yesterday", 400),
        ("/v1/funds/F?known_at=2026-01-01T25:00", 400),
        ("/v1/funds/F?limit=0", 400),
        ("/v1/funds/F?after_seq=x", 400),
        ("/v1/serials/t1/x", 400),
        ("/v1/serials/t1/999999999999", 404),
        ("/v1/serials/t99/1", 404),
        ("/v1/nowhere", 404),
        ("/v1/donors/%F0%9F%98%80/ledger", 404),
        ("/v1/donors/a%2Fb/ledger", 404),
    ],
)
def test_what_is_not_there_or_cannot_be_is_a_problem(served: Served, path: str, status: int) -> None:
    answer = served.client("read").get(path)
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == status


def test_an_id_may_have_any_sign_in_it(served: Served) -> None:
    gift = {"donation": "a/b?c#d%e f", "donor": "x/y", "fund": "F", "amount": 7, "on": DAY}
    seq = served.record("/v1/donations", **gift)["seq"]
    said = get(served, "/v1/donations/a%2Fb%3Fc%23d%25e%20f/trace", after_seq=seq)
    assert said.json()["donor"] == "x/y"
    assert get(served, "/v1/donors/x%2Fy/ledger").json()["given"] == 7


def test_an_escaped_slash_never_ends_an_id(served: Served) -> None:
    for donor in ("s", "s/flows", "s/gifts/D-s", "s%2Fflows"):
        seq = served.record("/v1/donations", donation=f"D-{donor}", donor=donor, fund="F", amount=7, on=DAY)["seq"]
    staff = {**served.signed_in("finance"), "Accept": "text/html"}
    for donor in ("s", "s/flows", "s/gifts/D-s", "s%2Fflows"):
        path = quote(donor, safe="")
        assert get(served, f"/v1/donors/{path}/ledger", after_seq=seq).json()["donor"] == donor
        assert f"donor/{donor}" in {node["id"] for node in get(served, f"/v1/donors/{path}/flows").json()["nodes"]}
        page = served.client().get(f"/donors/{path}", headers=staff).text
        assert f"{html.escape(donor)} · " in page.partition("</title>")[0]
    counted = [line for line in served.office.meters.lines({}) if 'status="200"' in line]
    assert any('route="/v1/donors/{id}/ledger"' in line for line in counted)
    assert not any('route="-"' in line for line in counted), "all were counted by their routes"
    assert get(served, "/v1/donors/s%2Fflows").status_code == 404, "no picture of s"
    assert get(served, "/v1/donors/s/flows/ledger").json()["donor"] == "s/flows", "plain, where there is no doubt"


def test_entries_are_given_exactly_as_sealed(served: Served) -> None:
    body, leaf = b"", b""
    with served.fenhao.database.service() as connection:
        [(leaf, body)] = connection.execute("select leaf, body from entry where seq = 5").fetchall()
    answer = get(served, "/v1/entries/5", scope="log")
    assert answer.content == b'{"leaf":"%b","entry":%b}' % (bytes(leaf).hex().encode(), bytes(body))
    assert "immutable" in answer.headers["cache-control"]
    assert get(served, "/v1/entries/99999", scope="log").status_code == 404


def test_entries_are_those_of_a_day_as_known_at_a_time_and_the_cursor_keeps_both(served: Served) -> None:
    late = served.record("/v1/donations", donation="QL", fund="F", amount=7, on="2026-01-09")["seq"]
    before = served.fenhao.journal.entries.read(late - 1, 1)[0].at

    def all_of(**asked: Any) -> list[int]:
        found: list[int] = []
        answer = get(served, "/v1/entries", scope="log", limit=5, **asked).json()
        while True:
            found += [one["entry"]["seq"] for one in answer["entries"]]
            if answer["next"] is None:
                return found
            answer = get(served, "/v1/entries", scope="log", limit=5, cursor=answer["next"]).json()

    today = served.fenhao.journal.entries.read(0, 1)[0].data["on"]
    assert all_of() == list(range(late + 1))
    assert all_of(as_of=DAY) == list(range(1, late)), "what has no day counts from its seq"
    assert all_of(as_of=today) == all_of()
    assert set(range(late)) - set(all_of(as_of="2026-01-01", type="DonationReceived")) >= set(range(4, late))
    assert all_of(known_at=before) == list(range(late))
    for name in ("as_of", "known_at"):
        assert served.client("log").get("/v1/entries", params={name: "2026-02-30"}).status_code == 400
    cursor = get(served, "/v1/entries", scope="log", limit=1, as_of=DAY).json()["next"]
    assert get(served, "/v1/entries", scope="log", cursor=cursor, as_of="2026-01-03").status_code == 400


def test_a_stream_goes_on_where_it_broke_off(served: Served) -> None:
    def read(count: int, **headers: str) -> list[tuple[int, str]]:
        with served.client("log").stream("GET", "/v1/entries/stream", headers=headers, params={"after": 3}) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            found: list[tuple[int, str]] = []
            seq = 0
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                seq = int(value) if name == "id" else seq
                if name == "data":
                    found.append((seq, json.loads(value)["stream"]))
                if len(found) == count:
                    break
            return found

    first = read(4)
    assert [seq for seq, _ in first] == [4, 5, 6, 7]
    assert [seq for seq, _ in read(2, **{"Last-Event-ID": "7"})] == [8, 9]


def test_there_is_an_end_to_how_many_streams_there_are(served: Served) -> None:
    streams, taken = served.office.streams, 0
    try:
        while taken < MAX_STREAMS:  # a reader that is gone has left its place within moments
            assert streams.acquire(timeout=20)
            taken += 1
        assert served.client("log").get("/v1/entries/stream").text == "retry: 10000\n\n"
    finally:
        streams.release(taken)


def test_a_stream_tells_of_what_comes_while_it_is_open(served: Served) -> None:
    head = served.fenhao.journal.entries.head().size
    with served.client("log").stream("GET", "/v1/entries/stream") as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("retry")
        served.record("/v1/donations", donation="S1", fund="F", amount=1, on=DAY)
        assert next(line for line in lines if line.startswith("id")) == f"id: {head}"
