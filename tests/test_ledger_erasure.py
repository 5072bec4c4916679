"""Erasure: a destroyed key stays destroyed, whatever is restored; while vouchers must be kept, values are not read."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from conftest import every_server
from msgspec.structs import replace
from vaults import READER, Vaulted, case, gift

from ledger import vault as vault_module
from ledger.decisions import (
    AttributeDonation,
    Basis,
    EraseSubject,
    MakeAllocation,
    PayHospital,
    PaymentLine,
    ReceiveDonation,
    RefundDonation,
    ReleaseAllocation,
    ReverseEntry,
    SettleTreatment,
)
from ledger.erasure import Erasure, erase
from ledger.errors import BadValue, IdempotencyConflict
from ledger.journal import Journal
from ledger.vault import Reader, Vault
from ledger.vault_faults import AlreadyErased, NothingKept, NoVault, SubjectIsRestricted, VaultDamaged
from ledger.vault_keys import KeyFault, KeyFolder
from ledger.writing import Recorded, Writer

BASIS = Basis("request", "2026-17")
RESTRICTED = Reader("staff-7", "query", "order of the court 3/2027")


def asked(vaulted: Vaulted, subject: str = "donor/P1", years: int = 0) -> Erasure:
    return erase(vaulted.writer, vaulted.vault, subject, BASIS, years, by="staff-1", approved_by=("staff-2",))


def vault_rows(vaulted: Vaulted) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: vaulted.rows(f"select * from {table} order by 1, 2")  # noqa: S608 - our tables
        for table in ("vault_person", "vault_value", "vault_pseudonym")
    }


def bound(vaulted: Vaulted, outside: str, donor: str) -> None:
    """Keeps an outside id of a donor, as an import does."""
    with vaulted.writer.session() as session:
        keeping = vaulted.vault.keeping(session.writing, [f"donor/{donor}"])
        keeping.bind([("donor", outside, donor)])
        keeping.store()


# Erasing.


@every_server
def test_an_erased_persons_values_are_gone_and_the_chain_still_verifies(vaulted: Vaulted) -> None:
    vaulted.writer.submit_batch([gift("D1", donor_name="甲"), gift("D2", donor="P2", donor_name="乙")])
    bound(vaulted, "13800138000", "P1")
    done = asked(vaulted)
    assert done == Erasure("donor/P1", done.seq)
    entry = vaulted.entry(done.seq)
    assert (entry["type"], entry["stream"], entry["data"]["subject"]) == ("SubjectErased", "donor/P1", "donor/P1")
    assert entry["data"]["basis"] == {"kind": "request", "ref": "2026-17"}
    (one,) = vaulted.vault.open("donation/D1", READER).openings
    assert (one.value, one.salt, one.erased) == (None, None, done.seq)
    assert vaulted.values("donation/D2") == {"donor_name": "乙"}
    assert vaulted.rows("select wrapped from vault_person where subject = 'donor/P1'") == [(None,)]
    assert vaulted.rows("select sealed from vault_value where subject = 'donor/P1'") == [(None,)]
    assert vaulted.rows("select count(*) from vault_pseudonym") == [(0,)]
    vaulted.verified()


def test_erasure_and_its_entry_are_one_transaction(vaulted: Vaulted, monkeypatch: pytest.MonkeyPatch) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    before, size = vault_rows(vaulted), vaulted.journal.entries.head().size
    monkeypatch.setattr("ledger.vault_keeping.destroy", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        asked(vaulted)
    monkeypatch.undo()
    assert (vault_rows(vaulted), vaulted.journal.entries.head().size) == (before, size)
    assert vaulted.values("donation/D1") == {"donor_name": "甲"}


def test_nothing_is_erased_twice_or_where_nothing_is(vaulted: Vaulted) -> None:
    vaulted.writer.submit_batch([gift("D1", donor_name="甲"), gift("D2", donor="P2")])
    done = asked(vaulted)
    with pytest.raises(AlreadyErased, match=str(done.seq)):
        asked(vaulted)
    for subject in ("donor/P2", "donor/nobody"):
        with pytest.raises(NothingKept):
            asked(vaulted, subject)
    for subject in ("P1", "fund/F", "donor/", "donor/a\x07"):
        with pytest.raises(BadValue):
            asked(vaulted, subject)
    with pytest.raises(BadValue, match="basis"):
        vaulted.writer.submit(EraseSubject(key="e", whose="donor/P1"))
    with pytest.raises(NoVault):
        Writer(vaulted.journal).submit(EraseSubject(key="e", whose="donor/P1", basis=BASIS))


def test_an_erased_persons_requests_answer_as_before_and_bring_nothing_back(vaulted: Vaulted) -> None:
    first = vaulted.writer.submit(gift("D1", donor_name="甲"))
    asked(vaulted)
    assert vaulted.writer.submit(gift("D1", donor_name="甲")) == Recorded(first.seq, replayed=True)
    (other,) = vaulted.writer.submit_batch([replace(gift("D1", donor_name="甲"), amount=11)])
    assert isinstance(other, IdempotencyConflict)
    assert vaulted.vault.open("donation/D1", READER).openings[0].erased is not None
    assert vaulted.rows("select wrapped from vault_person") == [(None,)]


@every_server
def test_an_erased_person_who_gives_again_has_a_new_key_that_opens_nothing_old(vaulted: Vaulted) -> None:
    first = vaulted.writer.submit(gift("D1", donor_name="甲"))
    erased = asked(vaulted)
    vaulted.writer.submit(gift("D2", donor_name="甲"))
    again = vaulted.again()
    assert again.values("donation/D2") == {"donor_name": "甲"}
    assert again.vault.open("donation/D1", READER).openings[0].erased == erased.seq
    assert vaulted.writer.submit(gift("D1", donor_name="甲")) == Recorded(first.seq, replayed=True)
    twice = asked(vaulted)
    assert twice.seq > erased.seq
    assert vaulted.vault.open("donation/D2", READER).openings[0].erased == twice.seq


def test_within_one_batch_what_comes_before_an_erasure_goes_and_what_comes_after_stays(vaulted: Vaulted) -> None:
    vaulted.writer.submit(gift("D0", donor_name="零"))
    erasure = EraseSubject(key="e", whose="donor/P1", basis=BASIS)
    outcomes = vaulted.writer.submit_batch([gift("D1", donor_name="甲"), erasure, gift("D2", donor_name="乙")])
    assert all(isinstance(one, Recorded) for one in outcomes)
    for name in ("D0", "D1"):
        (one,) = vaulted.vault.open(f"donation/{name}", READER).openings
        assert one.erased == outcomes[1].seq  # type: ignore[union-attr]  # recorded, as said above
    assert vaulted.again().values("donation/D2") == {"donor_name": "乙"}
    other = [gift("D3", donor="P3", donor_name="丙"), EraseSubject(key="f", whose="donor/P3", basis=BASIS)]
    assert all(isinstance(one, Recorded) for one in vaulted.writer.submit_batch(other))
    assert vaulted.vault.open("donation/D3", READER).openings[0].erased is not None
    vaulted.verified()


# A restored backup.


@contextmanager
def restored(vaulted: Vaulted, tables: list[str]) -> Iterator[None]:
    """What happens inside is undone in these tables, as if a backup from before were restored into them."""
    for table in tables:
        vaulted.rows(f"create table backup_{table} as table {table}")
    yield
    for table in tables:
        vaulted.rows(f"delete from {table}")  # noqa: S608 - our tables
        vaulted.rows(f"insert into {table} select * from backup_{table}")  # noqa: S608 - our tables


ALL = ["vault_person", "vault_value", "vault_pseudonym"]


@every_server
@pytest.mark.parametrize("tables", [ALL, *([table] for table in ALL)], ids=" ".join)
def test_a_restored_vault_gives_nothing_of_the_erased_and_destroys_it_again(
    vaulted: Vaulted, tables: list[str]
) -> None:
    vaulted.writer.submit_batch([gift("D1", donor_name="甲"), gift("D2", donor="P2", donor_name="乙")])
    bound(vaulted, "13800138000", "P1")
    bound(vaulted, "13900139000", "P2")
    with restored(vaulted, tables):
        done = asked(vaulted)
        after = vault_rows(vaulted)
    assert vault_rows(vaulted) != after
    # A process that was running all the time gives nothing: reading asks the entries.
    assert vaulted.vault.open("donation/D1", READER).openings[0].erased == done.seq
    assert vaulted.vault.person("donor/P1").key is None
    with vaulted.journal.entries.reading() as cursor:
        assert vaulted.vault.pseudonyms(cursor, [("donor", "13800138000")]) == {}
    # One that opens the vault destroys what came back, before it serves.
    again = vaulted.again()
    assert vault_rows(vaulted) == after
    assert again.values("donation/D2") == {"donor_name": "乙"}
    assert again.vault.find("donor_id", "13900139000", READER) == "P2"


def test_a_key_that_was_made_after_the_erasure_survives_the_replay(vaulted: Vaulted) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    asked(vaulted)
    bound(vaulted, "13800138000", "P1")
    vaulted.writer.submit(gift("D2", donor_name="乙"))
    assert vaulted.vault.replay() == 0
    assert vaulted.again().values("donation/D2") == {"donor_name": "乙"}
    assert vaulted.vault.find("donor_id", "13800138000", READER) == "P1"


def test_a_writer_that_meets_a_restored_key_makes_a_new_one(vaulted: Vaulted) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    with restored(vaulted, ALL):
        done = asked(vaulted)
    vaulted.writer.submit(gift("D2", donor_name="乙"))
    assert vaulted.values("donation/D2") == {"donor_name": "乙"}
    assert vaulted.vault.open("donation/D1", READER).openings[0].erased == done.seq
    assert vaulted.again().vault.replay() == 0


# Vouchers that must be kept.


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(vaulted: Vaulted) -> Clock:
    clock = Clock()
    vaulted.journal.entries.clock = clock
    return clock


@every_server
def test_while_vouchers_must_be_kept_erasure_restricts_and_later_completes(vaulted: Vaulted, clock: Clock) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    bound(vaulted, "13800138000", "P1")
    done = asked(vaulted, years=30)
    assert (done.until, vaulted.entry(done.seq)["type"]) == (date(2057, 1, 1), "SubjectRestricted")
    assert vaulted.entry(done.seq)["data"]["until"] == "2057-01-01"
    for stream in ("donation/D1", "donor/P1"):
        with pytest.raises(SubjectIsRestricted, match="2057-01-01"):
            vaulted.vault.open(stream, READER)
    size = vaulted.journal.entries.head().size
    assert asked(vaulted, years=30) == done
    assert vaulted.journal.entries.head().size == size
    assert vaulted.values("donation/D1", RESTRICTED) == {"donor_name": "甲"}
    assert vaulted.vault.accesses("donation/D1", 1)[0].restricted_reason == "order of the court 3/2027"
    assert vaulted.vault.condition().restricted == {"donor/P1": date(2057, 1, 1)}
    clock.now = datetime(2056, 12, 31, 15, 59, tzinfo=UTC)  # the last minute of the year in Shanghai
    assert asked(vaulted, years=30).until == date(2057, 1, 1)
    clock.now = datetime(2056, 12, 31, 16, 0, tzinfo=UTC)
    erased = asked(vaulted, years=30)
    assert erased.until is None
    assert vaulted.vault.open("donation/D1", RESTRICTED).openings[0].erased == erased.seq
    assert vaulted.vault.condition().restricted == {}
    vaulted.verified()


def test_a_restriction_outlives_a_restored_vault_and_a_new_gift(vaulted: Vaulted, clock: Clock) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    with restored(vaulted, ALL):
        asked(vaulted, years=30)
    later = vaulted.writer.submit(replace(gift("D2", donor_name="甲"), on=date(2026, 5, 31)))
    for stream in ("donation/D1", "donation/D2"):
        with pytest.raises(SubjectIsRestricted):
            vaulted.again().vault.open(stream, READER)
    clock.now = datetime(2027, 6, 1, tzinfo=UTC)
    vaulted.writer.submit(replace(gift("D3", donor_name="甲"), on=date(2027, 5, 31)))
    extended = asked(vaulted, years=30)
    assert extended.seq > later.seq
    assert extended.until == date(2058, 1, 1)


def test_what_has_no_day_keeps_nothing(vaulted: Vaulted) -> None:
    vaulted.writer.submit(case("C1", "K1", beneficiary_name="甲"))
    assert asked(vaulted, "person/K1", years=30).until is None


def day(n: int) -> date:
    return date(2000 + n, 6, 1)


def told(vaulted: Vaulted) -> None:
    """A donor, an attributed gift, two persons and a household, each with a last entry in a year of its own."""
    writer = vaulted.writer
    writer.submit_batch(
        [
            replace(gift("D1", donor_name="甲"), on=day(1), amount=1000),
            replace(gift("D2", donor="P2", donor_name="乙"), on=day(2), amount=1000),
            ReceiveDonation(key="D3", donation="D3", fund="F", amount=5, on=day(3)),
            AttributeDonation(key="t", donation="D3", donor="P3"),
            replace(gift("D4", donor="P3", donor_name="丙"), on=day(1)),
            replace(gift("D5", donor=None, donor_name="丁"), on=day(5)),
            case("C1", "K1", beneficiary_name="子"),
            replace(case("C2", "K2", beneficiary_name="丑"), household="HH"),
            case("C3", None, beneficiary_name="寅"),
            MakeAllocation(key="A1", allocation="A1", case="C1", amount=300, on=day(6)),
            MakeAllocation(key="A2", allocation="A2", case="C2", amount=300, on=day(6)),
            MakeAllocation(key="A3", allocation="A3", case="C3", amount=30, on=day(6)),
            PayHospital(key="Y", payment="Y", hospital="H", lines=(PaymentLine("C2", 100),), on=day(8)),
            SettleTreatment(key="S", settlement="S", hospital="H", case="C2", amount=100, on=day(9)),
            ReleaseAllocation(key="R", allocation="A3", amount=10, on=day(10)),
            RefundDonation(key="B", refund="B", donation="D2", amount=1, on=day(11)),
        ]
    )
    ((allocation,),) = vaulted.rows("select seq from entry where stream = 'allocation/A1' and version = 1")
    writer.submit(ReverseEntry(key="V", reverses=allocation, on=day(12)))
    bound_household(vaulted)


def bound_household(vaulted: Vaulted) -> None:
    with vaulted.writer.session() as session:
        keeping = vaulted.vault.keeping(session.writing, ["household/HH"])
        keeping.bind([("household", "户口簿 17", "HH")])
        keeping.store()


@pytest.mark.parametrize(
    ("subject", "last"),
    [
        ("donor/P1", 1),
        ("donor/P2", 11),
        ("donor/P3", 3),
        ("donation/D5", 5),
        ("person/K1", 12),
        ("person/K2", 9),
        ("household/HH", 9),
        ("case/C3", 10),
    ],
)
def test_vouchers_are_kept_from_the_last_entry_about_the_subject(vaulted: Vaulted, subject: str, last: int) -> None:
    told(vaulted)
    assert asked(vaulted, subject, years=100).until == date(2101 + last, 1, 1)


@pytest.mark.parametrize("years", [-1, 1001])
def test_years_are_a_plain_number(vaulted: Vaulted, years: int) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    with pytest.raises(BadValue):
        asked(vaulted, years=years)


# Another master key.


def peopled(vaulted: Vaulted, persons: int = 11) -> dict[str, str]:
    """So many donors with a gift and a name each; one of them erased. Their names by gift."""
    gifts = [gift(f"D{n}", donor=f"P{n:02}", donor_name=f"名{n}") for n in range(persons)]
    assert all(isinstance(one, Recorded) for one in vaulted.writer.submit_batch(gifts))
    asked(vaulted, "donor/P03")
    return {f"D{n}": f"名{n}" for n in range(persons) if n != 3}


def assert_all_open(vaulted: Vaulted, names: dict[str, str]) -> None:
    again = vaulted.again()
    assert {name: again.values(f"donation/{name}")["donor_name"] for name in names} == names


@every_server
def test_after_a_rotation_the_old_key_opens_nothing_and_is_not_needed(vaulted: Vaulted) -> None:
    names = peopled(vaulted)
    (old,) = vaulted.keys.glob("vault-master-*.key")
    before = set(vaulted.rows("select wrapped from vault_person"))
    told_progress: list[tuple[int, int]] = []
    done = vaulted.vault.rotate(lambda n, total: told_progress.append((n, total)))
    assert (done.wrapped, done.resumed) == (10, False)
    assert told_progress[-1] == (10, 10)
    assert before & set(vaulted.rows("select wrapped from vault_person where wrapped is not null")) == set()
    old.unlink()
    assert_all_open(vaulted, names)
    vaulted.again().writer.submit(gift("D99", donor="P99", donor_name="新"))
    assert vaulted.rows("select distinct master from vault_person where wrapped is not null") == [(done.master,)]
    assert vaulted.vault.condition().wrappings == {done.master: 11}


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("page", range(5))
def test_a_rotation_cut_short_anywhere_opens_everything_and_goes_on(
    vaulted: Vaulted, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(vault_module, "REWRAP_ROWS", 3)
    names = peopled(vaulted)

    def dies(done: int, total: int) -> None:
        if done >= page * 3:
            raise Killed

    if page == 4:  # the very first moment: the new key is in use, and wraps nothing yet
        monkeypatch.setattr(Vault, "_rewrap", lambda *_: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        vaulted.vault.rotate(dies)
    monkeypatch.undo()
    assert_all_open(vaulted, names)
    vaulted.again().writer.submit(gift("E", donor="new", donor_name="新"))
    vaulted.again().writer.submit(gift("E2", donor="P00", donor_name="又"))
    resumed = vaulted.again().vault.rotate()
    left = vaulted.rows("select distinct master from vault_person where wrapped is not null")
    assert left == [(resumed.master,)]
    assert resumed.resumed
    assert_all_open(vaulted, {**names, "E": "新", "E2": "又"})
    assert len(list(vaulted.keys.glob("vault-master-*.key"))) == 2


ROTATES = """
import os, sys, time
from pathlib import Path
from ledger import vault as module
from ledger.database import Database
from ledger.journal import Journal
from ledger.vault import open_vault
from ledger.vault_keys import KeyFolder
module.REWRAP_ROWS = 1
def told(done, total):
    os.write(1, f"{done}\\n".encode())
    time.sleep(0.01)
with Journal(Database(sys.argv[1], schema=sys.argv[2])) as journal:
    open_vault(journal, KeyFolder(Path(sys.argv[3]), os.urandom), os.urandom).rotate(told)
"""


def test_a_killed_rotation_goes_on(vaulted: Vaulted) -> None:
    names = peopled(vaulted, 40)
    process = subprocess.Popen(
        [sys.executable, "-c", ROTATES, vaulted.database.owner_url, vaulted.database.schema, str(vaulted.keys)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert process.stdout is not None
    while int(process.stdout.readline()) < 7:
        time.sleep(0)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wrapped = dict(vaulted.rows("select master, count(*) from vault_person where wrapped is not null group by 1"))
    assert len(wrapped) == 2
    assert_all_open(vaulted, names)
    done = vaulted.again().vault.rotate()
    assert (done.resumed, sum(wrapped.values())) == (True, 39)
    assert vaulted.again().vault.condition().wrappings == {done.master: 39}
    assert_all_open(vaulted, names)


def test_a_writer_of_before_the_rotation_uses_the_new_key(vaulted: Vaulted) -> None:
    peopled(vaulted)
    done = vaulted.again().vault.rotate()
    vaulted.writer.submit(gift("E", donor="new", donor_name="新"))
    assert vaulted.rows("select master from vault_person where subject = 'donor/new'") == [(done.master,)]


def test_without_the_old_key_a_rotation_stops_before_it_harms(vaulted: Vaulted) -> None:
    peopled(vaulted)
    (old,) = vaulted.keys.glob("vault-master-*.key")
    content = old.read_bytes()
    old.unlink()
    before = vault_rows(vaulted)
    with pytest.raises(KeyFault, match=re.escape(str(old))):
        vaulted.again().vault.rotate()
    assert vault_rows(vaulted) == before
    old.write_bytes(content)
    assert vaulted.again().vault.rotate().resumed


def test_a_damaged_key_of_one_person_is_named(vaulted: Vaulted) -> None:
    peopled(vaulted)
    vaulted.rows("update vault_person set wrapped = '\\x00' where subject = 'donor/P05'")
    with pytest.raises(VaultDamaged, match="donor/P05"):
        vaulted.vault.rotate()


def test_a_rotation_while_others_write_misses_nobody(vaulted: Vaulted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "REWRAP_ROWS", 2)
    names = peopled(vaulted)
    other = vaulted.again()

    def writes(done: int, total: int) -> None:
        other.writer.submit(gift(f"W{done}", donor=f"a{done}", donor_name="w"))
        if done == 4:
            asked(other, "donor/P09")

    done = vaulted.vault.rotate(writes)
    names.pop("D9")
    assert vaulted.rows("select distinct master from vault_person where wrapped is not null") == [(done.master,)]
    assert_all_open(vaulted, names)
    assert vaulted.vault.open("donation/D9", READER).openings[0].erased is not None


def test_the_day_of_a_gift_is_not_of_another_with_like_a_name(vaulted: Vaulted) -> None:
    """Ids that hold quotes, backslashes and Chinese are found, and no others that only contain them."""
    odd = 'P"\\赠'
    vaulted.writer.submit_batch(
        [
            replace(gift("D1", donor=odd, donor_name="甲"), on=day(1)),
            replace(gift("D2", donor=odd + "x", donor_name="乙"), on=day(2)),
            replace(gift(odd, donor="P9", donor_name="丙"), on=day(3)),
        ]
    )
    assert asked(vaulted, f"donor/{odd}", years=100).until == date(2102, 1, 1)


def test_another_folder_is_no_place_for_these_keys(vaulted: Vaulted, tmp_path: Path, journal: Journal) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    other = Vault(journal, KeyFolder(tmp_path / "other", os.urandom), os.urandom)
    with pytest.raises(KeyFault, match="backup of your keys"):
        other.open("donation/D1", READER)
