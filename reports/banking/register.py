"""The register of statements: taken in once, held where they do not tie, accepted by two persons with a reason.

A file is taken in by one transaction, whole or not at all. Nothing is changed or deleted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any, NamedTuple

from ledger.database import Cursor, queries
from ledger.errors import Refusal, Unknown, shown
from ledger.journal import Journal
from ledger.vault import Reader, Vault
from ledger.vault_ciphers import PersonKey, Unopenable
from ledger.vault_faults import VaultDamaged
from reports.banking.reading import Document
from reports.banking.statement import Claim, Details, Line
from reports.banking.taking import Acceptance, NoAccount, Taken, Taking, place_of, subject_of

_SQL = queries("reports.banking", "bank.sql")


class NotHeld(Refusal):
    """An acceptance of a statement that needs none."""

    code = "bank_statement_not_held"
    zh = "对账单 {id} 未被搁置，无需接受"
    en = "statement {id} is not held and needs no acceptance"


class Kept(NamedTuple):
    """A statement as the register has it; amounts in minor units, `failed` as `gate.Verdict` has it."""

    id: int
    file: str
    format: str
    account: str
    currency: str
    exponent: int
    number: str | None
    first_on: date | None
    last_on: date | None
    opening: int | None
    closing: int | None
    closing_currency: str | None
    lines: int
    known: int
    credits: int
    debits: int
    fees: int
    ties: bool | None
    difference: int | None
    failed: tuple[Claim, ...]
    imported_at: datetime
    accepted_at: datetime | None
    accepted_by: str | None
    approved_by: str | None
    reason: str | None

    @property
    def state(self) -> str:
        """recorded, held or accepted."""
        if self.ties:
            return "recorded"
        return "held" if self.accepted_at is None else "accepted"


class _GivenUp(Exception):
    """Rolls a dry run back."""


class Register:
    """The statements of one ledger."""

    def __init__(self, journal: Journal, vault: Vault) -> None:
        self._journal, self._vault = journal, vault

    def take(
        self, document: Document, file: object, acceptance: Acceptance | None = None, *, dry_run: bool = False
    ) -> list[Taken]:
        """Takes in a document; a dry run answers the same and is given up at the end.

        What was taken in before is not taken in again: a file of the same bytes, a statement of the same number, period
        and figures, and in formats without numbers a line of the same account, day, amount and mark. Raises NoAccount,
        StatementDiffers, DaysTakenInAlready; then nothing of the file is recorded.
        """
        if any(each.account is None for each in document.statements):
            raise NoAccount(file=shown(file, 200))
        if acceptance is not None:
            acceptance.check()
        taken: list[Taken] = []
        with suppress(_GivenUp), self._journal.entries.writing() as writing:
            taken = Taking(writing, self._vault, self._journal.entries.entropy, document, acceptance).run()
            if dry_run:
                raise _GivenUp
        return taken

    def statements(
        self, account: str | None = None, *, id: int | None = None, sha256: bytes | None = None
    ) -> list[Kept]:
        """The statements by account and period: all, of one account, of one file, or one."""
        with self._journal.entries.reading() as cursor:
            return _kept(cursor, account, id, sha256)

    def accept(self, wanted: int | bytes, acceptance: Acceptance) -> list[Kept]:
        """Accepts what is held of a statement (by its number here) or of a file (by its SHA-256); what that was.

        Raises Unknown, NotHeld, BadValue, SamePerson.
        """
        acceptance.check()
        with self._journal.entries.writing() as writing:
            if isinstance(wanted, int):
                name, found = f"B{wanted}", _kept(writing.cursor, None, wanted, None)
            else:
                name, found = wanted.hex()[:16], _kept(writing.cursor, None, None, wanted)
            if not found:
                raise Unknown("statement", name)
            held = [each for each in found if each.state == "held"]
            if not held:
                raise NotHeld(id=name)
            for each in held:
                writing.cursor.execute(_SQL["add_acceptance"], (each.id, writing.at, *acceptance))
            return held

    def lines(self, id: int, reader: Reader | None = None) -> Iterator[tuple[int, Line]]:
        """A statement's lines by ordinal, with what they say of people for a reader with a reason, who is noted.

        Raises BadValue, VaultDamaged, KeyFault.
        """
        with self._journal.entries.reading() as cursor:
            rows = cursor.execute(_SQL["lines"], (id,)).fetchall()
        key = None
        if reader is not None and rows:
            key = self._vault.key_of(subject_of(rows[0][-1]), reader, f"statement B{id}")
        for ordinal, booked_on, value_on, clock, amount, fee, balance, bank_ref, order_ref, sealed, position, _ in rows:
            details = Details()
            if key is not None and sealed is not None:
                details = _unsealed(key, place_of(position, ordinal), bytes(sealed))
            yield ordinal, Line(booked_on, amount, value_on, clock, bank_ref, order_ref, balance, fee, details)


def _unsealed(key: PersonKey, place: str, sealed: bytes) -> Details:
    try:
        return Details(*json.loads(key.open_words(place, sealed)))
    except Unopenable:
        raise VaultDamaged(f"line {place} of {key.subject}", f"{key.subject} 的第 {place} 行") from None


def _kept(cursor: Cursor, account: str | None, id: int | None, sha256: bytes | None) -> list[Kept]:
    rows: Sequence[Any] = cursor.execute(
        _SQL["statements"], {"account": account, "id": id, "sha256": sha256}
    ).fetchall()
    found = [Kept(*row) for row in rows]
    return [each._replace(failed=tuple(Claim(*claim) for claim in each.failed)) for each in found]
