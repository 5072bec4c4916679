"""Staging: every file is read to its end, and all rows put in order by the database, before the first is recorded.

The server sorts (on its disk, if it must), so that memory here stays flat whatever the files' size. Cells are staged as
they are, for the rejects file shows them, and encrypted under a key that lives as long as the import: nothing of a file
stays on the server's disk. A row's date is read for the order, the rest when its turn comes.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from zoneinfo import ZoneInfo

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from api.intake.faults import DamagedText, RowTooLong, TooManyCells
from api.intake.kind import Kind
from api.intake.plans import Plan, plan
from api.intake.reading import Numbered, Table, is_of_rejects, reading
from api.intake.rows import Row
from api.intake.sources import Source
from ledger.database import Connection, queries
from ledger.errors import Refusal
from ledger.vocabulary import synonyms_of

MAX_ROW_CHARS = 65_535
_FLUSH_ROWS = 1_000
_CUT_CHARS = 200
_SQL = queries("api.intake", "intake.sql")

Report = Callable[[int], None]
"""Told how many rows have been staged so far."""


class StagedRow(NamedTuple):
    """A row when its turn comes; `fault`: what kept it from being staged whole; `joined`: its group, `kind id`."""

    plan: Plan
    number: int
    cells: list[str]
    joined: str | None
    fault: Refusal | None

    def read(self) -> Row:
        """The row under our names. Raises the row's Refusal."""
        if self.fault is not None:
            raise self.fault
        if len(self.cells) > len(self.plan.header) and any(self.cells[len(self.plan.header) :]):
            raise TooManyCells(cells=len(self.cells), columns=len(self.plan.header))
        return self.plan.row(self.cells)


class Staging:
    """The staged rows of one import, in the session of `connection` and gone with it."""

    def __init__(
        self, connection: Connection, exponent: int, zone: ZoneInfo, entropy: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._connection, self._exponent, self._zone = connection, exponent, zone
        self._dimensions = {dimension for (dimension,) in connection.execute(_SQL["dimensions"])}
        self._cipher = AESGCM(entropy(32))
        self.synonyms = synonyms_of(connection)
        self.plans: dict[int, Plan] = {}
        self.size = 0
        connection.execute(_SQL["create"])

    def stage(self, argument: int, source: Source, report: Report = lambda rows: None) -> None:
        """Reads one file to its end. Raises UnusableFile, UnusableMapping.

        Dimensions that its rows define are attributes in files that are staged later.
        """
        with reading(source.file, source.kind.name) as table:
            made = plan(source, table.header, self._dimensions, self._exponent, self._zone, self.synonyms)
            self.plans[argument] = made
            order = made.only(*source.kind.dates[:1], source.kind.group_by, source.kind.defines)
            with self._connection.cursor().copy(_SQL["copy"]) as copy:
                lines: list[bytes] = []
                for row in _own_rows(table, source.kind.name):
                    lines.append(self._line(argument, order, row))
                    self.size += 1
                    if len(lines) == _FLUSH_ROWS:
                        copy.write(b"".join(lines))
                        lines.clear()
                        report(self.size)
                copy.write(b"".join(lines))
        report(self.size)

    def _line(self, argument: int, order: Plan, row: Numbered) -> bytes:
        """The row in COPY's text form."""
        kind = order.source.kind
        payload, moment, joined = _payload(row.cells), "-infinity", "\\N"
        if kind.dates or kind.group_by or kind.defines:
            read = order.row(row.cells)
            if kind.dates:
                moment = _moment(read, kind)
            if kind.group_by and (group := read.get(kind.group_by)):
                joined = _escaped(f"{kind.name} {group}")
            if kind.defines and (dimension := read.get(kind.defines)):
                self._dimensions.add(dimension)
        start = f"{kind.turn}\t{moment}\t{argument}\t{row.number}\t{joined}\t".encode()
        sealed = self._cipher.encrypt(_nonce(argument, row.number), payload, None)
        return start + base64.b64encode(sealed) + b"\n"

    @contextmanager
    def rows(self) -> Iterator[Iterator[StagedRow]]:
        """All rows in the order in which they are recorded.

        The cursor outlives its transaction: an open one would keep the database from clearing away what the import
        itself makes obsolete.
        """
        with self._connection.cursor("staged", withhold=True) as cursor:
            cursor.execute(_SQL["in_order"])
            pages = iter(lambda: cursor.fetchmany(_FLUSH_ROWS), [])
            yield (self._staged(*columns) for page in pages for columns in page)

    def _staged(self, argument: int, number: int, joined: str | None, payload: str) -> StagedRow:
        content = orjson.loads(self._cipher.decrypt(_nonce(argument, number), base64.b64decode(payload), None))
        if isinstance(content, list):
            return StagedRow(self.plans[argument], number, content, joined, None)
        length = content["length"]
        fault = DamagedText() if length is None else RowTooLong(length=length, limit=MAX_ROW_CHARS)
        return StagedRow(self.plans[argument], number, content["cells"], joined, fault)


def _nonce(argument: int, number: int) -> bytes:
    """Each row of an import has its own, so it serves once under the import's key."""
    return argument.to_bytes(4, "big") + number.to_bytes(8, "big")


def _own_rows(table: Table, kind: str) -> Iterator[Numbered]:
    """The table's rows; of a rejects file, which may hold rows of several kinds, those of this kind."""
    if not is_of_rejects(table.header):
        return table.rows
    return (row for row in table.rows if row.cells[0] == kind)


def _payload(cells: Sequence[str]) -> bytes:
    """The cells as JSON; of a row that can't be used, its cells cut short and why: its `length`, or None for damage."""
    length: int | None = sum(map(len, cells))
    if length is not None and length <= MAX_ROW_CHARS:
        try:
            return orjson.dumps(cells)
        except TypeError:  # lone surrogates: damaged bytes
            length = None
    cut = [cell if len(cell) <= _CUT_CHARS else cell[:_CUT_CHARS] + "…" for cell in cells[:_CUT_CHARS]]
    readable = [cell.encode(errors="replace").decode() for cell in cut]
    return orjson.dumps({"length": length, "cells": readable})


def _moment(row: Row, kind: Kind) -> str:
    """When the row's turn is. A row without a date that it needs has it first, and is refused then; one that needs none
    has it last, when all that it may speak of is there."""
    column = kind.dates[0]
    if column not in kind.required and row.get(column) is None:
        return "infinity"
    try:
        return row.moment(column).isoformat()
    except Refusal:
        return "-infinity"


def _escaped(text: str) -> str:
    """Text in COPY's text form; damaged bytes are shown as such, and their row is refused when its turn comes."""
    text = text.encode(errors="replace").decode()
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
