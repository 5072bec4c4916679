"""`fenhao verify-report`: holds a statement's file against the log."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.paper_commands import basis_of
from api.settings import Settings
from api.words import EXIT_TAMPERED, Words, common

if TYPE_CHECKING:
    from reports.report_check import Verdict

# As in `api.cli`, the command imports what it needs when it runs.


@click.command("verify-report")
@click.argument("file", type=click.Path(path_type=Path))
@common
def verify_report(words: Words, settings: Settings, file: Path) -> None:
    """核对报表：由日志重新计算，指出被改动的数字 / Hold a statement's file against the log, figure by figure.

    退出码 1 表示与日志不符 / Exit code 1: it says what the log does not.
    """
    from api.bootstrap import assembled
    from audit.files import read_at_most
    from reports.report_check import MAX_BYTES, NotAReport, check_report, read_printed

    try:
        data = read_at_most(file, MAX_BYTES)
    except OSError as error:
        raise NotAReport(error.strerror or str(error), error.strerror or str(error)) from error
    printed = read_printed(data)
    with assembled(settings, words.status.wait) as fenhao:
        basis = basis_of(fenhao, words)
        verdict = check_report(printed, data, fenhao.journal, basis, words.status.entries)
    words.status.clear()
    _tell(words, verdict)
    if not verdict.problems and not verdict.pages:
        raise NotAReport(
            "its figures are the log's, but its pages are not those that this machine prints (another version, other "
            "fonts, or they were changed): print the statement here and compare",
            "内嵌数据与日志一致，但页面与本机所打印的不同（版本、字体不同，或页面被改动）：请在本机重新打印后比对",
        )
    sys.exit(EXIT_TAMPERED if verdict.problems else 0)


def _tell(words: Words, verdict: Verdict) -> None:
    proof = verdict.proof
    if verdict.ok:
        words.say(
            f"与日志一致：依据前 {proof.size} 条分录，校验码 {proof.code}",
            f"it says what the log says: it rests on the first {proof.size} entries, code {proof.code}",
        )
        if not verdict.unchanged:
            words.say(
                "文件曾被另存：各单元格一致；格式、批注与图形未核对",
                "it was saved anew: its cells agree; formats, comments and pictures were not looked at",
            )
    for one in verdict.problems:
        words.say(
            f"不符：{one.zh}：文件为“{one.said}”，日志为“{one.computed}”",
            f"not so: {one.en}: {one.said!r}, by the log {one.computed!r}",
        )
    if verdict.pages or verdict.problems:
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
