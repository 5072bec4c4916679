"""`fenhao close`: a period of the books closed, opened again; the cut-off list."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from api.settings import Settings
from api.words import EXIT_REJECTED, Words, common

if TYPE_CHECKING:
    from api.bootstrap import Fenhao
    from reports.closing import Readiness

# As in `api.cli`, the command imports what it needs when it runs.

MOST_SAID = 20
"""So many open lines are said one by one."""


@click.command()
@click.argument("period", required=False, metavar="[YYYY-MM]")
@click.option("--by", metavar="STAFF", help="经办人（内部工号） / who closes, an opaque staff id")
@click.option("--approved-by", metavar="STAFF", help="批准人，不同于经办人 / who approves, another person")
@click.option("--reason", metavar="CODE", help="例外关账或重开的理由（入账公开） / why, as it stands in the entry")
@click.option("--reopen", is_flag=True, help="重开最后关账的账期，须两人 / open the last closed period again")
@click.option("--dry-run", is_flag=True, help="只检查 / only say what stands in the way")
@click.option("--cut-off", "listing", is_flag=True, help="截止差异：入账月与银行月不同的分录 / the cut-off list")
@common
def close(
    words: Words,
    settings: Settings,
    period: str | None,
    by: str | None,
    approved_by: str | None,
    reason: str | None,
    reopen: bool,
    dry_run: bool,
    listing: bool,
) -> None:
    """关账：fenhao close 2026-10 --by STAFF；不带参数列出账期 / Close a month of the books; list the periods.

    Refused while lines are open, or statements do not tie or are missing, unless another person accepts it.
    """
    from api.bootstrap import assembled
    from api.intake import UnusableArgument
    from reports.closing import cut_off, periods

    with assembled(settings, words.status.wait) as fenhao:
        if listing or period is None:
            with fenhao.journal.entries.reading() as cursor:
                found: list[Any] = cut_off(cursor, period) if listing else periods(cursor)
            words.status.clear()
            _list(words, fenhao, found, listing=listing)
            return
        if by is None and not dry_run:
            raise UnusableArgument("close", "name --by: who does it", "须注明经办人 --by")
        if reopen:
            _reopen(words, fenhao, period, str(by), approved_by, reason)
        else:
            _close(words, fenhao, period, None if dry_run else by, approved_by, reason)


def _close(
    words: Words, fenhao: Fenhao, period: str, by: str | None, approved_by: str | None, reason: str | None
) -> None:
    """Closes; without `by` only says what stands in the way."""
    from api.closing import ready
    from api.recording import record
    from ledger.decisions import CloseMonth
    from reports.bank_desk import read_ideas
    from reports.closing import NotReady

    if by is None:
        found, _ = ready(fenhao, period, read_ideas(fenhao.journal).lines)
        words.status.clear()
        _say(words, found)
        words.give(found.members())
        sys.exit(0 if found.is_ready else EXIT_REJECTED)
    key = f"close:{period}:{fenhao.journal.entries.head().size}"
    approvers = None if approved_by is None else (approved_by,)
    try:
        done = record(fenhao, CloseMonth(key=key, period=period, reason=reason, by=by, approved_by=approvers))
    except NotReady as refused:
        words.status.clear()
        _say(words, refused.found)
        for language in ("zh", "en"):
            click.echo(refused.say(language), err=True)
        words.give({**refused.found.members(), "error": refused.code})
        sys.exit(EXIT_REJECTED)
    words.status.clear()
    words.say(f"{period} 已关账：第 {done.entry.seq} 号分录", f"{period} is closed: entry {done.entry.seq}")
    words.give({"period": period, "open_lines": done.entry.data.get("open_lines", 0), "entry": done.entry.seq})


def _reopen(words: Words, fenhao: Fenhao, period: str, by: str, approved_by: str | None, reason: str | None) -> None:
    from api.intake import UnusableArgument
    from ledger.decisions import ReopenPeriod

    if reason is None:
        raise UnusableArgument("reopen", "give a --reason", "须注明理由 --reason")
    key = f"reopen:{period}:{fenhao.journal.entries.head().size}"
    approvers = None if approved_by is None else (approved_by,)
    done = fenhao.writer.submit(ReopenPeriod(key=key, period=period, reason=reason, by=by, approved_by=approvers))
    words.status.clear()
    words.say(f"{period} 已重开：第 {done.seq} 号分录", f"{period} is open again: entry {done.seq}")
    words.give({"period": period, "entry": done.seq})


def _say(words: Words, found: Readiness) -> None:
    from reports.traces import Reader

    zh, en = Reader("zh"), Reader("en")
    for (statement, ordinal), state in found.lines[:MOST_SAID]:
        line = f"B{statement}/{ordinal}"
        words.say(f"✗ 流水 {line} 未了结：{zh.word(state)}", f"✗ line {line} is not settled: {en.word(state)}")
    if len(found.lines) > MOST_SAID:
        words.say(f"  …… 共 {len(found.lines)} 笔", f"  ... {len(found.lines)} in all")
    for number in found.held:
        words.say(f"✗ 对账单 B{number} 不平，被搁置", f"✗ statement B{number} does not tie and is held")
    for gap in found.gaps:
        if gap.what == "missing":
            words.say(f"✗ 账户 {gap.account} 缺对账单", f"✗ account {gap.account} has no statement")
        else:
            words.say(
                f"✗ 账户 {gap.account} 的对账单首尾不相接",
                f"✗ the statements of account {gap.account} do not follow on",
            )


def _list(words: Words, fenhao: Fenhao, found: list[Any], *, listing: bool) -> None:
    """The periods, or the cut-off list."""
    from api.bootstrap import reader_of

    reader = reader_of(fenhao)
    for one in found:
        if listing:
            text = f"#{one.seq} {one.stream} {reader.word(one.type)} {one.on} | {one.bank_on} {one.account} "
            text += reader.money(one.amount)
        else:
            text = f"{one.period} → {one.through} #{one.seq}" + (f" ✗ #{one.reopened}" if one.reopened else "")
        words.say(text, text)
    if not found:
        words.say("（无）", "(none)")
    words.give({"cut_off" if listing else "periods": [one._asdict() for one in found]})
