"""Stories: what happens at a foundation, as text that an accountant can read, run on a real ledger.

A story is a file of `stories/`: its title in Chinese and in English, what happens in both, then the sections
`--- given`, `--- when` and `--- then`. A line in a section is

- `# ` and a remark on what follows, Chinese / English;
- a command, as `telling` reads it;
- `limit two_persons_from=50000.00`, a rule of the foundation's own;
- a question: `donor ID`, `donation ID`, `case ID`, `hospital ID`, `fund ID` or `serial t1:5`.

What the ledger answers stands below, indented by four spaces: the entries that the command became (`t1:0-100 fund/F >
case/C`, with the amount), or why it was refused in both languages, or the trace. A line of the input that ends in a
backslash goes on in the next one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import msgspec
from conftest import Ledger
from telling import commands_of

from api.commands import BadMembers
from ledger.decisions import Command
from ledger.errors import LedgerError, Refusal, Unknown
from ledger.money import format_amount, parse_amount
from ledger.writing import Limits, Writer
from projections.runner import Runner
from projections.trace import FUND_FIGURES, Trace, reading, whole

STORIES = Path(__file__).parent / "stories"
ANSWER = "    "
QUESTIONS = ("donor", "donation", "case", "hospital", "fund", "serial")
QUIET = {"FundOpened", "HospitalRegistered", "CaseOpened", "CodeDefined"}
"""Entries that a story takes as read."""

Entry = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One line of the input, or several joined by backslashes: `text` as one, `written` as it stands there.

    `remark` is what was said of it in the line before, `answer` what is kept below it.
    """

    section: str
    remark: str
    text: str
    written: tuple[str, ...]
    answer: tuple[str, ...]

    @property
    def fact(self) -> str:
        """The first word: the fact that a command makes, or what is asked about."""
        return self.text.split(" ")[0]

    @property
    def is_question(self) -> bool:
        return self.fact in QUESTIONS

    @property
    def is_command(self) -> bool:
        return bool(self.text) and not self.is_question and not self.text.startswith(("---", "#", "limit "))


@dataclass(frozen=True)
class Story:
    """A story as it is written, without what the ledger answered."""

    name: str
    title: str
    title_en: str
    tale: str
    tale_en: str
    lines: tuple[Line, ...]

    @classmethod
    def read(cls, name: str) -> Story:
        """The story in `stories/NAME.txt`."""
        return cls.of(name, path_of(name).read_text("utf-8"))

    @classmethod
    def of(cls, name: str, text: str) -> Story:
        """The story that a text tells."""
        head, _, rest = text.partition("\n---")
        titles, tale, tale_en = head.strip().split("\n\n")
        title, title_en = titles.split("\n")
        return cls(name, title, title_en, tale, tale_en, tuple(_lines(f"---{rest}")))

    def commands(self, *sections: str) -> Iterator[Line]:
        """The commands in these sections."""
        return (line for line in self.lines if line.is_command and line.section in sections)


def path_of(name: str) -> Path:
    return STORIES / f"{name}.txt"


def _lines(text: str) -> Iterator[Line]:
    section = remark = ""
    written: list[str] = []
    lines = text.rstrip("\n").split("\n")
    for number, line in enumerate(lines):
        if line.startswith(ANSWER):
            continue
        written.append(line)
        if line.endswith("\\"):
            continue
        joined = " ".join(part.rstrip("\\").strip() for part in written)
        if joined.startswith("--- "):
            section = joined.removeprefix("--- ")
        answer = takewhile(lambda each: each.startswith(ANSWER), lines[number + 1 :])
        yield Line(section, remark, joined, tuple(written), tuple(each.removeprefix(ANSWER) for each in answer))
        remark = joined.removeprefix("# ") if joined.startswith("# ") else ""
        written = []


@dataclass
class Telling:
    """A story run on a ledger: the answer to each of its lines, the refusals met, the traces asked for."""

    story: Story
    ledger: Ledger
    answers: list[list[str]] = field(default_factory=list)
    refusals: dict[str, LedgerError] = field(default_factory=dict)
    traces: dict[str, Trace] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.runner = Runner(self.ledger.journal)
        self.writer = self.ledger.writer
        self.seen = len(self.entries())

    def entries(self, first: int = 0) -> list[Entry]:
        """All entries from that seq on, as JSON."""
        with self.ledger.journal.entries.reading() as cursor:
            rows = cursor.execute("select body from entry where seq >= %s order by seq", (first,)).fetchall()
        return [json.loads(body) for (body,) in rows]

    def run(self) -> Telling:
        """Every line, one after the other."""
        self.answers = [list(self._answer(line)) for line in self.story.lines]
        return self

    def text(self) -> str:
        """The story with its answers, as it is kept."""
        story = self.story
        out = [story.title, story.title_en, "", story.tale, "", story.tale_en, ""]
        for line, answer in zip(story.lines, self.answers, strict=True):
            out += [*line.written, *(ANSWER + each for each in answer)]
        return "\n".join(out) + "\n"

    def _answer(self, line: Line) -> Iterator[str]:
        if line.text.startswith("limit "):
            amount = line.text.removeprefix("limit two_persons_from=")
            self.writer = Writer(self.ledger.journal, limits=Limits(parse_amount(amount, 2)))
        elif line.is_question:
            self.runner.catch_up()
            kind, asked = line.text.split(" ", 1)
            try:
                with reading(self.ledger.journal) as traces:
                    self.traces[line.text] = whole(getattr(traces, kind)(asked))
            except Unknown as unknown:
                yield from self._refused(line, unknown)
            else:
                yield from SHOWN[kind](self.traces[line.text])
        elif line.is_command:
            yield from self._commanded(line)

    def _commanded(self, line: Line) -> Iterator[str]:
        try:
            commands = commands_of(line.text)
        except LedgerError as fault:
            yield from self._refused(line, fault)
            return
        outcomes = self.writer.submit_batch(commands)
        entries = self.entries(self.seen)
        self.seen += len(entries)
        facts = [entry for entry in entries if entry["type"] == line.fact]
        shown = [list(shown_entry(entry)) for entry in entries if entry["type"] == "TapeOpened"]
        for command, outcome in zip(commands, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                yield from self._refused(line, outcome)
                continue
            if outcome.replayed:
                shown.append([f"recorded before: #{outcome.seq}"])
                continue
            fact = facts.pop(0)
            filled_in = entered_as(command, fact)
            if line.fact not in QUIET:
                shown.append(list(shown_entry(fact, filled_in)))
        assert facts == [], "each entry is some command's"
        yield from (text for group in few(shown) for text in group)

    def _refused(self, line: Line, refusal: LedgerError) -> Iterator[str]:
        self.refusals[line.text] = refusal
        yield f"refused: {refusal.code}"
        if isinstance(refusal, BadMembers):  # its sentence goes on with all the members that there are
            yield "{fact}：{wrong_zh}".format(**refusal.fields)
            yield "{fact}: {wrong}".format(**refusal.fields)
            return
        yield refusal.say("zh")
        yield refusal.say("en")


# How answers look.


def is_refused(answer: Iterable[str]) -> bool:
    """Whether an answer tells of a refusal."""
    return any(line.startswith("refused: ") for line in answer)


def few(groups: list[list[str]], most: int = 8) -> list[list[str]]:
    """The groups of lines, those amid a long list only counted."""
    return groups if len(groups) <= most else [*groups[:2], [f"… {len(groups) - 3} more"], groups[-1]]


def columns(rows: Iterable[tuple[int, str]], indent: str = "  ") -> list[str]:
    """Amounts to the right, each with what it is."""
    said = [(format_amount(amount), text) for amount, text in rows]
    width = max((len(amount) for amount, _ in said), default=0)
    return [line for [line] in few([[f"{indent}{amount:>{width}}  {text}"] for amount, text in said])]


def entered_as(command: Command, entry: Entry) -> dict[str, Any]:
    """The members of the fact that the command did not say; what it said must stand in the fact as it said it."""
    data = entry["data"]
    said = json.loads(msgspec.json.encode(command))
    for name in said.keys() - OTHERWISE:
        assert data[name] == said[name], (entry["seq"], name)
    return {name: value for name, value in data.items() if name not in {*said, *SHOWN_APART}}


def shown_entry(entry: Entry, filled_in: dict[str, Any] | None = None) -> Iterator[str]:
    """An entry: `#7 DonationReceived 2025-03-01 1,000.00 fee_bp=500`, with what was filled in, and its ranges."""
    data = entry["data"]
    issues, moves = data.get("issue", []), data.get("moves", [])
    parts = [f"#{entry['seq']}", entry["type"]]
    if entry["type"] == "TapeOpened":
        parts += [data["tape"], *_terms(data)]
    if issues or moves:
        total = sum(each["hi"] - each["lo"] for each in (*issues, *moves))
        parts += [data["on"], format_amount(data.get("amount", total))]
    yield " ".join([*parts, *(f"{name}={value}" for name, value in (filled_in or {}).items())])
    rows = [(each, f"> {each['to']}") for each in issues]
    rows += [(each, f"{each['from']} > {each['to']}") for each in moves]
    yield from columns((each["hi"] - each["lo"], f"{_range(each)} {path}") for each, path in rows)


def _terms(tape: Trace) -> Iterator[str]:
    yield f"fund/{tape['fund']}"
    yield tape["nature"]
    yield from (f"{dimension}={'|'.join(codes)}" for dimension, codes in tape["restriction"].items())
    yield from (f"{name}={tape[name]}" for name in ("usable_from", "expires_on", "agreement") if name in tape)


def _range(each: Trace) -> str:
    return f"{each['tape']}:{each['lo']}-{each['hi']}"


def _shown_gifts(trace: Trace) -> Iterator[str]:
    """A donor or a donation: what was given, and where each range of it is."""
    void = trace["by_place"].get("void", 0)
    yield f"given {format_amount(trace['given'])}" + (f", void {format_amount(void)}" if void else "")
    yield from columns(
        (each["amount"], f"{each['donation']} {_range(each)} {each['place']}") for each in trace["flows"]
    )


def _shown_case(trace: Trace) -> Iterator[str]:
    yield _figures(trace, ("allocated", "paid", "used", "returned"))
    yield from columns(
        (each["amount"], f"{each['donor'] or '?'} {each['donation']} {' '.join(each['ranges'])}")
        for each in trace["donors"]
    )


def _shown_hospital(trace: Trace) -> Iterator[str]:
    yield _figures(trace, ("paid", "used", "total"))
    yield from columns((each["total"], each["case"]) for each in trace["cases"])


def _shown_fund(trace: Trace) -> Iterator[str]:
    """What came in = where it stands; what is nothing is left out."""
    sides = [[name for name in names if trace[name]] or ["-"] for names in FUND_SIDES]
    trace = {**trace, "-": 0}
    yield " = ".join(" + ".join(f"{name} {format_amount(trace[name])}" for name in names) for names in sides)


def _shown_serial(trace: Trace) -> Iterator[str]:
    yield f"{trace['donor'] or '?'} {trace['donation']}"
    yield from (f"  {step['on']} {step['type']} > {step['to']}" for step in trace["movements"])


def _figures(trace: Trace, names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {format_amount(trace[name])}" for name in names)


OTHERWISE = {"key", "nature", "restriction", "usable_from", "expires_on", "agreement"} | {
    "person",
    "hospital",
    "attributes",
    "ranges",
    "place",
    "incoming",
    "outgoing",
}
"""Members of commands that stand in the tape's entry, among a case's attributes, or in the moves."""
SHOWN_APART = {"issue", "moves", "on", "amount", "policy", "attributes", "source"}

FUND_SIDES = (("received", "transferred_in"), ("transferred_out", *FUND_FIGURES))
SHOWN = {
    "donor": _shown_gifts,
    "donation": _shown_gifts,
    "case": _shown_case,
    "hospital": _shown_hospital,
    "fund": _shown_fund,
    "serial": _shown_serial,
}
