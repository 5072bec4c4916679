"""Timelines: what happened to a gift's serials, and to a case, step by step, each with its entry."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from projections.trace import MAX_SEQ, Page, Trace, Traces, joined

GIVERS = 20
"""So many gifts are named at each step that brought money to a case; how many there were is told beside."""


def timeline(traces: Traces, noun: str, id: str, page: Page | None = None) -> Iterator[Trace]:
    """The steps of a `donor`'s gifts, of one `donation` or of a `case`; of a donor's page, its gifts' alone.

    Of gifts, one after another: `{donation, gift, seq, on, type, tape, lo, hi, from, to, amount}`, the gift's own entry
    `gift` first, from None. Of a case: `{seq, on, at, type, record, from, to, amount}`, and where money came from
    elsewhere `gifts`, how many, and `givers`, the first of them: `{donor, donation, amount}`. What moved no money is
    from and to None, and may have no day but that of its recording, `at`.
    """
    if noun == "case":
        return _case(traces, id)
    begin = page or Page(limit=MAX_SEQ)
    which = {"donor": None, "donation": None, noun: id, "after": begin.after, "gifts": begin.limit}
    return _gifts(traces.stream("gift_steps", which))


def _gifts(rows: Iterator[Any]) -> Iterator[Trace]:
    for gift, steps in groupby(rows, key=itemgetter(0)):
        runs = joined((tape, lo, hi, donation, *what) for _, donation, *what, tape, lo, hi in map(_reordered, steps))
        for tape, lo, hi, donation, seq, on, topic, source, target in runs:
            yield {
                **{"donation": donation, "gift": gift, "seq": seq, "on": on.isoformat(), "type": topic},
                **{"tape": f"t{tape}", "lo": lo, "hi": hi, "from": source, "to": target, "amount": hi - lo},
            }


def _reordered(row: Any) -> tuple[Any, ...]:
    gift, donation, seq, on, topic, tape, lo, hi, source, target = row
    return gift, donation, seq, on, topic, source, target, tape, lo, hi


def _case(traces: Traces, case: str) -> Iterator[Trace]:
    """Steps and givers come in the order of entries, so that neither is ever held whole."""
    traces.require("case", case)
    which = {"case": case}
    arrivals = groupby(traces.stream("case_givers", which), key=itemgetter(0))
    arrival = next(arrivals, None)
    for seq, steps in groupby(traces.stream("case_steps", which), key=itemgetter(0)):
        more: Trace = {}
        if arrival is not None and arrival[0] == seq:
            more = _givers(arrival[1])
            arrival = next(arrivals, None)
        for _, on, at, topic, record, source, target, amount in steps:
            yield {
                **{"seq": seq, "on": None if on is None else on.isoformat(), "at": at, "type": topic, "record": record},
                **{"from": source, "to": target, "amount": amount, **more},
            }
            more = {}


def _givers(rows: Iterator[Any]) -> Trace:
    named: list[Trace] = []
    gifts = 0
    for _, donor, donation, amount in rows:
        gifts += 1
        if len(named) < GIVERS:
            named.append({"donor": donor, "donation": donation, "amount": amount})
    return {"gifts": gifts, "givers": named}
