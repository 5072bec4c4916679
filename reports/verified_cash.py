"""The tables of accounts, suspense, matches, periods and reversals, held against the entries for `fenhao verify`.

What stands is the replay's own. The parts of matches, of which there may be millions, are added up on the way as sums
that don't depend on their order, of Python's hashes, keyed afresh in each process; and so are the tables' rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from audit.verify import Report
from ledger.database import Connection, queries
from reports.verified_tables import rows_of

_SQL = queries("reports", "verified_cash.sql")
KINDS = {"LinesMatched": "matched", "LinesWrittenOff": "written_off", "LinesDisputed": "disputed"}
_LINES, _PERIOD = b'"type":"Lines', b'"type":"Period'
_ENDING_BYTES = 80
"""No fewer than an entry has from its type on."""


class _Line(Struct, gc=False):
    account: str
    file: str
    statement: int
    ordinal: int
    on: str
    amount: int


class _Leg(Struct, gc=False):
    account: str
    seq: int
    leg: int
    amount: int


class _Data(Struct, gc=False):
    match: str = ""
    period: str = ""
    through: str = ""
    lines: tuple[_Line, ...] = ()
    legs: tuple[_Leg, ...] = ()


class _Entry(Struct, gc=False):
    seq: int
    type: str
    data: _Data


class CashSaid:
    """What entries say of lines, legs and periods, each as a sum."""

    def __init__(self) -> None:
        self._decode = Decoder(_Entry).decode
        self.sums = dict.fromkeys(TABLES, 0)

    def add(self, raw: bytes) -> None:
        """The next entry, of whatever kind."""
        ending = raw[-_ENDING_BYTES:]
        if _LINES not in ending and _PERIOD not in ending:
            return
        # The replay, which reads every byte, says what is wrong with an entry that cannot be read.
        with suppress(DecodeError):
            entry = self._decode(raw)
            self._take(entry.seq, entry.type, entry.data)

    def _take(self, seq: int, kind: str, data: _Data) -> None:
        sums, said = self.sums, KINDS.get(kind)
        for line in data.lines if said else ():
            place = (line.file, line.statement, line.ordinal, line.account, line.on)
            sums["line_part"] += hash((data.match, said, *place, line.amount, seq))
        for leg in data.legs if said else ():
            sums["leg_part"] += hash((seq, leg.seq, leg.leg, leg.account, leg.amount))
        if kind == "LinesUnmatched":
            sums["parts_undone"] += hash((data.match, seq))
        elif kind == "PeriodClosed":
            sums["period_close"] += hash((data.period, data.through, seq))
        elif kind == "PeriodReopened":
            sums["periods_reopened"] += hash((data.period, seq))


TABLES = {
    "line_part": ("line_part", "对账流水表"),
    "leg_part": ("leg_part", "对账分录表"),
    "parts_undone": ("line_part", "对账流水表"),
    "period_close": ("period_close", "账期表"),
    "periods_reopened": ("period_close", "账期表"),
}
"""Sums by the query that reads as much of a table: its name, and what it is called."""


def tables_unlike(connection: Connection, report: Report, said: CashSaid) -> Iterator[tuple[str, str]]:
    """Each table that says what the entries do not, by its name and in Chinese, in the transaction that is open."""
    stands = report.standing()
    suspended = {name: one for name, one in stands.suspended.items() if one[0]}
    small = {
        ("account", "账户表"): dict(connection.execute(_SQL["accounts"]).fetchall()) == stands.accounts,
        ("suspense", "待查暂收表"): {
            name: (amount, left, since) for name, amount, left, since in connection.execute(_SQL["suspense"])
        }
        == suspended,
        ("reversal", "冲销表"): dict(connection.execute(_SQL["reversals"]).fetchall()) == stands.reversed,
        ("period_close", "账期表"): connection.execute(_SQL["closes"]).fetchall() == stands.closes,
    }
    wrong = [name for name, is_like in small.items() if not is_like]
    wrong += [
        name
        for sum_of, name in TABLES.items()
        if said.sums[sum_of] != sum(map(hash, rows_of(connection, _SQL[sum_of])))
    ]
    if connection.execute(_SQL["torn"]).fetchone() is not None:
        wrong.append(TABLES["leg_part"])
    yield from dict.fromkeys(wrong)
