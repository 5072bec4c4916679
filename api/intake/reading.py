"""Reading a file as rows of text: CSV in UTF-8 (with or without BOM) or GB18030, a row at a time.

A file is gone through twice: once to see what it is, once to read it. Row numbers are those that a spreadsheet shows:
the header is row 1 (further down if blank rows stand above it), a quoted line break does not count, a blank row does.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from api.intake.faults import UnusableFile
from ledger.errors import shown

MAX_FIELD_CHARS = 2**24
"""Past this a field is a quote that was never closed."""
MAX_LINE_CHARS = 2**25
_CHUNK_BYTES = 2**20
_BAD_BYTE = re.compile("[\udc80-\udcff]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")
_DAMAGE_SHARE = 20
"""At most one byte in so many may be damaged, or it is no text at all."""


class Numbered(NamedTuple):
    """A row that is not blank, with its number in a spreadsheet."""

    number: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A file opened as CSV: its header (as it is, not stripped) and its rows, to be read once.

    Damaged bytes in a row are lone surrogates U+DC80 to U+DCFF. Reading on raises UnusableFile where it is no CSV.
    """

    header: list[str]
    rows: Iterator[Numbered]


def is_of_rejects(header: Sequence[str]) -> bool:
    """Whether a file of this header is a rejects file: three columns of ours first and three last."""
    return [name.strip().removeprefix("import_") for name in header[:3]] == ["kind", "file", "row"]


@contextmanager
def reading(path: Path, kind: str) -> Iterator[Table]:
    """The file as a table. Raises UnusableFile for what is missing, empty, binary or not CSV."""
    with _opened(path, kind) as file:
        encoding, errors = _encoding(file, path, kind)
        file.seek(0)
        text = io.TextIOWrapper(file, encoding, errors, newline="")
        rows = _rows(text, path, kind)
        header = next(rows, None)
        if header is None:
            raise UnusableFile(path, kind, "it is empty", "文件是空的")
        yield Table(header.cells, rows)


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[IO[bytes]]:
    """The file, or a copy of what comes through a pipe: it is read twice."""
    try:
        with path.open("rb") as file:
            if file.seekable():
                yield file
                return
            with tempfile.TemporaryFile() as copy:
                shutil.copyfileobj(file, copy)
                yield copy
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnusableFile(path, kind, f"it cannot be read ({reason})", f"无法读取（{reason}）") from error


def _encoding(file: IO[bytes], path: Path, kind: str) -> tuple[str, str]:
    """Encoding and way with bad bytes (as `open` takes them).

    A file that is text but for a few bytes is read as the encoding that it mostly is in; rows with such bytes show it.
    """
    _refuse_binary(file, path, kind)
    if _decodes(file, "utf-8"):
        return "utf-8-sig", "strict"
    if _decodes(file, "utf-8", "surrogatepass"):
        return "utf-8-sig", "surrogateescape"
    utf8_bad, utf8_good = _damage(file, "utf-8")
    if utf8_good > utf8_bad:
        return "utf-8-sig", "surrogateescape"
    if _decodes(file, "gb18030"):
        return "gb18030", "strict"
    gb_bad, _ = _damage(file, "gb18030")
    if min(utf8_bad, gb_bad) * _DAMAGE_SHARE > file.seek(0, io.SEEK_END):
        raise UnusableFile(
            path,
            kind,
            "its text is neither UTF-8 nor GB18030: save it as CSV UTF-8",
            "编码既不是 UTF-8 也不是 GB18030：请另存为 CSV UTF-8",
        )
    return ("gb18030" if gb_bad < utf8_bad else "utf-8-sig"), "surrogateescape"


def _refuse_binary(file: IO[bytes], path: Path, kind: str) -> None:
    """Raises UnusableFile when there is a NUL byte: no text has one, UTF-16 and spreadsheet files do."""
    if any(b"\0" in chunk for chunk in _chunks(file)):
        raise UnusableFile(
            path,
            kind,
            "it is not text (a spreadsheet or other binary file, or UTF-16): save it as CSV UTF-8",
            "不是文本文件（可能是电子表格、其他二进制文件或 UTF-16）：请另存为 CSV UTF-8",
        )


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk


def _decoded(file: IO[bytes], encoding: str, errors: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    for chunk in _chunks(file):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _decodes(file: IO[bytes], encoding: str, errors: str = "strict") -> bool:
    try:
        for _ in _decoded(file, encoding, errors):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _damage(file: IO[bytes], encoding: str) -> tuple[int, int]:
    """How many bytes are no text in the encoding, and how many characters beyond ASCII are."""
    bad = beyond_ascii = 0
    for text in _decoded(file, encoding, "surrogateescape"):
        bad += len(_BAD_BYTE.findall(text))
        beyond_ascii += len(_NOT_ASCII.findall(text))
    return bad, beyond_ascii - bad


def _rows(text: io.TextIOWrapper, path: Path, kind: str) -> Iterator[Numbered]:
    """The rows that are not blank.

    Quotes that don't match end the import, not the row: where the next row begins is a guess then, and what a donor
    wrote in a remark could pass for a row.
    """
    csv.field_size_limit(MAX_FIELD_CHARS)
    number = 0
    try:
        for number, cells in enumerate(csv.reader(_lines(text), strict=True), 1):
            if any(cells):
                yield Numbered(number, cells)
    except csv.Error as error:
        raise UnusableFile(
            path,
            kind,
            f"it is not CSV there ({shown(error)}): look for a quote that is not closed or not doubled",
            f"该处不是有效的 CSV（{shown(error)}）：请检查引号是否成对、字段内的引号是否双写",
            row=number + 1,
        ) from error


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(MAX_LINE_CHARS):
        if len(line) >= MAX_LINE_CHARS:
            raise csv.Error(f"a line of more than {MAX_LINE_CHARS - 1} characters")
        yield line
