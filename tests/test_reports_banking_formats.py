"""Each format is found by its content and read to the last fen: when, how much, which way, under which reference."""

from __future__ import annotations

from datetime import date

import bank_files as files
import pytest

from reports.banking.gate import judge
from reports.banking.mapped import Columns
from reports.banking.reading import read
from reports.banking.statement import Details, NotAStatement, Statement


def only(data: bytes | str, columns: Columns | None = None) -> Statement:
    """The one statement in a file."""
    _, [statement] = read(data.encode() if isinstance(data, str) else data, columns)
    return statement


def amounts(statement: Statement) -> list[int]:
    return [line.amount for line in statement.lines]


def test_mt940_a_credit_taken_back_is_money_out_and_a_debit_taken_back_money_in() -> None:
    statement = only(files.MT940)
    assert amounts(statement) == [25050, -5050, -10000, 25]
    assert (statement.account, statement.currency, statement.number) == ("6222000011112222", "CNY", "9/1/ST260901")
    assert (statement.opening, statement.closing) == (100000, 110025)
    assert judge(statement).ties
    first = statement.lines[0]
    assert (first.booked_on, first.bank_ref) == (date(2026, 9, 2), "BK001")
    assert first.details == Details("Zhang San", "CN99", "DON-1", "GUTSCHRIFT")


@pytest.mark.parametrize("before", ["", "\ufeff", "{1:F01X}{4:\r\n", "\r\n"])
def test_mt940_is_known_with_and_without_an_envelope(before: str) -> None:
    assert len(only(before + files.MT940.replace("\n", "\r\n")).lines) == 4


def test_mt940_sums_that_the_bank_gives_are_held_against_the_lines() -> None:
    whole = only(files.MT940.replace("-\n", ":90D:2CNY150,50\n:90C:2CNY250,75\n-\n"))
    assert judge(whole).ties
    wrong = only(files.MT940.replace("-\n", ":90C:2CNY250,76\n-\n"))
    assert [claim.what for claim in judge(wrong).failed] == ["money in"]


def test_camt_entries_have_their_side_their_days_and_their_parties() -> None:
    data = files.camt("50.25", files.entry("200.25", "CRDT", "A1"), files.entry("50.00", "DBIT", "A2"))
    statement = only(data)
    assert (amounts(statement), statement.opening, statement.closing) == ([20025, -5000], -10000, 5025)
    assert judge(statement).ties
    first = statement.lines[0]
    assert (first.booked_on, first.value_on, first.bank_ref) == (date(2026, 9, 2), date(2026, 9, 3), "A1")
    assert first.details == Details("Li Si", "NL00X", "E-A1", "for the children")


def test_camt_pending_entries_are_not_money_yet() -> None:
    pending = files.entry("7.00", "CRDT", "A2").replace("<Sts>BOOK</Sts>", "<Sts><Cd>PDNG</Cd></Sts>")
    statement = only(files.camt("100.25", files.entry("200.25", "CRDT", "A1"), pending))
    assert amounts(statement) == [20025]
    assert judge(statement).ties


@pytest.mark.parametrize(("side", "expected"), [("DBIT", -5000), ("CRDT", -5000)])
def test_camt_a_reversal_has_the_sign_with_which_the_statement_ties(side: str, expected: int) -> None:
    """One bank gives the side on which the reversal of a credit is booked, another the side of that credit."""
    reversal = files.entry("50.00", side, "A2", "<RvslInd>true</RvslInd>")
    statement = only(files.camt("50.25", files.entry("200.25", "CRDT", "A1"), reversal))
    assert amounts(statement) == [20025, expected]
    assert judge(statement).ties


def test_camt_summaries_are_held_against_the_entries() -> None:
    summary = "<TxsSummry><TtlCdtNtries><NbOfNtries>2</NbOfNtries><Sum>200.25</Sum></TtlCdtNtries></TxsSummry>"
    statement = only(files.camt("100.25", summary, files.entry("200.25", "CRDT", "A1")))
    assert [claim.what for claim in judge(statement).failed] == ["number of money in"]


def test_ofx_is_read_though_its_elements_are_never_closed() -> None:
    statement = only(files.OFX.encode("cp1252"))
    assert (statement.account, statement.currency, amounts(statement)) == ("998877", "USD", [1230, -200])
    assert (statement.opening, statement.closing) == (None, 11030)
    assert statement.lines[0].details.counterparty == "Müller & Söhne"
    assert [line.bank_ref for line in statement.lines] == ["F1", "F2"]


def test_what_says_nothing_that_can_be_checked_neither_ties_nor_does_not() -> None:
    verdict = judge(only(files.OFX.encode("cp1252")))
    assert (verdict.ties, verdict.passes) == (None, False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_banks_columns_are_found_by_name_in_any_encoding(encoding: str) -> None:
    statement = only(files.BANK_CSV.encode(encoding))
    assert statement.account == "621700001111"
    assert amounts(statement) == [-3000, 10050, 10000]
    assert (statement.opening, statement.closing) == (90000, 107050)
    assert judge(statement).ties
    first = statement.lines[0]
    assert (first.booked_on, first.clock, first.bank_ref) == (date(2026, 9, 3), "10:00:00", "L3")
    assert first.details == Details("市儿童医院", None, None, "拨付")


def test_a_line_left_out_of_a_banks_file_breaks_the_chain_of_balances() -> None:
    lines = files.BANK_CSV.splitlines(keepends=True)
    statement = only("".join(lines[:4] + lines[5:]))
    verdict = judge(statement)
    assert verdict.ties is False
    assert verdict.difference == 10050


def test_money_out_marked_with_a_minus_in_its_own_column_is_money_out() -> None:
    statement = only(files.BANK_CSV.replace(",30.00,,", ",-30.00,,"))
    assert amounts(statement) == [-3000, 10050, 10000]
    assert judge(statement).ties


def test_a_correction_in_the_column_for_money_out_is_money_in() -> None:
    """红字: the bank takes a debit back with a minus there, and the balances say so."""
    statement = only("交易日期,借方发生额,贷方发生额,余额\n2026-09-02,30.00,,70.00\n2026-09-03,-30.00,,100.00\n")
    assert amounts(statement) == [-3000, 3000]
    assert judge(statement).ties


def test_amounts_with_a_column_that_says_which_way() -> None:
    table = "交易日期,收/支,金额,余额,币种\n20260902,收入,100.00,150.00,人民币\n20260903,支出,30.00,120.00,人民币\n"
    assert amounts(only(table)) == [10000, -3000]
    with pytest.raises(NotAStatement, match="neither in nor out"):
        only(table.replace("支出", "其他"))


def test_a_table_of_two_currencies_is_two_statements() -> None:
    _, found = read("交易日期,金额,币种\n2026-09-02,1.00,人民币\n2026-09-02,100,日元\n".encode())
    assert [(each.currency, amounts(each)) for each in found] == [("CNY", [100]), ("JPY", [100])]


def test_balances_stated_above_the_table_are_the_gate() -> None:
    table = "期初余额,10.00,期末余额,12.00\n交易日期,金额,备注\n2026-09-02,1.00,x\n"
    verdict = judge(only(table))
    assert (verdict.ties, verdict.difference) == (False, 100)


def test_numbers_of_a_spreadsheet_are_the_decimals_that_were_written() -> None:
    """0.1 + 0.2 in binary is not 0.3; what the bank wrote as 0.3 is."""
    head = ["交易日期", "存入金额", "取出金额", "余额", "流水号"]
    rows = [["2026-09-02", 0.3, "", 1234567.9, 123456789012], ["2026-09-03", "", 8.29, 1234559.61, "L2"]]
    statement = only(files.workbook([["账号", "6217000011112222333"], head, *rows]))
    assert statement.account == "6217000011112222333"
    assert amounts(statement) == [30, -829]
    assert judge(statement).ties
    assert statement.lines[0].bank_ref == "123456789012"
    with pytest.raises(NotAStatement, match="never rounded"):
        only(files.workbook([head, ["2026-09-02", 0.1 + 0.2, "", 1, ""]]))


def test_wechat_trades_are_their_order_amounts_with_the_fee_beside_and_commas_in_words_do_no_harm() -> None:
    statement = only(files.WECHAT_TRADES)
    assert statement.account == "1900001"
    assert [(line.amount, line.fee, line.bank_ref) for line in statement.lines] == [
        (10000, 60, "42001"),
        (5000, 30, "42002"),
        (-5000, -30, "50001"),
    ]
    assert statement.lines[0].order_ref == "DON-1"
    assert statement.lines[0].details.text == "为孩子, 捐一笔"
    assert (statement.opening, statement.closing) == (None, None)
    assert judge(statement).ties


@pytest.mark.parametrize(
    ("stated", "changed"), [("`3,`149", "`4,`149"), ("`0.60000,`150", "`0.61000,`150"), ("`150.00,`50", "`150.01,`50")]
)
def test_wechat_totals_that_are_not_so_are_found(stated: str, changed: str) -> None:
    assert stated in files.WECHAT_TRADES
    assert judge(only(files.WECHAT_TRADES.replace(stated, changed))).ties is False


def test_wechat_funds_have_balances_and_totals() -> None:
    statement = only("\ufeff" + files.WECHAT_FUNDS.replace("\n", "\r\n"))
    assert (amounts(statement), statement.opening, statement.closing) == ([10000, -60], 50000, 59940)
    assert judge(statement).ties
    assert judge(only(files.WECHAT_FUNDS.replace("`1,`100.00", "`1,`100.01"))).difference == 1


def test_alipay_movements_are_judged_by_their_totals_alone() -> None:
    statement = only(files.ALIPAY_MOVEMENTS.encode("gbk"))
    assert statement.account == "20881234567890120156"
    assert (amounts(statement), statement.opening, statement.closing) == ([10000, -60], 5000, 14940)
    assert [line.bank_ref for line in statement.lines] == ["9001", "9002"]
    assert judge(statement).ties
    frozen = only(files.ALIPAY_MOVEMENTS.replace("149.40", "99.40").encode("gbk"))
    assert (frozen.opening, judge(frozen).ties) == (None, True)
    assert judge(only(files.ALIPAY_MOVEMENTS.replace("共100.00元", "共100.10元").encode("gbk"))).difference == 10


def test_alipay_trades_and_refunds_with_their_fees_come_in_a_zip_beside_a_summary() -> None:
    data = files.zipped(**{"汇总.csv": files.ALIPAY_SUMMARY, "明细.csv": files.ALIPAY_TRADES})
    statement = only(data)
    assert [(line.amount, line.fee, line.bank_ref) for line in statement.lines] == [
        (10000, 60, "A1"),
        (-4000, -24, "A1/R1"),
    ]
    assert judge(statement).ties


GERMAN = Columns(
    {"booked_on": "Datum", "amount": "Betrag", "balance": "Saldo", "counterparty": "Wer"},
    {"currency": "EUR", "account": "DE1"},
    {"booked_on": "%d.%m.%Y", "amount": "1.234,56"},
)


def test_any_table_is_read_by_a_mapping() -> None:
    statement = only(files.MAPPED.replace(";", "\t"), GERMAN)
    assert (statement.account, statement.currency, amounts(statement)) == ("DE1", "EUR", [125050, -5050])
    assert (statement.opening, statement.closing, judge(statement).ties) == (10000, 130000, True)
    assert statement.lines[0].booked_on == date(2026, 9, 2)
    assert only(files.MAPPED, GERMAN) == statement


@pytest.mark.parametrize("amount", ["12.50", "1.23", "12,345.00", "1,234.56"])
def test_an_amount_in_another_style_than_the_mapping_says_is_refused_and_not_guessed(amount: str) -> None:
    with pytest.raises(NotAStatement, match="not written like"):
        only(files.MAPPED.replace("1.250,50", amount), GERMAN)


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        (Columns({"booked_on": "Datum"}, {"currency": "EUR"}, {}), "amount or both"),
        (Columns({"booked_on": "Datum", "amount": "Betrag"}, {}, {}), "currency"),
        (Columns({"booked_on": "Datum", "amount": "Betrag", "who": "Wer"}, {"currency": "EUR"}, {}), "none of ours"),
        (Columns({"booked_on": "Tag", "amount": "Betrag"}, {"currency": "EUR"}, {}), "Tag"),
        (GERMAN._replace(formats={"amount": "1.2"}), "shows 1234.56"),
    ],
)
def test_a_mapping_that_cannot_serve_says_why(columns: Columns, match: str) -> None:
    with pytest.raises(NotAStatement, match=match):
        only(files.MAPPED, columns)
