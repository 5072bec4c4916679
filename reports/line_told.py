"""A line of a statement with all that is behind it: entries, gifts, where their money is, the children it helped."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ledger.journal import Journal
from projections.trace import reading
from reports.bank_lines import LineFile, read_line
from reports.reconcile import Key

MOST_GIFTS = 100
"""So many gifts behind a line are followed; a channel's payout may be of thousands."""


def told_line(journal: Journal, key: Key) -> tuple[LineFile, list[dict[str, Any]]]:
    """The line, and of its first gifts where each one's money is and for which cases. Raises Unknown.

    A gift: `{"donation", "donor", "by_place": {place: amount}, "beneficiaries": [{"case", "hospital", "amount"}]}`.
    """
    with journal.entries.reading() as cursor:
        found = read_line(cursor, key)
    gifts = [one.stream.partition("/")[2] for one in found.behind if one.stream.startswith("donation/")]
    return found, _followed(journal, list(dict.fromkeys(gifts))[:MOST_GIFTS])


def _followed(journal: Journal, gifts: list[str]) -> list[dict[str, Any]]:
    told = []
    with reading(journal) as traces:
        for gift in gifts:
            trace = traces.donation(gift)
            helped: Counter[tuple[str, str | None]] = Counter()
            for flow in trace["flows"]:
                if flow["case"] is not None:
                    helped[flow["case"], flow["hospital"]] += flow["amount"]
            told.append(
                {
                    "donation": gift,
                    "donor": trace["donor"],
                    "by_place": dict(trace["by_place"]),
                    "beneficiaries": [
                        {"case": case, "hospital": hospital, "amount": amount}
                        for (case, hospital), amount in sorted(helped.items(), key=str)
                    ],
                }
            )
    return told
