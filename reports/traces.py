"""Traces as text for people: Chinese first, English on request; columns aligned for a terminal, wide characters too.

A trace comes as `projections.trace` gives it; its long lists are read as they are printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from rich.cells import cell_len

from ledger.money import format_amount
from ledger.places import parse_place
from projections.history import NOW, Vantage
from projections.trace import FUND_FIGURES, Trace

GIVERS_SHOWN = 3
"""So many of those whose money came to a case are named at each step; JSON names more."""
ALIGNED_ROWS = 500
"""Rows whose columns are aligned with one another; a longer table is printed while it is read."""

Cell = str | int | None
"""Text, an amount in minor units (to the right, with the currency's decimals), or nothing."""


@dataclass(frozen=True)
class Reader:
    """For whom a trace is put into words: language `zh` or `en`, and the currency with its decimals."""

    language: str = "zh"
    currency: str = "CNY"
    exponent: int = 2

    def word(self, key: str) -> str:
        """The word for a key of WORDS; a key that has none speaks for itself."""
        zh, en = WORDS.get(key, (key, key))
        return zh if self.language == "zh" else en

    def place(self, name: str | None) -> str:
        """A place in words: `used/H1/C1` is 已使用：H1 · C1."""
        if name is None:
            return "—"
        place = parse_place(name)
        kind = "cash" if (place.kind, place.hospital) == ("used", None) else place.kind
        tape = None if place.tape is None else f"t{place.tape}"
        rest = self.word(place.rest) if place.rest is not None and place.kind == "cost" else place.rest
        ids = " · ".join(part for part in (place.fund, tape, place.hospital, place.case, rest) if part)
        between = "：" if self.language == "zh" else ": "
        return f"{self.word('at_' + kind)}{between}{ids}" if ids else self.word("at_" + kind)

    def money(self, minor: int) -> str:
        """An amount in figures."""
        return format_amount(minor, self.exponent)


def trace_lines(kind: str, trace: Trace, reader: Reader, vantage: Vantage = NOW) -> Iterator[str]:
    """The lines of a trace of that kind: donor, donation, case, hospital, fund or serial, seen from there."""
    yield titled(f"{reader.word(kind)} {trace[kind]}", reader, vantage)
    yield from (_KINDS[kind](trace, reader) if "timeline" not in trace else _told_in_steps(kind, trace, reader))
    if trace.get("next") is not None:
        yield from ("", reader.word("next").format(trace["next"]))
    if kind != "fund":
        yield ""
        yield reader.word("convention")


def titled(title: str, reader: Reader, vantage: Vantage) -> str:
    """A title that says of which day, and of which knowledge, what is below it speaks."""
    said = []
    if vantage.as_of is not None:
        said.append(reader.word("as_of").format(vantage.as_of.isoformat()))
    if vantage.known_at is not None:
        exact = "seconds" if vantage.known_at.microsecond in (0, 999_999) else "microseconds"
        said.append(reader.word("known_at").format(vantage.known_at.isoformat(sep=" ", timespec=exact)))
    between, brackets = ("，", "{}（{}）") if reader.language == "zh" else (", ", "{} ({})")
    return brackets.format(title, between.join(said)) if said else title


def _donor(trace: Trace, reader: Reader) -> Iterator[str]:
    yield from figures([("given", trace["given"])], reader)
    yield from _by_place(trace, reader)
    gifts = ((one["donation"], one["on"], one["fund"], one["amount"], _entry(one["seq"])) for one in trace["donations"])
    yield from table("donations", ("donation", "on", "fund", "amount", "entry"), gifts, reader)
    yield from _flows(trace, reader)


def _donation(trace: Trace, reader: Reader) -> Iterator[str]:
    facts = [(name, trace[name]) for name in ("donor", "fund", "on", "amount")]
    yield from figures([*facts, ("entry", _entry(trace["seq"])), ("given", trace["given"])], reader)
    yield from _by_place(trace, reader)
    yield from _flows(trace, reader)
    if "bank_lines" in trace:
        rows = [(one["line"], one["account"], str(one["on"]), one["amount"]) for one in trace["bank_lines"]]
        yield from table("bank_lines", ("line", "account", "bank_on", "amount"), rows, reader)


def _case(trace: Trace, reader: Reader) -> Iterator[str]:
    yield from figures([(name, trace[name]) for name in ("allocated", "paid", "used", "returned")], reader)
    donors = (
        (one["donor"] or reader.word("unknown"), one["donation"], one["amount"], " ".join(one["ranges"]))
        for one in trace["donors"]
    )
    yield from table("donors", ("donor", "donation", "amount", "ranges"), donors, reader)


def _hospital(trace: Trace, reader: Reader) -> Iterator[str]:
    yield from figures([(name, trace[name]) for name in ("paid", "used", "total")], reader)
    cases = ((one["case"], one["paid"], one["used"], one["total"]) for one in trace["cases"])
    yield from table("cases", ("case", "paid", "used", "total"), cases, reader)
    donors = ((one["donor"] or reader.word("unknown"), one["amount"]) for one in trace["donors"])
    yield from table("donors", ("donor", "amount"), donors, reader)


def _fund(trace: Trace, reader: Reader) -> Iterator[str]:
    yield from figures([(name, trace[name]) for name in ("received", "transferred_in")], reader)
    yield from figures([(name, trace[name]) for name in (*FUND_FIGURES, "transferred_out")], reader, "of_which")
    tapes = (
        (tape["tape"], reader.word(tape["nature"]), _terms(tape, reader), tape["issued"] - tape["void"])
        for tape in trace["tapes"]
    )
    yield from table("tapes", ("tape", "nature", "terms", "received"), tapes, reader)


def _serial(trace: Trace, reader: Reader) -> Iterator[str]:
    home = reader.place(trace["home"]) if trace["home"] else None
    facts = [("donation", trace["donation"]), ("donor", trace["donor"]), ("fund", trace["fund"])]
    facts += [("place", reader.place(trace["place"])), ("home", home), ("since", trace["since"])]
    yield from figures(facts, reader)
    why = [name for name in ("basis", "by") if any(one[name] for one in trace["movements"])]
    yield from table(
        "movements",
        ("entry", "on", "type", "from", "to", "record", *why),
        (_movement(one, why, reader) for one in trace["movements"]),
        reader,
    )


def _movement(one: Trace, why: Sequence[str], reader: Reader) -> tuple[Cell, ...]:
    step = _entry(one["seq"]), one["on"], reader.word(one["type"]), reader.place(one["from"]), reader.place(one["to"])
    said = {"basis": _basis(one["basis"]), "by": one["by"]}
    return *step, one["record"], *(said[name] for name in why)


_KINDS: dict[str, Callable[[Trace, Reader], Iterator[str]]] = {
    "donor": _donor,
    "donation": _donation,
    "case": _case,
    "hospital": _hospital,
    "fund": _fund,
    "serial": _serial,
}


def _by_place(trace: Trace, reader: Reader) -> Iterator[str]:
    rows = ((reader.place(name), amount) for name, amount in trace["by_place"].items())
    yield from table("by_place", ("place", "amount"), rows, reader)


def _flows(trace: Trace, reader: Reader) -> Iterator[str]:
    rows = (
        (f"{one['tape']}:{one['lo']}-{one['hi']}", one["donation"], one["amount"], reader.place(one["place"]))
        for one in trace["flows"]
    )
    yield from table("flows", ("range", "donation", "amount", "place"), rows, reader)


def _told_in_steps(kind: str, trace: Trace, reader: Reader) -> Iterator[str]:
    """The figures of a trace, then its timeline."""
    named = ("given", "amount", "allocated", "paid", "used", "returned")
    yield from figures([(name, trace[name]) for name in named if name in trace], reader)
    steps = trace["timeline"]
    rows = (_case_step(one, reader) for one in steps) if kind == "case" else (_gift_step(one, reader) for one in steps)
    last = ("record", "givers") if kind == "case" else ("range", "donation")
    yield from table("timeline", ("on", "entry", "type", "from", "to", "amount", *last), rows, reader)


def _step(one: Trace, reader: Reader) -> tuple[Cell, ...]:
    ends = (reader.place(one["from"]), reader.place(one["to"]))
    amount = one["amount"] or None
    return one["on"] or one["at"][:10], _entry(one["seq"]), reader.word(one["type"]), *ends, amount


def _gift_step(one: Trace, reader: Reader) -> tuple[Cell, ...]:
    return *_step(one, reader), f"{one['tape']}:{one['lo']}-{one['hi']}", one["donation"]


def _case_step(one: Trace, reader: Reader) -> tuple[Cell, ...]:
    """A step of a case; of those whose money came, the first few by name."""
    givers = [
        f"{each['donor'] or reader.word('unknown')} {reader.money(each['amount'])}" for each in one.get("givers", ())
    ]
    shown, between = givers[:GIVERS_SHOWN], "、" if reader.language == "zh" else ", "
    rest = one.get("gifts", 0) - len(shown)
    more = [reader.word("more_gifts").format(rest)] if rest else []
    return *_step(one, reader), one["record"], between.join([*shown, *more]) or None


def _basis(basis: Trace | None) -> str | None:
    """Why something was done, as it is written on the command line: `kind:ref`."""
    return None if basis is None else f"{basis.get('kind')}:{basis.get('ref')}"


def _terms(tape: Trace, reader: Reader) -> str:
    """A tape's restriction and days in words."""
    parts = [f"{dimension}={'|'.join(codes)}" for dimension, codes in tape["restriction"].items()]
    parts += [
        f"{reader.word(name)} {tape[name]}" for name in ("usable_from", "expires_on", "agreement") if name in tape
    ]
    return "; ".join(parts) or reader.word("unrestricted")


def _entry(seq: int) -> str:
    return f"#{seq}"


def figures(facts: Iterable[tuple[str, Cell]], reader: Reader, heading: str | None = None) -> Iterator[str]:
    """Named values below one another; absent ones are left out, amounts end at one column."""
    rows = [(reader.word(name), value) for name, value in facts if value is not None]
    if heading is not None:
        yield from ("", reader.word(heading))
    width = max(cell_len(name) for name, _ in rows)
    right = max((len(reader.money(value)) for _, value in rows if isinstance(value, int)), default=0)
    for name, value in rows:
        said = f"{reader.money(value):>{right}} {reader.currency}" if isinstance(value, int) else value
        yield f"  {_left(name, width)}  {said}"


def table(heading: str, names: Sequence[str], rows: Iterable[Sequence[Cell]], reader: Reader) -> Iterator[str]:
    """A heading, the columns' names, and the rows; a line for none where there are none."""
    yield from ("", reader.word(heading))
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        yield f"  {reader.word('none')}"
        return
    rows = chain([first], rows)
    title: list[Sequence[Cell]] = [[reader.word(name) for name in names]]
    amounts: list[bool] = []
    while block := list(islice(rows, ALIGNED_ROWS)):
        amounts = amounts or [any(isinstance(cell, int) for cell in column) for column in zip(*block, strict=True)]
        texts = [[_text(cell, reader) for cell in row] for row in (*title, *block)]
        widths = [max(cell_len(row[n]) for row in texts) for n in range(len(names))]
        for row in texts:
            cells = zip(row, widths, amounts, strict=True)
            aligned = (_right(text, width) if amount else _left(text, width) for text, width, amount in cells)
            yield ("  " + "  ".join(aligned)).rstrip()
        title = []


def _text(cell: Cell, reader: Reader) -> str:
    if cell is None:
        return "—"
    return reader.money(cell) if isinstance(cell, int) else cell


def _left(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _right(text: str, width: int) -> str:
    return " " * (width - cell_len(text)) + text


WORDS = {
    "as_of": ("记账日期截至 {}", "as of {}"),
    "known_at": ("按截至 {} 已登记的分录", "as known at {}"),
    "donor": ("捐赠人", "Donor"),
    "donation": ("捐赠", "Donation"),
    "case": ("个案", "Case"),
    "hospital": ("医院", "Hospital"),
    "fund": ("专项基金", "Fund"),
    "serial": ("编号", "Serial"),
    "given": ("捐赠合计", "Given"),
    "amount": ("金额", "Amount"),
    "on": ("日期", "Date"),
    "entry": ("分录", "Entry"),
    "by_place": ("善款现状", "Where the money is"),
    "place": ("现状", "Where it is"),
    "donations": ("捐赠明细", "Gifts"),
    "flows": ("去向", "Flows"),
    "range": ("号段", "Serials"),
    "ranges": ("号段", "Serials"),
    "donors": ("善款来源", "Whose money it is"),
    "cases": ("资助个案", "Cases"),
    "allocated": ("善款匹配", "Allocated"),
    "paid": ("已拨付未结算", "Paid, not settled"),
    "used": ("已使用", "Used"),
    "returned": ("已退回", "Returned"),
    "total": ("合计", "Total"),
    "received": ("收入合计", "Received"),
    "brought_forward": ("其中期初余额", "of it brought forward"),
    "transferred_in": ("调入", "Transferred in"),
    "transferred_out": ("调出", "Transferred out"),
    "of_which": ("其中", "Of which"),
    "available": ("在基金（可用）", "Available"),
    "fees": ("提取的项目管理费", "Fee taken"),
    "costs": ("费用支出", "Costs"),
    "held": ("冻结", "Held"),
    "refunded": ("捐赠退回", "Refunded"),
    "out": ("其他转出", "Left otherwise"),
    "void": ("作废（误记）", "Void (by mistake)"),
    "not_counted": ("不计入", "Not counted"),
    "balances": ("收支余总表", "Balances"),
    "funds": ("各专项基金", "By fund"),
    "position": ("资金头寸表", "Cash position"),
    "accounts": ("各账户账面", "Accounts, by the books"),
    "account": ("账户", "Account"),
    "book": ("账面", "Book"),
    "in_transit": ("渠道在途", "in transit at a channel"),
    "nowhere": ("未注明账户", "at no named account"),
    "difference": ("差额", "Difference"),
    "statements": ("银行存款余额调节", "Accounts against their statements"),
    "bank_on": ("对账单截至", "Statement to"),
    "bank": ("银行余额", "Bank"),
    "book_then": ("当日账面", "Book then"),
    "lines_open": ("未匹配流水", "Lines unmatched"),
    "legs_open": ("未匹配分录", "Entries unmatched"),
    "unexplained": ("未解释", "Unexplained"),
    "tapes": ("编号序列", "Tapes"),
    "tape": ("序列", "Tape"),
    "nature": ("性质", "Nature"),
    "terms": ("限定", "Terms"),
    "own": ("捐赠", "own"),
    "agency": ("受托代理", "agency"),
    "fee": ("项目管理费", "fee"),
    "unrestricted": ("非限定", "unrestricted"),
    "usable_from": ("起用日", "from"),
    "expires_on": ("到期日", "until"),
    "agreement": ("协议", "agreement"),
    "home": ("出自", "Home"),
    "since": ("自", "Since"),
    "movements": ("经过", "How it came there"),
    "type": ("事项", "Fact"),
    "from": ("从", "From"),
    "to": ("到", "To"),
    "record": ("记录", "Record"),
    "basis": ("依据", "Basis"),
    "by": ("经办", "By"),
    "timeline": ("时间线", "Timeline"),
    "givers": ("善款来自", "Whose money came"),
    "more_gifts": ("另 {} 笔", "{} more"),
    "next": ("下一页：--after {}", "next page: --after {}"),
    "none": ("（无）", "(none)"),
    "unknown": ("（未署名）", "(not named)"),
    "convention": (
        "号段与捐赠的对应是记账约定，不是对钞票的实物追踪。",
        "Which serials are whose is a bookkeeping convention, not physical tracing.",
    ),
    "at_fund": ("在基金", "In fund"),
    "at_fee": ("提取的项目管理费", "Fee taken"),
    "at_case": ("已匹配", "Allocated"),
    "at_hospital": ("已拨付", "Paid"),
    "at_used": ("已使用", "Used"),
    "at_cash": ("已发放", "Granted"),
    "at_cost": ("费用支出", "Cost"),
    "at_hold": ("冻结", "Held"),
    "at_refunded": ("捐赠退回", "Refunded"),
    "at_out": ("其他转出", "Left"),
    "bank_lines": ("对账单流水", "Lines of statements"),
    "line": ("流水", "Line"),
    "unmatched": ("未匹配", "unmatched"),
    "suggested": ("待确认", "suggested"),
    "matched": ("已匹配", "matched"),
    "partial": ("部分匹配", "partly matched"),
    "disputed": ("存疑", "disputed"),
    "written_off": ("已核销", "written off"),
    "suspense": ("待查暂收", "Suspended receipts"),
    "at_void": ("作废（误记）", "Void (recorded by mistake)"),
    "programme": ("业务活动", "programme"),
    "management": ("管理费用", "management"),
    "fundraising": ("筹资费用", "fundraising"),
    "channel": ("渠道手续费", "channel"),
    "other": ("其他", "other"),
    "DonationReceived": ("收到捐赠", "Donation received"),
    "BalanceBroughtForward": ("期初余额", "Balance brought forward"),
    "AllocationMade": ("善款匹配", "Allocation"),
    "AllocationReleased": ("释放资助额度", "Release"),
    "HospitalPaymentMade": ("拨付", "Payment to hospital"),
    "HospitalPaymentReturned": ("医院退回", "Return from hospital"),
    "TreatmentSettled": ("结算", "Settlement"),
    "CashGranted": ("发放", "Cash to the family"),
    "GrantReturned": ("受益人退款", "Family repays"),
    "DonationRefunded": ("捐赠退回", "Refund"),
    "FundsTransferred": ("项目间资金调剂", "Transfer between funds"),
    "TermsChanged": ("变更捐赠用途", "Change of purpose"),
    "SerialsSubstituted": ("资金置换", "Substitution"),
    "ExpenseMade": ("费用支出", "Expense"),
    "MoneyHeld": ("冻结", "Held"),
    "HoldLifted": ("解除冻结", "Hold lifted"),
    "CaseOpened": ("立案", "Case opened"),
    "CaseAmended": ("个案变更", "Case amended"),
    "CaseClosed": ("结案", "Case closed"),
    "CaseReopened": ("重新立案", "Case reopened"),
    "EntryReversed": ("冲销", "Reversal"),
    "AccountOpened": ("启用账户", "Account opened"),
    "ReceiptSuspended": ("待查暂收", "Receipt suspended"),
    "SuspenseRepaid": ("暂收退还", "Suspended money paid back"),
    "LinesMatched": ("对账匹配", "Lines matched"),
    "LinesWrittenOff": ("核销", "Lines written off"),
    "LinesDisputed": ("存疑", "Lines disputed"),
    "LinesUnmatched": ("撤销匹配", "Match undone"),
    "PeriodClosed": ("关账", "Period closed"),
    "PeriodReopened": ("重开账期", "Period reopened"),
}
"""What reports say, in Chinese and in English."""
