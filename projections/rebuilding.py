"""Views made anew beside the ones that are read, in temporary tables: those bear the same names and come before them.

Nobody waits for it and nothing of it outlives its connection, wherever that breaks off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ledger.database import Cursor, Database, queries, tuples
from projections import summing
from projections.fold import Item
from projections.summing import Page
from projections.views import digests, gathered, store, take_turn

_SQL = queries("projections", "rebuilding.sql")

TABLES = (
    *("view_tape", "view_gift", "view_attribution", "view_place", "view_movement"),
    *("view_standing", "view_donor", "view_giving", "view_leader", "view_donor_place", "view_period"),
)
"""What is made anew."""
BOUNDED = {"view_standing"}
"""Bounds may be wider than they need be, which is no difference; made anew they are as they should be."""
COUNTED = {"view_donor", "view_giving"}
"""One counts the rows of the other, and those of nothing with them: they are replaced together."""


@contextmanager
def beside(database: Database) -> Iterator[Beside]:
    """A connection of its own with empty views; they are gone with it."""
    with database.service() as connection:
        # A statement prepared before the temporary tables were there could go on meaning the others.
        connection.prepare_threshold = None
        cursor = tuples(connection)
        cursor.execute(_SQL["begin"])
        yield Beside(cursor)


class Beside:
    """Views in the making: pages in order, then the sums, then what differs replaced."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self.position = 0

    def fold(self, items: list[Item], page: Page | None = None, settled: Callable[[], None] | None = None) -> None:
        """Folds the next entries, whole ones; `page` if they were gathered already. Raises ProjectionFailed.

        `settled` is called when what is left to do is the server's.
        """
        with self._cursor.connection.transaction():
            self._fold(page or gathered(self._cursor, items), settled)

    def _fold(self, page: Page, settled: Callable[[], None] | None) -> None:
        store(self._cursor, page, settled)
        if said := page.changes.attributions:
            self._cursor.execute(_SQL["insert_attributions"], [list(column) for column in zip(*said, strict=True)])
        self.position = page.last + 1

    @contextmanager
    def turn(self) -> Iterator[Cursor]:
        """A transaction in which nobody else folds into the views; committed on the way out."""
        with self._cursor.connection.transaction():
            take_turn(self._cursor)
            yield self._cursor

    def finish(self) -> None:
        """Says whose the gifts are, and makes the sums."""
        self._cursor.execute(_SQL["attribute"])
        self._cursor.execute(_SQL["index"])
        summing.define(self._cursor)

    def replace(self) -> tuple[str, ...]:
        """Puts these views in the place of those that are otherwise, within a `turn`; the tables that were."""
        made = digests(self._cursor)
        self._cursor.execute(_SQL["look_at_the_others"])
        kept = digests(self._cursor)
        unlike = tuple(name for name in TABLES if made[name] != kept[name])
        for name in {*unlike} | BOUNDED | (COUNTED if COUNTED & {*unlike} else set()):
            self._cursor.execute(_SQL[f"replace_{name}"])
        return unlike
