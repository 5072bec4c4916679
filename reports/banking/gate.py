"""The gate: a statement is taken in only if opening + in − out = closing and its own totals are those of its lines.

The equation also settles signs: whatever a format's marks may mean, a statement read with a wrong sign does not tie.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from reports.banking.statement import Claim, Line, Statement


class Verdict(NamedTuple):
    """Whether a statement ties; None when it says nothing that could be checked.

    `difference` is what the file states less what its lines come to, in minor units, where an amount does not tie;
    `reasons` are (Chinese, English) sentences with `{stated}` and `{found}` filled in by whoever shows them.
    """

    ties: bool | None
    difference: int | None
    failed: tuple[Claim, ...]
    other_currency: str | None = None

    @property
    def passes(self) -> bool:
        """Whether the statement may be taken in without a person's word."""
        return self.ties is True


def judge(statement: Statement) -> Verdict:
    """Holds a statement against all that it says of itself."""
    other = statement.closing_currency
    claims = list(statement.claims)
    if statement.opening is not None and statement.closing is not None and other is None:
        reached = statement.opening + statement.credits - statement.debits
        claims.insert(0, Claim("closing balance", "期末余额", statement.closing, reached))
    failed = tuple(claim for claim in claims if claim.stated != claim.found)
    if not claims and other is None:
        return Verdict(None, None, ())
    difference = next((claim.stated - claim.found for claim in failed if claim.money), None)
    return Verdict(not failed and other is None, difference, failed, other)


class Chain(NamedTuple):
    """What running balances say: where they begin and end, and how often they break off."""

    opening: int
    closing: int
    breaks: int


def chain_of(lines: Sequence[Line]) -> Chain | None:
    """Follows the running balances of lines in any order; None unless every line has one.

    A line leads from the balance before it to the balance after it. In an unbroken run each balance that a line begins
    from is one that another ended at, all but the first: so neither newest-first files nor lines of the same second in
    another order are breaks.
    """
    steps = [(line.balance - line.amount, line.balance) for line in lines if line.balance is not None]
    if not steps or len(steps) != len(lines):
        return None
    befores, afters = Counter(before for before, _ in steps), Counter(after for _, after in steps)
    starts, ends = list((befores - afters).elements()), list((afters - befores).elements())
    if len(starts) == 1:
        return Chain(starts[0], ends[0], 0)
    newest_first = (lines[0].booked_on, lines[0].clock or "") > (lines[-1].booked_on, lines[-1].clock or "")
    first, last = (steps[-1], steps[0]) if newest_first else (steps[0], steps[-1])
    return Chain(first[0], last[1], max(len(starts) - 1, 0))
