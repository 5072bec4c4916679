"""Balances: what came into each fund and into all, and where it stands; now, as of a day, as known at an instant."""

from __future__ import annotations

from collections.abc import Iterator

from projections.history import NOW, Vantage
from projections.trace import FUND_FIGURES, Trace, Traces
from reports.traces import Reader, figures, table, titled

CAME = ("received", "transferred_in")
STANDS = (*FUND_FIGURES, "transferred_out")
"""received + transferred_in = the sum of these, in each fund and over all; `brought_forward` is part of `received`."""
FIGURES = ("received", "brought_forward", "transferred_in", *STANDS, "void")


def balances_of(traces: Traces, fund: str | None = None) -> Trace:
    """`{received, brought_forward, transferred_in, ..., void, funds: [{fund, received, ...}]}` of all funds or one.

    Amounts in minor units. Raises Unknown for a fund that the ledger does not have.
    """
    funds = traces.balances(fund)
    total = {name: sum(one[name] for one in funds) for name in FIGURES}
    assert sum(total[name] for name in CAME) == sum(total[name] for name in STANDS), "balances add up"
    return {**total, "funds": funds}


def balance_lines(balances: Trace, reader: Reader, vantage: Vantage = NOW) -> Iterator[str]:
    """The lines for people: all figures, then for several funds a row each, of those that are anything anywhere."""
    funds = balances["funds"]
    title = reader.word("balances")
    yield titled(f"{title} {funds[0]['fund']}" if len(funds) == 1 else title, reader, vantage)
    yield from figures([(name, balances[name]) for name in FIGURES[:3]], reader)
    yield from figures([(name, balances[name]) for name in STANDS], reader, "of_which")
    if balances["void"]:
        yield from figures([("void", balances["void"])], reader, "not_counted")
    if len(funds) != 1:
        shown = [name for name in (*CAME, *STANDS) if any(one[name] for one in funds)]
        yield from table("funds", ("fund", *shown), ([one[name] for name in ("fund", *shown)] for one in funds), reader)
