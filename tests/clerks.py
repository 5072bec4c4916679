"""A finance clerk's life for tests: random histories on accounts, statements made from them, matching and closing."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from projected import CASES, DONORS, FUNDS, Ledger, opened

from audit.verify import Report, bundle, verify
from ledger.decisions import (
    CashLeg,
    CloseMonth,
    Command,
    GrantCash,
    MakeAllocation,
    OpenAccount,
    ReceiveDonation,
    RefundDonation,
    RepaySuspense,
    ReverseEntry,
    SuspendReceipt,
)
from ledger.decisions.periods import last_day
from ledger.errors import Refusal
from ledger.vault import open_vault
from ledger.vault_keys import KeyFolder
from ledger.writing import Recorded
from projections.runner import Runner
from reports.banking.reading import read_file
from reports.banking.register import Kept, Register
from reports.banking.taking import named
from reports.closing import Readiness, figured, open_lines, readiness
from reports.matching import read_books
from reports.reconcile import Key

FIRST = date(2026, 3, 2)
FUND = FUNDS[0]


class Life:
    """A random history on one bank account, a channel and in suspense; each cash leg has a reference of its own."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.on = ledger, FIRST
        self.gifts: list[int] = []
        self.suspended: list[str] = []
        self.submit(OpenAccount(key="a", account="icbc-1", kind="bank"))
        self.submit(OpenAccount(key="w", account="wechat", kind="channel"))

    def submit(self, command: Command) -> int | None:
        [outcome] = self.ledger.writer.submit_batch([command])
        return outcome.seq if isinstance(outcome, Recorded) else None

    def live(self, n: int, op: int, amount: int, days: int) -> None:
        self.on += timedelta(days=4 * days)
        leg = (CashLeg("icbc-1", amount, self.on, f"R{n}"),)
        common: dict[str, Any] = {"key": f"k{n}", "on": self.on, "amount": amount}
        match op:
            case 0 | 1:
                seq = self.submit(ReceiveDonation(donation=f"D{n}", fund=FUND, donor=DONORS[0], cash=leg, **common))
                self.gifts.append(seq or 0)
            case 2:
                self.submit(
                    ReceiveDonation(donation=f"D{n}", fund=FUND, channel="wechat", channel_txn=f"T{n}", **common)
                )
            case 3:
                self.submit(SuspendReceipt(suspense=f"S{n}", cash=leg, **common))
                self.suspended.append(f"S{n}")
            case 4 if self.suspended:
                whose = self.suspended[amount % len(self.suspended)]
                if amount % 2:
                    self.submit(ReceiveDonation(donation=f"D{n}", fund=FUND, suspense=whose, **common))
                else:
                    self.submit(RepaySuspense(suspense=whose, cash=leg, **common))
            case 5:
                self.submit(MakeAllocation(allocation=f"A{n}", case=CASES[0], **{**common, "key": f"a{n}"}))
                self.submit(GrantCash(grant=f"G{n}", case=CASES[0], cash=leg, **common))
            case 6 if self.gifts:
                if amount % 2:
                    self.submit(ReverseEntry(key=f"k{n}", on=self.on, reverses=self.gifts[-1]))
                else:
                    self.submit(RefundDonation(refund=f"R{n}", donation="D0", cash=leg, **common))


class Desk:
    """What a finance clerk has: the ledger, its statements, matching and closing."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger, self.folder = ledger, folder
        vault = open_vault(ledger.journal, KeyFolder(folder / "keys", os.urandom), os.urandom)
        vault.prepare()
        self.register = Register(ledger.journal, vault)
        self.runner = Runner(ledger.journal)

    def statement(self, changed: int | None = None) -> int:
        """Takes in what the bank says: a line for each cash leg of the account, one of them a fen off. How many."""
        legs = sorted((leg for leg in self.books().sides.legs if leg.account == "icbc-1"), key=lambda leg: leg.day)
        balance, rows = 0, []
        for index, leg in enumerate(legs):
            amount = leg.amount + (index == changed)
            balance += amount
            day = date.fromordinal(leg.day)
            rows.append(f"{day},{yuan(amount)},{yuan(balance)},{leg.refs[0]}\n")
        file = self.folder / "s.csv"
        file.write_text("交易日期,金额,余额,流水号\n" + "".join(rows), "utf-8")
        if rows:
            self.register.take(named(read_file(file, None), "icbc-1", file), file)
        return len(rows)

    def books(self) -> Any:
        return read_books(self.ledger.journal)

    def open(self, ideas: Collection[Key] = ()) -> list[tuple[Key, str]]:
        """The lines that are not settled, each with its state."""
        with self.ledger.journal.entries.reading() as cursor:
            return open_lines(cursor, None, ideas)

    def ready(
        self, period: str, statements: list[Kept] | None = None, opened: dict[str, date] | None = None
    ) -> Readiness:
        """What stands in the way of closing a month."""
        with self.ledger.journal.entries.reading() as cursor:
            lines = open_lines(cursor, last_day(period))
        return readiness(period, lines, self.statements() if statements is None else statements, opened or {})

    def statements(self) -> list[Kept]:
        return self.register.statements()

    def close(self, period: str, approved_by: str | None = "wang", reason: str | None = None) -> Recorded:
        return self.close_on(self.ready(period), self.statements(), approved_by, reason)

    def close_on(
        self, found: Readiness, kept: list[Kept], approved_by: str | None = "wang", reason: str | None = None
    ) -> Recorded:
        """Closes on what was found in the way, and the statements that there were then."""
        [(leaf,)] = self.ledger.rows("select leaf from entry where seq = 0")
        approvers = None if approved_by is None else (approved_by,)
        with self.ledger.writer.session() as session:
            key = f"close:{session.writing.head.size}"
            asked = CloseMonth(key=key, period=found.period, by="li", approved_by=approvers, reason=reason)
            made = figured(session, self.runner, found, asked, (1, bytes(leaf).hex()), kept)
            outcome = session.run([made])[0]
            if isinstance(outcome, Refusal):
                raise outcome
            return outcome

    def verified(self) -> Report:
        bodies = [bytes(body) for (body,) in self.ledger.rows("select body from entry order by seq")]
        return verify(bundle(bodies))


def yuan(minor: int) -> str:
    """As a bank's table has it."""
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02}"


@contextmanager
def desk_of(url: str) -> Iterator[Desk]:
    with opened(url) as ledger, TemporaryDirectory() as folder:
        yield Desk(ledger, Path(folder))
