"""Statements and vouchers, wherever they are asked for: what is asked for becomes a paper under the signed head."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from api.bootstrap import Fenhao, log_of
from ledger.database import tuples
from ledger.errors import BadValue
from ledger.money import parse_rate
from ledger.times import parse_day
from projections.trace import snapshot
from reports.chart import read_chart
from reports.posted import posted
from reports.postings import Basis, NothingSigned
from reports.statement_files import csv_text, statement_file
from reports.statement_kinds import Period
from reports.statement_making import Making, statements_that_count
from reports.statement_words import StatementReader
from reports.vouchers import voucher_rows, vouchers_of

KINDS = ("bank", "accounts", "flows", "fund", "hospital", "position", "ratios")
"""The statements of finance."""
PROGRAMME_MIN, MANAGEMENT_MAX = "0.70", "0.10"
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})", re.ASCII)


class Asked(NamedTuple):
    """A paper as it is asked for: a month or a year, or from a day to a day; of one fund, or one hospital."""

    month: str | None = None
    year: int | None = None
    since: str | None = None
    until: str | None = None
    fund: str | None = None
    hospital: str | None = None


def basis_of(fenhao: Fenhao) -> Basis:
    """The newest signed head, with views that have its entries. Raises NothingSigned."""
    head, signed = fenhao.journal.entries.head(), log_of(fenhao).checkpoint()
    if signed is None:
        raise NothingSigned
    fenhao.runner.catch_up()
    return Basis(str(head.origin), str(head.currency), head.exponent or 0, signed.size, signed.root)


def statement_of(fenhao: Fenhao, kind: str, asked: Asked, form: str, language: str) -> bytes:
    """A statement as a file; `form` is `.xlsx`, `.pdf`, `.csv` or `.json`. Raises NothingSigned, BadValue, Unknown."""
    basis = basis_of(fenhao)
    made = Making(fenhao.journal, basis).make(kind, parameters_of(fenhao, basis, kind, asked))
    return statement_file(made, StatementReader(language, basis.currency, basis.exponent), form)


def vouchers_file(fenhao: Fenhao, month: str, language: str) -> bytes:
    """The vouchers of a month as CSV. Raises NothingSigned, BadValue."""
    days = month_of(month)
    period = Period(date.fromisoformat(days["from"]), date.fromisoformat(days["to"]))
    basis = basis_of(fenhao)
    reader = StatementReader(language, basis.currency, basis.exponent)
    with posted(fenhao.journal, basis.size, period.until) as transactions:
        return b"".join(csv_text(voucher_rows(vouchers_of(transactions, period), read_chart(None), reader)))


def parameters_of(fenhao: Fenhao, basis: Basis, kind: str, asked: Asked) -> Mapping[str, Any]:
    """What a statement is made from. Raises BadValue."""
    if kind == "ratios":
        if asked.year is None:
            raise BadValue("year", asked.month or "-", "the worksheet is of a year", "比例测算表按年度编制")
        limits = {"programme_min": parse_rate(PROGRAMME_MIN), "management_max": parse_rate(MANAGEMENT_MAX)}
        return {"year": asked.year, "rules": {**limits, "years": 1}}
    days = period_of(asked)
    if kind == "position":
        return {"to": days["to"]}
    if kind == "bank":
        with snapshot(fenhao.journal) as connection:
            return {"to": days["to"], "statements": statements_that_count(tuples(connection), basis)}
    more = {"chart": read_chart(None).entries} if kind == "accounts" else {}
    named = {"flows": {"fund": asked.fund}, "hospital": {"hospital": asked.hospital}}.get(kind, {})
    return {**days, **more, **{name: value for name, value in named.items() if value is not None}}


def period_of(asked: Asked) -> dict[str, str]:
    """The first and the last day that are asked for. Raises BadValue."""
    given = [asked.month is not None, asked.year is not None, asked.since is not None or asked.until is not None]
    if given.count(True) != 1:
        rule = "give a month, a year, or from and to", "须给出月份、年度，或起止日期"
        raise BadValue("month", asked.month or "-", *rule)
    if asked.year is not None:
        return {"from": f"{asked.year:04}-01-01", "to": f"{asked.year:04}-12-31"}
    if asked.month is not None:
        return month_of(asked.month)
    first, last = parse_day(asked.since or "-", "from"), parse_day(asked.until or "-", "to")
    if first > last:
        raise BadValue("to", asked.until, "not before from", "不得早于 from")
    return {"from": first.isoformat(), "to": last.isoformat()}


def month_of(text: str) -> dict[str, str]:
    """The first and last day of `2026-10`. Raises BadValue."""
    match = _MONTH.fullmatch(text)
    if match is None or not (1 <= int(match[2]) <= 12 and int(match[1]) >= 1):
        raise BadValue("month", text, "a month is written 2026-10", "月份应写作 2026-10")
    year, month = int(match[1]), int(match[2])
    last = calendar.monthrange(year, month)[1]
    return {"from": date(year, month, 1).isoformat(), "to": date(year, month, last).isoformat()}
