"""The flow picture as SVG, drawn without a browser from whole numbers: the same bytes from the same figures."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from reports.sankey import BOX_WIDTH, MARGIN_BOTTOM, WIDTH, Chart, Label, Ribbon, Stop, gifts_of

FONTS = "'Noto Sans CJK SC','Source Han Sans SC','PingFang SC','Microsoft YaHei',sans-serif"
INK, PALE_INK, RULE = "#2b3440", "#67717e", "#e3e7ec"
LABEL_PX, AMOUNT_PX = 13, 12


def svg(chart: Chart) -> str:
    """The picture as an SVG document; hovering over a ribbon or a box names it, with amount and share."""
    return "\n".join(_parts(chart)) + "\n"


def _parts(chart: Chart) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{chart.height}" '
        f'viewBox="0 0 {WIDTH} {chart.height}" role="img" font-family={quoteattr(FONTS)}>'
    )
    yield f"<title>{escape(chart.title)}</title><desc>{escape(chart.subtitle)}</desc>"
    yield f'<rect width="{WIDTH}" height="{chart.height}" fill="#ffffff"/>'
    yield _text(32, 46, chart.title, 24, INK, weight=600)
    yield _text(32, 74, chart.subtitle, 14, PALE_INK)
    for heading in chart.headings:
        yield _text(heading.x, heading.y, heading.lines[0], LABEL_PX, PALE_INK, heading.anchor)
    yield f'<path d="M32 {chart.height - MARGIN_BOTTOM + 16}H{WIDTH - 32}" stroke="{RULE}"/>'
    yield _text(32, chart.height - MARGIN_BOTTOM + 40, chart.note, 12, PALE_INK)
    yield '<g fill-opacity="0.38">'
    yield from (_ribbon(ribbon, chart) for ribbon in chart.ribbons)
    yield "</g>"
    yield from (_box(stop, chart) for stop in chart.stops.values())
    yield f'<g stroke="#ffffff" stroke-width="3" stroke-linejoin="round" paint-order="stroke" fill="{INK}">'
    for stop in chart.stops.values():
        if stop.label is not None:
            yield from _label(stop.label)
    yield "</g>"
    yield "</svg>"


def _ribbon(ribbon: Ribbon, chart: Chart) -> str:
    source, target = chart.stops[ribbon.source].box, chart.stops[ribbon.target].box
    x0, x1 = source.x + BOX_WIDTH, target.x
    middle = (x0 + x1) // 2
    (top0, top1), thick = ribbon.ends, ribbon.thickness
    low0, low1 = top0 + thick, top1 + thick
    hint = f"{chart.name(ribbon.source)} → {chart.name(ribbon.target)}\n{chart.figures(ribbon.amount)}\n"
    return (
        f'<path d="M{x0} {px(top0)}C{middle} {px(top0)} {middle} {px(top1)} {x1} {px(top1)}V{px(low1)}'
        f'C{middle} {px(low1)} {middle} {px(low0)} {x0} {px(low0)}Z" fill="{ribbon.colour}">'
        f"<title>{escape(hint + gifts_of(ribbon, chart.reader))}</title></path>"
    )


def _box(stop: Stop, chart: Chart) -> str:
    box = stop.box
    hint = f"{chart.name(stop.id)}\n{chart.figures(stop.amount)}"
    faint = ' fill-opacity="0.38"' if stop.label is None else ' rx="1"'
    return (
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" fill="{stop.colour}"{faint}>'
        f"<title>{escape(hint)}</title></rect>"
    )


def _label(label: Label) -> Iterator[str]:
    yield _text(label.x, label.y - 3, label.lines[0], LABEL_PX, None, label.anchor)
    yield _text(label.x, label.y + 13, label.lines[1], AMOUNT_PX, PALE_INK, label.anchor)


def _text(x: int, y: int, text: str, size: int, ink: str | None, anchor: str = "start", weight: int = 400) -> str:
    more = "" if ink is None else f' fill="{ink}"'
    more += "" if anchor == "start" else f' text-anchor="{anchor}"'
    more += "" if weight == 400 else f' font-weight="{weight}"'
    return f'<text x="{x}" y="{y}" font-size="{size}"{more}>{escape(text)}</text>'


def px(hundredths: int) -> str:
    """Hundredths of a pixel as a decimal number."""
    return f"{hundredths // 100}.{hundredths % 100:02}"
