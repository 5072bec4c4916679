"""A flow picture ready to be drawn: labels in words, colours, and a place for every node, all in whole pixels.

Layers stand side by side, each as tall as all the money. Money that passes no hospital runs through that layer in lanes
of its own, below the hospitals, one for each outcome: so no ribbon crosses a box. Boxes of a layer are so far apart
that labels of two lines, set at the middle of each box, cannot touch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rich.cells import cell_len

from projections.flows import DONORS, FUNDS, HOSPITALS, OTHERS, OUTCOMES, Flows, Link, Node
from reports.folding import folded
from reports.traces import Reader, titled

WIDTH, MARGIN_X, MARGIN_TOP, MARGIN_BOTTOM = 1440, 256, 136, 64
BOX_WIDTH, LABEL_HEIGHT, LABEL_GAP = 12, 34, 4
MONEY_HEIGHT = 420
"""How tall all the money is together at least, in pixels; where gaps take much, half as tall as they are."""
HAIRLINE, ALWAYS_TOLD = 400, 6
"""A node with less than one part in so many of the money is not told apart, unless it is among so many largest."""
LABEL_CELLS = 26
"""How wide a label is at most, in cells of a terminal: a Latin letter is one, a Chinese character two."""
CELL_WIDTH = 9
"""Pixels that a cell takes at most, at the size of the labels."""

_FUND_COLOURS = ("#5b8db8", "#6aa78f", "#c29a5b", "#9a86b8", "#b97f85", "#7d9a5a", "#5aa0a8", "#a98a73")
_OTHERS_COLOUR = "#a3a9b1"
_LAYER_COLOURS = {DONORS: "#7a8798", HOSPITALS: "#8493a8"}
_OUTCOME_COLOURS = {
    "outcome/used": "#4f9a6b",
    "outcome/hospital": "#93bd7c",
    "outcome/cash": "#c7a24b",
    "outcome/case": "#6ea3cc",
    "outcome/fund": "#9db7cf",
    "outcome/hold": "#a59c92",
    "outcome/fee": "#b98f6a",
    "outcome/cost": "#a97a5d",
    "outcome/refunded": "#bf7272",
    "outcome/out": "#8f6d76",
}


class Box(NamedTuple):
    """A rectangle in pixels from the top left corner."""

    x: int
    y: int
    width: int
    height: int


class Label(NamedTuple):
    """Two lines beside a box, beginning (anchor `end`: ending) at `x`, around the height `y`, within `box`."""

    lines: tuple[str, str]
    x: int
    y: int
    anchor: str
    box: Box


class Stop(NamedTuple):
    """A node where it is drawn; a lane (money passing the hospitals by) has no label."""

    id: str
    layer: int
    amount: int
    box: Box
    colour: str
    label: Label | None


class Ribbon(NamedTuple):
    """A link where it is drawn: the tops of its ends beside the boxes, its thickness in 1/100 pixel like them."""

    source: str
    target: str
    amount: int
    first: int
    last: int
    colour: str
    ends: tuple[int, int]
    thickness: int


@dataclass(frozen=True)
class Chart:
    """What a drawing needs; `height` in pixels, of `WIDTH`, `money` those that all the money takes."""

    reader: Reader
    title: str
    subtitle: str
    headings: tuple[Label, ...]
    note: str
    stops: Mapping[str, Stop]
    ribbons: tuple[Ribbon, ...]
    total: int
    money: int
    height: int

    def figures(self, amount: int) -> str:
        """An amount, and what part it is of all the money."""
        return f"{self.reader.money(amount)} {self.reader.currency} · {share(amount, self.total)}"

    def name(self, id: str) -> str:
        """What a stop is called; a lane is called as the outcome it leads to."""
        stop = self.stops[id.removeprefix("lane/")]
        assert stop.label is not None
        return stop.label.lines[0]


def word(key: str, reader: Reader) -> str:
    """What a part of the picture is called."""
    zh, en = LABELS[key]
    return zh if reader.language == "zh" else en


def share(amount: int, total: int) -> str:
    """A part of all the money: `12.3%`, rounded down; `<0.1%` for what is less."""
    tenths = amount * 1000 // total
    return f"{tenths // 10}.{tenths % 10}%" if tenths else "<0.1%"


def gifts_of(link: Link | Ribbon, reader: Reader) -> str:
    """The entries of the gifts whose money it is: the first and the last of them."""
    if link.first == link.last:
        return word("entry", reader).format(link.first)
    return word("entries_between", reader).format(link.first, link.last)


def graph(flows: Flows, reader: Reader) -> dict[str, list[dict[str, Any]]]:
    """`{"nodes": [{"id", "label", "layer"}], "links": [{"source", "target", "value"}]}`, minor units, ends by id."""
    return {
        "nodes": [{"id": node.id, "label": label_of(node, reader), "layer": node.layer} for node in flows.nodes],
        "links": [{"source": link.source, "target": link.target, "value": link.amount} for link in flows.links],
    }


def label_of(node: Node, reader: Reader) -> str:
    """What a node is called: its name in the ledger, its id, or the words for what stands for many."""
    if node.id in OTHERS and not node.many:
        return word("few", reader)
    if node.id in OTHERS:
        return word(node.id, reader).format(f"{node.many:,}")
    if node.id in LABELS:
        return word(node.id, reader)
    return node.name or node.id.partition("/")[2]


def scope_of(flows: Flows, reader: Reader) -> str:
    """Whose money of when the picture shows, in words."""
    scope = flows.scope
    named = {node.id: node.name for node in flows.nodes}
    parts = [
        f"{word(noun, reader)} {named.get(f'{noun}/{one}') or one}"
        for noun, one in (("donor", scope.donor), ("fund", scope.fund), ("case", scope.case))
        if one is not None
    ]
    if scope.since is not None or scope.until is not None:
        since, until = (day.isoformat() if day is not None else "…" for day in (scope.since, scope.until))
        parts.append(word("received_between", reader).format(since, until))
    return titled(" · ".join(parts) or word("whole_ledger", reader), reader, flows.vantage)


def chart_of(flows: Flows, reader: Reader) -> Chart:
    """The picture laid out, without what would be a hairline."""
    shown = folded(flows, lambda rank, amount: rank < ALWAYS_TOLD or amount * HAIRLINE >= flows.total)
    nodes, links = through_lanes(shown)
    layers = [[node for node in nodes if node.layer == layer] for layer in range(OUTCOMES + 1)]
    pitch = LABEL_HEIGHT + LABEL_GAP
    crowd = max((len(layer) for layer in layers), default=0)
    gaps = pitch * max(crowd - 1, 0)
    money = max(MONEY_HEIGHT, gaps // 2 + 1)
    inner = money + gaps
    colours = colours_of(nodes)
    total = flows.total
    stops: dict[str, Stop] = {}
    for layer in layers:
        gap = min(gaps // max(len(layer) - 1, 1), 3 * pitch)
        y = MARGIN_TOP + (gaps - gap * (len(layer) - 1)) // 2
        done = 0
        for n, node in enumerate(layer):
            top, done = money * done // total, done + node.amount
            bottom = money * done // total
            box = Box(_x(node.layer), y + top + gap * n, BOX_WIDTH, max(bottom - top, 1))
            label = None if node.id.startswith("lane/") else _label(node, box, total, reader)
            stops[node.id] = Stop(node.id, node.layer, node.amount, box, colours[node.id], label)
    headings = tuple(_heading(layer, reader) for layer in range(OUTCOMES + 1) if layers[layer])
    subtitle = f"{scope_of(flows, reader)}{word('between', reader)}{reader.money(total)} {reader.currency}"
    return Chart(
        reader,
        word("sankey", reader),
        subtitle,
        headings,
        word("sankey_note", reader) if total else word("no_flows", reader),
        stops,
        tuple(ribbons_of(links, {stop.id: stop.box.y for stop in stops.values()}, colours, total, money)),
        total,
        money,
        MARGIN_TOP + inner + MARGIN_BOTTOM,
    )


def _x(layer: int) -> int:
    return MARGIN_X + layer * (WIDTH - 2 * MARGIN_X - BOX_WIDTH) // OUTCOMES


def through_lanes(flows: Flows) -> tuple[list[Node], list[Link]]:
    """The nodes and links with every link that passes the hospitals by cut in two at a lane of its outcome."""
    layer = {node.id: node.layer for node in flows.nodes}
    lanes: dict[str, Link] = {}
    links = []
    for link in flows.links:
        if (layer[link.source], layer[link.target]) == (FUNDS, OUTCOMES):
            lane = "lane/" + link.target
            links.append(link._replace(target=lane))
            so_far = lanes.get(lane, Link(lane, link.target, 0, link.first, link.last))
            first, last = min(so_far.first, link.first), max(so_far.last, link.last)
            lanes[lane] = Link(lane, link.target, so_far.amount + link.amount, first, last)
        else:
            links.append(link)
    order = {node.id: n for n, node in enumerate(flows.nodes)}
    made = [
        Node(lane, HOSPITALS, lanes[lane].amount, None, 1)
        for lane in sorted(lanes, key=lambda one: order[lanes[one].target])
    ]
    return [*flows.nodes, *made], [*links, *lanes.values()]


def colours_of(nodes: Iterable[Node]) -> dict[str, str]:
    """The colour of each node, by its id."""
    funds = iter(range(len(_FUND_COLOURS) * 1000))
    colours = {}
    for node in nodes:
        if node.id in OTHERS or node.id.startswith("donors/"):
            colours[node.id] = _OTHERS_COLOUR
        elif node.layer == FUNDS:
            colours[node.id] = _FUND_COLOURS[next(funds) % len(_FUND_COLOURS)]
        else:
            outcome = node.id.removeprefix("lane/")
            colours[node.id] = _OUTCOME_COLOURS.get(outcome) or _LAYER_COLOURS[node.layer]
    return colours


def _label(node: Node, box: Box, total: int, reader: Reader) -> Label:
    lines = shortened(label_of(node, reader)), f"{reader.money(node.amount)} · {share(node.amount, total)}"
    left = node.layer == DONORS
    x = box.x - 8 if left else box.x + BOX_WIDTH + 8
    y = box.y + box.height // 2
    width = max(cell_len(line) for line in lines) * CELL_WIDTH
    area = Box(x - width if left else x, y - LABEL_HEIGHT // 2, width, LABEL_HEIGHT)
    return Label(lines, x, y, "end" if left else "start", area)


def _heading(layer: int, reader: Reader) -> Label:
    text = word(f"layer_{layer}", reader)
    left = layer == DONORS
    x = _x(layer) + (BOX_WIDTH if left else 0)
    width = cell_len(text) * CELL_WIDTH
    return Label((text, ""), x, MARGIN_TOP - 28, "end" if left else "start", Box(x - width * left, 90, width, 20))


def shortened(text: str, cells: int = LABEL_CELLS) -> str:
    """The text, or as much of it as fits with an ellipsis."""
    if cell_len(text) <= cells:
        return text
    while cell_len(text) > cells - 1:
        text = text[:-1]
    return text + "…"


def ribbons_of(
    links: Iterable[Link], starts: Mapping[str, int], colours: Mapping[str, str], total: int, money: int
) -> Iterator[Ribbon]:
    """The ribbons between nodes that start at so many pixels; the widest first, so that narrow ones lie upon them.

    They leave and reach a node in the order of what is at their other end, so that they cross little.
    """
    ends: dict[tuple[str, str], dict[str, int]] = {}
    links = list(links)
    for side, other in (("source", "target"), ("target", "source")):
        done: Counter[str] = Counter()
        for link in sorted(links, key=lambda link: starts[getattr(link, other)]):
            node = getattr(link, side)
            ends.setdefault((link.source, link.target), {})[side] = (
                100 * starts[node] + 100 * money * done[node] // total
            )
            done[node] += link.amount
    for link in sorted(links, key=lambda link: -link.amount):
        end = ends[link.source, link.target]
        by = link.source if link.source.startswith(("fund/", "funds/")) else link.target
        thickness = max(100 * money * link.amount // total, 30)
        yield Ribbon(*link, colours[by], (end["source"], end["target"]), thickness)


LABELS = {
    "sankey": ("善款流向", "Where the money went"),
    "between": ("　合计 ", " — total "),
    "whole_ledger": ("全部善款", "All money"),
    "received_between": ("收到日期 {} 至 {}", "received {} to {}"),
    "donor": ("捐赠人", "donor"),
    "fund": ("专项基金", "fund"),
    "case": ("个案", "case"),
    "layer_0": ("捐赠人", "Donors"),
    "layer_1": ("专项基金", "Funds"),
    "layer_2": ("医院", "Hospitals"),
    "layer_3": ("去向", "Where it is now"),
    "donors/others": ("其他 {} 位捐赠人", "{} other donors"),
    "donors/unknown": ("未署名捐赠", "Gifts not named"),
    "donors/opening": ("期初余额", "Brought forward"),
    "funds/others": ("其他 {} 个基金", "{} other funds"),
    "hospitals/others": ("其他 {} 家医院", "{} other hospitals"),
    "outcome/used": ("已使用", "Used"),
    "outcome/hospital": ("已拨付待结算", "Paid, not settled"),
    "outcome/cash": ("现金发放", "Cash to families"),
    "outcome/case": ("已匹配待拨付", "Allocated, not paid"),
    "outcome/fund": ("在基金（可用）", "Available in funds"),
    "outcome/hold": ("冻结", "Held"),
    "outcome/fee": ("提取的项目管理费", "Fee taken"),
    "outcome/cost": ("费用支出", "Costs"),
    "outcome/refunded": ("捐赠退回", "Refunded"),
    "outcome/out": ("其他转出", "Left otherwise"),
    "link": ("流向", "Flow"),
    "from": ("从", "From"),
    "to": ("到", "To"),
    "few": ("合并列示（不足五人）", "groups of under five"),
    "interactive": ("交互图", "Interactive picture"),
    "amount": ("金额", "Amount"),
    "share": ("占比", "Share"),
    "entries": ("相关捐赠分录", "Entries of the gifts"),
    "entry": ("捐赠分录 第 {} 号", "gift's entry {}"),
    "entries_between": ("捐赠分录 第 {} 号起，至第 {} 号", "gifts' entries from {} to {}"),
    "table": ("明细表", "All flows as a table"),
    "tap": ("点按一条流向，看金额与占比。", "Tap a flow for its amount and share."),
    "no_flows": ("此范围内没有善款。", "There is no money in this."),
    "sankey_note": (
        "每一分善款现在所在之处，往返不重复计；作废的误记不计入。号段与捐赠的对应是记账约定，不是对钞票的实物追踪。",
        "Where each fen is now, net of returns. Which serials are whose is a convention, not physical tracing.",
    ),
}
"""What the picture says, in Chinese and in English."""
