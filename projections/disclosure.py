"""What the flow picture may show everybody: no donor, and no group of fewer than five children by itself.

A group is the children whose money went one way (fund, hospital, outcome). One that is too small goes together with
others at its hospitals, then without naming any, then with other funds, each only as far as it must.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import chain

from ledger.database import queries, tuples
from ledger.journal import Journal
from projections.flows import FUNDS, HOSPITALS, OTHERS, TOP, Flows, Path, Scope, paths_of, woven
from projections.trace import snapshot

MIN_CHILDREN = 5
_SQL = queries("projections", "disclosure.sql")

Way = tuple[str, str | None, str]
"""Fund, hospital and outcome of a path."""
Children = Mapping[Way, frozenset[str]]


def public_flows(journal: Journal) -> Flows:
    """The flows of all money, as everybody may see them."""
    with snapshot(journal) as connection:
        cursor = tuples(connection)
        paths, givers, names = paths_of(cursor, Scope(), 0)
        children: Children = {
            (fund, hospital, outcome): frozenset(persons)
            for fund, hospital, outcome, persons in cursor.execute(_SQL["children"])
        }
    nameless = [path._replace(donor=_nameless(path.donor)) for path in paths]
    made = woven(Scope(), veiled(nameless, children), givers, names, TOP)
    shown = {node.id for node in made.nodes}
    hidden = (givers, *(len({path[layer] for path in paths} - shown - {None}) for layer in (FUNDS, HOSPITALS)))
    many = dict(zip(OTHERS, hidden, strict=True))
    return replace(made, nodes=tuple(node._replace(many=many.get(node.id, 1)) for node in made.nodes))


def _nameless(donor: str) -> str:
    return OTHERS[0] if donor.startswith("donor/") else donor


def veiled(paths: Iterable[Path], children: Children) -> list[Path]:
    """The paths with groups of fewer than five children put together with others."""
    found = list(paths)
    ways = dict(children)
    steps: tuple[Callable[[Path], Path], ...] = (
        lambda path: path._replace(hospital=path.hospital and OTHERS[2]),
        lambda path: path._replace(hospital=None),
        lambda path: path._replace(fund=OTHERS[1]),
    )
    for step in steps:
        groups = _grouped(ways)
        small = {way for way, persons in groups.items() if 0 < len(persons) < MIN_CHILDREN}
        found = [step(path) if _way(path) in small else path for path in found]
        ways = _grouped({way: persons for way, persons in groups.items() if way not in small})
        moved = ((_way(step(Path("", *way, 0, 0, 0))), groups[way]) for way in small)
        ways = _joined(chain(ways.items(), moved))
    return found


def _way(path: Path) -> Way:
    return path.fund, path.hospital, path.outcome


def _grouped(ways: Children) -> dict[Way, frozenset[str]]:
    return _joined(ways.items())


def _joined(pairs: Iterable[tuple[Way, frozenset[str]]]) -> dict[Way, frozenset[str]]:
    groups: dict[Way, set[str]] = defaultdict(set)
    for way, persons in pairs:
        groups[way] |= persons
    return {way: frozenset(persons) for way, persons in groups.items()}
