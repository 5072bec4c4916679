"""The flow picture as one HTML page that fetches nothing: what to hover over (plotly, all of it inside), and tables.

On a screen it is the wide picture; where that does not fit, as on a phone, the tall one, in which a tap tells
what is there, with the list of its numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from importlib.resources import files

from projections.flows import Flows
from reports.drawing import FONTS, INK, PALE_INK
from reports.flow_parts import numbered_of, rows_of
from reports.plotting import figure
from reports.portrait import ACROSS, Portrait, portrait_of, tall_svg
from reports.sankey import WIDTH, chart_of, word
from reports.traces import Reader

WIDE_FROM = 1100
"""The least width in CSS pixels at which labels fit beside the boxes."""


def page(flows: Flows, reader: Reader) -> str:
    """The whole page."""
    chart, portrait = chart_of(flows, reader), portrait_of(flows, reader)
    plotly = (files("plotly") / "package_data" / "plotly.min.js").read_text("utf-8")
    heads = "".join(f"<th>{escape(word(key, reader))}</th>" for key in ("link", "amount", "share", "entries"))
    return _PAGE.format(
        language="zh-CN" if reader.language == "zh" else "en",
        title=escape(chart.title),
        subtitle=escape(chart.subtitle),
        note=escape(chart.note),
        table=escape(word("table", reader)),
        tap=escape(word("tap", reader)),
        fonts=FONTS,
        width=WIDTH,
        wide_from=WIDE_FROM,
        ink=INK,
        pale=PALE_INK,
        plotly=plotly,
        figure=json.dumps(figure(chart)).replace("<", "\\u003c"),
        tall=tall_svg(portrait),
        tall_width=ACROSS * 3 // 2,
        numbered="\n".join(_numbered(portrait)),
        heads=heads,
        rows="\n".join(_rows(flows, reader)),
    )


def _numbered(portrait: Portrait) -> Iterator[str]:
    for layer in numbered_of(portrait):
        yield f"<h2>{escape(layer.heading)}</h2><table>"
        for key in layer.marks:
            yield (
                f'<tr><td>{key.number}</td><td><i style="background:{key.colour}"></i>{escape(key.name)}</td>'
                f"<td>{escape(key.amount)}</td><td>{key.share}</td></tr>"
            )
        yield "</table>"


def _rows(flows: Flows, reader: Reader) -> Iterator[str]:
    for row in rows_of(flows, reader):
        money = f"{reader.money(row.amount)} {reader.currency}"
        told = (f"{row.source} → {row.target}", money, row.share, row.entries)
        yield "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in told) + "</tr>"


_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline';
 style-src 'unsafe-inline'; img-src data: blob:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
html {{ overflow-y: scroll; }}  /* else the picture is laid out before the bar takes its part of the width */
body {{ margin: 0; font-family: {fonts}; color: {ink}; background: #fff; overflow-wrap: anywhere; }}
main {{ max-width: {width}px; margin: 0 auto; padding: 20px 0; }}
h1 {{ font-size: 24px; font-weight: 600; margin: 12px 32px 6px; }}
h2 {{ font-size: 14px; font-weight: 600; margin: 18px 0 2px; }}
p {{ font-size: 14px; color: {pale}; margin: 0 32px; }}
#wide .node-label {{ display: none; }}
#wide .annotation text {{ paint-order: stroke; stroke: #fff; stroke-width: 3px; stroke-linejoin: round; }}
#tall {{ display: none; margin: 8px 20px 20px; }}
#tall svg {{ display: block; width: 100%; max-width: {tall_width}px; margin: 0 auto; }}
#tapped {{ margin: 6px 0 0; min-height: 3.9em; font-size: 13px; white-space: pre-line; }}
details {{ margin: 20px 32px; font-size: 13px; }}
summary {{ cursor: pointer; padding: 6px 0; }}
table {{ border-collapse: collapse; margin-top: 6px; }}
th, td {{ text-align: left; padding: 5px 18px 5px 0; border-bottom: 1px solid #e3e7ec; }}
details td:nth-child(2), details td:nth-child(3), details th:nth-child(2), details th:nth-child(3) {{
  text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
#tall table {{ width: 100%; font-size: 13px; }}
#tall td {{ padding: 6px 8px 6px 0; }}
#tall td:nth-child(1) {{ width: 18px; color: {pale}; text-align: right; }}
#tall td:nth-child(n+3) {{
  width: 1px; padding-right: 0; padding-left: 8px; text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }}
#tall i {{ display: inline-block; width: 10px; height: 10px; margin-right: 6px; border-radius: 2px; }}
@media (max-width: {wide_from}px) {{
  h1, p {{ margin-left: 20px; margin-right: 20px; }}
  #wide {{ display: none; }}
  #tall {{ display: block; }}
  details {{ margin: 20px; }}
  details thead {{ display: none; }}
  details tr {{ display: block; padding: 6px 0; border-bottom: 1px solid #e3e7ec; }}
  details td {{ display: inline-block; border: 0; padding: 1px 12px 1px 0; }}
  details td:nth-child(1), details td:nth-child(4) {{ display: block; }}
  details td:nth-child(4) {{ color: {pale}; }}
}}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{subtitle}</p>
<div id="wide"></div>
<div id="tall">
{tall}<p id="tapped" role="status">{tap}</p>
{numbered}
</div>
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
<script>{plotly}</script>
<script>
const isTall = matchMedia("(max-width: {wide_from}px)");
const {{ data, layout }} = {figure};
function draw() {{
  if (!isTall.matches)
    Plotly.newPlot("wide", data, layout, {{ displaylogo: false, displayModeBar: false, responsive: true }});
}}
isTall.addEventListener("change", draw);
draw();
document.querySelector("#tall svg").addEventListener("click", event => {{
  const told = event.target.closest("path, rect")?.querySelector("title");
  if (told) document.getElementById("tapped").textContent = told.textContent;
}});
</script>
</body>
</html>
"""
