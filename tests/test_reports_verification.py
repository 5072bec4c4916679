"""`fenhao verify` on a living ledger: whatever is changed behind the guards, beside the entries, is found and named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from conftest import SCALE, Ledger, every_server
from hypothesis import given, settings
from hypothesis import strategies as st
from lives import live
from projected import STEP, Step, opened

from ledger.database import Connection, tuples
from ledger.decisions import (
    AttributeDonation,
    Command,
    DefineCode,
    MakeAllocation,
    OpenCase,
    OpenFund,
    PayHospital,
    PaymentLine,
    ReceiveDonation,
    RegisterHospital,
)
from ledger.journal import bundles_of
from projections.runner import Runner
from reports import verification
from reports.verification import Verification, verify_ledger
from reports.verified_tables import Entries, gift_sum

ON = date(2026, 3, 1)


def gift(name: str) -> ReceiveDonation:
    return ReceiveDonation(key=name, donation=name, fund="F", amount=100, donor=f"P{name}", on=ON)


@pytest.fixture
def sound(ledger: Ledger) -> Ledger:
    """A ledger with a little of everything, which verifies."""
    commands: list[Command] = [
        DefineCode(key="k", dimension="disease", code="VSD", name="室间隔缺损"),
        OpenFund(key="F", fund="F", name="F", fee_bp=500),
        RegisterHospital(key="H", hospital="H", name="H"),
        OpenCase(key="C", case="C", fund="F", hospital="H"),
        *(gift(str(n)) for n in range(5)),
        MakeAllocation(key="A", allocation="A", case="C", amount=150, on=ON),
        PayHospital(key="Y", payment="Y", hospital="H", lines=(PaymentLine("C", 20),), on=ON),
        ReceiveDonation(key="U", donation="U", fund="F", amount=100, on=ON),
        AttributeDonation(key="AU", donation="U", donor="PU"),
    ]
    ledger.writer.submit_batch(commands)
    assert checked(ledger).as_json()["problems"] == []
    return ledger


def checked(ledger: Ledger) -> Verification:
    return verify_ledger(ledger.journal, Runner(ledger.journal), jobs=1)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("update view_tape set fund = 'G'", "view_tape"),
        ("update view_tape set seq = seq + 1", "view_tape"),
        ("update view_tape set terms = terms - 'nature'", "view_tape"),
        ("update view_gift set fund = 'G' where donation = '3'", "view_gift"),
        ("update view_gift set case_id = 'C' where donation = '3'", "view_gift"),
        ("update view_gift set opening = true where donation = '3'", "view_gift"),
        ("update view_gift set donor = null where donation = 'U'", "view_gift"),
        ("update view_attribution set donor = 'PX'", "view_attribution"),
        ("update view_attribution set seq = seq + 1", "view_attribution"),
        ("insert into view_attribution values (3, '3', 'P3')", "view_attribution"),
        ("update view_movement set posted_on = '2026-01-01' where target = 'case/C'", "view_movement"),
        ("update view_movement set source_fund = 'G' where target = 'case/C'", "view_movement"),
        ("update view_movement set target_fund = 'G' where target = 'case/C'", "view_movement"),
        ("update view_movement set target_fund = 'G', source_fund = 'G' where source = 'case/C'", "view_movement"),
        ("update view_movement set target_case = 'D' where target = 'case/C'", "view_movement"),
        ("update view_movement set hi = hi - 1 where target = 'case/C'", "view_movement"),
        ("update view_gift set donor = 'somebody else' where donation = '3'", "view_gift"),
        ("update view_gift set posted_on = '2026-01-01' where donation = '3'", "view_gift"),
        ("delete from view_movement", "view_movement"),
        ("update view_movement set target = 'case/D'", "view_movement"),
        (
            "update view_place set place = 'case/D' where place = 'case/C'",
            "places of the view differ from the entries",
        ),
        ("update holding set place = 'case/D' where place = 'case/C'", "the places differ from the entries at t1:20"),
        ("update fund set fee_bp = 10000", "table fund"),
        ("delete from code", "table code differs from the entries at VSD"),
        ("update code set parent = 'CHD'", "table code"),
        ("update entry set stream = 'donation/X' where stream = 'donation/3'", "columns differ"),
        ("update entry set leaf = sha256(leaf) where stream = 'donation/3'", "columns differ"),
        (
            "insert into entry select 1000, 'donation/Z', 1, type, leaf, body from entry where stream = 'donation/3'",
            "past the end of the chain",
        ),
        ("update head set leaf = sha256(leaf)", "head does not name the last entry"),
        ("delete from entry where seq = (select max(seq) from entry)", "is missing"),
    ],
)
def test_what_was_changed_beside_the_entries_is_named(sound: Ledger, change: str, named: str) -> None:
    with sound.database.owner() as owner:
        owner.execute("set session_replication_role = replica")
        owner.execute(change.encode())
    found = checked(sound)
    assert found.report.ok
    assert not found.ok
    assert any(named in problem["what"] for problem in found.as_json()["problems"]), found.findings


@settings(max_examples=3 * SCALE)
@given(steps=st.lists(STEP, min_size=40, max_size=80))
def test_a_ledger_that_saw_every_kind_of_command_verifies(steps: list[Step], server_url: str) -> None:
    with opened(server_url) as ledger:
        live(ledger, steps)
        found = verify_ledger(ledger.journal, Runner(ledger.journal), jobs=1)
        assert found.as_json()["problems"] == []


def test_views_that_were_changed_are_made_anew_by_a_rebuild(sound: Ledger) -> None:
    with sound.database.owner() as owner:
        owner.execute("update view_gift set donor = 'somebody else'; delete from view_movement")
        owner.execute("delete from view_attribution; update view_tape set seq = 0")
    assert not checked(sound).ok
    Runner(sound.journal).rebuild()
    assert checked(sound).ok


GIFT_SAYS = """
update view_gift set seq = seq + 1 where donation = '3'
update view_gift set tape = 2 where donation = '3'
update view_gift set lo = lo + 1 where donation = '3'
update view_gift set hi = hi - 1 where donation = '3'
update view_gift set donation = 'X' where donation = '3'
update view_gift set donor = 'PX' where donation = '3'
update view_gift set donor = null where donation = '3'
update view_gift set posted_on = posted_on + 1 where donation = '3'
update view_gift set target = 'void' where donation = '3'
update view_gift set hospital = 'H' where donation = '3'
update view_gift set case_id = 'C' where donation = '3'
update view_gift set opening = true where donation = '3'
update view_gift set hospital = '' where donation = '3'
update view_gift set case_id = '' where donation = '3'
update view_gift set opening = true, hospital = '' where donation = '3'
update view_gift set donation = E'3\\tP3', donor = '' where donation = '3'
update view_gift set donation = '' where donation is null
update view_gift set donor = '' where donation is null
delete from view_gift where donation = '3'
"""
TWO_IN_ONE = r"""
update view_gift one set target = concat_ws(E'\t', one.target, '', '', E'\n' || two.seq, two.tape, two.lo, two.hi,
    two.donation, two.donor, two.posted_on, two.target)
from view_gift two where one.donation = '3' and two.donation = '4' and one.tape = two.tape;
delete from view_gift where donation = '4'
"""
"""Two issues as one, whose line looks as theirs do together."""
TWICE = """
insert into view_gift (tape, lo, hi, donation, donor, fund, target, opening, posted_on, seq)
select tape, lo + 5000, hi + 5000, donation, donor, fund, target, opening, posted_on, seq from view_gift
where donation = '3'
"""


WITHOUT = "alter table view_gift alter {0} drop not null; update view_gift set {0} = null, {1} where donation = '3'"
LACKING = [
    ("posted_on", r"donor = E'P3\t2026-03-01'"),
    ("hi", r"donation = hi || E'\t3'"),
    ("seq", r"tape = seq, lo = tape, hi = lo, donation = hi || E'\t3'"),
    ("opening", "case_id = null"),
]
"""What a row can be made to lack by whoever may change tables, with what makes its line look as before."""


@every_server
def test_whatever_the_view_says_of_an_issue_counts(sound: Ledger) -> None:
    checked(sound)
    with sound.database.owner() as owner, owner.transaction():
        owner.execute("update view_gift set donation = null, donor = null where donation = '2'")
        told = gift_sum(owner)
        for change in (*GIFT_SAYS.strip().splitlines(), TWO_IN_ONE, TWICE, *(WITHOUT.format(*one) for one in LACKING)):
            with owner.transaction(force_rollback=True):
                owner.execute(change.encode())
                assert gift_sum(owner) != told, change
        assert gift_sum(owner) == told


ENTRY_SAYS = r"""
update entry set seq = seq + 1000 where stream = 'donation/3'
update entry set version = version + 1 where stream = 'donation/3'
update entry set type = 'TapeOpened' where stream = 'donation/3'
update entry set leaf = sha256(leaf) where stream = 'donation/3'
update entry set stream = 'donation/X' where stream = 'donation/3'
update entry set stream = 'donation/a\"b' where stream = 'donation/a"b'
update entry set stream = 'donation/a\\b' where stream = 'donation/a\b'
"""


def read(connection: Connection, size: int) -> Entries:
    entries = Entries(tuples(connection), size)
    assert b"".join(entries.bundles()) == b"".join(bundles_of(tuples(connection), 0, size))
    return entries


def said(connection: Connection, size: int) -> tuple[list[int], bytes, list[int]]:
    entries = read(connection, size)
    return entries.odd, entries.leaves, entries.opening


NULL_ALLOWED = """alter table entry alter {0} drop not null
update entry set {0} = null where stream = 'donation/3'"""


@every_server
def test_whatever_the_columns_of_an_entry_say_counts(sound: Ledger) -> None:
    sound.writer.submit_batch([gift('a"b'), gift("a\\b"), gift('"\\"')])
    size = sound.journal.entries.head().size
    with sound.database.owner() as owner:
        owner.execute("set session_replication_role = replica")
        told = said(owner, size)
        assert told[0] == []
        for change in ENTRY_SAYS.strip().splitlines():
            with owner.transaction(force_rollback=True):
                assert owner.execute(change.encode()).rowcount == 1
                assert said(owner, size) != told, change
        for column in ("stream", "version", "type"):
            with owner.transaction(force_rollback=True):
                for change in NULL_ALLOWED.splitlines():
                    owner.execute(change.format(column).encode())
                assert len(read(owner, size).odd) == 1, f"without {column}"
        with owner.transaction(force_rollback=True):
            owner.execute("update entry set type = 'TapeOpened' where type <> 'TapeOpened'")
            odd = read(owner, size).odd
            assert (odd[0], len(odd)) == (0, 10)


def test_an_entry_recorded_while_verify_runs_is_no_mismatch(sound: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    class Busy(Runner):
        def catch_up(self, *_: object) -> int:
            position = Runner.catch_up(self)
            sound.writer.submit(gift("late"))
            return position

    found = verify_ledger(sound.journal, Busy(sound.journal), jobs=1)
    assert (found.ok, found.report.entries) == (True, sound.journal.entries.head().size)


def test_verification_speaks_of_the_ledger_as_it_stood_at_one_moment(
    sound: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(Entries):
        def bundles(self) -> Iterator[bytes]:
            sound.writer.submit(gift("meanwhile"))
            return super().bundles()

    size = sound.journal.entries.head().size
    monkeypatch.setattr(verification, "Entries", Late)
    found = checked(sound)
    assert (found.ok, found.report.entries) == (True, size)
