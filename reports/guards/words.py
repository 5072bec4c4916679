"""The guards report put into words: text for people in Chinese or English, and members of JSON for programs."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from rich.cells import cell_len

from reports.guards.findings import Evidence, Finding, Said
from reports.guards.report import CHECKS, Report
from reports.guards.rules import PAID_UNSETTLED, Rule
from reports.traces import Reader

MOST_SHOWN = 20
"""How many findings of a rule, and hospitals of a table, the text shows; JSON has them all."""


def guard_lines(report: Report, reader: Reader) -> Iterator[str]:
    """The lines of the report: totals per rule at the top, then what each rule found, with its evidence."""
    yield _word("heading", reader)
    yield "  " + _join(
        [
            f"{_word('as_of', reader)} {report.today}",
            _word("limit", reader).format(days=report.days),
            _word("all_funds", reader) if report.fund is None else f"{reader.word('fund')} {report.fund}",
        ]
    )
    yield ""
    if not report.findings:
        yield _word("nothing", reader).format(rules=len(CHECKS))
        return
    yield from _totals(report, reader)
    for rule in CHECKS:
        if findings := report.of(rule):
            yield ""
            yield from _section(report, rule, findings, reader)
    yield ""
    yield _word("note", reader)


class Told(NamedTuple):
    """A finding in words: whom it is about, minor units (0: none is known), how old or how long left, more of it."""

    subject: str
    amount: int
    days: str
    details: str
    entries: list[int]


def finding_told(finding: Finding, reader: Reader) -> Told:
    """A finding as a row of a page."""
    days = _word(finding.rule.counts, reader).format(days=finding.days)
    entries = [one.seq for one in finding.evidence]
    return Told(_members(finding.subject, reader), finding.amount, days, _members(finding.details, reader), entries)


def guard_members(report: Report, currency: str, exponent: int) -> dict[str, Any]:
    """The report as JSON; amounts in minor units, each entry also said in both languages.

    `{today, days, fund, currency, rules: [{rule, kind, title, findings, amount}], advances: [{hospital, amount, ages}],
    findings: [{rule, title, subject, amount, days, counts, details, entries, evidence}]}`.
    """
    zh, en = Reader("zh", currency, exponent), Reader("en", currency, exponent)
    starts = report.ages()
    return {
        "today": report.today.isoformat(),
        "days": report.days,
        "fund": report.fund,
        "currency": currency,
        "rules": [
            {
                "rule": rule.name,
                "kind": rule.kind,
                "title": {"zh": rule.zh, "en": rule.en},
                "findings": len(found := report.of(rule)),
                "amount": sum(each.amount for each in found),
            }
            for rule in CHECKS
        ],
        "advances": [
            {
                "hospital": hospital,
                "amount": sum(amounts),
                "ages": [{"from": start, "amount": amount} for start, amount in zip(starts, amounts, strict=True)],
            }
            for hospital, amounts in report.advances()
        ],
        "findings": [
            {
                "rule": each.rule.name,
                "title": {"zh": each.rule.zh, "en": each.rule.en},
                "subject": each.subject,
                "amount": each.amount,
                "days": each.days,
                "counts": each.rule.counts,
                "details": each.details,
                "entries": each.entries,
                "evidence": [_evidence_members(one, zh, en) for one in each.evidence],
            }
            for each in report.findings
        ],
    }


def _evidence_members(one: Evidence, zh: Reader, en: Reader) -> dict[str, Any]:
    members: dict[str, Any] = {"seq": one.seq, "type": one.type, "on": one.on.isoformat(), "id": one.id}
    members |= {name: value for name, value in (("amount", one.amount), ("left", one.left)) if value is not None}
    return {**members, **dict(one.about), "zh": " ".join(_says(one, {}, zh)), "en": " ".join(_says(one, {}, en))}


def _totals(report: Report, reader: Reader) -> Iterator[str]:
    """How many of each rule and how much; rules that found nothing are named too, since they were looked at."""
    rows = [[_word("rule", reader), _word("count", reader), f"{reader.word('amount')} {reader.currency}"]]
    for kind, rules in groupby(CHECKS, key=lambda rule: rule.kind):
        rows.append([_word(kind, reader), "", ""])
        for rule in rules:
            found = report.of(rule)
            amount = sum(each.amount for each in found)
            name = "  " + rule.title(reader.language)
            rows.append([name, str(len(found) or "—"), reader.money(amount) if amount else "—"])
    yield from _table(rows, right=(1, 2))


def _section(report: Report, rule: Rule, found: list[Finding], reader: Reader) -> Iterator[str]:
    """What one rule found: its name and hint, hospital advances by age, and the findings one below the other."""
    amount = sum(each.amount for each in found)
    count = _word("findings", reader).format(count=len(found))
    sum_of = f"{reader.money(amount)} {reader.currency}" if amount else ""
    yield _join([_word(rule.kind, reader), rule.title(reader.language), count, sum_of])
    yield f"  {rule.hint(reader.language, report.days)}"
    if rule == PAID_UNSETTLED:
        yield from _advances(report, reader)
    shown = found[:MOST_SHOWN]
    titles = _table([_title(number, each, reader) for number, each in enumerate(shown, 1)], right=(2,), indent=2)
    for title, finding in zip(titles, shown, strict=True):
        yield from ("", title)
        if finding.details:
            yield f"      {_members(finding.details, reader)}"
        yield from _table([_says(one, finding.subject, reader) for one in finding.evidence], right=(4,), indent=6)
        if (more := finding.entries - len(finding.evidence)) > 0:
            yield f"      {_word('more_entries', reader).format(count=more)}"
    if rest := found[MOST_SHOWN:]:
        amount = sum(each.amount for each in rest)
        yield ""
        yield f"  {_word('more_findings', reader).format(count=len(rest), amount=reader.money(amount))}"


def _title(number: int, finding: Finding, reader: Reader) -> list[str]:
    """A finding's first line as a row: number, subject, amount, days."""
    money = reader.money(finding.amount) if finding.amount else "—"
    days = _word(finding.rule.counts, reader).format(days=finding.days)
    return [f"{number}.", _members(finding.subject, reader), money, days]


def _advances(report: Report, reader: Reader) -> Iterator[str]:
    """医院预付账龄: hospitals by what is not settled, in columns of age."""
    starts = report.ages()
    ends = [f"{start}–{end - 1}" for start, end in pairwise(starts)]
    columns = [_word("days", reader).format(days=days) for days in (*ends, f"{starts[-1]}+")]
    rows = [[reader.word("hospital"), *columns, reader.word("total")]]
    for hospital, amounts in report.advances()[:MOST_SHOWN]:
        rows.append([hospital, *(reader.money(each) if each else "—" for each in amounts), reader.money(sum(amounts))])
    yield from ("", f"  {_word('advances', reader)}")
    yield from _table(rows, right=range(1, len(rows[0])), indent=2)


def _says(one: Evidence, known: Mapping[str, Said], reader: Reader) -> list[str]:
    """An entry as a row: number, day, fact, id, amount, and what it names beside what the reader knows already."""
    amount = "" if one.amount is None else reader.money(one.amount)
    left = "" if one.left is None else _word("still", reader).format(amount=reader.money(one.left))
    about = {name: value for name, value in one.about if known.get(name) != value}
    return [
        f"#{one.seq}",
        one.on.isoformat(),
        _word(one.type, reader),
        one.id,
        amount,
        _join([left, _members(about, reader)]),
    ]


def _members(members: Mapping[str, Said], reader: Reader) -> str:
    """Names and what they are: `个案 C1 · 账单 B-7`; whole numbers are amounts."""
    return _join(f"{_word(name, reader)} {_value(name, value, reader)}" for name, value in members.items())


def _value(name: str, value: Said, reader: Reader) -> str:
    if isinstance(value, int):
        return reader.money(value)
    if isinstance(value, tuple):
        return _word("comma", reader).join(value)
    return REASONS.get(value, (value, value))[reader.language == "en"] if name == "reason" else value


def _join(parts: Iterable[str]) -> str:
    return " · ".join(part for part in parts if part)


def _table(rows: Sequence[Sequence[str]], right: Container[int], indent: int = 0) -> Iterator[str]:
    """Rows in columns, the ones of `right` aligned to the right; wide characters count as what they take."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = []
        for number, (text, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - cell_len(text))
            cells.append(space + text if number in right else text + space)
        yield (" " * indent + "  ".join(cells)).rstrip()


def _word(key: str, reader: Reader) -> str:
    """The word for a key: the report's own, or what traces say for it; an id speaks for itself."""
    if key in WORDS:
        return WORDS[key][reader.language == "en"]
    return reader.word(key)


WORDS = {
    "heading": ("防止漏发、重发检查", "Payments forgotten or made twice"),
    "as_of": ("截至", "As of"),
    "limit": ("满 {days} 天算超期", "waiting {days} days counts as late"),
    "all_funds": ("全部基金", "all funds"),
    "nothing": (
        "没有发现应发未发，也没有发现疑似重发：{rules} 项规则均已检查。",
        "Nothing is unpaid that should be paid, and nothing looks paid twice: all {rules} rules were applied.",
    ),
    "note": (
        "以上是需要人工核对的线索，不是结论。疑似重发的金额是至多重复的部分；同一笔款可能出现在几项规则中，金额不可相加。",
        "Leads to check, not verdicts. Double payments: that much at most. A sum may come under several rules.",
    ),
    "advances": ("医院预付账龄", "Hospital advances by age"),
    "rule": ("规则", "Rule"),
    "count": ("件数", "Found"),
    "unpaid": ("应发未发", "Entitled but unpaid"),
    "doubled": ("疑似重发", "Possible double payments"),
    "findings": ("{count} 件", "{count} found"),
    "age": ("已 {days} 天", "{days} days"),
    "left": ("还剩 {days} 天", "{days} days left"),
    "ago": ("最近一笔在 {days} 天前", "the latest {days} days ago"),
    "days": ("{days} 天", "{days} days"),
    "still": ("尚余 {amount}", "{amount} of it left"),
    "more_entries": ("……另有 {count} 条分录", "... and {count} entries more"),
    "more_findings": (
        "……另有 {count} 件，共 {amount}；用 --json 看全部",
        "... and {count} more, {amount} in all; --json shows them all",
    ),
    "comma": ("、", ", "),
    "hold": ("冻结", "Hold"),
    "cases": ("个案", "Cases"),
    "person": ("受益人", "Person"),
    "household": ("家庭", "Household"),
    "purpose": ("用途", "Purpose"),
    "period": ("期间", "Period"),
    "missing": ("缺", "Missing"),
    "last_grant": ("上期发放", "Last grant"),
    "bill_no": ("账单", "Bill"),
    "bill_amount": ("账单金额", "Bill amount"),
    "bills": ("账单合计", "Bills"),
    "paid": ("已付", "Paid"),
    "bank_ref": ("银行流水号", "Bank reference"),
    "account": ("账户", "Account"),
    "accounts": ("账户", "Accounts"),
    "channel": ("渠道", "Channel"),
    "channel_txn": ("交易号", "Transaction"),
    "reason": ("原因", "Reason"),
    "restriction": ("限定", "Restriction"),
    "expires_on": ("到期日", "Last day"),
    "reverses": ("冲销分录", "Reverses"),
    "approved_by": ("批准人", "Approved by"),
    "CaseOpened": ("立案", "Case opened"),
    "CaseReopened": ("重新立案", "Case reopened"),
    "TapeOpened": ("开立编号序列", "Tape opened"),
}
"""What the report says, in Chinese and in English, beside the words of traces."""

REASONS = {
    "surplus": ("结余退回", "surplus"),
    "bank_rejected": ("退汇", "rejected by the bank"),
    "insurance": ("医保报销", "insurance"),
    "re-billed": ("重新开单", "re-billed"),
}
"""Why money came back from a hospital."""
