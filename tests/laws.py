"""The laws of the money, judged on nothing but entries as JSON: fen by fen, as of every date and known at every time.

Each law is told one entry after another and raises Broken at the first that breaks it, so the entries up to there are
what was known then; of those it keeps one view for each date (the entries with `on` up to it, in order of `seq`).
They share no code with the reference model or with the ledger. Laws 5 and 6 are in `laws_rows.py`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, Generic, Protocol, Self, TypeVar

Entry = dict[str, Any]
Fen = tuple[int, int]
"""(tape number, serial)."""


class Broken(Exception):
    """A law does not hold; says where."""


class Law(Protocol):
    """One law of §2."""

    def take(self, entry: Entry) -> None:
        """The next entry. Raises Broken."""


def require(holds: bool, *where: object) -> None:
    if not holds:
        raise Broken(*where)


def tape_of(item: Entry) -> int:
    return int(item["tape"][1:])


def fens(item: Entry) -> list[Fen]:
    """The fens of one issue or move."""
    tape = tape_of(item)
    return [(tape, n) for n in range(item["lo"], item["hi"])]


def put(item: Entry) -> dict[Fen, str]:
    """Where its fens are after an issue or a move."""
    to: str = item["to"]
    return dict.fromkeys(fens(item), to)


def issues(entry: Entry) -> list[Entry]:
    return list(entry["data"].get("issue", []))


def moves(entry: Entry) -> list[Entry]:
    return list(entry["data"].get("moves", []))


def size(items: Iterable[Entry]) -> int:
    """How many fens."""
    return sum(item["hi"] - item["lo"] for item in items)


class View(Protocol):
    """What a law keeps of one date."""

    def copy(self) -> Self:
        """The same, of which nothing that changes is shared."""


V = TypeVar("V", bound=View)


class Tables:
    """A view made of several tables."""

    def copy(self) -> Self:
        made = type(self)()
        for name, table in vars(self).items():
            setattr(made, name, table.copy())
        return made


class Views(Generic[V]):
    """One view for each date on which there is money, beginning as `empty`."""

    def __init__(self, empty: V) -> None:
        self._empty = empty
        self.days: list[str] = []
        self.of: dict[str, V] = {}

    def touched_by(self, entry: Entry) -> list[V]:
        """The views that the entry belongs to: that of its date, which begins as the one before it, and all later."""
        if not issues(entry) and not moves(entry):
            return []
        on = entry["data"]["on"]
        if on not in self.of:
            before = bisect_left(self.days, on)
            self.of[on] = (self.of[self.days[before - 1]] if before else self._empty).copy()
            insort(self.days, on)
        return [self.of[day] for day in self.days[bisect_left(self.days, on) :]]


class Law1:
    """Each serial issued is at exactly one place: nothing is lost, nothing is spent twice."""

    def __init__(self) -> None:
        self.views = Views[dict[Fen, str]]({})
        self.issued = Views[Counter[str]](Counter())

    def take(self, entry: Entry) -> None:
        for where, issued in zip(self.views.touched_by(entry), self.issued.touched_by(entry), strict=True):
            for issue in issues(entry):
                issued["all"] += size([issue])
                require(where.keys().isdisjoint(fens(issue)), "issued twice", entry["seq"])
                where.update(put(issue))
            for move in moves(entry):
                require(all(where.get(fen) == move["from"] for fen in fens(move)), "spent twice", entry["seq"])
                where.update(put(move))
            require(len(where) == issued["all"], "lost", entry["seq"])


class Law2:
    """A move's range is wholly at `from`; an issue begins at the tape's end; moves are sorted, each serial once."""

    def __init__(self) -> None:
        self.ends: Counter[int] = Counter()
        self.views = Views[dict[Fen, str]]({})

    def take(self, entry: Entry) -> None:
        for issue in issues(entry):
            require(issue["lo"] == self.ends[tape_of(issue)] < issue["hi"], "not at the tape's end", entry["seq"])
            self.ends[tape_of(issue)] = issue["hi"]
        order = [(tape_of(move), move["lo"], move["hi"]) for move in moves(entry)]
        require(order == sorted(order) and all(lo < hi for _, lo, hi in order), "not sorted", entry["seq"])
        for items in (issues(entry), moves(entry)):
            for one, next_one in pairwise(items):
                kinds = [(item["tape"], item.get("from"), item["to"]) for item in (one, next_one)]
                require(kinds[0] != kinds[1] or one["hi"] < next_one["lo"], "one range written as two", entry["seq"])
        touched = [fen for move in moves(entry) for fen in fens(move)]
        require(len(touched) == len(set(touched)), "a serial moves twice", entry["seq"])
        for where in self.views.touched_by(entry):
            for move in moves(entry):
                require({where.get(fen) for fen in fens(move)} == {move["from"]}, "not at from", entry["seq"])
            for item in issues(entry) + moves(entry):
                where.update(put(item))


def case_of(place: str) -> str | None:
    """The case that money at the place is for, as the place writes it."""
    kind, *segments = place.split("/")
    return segments[-1] if kind in ("case", "hospital", "used") else None


def escaped(id: str) -> str:
    return id.replace("%", "%25").replace("/", "%2F")


class Trails(Tables):
    """In one view: each fen's way, whose it came as, and what stands for each case against what was allocated to it."""

    def __init__(self) -> None:
        self.way: dict[Fen, tuple[tuple[str, str], ...]] = {}
        self.gift: dict[Fen, str] = {}
        self.stands: Counter[str] = Counter()
        self.allocated: Counter[str] = Counter()
        self.links: dict[Fen, str] = {}

    def forth(self, fen: Fen) -> tuple[str, str | None]:
        """From its gift forward, move by move: (gift, case it is with)."""
        at = ""
        for source, target in self.way[fen]:
            at = target if source == at else at
        return self.gift[fen], case_of(at)

    def back(self, fen: Fen) -> tuple[str, str | None]:
        """From where it is back, last move first, to its issue: the same when nothing is missing on the way."""
        last = at = self.way[fen][-1][1]
        for source, target in reversed(self.way[fen]):
            at = source if target == at else at
        return self.gift[fen] if at == "" else "", case_of(last)


class Law3:
    """Donor → case and case → donor traces are exact inverses, to the fen; together they are what was allocated."""

    def __init__(self) -> None:
        self.views = Views(Trails())
        self.deltas: dict[int, Counter[str]] = {}

    def take(self, entry: Entry) -> None:
        delta = self.deltas[entry["seq"]] = self.delta(entry)
        for view in self.views.touched_by(entry):
            touched = set(delta)
            for item in issues(entry) + moves(entry):
                for fen in fens(item):
                    if "from" not in item:
                        view.gift[fen] = entry["data"]["donation"]
                    view.way[fen] = (*view.way.get(fen, ()), (item.get("from", ""), item["to"]))
                    forth = view.forth(fen)
                    require(forth == view.back(fen), "not inverse", entry["seq"], fen)
                    before, case = view.links.pop(fen, None), forth[1]
                    if before is not None:
                        view.stands[before] -= 1
                    if case is not None:
                        view.links[fen] = case
                        view.stands[case] += 1
                    touched |= {each for each in (before, case) if each is not None}
            view.allocated.update(delta)
            for case in touched:
                require(view.stands[case] == view.allocated[case], "not what was allocated", entry["seq"], case)

    def delta(self, entry: Entry) -> Counter[str]:
        """How the entry changes what is allocated to each case: its stated amounts, and what a closed case gives up."""
        data, delta = entry["data"], Counter[str]()
        case = escaped(data.get("case", ""))
        match entry["type"]:
            case "AllocationMade":
                delta[case] += data["amount"]
            case "AllocationReleased":
                delta[case] -= data["amount"]
            case "BalanceBroughtForward":
                for line in data.get("lines", [data] if case else []):
                    delta[escaped(line["case"])] += line["amount"]
            case "HospitalPaymentReturned" | "GrantReturned" if moves(entry)[0]["to"] != f"case/{case}":
                delta[case] -= data["amount"]
            case "CaseClosed":
                delta[case] -= size(moves(entry))
            case "EntryReversed":
                delta.subtract(self.deltas[data["reverses"]])
        return delta


class Node(Tables):
    """In one view: what stands at each place; and what came and went there on its date alone."""

    def __init__(self) -> None:
        self.where: dict[Fen, str] = {}
        self.closing: Counter[str] = Counter()


class Law4:
    """At every node, opening + inflow = outflow + closing, for each stretch from one date to the next."""

    def __init__(self) -> None:
        self.views = Views(Node())
        self.inflow: Counter[tuple[str, str]] = Counter()
        self.outflow: Counter[tuple[str, str]] = Counter()

    def take(self, entry: Entry) -> None:
        nodes: set[str] = set()
        for item in issues(entry) + moves(entry):
            self.inflow[entry["data"]["on"], item["to"]] += size([item])
            self.outflow[entry["data"]["on"], item.get("from", "")] += size([item])
            nodes |= {item["to"], item.get("from", "")} - {""}
        for view in self.views.touched_by(entry):
            for item in issues(entry) + moves(entry):
                for fen in fens(item):
                    if fen in view.where:
                        view.closing[view.where[fen]] -= 1
                    view.where[fen] = item["to"]
                    view.closing[item["to"]] += 1
        if not nodes:
            return
        first = bisect_left(self.views.days, entry["data"]["on"])  # of what was before, nothing is otherwise
        before = self.views.of[self.views.days[first - 1]].closing if first else Counter[str]()
        for day in self.views.days[first:]:
            closing = self.views.of[day].closing
            for node in nodes:
                came, went = self.inflow[day, node], self.outflow[day, node]
                require(before[node] + came == went + closing[node], node, entry["seq"])
            before = closing


class Law7:
    """Along each serial `on` never goes back, and no move takes serials that arrive later."""

    def __init__(self) -> None:
        self.views = Views[dict[Fen, str]]({})

    def take(self, entry: Entry) -> None:
        for since in self.views.touched_by(entry):
            on = entry["data"]["on"]
            for item in issues(entry) + moves(entry):
                for fen in fens(item):
                    require("from" not in item or fen in since, "moves before it is there", entry["seq"], fen)
                    require(since.get(fen, "") <= on, "time goes back", entry["seq"], fen)
                    since[fen] = on


def check(laws: Iterable[Callable[[], Law]], entries: Iterable[Entry]) -> None:
    """Judges all entries by some laws. Raises Broken."""
    told = [law() for law in laws]
    for entry in entries:
        for law in told:
            law.take(entry)
