"""`fenhao statement`: statements that rest on the signed log, as XLSX, PDF, CSV or JSON."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click

from api.paper_commands import basis_of
from api.settings import Settings
from api.words import Words, common

# As in `api.cli`, each command imports what it needs when it runs.

R = TypeVar("R")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})", re.ASCII)


@click.group()
def statement() -> None:
    """报表：附日志头与校验码，可用 verify-report 核对 / Statements with the head that they rest on, and a code."""


def _written(command: Callable[..., R]) -> Callable[..., R]:
    """Adds --out."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path, dir_okay=False),
        required=True,
        metavar="FILE.(xlsx|pdf|csv|json)",
        help="写入此文件，按扩展名定格式 / write it here, as what its name ends in",
    )(command)


def _over_a_period(command: Callable[..., R]) -> Callable[..., R]:
    """Adds --month, --year, --from and --to."""
    month = click.option("--month", metavar="YYYY-MM", help="月份 / of a month")
    year = click.option("--year", type=click.IntRange(1900, 9998), help="年度 / of a year")
    since = click.option("--from", "since", metavar="DATE", help="自该日 / from that day")
    until = click.option("--to", "until", metavar="DATE", help="至该日 / to that day")
    return month(year(since(until(command))))


@statement.command()
@_over_a_period
@click.option("--chart", type=click.Path(path_type=Path), metavar="CHART.toml", help="科目表 / the chart of accounts")
@_written
@common
def accounts(words: Words, settings: Settings, out: Path, chart: Path | None, **period: Any) -> None:
    """科目余额表 / Trial balance by the chart of accounts."""
    from reports.chart import read_chart

    _make(words, settings, "accounts", {**_period(**period), "chart": read_chart(chart).entries}, out)


@statement.command()
@_over_a_period
@click.option("--fund", metavar="F", help="只看一个基金，逐笔列出 / one fund, entry by entry")
@_written
@common
def flows(words: Words, settings: Settings, out: Path, fund: str | None, **period: Any) -> None:
    """收支明细表 / What came into each fund and went out of it."""
    _make(words, settings, "flows", {**_period(**period), **({} if fund is None else {"fund": fund})}, out)


@statement.command()
@_over_a_period
@_written
@common
def fund(words: Words, settings: Settings, out: Path, **period: Any) -> None:
    """基金变动表：期初＋…＝期末，含限定性转非限定性 / Changes in funds, restricted to unrestricted among them."""
    _make(words, settings, "fund", _period(**period), out)


@statement.command()
@_over_a_period
@click.option("--hospital", metavar="H", help="只看一家医院，逐个案列出 / one hospital, case by case")
@_written
@common
def hospital(words: Words, settings: Settings, out: Path, hospital: str | None, **period: Any) -> None:
    """医院对账单与预付款账龄 / Payments to hospitals, settlements, and advances by age."""
    more = {} if hospital is None else {"hospital": hospital}
    _make(words, settings, "hospital", {**_period(**period), **more}, out)


@statement.command()
@click.option("--year", type=click.IntRange(1901, 9998), required=True, help="年度 / of a year")
@click.option("--programme-min", default="0.70", show_default=True, help="支出占上年收入至少 / spending, at least")
@click.option("--management-max", default="0.10", show_default=True, help="管理费用至多 / management, at most")
@click.option("--years", type=click.IntRange(1, 10), default=1, show_default=True, help="收入取前几年均值 / income of")
@_written
@common
def ratios(
    words: Words, settings: Settings, out: Path, year: int, programme_min: str, management_max: str, years: int
) -> None:
    """比例测算表（慈善法第六十一条），逐项列出依据的分录 / Worksheet of the ratios, each figure down to its entries."""
    limits = {"programme_min": _rate(programme_min, "programme_min")}
    limits["management_max"] = _rate(management_max, "management_max")
    _make(words, settings, "ratios", {"year": year, "rules": {**limits, "years": years}}, out)


def _make(words: Words, settings: Settings, kind: str, parameters: Mapping[str, Any], out: Path) -> None:
    """Makes a statement, writes it, and says its code."""
    from api.bootstrap import assembled
    from api.outfile import whole_file
    from ledger.errors import BadValue
    from reports.statement_files import FORMATS, statement_file
    from reports.statement_making import Making
    from reports.statement_words import StatementReader
    from reports.statements import code_of, grouped

    form = out.suffix.lower()
    if form not in FORMATS:
        raise BadValue("out", out.name, f"a name that ends in {', '.join(FORMATS)}", f"扩展名应为 {'、'.join(FORMATS)}")
    with assembled(settings, words.status.wait) as fenhao:
        basis = basis_of(fenhao, words)
        made = Making(fenhao.journal, basis).make(kind, parameters)
    reader = StatementReader(settings.language, basis.currency, basis.exponent)
    with whole_file(out) as file:
        file.write(statement_file(made, reader, form))
    words.status.clear()
    code = code_of(made)
    title = {language: StatementReader(language).word(f"statement_{kind}") for language in ("zh", "en")}
    words.say(
        f"{title['zh']}已写入 {out}，依据前 {basis.size} 条分录，校验码 {grouped(code)}",
        f"{title['en']}: {out}, resting on the first {basis.size} entries, code {grouped(code)}",
    )
    words.give({"out": str(out), "statement": kind, "size": basis.size, "root": basis.root.hex(), "code": code})


def _period(
    month: str | None = None, year: int | None = None, since: str | None = None, until: str | None = None
) -> dict[str, str]:
    """The first and last day that the options name."""
    from ledger.errors import BadValue
    from ledger.times import parse_day

    rule = "give --month, --year, or --from and --to", "须给出 --month、--year，或 --from 与 --to"
    if [month is not None, year is not None, since is not None or until is not None].count(True) != 1:
        raise BadValue("month", month or "-", *rule)
    if year is not None:
        return {"from": f"{year:04}-01-01", "to": f"{year:04}-12-31"}
    if month is not None:
        return month_of(month)
    if since is None or until is None:
        raise BadValue("from", since or "-", *rule)
    first, last = parse_day(since, "from"), parse_day(until, "to")
    if first > last:
        raise BadValue("to", until, "not before --from", "不得早于 --from")
    return {"from": first.isoformat(), "to": last.isoformat()}


def month_of(text: str) -> dict[str, str]:
    """The first and last day of `2026-10`. Raises BadValue."""
    from ledger.errors import BadValue

    match = _MONTH.fullmatch(text)
    if match is None or not (1 <= int(match[2]) <= 12 and int(match[1]) >= 1):
        raise BadValue("month", text, "a month is written 2026-10", "月份应写作 2026-10")
    year, month = int(match[1]), int(match[2])
    last = calendar.monthrange(year, month)[1]
    return {"from": date(year, month, 1).isoformat(), "to": date(year, month, last).isoformat()}


def _rate(text: str, name: str) -> int:
    from ledger.errors import BadValue
    from ledger.money import AmountError, parse_rate

    try:
        return parse_rate(text)
    except AmountError as error:
        raise BadValue(name, text, *error.args) from error
