"""Migrated schemas, each test's its own: one that is left as it was made is emptied and goes to the next test.

A migration costs a server more than most tests do. What a test did to a schema other than to its rows (a trigger
dropped, a right given, a column more) is found by `STAMP`, and that schema is dropped: no test sees what another did.
"""

from __future__ import annotations

import itertools
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from psycopg import sql

from ledger.database import Connection, Database, connecting, migrate

SIZE_MAX_BYTES = 8 * 1024 * 1024
"""Emptied tables keep their pages: a schema that has grown to this is dropped."""
STAMP = """
with table_ as (select * from pg_class where relnamespace = %(schema)s::text::regnamespace),
role as (select * from pg_authid where rolname = %(role)s::text),
made as (
    select format('%%s', (relname, relkind, relacl, reloptions, relowner, relpersistence, relrowsecurity)) from table_
    union all
    select format('%%s', (attrelid, attname, atttypid, attnotnull, attacl, atthasdef, attidentity, attgenerated))
    from pg_attribute join table_ on attrelid = table_.oid
    union all select format('%%s', (conname, conrelid, contype, convalidated, condeferred, conkey, confkey))
    from pg_constraint where connamespace = %(schema)s::text::regnamespace
    union all select format('%%s', (tgrelid, tgname, tgenabled, tgtype, tgfoid, tgqual))
    from pg_trigger join table_ on tgrelid = table_.oid
    union all select format('%%s', (indexrelid, indkey, indisvalid, indisunique, indpred))
    from pg_index join table_ on indexrelid = table_.oid
    union all select format('%%s', (adrelid, adnum, adbin)) from pg_attrdef join table_ on adrelid = table_.oid
    union all select format('%%s', (proname, prosrc, proacl, proowner, prosecdef))
    from pg_proc where pronamespace = %(schema)s::text::regnamespace
    union all select format('%%s', (typname, typtype, typacl))
    from pg_type where typnamespace = %(schema)s::text::regnamespace
    union all select format('%%s', (nspacl, nspowner)) from pg_namespace where nspname = %(schema)s::text
    union all select format('%%s', (rolsuper, rolcanlogin, rolcreaterole, rolcreatedb, rolbypassrls)) from role
    union all select format('%%s', (roleid, member, admin_option))
    from pg_auth_members join role on role.oid in (roleid, member)
    union all select format('%%s', (setdatabase, setconfig)) from pg_db_role_setting join role on role.oid = setrole
)
select md5(string_agg(format, ';' order by format)) from made
"""
"""What a schema and its role are made of, without what is in the tables."""
_numbers = itertools.count(1)
_keepers: dict[str, Connection] = {}
"""By URL, the owner's connection for what is done here: each new one would learn the catalogues anew."""


@dataclass(frozen=True)
class Made:
    """A migrated schema on the server of that URL: its stamp, and the rows that it has from the beginning."""

    database: Database
    stamp: str
    emptying: sql.Composed

    @classmethod
    def on(cls, url: str) -> Made:
        """A new one."""
        database = Database(url, schema=f"t{os.getpid()}_{next(_numbers)}")
        migrate(database)
        with owning(url) as connection:
            return cls(database, stamp_of(connection, database), _emptying(connection, database.schema))

    def emptied(self) -> bool:
        """Makes it as migrated, guards off; whether it can be used again."""
        with owning(self.database.owner_url) as connection, connection.transaction():
            if stamp_of(connection, self.database) != self.stamp or _size(connection, self.database) > SIZE_MAX_BYTES:
                return False
            connection.execute(self.emptying)
            return True


_idle: defaultdict[str, list[Made]] = defaultdict(list)
"""By URL, those that nobody uses."""
_used: dict[str, Made] = {}
"""By name, those that tests have as their own."""


@contextmanager
def keeping(url: str) -> Iterator[None]:
    """Meanwhile one connection serves all schemas on that server, which nobody may stop."""
    with connecting(url) as connection:
        _keepers[url] = connection
        try:
            yield
        finally:
            del _keepers[url]
            _idle.pop(url, None)


@contextmanager
def owning(url: str) -> Iterator[Connection]:
    """The owner's connection: the one that is kept, or one of the moment to a server that tests stop and start."""
    if url in _keepers:
        yield _keepers[url]
    else:
        with connecting(url) as connection:
            yield connection


@contextmanager
def own_schema(url: str) -> Iterator[Database]:
    """A migrated schema that nobody else uses."""
    made = _idle[url].pop() if _idle[url] else Made.on(url)
    _used[made.database.schema] = made
    try:
        yield made.database
    finally:
        del _used[made.database.schema]
        if made.emptied():
            _idle[url].append(made)
        else:
            drop(url, made.database.schema)


def empty(database: Database) -> None:
    """Takes out of a schema, which a test has as its own, all rows but those that it had from the beginning."""
    with owning(database.owner_url) as connection, connection.transaction():
        connection.execute(_used[database.schema].emptying)


@contextmanager
def promised(url: str, name: str) -> Iterator[Callable[[], None]]:
    """Brings a schema of that name, migrated, when it is called; none of that name is left afterwards."""
    there: list[str] = []
    with ExitStack() as stack:

        def bring() -> None:
            if not there:
                own, renamed = stack.enter_context(own_schema(url)), Database(url, schema=name)
                _rename(own, renamed)
                stack.callback(_rename, renamed, own)
                there.append(name)

        yield bring
    if not there:
        drop(url, name)


def drop(url: str, schema: str) -> None:
    """Removes a schema, if it is there, and its role."""
    database = Database(url, schema=schema)
    with owning(url) as connection:
        connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
        if connection.execute("select 1 from pg_roles where rolname = %s", (database.role,)).fetchone():
            role = sql.Identifier(database.role)
            connection.execute(sql.SQL("drop owned by {0}; drop role {0}").format(role))


def stamp_of(connection: Connection, database: Database) -> str:
    """`STAMP` of that schema."""
    row = connection.execute(STAMP, {"schema": database.schema, "role": database.role}).fetchone()
    assert row is not None
    return str(row[0])


def _size(connection: Connection, database: Database) -> int:
    row = connection.execute(
        "select sum(pg_relation_size(oid)) from pg_class where relnamespace = %s::text::regnamespace",
        (database.schema,),
    ).fetchone()
    assert row is not None
    return int(row[0])


def _emptying(connection: Connection, schema: str) -> sql.Composed:
    """What makes the tables of a schema, which is as migrated now, that way again; in a transaction."""
    statements: list[sql.Composable] = [sql.SQL("set local session_replication_role = replica")]
    for (name,) in connection.execute("select tablename from pg_tables where schemaname = %s", (schema,)).fetchall():
        table = sql.Identifier(schema, name)
        statements.append(sql.SQL("delete from {}").format(table))
        row = connection.execute(sql.SQL("select json_agg(one)::text from {} as one").format(table)).fetchone()
        if row is not None and row[0] is not None:
            again = sql.SQL("insert into {0} select * from json_populate_recordset(null::{0}, {1})")
            statements.append(again.format(table, sql.Literal(row[0])))
    for (name,) in connection.execute("select sequencename from pg_sequences where schemaname = %s", (schema,)):
        statements.append(sql.SQL("select setval({}, 1, false)").format(sql.Literal(f"{schema}.{name}")))
    return sql.SQL(";").join(statements)


def _rename(old: Database, new: Database) -> None:
    names = [sql.Identifier(name) for name in (old.schema, new.schema, old.role, new.role)]
    command = sql.SQL("alter schema {} rename to {}; alter role {} rename to {}").format(*names)
    with owning(old.owner_url) as connection:
        connection.execute(command)
