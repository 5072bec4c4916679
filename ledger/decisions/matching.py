"""Commands about lines of statements: matched with cash legs of entries, written off, disputed, and undone."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ledger.book import Book
from ledger.decisions.base import Command, Decision
from ledger.errors import BadValue, PartTaken, SumsDiffer, TwoPersonsNeeded
from ledger.events import Id, LegPart, LinePart, LinesDisputed, LinesMatched, LinesUnmatched, LinesWrittenOff
from ledger.needs import LineKey, Needs

WRITE_OFF_REASONS = ("bank_error", "not_ours", "before_opening", "small_difference", "other")
PERSON = "person/1"
"""The rule of a match that a person made."""


_ONE_AT_A_TIME = {
    "instead": "; match one line, or one entry, at a time: as much as the lesser side has is taken",
    "instead_zh": "；可每次只选一笔流水或一条分录：按金额较少的一方匹配，其余仍待匹配",
}
_NOTHING_ELSE = {"instead": "", "instead_zh": ""}


class LineRef(Struct, frozen=True, omit_defaults=True):
    """A line of a statement by its file's SHA-256 in hex, the statement's position in it, its ordinal; `amount` is the
    part that is meant, all that is open where none is given."""

    file: str
    statement: int
    ordinal: int
    amount: int | None = None

    @property
    def key(self) -> LineKey:
        return self.file, self.statement, self.ordinal


class LegRef(Struct, frozen=True, omit_defaults=True):
    """A cash leg of an entry, in the same manner."""

    seq: int
    leg: int = 0
    amount: int | None = None


class OfLines(Command, frozen=True, kw_only=True, omit_defaults=True):
    """What commands share that say something of lines."""

    match: Id
    lines: tuple[LineRef, ...]

    def check(self) -> None:
        Command.check(self)
        if not self.lines:
            raise BadValue("lines", "-", "name at least one line", "请至少给出一笔流水")
        for line in self.lines:
            is_digest = len(line.file) == 64 and not set(line.file) - set("0123456789abcdef")
            if not is_digest or line.statement < 0 or line.ordinal < 0:
                raise BadValue("lines", line.file, "a line by its file's SHA-256", "应以文件的 SHA-256 指明流水")
        if len({line.key for line in self.lines}) < len(self.lines):
            raise BadValue("lines", len(self.lines), "each line once", "每笔流水只能给出一次")

    def novelties(self, needs: Needs) -> None:
        needs.new_streams.add(f"match/{self.match}")

    def needs(self, needs: Needs) -> None:
        needs.lines.update(line.key for line in self.lines)

    def line_parts(self, book: Book) -> tuple[LinePart, ...]:
        """The parts that are meant. Raises Unknown, PartTaken."""
        found = []
        for each in self.lines:
            line = book.cash.line(each.key)
            book.cash.require_account(line.account)
            amount = _open_part(each.amount, line.amount, line.taken, ("line", "流水", line.account, line.on))
            found.append(LinePart(line.account, *each.key, line.on, line.amount, amount))
        return tuple(found)


class MatchLines(OfLines, frozen=True, kw_only=True, omit_defaults=True):
    """对账匹配: these lines are these cash legs; without legs, lines of own accounts that come to zero.

    Of a single line, or leg, that is more than the others come to only as much is taken; the rest stays open.
    """

    rule: Id = PERSON
    legs: tuple[LegRef, ...] = ()

    def check(self) -> None:
        OfLines.check(self)
        if len({(leg.seq, leg.leg) for leg in self.legs}) < len(self.legs):
            raise BadValue("legs", len(self.legs), "each leg once", "每笔分录收付只能给出一次")

    def needs(self, needs: Needs) -> None:
        OfLines.needs(self, needs)
        needs.legs.update(leg.seq for leg in self.legs)

    def decide(self, book: Book) -> Decision:
        book.require_new("match", self.match)
        lines, legs = self.line_parts(book), self._leg_parts(book)
        come, booked = sum(line.amount for line in lines), sum(leg.amount for leg in legs)
        if len(lines) == 1 and self.lines[0].amount is None and 0 < abs(booked) < abs(come) and come * booked > 0:
            lines, come = (replace(lines[0], amount=booked),), booked
        elif len(legs) == 1 and self.legs[0].amount is None and 0 < abs(come) < abs(booked) and come * booked > 0:
            legs, booked = (replace(legs[0], amount=come),), come
        if come != booked:
            several = len(lines) > 1 and len(legs) > 1
            raise SumsDiffer(lines=come, legs=booked, **(_ONE_AT_A_TIME if several else _NOTHING_ELSE))
        if not legs and len(lines) < 2:
            raise BadValue("legs", "-", "name the entries", "请给出对应的分录")
        fact = LinesMatched(**self.common(), match=self.match, rule=self.rule, lines=lines, legs=legs)
        return Decision([fact])

    def _leg_parts(self, book: Book) -> tuple[LegPart, ...]:
        found = []
        for each in self.legs:
            leg = book.cash.leg(each.seq, each.leg)
            taken = leg.taken if leg.reversed_by is None else leg.amount
            amount = _open_part(each.amount, leg.amount, taken, ("leg", "分录收付", each.seq, each.leg))
            found.append(LegPart(each.seq, each.leg, leg.account, amount))
        return tuple(found)


class WriteOffLines(OfLines, frozen=True, kw_only=True, omit_defaults=True):
    """核销: what is open of these lines is no money of this ledger's."""

    reason: str

    def check(self) -> None:
        OfLines.check(self)
        if self.reason not in WRITE_OFF_REASONS:
            raise BadValue(
                "reason", self.reason, " ".join(WRITE_OFF_REASONS), "理由应为 " + "、".join(WRITE_OFF_REASONS)
            )

    def decide(self, book: Book) -> Decision:
        require_two(self, "a write-off", "核销")
        book.require_new("match", self.match)
        lines = self.line_parts(book)
        return Decision([LinesWrittenOff(**self.common(), match=self.match, reason=self.reason, lines=lines)])


class DisputeLines(OfLines, frozen=True, kw_only=True, omit_defaults=True):
    """存疑: what is open of these lines is contested."""

    def decide(self, book: Book) -> Decision:
        book.require_new("match", self.match)
        return Decision([LinesDisputed(**self.common(), match=self.match, lines=self.line_parts(book))])


class UnmatchLines(Command, frozen=True, kw_only=True, omit_defaults=True):
    """撤销匹配: a match, write-off or dispute stands no more."""

    match: Id

    def check(self) -> None:
        Command.check(self)
        if self.by is None:
            raise BadValue("by", "-", "name who does it", "须注明经办人")

    def needs(self, needs: Needs) -> None:
        needs.streams.add(f"match/{self.match}")
        needs.matches.add(self.match)

    def decide(self, book: Book) -> Decision:
        book.cash.require_standing(self.match)
        return Decision([LinesUnmatched(**self.common(), match=self.match)])


def require_two(command: Command, what: str, what_zh: str) -> None:
    """Raises TwoPersonsNeeded unless somebody did it and another approved."""
    if command.by is None or not command.is_approved():
        raise TwoPersonsNeeded(what=what, what_zh=what_zh)


def _open_part(wanted: int | None, whole: int, taken: int, named: tuple[str, str, object, object]) -> int:
    """The part that is meant of what is open; `named` is what it is a part of, in both languages. Raises PartTaken."""
    left = whole - taken
    part = left if wanted is None else wanted
    if not part or part * whole < 0 or abs(part) > abs(left):
        what, what_zh, *name = named
        part = whole if wanted is None else wanted
        raise PartTaken(what=what, what_zh=what_zh, name="/".join(map(str, name)), open=left, wanted=part)
    return part
