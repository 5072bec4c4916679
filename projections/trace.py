"""Traces: from a donor, a gift, a case, a hospital, a fund or one serial along the money, both ways, to the fen.

A trace is a mapping in the shape that outside checks read (amounts in minor units, days as `YYYY-MM-DD`, ranges half
open, absent ids None). Its long lists are iterators that fetch as they are read, while the snapshot is open; `whole`
makes them lists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from itertools import groupby
from typing import Any, LiteralString

from ledger.database import Connection, Cursor, queries, tuples
from ledger.errors import BadValue, Unknown, UnknownThen
from ledger.journal import Journal
from ledger.places import fund_place, is_source, parse_place, tape_name, tape_number

FETCH_ROWS = 2_000
MAX_SEQ = 2**53

Trace = dict[str, Any]

_SQL = queries("projections", "queries.sql")
QUERIES: dict[str, LiteralString] = {
    **_SQL,
    "fund_figures_told": queries("projections", "history.sql")["fund_figures_told"],
}
"""What Traces read of the present."""


@contextmanager
def snapshot(journal: Journal) -> Iterator[Connection]:
    """A connection that sees one state of entries and views, for as long as the block lasts."""
    with journal.entries.datastore.get_connection() as connection, connection.transaction():
        connection.execute(_SQL["snapshot"])
        yield connection


@contextmanager
def reading(journal: Journal) -> Iterator[Traces]:
    """Traces of one state of the views, the present one; `projections.history` has those of the past."""
    with snapshot(journal) as connection:
        yield Traces(connection)


def whole(trace: Trace) -> Trace:
    """The trace with its iterators read into lists: plain JSON, once the snapshot is closed too."""
    return {name: list(value) if isinstance(value, Iterator) else value for name, value in trace.items()}


class Traces:
    """All kinds of traces over one snapshot; each raises Unknown for an id that the ledger does not have.

    What they show is up to `queries`, the named ones of `queries.sql` or others with the same columns, which look `back`
    by the parameters in `back`: `as_of`, a date, and `size`, how many entries are known.
    """

    def __init__(
        self,
        connection: Connection,
        queries: Mapping[str, LiteralString] = QUERIES,
        back: Mapping[str, Any] | None = None,
    ) -> None:
        self._connection = connection
        self._queries, self._back = queries, back
        self._bounds = dict(back or {"as_of": date.max, "size": MAX_SEQ})
        self._cursor: Cursor = tuples(connection)
        self._streams = 0

    def donor(self, donor: str) -> Trace:
        """`{donor, given, by_place, donations, flows}`.

        `given` is what was received from the donor: all that `by_place` and `flows` tell of, less what is void. A
        donation is `{donation, fund, on, seq, amount}`, a flow `{tape, lo, hi, donation, case, hospital, place,
        amount}`.
        """
        who = {"donor": donor, "donation": None}
        by_place = self._by_place(who)
        if not by_place:
            raise self._unknown("donor", donor)
        donations = (
            {"donation": donation, "fund": fund, "on": on.isoformat(), "seq": seq, "amount": amount}
            for donation, _, fund, on, seq, amount in self._stream("gifts", who)
        )
        return {"donor": donor, **by_place, "donations": donations, "flows": self._flows(who)}

    def donation(self, donation: str) -> Trace:
        """`{donation, donor, fund, on, seq, amount, given, by_place, flows}`: `amount` is what was issued."""
        which = {"donor": None, "donation": donation}
        gift = self._all("gifts", which)
        if not gift:
            raise self._unknown("donation", donation)
        _, donor, fund, on, seq, _ = gift[0]
        return {
            "donation": donation,
            "donor": donor,
            "fund": fund,
            "on": on.isoformat(),
            "seq": seq,
            "amount": sum(row[-1] for row in gift),
            **self._by_place(which),
            "flows": self._flows(which),
        }

    def case(self, case: str) -> Trace:
        """`{case, allocated, paid, used, returned, donors}`: what stands for the case, what came home, and whose it is.

        A donor is `{donor, donation, amount, ranges}`, one for each gift that has serials at the case, at a hospital
        for it or used for it, in the order of the gifts; `ranges` are like `t3:100-200`.
        """
        self._require("case", case)
        sums = {"case": 0, "hospital": 0, "used": 0, "returned": 0}
        for kind, amount in self._all("case_sums", {"case": case}):
            sums[kind] += amount or 0
        return {
            "case": case,
            "allocated": sum(sums.values()),
            "paid": sums["hospital"],
            "used": sums["used"],
            "returned": sums["returned"],
            "donors": self._case_donors(case),
        }

    def hospital(self, hospital: str) -> Trace:
        """`{hospital, paid, used, total, cases, donors}`: what stands there, not settled (`paid`) and settled (`used`).

        A case is `{case, paid, used, total}`, a donor `{donor, amount}`.
        """
        self._require("hospital", hospital)
        which = {"hospital": hospital, "case": None}
        [(paid, used)] = self._all("hospital_sums", which)
        cases = (
            {"case": case, "paid": paid, "used": used, "total": paid + used}
            for case, paid, used in self._stream("hospital_cases", which)
        )
        donors = ({"donor": donor, "amount": amount} for donor, amount in self._stream("hospital_donors", which))
        return {
            "hospital": hospital,
            "paid": paid,
            "used": used,
            "total": paid + used,
            "cases": cases,
            "donors": donors,
        }

    def fund(self, fund: str) -> Trace:
        """What came into the fund and where it stands; received + transferred_in = the sum of the other figures.

        `received` counts opening balances and fees, and not what is void. A tape is `{tape, nature, restriction,
        issued, void}`, with `usable_from`, `expires_on` and `agreement` where its terms have them.
        """
        self._require("fund", fund)
        tapes = [
            {"tape": tape_name(number), **terms, "issued": issued, "void": void}
            for _, number, terms, issued, void in self._all("fund_tapes", {"funds": [fund]})
        ]
        [balance] = self.balances(fund)
        return {name: value for name, value in balance.items() if name not in ("brought_forward", "void")} | {
            "tapes": tapes
        }

    def balances(self, fund: str | None = None) -> list[Trace]:
        """What came into each fund, or one, and where it stands: `{fund, received, brought_forward, ..., void}`.

        Between those are the figures of `fund`. `brought_forward` is the part of `received` from before the ledger, and
        `void`, what was recorded by mistake, is in no other figure.
        """
        if fund is not None:
            self._require("fund", fund)
        funds = [fund] if fund is not None else sorted(one for (one,) in self._all("funds", {}))
        figures: dict[str, Counter[str]] = {one: Counter() for one in funds}
        [(told,)] = self._all("periods_tell", {})
        for one, figure, amount in self._all("fund_figures" if told else "fund_figures_told", {"funds": funds}):
            figures[one][figure] = amount
        return [_balance(one, sums) for one, sums in figures.items()]

    def serial(self, name: str) -> Trace:
        """One serial, `t3:100`: `{serial, donation, donor, fund, place, home, since, case, hospital, movements}`.

        `fund` is the one it was given to. A movement is `{seq, on, type, from, to}`, oldest first; the first is its
        issue, from None. Raises BadValue for text that names no serial.
        """
        tape, serial = parse_serial(name)
        which = {"tape": tape, "serial": serial}
        rows = self._all("serial", which)
        if not rows:
            raise self._unknown("serial", name)
        donation, donor, fund, *issue = rows[0]
        steps = [issue, *self._all("serial_moves", which)]
        place, home = "", ""
        for *_, target in steps:
            home = "" if is_source(target) else home or place or fund_place(fund)
            place = target
        return {
            "serial": name,
            "donation": donation,
            "donor": donor,
            "fund": fund,
            "place": place,
            "home": home or None,
            "since": steps[-1][1].isoformat(),
            "case": parse_place(place).case,
            "hospital": parse_place(place).hospital,
            "movements": [
                {"seq": seq, "on": on.isoformat(), "type": topic, "from": source, "to": target}
                for seq, on, topic, source, target in steps
            ],
        }

    def _by_place(self, which: dict[str, Any]) -> Trace:
        """`given` and `by_place`; empty when there are no such gifts."""
        by_place = dict(self._all("gift_places", which))
        return by_place and {"given": sum(by_place.values()) - by_place.get("void", 0), "by_place": by_place}

    def _flows(self, which: dict[str, Any]) -> Iterator[Trace]:
        for tape, lo, hi, donation, case, hospital, place in joined(self._stream("gift_flows", which)):
            yield {
                "tape": tape_name(tape),
                "lo": lo,
                "hi": hi,
                "donation": donation,
                "case": case,
                "hospital": hospital,
                "place": place,
                "amount": hi - lo,
            }

    def _case_donors(self, case: str) -> Iterator[Trace]:
        rows = self._stream("case_donors", {"case": case, "hospital": None})
        for (donor, donation), group in groupby(rows, key=lambda row: row[:2]):
            runs = list(joined(row[2:] for row in group))
            yield {
                "donor": donor,
                "donation": donation,
                "amount": sum(hi - lo for _, lo, hi in runs),
                "ranges": [f"{tape_name(tape)}:{lo}-{hi}" for tape, lo, hi in runs],
            }

    def _require(self, noun: str, id: str) -> None:
        [(known,)] = self._all("known", {"stream": f"{noun}/{id}"})
        if not known:
            raise self._unknown(noun, id)

    def _unknown(self, noun: str, id: str) -> Unknown:
        return UnknownThen(noun, id) if self._back else Unknown(noun, id)

    def _all(self, name: str, which: dict[str, Any]) -> list[Any]:
        return self._cursor.execute(self._queries[name], {**self._bounds, **which}).fetchall()

    def _stream(self, name: str, which: dict[str, Any]) -> Iterator[Any]:
        """The rows of a query as they are asked for, through a cursor of the server."""
        self._streams += 1
        with self._connection.cursor(f"stream_{self._streams}", row_factory=self._cursor.row_factory) as cursor:
            cursor.execute(self._queries[name], {**self._bounds, **which})
            while rows := cursor.fetchmany(FETCH_ROWS):
                yield from rows


FUND_FIGURES = {
    "available": ("fund",),
    "allocated": ("case",),
    "paid": ("hospital",),
    "used": ("used",),
    "fees": ("fee",),
    "costs": ("cost",),
    "held": ("hold",),
    "refunded": ("refunded",),
    "out": ("out",),
}
"""A fund's figures by the kinds of place that they count."""


def _balance(fund: str, sums: Counter[str]) -> Trace:
    """A fund's balance from its figures: received, transferred_in, transferred_out, FUND_FIGURES and what is beside."""
    balance = {
        "fund": fund,
        "received": sums["issued"] - sums["void"],
        "brought_forward": sums["brought_forward"],
        "transferred_in": sums["came"],
        "transferred_out": sums["went"],
        **{name: sum(sums[kind] for kind in kinds) for name, kinds in FUND_FIGURES.items()},
        "void": sums["void"],
    }
    stands = sum(balance[name] for name in FUND_FIGURES)
    assert balance["received"] + sums["came"] == sums["went"] + stands, "a fund's figures add up"
    return balance


def parse_serial(name: str) -> tuple[int, int]:
    """`t3:100` as tape number and serial. Raises BadValue."""
    tape, _, serial = name.partition(":")
    try:
        if serial.isascii() and serial.isdigit() and len(serial) <= 16:
            return tape_number(tape), int(serial)
    except ValueError:
        pass
    raise BadValue("serial", name, "tape and number, such as t3:100", "应为编号序列加序号，例如 t3:100")


def joined(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Rows (tape, lo, hi, ...) in that order, adjacent ones of one kind as one."""
    last: tuple[Any, ...] | None = None
    for row in rows:
        if last is not None and (last[0], last[2], *last[3:]) == (row[0], row[1], *row[3:]):
            last = (*last[:2], *row[2:])
            continue
        if last is not None:
            yield last
        last = row
    if last is not None:
        yield last
