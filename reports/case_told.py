"""个案: what the page of a case tells: whose money helped, and which other money could pay, or why it can't."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from ledger.database import Cursor, queries
from ledger.dictionary import Dictionary
from ledger.errors import Unknown
from ledger.places import parse_place, tape_name
from ledger.registry import read_codes
from ledger.terms import Attributes, Terms, terms
from reports.traces import Reader

_SQL = queries("reports", "case_told.sql")

DIMENSIONS = {
    "disease": ("病种", "disease"),
    "province": ("省份", "province"),
    "hospital": ("医院", "hospital"),
    "age_band": ("年龄段", "age"),
    "person": ("受益人", "person"),
}


class CaseHead(NamedTuple):
    """A case as it stands; `said` are its attributes in words, ids of persons left out."""

    id: str
    fund: str
    attributes: dict[str, str]
    purpose: str | None
    is_open: bool
    said: str


class Giver(NamedTuple):
    """A gift whose serials stand for the case; amounts in minor units."""

    seq: int
    donor: str | None
    donation: str
    on: date
    allocated: int
    paid: int
    used: int
    hospitals: str | None

    @property
    def amount(self) -> int:
        """All that stands for the case of it."""
        return self.allocated + self.paid + self.used


class Offer(NamedTuple):
    """Money that is available somewhere, and whether it could be allocated to the case today; if not, why."""

    fund: str
    tape: str
    terms: str
    amount: int
    pays: bool
    why: str


class Listed(NamedTuple):
    """A case in the list, with what stands for it in minor units."""

    id: str
    fund: str
    said: str
    is_open: bool
    allocated: int
    paid: int
    used: int


def case_head(cursor: Cursor, case: str, reader: Reader) -> CaseHead:
    """The case. Raises Unknown."""
    rows = cursor.execute(_SQL["case"], {"case": case}).fetchall()
    if not rows:
        raise Unknown("case", case)
    fund, attributes, purpose, is_open = rows[0]
    return CaseHead(case, fund, attributes, purpose, is_open, _described(attributes, dictionary_of(cursor), reader))


def cases_listed(
    cursor: Cursor, reader: Reader, *, after: str, begins: str, only_open: bool, limit: int
) -> list[Listed]:
    """A page of cases by id, behind `after`."""
    known = dictionary_of(cursor)
    which = {"after": after, "begins": begins, "open": only_open, "limit": limit}
    return [
        Listed(id, fund, _described(attributes, known, reader), is_open, *sums)
        for id, fund, attributes, is_open, *sums in cursor.execute(_SQL["cases"], which)
    ]


def givers_of(cursor: Cursor, case: str, after: int, limit: int) -> list[Giver]:
    """A page of the gifts whose serials stand for the case, oldest first."""
    return [Giver(*row) for row in cursor.execute(_SQL["givers"], {"case": case, "after": after, "limit": limit})]


def offers_for(cursor: Cursor, case: CaseHead, today: date, reader: Reader) -> list[Offer]:
    """All money that is available, what could pay first, in the policy's order, each by the rule that a decision would
    apply; that of other funds must be named when it is allocated."""
    rows = cursor.execute(_SQL["waiting"]).fetchall()
    in_force = {(place, tape): parse_place(place).tape or tape for _, place, tape, _ in rows}
    known = {number: _terms(said) for number, said in cursor.execute(_SQL["terms"], {"tapes": [*in_force.values()]})}
    dictionary = dictionary_of(cursor)
    attributes = dictionary.attributes(case.attributes)
    found = []
    for fund, place, tape, amount in rows:
        at_hand = known[in_force[place, tape]]
        why = _refusal(at_hand, attributes, today, case, dictionary, reader)
        named = _said(reader, "须指明该基金", "the fund must be named") if fund != case.fund else ""
        offer = Offer(fund, tape_name(tape), terms_said(at_hand, dictionary, reader), amount, not why, why or named)
        found.append(((bool(why), fund != case.fund, at_hand.order, tape), offer))
    return [offer for _, offer in sorted(found, key=lambda one: one[0])]


def terms_said(at_hand: Terms, dictionary: Dictionary, reader: Reader) -> str:
    """Terms in words, codes by their names."""
    parts = [
        f"{_dimension(name, reader)}{_said(reader, '：', ': ')}{_named(name, codes, dictionary, reader)}"
        for name, codes in at_hand.restriction
    ]
    if at_hand.usable_from is not None:
        parts.append(_said(reader, f"自 {at_hand.usable_from} 起", f"from {at_hand.usable_from}"))
    if at_hand.expires_on is not None:
        parts.append(_said(reader, f"至 {at_hand.expires_on} 止", f"until {at_hand.expires_on}"))
    if at_hand.agreement is not None:
        parts.append(f"{reader.word('agreement')} {at_hand.agreement}")
    return _said(reader, "；", "; ").join(parts) or reader.word("unrestricted")


def dictionary_of(cursor: Cursor) -> Dictionary:
    """The dictionary as it is now."""
    found = Dictionary()
    read_codes(cursor, found)
    return found


def _refusal(
    at_hand: Terms, attributes: Attributes, today: date, case: CaseHead, dictionary: Dictionary, reader: Reader
) -> str:
    """Why money under these terms can't be allocated to the case today; empty where it can."""
    dimension = at_hand.missing(attributes)
    if dimension == "person":
        return _said(reader, "受托代理：只给捐赠人指定的那一位受益人", "agency: for the one person whom the donor named alone")
    if dimension is not None:
        wanted = _named(dimension, dict(at_hand.restriction)[dimension], dictionary, reader)
        own = case.attributes.get(dimension)
        name = _dimension(dimension, reader)
        if own is None:
            return _said(reader, f"限定{name}为{wanted}，本个案没有登记{name}", f"restricted to {name} {wanted}; the case has no {name}")
        own = _named(dimension, (own,), dictionary, reader)
        return _said(reader, f"限定{name}为{wanted}，本个案是{own}", f"restricted to {name} {wanted}; this case's is {own}")
    if at_hand.usable_from is not None and today < at_hand.usable_from:
        return _said(reader, f"{at_hand.usable_from} 起才能使用", f"usable from {at_hand.usable_from} on")
    if at_hand.expires_on is not None and today > at_hand.expires_on:
        return _said(reader, f"已于 {at_hand.expires_on} 到期", f"expired on {at_hand.expires_on}")
    return ""


def _terms(said: dict[str, Any]) -> Terms:
    """What a tape's row has as terms."""
    days = [None if said.get(name) is None else date.fromisoformat(said[name]) for name in ("usable_from", "expires_on")]
    restriction = tuple((name, tuple(codes)) for name, codes in said["restriction"].items())
    return terms(said["nature"], restriction, *days, said.get("agreement"))


def _described(attributes: dict[str, str], dictionary: Dictionary, reader: Reader) -> str:
    """Attributes in words, by the narrowest code: for staff, who may know the child."""
    names = ("age_band", "province", "disease", "hospital")
    return " · ".join(_named(name, (attributes[name],), dictionary, reader) for name in names if name in attributes)


def _named(dimension: str, codes: tuple[str, ...], dictionary: Dictionary, reader: Reader) -> str:
    found = [dictionary.find(dimension, code) for code in codes]
    names = [code if one is None else one.name for one, code in zip(found, codes, strict=True)]
    return _said(reader, "或", " or ").join(names)


def _dimension(name: str, reader: Reader) -> str:
    zh, en = DIMENSIONS.get(name, (name, name))
    return _said(reader, zh, en)


def _said(reader: Reader, zh: str, en: str) -> str:
    return zh if reader.language == "zh" else en
