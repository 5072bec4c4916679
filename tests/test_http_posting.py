"""Facts over HTTP: recorded once, answered with what they became, refused with the figures."""

from __future__ import annotations

import logging
import socket
import time
from datetime import date
from typing import Any

import httpx
import pytest
from httpx import Response
from serving import Served

from api.bench_client import answers, request
from api.commands import Currency, command_of
from api.http.straight import Straight
from api.recording import Done, record_all
from ledger.decisions import ReceiveDonation

JSON = {"Idempotency-Key": "k", "Content-Type": "application/json"}
GIFT = {"donation": "D1", "fund": "F", "amount": "100.00", "on": "2026-01-02", "donor": "N"}


def test_a_fact_is_recorded_once_under_its_key(served: Served) -> None:
    tape = served.record("/v1/donations", **{**GIFT, "donation": "D0"})["issue"][0]
    first = served.post("/v1/donations", GIFT, key="gift-1")
    assert first.status_code == 201
    said = first.json()
    assert said["issue"] == [{"tape": "t1", "lo": tape["hi"], "hi": tape["hi"] + 10_000, "to": "fund/F"}]
    assert first.headers["location"] == f"/v1/entries/{said['seq']}"
    entry = served.fenhao.journal.entries.read(said["seq"], 1)[0]
    assert entry.leaf.hex() == said["leaf"]
    assert entry.data["by"] == "token:record"
    again = served.post("/v1/donations", GIFT, key='"gift-1"')
    assert (again.status_code, again.json()) == (200, {**said, "replayed": True})
    other = served.post("/v1/donations", {**GIFT, "amount": "100.01"}, key="gift-1")
    assert other.status_code == 409
    assert other.json()["type"] == "urn:fenhao:problem:idempotency_conflict"
    assert other.json()["figures"]["seq"] == said["seq"]


def test_the_short_way_answers_as_the_frameworks_does(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served.record("/v1/donations", **{**GIFT, "donation": "D9"})

    def asked() -> list[tuple[int, bytes, dict[str, str]]]:
        given = []
        for scope, key, members in (
            *(("record", "kept", {**GIFT, "donation": "D8"}), ("record", "kept", GIFT), ("record", "new", {})),
            *(
                ("record", "new", {**GIFT, "donation": "D9"}),
                ("read", "new", GIFT),
                ("record", "two words", {**GIFT, "amount": 1.5}),
            ),
            ("record", "bug", {**GIFT, "donation": "bug"}),
        ):
            answer = served.post("/v1/donations", members, key=key, scopes=(scope,))
            said = {name: value for name, value in answer.headers.items() if name not in ("date", "x-request-id")}
            given.append((answer.status_code, answer.content, said))
        nobody = served.client().post("/v1/donations", json=GIFT)
        return [*given, (nobody.status_code, nobody.content, {})]

    def stumbling(fact: str, members: Any, currency: Currency, *more: Any) -> Any:
        assert members.get("donation") != "bug", "a bug of ours"
        return command_of(fact, members, currency, *more)

    monkeypatch.setattr("api.http.posting.command_of", stumbling)
    assert served.post("/v1/donations", {**GIFT, "donation": "D8"}, key="kept").status_code == 201
    short = asked()
    monkeypatch.setattr(Straight, "__call__", lambda self, *call: self._app(*call))
    assert short == asked()
    assert [status for status, *_ in short] == [200, 409, 422, 409, 403, 422, 500, 401]


def test_a_refusal_gives_its_figures_in_the_language_that_is_asked_for(served: Served) -> None:
    served.record("/v1/funds", fund="G", name="another", fee_bp=0)
    served.record("/v1/donations", **{**GIFT, "donation": "D2", "fund": "G"})
    wanted = {"allocation": "A", "case": "C", "fund": "G", "amount": 10_001, "on": "2026-01-02"}
    answer = served.post("/v1/allocations", wanted)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["type"] == "urn:fenhao:problem:not_enough_money"
    assert (said["figures"]["wanted"], said["figures"]["there"]) == (10_001, 10_000)
    assert "100.01 is wanted" in said["detail"]
    headers = {"Accept-Language": "fr, zh-CN;q=0.8, en;q=0.3", "Idempotency-Key": "k"}
    chinese = served.client("record").post("/v1/allocations", json=wanted, headers=headers)
    assert "可用 100.00" in chinese.json()["detail"]
    assert chinese.headers["content-language"] == "zh"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff\xfe", b"[" * 100_000, b'{"a":' + b"9" * 5_000],
    ids=["empty", "cut", "list", "null", "twice", "nan", "bytes", "deep", "long"],
)
def test_a_body_that_cannot_be_read_is_a_problem_too(served: Served, body: bytes) -> None:
    answer = served.client("record").post("/v1/donations", content=body, headers=JSON)
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "urn:fenhao:problem:bad_request"


def test_a_body_that_is_too_long_is_not_read_to_its_end(served: Served) -> None:
    answer = served.client("record").post("/v1/donations", content=b" " * (1 << 21), headers=JSON)
    assert answer.status_code == 413


def test_who_goes_away_amid_a_body_is_no_bug(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    token, lengths = served.token("record"), "Content-Type: application/json\r\nContent-Length: 99"
    at = httpx.URL(served.url)
    with socket.create_connection((at.host, at.port)) as leaving:
        head = f"POST /v1/donations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: gone"
        leaving.sendall(f"{head}\r\n{lengths}\r\n\r\n{{".encode())
    deadline = time.monotonic() + 20
    while not (said := [one for one in caplog.records if one.name == "fenhao.request"]) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [getattr(one, "figures", {})["status"] for one in said] == [400]
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []


@pytest.mark.parametrize("key", ["", "é", "x" * 101, '""'])
def test_without_an_idempotency_key_nothing_is_recorded(served: Served, key: str) -> None:
    before = served.fenhao.journal.entries.head().size
    headers = [(b"idempotency-key", key.encode())] if key else []
    answer = served.client("record").post("/v1/donations", json=GIFT, headers=headers)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]
    assert served.fenhao.journal.entries.head().size == before


def test_who_gives_only_gifts_speaks_for_nobody(served: Served) -> None:
    for members in ({"by": "li"}, {"approved_by": ["li"]}):
        answer = served.post("/v1/donations", {**GIFT, **members}, scopes=("donations",))
        assert answer.status_code == 422, answer.text
    named = served.post("/v1/donations", {**GIFT, "donation": "D3", "by": "li", "approved_by": ["wang"]})
    assert named.status_code == 201


def test_what_may_be_sent_is_told_to_who_sends_something_else(served: Served) -> None:
    wrong = {**GIFT, "amuont": 1}
    program = served.post("/v1/donations", wrong).json()
    person = served.client().post(
        "/v1/donations", json=wrong, headers={**served.signed_in("finance"), "Idempotency-Key": "w"}
    )
    for said, more in ((program["figures"], {"approved_by"}), (person.json()["figures"], set[str]())):
        assert said["required"] == ["donation", "fund", "amount", "on"]
        assert set(said["optional"]) >= {"donor", "by", "basis"} | more
        assert {"key", "approved_by"} & set(said["optional"]) == more
    assert "no member amuont" in program["detail"]
    assert ", key" not in program["detail"]


def test_many_at_once_share_commits_and_none_is_lost_or_doubled(served: Served) -> None:
    gifts = [{**GIFT, "donation": f"M{n % 60}"} for n in range(120)]
    token, port = served.token("record"), httpx.URL(served.url).port
    assert port is not None
    said = answers(port, [request("POST", "/v1/donations", token, gift, gift["donation"]) for gift in gifts])
    assert sorted(answer.status for answer in said) == [200] * 60 + [201] * 60
    entries = served.fenhao.journal.entries.read(0, 1_000)
    instants = [entry.at for entry in entries if entry.stream.startswith("donation/M")]
    assert len(instants) == 60
    assert len(set(instants)) <= 20  # who waited together has one commit, and a commit one instant


def test_a_bug_that_one_of_many_meets_is_not_the_others(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    decide = ReceiveDonation.decide

    def stumbling(command: ReceiveDonation, book: Any) -> Any:
        assert command.donation != "T1", "a bug of ours"
        return decide(command, book)

    monkeypatch.setattr(ReceiveDonation, "decide", stumbling)
    terms: dict[str, Any] = {
        "fund": "F",
        "amount": 1,
        "on": date(2026, 1, 2),
        "expires_on": date(2027, 1, 2),
    }  # no plain gift's
    gifts = [ReceiveDonation(key=f"t{n}", donation=f"T{n}", **terms) for n in range(3)]
    first, bug, last = record_all(served.fenhao, gifts)
    assert isinstance(first, Done)
    assert isinstance(bug, AssertionError)
    assert isinstance(last, Done)
    monkeypatch.undo()
    assert [one.replayed for one in record_all(served.fenhao, gifts) if isinstance(one, Done)] == [True, False, True]


def batch(served: Served, mode: str, *facts: tuple[str, dict[str, Any]], key: str, scope: str = "record") -> Response:
    asked = {"mode": mode, "facts": [{"fact": fact, "data": data} for fact, data in facts]}
    answer = served.post("/v1/batches", asked, key=key, scopes=(scope,))
    assert isinstance(answer, Response)
    return answer


GIFTS: list[tuple[str, dict[str, Any]]] = [("DonationReceived", {**GIFT, "donation": f"B{n}"}) for n in range(5)]
TOO_MUCH: tuple[str, dict[str, Any]] = (
    "AllocationMade",
    {"allocation": "A", "case": "C", "amount": 10**12, "on": "2026-01-02"},
)


def test_a_batch_records_each_that_can_be_and_says_what_became_of_the_others(served: Served) -> None:
    mixed = [*GIFTS[:2], TOO_MUCH, ("Nonsense", {}), ("DonationReceived", {"donation": "B9"})]
    said = batch(served, "each", *mixed, key="b").json()
    assert [one["status"] for one in said["results"]] == [201, 201, 422, 422, 422]
    assert (said["recorded"], said["replayed"], said["refused"]) == (2, 0, 3)
    entry = served.fenhao.journal.entries.read(said["results"][1]["seq"], 1)[0]
    assert (entry.stream, entry.leaf.hex()) == ("donation/B1", said["results"][1]["leaf"])
    again = batch(served, "each", *mixed, key="b").json()
    assert [one["status"] for one in again["results"]] == [200, 200, 422, 422, 422]
    assert again["results"][0]["leaf"] == said["results"][0]["leaf"]


def test_all_or_none_records_none_when_one_cannot_be(served: Served) -> None:
    size = served.fenhao.journal.entries.head().size
    answer = batch(served, "all", *GIFTS[2:4], TOO_MUCH, key="all")
    assert (answer.status_code, answer.json()["figures"]["codes"]) == (422, {"2": "not_enough_money"})
    assert served.fenhao.journal.entries.head().size == size
    assert batch(served, "all", *GIFTS[2:], key="all").json()["recorded"] == 3


def test_a_batch_is_no_way_around_what_a_token_is_for(served: Served) -> None:
    gift = ("DonationReceived", {**GIFT, "donation": "B8"})
    said = batch(served, "each", gift, ("FundOpened", {"fund": "G", "name": "G"}), key="c", scope="donations").json()
    assert [one["status"] for one in said["results"]] == [201, 403]


@pytest.mark.parametrize(
    "asked", [{}, {"facts": {}}, {"facts": [1]}, {"facts": [{"fact": 1, "data": {}}]}, {"facts": [], "mode": "some"}]
)
def test_a_batch_of_another_form_is_a_problem(served: Served, asked: dict[str, object]) -> None:
    assert served.post("/v1/batches", asked).status_code == 400
