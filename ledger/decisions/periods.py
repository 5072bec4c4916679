"""Commands that close a period of the books, and open the last one again: two persons do either."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from ledger.bank_events import AccountBalance, Total
from ledger.book import Book
from ledger.decisions.base import Command, Decision
from ledger.decisions.matching import require_two
from ledger.errors import BadValue, NotYet
from ledger.events import Id, PeriodClosed, PeriodReopened
from ledger.ids import check_opaque
from ledger.needs import Needs


class CloseMonth(Command, frozen=True, kw_only=True, omit_defaults=True):
    """关账, as it is asked for; the figures are taken under the ledger's lock and make a `ClosePeriod` of it."""

    period: str
    reason: Id | None = None

    def check(self) -> None:
        Command.check(self)
        last_day(self.period)
        check_opaque(self.reason, "reason")

    def needs(self, needs: Needs) -> None:
        needs.streams.add(f"period/{self.period}")


class ClosePeriod(CloseMonth, frozen=True, kw_only=True, omit_defaults=True):
    """The same with its figures, the caller's, taken under the same lock; see `PeriodClosed`."""

    totals: tuple[Total, ...]
    accounts: tuple[AccountBalance, ...]
    suspense: int
    elsewhere: int
    size: int
    root: str
    open_lines: int = 0

    def check(self) -> None:
        CloseMonth.check(self)
        if self.size < 1:
            raise BadValue("size", self.size, "a signed head to rest on", "须以已签名的日志头为据")

    def digest(self) -> bytes:
        """That of what was asked for: the same asked again would have other figures."""
        return CloseMonth(**{name: getattr(self, name) for name in CloseMonth.__struct_fields__}).digest()

    def decide(self, book: Book) -> Decision:
        require_two(self, "closing a period", "关账")
        through = last_day(self.period)
        if through >= book.today:
            raise NotYet(on=through, today=book.today)
        book.cash.require_open(through)
        return Decision(
            [
                PeriodClosed(
                    **self.common(),
                    period=self.period,
                    through=through,
                    totals=self.totals,
                    accounts=self.accounts,
                    suspense=self.suspense,
                    elsewhere=self.elsewhere,
                    size=self.size,
                    root=self.root,
                    open_lines=self.open_lines,
                    reason=self.reason,
                )
            ]
        )


class ReopenPeriod(Command, frozen=True, kw_only=True, omit_defaults=True):
    """重开账期: only the last one that is closed."""

    period: str
    reason: Id

    def check(self) -> None:
        Command.check(self)
        last_day(self.period)
        check_opaque(self.reason, "reason")

    def needs(self, needs: Needs) -> None:
        needs.streams.add(f"period/{self.period}")

    def decide(self, book: Book) -> Decision:
        require_two(self, "reopening a period", "重开账期")
        closed = book.cash.closed
        if closed is None or closed[0] != self.period:
            last = "-" if closed is None else closed[0]
            raise BadValue("period", self.period, f"the last closed one ({last})", f"只能重开最后关账的账期（{last}）")
        return Decision([PeriodReopened(**self.common(), period=self.period, reason=self.reason)])


def last_day(period: str) -> date:
    """The last day of a month written `2026-10`. Raises BadValue."""
    year, _, month = period.partition("-")
    if len(period) != 7 or not (year + month).isascii() or not (year + month).isdigit() or not 1 <= int(month) <= 12:
        raise BadValue("period", period, "a month, such as 2026-10", "应为月份，如 2026-10")
    if int(year) == 0:
        raise BadValue("period", period, "a month, such as 2026-10", "应为月份，如 2026-10")
    return date(int(year), int(month), monthrange(int(year), int(month))[1])
