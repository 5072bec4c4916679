"""What a ledger's entries post, read as a stream from one snapshot: memory does not grow with the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from ledger.database import Connection, queries, tuples
from ledger.journal import Journal
from projections.trace import snapshot
from reports.postings import Books, Told, Transaction, natures_of

FETCH_ROWS = 2_000
Posted = Iterator[Transaction]
_SQL = queries("reports", "postings.sql")


@contextmanager
def posted(journal: Journal, size: int, until: date = date.max) -> Iterator[Posted]:
    """What the first `size` entries posted by that day, in the order of days, while the block lasts.

    The views must have folded them (`Runner.catch_up`).
    """
    with snapshot(journal) as connection:
        cursor = tuples(connection)
        tapes = cursor.execute(_SQL["tapes"], {"size": size}).fetchall()
        books = Books(
            {number: fund for number, fund, _ in tapes},
            natures_of({number: terms for number, _, terms in tapes}),
            dict(cursor.execute(_SQL["accounts"], {"size": size}).fetchall()),
        )
        yield books.post(_told(connection, size, until))


def _told(connection: Connection, size: int, until: date) -> Iterator[Told]:
    with connection.cursor("posted", row_factory=tuples(connection).row_factory) as cursor:
        cursor.execute(_SQL["entries"], {"size": size, "until": until})
        while rows := cursor.fetchmany(FETCH_ROWS):
            yield from (Told(*row) for row in rows)
