"""The benches' ledgers: schemas of their own, dropped at the end, and a year of gifts and cases to fill one with."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from ledger.database import Connection, Database, connecting, migrate
from ledger.decisions import (
    Command,
    DefineCode,
    MakeAllocation,
    OpenCase,
    OpenFund,
    OpenLedger,
    PayHospital,
    PaymentLine,
    ReceiveDonation,
    RegisterHospital,
    ReturnHospitalPayment,
    SettleTreatment,
)
from ledger.errors import Refusal
from ledger.journal import Journal
from ledger.vault import open_vault
from ledger.vault_keys import KeyFolder
from ledger.writing import Outcome, Writer

BATCH = 500
SEED = 20260101
FIRST_DAY = date(2025, 1, 1)
FUNDS, HOSPITALS, CODES = 20, 40, 13
GIFTS_PER_CASE = 500
STEADY, STEADY_GIFTS = 40, 100
"""Donors of just so many gifts, and how many of them: the same in every ledger, so that their traces compare."""
GREAT_DONOR, GREAT_SHARE = "P-great", 100
"""A donor of one gift in so many, such as a channel that names nobody."""
GREAT_CASE, GREAT_CASE_GIFTS = "C-great", 10_000
"""A case that takes nearly all that so many gifts in a row brought to one fund; half of the gifts, if they are few."""


def seconds(work: Callable[[], object]) -> float:
    """How long the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def batches(items: Iterable[Any], size: int = BATCH) -> Iterator[list[Any]]:
    """The items by the batch."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def record(writer: Writer, commands: Sequence[Command]) -> list[Outcome]:
    """Records the commands as one batch, all of which must be accepted."""
    outcomes = writer.submit_batch(commands)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert not refused, refused[0]
    return outcomes


@contextmanager
def schema_for(place: Database, purpose: str) -> Iterator[str]:
    """A schema of the bench's own, dropped at the end with the role that a migration may have made for it."""
    name = f"bench_{os.getpid()}_{purpose}"
    try:
        yield name
    finally:
        with connecting(place.owner_url) as connection:
            _drop(connection, name)


def _drop(connection: Connection, name: str) -> None:
    connection.execute(f"drop schema if exists {name} cascade")
    for (role,) in connection.execute("select rolname from pg_roles where rolname = %s", (f"{name}_service",)):
        connection.execute(f"drop owned by {role}; drop role {role}")


@contextmanager
def ledger_in(place: Database, schema: str, funds: int = 3) -> Iterator[tuple[Journal, Writer]]:
    """An open ledger with so many funds, F0 with no fee, F1 with 3 % and so on, and a hospital H."""
    database = Database(place.owner_url, schema=schema)
    migrate(database)
    with Journal(database) as journal, TemporaryDirectory(prefix="bench-keys-") as keys:
        vault = open_vault(journal, KeyFolder(Path(keys), os.urandom), os.urandom)
        vault.prepare()
        writer = Writer(journal, vault=vault)
        record(writer, [OpenLedger(key="ledger", origin="bench.example.org", verifier_key="bench")])
        opened = [OpenFund(key=f"F{i}", fund=f"F{i}", name=f"F{i}", fee_bp=(0, 300, 500)[i % 3]) for i in range(funds)]
        record(writer, [*opened, RegisterHospital(key="H", hospital="H", name="H")])
        yield journal, writer


@dataclass
class Year:
    """A foundation's year in any size, the same each time: a case for every 500 gifts, 280 tapes and 20 of fees.

    A third as many donors as gifts, 40 of exactly 100 gifts each and one with every hundredth; one gift in ten has no
    donor. A fifth of the gifts is restricted to a disease. The first 10,000 gifts pay for one great case. `cases` are
    those so far.
    """

    donations: int

    def __post_init__(self) -> None:
        self._random = Random(SEED)  # noqa: S311 - sample data, no secret
        self._spendable = [0] * FUNDS
        self._cases = 0
        self._great = min(GREAT_CASE_GIFTS, self.donations // 2 // BATCH * BATCH)
        self._great_sum = 0
        self.cases: list[str] = []

    def beginning(self) -> list[Command]:
        """What the year needs first."""
        codes = [DefineCode(key=f"k{n}", dimension="disease", code=f"D{n}", name=f"D{n}") for n in range(CODES)]
        return [*codes, *(RegisterHospital(key=f"H{n}", hospital=f"H{n}", name=f"H{n}") for n in range(HOSPITALS))]

    def batches(self) -> Iterator[list[Command]]:
        """All facts in order, each batch the gifts of some days and what a case had by then."""
        for first in range(0, self.donations, BATCH):
            last = min(first + BATCH, self.donations)
            yield [self._gift(n) for n in range(first, last)]
            spent = self._case(last) if last != self._great else self._great_case(last)
            if spent:
                yield spent

    def _day(self, n: int) -> date:
        return FIRST_DAY + timedelta(days=365 * n // self.donations)

    def _gift(self, n: int) -> ReceiveDonation:
        draw = self._random
        fund, amount = draw.randrange(FUNDS), int(100 * draw.paretovariate(1.2))
        restricted = draw.randrange(5) == 0
        if n < self._great:
            fund, restricted, self._great_sum = 0, False, self._great_sum + amount
        elif not restricted:
            self._spendable[fund] += amount - amount * (0, 300, 500)[fund % 3] // 10_000
        return ReceiveDonation(
            key=f"D{n}",
            donation=f"D{n}",
            fund=f"F{fund}",
            amount=amount,
            donor=self._donor(n),
            channel="wechat",
            channel_txn=f"T{n}",
            restriction=(("disease", (f"D{draw.randrange(CODES)}",)),) if restricted else (),
            on=self._day(n),
        )

    def _donor(self, n: int) -> str | None:
        pace = self.donations // (STEADY * STEADY_GIFTS)
        if pace and n % pace == 0 and n // pace < STEADY * STEADY_GIFTS:
            return f"P-steady-{n // pace % STEADY}"
        if n % GREAT_SHARE == 1:
            return GREAT_DONOR
        return None if n % 10 == 7 else f"P{self._random.randrange(self.donations // 3 + 1)}"

    def _case(self, n: int) -> list[Command]:
        """A case that takes most of what came to its fund without restriction since that fund's last case."""
        fund = self._cases % FUNDS
        amount, self._spendable[fund] = self._spendable[fund] * 9 // 10, 0
        self._cases += 1
        if n <= self._great or amount < 100:
            return []
        return self._spent(f"C{self._cases}", fund, amount, self._day(n - 1))

    def _great_case(self, n: int) -> list[Command]:
        self._cases += 1
        return self._spent(GREAT_CASE, 0, self._great_sum * 19 // 20, self._day(n - 1))

    def _spent(self, case: str, fund: int, amount: int, day: date) -> list[Command]:
        """Allocated, paid, nearly all settled; of one in thirty a part comes back."""
        hospital, disease = f"H{self._cases % HOSPITALS}", f"D{self._cases % CODES}"
        self.cases.append(case)
        line = (PaymentLine(case, amount),)
        commands: list[Command] = [
            OpenCase(key=case, case=case, fund=f"F{fund}", hospital=hospital, attributes={"disease": disease}),
            MakeAllocation(key=f"a{case}", allocation=case, case=case, amount=amount, on=day),
            PayHospital(key=f"p{case}", payment=case, hospital=hospital, lines=line, on=day),
            SettleTreatment(
                key=f"s{case}", settlement=case, hospital=hospital, case=case, amount=amount * 19 // 20, on=day
            ),
        ]
        if self._cases % 30 == 0:
            back = ReturnHospitalPayment(key=f"r{case}", payment=case, case=case, amount=amount // 40, on=day)
            commands.append(back)
        return commands
