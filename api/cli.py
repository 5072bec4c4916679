"""The command line, `fenhao`: reads arguments, calls the rooms below, says what came of it, and exits 0, 1, 2 or 3.

Every command takes `--json`. What people read is Chinese, or English with `--lang en`. A fault is one clear sentence in
both, exit code 2, and nothing changed.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from api.close_command import close
from api.codes_commands import codes
from api.confirm_command import confirm
from api.demo_command import demo
from api.heads_command import heads
from api.key_commands import key
from api.log_commands import checkpoint, export
from api.matching_commands import bank
from api.paper_commands import journal, vouchers
from api.receipt_command import receipt
from api.record_command import record
from api.sample_command import sample
from api.sankey_command import sankey
from api.service_commands import donor_link, serve, staff, token
from api.settings import GARBAGE, Settings
from api.statement_command import statement
from api.timestamp_command import timestamp
from api.trace_command import trace
from api.vault_commands import vault
from api.verify_command import verify
from api.verify_report_command import verify_report
from api.witness_commands import witness
from api.words import EXIT_TAMPERED, Words
from api.words import common as _common
from api.words import looking_back as _looking_back

# Each command imports what it needs when it runs: help comes at once, and the verifier's worker processes, which import
# this module as their main one, start quickly.


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="fenhao")
def main() -> None:
    """分毫 fenhao：每一分善款都有编号、有去处、可验证。

    Every fen of a charity's money has a serial number; where each went can be followed, and checked by strangers.
    """
    gc.set_threshold(GARBAGE)  # before libraries are imported
    from ledger.embedded import exit_on_sigterm

    exit_on_sigterm()


main.add_command(bank)
main.add_command(close)
main.add_command(codes)
main.add_command(confirm)
main.add_command(record)
main.add_command(checkpoint)
main.add_command(timestamp)
main.add_command(export)
main.add_command(receipt)
main.add_command(heads)
main.add_command(key)
main.add_command(vault)
main.add_command(witness)
main.add_command(sample)
main.add_command(sankey)
main.add_command(trace)
main.add_command(journal)
main.add_command(vouchers)
main.add_command(statement)
main.add_command(serve)
main.add_command(token)
main.add_command(staff)
main.add_command(donor_link)
main.add_command(verify)
main.add_command(verify_report)
main.add_command(demo)


@main.command()
@click.option("--origin", required=True, help="账本名称，如 ledger.example.org/aiyou / the ledger's name")
@click.option("--currency", default="CNY", show_default=True, help="币种 / ISO 4217 code")
@click.option("--zone", default="Asia/Shanghai", show_default=True, help="记账时区 / time zone of posting dates")
@click.option(
    "--continues",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="HEAD",
    help="接续旧账本的最后日志头 / the last head of an older ledger that this one follows",
)
@click.option("--no-codes", is_flag=True, help="不登记初始数据字典 / without the starter dictionary")
@click.option("--passphrase", is_flag=True, help="为签名密钥设口令 / put the log's key under a passphrase")
@_common
def init(
    words: Words,
    settings: Settings,
    origin: str,
    currency: str,
    zone: str,
    continues: Path | None,
    no_codes: bool,
    passphrase: bool,
) -> None:
    """开立账本 / Open a ledger."""
    from api.bootstrap import database, initialise, old_head
    from api.passphrases import for_new_key

    older = None if continues is None else old_head(continues)
    asked = for_new_key(settings.log_passphrase_file) if passphrase else None
    with database(settings, words.status.wait) as place:
        size = initialise(
            settings,
            place,
            origin,
            currency,
            zone,
            starter_codes=not no_codes,
            continues=older,
            passphrase=asked,
        )
    words.say(
        f"账本 {origin} 已开立（{currency}，{zone}），数据位于 {settings.home}",
        f"the ledger {origin} is open ({currency}, {zone}); its data is in {settings.home}",
    )
    words.give({"origin": origin, "currency": currency, "zone": zone, "entries": size})


@main.command("import")
@click.argument("files", nargs=-1, required=True, metavar="KIND=FILE...")
@click.option(
    "--mapping", "mappings", multiple=True, metavar="KIND=M.toml", help="列的对应 / how their columns fit ours"
)
@click.option("--dry-run", is_flag=True, help="只试运行 / answer the same, record nothing")
@click.option("--all-or-nothing", is_flag=True, help="有一行不合格则全不登记 / record none unless all are good")
@click.option(
    "--rejects",
    type=click.Path(path_type=Path),
    help="退回的行写入此文件，原样照录（含姓名等个人信息，仅本人可读，用毕请删除）"
    " / write rejected rows here, as they are: with names and all, for your eyes only; remove it when done",
)
@click.option(
    "--pseudonymise",
    multiple=True,
    type=click.Choice(["donor_id", "person_id", "household_id", "case_id"]),
    help="此列为外部编号（手机号等）：加密存入保险库，入账只用随机假名"
    " / this column holds outside ids (phones, ...): they go to the vault, random ones to the ledger",
)
@_common
def import_(
    words: Words,
    settings: Settings,
    files: tuple[str, ...],
    mappings: tuple[str, ...],
    dry_run: bool,
    all_or_nothing: bool,
    rejects: Path | None,
    pseudonymise: tuple[str, ...],
) -> None:
    """导入文件 / Record what files hold, in the order in which it happened."""
    from api import intake
    from api.bootstrap import assembled

    sources = intake.parse_sources(files, mappings)
    with assembled(settings, words.status.wait) as fenhao:
        report = intake.run(
            fenhao.journal,
            fenhao.writer,
            sources,
            dry_run=dry_run,
            all_or_nothing=all_or_nothing,
            rejects=rejects,
            pseudonymise=pseudonymise,
            progress=words.status.rows,
        )
        if not dry_run:
            fenhao.runner.catch_up(progress=words.status.views)
    words.status.clear()
    for line in report.lines(settings.language):
        words.say(line, line)
    words.give(report.members())
    sys.exit(report.exit_code)


@main.command()
@click.option("--fund", metavar="F", help="只看一个基金 / one fund alone")
@_looking_back
@_common
def balances(words: Words, settings: Settings, fund: str | None, as_of: str | None, known_at: str | None) -> None:
    """各基金收支余：收入、可用、已匹配、已拨付、已使用…… / What came into each fund, and where it stands."""
    from api.bootstrap import assembled, reader_of, vantage_of
    from ledger.ids import check_id
    from projections.history import reading_from
    from reports.balances import balance_lines, balances_of

    if fund is not None:
        check_id(fund, "fund")
    with assembled(settings, words.status.wait) as fenhao:
        fenhao.runner.catch_up(progress=words.status.views)
        reader, vantage = reader_of(fenhao), vantage_of(fenhao, as_of, known_at)
        with reading_from(fenhao.journal, vantage) as traces:
            found = balances_of(traces, fund)
    words.status.clear()
    words.give(found)
    for text in balance_lines(found, reader, vantage):
        words.say(text, text)


@main.command()
@click.option("--as-of-today", "today", metavar="DATE", help="按此日计算账龄 / count ages as if this day were today")
@click.option("--fund", help="只看此基金 / this fund's alone")
@click.option("--days", type=click.IntRange(min=1), default=30, show_default=True, help="等待多少天算超期 / late after")
@_common
def guards(words: Words, settings: Settings, today: str | None, fund: str | None, days: int) -> None:
    """防止漏发、重发：应发未发与疑似重发 / Who is entitled and unpaid, and what may have been paid twice."""
    from api.bootstrap import assembled, reader_of
    from ledger.times import parse_day
    from reports.guards import guard, guard_lines, guard_members

    day = None if today is None else parse_day(today, "as-of-today")
    with assembled(settings, words.status.wait) as fenhao:
        fenhao.runner.catch_up(progress=words.status.views)
        reader = reader_of(fenhao)
        report = guard(fenhao.journal, today=day, days=days, fund=fund)
    words.status.clear()
    for line in guard_lines(report, reader):
        words.say(line, line)
    words.give(guard_members(report, reader.currency, reader.exponent))


@main.command("migrate")
@_common
def migrate_(words: Words, settings: Settings) -> None:
    """更新数据库结构 / Bring the schema to this program's version."""
    from api.bootstrap import database, opened
    from ledger.database import migrate

    with database(settings, words.status.wait) as place:
        applied = migrate(place)
        with opened(place, settings) as fenhao:
            fenhao.vault.prepare()
    words.say(f"已应用 {len(applied)} 项结构更新", f"{len(applied)} migrations applied")
    words.give({"applied": applied})


@main.command()
@_common
def rebuild(words: Words, settings: Settings) -> None:
    """由分录重建全部视图 / Make all views anew from the entries."""
    from api.bootstrap import assembled

    with assembled(settings, words.status.wait) as fenhao:
        fenhao.journal.entries.head()
        made = fenhao.runner.rebuild(progress=words.status.views)
    words.status.clear()
    words.say(f"已由 {made.entries} 条分录重建视图", f"the views are made anew from {made.entries} entries")
    if made.unlike:
        names = ", ".join(made.unlike)
        words.say(f"与原有不同，已替换：{names}", f"these were otherwise before and have been replaced: {names}")
    else:
        words.say("与原有视图完全一致", "they are what they were")
    words.give({"entries": made.entries, "unlike": list(made.unlike)})


@main.command()
@_common
def doctor(words: Words, settings: Settings) -> None:
    """检查运行环境 / Say what is well and what is not."""
    from api.doctor import examine

    findings = list(examine(settings, words.status.wait))
    words.status.clear()
    for finding in findings:
        mark = {True: "✓", False: "✗", None: "·"}[finding.ok]
        words.say(f"{mark} {finding.zh}", f"{mark} {finding.en}")
    words.give({"ok": all(f.ok is not False for f in findings), "findings": [f._asdict() for f in findings]})
    sys.exit(0 if all(finding.ok is not False for finding in findings) else EXIT_TAMPERED)


@main.command()
@click.argument("what", type=click.Choice(["write", "read", "audit", "http", "match"]))
@click.option("--gifts", default=20_000, show_default=True, help="捐赠笔数 / how many gifts")
@click.option("--rounds", default=3, show_default=True, help="轮数 / how often, the median counts")
@click.option("--entries", default=200_000, show_default=True, help="audit、match 的分录数 / of audit, match: entries")
@click.option(
    "--donations",
    type=click.IntRange(5_000),
    multiple=True,
    default=(100_000, 1_000_000),
    show_default=True,
    help="read 的账本大小，可多次 / of read: donations of the ledger that is asked, once for each size",
)
@click.option(
    "--lines", type=click.IntRange(100), default=20_000, show_default=True, help="match 的流水数 / of match: lines"
)
@_common
def bench(
    words: Words,
    settings: Settings,
    what: str,
    gifts: int,
    rounds: int,
    entries: int,
    donations: tuple[int, ...],
    lines: int,
) -> None:
    """测速，每项与参照并列 / Measure speed, each figure beside its yardstick."""
    from api.bench import bench_write
    from api.bench_audit import bench_audit
    from api.bench_http import bench_http
    from api.bench_match import bench_match
    from api.bench_read import bench_read
    from api.bootstrap import database

    note = words.status.note
    with database(settings, words.status.wait) as place:
        measured: dict[str, Callable[[], Any]] = {
            "write": lambda: bench_write(place, gifts, rounds, note),
            "read": lambda: bench_read(place, sorted(donations), note),
            "audit": lambda: bench_audit(place, entries, note),
            "http": lambda: bench_http(place, gifts, rounds, note),
            "match": lambda: bench_match(place, entries, lines, note),
        }
        result = measured[what]()
    words.status.clear()
    for line in result.table(settings.language):
        words.say(line, line)
    words.give(result.members())


if __name__ == "__main__":
    main()
