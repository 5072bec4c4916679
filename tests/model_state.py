"""The reference model's world: every fen is an object, every choice a sort, and what still stands is found by looking.

Written from the design alone; shares no code with the rooms it judges. `model_rules.py` and `model_registry.py` say
what each command does, `model.py` runs them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Command = dict[str, Any]
"""`do` names the verb, `key` is the idempotency key, other members are named as in the entries; dates are ISO text."""
Why = set[str]
"""Codes of all reasons to refuse a command. The design fixes no order among them: any will do."""
BillKey = tuple[str, str, str]
"""(hospital, bill number, case)."""
ID_DIMENSIONS = {"hospital", "person"}


class Terms(NamedTuple):
    """What the money of one tape may be used for."""

    nature: str = "own"
    restriction: dict[str, list[str]] = {}  # noqa: RUF012 - never changed
    usable_from: str | None = None
    expires_on: str | None = None
    agreement: str | None = None

    def usable(self, on: str) -> bool:
        """Whether it may be allocated on that day."""
        return (self.usable_from or "") <= on <= (self.expires_on or "9999-12-31")


@dataclass(slots=True, eq=False)
class Serial:
    """One fen: the gift it came by, where it is and since when; `home` is "" at home."""

    tape: int
    number: int
    gift: str
    place: str
    home: str
    since: str


@dataclass(slots=True)
class Tape:
    """One (fund, terms) pair with its serials."""

    fund: str
    terms: Terms
    serials: list[Serial] = field(default_factory=list)


@dataclass(slots=True)
class Case:
    """A case as it stands; `attributes` hold `hospital` and `person` too."""

    fund: str
    attributes: dict[str, str]
    household: str | None
    purpose: str | None
    is_open: bool = True


@dataclass(slots=True, eq=False)
class Fact:
    """What was recorded: each new serial with its place, each moved one with both ends. It stands until reversed."""

    seq: int
    command: Command
    issue: list[tuple[Serial, str]]
    moves: list[tuple[Serial, str, str]]
    said: dict[str, Any]
    stands: bool = True


@dataclass(slots=True)
class Plan:
    """What a command comes to if nothing speaks against it.

    `issue` is (tape number, amount, place), `moves` are serials with where each goes, `said` are members of the entry
    that the ledger worked out itself, `then` does what is neither issue nor move.
    """

    moves: list[tuple[Serial, str]] = field(default_factory=list)
    issue: list[tuple[int, int, str]] = field(default_factory=list)
    opening: list[Tape] = field(default_factory=list)
    said: dict[str, Any] = field(default_factory=dict)
    then: Callable[[], None] = lambda: None


def segment(id: str) -> str:
    """An id inside a place."""
    return id.replace("%", "%25").replace("/", "%2F")


def is_home(place: str) -> bool:
    """Whether a place is a fund or fee place."""
    return place.split("/")[0] in ("fund", "fee")


def cases_of(command: Command) -> list[str]:
    """The cases a command names."""
    return [line["case"] for line in command.get("lines", [command]) if "case" in line]


class State:
    """Everything that stands. A fresh one is just after entry 0."""

    def __init__(self) -> None:
        self.size = 1
        self.ids: set[tuple[str, str]] = set()
        self.funds: dict[str, int] = {}
        self.cases: dict[str, Case] = {}
        self.codes: dict[tuple[str, str], str | None] = {}
        self.tapes: list[Tape] = []
        self.facts: dict[int, Fact] = {}
        self.records: dict[tuple[str, str], Fact] = {}
        self.bills: dict[BillKey, tuple[int, int]] = {}

    # Where money is.

    def serials(self) -> Iterable[Serial]:
        """Every fen, by tape and number."""
        return (serial for tape in self.tapes for serial in tape.serials)

    def at(self, place: str, on: str) -> list[Serial]:
        """What is at the place now and arrived there by that day."""
        return [
            serial for tape in self.tapes for serial in tape.serials if serial.place == place and serial.since <= on
        ]

    def at_fund(self, fund: str, on: str) -> list[Serial]:
        """What is at fund/F and fund/F/tN and arrived there by that day."""
        place = f"fund/{segment(fund)}"
        below = place + "/"
        return [
            serial
            for tape in self.tapes
            for serial in tape.serials
            if (serial.place == place or serial.place.startswith(below)) and serial.since <= on
        ]

    def in_force(self, serial: Serial) -> Terms:
        """The terms of tape N at fund/F/tN, else the own tape's; away from home those of the home."""
        parts = (serial.home or serial.place).split("/")
        return self.tapes[int(parts[2][1:]) - 1 if len(parts) == 3 else serial.tape - 1].terms

    def allowed(self, there: list[Serial], attributes: dict[str, str]) -> list[Serial]:
        """Those whose restriction in force such a case satisfies."""
        return [serial for serial in there if self.satisfied(self.in_force(serial), attributes)]

    def satisfied(self, terms: Terms, attributes: dict[str, str]) -> bool:
        """For each dimension the case's code, or an ancestor of it, is listed; a missing attribute fails."""
        return all(
            dimension in attributes and not self.lineage(dimension, attributes[dimension]).isdisjoint(codes)
            for dimension, codes in terms.restriction.items()
        )

    def lineage(self, dimension: str, code: str) -> set[str]:
        """The code with all its ancestors."""
        line, parent = {code}, self.codes.get((dimension, code))
        while parent is not None:
            line.add(parent)
            parent = self.codes.get((dimension, parent))
        return line

    # Policy earmark-fifo/1.

    def order(self, serial: Serial) -> tuple[int, bool, str, int, int]:
        """More restricted dimensions first, then earliest expiry (none last), lower tape, lower serial."""
        terms = self.in_force(serial)
        return -len(terms.restriction), terms.expires_on is None, terms.expires_on or "", serial.tape, serial.number

    def front(self, there: list[Serial], amount: int, why: Why) -> list[Serial]:
        """Taking: the first `amount` of the one order."""
        return self._cut(sorted(there, key=self.order), amount, why, "not_enough_money")

    def back(self, there: list[Serial], amount: int, why: Why, code: str = "not_enough_money") -> list[Serial]:
        """Giving back: the last `amount` of the one order."""
        return self._cut(sorted(there, key=self.order, reverse=True), amount, why, code)

    def _cut(self, ordered: list[Serial], amount: int, why: Why, code: str) -> list[Serial]:
        if len(ordered) < amount:
            why.add(code)
            return []
        return ordered[: max(amount, 0)]

    def named(self, ranges: Iterable[str], there: list[Serial], why: Why) -> list[Serial]:
        """By hand: the serials of ranges like t3:100-200, all of which must be among those `there`."""
        at_hand = {(serial.tape, serial.number): serial for serial in there}
        found: list[Serial] = []
        for text in ranges:
            written = re.fullmatch(r"t([1-9]\d*):(\d+)-(\d+)", text)
            tape, lo, hi = map(int, written.groups()) if written else (0, 0, 0)
            if lo >= hi:
                why.add("bad_value")
            elif any((tape, number) not in at_hand for number in range(lo, hi)):
                why.add("ranges_elsewhere")
            else:
                found += [at_hand[tape, number] for number in range(lo, hi)]
        if len(set(found)) < len(found):
            why.add("bad_value")
        return found

    def tape_number(self, fund: str, terms: Terms, opening: list[Tape]) -> int:
        """The tape of these terms in this fund; a new one is added to those about to be opened."""
        for number, tape in enumerate([*self.tapes, *opening], 1):
            if (tape.fund, tape.terms) == (fund, terms):
                return number
        opening.append(Tape(fund, terms))
        return len(self.tapes) + len(opening)

    # What still stands.

    def standing(self, *verbs: str, **members: str) -> list[Fact]:
        """The facts of these verbs that were not reversed and have these members."""
        return [
            fact
            for fact in self.facts.values()
            if fact.stands
            and fact.command["do"] in verbs
            and all(fact.command.get(name) == value for name, value in members.items())
        ]

    def came_back(self, fact: Fact) -> int:
        """What of a payment or a grant standing returns brought back."""
        match fact.command["do"]:
            case "pay_hospital":
                returns = self.standing("return_hospital_payment", payment=fact.command["payment"])
            case "grant_cash":
                returns = self.standing("return_grant", grant=fact.command["grant"])
            case _:
                returns = []
        return sum(one.command["amount"] for one in returns)

    def key_holder(self, key: tuple[str | None, ...] | None) -> Fact | None:
        """The fact that has this business key in force: it stands, and not all of its money came back."""
        for fact in self.facts.values():
            if key is not None and fact.stands and business_key(fact.command) == key:
                amounts = [line["amount"] for line in fact.command.get("lines", [fact.command])]
                if self.came_back(fact) < sum(amounts):
                    return fact
        return None

    def donor_of(self, donation: str) -> str | None:
        """Whose a receipt is: named with it, or by an attribution that stands."""
        said: list[str] = [one.command["donor"] for one in self.standing("attribute_donation", donation=donation)]
        return self.records["donation", donation].command.get("donor") or (said[0] if said else None)


def business_key(command: Command) -> tuple[str | None, ...] | None:
    """What is one event of the outside world, when the command says enough to tell."""
    match command["do"]:
        case "receive_donation" if "channel_txn" in command:
            return "donation", command.get("channel"), command["channel_txn"], command.get("line")
        case "pay_hospital" if "bank_ref" in command:
            return "payment", command["account"], command["bank_ref"]
        case "grant_cash" if "purpose" in command or "period" in command:
            return "grant", command["case"], command.get("purpose"), command.get("period")
    return None
