"""Entries as double-entry bookkeeping: what each one debits and credits, to the fen. Pure.

Every serial stands for one unit on two accounts by where it is: at a fund, a case, as a fee or on hold it is cash
against net assets (or what is owed, of agency money); at a hospital it is an advance; spent or refunded it is an
expense or less income. An entry posts what changed. Fees taken and allocations change nothing: the money is on the same
account for the same class of net assets. A reversal posts its entry backwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import msgspec
from msgspec import Struct

from ledger.cash import SIDES
from ledger.errors import InputFault
from ledger.events import Issued, Moved
from ledger.places import is_source, parse_place, tape_number
from reports.cash_legs import HELD, OPENING
from reports.homes import Home, Homes

SUSPENSE = ("ReceiptSuspended", "SuspenseRepaid")
"""Facts of money that is owed and has no serials; what names such a receipt later has its money from there."""
MATCHED = "LinesMatched"
GIFT, REVERSAL = "DonationReceived", "EntryReversed"
RESTRICTED, UNRESTRICTED, AGENCY = "restricted", "unrestricted", "agency"
NATURES = (RESTRICTED, UNRESTRICTED, AGENCY)


class NothingSigned(InputFault):
    """A paper rests on a signed head, and there is none."""

    code = "nothing_signed"
    zh = "还没有签署过日志头：请先运行 fenhao checkpoint"
    en = "no head of the log is signed yet: run fenhao checkpoint first"


class Basis(NamedTuple):
    """The signed head that a paper rests on: its figures are of the first `size` entries, whose tree has that root."""

    origin: str
    currency: str
    exponent: int
    size: int
    root: bytes


class Account(NamedTuple):
    """What is posted to. `kind`: bank, channel, cash or unnamed; advance (`detail`: the hospital); net; agency and
    suspense (owed); income (its source); refunded; expense (what for); out.

    `nature` is restricted, unrestricted or agency where money's class matters, and "" elsewhere.
    """

    kind: str
    detail: str = ""
    nature: str = ""
    fund: str = ""

    @property
    def net(self) -> Account:
        """The account that this one is closed into at the end of a year; itself when it is a balance."""
        return Account("net", "", self.nature, self.fund) if self.kind in PROFIT_AND_LOSS else self


MONEY = ("bank", "channel", "cash", "unnamed")
PROFIT_AND_LOSS = ("income", "refunded", "expense", "out")
_CASH = Account("")
"""What is cash, until it is known on which accounts."""
_SUSPENSE = Account("suspense")
Postings = Mapping[Account, int]
"""Minor units by account, debits above zero, credits below; the sum is zero."""


class Transaction(NamedTuple):
    """What an entry posts; `last` is its last part's seq, `cause` the kind of fact that it is or takes back."""

    seq: int
    last: int
    on: date
    type: str
    cause: str
    stream: str
    postings: Postings


class _Cash(Struct, frozen=True):
    account: str
    amount: int | None = None


class _Line(Struct, frozen=True):
    amount: int
    account: str = ""


class Members(Struct, frozen=True):
    """The members of an entry's `data` that are read."""

    on: date | None = None
    of: int | None = None
    part: int | None = None
    last: bool = False
    issue: tuple[Issued, ...] = ()
    moves: tuple[Moved, ...] = ()
    amount: int | None = None
    lines: tuple[_Line, ...] = ()
    legs: tuple[_Line, ...] = ()
    source: str = "donation"
    hospital: str | None = None
    channel: str | None = None
    cash: tuple[_Cash, ...] = ()
    suspense: str | None = None


class _Entry(Struct, frozen=True):
    stream: str
    data: Members


class Told(NamedTuple):
    """An entry as it is read, in the order of days; of a reversal also the entry that it reverses."""

    seq: int
    on: date
    type: str
    body: bytes
    reversed_type: str | None = None
    reversed_body: bytes | None = None


_decode = msgspec.json.Decoder(_Entry).decode


def natures_of(terms: Mapping[int, Mapping[str, object]]) -> dict[int, str]:
    """The class of each tape's money: restricted by what it is for or by days, unrestricted, or agency."""
    limits = ("restriction", "usable_from", "expires_on")
    return {
        tape: AGENCY
        if one["nature"] == AGENCY
        else RESTRICTED
        if any(one.get(name) for name in limits)
        else UNRESTRICTED
        for tape, one in terms.items()
    }


class Books:
    """Posts entries one after another, in the order of their days and then of the chain."""

    def __init__(self, funds: dict[int, str], natures: Mapping[int, str], kinds: Mapping[str, str]) -> None:
        """`kinds` are those of accounts that were opened: bank, channel or cash."""
        self._homes = Homes(funds)
        self._natures = natures
        self._kinds = dict(kinds)

    def post(self, entries: Iterable[Told]) -> Iterator[Transaction]:
        """What the entries post, whole groups as one; those that change no account are passed over."""
        parts: list[tuple[Told, _Entry]] = []
        for told in entries:
            entry = _decode(told.body)
            parts.append((told, entry))
            if entry.data.part is None or entry.data.last:
                if (made := self._transaction(parts)) is not None:
                    yield made
                parts = []
        assert not parts, "a group of parts ends"

    def _transaction(self, parts: Sequence[tuple[Told, _Entry]]) -> Transaction | None:
        told, entry = parts[0]
        assert entry.data.on == told.on or told.type == MATCHED, "an entry is posted on its own day"
        sums: Counter[Account] = Counter()
        for _, each in parts:
            for issue in each.data.issue:
                self._issue(issue, told.type, entry.data.source, sums)
            for move in each.data.moves:
                self._move(move, sums)
        if told.type == REVERSAL and told.reversed_body is not None and told.reversed_type is not None:
            original = _decode(told.reversed_body).data
            if told.reversed_type == GIFT:
                self._take_back(original, sums)
            fact, kind, sign = original, told.reversed_type, -1
        else:
            fact, kind, sign = entry.data, told.type, 1
        if kind in SUSPENSE:
            sums[_CASH] += sign * SIDES[kind] * _whole(fact)
            sums[_SUSPENSE] -= sign * SIDES[kind] * _whole(fact)
        if kind == MATCHED:
            self._arrive(fact, sums)
        legs = self._legs(kind, fact)
        self._settle(sums, {account: sign * amount for account, amount in legs.items()})
        postings = {account: amount for account, amount in sums.items() if amount}
        assert sum(postings.values()) == 0, "debits and credits are equal"
        if not postings:
            return None
        cause = told.reversed_type or told.type
        return Transaction(told.seq, parts[-1][0].seq, told.on, told.type, cause, entry.stream, postings)

    def _issue(self, issue: Issued, type: str, source: str, sums: Counter[Account]) -> None:
        """New serials: income, but for what was here before."""
        tape, amount = tape_number(issue.tape), issue.hi - issue.lo
        home = next(self._homes.within(tape, issue.lo, issue.hi))[2]
        self._stand(issue.to, home, amount, sums)
        if type != OPENING:
            self._earn(home, source, amount, sums)

    def _take_back(self, gift: Members, sums: Counter[Account]) -> None:
        """The income of a gift that is void now."""
        for issue in gift.issue:
            for lo, hi, home in self._homes.within(tape_number(issue.tape), issue.lo, issue.hi):
                self._earn(home, gift.source, lo - hi, sums)

    def _earn(self, home: Home, source: str, amount: int, sums: Counter[Account]) -> None:
        claim = self._claim(home)
        sums[claim] += amount
        sums[claim if claim.kind == AGENCY else Account("income", source, claim.nature, home.fund)] -= amount

    def _move(self, move: Moved, sums: Counter[Account]) -> None:
        tape = tape_number(move.tape)
        target = parse_place(move.target)
        for lo, hi, before in list(self._homes.within(tape, move.lo, move.hi)):
            after = Home(str(target.fund), target.tape or tape) if is_source(move.target) else before
            self._stand(move.source, before, lo - hi, sums)
            self._stand(move.target, after, hi - lo, sums)
            if after != before:
                self._homes.put(tape, lo, hi, after)

    def _stand(self, name: str, home: Home, amount: int, sums: Counter[Account]) -> None:
        """So much more at a place: on one account what it is, on the other whose."""
        place, claim = parse_place(name), self._claim(home)
        if place.kind == "void":
            return
        if place.kind in HELD:
            asset = _CASH
        elif place.kind == "hospital":
            asset = Account("advance", str(place.hospital), AGENCY if claim.kind == AGENCY else "")
        elif claim.kind == AGENCY:
            asset = claim
        else:
            kind, detail = _SPENT[place.kind]
            asset = Account(kind, str(place.rest or detail), claim.nature, home.fund)
        sums[asset] += amount
        sums[claim] -= amount

    def _arrive(self, match: Members, sums: Counter[Account]) -> None:
        """Money that its bank says is on another account than its entry named: a channel's that was paid out, say."""
        for line in match.lines:
            sums[Account(self._kinds.get(line.account, "bank"), line.account)] += line.amount
        for leg in match.legs:
            sums[Account(self._kinds.get(leg.account, "bank"), leg.account)] -= leg.amount

    def _claim(self, home: Home) -> Account:
        nature = self._natures[home.terms]
        return Account(AGENCY, "", "", home.fund) if nature == AGENCY else Account("net", "", nature, home.fund)

    def _legs(self, type: str, data: Members) -> Counter[Account]:
        """The accounts on which the cash moved, as far as the entry names them."""
        if data.channel is not None:
            self._kinds.setdefault(data.channel, "channel")
        side, whole, legs = SIDES.get(type, 0 if type == MATCHED else 1), _whole(data), Counter[Account]()
        if data.suspense is not None and type not in SUSPENSE:
            legs[_SUSPENSE] = side * whole
            return legs
        for leg in data.cash:
            amount = whole if leg.amount is None else leg.amount
            legs[Account(self._kinds.get(leg.account, "bank"), leg.account)] += side * amount
        if not data.cash and data.channel is not None:
            legs[Account(self._kinds[data.channel], data.channel)] += side * whole
        return legs

    @staticmethod
    def _settle(sums: Counter[Account], legs: Mapping[Account, int]) -> None:
        """Puts the cash of an entry on the accounts that it names, and the rest where no name is."""
        cash = sums.pop(_CASH, 0)
        if cash == 0 and sum(legs.values()) != 0:
            return  # an opening balance that was paid to a hospital before: its cash is in no account of ours
        sums.update(legs)
        sums[Account("unnamed")] += cash - sum(legs.values())


def _whole(data: Members) -> int:
    """What a fact is about: its amount, or that of its lines."""
    return data.amount if data.amount is not None else sum(line.amount for line in data.lines)


_SPENT = {
    "used": ("expense", "programme"),
    "cost": ("expense", ""),
    "refunded": ("refunded", ""),
    "out": ("out", ""),
}
"""The account of money that is not held any more."""
