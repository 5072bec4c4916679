"""A donor's own view: where their money stands and since when, gift by gift, and what was changed on its way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

from ledger.codec import Entry, decode
from ledger.database import Cursor, queries
from ledger.errors import Unknown
from ledger.places import parse_place, tape_name
from projections.trace import MAX_SEQ

CHANGES = (
    "AllocationReleased",
    "CaseClosed",
    "HospitalPaymentReturned",
    "GrantReturned",
    "SerialsSubstituted",
    "TermsChanged",
    "FundsTransferred",
    "MoneyHeld",
    "HoldLifted",
    "DonationRefunded",
    "EntryReversed",
)
"""What changes the way that money was on; all else is the way itself."""
MANY_RANGES = 2_000
"""Of a donor who gave so many ranges, changes are found from the moves that there were, not from each gift."""
_SQL = queries("projections", "giving.sql")


class Standing(NamedTuple):
    """Minor units of a donor's at a place, of one age, in so many ranges; `first` is the entry of the first gift there.

    `fund` is that of the place, or of the home that the money left; `fee` says that it was taken as a fee. The first of
    it came on day `since`, the last on day `until`; `age` is how many of the ages asked for that is.
    """

    place: str
    fund: str
    fee: bool
    age: int
    since: date
    until: date
    amount: int
    ranges: int
    first: int

    @property
    def kind(self) -> str:
        """What became of it: the kind of place, `cash` for what families were granted, `fee` for a fee spent or not."""
        return kind_of(self.place, self.fee)


class Gift(NamedTuple):
    """A gift: its entry, day, fund and minor units, in all and by kind of place."""

    seq: int
    donation: str
    on: date
    fund: str
    opening: bool
    by_kind: dict[str, int]

    @property
    def amount(self) -> int:
        """What was given."""
        return sum(self.by_kind.values())


class Way(NamedTuple):
    """From where to where an entry moved how much, in minor units; `now` says at which cases that is at present."""

    source: str
    target: str
    amount: int
    now: dict[str | None, int]


class Change(NamedTuple):
    """An entry that changed something about a donor's money, with what it says."""

    seq: int
    on: date
    type: str
    ways: list[Way]
    entry: Entry


class Step(NamedTuple):
    """A step of a gift's serials: an entry, from ("" at first) and to, minor units, and the first few ranges."""

    seq: int
    on: date
    type: str
    source: str
    target: str
    amount: int
    ranges: int
    named: list[str]


class Piece(NamedTuple):
    """A range of a gift's serials, where it is and since when."""

    tape: str
    lo: int
    hi: int
    place: str
    since: date


class Issue(NamedTuple):
    """A gift's own entry: `reversed_by` is the entry that took it back, `fee` what of the amount was taken as a fee."""

    donation: str | None
    donor: str | None
    seq: int
    leaf: bytes
    type: str
    on: date
    fund: str
    amount: int
    reversed_by: int | None
    fee: int


def kind_of(place: str, fee: bool) -> str:
    """What became of money at a place: see `Standing.kind`."""
    parsed = parse_place(place)
    if fee and parsed.kind == "cost":
        return "fee"
    return "cash" if (parsed.kind, parsed.hospital) == ("used", None) else parsed.kind


def standing(cursor: Cursor, donor: str, today: date, ages_days: Sequence[int]) -> list[Standing]:
    """Where all of a donor's money is, by what age it has reached today; nothing for who gave none."""
    which = {"donor": donor, "today": today, "ages": list(ages_days)}
    return [Standing(*row) for row in cursor.execute(_SQL["standing"], which)]


def gifts(cursor: Cursor, donor: str, before: int | None, limit: int) -> tuple[list[Gift], int | None]:
    """So many gifts from below an entry on, newest first; and below which the next page begins, None after the last."""
    which = {"donor": donor, "before": before or MAX_SEQ, "gifts": limit + 1}
    found = []
    for (seq, donation, on, opening), rows in groupby(cursor.execute(_SQL["gifts"], which), key=lambda row: row[:4]):
        by_kind: dict[str, int] = {}
        fund = ""
        for *_, place, at, fee, amount in rows:
            kind = kind_of(place, fee)
            by_kind[kind] = by_kind.get(kind, 0) + amount
            fund = fund or at
        found.append(Gift(seq, donation, on, fund, opening, by_kind))
    return found[:limit], found[limit - 1].seq if len(found) > limit else None


def changes(
    cursor: Cursor, donor: str, before: int | None, limit: int, *, many: bool = False
) -> tuple[list[Change], int | None]:
    """So many changes from below an entry on, newest first; and below which the next page begins.

    `many` says that the donor gave very many ranges, for which another way is the quicker one.
    """
    which = {"donor": donor, "before": before or MAX_SEQ, "types": list(CHANGES), "limit": limit + 1}
    rows = cursor.execute(_SQL["changes_of_many" if many else "changes"], which).fetchall()
    said = facts(cursor, {row[0] for row in rows})
    found = []
    for (seq, on, topic), parts in groupby(rows, key=lambda row: row[:3]):
        ways = []
        for (source, target), nows in groupby(parts, key=lambda row: row[3:5]):
            now = {case: amount for *_, case, amount in nows}
            ways.append(Way(source, target, sum(now.values()), now))
        found.append(Change(seq, on, topic, ways, said[seq]))
    return found[:limit], found[limit - 1].seq if len(found) > limit else None


def facts(cursor: Cursor, seqs: Iterable[int]) -> dict[int, Entry]:
    """What these entries say; a part of a longer entry says what the first part does."""
    return {seq: decode(body) for seq, body in cursor.execute(_SQL["facts"], {"seqs": list(seqs)})}


def steps(cursor: Cursor, donation: str, behind: Sequence[Any], limit: int) -> tuple[list[Step], list[Any] | None]:
    """So many steps of a gift behind (entry, from, to), oldest first; and behind which the next page begins."""
    seq, source, target = behind
    which = {"donation": donation, "seq": seq, "source": source, "target": target, "limit": limit + 1}
    found = [Step(*row) for row in cursor.execute(_SQL["steps"], which)]
    last = found[limit - 1] if len(found) > limit else None
    return found[:limit], None if last is None else [last.seq, last.source, last.target]


def pieces(cursor: Cursor, donation: str, behind: Sequence[int], limit: int) -> tuple[list[Piece], list[int] | None]:
    """So many ranges of a gift behind a serial (number of the tape, serial); and behind which the next page begins."""
    which = {"donation": donation, "tape": behind[0], "lo": behind[1], "limit": limit + 1}
    rows = cursor.execute(_SQL["pieces"], which).fetchall()
    found = [Piece(tape_name(tape), *rest) for tape, *rest in rows[:limit]]
    return found, list(rows[limit - 1][:2]) if len(rows) > limit else None


def issue(cursor: Cursor, donation: str | None = None, seq: int | None = None) -> Issue:
    """A gift by its id, or by its entry. Raises Unknown."""
    found = [Issue(*row) for row in cursor.execute(_SQL["issue"], {"donation": donation, "seq": seq})]
    for one in found:
        if seq is None or one.seq == seq:
            return one
    raise Unknown("donation", donation or f"#{seq}")


def span(cursor: Cursor, donor: str) -> tuple[date, date] | None:
    """The days of a donor's first and last gift, None for who gave none."""
    [(first, last)] = cursor.execute(_SQL["span"], {"donor": donor}).fetchall()
    return None if first is None else (first, last)


def attributes(cursor: Cursor, cases: Iterable[str]) -> dict[str, dict[str, str]]:
    """The attributes of these cases."""
    return dict(cursor.execute(_SQL["attributes"], {"cases": sorted(cases)}).fetchall())


def names(cursor: Cursor, streams: Iterable[str]) -> dict[str, str]:
    """What these funds and hospitals (`fund/F`, `hospital/H`) are called, those that have a name."""
    rows = cursor.execute(_SQL["names"], {"streams": sorted(streams)})
    return {stream: name for stream, name in rows if name}
