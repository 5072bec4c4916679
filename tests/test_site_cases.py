"""个案 on the site: who paid for a child to the fen, names by role alone and noted, and which other money could pay."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest
from pages import DESK, PHONE, CheckAxe, Look, Windows
from serving import Served

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGE = {"Accept": "text/html", "Accept-Language": "zh"}


@pytest.fixture(scope="module")
def told(served: Served) -> Served:
    """Fund heart, and child K1, whom three gifts helped, one of them for VSD alone; more money waits."""
    for dimension, code, name in (("disease", "VSD", "室间隔缺损"), ("disease", "TOF", "法洛四联症")):
        served.record("/v1/codes", dimension=dimension, code=code, name=name)
    served.record("/v1/funds", fund="heart", name="先心病救助", fee_bp=0)
    attributes = {"disease": "VSD"}
    more = {"personal": {"beneficiary_name": "王小明"}}
    served.record("/v1/cases", case="K1", fund="heart", hospital="H", person="P1", attributes=attributes, **more)
    served.record(
        "/v1/cases", case="K2", fund="heart", hospital="H", person="P1", purpose="rehab", attributes=attributes
    )
    for n, (amount, restriction) in enumerate((("100.00", None), ("50.00", {"disease": ["VSD"]}), ("7.77", None)), 1):
        terms = {} if restriction is None else {"restriction": restriction}
        named = {"personal": {"donor_name": "张三"}} if n == 1 else {}
        gift = {"donation": f"D{n}", "donor": f"DN-{n}", "fund": "heart", "amount": amount, "on": "2026-01-05"}
        served.record("/v1/donations", **gift, **terms, **named)
    served.record("/v1/allocations", allocation="A1", case="K1", amount="157.77", on="2026-02-01")
    lines = [{"case": "K1", "amount": "120.00"}]
    served.record("/v1/hospital-payments", payment="Y1", hospital="H", lines=lines, on="2026-02-02")
    settled = {"settlement": "S1", "hospital": "H", "case": "K1", "amount": "80.00"}
    last = served.record("/v1/settlements", **settled, on="2026-02-03")
    gift = {"fund": "heart", "donor": "DN-9", "on": "2026-02-04"}
    served.record("/v1/donations", donation="D8", amount="30.00", **gift)
    tof = {"restriction": {"disease": ["TOF"]}}
    last = served.record("/v1/donations", donation="D9", amount="40.00", **gift, **tof)
    served.fenhao.runner.wait_for(last["seq"], 20)
    return served


def asked(told: Served, path: str, *roles: str) -> httpx.Response:
    return told.client().get(path, headers={**PAGE, **told.signed_in(*roles)})


def test_nobody_but_readers_sees_a_case(told: Served) -> None:
    assert told.client().get("/cases/K1", headers=PAGE).headers["location"].startswith("/sign-in")
    assert told.client().get("/cases/K1", headers={**PAGE, **told.donor("DN-1")}).status_code == 403
    assert asked(told, "/cases/nobody", "auditor").status_code == 404


def test_the_gifts_add_up_to_what_stands_for_the_child(told: Served) -> None:
    text = asked(told, "/cases/K1", "auditor").text
    table = text.partition('id="whose-title"')[2].partition("</table>")[0]
    amounts = [re.findall(r'class="amount"[^>]*>([\d.,]+)<', row) for row in table.split("<tr>")[2:]]
    minor = [[int(one.replace(".", "").replace(",", "")) for one in row] for row in amounts]
    assert [sum(column) for column in zip(*minor[:-1], strict=True)] == minor[-1] == [37_77, 40_00, 80_00, 157_77]


def test_a_page_of_gifts_goes_on_where_the_one_before_ended(told: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.site.cases.PAGE", 2)
    first = asked(told, "/cases/K1", "auditor").text
    following = re.search(r'href="(/cases/K1\?after=\d+)#whose" rel="next"', first)
    assert following is not None
    second = asked(told, following[1], "auditor").text
    found = [
        set(re.findall(r"DN-\d", page.partition('id="whose-title"')[2].partition("</table>")[0]))
        for page in (first, second)
    ]
    assert found == [{"DN-1", "DN-2"}, {"DN-3"}]


def test_cases_come_by_the_page_with_their_filter(told: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.site.cases.PAGE", 1)
    seen, path = [], "/cases?q=K&open=true&fund=heart"
    while path:
        text = asked(told, path, "auditor").text
        seen += re.findall(r'<th scope="row"><a href="/cases/(\w+)"', text)
        following = re.search(r'href="([^"]+)" rel="next"', text)
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == ["K1", "K2"]
    listed = asked(told, "/cases?q=K1", "auditor").text
    assert "先心病救助" in listed, "a fund by its name"
    none = asked(told, "/cases?fund=F", "auditor").text
    assert 'href="/cases/K' not in none
    assert "只列基金" in none


def test_other_money_says_why_it_cannot_pay(told: Served) -> None:
    text = asked(told, "/cases/K1", "programme").text
    assert "可为本个案匹配 30.00 CNY" in text
    assert "限定病种为法洛四联症，本个案是室间隔缺损" in text
    assert 'href="/cases/K2"' in text, "another open case of the same child"


@pytest.mark.parametrize(("role", "sees", "not_this"), [("finance", "张三", "王小明"), ("programme", "王小明", "张三")])
def test_names_are_for_their_own_desk_with_a_reason_that_is_kept(
    told: Served, role: str, sees: str, not_this: str
) -> None:
    plain = asked(told, "/cases/K1", role).text
    assert sees not in plain
    headers = {**PAGE, **told.signed_in(role), "Content-Type": "application/x-www-form-urlencoded"}
    refused = told.client().post("/cases/K1/names", data={"reason": ""}, headers=headers)
    assert refused.status_code in (400, 422)
    found = told.client().post("/cases/K1/names", data={"reason": "复核凭据"}, headers=headers).text
    assert sees in found
    assert not_this not in found
    assert any(one.by == role and one.reason == "复核凭据" for one in told.fenhao.vault.accesses(None, 10))
    auditor = {**PAGE, **told.signed_in("auditor"), "Content-Type": "application/x-www-form-urlencoded"}
    assert told.client().post("/cases/K1/names", data={"reason": "x"}, headers=auditor).status_code == 403


@pytest.mark.parametrize(("width", "dark", "language"), [(DESK, False, "zh-CN"), (PHONE, True, "en")])
def test_a_case_can_be_read_by_everybody(
    window: Windows, told: Served, look: Look, check_axe: CheckAxe, width: int, dark: bool, language: str
) -> None:
    page = window(width, dark=dark, language=language, cookie=told.signed_in("finance")["Cookie"])
    for path, name in (("/cases", "cases"), ("/cases/K1", "case"), ("/cases?q=none", "cases-none")):
        page.goto(told.url + path)
        check_axe(page)
        look(page, f"{name}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_a_reader_at_the_keyboard_opens_names_with_a_reason(window: Windows, told: Served) -> None:
    page: Page = window(language="zh-CN", cookie=told.signed_in("finance")["Cookie"])
    page.goto(f"{told.url}/cases/K1")
    page.get_by_text("查看捐赠人姓名").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("电话咨询")
    page.keyboard.press("Enter")
    page.get_by_role("rowheader", name="张三 · DN-1").wait_for()
    assert page.url == f"{told.url}/cases/K1", "nothing of the reason is in the address"
