"""The vault of personal values: opened, prepared, read with a reason, searched, re-wrapped under a new master key.

What entries say of a person is a commitment; the value and its salt are here, sealed under the person's key, which is
wrapped by a master key outside the database (`vault_ciphers`, `vault_keys`). Writing is `vault_keeping`'s, in the
transaction of the entries. Who is erased or restricted is asked of the entries at every read: a restored vault that
still has a key gives nothing, and `open_vault` destroys it again.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import NamedTuple
from unicodedata import normalize

from msgspec import Struct

from ledger.codec import data_of, decode, decode_fact
from ledger.database import Cursor, queries
from ledger.errors import BadValue, Unknown
from ledger.events import SubjectRestricted
from ledger.ids import check_id, check_opaque, check_text, check_value, looks_personal
from ledger.journal import Entropy, Journal, Writing
from ledger.times import utc_text
from ledger.vault_ciphers import PersonKey, Unopenable, commitment, wrapping_context
from ledger.vault_faults import CommitmentDiffers, SubjectIsRestricted, ValueLost, VaultDamaged, VaultNotPrepared
from ledger.vault_keeping import Keeping, unwrapped
from ledger.vault_keys import MasterKeys

NOUNS = {"donor_id": "donor", "person_id": "person", "household_id": "household", "case_id": "case"}
"""Ids of the outside world that the vault replaces: by the name of their column, the noun of whose they are."""
OUTSIDE_ID = "outside_id"
"""The name of the outside id of a stream's subject, where the fields of its entries are named."""
REWRAP_ROWS = 500
_SQL = queries("ledger", "vault.sql")

Progress = Callable[[int, int], None]
"""Told how many are done, and of how many."""


class Reader(NamedTuple):
    """Who reads personal values, and why; `restricted_reason` also reads what is restricted."""

    by: str
    reason: str
    restricted_reason: str | None = None

    def check(self) -> None:
        """Raises BadValue."""
        check_opaque(check_id(self.by, "by"), "by")
        for name, text in (("reason", self.reason), ("restricted_reason", self.restricted_reason)):
            if text is not None and any(map(looks_personal, check_text(text, name).split())):
                raise BadValue(
                    name, "…", "no personal values: it is kept in plain text", "请勿填写个人信息：理由以明文留存"
                )


class Opened(Struct, frozen=True, omit_defaults=True):
    """One commitment of an entry with what opens it; `erased`: the entry since which nothing does. `salt` is hex."""

    seq: int
    field: str
    commitment: str
    value: str | None = None
    salt: str | None = None
    erased: int | None = None


class Reading(Struct, frozen=True, omit_defaults=True):
    """What was read of one stream; `outside_id` when the stream is a subject's whose id the vault replaced."""

    stream: str
    openings: list[Opened]
    outside_id: str | None = None


class Rotation(Struct, frozen=True):
    """What a rotation came to: the master key in use, how many keys it wrapped, whether it ended an earlier one.

    `retired` are this ledger's earlier master keys that are still at hand.
    """

    master: str
    wrapped: int
    resumed: bool
    retired: tuple[str, ...]


class Access(NamedTuple):
    """One line of the log of accesses; `what` is open, or find with the field."""

    at: str
    by: str
    what: str
    stream: str | None
    subjects: list[str]
    fields: list[str]
    reason: str
    restricted_reason: str | None


class Person(NamedTuple):
    """A subject: its key if there is one, made for the entry `made_at`; the entry that last erased what was there
    before; the entry that last restricted it and until when, if it is restricted."""

    subject: str
    key: PersonKey | None
    made_at: int | None
    erased_at: int | None
    restricted_at: int | None = None
    restricted_until: date | None = None

    def refuse_restricted(self, reader: Reader) -> None:
        """Raises SubjectIsRestricted unless the reader has a reason for that."""
        if self.restricted_until is not None and reader.restricted_reason is None:
            raise SubjectIsRestricted(subject=self.subject, until=self.restricted_until)


class Condition(NamedTuple):
    """How the vault stands: the master key in use, how many persons' keys each master key wraps, its earlier ones that
    are still at hand, and who is restricted until when."""

    master: str
    wrappings: dict[str, int]
    retired: tuple[str, ...]
    restricted: dict[str, date]


def open_vault(journal: Journal, keys: MasterKeys, entropy: Entropy) -> Vault:
    """The vault of a ledger, put right first: what entries erased and a restored backup brought back is destroyed."""
    vault = Vault(journal, keys, entropy)
    vault.replay()
    return vault


class Vault:
    """Personal values of one ledger; see the module. May be shared between threads."""

    def __init__(self, journal: Journal, keys: MasterKeys, entropy: Entropy) -> None:
        """Use `open_vault`."""
        self._journal, self._keys, self._entropy = journal, keys, entropy
        self._known_origin: str | None = None

    def replay(self) -> int:
        """Destroys what entries erased and a restored backup brought back; how many keys that were."""
        with self._transaction() as cursor:
            for name in ("replay_pseudonyms", "replay_values"):
                cursor.execute(_SQL[name])
            return cursor.execute(_SQL["replay_keys"]).rowcount

    def prepare(self) -> None:
        """Makes the vault's first keys if it has none. Raises KeyFault."""
        with self._journal.entries.writing() as writing:
            if writing.cursor.execute(_SQL["keys_in_use"]).fetchone() is None:
                made = (self._keys.make("master"), self._keys.make("index"))
                writing.cursor.execute(_SQL["use_keys"], made)

    def keeping(self, writing: Writing, subjects: Iterable[str]) -> Keeping:
        """The vault's part in an open write transaction, about these persons. Raises VaultNotPrepared."""
        keeping = Keeping(self._keys, self._entropy, writing)
        keeping.load(subjects)
        return keeping

    # Reading: always with a reason, always noted.

    def open(self, stream: str, reader: Reader, fields: Collection[str] | None = None) -> Reading:
        """What opens the commitments on a stream, by entry and field, each held against the entry; of a subject with an
        outside id, that too. Of some `fields` alone (`outside_id` among them) nothing else is read.

        Raises Unknown, SubjectIsRestricted; VaultDamaged, CommitmentDiffers, ValueLost and KeyFault where the vault
        does not hold what the entries say.
        """
        reader.check()
        with self._transaction() as cursor:
            committed = _commitments(cursor, stream)
            pseudonym = cursor.execute(_SQL["pseudonym"], (stream,)).fetchone()
            if committed is None and pseudonym is None:
                raise Unknown("stream", stream)
            if fields is not None:
                committed = {at: said for at, said in (committed or {}).items() if at[1] in fields}
                pseudonym = pseudonym if OUTSIDE_ID in fields else None
            rows = cursor.execute(_SQL["values"], (sorted({seq for seq, _ in committed or ()}),)).fetchall()
            found = {(seq, field): (subject, sealed) for seq, field, subject, sealed in rows}
            subjects = {subject for subject, _ in found.values()} | ({stream} if pseudonym else set())
            persons = {subject: self._person(cursor, subject) for subject in subjects}
            for person in persons.values():
                person.refuse_restricted(reader)
            self._note(cursor, reader, "open", stream, persons, {field for _, field in committed or ()})
            return Reading(
                stream,
                [
                    _opened(stream, seq, field, said, *_owner(persons, found, seq, field))
                    for (seq, field), said in (committed or {}).items()
                ],
                _outside_id(persons[stream], pseudonym[0]) if pseudonym else None,
            )

    def fields_of(self, stream: str) -> set[str]:
        """What `open` could name there; no value is read. Raises Unknown."""
        with self._transaction() as cursor:
            committed = _commitments(cursor, stream)
            pseudonym = cursor.execute(_SQL["pseudonym"], (stream,)).fetchone()
        if committed is None and pseudonym is None:
            raise Unknown("stream", stream)
        return {field for _, field in committed or ()} | ({OUTSIDE_ID} if pseudonym else set())

    def values_of(self, field: str, subjects: Iterable[str], reader: Reader) -> dict[str, str]:
        """What was last said in this field of each subject, noted as one reading of them all; who is erased, restricted
        or never gave it is not in it.

        Raises VaultDamaged, CommitmentDiffers and KeyFault where the vault does not hold what the entries say.
        """
        reader.check()
        with self._transaction() as cursor:
            found = cursor.execute(_SQL["newest_values"], (list(subjects), field)).fetchall()
            persons = {subject: self._person(cursor, subject) for subject, *_ in found}
            readable = {one.subject for one in persons.values() if one.key is not None and one.restricted_until is None}
            if readable:
                self._note(cursor, reader, "open", None, readable, [field])
            told: dict[str, str] = {}
            for subject, seq, stream, sealed, said in found:
                if subject in readable:
                    value = _opened(stream, seq, field, said, persons[subject], sealed).value
                    if value is not None:
                        told[subject] = value
            return told

    def newest(self, field: str, subjects: Iterable[str]) -> dict[str, str]:
        """The stream that last gave this field of each subject, where there is one; no value is read."""
        with self._transaction() as cursor:
            return dict(cursor.execute(_SQL["newest_streams"], (list(subjects), field)).fetchall())

    def find(self, field: str, value: str, reader: Reader) -> str:
        """The id that stands for an outside one in the ledger. Raises BadValue, Unknown, neither with the value."""
        reader.check()
        noun = NOUNS.get(field)
        if noun is None:
            raise BadValue("field", field, " ".join(NOUNS), "应为 " + "、".join(NOUNS))
        value = check_value(normalize("NFC", value.strip()), field)
        with self._transaction() as cursor:
            found = self.pseudonyms(cursor, [(noun, value)])
            self._note(cursor, reader, f"find {field}", None, [f"{noun}/{own}" for own in found.values()], [])
        if not found:
            raise Unknown(noun, "…")
        return found[noun, value]

    def key_of(self, subject: str, reader: Reader, what: str) -> PersonKey:
        """The key of what is kept outside the entries; the reading is noted before. Raises BadValue, VaultDamaged."""
        reader.check()
        with self._transaction() as cursor:
            person = self._person(cursor, subject)
            if person.key is None:
                raise VaultDamaged(f"key of {subject}", f"{subject} 的密钥")
            self._note(cursor, reader, what, None, [subject], [])
            return person.key

    def accesses(self, stream: str | None, limit: int) -> list[Access]:
        """Who read what, newest first: of one stream or subject, or of all."""
        with self._transaction() as cursor:
            return [
                Access(utc_text(at), *rest)
                for at, *rest in cursor.execute(_SQL["accesses"], {"stream": stream, "limit": limit})
            ]

    # Outside ids.

    def pseudonyms(self, cursor: Cursor, outside_ids: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """What stands for these (noun, outside id) pairs, as far as they are known; in one query."""
        _, index = _in_use(cursor)
        origin = self._origin()
        tags = {self._keys.tag(index, origin, noun, outside): (noun, outside) for noun, outside in outside_ids}
        rows = cursor.execute(_SQL["subjects_by_tag"], (list(tags),))
        return {tags[bytes(tag)]: subject.partition("/")[2] for tag, subject in rows}

    def new_pseudonym(self, noun: str) -> str:
        """A random id of 80 bits, its noun's first letter before it."""
        return f"{noun[0]}-{base64.b32encode(self._entropy(10)).decode().lower()}"

    def person(self, subject: str) -> Person:
        """What the vault and the entries say of a subject. Raises VaultDamaged, KeyFault."""
        with self._transaction() as cursor:
            return self._person(cursor, subject)

    # Keys.

    def rotate(self, progress: Progress = lambda done, total: None) -> Rotation:
        """Wraps all persons' keys by a new master key, page by page; goes on where an earlier one was cut short.

        The new key lasts before anything is wrapped by it, and it is in use before the first is wrapped anew (the
        ledger's lock is held for that moment), so that whatever is made meanwhile has it. Cut short, some keys are
        wrapped by one and some by the other, and both are read. Raises KeyFault, VaultDamaged, VaultNotPrepared.
        """
        with self._journal.entries.writing() as writing:
            master, _ = _in_use(writing.cursor)
            total = _left(writing.cursor, master)
            resumed = total > 0
            if not resumed:
                master = self._keys.make("master")
                writing.cursor.execute(_SQL["use_master"], (master,))
                total = _left(writing.cursor, master)
        done, behind = 0, ""
        while page := self._rewrap(master, behind):
            done, behind = done + len(page), page[-1]
            progress(done, max(done, total))
        return Rotation(master, done, resumed, self._retired())

    def condition(self) -> Condition:
        """How the vault stands: what `fenhao doctor` tells. Raises VaultNotPrepared, KeyFault, VaultDamaged."""
        with self._transaction() as cursor:
            master, index = _in_use(cursor)
            self._keys.tag(index, "", "", "")
            samples = cursor.execute(_SQL["sample"]).fetchall()
            for subject, wrapped_by, wrapped in samples:
                unwrapped(self._keys, self._origin(), subject, wrapped_by, wrapped)
            wrappings = dict(cursor.execute(_SQL["wrappings"]).fetchall())
            restricted = {subject: _until(body) for subject, body in cursor.execute(_SQL["restricted_now"])}
        return Condition(master, wrappings, self._retired(), restricted)

    def _rewrap(self, master: str, behind: str) -> list[str]:
        """One page of persons behind a subject wrapped by `master`, in a transaction; who they are."""
        origin = self._origin()
        with self._transaction() as cursor:
            rows = cursor.execute(_SQL["old_wrappings"], (behind, master, REWRAP_ROWS)).fetchall()
            keys = [
                self._keys.wrap(
                    master, unwrapped(self._keys, origin, subject, old, wrapped), wrapping_context(origin, subject)
                )
                for subject, old, wrapped in rows
            ]
            subjects = [subject for subject, _, _ in rows]
            cursor.execute(_SQL["rewrap"], (master, subjects, keys))
        return subjects

    def _retired(self) -> tuple[str, ...]:
        """This ledger's earlier master keys that are still at hand; others in the same place are another ledger's."""
        with self._transaction() as cursor:
            known = [retired for (retired,) in cursor.execute(_SQL["retired"])]
        return tuple(retired for retired in known if retired in self._keys.held())

    def _person(self, cursor: Cursor, subject: str) -> Person:
        ((master, wrapped, made_at, erased_at),) = cursor.execute(_SQL["person"], (subject,)).fetchall()
        if wrapped is None or (erased_at is not None and erased_at >= made_at):
            return Person(subject, None, None, erased_at)
        key = PersonKey(subject, unwrapped(self._keys, self._origin(), subject, master, wrapped))
        restriction = cursor.execute(_SQL["restriction"], (subject,)).fetchone()
        if restriction is None:
            return Person(subject, key, made_at, erased_at)
        return Person(subject, key, made_at, erased_at, restriction[0], _until(restriction[1]))

    def _note(
        self,
        cursor: Cursor,
        reader: Reader,
        what: str,
        stream: str | None,
        subjects: Iterable[str],
        fields: Iterable[str],
    ) -> None:
        """Enters a reading in the log, in the transaction that reads: it cannot be had without."""
        at = self._journal.entries.clock()
        cursor.execute(
            _SQL["log_access"],
            (at, reader.by, what, stream, sorted(subjects), sorted(fields), reader.reason, reader.restricted_reason),
        )

    def _origin(self) -> str:
        """The ledger's, which never changes. Raises LedgerNotOpen."""
        if self._known_origin is None:
            self._known_origin = self._journal.entries.head().origin
        assert self._known_origin is not None
        return self._known_origin

    @contextmanager
    def _transaction(self) -> Iterator[Cursor]:
        """One transaction that does not hold the ledger's lock."""
        with self._journal.entries.reading() as cursor, cursor.connection.transaction():
            yield cursor


def _owner(
    persons: Mapping[str, Person], found: Mapping[tuple[int, str], tuple[str, bytes | None]], seq: int, field: str
) -> tuple[Person, bytes | None]:
    """Whose a value is, with what is sealed of it. Raises ValueLost."""
    if (seq, field) not in found:
        raise ValueLost(seq=seq, field=field)
    subject, sealed = found[seq, field]
    return persons[subject], sealed


def _opened(stream: str, seq: int, field: str, said: str, person: Person, sealed: bytes | None) -> Opened:
    """What opens one commitment. Raises VaultDamaged, CommitmentDiffers, ValueLost."""
    if person.erased_at is not None and person.erased_at >= seq:
        return Opened(seq, field, said, erased=person.erased_at)
    if person.key is None or sealed is None:
        raise ValueLost(seq=seq, field=field)
    try:
        salt, value = person.key.open_value(field, stream, sealed)
    except Unopenable:
        what = f"{field} of {person.subject} in entry {seq}"
        raise VaultDamaged(what, f"第 {seq} 条分录 {person.subject} 的 {field}") from None
    if not hmac.compare_digest(commitment(salt, field, stream, value), said):
        raise CommitmentDiffers(seq=seq, field=field)
    return Opened(seq, field, said, value, salt.hex())


def _outside_id(person: Person, sealed: bytes) -> str | None:
    """The outside id of a subject, None once it is erased. Raises VaultDamaged."""
    try:
        return None if person.key is None else person.key.open_outside(sealed)
    except Unopenable:
        raise VaultDamaged(f"outside id of {person.subject}", f"{person.subject} 的外部编号") from None


def _commitments(cursor: Cursor, stream: str) -> dict[tuple[int, str], str] | None:
    """What the entries of a stream commit to, by seq and field; None for a stream without entries."""
    entries = [decode(body) for _, body in cursor.execute(_SQL["stream"], (stream,))]
    if not entries:
        return None
    return {
        (entry.seq, field): said
        for entry in entries
        for field, said in sorted(entry.data.get("commitments", {}).items())
    }


def _in_use(cursor: Cursor) -> tuple[str, str]:
    """The ids of the master and the index key in use. Raises VaultNotPrepared."""
    row = cursor.execute(_SQL["keys_in_use"]).fetchone()
    if row is None:
        raise VaultNotPrepared()
    return row[0], row[1]


def _left(cursor: Cursor, master: str) -> int:
    """How many persons' keys another master key wraps."""
    return sum(count for other, count in cursor.execute(_SQL["wrappings"]) if other != master)


def _until(body: bytes) -> date:
    fact = decode_fact("SubjectRestricted", data_of(body))
    assert isinstance(fact, SubjectRestricted)
    return fact.until
