"""A plain reference model of cash: accounts, suspended receipts, statements' lines, matches, closed months.

Written from `docs/bank.md` and `docs/format.md` alone; shares no code with the rooms it judges. Commands are dicts as
in `model.py`. Figures are worked out anew, each time, from all that was recorded.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Command = dict[str, Any]
Why = set[str]
KINDS = ("bank", "channel", "cash")
FEE_BP = 500


@dataclass
class Part:
    """A line of a statement, or a cash leg of an entry: the account, its amount with a sign, the bank's day."""

    account: str
    amount: int
    day: str = ""
    taken: int = 0
    gone: bool = False

    @property
    def open(self) -> int:
        return self.amount - self.taken


@dataclass
class Told:
    """A fact that stands until it is reversed, or a match until it is undone, on a day of its own."""

    command: Command
    legs: list[Part] = field(default_factory=list)
    parts: list[tuple[Part, int]] = field(default_factory=list)
    moved: Counter[str] = field(default_factory=Counter)
    undone: str = ""


class CashModel:
    """What each command comes to: the reasons against it, none if it is recorded as entry `size` was."""

    def __init__(self, size: int, lines: list[Part]) -> None:
        self.size, self.lines = size, lines
        self.accounts: dict[str, str] = {}
        self.facts: dict[int, Told] = {}
        self.matches: dict[str, Told] = {}
        self.ids: set[str] = set()
        self.closed: list[str] = []

    def submit(self, command: Command) -> Why:
        """The reasons to refuse it; any of them will do."""
        why: Why = set()
        if command.get("on", "9")[:7] <= (self.closed[-1] if self.closed else ""):
            why.add("period_closed")
        if command.get("id") in self.ids:
            why.add("already_recorded")
        told: Told = getattr(self, command["do"])(command, why)
        if not why:
            self.ids.add(command.get("id", ""))
            self.facts[self.size] = told
            self.size += 1
        return why

    # What is left.

    def left(self, suspense: str) -> tuple[int, int] | None:
        """A suspended receipt's amount and what is left of it; None where there is none."""
        own = [one for one in self.facts.values() if one.command.get("id") == suspense]
        if not own or own[0].command["do"] != "suspend":
            return None
        if own[0].undone:
            return 0, 0
        taken = sum(
            one.command["amount"]
            for one in self.facts.values()
            if one.command.get("suspense") == suspense and not one.undone
        )
        return own[0].command["amount"], own[0].command["amount"] - taken

    def _take_of(self, suspense: str, amount: int, on: str, why: Why) -> None:
        """Not more than is left, nor before it came, or came back."""
        left = self.left(suspense)
        if left is None:
            why.add("unknown_reference")
            return
        if amount > left[1]:
            why.add("suspense_too_little")
        own = [one for one in self.facts.values() if suspense in (one.command.get("id"), one.command.get("suspense"))]
        came = [one.command["on"] for one in own if one.command["do"] == "suspend"]
        if on < max(came + [one.undone for one in own if one.command["do"] != "suspend"]):
            why.add("bad_value")

    def _cash(self, command: Command, sign: int, exact: bool, why: Why) -> list[Part]:
        """The legs on accounts that are open; they come to no more than the fact, or to just as much."""
        legs = [Part(account, sign * amount) for account, amount in command.get("cash", ())]
        whole = sum(abs(leg.amount) for leg in legs)
        if (self.accounts or exact) and any(leg.account not in self.accounts for leg in legs):
            why.add("unknown_reference")
        if legs and self.accounts and (whole > command["amount"] or (exact and whole < command["amount"])):
            why.add("cash_legs_differ")
        return legs

    # Verbs.

    def open_account(self, command: Command, why: Why) -> Told:
        if command["kind"] not in KINDS:
            why.add("bad_value")
        if not why:
            self.accounts[command["id"]] = command["kind"]
        return Told(command)

    def suspend(self, command: Command, why: Why) -> Told:
        return Told(command, self._cash(command, 1, True, why))

    def repay(self, command: Command, why: Why) -> Told:
        self._take_of(command["suspense"], command["amount"], command["on"], why)
        return Told(command, self._cash(command, -1, True, why))

    def give(self, command: Command, why: Why) -> Told:
        if "suspense" in command:
            self._take_of(command["suspense"], command["amount"], command["on"], why)
            if "cash" in command:
                why.add("bad_value")
        legs = self._cash(command, 1, False, why)
        if "channel" in command and not legs and "suspense" not in command:
            legs = [Part(command["channel"], command["amount"])]
        return Told(command, legs)

    def reverse(self, command: Command, why: Why) -> Told:
        made = self.facts.get(command["seq"])
        if made is None or made.command["do"] not in ("suspend", "repay", "give"):
            why |= {"unknown_reference", "cannot_reverse"}
            return Told(command)
        if made.undone or any(leg.taken for leg in made.legs):
            why |= {"cannot_reverse", "not_standing"}
        if made.command["do"] == "suspend" and self.left(made.command["id"]) != (made.command["amount"],) * 2:
            why.add("cannot_reverse")
        if not why:
            made.undone = command["on"]
            for leg in made.legs:
                leg.gone = True
        return Told(command)

    def match(self, command: Command, why: Why) -> Told:
        lines, legs = self._lines(command, why), []
        for seq, index in command["legs"]:
            made = self.facts.get(seq)
            if made is None or index >= len(made.legs):
                why.add("unknown_reference")
            elif made.legs[index].gone or not made.legs[index].open:
                why.add("part_taken")
            else:
                legs.append((made.legs[index], made.legs[index].open))
        come, booked = sum(part for _, part in lines), sum(part for _, part in legs)
        if len(lines) == 1 and 0 < abs(booked) < abs(come) and come * booked > 0:
            lines = [(lines[0][0], booked)]
        elif len(legs) == 1 and 0 < abs(come) < abs(booked) and come * booked > 0:
            legs = [(legs[0][0], come)]
        elif come != booked:
            why.add("sums_differ")
        if not command["legs"] and len(lines) < 2:
            why.add("bad_value")
        moved = Counter[str]()
        for sign, parts in ((1, lines), (-1, legs)):
            for part, amount in parts:
                moved[part.account] += sign * amount
        return self._said(command, [*lines, *legs], moved, why)

    def write_off(self, command: Command, why: Why) -> Told:
        if command.get("approved_by") in (None, command["by"]):
            why.add("two_persons_needed")
        return self._said(command, self._lines(command, why), Counter(), why)

    def dispute(self, command: Command, why: Why) -> Told:
        return self._said(command, self._lines(command, why), Counter(), why)

    def _lines(self, command: Command, why: Why) -> list[tuple[Part, int]]:
        found = []
        for index in command["lines"]:
            if index >= len(self.lines) or self.lines[index].account not in self.accounts:
                why.add("unknown_reference")
            elif not self.lines[index].open:
                why.add("part_taken")
            else:
                found.append((self.lines[index], self.lines[index].open))
        return found

    def _said(self, command: Command, parts: list[tuple[Part, int]], moved: Counter[str], why: Why) -> Told:
        told = Told(command, [], parts, moved)
        if not why:
            for part, amount in parts:
                part.taken += amount
            self.matches[command["id"]] = told
        return told

    def unmatch(self, command: Command, why: Why) -> Told:
        made = self.matches.get(command["match"])
        if made is None:
            why.add("unknown_reference")
        elif made.undone:
            why.add("not_matched")
        if not why and made is not None:
            made.undone = "undone"
            for part, amount in made.parts:
                part.taken -= amount
        return Told(command)

    def close(self, command: Command, why: Why) -> Told:
        if self.closed and command["month"] <= self.closed[-1]:
            why.add("period_closed")
        if command.get("approved_by") in (None, command["by"]):
            why.add("two_persons_needed")
        if not why:
            self.closed.append(command["month"])
        return Told(command)

    def reopen(self, command: Command, why: Why) -> Told:
        if not self.closed or self.closed[-1] != command["month"]:
            why.add("bad_value")
        if not why:
            self.closed.pop()
        return Told(command)

    # Figures by the end of a month.

    def times(self, one: Told, month: str) -> int:
        """Whether a fact counts by then: it was posted, and not reversed again by then."""
        posted: str = one.command["on"][:7]
        return (posted <= month) - bool(one.undone and one.undone[:7] <= month)

    def figures(self, month: str) -> dict[str, Any]:
        """What a closing says: totals of the fund and its fee, books of accounts, suspense, what is elsewhere."""
        at: Counter[str] = Counter()
        book: Counter[str] = Counter()
        suspense = 0
        for one in self.facts.values():
            if one.command["do"] not in ("suspend", "repay", "give"):
                continue
            times, amount = self.times(one, month), one.command["amount"]
            if one.command["do"] == "give":
                at["fee"] += times * (amount * FEE_BP // 10_000)
                at["fund"] += times * (amount - amount * FEE_BP // 10_000)
            suspense += times * amount * {"suspend": 1, "repay": -1}.get(one.command["do"], 0)
            suspense -= times * amount * (one.command["do"] == "give" and "suspense" in one.command)
            for leg in one.legs if "cash" in one.command else ():
                book[leg.account] += times * leg.amount
        for match in self.matches.values():
            if not match.undone and match.moved and max(part.day for part, _ in match.parts if part.day)[:7] <= month:
                book.update(match.moved)
        books = {name: book[name] for name, kind in sorted(self.accounts.items()) if kind != "channel"}
        held = sum(at.values())
        return {
            "totals": [(kind, amount) for kind, amount in sorted(at.items()) if amount],
            "accounts": list(books.items()),
            "suspense": suspense,
            "elsewhere": held + suspense - sum(books.values()),
        }
