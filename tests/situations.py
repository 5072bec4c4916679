"""The situations by chapter, and the page that tells finance people what to do in each."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator

from storytelling import Line, Story, is_refused
from telling import RUNNING, spread

from ledger.money import format_amount, parse_amount
from reports.traces import Reader

CHAPTERS = {
    ("收款", "Money comes in"): (
        "channel-fee",
        "two-gifts-one-transfer",
        "cash-box",
        "duplicate-receipt",
        "foreign-gift",
        "interest",
        "unidentified-receipt",
        "agency-money",
        "fee-rate-change",
        "opening-balances",
    ),
    ("匹配与限定", "Allocation and terms"): (
        "two-funds-one-case",
        "same-child-twice",
        "usable-days",
        "lifted-restriction",
        "two-persons",
        "frozen-gift",
    ),
    ("拨付与结算", "Payment and settlement"): (
        "bill-in-instalments",
        "batch-of-120",
        "bounced-payment",
        "moved-hospital",
        "emergency-recharged",
    ),
    ("退回与结案", "Money comes back, cases close"): (
        "surplus-of-a-case",
        "lump-return",
        "insurance-return",
        "closed-before-surgery",
        "grant-repaid",
        "refund-partly-spent",
        "project-closes",
    ),
}


MARK = "<!-- 以下由 tests/stories 生成 / what follows is made from tests/stories -->\n"
"""Where a page's hand-written beginning ends."""
LINE_WIDTH = 110
SHOWN_PLACES = 4
_RUN = re.compile(r" *([0-9,.]+)  (\S+) (t[0-9]+:[0-9]+-[0-9]+) (\S+)")
_READER = Reader("zh")


def page(beginning: str) -> str:
    """The page for finance people: its beginning, then each story's commands, refusals, and what donors see."""
    parts = [beginning, MARK]
    number = 0
    for (chapter, chapter_en), names in CHAPTERS.items():
        parts.append(f"\n## {chapter} · {chapter_en}\n")
        for story in map(Story.read, names):
            number += 1
            parts += _section(number, story)
    return "".join(parts)


def _section(number: int, story: Story) -> Iterator[str]:
    yield f"\n### {number}. {story.title}\n\n*{story.title_en}*\n\n{story.tale.replace(chr(10), '')}\n\n```sh\n"
    yield from (
        line for command in story.commands("when") if not is_refused(command.answer) for line in _shell(command)
    )
    yield "```\n"
    refused = [command for command in story.commands("when") if is_refused(command.answer)]
    if refused:
        yield "\n会被拒绝：\n\n"
        yield from (f"- {line.remark.split(' / ')[0]}：{line.answer[1]}\n" for line in refused)
    donors = [line for line in story.lines if line.section == "then" and line.fact == "donor"]
    if donors:
        yield "\n捐赠人看到：\n\n"
        yield from (f"- {line.text.split(' ', 1)[1]}：{_seen(line)}\n" for line in donors)
    yield f"\n{story.tale_en}\n"


def _shell(line: Line) -> Iterator[str]:
    """A recorded command for the shell, under its remark; one that stands for many as a loop."""
    if line.remark:
        yield f"# {line.remark.split(' / ')[0]}\n"
    fact, *members = line.text.split(" ")
    running = next(iter(RUNNING.finditer(" ".join(each for each in members if not each.startswith("lines=")))), None)
    shown: list[str] = []
    for member in members:
        spelt = spread(member) if member.startswith("lines=") else [RUNNING.sub("$n", member)]
        shown += few_of([f"--set {each if running else shlex.quote(each)}" for each in spelt])
    command = wrapped(f"fenhao record {fact}", shown)
    if running is not None:
        command = f"for n in {running[0]}; do\n  {command}\ndone"
    yield command + "\n"


def few_of(items: list[str]) -> list[str]:
    """The items, of many only the first and the last."""
    return items if len(items) <= SHOWN_PLACES else [items[0], "…", items[-1]]


def wrapped(start: str, pieces: list[str]) -> str:
    """A command line, broken before it grows too wide."""
    lines = [start]
    for piece in pieces:
        if len(lines[-1]) + len(piece) > LINE_WIDTH:
            lines[-1] += " \\"
            lines.append("   ")
        lines[-1] += f" {piece}"
    return "\n".join(lines)


def _seen(donor: Line) -> str:
    """What a donor's trace says, in one sentence: what was given, and how much of it is where."""
    if is_refused(donor.answer):
        return donor.answer[1]
    given = donor.answer[0].removeprefix("given ").partition(", ")[0]
    by_place: Counter[str] = Counter()
    for row in donor.answer[1:]:
        if (run := _RUN.fullmatch(row)) is not None:
            by_place[run[4]] += parse_amount(run[1].replace(",", ""), 2)
    said = [f"{_READER.place(place)} {format_amount(amount)}" for place, amount in by_place.items()]
    more = " 等" if any(row.startswith("…") for row in donor.answer) else ""
    return f"捐赠合计 {given}；{'；'.join(said)}{more}"
