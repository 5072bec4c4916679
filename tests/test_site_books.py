"""The books on finance's desk: statements taken in, suggestions decided, months closed by two, papers checked."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import msgspec
import pytest
from httpx import Response
from pages import DESK, PHONE, CheckAxe, Look, Windows
from serving import Served
from test_http_bank import DAY, STATEMENT, record_money, sign
from test_site_programme import signed_in

from api.bootstrap import log_of
from reports.bank_desk import read_ideas
from reports.closing import open_lines
from reports.confirmations import About, letter_of, reference_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

OFF = STATEMENT.replace("784.01,S6", "785.01,S6").replace("2026-09", "2026-10")
"""Of the next month, a yuan off."""


@pytest.fixture(scope="module")
def desk(served: Served) -> Served:
    """Gifts of 900.00, and twice 50.00, a payment, a suspended receipt; the statement comes with the first test."""
    record_money(served)
    for name in ("ann", "bob"):
        served.signed_in("finance", name=name)
    served.fenhao.runner.catch_up()
    return served


def post(desk: Served, path: str, who: str = "ann", file: bytes | None = None, **fields: str) -> Response:
    headers = {**desk.signed_in("finance", name=who), "Accept": "text/html", "HX-Request": "true"}
    if file is None:
        return desk.client().post(path, data={"key": "0" * 24, **fields}, headers=headers)
    return desk.client().post(path, data=fields, files={"file": ("s.csv", file)}, headers=headers)


def page_of(desk: Served, path: str) -> str:
    said = desk.client().get(path, headers={**desk.signed_in("finance", name="ann"), "Accept": "text/html"})
    assert said.status_code == 200, said.text
    return said.text


def states(desk: Served) -> dict[tuple[int, int], str]:
    ideas = read_ideas(desk.fenhao.journal).lines
    with desk.fenhao.journal.entries.reading() as cursor:
        return dict(open_lines(cursor, None, ideas))


def check_a_statement_is_taken_in_once_and_one_that_does_not_tie_is_accepted_by_two(desk: Served) -> None:
    said = post(desk, "/finance/statements", file=STATEMENT.encode(), account="icbc")
    assert (said.status_code, "It ties, and was taken in." in said.text) == (200, True), said.text
    assert (
        "nothing was recorded twice" in post(desk, "/finance/statements", file=STATEMENT.encode(), account="icbc").text
    )
    held = post(desk, "/finance/statements", file=OFF.encode(), account="other").text
    assert "a difference of 1.00" in held
    number = re.search(r"/finance/statements/(\d+)", held)
    assert number is not None
    path = f"/finance/statements/{number[1]}"
    assert "ann asks" in post(desk, f"{path}/acceptance", reason="misprint").text
    assert post(desk, f"{path}/acceptance").status_code == 422, "not one's own word twice"
    assert "approved by bob" in post(desk, f"{path}/acceptance", who="bob").text
    assert post(desk, f"{path}/acceptance", who="bob").status_code == 422, "once"
    for bad in (b"", b"no statement", b"a,b\n1,2\n"):
        assert post(desk, "/finance/statements", file=bad, account="icbc").status_code in (400, 422), bad
    assert "捐款" not in page_of(desk, path), "what people wrote is sealed"
    assert "捐款" in post(desk, f"{path}/names", reason="who is it").text


def check_an_auditor_reads_all_of_it_and_does_none(desk: Served) -> None:
    headers = {**desk.signed_in("auditor", name="aud"), "Accept": "text/html"}
    for path in ("statements", "statements/1", "lines", "lines/B1/1", "suggestions", "suspense", "months", "papers"):
        said = desk.client().get(f"/finance/{path}", headers=headers)
        assert said.status_code == 200, path
        assert "hx-post" not in said.text.replace('hx-post="/finance/papers"', ""), path
    assert desk.client().post("/finance/lines/rules", headers=headers).status_code == 403


def shown(desk: Served, window: Windows, path: str, width: int = DESK, language: str = "en-US") -> Page:
    return signed_in(desk, window, "ann", path, width, language)


def check_a_person_decides_what_the_rules_only_suggest(
    desk: Served, window: Windows, look: Look, check_axe: CheckAxe
) -> None:
    page = shown(desk, window, "/finance/lines")
    page.click("text=matches that the rules are sure of")
    page.locator("text=3 matches were recorded").wait_for()
    assert states(desk)[1, 2] == "suggested"
    page.goto(f"{desk.url}/finance/suggestions")
    assert page.locator(".sides").count() == 2, "either of two gifts"
    check_axe(page)
    look(page, "suggestions-1280")
    page.locator(".sides").first.locator("text=They don't").click()
    page.locator("text=Refused").wait_for()
    assert page.locator(".sides").count() == 1, "what is refused comes no more"
    page.click("text=They belong together")
    page.locator("text=Recorded as entry").wait_for()
    assert (1, 2) not in states(desk)
    [entry] = desk.fenhao.journal.entries.read(desk.fenhao.journal.entries.head().size - 1, 1)
    assert (entry.type, entry.data["by"], entry.data["rule"]) == ("LinesMatched", "ann", "person/1")
    page.goto(f"{desk.url}/finance/lines/B1/2")
    page.click("text=Undo")
    page.locator(".state.unmatched, .state.suggested").first.wait_for()
    page.fill("input[name=entries]", "donation/G3")
    page.click("button[value=match]")
    page.locator("text=Recorded as entry").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def check_lines_and_months_are_readable_on_a_phone(
    desk: Served, window: Windows, look: Look, check_axe: CheckAxe, width: int, language: str
) -> None:
    sign(desk)
    page = shown(desk, window, "/finance/lines", width, language)
    for path in ("statements", "statements/1", "lines", "lines/B1/1", "suspense", "months", "months/2026-09", "papers"):
        page.goto(f"{desk.url}/finance/{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        check_axe(page)
        look(page, f"books-{path.replace('/', '-')}-{width}")


def check_what_no_single_entry_can_name_is_matched_in_parts(desk: Served) -> None:
    """Three gifts under one reference, and a line of a fen more: two of them are as many as an entry names here."""
    for n, amount in enumerate(("10.00", "20.00", "30.00")):
        cash = [{"account": "icbc", "amount": amount, "bank_on": "2025-05-05", "bank_ref": "BULK"}]
        desk.record("/v1/donations", donation=f"BULK{n}", fund="F", amount=amount, on="2025-05-05", cash=cash)
    bulk = "交易日期,金额,余额,流水号\n2025-05-05,60.01,60.01,BULK\n"
    said = post(desk, "/finance/statements", file=bulk.encode(), account="icbc").text
    number = re.search(r"/finance/statements/(\d+)", said)
    assert number is not None
    path = f"/finance/lines/B{number[1]}/1"
    several = post(desk, path, deed="match", entries="B1/5 donation/BULK0 donation/BULK1", key="e" * 24)
    assert (several.status_code, "match one line, or one entry, at a time" in several.text) == (422, True), several.text
    way = re.search('name="way" value="([0-9a-f]+)"', page_of(desk, path))
    assert way is not None
    before = desk.fenhao.journal.entries.head().size
    with patch("reports.matching.MOST_LEGS", 2):
        done = post(desk, path, deed="accept", way=way[1], key="f" * 24)
    assert "Recorded as entry" in done.text, done.text
    assert states(desk)[int(number[1]), 1] == "partial"
    parts = [one.data["lines"][0]["amount"] for one in desk.fenhao.journal.entries.read(before, 9)]
    assert (len(parts), sum(parts)) == (2, 6_000)
    said = post(desk, path, deed="write_off", reason="small_difference", key="9" * 24).text
    assert "It waits for a second person." in said
    approve_all(desk)


def check_a_receipt_is_a_gift_a_return_and_what_goes_back_on_the_page(desk: Served) -> None:
    assert "S1" in page_of(desk, "/finance/suspense")
    path = "/finance/suspense/S1"
    gift = {"donation": "GS", "fund": "F", "donor": "N9"}
    repaid = {"account": "icbc", "bank_ref": "BACK"}
    for number, (deed, amount, fields) in enumerate(
        (
            ("gift", "10.00", gift),
            ("return", "5.00", {"payment": "P1", "case": "C", "reason": "surplus"}),
            ("repay", "14.00", repaid),
        ),
        1,
    ):
        said = post(desk, path, "ann", None, deed=deed, amount=amount, on=DAY, key=f"{number}" * 24, **fields)
        assert "Recorded as entry" in said.text, said.text
    assert post(desk, path, deed="grant", amount="1.00", on=DAY, grant="none").status_code == 422, "no such grant"
    assert post(desk, path, "ann", None, deed="repay", amount="2.00", on=DAY, **repaid).status_code == 422, (
        "1.00 is left"
    )
    proposed = post(desk, path, "ann", None, deed="repay", amount="1.00", on=DAY, propose="1", key="8" * 24, **repaid)
    assert "It waits for a second person." in proposed.text
    approve_all(desk)
    assert "S1 ·" not in page_of(desk, "/finance/suspense")


def check_a_month_is_closed_once_nothing_is_in_the_way_and_another_approves(desk: Served) -> None:
    sign(desk)
    assert "B1/5" in page_of(desk, "/finance/months/2026-09")
    early = post(desk, "/finance/months/2026-09", deed="close", key="a" * 24)
    assert (early.status_code, "cannot be closed yet" in early.text) == (422, True)
    for number, key in ((5, "b"), (6, "c")):
        said = post(desk, f"/finance/lines/B1/{number}", deed="write_off", reason="not_ours", key=key * 24)
        assert "It waits for a second person." in said.text
    approve_all(desk)
    assert (1, 5) not in states(desk)
    assert "every line up to its end is settled" in page_of(desk, "/finance/months/2026-09")
    assert post(desk, "/finance/months/2026-09", deed="close", key="d" * 24).status_code == 200
    approve_all(desk)
    page = page_of(desk, "/finance/months/2026-09")
    assert "Closed by entry" in page
    assert "ann, bob" in page
    assert post(desk, "/finance/months/2026-09", deed="reopen", reason="late", key="e" * 24).status_code == 200
    approve_all(desk)
    assert "Closed by entry" not in page_of(desk, "/finance/months/2026-09")


def approve_all(desk: Served) -> None:
    headers = desk.signed_in("finance", name="bob")
    waiting: Any = desk.client().get("/v1/proposals", headers=headers).json()
    for one in waiting["proposals"]:
        said = desk.client().post(f"/programme/proposals/{one['id']}/approval", headers=headers)
        assert said.status_code == 200, said.text


def check_a_statement_somebody_has_is_checked_against_the_log(desk: Served) -> None:
    sign(desk)
    file = desk.client("read").get("/v1/statements/fund?month=2026-09&format=csv&language=en").content
    assert "it says what the log says" in post(desk, "/finance/papers", file=file).text
    changed = post(desk, "/finance/papers", file=file.replace(b"1070.00", b"1071.00")).text
    assert "it says what the log does not" in changed
    assert post(desk, "/finance/papers", file=b"nothing of ours").status_code in (400, 422)
    about = About("hospital", "H", date(2026, 9, 1), date(2026, 9, 30))
    head = log_of(desk.fenhao).checkpoint()
    assert head is not None
    letter = letter_of(desk.fenhao.journal, head, about)
    sent = msgspec.json.encode({**letter, "reference": str(reference_of(letter))})
    assert "a confirmation letter whose figures are the log" in post(desk, "/finance/papers", file=sent).text
    forged = sent.replace(b'"closing":{"paid":', b'"closing":{"paid":1')
    assert "it says what the log does not" in post(desk, "/finance/papers", file=forged).text


def test_finances_month_from_its_statement_to_its_close(
    desk: Served, window: Windows, look: Look, check_axe: CheckAxe
) -> None:
    """One story: each step stands on those before it, so that no two processes may share them."""
    check_a_statement_is_taken_in_once_and_one_that_does_not_tie_is_accepted_by_two(desk)
    check_an_auditor_reads_all_of_it_and_does_none(desk)
    check_a_person_decides_what_the_rules_only_suggest(desk, window, look, check_axe)
    check_lines_and_months_are_readable_on_a_phone(desk, window, look, check_axe, PHONE, "zh-CN")
    check_what_no_single_entry_can_name_is_matched_in_parts(desk)
    check_a_receipt_is_a_gift_a_return_and_what_goes_back_on_the_page(desk)
    check_a_month_is_closed_once_nothing_is_in_the_way_and_another_approves(desk)
    check_a_statement_somebody_has_is_checked_against_the_log(desk)
