"""审计 on the site: what an auditor looks at, and finds, and that a false ledger shows."""

from __future__ import annotations

import io
import re
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pages import DESK, PHONE, CheckAxe, Look, Windows
from serving import Served

from api.bootstrap import log_of
from api.inspecting import Inspection, Inspector
from audit import verify
from ledger.times import find_zone, local_day, utc_now
from reports.journal_tests import TESTS, Thresholds, counts_of, found_by, stretch_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGE = {"Accept": "text/html", "Accept-Language": "zh"}
ZONE = find_zone("Asia/Shanghai")


@pytest.fixture(scope="module")
def told(served: Served) -> Served:
    """Gifts: one commits to a name, one was long before it was recorded, one is just under 500.00."""
    today = local_day(utc_now(), ZONE).isoformat()
    for name, amount, on, more in (
        ("A1", "100.00", today, {"personal": {"donor_name": "张三"}}),
        ("A2", "10.00", "2026-01-05", {}),
        ("A3", "490.00", today, {"by": "li", "approved_by": ["li", "wang"]}),
        ("A4", "500.00", today, {"by": "li"}),
    ):
        gift = {"donation": name, "fund": "F", "amount": amount, "on": on, "donor": f"DN-{name}"}
        last = served.record("/v1/donations", **gift, **more)
    served.fenhao.runner.wait_for(last["seq"], 20)
    log_of(served.fenhao).publish()
    return served


def seq_of(told: Served, stream: str) -> int:
    with told.fenhao.journal.entries.reading() as cursor:
        [(seq,)] = cursor.execute("select seq from entry where stream = %s", (stream,)).fetchall()
    return int(seq)


def asked(told: Served, path: str, role: str = "auditor") -> httpx.Response:
    return told.client().get(path, headers={**PAGE, **told.signed_in(role)})


def test_the_audit_is_for_those_who_may_have_the_entries(told: Served) -> None:
    for path in ("/audit", "/audit/entries", "/audit/entries/0", "/audit/tests", "/audit/export.zip"):
        assert told.client().get(path, headers={**PAGE, **told.donor("DN-A1")}).status_code == 403, path
        assert asked(told, path, "finance").status_code == 200, path
    finance = told.signed_in("finance")
    assert told.client().post("/audit/verification", headers={**PAGE, **finance}).status_code == 403
    assert asked(told, "/audit/entries/999999").status_code == 404
    assert asked(told, "/audit/tests?limit=much").status_code in (400, 422)


def test_an_entry_is_shown_as_it_was_sealed(told: Served) -> None:
    seq = seq_of(told, "donation/A1")
    text = asked(told, f"/audit/entries/{seq}").text
    sealed = told.client("read", "log").get(f"/v1/entries/{seq}").json()
    assert sealed["leaf"] in text
    assert sealed["entry"]["data"]["commitments"]["donor_name"] in text
    assert "张三" not in text
    assert text.count('class="yes"') == 2, "its hash and the chain"
    assert {f"/audit/entries/{seq - 1}", f"/audit/entries/{seq + 1}"} <= set(re.findall(r'href="([^"]*)"', text))


def test_an_entry_that_was_changed_is_told_at_sight(told: Served) -> None:
    seq = seq_of(told, "donation/A2")
    change = (
        "update entry set body = convert_to(replace(convert_from(body, 'UTF8'), '\"amount\":{}', '\"amount\":{}'),"
        " 'UTF8') where seq = %s"
    )
    with told.fenhao.database.owner() as owner:
        owner.execute("alter table entry disable trigger all")
        owner.execute(change.format("1000", "9000"), (seq,))
        try:
            text = asked(told, f"/audit/entries/{seq}").text
        finally:
            owner.execute(change.format("9000", "1000"), (seq,))
            owner.execute("alter table entry enable trigger all")
    assert "本分录被改动过" in text
    assert "本分录被改动过" not in asked(told, f"/audit/entries/{seq}").text


def test_entries_come_by_the_page_with_their_filters(told: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.site.audit.PAGE", 2)
    seen: list[str] = []
    path = "/audit/entries?type=DonationReceived&stream=&before="
    while path:
        text = asked(told, path).text
        table = text.partition("<tbody>")[2].partition("</tbody>")[0]
        seen += re.findall(r"stream=donation%2F(\w+)", table)
        following = re.search(r'href="([^"]+)" rel="next"', text)
        path = following[1].replace("&amp;", "&") if following else ""
    assert [one for one in seen if one.startswith("A")] == ["A4", "A3", "A2", "A1"]
    assert len(seen) == len(set(seen))


def test_journal_tests_find_what_their_thresholds_say(told: Served) -> None:
    today = local_day(utc_now(), ZONE)
    with told.fenhao.journal.entries.reading() as cursor:
        size = told.fenhao.journal.entries.head().size
        stretch = stretch_of(cursor, size, ZONE, today, today)
        assert (stretch.first, stretch.end, stretch.later) == (0, size, 0)
        thresholds = Thresholds(days=7, night=0, morning=24, limit=500_00, percent=5)
        found = {
            name: {one.stream for one in found_by(cursor, name, stretch, thresholds, ZONE, size, 50)} for name in TESTS
        }
        counts = counts_of(cursor, stretch, thresholds, ZONE)
        none = counts_of(cursor, stretch, Thresholds(10_000, 24, 0, 0), ZONE)
        assert stretch_of(cursor, size, ZONE, today.replace(year=2020), today.replace(year=2020)).end == 0
    assert found["back_dated"] == {"donation/A2"}
    assert found["one_person"] == {"donation/A3"}
    assert found["just_under"] == {"donation/A3"}
    assert {"donation/A3", "donation/A4"} <= found["at_night"]
    assert counts == {name: len(found[name]) for name in TESTS}
    assert none == {"back_dated": 0, "at_night": 0, "one_person": 1, "just_under": 0}


def test_the_log_taken_away_verifies_elsewhere(told: Served, tmp_path: Path) -> None:
    answer = asked(told, "/audit/export.zip")
    assert int(answer.headers["content-length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        packed.extractall(tmp_path)
    [folder] = tmp_path.iterdir()
    assert verify.examine([folder], jobs=1).code == 0


def test_a_verification_runs_beside_the_service_one_at_a_time(window: Windows, told: Served, look: Look) -> None:
    page: Page = window(cookie=told.signed_in("auditor")["Cookie"])
    page.goto(f"{told.url}/audit")
    page.get_by_role("button", name="立即全量验证").click()
    page.get_by_text("进行中").wait_for()
    assert not inspector(told).begin("another"), "one is under way"
    page.get_by_text("没有发现问题").wait_for(timeout=60_000)
    last = inspector(told).last()
    assert last is not None
    assert (last.ok, last.by, last.running, last.done) == (
        True,
        "auditor",
        False,
        told.fenhao.journal.entries.head().size,
    )
    look(page, "audit-verified-1280")


def inspector(told: Served) -> Inspector:
    return Inspector(told.fenhao.settings, utc_now)


def test_what_a_verification_finds_is_told_and_one_cut_short_has_no_result(told: Served, tmp_path: Path) -> None:
    bad = Inspection(
        "a", "2026-01-01T00:00:00.000000Z", 1, 2, ok=False, ended="2026-01-01T00:00:01.000000Z", lines=[("坏", "bad")]
    )
    from reports.pages import rendered

    class Nobody:
        def may(self, *_: Any) -> bool:
            return False

    def said(last: Inspection) -> str:
        return rendered("audit_verification.html", "zh", last=last, asker=Nobody())

    assert "发现问题" in said(bad)
    assert "坏" in said(bad)
    assert "没有结论" in said(Inspection("a", "2026-01-01T00:00:00.000000Z", lines=[("断", "cut")]))
    lost = Inspector(
        type(told.fenhao.settings)(home=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none"), utc_now
    )
    assert lost.begin("a")
    deadline = time.monotonic() + 30
    while (last := lost.last()) is not None and last.running and time.monotonic() < deadline:
        time.sleep(0.1)
    assert last is not None
    assert (last.ok, bool(last.lines)) == (None, True)


@pytest.mark.parametrize(("width", "dark", "language"), [(DESK, False, "zh-CN"), (PHONE, True, "en")])
def test_the_audit_can_be_read_by_everybody(
    window: Windows, told: Served, look: Look, check_axe: CheckAxe, width: int, dark: bool, language: str
) -> None:
    page = window(width, dark=dark, language=language, cookie=told.signed_in("auditor")["Cookie"])
    seq = seq_of(told, "donation/A1")
    tests = "/audit/tests?night=0&morning=24&limit=500.00&test=at_night"
    for path, name in (
        ("", "audit"),
        ("/entries", "entries"),
        (f"/entries/{seq}", "entry"),
        ("/entries?stream=x", "none"),
    ):
        page.goto(f"{told.url}/audit{path}")
        check_axe(page)
        look(page, f"audit-{name}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page.goto(told.url + tests)
    check_axe(page)
    look(page, f"audit-tests-{width}")
