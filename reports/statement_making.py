"""Makes a statement from a ledger: the same from the same parameters and head, whenever and wherever it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.json import Decoder

from ledger.database import Cursor, queries, tuples
from ledger.errors import Unknown
from ledger.journal import Journal
from projections.trace import snapshot
from reports.bank_statement import Balance, BankLine, Matched, bank_tables, books_of
from reports.chart import Chart
from reports.donor_statement import read, tables_of
from reports.hospital_statement import hospital_tables
from reports.position_statement import position_tables
from reports.posted import Posted, posted
from reports.postings import Basis
from reports.ratio_statement import Rules, ratio_tables
from reports.statement_kinds import (
    Names,
    Period,
    account_tables,
    flow_tables,
    fund_flow_tables,
    fund_tables,
)
from reports.statements import Statement, Table

_SQL = queries("reports", "statements.sql")


class Making:
    """A ledger's entries under a head, as statements are made from them."""

    def __init__(self, journal: Journal, basis: Basis) -> None:
        self.journal = journal
        self.basis = basis

    def make(self, kind: str, parameters: Mapping[str, Any]) -> Statement:
        """The statement of a kind, one of KINDS. Raises KeyError, TypeError, ValueError for parameters of another kind,
        Unknown for what the ledger does not have."""
        on, tables = KINDS[kind](self, parameters)
        return Statement(kind, parameters, self.basis, on, tables)

    def posted(self, until: date) -> AbstractContextManager[Posted]:
        """What the entries posted by a day."""
        return posted(self.journal, self.basis.size, until)

    def names(self) -> Names:
        """What funds and hospitals are called."""
        with snapshot(self.journal) as connection:
            return dict(tuples(connection).execute(_SQL["names"], {"size": self.basis.size}).fetchall())


Made = tuple[date, list[Table]]


def _accounts(making: Making, parameters: Mapping[str, Any]) -> Made:
    period = _period(parameters)
    with making.posted(period.until) as transactions:
        return period.until, account_tables(transactions, period, Chart(parameters["chart"]))


def _flows(making: Making, parameters: Mapping[str, Any]) -> Made:
    period, fund, names = _period(parameters), parameters.get("fund"), making.names()
    if fund is not None and f"fund/{fund}" not in names:
        raise Unknown("fund", str(fund))
    with making.posted(period.until) as transactions:
        if fund is not None:
            return period.until, fund_flow_tables(transactions, period, str(fund))
        return period.until, flow_tables(transactions, period, names)


def _fund(making: Making, parameters: Mapping[str, Any]) -> Made:
    period = _period(parameters)
    with making.posted(period.until) as transactions:
        return period.until, fund_tables(transactions, period, making.names())


def _hospital(making: Making, parameters: Mapping[str, Any]) -> Made:
    period, hospital, names = _period(parameters), parameters.get("hospital"), making.names()
    if hospital is not None and f"hospital/{hospital}" not in names:
        raise Unknown("hospital", str(hospital))
    with snapshot(making.journal) as connection:
        bounds = {"size": making.basis.size, "until": period.until}
        rows = tuples(connection).execute(_SQL["advances"], bounds).fetchall()
    return period.until, hospital_tables(rows, period, names, hospital)


def _ratios(making: Making, parameters: Mapping[str, Any]) -> Made:
    year = int(parameters["year"])
    last_day = date(year, 12, 31)
    with making.posted(last_day) as transactions:
        return last_day, ratio_tables(transactions, year, Rules(**parameters["rules"]))


class _Match(Struct, frozen=True):
    seq: int
    data: Matched


def _bank(making: Making, parameters: Mapping[str, Any]) -> Made:
    until = date.fromisoformat(parameters["to"])
    wanted = [int(one) for one in parameters["statements"]]
    bounds = {"size": making.basis.size, "until": until, "statements": wanted}
    with snapshot(making.journal) as connection:
        cursor = tuples(connection)
        known = set(statements_that_count(cursor, making.basis))
        if not known.issuperset(wanted):
            raise ValueError("a statement of a bank that does not count here")
        balances = {
            account: Balance(on, amount)
            for account, on, amount in cursor.execute(_SQL["bank_balances"], bounds).fetchall()
        }
        lines = [
            BankLine((file, position, ordinal), *rest)
            for file, position, ordinal, *rest in cursor.execute(_SQL["bank_lines"], bounds).fetchall()
        ]
        bodies = cursor.execute(_SQL["matches"], bounds).fetchall()
    with making.posted(until) as transactions:
        books = books_of(transactions, frozenset(balances))
    matches = ((one.seq, one.data) for one in (_decode_match(body) for (body,) in bodies))
    return until, bank_tables(books, balances, lines, matches, until)


def _position(making: Making, parameters: Mapping[str, Any]) -> Made:
    until = date.fromisoformat(parameters["to"])
    with snapshot(making.journal) as connection:
        bounds = {"size": making.basis.size, "until": until}
        held = dict(tuples(connection).execute(_SQL["held"], bounds).fetchall())
    with making.posted(until) as transactions:
        return until, position_tables(held, transactions)


def statements_that_count(cursor: Cursor, basis: Basis) -> list[int]:
    """The statements of banks that tie or were accepted, in the ledger's currency, by number."""
    rows = cursor.execute(_SQL["bank_statements"], {"currency": basis.currency}).fetchall()
    return [number for (number,) in rows]


_decode_match = Decoder(_Match).decode


def _donor(making: Making, parameters: Mapping[str, Any]) -> Made:
    on = date.fromisoformat(parameters["to"])
    return on, tables_of(read(making.journal, making.basis, parameters))


KINDS: dict[str, Callable[[Making, Mapping[str, Any]], Made]] = {
    "accounts": _accounts,
    "bank": _bank,
    "flows": _flows,
    "fund": _fund,
    "hospital": _hospital,
    "position": _position,
    "ratios": _ratios,
    "donor": _donor,
}
"""How each kind of statement is made from its parameters."""


def _period(parameters: Mapping[str, Any]) -> Period:
    return Period(date.fromisoformat(parameters["from"]), date.fromisoformat(parameters["to"]))
