"""Files, mappings and forms of writing: what is read exactly, and what is one clear fault."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.intake import KINDS, Source, UnusableArgument, UnusableFile, UnusableMapping, parse_sources
from api.intake.formats import formatted_moments, iso_moments, plain_amounts, styled_amounts
from api.intake.mapping import read_mapping
from api.intake.plans import Plan, plan
from api.intake.reading import Numbered, reading
from ledger.errors import Refusal
from ledger.money import MAX_MINOR, AmountError

DOCUMENT = Path(__file__).parents[1] / "docs" / "import.md"
SHANGHAI = ZoneInfo("Asia/Shanghai")
STYLES = [
    "1,234.56",
    "1.234,56",
    "¥1,234.56",
    "1 234,56",
    "1'234.56",
    "1234.56",
    "1234,56",
    "CNY 1,234.56",
    "1,234.56 元",
]


def table(path: Path, content: bytes) -> tuple[list[str], list[Numbered]]:
    path.write_bytes(content)
    with reading(path, "funds") as read:
        return read.header, list(read.rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_text_is_read_in_utf8_and_gb18030_with_any_line_end(tmp_path: Path, encoding: str, newline: str) -> None:
    text = newline.join(["fund_id,name", "", 'A,"先心病', '救助"', ",", "B,乡村"])
    header, rows = table(tmp_path / "f.csv", text.encode(encoding))
    assert header == ["fund_id", "name"]
    assert rows == [(3, ["A", f"先心病{newline}救助"]), (5, ["B", "乡村"])]


def test_a_few_damaged_bytes_leave_the_other_rows_readable(tmp_path: Path) -> None:
    for whole in ("A,先心病\nB,", "A,heart disease of children\nB,"):
        _, rows = table(tmp_path / "f.csv", f"fund_id,name\n{whole}".encode() + b"\xed\xa0\x80\nC,x\n")
        assert [row.cells[0] for row in rows] == ["A", "B", "C"]
        assert [row.cells[1].isascii() or row.cells[1].isprintable() for row in rows] == [True, False, True]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n\n , \n"[:2], "empty"),
        (b"PK\x03\x04\x00\x00", "not text"),
        ("fund_id,name\n".encode("utf-16"), "not text"),
        (b"fund_id,name\n" + b"\xff\xfe\xff" * 50, "neither"),
        (b'fund_id,name\nA,"open\n', "row 2"),
        (b'fund_id,name\nA,B\nB,"he said "hi"\nC,D\n', "row 3"),
        (b'fund_id,name\nA,"' + b"x" * 2**24, "not CSV"),
    ],
)
def test_what_is_no_csv_is_one_fault_that_says_so(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(UnusableFile, match=said) as caught:
        table(tmp_path / "f.csv", content)
    assert "未登记任何内容" in caught.value.say("zh")


@pytest.mark.parametrize("name", ["missing.csv", ".", "nul\0"])
def test_what_cannot_be_opened_is_one_fault(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnusableFile, match="cannot be read"), reading(tmp_path / name, "funds"):
        pass


def write_in(style: str, minor: int) -> str:
    """`minor` as the style writes 1234.56."""
    before, after = style[: style.index("1")], style[style.rindex("6") + 1 :]
    digits = style[len(before) : len(style) - len(after)]
    group, point = digits[1:-6], digits[-3]
    whole, cents = divmod(minor, 100)
    return f"{before}{whole:,}{point}{cents:02}{after}".replace(",", "\0", f"{whole:,}".count(",")).replace("\0", group)


@given(style=st.sampled_from(STYLES), minor=st.integers(1, MAX_MINOR))
def test_what_a_style_writes_it_reads(style: str, minor: int) -> None:
    assert write_in(style, 123456) == style
    assert styled_amounts(style, 2)(write_in(style, minor)) == minor


@pytest.mark.parametrize("text", ["1,23.45", "12,34", "1.234,56", "1 234.56", "-1.00", "1,234.567", "١", "", "¥"])
def test_amounts_out_of_style_are_refused_never_guessed(text: str) -> None:
    with pytest.raises(AmountError):
        styled_amounts("1,234.56", 2)(text)


@pytest.mark.parametrize("style", ["", "abc", "1.234.56", "123456", "1,234,56", "%Y-%m-%d"])
def test_a_style_shows_how_1234_56_is_written(style: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any
        styled_amounts(style, 2)


def test_spreadsheet_numbers_are_exact_or_refused() -> None:
    read = plain_amounts(2)
    assert [read(text) for text in ("1.96999E+07", "1E+07", "2.5e-1", "20000.00")] == [1969990000, 10**9, 25, 2000000]
    for text in ("1E+18", "1E+999", "1E-3", "1.2345E+01", "1E+9999999", "NaN", "inf", "0", "-1", "0.001", "1e"):
        with pytest.raises(AmountError):
            read(text)


def test_a_time_of_day_is_kept_and_offsets_come_into_the_ledgers_zone() -> None:
    read = iso_moments(SHANGHAI)
    assert read("2026-03-01").isoformat() == "2026-03-01T00:00:00"
    assert read("2026-03-01 09:30").isoformat() == "2026-03-01T09:30:00"
    assert read("2026-02-28T17:00:00Z").isoformat() == "2026-03-01T01:00:00"
    american = formatted_moments("%m/%d/%Y %I:%M:%S %p", SHANGHAI)
    assert american("1/1/0001 12:00:00 AM").isoformat() == "0001-01-01T00:00:00"
    for text in ("2026-13-01", "2026-W01-1", "20260301", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"):
        with pytest.raises(ValueError):  # noqa: PT011 - any
            read(text)


def planned(mapping: str, header: list[str], kind: str, folder: Path) -> Plan:
    file = folder / "m.toml"
    file.write_text(mapping, encoding="utf-8")
    return plan(Source(KINDS[kind], folder / "f.csv", read_mapping(file)), header, {"surgery"}, 2, SHANGHAI)


def test_a_mapping_makes_their_columns_ours(tmp_path: Path) -> None:
    mapping = """
        columns.donor_id = "Code"
        columns.amount = "Amt"
        constants.channel = "ocha"
        templates.donation_id = "{Fund}-{Year}-{Code}"
        templates.received_on = "{Year}-01-01"
        columns.fund_id = "Fund"
        formats.amount = "1.234,56"
        [dictionary.disease]
        "室缺" = "VSD"
    """
    made = planned(mapping, ["Fund", "Year", "Code", "Amt", "restriction", "donor_name", "x"], "donations", tmp_path)
    row = made.row([" 19", "2016", "11 ", "1.000,50", "disease=室缺|ASD"])
    assert (row.need("donation_id"), row.need("donor_id"), row.amount("amount")) == ("19-2016-11", "11", 100050)
    assert row.day("received_on").isoformat() == "2016-01-01"
    assert row.restriction("restriction") == (("disease", ("VSD", "ASD")),)
    assert (made.ignored, made.not_recorded, row.personal(KINDS["donations"].personal)) == (["x"], [], ())
    assert made.row(["19", "2016", "11", "1", "", "王小明"]).personal(("donor_name",)) == (("donor_name", "王小明"),)
    with pytest.raises(Refusal, match="donation_id is missing"):
        made.row(["19", "", "11"]).need("donation_id")


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("nonsense", "not readable TOML"),
        ("[colums]\n", "no section"),
        ("columns = 3", "section"),
        ("[columns]\nnmae = 'name'", "no column nmae"),
        ("[columns]\nname = 'Nom'", "no column 'Nom'"),
        ("[columns]\nname = 3.5", "not text"),
        ("[columns]\nname = 'name'\n[constants]\nname = 'x'", "twice"),
        ("[templates]\nname = '{name'", "template"),
        ("[templates]\nname = '{name!r}'", "template"),
        ("[templates]\nname = '{}'", "template"),
        ("[templates]\nname = '{Nom}'", "no column 'Nom'"),
        ("[formats]\nname = '%Y'", "dates and amounts"),
        ("[dictionary]\ndisease = 'x'", "dictionary.disease"),
        ("[dictionary.disease]\na = 'b'", "no column disease"),
    ],
)
def test_a_bad_mapping_is_one_fault_that_says_what_to_mend(tmp_path: Path, mapping: str, said: str) -> None:
    with pytest.raises(UnusableMapping, match=said) as caught:
        planned(mapping, ["fund_id", "name"], "funds", tmp_path)
    assert "未登记任何内容" in caught.value.say("zh")


@pytest.mark.parametrize("form", ["%Q", "%Y-%m", "%Y %Y %m %d", "1,23", "%"])
def test_a_bad_format_is_one_fault(tmp_path: Path, form: str) -> None:
    with pytest.raises(UnusableMapping, match="strptime"):
        planned(
            f"[formats]\nallocated_on = '{form}'",
            ["allocation_id", "case_id", "amount", "allocated_on"],
            "allocations",
            tmp_path,
        )


@pytest.mark.parametrize("header", [["fund_id"], ["fund_id", "name", "name"], ["fund_id", "na\x01me", "name"]])
def test_a_header_without_the_columns_is_one_fault(tmp_path: Path, header: list[str]) -> None:
    with pytest.raises(UnusableFile, match="cannot be imported as funds"):
        planned("", header, "funds", tmp_path)


@pytest.mark.parametrize(
    "header",
    [
        ["D1", "F", "100.00", "2026-01-02", "王小明", "13800138000"],
        ["王小明", "１３８００１３８０００", "王小明"],
        ["donation_id", "fund_id", "王小明", "a@example.org"],
    ],
    ids=["a row", "the same name twice", "half a row"],
)
def test_a_first_row_that_is_data_is_not_repeated(tmp_path: Path, header: list[str]) -> None:
    with pytest.raises(UnusableFile, match="looks like data") as fault:
        planned("", header, "donations", tmp_path)
    assert "王小明" not in fault.value.say("zh") + fault.value.say("en")


def test_a_dimension_of_the_dictionary_is_an_attribute(tmp_path: Path) -> None:
    header = ["case_id", "fund_id", "hospital_id", "disease", "surgery", "weight", "beneficiary_name"]
    made = planned("[dictionary.hospital]\n'郑州' = 'H1'", header, "cases", tmp_path)
    row = made.row(["C1", "F", "郑州", "", "OPEN", "12", "张三"])
    assert row.attributes() == {"surgery": "OPEN"}
    assert row.need("hospital_id") == "H1"
    assert row.personal(("beneficiary_name",)) == (("beneficiary_name", "张三"),)
    assert (made.ignored, made.not_recorded) == (["weight"], [])


def test_arguments_name_kinds_and_files(tmp_path: Path) -> None:
    mapping = tmp_path / "m.toml"
    mapping.write_text("", encoding="utf-8")
    assert [source.kind.name for source in parse_sources(["funds=a", "funds=b=c"], [f"funds={mapping}"])] == [
        "funds"
    ] * 2
    for files, mappings in (([], []), (["funds"], []), (["fund=a"], []), (["funds=a"], [f"cases={mapping}"])):
        with pytest.raises(UnusableArgument):
            parse_sources(files, mappings)


@given(content=st.text(max_size=200) | st.text(alphabet='a,"\n\r;=é中', max_size=60))
def test_any_text_is_rows_or_one_fault(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    try:
        header, rows = table(path, content.encode("utf-8", "surrogatepass"))
    except UnusableFile:
        pass
    else:
        assert any(header)
        assert [row.number for row in rows] == sorted({row.number for row in rows})


def test_the_documentation_lists_every_kind_with_its_columns() -> None:
    table = DOCUMENT.read_text("utf-8").split("|---|---|---|\n")[1].split("\n\n")[0]
    rows = [line.split("|")[1:-1] for line in table.splitlines()]
    listed = {name.strip(" `"): (required.split(), optional.split()) for name, required, optional in rows}
    assert listed == {
        kind.name: (list(kind.required), [*kind.optional, *kind.attributes, *kind.personal, *kind.unrecorded])
        for kind in KINDS.values()
    }
