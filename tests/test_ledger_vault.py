"""The vault: personal values are kept apart from the chain, and open for their person, field and stream alone."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import SCALE, every_server
from eventsourcing.persistence import PersistenceError
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from vaults import ON, ORIGIN, READER, Vaulted, case, commitment_by_hand, gift

from ledger.database import DatabaseFault
from ledger.decisions import AmendCase, Command, OpenFund, ReceiveDonation
from ledger.errors import BadValue, IdempotencyConflict, OperatorFault, Refusal, Unknown
from ledger.journal import Journal
from ledger.vault import Reader
from ledger.vault_ciphers import PERSON_KEY_BYTES, PersonKey, Unopenable, commitment
from ledger.vault_faults import CommitmentDiffers, NoVault, ValueLost, VaultDamaged, VaultNotPrepared
from ledger.vault_keys import KeyFault, KeyFolder
from ledger.writing import Abandoned, Recorded, Writer

# Round trip.


@every_server
def test_values_come_back_for_their_stream_and_the_entry_holds_commitments_alone(vaulted: Vaulted) -> None:
    recorded = vaulted.writer.submit(gift("D1", donor_name="王小明·阿依", donor_phone="13800138000"))
    reading = vaulted.vault.open("donation/D1", READER)
    assert [(one.seq, one.field, one.value) for one in reading.openings] == [
        (recorded.seq, "donor_name", "王小明·阿依"),
        (recorded.seq, "donor_phone", "13800138000"),
    ]
    entry = vaulted.entry(recorded.seq)
    assert entry["data"]["commitments"] == {one.field: one.commitment for one in reading.openings}
    assert entry["data"]["donor"] == "P1"
    assert "personal" not in entry["data"]
    for one in reading.openings:
        assert one.salt is not None
        assert one.value is not None
        assert commitment_by_hand(one.salt, one.field, "donation/D1", one.value) == one.commitment
    assert len({one.salt for one in reading.openings}) == 2
    assert vaulted.verified().entries == recorded.seq + 1


def test_the_same_value_twice_is_committed_to_twice_with_other_salts(vaulted: Vaulted) -> None:
    first, second = (vaulted.writer.submit(gift(name, donor_name="同名")).seq for name in ("D1", "D2"))
    one, other = (vaulted.entry(seq)["data"]["commitments"]["donor_name"] for seq in (first, second))
    assert one != other


SUBJECTS: list[tuple[Command, str]] = [
    (gift("D1", donor_name="甲"), "donor/P1"),
    (gift("D1", donor=None, donor_name="甲"), "donation/D1"),
    (case("C1", "K1", beneficiary_name="甲"), "person/K1"),
    (case("C1", None, beneficiary_name="甲"), "case/C1"),
]


@pytest.mark.parametrize(("command", "subject"), SUBJECTS, ids=lambda value: value if isinstance(value, str) else "")
def test_values_belong_to_the_person_or_to_the_record_that_names_none(
    vaulted: Vaulted, command: Command, subject: str
) -> None:
    vaulted.writer.submit(command)
    assert vaulted.rows("select distinct subject from vault_value") == [(subject,)]
    assert vaulted.rows("select subject from vault_person") == [(subject,)]


def test_a_case_that_is_amended_gets_values_of_its_own_beside_the_earlier_ones(vaulted: Vaulted) -> None:
    opened = vaulted.writer.submit(case("C1", "K1", beneficiary_name="旧名"))
    amended = vaulted.writer.submit(
        AmendCase(key="a", case="C1", hospital="H", person="K1", personal=(("beneficiary_name", "新名"),))
    )
    found = {one.seq: one.value for one in vaulted.vault.open("case/C1", READER).openings}
    assert found == {opened.seq: "旧名", amended.seq: "新名"}


def test_one_person_has_one_key_and_each_value_its_own_nonce(vaulted: Vaulted) -> None:
    vaulted.writer.submit_batch([gift(f"D{n}", donor_name="甲") for n in range(5)])
    vaulted.writer.submit(gift("D5", donor_name="甲"))
    assert vaulted.rows("select count(*) from vault_person") == [(1,)]
    sealed = [bytes(cell) for (cell,) in vaulted.rows("select sealed from vault_value")]
    assert len({cell[:12] for cell in sealed}) == len(sealed) == 6


def test_names_and_numbers_cannot_be_told_by_their_length(vaulted: Vaulted) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲", donor_id_no="110101199003074514"))
    assert len(set(vaulted.rows("select length(sealed) from vault_value"))) == 1


# What is recorded, and what is not.


@every_server
def test_refused_and_replayed_commands_leave_nothing_in_the_vault(vaulted: Vaulted) -> None:
    good, refused = gift("D1", donor_name="甲"), replace(gift("D2", donor="P2", donor_name="乙"), fund="nowhere")
    first, no = vaulted.writer.submit_batch([good, refused])
    assert isinstance(first, Recorded)
    assert isinstance(no, Unknown)
    before = vaulted.rows("select * from vault_value"), vaulted.rows("select * from vault_person")
    assert vaulted.writer.submit_batch([good]) == [Recorded(first.seq, replayed=True)]
    assert vaulted.again().writer.submit_batch([good, good]) == [Recorded(first.seq, replayed=True)] * 2
    assert (vaulted.rows("select * from vault_value"), vaulted.rows("select * from vault_person")) == before
    assert vaulted.rows("select subject from vault_person") == [("donor/P1",)]


def test_a_dry_run_leaves_nothing_in_the_vault(vaulted: Vaulted) -> None:
    with vaulted.writer.session() as session:
        outcomes = session.run([gift("D1", donor_name="甲")])
        if all(isinstance(one, Recorded) for one in outcomes):
            raise Abandoned
    assert vaulted.rows("select count(*) from vault_person") == [(0,)]
    assert vaulted.rows("select count(*) from vault_value") == [(0,)]


@pytest.mark.parametrize(
    "again",
    [
        gift("D1", donor_name="乙", donor_phone="1"),
        gift("D1", donor_name="甲"),
        gift("D1"),
        gift("D1", donor_name="甲", donor_phone="1", donor_id_no="x"),
        gift("D1", donor="P2", donor_name="甲", donor_phone="1"),
    ],
    ids=["another name", "no phone", "nothing personal", "more", "another donor"],
)
def test_a_request_with_other_personal_values_is_another_request(vaulted: Vaulted, again: Command) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲", donor_phone="1"))
    (outcome,) = vaulted.writer.submit_batch([again])
    assert isinstance(outcome, IdempotencyConflict)


def test_the_order_of_personal_values_makes_no_other_request(vaulted: Vaulted) -> None:
    first = vaulted.writer.submit(gift("D1", donor_name="甲", donor_phone="1"))
    again = vaulted.writer.submit(gift("D1", donor_phone="1", donor_name="甲"))
    assert again == Recorded(first.seq, replayed=True)


def test_what_was_recorded_without_personal_values_is_not_the_same_with_them(vaulted: Vaulted) -> None:
    vaulted.writer.submit(gift("D1"))
    (outcome,) = vaulted.writer.submit_batch([gift("D1", donor_name="甲")])
    assert isinstance(outcome, IdempotencyConflict)


def test_a_stored_digest_helps_nobody_to_guess_a_value(vaulted: Vaulted) -> None:
    """Two donors of the same name differ in it, and its other half is that of the request without the name."""
    vaulted.writer.submit_batch([gift("D1", donor_name="甲"), gift("D2", donor="P2", donor_name="甲")])
    (one,), (two,) = vaulted.rows("select digest from command_key where key in ('D1', 'D2') order by key")
    assert len(one) == len(two) == 64
    assert bytes(one[32:]) != bytes(two[32:])
    assert bytes(one[:32]) == gift("D1").digest()


def test_without_personal_values_the_vault_is_not_asked(vaulted: Vaulted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.vault.Vault.keeping", None)
    assert isinstance(vaulted.writer.submit(gift("D1")), Recorded)


def test_personal_values_without_a_vault_are_one_clear_fault(vaulted: Vaulted) -> None:
    with pytest.raises(NoVault, match="no vault is open"):
        Writer(vaulted.journal).submit_batch([gift("D1", donor_name="甲")])
    assert isinstance(Writer(vaulted.journal).submit(gift("D1")), Recorded)


def test_a_vault_without_keys_says_how_to_get_them(journal: Journal, tmp_path: Path) -> None:
    vaulted = Vaulted.on(journal, tmp_path / "keys")
    vaulted.rows("delete from vault_keys")
    with pytest.raises(VaultNotPrepared, match="fenhao migrate"):
        vaulted.writer.submit(gift("D1", donor_name="甲"))


BAD_PERSONAL = [
    (("donor_name", ""),),
    (("donor_name", "甲\n乙"),),
    (("donor_name", "e\u0301"),),
    (("donor_name", "\ud800"),),
    (("donor_name", "秘" * 1001),),
    (("Donor Name", "秘密"),),
    (("donor_name", "秘密"), ("donor_name", "秘密")),
]


@pytest.mark.parametrize("personal", BAD_PERSONAL, ids=repr)
def test_a_value_that_cannot_be_is_refused_without_repeating_it(
    vaulted: Vaulted, personal: tuple[tuple[str, str], ...]
) -> None:
    (outcome,) = vaulted.writer.submit_batch([replace(gift("D1"), personal=personal)])
    assert isinstance(outcome, BadValue)
    assert all(value not in outcome.say("zh") + outcome.say("en") for _, value in personal if value)


def test_a_command_about_nobody_carries_no_personal_values(vaulted: Vaulted) -> None:
    (outcome,) = vaulted.writer.submit_batch([OpenFund(key="G", fund="G", name="G", personal=(("name", "甲"),))])
    assert isinstance(outcome, BadValue)


def test_a_command_is_printed_without_its_personal_values() -> None:
    assert "秘密" not in repr(gift("D1", donor_name="秘密"))
    assert "donor='P1'" in repr(gift("D1", donor_name="秘密"))


# Many at once.


@every_server
def test_two_writers_with_the_same_new_person_make_one_key(vaulted: Vaulted) -> None:
    others = [vaulted.again() for _ in range(4)]

    def write(n: int) -> Recorded:
        return others[n % 4].writer.submit(gift(f"D{n}", donor=f"P{n // 8}", donor_name=f"名{n // 8}"))

    with ThreadPoolExecutor(8) as threads:
        assert all(isinstance(one, Recorded) for one in threads.map(write, range(64)))
    assert vaulted.rows("select count(*) from vault_person") == [(8,)]
    for n in range(64):
        assert vaulted.values(f"donation/D{n}") == {"donor_name": f"名{n // 8}"}
    vaulted.verified()


# What does not open.


def moved(vaulted: Vaulted, statement: str) -> None:
    """Two gifts of two donors, the vault's rows then tampered with by the owner."""
    vaulted.writer.submit_batch([gift("D1", donor_name="甲", donor_phone="1"), gift("D2", donor="P2", donor_name="乙")])
    assert vaulted.values("donation/D1") == {"donor_name": "甲", "donor_phone": "1"}
    vaulted.rows(statement)


SEQ = "(select seq from entry where stream = 'donation/D{}')"
OF = (
    "update vault_value set sealed = (select sealed from vault_value where seq = {} and field = '{}')"
    " where seq = {} and field = '{}'"
)
FLIPPED = "update {table} set {column} = set_byte({column}, {at}, get_byte({column}, {at}) # 1) where {where}"


@pytest.mark.parametrize(
    "statement",
    [
        OF.format(SEQ.format(2), "donor_name", SEQ.format(1), "donor_name"),
        OF.format(SEQ.format(1), "donor_phone", SEQ.format(1), "donor_name"),
        "update vault_value set subject = 'donor/P2' where subject = 'donor/P1'",
        "update vault_person set wrapped = (select wrapped from vault_person where subject = 'donor/P2')",
        "update vault_value set sealed = '\\x00'",
        "update vault_person set wrapped = '\\x00'",
        *(
            FLIPPED.format(table="vault_value", column="sealed", at=at, where="field = 'donor_name'")
            for at in (0, 11, 12, 43, 44, 60, 91)
        ),
        *(FLIPPED.format(table="vault_person", column="wrapped", at=at, where="true") for at in (0, 12, 50, 80, 91)),
    ],
)
def test_what_was_changed_or_moved_does_not_open(vaulted: Vaulted, statement: str) -> None:
    moved(vaulted, statement)
    with pytest.raises(VaultDamaged, match="does not open"):
        vaulted.vault.open("donation/D1", READER)


def test_a_value_of_the_same_person_and_field_on_another_stream_does_not_open(vaulted: Vaulted) -> None:
    vaulted.writer.submit_batch([gift("D1", donor_name="甲"), gift("D2", donor_name="乙")])
    vaulted.rows(OF.format(SEQ.format(2), "donor_name", SEQ.format(1), "donor_name"))
    with pytest.raises(VaultDamaged, match="donor_name of donor/P1"):
        vaulted.vault.open("donation/D1", READER)


def test_an_earlier_value_of_the_same_stream_is_not_the_one_committed_to(vaulted: Vaulted) -> None:
    first = vaulted.writer.submit(case("C1", "K1", beneficiary_name="旧名")).seq
    amend = AmendCase(key="a", case="C1", hospital="H", person="K1", personal=(("beneficiary_name", "新名"),))
    second = vaulted.writer.submit(amend).seq
    vaulted.rows(OF.format(first, "beneficiary_name", second, "beneficiary_name"))
    with pytest.raises(CommitmentDiffers, match=str(second)):
        vaulted.vault.open("case/C1", READER)


@pytest.mark.parametrize("table", ["vault_value", "vault_person"])
def test_a_value_that_is_not_there_is_lost_and_not_erased(vaulted: Vaulted, table: str) -> None:
    moved(vaulted, f"delete from {table}")  # noqa: S608 - a table's name
    with pytest.raises(ValueLost, match="donor_name"):
        vaulted.vault.open("donation/D1", READER)


def test_another_ledgers_person_does_not_open_here(vaulted: Vaulted) -> None:
    moved(vaulted, "update head set origin = 'ledger.example.org/other'")
    with pytest.raises(VaultDamaged, match="key of donor/P1"):
        vaulted.again().vault.open("donation/D1", READER)
    vaulted.rows("update head set origin = %s", ORIGIN)
    assert vaulted.again().values("donation/D2") == {"donor_name": "乙"}


def master_file(vaulted: Vaulted) -> Path:
    (path,) = vaulted.keys.glob("vault-master-*.key")
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "it is not there"), ("00" * 32, "another key"), ("00", "another key"), ("密", "another key")],
    ids=["missing", "another", "short", "no key"],
)
def test_without_the_right_master_key_nothing_opens_and_nothing_is_recorded(
    vaulted: Vaulted, content: str | None, said: str
) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    path = master_file(vaulted)
    path.unlink() if content is None else path.write_text(content, "utf-8")
    again = vaulted.again()
    with pytest.raises(KeyFault, match=said) as fault:
        again.vault.open("donation/D1", READER)
    assert str(path) in str(fault.value)
    size = vaulted.journal.entries.head().size
    for command in (gift("D2", donor_name="乙"), gift("D3", donor="P3", donor_name="丙")):
        with pytest.raises(KeyFault):
            again.writer.submit(command)
    assert vaulted.journal.entries.head().size == size
    assert isinstance(again.writer.submit(gift("D4")), Recorded)


def test_keys_are_their_owners_alone(vaulted: Vaulted) -> None:
    files = list(vaulted.keys.iterdir())
    assert len(files) == 2
    assert {path.stat().st_mode & 0o777 for path in [*files]} == {0o600}
    assert vaulted.keys.stat().st_mode & 0o777 == 0o700


def test_preparing_again_makes_no_other_keys(vaulted: Vaulted) -> None:
    before = sorted(vaulted.keys.iterdir())
    vaulted.vault.prepare()
    assert sorted(vaulted.keys.iterdir()) == before


def test_keys_that_cannot_be_written_are_a_clear_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyFault, match="cannot be used"):
        KeyFolder(tmp_path / "file", os.urandom).make("master")


# Reading.


def test_who_reads_what_and_why_is_noted_and_cannot_be_taken_back(vaulted: Vaulted) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲", donor_phone="1"))
    vaulted.vault.open("donation/D1", READER)
    (noted,) = vaulted.vault.accesses("donation/D1", 10)
    assert noted[1:] == (
        "staff-7",
        "open",
        "donation/D1",
        ["donor/P1"],
        ["donor_name", "donor_phone"],
        "query of the donor",
        None,
    )
    assert vaulted.vault.accesses("donor/P1", 10) == [noted]
    assert vaulted.vault.accesses("donor/P2", 10) == []


@every_server
def test_the_log_of_accesses_only_grows_for_the_owner_too(vaulted: Vaulted) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    vaulted.vault.open("donation/D1", READER)
    for change in ("update vault_access set by = 'x'", "delete from vault_access", "truncate vault_access"):
        with pytest.raises(DatabaseFault, match="never changed"):
            vaulted.rows(change)
    assert len(vaulted.vault.accesses(None, 10)) == 1


def test_what_is_read_is_noted_or_not_read(vaulted: Vaulted) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    vaulted.rows("alter table vault_access add check (reason <> 'query of the donor')")
    with pytest.raises(PersistenceError):
        vaulted.vault.open("donation/D1", READER)


@pytest.mark.parametrize(
    "reader",
    [
        Reader("", "why"),
        Reader("staff", ""),
        Reader("staff", "why", ""),
        Reader("13800138000", "why"),
        Reader("staff", "call from 13800138000"),
        Reader("staff", "why", "a@example.org asked"),
    ],
    ids=repr,
)
def test_nobody_reads_without_a_name_and_a_reason(vaulted: Vaulted, reader: Reader) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    with pytest.raises(BadValue):
        vaulted.vault.open("donation/D1", reader)
    with pytest.raises(BadValue):
        vaulted.vault.find("donor_id", "x", reader)
    assert vaulted.vault.accesses(None, 10) == []


def test_a_stream_that_is_not_there_is_unknown_and_one_without_values_empty(vaulted: Vaulted) -> None:
    vaulted.writer.submit(gift("D1"))
    assert vaulted.values("donation/D1") == {}
    with pytest.raises(Unknown):
        vaulted.vault.open("donation/D9", READER)


# Commitments, by themselves.

texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)
names = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)


@settings(max_examples=200 * SCALE)
@given(
    salt=st.binary(min_size=32, max_size=32),
    field=names,
    stream=texts,
    value=texts,
    other=texts,
    key=st.binary(min_size=64, max_size=64),
)
def test_a_commitment_is_the_contracts_and_opens_for_its_field_stream_and_value_alone(
    salt: bytes, field: str, stream: str, value: str, other: str, key: bytes
) -> None:
    said = commitment(salt, field, stream, value)
    assert said == commitment_by_hand(salt.hex(), field, stream, value)
    assert (commitment(salt, field, stream, other) == said) == (other == value)
    assert (commitment(salt, field, other, value) == said) == (other == stream)
    assert commitment(salt, field + "x", stream, value) != said
    assert len(key) == PERSON_KEY_BYTES
    sealed = PersonKey("donor/P", key).seal_value(field, stream, salt, value, os.urandom)
    assert PersonKey("donor/P", key).open_value(field, stream, sealed) == (salt, value)
    for subject, where in (
        ("donor/Q", (field, stream)),
        ("donor/P", (field + "x", stream)),
        ("donor/P", (field, stream + "x")),
    ):
        with pytest.raises(Unopenable):
            PersonKey(subject, key).open_value(*where, sealed)


def test_faults_are_the_operators_and_repeat_no_value() -> None:
    assert issubclass(NoVault, OperatorFault)
    assert not issubclass(NoVault, Refusal)
    assert ReceiveDonation(key="k", donation="D", fund="F", amount=1, on=ON).subject() == "donation/D"
