"""The flow picture for plotly: laid out as the SVG is, as wide as there is room for."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from reports.drawing import FONTS, INK, PALE_INK
from reports.sankey import BOX_WIDTH, MARGIN_BOTTOM, MARGIN_TOP, WIDTH, Chart, gifts_of

PAGE_TOP, PAGE_BOTTOM = 48, 16
"""Margins of the picture on a page, which has its own title and notes."""


def figure(chart: Chart) -> dict[str, Any]:
    """The picture as a plotly figure: a Sankey of fixed positions, its labels beside it."""
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
        "autosize": True,
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
