"""The flow picture for a phone: fewer nodes, the money runs down, and numbers stand for names that a list below tells.

Its SVG is drawn from whole numbers, `ACROSS` pixels wide; a page stretches it to the width that there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from projections.flows import OUTCOMES, Flows, Node
from reports.drawing import FONTS, INK, PALE_INK, px
from reports.folding import folded
from reports.sankey import BOX_WIDTH, Ribbon, colours_of, gifts_of, label_of, ribbons_of, share, through_lanes, word
from reports.traces import Reader

ACROSS, MARGIN_X, TOP, BOTTOM = 350, 8, 48, 26
LAYER_HEIGHT = 170
GAP, LANE_GAP, WIDEST_GAP = 18, 6, 40
"""Between two nodes whose numbers must not touch, beside a lane, and at most."""
TOLD = 6
"""How many donors, funds and hospitals are told apart."""


class Mark(NamedTuple):
    """A node from `start` on, `length` pixels across; `number` is 0 for a lane, which passes the hospitals by."""

    id: str
    layer: int
    amount: int
    number: int
    name: str
    start: int
    length: int
    colour: str

    @property
    def middle(self) -> int:
        """Where its number stands."""
        return self.start + self.length // 2


@dataclass(frozen=True)
class Portrait:
    """What a tall drawing needs."""

    reader: Reader
    marks: tuple[Mark, ...]
    ribbons: tuple[Ribbon, ...]
    total: int

    def figures(self, amount: int) -> str:
        """An amount, and what part it is of all the money."""
        return f"{self.reader.money(amount)} {self.reader.currency} · {share(amount, self.total)}"


def portrait_of(flows: Flows, reader: Reader) -> Portrait:
    """The tall picture laid out."""
    nodes, links = through_lanes(folded(flows, lambda rank, amount: rank < TOLD))
    colours = colours_of(nodes)
    names = {node.id: label_of(node, reader) for node in nodes if not node.id.startswith("lane/")}
    layers = [[node for node in nodes if node.layer == layer] for layer in range(OUTCOMES + 1)]
    room = ACROSS - 2 * MARGIN_X
    money = max(room - max(sum(_gaps(layer)) for layer in layers), room // 4)
    marks: list[Mark] = []
    for layer in layers:
        needed = _gaps(layer)
        extra = min((room - money - sum(needed)) // max(len(needed), 1), WIDEST_GAP - GAP)
        gaps = [gap + extra for gap in needed]
        at, done = MARGIN_X + (room - money - sum(gaps)) // 2, 0
        for node, gap in zip(layer, [*gaps, 0], strict=False):  # after the last comes none
            first, done = money * done // flows.total, done + node.amount
            length = max(money * done // flows.total - first, 1)
            number = 0 if node.id not in names else sum(mark.number > 0 for mark in marks) + 1
            name = names[node.id.removeprefix("lane/")]
            marks.append(Mark(node.id, node.layer, node.amount, number, name, at + first, length, colours[node.id]))
            at += gap
    starts = {mark.id: mark.start for mark in marks}
    ribbons = ribbons_of(links, starts, colours, flows.total, money)
    return Portrait(reader, tuple(marks), tuple(ribbons), flows.total)


def _gaps(layer: list[Node]) -> list[int]:
    """What must lie between the nodes of a layer."""
    lanes = [node.id.startswith("lane/") for node in layer]
    return [LANE_GAP if one or other else GAP for one, other in pairwise(lanes)]


def tall_svg(portrait: Portrait) -> str:
    """The picture as an SVG element; hovering over a ribbon or a node names it, with amount and share."""
    return "\n".join(_parts(portrait)) + "\n"


def _parts(portrait: Portrait) -> Iterator[str]:
    height = TOP + 3 * LAYER_HEIGHT + BOX_WIDTH + BOTTOM
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {ACROSS} {height}" role="img" '
        f"font-family={quoteattr(FONTS)}><title>{escape(word('sankey', portrait.reader))}</title>"
    )
    marks = {mark.id: mark for mark in portrait.marks}
    yield '<g fill-opacity="0.38">'
    yield from (_ribbon(ribbon, marks, portrait) for ribbon in portrait.ribbons)
    yield "</g>"
    yield from (_mark(mark, portrait) for mark in portrait.marks)
    yield '<g stroke="#ffffff" stroke-width="3" stroke-linejoin="round" paint-order="stroke">'
    for layer in sorted({mark.layer for mark in portrait.marks}):
        y = _y(layer) - (28 if layer < OUTCOMES else 12)
        heading = escape(word(f"layer_{layer}", portrait.reader))
        yield f'<text x="{MARGIN_X}" y="{y}" font-size="12" fill="{PALE_INK}">{heading}</text>'
    for mark in portrait.marks:
        if mark.number:
            y = _y(mark.layer) + (BOX_WIDTH + 16 if mark.layer == OUTCOMES else -7)
            anchor = f'x="{mark.middle}" y="{y}" font-size="11" text-anchor="middle"'
            yield f'<text {anchor} fill="{INK}">{mark.number}</text>'
    yield "</g>"
    yield "</svg>"


def _y(layer: int) -> int:
    return TOP + layer * LAYER_HEIGHT


def _ribbon(ribbon: Ribbon, marks: dict[str, Mark], portrait: Portrait) -> str:
    source, target = marks[ribbon.source], marks[ribbon.target]
    y0, y1 = _y(source.layer) + BOX_WIDTH, _y(target.layer)
    middle = (y0 + y1) // 2
    (x0, x1), thick = ribbon.ends, ribbon.thickness
    hint = f"{source.name} → {target.name}\n{portrait.figures(ribbon.amount)}\n{gifts_of(ribbon, portrait.reader)}"
    return (
        f'<path d="M{px(x0)} {y0}C{px(x0)} {middle} {px(x1)} {middle} {px(x1)} {y1}H{px(x1 + thick)}'
        f'C{px(x1 + thick)} {middle} {px(x0 + thick)} {middle} {px(x0 + thick)} {y0}Z" fill="{ribbon.colour}">'
        f"<title>{escape(hint)}</title></path>"
    )


def _mark(mark: Mark, portrait: Portrait) -> str:
    faint = "" if mark.number else ' fill-opacity="0.38"'
    return (
        f'<rect x="{mark.start}" y="{_y(mark.layer)}" width="{mark.length}" height="{BOX_WIDTH}" '
        f'fill="{mark.colour}"{faint}><title>{escape(mark.name)}\n{escape(portrait.figures(mark.amount))}</title></rect>'
    )
