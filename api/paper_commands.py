"""`fenhao journal` and `fenhao vouchers`: the books for accounting programs."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.settings import Settings
from api.words import Words, common

if TYPE_CHECKING:
    from api.bootstrap import Fenhao
    from reports.postings import Basis

# As in `api.cli`, each command imports what it needs when it runs.

FORMATS = ("hledger", "ledger", "beancount")


@click.command()
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="哪种程序 / for which program")
@click.option("--from", "since", metavar="DATE", help="自该日起，之前的结转为期初余额 / from that day on")
@click.option("--to", "until", metavar="DATE", help="至该日止 / up to that day")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE")
@common
def journal(words: Words, settings: Settings, form: str, since: str | None, until: str | None, out: Path) -> None:
    """纯文本日记账：hledger、ledger、beancount / The books as a plain-text journal, with monthly balance assertions."""
    from api.bootstrap import assembled
    from api.outfile import whole_file
    from reports.journals import journal_lines
    from reports.posted import posted

    first, last = _days(since, until)
    written = 0
    with assembled(settings, words.status.wait) as fenhao:
        basis = basis_of(fenhao, words)
        with whole_file(out) as file, posted(fenhao.journal, basis.size, last) as transactions:
            for line in journal_lines(transactions, form, basis, first):
                file.write(f"{line}\n".encode())
                written += 1
    words.status.clear()
    words.say(
        f"{form} 日记账已写入 {out}（{written} 行，依据前 {basis.size} 条分录）",
        f"the {form} journal is in {out} ({written} lines, resting on the first {basis.size} entries)",
    )
    words.give({"out": str(out), "lines": written, "size": basis.size, "root": basis.root.hex()})


@click.command()
@click.option("--month", required=True, metavar="YYYY-MM", help="月份 / of a month")
@click.option("--chart", type=click.Path(path_type=Path), metavar="CHART.toml", help="科目表 / the chart of accounts")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE.csv",
    help="写入 / write it here",
)
@common
def vouchers(words: Words, settings: Settings, month: str, chart: Path | None, out: Path) -> None:
    """记账凭证：借贷平衡，供财务软件导入 / Vouchers of a month as CSV for accounting programs."""
    from api.bootstrap import assembled
    from api.outfile import whole_file
    from api.papers import month_of
    from ledger.times import parse_day
    from reports.chart import read_chart
    from reports.posted import posted
    from reports.statement_files import csv_text
    from reports.statement_kinds import Period
    from reports.statement_words import StatementReader
    from reports.vouchers import voucher_rows, vouchers_of

    days, codes = month_of(month), read_chart(chart)
    period = Period(parse_day(days["from"], "month"), parse_day(days["to"], "month"))
    written = -2  # neither the mark at the beginning nor the heading is a line
    with assembled(settings, words.status.wait) as fenhao:
        basis = basis_of(fenhao, words)
        reader = StatementReader(settings.language, basis.currency, basis.exponent)
        with whole_file(out) as file, posted(fenhao.journal, basis.size, period.until) as transactions:
            for row in csv_text(voucher_rows(vouchers_of(transactions, period), codes, reader)):
                file.write(row)
                written += 1
    words.status.clear()
    words.say(
        f"{month} 记账凭证已写入 {out}（{written} 行，依据前 {basis.size} 条分录）",
        f"the vouchers of {month} are in {out} ({written} lines, resting on the first {basis.size} entries)",
    )
    words.give({"out": str(out), "lines": written, "size": basis.size, "root": basis.root.hex()})


def basis_of(fenhao: Fenhao, words: Words) -> Basis:
    """The newest signed head, with views that have its entries; says how many newer entries are left out.

    Raises NothingSigned before the first.
    """
    from api.bootstrap import log_of
    from reports.postings import Basis, NothingSigned

    head = fenhao.journal.entries.head()
    words.exponent = head.exponent or 0
    signed = log_of(fenhao).checkpoint()
    if signed is None:
        raise NothingSigned
    fenhao.runner.catch_up(progress=words.status.views)
    words.status.clear()
    if newer := head.size - signed.size:
        words.say(
            f"注意：最新 {newer} 条分录尚未签署，不计入；可先运行 fenhao checkpoint",
            f"note: the newest {newer} entries are not signed and not in it; run fenhao checkpoint first",
        )
    return Basis(str(head.origin), str(head.currency), head.exponent or 0, signed.size, signed.root)


def _days(since: str | None, until: str | None) -> tuple[date, date]:
    from ledger.errors import BadValue
    from ledger.times import parse_day

    first = date.min if since is None else parse_day(since, "from")
    last = date.max if until is None else parse_day(until, "to")
    if first > last:
        raise BadValue("to", until, "not before --from", "不得早于 --from")
    return first, last
