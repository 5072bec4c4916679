"""A browser for tests: Chromium without a window, asked over a pipe (DevTools protocol, a NUL ends a message)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, NamedTuple

import pytest

from reports.figures import BROWSERS

LIMIT_S = 60
SHELL = "chromium-headless-shell"
"""The same engine without the browser's own windows, which cost more than most pages do."""


class Seen(NamedTuple):
    """A page as it came out: what scripts asked of it gave, the picture, complaints, and addresses it asked for."""

    said: Any
    png: bytes
    complaints: list[str]
    requests: list[str]


class Browser:
    """One browser; pages are looked at in turn."""

    def __init__(self, to: BinaryIO, back: BufferedReader) -> None:
        self._to, self._back = to, back
        self._unread = bytearray()
        self._number = 0
        self._events: list[dict[str, Any]] = []

    def look(self, address: str, width: int, height: int, script: str = "null", *, touch: bool = False) -> Seen:
        """Opens the page in a window of that size in CSS pixels, runs the script in it, and takes its whole picture."""
        target = self._ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self._ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        self._events.clear()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable", {}, session)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
        self._ask("Emulation.setDeviceMetricsOverride", size, session)
        self._ask("Page.navigate", {"url": address}, session)
        while not any(one["method"] == "Page.loadEventFired" for one in self._events):
            self._events.append(self._read())
        settled = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 100))))"
        for each in (settled, script):
            wanted = {"expression": each, "awaitPromise": True, "returnByValue": True}
            answer = self._ask("Runtime.evaluate", wanted, session)
            assert "exceptionDetails" not in answer, answer
        picture = self._ask("Page.captureScreenshot", {"captureBeyondViewport": True}, session)
        self._ask("Target.closeTarget", {"targetId": target})
        return Seen(answer["result"].get("value"), base64.b64decode(picture["data"]), self._complaints(), self._asked())

    def _complaints(self) -> list[str]:
        return [
            json.dumps(one["params"])
            for one in self._events
            if one["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")
            or (one["method"] == "Runtime.consoleAPICalled" and one["params"]["type"] in ("error", "warning", "assert"))
        ]

    def _asked(self) -> list[str]:
        asked = (one for one in self._events if one["method"] == "Network.requestWillBeSent")
        return [one["params"]["request"]["url"] for one in asked]

    def _ask(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            if "method" in answer:
                self._events.append(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            more = self._back.read1()
            assert more, "the browser is gone"
            self._unread += more
        message, _, rest = self._unread.partition(b"\0")
        self._unread = rest
        answer: dict[str, Any] = json.loads(message)
        return answer


def program(names: Sequence[str] = (SHELL, *BROWSERS)) -> str:
    """Where the first of these browsers is; skips the test where none is installed."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("no Chromium is installed: see .ci/packages.txt")
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser, ended at the end."""
    options = ["--headless", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"]
    options += ["--no-sandbox"] if os.geteuid() == 0 else []
    command = program()
    read_here, write_there = os.pipe()
    read_there, write_here = os.pipe()

    def as_three_and_four() -> None:
        kept = os.dup(read_there), os.dup(write_there)
        os.dup2(kept[0], 3)
        os.dup2(kept[1], 4)

    with TemporaryDirectory(prefix="fenhao-browser-", ignore_cleanup_errors=True) as profile:
        started = subprocess.Popen(
            [command, *options, f"--user-data-dir={Path(profile) / 'profile'}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=as_three_and_four,
        )
        os.close(read_there)
        os.close(write_there)
        try:
            with open(write_here, "wb") as to, open(read_here, "rb") as back:
                yield Browser(to, back)
        finally:
            started.kill()
            started.wait(LIMIT_S)
