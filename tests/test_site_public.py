"""信息公开 in a browser: it says what the ledger says, everybody can read it, and no group in it is too small."""

from __future__ import annotations

import re

import pytest
from pages import DESK, PHONE, CheckAxe, Look, Windows
from serving import Served

from api.bootstrap import log_of
from projections.trace import reading
from reports.balances import balances_of
from reports.disclosed import disclosed

DAY = "2026-03-02"


@pytest.fixture(scope="module")
def public(served: Served) -> Served:
    """Money of two donors, six children helped through fund F and one through fund G, a mistake taken back, a head."""
    served.record("/v1/funds", fund="G", name="第二基金", fee_bp=500)
    for n in range(7):
        fund, case = "G" if n == 6 else "F", f"K{n}"
        served.record("/v1/cases", case=case, fund=fund, hospital="H", person=f"child-{n}")
        served.record("/v1/donations", donation=f"D{n}", donor=f"N{n % 2}", fund=fund, amount=50_000 + n, on=DAY)
        served.record("/v1/allocations", allocation=f"A{n}", case=case, amount=20_000, on=DAY)
        line = {"case": case, "amount": 20_000}
        served.record("/v1/hospital-payments", payment=f"P{n}", hospital="H", lines=[line], on=DAY)
    wrong = served.record("/v1/donations", donation="W", donor="N1", fund="F", amount=9_900, on=DAY)
    served.record("/v1/reversals", reverses=wrong["seq"], on=DAY, basis={"kind": "memo", "ref": "twice"})
    served.fenhao.runner.catch_up()
    log_of(served.fenhao).publish()
    return served


def test_the_page_says_what_the_balances_say(public: Served) -> None:
    page = public.client().get("/", headers={"Accept": "text/html"}).text
    with reading(public.fenhao.journal) as traces:
        total = balances_of(traces)
    for name in ("received", "used", "available"):
        assert f"{total[name] // 100:,}.{total[name] % 100:02}" in page, name
    told = disclosed(public.fenhao.journal)
    assert sum(fund.received for fund in told.funds) == total["received"]
    assert sum(month.received for month in told.months) == total["received"] - total["brought_forward"]
    assert [(one.reverses + 1, one.amount, one.basis) for one in told.corrections] == [
        (told.corrections[0].seq, 9_900, {"kind": "memo", "ref": "twice"})
    ]
    assert "memo twice" in page
    chinese = public.client().get("/", headers={"Accept": "text/html", "Accept-Language": "zh"}).text
    assert "签报 twice" in chinese
    rest = total["received"] - sum(total[name] for name in ("used", "allocated", "paid", "available"))
    assert (f"其余 {rest // 100:,}.{rest % 100:02} CNY" in chinese) == (rest > 0)
    assert told.entries == public.fenhao.journal.entries.head().size


def test_a_group_of_few_children_is_not_told_and_nobody_is_named(public: Served) -> None:
    children = {fund.id: fund.children for fund in disclosed(public.fenhao.journal).funds}
    assert children == {"F": 6, "G": None}
    page = public.client().get("/", headers={"Accept": "text/html"}).text
    rows = public.client().get("/flows.csv", headers={"Accept": "text/csv"}).text
    for text in (page, rows):
        assert re.search(r"\bN[01]\b|child-|\bK[0-6]\b", text) is None


@pytest.mark.parametrize(("width", "language", "dark"), [(PHONE, "zh-CN", True), (DESK, "en-US", False)])
def test_what_is_public_is_readable_by_everybody(
    public: Served, window: Windows, check_axe: CheckAxe, look: Look, width: int, language: str, dark: bool
) -> None:
    page = window(width, language=language, dark=dark)
    for path in ("/", "/sign-in", "/flows", "/heads"):
        page.goto(public.url + path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        check_axe(page)
        look(page, re.sub(r"\W+", "-", f"public{path}-{language}-{width}"))


def test_the_picture_is_kept_as_csv_and_as_png(public: Served, window: Windows) -> None:
    page = window(DESK, language="en-US")
    page.goto(public.url)
    with page.expect_download() as png:
        page.click("text=PNG")
    assert png.value.path().read_bytes().startswith(b"\x89PNG")
    with page.expect_download() as rows:
        page.click("text=CSV")
    lines = rows.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0] == "From,To,Amount,Share"
    of_donors = [line.split(",")[2] for line in lines if line.startswith("2 other donors")]
    assert sum(int(amount.replace(".", "")) for amount in of_donors) == sum(50_000 + n for n in range(7))


def test_the_interactive_picture_takes_the_still_ones_place_once_it_is_drawn(public: Served, window: Windows) -> None:
    page = window(DESK, language="en-US")
    page.goto(f"{public.url}/flows")
    page.locator("#interactive .sankey").first.wait_for()
    assert not page.locator(".flow .wide").is_visible()
    page.set_viewport_size({"width": PHONE, "height": 844})
    page.locator(".flow .tall").wait_for()
    assert not page.locator("#interactive").is_visible()
