"""Rows that define codes, put in order: parents first, wherever they stand in their files; cycles are named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from api.intake.faults import CodesInCycle, SynonymTaken
from api.intake.kind import CODES
from api.intake.registry_kinds import synonyms_in
from api.intake.rows import Row
from api.intake.staging import StagedRow
from ledger.dictionary import Dictionary
from ledger.errors import Refusal, shown
from ledger.vocabulary import Synonyms

Name = tuple[str, str]
"""(dimension, code)."""
SHOWN_CYCLE = 8


def codes_apart(rows: Iterator[StagedRow]) -> tuple[list[StagedRow], Iterator[StagedRow]]:
    """The rows of codes, which come before all others, and the others."""
    codes: list[StagedRow] = []
    for row in rows:
        if row.plan.source.kind.turn != CODES:
            return codes, chain([row], rows)
        codes.append(row)
    return codes, rows


def codes_in_order(rows: Sequence[StagedRow], dictionary: Dictionary, synonyms: Synonyms) -> list[StagedRow]:
    """The rows with each code after its parent, else as they came.

    A row of a cycle, or with a synonym that already means something else, carries that as its fault.
    """
    readable: dict[int, Row] = {}
    parents: dict[Name, Name | None] = {}
    for at, staged in enumerate(rows):
        try:
            row = staged.read()
            name = (row.need("dimension"), row.need("code"))
        except Refusal:
            continue  # it has its fault, and is rejected with it when its turn comes
        readable[at] = row
        parents.setdefault(name, (name[0], row.values["parent"]) if "parent" in row.values else None)
    depths, cycles = _depths(parents)
    taken = {(dimension, term): code for dimension, terms in synonyms.items() for term, code in terms.items()}
    ordered: list[tuple[int, StagedRow]] = []
    for at, staged in enumerate(rows):
        if (one := readable.get(at)) is None:
            ordered.append((0, staged))
            continue
        name = (one.values["dimension"], one.values["code"])
        fault = _cycle_fault(cycles.get(name)) or _synonym_fault(one, parents, dictionary, taken)
        ordered.append((depths[name], staged if fault is None else staged._replace(fault=fault)))
    return [staged for _, staged in sorted(ordered, key=lambda pair: pair[0])]


def _depths(parents: dict[Name, Name | None]) -> tuple[dict[Name, int], dict[Name, list[Name]]]:
    """How many of its ancestors in the files each code stands below, and the cycles, by each code in them."""
    depths: dict[Name, int] = {}
    cycles: dict[Name, list[Name]] = {}
    for start in parents:
        line: dict[Name, None] = {}
        name: Name | None = start
        while name in parents and name not in depths and name not in line:
            line[name] = None
            name = parents[name]
        path = list(line)
        if name is not None and name in line:
            cycle = path[path.index(name) :]
            cycles.update(dict.fromkeys(cycle, cycle))
        first = depths.get(name, -1) + 1 if name is not None else 0
        depths.update((one, depth) for depth, one in enumerate(reversed(path), first))
    return depths, cycles


def _cycle_fault(cycle: list[Name] | None) -> Refusal | None:
    if cycle is None:
        return None
    codes = [shown(code) for _, code in [*cycle[:SHOWN_CYCLE], cycle[0]]]
    if len(cycle) > SHOWN_CYCLE:
        codes.insert(-1, "…")
    return CodesInCycle(dimension=shown(cycle[0][0]), cycle=" → ".join(codes))


def _synonym_fault(
    row: Row, defined: dict[Name, Name | None], dictionary: Dictionary, taken: dict[Name, str]
) -> Refusal | None:
    """What is wrong with the row's synonyms, if anything; else they are taken."""
    try:
        synonyms = synonyms_in(row)
    except Refusal as refusal:
        return refusal
    for dimension, term, code in synonyms:
        is_code = dictionary.knows(dimension, term) or (dimension, term) in defined
        other = term if is_code else taken.get((dimension, term), code)
        if other != code:
            return SynonymTaken(dimension=dimension, term=shown(term), code=shown(code), other=shown(other))
    taken.update({(dimension, term): code for dimension, term, code in synonyms})
    return None
