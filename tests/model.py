"""A plain reference model of the ledger, written from the design alone: every fen an object, every choice a sort.

It shares no code with the rooms it judges. An auditor reads `model_rules.py` and `model_registry.py` for the rules,
`model_state.py` for the words they are written in. Commands are dicts; amounts should stay small.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import model_registry as registry
import model_rules as rules
from model_state import BillKey, Command, Fact, Plan, Serial, State, Why, business_key, cases_of, is_home, segment

Rule = Callable[[State, Command, Why], Plan]


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
    """What a command comes to: the seq of its entry, the tapes opened just before it, its issues and moves.

    `said` are members of the entry that the ledger worked out itself; an absent one is None.
    """

    seq: int
    opened: list[int]
    issue: list[Issued]
    moves: list[Moved]
    said: dict[str, Any]


class Replayed(NamedTuple):
    """The command stands recorded by that entry."""

    seq: int


class Refused(NamedTuple):
    """Nothing is recorded. The design fixes no order among reasons: any of `kinds` will do."""

    kinds: set[str]


Outcome = Recorded | Replayed | Refused


class Model:
    """The ledger's state and what each command does to it. A fresh one stands just after entry 0.

    `threshold` is the amount moved from which two persons are needed (a substitution moves it on two sides); None asks
    for one only.
    """

    def __init__(self, threshold: int | None = None) -> None:
        self.state = State()
        self.threshold = threshold
        self.keys: dict[str, tuple[Command, int]] = {}

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self.state.size

    def submit(self, command: Command, today: str) -> Outcome:
        """The outcome of one command, made on the day `today` of the ledger's zone."""
        content = {name: value for name, value in command.items() if name != "key"}
        if command["key"] in self.keys:
            before, seq = self.keys[command["key"]]
            return Replayed(seq) if before == content else Refused({"idempotency_conflict"})
        why = self._common_reasons(command, today)
        plan = RULES[command["do"]](self.state, command, why)
        persons = {command.get("by"), *command.get("approved_by", [])} - {None}
        sides = 2 if command["do"] == "substitute_serials" else 1
        if self.threshold is not None and len(plan.moves) >= self.threshold * sides and len(persons) < 2:
            why.add("approval_needed")
        if why:
            return Refused(why)
        made = self._record(command, plan)
        self.keys[command["key"]] = content, made.seq
        return made

    def _common_reasons(self, command: Command, today: str) -> Why:
        why, verb = set[str](), command["do"]
        amounts = [part[name] for part in parts_of(command) for name in ("amount", "bill_amount") if name in part]
        if any(amount <= 0 for amount in amounts) or not 0 <= command.get("fee_bp", 0) <= 10_000:
            why.add("bad_value")
        if verb not in UNDATED and "on" not in command:
            why.add("bad_value")
        if command.get("on", "") > today:
            why.add("future_date")
        if any(own in self.state.ids for own in own_ids(command)):
            why.add("already_recorded")
        known = {
            "fund": verb == "open_fund" or command.get("fund", None) in {None, *self.state.funds},
            "to_fund": command.get("to_fund", None) in {None, *self.state.funds},
            "hospital": verb == "register_hospital" or self._knows_hospital(command.get("hospital")),
            "case": verb == "open_case" or all(case in self.state.cases for case in cases_of(command)),
        }
        if not all(known.values()):
            why.add("unknown_reference")
        return why

    def _knows_hospital(self, hospital: str | None) -> bool:
        return hospital is None or ("hospital", hospital) in self.state.ids

    def _record(self, command: Command, plan: Plan) -> Recorded:
        state, on = self.state, command.get("on", "")
        opened = list(range(len(state.tapes) + 1, len(state.tapes) + len(plan.opening) + 1))
        state.tapes += plan.opening
        fact = Fact(state.size + len(opened), command, [], [], plan.said)
        for number, amount, place in plan.issue:
            tape = state.tapes[number - 1]
            home = "" if is_home(place) else f"fund/{segment(tape.fund)}"
            for _ in range(amount):
                serial = Serial(number, len(tape.serials), command["donation"], place, home, on)
                tape.serials.append(serial)
                fact.issue.append((serial, place))
        for serial, target in plan.moves:
            source = serial.place
            fact.moves.append((serial, source, target))
            serial.home = "" if is_home(target) else source if is_home(source) else serial.home
            serial.place, serial.since = target, on
        plan.then()
        state.size = fact.seq + 1
        state.facts[fact.seq] = fact
        for own in own_ids(command):
            state.ids.add(own)
            state.records[own] = fact
        issue = runs((serial.tape, serial.number, (place,)) for serial, place in fact.issue)
        moves = runs((serial.tape, serial.number, ends) for serial, *ends in fact.moves)
        return Recorded(
            fact.seq,
            opened,
            [Issued(tape, lo, hi, *where) for tape, lo, hi, where in issue],
            [Moved(tape, lo, hi, *ends) for tape, lo, hi, ends in moves],
            plan.said,
        )

    # What the ledger's tables and traces should say.

    def held(self) -> list[Held]:
        """Where everything is, merged only where adjacent and alike."""
        each = ((s.tape, s.number, (s.place, s.home, s.since)) for s in self.state.serials())
        return [Held(tape, lo, hi, *what) for tape, lo, hi, what in runs(each)]

    def ends(self) -> dict[int, int]:
        """Where each tape ends."""
        return {number: len(tape.serials) for number, tape in enumerate(self.state.tapes, 1)}

    def bills(self) -> dict[BillKey, tuple[int, int]]:
        """The bills on which something stands: limit and what stands."""
        return self.state.bills

    def business_keys(self) -> dict[tuple[str | None, ...], int]:
        """The business keys in force, with the seq of the fact that has each."""
        keys = {business_key(fact.command) for fact in self.state.facts.values()} - {None}
        holders = {key: self.state.key_holder(key) for key in keys if key is not None}
        return {key: holder.seq for key, holder in holders.items() if holder is not None}

    def links(self) -> dict[tuple[str, str], set[tuple[int, int]]]:
        """Which fens of each donation stand for each case, be it at the case, at a hospital or used."""
        found: dict[tuple[str, str], set[tuple[int, int]]] = defaultdict(set)
        cases = {segment(case): case for case in self.state.cases}
        for serial in self.state.serials():
            kind, *ids = serial.place.split("/")
            if kind in ("case", "hospital", "used"):
                found[serial.gift, cases[ids[-1]]].add((serial.tape, serial.number))
        return dict(found)

    def case_sums(self, case: str) -> dict[str, int]:
        """What was allocated to a case, by what still stands; what is paid and used; what came home from there."""
        at = segment(case)
        places = [serial.place for serial in self.state.serials() if serial.place.endswith(f"/{at}")]
        stands = Counter(place.split("/")[0] for place in places)
        allocated = sum(self._allocates(fact, case) for fact in self.state.facts.values() if fact.stands)
        returned = allocated - stands["case"] - stands["hospital"] - stands["used"]
        return {"allocated": allocated, "paid": stands["hospital"], "used": stands["used"], "returned": returned}

    def _allocates(self, fact: Fact, case: str) -> int:
        """Allocations and opening balances less releases and closings."""
        match fact.command["do"]:
            case "make_allocation" | "bring_forward":
                lines = fact.command.get("lines", [fact.command])
                return sum(line["amount"] for line in lines if line.get("case") == case)
            case "release_allocation" if fact.said["case"] == case:
                return -len(fact.moves)
            case "close_case" if fact.command["case"] == case:
                return -len(fact.moves)
        return 0

    def fund_sums(self, fund: str) -> dict[str, int]:
        """What a fund received and, net, had from other funds; where that stands, by kind of place."""
        at, sums = segment(fund), Counter({"received": 0, "transferred": 0})
        for serial in self.state.serials():
            if serial.place == "void":
                continue
            given_to_it = self.state.tapes[serial.tape - 1].fund == fund
            in_it = (serial.home or serial.place).split("/")[1] == at
            sums["received"] += given_to_it
            sums["transferred"] += in_it - given_to_it
            sums[serial.place.split("/")[0]] += in_it
        return dict(sums)

    def donors(self) -> dict[str, str | None]:
        """Each donation with whose it is."""
        donations = (own for noun, own in self.state.ids if noun == "donation")
        return {donation: self.state.donor_of(donation) for donation in donations}


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        *(registry.open_fund, registry.register_hospital, registry.define_code),
        *(registry.open_case, registry.amend_case, registry.close_case, registry.reopen_case),
        *(rules.receive_donation, rules.bring_forward, rules.attribute_donation),
        *(rules.make_allocation, rules.release_allocation, rules.grant_cash, rules.return_grant),
        *(rules.pay_hospital, rules.return_hospital_payment, rules.settle_treatment),
        *(rules.refund_donation, rules.transfer_funds, rules.make_expense),
        *(rules.change_terms, rules.substitute_serials, rules.hold_money, rules.lift_hold, rules.reverse_entry),
    )
}
"""Every verb with its rule, which has its name."""
UNDATED = {
    *("open_fund", "register_hospital", "define_code", "open_case"),
    *("amend_case", "reopen_case", "attribute_donation"),
}
"""Verbs that move no money and may go without a date."""
OWN_IDS = {
    "open_fund": "fund",
    "register_hospital": "hospital",
    "open_case": "case",
    "receive_donation": "donation",
    "bring_forward": "donation",
    "make_allocation": "allocation",
    "pay_hospital": "payment",
    "settle_treatment": "settlement",
    "grant_cash": "grant",
    "refund_donation": "refund",
    "transfer_funds": "transfer",
    "make_expense": "expense",
    "hold_money": "hold",
}
"""The record that each verb makes, whose id is never used twice."""


def own_ids(command: Command) -> list[tuple[str, str]]:
    """The records that a command makes; an opening balance serves as allocation or payment too."""
    noun = OWN_IDS.get(command["do"])
    if noun is None:
        return []
    own = [(noun, command[noun])]
    if command["do"] == "bring_forward":
        own += [("allocation", command["donation"])] * ("case" in command)
        own += [("payment", command["donation"])] * ("hospital" in command)
    return own


def parts_of(command: Command) -> list[Command]:
    """The command and its lines: whatever has an amount."""
    return [command, *command.get("lines", [])]


def runs(each: Iterable[tuple[int, int, Any]]) -> list[tuple[int, int, int, Any]]:
    """(tape, number, what) of each serial as runs (tape, lo, hi, what) of adjacent numbers of one kind, sorted."""
    found: list[tuple[int, int, int, Any]] = []
    for tape, number, what in sorted(each, key=lambda one: one[:2]):
        if found and found[-1][0] == tape and found[-1][2] == number and found[-1][3] == what:
            found[-1] = tape, found[-1][1], number + 1, what
        else:
            found.append((tape, number, number + 1, what))
    return found
