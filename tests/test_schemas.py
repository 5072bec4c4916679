"""No test sees what another did: a schema is handed on as it was made, or not at all."""

from __future__ import annotations

import pytest
from schemas import own_schema, promised, stamp_of

from ledger.database import Database, connecting

CONTENT = """
select json_build_object('head', (select json_agg(head) from head), 'giving', (select json_agg(g) from view_giving g),
    'migrations', (select count(*) from migration), 'keys', (select count(*) from command_key),
    'next', (select last_value from vault_access_id_seq))::text
"""
"""Of each way in which a schema begins with something, one."""
ROWS = """
delete from migration; update head set size = 7; delete from view_giving; insert into command_key values ('k', '', 1);
insert into vault_access (at, by, what, subjects, fields, reason) values (now(), 'b', 'w', '{}', '{}', 'r')
"""


def test_what_was_written_is_gone(server_url: str) -> None:
    with own_schema(server_url) as first, first.owner() as owner:
        before = owner.execute(CONTENT).fetchall()
        owner.execute(ROWS)
        assert owner.execute(CONTENT).fetchall() != before
    with own_schema(server_url) as again, again.owner() as owner:
        assert (again.schema, owner.execute(CONTENT).fetchall()) == (first.schema, before)


@pytest.mark.parametrize(
    "change",
    [
        "drop trigger entry_is_append_only on entry",
        "alter table entry disable trigger entry_is_append_only",
        "grant delete on entry to {role}",
        "grant update (body) on entry to {role}",
        "alter role {role} bypassrls",
        "alter role {role} set statement_timeout to 1",
        "grant usage on schema {schema} to public",
        "alter table head add more integer",
        "alter table head alter at drop default",
        "drop index entry_erasure",
        "alter table holding drop constraint holding_check",
        "create or replace function refuse_change() returns trigger language plpgsql as 'begin return new; end'",
        "create table more (it integer)",
        "drop table code cascade",
    ],
)
def test_every_change_but_of_rows_shows(change: str, server_url: str) -> None:
    with own_schema(server_url) as made, made.owner() as owner, owner.transaction(force_rollback=True):
        before = stamp_of(owner, made)
        owner.execute(change.format(schema=made.schema, role=made.role))
        assert stamp_of(owner, made) != before


def test_what_was_changed_is_never_handed_on(server_url: str) -> None:
    with own_schema(server_url) as first, first.owner() as owner:
        owner.execute("drop trigger entry_is_append_only on entry")
    assert not exists(first)
    with own_schema(server_url) as second:
        assert second.schema != first.schema


def test_a_promised_schema_comes_when_it_is_called_and_goes(server_url: str) -> None:
    named = Database(server_url, schema="promised")
    with promised(server_url, named.schema) as bring:
        assert not exists(named)
        bring()
        bring()
        with named.service() as service:
            service.execute("select from entry")
    assert not exists(named)


def exists(database: Database) -> bool:
    with connecting(database.owner_url) as connection:
        asked = "select 1 from pg_namespace where nspname = %s union select 1 from pg_roles where rolname = %s"
        return connection.execute(asked, (database.schema, database.role)).fetchone() is not None
