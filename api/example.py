"""`make run`: a small foundation's books, opened, followed and verified on this machine, and what to try next."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from api import intake
from api.bootstrap import Fenhao, assembled, database, initialise, reader_of
from api.progress import Status
from api.settings import Settings
from ledger.database import check_ready
from ledger.embedded import exit_on_sigterm
from ledger.errors import InputFault, LedgerError, LedgerNotOpen
from projections.trace import reading
from reports.traces import trace_lines
from reports.verification import verify_ledger

ORIGIN = "example.org/fenhao-example"
FOLDER = Path(__file__).parents[1] / "examples" / "small"
KINDS = ("funds", "hospitals", "cases", "donations", "allocations", "hospital-payments", "disbursements")
DONOR, CASE = "DN-017", "C2026-001"


class NotTheExample(InputFault):
    """Somebody's own ledger lies where the example would go."""

    code = "not_the_example"
    zh = "{home} 中是账本 {origin}，示例不会写入其中：请另设 FENHAO_HOME"
    en = "{home} holds the ledger {origin}, which the example leaves alone: set FENHAO_HOME to another folder"


def show(settings: Settings) -> int:
    """Opens the example's ledger if need be, records it, shows it. The exit code."""
    status = Status(settings.language)
    chinese = settings.language == "zh"

    def say(zh: str, en: str) -> None:
        status.clear()
        click.echo(zh if chinese else en)

    with database(settings, status.wait) as place:
        try:
            check_ready(place)
        except LedgerNotOpen:
            initialise(settings, place, ORIGIN)
    with assembled(settings, status.wait) as fenhao:
        head = fenhao.journal.entries.head()
        if head.origin != ORIGIN:
            raise NotTheExample(home=settings.home, origin=head.origin)
        say(f"一、导入 {FOLDER.name} 示例", f"1. importing the example, examples/{FOLDER.name}")
        sources = intake.parse_sources([f"{kind}={FOLDER / kind}.csv" for kind in KINDS])
        report = intake.run(fenhao.journal, fenhao.writer, sources, progress=status.rows)
        for line in report.lines(settings.language):
            say(f"   {line}", f"   {line}")
        fenhao.runner.catch_up()
        say("\n二、一位捐赠人的善款去了哪里", "\n2. where one donor's money went")
        _trace(fenhao, "donor", DONOR)
        say("\n三、一个孩子得到了谁的帮助", "\n3. who helped one child")
        _trace(fenhao, "case", CASE)
        found = verify_ledger(fenhao.journal, fenhao.runner, progress=status.entries)
        passed = ("通过", "passed") if found.ok else ("未通过", "FAILED")
        say(
            f"\n四、验证{passed[0]}：{found.report.entries} 条分录，树根 {found.report.root}",
            f"\n4. verification {passed[1]}: {found.report.entries} entries, root {found.report.root}",
        )
    _next(say)
    return 0 if found.ok else 1


def _trace(fenhao: Fenhao, noun: str, id: str) -> None:
    with reading(fenhao.journal) as traces:
        trace = getattr(traces, noun)(id)
        for line in trace_lines(noun, trace, reader_of(fenhao)):
            click.echo(f"   {line}".rstrip())


def _next(say: Callable[[str, str], None]) -> None:
    """What a person may want to type now."""
    say("\n接下来可以试试：", "\nwhat to try next:")
    for command in (
        "fenhao trace serial t1:0",
        "fenhao trace fund heart",
        "fenhao trace donor ORG-LY --json",
        "fenhao verify --lang en",
        "fenhao doctor",
        "fenhao --help",
    ):
        click.echo(f"   .venv/bin/{command}")


def main() -> None:
    """The program."""
    exit_on_sigterm()
    try:
        sys.exit(show(Settings.from_environment()))
    except LedgerError as fault:
        click.echo(f"错误：{fault.say('zh')}\nerror: {fault.say('en')}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
