"""A file from a bank, read by what it holds and not by its name: which format, which statements, which SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from reports.banking import alipay, camt053, chinese_banks, mapped, mt940, ofx, wechat
from reports.banking.statement import NotAStatement, Statement, UnusableStatement, checked
from reports.banking.tables import MAX_BYTES, csv_rows, decoded, excel_rows, is_workbook, too_big

_OLD_WORKBOOK = bytes.fromhex("d0cf11e0a1b11ae1")
_HEAD_BYTES = 4096


class Document(NamedTuple):
    """One file: what it was read as, its statements, its digest."""

    format: str
    statements: tuple[Statement, ...]
    sha256: bytes


def read_file(path: Path, columns: mapped.Columns | None = None) -> Document:
    """Reads a file whole. Raises UnusableStatement, naming it, for what is no statement."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnusableStatement(path, f"it cannot be opened ({reason})", f"无法打开（{reason}）") from error
    return read_document(data, path, columns)


def read_document(data: bytes, file: object, columns: mapped.Columns | None = None) -> Document:
    """The same of a file's bytes; faults call it `file`."""
    try:
        if len(data) > MAX_BYTES:
            raise too_big()
        known_as, statements = read(data, columns)
        return Document(known_as, checked(statements), hashlib.sha256(data).digest())
    except NotAStatement as error:
        raise UnusableStatement(file, error.reason, error.reason_zh, error.line) from error


def read(data: bytes, columns: mapped.Columns | None = None) -> tuple[str, list[Statement]]:
    """The format of a file's bytes and its statements. Raises NotAStatement."""
    if not data.strip():
        raise NotAStatement("it is empty", "文件是空的")
    if columns is not None:
        rows = excel_rows(data) if _is_excel(data) else list(csv_rows(decoded(data)))
        return "mapped", mapped.read(rows, columns)
    if _is_excel(data):
        return "excel", chinese_banks.read(excel_rows(data))
    if data[:2] == b"PK":
        return "alipay", alipay.read_zip(data)
    head = data[:_HEAD_BYTES]
    if camt053.looks_like(head):
        return "camt.053", camt053.read(data)
    if ofx.looks_like(head.decode("ascii", "replace")):
        return "ofx", ofx.read(ofx.text_of(data))
    return _read_text(decoded(data))


def _read_text(text: str) -> tuple[str, list[Statement]]:
    if mt940.looks_like(text):
        return "mt940", mt940.read(text)
    if alipay.looks_like(text):
        return "alipay", alipay.read(text)
    if wechat.looks_like(text):
        return "wechat", wechat.read(text)
    if text.lstrip().startswith("<"):
        raise NotAStatement(
            "it is XML or HTML, but neither camt.053 nor OFX: export it in one of the formats that are known",
            "是 XML 或 HTML，但不是 camt.053 或 OFX：请以支持的格式重新导出",
        )
    return "csv", chinese_banks.read(list(csv_rows(text)))


def _is_excel(data: bytes) -> bool:
    return data.startswith(_OLD_WORKBOOK) or (data[:2] == b"PK" and is_workbook(data))
