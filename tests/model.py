"""A plain reference model of the ledger, written from the design alone: every fen is an object, every choice a sort.

It shares no code with the rooms it judges. Commands are dicts: "do" names the verb, "key" is the idempotency key, the
other members are named as in the entries; dates are ISO text, absent members are left out. Amounts should stay small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Command = dict[str, Any]
ID_DIMENSIONS = {"hospital", "person"}
SOURCES = {"donation", "grant", "government", "interest", "investment", "bank"}


class Issued(NamedTuple):
    """Serials `[lo, hi)` of a tape, new at `to`."""

    tape: int
    lo: int
    hi: int
    to: str


class Moved(NamedTuple):
    """Serials `[lo, hi)` of a tape from one place to another."""

    tape: int
    lo: int
    hi: int
    source: str
    target: str


class Held(NamedTuple):
    """Serials `[lo, hi)` of a tape alike in the last three and adjacent; `home` is "" at home."""

    tape: int
    lo: int
    hi: int
    place: str
    home: str
    since: str


class Recorded(NamedTuple):
    """What a command comes to: the seq of its entry, the tapes opened just before it, its issues and moves."""

    seq: int
    opened: list[int]
    issue: list[Issued]
    moves: list[Moved]


class Replayed(NamedTuple):
    """The command stands recorded by that entry."""

    seq: int


class Refused(NamedTuple):
    """Nothing is recorded. The design fixes no order among reasons: any of `kinds` will do."""

    kinds: set[str]


Outcome = Recorded | Replayed | Refused
Made = tuple[list[int], list[Issued], list[Moved]]
"""Tapes opened, issues, moves."""


@dataclass(slots=True)
class Serial:
    """One fen."""

    tape: int
    number: int
    place: str
    home: str
    since: str


@dataclass(slots=True)
class Tape:
    """One (fund, terms) pair with its serials."""

    fund: str
    nature: str
    restriction: dict[str, list[str]]
    usable_from: str | None
    expires_on: str | None
    serials: list[Serial] = field(default_factory=list)

    @property
    def terms(self) -> tuple[Any, ...]:
        return self.fund, self.nature, self.restriction, self.usable_from, self.expires_on


@dataclass(slots=True)
class Case:
    """A case: open from its command on."""

    fund: str
    attributes: dict[str, str]
    household: str | None
    purpose: str | None


def segment(id: str) -> str:
    """An id inside a place."""
    return id.replace("%", "%25").replace("/", "%2F")


def is_home(place: str) -> bool:
    return place.split("/")[0] in ("fund", "fee")


class Model:
    """The ledger's state and what each command does to it. A fresh one stands just after entry 0."""

    def __init__(self) -> None:
        self.size = 1
        self.keys: dict[str, tuple[Command, int]] = {}
        self.ids: set[tuple[str, str]] = set()
        self.funds: dict[str, int] = {}
        self.cases: dict[str, Case] = {}
        self.codes: dict[tuple[str, str], str | None] = {}
        self.tapes: list[Tape] = []
        self.claims: set[tuple[str | None, ...]] = set()
        self.bills: dict[tuple[str, str, str], tuple[int, int]] = {}

    def submit(self, command: Command, today: str) -> Outcome:
        """The outcome of one command, made on the day `today` of the ledger's zone."""
        verb, key = command["do"], command["key"]
        content = {name: value for name, value in command.items() if name != "key"}
        if key in self.keys:
            before, seq = self.keys[key]
            malformed = {"bad_value"} if self._malformed(command) else set()
            return Replayed(seq) if before == content else Refused({"idempotency_conflict"} | malformed)
        kinds = self._reasons(verb, command, today)
        if kinds:
            return Refused(kinds)
        if verb in OWN_IDS:
            self.ids.add((OWN_IDS[verb], command[OWN_IDS[verb]]))
        made: Callable[[Command], Made] = getattr(self, f"_{verb}", self._spend)
        opened, issue, moves = made(command)
        seq = self.size + len(opened)
        self.size = seq + 1
        self.keys[key] = (content, seq)
        return Recorded(seq, opened, issue, moves)

    # Reasons to refuse, all that apply.

    def _reasons(self, verb: str, command: Command, today: str) -> set[str]:
        own: Callable[[Command], Iterable[str]] = getattr(self, f"_why_not_{verb}", lambda command: ())
        kinds = set(own(command))
        if self._malformed(command):
            kinds.add("bad_value")
        if command.get("on", "") > today:
            kinds.add("future_date")
        noun = OWN_IDS.get(verb)
        if noun is not None and (noun, command[noun]) in self.ids:
            kinds.add("already_recorded")
        if any(case not in self.cases for case in cases_of(command)) and verb != "open_case":
            kinds.add("unknown_reference")
        if "fund" in command and verb != "open_fund" and command["fund"] not in self.funds:
            kinds.add("unknown_reference")
        if "hospital" in command and verb != "register_hospital" and ("hospital", command["hospital"]) not in self.ids:
            kinds.add("unknown_reference")
        if "unknown_reference" in kinds and len(command.get("lines", [])) > 1:
            kinds.add("not_enough_money")  # a line's own reason, when another names what is not there
        elif (
            verb in SPENDING
            and not kinds & {"unknown_reference", "bad_value"}
            and any(serials is None for serials, _ in self._taken(command))
        ):
            kinds.add("not_enough_money")
        return kinds

    def _malformed(self, command: Command) -> bool:
        lines = command.get("lines", [command])
        amounts = [line[name] for line in lines for name in ("amount", "bill_amount") if name in line]
        return (
            not lines
            or any(amount <= 0 for amount in amounts)
            or not 0 <= command.get("fee_bp", 0) <= 10_000
            or (command["do"] == "receive_donation" and self._bad_terms(command))
        )

    def _bad_terms(self, command: Command) -> bool:
        restriction = command.get("restriction", {})
        agency = command.get("nature", "own") == "agency"
        one_person = len(restriction.get("person", [])) == 1
        first, last = command.get("usable_from"), command.get("expires_on")
        return (
            (one_person if agency else "person" not in restriction) is False
            or len(restriction) > 8
            or not all(restriction.values())
            or (first is not None and last is not None and last < first)
            or (agency and command.get("fee_bp", 0) > 0)
            or command.get("source", "donation") not in SOURCES
        )

    def _why_not_define_code(self, command: Command) -> Iterable[str]:
        dimension, parent = command["dimension"], command.get("parent")
        if dimension in ID_DIMENSIONS or (dimension, command["code"]) in self.codes:
            yield "bad_value"
        if parent is not None and (dimension, parent) not in self.codes:
            yield "unknown_code"

    def _why_not_open_case(self, command: Command) -> Iterable[str]:
        if any((dimension, code) not in self.codes for dimension, code in command["attributes"].items()):
            yield "unknown_code"
        person, household = command.get("person"), command.get("household")
        for other in self.cases.values():
            same = (person is not None and other.attributes.get("person") == person) or (
                household is not None and other.household == household
            )
            if same and other.purpose == command.get("purpose") and not command.get("approved_by"):
                yield "person_in_open_case"

    def _why_not_receive_donation(self, command: Command) -> Iterable[str]:
        for dimension, codes in command.get("restriction", {}).items():
            if dimension not in ID_DIMENSIONS and any((dimension, code) not in self.codes for code in codes):
                yield "unknown_code"
        if donation_claim(command) in self.claims:
            yield "duplicate_business_key"

    def _why_not_pay_hospital(self, command: Command) -> Iterable[str]:
        if payment_claim(command) in self.claims:
            yield "duplicate_business_key"
        if self._bills_after(command) is None:
            yield "bill_exceeded"

    def _why_not_grant_cash(self, command: Command) -> Iterable[str]:
        if grant_claim(command) in self.claims:
            yield "duplicate_business_key"

    def _bills_after(self, command: Command) -> dict[tuple[str, str, str], tuple[int, int]] | None:
        """The bills (limit, paid) once the payment's lines stand; None when one would exceed its limit."""
        bills = dict(self.bills)
        for line in command["lines"]:
            if "bill_no" in line:
                bill = command["hospital"], line["bill_no"], line["case"]
                limit, paid = bills.get(bill, (line.get("bill_amount", line["amount"]), 0))
                bills[bill] = limit, paid + line["amount"]
                if paid + line["amount"] > limit:
                    return None
        return bills

    # What accepted commands do.

    def _open_fund(self, command: Command) -> Made:
        self.funds[command["fund"]] = command.get("fee_bp", 0)
        return [], [], []

    def _register_hospital(self, command: Command) -> Made:
        assert ("hospital", command["hospital"]) in self.ids
        return [], [], []

    def _define_code(self, command: Command) -> Made:
        self.codes[command["dimension"], command["code"]] = command.get("parent")
        return [], [], []

    def _open_case(self, command: Command) -> Made:
        attributes = {**command["attributes"], "hospital": command["hospital"]}
        if "person" in command:
            attributes["person"] = command["person"]
        self.cases[command["case"]] = Case(
            command["fund"], attributes, command.get("household"), command.get("purpose")
        )
        return [], [], []

    def _receive_donation(self, command: Command) -> Made:
        fund, amount, on = command["fund"], command["amount"], command["on"]
        agency = command.get("nature", "own") == "agency"
        fee = 0 if agency else amount * command.get("fee_bp", self.funds[fund]) // 10_000
        restriction = {name: sorted(set(codes)) for name, codes in command.get("restriction", {}).items()}
        days = command.get("usable_from"), command.get("expires_on")
        opened: list[int] = []
        issue: list[Issued] = []
        if amount > fee:
            given = Tape(fund, command.get("nature", "own"), restriction, *days)
            issue.append(self._issue(given, amount - fee, f"fund/{segment(fund)}", on, opened))
        if fee:
            issue.append(self._issue(Tape(fund, "fee", {}, None, None), fee, f"fee/{segment(fund)}", on, opened))
        self._claim(donation_claim(command))
        return opened, sorted(issue), []

    def _issue(self, wanted: Tape, amount: int, to: str, on: str, opened: list[int]) -> Issued:
        numbers = [number for number, tape in enumerate(self.tapes, 1) if tape.terms == wanted.terms]
        if not numbers:
            self.tapes.append(wanted)
            numbers = [len(self.tapes)]
            opened += numbers
        serials = self.tapes[numbers[0] - 1].serials
        lo = len(serials)
        serials += [Serial(numbers[0], lo + n, to, "", on) for n in range(amount)]
        return Issued(numbers[0], lo, lo + amount, to)

    def _spend(self, command: Command) -> Made:
        taken = self._taken(command)
        if command["do"] == "pay_hospital":
            bills = self._bills_after(command)
            assert bills is not None
            self.bills = bills
            self._claim(payment_claim(command))
        elif command["do"] == "grant_cash":
            self._claim(grant_claim(command))
        steps: list[tuple[int, int, tuple[str, str]]] = []
        for serials, target in taken:
            assert serials is not None
            for serial in serials:
                steps.append((serial.tape, serial.number, (serial.place, target)))
                serial.home = serial.place if is_home(serial.place) else serial.home
                serial.place, serial.since = target, command["on"]
        return [], [], [Moved(tape, lo, hi, *ends) for tape, lo, hi, ends in runs(sorted(steps))]

    def _claim(self, claim: tuple[str | None, ...] | None) -> None:
        if claim is not None:
            self.claims.add(claim)

    # Policy earmark-fifo/1.

    def _taken(self, command: Command) -> list[tuple[list[Serial] | None, str]]:
        """The serials that the command takes, with where each goes; None for those that are not to be had."""
        on, cases = command["on"], cases_of(command)
        to = segment(cases[0])
        attributes = self.cases[cases[0]].attributes
        match command["do"]:
            case "make_allocation":
                fund = "fund/" + segment(command.get("fund", self.cases[cases[0]].fund))
                there = [s for s in self._serials() if s.place == fund or s.place.startswith(f"{fund}/")]
                usable_then = [s for s in there if usable(self._in_force(s), on)]
                return [(self._pick(usable_then, command["amount"], on, attributes), f"case/{to}")]
            case "grant_cash":
                return [(self._pick(self._at(f"case/{to}"), command["amount"], on, attributes), f"used/{to}")]
            case "settle_treatment":
                at = f"{segment(command['hospital'])}/{to}"
                return [(self._pick(self._at(f"hospital/{at}"), command["amount"], on, None), f"used/{at}")]
        taken: list[tuple[list[Serial] | None, str]] = []
        for line in command["lines"]:
            spoken_for = [id(serial) for serials, _ in taken for serial in serials or []]
            there = [s for s in self._at(f"case/{segment(line['case'])}") if id(s) not in spoken_for]
            attributes = {**self.cases[line["case"]].attributes, "hospital": command["hospital"]}
            target = f"hospital/{segment(command['hospital'])}/{segment(line['case'])}"
            taken.append((self._pick(there, line["amount"], on, attributes), target))
        return taken

    def _serials(self) -> list[Serial]:
        return [serial for tape in self.tapes for serial in tape.serials]

    def _at(self, place: str) -> list[Serial]:
        return [serial for serial in self._serials() if serial.place == place]

    def _pick(
        self, there: list[Serial], amount: int, on: str, attributes: dict[str, str] | None
    ) -> list[Serial] | None:
        """The first `amount` of them by the written order; None when too few have come by `on` and may go there."""
        found = [
            serial
            for serial in there
            if serial.since <= on and (attributes is None or self._satisfied(self._in_force(serial), attributes))
        ]
        found.sort(key=self._order)
        return found[:amount] if len(found) >= amount else None

    def _order(self, serial: Serial) -> tuple[int, bool, str, int, int]:
        """More restricted dimensions first, then earliest expiry (none last), lower tape, lower serial."""
        expires_on = self._in_force(serial).expires_on
        dimensions = len(self._in_force(serial).restriction)
        return -dimensions, expires_on is None, expires_on or "", serial.tape, serial.number

    def _in_force(self, serial: Serial) -> Tape:
        """The terms of tape N at fund/F/tN, else the own tape's; away from home those of the home."""
        parts = (serial.home or serial.place).split("/")
        return self.tapes[int(parts[2][1:]) - 1 if len(parts) == 3 else serial.tape - 1]

    def _satisfied(self, tape: Tape, attributes: dict[str, str]) -> bool:
        return all(
            dimension in attributes and set(self.lineage(dimension, attributes[dimension])) & set(codes)
            for dimension, codes in tape.restriction.items()
        )

    def lineage(self, dimension: str, code: str) -> list[str]:
        """The code with all its ancestors."""
        line, parent = [code], self.codes.get((dimension, code))
        while parent is not None:
            line.append(parent)
            parent = self.codes.get((dimension, parent))
        return line

    # What the ledger's tables should hold.

    def held(self) -> list[Held]:
        """Where everything is, merged only where adjacent and alike."""
        each = [
            (serial.tape, serial.number, (serial.place, serial.home, serial.since))
            for tape in self.tapes
            for serial in tape.serials
        ]
        return [Held(tape, lo, hi, *what) for tape, lo, hi, what in runs(each)]

    def ends(self) -> dict[int, int]:
        """Where each tape ends."""
        return {number: len(tape.serials) for number, tape in enumerate(self.tapes, 1)}


OWN_IDS = {
    "open_fund": "fund",
    "register_hospital": "hospital",
    "open_case": "case",
    "receive_donation": "donation",
    "make_allocation": "allocation",
    "pay_hospital": "payment",
    "settle_treatment": "settlement",
    "grant_cash": "grant",
}
"""The record that each verb makes, whose id is never used twice."""
SPENDING = {"make_allocation", "pay_hospital", "settle_treatment", "grant_cash"}


def cases_of(command: Command) -> list[str]:
    """The cases a command names."""
    return [line["case"] for line in command.get("lines", [command]) if "case" in line]


def donation_claim(command: Command) -> tuple[str | None, ...] | None:
    """(channel, transaction no., line), when there is a transaction."""
    if "channel_txn" not in command:
        return None
    return "donation", command.get("channel"), command["channel_txn"], command.get("line")


def payment_claim(command: Command) -> tuple[str | None, ...] | None:
    """(bank account, bank reference), when both are known."""
    return ("payment", command["account"], command["bank_ref"]) if "bank_ref" in command else None


def grant_claim(command: Command) -> tuple[str | None, ...] | None:
    """(case, purpose, period), when a purpose or a period is given."""
    purpose, period = command.get("purpose"), command.get("period")
    return None if purpose is None and period is None else ("grant", command["case"], purpose, period)


def usable(tape: Tape, on: str) -> bool:
    """Whether money of these terms may be allocated on that day."""
    return (tape.usable_from or "") <= on <= (tape.expires_on or "9999-12-31")


def runs(each: Iterable[tuple[int, int, Any]]) -> list[tuple[int, int, int, Any]]:
    """(tape, number, what) in order of tape and number as runs (tape, lo, hi, what) of adjacent numbers of one kind."""
    found: list[tuple[int, int, int, Any]] = []
    for tape, number, what in each:
        if found and found[-1][0] == tape and found[-1][2] == number and found[-1][3] == what:
            found[-1] = tape, found[-1][1], number + 1, what
        else:
            found.append((tape, number, number + 1, what))
    return found
