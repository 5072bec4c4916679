"""Printing: a page becomes the same PDF each time, with every character, from nothing but our own files."""

from __future__ import annotations

import builtins
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from reports.printing import Attached, PrinterMissing, pdf

PAGE = """<html lang="zh"><head><title>余额调节表</title></head><body>
<div class="running-proof">检查点 281</div><h1>银行存款余额调节表</h1><p>㐂 é ¥ {extra}</p></body></html>"""
FIGURES = Attached("figures.json", b'{"total":1}', "figures")


def said(program: str, *arguments: str) -> str:
    if shutil.which(program) is None:
        pytest.skip("poppler-utils is not installed: see .ci/packages.txt")
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout


def test_the_same_page_is_the_same_bytes_with_its_own_date_and_every_character(tmp_path: Path) -> None:
    made = pdf(PAGE, date(2026, 10, 31), [FIGURES])
    assert made == pdf(PAGE, date(2026, 10, 31), [FIGURES])
    file = tmp_path / "page.pdf"
    file.write_bytes(made)
    assert "银行存款余额调节表" in (text := said("pdftotext", str(file), "-"))
    assert "检查点 281" in text
    assert "㐂 é ¥" in text
    fonts = said("pdffonts", str(file)).splitlines()[2:]
    assert fonts
    assert all("CJK" in line and line.split()[-5] == "yes" for line in fonts), "one embedded font has them all"
    assert "Oct 31 00:00:00 2026" in said("pdfinfo", str(file))
    assert "figures.json" in said("pdfdetach", "-list", str(file))


@pytest.mark.parametrize("named", ["https://example.org/a.png", "file:///etc/passwd", "../printing.py", "data:,x"])
def test_nothing_is_fetched_but_our_own_files(named: str) -> None:
    with pytest.raises(AssertionError, match="only what is ours"):
        pdf(PAGE.format(extra=f'<img src="{named}">'), date(2026, 10, 31))


def test_a_machine_without_pango_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    ordinary = builtins.__import__

    def without(name: str, *arguments: Any, **named: Any) -> Any:
        if name.startswith("weasyprint"):
            raise OSError("cannot load library 'libpango-1.0-0'")
        return ordinary(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PrinterMissing) as fault:
        pdf(PAGE, date(2026, 10, 31))
    assert "libpango-1.0-0" in fault.value.say("zh")
    assert "apt install" in fault.value.say("en")
