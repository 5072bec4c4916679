"""Rows of view_gift in COPY's binary format, put together from what whole runs and whole entries have in common.

PostgreSQL documentation, COPY, "Binary Format". The columns are in the order of `copy_gifts` in views.sql: those that
differ from range to range, those of the entry's gift, and those that all ranges of a run share.
"""

from __future__ import annotations

import struct
from datetime import date

_COLUMNS = 12
_LENGTH = struct.Struct(">i").pack
_NULL = _LENGTH(-1)
_BEGINNING = struct.Struct(">hiqiqiqi").pack
_TAPE = struct.Struct(">ii").pack
_OPENING_AND_DAY = struct.Struct(">i?ii").pack
_EPOCH = date(2000, 1, 1).toordinal()


def gift_row(seq: int, lo: int, hi: int, gift: tuple[int, bytes], ending: bytes) -> bytes:
    """A row: the columns seq, lo, hi, and behind them those that `row_middle` and `row_ending` made."""
    return _BEGINNING(_COLUMNS, 8, seq, 8, lo, 8, hi, gift[0]) + gift[1] + ending


def row_middle(donation: str | None, donor: str | None) -> tuple[int, bytes]:
    """The columns donation, donor: the length of the first, then the rest."""
    if donation is None or donor is None:
        gift = (donation or "").encode()
        return -1 if donation is None else len(gift), gift + _text(donor)
    gift, giver = donation.encode(), donor.encode()
    return len(gift), b"%b%b%b" % (gift, _LENGTH(len(giver)), giver)


def row_ending(
    tape: int, fund: str, target: str, hospital: str | None, case: str | None, opening: bool, on: date
) -> bytes:
    """The columns tape, fund, target, hospital, case_id, opening, posted_on."""
    texts = b"".join(map(_text, (fund, target, hospital, case)))
    return _TAPE(4, tape) + texts + _OPENING_AND_DAY(1, opening, 4, on.toordinal() - _EPOCH)


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    encoded = value.encode()
    return _LENGTH(len(encoded)) + encoded
