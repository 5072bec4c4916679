"""Random histories of accounts, suspense, matches and closings: outcomes, tables and figures are a plain model's.

The months that close are closed on the model's own figures: the program must come to the same before, and the
stand-alone verifier works them out a third time.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from cash_model import CashModel, Command, Part
from clerks import FUND, Desk, desk_of, yuan
from conftest import SCALE

from ledger import decisions
from ledger.bank_events import AccountBalance, Total
from ledger.decisions.periods import last_day
from ledger.writing import Recorded
from reports.banking.reading import read_file
from reports.banking.taking import named
from reports.closing import figures
from reports.verification import verify_ledger

STEPS = 140
DAYS = [date(2026, 1, 20) + timedelta(days=9 * n) for n in range(9)]
LAST = date(2026, 4, 6)
MONTHS = ["2026-01", "2026-02", "2026-03", "2026-04"]
LINES = [5, 5, -5, 7, 12, 12, -12, 20, 30, -30, 8, 3, 60, 25, -20, 9]
BOOKED = [DAYS[n * len(DAYS) // len(LINES)] for n in range(len(LINES))]
ACCOUNTS = {"icbc": "bank", "box": "cash", "wechat": "channel"}


class Clerk:
    """Draws commands, most of them sensible, and asks them of the ledger."""

    def __init__(self, desk: Desk, random: Random) -> None:
        self.desk, self.random = desk, random
        rows, balance = [], 0
        for amount, day in zip(LINES, BOOKED, strict=True):
            balance += amount
            rows.append(f"{day},{yuan(amount)},{yuan(balance)}\n")
        file = desk.folder / "lines.csv"
        file.write_text("交易日期,金额,余额\n" + "".join(rows), "utf-8")
        [taken] = desk.register.take(named(read_file(file), "icbc", file), file)
        assert taken.state == "recorded"
        self.file = read_file(file).sha256.hex()
        [(size,)] = desk.ledger.rows("select size from head")
        lines = [Part("icbc", amount, str(day)) for amount, day in zip(LINES, BOOKED, strict=True)]
        self.model = CashModel(size, lines)
        self.numbers = 0

    def any_of(self, of: Any, other: Any = None) -> Any:
        listed = list(of)
        return self.random.choice(listed) if listed else other

    def id(self, letter: str) -> str:
        """A new one; now and then one that is taken."""
        self.numbers += 1
        taken = sorted(one for one in self.model.ids if one.startswith(letter))
        return self.any_of(taken) if taken and self.random.random() < 0.06 else f"{letter}{self.numbers}"

    def drawn(self) -> Command:
        """A command."""
        random, model = self.random, self.model
        on, amount = str(self.any_of(DAYS)), random.choice([5, 5, 7, 12, 12, 20, 30, 41])
        account = self.any_of(model.accounts, "icbc") if random.random() < 0.95 else "nowhere"
        cash = {"cash": [(account, amount if random.random() < 0.9 else amount + random.choice((-1, 1)))]}
        suspended = self.any_of((one for one in model.ids if one.startswith("S")), "S0")
        by = {"by": "li", **({} if random.random() < 0.15 else {"approved_by": random.choice(("wang", "wang", "li"))})}
        match random.choices(range(11), (6, 10, 6, 24, 6, 24, 4, 4, 10, 4, 3))[0]:
            case 0:
                name = self.any_of(ACCOUNTS)
                return {"do": "open_account", "id": name, "kind": ACCOUNTS[name] if random.random() < 0.9 else "x"}
            case 1:
                return {"do": "suspend", "id": self.id("S"), "amount": amount, "on": on, **cash}
            case 2:
                return {"do": "repay", "suspense": suspended, "amount": amount, "on": on, **cash}
            case 3:
                how = random.choice(({"suspense": suspended}, cash, cash, {"channel": "wechat"}, {}))
                both = cash if random.random() < 0.03 else {}
                return {"do": "give", "id": self.id("D"), "amount": amount, "on": on, **how, **both}
            case 4:
                return {"do": "reverse", "seq": self.any_of(model.facts, 3), "on": str(LAST)}
            case 5:
                return {"do": "match", "id": self.id("M"), **self.sides()}
            case 6:
                return {"do": "write_off", "id": self.id("M"), "lines": self.some_lines(), **by}
            case 7:
                return {"do": "dispute", "id": self.id("M"), "lines": self.some_lines()}
            case 8:
                return {"do": "unmatch", "match": self.any_of(model.matches, "M0")}
            case 9:
                month = self.any_of(MONTHS)
                return {"do": "close", "month": month, "open_lines": random.choice((0, 3)), **by}
        return {"do": "reopen", "month": model.closed[-1] if model.closed else "2026-02"}

    def some_lines(self) -> list[int]:
        return self.random.sample(range(len(LINES) + 1), self.random.choice((1, 1, 2, 3)))

    def sides(self) -> Command:
        """Lines with legs that mostly come to the same."""
        legs = [(seq, n, leg) for seq, one in self.model.facts.items() for n, leg in enumerate(one.legs)]
        lines = self.some_lines()
        seq, index, leg = self.any_of(legs, (2, 0, Part("icbc", 5)))
        like = [n for n, line in enumerate(self.model.lines) if line.open == leg.open]
        if like and self.random.random() < 0.7:
            lines = [self.any_of(like)]
        more = [one[:2] for one in self.random.sample(legs, min(len(legs), self.random.choice((0, 0, 0, 1))))]
        sides = dict.fromkeys([(seq, index), *more] if self.random.random() < 0.9 else [])
        return {"lines": lines, "legs": list(sides)}

    def asked(self, command: Command) -> decisions.Command:
        """The ledger's command for one of the model's."""
        self.numbers += 1
        common: dict[str, Any] = {"key": f"k{self.numbers}"}
        if "on" in command:
            common["on"] = date.fromisoformat(command["on"])
        if "cash" in command:
            common["cash"] = tuple(decisions.CashLeg(account, amount) for account, amount in command["cash"])
        if "approved_by" in command:
            common["approved_by"] = (command["approved_by"],)
        refs = tuple(decisions.LineRef(self.file, 0, n + 1) for n in command.get("lines", ()))
        amount, own = command.get("amount", 0), command.get("id", "")
        match command["do"]:
            case "open_account":
                return decisions.OpenAccount(account=own, kind=command["kind"], **common)
            case "suspend":
                return decisions.SuspendReceipt(suspense=own, amount=amount, **common)
            case "repay":
                return decisions.RepaySuspense(suspense=command["suspense"], amount=amount, **common)
            case "give":
                named_with = {name: command[name] for name in ("suspense", "channel") if name in command}
                return decisions.ReceiveDonation(donation=own, fund=FUND, amount=amount, **named_with, **common)
            case "reverse":
                return decisions.ReverseEntry(reverses=command["seq"], **common)
            case "match":
                legs = tuple(decisions.LegRef(*leg) for leg in command["legs"])
                return decisions.MatchLines(match=own, lines=refs, legs=legs, **common)
            case "write_off":
                return decisions.WriteOffLines(match=own, lines=refs, reason="not_ours", by="li", **common)
            case "dispute":
                return decisions.DisputeLines(match=own, lines=refs, **common)
            case "unmatch":
                return decisions.UnmatchLines(match=command["match"], by="wang", **common)
            case "close":
                return self.closing(command, common)
        return decisions.ReopenPeriod(period=command["month"], reason="late", by="li", approved_by=("wang",), **common)

    def closing(self, command: Command, common: dict[str, Any]) -> decisions.ClosePeriod:
        said = self.model.figures(command["month"])
        [(leaf,)] = self.desk.ledger.rows("select leaf from entry where seq = 0")
        return decisions.ClosePeriod(
            **common,
            period=command["month"],
            by="li",
            totals=tuple(Total(kind, FUND, amount) for kind, amount in said["totals"]),
            accounts=tuple(AccountBalance(name, amount) for name, amount in said["accounts"]),
            suspense=said["suspense"],
            elsewhere=said["elsewhere"],
            size=1,
            root=bytes(leaf).hex(),
            open_lines=command["open_lines"],
        )

    def step(self) -> None:
        """One command: the outcome is the model's; before a month is closed, so are the program's figures."""
        command = self.drawn()
        ask = self.asked(command)
        if command["do"] == "close":
            self.assert_figures(command["month"])
        why, size = self.model.submit(command), self.model.size
        [outcome] = self.desk.ledger.writer.submit_batch([ask])
        if why:
            assert not isinstance(outcome, Recorded), (command, why)
            assert outcome.code in why, (command, why, outcome.code)
        else:
            assert isinstance(outcome, Recorded), (command, outcome)
            [(size_there,)] = self.desk.ledger.rows("select size from head")
            assert size_there >= size
            self.model.size = size_there
            if outcome.seq != size - 1:  # tapes were opened before it
                self.model.facts[outcome.seq] = self.model.facts.pop(size - 1)

    def assert_figures(self, month: str) -> None:
        self.desk.runner.catch_up()
        with self.desk.ledger.journal.entries.reading() as cursor:
            found = figures(cursor, last_day(month), [])
        said = self.model.figures(month)
        assert [(one.kind, one.amount) for one in found.totals] == said["totals"], month
        assert [(one.account, one.book) for one in found.accounts] == said["accounts"], month
        assert (found.suspense, found.elsewhere) == (said["suspense"], said["elsewhere"]), month

    def assert_tables(self) -> None:
        """Every table of cash says what the model says."""
        rows, model = self.desk.ledger.rows, self.model
        assert dict(rows("select id, kind from account")) == model.accounts
        suspended = {one: left for one in model.ids if (left := model.left(one)) is not None}
        stands = rows("select id, amount_minor, left_minor from suspense")
        assert {name: pair for name, *pair in stands} == {name: [*left] for name, left in suspended.items()}
        taken = dict(rows("select ordinal, sum(amount_minor)::bigint from line_part where undone is null group by 1"))
        assert taken == {n: line.taken for n, line in enumerate(model.lines, 1) if line.taken}
        legs = {(seq, n): leg.taken for seq, one in model.facts.items() for n, leg in enumerate(one.legs) if leg.taken}
        parts = rows("select entry, leg, sum(amount_minor)::bigint from leg_part where undone is null group by 1, 2")
        assert {(seq, n): amount for seq, n, amount in parts} == legs
        assert [one for (one,) in rows("select period from period_close where reopened is null")] == model.closed


@pytest.mark.parametrize("seed", range(3 * SCALE))
def test_a_history_of_cash_is_as_the_model_says(seed: int, embedded_url: str) -> None:
    with desk_of(embedded_url) as desk:
        clerk = Clerk(desk, Random(seed))
        for _ in range(STEPS):
            clerk.step()
        clerk.assert_tables()
        for month in MONTHS:
            clerk.assert_figures(month)
        found = verify_ledger(desk.ledger.journal, desk.runner, jobs=1)
        assert found.as_json()["problems"] == []
        position = found.report._book.cash_position("2026-04")
        said = clerk.model.figures("2026-04")
        assert (position["suspense"], position["elsewhere"]) == (said["suspense"], said["elsewhere"])
        assert list(position["accounts"].items()) or not clerk.model.accounts
