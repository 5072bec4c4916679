"""The views as stored: a page of entries folded into them in one transaction with the tracking of how far they go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder

from ledger.database import Cursor, queries, tuples
from ledger.journal import COPY_HEADER, COPY_TRAILER, reads_again
from ledger.tapes import Row, Run
from projections import summing
from projections.fold import Changes, Item, ProjectionFailed, failed, read_items, tapes_of, whole_entries
from projections.summing import FLOWS, SUMS, Page

_SQL = queries("projections", "views.sql")

PLACE_TYPES = ("int4", "int8", "int8", "text", "text", "date", "text", "text", "text", "text")
MOVEMENT_TYPES = ("int8", "date", "int4", "int8", "int8", *("text",) * 11)


class SumsFailed(Exception):
    """A page that a kind of sum could not follow: which of its entries it is, is not known yet."""


class ViewRecorder(PostgresTrackingRecorder):
    """Keeps the views of one application (the journal) in step with their tracking row."""

    def __init__(self, datastore: PostgresDatastore, application: str = "journal", **names: Any) -> None:
        super().__init__(datastore, tracking_table_name="view_tracking", **names)
        self.application = application

    def create_table(self) -> None:
        """Nothing: only migrations create tables."""

    @contextmanager
    def folding(self) -> Iterator[Cursor]:
        """A transaction in which this process alone folds; others wait. Committed on the way out."""
        with self.datastore.get_connection() as connection, connection.transaction():
            cursor = tuples(connection)
            take_turn(cursor)
            yield cursor

    def position(self) -> int:
        """The notification id (seq + 1) of the newest entry folded, 0 when none is: how many entries are."""
        return self.max_tracking_id(self.application) or 0

    @reads_again
    def max_tracking_id(self, application_name: str) -> int | None:
        """The library's, which tries ten times where nobody answers."""
        with self.datastore.get_connection() as connection, connection.cursor() as cursor:
            return self._max_tracking_id(application_name, cursor)

    @reads_again
    def read(self, position: int, limit: int, stop: int | None) -> tuple[list[Item], ProjectionFailed | None]:
        """At most `limit` entries behind a position, up to another, as `read_items` gives them."""
        bounds = {"first": position, "behind": min(position + limit, stop or position + limit)}
        with self.datastore.get_connection() as connection:
            lumps = tuples(connection).execute(_SQL["entries"], bounds, binary=True).fetchall()
        return read_items((lump for (lump,) in lumps), position)

    def fold(
        self,
        cursor: Cursor,
        items: list[Item],
        page: Page | None = None,
        settled: Callable[[], None] | None = None,
        *,
        alone: bool = False,
    ) -> bool:
        """Folds whole entries that are not folded yet, and moves the tracking, in the open transaction.

        False, with nothing done, when there is none or they do not reach back to where the views end. `page` is what
        was gathered of them already; `settled` is called when what is left to do is the server's. Raises
        ProjectionFailed, and SumsFailed unless they are one entry `alone`, after which the transaction must be given
        up; a kind of sum that cannot follow an entry alone stands still from there on, and all else goes on.
        """
        positions = dict(cursor.execute(_SQL["positions"]).fetchall())
        position = positions.get(self.application) or 0
        if not items or items[0].seq > position:
            return False
        fresh = whole_entries(items[position - items[0].seq :])
        if not fresh:
            return False
        if page is None or page.first != position or page.last != fresh[-1].seq:
            page = gathered(cursor, fresh)
        attributed = False
        store(cursor, page, settled)
        for kind in SUMS:
            if (positions.get(self.name_of(kind)) or 0) == position:
                added = self._sum_up(cursor, kind, page, alone)
                attributed = attributed or (added and kind == FLOWS)
        if not attributed:
            attribute(cursor, page.changes)
        self._insert_tracking(cursor, Tracking(self.application, page.last + 1))
        return True

    def _sum_up(self, cursor: Cursor, kind: str, page: Page, alone: bool) -> bool:
        """Adds the page to a kind of sum, to flows with what it says of whose gifts are. Whether that was done."""
        try:
            with cursor.connection.transaction():
                if kind == FLOWS:
                    settling = summing.add_flows(cursor, page)
                    attribute(cursor, page.changes)
                    settling.settle(cursor)
                else:
                    summing.add_periods(cursor, page)
        except Exception as error:
            # Whatever is wrong, all else is to go on; but not over a connection that is no more.
            if cursor.connection.closed:
                raise
            if not alone:
                raise SumsFailed from error
            first = page.changes.items[0]
            self._record_failure(cursor, failed(first.seq, first.type, error), self.name_of(kind))
            return False
        self._insert_tracking(cursor, Tracking(self.name_of(kind), page.last + 1))
        return True

    def name_of(self, kind: str) -> str:
        """Under which name a kind of sum is tracked."""
        return f"{self.application}.{kind}"

    def track(self, cursor: Cursor, position: int) -> None:
        """Says that views and all sums are as of there, wherever they were."""
        cursor.execute(_SQL["forget_tracking"])
        for name in (self.application, *map(self.name_of, SUMS)) if position else ():
            self._insert_tracking(cursor, Tracking(name, position))

    def forget(self, cursor: Cursor) -> None:
        """Empties the views, the sums and the tracking in the open transaction."""
        cursor.execute(_SQL["forget"])
        summing.forget(cursor)

    def record_failure(self, failure: ProjectionFailed) -> None:
        """Keeps the failure for whoever asks, in another process too."""
        with self.datastore.get_connection() as connection:
            self._record_failure(tuples(connection), failure, self.application)

    def _record_failure(self, cursor: Cursor, failure: ProjectionFailed, name: str) -> None:
        fields = failure.fields
        cursor.execute(_SQL["record_failure"], (name, fields["seq"], fields["type"], fields["reason"]))

    def failure(self) -> ProjectionFailed | None:
        """The failure at which all views stand still, if there is one."""
        return self.failures().get(self.application)

    def failures(self) -> dict[str, ProjectionFailed]:
        """The failures that stand, by what stands still: all views (the application's name) or one kind of sum."""
        with self.datastore.get_connection() as connection:
            rows = tuples(connection).execute(_SQL["failures"]).fetchall()
        return {name: ProjectionFailed(*fields) for name, *fields in rows}


def funds_of_tapes(cursor: Cursor) -> dict[int, str]:
    """The fund of every tape that is folded."""
    return dict(cursor.execute(_SQL["all_funds"]).fetchall())


def take_turn(cursor: Cursor) -> None:
    """Waits until nobody else folds, and keeps others waiting until the open transaction ends."""
    cursor.execute(_SQL["begin"])
    cursor.execute(_SQL["lock"])


def gathered(cursor: Cursor, items: list[Item]) -> Page:
    """What the entries say by themselves. Raises ProjectionFailed."""
    tapes = list(tapes_of(items))
    funds = dict(cursor.execute(_SQL["funds"], (tapes,)).fetchall()) if tapes else {}
    return Page.gathered(items, funds)


def store(cursor: Cursor, page: Page, settled: Callable[[], None] | None = None) -> None:
    """Folds into the views what was gathered, but for whose gifts are. Raises ProjectionFailed."""
    changes = page.changes
    near = _rows_near(cursor, changes.runs)
    if changes.tapes:
        cursor.execute(_SQL["insert_tapes"], _columns(changes.tapes))
    with cursor.copy(_SQL["copy_gifts"]) as copy, ThreadPoolExecutor(max_workers=1) as beside:
        sent = beside.submit(copy.write, COPY_HEADER + changes.gift_rows + COPY_TRAILER)
        page.settle(near)  # while the server puts the gifts into their indexes
        if settled is not None:
            settled()
        sent.result()
    _store_settled(cursor, changes)


def digests(cursor: Cursor) -> dict[str, Any]:
    """Of each table something that only the same rows come to, to be compared within this transaction's time."""
    return {name: what for name, *what in cursor.execute(_SQL["digests"]).fetchall()}


def _rows_near(cursor: Cursor, runs: Sequence[Run]) -> list[Row]:
    if not runs:
        return []
    return [Row(*row) for row in cursor.execute(_SQL["rows_near"], _columns(runs)).fetchall()]


def _store_settled(cursor: Cursor, changes: Changes) -> None:
    """Writes where a page's serials went: each kind with one statement."""
    _copy(cursor, "copy_movements", MOVEMENT_TYPES, changes.movements)
    if changes.gone:
        cursor.execute(_SQL["delete_places"], _columns(changes.gone))
    _copy(cursor, "copy_places", PLACE_TYPES, changes.stood)


def attribute(cursor: Cursor, changes: Changes) -> None:
    """Stores what entries said about whose gifts are."""
    if changes.attributions:
        cursor.execute(_SQL["attribute"], _columns(changes.attributions))


def _copy(cursor: Cursor, name: str, types: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    with cursor.copy(_SQL[name]) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
