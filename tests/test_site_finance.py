"""The desk of finance in a browser: both sides of the cash position, and payments seen before they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pages import DESK, PHONE, CheckAxe, Look, Windows
from serving import Served
from test_site_programme import signed_in, size

from projections.trace import reading

if TYPE_CHECKING:
    from playwright.sync_api import Page

DAY = "2026-03-02"


@pytest.fixture(scope="module")
def desk(served: Served) -> Served:
    """Money allocated to case C, part of it paid to hospital H long ago; two persons of finance and one programme's."""
    served.record("/v1/donations", donation="G1", donor="N1", fund="F", amount=100_000, on=DAY)
    served.record("/v1/allocations", allocation="A1", case="C", amount=80_000, on=DAY)
    line = {"case": "C", "amount": 12_300, "bill_no": "B-1"}
    served.record("/v1/hospital-payments", payment="P1", hospital="H", lines=[line], on=DAY)
    served.signed_in("finance", name="fay")
    served.signed_in("programme", name="ann")
    served.fenhao.runner.catch_up()
    return served


def at_form(desk: Served, window: Windows) -> Page:
    page = signed_in(desk, window, "fay", "/finance/payment?case=C")
    page.fill("input[name=hospital]", "H")
    page.fill("input[name=amount]", "100.00")
    return page


def test_a_payment_is_previewed_then_recorded_with_its_bill(desk: Served, window: Windows, look: Look) -> None:
    page, before = at_form(desk, window), size(desk)
    page.fill("input[name=bill_no]", "B-2")
    page.click("text=Preview")
    page.locator("#preview table").wait_for()
    assert "Allocated: C" in page.locator("#preview").inner_text()
    assert size(desk) == before
    look(page, "payment")
    page.click("text=Record it")
    page.locator("text=Recorded as entry").wait_for()
    entry = desk.fenhao.journal.entries.read(before, 1)[0]
    assert (entry.type, entry.data["by"]) == ("HospitalPaymentMade", "fay")
    assert entry.data["lines"] == [{"case": "C", "amount": 10_000, "bill_no": "B-2"}]


def test_what_would_be_paid_twice_is_refused_in_the_preview(desk: Served, window: Windows) -> None:
    page, before = at_form(desk, window), size(desk)
    page.fill("input[name=bill_no]", "B-1")
    page.fill("input[name=bill_amount]", "123.00")
    page.click("text=Preview")
    page.locator("#preview [role=alert]").wait_for()
    assert page.locator("text=Record it").count() == 0
    assert size(desk) == before


@pytest.mark.parametrize(("width", "language"), [(PHONE, "zh-CN"), (DESK, "en-US")])
def test_the_desk_is_readable_and_adds_up(
    desk: Served, window: Windows, check_axe: CheckAxe, look: Look, width: int, language: str
) -> None:
    page = signed_in(desk, window, "fay", "/finance", width, language)
    page.locator("#advances ~ div table").wait_for()
    page.locator("tfoot").nth(1).wait_for()
    held, must_be = (page.locator("tfoot").nth(n).inner_text() for n in range(2))
    with reading(desk.fenhao.journal) as traces:
        paid = traces.hospital("H")["paid"]
    assert desk.office.currency.say(100_000 - paid).removesuffix(" CNY") in held, "what was paid is held no more"
    assert must_be.split()[-1] == "0.00"
    assert "123.00" in page.locator("#advances ~ div").inner_text(), "only what is old enough is asked after"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    check_axe(page)
    look(page, f"finance-{width}")


def test_programme_staff_have_no_such_desk(desk: Served) -> None:
    client, headers = desk.client(), {**desk.signed_in("programme", name="ann"), "Accept": "text/html"}
    assert client.get("/finance", headers=headers).status_code == 403
    assert client.get("/finance/payment", headers=headers).status_code == 403
    assert "/finance" not in client.get("/programme", headers=headers).text


def tab_to(page: Page, selector: str) -> None:
    """Goes by Tab alone to what the selector finds; it must be reachable."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"no way to {selector} by keyboard")


def test_by_keyboard_alone_a_payment_is_made(desk: Served, window: Windows) -> None:
    page, before = signed_in(desk, window, "fay", "/finance"), size(desk)
    tab_to(page, "a[href='/finance/payment']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/finance/payment")
    for name, text in (("hospital", "H"), ("case", "C"), ("amount", "7.00")):
        tab_to(page, f"input[name={name}]")
        page.keyboard.type(text)
    tab_to(page, "#deed button")
    page.keyboard.press("Enter")
    page.locator("#preview table").wait_for()
    tab_to(page, "#preview button")
    page.keyboard.press("Enter")
    page.locator("text=Recorded as entry").wait_for()
    assert desk.fenhao.journal.entries.read(before, 1)[0].data["lines"][0]["amount"] == 700


def test_by_keyboard_alone_an_auditor_comes_to_an_entrys_bytes(desk: Served, window: Windows) -> None:
    desk.signed_in("auditor", name="aud")
    page = signed_in(desk, window, "aud", "/audit")
    tab_to(page, "a[href='/audit/entries']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/audit/entries")
    tab_to(page, "main table a[href^='/audit/entries/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/audit/entries/*")
    assert '"seq":' in page.locator("main").inner_text()
