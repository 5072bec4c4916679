"""What each fact that can be recorded is, and how its members are written, for people: Chinese and English."""

from __future__ import annotations

from msgspec import inspect

from api.commands import AMOUNTS, Form, Member
from ledger.cash import ACCOUNT_KINDS
from ledger.decisions.cases import CLOSING_REASONS
from ledger.decisions.giving import SOURCES
from ledger.decisions.matching import WRITE_OFF_REASONS
from ledger.decisions.returning import RETURN_REASONS
from ledger.places import COST_KINDS

Pair = tuple[str, str]
"""(Chinese, English)."""

MEANINGS: dict[str, Pair] = {
    "CodeDefined": ("在数据字典中定义一个代码", "a code of the dictionary"),
    "FundOpened": ("设立专项基金", "a fund is opened"),
    "HospitalRegistered": ("登记一家可拨付的医院", "a hospital that may be paid"),
    "CaseOpened": ("为一个孩子立项", "a case of one child"),
    "CaseAmended": ("更正个案：全部属性重新给出，不动资金", "a case is another than it was: all attributes anew"),
    "CaseClosed": ("结案：个案名下余额退回来处", "a case is closed; what is left there goes home"),
    "CaseReopened": ("重开个案，不带回资金", "a closed case takes money again; none comes back by itself"),
    "DonationReceived": ("收到一笔捐赠或其他收入", "a gift or other income comes in"),
    "BalanceBroughtForward": (
        "期初余额：在基金、在个案，或在医院（按个案列明细）",
        "money from before this ledger: in a fund, at a case, or at a hospital (lines by case)",
    ),
    "DonationAttributed": ("认领：查明一笔捐赠是谁的", "whose an unattributed gift is"),
    "AllocationMade": ("善款匹配：从基金匹配给个案", "money of a fund is set aside for a case"),
    "AllocationReleased": ("释放资助额度：个案名下的钱退回来处", "allocated money goes home"),
    "HospitalPaymentMade": (
        "拨付：一笔银行付款给医院，可含多个个案",
        "one bank payment to a hospital, for one case or many",
    ),
    "HospitalPaymentReturned": ("医院结余退回、退汇", "a hospital, its bank or an insurer gives money back"),
    "TreatmentSettled": ("结算：医院为个案用掉的钱", "a hospital has spent money on a case"),
    "CashGranted": ("发放现金给家庭", "cash to the family"),
    "GrantReturned": ("家庭退款，或发放被银行退回", "the family repays cash, or the bank rejects it"),
    "DonationRefunded": ("捐赠退回捐赠人", "a donor gets money back"),
    "FundsTransferred": ("项目间资金调剂，限定随行", "money goes to another fund, its terms with it"),
    "TermsChanged": ("变更捐赠用途：适用新的限定", "other terms are in force for money of a fund"),
    "SerialsSubstituted": (
        "资金置换：同一处的支出改由其他资金承担",
        "a cost is charged to other money, as much as goes home",
    ),
    "ExpenseMade": ("基金会自身的费用支出", "the foundation's own spending"),
    "MoneyHeld": ("冻结基金中的资金", "fund money that may not be used"),
    "HoldLifted": ("解除冻结：全部或部分号段", "held money goes home, all of it or some ranges"),
    "AccountOpened": ("启用银行、渠道或现金账户", "an account of a bank, a channel or a cash box"),
    "ReceiptSuspended": ("待查暂收：收到的钱尚不知来由", "money came, and nobody knows yet whose or what for"),
    "SuspenseRepaid": ("暂收退还：退给付款人", "suspended money goes back to who paid it"),
    "LinesMatched": (
        "对账匹配：对账单流水就是这些分录的收付",
        "lines of statements are these cash legs of entries; without legs, from one own account to another",
    ),
    "LinesWrittenOff": ("核销：流水的余额不属于本账本，须两人", "what is open of lines is none of ours: two persons"),
    "LinesDisputed": ("存疑：与银行交涉中的流水", "what is open of lines is contested with the bank"),
    "LinesUnmatched": ("撤销匹配、核销或存疑", "a match, write-off or dispute stands no more"),
    "PeriodClosed": ("关账：该月及以前不再登记，须两人", "a month is closed, and all before it: two persons"),
    "PeriodReopened": ("重开最后关账的账期，须两人", "the last month closed takes entries again: two persons"),
    "EntryReversed": ("冲销一条误记的分录，整条", "a mistaken entry is undone, whole"),
}

_LINES = (
    "file:SHA-256,statement:0,ordinal:3,amount:60.00，每笔流水一次；amount 不填为其余全部",
    "file:SHA-256,statement:0,ordinal:3,amount:60.00; once for each, all that is open without an amount",
)
_HINTS: dict[str, Pair] = {
    "basis": ("类别:文号，如 consent:2026-118", "kind:reference, such as consent:2026-118"),
    "cash": (
        "account:A,amount:20000.00,bank_on:2026-03-01,bank_ref:R，可重复",
        "account:A,amount:20000.00,bank_on:2026-03-01,bank_ref:R; may be repeated",
    ),
    "lines": (
        "case:C,amount:6000.00,bill_no:B,bill_amount:8000.00，每个个案一次",
        "case:C,amount:6000.00,bill_no:B,bill_amount:8000.00; once for each line",
    ),
    "LinesMatched.lines": _LINES,
    "LinesWrittenOff.lines": _LINES,
    "LinesDisputed.lines": _LINES,
    "legs": (
        "seq:128,leg:0,amount:60.00，分录号与其第几笔收付，可重复；amount 不填为其余全部",
        "seq:128,leg:0,amount:60.00; once for each, all that is open without an amount",
    ),
    "rule": ("规则名与版本；人工判断为 person/1", "a rule's name and version; person/1 where a person says so"),
    "LinesWrittenOff.reason": (" ".join(WRITE_OFF_REASONS), " ".join(WRITE_OFF_REASONS)),
    "PeriodClosed.reason": ("例外关账的理由，入账公开", "why it is closed over what is open; stands in the entry"),
    "PeriodReopened.reason": ("理由，入账公开", "why; it stands in the entry"),
    "period": ("用途内的期间，如 2026-03", "within the purpose, such as 2026-03"),
    "PeriodClosed.period": ("月份，如 2026-03", "a month, such as 2026-03"),
    "PeriodReopened.period": ("月份，如 2026-03", "a month, such as 2026-03"),
    "foreign": (
        "currency:USD,amount:1400.00,rate:7.1234,rate_on:2026-03-01",
        "currency:USD,amount:1400.00,rate:7.1234,rate_on:2026-03-01",
    ),
    "restriction": ("disease=VSD|ASD;province=410000", "disease=VSD|ASD;province=410000"),
    "attributes": (
        "disease=VSD;province=410000，或 attributes.disease=VSD",
        "disease=VSD;province=410000, or attributes.disease=VSD",
    ),
    "approved_by": ("甲|乙", "A|B"),
    "personal": (
        "donor_name=王小明;donor_phone=…，加密存入保险库",
        "donor_name=Ann;donor_phone=..., encrypted in the vault",
    ),
    "evidence": ("摘要|摘要", "digest|digest"),
    "ranges": ("t3:100-200|t5:0-50；与 donation 二选一", "t3:100-200|t5:0-50; or donation instead"),
    "HoldLifted.ranges": ("t3:100-200|t5:0-50；不填为全部", "t3:100-200|t5:0-50; all of it when not given"),
    "incoming": ("t3:100-200，须在基金", "t3:100-200, at a fund"),
    "outgoing": ("t5:0-100，须在 place", "t5:0-100, at the place"),
    "place": (
        "case/C、hospital/H/C、used/H/C 或 used/C",
        "case/C, hospital/H/C, used/H/C or used/C",
    ),
    "fee": ("退款中出自管理费的部分，如 100.00", "the part of the amount out of the fee, such as 100.00"),
    "fee_bp": ("基点，500 为 5%；不填按基金费率", "basis points, 500 is 5 %; the fund's rate when not given"),
    "corrects": ("所更正的在先分录号", "the number of an earlier entry that it puts right"),
    "reverses": ("分录号（多部分的写第一条）", "the entry's number (of its first part)"),
    "key": ("同键同内容只登记一次；不填由内容得出", "recorded once under a key; made from the content when not given"),
    "kind": (" ".join(COST_KINDS), " ".join(COST_KINDS)),
    "AccountOpened.kind": (" ".join(ACCOUNT_KINDS), " ".join(ACCOUNT_KINDS)),
    "AccountOpened.account": (
        "编号，不是账号；与对账单的 --account 相同",
        "an id, no number; as --account of statements",
    ),
    "source": (" ".join(SOURCES), " ".join(SOURCES)),
    "from": ("fund 或 fee；不填为 fund", "fund or fee; fund when not given"),
    "nature": ("own 或 agency；不填为 own", "own or agency; own when not given"),
    "CaseClosed.reason": (" ".join(CLOSING_REASONS), " ".join(CLOSING_REASONS)),
    "HospitalPaymentReturned.reason": (" ".join(RETURN_REASONS), " ".join(RETURN_REASONS)),
    "BalanceBroughtForward.amount": ("20000.00；有 lines 时不填", "20000.00; not with lines"),
    "name": ("文字", "text"),
    "dimension": ("小写字母、数字和下划线，如 disease", "lower-case letters, digits and _, such as disease"),
    "code": ("文字，如 VSD", "text, such as VSD"),
    "parent": ("同维度的代码", "a code of the dimension"),
    "province": ("数据字典的代码", "a code of the dictionary"),
}


def hint_of(form: Form, member: Member) -> Pair:
    """How a member is written."""
    own = _HINTS.get(f"{form.fact}.{member.name}") or _HINTS.get(member.name)
    if own is not None:
        return own
    if member.name in AMOUNTS:
        return "20000.00，或以最小货币单位计的整数 2000000", "20000.00, or a whole number of minor units, 2000000"
    if isinstance(member.type, inspect.DateType):
        return "2026-03-01", "2026-03-01"
    return "编号", "an id"
