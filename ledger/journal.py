"""The journal: an `eventsourcing` application whose recorder seals each fact into the hash chain and appends it.

Facts come as postings (stream, version, type, encoded data). Under the ledger's write lock, the row of `head`, the
recorder gives them `seq`, `prev`, `at` and salt, makes the exact bytes and their leaf hash, and copies them in. What a
subscriber sees as notification id is seq + 1, because a new subscriber asks for ids above 0.
"""

from __future__ import annotations

import os
import re
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache, wraps
from typing import Any, LiteralString, NamedTuple, ParamSpec, TypeVar, cast

from eventsourcing.application import Application
from eventsourcing.persistence import InterfaceError, Mapper, Notification, OperationalError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore, PostgresFactory, PostgresSubscription
from msgspec import Struct

from ledger.codec import Entry, data_of, decode, decode_fact, leaf_hash, seal
from ledger.database import Cursor, Database, is_away, point_pool, queries, tuples
from ledger.errors import BadValue, ClockBehind, LedgerNotOpen
from ledger.events import Fact
from ledger.times import Clock, utc_now, utc_text

MAX_CLOCK_LAG = timedelta(seconds=60)
GATHER_S = 0.1
"""How long a subscription gathers what is written before it reads again."""
READ_AGAIN_S = (0.0, 0.2, 0.2, 0.2)
"""Before each further try. A server that was started anew left all connections of the pool dead."""
COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
COPY_TRAILER = b"\xff\xff"
LEAF_BYTES = 32
FEW = 64
"""Entries up to so many go in by one statement with all that goes with them."""
COPY_ROWS = 120
"""Rows to a write, of about 64 kB: what the server puts into the table at once, while the next are being sealed."""
_SQL = queries("ledger", "journal.sql")
_ORIGIN = re.compile(r"[!-*,-~]{1,200}", re.ASCII)

P = ParamSpec("P")
R = TypeVar("R")

Entropy = Callable[[int], bytes]
"""Gives that many random bytes."""


def reads_again(read: Callable[P, R]) -> Callable[P, R]:
    """For what changes nothing: reads once more, on another connection, when this one turns out to be dead."""

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> R:
        for pause_s in READ_AGAIN_S:
            try:
                return read(*args, **kwargs)
            except (InterfaceError, OperationalError) as error:
                if is_away(error):
                    raise
                time.sleep(pause_s)
        return read(*args, **kwargs)

    return reading


class Posting(Struct, frozen=True, gc=False):
    """A fact ready to be appended, with the attributes of a stored event of `eventsourcing`: its data is encoded."""

    originator_id: str
    originator_version: int
    topic: str
    state: bytes


class Notice(Struct, frozen=True, gc=False):
    """An entry with the attributes of a notification of `eventsourcing`, at a tenth of the cost of making one."""

    originator_id: str
    originator_version: int
    topic: str
    state: bytes
    id: int


class Head(NamedTuple):
    """Where the chain ends: how many entries, the last one's leaf hash and instant; origin None before entry 0."""

    origin: str | None
    currency: str | None
    exponent: int | None
    zone: str | None
    size: int
    leaf: bytes
    at: datetime


@dataclass(slots=True)
class Writing:
    """An open write transaction that holds the ledger's lock: its cursor, the head as it stands in it, its instant.

    `sealed` is what it has appended so far: leaf hashes with entries.
    """

    cursor: Cursor
    head: Head
    at: datetime
    sealed: list[tuple[bytes, bytes]] = field(default_factory=list)


class JournalMapper(Mapper[str]):
    """Postings to stored events and back to facts, by stable names only."""

    def to_stored_event(self, domain_event: Any) -> Any:
        """The posting as it is: encoding comes earlier, where an entry that cannot be is a refusal."""
        return domain_event

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        return decode_fact(stored_event.topic, stored_event.state)


class JournalRecorder(PostgresApplicationRecorder):
    """Appends to and reads from the table `entry`.

    `state` of a stored event is the entry's `data`; the envelope is this recorder's. Nothing is retried here: a commit
    of unknown outcome is settled by the idempotency keys of whoever asked for it.
    """

    def __init__(self, datastore: PostgresDatastore, **names: Any) -> None:
        super().__init__(datastore, **names)
        self.clock: Clock = utc_now
        self.entropy: Entropy = os.urandom
        self.channel_name = f"{datastore.schema}_entries"

    def create_table(self) -> None:
        """Nothing: only migrations create tables."""

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """A transaction that holds the write lock; committed on the way out, rolled back on an exception.

        Raises ClockBehind, LedgerNotOpen when nothing was migrated, and the persistence errors of `eventsourcing`.
        """
        with self.datastore.get_connection() as connection, connection.transaction():
            cursor = tuples(connection)
            row = cursor.execute(_SQL["lock_head"]).fetchone()
            if row is None:
                raise LedgerNotOpen()
            head = Head(*row)
            now = self.clock()
            if head.at - now > MAX_CLOCK_LAG:
                raise ClockBehind(now=utc_text(now), last=utc_text(head.at))
            yield Writing(cursor, head, max(now, head.at))

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Appends in a write transaction of its own, or in the one given as `writing`.

        Returns the notification ids; None when `writing` was given, where the caller counts from its head.
        """
        writing: Writing | None = kwargs.get("writing")
        if writing is not None:
            self._append(writing, stored_events)
            return None
        with self.writing() as own:
            first = own.head.size
            self._append(own, stored_events)
        return [first + n + 1 for n in range(len(stored_events))]

    def _append(self, writing: Writing, events: Sequence[StoredEvent]) -> None:
        """Seals the events one behind the other, puts them in as one, and moves the head."""
        if not events:
            return
        size = writing.head.size + len(events)
        rows = self._sealed(writing, events)
        if len(events) <= FEW:
            columns = [list(column) for column in zip(*rows, strict=True)]
            leaf = writing.sealed[-1][0]
            parameters = (*columns, size, leaf, writing.at, self.channel_name)
            writing.cursor.execute(_SQL["append_few"], parameters)
        else:
            _copy_in(writing.cursor, rows)
            leaf = writing.sealed[-1][0]
            writing.cursor.execute(_SQL["move_head"], (size, leaf, writing.at, self.channel_name))
        writing.head = writing.head._replace(size=size, leaf=leaf, at=writing.at)

    def _sealed(self, writing: Writing, events: Sequence[StoredEvent]) -> Iterator[EntryRow]:
        """The events as rows, each sealed when it is asked for."""
        head, at = writing.head, utc_text(writing.at)
        assert head.origin is not None, "a ledger is opened before anything is appended"
        prev, salts = head.leaf, self.entropy(16 * len(events)).hex()
        for n, event in enumerate(events):
            seq, stream, version, topic = head.size + n, str(event.originator_id), event.originator_version, event.topic
            body = seal(
                event.state,
                at=at,
                origin=head.origin,
                prev=prev,
                salt=salts[32 * n : 32 * n + 32],
                seq=seq,
                name=(stream, topic, version),
            )
            prev = leaf_hash(body)
            writing.sealed.append((prev, body))
            yield seq, stream, version, topic, prev, body

    @reads_again
    def select_events(
        self,
        originator_id: Any,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The events of one stream with versions above `gt` and up to `lte`, by version."""
        with self.reading() as cursor:
            query = _SQL["stream_backwards" if desc else "stream_forwards"]
            rows = cursor.execute(query, {"stream": str(originator_id), "gt": gt, "lte": lte, "limit": limit})
            return [StoredEvent(stream, version, topic, data_of(body)) for _, stream, version, topic, _, body in rows]

    @reads_again
    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """At most `limit` events from notification id `start` (or above it) up to `stop`, of the given types or all."""
        first = 0 if start is None else start - 1 if inclusive_of_start else start
        with self.reading() as cursor:
            # Binary: as text, bytes would cross the wire twice as long.
            rows = cursor.execute(
                _SQL["notifications"],
                {"first": first, "stop": stop, "topics": list(topics) or None, "limit": limit},
                binary=True,
            )
            notices = [
                Notice(stream, version, topic, data_of(body), seq + 1) for seq, stream, version, topic, _, body in rows
            ]
        return cast(Sequence[Notification], notices)

    @reads_again
    def max_notification_id(self) -> int | None:
        """The newest notification id; None when nothing was recorded."""
        with self.reading() as cursor:
            row = cursor.execute(_SQL["head"]).fetchone()
            return (row[4] or None) if row else None

    @cached_property
    def origin(self) -> str:
        """The ledger's name, asked for once: it never changes. Raises LedgerNotOpen."""
        return self.head().origin or ""

    @reads_again
    def head(self) -> Head:
        """The chain's end as committed. Raises LedgerNotOpen."""
        with self.reading() as cursor:
            row = cursor.execute(_SQL["head"]).fetchone()
        if row is None or row[0] is None:
            raise LedgerNotOpen()
        return Head(*row)

    @reads_again
    def read(self, first: int, limit: int) -> list[Entry]:
        """At most `limit` entries from seq `first` on."""
        with self.reading() as cursor:
            return entries_of(cursor, first, limit)

    def bundles(self, per_bundle: int = 512) -> Iterator[bytes]:
        """All entries as C2SP entry bundles; see `bundles_of`."""
        size = self.head().size
        with self.reading() as cursor:
            yield from bundles_of(cursor, 0, size, per_bundle)

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> EntrySubscription:
        """New entries as they are committed, from above notification id `gt`."""
        return EntrySubscription(recorder=self, gt=gt, topics=topics)

    @contextmanager
    def reading(self) -> Iterator[Cursor]:
        """A cursor of plain tuples on a pooled connection, autocommit."""
        with self.datastore.get_connection() as connection:
            yield tuples(connection)


class JournalFactory(PostgresFactory):
    """The library's PostgreSQL infrastructure, connected as our Database says."""

    application_recorder_class = JournalRecorder

    def __init__(self, database: Database, env: Any) -> None:
        super().__init__(env)
        point_pool(self.datastore.pool, database.url, database.configure)


class Journal(Application[str]):
    """The ledger's one application: appends postings by `events.put`, reads them back as facts."""

    name = "journal"

    def __init__(
        self, database: Database, *, clock: Clock = utc_now, entropy: Entropy = os.urandom, pool_size: int = 4
    ) -> None:
        self.database = database
        super().__init__(
            env={
                "POSTGRES_DBNAME": "-",
                "POSTGRES_HOST": "-",
                "POSTGRES_USER": "-",
                "POSTGRES_PASSWORD": "-",
                "POSTGRES_SCHEMA": database.schema,
                "POSTGRES_POOL_SIZE": "1",
                "POSTGRES_CONNECT_TIMEOUT": "5",
                "POSTGRES_MAX_OVERFLOW": str(pool_size - 1),
                "POSTGRES_IDLE_IN_TRANSACTION_SESSION_TIMEOUT": "300",
                "ORIGINATOR_ID_TYPE": "text",
                "CREATE_TABLE": "no",
            }
        )
        recorder = self.recorder
        assert isinstance(recorder, JournalRecorder)
        self.entries: JournalRecorder = recorder
        recorder.clock, recorder.entropy = clock, entropy

    def construct_factory(self, env: Any) -> Any:
        return JournalFactory(self.database, env)

    def construct_mapper(self) -> JournalMapper:
        return JournalMapper(self.construct_transcoder())

    def append(self, writing: Writing, postings: Sequence[Any]) -> None:
        """Puts postings at the end of the chain, in the open write transaction."""
        self.events.put(postings, writing=writing)

    def facts(self, stream: str) -> Iterator[Fact]:
        """The facts on one stream, oldest first."""
        return iter(self.events.get(stream))  # type: ignore[arg-type]  # our mapper gives facts


class EntrySubscription(PostgresSubscription):
    """A subscription that can be drained by the page, each page as long as what has been pulled.

    It pulls at once, and then not again for a moment: what comes meanwhile is one page.
    """

    _pulled_s = float("-inf")

    def _pull(self) -> None:
        time.sleep(max(0.0, self._pulled_s + GATHER_S - time.monotonic()))
        super()._pull()
        self._pulled_s = time.monotonic()

    def pages(self) -> Iterator[Sequence[Notification]]:
        """Pages of notifications as they come, each in order, none empty; ends when the subscription is stopped."""
        for first in self:
            page = [first, *self._notifications[self._notifications_index :]]
            self._notifications_index = len(self._notifications)
            yield page


EntryRow = tuple[int, str, int, str, bytes, bytes]
"""seq, stream, version, type, leaf, body."""


def _copy_in(cursor: Cursor, rows: Iterable[EntryRow]) -> None:
    """Puts the rows into the table, some while others are being made."""
    made = [COPY_HEADER]
    with cursor.copy(_SQL["copy_entries"]) as copy:
        for row in rows:
            made.append(entry_row(*row))
            if len(made) == COPY_ROWS:
                copy.write(b"".join(made))
                made.clear()
        copy.write(b"".join([*made, COPY_TRAILER]))


def entry_row(seq: int, stream: str, version: int, topic: str, leaf: bytes, body: bytes) -> bytes:
    """A row of the table `entry` in COPY's binary format: how many fields, then each behind its length in bytes.

    PostgreSQL documentation, COPY, "Binary Format". Half the cost of the library's way with a row, on the hottest path.
    """
    name = stream.encode()
    begins, ends = _ROW_BEGINS.pack(6, 8, seq, len(name)), _LENGTH.pack(len(body))
    return b"".join((begins, name, _version_and_type(version, topic), leaf, ends, body))


@lru_cache(maxsize=1024)
def _version_and_type(version: int, topic: str) -> bytes:
    """These two fields, and how long the leaf behind them is."""
    kind = topic.encode()
    return _ROW_GOES_ON.pack(4, version, len(kind)) + kind + _LENGTH.pack(LEAF_BYTES)


_ROW_BEGINS, _ROW_GOES_ON, _LENGTH = struct.Struct(">hiqi"), struct.Struct(">iii"), struct.Struct(">i")


def entries_of(cursor: Cursor, first: int, limit: int) -> list[Entry]:
    """At most `limit` entries from seq `first` on, as this cursor's transaction sees them."""
    wanted = {"first": first, "stop": None, "topics": None, "limit": limit}
    return [decode(body, leaf) for *_, leaf, body in cursor.execute(_SQL["notifications"], wanted)]


def bundles_of(cursor: Cursor, first: int, size: int, per_bundle: int = 1024) -> Iterator[bytes]:
    """Entries from `first` up to `size` (exclusive) as C2SP entry bundles, put together by the server.

    An entry that is missing makes its bundle shorter.
    """
    for row in looked_at(cursor, _SQL["bundle"], first, size, per_bundle):
        yield row[0] or b""


def looked_at(
    cursor: Cursor, query: LiteralString, first: int, size: int, per_bundle: int = 1024
) -> Iterator[tuple[Any, ...]]:
    """The one row that a query has for entries from .. to (exclusive), bundle by bundle."""
    if size - first > per_bundle:
        cursor.execute(_SQL["keep_memory"])
    for start in range(first, size, per_bundle):
        yield from cursor.execute(query, (start, min(start + per_bundle, size)), binary=True)


def check_origin(origin: str) -> str:
    """`origin` if it can name a ledger in C2SP formats: printable ASCII without space or plus. Raises BadValue."""
    if _ORIGIN.fullmatch(origin) and "://" not in origin:
        return origin
    raise BadValue(
        "origin",
        origin,
        "printable ASCII without space, + or https://, such as ledger.example.org/fund",
        "应为不含空格、加号和 https:// 的 ASCII，如 ledger.example.org/fund",
    )
