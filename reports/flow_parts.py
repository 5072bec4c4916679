"""What a page tells beside the flow picture: every flow as a row, and what numbers of the tall picture stand for."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from projections.flows import Flows
from reports.drawing import svg
from reports.portrait import Mark, Portrait, portrait_of, tall_svg
from reports.sankey import chart_of, gifts_of, label_of, share, word
from reports.traces import Reader


class Row(NamedTuple):
    """A flow: from, to, minor units, its part of all the money, the gifts' entries in words, and the first of them."""

    source: str
    target: str
    amount: int
    share: str
    entries: str
    first: int


class Key(NamedTuple):
    """What a number of the tall picture stands for, in words."""

    number: int
    colour: str
    name: str
    amount: str
    share: str


class Layer(NamedTuple):
    """The numbers of one layer under its heading."""

    heading: str
    marks: list[Key]


@dataclass(frozen=True, slots=True)
class Picture:
    """The flow picture for a page: as SVG for a wide and for a narrow window, and in rows."""

    wide: str
    tall: str
    numbered: list[Layer]
    rows: list[Row]


def picture_of(flows: Flows, reader: Reader) -> Picture:
    """The picture with all that a page tells beside it."""
    portrait = portrait_of(flows, reader)
    return Picture(
        svg(chart_of(flows, reader)), tall_svg(portrait), list(numbered_of(portrait)), list(rows_of(flows, reader))
    )


def words_of(reader: Reader) -> dict[str, str]:
    """What the parts beside the picture are called."""
    return {name: word(name, reader) for name in ("table", "link", "amount", "share", "entries", "interactive")}


def rows_of(flows: Flows, reader: Reader) -> Iterator[Row]:
    """Every flow there is, those too that the pictures put together; by layer, the largest first."""
    layers = {node.id: node.layer for node in flows.nodes}
    names = {node.id: label_of(node, reader) for node in flows.nodes}
    for link in sorted(flows.links, key=lambda one: (layers[one.source], -one.amount)):
        part = share(link.amount, flows.total)
        ends = names[link.source], names[link.target]
        yield Row(*ends, link.amount, part, gifts_of(link, reader), link.first)


def numbered_of(portrait: Portrait) -> Iterator[Layer]:
    """What the numbers of the tall picture stand for, layer by layer."""
    for layer in sorted({mark.layer for mark in portrait.marks}):
        marks = [mark for mark in portrait.marks if mark.layer == layer and mark.number]
        yield Layer(word(f"layer_{layer}", portrait.reader), [_key(mark, portrait) for mark in marks])


def rows_as_csv(flows: Flows, reader: Reader) -> str:
    """The rows as CSV with a byte order mark, as spreadsheets like it; no cell begins a formula."""
    made = io.StringIO()
    made.write("\ufeff")
    writer = csv.writer(made)
    writer.writerow([word(name, reader) for name in ("from", "to", "amount", "share")])
    for row in rows_of(flows, reader):
        writer.writerow([plain(row.source), plain(row.target), reader.money(row.amount).replace(",", ""), row.share])
    return made.getvalue()


def plain(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _key(mark: Mark, portrait: Portrait) -> Key:
    money = portrait.reader.money(mark.amount)
    return Key(mark.number, mark.colour, mark.name, money, share(mark.amount, portrait.total))
