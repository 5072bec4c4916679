"""The vault's part in one write transaction: what recorded commands leave in it, and what erasures take out.

Loaded once for all persons of a batch, kept in memory while its commands are decided, stored at its end with the
entries themselves: a command that is refused or replayed leaves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from ledger.database import queries
from ledger.decisions import Command, EraseSubject
from ledger.events import Fact
from ledger.journal import Writing
from ledger.vault_ciphers import (
    PERSON_KEY_BYTES,
    SALT_BYTES,
    Entropy,
    PersonKey,
    Unopenable,
    commitment,
    wrapping_context,
)
from ledger.vault_faults import VaultDamaged, VaultNotPrepared
from ledger.vault_keys import MasterKeys

_SQL = queries("ledger", "vault.sql")
DIGEST_BYTES = 32


class Opening(NamedTuple):
    """What opens one commitment of the fact being recorded."""

    field: str
    stream: str
    salt: bytes
    value: str


class _Wrapped(NamedTuple):
    """A key as a row holds it."""

    master: str
    wrapped: bytes
    made_at: int


class _Made(NamedTuple):
    """A new key; it is wrapped at the end."""

    key: bytes
    made_at: int


class Keeping:
    """One transaction's work on the vault; see the module."""

    def __init__(self, keys: MasterKeys, entropy: Entropy, writing: Writing) -> None:
        """Raises VaultNotPrepared. The ledger's lock is held: no other writer's person appears meanwhile."""
        self._keys, self._entropy, self._writing = keys, entropy, writing
        row = writing.cursor.execute(_SQL["keys_in_use"]).fetchone()
        if row is None:
            raise VaultNotPrepared()
        self._master, self._index = row
        self._stored: dict[str, _Wrapped] = {}
        self._gone: set[str] = set()
        self._opened: dict[str, PersonKey] = {}
        self._made: dict[str, _Made] = {}
        self._values: list[tuple[int, str, str, bytes | None]] = []
        self._pseudonyms: list[tuple[bytes, str, bytes]] = []
        self._erased: set[str] = set()

    def load(self, subjects: Iterable[str]) -> None:
        """Reads these persons' keys, as far as there are any, in one query."""
        stale = []
        for subject, master, wrapped, made_at, erased_at in self._writing.cursor.execute(
            _SQL["persons"], ("\x1f".join(subjects),)
        ):
            if wrapped is not None and (erased_at is None or erased_at < made_at):
                self._stored[subject] = _Wrapped(master, wrapped, made_at)
            else:
                self._gone.add(subject)
                stale += [subject] if wrapped is not None else []
        destroy(self._writing, stale)

    def commit(self, command: Command, facts: Sequence[Fact]) -> tuple[list[Fact], list[Opening]]:
        """The command's facts, the last with commitments to its personal values, and what opens them."""
        if not command.personal:
            return list(facts), []
        *before, fact = facts
        salts = self._entropy(SALT_BYTES * len(command.personal))
        openings = [
            Opening(field, fact.stream, salts[n * SALT_BYTES : (n + 1) * SALT_BYTES], value)
            for n, (field, value) in enumerate(command.personal)
        ]
        commitments = {o.field: commitment(o.salt, o.field, o.stream, o.value) for o in openings}
        return [*before, replace(fact, commitments=commitments)], openings

    def keep(self, command: Command, openings: Iterable[Opening], seq: int, digest: bytes) -> bytes:
        """Takes in a command recorded as entry `seq`; the digest to keep of it, from that of its other content."""
        if type(command) is EraseSubject:
            self._erase(command.whose)
        if not command.personal:
            return digest
        subject = command.subject()
        assert subject is not None
        key = self._key(subject, seq)
        for field, stream, salt, value in openings:
            self._values.append((seq, field, subject, key.seal_value(field, stream, salt, value, self._entropy)))
        return digest + key.digest(digest, command.personal)

    def repeats(self, command: Command, digest: bytes, before: tuple[bytes, int]) -> bool:
        """Whether a command with personal values says what was recorded as (digest, seq) before.

        What an erased person gave then cannot be compared any more; the rest of the content decides.
        """
        kept, seq = before
        if kept[:DIGEST_BYTES] != digest or len(kept) == DIGEST_BYTES:
            return False
        subject = command.subject()
        assert subject is not None
        row = self._made.get(subject) or self._stored.get(subject)
        if row is None or row.made_at > seq:
            return True
        return self._key(subject, seq).digest(digest, command.personal) == kept[DIGEST_BYTES:]

    def bind(self, outside_ids: Iterable[tuple[str, str, str]]) -> None:
        """Keeps new outside ids, each (noun, outside id, the opaque id that stands for it)."""
        made_at = self._writing.head.size
        for noun, outside, opaque in outside_ids:
            key = self._key(f"{noun}/{opaque}", made_at)
            tag = self._keys.tag(self._index, self._origin, noun, outside)
            self._pseudonyms.append((tag, key.subject, key.seal_outside(outside, self._entropy)))

    def key(self, subject: str) -> PersonKey:
        """The key of what this transaction keeps outside the entries, made if there is none."""
        return self._key(subject, self._writing.head.size)

    def store(self) -> None:
        """Writes all of it: erasures before what came after them."""
        destroy(self._writing, self._erased)
        renewed: list[tuple[str, str, bytes, int]] = []
        new: list[tuple[str, str, bytes, int]] = []
        for subject, (key, made_at) in self._made.items():
            wrapped = self._keys.wrap(self._master, key, wrapping_context(self._origin, subject))
            (renewed if subject in self._gone else new).append((subject, self._master, wrapped, made_at))
        if renewed:
            self._writing.cursor.execute(_SQL["renew_persons"], [list(column) for column in zip(*renewed, strict=True)])
        self._copy("copy_persons", [f"{_plain(s)}\t{master}\t{_hex(w)}\t{at}\n" for s, master, w, at in new])
        self._copy("copy_values", [f"{seq}\t{field}\t{_plain(s)}\t{_hex(v)}\n" for seq, field, s, v in self._values])
        self._copy(
            "copy_pseudonyms",
            [f"{_hex(tag)}\t{_plain(subject)}\t{_hex(v)}\n" for tag, subject, v in self._pseudonyms],
        )

    @property
    def _origin(self) -> str:
        assert self._writing.head.origin is not None
        return self._writing.head.origin

    def _key(self, subject: str, made_at: int) -> PersonKey:
        """The person's key, made for the entry `made_at` if there is none."""
        known = self._opened.get(subject)
        if known is not None:
            return known
        row = self._stored.get(subject)
        if row is None:
            key = self._entropy(PERSON_KEY_BYTES)
            self._made[subject] = _Made(key, made_at)
        else:
            key = unwrapped(self._keys, self._origin, subject, row.master, row.wrapped)
        opened = self._opened[subject] = PersonKey(subject, key)
        return opened

    def _erase(self, subject: str) -> None:
        """The person's key and all that it opens are gone from here on, what this batch brought too."""
        self._erased.add(subject)
        self._opened.pop(subject, None)
        if self._stored.pop(subject, None) is not None:
            self._gone.add(subject)
        self._made.pop(subject, None)
        self._values = [(s, f, whose, None if whose == subject else v) for s, f, whose, v in self._values]

    def _copy(self, name: str, lines: list[str]) -> None:
        if lines:
            with self._writing.cursor.copy(_SQL[name]) as copy:
                copy.write("".join(lines))


def unwrapped(keys: MasterKeys, origin: str, subject: str, master: str, wrapped: bytes) -> bytes:
    """A person's key out of its row. Raises VaultDamaged, KeyFault."""
    try:
        return keys.unwrap(master, wrapped, wrapping_context(origin, subject))
    except Unopenable:
        raise VaultDamaged(f"key of {subject}", f"{subject} 的密钥") from None


def destroy(writing: Writing, subjects: Iterable[str]) -> None:
    """Destroys these persons' keys, and with them what they open: both, for backups may hold either."""
    listed = "\x1f".join(subjects)
    if listed:
        for name in ("destroy_pseudonyms", "destroy_values", "destroy_keys"):
            writing.cursor.execute(_SQL[name], (listed,))


def _hex(data: bytes | None) -> str:
    """Bytes in COPY's form."""
    return "\\N" if data is None else f"\\\\x{data.hex()}"


def _plain(text: str) -> str:
    """Text in COPY's form: no id holds a control character, so only the backslash is special."""
    return text.replace("\\", "\\\\") if "\\" in text else text
