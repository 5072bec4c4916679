"""我的善款: what a donor sees of their own and nobody else does, in words, as papers, and in a browser."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from openpyxl import load_workbook
from pages import DESK, PHONE, CheckAxe, Look, Windows
from serving import Served

from api.bootstrap import log_of
from ledger.database import tuples
from ledger.errors import BadValue
from projections import giving
from projections.trace import snapshot
from reports.certificates import in_capitals, number_of, parse_number
from reports.donor import Asked, giving_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGE = {"Accept": "text/html", "Accept-Language": "en"}
CHILD, OTHER_CHILD, NAME = "张小明", "李小红", "王大海"
OWN = (
    "",
    "/gifts/D1",
    "/flows",
    "/flows.csv",
    "/statements/2026-03",
    "/statements/2026-03.json",
    "/gifts/D1/certificate",
)
pytestmark = pytest.mark.usefixtures("story")


@pytest.fixture(scope="module")
def story(served: Served) -> None:
    """Two donors; one child was helped with the money of both, another got what the first did not need."""
    for dimension, code, name in (
        ("disease", "CHD", "先心病"),
        ("province", "410000", "河南"),
        ("age_band", "4-6", "4-6岁"),
    ):
        served.record("/v1/codes", dimension=dimension, code=code, name=name)
    served.record("/v1/funds", fund="G", name="明心基金", fee_bp=500)
    attributes = {"disease": "CHD", "province": "410000", "age_band": "4-6"}
    for case, person, name in (("C1", "P1", CHILD), ("C2", "P2", OTHER_CHILD)):
        more = {"attributes": attributes, "personal": {"beneficiary_name": name}}
        served.record("/v1/cases", case=case, fund="G", hospital="H", person=person, **more)
    for donation, donor, amount, on in (
        ("D1", "A", "100.00", "2026-03-05"),
        ("D2", "B", "100.00", "2026-03-06"),
        ("D3", "A", "20.00", "2026-04-01"),
    ):
        gift = {"donation": donation, "donor": donor, "fund": "G", "amount": amount, "on": on}
        served.record("/v1/donations", **gift, personal={"donor_name": NAME if donor == "A" else "赵一"})
    served.record("/v1/allocations", allocation="A1", case="C1", amount="150.00", on="2026-03-10")
    line = {"case": "C1", "amount": "120.00"}
    served.record("/v1/hospital-payments", payment="P1", hospital="H", lines=[line], on="2026-03-12")
    served.record("/v1/settlements", settlement="S1", hospital="H", case="C1", amount="70.00", on="2026-04-02")
    served.record("/v1/case-closings", case="C1", on="2026-04-03", reason="completed")
    served.record(
        "/v1/returns", payment="P1", case="C1", amount="50.00", on="2026-04-04", reason="surplus", return_id="R1"
    )
    served.record("/v1/allocations", allocation="A2", case="C2", amount="60.00", on="2026-04-20")
    for n in range(30):
        gift = {"donation": f"M{n}", "donor": "many", "fund": "F", "amount": "1.00", "on": f"2026-01-{n % 28 + 1:02}"}
        served.record("/v1/donations", **gift)
    log_of(served.fenhao).publish()
    served.fenhao.runner.wait_for(served.fenhao.journal.entries.head().size - 1, 20)


def get(served: Served, path: str, headers: dict[str, str], **more: str) -> httpx.Response:
    return served.client().get(path, headers={**PAGE, **headers, **more})


def test_a_donor_sees_their_own_and_nobody_elses(served: Served) -> None:
    own, other = served.donor("A"), served.donor("B")
    for path in OWN:
        assert get(served, f"/my{path}", own).status_code == 200, path
        assert get(served, f"/donors/A{path}", other).status_code == 403, path
    assert get(served, "/my/gifts/D1", other).status_code == 403
    assert get(served, "/my/gifts/D1/certificate", other).status_code == 403
    assert get(served, "/my/gifts/none", other).status_code == 403, "what is another's is as what is not there"
    assert "D1" not in get(served, "/my/statements/2026-03", other).text
    assert get(served, "/v1/entries/0/receipt", own).status_code == 403


def test_staff_and_auditors_see_any_donors_and_the_public_none(served: Served) -> None:
    for role in ("auditor", "programme", "finance"):
        headers = served.signed_in(role)
        assert [get(served, f"/donors/A{path}", headers).status_code for path in OWN] == [200] * len(OWN), role
        assert get(served, "/my", headers).status_code == 403
        assert get(served, "/donors/nobody", headers).status_code == 404
    led = get(served, "/donors/A", {})
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=/donors/A")
    assert get(served, "/my", {}).status_code == 303


def test_children_are_masked_and_named_only_to_those_who_may_know(served: Served) -> None:
    def told(headers: dict[str, str], path: str) -> str:
        return "".join(get(served, f"{path}{one}", headers).text for one in ("", "/gifts/D1", "/statements/2026"))

    mine = told(served.donor("A"), "/my")
    assert "张** · 4-6岁 · 河南 · 先心病" in mine
    assert "2026-04-02" not in mine, "of what is for a child the month alone"
    assert "张**" in told(served.signed_in("programme"), "/donors/A")
    for role in ("auditor", "finance"):
        assert "张" not in told(served.signed_in(role), "/donors/A"), role
    certificate = "/donors/A/gifts/D1/certificate"
    assert NAME in get(served, "/my/gifts/D1/certificate", served.donor("A")).text
    assert NAME not in get(served, certificate, served.signed_in("programme")).text
    for text in (mine, told(served.signed_in("programme"), "/donors/A")):
        assert CHILD not in text
        assert OTHER_CHILD not in text


def test_a_look_at_a_donors_page_is_noted_once(served: Served) -> None:
    def noted() -> list[dict[str, Any]]:
        found = get(served, "/v1/personal-accesses", served.signed_in("auditor")).json()["accesses"]
        assert isinstance(found, list)
        return found

    before = len(noted())
    get(served, "/my", served.donor("A"))
    after = noted()
    assert len(after) == before + 1
    assert (after[0]["by"], after[0]["reason"], after[0]["fields"]) == ("donor:A", "donor's page", ["beneficiary_name"])
    assert after[0]["subjects"] == ["person/P1", "person/P2"]
    get(served, "/my", served.donor("nobody"))
    assert len(noted()) == before + 1, "where nobody's name is shown nothing is read"


def test_the_front_page_says_where_all_of_it_is_and_what_was_changed_why(served: Served) -> None:
    def words(donor: str) -> str:
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", get(served, "/my", served.donor(donor)).text))

    mine, others = words("A"), words("B")
    for said in ("Given 120.00", "Management fee taken 6.00", "Return from hospital", "because surplus"):
        assert said in mine, said
    assert "of it now for another child: 25.00, 李**" in mine
    assert "Case closed" in others
    assert "because completed" in others
    empty = get(served, "/my", served.donor("nobody"))
    assert empty.status_code == 200
    assert "No gift under your name" in empty.text
    assert "There is no money to draw yet" in get(served, "/my/flows", served.donor("nobody")).text


def test_what_was_changed_is_the_same_found_from_gifts_as_found_from_moves(served: Served) -> None:
    told = []
    with snapshot(served.fenhao.journal) as connection:
        for donor in ("A", "B", "many", "nobody"):
            for limit in (1, 2, 10):
                before = None
                while True:
                    few = giving.changes(tuples(connection), donor, before, limit)
                    assert few == giving.changes(tuples(connection), donor, before, limit, many=True)
                    told += [change.type for change in few[0]]
                    before = few[1]
                    if before is None:
                        break
    assert len(told) == 3 * 3
    assert set(told) == {"CaseClosed", "HospitalPaymentReturned"}


def test_long_lists_come_in_pages_without_gap_or_overlap(served: Served) -> None:
    found: list[str] = []
    path = "/my"
    while True:
        text = get(served, path, served.donor("many")).text
        found += re.findall(r'href="/my/gifts/(M\d+)"', text)
        following = re.search(r'href="(/my\?gift=\d+)#gifts"', text)
        if following is None:
            break
        path = following[1]
    assert found == [f"M{n}" for n in range(29, -1, -1)]
    assert get(served, "/my/gifts/M0?step=nonsense", served.donor("many")).status_code == 400


def test_a_gifts_pieces_and_steps_page_by_place(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = get(served, "/my/gifts/D1", served.donor("A")).text
    monkeypatch.setattr("reports.donor.STEPS", 2)
    monkeypatch.setattr("reports.donor.PIECES", 1)
    for name, what in (("step", r"<strong>([^<]+)</strong>"), ("piece", r'<th scope="row"><code>([^<]+)</code>')):
        found: list[str] = []
        path: str | None = "/my/gifts/D1"
        while path:
            text = get(served, path, served.donor("A")).text
            found += re.findall(what, text)
            following = re.search(rf'href="(/my/gifts/D1\?{name}=[^"#]+)', text)
            path = following[1].replace("&amp;", "&") if following else None
        assert found == re.findall(what, whole), name


def test_a_statement_is_one_thing_in_every_form_and_the_same_when_made_again(served: Served) -> None:
    own = served.donor("A")
    size = served.fenhao.journal.entries.head().size
    kinds = ("pdf", "xlsx", "json", "csv")
    made = {one: get(served, f"/my/statements/2026-04.{one}?size={size}", own).content for one in kinds}
    code = get(served, "/my/statements/2026-04.json", own).json()["code"]
    page = get(served, "/my/statements/2026-04", own).text
    assert code[:8] in page
    figures = {row[0]: row[1] for row in get(served, "/my/statements/2026-04.json", own).json()["tables"][0]["rows"]}
    assert figures["donor_closing"] == figures["donor_opening"] + 2_000 - 100 - figures["donor_used"]
    [sheet] = load_workbook(io.BytesIO(made["xlsx"])).worksheets
    assert sheet["A1"].value == "Donor statement"
    served.record("/v1/donations", donation="D9", donor="A", fund="G", amount="5.00", on="2026-04-09")
    log_of(served.fenhao).publish()
    served.fenhao.runner.wait_for(size, 20)
    for one in kinds:
        assert get(served, f"/my/statements/2026-04.{one}?size={size}", own).content == made[one], one
    assert get(served, "/my/statements/2026-04.json", own).json()["code"] != code
    for bad in ("2026-13", "soon", "2026-04.exe"):
        assert get(served, f"/my/statements/{bad}", own).status_code in (400, 422), bad
    assert get(served, "/my/statements/2026-04?size=3", own).status_code == 404


def test_a_certificates_number_is_checked_against_the_public_log(served: Served) -> None:
    text = get(served, "/my/gifts/D1/certificate", served.donor("A")).text
    found = re.search(r"\d+(?:-[A-Z2-7]{4}){4}", text)
    assert found is not None
    number = parse_number(found[0])
    tile = served.client().get(f"/log/tile/0/000.p/{served.fenhao.journal.entries.head().size}").content
    assert number.is_of(tile[32 * number.seq : 32 * number.seq + 32]), "anybody can: the tiles are public"

    def said(asked: str, amount: str = "") -> str:
        return served.client().get("/certificates", params={"number": asked, "amount": amount}, headers=PAGE).text

    assert "a gift in our log" in said(found[0].lower())
    assert "the amount is right" in said(found[0], "100.00")
    assert "the amount is another" in said(found[0], "1,000.00")
    wrong = number_of(number.seq + 1, number.leaf)
    assert "no such number" in said(wrong)
    assert not any(name in said(found[0]) for name in (NAME, "D1", "donor/A"))
    first, again = (get(served, "/my/gifts/D1/certificate.pdf", served.donor("A")).content for _ in range(2))
    assert first == again
    assert first.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("minor", "said"),
    [
        (0, "零元整"),
        (5, "伍分"),
        (10, "壹角整"),
        (100, "壹元整"),
        (1_005, "壹拾元零伍分"),
        (10_050, "壹佰元伍角整"),
        (1_000_100, "壹万零壹元整"),
        (10_010_000, "壹拾万零壹佰元整"),
        (12_345_678_900, "壹亿贰仟叁佰肆拾伍万陆仟柒佰捌拾玖元整"),
        (10_000_000_100, "壹亿零壹元整"),
    ],
)
def test_amounts_are_said_in_capitals(minor: int, said: str) -> None:
    assert in_capitals(minor, 2) == said


@pytest.mark.parametrize("text", ["", "12", "12-AAAA-AAAA-AAAA", "x-AAAA-AAAA-AAAA-AAAA", "1-AAA1-AAAA-AAAA-AAAA"])
def test_what_is_no_number_is_told_how_one_looks(text: str) -> None:
    with pytest.raises(BadValue):
        parse_number(text)


@pytest.mark.parametrize(
    ("width", "language", "dark"),
    [(PHONE, "zh-CN", True), (DESK, "en", False)],
)
def test_a_donors_journey(
    served: Served, window: Windows, look: Look, check_axe: CheckAxe, width: int, language: str, dark: bool
) -> None:
    page = window(width, language=language, dark=dark, cookie=served.donor("A")["Cookie"])
    kept = f"{language[:2]}-{width}"
    for path, name in (
        ("/my", "donor"),
        ("/my/gifts/D1", "gift"),
        ("/my/statements/2026-04", "statement"),
        ("/my/gifts/D1/certificate", "certificate"),
    ):
        page.goto(f"{served.url}{path}")
        check_axe(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} fits {width}"
        look(page, f"{name}-{kept}")


def test_a_donor_goes_everywhere_by_keyboard_alone(served: Served, window: Windows) -> None:
    page = window(cookie=served.donor("A")["Cookie"])
    page.goto(f"{served.url}/my")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    follow(page, "/my/gifts/D1")
    assert page.locator("h1").inner_text() == "捐赠 D1"
    follow(page, "/my/gifts/D1/certificate")
    assert page.locator(".certificate .sum").inner_text() == "100.00 CNY"


def follow(page: Page, path: str) -> None:
    """Tabs to the link that leads there and presses Enter."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('href')") == path:
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    pytest.fail(f"no way to {path} by keyboard")


def test_a_donors_page_weighs_little(served: Served, page: Page) -> None:
    weights: list[int] = []
    page.set_extra_http_headers({"Cookie": served.donor("A")["Cookie"]})
    page.on("response", lambda answer: weights.append(len(answer.body())))
    page.goto(f"{served.url}/my", wait_until="networkidle")
    assert len(weights) >= 4
    assert sum(weights) <= 150_000


def test_waiting_money_is_told_by_the_days_it_has_waited_and_its_oldest_gift_by_name(served: Served) -> None:
    """One fen for each day around the ages' ends, two gifts on the oldest; none is younger than new."""
    today, waited = date(2026, 3, 1), [400, 400, 366, 365, 181, 180, 91, 90, 31, 30, 1, 0, -9]
    for n, days in enumerate(waited):
        gift = {"donation": f"W{n}", "donor": "patient", "fund": "F", "amount": 1, "on": str(today - timedelta(days))}
        last = served.record("/v1/donations", **gift)
    served.fenhao.runner.wait_for(last["seq"], 20)
    idle = giving_of(served.fenhao.journal, served.fenhao.vault, "patient", None, today, Asked()).idle
    assert idle is not None
    assert [(age.over, age.up_to, age.amount) for age in idle.ages] == [
        (0, 30, 4), (30, 90, 2), (90, 180, 2), (180, 365, 2), (365, None, 3),
    ]  # fmt: skip
    assert (idle.amount, idle.since, idle.days) == (13, today - timedelta(400), 400)
    assert served.fenhao.journal.entries.read(idle.first, 1)[0].stream == "donation/W0"
