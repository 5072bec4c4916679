"""Pages as people see them: a Chromium for the run, watched windows in it, pictures of them, and axe's judgement.

Fixtures (in `conftest.py`): `chromium window page look check_axe`. What a watched window must never do fails
its test at its end: an error on the console or in a script, and a request to anybody but this machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from browsing import program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

PHONE, DESK = 390, 1280
"""Widths in CSS pixels."""
OURS = ("127.0.0.1", "localhost")
PICTURES = "FENHAO_TEST_PICTURES"
"""The variable that names a folder in which pictures are kept; without it they are in pytest's own."""
LIMIT_MS = 15_000

Look = Callable[["Page", str], Path]
CheckAxe = Callable[["Page"], None]


@contextmanager
def chromium_running() -> Iterator[Browser]:
    """Debian's Chromium, or its shell, driven by Playwright; skips the test where none is installed."""
    from playwright.sync_api import sync_playwright

    command = program()
    options = ["--disable-dev-shm-usage", "--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=command, args=options)
        yield browser
        browser.close()


class Windows:
    """Opens watched windows, each with cookies of its own."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._complaints: list[str] = []
        self._contexts: list[Any] = []

    def __call__(
        self,
        width: int = DESK,
        *,
        language: str = "zh-CN",
        dark: bool = False,
        cookie: str = "",
        forgiven: str | None = None,
        **more: Any,
    ) -> Page:
        """A window so wide, in a browser that prefers that language and scheme of colours.

        `cookie` is sent as it is (`name=value`). Complaints in which the pattern `forgiven` is found are none: a page
        that is meant to be a 404, say.
        """
        headers = {"Cookie": cookie} if cookie else {}
        context = self._browser.new_context(
            viewport={"width": width, "height": 844 if width < 600 else 900},
            locale=language,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            extra_http_headers=headers,
            **more,
        )
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(LIMIT_MS)

        def complain(what: str) -> None:
            if forgiven is None or re.search(forgiven, what) is None:
                self._complaints.append(what)

        def hear(said: ConsoleMessage) -> None:
            if said.type in ("error", "warning"):
                complain(f"console: {said.text}")

        def follow(request: Request) -> None:
            if is_foreign(request.url):
                complain(f"foreign: {request.url}")

        page.on("console", hear)
        page.on("pageerror", lambda error: complain(f"script: {error}"))
        page.on("request", follow)
        return page

    def close(self) -> None:
        """Ends all windows. Raises AssertionError if one did what it must not."""
        for context in self._contexts:
            context.close()
        if self._complaints:
            raise AssertionError("\n".join(self._complaints))


def is_foreign(url: str) -> bool:
    """Whether asking for this address tells somebody else that the page is read."""
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob", "file", "about") and parts.hostname not in OURS


def looking(folder: Path) -> Look:
    """Stores pictures of whole pages there, or in the folder that `FENHAO_TEST_PICTURES` names."""
    place = Path(os.environ.get(PICTURES) or folder)
    place.mkdir(parents=True, exist_ok=True)

    def look(page: Page, name: str) -> Path:
        path = place / f"{name}.png"
        page.screenshot(path=path, full_page=True)
        return path

    return look


def check_accessible(page: Page) -> None:
    """Raises AssertionError, naming each, where axe finds a violation."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    named = [
        f"{one['id']} ({one['impact']}): {one['help']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found
        for node in one["nodes"][:3]
    ]
    if named:
        raise AssertionError("\n".join(named))
