"""What people read in a trace: the same figures as the JSON, in their language, in columns that stand straight."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from projected import START, Ledger, folded, opened
from rich.cells import cell_len

from ledger.decisions import GrantCash, MakeAllocation, PayHospital, PaymentLine, ReceiveDonation, SettleTreatment
from projections.trace import reading
from reports.traces import WORDS, Reader, trace_lines

CHINESE = """\
捐赠人 小明-1
  捐赠合计  10,000.00 CNY

善款现状
  现状                         金额
  提取的项目管理费：heart    500.00
  已使用：H1 · C1          9,500.00

捐赠明细
  捐赠    日期        专项基金       金额  分录
  D-0001  2026-01-01  heart     10,000.00  #9

去向
  号段         捐赠        金额  现状
  t1:0-950000  D-0001  9,500.00  已使用：H1 · C1
  t2:0-50000   D-0001    500.00  提取的项目管理费：heart

号段与捐赠的对应是记账约定，不是对钞票的实物追踪。"""

ENGLISH = """\
Serial t1:100
  Donation     D-0001
  Donor        小明-1
  Fund         heart
  Where it is  Used: H1 · C1
  Home         In fund: heart
  Since        2026-01-01

How it came there
  Entry  Date        Fact                 From            To              Record
  #9     2026-01-01  Donation received    —               In fund: heart  donation/D-0001
  #11    2026-01-01  Allocation           In fund: heart  Allocated: C1   allocation/A1
  #12    2026-01-01  Payment to hospital  Allocated: C1   Paid: H1 · C1   payment/Y1
  #13    2026-01-01  Settlement           Paid: H1 · C1   Used: H1 · C1   settlement/S1

Which serials are whose is a bookkeeping convention, not physical tracing."""


@pytest.fixture
def ledger(server_url: str) -> Iterator[Ledger]:
    """Two gifts, one of them with no donor, that paid for one case."""
    with opened(server_url) as ledger:
        outcomes = ledger.writer.submit_batch(
            [
                ReceiveDonation(key="1", donation="D-0001", fund="heart", amount=1_000_000, on=START, donor="小明-1"),
                ReceiveDonation(key="2", donation="捐赠-2", fund="heart", amount=1_234_567, on=START),
                MakeAllocation(key="3", allocation="A1", case="C1", amount=1_500_000, on=START),
                PayHospital(key="4", payment="Y1", hospital="H1", lines=(PaymentLine("C1", 1_200_000),), on=START),
                SettleTreatment(key="5", settlement="S1", hospital="H1", case="C1", amount=1_100_000, on=START),
                GrantCash(key="6", grant="R1", case="C1", amount=100_000, on=START),
            ]
        )
        assert [outcome.seq for outcome in outcomes if not isinstance(outcome, Exception)] == [9, 10, 11, 12, 13, 14]
        folded(ledger)
        yield ledger


def told(ledger: Ledger, kind: str, id: str, reader: Reader) -> str:
    with reading(ledger.journal) as traces:
        return "\n".join(trace_lines(kind, getattr(traces, kind)(id), reader))


def test_a_donor_reads_it_in_chinese(ledger: Ledger) -> None:
    assert told(ledger, "donor", "小明-1", Reader()) == CHINESE


def test_the_life_of_one_fen_reads_in_english(ledger: Ledger) -> None:
    assert told(ledger, "serial", "t1:100", Reader("en")) == ENGLISH


def test_amounts_have_the_decimals_of_the_currency(ledger: Ledger) -> None:
    assert "10,000.00 CNY" in told(ledger, "donation", "D-0001", Reader())
    assert "1,000,000 JPY" in told(ledger, "donation", "D-0001", Reader("en", "JPY", 0))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("kind", "id"), [("case", "C1"), ("hospital", "H1"), ("fund", "heart"), ("donation", "捐赠-2")]
)
def test_columns_stand_straight_though_characters_are_wide(ledger: Ledger, language: str, kind: str, id: str) -> None:
    text = told(ledger, kind, id, Reader(language))
    for block in text.split("\n\n"):
        ends = {
            cell_len(line[: line.index(".") + 3])
            for line in block.splitlines()
            if line.startswith("  ") and line.count(".") == 1
        }
        assert len(ends) <= 1, block


def test_a_list_with_nothing_in_it_says_so(ledger: Ledger) -> None:
    assert "（无）" in told(ledger, "case", "c/2%", Reader())
    assert "(none)" in told(ledger, "hospital", "h/2", Reader("en"))


@pytest.mark.parametrize(
    ("place", "zh", "en"),
    [
        ("fund/heart/t9", "在基金：heart · t9", "In fund: heart · t9"),
        ("used/b%2Fc", "已发放：b/c", "Granted: b/c"),
        ("cost/heart/channel", "费用支出：heart · 渠道手续费", "Cost: heart · channel"),
        ("hold/other", "冻结：other", "Held: other"),
        ("refunded", "捐赠退回", "Refunded"),
        ("void", "作废（误记）", "Void (recorded by mistake)"),
        (None, "—", "—"),
    ],
)
def test_every_place_has_its_words(place: str | None, zh: str, en: str) -> None:
    assert Reader("zh").place(place) == zh
    assert Reader("en").place(place) == en


def test_every_word_is_there_in_both_languages() -> None:
    assert all(zh and en for zh, en in WORDS.values())
