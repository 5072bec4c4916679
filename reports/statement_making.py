"""Makes a statement from a ledger: the same from the same parameters and head, whenever and wherever it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

from ledger.database import queries, tuples
from ledger.errors import Unknown
from ledger.journal import Journal
from projections.trace import snapshot
from reports.chart import Chart
from reports.hospital_statement import hospital_tables
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


KINDS: dict[str, Callable[[Making, Mapping[str, Any]], Made]] = {
    "accounts": _accounts,
    "flows": _flows,
    "fund": _fund,
    "hospital": _hospital,
    "ratios": _ratios,
}
"""How each kind of statement is made from its parameters."""


def _period(parameters: Mapping[str, Any]) -> Period:
    return Period(date.fromisoformat(parameters["from"]), date.fromisoformat(parameters["to"]))
