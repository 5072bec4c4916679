"""What people and programs read in the guards report: totals, findings, their evidence, or that there are none."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest
from guard_stories import Teller, day, library
from rich.cells import cell_len

from ledger.decisions import MakeAllocation
from ledger.journal import Journal
from ledger.writing import Writer
from projections.runner import Runner
from reports.guards import CHECKS, guard, guard_lines, guard_members
from reports.guards.findings import MOST_EVIDENCE
from reports.guards.words import MOST_SHOWN, REASONS, WORDS
from reports.traces import Reader

TODAY = day("06-30")
STORY = """
case C-101; allocate C-101 3000000 03-01 id=AL-1; pay C-101 1200000 03-20 id=PAY-1; settle C-101 1150050 04-02;
case C-102; allocate C-102 500000 06-02; pay C-102 500000 06-03 id=PAY-2 ref=88 account=ICBC;
back PAY-2 C-102 500000 06-09 reason=bank_rejected;
gift D-1 1000 06-05 donor=N-5 channel=wechat txn=T-1; gift D-2 1000 06-05 donor=N-5 channel=wechat
"""

CHINESE = """\
防止漏发、重发检查
  截至 2026-06-30 · 满 30 天算超期 · 全部基金

规则                      件数   金额 CNY
应发未发
  已匹配未拨付               1  18,000.00
  已拨付未结算               1     499.50
  账单未付清                 —          —
  按期发放缺期               —          —
  退回后未重付               1   5,000.00
  立案未匹配                 —          —
  受托代理款未匹配           —          —
  冻结久未解除               —          —
  限定资金将到期             —          —
  限定资金已到期             —          —
疑似重发
  同一受益人多案受款         —          —
  同一家庭多案受款           —          —
  同一账单多案使用           —          —
  同额短期重复拨付           —          —
  同日同额重复发放           —          —
  同一银行流水号不同账户     —          —
  捐赠疑似重复入账           1      10.00
  拨付超过账单合计           —          —

应发未发 · 已匹配未拨付 · 1 件 · 18,000.00 CNY
  善款匹配给在办个案已满 30 天，既未拨付也未发放：请付款，或释放资助额度。

  1.  个案 C-101  18,000.00  已 121 天
      #7  2026-03-01  善款匹配  AL-1  30,000.00  尚余 18,000.00 · 专项基金 heart

应发未发 · 已拨付未结算 · 1 件 · 499.50 CNY
  拨付医院已满 30 天仍未结算：请向医院索取结算单，结余应退回。

  医院预付账龄
  医院  30–59 天  60–89 天  90–179 天  180+ 天    合计
  H            —         —     499.50        —  499.50

  1.  医院 H · 个案 C-101  499.50  已 102 天
      #8  2026-03-20  拨付  PAY-1  12,000.00  尚余 499.50

应发未发 · 退回后未重付 · 1 件 · 5,000.00 CNY
  退汇或退回之后没有再付：请更正账户后重新付款，或释放资助额度。

  1.  医院 H · 个案 C-102  5,000.00  已 21 天
      #12  2026-06-03  拨付      PAY-2  5,000.00  尚余 0.00 · 账户 ICBC · 银行流水号 88
      #13  2026-06-09  医院退回  PAY-2  5,000.00  原因 退汇

疑似重发 · 捐赠疑似重复入账 · 1 件 · 10.00 CNY
  同一捐赠人、同日、同额、同渠道的捐赠，且至少一笔没有交易号。

  1.  捐赠人 N-5 · 渠道 wechat  10.00  最近一笔在 25 天前
      #14  2026-06-05  收到捐赠  D-1  10.00  专项基金 heart · 交易号 T-1
      #15  2026-06-05  收到捐赠  D-2  10.00  专项基金 heart

以上是需要人工核对的线索，不是结论。疑似重发的金额是至多重复的部分；同一笔款可能出现在几项规则中，金额不可相加。"""

ENGLISH = """\
Payments forgotten or made twice
  As of 2026-06-30 · waiting 30 days counts as late · all funds

Rule                                    Found  Amount CNY
Entitled but unpaid
  Allocated, not paid                       1   18,000.00
  Paid to a hospital, not settled           1      499.50
  Bill paid in part                         —           —
  Periodic grant missing                    —           —
  Returned, not paid again                  1    5,000.00
  Open case without money                   —           —
  Agency money not allocated                —           —
  Held for long                             —           —
  Expires soon, not allocated               —           —
  Expired, not allocated                    —           —
Possible double payments
  One person paid in several cases          —           —
  One household paid in several cases       —           —
  One bill for several cases                —           —
  Same amount paid again soon               —           —
  Same cash granted twice in a day          —           —
  One bank reference, several accounts      —           —
  Gift perhaps recorded twice               1       10.00
  Paid more than the bills                  —           —

Entitled but unpaid · Allocated, not paid · 1 found · 18,000.00 CNY
  Allocated to an open case for 30 days or more, neither paid nor granted: pay it, or release it.

  1.  Case C-101  18,000.00  121 days
      #7  2026-03-01  Allocation  AL-1  30,000.00  18,000.00 of it left · Fund heart

Entitled but unpaid · Paid to a hospital, not settled · 1 found · 499.50 CNY
  Paid to a hospital 30 days ago or more and not settled: ask for its account; what is left over comes back.

  Hospital advances by age
  Hospital  30–59 days  60–89 days  90–179 days  180+ days   Total
  H                  —           —       499.50          —  499.50

  1.  Hospital H · Case C-101  499.50  102 days
      #8  2026-03-20  Payment to hospital  PAY-1  12,000.00  499.50 of it left

Entitled but unpaid · Returned, not paid again · 1 found · 5,000.00 CNY
  A bank or a family sent it back and it was not paid again: correct the account and pay, or release it.

  1.  Hospital H · Case C-102  5,000.00  21 days
      #12  2026-06-03  Payment to hospital   PAY-2  5,000.00  0.00 of it left · Account ICBC · Bank reference 88
      #13  2026-06-09  Return from hospital  PAY-2  5,000.00  Reason rejected by the bank

Possible double payments · Gift perhaps recorded twice · 1 found · 10.00 CNY
  The same donor, day, amount and channel, one gift at least without a transaction number.

  1.  Donor N-5 · Channel wechat  10.00  the latest 25 days ago
      #14  2026-06-05  Donation received  D-1  10.00  Fund heart · Transaction T-1
      #15  2026-06-05  Donation received  D-2  10.00  Fund heart

Leads to check, not verdicts. Double payments: that much at most. A sum may come under several rules."""


@pytest.fixture
def journal(embedded_url: str, request: pytest.FixtureRequest) -> Iterator[Journal]:
    """A ledger on which the test tells its own story."""
    with library(embedded_url) as journal:
        yield journal


def tell(journal: Journal, story: str) -> None:
    """The story with its ids as they stand, in fund `heart`."""
    teller = Teller(Writer(journal), "heart", prefix="")
    teller.tell(story)
    Runner(journal).catch_up()


def text(journal: Journal, reader: Reader, *, days: int = 30) -> str:
    return "\n".join(guard_lines(guard(journal, today=TODAY, days=days), reader))


def test_finance_reads_it_in_their_language_and_currency(journal: Journal) -> None:
    tell(journal, STORY)
    assert text(journal, Reader("zh")) == CHINESE
    assert text(journal, Reader("en")) == ENGLISH
    assert "1,800,000" in text(journal, Reader("en", "JPY", 0))


def test_an_empty_report_says_so_plainly(journal: Journal) -> None:
    tell(journal, "case C")
    report = guard(journal, today=TODAY, fund="heart")
    assert list(guard_lines(report, Reader("zh"))) == [
        "防止漏发、重发检查",
        "  截至 2026-06-30 · 满 30 天算超期 · 专项基金 heart",
        "",
        "没有发现应发未发，也没有发现疑似重发：18 项规则均已检查。",
    ]
    assert list(guard_lines(report, Reader("en")))[-1].startswith("Nothing is unpaid that should be paid")
    members = guard_members(report, "CNY", 2)
    assert members["findings"] == members["advances"] == []
    assert {each["rule"]: each["findings"] for each in members["rules"]} == {rule.name: 0 for rule in CHECKS}


def test_long_lists_are_cut_and_say_how_much_is_left_out(journal: Journal) -> None:
    cases = "".join(f"case C{n:02}; allocate C{n:02} {100 + n} 05-01;" for n in range(MOST_SHOWN + 3))
    gifts = "".join(f"gift D{n:02} 700 06-05 donor=N;" for n in range(MOST_EVIDENCE + 2))
    tell(journal, cases + gifts)
    said = text(journal, Reader("zh"))
    assert f"  {MOST_SHOWN}.  个案 C03" in said
    assert "个案 C02" not in said
    assert "……另有 3 件，共 3.03；用 --json 看全部" in said
    assert "……另有 2 条分录" in said
    members = guard_members(guard(journal, today=TODAY), "CNY", 2)
    assert sum(each["rule"] == "allocated_unpaid" for each in members["findings"]) == MOST_SHOWN + 3
    [gift] = [each for each in members["findings"] if each["rule"] == "same_gift"]
    assert (gift["amount"], gift["entries"], len(gift["evidence"])) == (7_700, MOST_EVIDENCE + 2, MOST_EVIDENCE)


def test_money_of_another_fund_concerns_both(journal: Journal) -> None:
    Teller(Writer(journal), "rural", prefix="r-").tell("gift D 100 02-01")
    tell(journal, "case C")
    allocation = MakeAllocation(key="x", on=day("03-01"), allocation="AL", case="C", fund="rural", amount=100)
    Writer(journal).submit(allocation)
    Runner(journal).catch_up()
    for fund in ("heart", "rural"):
        [finding] = guard(journal, today=TODAY, fund=fund).findings
        assert (finding.subject, finding.amount) == ({"case": "C"}, 100)


def test_programs_read_the_same_as_people(journal: Journal) -> None:
    tell(journal, STORY)
    report = guard(journal, today=TODAY)
    members = json.loads(msgspec.json.encode(guard_members(report, "CNY", 2)))
    assert [each["amount"] for each in members["findings"]] == [1_800_000, 500_000, 49_950, 1_000]
    assert members["rules"][0] == {
        "rule": "allocated_unpaid",
        "kind": "unpaid",
        "title": {"zh": "已匹配未拨付", "en": "Allocated, not paid"},
        "findings": 1,
        "amount": 1_800_000,
    }
    assert members["advances"] == [
        {
            "hospital": "H",
            "amount": 49_950,
            "ages": [
                {"from": 30, "amount": 0},
                {"from": 60, "amount": 0},
                {"from": 90, "amount": 49_950},
                {"from": 180, "amount": 0},
            ],
        }
    ]
    returned = members["findings"][1]
    assert returned["title"] == {"zh": "退回后未重付", "en": "Returned, not paid again"}
    assert (returned["subject"], returned["days"]) == ({"hospital": "H", "case": "C-102"}, 21)
    assert returned["evidence"][1] == {
        "seq": 13,
        "type": "HospitalPaymentReturned",
        "on": "2026-06-09",
        "id": "PAY-2",
        "amount": 500_000,
        "hospital": "H",
        "case": "C-102",
        "reason": "bank_rejected",
        "zh": "#13 2026-06-09 医院退回 PAY-2 5,000.00 医院 H · 个案 C-102 · 原因 退汇",
        "en": "#13 2026-06-09 Return from hospital PAY-2 5,000.00 "
        "Hospital H · Case C-102 · Reason rejected by the bank",
    }


def test_the_limit_in_days_stands_in_the_words(journal: Journal) -> None:
    tell(journal, STORY)
    said = text(journal, Reader("zh"), days=100)
    assert "满 100 天算超期" in said
    assert "已满 100 天" in said
    assert "医院  100–179 天  180+ 天" in said
    assert "已满 30 天" not in said


def test_columns_stand_straight_though_characters_are_wide(journal: Journal) -> None:
    tell(journal, STORY.replace("H;", "医院一;"))
    totals = text(journal, Reader("zh")).split("\n\n")[1].splitlines()
    assert len({cell_len(line) for line in totals if line.startswith("  ")}) == 1


def test_every_word_is_there_in_both_languages() -> None:
    assert all(zh and en and zh != en for zh, en in (*WORDS.values(), *REASONS.values()))
