"""How money is chosen: by policy earmark-fifo/1 from the front or the back of its one order, or by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from ledger.book import Book
from ledger.errors import BadValue, NotEnoughMoney, RangesElsewhere, TermsForbid
from ledger.events import Fact, Moved
from ledger.loading import CaseFile
from ledger.places import is_source, tape_name, tape_number
from ledger.tapes import Row, Run, moves_of, parse_run, pick, size
from ledger.terms import Attributes, Terms

POLICY = "earmark-fifo/1"


def take(
    book: Book,
    places: list[str],
    amount: int,
    on: date,
    attributes: Attributes | None = None,
    *,
    days: bool = False,
    free: bool = False,
) -> list[Row]:
    """`amount` from the front of the policy's order at these places; raises NotEnoughMoney with where the rest is.

    Judged are the restriction, where `attributes` of a case are given, the `days` of the terms, and that the money is
    own and `free` of any restriction; nothing else (law 5: settlements are not).
    """

    def refusal(at_hand: Terms) -> str | None:
        if attributes is not None and (dimension := at_hand.missing(attributes)) is not None:
            return dimension
        if free and (at_hand.nature != "own" or at_hand.restriction):
            return at_hand.restriction[0][0] if at_hand.restriction else at_hand.nature
        return "" if days and not at_hand.usable_on(on) else None

    taken = pick(book.groups(book.sources(places), lambda at_hand: refusal(at_hand) is None), amount, on)
    if size(taken) < amount:
        raise _shortage(book, places, amount, on, refusal)
    return taken


def give_back(book: Book, places: list[str], amount: int, on: date) -> list[Row]:
    """`amount` from the back of the policy's order at these places. Raises NotEnoughMoney."""
    taken = pick(book.groups(book.sources(places), back=True), amount, on, back=True)
    if size(taken) < amount:
        raise _shortage(book, places, amount, on, lambda at_hand: None)
    return taken


def chosen(book: Book, runs: Iterable[Run], at: Callable[[str], bool], on: date, where: str) -> list[Row]:
    """The rows of runs chosen by hand. Raises RangesElsewhere unless all of it is, by `on`, at places that `at` allows.

    `where` names these places for the message. Runs that overlap are one too many: BadValue.
    """
    found: list[Row] = []
    for run in sorted(runs):
        if found and found[-1].tape == run.tape and run.lo < found[-1].hi:
            raise BadValue("ranges", name_of(run), "each serial at most once", "同一编号不得重复选取")
        rows = book.places.within(run)
        strays = [row for row in rows if not at(row.place) or row.since > on]
        if strays or size(rows) < run.hi - run.lo:
            actual = strays[0].place if strays else "-"
            raise RangesElsewhere(range=name_of(run), where=where, actual=actual, on=on)
        found += rows
    return found


def name_of(run: Run | Row) -> str:
    """`t3:100-200`."""
    return f"{tape_name(run.tape)}:{run.lo}-{run.hi}"


def runs_of(ranges: Iterable[str], name: str = "ranges") -> list[Run]:
    """Ranges as text, `t3:100-200`, as runs. Raises BadValue."""
    runs = []
    for text in ranges:
        try:
            runs.append(parse_run(text))
        except ValueError:
            raise BadValue(name, text, "a range of serials is like t3:100-200", "号段应写作 t3:100-200") from None
    return runs


def runs_issued(fact: Fact) -> list[Run]:
    """The serials that a fact issued."""
    return [Run(tape_number(issued.tape), issued.lo, issued.hi) for issued in fact.issue]


def runs_moved(fact: Fact) -> list[Run]:
    """The serials that a fact moved."""
    return [Run(tape_number(moved.tape), moved.lo, moved.hi) for moved in fact.moves]


def moved(taken: Iterable[tuple[Row, str]]) -> tuple[Moved, ...]:
    """Each row's serials to the place beside it, as the entry writes it."""
    return tuple(Moved(tape_name(m.tape), m.lo, m.hi, m.source, m.target) for m in moves_of(taken))


def _shortage(
    book: Book, places: list[str], wanted: int, on: date, refusal: Callable[[Terms], str | None]
) -> NotEnoughMoney:
    """Where the money at these places is; what `refusal` says of terms is a dimension, "" for the days, None if fit."""
    figures = dict.fromkeys(("there", "restricted", "expired", "too_early", "later", "held"), 0)
    by_dimension: dict[str, int] = {}
    for tape, source, rows in book.sources(places):
        at_hand = book.registry.terms_in_force(tape, source)
        reason = refusal(at_hand)
        if reason:
            by_dimension[reason] = by_dimension.get(reason, 0) + size(rows)
            figures["restricted"] += size(rows)
        elif reason is not None:
            early = at_hand.usable_from is not None and on < at_hand.usable_from
            figures["too_early" if early else "expired"] += size(rows)
        else:
            arrived = size(row for row in rows if row.since <= on)
            figures["there"] += arrived
            figures["later"] += size(rows) - arrived
    if is_source(places[0]):
        figures["held"] = book.held_from(places[0])
    return NotEnoughMoney(place=places[0], wanted=wanted, by_dimension=by_dimension, **figures)


def check_restriction(book: Book, wanted: Terms) -> None:
    """Raises UnknownCode or Unknown for a restriction that names what the ledger does not know."""
    named = [(dimension, code) for dimension, codes in wanted.restriction for code in codes]
    book.registry.dictionary.require_all(named)
    for dimension, code in named:
        if dimension == "hospital":
            book.require_hospital(code)


def require_allowed(
    book: Book, at_hand: Terms, case: CaseFile, hospital: str | None, on: date | None = None, what: str = "-"
) -> None:
    """Raises TermsForbid unless these terms let money go to the case, by hospital where one is named, on that day.

    Without a day days are not judged; `what` names the serials for the message.
    """
    attributes = book.attributes(case, hospital)
    reason = reason_zh = ""
    if (dimension := at_hand.missing(attributes)) is not None:
        reason, reason_zh = f"they are restricted by {dimension}", f"限定（{dimension}）不符"
    elif on is not None and not at_hand.usable_on(on):
        reason, reason_zh = f"on {on} they are outside their days", f"{on} 不在可用期内"
    if reason:
        raise TermsForbid(range=what, case=case.id, reason=reason, reason_zh=reason_zh)


def restricting_hospitals(restriction: Iterable[tuple[str, tuple[str, ...]]]) -> set[str]:
    """The streams of the hospitals that a restriction names, for `Needs.streams`."""
    return {f"hospital/{code}" for name, codes in restriction if name == "hospital" for code in codes}
