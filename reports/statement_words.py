"""What statements say, in Chinese and in English, beside the words of traces."""

from __future__ import annotations

from dataclasses import dataclass

from reports.traces import Reader


@dataclass(frozen=True)
class StatementReader(Reader):
    """A reader of statements."""

    def word(self, key: str) -> str:
        """The word for a key, of these or of traces."""
        zh, en = WORDS[key] if key in WORDS else (super().word(key), super().word(key))
        return zh if self.language == "zh" else en


WORDS = {
    "statement_bank": ("银行存款余额调节表", "Bank reconciliation"),
    "statement_accounts": ("科目余额表", "Trial balance"),
    "statement_flows": ("收支明细表", "Receipts and spending by fund"),
    "statement_fund": ("基金变动表", "Changes in funds"),
    "statement_hospital": ("医院对账单与预付款账龄", "Hospitals: payments, settlements, advances by age"),
    "statement_ratios": ("年度支出与管理费用比例测算表", "Worksheet of spending and management ratios"),
    "ledger": ("账本", "Ledger"),
    "currency": ("币种", "Currency"),
    "from": ("自", "From"),
    "to": ("至", "To"),
    "year": ("年度", "Year"),
    "days": ("日期相差至多（天）", "Days apart at most"),
    "resting_on": ("依据", "Rests on"),
    "head_of": ("已签署的前 {} 条分录", "the signed head of {} entries"),
    "root": ("树根", "Root"),
    "code": ("校验码", "Code"),
    "figures": ("本表的数据", "the figures of this statement"),
    "total": ("合计", "Total"),
    "sum": ("合计", "Total"),
    "name": ("名称", "Name"),
    "by_code": ("按科目", "By code"),
    "by_account": ("按明细", "By account"),
    "account_code": ("科目编码", "Code"),
    "account_name": ("科目名称", "Account"),
    "detail": ("明细", "Detail"),
    "nature": ("限定性", "Class"),
    "restricted": ("限定性", "Restricted"),
    "unrestricted": ("非限定性", "Unrestricted"),
    "agency": ("受托代理", "Agency"),
    "opening_debit": ("期初借方", "Opening debit"),
    "opening_credit": ("期初贷方", "Opening credit"),
    "debit": ("本期借方", "Debits"),
    "credit": ("本期贷方", "Credits"),
    "closing_debit": ("期末借方", "Closing debit"),
    "closing_credit": ("期末贷方", "Closing credit"),
    "flows_by_fund": ("各基金收支", "By fund"),
    "flows_of_fund": ("逐笔收支", "Entry by entry"),
    "item": ("项目", "Item"),
    "entries": ("分录", "Entries"),
    "inflow": ("增加", "In"),
    "outflow": ("减少", "Out"),
    "opening_balance": ("期初转入", "Brought forward"),
    "income": ("收入", "Income"),
    "income_donation": ("捐赠收入", "Donations"),
    "income_grant": ("资助款收入", "Grants"),
    "income_government": ("政府补助收入", "Government grants"),
    "income_interest": ("利息收入", "Interest"),
    "income_investment": ("投资收益", "Investment income"),
    "income_bank": ("银行来款", "From the bank"),
    "agency_received": ("收到受托代理款", "Agency money received"),
    "agency_spent": ("支付受托代理款", "Agency money spent"),
    "refunded": ("捐赠退回", "Refunded"),
    "transferred_in": ("调入", "Transferred in"),
    "transferred_out": ("调出", "Transferred out"),
    "terms_changed": ("变更捐赠用途", "Terms changed"),
    "released": ("限定解除转入（转出）", "Released from restriction"),
    "spent": ("费用支出", "Spent"),
    "other_change": ("其他变动", "Other"),
    "expense_programme": ("业务活动成本", "Programme expenses"),
    "expense_management": ("管理费用", "Management expenses"),
    "expense_fundraising": ("筹资费用", "Fundraising expenses"),
    "expense_channel": ("渠道手续费", "Channel fees"),
    "expense_other": ("其他费用", "Other expenses"),
    "out": ("其他转出", "Left otherwise"),
    "fund_roll": ("各基金净资产变动", "Changes by fund and class"),
    "opening": ("期初", "Opening"),
    "closing": ("期末", "Closing"),
    "advances_by_hospital": ("各医院", "By hospital"),
    "advances_by_case": ("各个案", "By case"),
    "paid_out": ("拨付", "Paid"),
    "settled": ("结算", "Settled"),
    "returned": ("退回", "Returned"),
    "age_30": ("30天内", "≤ 30 days"),
    "age_90": ("31–90天", "31–90 days"),
    "age_180": ("91–180天", "91–180 days"),
    "age_365": ("181–365天", "181–365 days"),
    "age_more": ("365天以上", "> 365 days"),
    "ratio_results": ("测算结果", "Results"),
    "ratio_figures": ("构成", "Figures"),
    "ratio_entries": ("所依据的分录", "The entries they come from"),
    "count": ("分录数", "Entries"),
    "figure": ("指标", "Figure"),
    "numerator": ("分子", "Numerator"),
    "denominator": ("分母", "Denominator"),
    "ratio": ("比例", "Ratio"),
    "limit": ("要求", "Limit"),
    "verdict": ("结论", "Verdict"),
    "met": ("符合", "met"),
    "not_met": ("不符合", "not met"),
    "no_base": ("无基数", "no base"),
    "programme_ratio": ("慈善活动支出占上年收入（均值）", "Programme spending to income of the year(s) before"),
    "management_ratio": ("管理费用占当年总支出", "Management to all spending of the year"),
    "income_before": ("以前年度收入（扣除退回）", "Income of the year(s) before, less refunds"),
    "programme": ("业务活动成本", "Programme"),
    "management": ("管理费用", "Management"),
    "fundraising": ("筹资费用", "Fundraising"),
    "other_spending": ("渠道手续费与其他", "Channel fees and other"),
    "all_spending": ("当年总支出", "All spending of the year"),
    "note_bank": (
        "银行方面的数据取自已导入的对账单，不在日志之中。",
        "What the bank says is from the statements that were imported; it is in no entry of the log.",
    ),
    "note_accounts": (
        "以前年度的收入与费用已结转净资产；受托代理款既非收入也非费用。",
        "Income and expenses of earlier years are closed into net assets; agency money is neither income nor expense.",
    ),
    "note_flows": (
        "增加为正，减少为负；善款匹配与提取管理费不改变净资产，不列入。",
        "In is positive, out negative; allocations and fees taken change no net assets and are not in it.",
    ),
    "note_fund": (
        "限定性资金按限定用途支出后即解除限定：限定性转出与非限定性转入相等，费用列入非限定性。",
        "Restricted money spent as it should be is released: as much goes to unrestricted, where the expense is.",
    ),
    "note_hospital": (
        "结算与退回先冲抵该个案最早的拨付；账龄自拨付日起算至期末。",
        "Settlements and returns count against a case's oldest payment first; ages run from it to the last day.",
    ),
    "note_ratios": (
        "比例限额为配置项，口径以主管部门规定为准；受托代理款不计入。",
        "The limits are configuration; the authority's own definitions count. Agency money is not in it.",
    ),
    "how_to_check": (
        "核对：fenhao verify-report 文件，由日志中的分录重算本表，指出被改动的数字；分录是否属实，不由它证明。",
        "To check: fenhao verify-report FILE computes it anew from the log. That entries are true it does not prove.",
    ),
}
"""By key, in Chinese and in English."""
