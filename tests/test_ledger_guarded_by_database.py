"""What the database itself refuses, and what verification finds when whoever owns it has switched the guards off."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from itertools import product

import psycopg
import pytest
from conftest import Ledger, every_server
from psycopg import errors

from audit.verify import Report, bundle, verify
from ledger.database import Connection
from ledger.decisions import (
    MakeAllocation,
    OpenCase,
    OpenFund,
    PayHospital,
    PaymentLine,
    ReceiveDonation,
    RegisterHospital,
)

ON = date(2026, 3, 1)


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """Twelve entries, with money at three places."""
    ledger.writer.submit_batch(
        [
            OpenFund(key="F", fund="F", name="fund", fee_bp=1000),
            RegisterHospital(key="H", hospital="H", name="hospital"),
            OpenCase(key="C", case="C", fund="F", hospital="H"),
            *(ReceiveDonation(key=f"G{n}", donation=f"G{n}", fund="F", amount=100, on=ON, donor="X") for n in range(4)),
            MakeAllocation(key="A", allocation="A", case="C", amount=150, on=ON),
            PayHospital(key="P", payment="P", hospital="H", lines=(PaymentLine("C", 70),), on=ON),
        ]
    )
    assert verified(ledger).entries == 12
    return ledger


def verified(ledger: Ledger) -> Report:
    return verify(ledger.journal.entries.bundles())


NOT_PERMITTED = (errors.InsufficientPrivilege, errors.FeatureNotSupported)


def allowed(
    connection: Connection, statements: list[str], refusals: tuple[type[psycopg.Error], ...] = NOT_PERMITTED
) -> list[str]:
    """Those of the statements that the database does not refuse, each in a transaction of its own."""
    done = []
    for statement in statements:
        with suppress(*refusals):
            with connection.transaction():  # whose end is where deferred constraints are judged
                connection.execute(statement)
            done.append(statement)
    return done


FORBIDDEN = [
    "update entry set body = body",
    "update entry set body = body where seq = 3",
    "update entry set stream = 'x' where seq = 3",
    "delete from entry",
    "delete from entry where seq = 11",
    "truncate entry",
    "truncate entry cascade",
    "insert into entry select * from entry on conflict (seq) do update set body = excluded.body",
    "merge into entry using entry other on entry.seq = other.seq when matched then delete",
    "alter table entry disable trigger all",
    "alter table entry disable trigger entry_is_append_only",
    "drop trigger entry_is_append_only on entry",
    "drop table entry",
    "alter table entry drop constraint entry_pkey",
    "create or replace function refuse_change() returns trigger language plpgsql as 'begin return new; end'",
    "drop function refuse_change cascade",
    "create table mine (a integer)",
    "create view mine as select 1",
    "create function mine() returns integer language sql as 'select 1'",
    "create trigger mine before insert on entry for each row execute function refuse_change()",
    "create schema mine",
    "set session_replication_role = replica",
    "insert into head default values",
    "delete from head",
    "truncate head",
    "update command_key set seq = 0",
    "delete from command_key",
    "truncate command_key",
    "update tape set fund = 'F'",
    "update tape set number = 9",
    "delete from tape",
    "update fund set fee_bp = 0",
    "delete from fund",
    "delete from case_file",
    "delete from code",
    "delete from bill",
    "update movement set seq = 0",
    "delete from movement",
    "delete from reversal",
    "delete from opening",
    "update business_key set seq = 0",
    "update holding set place = 'refunded'",
    "truncate holding",
    "delete from vault_keys",
    "update vault_keys set index_key = 'x'",
    "delete from vault_person",
    "update vault_person set subject = 'donor/x'",
    "truncate vault_person",
    "delete from vault_value",
    "update vault_value set subject = 'donor/x'",
    "update vault_value set field = 'x'",
    "truncate vault_value",
    "update vault_pseudonym set subject = 'donor/x'",
    "truncate vault_pseudonym",
    "update vault_access set reason = 'x'",
    "delete from vault_access",
    "truncate vault_access",
    "alter table vault_access disable trigger all",
    "delete from access_token",
    "update access_token set digest = 'x'",
    "update access_token set scopes = '{record}'",
    "update access_token set expires_at = now()",
    "delete from access_account",
    "update access_account set name = 'x'",
    "update access_session set expires_at = now()",
    "truncate access_session",
    "insert into migration (name) values ('9999')",
    "delete from migration",
]


@every_server
def test_the_service_may_add_entries_and_nothing_else_may_be_done_to_them(filled: Ledger) -> None:
    with filled.database.service() as service:
        assert allowed(service, FORBIDDEN) == []
        service.execute(
            "insert into entry (seq, stream, version, type, leaf, body)"
            " select 12, 'fund/G', 1, type, leaf, body from entry where seq = 11"
        )
        ((count,),) = service.execute("select count(*) from entry").fetchall()
    assert count == 13


def test_one_ledgers_service_cannot_read_anothers(filled: Ledger) -> None:
    with filled.database.owner() as owner:
        name = f"{filled.database.schema}_stranger"
        owner.execute(f"create role {name}; set role {name}")
        for table in ("entry", "head", "holding", "command_key"):
            assert allowed(owner, [f"table {filled.database.schema}.{table}"]) == []
        owner.execute(f"reset role; drop role {name}")


@every_server
def test_the_owner_too_is_refused_while_the_guards_are_on(filled: Ledger) -> None:
    with filled.database.owner() as owner:
        assert allowed(owner, FORBIDDEN[:9]) == []
    assert verified(filled).ok


MALFORMED = [
    "insert into entry select 3, 'fund/Z', 1, type, leaf, body from entry where seq = 4",
    "insert into entry select 12, stream, version, type, leaf, body from entry where seq = 4",
    "insert into entry values (12, 'fund/Z', 1, 'X', 'short', 'x')",
    "insert into entry values (-1, 'fund/Z', 1, 'X', decode(repeat('00', 32), 'hex'), 'x')",
    "insert into entry values (12, 'fund/Z', 1, 'X', sha256('x'), convert_to(repeat('x', 65536), 'UTF8'))",
]


def test_no_two_entries_share_a_seq_or_a_version_and_none_is_malformed(filled: Ledger) -> None:
    with filled.database.service() as service:
        assert allowed(service, MALFORMED, (errors.UniqueViolation, errors.CheckViolation)) == []


BREACHES = [
    "insert into holding values (1, 100, 300, 'fund/F', '', '2026-03-01')",
    "insert into holding values (1, 361, 400, 'fund/F', '', '2026-03-01')",
    "insert into holding values (1, 500, 500, 'fund/F', '', '2026-03-01')",
    "insert into holding values (1, -5, 0, 'fund/F', '', '2026-03-01')",
    "insert into holding values (9, 0, 5, 'fund/F', '', '2026-03-01')",
    "delete from holding where tape = 1 and lo = 0",
    "delete from holding where tape = 1 and lo = 70",
    "delete from holding where tape = 1 and hi = 360",
    "delete from holding where tape = 2",
    "update tape set ends_at = ends_at + 1",
    "update tape set ends_at = 0; delete from holding where lo = 0",
    "update tape set ends_at = 9007199254740992",
    "delete from holding where lo = 70; insert into holding values (1, 70, 149, 'case/C', 'fund/F', '2026-03-01')",
    "delete from holding where lo = 70; insert into holding values (1, 69, 150, 'case/C', 'fund/F', '2026-03-01')",
    "delete from holding where lo = 70; insert into holding values (1, 71, 150, 'case/C', 'fund/F', '2026-03-01')",
    "delete from holding where lo = 70; insert into holding values (1, 70, 151, 'case/C', 'fund/F', '2026-03-01')",
]


@every_server
def test_a_gap_or_an_overlap_of_holdings_is_refused_at_the_commit(filled: Ledger) -> None:
    with filled.database.service() as service:
        assert allowed(service, BREACHES, (errors.IntegrityError,)) == []
    assert holdings(filled) == list(verified(filled).places())


HOLDINGS = "select tape, lo, hi, place, home, since::text from holding order by tape, lo"


def holdings(ledger: Ledger) -> list[tuple[object, ...]]:
    with ledger.database.service() as service:
        return service.execute(HOLDINGS).fetchall()


class Undone(Exception):
    """Raised to undo a tampering once it was looked at."""


def tampered(ledger: Ledger, statements: list[str], seq: int = -1) -> Report:
    """What verification finds after a superuser with triggers and foreign keys off has done this; it is undone."""
    found: list[Report] = []
    with ledger.database.owner() as owner, suppress(Undone), owner.transaction():
        owner.execute("set local session_replication_role = replica")
        for statement in statements:
            owner.execute(statement, {"seq": seq})
        bodies = [body for (body,) in owner.execute("select body from entry order by seq").fetchall()]
        found.append(verify(bundle(bodies)))
        raise Undone
    return found[0]


ANOTHER_SALT = """
    update entry set body = convert_to(
        regexp_replace(convert_from(body, 'UTF8'), '"salt":"[0-9a-f]{8}', '"salt":"01234567'), 'UTF8')
    where seq = %(seq)s
"""
SWAPPED = """
    update entry set body = other.body from entry other
    where (entry.seq, other.seq) in ((%(seq)s, %(seq)s + 1), (%(seq)s + 1, %(seq)s))
"""
TAMPERING = {
    "first byte turned": ["update entry set body = set_byte(body, 0, 0) where seq = %(seq)s"],
    "last byte turned": ["update entry set body = set_byte(body, length(body) - 1, 0) where seq = %(seq)s"],
    "a digit of the time turned": [
        "update entry set body = set_byte(body, 31, (get_byte(body, 31) - 47) %% 10 + 48) where seq = %(seq)s"
    ],
    "a byte of the data turned": [
        "update entry set body = set_byte(body, 50, get_byte(body, 50) # 1) where seq = %(seq)s"
    ],
    "another salt": [ANOTHER_SALT],
    "swapped with the next": [SWAPPED],
    "deleted": ["delete from entry where seq = %(seq)s"],
    "deleted and closed up": [
        "delete from entry where seq = %(seq)s",
        "update entry set seq = seq - 1 + 1000 where seq > %(seq)s",
        "update entry set seq = seq - 1000 where seq >= 1000",
        "update head set size = size - 1",
    ],
    "written over by the one before": [
        "update entry set body = before.body from entry before where entry.seq = %(seq)s and before.seq = %(seq)s - 1"
    ],
    "cut off": ["update entry set body = substring(body for 100) where seq = %(seq)s"],
    "given again": [
        "update entry set seq = seq + 1001 where seq >= %(seq)s",
        "insert into entry select %(seq)s, 'x/y', 1, type, leaf, body from entry where seq = %(seq)s + 1001",
        "update entry set seq = seq - 1000 where seq >= 1000",
        "update head set size = size + 1",
    ],
}
"""What is done to an entry, and so that nothing but the bytes tells of it."""


BY_THE_NEXT = {"a digit of the time turned", "another salt", "given again"}
"""What may leave an entry sound in itself, so that the next one tells, which names its hash."""


def test_tampering_behind_the_guards_is_found_at_the_entry(filled: Ledger) -> None:
    for seq, (name, statements) in product(range(1, 11), TAMPERING.items()):
        first = tampered(filled, statements, seq).problems[0].seq
        assert first in ((seq, seq + 1) if name in BY_THE_NEXT else (seq,)), (name, seq, first)


def test_tampering_with_the_first_entry_is_found_within_two(filled: Ledger) -> None:
    for name, statements in TAMPERING.items():
        if name != "written over by the one before":
            assert tampered(filled, statements, 0).problems[0].seq in (0, 1), name


def test_tampering_with_the_last_entry_is_told_by_the_head(filled: Ledger) -> None:
    with filled.database.service() as service:
        head = service.execute("select size, encode(leaf, 'hex') from head").fetchall()[0]
    before = verified(filled)
    assert (before.entries, before.head) == head
    for name, statements in TAMPERING.items():
        if name != "swapped with the next":
            after = tampered(filled, statements, 11)
            assert (after.entries, after.head) != head, name


def test_an_edited_holding_differs_from_what_the_entries_come_to(filled: Ledger) -> None:
    entries = list(verified(filled).places())
    for statement in (
        "update holding set place = 'refunded' where lo = 70",
        "update holding set home = 'fund/G' where lo = 70",
        "update holding set since = '2026-02-01' where lo = 70",
        "delete from holding where lo = 70",
        "update holding set hi = 149 where lo = 70",
    ):
        with filled.database.owner() as owner, suppress(Undone), owner.transaction():
            owner.execute("set local session_replication_role = replica")
            owner.execute(statement)
            rows = owner.execute(HOLDINGS).fetchall()
            assert rows != entries, statement
            raise Undone
    assert holdings(filled) == entries
