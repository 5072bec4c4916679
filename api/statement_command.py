"""`fenhao statement`: statements that rest on the signed log, as XLSX, PDF, CSV or JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from api.paper_commands import basis_of
from api.settings import Settings
from api.words import Words, common

# As in `api.cli`, each command imports what it needs when it runs.

R = TypeVar("R")


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


def _at_a_day(command: Callable[..., R]) -> Callable[..., R]:
    """Adds --month and --to."""
    month = click.option("--month", metavar="YYYY-MM", help="截至该月末 / to the end of a month")
    return month(click.option("--to", "until", metavar="DATE", help="截至该日 / to that day")(command))


@statement.command()
@_at_a_day
@_written
@common
def bank(words: Words, settings: Settings, out: Path, month: str | None, until: str | None) -> None:
    """银行存款余额调节表，按已登记的匹配 / Bank reconciliation, by the matches that were recorded."""
    from api.bootstrap import assembled
    from ledger.database import tuples
    from projections.trace import snapshot
    from reports.statement_making import statements_that_count

    day = _day(month, until)
    with assembled(settings, words.status.wait) as fenhao:
        basis = basis_of(fenhao, words)
        with snapshot(fenhao.journal) as connection:
            counted = statements_that_count(tuples(connection), basis)
    _make(words, settings, "bank", {"to": day, "statements": counted}, out)


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
@_at_a_day
@_written
@common
def position(words: Words, settings: Settings, out: Path, month: str | None, until: str | None) -> None:
    """资金头寸表：持有的资金与所在账户，差额为零 / What is held against the accounts that it is on, to the fen."""
    _make(words, settings, "position", {"to": _day(month, until)}, out)


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


@statement.command()
@click.argument("donor")
@click.option("--month", metavar="YYYY-MM", help="月份 / of a month")
@click.option("--year", metavar="YYYY", help="年度 / of a year")
@click.option("--by", metavar="STAFF", help="以脱敏姓名显示孩子：查阅人 / call children by masked name: who reads")
@click.option("--reason", metavar="TEXT", help="查阅理由（留痕） / and why; it is logged")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE.(html|pdf|xlsx|csv|json)",
    help="写入此文件，按扩展名定格式 / write it here, as what its name ends in",
)
@common
def donor(
    words: Words,
    settings: Settings,
    donor: str,
    month: str | None,
    year: str | None,
    by: str | None,
    reason: str | None,
    out: Path,
) -> None:
    """捐赠人台账：期初＋捐赠＋认领－使用－费用－管理费－退回＝期末 / A donor's statement, what was used for whom."""
    from api.bootstrap import assembled, reader_of
    from api.outfile import whole_file
    from ledger.errors import BadValue
    from ledger.ids import check_id
    from ledger.vault import Reader
    from projections.trace import Page, reading
    from reports.donor import Wording
    from reports.donor_statement import FORMATS, DonorReader, donor_file, told_of
    from reports.statements import code_of, grouped

    check_id(donor, "donor")
    form, named = out.suffix.lower(), month or year
    if form not in FORMATS:
        raise BadValue("out", out.name, f"a name that ends in {', '.join(FORMATS)}", f"扩展名应为 {'、'.join(FORMATS)}")
    if named is None or (month and year) or len(named) != (7 if month else 4):
        rule = "give --month 2026-10 or --year 2026", "须给出 --month 2026-10 或 --year 2026"
        raise BadValue("month", named or "-", *rule)
    if (by is None) != (reason is None):
        raise BadValue("by", by or "-", "names are read by somebody for a reason: give both", "查阅人与理由须同时填写")
    looking = Reader(by, reason) if by is not None and reason is not None else None
    with assembled(settings, words.status.wait) as fenhao:
        basis = basis_of(fenhao, words)
        reader = reader_of(fenhao)
        with reading(fenhao.journal) as traces:
            traces.donor(donor, Page(limit=1))  # refuses one who is not known
        told = told_of(fenhao.journal, fenhao.vault, donor, named, basis, looking)
    speaking = DonorReader(reader.language, basis.currency, basis.exponent, Wording(reader, told.names))
    with whole_file(out) as file:
        file.write(donor_file(told, speaking, form))
    words.status.clear()
    code = code_of(told.statement)
    words.say(
        f"捐赠人台账已写入 {out}，依据前 {basis.size} 条分录，校验码 {grouped(code)}",
        f"Donor statement: {out}, resting on the first {basis.size} entries, code {grouped(code)}",
    )
    words.give({"out": str(out), "statement": "donor", "size": basis.size, "root": basis.root.hex(), "code": code})


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


def _period(**asked: Any) -> dict[str, str]:
    """The first and last day that the options name."""
    from api.papers import Asked, period_of

    return period_of(Asked(**asked))


def _day(month: str | None, until: str | None) -> str:
    """The last day of the month, or the day. Raises BadValue."""
    from api.papers import month_of
    from ledger.errors import BadValue
    from ledger.times import parse_day

    if (month is None) == (until is None):
        raise BadValue("month", month or "-", "give --month or --to", "须给出 --month 或 --to")
    return month_of(month)["to"] if month is not None else parse_day(str(until), "to").isoformat()


def _rate(text: str, name: str) -> int:
    from ledger.errors import BadValue
    from ledger.money import AmountError, parse_rate

    try:
        return parse_rate(text)
    except AmountError as error:
        raise BadValue(name, text, *error.args) from error
