"""An honest ledger with a fact of every kind, recorded by real commands, and what its log gives to others.

`HISTORY` is what happened, a command a line. The attacks (`attacks.py`) begin from copies of its export.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from telling import commands_of
from vaults import Vaulted

from audit.checkpoint import KeySigner
from audit.export import export
from audit.heads import FileHeads
from audit.keys import HeldKeys
from audit.log import Log
from ledger.database import Database, connecting, migrate
from ledger.decisions import Basis, Command, OpenLedger, ReceiveDonation
from ledger.erasure import erase
from ledger.journal import Journal
from ledger.vault import Reader, open_vault
from ledger.vault_keys import KeyFolder
from ledger.writing import Recorded, Writer

ORIGIN = "ledger.example.org/honest"
SIGNER = KeySigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"k" * 32))
"""The log's key. Attackers are given it wherever a row says that they sign."""

HISTORY = """
CodeDefined dimension=disease code=CHD name=先天性心脏病
CodeDefined dimension=disease code=VSD name=室间隔缺损 parent=CHD
CodeDefined dimension=disease code=TOF name=法洛四联症 parent=CHD
FundOpened fund=heart name=先心病救助专项基金 fee_bp=500
FundOpened fund=eyes name=复明基金 fee_bp=0
FundOpened fund=spare name=备用基金 fee_bp=0
HospitalRegistered hospital=H1 name=省儿童医院
HospitalRegistered hospital=H2 name=市人民医院
CaseOpened case=C1 fund=heart hospital=H1 person=P1 household=HH1 attributes=disease=VSD purpose=surgery
CaseOpened case=C2 fund=heart hospital=H2 person=P2 attributes=disease=TOF
DonationReceived on=2026-01-05 donation=G1 fund=heart amount=200.00 donor=DN-1 channel=wechat channel_txn=W-1
DonationReceived on=2026-01-06 donation=G2 fund=heart amount=100.00 donor=DN-2 restriction=disease=VSD fee_bp=0
DonationReceived on=2026-01-07 donation=G3 fund=heart amount=60.00 donor=DN-3 restriction=disease=TOF fee_bp=0 \
  expires_on=2026-03-31
DonationReceived on=2026-01-08 donation=G4 fund=heart amount=50.00 source=donation channel=wechat channel_txn=W-2
DonationReceived on=2026-01-09 donation=AG fund=heart amount=30.00 donor=DN-5 nature=agency restriction=person=P1
DonationReceived on=2026-01-10 donation=G6 fund=eyes amount=80.00 donor=DN-6
DonationReceived on=2026-01-10 donation=G7 fund=heart amount=40.00 donor=DN-7 usable_from=2026-06-01 fee_bp=0
DonationAttributed donation=G4 donor=DN-4
BalanceBroughtForward on=2026-01-01 donation=OB-1 fund=heart amount=20.00 donor=DN-8 basis=audit:2025
BalanceBroughtForward on=2026-01-01 donation=OB-2 fund=heart amount=8.00 restriction=disease=VSD case=C1 \
  basis=audit:2025
BalanceBroughtForward on=2026-01-01 donation=OB-3 fund=heart hospital=H1 lines=case:C1,amount:6.00 \
  lines=case:C2,amount:4.00 basis=audit:2025
AllocationMade on=2026-01-20 allocation=A1 case=C1 amount=150.00
AllocationMade on=2026-01-21 allocation=A2 case=C2 amount=90.00
HospitalPaymentMade on=2026-02-01 payment=P1 hospital=H1 lines=case:C1,amount:100.00,bill_no:B-1,bill_amount:120.00 \
  cash=account:icbc,amount:100.00,bank_on:2026-02-01,bank_ref:R-1
HospitalPaymentMade on=2026-02-02 payment=P2 hospital=H2 lines=case:C2,amount:70.00 \
  cash=account:icbc,amount:70.00,bank_on:2026-02-02,bank_ref:R-2
TreatmentSettled on=2026-02-10 settlement=S1 hospital=H1 case=C1 amount=90.00 bill_no=B-1
TreatmentSettled on=2026-02-11 settlement=S2 hospital=H2 case=C2 amount=60.00
HospitalRegistered hospital=H7 name=县医院
HospitalPaymentReturned on=2026-02-15 payment=P2 case=C2 amount=5.00 reason=surplus
CashGranted on=2026-02-16 grant=GR1 case=C1 amount=20.00 purpose=travel period=2026-02
GrantReturned on=2026-02-20 grant=GR1 amount=5.00
AllocationReleased on=2026-02-21 allocation=A1 amount=10.00
MoneyHeld on=2026-02-22 hold=X1 donation=OB-1 basis=court:2026-77
HoldLifted on=2026-02-25 hold=X1 ranges=t1:24500-25000
DonationRefunded on=2026-02-26 refund=R1 donation=G6 amount=10.00
TermsChanged on=2026-02-27 fund=heart donation=G4 restriction=disease=CHD basis=consent:2026-118
FundsTransferred on=2026-02-28 transfer=T1 fund=eyes to_fund=heart amount=15.00 basis=plan:2026-02
ExpenseMade on=2026-03-01 expense=E1 fund=heart kind=management amount=4.00 from=fee
DonationReceived on=2026-03-02 donation=G8 fund=heart amount=70.00 donor=DN-8 restriction=disease=VSD fee_bp=0
SerialsSubstituted on=2026-03-03 case=C1 place=used/C1 incoming=t3:10800-11300 outgoing=t5:200-700 \
  basis=policy:recharge
CaseAmended case=C2 attributes=disease=TOF person=P2 hospital=H2
CaseClosed on=2026-03-05 case=C2 reason=completed
CaseReopened case=C2
DonationReceived on=2026-03-06 donation=GX fund=heart amount=10.00 donor=DN-9 channel=wechat \
  channel_txn=W-3
EntryReversed on=2026-03-06 reverses=52
"""

SPLIT_BYTES = 850
"""An entry's limit while `SPLIT` is recorded, so that a fact of a few moves comes in parts as a long one does."""
SPLIT = "AllocationMade on=2026-03-07 allocation=A3 case=C1 amount=120.00"
AFTER = """
DonationReceived on=2026-03-08 donation=G9 fund=heart amount=10.00 donor=DN-10 restriction=disease=VSD fee_bp=0
DonationReceived on=2026-03-08 donation=G10 fund=heart amount=10.00 donor=DN-11 restriction=disease=TOF fee_bp=0 \
  expires_on=2026-03-31
DonationReceived on=2026-03-08 donation=AG2 fund=heart amount=10.00 donor=DN-12 nature=agency restriction=person=P2
DonationReceived on=2026-03-08 donation=G11 fund=heart amount=10.00 donor=DN-13 restriction=hospital=H2 fee_bp=0
CaseOpened case=C3 fund=eyes hospital=H1 person=P3
CaseClosed on=2026-03-08 case=C3 reason=withdrawn
CaseOpened case=C4 fund=heart hospital=H2 person=P4 attributes=disease=TOF
AllocationMade on=2026-03-09 allocation=A4 case=C4 amount=3.00
HospitalPaymentMade on=2026-03-09 payment=P4 hospital=H1 lines=case:C4,amount:1.00
"""
PLAIN_GIFTS = 460
"""Gifts after all that: full tiles, a second level."""
READER = Reader("staff-7", "a receipt for the donor")


@dataclass(frozen=True)
class Honest:
    """The ledger, the folder of its log as a web server shows it, the heads kept outside, and what others were given.

    `small` and `wide` are exports of fewer and of more than 256 entries, `kept` a head between the two that somebody
    put aside, `receipt` that of a gift, with openings of its donor's name and phone, under the head of `small`.
    """

    ledger: Vaulted
    log: Log
    folder: Path
    small: Path
    wide: Path
    kept: bytes
    receipt: bytes

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Whatever is done to the tables meanwhile is undone at the end."""
        copies = f"{self.ledger.database.schema}_copy"
        with self.ledger.database.owner() as owner:
            tables = dict(owner.execute(TABLES).fetchall())
            owner.execute(f"create schema {copies}")
            for name in tables:
                owner.execute(f"create table {copies}.{name} as table {name}")
        try:
            yield
        finally:
            with self.ledger.database.owner() as owner, owner.transaction():
                owner.execute("set local session_replication_role = replica")
                owner.execute(f"truncate {', '.join(tables)}")
                for name, columns in tables.items():
                    kept = f"select {columns} from {copies}.{name}"  # noqa: S608 - our tables
                    owner.execute(f"insert into {name} ({columns}) overriding system value {kept}")
                owner.execute(f"drop schema {copies} cascade")


TABLES = """
select table_name, string_agg(quote_ident(column_name), ', ')
from information_schema.columns join information_schema.tables using (table_schema, table_name)
where table_schema = current_schema() and table_type = 'BASE TABLE' and is_generated = 'NEVER' group by table_name
"""
"""Each table with the columns that are written."""


@contextmanager
def honest_ledger(url: str, folder: Path) -> Iterator[Honest]:
    """All of it, in a schema of its own that is gone afterwards."""
    database = Database(url, schema=f"honest_{os.getpid()}")
    migrate(database)
    try:
        with Journal(database) as journal:
            yield told(journal, folder)
    finally:
        with connecting(url) as connection:
            connection.execute(f"drop schema {database.schema} cascade")
            connection.execute(f"drop owned by {database.role}; drop role {database.role}")


def told(journal: Journal, folder: Path) -> Honest:
    """The history recorded, signed now and then, exported, and receipts given."""
    vault = open_vault(journal, KeyFolder(folder / "keys", os.urandom), os.urandom)
    vault.prepare()
    writer = Writer(journal, vault=vault)
    ledger = Vaulted(journal.database, journal, writer, vault, folder / "keys")
    log = Log(journal, folder / "log", FileHeads(folder / "heads", ORIGIN), HeldKeys(SIGNER))
    submit(writer, [OpenLedger(key="ledger", origin=ORIGIN, verifier_key=str(SIGNER.verifier))])
    commands = commands_in(HISTORY)
    submit(writer, commands[:20])
    log.publish()
    submit(writer, commands[20:])
    log.publish()
    with patch("ledger.book.MAX_ENTRY_BYTES", SPLIT_BYTES):
        submit(writer, commands_in(SPLIT))
    submit(writer, commands_in(AFTER))
    named = gift_of("GP", donor_name="张三", donor_phone="13800138000")
    submit(writer, [named, gift_of("GE", donor_name="李四")])
    for years in (30, 0):
        erase(writer, vault, "donor/DN-GE", Basis("request", "2026-17"), years, by="staff-1", approved_by=("staff-2",))
    small = log.publish()
    export(journal, folder / "log", small, log.policy, folder / "small")
    [(seq,)] = ledger.rows("select seq from entry where stream = 'donation/GP'")
    opened = [
        {"field": each.field, "stream": "donation/GP", "value": each.value or "", "salt": each.salt or ""}
        for each in vault.open("donation/GP", READER).openings
    ]
    receipt = log.receipts([seq], {seq: opened})[0].proof.text()
    submit(writer, [gift_of(f"W{n}") for n in range(PLAIN_GIFTS // 2)])
    log.publish()
    kept = (folder / "log" / "checkpoint").read_bytes()
    submit(writer, [gift_of(f"W{n}") for n in range(PLAIN_GIFTS // 2, PLAIN_GIFTS)])
    export(journal, folder / "log", log.publish(), log.policy, folder / "wide")
    return Honest(ledger, log, folder / "log", folder / "small", folder / "wide", kept, receipt)


def commands_in(text: str) -> list[Command]:
    """The commands of a text, one a line; a backslash goes on in the next."""
    lines = text.replace("\\\n", "").strip().split("\n")
    return [command for line in lines for command in commands_of(" ".join(line.split()))]


def gift_of(name: str, **personal: str) -> ReceiveDonation:
    """An unrestricted gift of a donor of its own."""
    return ReceiveDonation(
        key=name,
        donation=name,
        fund="heart",
        amount=1_000,
        donor=f"DN-{name}",
        on=date(2026, 3, 8),
        personal=tuple(personal.items()),
    )


def submit(writer: Writer, commands: Sequence[Command]) -> None:
    """Records the commands, all of which must be accepted."""
    for outcome in writer.submit_batch(commands):
        assert isinstance(outcome, Recorded), outcome
