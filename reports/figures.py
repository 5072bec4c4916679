"""Flow pictures as files: an offline HTML page to hover over (plotly, all of it inside), and a PNG of the SVG."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import msgspec

from ledger.errors import OperatorFault
from projections.flows import Flows
from reports.drawing import FONTS, INK, PALE_INK, svg
from reports.sankey import (
    BOX_WIDTH,
    MARGIN_BOTTOM,
    MARGIN_TOP,
    WIDTH,
    Chart,
    chart_of,
    gifts_of,
    graph,
    word,
)
from reports.traces import Reader

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FORMATS = (".html", ".svg", ".png", ".json")
PNG_SCALE = 2
PAGE_TOP, PAGE_BOTTOM = 48, 16
"""Margins of the picture on a page, which has its own title and notes."""
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
            return html(chart_of(flows, reader)).encode()
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


def figure(chart: Chart) -> dict[str, Any]:
    """The picture as a plotly figure, laid out as the SVG is: a Sankey of fixed positions, its labels beside it."""
    stops = list(chart.stops.values())
    # From top to bottom at either end: in the order given, ribbons of one box then do not cross.
    ribbons = sorted(chart.ribbons, key=lambda one: (chart.stops[one.source].box.y, chart.stops[one.target].box.y))
    number = {stop.id: n for n, stop in enumerate(stops)}
    height = chart.height - MARGIN_TOP - MARGIN_BOTTOM
    crowd = max((sum(stop.layer == layer for stop in stops) for layer in range(4)), default=0)
    left, right = (min(s.box.x for s in stops), max(s.box.x for s in stops)) if stops else (0, WIDTH)
    sankey = {
        "type": "sankey",
        "arrangement": "fixed",
        "domain": {"x": [left / WIDTH, (right + BOX_WIDTH) / WIDTH], "y": [0, 1]},
        "node": {
            "sort": "input",
            "label": [escape(chart.name(stop.id)) for stop in stops],
            "x": [_part(stop.box.x - left + BOX_WIDTH / 2, right - left + BOX_WIDTH) for stop in stops],
            "y": [_part(stop.box.y - MARGIN_TOP + stop.box.height / 2, height) for stop in stops],
            "color": [stop.colour if stop.label else _faint(stop.colour) for stop in stops],
            "line": {"width": 0},
            "thickness": BOX_WIDTH,
            # plotly scales money so that the fullest layer just fits between its gaps: these leave it as tall as ours.
            "pad": (height - chart.money) / max(crowd - 1, 1),
            "customdata": [chart.figures(stop.amount) for stop in stops],
            "hovertemplate": "<b>%{label}</b><br>%{customdata}<extra></extra>",
        },
        "link": {
            "sort": "input",
            "source": [number[ribbon.source] for ribbon in ribbons],
            "target": [number[ribbon.target] for ribbon in ribbons],
            "value": [ribbon.amount for ribbon in ribbons],
            "color": [_faint(ribbon.colour) for ribbon in ribbons],
            "customdata": [[chart.figures(one.amount), gifts_of(one, chart.reader)] for one in ribbons],
            "hovertemplate": "%{source.label} → %{target.label}<br><b>%{customdata[0]}</b><br>%{customdata[1]}"
            "<extra></extra>",
        },
    }
    layout = {
        "width": WIDTH,
        "height": height + PAGE_TOP + PAGE_BOTTOM,
        "margin": {"l": 0, "r": 0, "t": PAGE_TOP, "b": PAGE_BOTTOM, "pad": 0},
        "font": {"family": FONTS, "size": 13, "color": INK},
        "paper_bgcolor": "#ffffff",
        "hoverlabel": {"bgcolor": "#ffffff", "font": {"size": 13, "family": FONTS, "color": INK}, "align": "left"},
        "annotations": list(_annotations(chart, height)),
    }
    return {"data": [sankey] if stops else [], "layout": layout}


def _part(px: float, of: int) -> float:
    """A position as plotly has it: a fraction, never quite 0, which it takes for none."""
    return min(max(px / of, 0.0001), 0.9999)


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.38)"


def _annotations(chart: Chart, height: int) -> Iterator[dict[str, Any]]:
    labels = [stop.label for stop in chart.stops.values() if stop.label is not None]
    for label in (*chart.headings, *labels):
        title, amount = (escape(line) for line in label.lines)
        pale = f"<span style='color:{PALE_INK};font-size:12px'>{amount}</span>"
        yield {
            "text": f"{title}<br>{pale}" if amount else title,
            "x": label.x / WIDTH,
            "y": 1 - (label.y - MARGIN_TOP) / height,
            "xref": "paper",
            "yref": "paper",
            "xanchor": "right" if label.anchor == "end" else "left",
            "yanchor": "middle",
            "align": "right" if label.anchor == "end" else "left",
            "showarrow": False,
            "borderpad": 0,
            "captureevents": False,
        }


def html(chart: Chart) -> str:
    """The picture as one HTML page that fetches nothing: what to hover over, and below it every flow as a table."""
    from plotly.io import to_html  # type: ignore[import-untyped]  # it takes a second, which no other command should wait for

    config = {"displaylogo": False, "displayModeBar": False, "responsive": False}
    picture = to_html(
        figure(chart), config=config, include_plotlyjs=True, full_html=False, div_id="sankey", validate=False
    )
    heads = "".join(f"<th>{escape(word(key, chart.reader))}</th>" for key in ("link", "amount", "share", "entries"))
    return _PAGE.format(
        language="zh-CN" if chart.reader.language == "zh" else "en",
        title=escape(chart.title),
        subtitle=escape(chart.subtitle),
        note=escape(chart.note),
        table=escape(word("table", chart.reader)),
        fonts=FONTS,
        width=WIDTH,
        ink=INK,
        pale=PALE_INK,
        picture=picture,
        heads=heads,
        rows="\n".join(_rows(chart)),
    )


def _rows(chart: Chart) -> Iterator[str]:
    for ribbon in sorted(chart.ribbons, key=lambda one: (chart.stops[one.source].layer, -one.amount)):
        way = f"{chart.name(ribbon.source)} → {chart.name(ribbon.target)}"
        amount, _, part = chart.figures(ribbon.amount).partition(" · ")
        cells = (escape(text) for text in (way, amount, part, gifts_of(ribbon, chart.reader)))
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline';
 style-src 'unsafe-inline'; img-src data: blob:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ margin: 0; font-family: {fonts}; color: {ink}; background: #fff; }}
main {{ max-width: {width}px; margin: 0 auto; padding: 20px 0; }}
h1 {{ font-size: 24px; font-weight: 600; margin: 12px 32px 6px; }}
p {{ font-size: 14px; color: {pale}; margin: 0 32px; }}
.picture {{ overflow-x: auto; }}
.picture .node-label {{ display: none; }}
details {{ margin: 20px 32px; font-size: 13px; }}
summary {{ cursor: pointer; }}
table {{ border-collapse: collapse; margin-top: 10px; }}
th, td {{ text-align: left; padding: 5px 18px 5px 0; border-bottom: 1px solid #e3e7ec; }}
td:nth-child(2), td:nth-child(3), th:nth-child(2), th:nth-child(3) {{
  text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{subtitle}</p>
<div class="picture">{picture}</div>
<p>{note}</p>
<details><summary>{table}</summary>
<table>
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</details>
</main>
</body>
</html>
"""
