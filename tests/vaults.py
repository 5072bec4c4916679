"""A ledger with a vault, and what tests ask of both: shared by the tests of the vault."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import rfc8785

from audit.verify import Report, verify
from ledger.database import Database
from ledger.decisions import Basis, OpenCase, OpenFund, OpenLedger, ReceiveDonation, RegisterHospital
from ledger.erasure import Erasure, erase
from ledger.journal import Journal
from ledger.vault import Reader, Vault, open_vault
from ledger.vault_keys import KeyFolder
from ledger.writing import Writer

ORIGIN = "ledger.example.org/test"
ON = date(2026, 3, 1)
READER = Reader("staff-7", "query of the donor")


@dataclass(frozen=True)
class Vaulted:
    """An open ledger with a fund, a hospital and a vault whose keys are in `keys`."""

    database: Database
    journal: Journal
    writer: Writer
    vault: Vault
    keys: Path

    @classmethod
    def on(cls, journal: Journal, keys: Path) -> Vaulted:
        """Opens the ledger."""
        vault = open_vault(journal, KeyFolder(keys, os.urandom), os.urandom)
        vault.prepare()
        writer = Writer(journal, vault=vault)
        writer.submit(OpenLedger(key="ledger", origin=ORIGIN, verifier_key="test"))
        writer.submit_batch(
            [OpenFund(key="F", fund="F", name="fund"), RegisterHospital(key="H", hospital="H", name="hospital")]
        )
        return cls(journal.database, journal, writer, vault, keys)

    def again(self) -> Vaulted:
        """The same, opened as another process would: nothing kept in memory."""
        vault = open_vault(self.journal, KeyFolder(self.keys, os.urandom), os.urandom)
        return Vaulted(self.database, self.journal, Writer(self.journal, vault=vault), vault, self.keys)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What a query of the owner's gives."""
        with self.database.owner() as owner:
            cursor = owner.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def entry(self, seq: int) -> dict[str, Any]:
        """One entry, parsed."""
        ((body,),) = self.rows("select body from entry where seq = %s", seq)
        entry = json.loads(body)
        assert isinstance(entry, dict)
        return entry

    def verified(self) -> Report:
        """What the stand-alone verifier says of the entries; they must be sound."""
        report = verify(self.journal.entries.bundles())
        assert report.problems == ()
        return report

    def values(self, stream: str, reader: Reader = READER) -> dict[str, str | None]:
        """The values on a stream by field."""
        return {one.field: one.value for one in self.vault.open(stream, reader).openings}


def gift(name: str, *, donor: str | None = "P1", key: str | None = None, **personal: str) -> ReceiveDonation:
    """A gift of ten fen, of a donor with these personal values."""
    return ReceiveDonation(
        key=key or name,
        donation=name,
        fund="F",
        amount=10,
        on=ON,
        donor=donor,
        personal=tuple(personal.items()),
    )


def case(name: str, person: str | None = None, **personal: str) -> OpenCase:
    """A case of a person with these personal values."""
    return OpenCase(key=name, case=name, fund="F", hospital="H", person=person, personal=tuple(personal.items()))


def commitment_by_hand(salt: str, field: str, stream: str, value: str) -> str:
    """The contract's formula, by other code than the ledger's: salt in hex."""
    said = rfc8785.dumps({"field": field, "stream": stream, "value": value})
    return hmac.new(bytes.fromhex(salt), said, hashlib.sha256).hexdigest()


def erased(vaulted: Vaulted, subject: str = "donor/P1", years: int = 0) -> Erasure:
    """What asking for a subject's erasure comes to, when vouchers are kept for so many years."""
    basis = Basis("request", "2026-17")
    return erase(vaulted.writer, vaulted.vault, subject, basis, years, by="staff-1", approved_by=("staff-2",))


def vault_rows(vaulted: Vaulted) -> dict[str, list[tuple[Any, ...]]]:
    """All that the vault holds of persons."""
    return {
        table: vaulted.rows(f"select * from {table} order by 1, 2")  # noqa: S608 - our tables
        for table in ("vault_person", "vault_value", "vault_pseudonym")
    }
