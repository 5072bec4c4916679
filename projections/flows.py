"""Flows: the net final paths of money, from donors through funds and hospitals to where it is now, to the fen.

A path says where serials are, not how often they went there and back, so a return is no cycle. Every path runs through
layers that never decrease (donors, funds, hospitals, outcomes), one by way of no hospital from its fund to its outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

from ledger.database import Cursor, queries, tuples
from ledger.errors import Unknown
from ledger.journal import Journal
from projections.history import NOW, QUERIES, Vantage, entries_known
from projections.trace import Page, Traces, snapshot

_SQL = queries("projections", "flows.sql")

TOP = 24
"""How many donors, funds and hospitals are told apart, the largest of each; the others go together."""

FEW_ENTRIES = 2_000
"""A ledger of so few entries is told of its gifts, whose entries are then exact in every link, and as quickly."""

DONORS, FUNDS, HOSPITALS, OUTCOMES = range(4)
OTHERS = ("donors/others", "funds/others", "hospitals/others")
"""The nodes that stand for many, by layer."""
OUTCOME_ORDER = tuple(
    f"outcome/{kind}" for kind in ("used", "hospital", "cash", "case", "fund", "hold", "fee", "cost", "refunded", "out")
)
"""Where money can be: kinds of place, with `cash` for what was granted to families."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose money, of which fund, for which case, received from and to which day (inclusive); None is all."""

    donor: str | None = None
    fund: str | None = None
    case: str | None = None
    since: date | None = None
    until: date | None = None


class Path(NamedTuple):
    """Money that went one way: node ids (`hospital` None when it is at none), amount, bounds of its gifts' entries."""

    donor: str
    fund: str
    hospital: str | None
    outcome: str
    amount: int
    first: int
    last: int


class Node(NamedTuple):
    """One node: minor units that flow through it, its name in the ledger if it has one, for how many it stands."""

    id: str
    layer: int
    amount: int
    name: str | None
    many: int


class Link(NamedTuple):
    """Money from node to node, in minor units; the entries of the gifts in it are from `first` to `last`."""

    source: str
    target: str
    amount: int
    first: int
    last: int


@dataclass(frozen=True)
class Flows:
    """The flow picture as figures: nodes by layer, the largest first, and the links between them."""

    scope: Scope
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    vantage: Vantage = NOW

    @property
    def total(self) -> int:
        """All money in the picture, in minor units."""
        return sum(node.amount for node in self.nodes if node.layer == DONORS)


def flows(journal: Journal, scope: Scope, top: int = TOP, vantage: Vantage = NOW) -> Flows:
    """The flows of that money, seen from there. Raises Unknown for what the ledger does not have, or had not then."""
    with snapshot(journal) as connection:
        paths, givers, names = paths_of(tuples(connection), scope, top, vantage)
    return replace(woven(scope, paths, givers, names, top), vantage=vantage)


def paths_of(cursor: Cursor, scope: Scope, top: int, vantage: Vantage = NOW) -> tuple[list[Path], int, dict[str, str]]:
    """The paths of that money, of how many donors they are, and what their funds and hospitals are called.

    All but the `top` largest donors are one. Raises Unknown as `flows` does.
    """
    cursor.execute(_SQL["room"])
    if vantage == NOW:
        _check(cursor, scope)
        paths, givers = _paths(cursor, scope, top)
    else:
        back = {"as_of": vantage.as_of or date.max, "size": entries_known(cursor, vantage.known_at)}
        _check_then(Traces(cursor.connection, QUERIES, back), scope)
        paths, givers = _gathered(cursor, "of_past", scope, top, back)
    named = {node for path in paths for node in (path.fund, path.hospital) if node is not None}
    return paths, givers, dict(cursor.execute(_SQL["names"], {"streams": sorted(named)}).fetchall())


def woven(scope: Scope, paths: Iterable[Path], givers: int, names: Mapping[str, str], top: int) -> Flows:
    """The flows of these paths; funds and hospitals beyond the `top` largest are put together, donors already are."""
    paths, funds = _folded(list(paths), "fund", top)
    paths, hospitals = _folded(paths, "hospital", top)
    many = dict(zip(OTHERS, (givers - top, funds - top, hospitals - top), strict=True))
    amounts: Counter[tuple[int, str]] = Counter()
    links: dict[tuple[str, str], Link] = {}
    for path in paths:
        way = [(layer, node) for layer, node in enumerate(path[:4]) if isinstance(node, str)]
        for stop in way:
            amounts[stop] += path.amount
        for (_, source), (_, target) in pairwise(way):
            one = links.get((source, target), Link(source, target, 0, path.first, path.last))
            first, last = min(one.first, path.first), max(one.last, path.last)
            links[source, target] = Link(source, target, one.amount + path.amount, first, last)
    nodes = [Node(key, layer, n, names.get(key), many.get(key, 1)) for (layer, key), n in amounts.items()]
    nodes.sort(key=_order)
    made = Flows(scope, tuple(nodes), tuple(sorted(links.values())))
    _check_balance(made)
    return made


def _order(node: Node) -> tuple[int, bool, int, str]:
    """Layers in turn; in each the largest first and what stands for many last, but outcomes always in one order."""
    if node.layer == OUTCOMES:
        return node.layer, False, OUTCOME_ORDER.index(node.id), node.id
    return node.layer, node.id.startswith(("donors/", "funds/", "hospitals/")), -node.amount, node.id


def _folded(paths: list[Path], field: str, top: int) -> tuple[list[Path], int]:
    """The paths with all but the `top` largest of a layer as one node, and how many there were."""
    sums: Counter[str] = Counter()
    for path in paths:
        if (node := getattr(path, field)) is not None:
            sums[node] += path.amount
    if len(sums) <= top + 1:
        return paths, len(sums)
    others = {field: f"{field}s/others"}
    kept = set(sorted(sums, key=lambda node: (-sums[node], node))[:top]) | {None}
    return [path if getattr(path, field) in kept else Path(**{**path._asdict(), **others}) for path in paths], len(sums)


def _check(cursor: Cursor, scope: Scope) -> None:
    for noun, named in (("fund", scope.fund), ("case", scope.case)):
        if named is not None and not _says(cursor, "known", {"stream": f"{noun}/{named}"}):
            raise Unknown(noun, named)
    if scope.donor is not None and not _says(cursor, "has_given", {"donor": scope.donor}):
        raise Unknown("donor", scope.donor)


def _check_then(traces: Traces, scope: Scope) -> None:
    for noun, named in (("fund", scope.fund), ("case", scope.case)):
        if named is not None:
            traces.require(noun, named)
    if scope.donor is not None:
        traces.donor(scope.donor, Page(limit=1))


def _says(cursor: Cursor, name: str, which: dict[str, str]) -> bool:
    [(said,)] = cursor.execute(_SQL[name], which).fetchall()
    return bool(said)


def _paths(cursor: Cursor, scope: Scope, top: int) -> tuple[list[Path], int]:
    """The paths, and how many donors they are of: from the sums where those tell, else from places and gifts."""
    return _paths_of_sums(cursor, scope, top) or _paths_of_gifts(cursor, scope, top)


def _paths_of_sums(cursor: Cursor, scope: Scope, top: int) -> tuple[list[Path], int] | None:
    if scope.case is not None or scope.since is not None or scope.until is not None:
        return None
    which = {"donor": scope.donor, "fund": scope.fund, "top": top}
    [(in_step, givers, enough)] = cursor.execute(_SQL["sums"], {**which, "few": FEW_ENTRIES}).fetchall()
    query = "of_one" if scope.donor is not None else "whole" if scope.fund is None and enough else None
    if not in_step or query is None:
        return None
    rows = cursor.execute(_SQL[query], {**which, "givers": givers}, prepare=False).fetchall()
    if scope.donor is not None:
        return ([Path(*row[:7]) for row in rows], 1) if rows else None
    return [Path(*row[:7]) for row in rows], givers


def _paths_of_gifts(cursor: Cursor, scope: Scope, top: int) -> tuple[list[Path], int]:
    return _gathered(cursor, "of_places" if scope.donor is None else "of_donor", scope, top, {})


def _gathered(
    cursor: Cursor, beginning: str, scope: Scope, top: int, back: Mapping[str, Any]
) -> tuple[list[Path], int]:
    """The paths, from all the gifts that the beginning reads."""
    query = _SQL[beginning] + "\n" + _SQL["paths"]
    bounds = {"since": scope.since or date.min, "until": scope.until or date.max, "top": top, **back}
    which = {"donor": scope.donor, "fund": scope.fund, "case": scope.case}
    # Planned each time for what is asked: a plan kept for all would read everything.
    rows = cursor.execute(query, {**which, **bounds}, prepare=False).fetchall()
    return [Path(*row[:7]) for row in rows], max((row[7] or 0 for row in rows), default=0)


def _check_balance(flows: Flows) -> None:
    """What comes to a node leaves it (law 4), and what is given is what is somewhere."""
    came, went = Counter[str](), Counter[str]()
    for link in flows.links:
        went[link.source] += link.amount
        came[link.target] += link.amount
    for node in flows.nodes:
        assert node.layer == DONORS or came[node.id] == node.amount, f"{node.id} has what came"
        assert node.layer == OUTCOMES or went[node.id] == node.amount, f"{node.id} has what left"
