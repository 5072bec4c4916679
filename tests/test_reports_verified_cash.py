"""`fenhao verify` on accounts, suspense, matches, periods: a row that is changed behind the guards is found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clerks import Desk, Life, desk_of

from audit.verify import verify
from ledger.decisions import DisputeLines, LineRef, ReopenPeriod, UnmatchLines
from reports.matching import record_matches
from reports.verification import verify_ledger
from reports.verified_cash import CashSaid, tables_unlike

TWO = {"by": "li", "approved_by": ("wang",)}


@pytest.fixture(scope="module")
def desk(embedded_url: str) -> Iterator[Desk]:
    """Gifts, one reversed; a suspended receipt, cleared and repaid; matches, one undone; March closed twice."""
    with desk_of(embedded_url) as found:
        life = Life(found.ledger)
        for n, op in enumerate(
            [(0, 30_000, 0), (3, 800, 1), (4, 71, 0), (4, 70, 0), (0, 500, 1), (6, 1, 0), (0, 9, 0)]
        ):
            life.live(n, *op)
        found.statement()
        record_matches(found.ledger.writer, found.books(), "li")
        with found.ledger.journal.entries.reading() as cursor:
            rows = cursor.execute("select match, encode(file, 'hex'), statement, ordinal from line_part order by seq")
            match, file, *line = rows.fetchall()[-1]
        found.ledger.writer.submit(UnmatchLines(key="u", match=match, by="wang"))
        found.ledger.writer.submit(DisputeLines(key="d", match="d", lines=(LineRef(file, *line),), by="wang"))
        found.close("2026-03", "wang", "in_dispute")
        found.ledger.writer.submit(ReopenPeriod(key="r", period="2026-03", reason="late", **TWO))  # type: ignore[arg-type]  # a test's own
        found.close("2026-03", "wang", "in_dispute")
        yield found


def test_what_is_honest_is_alike(desk: Desk) -> None:
    assert verify_ledger(desk.ledger.journal, desk.runner, jobs=1).as_json()["problems"] == []


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("update account set kind = 'cash' where id = 'icbc-1'", "account"),
        ("update account set id = 'mine' where id = 'icbc-1'", "account"),
        ("update account set seq = 0 where id = 'icbc-1'", "account"),
        ("delete from account where id = 'wechat'", "account"),
        ("insert into account values ('mine', 'bank', 0)", "account"),
        ("update suspense set left_minor = left_minor + 1", "suspense"),
        ("update suspense set amount_minor = 900", "suspense"),
        ("update suspense set amount_minor = 0, left_minor = 0", "suspense"),
        ("insert into suspense values ('mine', 5, 5, '2026-03-01')", "suspense"),
        ("update suspense set since = '2026-01-01'", "suspense"),
        ("delete from reversal", "reversal"),
        ("insert into reversal select min(seq), max(seq) from entry where type = 'DonationReceived'", "reversal"),
        ("update line_part set amount_minor = amount_minor + 1 where kind = 'disputed'", "line_part"),
        ("update line_part set ordinal = 99 where kind = 'disputed'", "line_part"),
        ("update line_part set booked_on = booked_on + 40 where undone is null", "line_part"),
        ("update line_part set kind = 'written_off' where kind = 'disputed'", "line_part"),
        ("update line_part set undone = 5 where kind = 'disputed'", "line_part"),
        ("update line_part set undone = null", "line_part"),
        ("update line_part set seq = seq - 1 where kind = 'disputed'", "line_part"),
        ("delete from line_part where kind = 'disputed'", "line_part"),
        ("update leg_part set amount_minor = amount_minor + 1 where undone is null", "leg_part"),
        ("update leg_part set account = 'wechat' where undone is null", "leg_part"),
        ("update leg_part set undone = 5 where undone is null", "leg_part"),
        ("update leg_part set undone = null", "leg_part"),
        ("delete from leg_part", "leg_part"),
        ("insert into leg_part (seq, entry, leg, account, amount_minor) values (4, 5, 0, 'icbc-1', 5)", "leg_part"),
        ("update period_close set through = '2026-03-30' where reopened is null", "period_close"),
        ("update period_close set reopened = 5", "period_close"),
        ("update period_close set reopened = null", "period_close"),
        ("update period_close set period = '2026-02' where reopened is not null", "period_close"),
        ("delete from period_close where reopened is not null", "period_close"),
        ("delete from period_close", "period_close"),
    ],
)
def test_a_row_that_was_changed_behind_the_guards_is_found(desk: Desk, change: str, table: str) -> None:
    said = CashSaid()
    bodies = [bytes(body) for (body,) in desk.ledger.rows("select body from entry order by seq")]
    for body in bodies:
        said.add(body)
    report = verify(desk.ledger.journal.entries.bundles())
    with desk.ledger.database.owner() as owner, owner.transaction(force_rollback=True):
        owner.execute("set local session_replication_role = replica")
        done = owner.execute(change.encode())
        assert done.rowcount > 0, "the attack changes nothing"
        assert table in [name for name, _ in tables_unlike(owner, report, said)]


def test_verify_names_the_table(desk: Desk) -> None:
    with desk.ledger.database.owner() as owner:
        owner.execute("set session_replication_role = replica")
        owner.execute("update leg_part set amount_minor = amount_minor + 1 where undone is null")
    found = verify_ledger(desk.ledger.journal, desk.runner, jobs=1)
    assert not found.ok
    assert [problem["what"] for problem in found.as_json()["problems"]] == [
        "rows of leg_part are not what the entries say"
    ]
