"""Findings of the guards' rules, and the evidence that a person can check: entries, days, amounts, opaque ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from reports.guards.books import Granted, Paid
from reports.guards.entries import Record
from reports.guards.rules import Rule

MOST_EVIDENCE = 10
"""How many entries a finding lists; how many there are is said beside them."""

Said = str | int | tuple[str, ...]
"""What a member says: a text, an amount in minor units, or a list of ids."""


class Evidence(NamedTuple):
    """An entry that a finding rests on.

    `amount` is the part of it that is the subject's; `left` what of that still stands, where that is less; `about` are
    ids that the entry names, each with what it is.
    """

    seq: int
    type: str
    on: date
    id: str
    amount: int | None = None
    left: int | None = None
    about: tuple[tuple[str, Said], ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: `amount` is how much is forgotten, or doubled at most, in minor units; 0 if none is known.

    `days` is how old it is, or how long there is left (`rule.counts`). `evidence` is part of so many `entries`.
    `details` say more of the subject; `funds` are those that it concerns.
    """

    rule: Rule
    subject: Mapping[str, Said]
    amount: int
    days: int
    evidence: tuple[Evidence, ...]
    entries: int
    details: Mapping[str, Said]
    funds: frozenset[str]

    @property
    def order(self) -> tuple[int, int, str]:
        """Worst first: the largest amount, then the oldest, or the one with least time left."""
        return -self.amount, self.days if self.rule.counts == "left" else -self.days, str(sorted(self.subject.items()))


def finding(
    rule: Rule,
    subject: Mapping[str, Said | None],
    amount: int,
    days: int,
    evidence: Iterable[Evidence],
    funds: Iterable[str],
    details: Mapping[str, Said | None] | None = None,
    entries: int | None = None,
) -> Finding:
    """A finding with its evidence in the order of the entries, each once; `entries` are more if that is not all.

    Absent members are left out.
    """
    told = sorted(set(evidence), key=lambda one: one.seq)
    return Finding(
        rule,
        dict(_present(subject)),
        amount,
        days,
        tuple(told[:MOST_EVIDENCE]),
        len(told) if entries is None else entries,
        dict(_present(details or {})),
        frozenset(funds),
    )


def evidence_of(record: Record, amount: int | None = None, left: int | None = None, **about: Said | None) -> Evidence:
    """An entry as evidence: the whole of its amount unless a part is given, and the ids among its members.

    `about` are those that the entry does not name by itself, or not so.
    """
    data = record.data
    if amount is None:
        amount = data.amount if data.amount is not None else sum(line.amount for line in data.lines) or None
    named: dict[str, Said | None] = {
        "fund": data.fund,
        "hospital": data.hospital,
        "case": data.case if record.id != data.case else None,
        "person": data.attributes.get("person"),
        "household": data.household,
        "bill_no": data.bill_no,
        "purpose": data.purpose,
        "period": data.period,
        "reason": data.reason,
        "channel": data.channel,
        "channel_txn": data.channel_txn,
        "reverses": None if data.reverses is None else f"#{data.reverses}",
        "approved_by": data.approved_by,
        "account": tuple(leg.account for leg in data.cash),
        "bank_ref": tuple(leg.bank_ref for leg in data.cash if leg.bank_ref is not None),
        **about,
    }
    return Evidence(
        record.seq, record.type, record.day, record.id, amount, left if left != amount else None, _present(named)
    )


def paid_evidence(line: Paid) -> Evidence:
    """A payment, as far as this line of it goes."""
    members = {"case": line.case, "bill_no": line.bill_no, "bill_amount": line.bill_amount}
    return evidence_of(line.record, line.amount, line.standing, **members)


def granted_evidence(grant: Granted) -> Evidence:
    """A cash grant, and what of it did not come back."""
    return evidence_of(grant.record, grant.amount, grant.standing)


def _present(members: Mapping[str, Said | None]) -> tuple[tuple[str, Said], ...]:
    return tuple((name, value) for name, value in members.items() if value not in (None, ()))
