"""Small stories in words, told to a ledger by real commands: `case C; allocate C 100 05-31; pay C 60 06-02 bill=B1`.

Each story has a fund of its own with plenty of money, and its ids get the story's number in front, so that hundreds of
stories live in one ledger and none meets another. Days are of 2026 unless a year is named; amounts are minor units.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import count, zip_longest
from typing import NamedTuple

from schemas import own_schema

from ledger.decisions import (
    AmendCase,
    AttributeDonation,
    Basis,
    BringForward,
    CashLeg,
    ChangeTerms,
    CloseCase,
    Command,
    DefineCode,
    GrantCash,
    HoldMoney,
    LiftHold,
    MakeAllocation,
    MakeExpense,
    OpenCase,
    OpenFund,
    OpenLedger,
    PayHospital,
    PaymentLine,
    ReceiveDonation,
    RefundDonation,
    RegisterHospital,
    ReleaseAllocation,
    ReopenCase,
    ReturnGrant,
    ReturnHospitalPayment,
    ReverseEntry,
    SettleTreatment,
)
from ledger.errors import Refusal
from ledger.journal import Journal
from ledger.writing import Writer

CLOCK = datetime(2027, 6, 30, 4, tzinfo=UTC)
"""The ledger's present; reports are made as of an earlier day."""

PLENTY = 10_000_000
BASIS = Basis("plan", "P-1")
Words = dict[str, str]


class Story(NamedTuple):
    """A title, what happened, and all that is found in it by any rule: `rule subject amount days <- evidence`."""

    title: str
    text: str
    found: tuple[str, ...] = ()


def story(title: str, text: str, *found: str) -> Story:
    """A story; none of `found` for a near miss."""
    return Story(title, text, found)


@contextmanager
def library(url: str) -> Iterator[Journal]:
    """A ledger for stories, with a small dictionary; gone afterwards."""
    with own_schema(url) as database, Journal(database, clock=lambda: CLOCK) as journal:
        writer = Writer(journal)
        told(writer, OpenLedger(key="open", origin="ledger.example.org/stories", verifier_key="k"))
        told(writer, DefineCode(key="vsd", dimension="disease", code="VSD", name="室间隔缺损"))
        yield journal


def told(writer: Writer, command: Command) -> int:
    """Records the command; its entry's seq. Raises the refusal."""
    outcome = writer.submit(command)
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome.seq


class Teller:
    """Tells one story, in as few batches as can be; `seqs` has the entry of each id it made, without its prefix."""

    def __init__(self, writer: Writer, name: str, prefix: str | None = None) -> None:
        self.writer, self.name = writer, name
        self._prefix = f"{name}-" if prefix is None else prefix
        self.seqs: dict[str, int] = {}
        self._keys, self._ids = count(1), count(1)
        self._hospitals: set[str] = set()
        self._untold: list[tuple[str | None, Command]] = []
        self._tell("fund", OpenFund(key=self.key(), fund=name, name="基金", fee_bp=0))
        self.gift("plenty", PLENTY, "01-01", {})

    def tell(self, story: str) -> None:
        """The whole story, command by command."""
        for sentence in filter(None, map(str.strip, story.split(";"))):
            verb, *words = sentence.split()
            plain = [self._plain(word) for word in words if "=" not in word]
            named = dict(word.split("=", 1) for word in words if "=" in word)
            getattr(self, verb)(*plain, named)
        self.record()

    def record(self) -> None:
        """Records what was told so far. Raises the refusal."""
        outcomes = self.writer.submit_batch([command for _, command in self._untold])
        for (named, _), outcome in zip(self._untold, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                raise outcome
            if named is not None:
                self.seqs[named] = outcome.seq
        self._untold.clear()

    def own(self, id: str) -> str:
        """An id as the ledger has it."""
        return f"{self._prefix}{id}"

    def key(self) -> str:
        return f"{self.name}/{next(self._keys)}"

    @staticmethod
    def _plain(word: str) -> str | int:
        return int(word) if word.isdigit() else word

    def _tell(self, id: str | None, command: Command) -> None:
        self._untold.append((id, command))

    def _id(self, kind: str, named: Words) -> str:
        return named.get("id", f"{kind}{next(self._ids)}")

    def _maybe(self, named: Words, name: str) -> str | None:
        return self.own(named[name]) if name in named else None

    def _hospital(self, named: Words) -> str:
        hospital = self.own(named.get("hospital", "H"))
        if hospital not in self._hospitals:
            self._hospitals.add(hospital)
            self._tell(None, RegisterHospital(key=self.key(), hospital=hospital, name="医院"))
        return hospital

    def _cash(self, named: Words) -> tuple[CashLeg, ...] | None:
        if "ref" not in named:
            return None
        return (CashLeg(account=named.get("account", "bank"), bank_ref=self.own(named["ref"])),)

    def case(self, case: str, named: Words) -> None:
        """`case C on=05-01 person=P household=F purpose=U approved=X`; opened in June if no day is named."""
        command = OpenCase(
            key=self.key(),
            on=day(named.get("on", "06-20")),
            case=self.own(case),
            fund=self.name,
            hospital=self._hospital(named),
            person=self._maybe(named, "person"),
            household=self._maybe(named, "household"),
            purpose=named.get("purpose"),
            approved_by=(named["approved"],) if "approved" in named else None,
        )
        self._tell(case, command)

    def amend(self, case: str, named: Words) -> None:
        """`amend C person=P`."""
        person = self._maybe(named, "person")
        self._tell(
            None,
            AmendCase(key=self.key(), case=self.own(case), hospital=self._hospital(named), person=person),
        )

    def close(self, case: str, on: str, named: Words) -> None:
        """`close C 06-01 reason=withdrawn`."""
        reason = named.get("reason", "completed")
        self._tell(None, CloseCase(key=self.key(), case=self.own(case), on=day(on), reason=reason))

    def reopen(self, case: str, on: str, named: Words) -> None:
        """`reopen C 06-02`."""
        self._tell(None, ReopenCase(key=self.key(), case=self.own(case), on=day(on)))

    def gift(self, donation: str, amount: int, on: str, named: Words) -> None:
        """`gift D 100 05-01 donor=N channel=c txn=t fee=500 agency=P disease=VSD expires=2026-07-01`."""
        restriction = [(name, (named[name],)) for name in ("disease",) if name in named]
        if "agency" in named:
            restriction.append(("person", (self.own(named["agency"]),)))
        command = ReceiveDonation(
            key=self.key(),
            on=day(on),
            donation=self.own(donation),
            fund=self.name,
            amount=amount,
            donor=self._maybe(named, "donor"),
            channel=named.get("channel"),
            channel_txn=self._maybe(named, "txn"),
            fee_bp=int(named.get("fee", 0)),
            nature="agency" if "agency" in named else "own",
            restriction=tuple(restriction),
            expires_on=day(named["expires"]) if "expires" in named else None,
            cash=self._cash(named),
        )
        self._tell(donation, command)

    def attribute(self, donation: str, donor: str, named: Words) -> None:
        """`attribute D N`."""
        self._tell(None, AttributeDonation(key=self.key(), donation=self.own(donation), donor=self.own(donor)))

    def refund(self, donation: str, amount: int, on: str, named: Words) -> None:
        """`refund D 100 05-02 ref=123 account=a`."""
        made = self._id("R", named)
        command = RefundDonation(
            key=self.key(),
            on=day(on),
            refund=self.own(made),
            donation=self.own(donation),
            amount=amount,
            cash=self._cash(named),
        )
        self._tell(made, command)

    def bring(self, donation: str, amount: int, on: str, named: Words) -> None:
        """`bring D 100 05-01 case=C` to the case, with `hospital=H` to the hospital for it: an opening balance."""
        case, hospital = self.own(named["case"]), self._hospital(named) if "hospital" in named else None
        command = BringForward(
            key=self.key(),
            on=day(on),
            donation=self.own(donation),
            fund=self.name,
            amount=amount if hospital is None else None,
            donor=self._maybe(named, "donor"),
            case=case if hospital is None else None,
            hospital=hospital,
            lines=() if hospital is None else (PaymentLine(case, amount),),
            basis=BASIS,
        )
        self._tell(donation, command)

    def allocate(self, case: str, amount: int, on: str, named: Words) -> None:
        """`allocate C 100 05-31 id=A1`."""
        made = self._id("A", named)
        self._tell(
            made,
            MakeAllocation(key=self.key(), on=day(on), allocation=self.own(made), case=self.own(case), amount=amount),
        )

    def release(self, allocation: str, amount: int, on: str, named: Words) -> None:
        """`release A1 100 06-01`."""
        self._tell(
            None,
            ReleaseAllocation(key=self.key(), on=day(on), allocation=self.own(allocation), amount=amount),
        )

    def pay(self, cases: str, amount: int, on: str, named: Words) -> None:
        """`pay C 60 05-20 id=Y1 bill=B1 of=100 hospital=H ref=1 account=a`; `pay C+D 60 05-20 bill=B1+B2`: 60 each."""
        made = self._id("Y", named)
        lines = zip_longest(cases.split("+"), named["bill"].split("+") if "bill" in named else ())
        of = int(named["of"]) if "of" in named else None
        command = PayHospital(
            key=self.key(),
            on=day(on),
            payment=self.own(made),
            hospital=self._hospital(named),
            lines=tuple(PaymentLine(self.own(case), amount, bill and self.own(bill), of) for case, bill in lines),
            cash=self._cash(named),
        )
        self._tell(made, command)

    def back(self, payment: str, case: str, amount: int, on: str, named: Words) -> None:
        """`back Y1 C 60 06-01 reason=bank_rejected bill=B1`: the hospital or its bank returns."""
        command = ReturnHospitalPayment(
            key=self.key(),
            on=day(on),
            payment=self.own(payment),
            case=self.own(case),
            amount=amount,
            reason=named.get("reason", "surplus"),
            bill_no=self._maybe(named, "bill"),
        )
        self._tell(named.get("id", "back"), command)

    def settle(self, case: str, amount: int, on: str, named: Words) -> None:
        """`settle C 60 06-01 bill=B1 hospital=H`."""
        made = self._id("S", named)
        command = SettleTreatment(
            key=self.key(),
            on=day(on),
            settlement=self.own(made),
            hospital=self._hospital(named),
            case=self.own(case),
            amount=amount,
            bill_no=self._maybe(named, "bill"),
        )
        self._tell(made, command)

    def grant(self, case: str, amount: int, on: str, named: Words) -> None:
        """`grant C 50 06-01 id=G1 purpose=living period=2026-06 ref=123 account=a`."""
        made = self._id("G", named)
        command = GrantCash(
            key=self.key(),
            on=day(on),
            grant=self.own(made),
            case=self.own(case),
            amount=amount,
            purpose=named.get("purpose"),
            period=named.get("period"),
            cash=self._cash(named),
        )
        self._tell(made, command)

    def repay(self, grant: str, amount: int, on: str, named: Words) -> None:
        """`repay G1 50 06-05`: the family, or its bank, gives the cash back."""
        self._tell(None, ReturnGrant(key=self.key(), on=day(on), grant=self.own(grant), amount=amount))

    def spend(self, amount: int, on: str, named: Words) -> None:
        """`spend 100 05-01 ref=123 account=a`: a cost of the foundation's own."""
        made = self._id("E", named)
        command = MakeExpense(
            key=self.key(),
            on=day(on),
            expense=self.own(made),
            fund=self.name,
            kind="programme",
            amount=amount,
            cash=self._cash(named),
        )
        self._tell(made, command)

    def hold(self, hold: str, donation: str, on: str, named: Words) -> None:
        """`hold X D 05-01`: the gift's serials."""
        self._tell(
            hold, HoldMoney(key=self.key(), on=day(on), hold=self.own(hold), donation=self.own(donation), basis=BASIS)
        )

    def lift(self, hold: str, on: str, named: Words) -> None:
        """`lift X 06-01`."""
        self._tell(None, LiftHold(key=self.key(), on=day(on), hold=self.own(hold), basis=BASIS))

    def terms(self, donation: str, on: str, named: Words) -> None:
        """`terms D 05-01 expires=2026-07-01`: other terms for the gift's serials."""
        command = ChangeTerms(
            key=self.key(),
            on=day(on),
            fund=self.name,
            donation=self.own(donation),
            expires_on=day(named["expires"]) if "expires" in named else None,
            basis=BASIS,
        )
        self._tell("terms", command)

    def reverse(self, id: str, on: str, named: Words) -> None:
        """`reverse Y1 06-01`: the entry that made the id."""
        self.record()
        self._tell(None, ReverseEntry(key=self.key(), on=day(on), reverses=self.seqs[id]))


def day(text: str) -> date:
    """`05-31` of 2026, or a whole date."""
    return date.fromisoformat(text if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else f"2026-{text}")
