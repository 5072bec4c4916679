"""Statements as files: XLSX, CSV, PDF and JSON, the same bytes whenever the same statement is written again."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, time
from decimal import Decimal

from rich.cells import cell_len

from ledger.errors import InputFault
from reports.pages import rendered
from reports.printing import Attached, pdf
from reports.statements import Cell, Line, Statement, canonical, code_of, grouped, lines_of, members, proof_of
from reports.traces import Reader

FORMATS = (".xlsx", ".pdf", ".csv", ".json")
FIGURES = "figures.json"
FONT = "Microsoft YaHei"
MAX_SHEET_ROWS = 1_048_000
MAX_PAGE_ROWS = 5_000
MAX_EXACT_MINOR = 10**15
"""Spreadsheets keep 15 digits: an amount of more is written as text."""
MAX_WIDTH_CHARS = 48
PAGE_PT, PADDING_PT = {False: 504, True: 751}, 9
"""How wide A4 is between its margins, upright and across, and what each column has beside its text."""
MAX_SHORT_CHARS = 15
"""Cells of fewer characters are not broken."""
TYPE_TENTHS, LEAST_TYPE_TENTHS = 85, 45
"""Type of tables, in tenths of a point: as a rule, and at least."""


class TooLong(InputFault):
    """A statement with more lines than the format bears."""

    code = "too_long"
    zh = "该报表有 {rows} 行，{kind} 最多 {limit} 行：请缩小范围，或改用 {instead}"
    en = "the statement has {rows} lines, and {kind} bears {limit}: ask for less, or write {instead}"


def statement_file(statement: Statement, reader: Reader, kind: str) -> bytes:
    """The statement in a format, one of FORMATS. Raises TooLong, and for PDF what `pdf` raises."""
    if kind == ".json":
        return canonical({**members(statement), "code": code_of(statement), "language": reader.language}) + b"\n"
    lines = lines_of(statement, reader)
    limit, instead = {".xlsx": (MAX_SHEET_ROWS, ".csv"), ".pdf": (MAX_PAGE_ROWS, ".xlsx")}.get(kind, (len(lines), ""))
    if len(lines) > limit:
        raise TooLong(rows=len(lines), kind=kind, limit=limit, instead=instead)
    return {".xlsx": _xlsx, ".pdf": _pdf, ".csv": _csv}[kind](statement, lines, reader)


def csv_cell(cell: Cell) -> str:
    """A cell as it is written; text that a spreadsheet would take for a formula begins with an apostrophe."""
    if isinstance(cell, str):
        return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
    return "" if cell is None else str(cell)


def csv_text(rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """CSV as spreadsheets of any language read it, row by row: UTF-8 with its mark; no text is a formula."""
    yield b"\xef\xbb\xbf"
    for row in rows:
        file = io.StringIO(newline="")
        csv.writer(file, lineterminator="\r\n").writerow([csv_cell(cell) for cell in row])
        yield file.getvalue().encode()


def _csv(statement: Statement, lines: Sequence[Line], reader: Reader) -> bytes:
    return b"".join(csv_text(line.cells for line in lines))


def _pdf(statement: Statement, lines: Sequence[Line], reader: Reader) -> bytes:
    def text(cell: Cell) -> str:
        return "" if cell is None else f"{cell:,}" if isinstance(cell, Decimal) else str(cell)

    wide = max((len(line.cells) for line in lines), default=0) > 6
    head = reader.word("head_of").format(statement.basis.size)
    page = rendered(
        "statement.html",
        reader.language,
        title=lines[0].cells[0],
        facts=[line.cells for line in lines if line.role == "fact"],
        tables=_tables(lines, wide, text),
        notes=[line.cells[0] for line in lines if line.role == "note"],
        text=text,
        pieces=_pieces,
        short=MAX_SHORT_CHARS,
        nothing=reader.word("none"),
        wide=wide,
        head=f"{reader.word('resting_on')} {head} · {statement.basis.root.hex()}",
        code=f"{reader.word('code')} {grouped(code_of(statement))}",
        proof=canonical(proof_of(statement, reader.language)).decode(),
    )
    figures = Attached(FIGURES, statement_file(statement, reader, ".json"), reader.word("figures"))
    return pdf(page, statement.on, [figures])


def _tables(lines: Sequence[Line], wide: bool, text: Callable[[Cell], str]) -> list[dict[str, object]]:
    tables: list[tuple[Cell, list[Line]]] = []
    for line in lines:
        if line.role == "table":
            tables.append((line.cells[0], []))
        elif line.role in ("header", "row", "total"):
            tables[-1][1].append(line)
    return [{"heading": heading, "rows": rows, "size": _type_size(rows, wide, text)} for heading, rows in tables]


def _type_size(rows: Sequence[Line], wide: bool, text: Callable[[Cell], str]) -> str:
    """Points of type in which the cells that are not broken stand side by side on the page.

    Bold digits are at most 5/9 as wide as the type is high, Chinese characters less than two of them.
    """
    widths: dict[int, int] = {}
    for line in rows:
        for n, cell in enumerate(line.cells):
            said = text(cell)
            if line.role == "header":
                whole = [word for piece in _pieces(said) for word in piece.split()]
            else:
                whole = [said if isinstance(cell, Decimal) else said[:MAX_SHORT_CHARS]]
            widths[n] = max(widths.get(n, 1), *map(cell_len, whole))
    fitting = (PAGE_PT[wide] - PADDING_PT * len(widths)) * 18 // sum(widths.values())
    tenths = max(LEAST_TYPE_TENTHS, min(TYPE_TENTHS, fitting))
    return f"{tenths // 10}.{tenths % 10}pt"


def _pieces(heading: str) -> list[str]:
    """What of a Chinese heading stays on one line."""
    return re.split(r"(?<=[、：])|(?=（)", heading)


_NO_SHEET_NAME = re.compile(r"[\[\]:*?/\\]")
"""What a sheet's name may not have."""


def _xlsx(statement: Statement, lines: Sequence[Line], reader: Reader) -> bytes:
    import xlsxwriter

    file = io.BytesIO()
    book = xlsxwriter.Workbook(
        file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    title = str(lines[0].cells[0])
    made_at = datetime.combine(statement.on, time(), UTC).replace(tzinfo=None)
    book.set_properties({"title": title, "created": made_at})
    book.set_custom_property("fenhao-head", f"{statement.basis.size} {statement.basis.root.hex()}", "text")
    book.set_custom_property("fenhao-code", code_of(statement), "text")
    decimals = "." + "0" * reader.exponent if reader.exponent else ""
    shared = {"font_name": FONT, "font_size": 10, "valign": "top"}
    styles = {
        "title": book.add_format({**shared, "bold": True, "font_size": 14}),
        "table": book.add_format({**shared, "bold": True, "font_size": 11}),
        "header": book.add_format({**shared, "bold": True, "bottom": 1, "bg_color": "#EEF2F0", "text_wrap": True}),
        "total": book.add_format({**shared, "bold": True, "top": 1}),
        "note": book.add_format({**shared, "font_color": "#555555"}),
        "text": book.add_format(shared),
        "amount": book.add_format({**shared, "num_format": f"#,##0{decimals}"}),
        "total amount": book.add_format({**shared, "bold": True, "top": 1, "num_format": f"#,##0{decimals}"}),
    }
    sheet = book.add_worksheet(_NO_SHEET_NAME.sub(" ", title)[:31].strip(" '") or None)
    for n, line in enumerate(lines):
        style = styles.get(line.role, styles["note" if line.role == "proof" else "text"])
        for column, cell in enumerate(line.cells):
            if isinstance(cell, Decimal) and abs(cell.scaleb(reader.exponent)) < MAX_EXACT_MINOR:
                sheet.write_number(n, column, cell, styles["total amount" if line.role == "total" else "amount"])
            elif isinstance(cell, int):
                sheet.write_number(n, column, cell, style)
            elif cell is not None:
                sheet.write_string(n, column, str(cell), style)
            elif line.role == "total":
                sheet.write_blank(n, column, None, style)
    for column, width in enumerate(_widths(lines)):
        sheet.set_column(column, column, width)
    header = next((n for n, line in enumerate(lines) if line.role == "header"), 0)
    sheet.freeze_panes(header + 1, 0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    book.close()
    return file.getvalue()


def _widths(lines: Sequence[Line]) -> list[int]:
    """Columns as wide as what is in their tables; titles and notes run over."""
    widths: dict[int, int] = {}
    for line in lines:
        if line.role in ("header", "row", "total", "fact"):
            cells = line.cells if line.role != "fact" else line.cells[:1]
            for n, cell in enumerate(cells):
                said = f"{cell:,}" if isinstance(cell, Decimal) else "" if cell is None else str(cell)
                widths[n] = max(widths.get(n, 0), cell_len(said))
    return [min(widths.get(n, 0), MAX_WIDTH_CHARS) + 3 for n in range(max(widths, default=-1) + 1)]
