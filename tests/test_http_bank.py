"""The bank and the books over HTTP: lines are matched, undone, disputed, written off; a month is closed by two."""

from __future__ import annotations

import itertools
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from httpx import Response
from serving import Served

from api.bootstrap import log_of
from api.http.office import MAX_UPLOADS
from api.papers import basis_of
from audit.log import SignedMeanwhile
from reports.banking.reading import read_file
from reports.banking.register import Register
from reports.banking.taking import named
from reports.report_check import check_report, read_printed

DAY = "2026-09-02"
STATEMENT = """交易日期,金额,余额,流水号,摘要
2026-09-02,900.00,900.00,S1,捐款
2026-09-02,50.00,950.00,S2,捐款
2026-09-03,-200.00,750.00,P77,拨付
2026-09-04,30.00,780.00,S4,不明
2026-09-05,3.21,783.21,S5,误入
2026-09-30,0.80,784.01,S6,误入
"""
_keys = itertools.count()


def leg(amount: str, ref: str | None = None) -> list[dict[str, Any]]:
    return [{"account": "icbc", "amount": amount, "bank_on": DAY, **({} if ref is None else {"bank_ref": ref})}]


def record_money(served: Served) -> None:
    """An account; gifts of 900.00, and twice 50.00; a payment, and a suspended receipt."""
    served.record("/v1/accounts", account="icbc", kind="bank")
    for gift, amount, ref in (("G1", "900.00", "S1"), ("G2", "50.00", None), ("G3", "50.00", None)):
        served.record(
            "/v1/donations", donation=gift, donor="N1", fund="F", amount=amount, on=DAY, cash=leg(amount, ref)
        )
    served.record("/v1/allocations", allocation="A1", case="C", amount="200.00", on=DAY)
    lines = [{"case": "C", "amount": "200.00"}]
    served.record("/v1/hospital-payments", payment="P1", hospital="H", lines=lines, on=DAY, cash=leg("200.00", "P77"))
    served.record("/v1/suspended-receipts", suspense="S1", amount="30.00", on=DAY, cash=leg("30.00", "S4"))


@pytest.fixture(scope="module")
def desk(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """Two gifts of 50.00 (one line), one of 900.00, a payment, a suspended receipt; the statement of their month."""
    file = tmp_path_factory.mktemp("bank") / "s.csv"
    file.write_text(STATEMENT, "utf-8")
    record_money(served)
    Register(served.fenhao.journal, served.fenhao.vault).take(named(read_file(file, None), "icbc", file), file)
    served.fenhao.runner.catch_up()
    return served


def sign(desk: Served) -> None:
    """A head over all entries, by this or by the service itself, which signs every few seconds."""
    with suppress(SignedMeanwhile):
        log_of(desk.fenhao).publish()


def asked(desk: Served, path: str, role: str = "auditor") -> Any:
    said = desk.client().get(path, headers=desk.signed_in(role, name=f"b-{role}"))
    assert said.status_code == 200, said.text
    return said.json()


def post(desk: Served, path: str, body: Any = None, who: str = "ann") -> Response:
    headers = {**desk.signed_in("finance", name=who), "Idempotency-Key": f"b{next(_keys)}"}
    return desk.client().post(path, json=body, headers=headers)


def states(desk: Served) -> dict[str, str]:
    return {one["line"]: one["state"] for one in asked(desk, "/v1/bank/lines")["lines"]}


def periods(desk: Served) -> dict[str, str]:
    return {one["period"]: one["state"] for one in asked(desk, "/v1/periods")["periods"]}


def by_two(desk: Served, fact: str, **data: Any) -> Response:
    """Ann proposes, Bob approves."""
    made = post(desk, "/v1/proposals", {"fact": fact, "data": data})
    assert made.status_code == 201, made.text
    return post(desk, f"/v1/proposals/{made.json()['id']}/approval", who="bob")


def test_lines_come_by_account_month_and_page(desk: Served) -> None:
    first = asked(desk, "/v1/bank/lines?month=2026-09&account=icbc&limit=4")
    rest = asked(desk, f"/v1/bank/lines?limit=4&cursor={first['next']}")
    assert [one["line"] for one in [*first["lines"], *rest["lines"]]] == [f"B1/{n}" for n in range(1, 7)]
    assert rest["next"] is None
    assert asked(desk, "/v1/bank/lines?month=2026-08")["lines"] == []
    other = desk.client().get(
        f"/v1/bank/lines?state=matched&cursor={first['next']}", headers=desk.signed_in("auditor", name="b-auditor")
    )
    assert other.status_code == 400, "a cursor keeps its filters"
    for path in ("/v1/bank/lines/none", "/v1/bank/lines/B1", "/v1/periods/2026-13", "/v1/bank/lines?month=x"):
        assert desk.client("read").get(path).status_code == 400, path
    assert desk.client("read").get("/v1/bank/lines/B9/9").status_code == 404


def test_one_life_of_a_statement_to_the_close_and_back(desk: Served) -> None:
    assert set(states(desk).values()) == {"unmatched", "suggested"}
    lines = {one["line"]: one for one in asked(desk, "/v1/bank/lines")["lines"]}

    def named_line(name: str) -> dict[str, Any]:
        return {member: lines[name][member] for member in ("file", "statement", "ordinal")}

    def entry(stream: str) -> int:
        found = asked(desk, f"/v1/entries?stream={stream}")["entries"]
        return int(found[0]["entry"]["seq"])

    # A person chooses between the two gifts that the line could be; a rule's name is not a person's to take.
    idea = asked(desk, "/v1/bank/lines/B1/2")["suggested"][0]
    assert {one["seq"] for way in idea["alternatives"] for one in way["legs"]} == {
        entry("donation/G2"), entry("donation/G3"),
    }  # fmt: skip
    match = {"match": "M2", "lines": [named_line("B1/2")], "legs": [{"seq": entry("donation/G2")}]}
    assert post(desk, "/v1/bank/matches", {**match, "rule": "reference/1"}).status_code == 422
    assert post(desk, "/v1/bank/matches", match).status_code == 201
    for name, line, stream in (
        ("M1", "B1/1", "donation/G1"),
        ("M3", "B1/3", "payment/P1"),
        ("M4", "B1/4", "suspense/S1"),
    ):
        one = {"match": name, "lines": [named_line(line)], "legs": [{"seq": entry(stream)}]}
        assert post(desk, "/v1/bank/matches", one).status_code == 201, name
    behind = asked(desk, "/v1/bank/lines/B1/1")
    assert (behind["state"], behind["donations"][0]["donation"]) == ("matched", "G1")
    assert behind["donations"][0]["beneficiaries"] == [{"case": "C", "hospital": "H", "amount": 20_000}]

    # What was suspended is identified by the gift that names it, and the line leads on to it.
    gift = {"donation": "G4", "donor": "N4", "fund": "F", "amount": "30.00", "on": DAY, "suspense": "S1"}
    desk.fenhao.runner.wait_for(post(desk, "/v1/donations", gift).json()["seq"], 20)
    assert [one["donation"] for one in asked(desk, "/v1/bank/lines/B1/4")["donations"]] == ["G4"]

    # A dispute is one person's and undone by one; a write-off is two persons'.
    assert post(desk, "/v1/bank/disputes", {"match": "X5", "lines": [named_line("B1/5")]}).status_code == 201
    assert states(desk)["B1/5"] == "disputed"
    assert post(desk, "/v1/bank/unmatches", {"match": "X5"}, "bob").status_code == 201
    off = {"match": "W5", "lines": [named_line("B1/5")], "reason": "not_ours"}
    alone = post(desk, "/v1/bank/write-offs", off)
    assert alone.json()["type"] == "urn:fenhao:problem:two_persons_needed"
    assert by_two(desk, "LinesWrittenOff", **off).status_code == 201
    assert states(desk)["B1/5"] == "written_off"

    # A month with a line open closes only for a reason; nobody closes alone, nor in a batch.
    sign(desk)
    told = asked(desk, "/v1/periods/2026-09")
    assert (told["ready"], told["open"]) == (False, [{"line": "B1/6", "state": "unmatched"}])
    assert by_two(desk, "PeriodClosed", period="2026-09").json()["type"] == "urn:fenhao:problem:period_not_ready"
    assert by_two(desk, "LinesWrittenOff", match="W6", lines=[named_line("B1/6")], reason="not_ours").status_code == 201
    assert asked(desk, "/v1/periods/2026-09")["ready"]
    alone = post(desk, "/v1/period-closings", {"period": "2026-09"})
    assert alone.json()["type"] == "urn:fenhao:problem:two_persons_needed"
    batch = {"facts": [{"fact": "PeriodClosed", "data": {"period": "2026-09"}}]}
    assert post(desk, "/v1/batches", batch).json()["results"][0]["problem"]["type"].endswith("not_in_batch")
    closed = by_two(desk, "PeriodClosed", period="2026-09")
    assert closed.status_code == 201, closed.text
    data = desk.fenhao.journal.entries.read(closed.json()["seq"], 1)[0].data
    assert (data["by"], data["approved_by"]) == ("ann", ["bob"])
    assert data["accounts"] == [{"account": "icbc", "book": 83_000, "bank": 78_401, "bank_on": "2026-09-30"}], (
        "G3 is on no statement, and two lines were none of ours"
    )
    assert (periods(desk)["2026-09"], [*periods(desk).values()][-1]) == ("closed", "running")
    late = post(desk, "/v1/donations", {"donation": "L", "fund": "F", "amount": 1, "on": "2026-09-30"})
    assert late.json()["type"] == "urn:fenhao:problem:period_closed"
    again = {"period": "2026-09", "reason": "late_invoice"}
    assert post(desk, "/v1/period-reopenings", again).status_code == 422
    assert by_two(desk, "PeriodReopened", **again).status_code == 201
    assert periods(desk)["2026-09"] == "open"


def test_the_same_closing_asked_again_is_the_first_and_tells_it(desk: Served) -> None:
    sign(desk)
    said = {"period": "2025-12", "by": "li", "approved_by": ["wang"]}
    first = desk.post("/v1/period-closings", said, key="closing")
    again = desk.post("/v1/period-closings", said, key="closing")
    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert first.json()["seq"] == again.json()["seq"]
    assert desk.post("/v1/period-closings", {**said, "period": "2026-01"}, key="closing").status_code == 409


@pytest.mark.parametrize("kind", ["bank", "accounts", "flows", "fund", "hospital", "position", "ratios"])
def test_statements_are_downloads_that_the_log_bears_out(desk: Served, kind: str) -> None:
    sign(desk)
    period = "year=2026" if kind == "ratios" else "month=2026-09"
    said = desk.client("read").get(f"/v1/statements/{kind}?{period}&format=csv&language=zh")
    assert said.status_code == 200, said.text
    basis = basis_of(desk.fenhao)
    verdict = check_report(read_printed(said.content), said.content, desk.fenhao.journal, basis, lambda *_: None)
    assert (verdict.ok, verdict.unchanged) == (True, True)


def test_vouchers_and_pdfs_are_downloads_and_what_is_asked_wrongly_is_a_problem(desk: Served, tmp_path: Path) -> None:
    client = desk.client("read")
    assert "借方" in client.get("/v1/vouchers?month=2026-09&language=zh").content.decode("utf-8-sig")
    assert client.get("/v1/statements/fund?year=2026&format=pdf").content.startswith(b"%PDF-")
    for path in ("fund", "ratios?month=2026-09", "fund?from=2026-02-01&to=2026-01-01", "flows?month=2026-09&month=x"):
        assert client.get(f"/v1/statements/{path}").status_code == 400, path
    assert client.get("/v1/statements/flows?month=2026-09&fund=none").status_code == 404


def test_a_program_takes_statements_in_and_what_does_not_tie_takes_two_persons(desk: Served) -> None:
    client, path = desk.client("record"), "/v1/bank/statements"
    broken = STATEMENT.replace("950.00,S2", "951.00,S2").replace("2026-", "2024-").encode()

    def sent(data: bytes, name: str = "s.csv", query: str = "", **fields: str) -> Response:
        return client.post(f"{path}{query}", data=fields, files={"file": (name, data)})

    tried = sent(broken, query="?dry_run=true", account="icbc")
    assert (tried.status_code, tried.json()["statements"][0]["state"]) == (200, "held")
    made = sent(broken, account="icbc")
    [held] = made.json()["statements"]
    assert (made.status_code, made.json()["format"]) == (201, "csv")
    assert (held["state"], held["ties"], held["count"], held["credits"]) == ("held", False, 6, 98_401)
    assert held["problems"]
    again = sent(broken, account="icbc")
    assert (again.status_code, again.json()["statements"][0]["state"]) == (200, "already")
    mapping = '[columns]\nbooked_on = "Tag"\namount = "Betrag"\n[constants]\ncurrency = "CNY"\n'
    mapped = sent(b"Tag;Betrag\n2024-01-02;1.00\n", account="other", mapping=mapping)
    assert [(one["state"], one["ties"]) for one in mapped.json()["statements"]] == [("held", None)]
    for data, fields in ((b"", {}), (b"no statement", {}), (broken[:-9] + b"x", {}), (broken, {"mapping": "["})):
        assert sent(data, **fields).status_code in (400, 422), data
    assert client.post(path, content=b"x", headers={"Content-Type": "application/octet-stream"}).status_code == 400
    assert desk.client("read").post(path, files={"file": broken}).status_code == 403

    def refused(*parts: str, kind: str = "boundary=b", end: str = "\r\n--b--\r\n") -> tuple[int, str]:
        body = "".join(f"\r\n--b\r\nContent-Disposition: form-data; {part}" for part in parts)[2:] + end
        answer = client.post(path, content=body, headers={"Content-Type": f"multipart/form-data; {kind}"})
        return answer.status_code, answer.json()["type"].rpartition(":")[2]

    file, field = f'name="file"; filename="s.csv"\r\n\r\n{broken.decode()}', 'name="account"\r\n\r\nicbc'
    bad = (400, "bad_request")
    assert (refused(file, file), refused(field), refused(file, *[field] * 21)) == (bad, bad, bad)
    for cut in ((file[:-9],), (file, field[:-1])):
        assert refused(*cut, end="") == bad, "cut off on its way, it is not taken for the whole"
    for kind in ("a=b", "boundary=c", f"boundary={'b' * 300}", "boundary=b; charset=undefined"):
        assert refused(file, field, kind=kind) == bad, kind
    assert refused(file, f"{field}{'c' * 70_000}") == bad
    odd = (file.replace("s.csv", "\\ud800"), field), (file, f"{field}\\ud800"), (file, field.replace("acc", "\\ud800"))
    for parts in odd:
        assert refused(*parts, kind="boundary=b; charset=unicode_escape") == bad, "half a character is no text"
    with patch("api.http.uploads.MAX_BYTES", 1_000):
        assert refused(file, file, *[field + "c" * 60_000] * 2) == (413, "body_too_large")

    for _ in range(MAX_UPLOADS):
        assert desk.office.uploads.acquire(blocking=False), "each one that was sent gave back its place"
    assert sent(broken, account="icbc").status_code == 429
    desk.office.uploads.release(MAX_UPLOADS)

    here = f"{path}/{held['id']}"
    assert asked(desk, here)["state"] == "held"
    for who, said, status, state in (
        ("ann", {}, 422, "held"), ("ann", {"reason": "bank says so", "by": "bob"}, 422, "held"),
        ("ann", {"reason": "bank says so"}, 200, "held"), ("ann", {}, 422, "held"), ("bob", {}, 200, "accepted"),
        ("bob", {}, 422, "accepted"),
    ):  # fmt: skip
        answer = post(desk, f"{here}/acceptance", said, who)
        assert (answer.status_code, asked(desk, here)["state"]) == (status, state), answer.text
    assert asked(desk, here)["acceptance"].items() >= {"by": "ann", "approved_by": "bob"}.items()
    other = f"{path}/{mapped.json()['statements'][0]['id']}/acceptance"
    both = {"by": "li", "approved_by": "wang", "reason": "no balances"}
    assert client.post(other, json={**both, "approved_by": "li"}).status_code == 422
    assert client.post(other, json=both).json()["state"] == "accepted"
    first = asked(desk, f"{path}?account=icbc&limit=1")
    assert [first["statements"][0]["id"], asked(desk, f"{path}?cursor={first['next']}")["statements"][0]["id"]] == [
        "B1", held["id"],
    ]  # fmt: skip
