"""The desk of programme staff in a browser: what it shows is what the ledger says, and nothing is recorded unasked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from pages import DESK, PHONE, CheckAxe, Look, Windows
from serving import PASSWORD, Served

if TYPE_CHECKING:
    from playwright.sync_api import Page

DAY = "2026-03-02"


@pytest.fixture(scope="module")
def desk(served: Served) -> Served:
    """Fund F with restricted and free money, cases of one household, and two members of staff."""
    served.record("/v1/codes", dimension="disease", code="VSD", name="室间隔缺损")
    served.record("/v1/codes", dimension="disease", code="ASD", name="房间隔缺损")
    for case, person, disease in (("K1", "P-1", "VSD"), ("K2", "P-2", "ASD")):
        child = {"case": case, "person": person, "household": "HH", "attributes": {"disease": disease}}
        served.record("/v1/cases", fund="F", hospital="H", approved_by=["someone"], by="another", **child)
    gift = {"fund": "F", "on": DAY}
    served.record("/v1/donations", donation="G1", donor="N1", amount=100_000, **gift)
    served.record("/v1/donations", donation="G2", donor="N2", amount=30_000, restriction={"disease": ["VSD"]}, **gift)
    served.record("/v1/donations", donation="G3", donor="N3", amount=7_000, agreement="AG-1", **gift)
    later = {"restriction": {"disease": ["VSD"]}, "usable_from": "2099-01-01"}
    served.record("/v1/donations", donation="G4", donor="N4", amount=4_000, **later, **gift)
    for name in ("ann", "ben"):
        served.signed_in("programme", name=name)
    served.fenhao.runner.catch_up()
    return served


def signed_in(
    desk: Served, window: Windows, name: str, path: str, width: int = DESK, language: str = "en-US", **more: Any
) -> Page:
    """A window in which that person has signed in by the form, at a page."""
    desk.office.account_pace.forget()
    desk.office.address_pace.forget()
    page = window(width, language=language, **more)
    page.goto(f"{desk.url}/sign-in?next={path}")
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{desk.url}{path}")
    return page


def size(desk: Served) -> int:
    return desk.fenhao.journal.entries.head().size


def test_an_allocation_is_previewed_then_recorded_once(desk: Served, window: Windows, look: Look) -> None:
    page = signed_in(desk, window, "ann", "/programme/allocation?case=K1")
    before = size(desk)
    page.fill("input[name=amount]", "450.00")
    page.click("text=Preview")
    preview = page.locator("#preview")
    preview.locator("text=it is next in the order").first.wait_for()
    assert "Perhaps a duplicate" in preview.inner_text()
    assert "室间隔缺损" in preview.inner_text()
    rows = preview.locator("tr.picked").all_inner_texts()
    assert ["300.00" in rows[0], "150.00" in rows[1], len(rows)] == [True, True, 2], "the restricted money goes first"
    assert size(desk) == before
    look(page, "allocation")
    page.click("text=Record it")
    preview.locator("text=Recorded as entry").wait_for()
    entry = desk.fenhao.journal.entries.read(before, 1)[0]
    assert (entry.type, entry.data["amount"], entry.data["by"]) == ("AllocationMade", 45_000, "ann")
    assert size(desk) == before + 1


def test_what_cannot_be_is_said_where_it_was_asked(desk: Served, window: Windows) -> None:
    page = signed_in(desk, window, "ann", "/programme/allocation?case=K2", forgiven="400|422")
    before = size(desk)
    page.fill("input[name=amount]", "99999.00")
    page.click("text=Preview")
    page.locator("#preview .refusal[role=alert]").wait_for()
    assert "for disease 室间隔缺损; this case's is 房间隔缺损" in page.locator("#preview").inner_text()
    page.fill("input[name=amount]", "1.005")
    with page.expect_response("**/preview"):
        page.click("text=Preview")
    page.locator("#said >> text=never rounded").wait_for()
    assert size(desk) == before
    page.fill("input[name=amount]", "four")
    page.click("text=Preview")
    page.locator(".refusal", has_text="digits").wait_for()
    assert "urn:fenhao" not in page.content(), "words, not what programs are told"


def test_two_persons_propose_and_approve(desk: Served, window: Windows, look: Look) -> None:
    page = signed_in(desk, window, "ann", "/programme/allocation?case=K2")
    page.fill("input[name=amount]", "20.00")
    page.click("text=Preview")
    page.click("text=Propose it to a second person")
    page.locator("text=It waits for a second person.").wait_for()
    before = size(desk)
    page.goto(f"{desk.url}/programme/proposals")
    assert page.locator("button:has-text('Approve')").count() == 0, "nobody approves their own"
    other = signed_in(desk, window, "ben", "/programme/proposals")
    look(other, "proposals")
    other.click("button:has-text('Approve')")
    other.locator("text=Recorded as entry").wait_for()
    entry = desk.fenhao.journal.entries.read(before, 1)[0]
    assert (entry.data["by"], entry.data["approved_by"]) == ("ann", ["ben"])


@pytest.mark.parametrize(("width", "language"), [(PHONE, "zh-CN"), (DESK, "en-US")])
def test_the_desk_is_readable_on_any_screen(
    desk: Served, window: Windows, check_axe: CheckAxe, look: Look, width: int, language: str
) -> None:
    page = signed_in(desk, window, "ann", "/programme", width, language)
    page.locator(".watch").wait_for()
    for path in ("/programme", "/programme/funds/F", "/programme/allocation"):
        if not page.url.endswith(path):
            page.goto(desk.url + path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        check_axe(page)
        look(page, re.sub(r"\W+", "-", f"{path}-{language}-{width}"))


def test_the_desk_says_what_the_ledger_says(desk: Served, window: Windows) -> None:
    page = signed_in(desk, window, "ann", "/programme")
    agreement = page.locator("tr", has_text="AG-1").inner_text()
    assert "70.00" in agreement
    page.goto(f"{desk.url}/programme/funds/F")
    assert "disease: VSD" in page.locator("table").inner_text()


def test_by_keyboard_alone_one_comes_to_the_content(desk: Served, window: Windows) -> None:
    page = signed_in(desk, window, "ann", "/programme")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id || location.hash") in ("content", "#content")
