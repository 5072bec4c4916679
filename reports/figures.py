"""Flow pictures as files, by what the file's name ends in; a PNG is the SVG as Chromium paints it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import msgspec

from ledger.errors import OperatorFault
from projections.flows import Flows
from reports.drawing import svg
from reports.flow_page import page
from reports.sankey import WIDTH, Chart, chart_of, graph
from reports.traces import Reader

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FORMATS = (".html", ".svg", ".png", ".json")
PNG_SCALE = 2
BROWSER_LIMIT_S = 120


class BrowserMissing(OperatorFault):
    """No browser that could paint a PNG."""

    code = "browser_missing"
    zh = "生成 PNG 需要 Chromium：请安装（Debian、Ubuntu：apt install chromium fonts-noto-cjk），或改存为 .svg、.html"
    en = (
        "a PNG needs Chromium: install it (Debian, Ubuntu: apt install chromium fonts-noto-cjk), "
        "or write .svg or .html instead"
    )


class BrowserFailed(OperatorFault):
    """The browser painted nothing."""

    code = "browser_failed"
    zh = "{browser} 未能生成 PNG：{reason}"
    en = "{browser} made no PNG: {reason}"


def rendered(flows: Flows, reader: Reader, kind: str) -> bytes:
    """The flows as a file of that kind, one of FORMATS. Raises BrowserMissing and BrowserFailed for a PNG."""
    match kind:
        case ".json":
            return msgspec.json.encode(graph(flows, reader)) + b"\n"
        case ".svg":
            return svg(chart_of(flows, reader)).encode()
        case ".html":
            return page(flows, reader).encode()
        case ".png":
            return png(chart_of(flows, reader))
    raise AssertionError(f"no format: {kind}")


def png(chart: Chart) -> bytes:
    """The SVG as a picture of twice its size, painted by Chromium. Raises BrowserMissing, BrowserFailed."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise BrowserMissing
    with tempfile.TemporaryDirectory(prefix="fenhao-png-", ignore_cleanup_errors=True) as folder:
        source, target = Path(folder) / "chart.svg", Path(folder) / "chart.png"
        source.write_text(svg(chart), "utf-8")
        options = [
            "--headless",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
            f"--force-device-scale-factor={PNG_SCALE}",
            f"--window-size={WIDTH},{chart.height}",
            f"--screenshot={target}",
        ]
        if os.geteuid() == 0:  # it refuses to run as root in a sandbox; it reads nothing but our own drawing
            options.append("--no-sandbox")
        command = [browser, *options, source.as_uri()]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=BROWSER_LIMIT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BrowserFailed(browser=browser, reason=str(error)) from error
        if not target.exists():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise BrowserFailed(browser=browser, reason=said[-1] if said else f"exit code {done.returncode}")
        return target.read_bytes()
