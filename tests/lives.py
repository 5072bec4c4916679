"""Random lives of a ledger through all of its commands, one at a time, each recorded a minute after the one before.

Ids are those of facts that stand recorded, so that most commands are possible; the refused ones leave no trace.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from projected import CASES, DONORS, FUNDS, HOSPITALS, START, Ledger, Step, escaped

from ledger.decisions import (
    AttributeDonation,
    Basis,
    BringForward,
    ChangeTerms,
    CloseCase,
    Command,
    GrantCash,
    HoldMoney,
    LiftHold,
    MakeAllocation,
    MakeExpense,
    PayHospital,
    PaymentLine,
    ReceiveDonation,
    RefundDonation,
    ReleaseAllocation,
    ReopenCase,
    ReturnGrant,
    ReturnHospitalPayment,
    ReverseEntry,
    SettleTreatment,
    SubstituteSerials,
    TransferFunds,
)
from ledger.writing import Recorded

BASIS = Basis(kind="filing", ref="F-1")


def tick(ledger: Ledger) -> None:
    """From now on each transaction is recorded a minute after the one before."""
    instants = iter(range(1, 1_000_000))
    first = ledger.journal.entries.head().at
    ledger.journal.entries.clock = lambda: first + timedelta(minutes=next(instants))


def live(ledger: Ledger, steps: Iterable[Step]) -> dict[str, int]:
    """Makes a command of each step; how many of each kind stand recorded then."""
    tick(ledger)
    life = Life(ledger)
    for n, step in enumerate(steps):
        life.live(step, n)
    return dict(life.recorded)


class Life:
    """What stands recorded so far."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.done: dict[type, list[Any]] = defaultdict(list)
        self.seqs: list[int] = []
        self.recorded: dict[str, int] = defaultdict(int)

    def live(self, step: Step, n: int) -> None:
        """Records what the step comes to at this point, if it can be."""
        kind, a, b, c = step
        on = START + timedelta(days=max(n // 3 - c % 4, 0))
        verb = VERBS[kind % len(VERBS)] if n > 5 else _give
        command = verb(self, f"X{n}", on, a, b)
        if command is None:
            return
        [outcome] = self.ledger.writer.submit_batch([command])
        if isinstance(outcome, Recorded):
            self.done[type(command)].append(command)
            self.seqs.append(outcome.seq)
            self.recorded[type(command).__name__] += 1

    def one(self, kind: type, pick: int) -> Any:
        """A command of that kind that stands recorded; None when there is none."""
        return self.done[kind][pick % len(self.done[kind])] if self.done[kind] else None

    def ranges(self, places: str | tuple[str, ...], on: date, pick: int) -> list[tuple[int, int, int, str]]:
        """Ranges at places that begin so, `(tape, lo, hi, place)`, that are there by that day."""
        held = self.ledger.rows("select tape, lo, hi, place, since from holding order by tape, lo")
        rows = [tuple(row) for *row, since in held if since <= on and row[3].startswith(places)]
        return rows[pick % len(rows) :] if rows else []


Verb = Callable[[Life, str, date, int, int], Command | None]


def _give(life: Life, id: str, on: date, a: int, b: int) -> Command:
    days: dict[str, Any] = {"expires_on": on + timedelta(days=40)} if b % 3 == 0 else {}
    return ReceiveDonation(
        key=id, donation=id, fund=FUNDS[b % 5 // 4], amount=1 + a % 90, on=on, donor=DONORS[a % 4], **days
    )


def _forward(life: Life, id: str, on: date, a: int, b: int) -> Command:
    common: dict[str, Any] = {
        "key": id,
        "donation": id,
        "fund": FUNDS[0],
        "donor": DONORS[b % 4],
        "on": on,
        "basis": BASIS,
    }
    if a % 3 == 0:
        return BringForward(amount=1 + b % 40, **common)
    if a % 3 == 1:
        return BringForward(amount=1 + b % 40, case=CASES[b % 2], **common)
    lines = (PaymentLine(CASES[0], 1 + b % 20), PaymentLine(CASES[1], 1 + a % 9))
    return BringForward(hospital=HOSPITALS[b % 2], lines=lines, **common)


def _attribute(life: Life, id: str, on: date, a: int, b: int) -> Command | None:
    for kind in (ReceiveDonation, BringForward):
        unknown = [one for one in life.done[kind] if one.donor is None]
        if unknown:
            return AttributeDonation(key=id, donation=unknown[a % len(unknown)].donation, donor=f"P{1 + b % 2}")
    return None


def _allocate(life: Life, id: str, on: date, a: int, b: int) -> Command:
    fund = FUNDS[b % 3 // 2]
    return MakeAllocation(key=id, allocation=id, case=CASES[a % 2], amount=1 + b % 70, on=on, fund=fund)


def _release(life: Life, id: str, on: date, a: int, b: int) -> Command | None:
    made = life.one(MakeAllocation, a)
    return made and ReleaseAllocation(key=id, allocation=made.allocation, amount=1 + b % 12, on=on)


def _pay(life: Life, id: str, on: date, a: int, b: int) -> Command:
    lines = (PaymentLine(CASES[a % 2], 1 + b % 40),)
    return PayHospital(key=id, payment=id, hospital=HOSPITALS[b % 2], lines=lines, on=on)


def _give_back(life: Life, id: str, on: date, a: int, b: int) -> Command | None:
    made = life.one(PayHospital, a)
    return made and ReturnHospitalPayment(
        key=id, payment=made.payment, case=made.lines[0].case, amount=1 + b % 15, on=on
    )


def _settle(life: Life, id: str, on: date, a: int, b: int) -> Command:
    case, hospital = CASES[a % 2], HOSPITALS[b % 2]
    return SettleTreatment(key=id, settlement=id, hospital=hospital, case=case, amount=1 + a % 20, on=on)


def _grant(life: Life, id: str, on: date, a: int, b: int) -> Command:
    return GrantCash(key=id, grant=id, case=CASES[a % 2], amount=1 + b % 20, on=on)


def _repay(life: Life, id: str, on: date, a: int, b: int) -> Command | None:
    made = life.one(GrantCash, a)
    return made and ReturnGrant(key=id, grant=made.grant, amount=1 + b % made.amount, on=on)


def _refund(life: Life, id: str, on: date, a: int, b: int) -> Command | None:
    made = life.one(ReceiveDonation, a)
    return made and RefundDonation(key=id, refund=id, donation=made.donation, amount=1 + b % 9, fee=b % 2, on=on)


def _transfer(life: Life, id: str, on: date, a: int, b: int) -> Command:
    here, there = FUNDS[a % 3 % 2], FUNDS[1 - a % 3 % 2]
    return TransferFunds(key=id, transfer=id, fund=here, to_fund=there, amount=1 + b % 60, on=on, basis=BASIS)


def _change_terms(life: Life, id: str, on: date, a: int, b: int) -> Command | None:
    at_fund = life.ranges("fund/", on, a)
    if not at_fund:
        return None
    tape, lo, hi, place = at_fund[0]
    fund = FUNDS[0] if place.startswith(f"fund/{FUNDS[0]}") else FUNDS[1]
    days: dict[str, Any] = {"expires_on": on + timedelta(days=60)} if b % 2 else {}
    name = f"t{tape}:{lo}-{lo + 1 + b % (hi - lo)}"
    return ChangeTerms(key=id, fund=fund, ranges=(name,), on=on, basis=BASIS, **days)


def _substitute(life: Life, id: str, on: date, a: int, b: int) -> Command | None:
    at_case, at_fund = life.ranges(("case/", "hospital/", "used/"), on, a), life.ranges("fund/", on, b)
    if not at_case or not at_fund:
        return None
    (tape, lo, hi, place), (new, start, end, _) = at_case[0], at_fund[0]
    size = min(hi - lo, end - start, 1 + b % 9)
    case = next(one for one in CASES if place.endswith(f"/{escaped(one)}"))
    return SubstituteSerials(
        key=id,
        case=case,
        place=place,
        incoming=(f"t{new}:{start}-{start + size}",),
        outgoing=(f"t{tape}:{lo}-{lo + size}",),
        on=on,
        basis=BASIS,
    )


def _spend(life: Life, id: str, on: date, a: int, b: int) -> Command:
    source = "fee" if b % 2 else "fund"
    return MakeExpense(key=id, expense=id, fund=FUNDS[0], kind="other", amount=1 + a % 3, source=source, on=on)


def _hold(life: Life, id: str, on: date, a: int, b: int) -> Command | None:
    at_fund = life.ranges("fund/", on, a)
    if not at_fund:
        return None
    tape, lo, hi, _ = at_fund[0]
    return HoldMoney(key=id, hold=id, ranges=(f"t{tape}:{lo}-{lo + 1 + b % (hi - lo)}",), on=on)


def _lift(life: Life, id: str, on: date, a: int, b: int) -> Command | None:
    made = life.one(HoldMoney, a)
    return made and LiftHold(key=id, hold=made.hold, on=on)


def _close(life: Life, id: str, on: date, a: int, b: int) -> Command | None:
    return CloseCase(key=id, case=CASES[b % 2], on=on + timedelta(days=4)) if a % 3 == 0 else None


def _reopen(life: Life, id: str, on: date, a: int, b: int) -> Command:
    return ReopenCase(key=id, case=CASES[b % 2], approved_by=("s1",))


def _reverse(life: Life, id: str, on: date, a: int, b: int) -> Command:
    return ReverseEntry(key=id, reverses=life.seqs[-1 - a % min(len(life.seqs), 9)], on=on + timedelta(days=b % 6))


VERBS: tuple[Verb, ...] = (
    *(_give, _give, _give, _allocate, _allocate, _allocate, _pay, _pay, _pay, _settle, _settle, _grant, _grant),
    *(_forward, _attribute, _release, _give_back, _give_back, _repay, _refund, _transfer, _transfer, _change_terms),
    *(_substitute, _spend, _hold, _lift, _close, _reopen, _reverse, _reverse, _reverse),
)
