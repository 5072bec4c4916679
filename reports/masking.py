"""How personal data is shown to those who may know that there is a child, but not which one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date

from ledger.dictionary import Dictionary
from ledger.vault import Reader, Vault
from ledger.vault_faults import SubjectIsRestricted
from projections.flows import Flows

SHOWN = ("age_band", "province", "disease")


def masked_name(name: str) -> str:
    """The first character alone: 张**."""
    return f"{name[:1]}**"


def masked_child(name: str | None, codes: Mapping[str, str], dictionary: Dictionary) -> str:
    """A child as donors see it: masked name, then age, province and disease by the broadest code of each."""
    told = [masked_name(name)] if name else []
    for dimension in SHOWN:
        if dimension in codes:
            told.append(_broadest(dimension, codes[dimension], dictionary))
    return " · ".join(told)


def _broadest(dimension: str, code: str, dictionary: Dictionary) -> str:
    """What the topmost code above this one is called."""
    while (found := dictionary.find(dimension, code)) is not None and found.parent is not None:
        code = found.parent
    return found.name if found is not None else code


def month_of(day: date, language: str) -> str:
    """A day as a month alone."""
    return f"{day.year} 年 {day.month} 月" if language == "zh" else f"{day:%Y-%m}"


def with_masked_donors(flows: Flows, vault: Vault, reader: Reader) -> Flows:
    """The flows with donors called by masked name and id, where the vault has a name that may be read; each is noted.

    Raises what `Vault.open` raises, but for a restricted donor, who keeps the id alone.
    """
    donors = [node.id for node in flows.nodes if node.id.startswith("donor/")]
    names: dict[str, str] = {}
    for donor, stream in vault.newest("donor_name", donors).items():
        with suppress(SubjectIsRestricted):
            for one in vault.open(stream, reader).openings:
                if one.field == "donor_name" and one.value is not None:
                    names[donor] = f"{masked_name(one.value)} · {donor.partition('/')[2]}"
    return replace(flows, nodes=tuple(node._replace(name=names.get(node.id, node.name)) for node in flows.nodes))
