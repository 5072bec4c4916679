"""`fenhao verify-report`, and `fenhao confirm check`: hold a paper against the log, a statement or a letter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.settings import Settings
from api.words import EXIT_TAMPERED, Words, common

if TYPE_CHECKING:
    from api.paper_check import LetterVerdict
    from reports.report_check import Verdict

# As in `api.cli`, the command imports what it needs when it runs.

FORMS = (".json", ".html", ".pdf", ".xlsx", ".csv")


@click.command("verify-report")
@click.argument("what", metavar="FILE|CODE")
@common
def verify_report(words: Words, settings: Settings, what: str) -> None:
    """核对报表或函证：由日志重新计算，指出被改动的数字 / Hold a statement or a letter against the log.

    退出码 1 表示与日志不符 / Exit code 1: it says what the log does not. 2: it cannot be told.
    """
    hold_against_log(words, settings, what)


def hold_against_log(words: Words, settings: Settings, what: str) -> None:
    """Says what of a paper's file, or of a letter's reference, is as the log has it. Exits with what came of it.

    Raises NotAReport, NoReference, and what checking raises.
    """
    from api.bootstrap import assembled
    from api.paper_check import LetterVerdict, check_paper, read_paper
    from audit.files import read_at_most
    from reports.confirmations import Given
    from reports.paper_marks import MAX_BYTES
    from reports.report_check import NotAReport

    data, path = b"", Path(what)
    if path.suffix.lower() in FORMS or path.exists():
        try:
            data = read_at_most(path, MAX_BYTES)
        except OSError as error:
            raise NotAReport(error.strerror or str(error), error.strerror or str(error)) from error
        paper = read_paper(data)
    else:
        paper = Given(what)
    with assembled(settings, words.status.wait) as fenhao:
        words.exponent = fenhao.journal.entries.head().exponent or 0
        verdict = check_paper(fenhao, paper, data, words.status.entries)
    words.status.clear()
    if isinstance(verdict, LetterVerdict):
        _tell_letter(words, verdict)
        sys.exit(EXIT_TAMPERED if verdict.flaws else 0)
    verdict.require_pages()
    _tell(words, verdict)
    sys.exit(EXIT_TAMPERED if verdict.problems else 0)


def _tell(words: Words, verdict: Verdict) -> None:
    proof = verdict.proof
    if verdict.ok:
        words.say(
            f"与日志一致：依据前 {proof.size} 条分录，校验码 {proof.code}",
            f"it says what the log says: it rests on the first {proof.size} entries, code {proof.code}",
        )
        if not verdict.unchanged and verdict.is_named:
            words.say(
                "各数字一致；基金、医院与孩子的名称不在日志之中，未核对",
                "its figures agree; what funds, hospitals and children are called no log tells: that was not looked at",
            )
        elif not verdict.unchanged:
            words.say(
                "文件曾被另存：各单元格一致；格式、批注与图形未核对",
                "it was saved anew: its cells agree; formats, comments and pictures were not looked at",
            )
    for one in verdict.problems:
        words.say(
            f"不符：{one.zh}：文件为“{one.said}”，日志为“{one.computed}”",
            f"not so: {one.en}: {one.said!r}, by the log {one.computed!r}",
        )
    words.give(_members(verdict))


def _members(verdict: Verdict) -> dict[str, Any]:
    proof = verdict.proof
    return {
        "ok": verdict.ok,
        "statement": proof.statement,
        "size": proof.size,
        "root": proof.root,
        "code": proof.code,
        "unchanged": verdict.unchanged,
        "problems": [{"where": one.en, "said": one.said, "computed": one.computed} for one in verdict.problems],
    }


def _tell_letter(words: Words, verdict: LetterVerdict) -> None:
    from ledger.money import format_amount
    from reports.statement_words import StatementReader

    letter, given = verdict.letter, verdict.given
    for flaw in verdict.flaws:
        words.say(f"不符：{flaw.zh}", f"it does not agree: {flaw.en}")
    if not verdict.flaws:
        words.say(
            f"相符：账本中正是这些金额（{given.reference}）",
            f"it agrees: these are the ledger's figures ({given.reference})",
        )
        if given.pages:
            words.say("页面上的文字未核对，请与下列金额比对：", "its pages were not compared: hold them against these")
    if not words.json:
        zh, en = StatementReader("zh"), StatementReader("en")
        for name in ("opening", "closing"):
            for key, amount in letter["figures"][name].items():
                money = f"{format_amount(amount, letter['exponent'])} {letter['currency']}"
                words.say(f"  {zh.word(name)} {zh.word(key)} {money}", f"  {en.word(name)} {en.word(key)} {money}")
    problems = [flaw.en for flaw in verdict.flaws]
    words.give(
        {"ok": not verdict.flaws, "reference": verdict.reference, "given": given.reference, "problems": problems,
         "letter": letter}
    )  # fmt: skip
