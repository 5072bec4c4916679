"""Erasure: a destroyed key stays destroyed, whatever is restored; while vouchers must be kept, values are not read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest
from conftest import every_server
from msgspec.structs import replace
from vaults import READER, Vaulted, case, erased, gift, vault_rows

from ledger.decisions import (
    AmendCase,
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
from ledger.erasure import Erasure
from ledger.errors import BadValue, IdempotencyConflict
from ledger.vault import Reader
from ledger.vault_faults import AlreadyErased, NothingKept, NoVault, SubjectIsRestricted
from ledger.writing import Recorded, Writer

BASIS = Basis("request", "2026-17")
RESTRICTED = Reader("staff-7", "query", "order of the court 3/2027")


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
    done = erased(vaulted)
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
        erased(vaulted)
    monkeypatch.undo()
    assert (vault_rows(vaulted), vaulted.journal.entries.head().size) == (before, size)
    assert vaulted.values("donation/D1") == {"donor_name": "甲"}


def test_nothing_is_erased_twice_or_where_nothing_is(vaulted: Vaulted) -> None:
    vaulted.writer.submit_batch([gift("D1", donor_name="甲"), gift("D2", donor="P2")])
    done = erased(vaulted)
    with pytest.raises(AlreadyErased, match=str(done.seq)):
        erased(vaulted)
    for subject in ("donor/P2", "donor/nobody"):
        with pytest.raises(NothingKept):
            erased(vaulted, subject)
    for subject in ("P1", "fund/F", "donor/", "donor/a\x07"):
        with pytest.raises(BadValue):
            erased(vaulted, subject)
    with pytest.raises(BadValue, match="basis ref"):
        vaulted.writer.submit(EraseSubject(key="e", whose="donor/P1", basis=Basis("request", "13800138000")))
    with pytest.raises(BadValue, match="basis"):
        vaulted.writer.submit(EraseSubject(key="e", whose="donor/P1"))
    with pytest.raises(NoVault):
        Writer(vaulted.journal).submit(EraseSubject(key="e", whose="donor/P1", basis=BASIS))


def test_an_erased_persons_requests_answer_as_before_and_bring_nothing_back(vaulted: Vaulted) -> None:
    first = vaulted.writer.submit(gift("D1", donor_name="甲"))
    erased(vaulted)
    assert vaulted.writer.submit(gift("D1", donor_name="甲")) == Recorded(first.seq, replayed=True)
    (other,) = vaulted.writer.submit_batch([replace(gift("D1", donor_name="甲"), amount=11)])
    assert isinstance(other, IdempotencyConflict)
    assert vaulted.vault.open("donation/D1", READER).openings[0].erased is not None
    assert vaulted.rows("select wrapped from vault_person") == [(None,)]


@every_server
def test_an_erased_person_who_gives_again_has_a_new_key_that_opens_nothing_old(vaulted: Vaulted) -> None:
    first = vaulted.writer.submit(gift("D1", donor_name="甲"))
    first_erasure = erased(vaulted)
    vaulted.writer.submit(gift("D2", donor_name="甲"))
    again = vaulted.again()
    assert again.values("donation/D2") == {"donor_name": "甲"}
    assert again.vault.open("donation/D1", READER).openings[0].erased == first_erasure.seq
    assert vaulted.writer.submit(gift("D1", donor_name="甲")) == Recorded(first.seq, replayed=True)
    twice = erased(vaulted)
    assert twice.seq > first_erasure.seq
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
        done = erased(vaulted)
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
    erased(vaulted)
    bound(vaulted, "13800138000", "P1")
    vaulted.writer.submit(gift("D2", donor_name="乙"))
    assert vaulted.vault.replay() == 0
    assert vaulted.again().values("donation/D2") == {"donor_name": "乙"}
    assert vaulted.vault.find("donor_id", "13800138000", READER) == "P1"


def test_a_writer_that_meets_a_restored_key_makes_a_new_one(vaulted: Vaulted) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    with restored(vaulted, ALL):
        done = erased(vaulted)
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
    done = erased(vaulted, years=30)
    assert (done.until, vaulted.entry(done.seq)["type"]) == (date(2057, 1, 1), "SubjectRestricted")
    assert vaulted.entry(done.seq)["data"]["until"] == "2057-01-01"
    for stream in ("donation/D1", "donor/P1"):
        with pytest.raises(SubjectIsRestricted, match="2057-01-01"):
            vaulted.vault.open(stream, READER)
    size = vaulted.journal.entries.head().size
    assert erased(vaulted, years=30) == done
    assert vaulted.journal.entries.head().size == size
    assert vaulted.values("donation/D1", RESTRICTED) == {"donor_name": "甲"}
    assert vaulted.vault.accesses("donation/D1", 1)[0].restricted_reason == "order of the court 3/2027"
    assert vaulted.vault.condition().restricted == {"donor/P1": date(2057, 1, 1)}
    clock.now = datetime(2056, 12, 31, 15, 59, tzinfo=UTC)  # the last minute of the year in Shanghai
    assert erased(vaulted, years=30).until == date(2057, 1, 1)
    clock.now = datetime(2056, 12, 31, 16, 0, tzinfo=UTC)
    completed = erased(vaulted, years=30)
    assert completed.until is None
    assert vaulted.vault.open("donation/D1", RESTRICTED).openings[0].erased == completed.seq
    assert vaulted.vault.condition().restricted == {}
    vaulted.verified()


def test_a_restriction_outlives_a_restored_vault_and_a_new_gift(vaulted: Vaulted, clock: Clock) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    with restored(vaulted, ALL):
        erased(vaulted, years=30)
    later = vaulted.writer.submit(replace(gift("D2", donor_name="甲"), on=date(2026, 5, 31)))
    for stream in ("donation/D1", "donation/D2"):
        with pytest.raises(SubjectIsRestricted):
            vaulted.again().vault.open(stream, READER)
    clock.now = datetime(2027, 6, 1, tzinfo=UTC)
    vaulted.writer.submit(replace(gift("D3", donor_name="甲"), on=date(2027, 5, 31)))
    extended = erased(vaulted, years=30)
    assert extended.seq > later.seq
    assert extended.until == date(2058, 1, 1)


def test_what_has_no_day_keeps_nothing(vaulted: Vaulted) -> None:
    vaulted.writer.submit(case("C1", "K1", beneficiary_name="甲"))
    assert erased(vaulted, "person/K1", years=30).until is None


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
    assert erased(vaulted, subject, years=100).until == date(2101 + last, 1, 1)


def test_records_of_the_person_that_hold_values_of_their_own_are_named(vaulted: Vaulted) -> None:
    """A name given before it was known whose gift it is stands under the gift; so does an earlier name of a case."""
    gifts = [
        gift("D1", donor=None, donor_name="无名"),
        gift("D2", donor_name="甲"),
        gift("D3", donor=None, donor_name="乙"),
    ]
    vaulted.writer.submit_batch([*gifts, AttributeDonation(key="t", donation="D1", donor="P1")])
    vaulted.writer.submit_batch([case("C1", None, beneficiary_name="子"), case("C2", "K1", beneficiary_name="丑")])
    vaulted.writer.submit(AmendCase(key="a", case="C1", hospital="H", person="K1", approved_by=("staff-1",)))
    assert erased(vaulted).related == ("donation/D1",)
    assert erased(vaulted, "person/K1").related == ("case/C1",)
    assert erased(vaulted, "case/C1").related == ()


def test_another_number_of_years_moves_the_day_and_back(vaulted: Vaulted) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    days = [erased(vaulted, years=years) for years in (30, 40, 30)]
    assert [one.until for one in days] == [date(2057, 1, 1), date(2067, 1, 1), date(2057, 1, 1)]
    assert len({one.seq for one in days}) == 3
    assert vaulted.vault.person("donor/P1").restricted_until == date(2057, 1, 1)


@pytest.mark.parametrize("years", [-1, 1001])
def test_years_are_a_plain_number(vaulted: Vaulted, years: int) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    with pytest.raises(BadValue):
        erased(vaulted, years=years)


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
    assert erased(vaulted, f"donor/{odd}", years=100).until == date(2102, 1, 1)
