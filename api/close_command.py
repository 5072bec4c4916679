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
    from reports.banking.register import Register
    from reports.closing import Closing, NotReady, bank_accounts, close_period, readiness
    from reports.matching import read_books

    currency = fenhao.journal.entries.head().currency
    statements = [one for one in Register(fenhao.journal, fenhao.vault).statements() if one.currency == currency]
    found = readiness(period, read_books(fenhao.journal), statements, bank_accounts(fenhao.journal))
    words.status.clear()
    _say(words, found)
    members: dict[str, Any] = {
        "period": period,
        "open": [{"line": f"B{statement}/{ordinal}", "state": state} for (statement, ordinal), state in found.lines],
        "held": [f"B{number}" for number in found.held],
        "gaps": [gap._asdict() for gap in found.gaps],
    }
    if by is None:
        words.give(members)
        sys.exit(0 if found.is_ready else EXIT_REJECTED)
    size, root = _head(fenhao)
    asked = Closing(period, by, approved_by, reason, size, root)
    try:
        done = close_period(fenhao.writer, fenhao.runner, found, asked, statements)
    except NotReady as refused:
        for language in ("zh", "en"):
            click.echo(refused.say(language), err=True)
        words.give({**members, "error": refused.code})
        sys.exit(EXIT_REJECTED)
    words.say(f"{period} 已关账：第 {done.seq} 号分录", f"{period} is closed: entry {done.seq}")
    words.give({**members, "entry": done.seq})


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


def _head(fenhao: Fenhao) -> tuple[int, str]:
    """Size and root of the newest signed head. Raises NoHead."""
    from api.bootstrap import kept_heads
    from audit.checkpoint import Checkpoint, Note
    from reports.closing import NoHead

    kept = kept_heads(fenhao).read()
    if kept is None or not kept.checkpoint:
        raise NoHead()
    head = Checkpoint.parse(Note.parse(kept.checkpoint.encode()).text)
    return head.size, head.root.hex()


def _say(words: Words, found: Readiness) -> None:
    for (statement, ordinal), state in found.lines[:20]:
        words.say(f"✗ 流水 B{statement}/{ordinal} 未了结（{state}）", f"✗ line B{statement}/{ordinal} is {state}")
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
