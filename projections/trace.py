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
from itertools import chain, islice
from operator import itemgetter
from typing import Any, LiteralString, NamedTuple

from ledger.codec import Entry, decode
from ledger.database import Connection, Cursor, queries, tuples
from ledger.errors import BadValue, Unknown, UnknownThen
from ledger.journal import Journal
from ledger.places import fund_place, is_source, parse_place, tape_name, tape_number
from projections import fold

FEW_ROWS, FETCH_ROWS = 20_000, 2_000
"""So many rows are read in one go; more come through a cursor of the server, so many at a time."""
FEW_GIFTS, FETCH_GIFTS, FETCH_GIFTS_BACK = 20_000, 2_000, 50_000
"""Gifts read at once: where that may be all of a donor's, of very many, and of those when looking back."""
MAX_SEQ = 2**53

Trace = dict[str, Any]

_SQL = queries("projections", "queries.sql")
TIMELINE = queries("projections", "timeline.sql")
QUERIES: dict[str, LiteralString] = {
    **_SQL,
    **TIMELINE,
    "gifts": _SQL["chosen"] + "\n" + _SQL["gifts"],
    "gift_flows": _SQL["chosen"] + "\n" + _SQL["gift_flows"],
    "gift_steps": _SQL["chosen"] + "\n" + TIMELINE["gift_steps"],
    "fund_figures_told": queries("projections", "history.sql")["fund_figures_told"],
}
"""What Traces read of the present."""


@contextmanager
def snapshot(journal: Journal) -> Iterator[Connection]:
    """A connection that sees one state of entries and views, for as long as the block lasts."""
    with journal.entries.datastore.get_connection() as connection:
        connection.execute(_SQL["snapshot"])
        try:
            yield connection
        finally:
            # Nothing was written; but psycopg forgets what it prepared when it rolls back, and to plan a trace anew
            # takes longer than some traces do.
            connection.commit()


@contextmanager
def reading(journal: Journal) -> Iterator[Traces]:
    """Traces of one state of the views, the present one; `projections.history` has those of the past."""
    with snapshot(journal) as connection:
        yield Traces(connection)


def whole(trace: Trace) -> Trace:
    """The trace with its iterators read into lists: plain JSON, once the snapshot is closed too."""
    return {name: list(value) if isinstance(value, Iterator) else value for name, value in trace.items()}


class Page(NamedTuple):
    """Part of a long list of gifts: so many from above that entry on."""

    after: int = -1
    limit: int = 100


class Traces:
    """All kinds of traces over one snapshot; each raises Unknown for an id that the ledger does not have.

    What they show is up to `queries`, the named ones of `queries.sql` or others with the same columns, which look back
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

    def donor(self, donor: str, page: Page | None = None) -> Trace:
        """`{donor, given, by_place, donations, flows}`, of a page's gifts alone with `next`.

        `given` is what was received from the donor: all that `by_place` and `flows` tell of, less what is void; it does
        not depend on the page. A donation is `{donation, fund, on, seq, amount}`, a flow `{tape, lo, hi, donation,
        case, hospital, place, amount}`; both are in the order of the gifts. `next` is where the next page begins, None
        after the last.
        """
        who = {"donor": donor, "donation": None}
        begin = page or Page(limit=FEW_GIFTS)
        rows = self.ask("gift_flows", {**who, "after": begin.after, "gifts": begin.limit + 1})
        shown, following = _cut(rows, begin.limit)
        gifts, flows, by_place = _told(shown)
        if begin.after >= 0 or following is not None:
            by_place = self._by_place(who)
        if not by_place:
            raise self._unknown("donor", donor)
        trace = {"donor": donor, "given": _given(by_place), "by_place": by_place}
        if page is None and following is not None:
            all_flows = chain(flows, self._flows(who, following))
            return {**trace, "donations": self._donations(who), "flows": all_flows}
        lists = {"donations": iter(gifts), "flows": iter(flows)}
        return {**trace, **lists, **({} if page is None else {"next": following})}

    def donation(self, donation: str, behind: tuple[int, int] | None = None) -> Trace:
        """`{donation, donor, fund, on, seq, amount, given, by_place, flows}`: `amount` is what was issued.

        `flows` are in the order of tapes and serials, of a page alone those from tape and serial `behind` on.
        """
        which = {"donor": None, "donation": donation, "after": -1, "gifts": MAX_SEQ}
        gifts = self.ask("gifts", which)
        if not gifts:
            raise self._unknown("donation", donation)
        seq, _, donor, fund, on, amount = gifts[0]
        by_place = dict(self.ask("gift_places", which))
        tape, serial = behind or (0, 0)
        rows = self.stream("donation_flows", {**which, "tape": tape, "serial": serial})
        return {
            "donation": donation,
            "donor": donor,
            "fund": fund,
            "on": on.isoformat(),
            "seq": seq,
            "amount": amount,
            "given": _given(by_place),
            "by_place": by_place,
            "flows": map(_flow, joined(rows)),
        }

    def entries(self, noun: str, id: str) -> list[Entry]:
        """The entries on a stream; of a `donor` or a `donation` all that brought the money, moved it, or told of the
        gift. By seq."""
        which = {"donor": None, "donation": None, noun: id, "stream": f"{noun}/{id}"}
        name = "gift_entries" if noun in ("donor", "donation") else "stream_entries"
        found = [decode(body) for _, body in self._cursor.execute(_SQL[name], which)]
        if not found:
            raise self._unknown(noun, id)
        return found

    def case(self, case: str, page: Page | None = None) -> Trace:
        """`{case, allocated, paid, used, returned, donors}`: what stands for the case, what came home, and whose it is.

        A donor is `{donor, donation, amount, ranges}`, one for each gift that has serials at the case, at a hospital
        for it or used for it, in the order of the gifts; `ranges` are like `t3:100-200`. Of a page there are its donors
        alone, and `next`: where the next begins, None after the last.
        """
        sums = {"case": 0, "hospital": 0, "used": 0, "returned": 0}
        for kind, amount in self.ask("case_sums", {"case": case}):
            sums[kind] += amount or 0
        if not any(sums.values()):
            self.require("case", case)
        found = {
            "case": case,
            "allocated": sum(sums.values()),
            "paid": sums["hospital"],
            "used": sums["used"],
            "returned": sums["returned"],
        }
        rows = self.stream("case_donors", {"case": case, "hospital": None, "after": page.after if page else -1})
        if page is None:
            return {**found, "donors": map(itemgetter(1), _owners(rows))}
        owners = list(islice(_owners(rows), page.limit + 1))
        following = owners[page.limit - 1][0] if len(owners) > page.limit else None
        return {**found, "donors": map(itemgetter(1), iter(owners[: page.limit])), "next": following}

    def hospital(self, hospital: str, behind: str | None = None) -> Trace:
        """`{hospital, paid, used, total, cases, donors}`: what stands there, not settled (`paid`) and settled (`used`).

        A case is `{case, paid, used, total}`, a donor `{donor, amount}`; by id, of a page alone those `behind` one.
        Money of no known donor comes last.
        """
        self.require("hospital", hospital)
        which = {"hospital": hospital, "case": None, "after": -1, "behind": behind or ""}
        [(paid, used)] = self.ask("hospital_sums", which)
        cases = (
            {"case": case, "paid": paid, "used": used, "total": paid + used}
            for case, paid, used in self.stream("hospital_cases", which)
        )
        donors = ({"donor": donor, "amount": amount} for donor, amount in self.stream("hospital_donors", which))
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
        self.require("fund", fund)
        tapes = [
            {"tape": tape_name(number), **terms, "issued": issued, "void": void}
            for _, number, terms, issued, void in self.ask("fund_tapes", {"funds": [fund]})
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
            self.require("fund", fund)
        funds = [fund] if fund is not None else sorted(one for (one,) in self.ask("funds", {}))
        figures: dict[str, Counter[str]] = {one: Counter() for one in funds}
        [(in_step, entire)] = self.ask("periods_tell", {})
        blocks = self._bounds["size"] // fold.BLOCK_ENTRIES if in_step else 0
        lumps = blocks // fold.BLOCKS_TOGETHER
        which = {
            **{"funds": funds, "blocks": blocks, "first": blocks * fold.BLOCK_ENTRIES},
            **{"lumps": lumps, "lumped": lumps * fold.BLOCKS_TOGETHER},
        }
        for one, figure, amount in self.ask("fund_figures" if in_step and entire else "fund_figures_told", which):
            figures[one][figure] = amount
        return [_balance(one, sums) for one, sums in figures.items()]

    def serial(self, name: str) -> Trace:
        """One serial, `t3:100`: `{serial, donation, donor, fund, place, home, since, case, hospital, movements}`.

        `fund` is the one it was given to. A movement is `{seq, on, type, from, to, record, basis, by}`, oldest first:
        why the serial is where it is; the first is its issue, from None. Raises BadValue for text that names no serial.
        """
        tape, serial = parse_serial(name)
        which = {"tape": tape, "serial": serial}
        rows = self.ask("serial", which)
        if not rows:
            raise self._unknown("serial", name)
        donation, donor, fund, *issue = rows[0]
        steps = [issue, *self.ask("serial_moves", which)]
        place, home = "", ""
        for *_, target, _, _, _ in steps:
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
                {
                    **{"seq": seq, "on": on.isoformat(), "type": topic, "from": source, "to": target},
                    **{"record": record, "basis": basis, "by": by},
                }
                for seq, on, topic, source, target, record, basis, by in steps
            ],
        }

    def _by_place(self, who: dict[str, Any]) -> dict[str, int]:
        """Minor units by place of all a donor's gifts."""
        kept = self.ask("donor_places", who) if self._back is None else []
        return dict(kept or self.ask("gift_places", {**who, "after": -1, "gifts": MAX_SEQ}))

    def _donations(self, who: dict[str, Any]) -> Iterator[Trace]:
        for rows in self._paged("gifts", who, -1):
            for seq, donation, _, fund, on, amount in rows:
                yield {"donation": donation, "fund": fund, "on": on.isoformat(), "seq": seq, "amount": amount}

    def _flows(self, who: dict[str, Any], after: int) -> Iterator[Trace]:
        for rows in self._paged("gift_flows", who, after):
            yield from _told(rows)[1]

    def _paged(self, name: str, who: dict[str, Any], after: int | None) -> Iterator[list[Any]]:
        """Rows of a donor's gifts from there on; so many gifts at a time that looking back begins anew seldom."""
        limit = FETCH_GIFTS if self._back is None else FETCH_GIFTS_BACK
        while after is not None:
            rows, after = _cut(self.ask(name, {**who, "after": after, "gifts": limit + 1}), limit)
            yield rows

    def require(self, noun: str, id: str) -> None:
        """Raises Unknown for an id that the ledger does not have."""
        [(known,)] = self.ask("known", {"stream": f"{noun}/{id}"})
        if not known:
            raise self._unknown(noun, id)

    def _unknown(self, noun: str, id: str) -> Unknown:
        return UnknownThen(noun, id) if self._back else Unknown(noun, id)

    def ask(self, name: str, which: dict[str, Any]) -> list[Any]:
        """The rows of a query."""
        return self._cursor.execute(self._queries[name], {**self._bounds, **which}, binary=True).fetchall()

    def stream(self, name: str, which: dict[str, Any]) -> Iterator[Any]:
        """The rows of a query, once they are asked for: in one go if few, else through a cursor of the server."""
        bounds = {**self._bounds, **which}
        few = self._cursor.execute(f"{self._queries[name]} limit {FEW_ROWS}", bounds, binary=True).fetchall()
        yield from few if len(few) < FEW_ROWS else self._stream_many(name, bounds)

    def _stream_many(self, name: str, bounds: dict[str, Any]) -> Iterator[Any]:
        self._streams += 1
        with self._connection.cursor(f"stream_{self._streams}", row_factory=self._cursor.row_factory) as cursor:
            cursor.execute(self._queries[name], bounds, binary=True)
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


def _cut(rows: list[Any], gifts: int) -> tuple[list[Any], int | None]:
    """Rows of `gift_flows` for so many gifts and one more: the rows of those, and the last one's seq if more follow."""
    seen, last = 0, -1
    for n, row in enumerate(rows):
        if row[0] != last:
            if seen == gifts:
                return rows[:n], last
            seen, last = seen + 1, row[0]
    return rows, None


def _given(by_place: Mapping[str, int]) -> int:
    return sum(by_place.values()) - by_place.get("void", 0)


def _told(rows: Iterable[Any]) -> tuple[list[Trace], list[Trace], dict[str, int]]:
    """Rows of `gift_flows` as gifts, as flows and as minor units by place: in one pass, for a trace waits for it."""
    gifts: list[Trace] = []
    flows: list[Trace] = []
    by_place: dict[str, int] = {}
    gift: Trace = {}
    flow: Trace = {}
    entry, named, reached, along = -1, "", -1, ("", 0)
    for seq, donation, fund, on, tape, lo, hi, place in rows:
        amount = hi - lo
        by_place[place] = by_place.get(place, 0) + amount
        goes_on = lo == reached and donation == named and along == (place, tape)
        if seq == entry and donation == named:
            gift["amount"] += amount
            gift["fund"] = min(gift["fund"], fund)
        else:
            entry, named = seq, donation
            gift = {"donation": donation, "fund": fund, "on": on.isoformat(), "seq": seq, "amount": amount}
            gifts.append(gift)
        if goes_on:
            flow["hi"] = hi
            flow["amount"] += amount
        else:
            flow, along = _flow((tape, lo, hi, donation, place)), (place, tape)
            flows.append(flow)
        reached = hi
    return gifts, flows, dict(sorted(by_place.items()))


def _flow(run: tuple[Any, ...]) -> Trace:
    tape, lo, hi, donation, place = run
    parsed = parse_place(place)
    return {
        "tape": tape_name(tape),
        "lo": lo,
        "hi": hi,
        "donation": donation,
        "case": parsed.case,
        "hospital": parsed.hospital,
        "place": place,
        "amount": hi - lo,
    }


def _owners(rows: Iterable[Any]) -> Iterator[tuple[int, Trace]]:
    """Rows of `case_donors` as donors, one for each gift, with its seq. The hottest loop of all traces."""
    one: Trace = {}
    ranges: list[str] = []
    entry, named, along, begin, reached = -1, None, 0, 0, 0
    for seq, donor, donation, tape, lo, hi in rows:
        if seq == entry and donation == named:
            one["amount"] += hi - lo
            if lo == reached and tape == along:  # goes on where the row before ended
                ranges[-1] = f"t{tape}:{begin}-{hi}"
            else:
                ranges.append(f"t{tape}:{lo}-{hi}")
                begin = lo
        else:
            if one:
                yield entry, one
            entry, named, begin = seq, donation, lo
            ranges = [f"t{tape}:{lo}-{hi}"]
            one = {"donor": donor, "donation": donation, "amount": hi - lo, "ranges": ranges}
        along, reached = tape, hi
    if one:
        yield entry, one


def _balance(fund: str, sums: Counter[str]) -> Trace:
    """A fund's balance from its figures: received, transferred_in, transferred_out, FUND_FIGURES and what is beside."""
    balance: Trace = {
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
