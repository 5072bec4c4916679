"""What can go wrong, in words a person can act on: refusals, unusable input, and the operator's surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from string import Formatter
from typing import Any, ClassVar

from ledger.money import format_amount


class LedgerError(Exception):
    """The root of all that this product raises on purpose; `code` is stable, `fields` are the figures behind the words.

    A subclass gives its sentence in `zh` and `en`; in both, `{name}` is a field and `{name:money}` an amount in minor
    units. Our own bugs are assertions and never of this class.
    """

    code: ClassVar[str] = "ledger_error"
    is_evidence: ClassVar[bool] = False
    """Whether it is evidence of tampering rather than something that cannot be used."""
    zh: ClassVar[str] = "{reason}"
    en: ClassVar[str] = "{reason}"

    def __init__(self, **fields: Any) -> None:
        super().__init__(fields)
        self.fields = fields

    def say(self, language: str = "en", exponent: int = 2) -> str:
        """The sentence in `zh` or `en`; `exponent` is how many decimals the ledger's currency has."""
        template = self.zh if language == "zh" else self.en
        return _Sentence(exponent, language).vformat(template, (), self.fields)

    def __str__(self) -> str:
        return self.say("en")


class _Sentence(Formatter):
    """Formats `{amount:money}` with the currency's decimals, `{amounts:money}` of a mapping in brackets, and lists.

    `{amount:if; held }` is the words and the amount, or nothing at all when it is zero.
    """

    def __init__(self, exponent: int, language: str) -> None:
        self._exponent = exponent
        self._brackets = "（{}）" if language == "zh" else " ({})"

    def format_field(self, value: Any, spec: str) -> str:
        if spec == "money" and isinstance(value, dict):
            parts = ", ".join(f"{name} {format_amount(part, self._exponent)}" for name, part in sorted(value.items()))
            return self._brackets.format(parts) if parts else ""
        if spec == "money":
            return format_amount(value, self._exponent)
        if spec.startswith("if"):
            return spec[2:] + format_amount(value, self._exponent) if value else ""
        if isinstance(value, list | tuple):
            return ", ".join(str(item) for item in value) or "-"
        return str(format(value, spec))


class Refusal(LedgerError):
    """A command that a rule forbids; nothing of it is recorded."""

    code = "refused"


class InputFault(LedgerError):
    """Input that cannot be used as what it was given for (a file, an option); nothing was recorded."""

    code = "unusable_input"


class OperatorFault(LedgerError):
    """Something around the program is not as it must be: a server, a folder, a permission, the clock."""

    code = "operator_fault"


class BadValue(Refusal):
    """A value that is not of its kind: an id, an amount, a date, a rate."""

    code = "bad_value"
    zh = "{name} 的值无效（{value}）：{rule_zh}"
    en = "{name} is not valid ({value}): {rule}"

    def __init__(self, name: str, value: object, rule: str, rule_zh: str) -> None:
        super().__init__(name=name, value=shown(value), rule=rule, rule_zh=rule_zh)


class Unknown(Refusal):
    """A reference to something that the ledger does not have."""

    code = "unknown_reference"
    zh = "账本中没有{noun_zh} {id}：请先登记，或检查编号"
    en = "there is no {noun} {id} in the ledger: record it first, or check the id"

    def __init__(self, noun: str, id: str) -> None:
        super().__init__(noun=noun, noun_zh=NOUNS_ZH.get(noun, noun), id=shown(id))


class CodeDefinedAlready(BadValue):
    """A code that is defined already, just so: nothing is to be done."""


class UnknownThen(Unknown):
    """A reference to something that the ledger did not have on the day, or as known at the time, looked back to."""

    zh = "在所查的日期和登记时刻，账本中没有{noun_zh} {id}"
    en = "there was no {noun} {id} in the ledger on that day, as known then"


class UnknownCode(Refusal):
    """Something that the dictionary does not have (`what` says it in words); the nearest are offered, with their names.

    `unknown` are all the (dimension, term) of the command, as given, that are no codes of a dimension there is.
    """

    code = "unknown_code"
    zh = "{what_zh}；相近的：{nearest}{others_zh}"
    en = "{what}; the nearest are: {nearest}{others}"

    def __init__(
        self, what: str, what_zh: str, nearest: Sequence[object], unknown: Sequence[tuple[str, str]] = ()
    ) -> None:
        others = ", ".join(f"{dimension} {shown(term)}" for dimension, term in unknown[1:])
        super().__init__(
            what=what,
            what_zh=what_zh,
            nearest=[str(near) for near in nearest],
            unknown=tuple(unknown),
            others=f" (besides: {others})" if others else "",
            others_zh=f"（另有：{others}）" if others else "",
        )


class AlreadyRecorded(Refusal):
    """An id that another fact already has."""

    code = "already_recorded"
    zh = "{noun_zh} {id} 已登记过，编号不可重复使用"
    en = "{noun} {id} is recorded already, and an id is never used twice"

    def __init__(self, noun: str, id: str) -> None:
        super().__init__(noun=noun, noun_zh=NOUNS_ZH.get(noun, noun), id=shown(id))


class IdempotencyConflict(Refusal):
    """The same idempotency key with other content."""

    code = "idempotency_conflict"
    zh = "同一请求（{key}）此前已以不同内容登记为第 {seq} 号分录：内容不同请换用新编号"
    en = "this request ({key}) was recorded before with other content, as entry {seq}: give a different fact its own id"


class DuplicateBusinessKey(Refusal):
    """Two facts for one event of the outside world: one payment or gift recorded twice."""

    code = "duplicate_business_key"
    zh = "疑似重复：{what_zh} 已由第 {seq} 号分录登记"
    en = "this looks like a duplicate: {what} is recorded already, by entry {seq}"


class BillExceeded(Refusal):
    """Payments for one hospital bill that pass its amount."""

    code = "bill_exceeded"
    zh = (
        "账单 {bill_no}（医院 {hospital}，个案 {case}）金额 {limit:money}，"
        "已付 {paid:money}，再付 {amount:money} 将超额"
    )
    en = (
        "bill {bill_no} (hospital {hospital}, case {case}) is for {limit:money}; {paid:money} is paid, "
        "so {amount:money} more would exceed it"
    )


class PersonInOpenCase(Refusal):
    """The same person or household has another open case of the same purpose."""

    code = "person_in_open_case"
    zh = "同一{who_zh}（{id}）已有同一用途的在办个案 {other}：如确需另立，请经批准（approved_by）"
    en = "the same {who} ({id}) has an open case of this purpose, {other}: a second one needs approval (approved_by)"


class NotEnoughMoney(Refusal):
    """Money that is wanted and not there, with where the rest is: figures in minor units, `by_dimension` a mapping."""

    code = "not_enough_money"
    zh = (
        "{place} 可用资金不足：需要 {wanted:money}，可用 {there:money}"
        "{restricted:if；因限定不可用 }{by_dimension:money}{held:if；冻结 }"
        "{expired:if；已过期 }{too_early:if；未到起用日 }{later:if；之后才到账 }"
    )
    en = (
        "not enough money at {place}: {wanted:money} is wanted, {there:money} is there"
        "{restricted:if; restricted to other uses }{by_dimension:money}{held:if; held }"
        "{expired:if; expired }{too_early:if; not usable yet }{later:if; arriving later }"
    )


class CaseIsClosed(Refusal):
    """A closed case takes no more money."""

    code = "case_closed"
    zh = "个案 {case} 已结案，不再接受资金：如需继续资助，请先重开（CaseReopened）"
    en = "case {case} is closed and takes no more money: reopen it first (CaseReopened) if it is to be helped on"


class CaseIsOpen(Refusal):
    """A case that is open is not opened again."""

    code = "case_open"
    zh = "个案 {case} 未结案，无需重开"
    en = "case {case} is open already"


class ReachedLater(Refusal):
    """A case is not closed as of a day before money came to it."""

    code = "reached_later"
    zh = "个案 {case} 在 {reached} 还有资金到账，结案日期（{on}）不得早于该日"
    en = "money came to case {case} on {reached}: it cannot be closed as of {on}, before that"


class NotStanding(Refusal):
    """A record that was reversed."""

    code = "not_standing"
    zh = "{noun_zh} {id} 已被冲销（第 {seq} 号分录），不能再据以登记"
    en = "{noun} {id} was reversed (entry {seq}), so nothing can be recorded on it"

    def __init__(self, noun: str, id: str, seq: int) -> None:
        super().__init__(noun=noun, noun_zh=NOUNS_ZH.get(noun, noun), id=shown(id), seq=seq)


class MoreThanStands(Refusal):
    """More is given back than is left of an allocation, payment or grant."""

    code = "more_than_stands"
    zh = "{noun_zh} {id} 金额 {amount:money}，已退回或释放 {back:money}，至多还可退 {left:money}，要退 {wanted:money}"
    en = (
        "{noun} {id} was {amount:money}, of which {back:money} came back already: at most {left:money} can, "
        "not {wanted:money}"
    )

    def __init__(self, noun: str, id: str, amount: int, back: int, wanted: int) -> None:
        fields = {"amount": amount, "back": back, "left": amount - back, "wanted": wanted}
        super().__init__(noun=noun, noun_zh=NOUNS_ZH.get(noun, noun), id=shown(id), **fields)


class NotRefundable(Refusal):
    """A gift's money that is not at a fund's place any more; `elsewhere` maps places to amounts."""

    code = "not_refundable"
    zh = "捐赠 {donation} 要退{what_zh} {wanted:money}，可退 {refundable:money}；其余在{elsewhere:money}"
    en = (
        "{wanted:money} of {what} of donation {donation} is to go back, {refundable:money} can; "
        "the rest is elsewhere{elsewhere:money}"
    )


class RangesElsewhere(Refusal):
    """Serials chosen by hand that are not where they must be."""

    code = "ranges_elsewhere"
    zh = "号段 {range} 截至 {on} 不全在{where}（在 {actual}）"
    en = "serials {range} are not all at {where} by {on} (they are at {actual})"


class TermsForbid(Refusal):
    """Money that its terms keep from a case."""

    code = "terms_forbid"
    zh = "号段 {range} 不得用于个案 {case}：{reason_zh}"
    en = "serials {range} may not be used for case {case}: {reason}"


class AlreadyAttributed(Refusal):
    """A gift whose donor is known."""

    code = "already_attributed"
    zh = "捐赠 {donation} 已有捐赠人（第 {seq} 号分录）：如有误，请先冲销"
    en = "donation {donation} has its donor already (entry {seq}): reverse that first if it is wrong"


class CannotReverse(Refusal):
    """An entry that cannot be undone as it is; `reason` names what stands in the way."""

    code = "cannot_reverse"
    zh = "第 {seq} 号分录（{type}）不能冲销：{reason_zh}"
    en = "entry {seq} ({type}) cannot be reversed: {reason}"


class ApprovalNeeded(Refusal):
    """An amount that takes two different persons."""

    code = "approval_needed"
    zh = "金额 {amount:money} 达到 {threshold:money}：须由两名不同的人经办与批准（by、approved_by）"
    en = "{amount:money} is {threshold:money} or more: it takes two different persons (by and approved_by)"


class TwoPersonsNeeded(Refusal):
    """Something that takes two different persons, whatever the amount."""

    code = "two_persons_needed"
    zh = "{what_zh}须由两名不同的人经办与批准（by、approved_by）"
    en = "{what} takes two different persons (by and approved_by)"


class LegsDiffer(Refusal):
    """Cash legs that are more than the fact moves, or not all that is suspended."""

    code = "cash_legs_differ"
    zh = "{type} 动用现金 {moved:money}，所列账户合计 {legs:money}：与事项不符"
    en = "this {type} moves {moved:money} in cash, and its legs on accounts come to {legs:money}: that cannot be"


class SuspenseTooLittle(Refusal):
    """More taken out of a suspended receipt than is left of it."""

    code = "suspense_too_little"
    zh = "待查暂收 {suspense} 尚余 {left:money}，不足 {wanted:money}"
    en = "{left:money} is left of suspended receipt {suspense}, {wanted:money} is wanted"


class PartTaken(Refusal):
    """A part of a line, or of a cash leg, that is not open."""

    code = "part_taken"
    zh = "{what_zh} {name} 尚未对账 {open:money}，要用 {wanted:money}"
    en = "{open:money} of {what} {name} is open, {wanted:money} is wanted"


class SumsDiffer(Refusal):
    """Lines and legs that do not come to the same."""

    code = "sums_differ"
    zh = "流水合计 {lines:money}，分录收付合计 {legs:money}：两者须一致{instead_zh}"
    en = "the lines come to {lines:money} and the entries to {legs:money}: they must agree{instead}"


class NotMatched(Refusal):
    """A match that stands no more."""

    code = "not_matched"
    zh = "匹配 {match} 已由第 {seq} 号分录撤销"
    en = "match {match} was undone by entry {seq}"


class PeriodIsClosed(Refusal):
    """A posting date in a period that is closed."""

    code = "period_closed"
    zh = (
        "{on} 所在账期已关账（至 {through}）：请记入之后的日期，实际日期写在 occurred_on，"
        "更正原分录的以 corrects 注明其分录号"
    )
    en = (
        "{on} is in a closed period (up to {through}): post it on a later day, with the true one as occurred_on, and "
        "name an entry that it puts right as corrects"
    )


class NotYet(Refusal):
    """A posting date after today."""

    code = "future_date"
    zh = "记账日期 {on} 晚于今天（{today}）"
    en = "the posting date {on} is after today ({today})"


class LedgerFull(Refusal):
    """A tape or an amount past what an exact integer of the entry format can hold."""

    code = "too_large"
    zh = "金额过大：编号序列 {tape} 将超过 2^53-1"
    en = "too large: tape {tape} would pass 2^53-1"


class ClockBehind(OperatorFault):
    """The machine's clock is behind the last entry by more than a minute."""

    code = "clock_behind"
    zh = "系统时钟（{now}）比最后一条分录（{last}）慢超过 60 秒：已停止写入，请校准时钟"
    en = "the clock ({now}) is more than 60 s behind the last entry ({last}): writing stops until it is set right"


class LedgerNotOpen(OperatorFault):
    """The schema holds no ledger yet."""

    code = "ledger_not_open"
    zh = "这里还没有账本：请先运行 fenhao init --origin 名称"
    en = "there is no ledger here yet: run fenhao init --origin NAME first"


NOUNS_ZH = {
    "fund": "专项基金",
    "hospital": "医院",
    "case": "个案",
    "donation": "捐赠",
    "allocation": "善款匹配",
    "payment": "拨付",
    "settlement": "结算",
    "grant": "发放",
    "entry": "分录",
    "hold": "冻结",
    "refund": "捐赠退回",
    "transfer": "资金调剂",
    "expense": "费用",
    "code": "代码",
    "ledger": "账本",
    "donor": "捐赠人",
    "person": "受益人",
    "household": "家庭",
    "stream": "事项",
    "serial": "编号",
    "dimension": "维度",
    "tape": "编号序列",
    "statement": "对账单",
    "account": "账户",
    "token": "令牌",
    "proposal": "提请",
    "second factor": "动态口令",
    "showing": "展示",
    "suspense": "待查暂收",
    "line": "流水",
    "leg": "分录收付",
    "match": "匹配",
    "suggestion": "建议",
    "period": "账期",
}


def shown(value: object, limit: int = 60) -> str:
    """`value` as it may stand in a message: cut to `limit` characters, nothing unprintable."""
    text = str(value)
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[: limit + 1])
    return text if len(text) <= limit else text[:limit] + "…"
