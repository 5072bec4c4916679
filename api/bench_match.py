"""`fenhao bench match`: how long it takes to match statements' lines with a large ledger's cash legs, and to record it.

The ledger is a foundation's year, recorded by the writer: gifts at two channels that pay out daily, less refunds and
fees, gifts and payments on bank accounts of which the first is by far the busiest. The statements are what banks would
say of it, in every rule's shape, with twins that nobody can tell apart and strangers' lines between them. Measured is
what `fenhao bank match` does from its first read to its last commit. A schema of its own is dropped at the end.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from api.bench_audit import Figure, Result
from api.bench_ledger import FIRST_DAY, SEED, batches, ledger_in, record, schema_for, seconds
from api.bench_read import Processors, memory_mb
from ledger.database import Database
from ledger.decisions import (
    CashLeg,
    Command,
    MakeAllocation,
    MakeExpense,
    OpenAccount,
    OpenCase,
    PayHospital,
    PaymentLine,
    ReceiveDonation,
    RefundDonation,
)
from ledger.journal import Journal
from ledger.vault import Vault
from reports.banking.reading import read_file
from reports.banking.register import Register
from reports.banking.taking import named
from reports.matching import Books, read_open, record_matches

TARGET_S = 60
CHANNELS = ("pay-0", "pay-1")
DAYS = 365
LINES_PER_DAY, LINES_PER_ACCOUNT = 50, 2_500
"""At the least so many lines a day, and a bank account for so many of all."""
BUSIEST_SHARE = 0.2
"""How much of all is on the first account: too much for sums to be searched among its legs."""
SPENDING = "F3"
"""The fund, with no fee, that payments and fees are of."""
OPENING = 10**14
LAG_DAYS = 2
"""A bank books at most so many days later."""
SHAPES = {"referred": 46, "by_amount": 30, "parted": 4, "gathered": 4, "twins": 4, "strangers": 12}
"""How often each shape is drawn: by reference, by amount and day, one line for three legs, three lines for one leg, two
lines that may each be either of two legs, lines of no leg."""

Note = Callable[[str, str], None]


class BankYear:
    """About so many entries, and so many lines that banks say of them."""

    def __init__(self, entries: int, lines: int) -> None:
        self._random = Random(SEED)  # noqa: S311 - sample data, no secret
        self._numbers = count()
        self._days = max(1, min(DAYS, lines // LINES_PER_DAY))
        self._entries_a_day, self._lines_a_day = entries // self._days, lines // self._days
        self._banks = [f"bank-{n}" for n in range(max(2, lines // LINES_PER_ACCOUNT))]
        self.said = 0
        self.lines: dict[str, list[tuple[date, int, str]]] = defaultdict(list)

    def commands(self) -> Iterator[Command]:
        """All facts in order; `lines` (day, amount, reference) of each account are complete at the end."""
        for kind, accounts in (("bank", self._banks), ("channel", CHANNELS)):
            yield from (OpenAccount(key=account, account=account, kind=kind) for account in accounts)
        yield ReceiveDonation(key="seed", donation="seed", fund=SPENDING, amount=OPENING, on=FIRST_DAY)
        yield OpenCase(key="C", case="C", fund=SPENDING, hospital="H")
        yield MakeAllocation(key="A", allocation="A", case="C", amount=OPENING // 2, on=FIRST_DAY)
        for n in range(self._days):
            day, made, said = FIRST_DAY + timedelta(days=n), 0, self.said
            while self.said - said < self._lines_a_day - len(CHANNELS):
                for command in self._banked(day):
                    made += 1
                    yield command
            for channel in CHANNELS:
                yield from self._paid_out(channel, day, max(1, (self._entries_a_day - made) // len(CHANNELS)))

    def _banked(self, day: date) -> Iterator[Command]:
        """What one shape has of facts, on some bank account; says its lines."""
        [shape] = self._random.choices(list(SHAPES), list(SHAPES.values()))
        account = self._banks[0] if self._random.random() < BUSIEST_SHARE else self._random.choice(self._banks)
        amount = self._random.choice((1, -1)) * self._random.randrange(1_000, 10**8)
        late = timedelta(days=self._random.randrange(LAG_DAYS + 1))
        match shape:
            case "referred":
                ref = f"R{next(self._numbers)}"
                yield self._moved(account, day, amount, ref)
                self._say(account, day + late, [amount], ref)
            case "by_amount":
                yield self._moved(account, day, amount)
                self._say(account, day + late, [amount])
            case "parted":
                yield from (self._moved(account, day, part) for part in self._parts(amount))
                self._say(account, day + late, [amount])
            case "gathered":
                yield self._moved(account, day, amount)
                self._say(account, day + late, self._parts(amount))
            case "twins":
                yield from (self._moved(account, day, amount) for _ in range(2))
                self._say(account, day + late, [amount, amount])
            case _:
                self._say(account, day, [amount])

    def _parts(self, amount: int) -> list[int]:
        """Three that add up to it, each of its sign."""
        first = amount // 2 + self._random.randrange(100)
        second = amount // 3 + self._random.randrange(100)
        return [first, second, amount - first - second]

    def _say(self, account: str, day: date, amounts: list[int], ref: str = "") -> None:
        self.lines[account] += [(day, amount, ref) for amount in amounts]
        self.said += len(amounts)

    def _moved(self, account: str, day: date, amount: int, ref: str | None = None) -> Command:
        """A gift that came on an account, or a payment that went from it."""
        name, leg = f"B{next(self._numbers)}", (CashLeg(account, abs(amount), day, ref),)
        if amount > 0:
            return ReceiveDonation(key=name, donation=name, fund="F0", amount=amount, on=day, cash=leg)
        return PayHospital(key=name, payment=name, hospital="H", lines=(PaymentLine("C", -amount),), on=day, cash=leg)

    def _paid_out(self, channel: str, day: date, gifts: int) -> Iterator[Command]:
        """A day's gifts at a channel, a refund of one in five hundred, a fee; the next day all of it is at a bank."""
        net, back = 0, []
        for _ in range(gifts):
            name, amount = f"G{next(self._numbers)}", int(100 * self._random.paretovariate(1.2))
            net += amount
            if self._random.randrange(500) == 0:
                back.append((name, amount))
            yield ReceiveDonation(
                key=name, donation=name, fund="F0", amount=amount, on=day, channel=channel, channel_txn=name
            )
        for name, amount in back:
            net -= amount
            leg = (CashLeg(channel, amount, day),)
            yield RefundDonation(key=f"r{name}", refund=name, donation=name, amount=amount, on=day, cash=leg)
        fee, name = max(net * 6 // 1_000, 1), f"E{next(self._numbers)}"
        leg = (CashLeg(channel, fee, day),)
        yield MakeExpense(key=name, expense=name, fund=SPENDING, kind="channel", amount=fee, on=day, cash=leg)
        if net > fee:
            self._say(self._banks[0], day + timedelta(days=1), [net - fee])

    def statements(self, folder: Path) -> Iterator[tuple[str, Path]]:
        """Writes what each bank says of its account as a table, the balance after each line."""
        for account, lines in self.lines.items():
            file, balance = folder / f"{account}.csv", 0
            with file.open("w", encoding="utf-8") as out:
                out.write("交易日期,金额,余额,流水号\n")
                for day, amount, ref in sorted(lines):
                    balance += amount
                    out.write(f"{day},{_major(amount)},{_major(balance)},{ref}\n")
            yield account, file


def _major(minor: int) -> str:
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02}"


def bench_match(place: Database, entries: int, lines: int, note: Note) -> Result:
    """Measures matching that many lines with a ledger of about so many entries. Raises DatabaseFault."""
    with schema_for(place, "match") as schema, ledger_in(place, schema, 4) as (journal, writer):
        vault, year = writer.vault, BankYear(entries, lines)
        assert vault is not None
        note(f"登记约 {entries:,} 条分录", f"recording about {entries:,} entries")
        made_s = seconds(lambda: [record(writer, batch) for batch in batches(year.commands())])
        note(f"导入 {year.said:,} 笔流水", f"taking in {year.said:,} lines")
        taken_s = seconds(lambda: _take(journal, vault, year))
        with journal.database.owner() as owner:
            owner.execute("vacuum analyze")
        size, before_mb, processors = journal.entries.head().size, memory_mb(), Processors(journal)
        note("对账", "matching")
        began, spent_s = time.perf_counter(), processors.spent_s()
        books = read_open(journal)
        read_s = time.perf_counter() - began
        done = record_matches(writer, books)
        whole_s, spent_s = time.perf_counter() - began, processors.spent_s() - spent_s
        assert not done.refused, done
        return Result(
            {
                "entries": Figure("分录", "entries", size, ""),
                "lines": Figure("流水", "lines", year.said, ""),
                "making": Figure("登记这些分录", "recording the entries", made_s, "s"),
                "taking": Figure("导入对账单", "taking in the statements", taken_s, "s"),
                "rules": Figure("读取并按规则匹配", "read, and matched by the rules", read_s, "s"),
                "recording": Figure("登记匹配分录", "matches recorded", whole_s - read_s, "s"),
                "whole": Figure("合计", "both", whole_s, "s", TARGET_S, at_most=True),
                "processors": Figure("　所用处理器时间", "  processors' time of both", spent_s, "s"),
                "memory": Figure("　内存增加至多", "  memory that both took more", memory_mb() - before_mb, "MB"),
                **_outcome(books),
                "recorded": Figure("匹配分录", "entries of matches", done.recorded, ""),
            }
        )


def _take(journal: Journal, vault: Vault, year: BankYear) -> None:
    with TemporaryDirectory(prefix="fenhao-bench-") as folder:
        register = Register(journal, vault)
        for account, file in year.statements(Path(folder)):
            register.take(named(read_file(file), account, file), file)


def _outcome(books: Books) -> dict[str, Figure]:
    """What became of the lines."""
    by_rule = Counter(dict.fromkeys(("reference/1", "amount-day/1", "subset/1", "channel-net/1"), 0))
    for match in books.found.matches:
        by_rule[match.rule] += len(match.lines)
    found = {rule: Figure(f"　{rule} 匹配的流水", f"  lines by {rule}", n, "") for rule, n in by_rule.items()}
    offered = {key for one in books.found.suggestions for way in one.alternatives for key in way.lines}
    return found | {
        "suggested": Figure("　待人判断", "  lines for a person", len(offered), ""),
        "unmatched": Figure("　未匹配", "  lines of nothing", len(books.found.lines_left), ""),
    }
