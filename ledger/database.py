"""The ledger's schema in PostgreSQL: connecting, migrating, rights, and the named queries in `.sql` files.

The only module that imports psycopg. Two kinds of access: the owner, who creates and migrates, and the service role,
who may read, append entries and keep the state beside them, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql
from psycopg.rows import dict_row, tuple_row
from psycopg_pool import PoolTimeout

from ledger.errors import LedgerNotOpen, OperatorFault

Connection = psycopg.Connection[Any]
Cursor = psycopg.Cursor[Any]

CONNECT_S, CONNECT_AGAIN_S = 5, 0.5
"""How long a server may take to answer at all, and how long a pool goes on trying before it says that none is there."""
MIGRATION_LOCK = 0x66656E68
MINIMUM_VERSION = 150000
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,50}", re.ASCII)


class DatabaseFault(OperatorFault):
    """PostgreSQL cannot be used as it is; `reason` says what to do."""

    code = "database"
    zh = "数据库无法使用：{reason}"
    en = "the database cannot be used: {reason}"


@dataclass(frozen=True, slots=True)
class Database:
    """Where a ledger lives: libpq URLs of the owner and of the service, and the schema.

    `service_url` None means that the service connects as the owner and steps down by SET ROLE.
    """

    owner_url: str
    service_url: str | None = None
    schema: str = "fenhao"

    def __post_init__(self) -> None:
        if not _IDENTIFIER.fullmatch(self.schema):
            raise DatabaseFault(reason=f"the schema name {self.schema!r} is not a-z, 0-9 and _")

    @property
    def role(self) -> str:
        """The service's role: one for each schema, so that one ledger's service cannot read another's."""
        return f"{self.schema}_service"

    @property
    def url(self) -> str:
        """What the service connects to."""
        return self.service_url or self.owner_url

    def configure(self, connection: Connection) -> None:
        """Makes a fresh connection the service's: its schema, its role, UTC, no idle transaction for long."""
        statements = [
            sql.SQL("set search_path to {}").format(sql.Identifier(self.schema)),
            sql.SQL("set timezone to 'UTC'"),
        ]
        if self.service_url is None:
            statements.insert(0, sql.SQL("set role {}").format(sql.Identifier(self.role)))
        statements += [
            sql.SQL("set idle_in_transaction_session_timeout to '5min'"),
            sql.SQL("set tcp_keepalives_idle to 60"),
        ]
        connection.autocommit = True
        connection.execute(sql.SQL(";").join(statements))

    @contextmanager
    def owner(self) -> Iterator[Connection]:
        """A connection of the owner, autocommit, with the schema first in the search path."""
        with connecting(self.owner_url) as connection:
            connection.execute(sql.SQL("set search_path to {}").format(sql.Identifier(self.schema)))
            yield connection

    @contextmanager
    def service(self) -> Iterator[Connection]:
        """A connection of the service's own, autocommit. Raises DatabaseFault."""
        with connecting(self.url) as connection:
            try:
                self.configure(connection)
            except psycopg.Error as error:
                raise DatabaseFault(reason=_first_line(error)) from error
            yield connection


def point_pool(pool: Any, url: str, configure: Callable[[Connection], None] | None = None) -> None:
    """Has the pool of an `eventsourcing` datastore, which takes no URL, connect to one; `configure` follows its own."""
    own = pool._configure

    def configured(connection: Connection) -> None:
        own(connection)
        if configure is not None:
            configure(connection)

    pool.conninfo, pool._configure = url, configured
    pool.kwargs = {"row_factory": dict_row, "connect_timeout": CONNECT_S}
    # By its own habit it waits longer after each failure, up to minutes, and would not see the server come back.
    pool.reconnect_timeout, pool._reconnect_failed = CONNECT_AGAIN_S, _send_away


def _send_away(pool: Any) -> None:
    """Whoever waits for a connection hears at once that there is none and none can be made."""
    with pool._lock:
        waiting = [] if pool._nconns else [*pool._waiting]
    for one in waiting:
        one.fail(PoolTimeout("the server does not answer"))


def is_away(error: BaseException) -> bool:
    """Whether no connection could be had, as against one that turned out to be dead."""
    return isinstance(error.__cause__, PoolTimeout)


def tuples(connection: Connection) -> Cursor:
    """A cursor whose rows are plain tuples, whatever the connection's habit."""
    return connection.cursor(row_factory=tuple_row)


@contextmanager
def connecting(url: str) -> Iterator[Connection]:
    """An autocommit connection; failures to connect are one DatabaseFault."""
    try:
        connection = psycopg.connect(url, autocommit=True, row_factory=tuple_row, connect_timeout=10)
    except (psycopg.ProgrammingError, UnicodeError):
        # Not repeated and not chained: what libpq could not read may hold a password.
        raise DatabaseFault(reason="the URL cannot be read; write postgresql://USER@HOST/DATABASE") from None
    except psycopg.Error as error:
        raise DatabaseFault(reason=_first_line(error)) from error
    with connection:
        try:
            yield connection
        except psycopg.Error as error:
            raise DatabaseFault(reason=_first_line(error)) from error


def migrate(database: Database, report: Callable[[str], None] = lambda name: None) -> list[str]:
    """Brings the schema to the newest version as the owner, all in one transaction; the names of what was applied.

    Creates the schema and the service role where they are missing. Raises DatabaseFault.
    """
    with connecting(database.owner_url) as connection:
        if connection.info.server_version < MINIMUM_VERSION:
            raise DatabaseFault(reason=f"PostgreSQL 15 or newer is needed, this is {connection.info.server_version}")
        try:
            with connection.transaction():
                return _migrate(connection, database, report)
        except psycopg.Error as error:
            raise DatabaseFault(reason=f"migration failed, nothing was changed: {_first_line(error)}") from error


def check_ready(database: Database) -> None:
    """Raises LedgerNotOpen before `init`, DatabaseFault when the schema is older or newer than this program."""
    with connecting(database.url) as connection:
        tables = "select 1 from pg_tables where schemaname = %s and tablename = 'migration'"
        if not _fetch_one(connection, tables, database.schema):
            raise LedgerNotOpen()
    with database.service() as connection:
        done = {name for (name,) in connection.execute("select name from migration").fetchall()}
    known = _migrations().keys()
    if known - done:
        raise DatabaseFault(reason=f"the schema lacks {', '.join(sorted(known - done))}; run fenhao migrate")
    if done - known:
        raise DatabaseFault(reason=f"the schema is newer than this program ({', '.join(sorted(done - known))})")


def describe_server(connection: Connection) -> str:
    """The server's version and where it is, for people."""
    version = connection.info.server_version
    return f"PostgreSQL {version // 10_000}.{version % 10_000} @ {connection.info.host or 'localhost'}"


def rights_of(connection: Connection) -> list[str]:
    """What the connection's role may do to the table of entries beyond reading and appending."""
    forbidden = ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER")
    row = connection.execute(
        "select " + ", ".join(f"has_table_privilege('entry', '{right}')" for right in forbidden)
    ).fetchone()
    assert row is not None
    return [right for right, granted in zip(forbidden, row, strict=True) if granted]


def _migrate(connection: Connection, database: Database, report: Callable[[str], None]) -> list[str]:
    schema, role = sql.Identifier(database.schema), sql.Identifier(database.role)
    connection.execute("select pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
    connection.execute(sql.SQL("create schema if not exists {}").format(schema))
    connection.execute(sql.SQL("set local search_path to {}").format(schema))
    connection.execute("create table if not exists migration (name text primary key, at timestamptz default now())")
    if not _fetch_one(connection, "select 1 from pg_roles where rolname = %s", database.role):
        connection.execute(sql.SQL("create role {}").format(role))
        connection.execute(sql.SQL("grant {} to current_user").format(role))
    done = {name for (name,) in connection.execute("select name from migration").fetchall()}
    applied = []
    for name, text in sorted(_migrations().items()):
        if name not in done:
            report(name)
            connection.execute(text)
            connection.execute("insert into migration (name) values (%s)", (name,))
            applied.append(name)
    connection.execute(_resource("ledger", "grants.sql").format(schema=database.schema, role=database.role))
    return applied


def _migrations() -> dict[str, str]:
    folder = files("ledger") / "migrations"
    return {item.name: item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".sql")}


@cache
def queries(package: str, name: str) -> dict[str, LiteralString]:
    """The named queries of `package/name`: each begins with `-- name: NAME`, its description in comments below."""
    parts = re.split(r"^-- name: (\w+)$", _resource(package, name), flags=re.MULTILINE)
    return {key: cast(LiteralString, text.strip()) for key, text in zip(parts[1::2], parts[2::2], strict=True)}


def _resource(package: str, name: str) -> str:
    return (files(package) / name).read_text("utf-8")


def _fetch_one(connection: Connection, query: LiteralString, *parameters: object) -> Any:
    return connection.execute(query, parameters).fetchone()


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
