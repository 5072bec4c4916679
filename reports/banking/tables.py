"""Rows out of bytes: CSV text and Excel workbooks, with guards against files that are made to do harm.

Nothing here evaluates anything: a formula is refused, a compressed file is unpacked only to a bound, and a workbook
that would take a giant table in memory is refused before the library that reads it sees it.
"""

from __future__ import annotations

import csv
import io
import json
import lzma
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from reports.banking import workbook
from reports.banking.amounts import Cell
from reports.banking.statement import NotAStatement

MAX_BYTES = 64 * 2**20
"""Of a file, and of what a compressed one unpacks to: some 250,000 lines."""
MAX_ROWS = 500_000
MAX_CELLS = 20_000_000
MAX_MEMBERS = 50
MAX_FIELD_CHARS = 2**16
MAX_XLS_BYTES = 32 * 2**20
WORKBOOK_TIMEOUT_S = 120
_DELIMITER_WITHIN_CHARS = 2**16
_CHUNK_BYTES = 2**20
_ZIP_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)
"""What the library raises on archives that are damaged, or packed or locked in ways that it does not know."""
_OVERLAP_BYTES = 64
_REFERENCE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,9})"|<dimension ref="(?:[A-Z]+[0-9]+:)?([A-Z]{1,3})([0-9]{1,9})"')
_FORMULA = re.compile(rb"<(?:\w+:)?f[ >/]")
_QUOTED_TEXT = re.compile(r'="([^"]*)"')
_COMMAND = re.compile(r"[+\-@]\s*\w+\|.*!", re.DOTALL)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Row(NamedTuple):
    """A row that is not blank, with its number in the file or the sheet."""

    number: int
    cells: list[Cell]


def decoded(data: bytes) -> str:
    """Text in UTF-8, UTF-16 with its mark, or GB18030. Raises NotAStatement."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings: tuple[str, ...] = ("utf-16",)
    elif b"\0" in data:
        raise NotAStatement("it is not text", "不是文本文件")
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise NotAStatement(
        "its text is neither UTF-8 nor GB18030: export it again, or save it as CSV UTF-8",
        "编码既不是 UTF-8 也不是 GB18030：请重新导出，或另存为 CSV UTF-8",
    )


def csv_rows(text: str, delimiter: str | None = None) -> Iterator[Row]:
    """The rows of CSV text, cells stripped, parted by what it has most of: commas, semicolons or tabs.

    Raises NotAStatement.
    """
    if delimiter is None:
        delimiter = max(",;\t", key=text[:_DELIMITER_WITHIN_CHARS].count)
    csv.field_size_limit(MAX_FIELD_CHARS)
    number = 0
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            if number > MAX_ROWS:
                raise too_big()
            row = [plain_text(cell, number) for cell in cells]
            if any(row):
                yield Row(number, list(row))
    except csv.Error as error:
        raise NotAStatement(
            "it is not CSV there: look for a quote that is not closed",
            "该处不是有效的 CSV：请检查引号是否成对",
            number + 1,
        ) from error


def plain_text(cell: str, number: int | None = None) -> str:
    """A cell's text as it may be kept: stripped, of `="0123"` what is quoted. Raises NotAStatement for a formula."""
    text = _CONTROL.sub("", cell).strip()
    if text[:1] == "=":
        quoted = _QUOTED_TEXT.fullmatch(text)
        if quoted is None:
            raise _formula(number)
        return quoted[1].strip()
    if text[:1] in ("+", "-", "@") and _COMMAND.match(text):
        raise _formula(number)
    return text


def excel_rows(data: bytes) -> list[Row]:
    """The rows of the first sheet that has any, of .xls or .xlsx. Raises NotAStatement."""
    if data[:2] == b"PK":
        _inspect(data)
    elif len(data) > MAX_XLS_BYTES:
        raise too_big()
    try:
        ran = subprocess.run(
            [sys.executable, workbook.__file__], input=data, capture_output=True, timeout=WORKBOOK_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise too_big() from None
    if ran.returncode != 0:
        raise _broken_workbook()
    sheet: list[list[Cell | bool]] = json.loads(ran.stdout, parse_float=Decimal, parse_int=Decimal)
    rows = [
        Row(number, [cell if isinstance(cell, Decimal) else plain_text(str(cell), number) for cell in cells])
        for number, cells in enumerate(sheet, 1)
    ]
    return [row for row in rows if any(cell != "" for cell in row.cells)]


def zip_texts(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The files in a zip archive, each unpacked within bounds; folders passed over. Raises NotAStatement."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            if len(members) > MAX_MEMBERS:
                raise too_big()
            left = MAX_BYTES
            for info in members:
                content = b"".join(_unpacked(archive, info, left))
                left -= len(content)
                yield info.filename, content
    except _ZIP_FAULTS as error:
        raise NotAStatement(
            "the file is damaged, or has a password: download it again, or unpack it first",
            "文件已损坏或设有密码：请重新下载，或先解压",
        ) from error


def is_workbook(data: bytes) -> bool:
    """Whether a zip archive is an Excel workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except _ZIP_FAULTS:
        return False


def _inspect(data: bytes) -> None:
    """Reads through a workbook's parts without keeping them: their true size, formulas, how far their cells reach."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if len(archive.infolist()) > MAX_ROWS:
                raise too_big()
            left = MAX_BYTES
            for info in archive.infolist():
                sheet = info.filename.startswith("xl/worksheets/")
                rows = columns = 0
                tail = b""
                for chunk in _unpacked(archive, info, left):
                    left -= len(chunk)
                    if not sheet:
                        continue
                    piece = tail + chunk
                    if _FORMULA.search(piece):
                        raise _formula(None)
                    for found in _REFERENCE.finditer(piece):
                        columns = max(columns, _column(found[1] or found[3]))
                        rows = max(rows, int(found[2] or found[4]))
                    tail = piece[-_OVERLAP_BYTES:]
                if rows > 4 * MAX_ROWS or rows * columns > MAX_CELLS:
                    raise too_big()
    except _ZIP_FAULTS as error:
        raise _broken_workbook() from error


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int) -> Iterator[bytes]:
    """A member's content, chunk by chunk, as it really unpacks: what its header says of its size may be a lie."""
    with archive.open(info) as member:
        while chunk := member.read(_CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                raise too_big()
            yield chunk


def _column(letters: bytes) -> int:
    """`A` as 1, `AA` as 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def text_of(cell: Cell) -> str:
    """A cell as text. An id past 15 digits that a spreadsheet holds as a number was damaged before we saw it."""
    if isinstance(cell, Decimal) and cell == cell.to_integral_value():
        return format(cell.to_integral_value(), "f")
    return str(cell)


def too_big() -> NotAStatement:
    """The fault of a file past the bounds."""
    return NotAStatement(
        f"it is too large (at most {MAX_BYTES // 2**20} MB and {MAX_ROWS:,} rows, unpacked): export it in parts",
        f"文件过大（解压后至多 {MAX_BYTES // 2**20} MB、{MAX_ROWS:,} 行）：请分段导出",
    )


def _formula(number: int | None) -> NotAStatement:
    return NotAStatement(
        "there is a formula in it: a bank's file holds values; export it again from the bank",
        "其中含有公式：银行文件应只有数值，请从银行重新导出",
        number,
    )


def _broken_workbook() -> NotAStatement:
    return NotAStatement(
        "the workbook is damaged, cut off or has a password: export it again",
        "工作簿损坏、不完整或设有密码：请重新导出",
    )
