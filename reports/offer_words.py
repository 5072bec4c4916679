"""Terms, attributes and obstacles in words: what money is for, what a case is, and why one does not go to the other."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from ledger.dictionary import Dictionary
from ledger.terms import Terms
from reports.eligible import Eligible, Offer
from reports.traces import Reader

DIMENSIONS = {
    "disease": ("病种", "disease"),
    "province": ("省份", "province"),
    "hospital": ("医院", "hospital"),
    "age_band": ("年龄段", "age"),
    "person": ("受益人", "person"),
}
DESCRIBING = ("age_band", "province", "disease", "hospital")
NAMED = 4
"""So many codes of a restriction are named."""


def described(attributes: Mapping[str, str], dictionary: Dictionary, reader: Reader) -> str:
    """A case's attributes by their names, for staff; whose case it is is not among them."""
    return " · ".join(
        _named(name, (attributes[name],), dictionary, reader) for name in DESCRIBING if name in attributes
    )


def terms_said(at_hand: Terms, dictionary: Dictionary, reader: Reader) -> str:
    """Restriction, days and agreement."""
    colon = _said(reader, "：", ": ")
    parts = [
        f"{_dimension(name, reader)}{colon}{_named(name, codes, dictionary, reader)}"
        for name, codes in at_hand.restriction
    ]
    if at_hand.usable_from is not None:
        parts.append(_said(reader, f"自 {at_hand.usable_from} 起", f"from {at_hand.usable_from}"))
    if at_hand.expires_on is not None:
        parts.append(_said(reader, f"至 {at_hand.expires_on} 止", f"until {at_hand.expires_on}"))
    if at_hand.agreement is not None:
        parts.append(f"{reader.word('agreement')} {at_hand.agreement}")
    return _said(reader, "；", "; ").join(parts) or reader.word("unrestricted")


def obstacle_said(found: Eligible, offer: Offer, reader: Reader) -> str:
    """Why this money can't be allocated to the case; empty where it can."""
    match offer.obstacle:
        case None:
            return ""
        case "too_early":
            day = offer.terms.usable_from
            return _said(reader, f"{day} 起才能使用", f"usable from {day} on")
        case "expired":
            return _said(reader, f"已于 {offer.terms.expires_on} 到期", f"expired on {offer.terms.expires_on}")
        case "person":
            return _said(reader, "受托代理：只给捐赠人指定的那一位受益人", "for the one person whom its donor named")
    name = _dimension(offer.obstacle, reader)
    wanted = _named(offer.obstacle, dict(offer.terms.restriction)[offer.obstacle], found.dictionary, reader)
    own = found.case.attributes.get(offer.obstacle)
    if own is None:
        return _said(
            reader, f"限定{name}为{wanted}，本个案未登记{name}", f"for {name} {wanted}; the case has no {name}"
        )
    own = _named(offer.obstacle, (own,), found.dictionary, reader)
    return _said(reader, f"限定{name}为{wanted}，本个案是{own}", f"for {name} {wanted}; this case's is {own}")


def _named(dimension: str, codes: tuple[str, ...], dictionary: Dictionary, reader: Reader) -> str:
    found = ((code, dictionary.find(dimension, code)) for code in islice(codes, NAMED))
    names = [code if known is None else known.name for code, known in found]
    more = len(codes) - NAMED
    told = _said(reader, "或", " or ").join(names)
    return told if more <= 0 else told + _said(reader, f"等 {len(codes)} 种", f" or {more} more")


def _dimension(name: str, reader: Reader) -> str:
    zh, en = DIMENSIONS.get(name, (name, name))
    return _said(reader, zh, en)


def _said(reader: Reader, zh: str, en: str) -> str:
    return zh if reader.language == "zh" else en
