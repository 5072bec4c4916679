"""What people read in the balances: every figure, of the day and with the knowledge that the title says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from conftest import every_server
from projected import START, Ledger, folded, opened

from ledger.decisions import (
    Basis,
    BringForward,
    HoldMoney,
    MakeAllocation,
    PayHospital,
    PaymentLine,
    ReceiveDonation,
    RefundDonation,
    ReverseEntry,
    TransferFunds,
)
from ledger.errors import Unknown
from projections.history import NOW, Vantage, reading_from
from reports.balances import FIGURES, balance_lines, balances_of
from reports.traces import Reader

BASIS = Basis(kind="filing", ref="F-1")
HEART, BLOOD = "heart", "b/lood%"

CHINESE = """\
收支余总表（记账日期截至 2026-01-01，按截至 2026-11-30 23:59:59+00:00 已登记的分录）
  收入合计      20,500.00 CNY
  其中期初余额     500.00 CNY
  调入           2,000.00 CNY

其中
  在基金（可用）    10,000.00 CNY
  善款匹配           4,500.00 CNY
  已拨付未结算       3,000.00 CNY
  已使用                 0.00 CNY
  提取的项目管理费   1,000.00 CNY
  费用支出               0.00 CNY
  冻结                 100.00 CNY
  捐赠退回           1,900.00 CNY
  其他转出               0.00 CNY
  调出               2,000.00 CNY

不计入
  作废（误记）  7.00 CNY

各专项基金
  专项基金   收入合计      调入  在基金（可用）  善款匹配  已拨付未结算  提取的项目管理费    冻结  捐赠退回      调出
  b/lood%        0.00  2,000.00          500.00      0.00          0.00              0.00    0.00  1,500.00      0.00
  heart     20,500.00      0.00        9,500.00  4,500.00      3,000.00          1,000.00  100.00    400.00  2,000.00"""


@pytest.fixture
def ledger(server_url: str) -> Iterator[Ledger]:
    """Two gifts and an opening balance; 7.00 of a mistaken one; what became of them by 1 January."""
    with opened(server_url) as ledger:
        line = (PaymentLine("C1", 300_000),)
        for command in (
            ReceiveDonation(key="1", donation="D1", fund=HEART, amount=1_000_000, on=START, donor="P1"),
            ReceiveDonation(key="2", donation="D2", fund=HEART, amount=1_000_000, on=START),
            BringForward(key="3", donation="B1", fund=HEART, amount=50_000, on=START, basis=BASIS),
            MakeAllocation(key="4", allocation="A1", case="C1", amount=750_000, on=START),
            PayHospital(key="5", payment="Y1", hospital="H1", lines=line, on=START),
            TransferFunds(key="6", transfer="T1", fund=HEART, to_fund=BLOOD, amount=200_000, on=START, basis=BASIS),
            HoldMoney(key="7", hold="X1", ranges=("t1:1000000-1010000",), on=START),
            RefundDonation(key="8", refund="R1", donation="D2", amount=190_000, on=START),
        ):
            ledger.writer.submit(command)
        mistaken = ReceiveDonation(key="9", donation="D3", fund=HEART, amount=700, fee_bp=0, on=START)
        seq = ledger.writer.submit(mistaken).seq
        ledger.writer.submit(ReverseEntry(key="10", reverses=seq, on=START))
        ledger.writer.submit(
            ReceiveDonation(key="11", donation="D4", fund=BLOOD, amount=5_000, on=date(2026, 1, 2), fee_bp=0)
        )
        folded(ledger)
        yield ledger


def test_all_figures_are_read_in_chinese(ledger: Ledger) -> None:
    vantage = Vantage(START, datetime(2026, 11, 30, 23, 59, 59, 999_999, UTC))
    with reading_from(ledger.journal, vantage) as traces:
        assert "\n".join(balance_lines(balances_of(traces), Reader(), vantage)) == CHINESE


@every_server
def test_balances_of_all_funds_are_the_sum_of_each_ones(ledger: Ledger) -> None:
    for vantage in (NOW, Vantage(START), Vantage(date(2025, 12, 31))):
        with reading_from(ledger.journal, vantage) as traces:
            total = balances_of(traces)
            parts = [balances_of(traces, fund) for fund in (HEART, BLOOD)]
            assert [part["funds"] for part in parts] == [[one] for one in reversed(total["funds"])]
            for name in FIGURES:
                assert total[name] == sum(part[name] for part in parts)
            assert [traces.fund(HEART)[name] for name in ("received", "held")] == [
                parts[0]["received"],
                parts[0]["held"],
            ]


def test_before_the_first_day_every_figure_is_nothing(ledger: Ledger) -> None:
    with reading_from(ledger.journal, Vantage(date(2025, 12, 31))) as traces:
        balances = balances_of(traces)
        assert [balances[name] for name in FIGURES] == [0] * len(FIGURES)
        assert "Not counted" not in "\n".join(balance_lines(balances, Reader("en")))


def test_a_fund_that_the_ledger_does_not_have_is_refused(ledger: Ledger) -> None:
    with reading_from(ledger.journal, NOW) as traces, pytest.raises(Unknown):
        balances_of(traces, "nobody's")
