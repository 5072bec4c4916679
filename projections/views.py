"""The views as stored: a page of entries folded into them in one transaction with the tracking of how far they go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from eventsourcing.persistence import Notification, Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder

from ledger.database import Cursor, queries, tuples
from ledger.tapes import Row, Run
from projections.fold import Changes, ProjectionFailed, items_of, place_columns, touched, whole_entries

_SQL = queries("projections", "views.sql")

GIFT_TYPES = ("int4", "int8", "int8", *("text",) * 6, "bool", "date", "int8")
PLACE_TYPES = ("int4", "int8", "int8", "text", "text", "date", "text", "text", "text", "text")
MOVEMENT_TYPES = ("int8", "date", "int4", "int8", "int8", *("text",) * 11)


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
            cursor.execute(_SQL["begin"])
            cursor.execute(_SQL["lock"])
            yield cursor

    def position(self) -> int:
        """The notification id (seq + 1) of the newest entry folded, 0 when none is: how many entries are."""
        return self.max_tracking_id(self.application) or 0

    def fold(self, cursor: Cursor, page: Sequence[Notification]) -> bool:
        """Folds the page's whole entries that are not folded yet, and moves the tracking, in the open transaction.

        False, with nothing done, when the page has none or does not reach back to where the views end.
        Raises ProjectionFailed, after which the transaction must be given up.
        """
        position = _position(cursor, self.application)
        if not page or page[0].id > position + 1:
            return False
        fresh = whole_entries(page[position + 1 - page[0].id :])
        if not fresh:
            return False
        items = items_of(fresh)
        runs = touched(items)
        changes = Changes(_rows_near(cursor, runs), _funds(cursor, runs))
        changes.fold(items)
        _store(cursor, changes)
        self._insert_tracking(cursor, Tracking(self.application, fresh[-1].id))
        return True

    def forget(self, cursor: Cursor) -> None:
        """Empties the views and the tracking in the open transaction."""
        cursor.execute(_SQL["forget"], (self.application,))

    def record_failure(self, failure: ProjectionFailed) -> None:
        """Keeps the failure for whoever asks, in another process too."""
        fields = failure.fields
        with self.datastore.get_connection() as connection:
            values = (self.application, fields["seq"], fields["type"], fields["reason"])
            connection.execute(_SQL["record_failure"], values)

    def failure(self) -> ProjectionFailed | None:
        """The failure at which the views stand still, if there is one."""
        with self.datastore.get_connection() as connection:
            row = tuples(connection).execute(_SQL["failure"], (self.application,)).fetchone()
        return None if row is None else ProjectionFailed(*row)


def _position(cursor: Cursor, application: str) -> int:
    row = cursor.execute(_SQL["position"], (application,)).fetchone()
    assert row is not None
    return int(row[0])


def _rows_near(cursor: Cursor, runs: Sequence[Run]) -> list[Row]:
    if not runs:
        return []
    return [Row(*row) for row in cursor.execute(_SQL["rows_near"], _columns(runs)).fetchall()]


def _funds(cursor: Cursor, runs: Iterable[Run]) -> dict[int, str]:
    tapes = list({run.tape for run in runs})
    return dict(cursor.execute(_SQL["funds"], (tapes,)).fetchall()) if tapes else {}


def _store(cursor: Cursor, changes: Changes) -> None:
    """Writes a page's changes: each kind with one statement."""
    if changes.tapes:
        cursor.execute(_SQL["insert_tapes"], _columns(changes.tapes))
    _copy(cursor, "copy_gifts", GIFT_TYPES, changes.gifts)
    _copy(cursor, "copy_movements", MOVEMENT_TYPES, changes.movements)
    gone, new = changes.places.changes()
    if gone:
        cursor.execute(_SQL["delete_places"], _columns(row[:2] for row in gone))
    _copy(cursor, "copy_places", PLACE_TYPES, map(place_columns, new))
    if changes.attributions:
        cursor.execute(_SQL["attribute"], _columns(changes.attributions))


def _copy(cursor: Cursor, name: str, types: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    rows = list(rows)
    if not rows:
        return
    with cursor.copy(_SQL[name]) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
