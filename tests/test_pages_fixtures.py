"""The watch over pages notices what it is for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pages import PHONE, CheckAxe, Look, Windows, is_foreign

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

GOOD = "<!doctype html><html lang='zh-CN'><title>好</title><main><h1>好</h1></main>"


def test_a_page_that_does_no_wrong_passes(page: Page, look: Look, check_axe: CheckAxe) -> None:
    page.set_content(GOOD)
    check_axe(page)
    assert look(page, "good").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("console.error('broken')", "console: broken"),
        ("setTimeout(() => { throw new Error('lost') })", "script: lost"),
        ("fetch('https://elsewhere.invalid/x').catch(() => 0)", "foreign: https://elsewhere.invalid/x"),
    ],
)
def test_what_a_page_must_not_do_is_noticed(chromium: Browser, script: str, named: str) -> None:
    windows = Windows(chromium)
    page = windows(PHONE)
    page.set_content(GOOD)
    page.evaluate(script)
    page.wait_for_timeout(50)
    with pytest.raises(AssertionError, match=named):
        windows.close()


def test_axe_names_what_is_wrong(page: Page, check_axe: CheckAxe) -> None:
    page.set_content(GOOD + "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='>")
    with pytest.raises(AssertionError, match="image-alt"):
        check_axe(page)


def test_only_this_machine_is_no_stranger(tmp_path: Path) -> None:
    ours = ("http://127.0.0.1:8000/a", "data:text/plain,a", (tmp_path / "page.html").as_uri())
    assert [is_foreign(url) for url in (*ours, "https://example.org/a")] == [False, False, False, True]
