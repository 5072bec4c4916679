"""Statements: tables of figures that rest on a signed head, and the code by which they are held against the log. Pure.

A statement's figures do not depend on the language that it is printed in, nor on the format, and neither does its code:
SHA-256 over their canonical JSON with the kind, the parameters and the head (`canonical`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from reports.postings import Basis
from reports.traces import Reader

FORMAT = "fenhao-statement/1"
Value = str | int | None
"""A figure as it is kept: text, an amount in minor units, a count, or nothing."""
Cell = str | Decimal | int | None
"""A figure as it is shown: text, an amount, a count, or nothing."""


class Column(NamedTuple):
    """A column by its word's key. `kind`: text as it is; word, a key of ours; name, `zh | en`; day; amount; count."""

    key: str
    kind: str = "text"


class Table(NamedTuple):
    """Rows of values under columns; with `totals` the amounts of all rows are summed below them."""

    key: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    totals: bool = True


class Statement(NamedTuple):
    """Figures of a kind, made by `parameters` (JSON) from the entries under `basis`; `on` is their last day."""

    kind: str
    parameters: Mapping[str, Any]
    basis: Basis
    on: date
    tables: Sequence[Table]


class Line(NamedTuple):
    """A line of a printed statement. `role`: title, fact, table, header, row, total, note or proof."""

    role: str
    cells: Sequence[Cell]
    columns: Sequence[Column] = ()


def members(statement: Statement) -> dict[str, Any]:
    """The statement for programs, amounts in minor units, without its code."""
    basis = statement.basis
    return {
        "format": FORMAT,
        "statement": statement.kind,
        "parameters": statement.parameters,
        "origin": basis.origin,
        "currency": basis.currency,
        "exponent": basis.exponent,
        "size": basis.size,
        "root": basis.root.hex(),
        "tables": [
            {"table": table.key, "columns": [column.key for column in table.columns], "rows": table.rows}
            for table in statement.tables
        ],
    }


def canonical(value: Mapping[str, Any]) -> bytes:
    """JSON with sorted members and nothing between: of equal values the same bytes."""
    return msgspec.json.encode(value, order="sorted")


def code_of(statement: Statement) -> str:
    """What the statement's figures and the head they rest on come to, in hex."""
    return hashlib.sha256(canonical(members(statement))).hexdigest()


def proof_of(statement: Statement, language: str) -> dict[str, Any]:
    """What a printed statement says of itself, for `fenhao verify-report`."""
    return {
        "format": FORMAT,
        "statement": statement.kind,
        "parameters": statement.parameters,
        "origin": statement.basis.origin,
        "size": statement.basis.size,
        "root": statement.basis.root.hex(),
        "code": code_of(statement),
        "language": language,
    }


def grouped(digits: str) -> str:
    """A code in groups that can be read out."""
    return " ".join(digits[n : n + 8] for n in range(0, len(digits), 8))


def lines_of(statement: Statement, reader: Reader) -> list[Line]:
    """The statement line by line, as every format shows it; the last is the proof."""
    word, basis = reader.word, statement.basis
    lines = [
        Line("title", [word(f"statement_{statement.kind}")]),
        Line("fact", [word("ledger"), basis.origin]),
        *(Line("fact", [word(key), value]) for key, value in _said(statement.parameters, reader)),
        Line("fact", [word("currency"), basis.currency]),
        Line("fact", [word("resting_on"), word("head_of").format(basis.size)]),
        Line("fact", [word("root"), basis.root.hex()]),
        Line("fact", [word("code"), grouped(code_of(statement))]),
    ]
    for table in statement.tables:
        lines.append(Line("table", [word(table.key)]))
        lines.append(Line("header", [word(column.key) for column in table.columns], table.columns))
        for row in table.rows:
            cells = [_cell(value, column, reader) for value, column in zip(row, table.columns, strict=True)]
            lines.append(Line("row", cells, table.columns))
        if table.totals and table.rows:
            lines.append(Line("total", _totals(table, reader), table.columns))
    lines.append(Line("note", [word("note_" + statement.kind)]))
    lines.append(Line("note", [word("how_to_check")]))
    lines.append(Line("proof", [f"# {canonical(proof_of(statement, reader.language)).decode()}"]))
    return lines


def _said(parameters: Mapping[str, Any], reader: Reader) -> list[tuple[str, str]]:
    """The parameters that people are told; what is longer is in the proof."""
    return [(key, str(value)) for key, value in parameters.items() if isinstance(value, str | int)]


def _cell(value: Value, column: Column, reader: Reader) -> Cell:
    if value is None:
        return None
    match column.kind:
        case "amount":
            assert isinstance(value, int)
            return Decimal(value).scaleb(-reader.exponent)
        case "word":
            return reader.word(str(value))
        case "name":
            zh, _, en = str(value).partition(" | ")
            return zh if reader.language == "zh" else en or zh
    return value


def _totals(table: Table, reader: Reader) -> list[Cell]:
    cells: list[Cell] = []
    for n, column in enumerate(table.columns):
        amounts = [row[n] for row in table.rows]
        if column.kind == "amount":
            total = sum(amount for amount in amounts if isinstance(amount, int))
            cells.append(Decimal(total).scaleb(-reader.exponent))
        else:
            cells.append(reader.word("total") if n == 0 else None)
    return cells
