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
_BEGINNING = struct.Struct(">hiqiqiq").pack
_TAPE = struct.Struct(">ii").pack
_OPENING_AND_DAY = struct.Struct(">i?ii").pack
_EPOCH = date(2000, 1, 1).toordinal()


def row_beginning(seq: int, lo: int, hi: int) -> bytes:
    """The columns seq, lo, hi."""
    return _BEGINNING(_COLUMNS, 8, seq, 8, lo, 8, hi)


def row_middle(donation: str | None, donor: str | None) -> bytes:
    """The columns donation, donor."""
    if donation is None or donor is None:
        return _text(donation) + _text(donor)
    gift, giver = donation.encode(), donor.encode()
    return b"%b%b%b%b" % (_LENGTH(len(gift)), gift, _LENGTH(len(giver)), giver)


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
