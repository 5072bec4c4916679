"""Suggestions that a person refused: kept beside the entries, so that no rule puts the same before anybody again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence

from ledger.database import Cursor, queries
from ledger.journal import Journal
from reports.reconcile import Key, Match, Movement, Reconciliation, Suggestion

_SQL = queries("reports", "bank_desk.sql")


def way_of(match: Match) -> str:
    """What a way is known by, whatever rule finds it: SHA-256 of both its sides, in hex."""
    return hashlib.sha256(json.dumps([sorted(match.lines), sorted(match.legs)]).encode()).hexdigest()


def refuse(journal: Journal, way: str, by: str) -> None:
    """Keeps that these lines and legs do not belong together."""
    with journal.entries.writing() as writing:
        writing.cursor.execute(_SQL["refuse"], {"way": way, "at": writing.at, "by": by})


def read_refused(cursor: Cursor) -> frozenset[str]:
    """The ways that were refused."""
    return frozenset(way for (way,) in cursor.execute(_SQL["refused"]).fetchall())


def set_aside_refused(
    found: Reconciliation, refused: Collection[str], lines: Sequence[Movement], legs: Sequence[Movement]
) -> None:
    """Takes what was refused out of the suggestions; `lines` and `legs` with no suggestion any more are left over."""
    if not refused:
        return
    before = _both_sides(found.suggestions)
    kept = []
    for one in found.suggestions:
        standing = tuple(way for way in one.alternatives if way_of(way) not in refused)
        if standing:
            kept.append(one._replace(alternatives=standing, ways=one.ways - len(one.alternatives) + len(standing)))
    found.suggestions = kept
    after = _both_sides(kept)
    found.lines_left += [line for line in lines if line.key in before[0] - after[0]]
    found.legs_left += [leg for leg in legs if leg.key in before[1] - after[1]]


def _both_sides(suggestions: Sequence[Suggestion]) -> tuple[set[Key], set[Key]]:
    ways = [way for one in suggestions for way in one.alternatives]
    return {key for way in ways for key in way.lines}, {key for way in ways for key in way.legs}
