"""Terms 限定: what the money of one tape may be used for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import msgspec

from ledger.errors import BadValue
from ledger.events import TapeOpened
from ledger.ids import check_id, check_opaque

MAX_DIMENSIONS = 8
_DIMENSION = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
ID_DIMENSIONS = ("hospital", "person")
"""Dimensions whose codes are ids of this ledger, not of the dictionary."""

Attributes = Mapping[str, frozenset[str]]
"""What a case is, for judging restrictions: per dimension its code and all that code's ancestors."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Nature, restriction and days of one tape; equal terms in one fund are one tape.

    `restriction` is sorted by dimension, its codes sorted; `usable_from` and `expires_on` are the first and last day on
    which the money may be allocated; `key` is the text that tells terms apart.
    """

    nature: str = "own"
    restriction: tuple[tuple[str, tuple[str, ...]], ...] = ()
    usable_from: date | None = None
    expires_on: date | None = None
    agreement: str | None = None
    key: str = ""

    @property
    def order(self) -> tuple[int, bool, date]:
        """What comes before tape and serial in policy earmark-fifo/1: more dimensions first, then earlier expiry."""
        return -len(self.restriction), self.expires_on is None, self.expires_on or date.max

    def usable_on(self, day: date) -> bool:
        """Whether the money may be allocated on that day."""
        return (self.usable_from is None or self.usable_from <= day) and (
            self.expires_on is None or day <= self.expires_on
        )

    def missing(self, attributes: Attributes) -> str | None:
        """The first dimension whose restriction the attributes do not meet; None when they meet all."""
        for dimension, codes in self.restriction:
            if attributes.get(dimension, frozenset()).isdisjoint(codes):
                return dimension
        return None

    def opened(self, fund: str, tape: str) -> TapeOpened:
        """The fact that opens a tape under these terms."""
        return TapeOpened(
            fund=fund,
            tape=tape,
            nature=self.nature,
            restriction=dict(self.restriction),
            usable_from=self.usable_from,
            expires_on=self.expires_on,
            agreement=self.agreement,
        )


@lru_cache(maxsize=4096)
def terms(
    nature: str = "own",
    restriction: tuple[tuple[str, tuple[str, ...]], ...] = (),
    usable_from: date | None = None,
    expires_on: date | None = None,
    agreement: str | None = None,
) -> Terms:
    """Checked terms in their one form. Raises BadValue when they contradict the rules of their nature."""
    if nature not in ("own", "agency", "fee"):
        raise BadValue("nature", nature, "own or agency", "应为 own 或 agency")
    ordered = tuple(sorted((dimension, tuple(sorted(set(codes)))) for dimension, codes in restriction))
    if len(ordered) > MAX_DIMENSIONS or len({dimension for dimension, _ in ordered}) != len(ordered):
        raise BadValue(
            "restriction", len(ordered), "at most 8 dimensions, each named once", "最多 8 个维度，每个只写一次"
        )
    for dimension, codes in ordered:
        check_dimension(dimension)
        if not codes:
            raise BadValue("restriction", dimension, "each dimension lists at least one code", "每个维度至少一个代码")
        for code in codes:
            check_id(code, f"restriction {dimension}")
    persons = dict(ordered).get("person")
    if nature == "agency" and (persons is None or len(persons) != 1):
        raise BadValue(
            "person",
            ", ".join(persons or ()) or "-",
            "agency money names exactly one person",
            "受托代理须指明唯一的受益人",
        )
    if nature != "agency" and persons is not None:
        raise BadValue("person", ", ".join(persons), "only agency money names a person", "只有受托代理资金可指明受益人")
    if usable_from is not None and expires_on is not None and expires_on < usable_from:
        raise BadValue("expires_on", expires_on, "not before usable_from", "不得早于 usable_from")
    if agreement is not None:
        check_id(agreement, "agreement")
    parts = (nature, ordered, usable_from, expires_on, agreement)
    return Terms(*parts, key=msgspec.json.encode(parts).decode())


def check_persons(restriction: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
    """Raises BadValue for a person's id in a restriction that looks personal. Terms that are recorded may have one."""
    for dimension, codes in restriction:
        for code in codes if dimension == "person" else ():
            check_opaque(code, "restriction person")


FEE_TERMS = terms("fee")


def terms_of(tape: TapeOpened) -> Terms:
    """The terms that a tape was opened with."""
    return terms(tape.nature, tuple(tape.restriction.items()), tape.usable_from, tape.expires_on, tape.agreement)


def check_dimension(name: str) -> str:
    """`name` if it can be a dimension: `[a-z][a-z0-9_]*`, at most 40 characters. Raises BadValue."""
    if len(name) <= 40 and _DIMENSION.fullmatch(name):
        return name
    raise BadValue("dimension", name, "lower-case letters, digits and _", "应为小写字母、数字和下划线")
