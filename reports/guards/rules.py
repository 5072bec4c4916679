"""The rules against payments forgotten or made twice 防止漏发、重发: each one's name, and why it is there."""

from __future__ import annotations

from dataclasses import dataclass

DAYS = 30
"""How long money may wait before it counts as forgotten, unless a report asks for another limit."""
EXPIRY_DAYS = 90
"""How far ahead money with a last day is looked at: time enough to find a case or to ask the donor."""
SAME_PURPOSE_DAYS = 365
"""Within how many days two payments for one purpose may be the same help given twice."""
SAME_AMOUNT_DAYS = 10
"""Within how many days two equal payments may be one transfer recorded, or sent, twice."""

UNPAID, DOUBLED = "unpaid", "doubled"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: `name` is stable, for programs; `zh` and `en` name it for people; the hints say what it found.

    `kind` is UNPAID or DOUBLED. A hint may hold `{days}`, the report's limit. What a finding's `days` are is said by
    `counts`: `age` (how old it is), `left` (until its last day) or `ago` (since the latest of its entries).
    """

    name: str
    kind: str
    zh: str
    en: str
    hint_zh: str
    hint_en: str
    counts: str = "age"

    def title(self, language: str) -> str:
        """The rule's name for people."""
        return self.zh if language == "zh" else self.en

    def hint(self, language: str, days: int) -> str:
        """What was found, and what to look for."""
        return (self.hint_zh if language == "zh" else self.hint_en).format(days=days)


ALLOCATED_UNPAID = Rule(
    "allocated_unpaid",
    UNPAID,
    "已匹配未拨付",
    "Allocated, not paid",
    "善款匹配给在办个案已满 {days} 天，既未拨付也未发放：请付款，或释放资助额度。",
    "Allocated to an open case for {days} days or more, neither paid nor granted: pay it, or release it.",
)
"""A donor was told that the money helps this child, and the child has had nothing of it. It is also the money that
nobody else can be given meanwhile. What came back from a bank or a family is told by RETURNED_UNPAID instead."""

PAID_UNSETTLED = Rule(
    "paid_unsettled",
    UNPAID,
    "已拨付未结算",
    "Paid to a hospital, not settled",
    "拨付医院已满 {days} 天仍未结算：请向医院索取结算单，结余应退回。",
    "Paid to a hospital {days} days ago or more and not settled: ask for its account; what is left over comes back.",
)
"""An advance is the child's until it is settled. Patients have sued for a few thousand yuan of donated money that
stayed with a hospital, so advances are shown by age."""

BILL_PART_PAID = Rule(
    "bill_part_paid",
    UNPAID,
    "账单未付清",
    "Bill paid in part",
    "账单只付了一部分：请核对后续分期是否漏付。",
    "Only part of the bill is paid: see whether an instalment was forgotten.",
)
"""The second instalment has no reminder of its own. Surplus and insurance money that came back was not owed, so it
does not open the bill again; only what a bank rejected does, and that is told by RETURNED_UNPAID while it is not paid
again."""

PERIOD_MISSING = Rule(
    "period_missing",
    UNPAID,
    "按期发放缺期",
    "Periodic grant missing",
    "连续两期以上按期发放后，下一期已过而未发放：请补发，或结案。",
    "Granted for two periods running or more, and the next is over without a grant: grant it, or close the case.",
)
"""A family lives on a monthly grant. A month that nobody entered is in no list; only the months before it tell of it.
The amount is the last grant's for each period that is missing."""

RETURNED_UNPAID = Rule(
    "returned_unpaid",
    UNPAID,
    "退回后未重付",
    "Returned, not paid again",
    "退汇或退回之后没有再付：请更正账户后重新付款，或释放资助额度。",
    "A bank or a family sent it back and it was not paid again: correct the account and pay, or release it.",
)
"""A wrong account number is found by the bank days later, when the payment has long been ticked off. Later payments
of the same kind for the same case count against it, so do releases; a payment of another bill, or a grant of another
period, does not."""

CASE_UNALLOCATED = Rule(
    "case_unallocated",
    UNPAID,
    "立案未匹配",
    "Open case without money",
    "个案立案已满 {days} 天，尚无善款匹配：请匹配善款，或结案。",
    "Open for {days} days or more with nothing allocated: allocate money, or close it.",
)
"""A child that was accepted and then fell between two lists. There is no amount yet, so age alone puts it in
order."""

AGENCY_UNALLOCATED = Rule(
    "agency_unallocated",
    UNPAID,
    "受托代理款未匹配",
    "Agency money not allocated",
    "指定受益人的受托代理款收到已满 {days} 天，尚未匹配：款项只能用于该受益人。",
    "Money for one named person, here for {days} days or more and not allocated: it is nobody else's.",
)
"""Money raised for one child by name belongs to that child. A child who got 20,000 of the million that was raised is
what this rule exists for."""

HELD_LONG = Rule(
    "held_long",
    UNPAID,
    "冻结久未解除",
    "Held for long",
    "资金冻结已满 {days} 天：请查明原因，解除冻结或另行处理。",
    "Held for {days} days or more: settle why, and lift the hold or decide otherwise.",
)
"""A hold is meant to last while a question is open. Held money helps nobody, and nobody misses it."""

EXPIRING = Rule(
    "expiring",
    UNPAID,
    "限定资金将到期",
    "Expires soon, not allocated",
    f"{EXPIRY_DAYS} 天内到期而尚未匹配：请优先匹配，或征得捐赠人同意变更期限。",
    f"Expires within {EXPIRY_DAYS} days and is not allocated: allocate it first, or ask the donor for more time.",
    "left",
)
"""After its last day the money is lost to its purpose and has to be given back or agreed anew. A quarter is time to
act."""

EXPIRED = Rule(
    "expired",
    UNPAID,
    "限定资金已到期",
    "Expired, not allocated",
    "已过使用期限而未匹配：不得再匹配，请征得捐赠人同意变更，或退回。",
    "Past its last day and never allocated: it may not be used before the donor agrees to a change, or gets it back.",
)
"""What EXPIRING warned of and nobody acted on. It stays in the fund's balance, so it looks available and is not."""

SAME_PERSON = Rule(
    "same_person",
    DOUBLED,
    "同一受益人多案受款",
    "One person paid in several cases",
    f"同一受益人在 {SAME_PURPOSE_DAYS} 天内因同一用途在多个个案中受款。",
    f"One person was paid for one purpose in several cases within {SAME_PURPOSE_DAYS} days.",
    "ago",
)
"""Opening refuses a second open case of one person and purpose, but not one after the first was closed, nor one that
was approved. Who approved stands in the evidence."""

SAME_HOUSEHOLD = Rule(
    "same_household",
    DOUBLED,
    "同一家庭多案受款",
    "One household paid in several cases",
    f"同一家庭的不同受益人在 {SAME_PURPOSE_DAYS} 天内因同一用途多次受款。",
    f"Different persons of one household were paid for one purpose within {SAME_PURPOSE_DAYS} days.",
    "ago",
)
"""One family was granted the same scholarship three years running, since each child came under a name of its own.
Cases of one and the same person are told by SAME_PERSON alone."""

SAME_BILL = Rule(
    "same_bill",
    DOUBLED,
    "同一账单多案使用",
    "One bill for several cases",
    "同一医院的同一账单号在多个个案中付款或结算。",
    "One hospital's bill number was paid, or settled, for several cases.",
    "ago",
)
"""A bill is one patient's. Entering a payment refuses too much on one bill of one case; under another case the same
paper would be paid once more."""

SAME_AMOUNT = Rule(
    "same_amount",
    DOUBLED,
    "同额短期重复拨付",
    "Same amount paid again soon",
    f"{SAME_AMOUNT_DAYS} 天内向同一医院为同一个案拨付相同金额，且至少一笔没有账单号。",
    f"Equal amounts for one case to one hospital within {SAME_AMOUNT_DAYS} days, one at least without a bill number.",
    "ago",
)
"""Without a bill number nothing tells a second transfer from the first one entered twice. Two payments with two
different bill numbers are two bills."""

SAME_CASH = Rule(
    "same_cash",
    DOUBLED,
    "同日同额重复发放",
    "Same cash granted twice in a day",
    "同一天为同一个案、同一用途发放了相同金额，期间不同或未写期间。",
    "The same amount for the same case and purpose on one day, for different periods or for none.",
    "ago",
)
"""The guard knows a grant by case, purpose and period, so a slip in the period lets the same money out twice.
Catching up on two periods at once looks the same, and is easily confirmed."""

SAME_BANK_REF = Rule(
    "same_bank_ref",
    DOUBLED,
    "同一银行流水号不同账户",
    "One bank reference, several accounts",
    "同一银行流水号登记在不同账户的付款上。",
    "One bank reference stands under payments from different accounts.",
    "ago",
)
"""A payment is known to the guard by account and reference. One transfer entered again under another account passes
it. Two banks may also have given the same number by chance: amounts and days tell."""

SAME_GIFT = Rule(
    "same_gift",
    DOUBLED,
    "捐赠疑似重复入账",
    "Gift perhaps recorded twice",
    "同一捐赠人、同日、同额、同渠道的捐赠，且至少一笔没有交易号。",
    "The same donor, day, amount and channel, one gift at least without a transaction number.",
    "ago",
)
"""A gift typed in from a bank statement and imported once more from the channel is money that never came, and would
be spent. Gifts that all have transaction numbers are told apart by them."""

OVER_BILLS = Rule(
    "over_bills",
    DOUBLED,
    "拨付超过账单合计",
    "Paid more than the bills",
    "为个案拨付医院的金额超过其账单合计：预付款可能未从账单中抵扣。",
    "More was paid to hospitals for the case than its bills come to: an advance was perhaps not deducted.",
    "ago",
)
"""An advance without a bill, and then the whole bill: each is right by itself. Only against the sum of the case's
bills does it show."""
