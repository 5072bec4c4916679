"""A file that is damaged, cut off, huge or made to do harm is one clear fault, and quickly; nothing is ever guessed."""

from __future__ import annotations

import io
import random
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import bank_files as files
import pytest

from reports.banking import tables
from reports.banking.amounts import decimal_text, minor_units
from reports.banking.gate import judge
from reports.banking.reading import read, read_file
from reports.banking.statement import NotAStatement, UnusableStatement, checked

XLSX = files.workbook([["交易日期", "金额"], ["2026-09-02", 1]])
BOMB = '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><BkToCstmrStmt><Id>&b;</Id></BkToCstmrStmt>'
OUTSIDE = '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><BkToCstmrStmt><Id>&a;</Id></BkToCstmrStmt>'
WHOLE = {
    "mt940": files.MT940.encode(),
    "camt": files.camt("100.25", files.entry("200.25", "CRDT", "A1")),
    "ofx": files.OFX.encode("cp1252"),
    "csv": files.BANK_CSV.encode(),
    "xlsx": XLSX,
    "wechat": files.WECHAT_TRADES.encode(),
    "funds": files.WECHAT_FUNDS.encode(),
    "alipay": files.ALIPAY_MOVEMENTS.encode("gbk"),
    "zip": files.zipped(**{"明细.csv": files.ALIPAY_TRADES}),
}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"\x00\x01\x02\x03", "not text"),
        (b"%PDF-1.7 ...", "columns"),
        (b"\xff\xff\xff,\x81", "neither UTF-8 nor GB18030"),
        (b"<html><table></table></html>", "neither camt.053 nor OFX"),
        (b"a,b\n1,2\n", "--mapping"),
        ('交易日期,金额\n2026-09-02,"1'.encode(), "quote"),
        ("交易日期,金额,余额\n2026-09-02\n".encode(), "cut off"),
        ("交易日期,金额\n2026-09-02,1.005\n".encode(), "never rounded"),
        ("交易日期,金额\n2026-09-02,1e5\n".encode(), "no amount"),
        ("交易日期,金额\n2026-09-02,1;5\n".encode(), "no amount"),
        ("交易日期,金额\n2026-09-02,90071992547409.92\n".encode(), "2\\^53"),
        ("交易日期,金额\n2026-02-30,1\n".encode(), "no date"),
        ("交易日期,金额\n2026-09-02,1,hidden\n".encode(), "more cells"),
        ("交易日期,金额\n".encode(), "no movements"),
        (BOMB.encode(), "attack"),
        (b"<!DOCTYPE d><BkToCstmrStmt/>", "attack"),
        (OUTSIDE.encode(), "attack"),
        (files.MT940.replace(":62F:", ":99:").encode(), "no opening or no closing"),
        (files.MT940.replace("C250,50", "E250,50").encode(), "not all of its lines"),
        (files.MT940.replace("NTRFDON-1", "").encode(), "not all of its lines"),
        (files.OFX.replace("<CURDEF>USD", "").encode(), "no currency"),
        (files.OFX.replace("ORIGCURRENCY", "CURRENCY").encode(), "in EUR on an account in USD"),
        (files.OFX.replace("20260903", "2026-9-3").encode(), "date"),
        (files.camt("1", files.entry("1.00", "CRDT", "A").replace('Ccy="EUR"', 'Ccy="USD"')), "in USD on an account"),
        (files.camt("1", files.entry("1.005", "CRDT", "A")), "never rounded"),
        (files.WECHAT_TRADES.split("总交易单数")[0].encode(), "totals are missing"),
        (files.WECHAT_TRADES.replace("`0.60000,", "`0.00600,", 1).encode(), "never rounded"),
        (files.ALIPAY_MOVEMENTS.split("#支出合计")[0].encode("gbk"), "totals are missing"),
        (files.ALIPAY_MOVEMENTS.replace("列表结束", "").encode("gbk"), "cut off"),
        (b"PK\x03\x04 no archive", "damaged"),
        (files.zipped(**{"a.csv": files.ALIPAY_SUMMARY}), "no bill"),
    ],
)
def test_what_is_no_statement_says_what_is_wrong(data: bytes, reason: str) -> None:
    with pytest.raises(NotAStatement, match=reason):
        read(data)


@pytest.mark.parametrize(
    "cell", ["=1+1", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x")', "@SUM|x!A1", "+cmd|' /C calc'!A0"]
)
def test_a_formula_is_refused_wherever_it_stands(cell: str) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    for table in (f"交易日期,金额,备注\n2026-09-02,1,{quoted}\n", f"交易日期,金额,备注\n2026-09-02,{quoted},x\n"):
        with pytest.raises(NotAStatement):
            read(table.encode())
    with pytest.raises(NotAStatement, match="formula"):
        read(files.WECHAT_TRADES.replace("`捐款,", f"`{cell},").encode())


def test_dashes_signs_and_quoted_ids_are_no_formulas() -> None:
    table = '交易日期,金额,备注,流水号\n2026-09-02,-1,-------,"=""0012"""\n2026-09-02,+2,+86 x(a),@b\n'
    _, [statement] = read(table.encode())
    assert [(line.amount, line.bank_ref) for line in statement.lines] == [(-100, "0012"), (200, "@b")]


def test_a_formula_in_a_workbook_is_refused_though_it_shows_a_value() -> None:
    sheet = '<row r="1"><c r="A1"><f>1+1</f><v>2</v></c></row>'
    with pytest.raises(NotAStatement, match="formula"):
        read(files.workbook([], sheet))


def test_a_workbook_s_true_is_no_amount() -> None:
    cells = ("交易日期", "金额", "2026-09-02")
    strings = [
        f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'
        for at, text in zip(("A1", "B1", "A2"), cells, strict=True)
    ]
    sheet = f'<row r="1">{strings[0]}{strings[1]}</row><row r="2">{strings[2]}<c r="B2" t="b"><v>1</v></c></row>'
    with pytest.raises(NotAStatement, match="True is no amount"):
        read(files.workbook([], sheet))


def test_a_workbook_whose_cells_reach_far_out_is_refused_before_it_takes_memory() -> None:
    began = time.monotonic()
    with pytest.raises(NotAStatement, match="too large"):
        read(files.workbook([], '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'))
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("name", ["a.csv", "xl/workbook.xml"])
def test_a_small_archive_that_unpacks_to_something_huge_is_refused(name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, b"0" * (tables.MAX_BYTES + 1))
    assert len(buffer.getvalue()) < 200_000
    with pytest.raises(NotAStatement, match="too large"):
        read(buffer.getvalue())


def test_a_huge_file_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UnusableStatement, match="too large"):
        read_file(path)


def test_a_missing_file_and_a_folder_are_faults_with_their_names(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(UnusableStatement, match=str(path)):
            read_file(path)


def test_what_a_bank_prints_to_confuse_a_terminal_or_a_database_is_not_kept() -> None:
    data = files.OFX.replace("<MEMO>fee", "<MEMO>fee\x1b[2J\x00x").replace("<FITID>F2", "<FITID>F\x002" + "9" * 500)
    _, statements = read(data.encode("cp1252"))
    [statement] = checked(statements)
    assert statement.lines[1].details.text == "fee [2J x"
    assert len(statement.lines[1].bank_ref or "") == 120


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def hit(data: bytes, chance: random.Random) -> bytes:
    broken = bytearray(data)
    for _ in range(chance.randrange(1, 20)):
        broken[chance.randrange(len(broken))] = chance.randrange(256)
    return bytes(broken)


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("damage", [cut, hit])
def test_damage_is_a_fault_or_is_still_a_statement_and_never_a_crash(
    kind: str, damage: Callable[[bytes, random.Random], bytes]
) -> None:
    """What is still read has whole amounts and a verdict; that the verdict sees every lost line is tested below."""
    chance = random.Random(f"{kind}{damage.__name__}")
    for _ in range(12 if kind == "xlsx" else 150):
        try:
            _, statements = read(damage(WHOLE[kind], chance))
        except NotAStatement:
            continue
        for statement in checked(statements):
            assert judge(statement).ties in (True, False, None)
            assert decimal_text(statement.credits, statement.exponent)


@pytest.mark.parametrize("kind", ["mt940", "camt", "wechat", "funds", "alipay", "ofx"])
def test_a_file_cut_off_anywhere_never_ties(kind: str) -> None:
    """Of formats that say what they come to. Nothing but blanks or the last mark may be missing from one that does."""
    whole = WHOLE[kind]
    _, [complete] = read(whole)
    for length in range(len(whole)):
        try:
            _, statements = read(whole[:length])
        except NotAStatement:
            continue
        assert all(each == complete or not judge(each).ties for each in statements), length


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("0", 0),
        ("-1,234.50", -123450),
        ("1234.5", 123450),
        ("￥ 1,000.00", 100000),
        ("-¥5", -500),
        ("0.00000", 0),
        ("1.10000", 110),
        ("+.5", 50),
        ("7.", 700),
        ("90,071,992,547,409.91", 2**53 - 1),
    ],
)
def test_amounts_as_banks_write_them(text: str, minor: int) -> None:
    assert minor_units(text, 2) == minor
    assert minor_units(decimal_text(minor, 2), 2) == minor


@pytest.mark.parametrize(
    "text", ["", ".", "-", "1.2.3", "1,23", "1,2345.00", "12 34", "١٢", "1e5", "nan", "inf", "--1", "0x1", "1_000"]
)
def test_what_is_no_amount_is_none(text: str) -> None:
    with pytest.raises(NotAStatement, match="no amount"):
        minor_units(text, 2)
