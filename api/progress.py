"""What a person sees while something takes long: one line on a terminal, rewritten; nothing where nobody looks."""

from __future__ import annotations

import sys
import time
from typing import TextIO

PAUSE_S = 0.1


class Status:
    """One status line on standard error, shown only when that is a terminal."""

    def __init__(self, language: str, out: TextIO = sys.stderr) -> None:
        self._chinese = language == "zh"
        self._out = out
        self._shown = False
        self._next = 0.0
        self._began: dict[str, float] = {}

    def note(self, zh: str, en: str) -> None:
        """Shows a line in place of the last, at most ten a second."""
        now = time.monotonic()
        if self._out.isatty() and now >= self._next:
            self._next = now + PAUSE_S
            self._out.write(f"\r\x1b[K{zh if self._chinese else en}")
            self._out.flush()
            self._shown = True

    def clear(self) -> None:
        """Takes the line away."""
        if self._shown:
            self._out.write("\r\x1b[K")
            self._out.flush()
            self._shown = False

    def wait(self, en: str, zh: str) -> None:
        """The embedded server's news."""
        self.note(zh, en)

    def rows(self, stage: str, done: int, total: int | None) -> None:
        """How far an import is."""
        stage_zh = {"read": "读取", "record": "登记"}.get(stage, stage)
        self._count(stage, stage_zh, {"read": "reading", "record": "recording"}.get(stage, stage), done, total)

    def gifts(self, done: int, total: int) -> None:
        """How far the demo's year is."""
        self._count("gifts", "登记捐赠", "recording gifts", done, total)

    def entries(self, done: int, total: int | None) -> None:
        """How far a verification is."""
        self._count("verify", "验证", "verifying", done, total)

    def views(self, done: int, total: int) -> None:
        """How far the views are."""
        self._count("views", "更新视图", "updating views", done, total)

    def keys(self, done: int, total: int) -> None:
        """How far a change of the master key is."""
        self._count("keys", "重新加密", "wrapping keys", done, total)

    def _count(self, stage: str, zh: str, en: str, done: int, total: int | None) -> None:
        began = self._began.setdefault(stage, time.monotonic())
        rate = done / max(time.monotonic() - began, 0.001)
        of = f"{done:,}" if total is None else f"{done:,} / {total:,}"
        self.note(f"{zh} {of}（{rate:,.0f}/秒）", f"{en} {of} ({rate:,.0f}/s)")
