"""Traces and balances told anew, fen by fen, by the plain model of `projected`: what the real ones must equal.

Nothing here looks back. Give it the entries that count, and it tells of a ledger that has no others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any
from urllib.parse import unquote

from projected import Fen, Plain, escaped, is_home

from ledger.codec import Entry

Told = dict[str, Any]
KINDS = {
    "available": "fund",
    "allocated": "case",
    "paid": "hospital",
    "used": "used",
    "fees": "fee",
    "costs": "cost",
    "held": "hold",
    "refunded": "refunded",
    "out": "out",
}


def counted(entries: Iterable[Entry], as_of: date | None, known_at: str | None) -> Iterator[Entry]:
    """The entries that are posted up to that day, or move no money, and are recorded up to that instant."""
    on, money = "", False
    for entry in entries:
        if "of" not in entry.data:
            on, money = entry.data.get("on", ""), bool(entry.data.get("issue") or entry.data.get("moves"))
        if known_at is not None and entry.at > known_at:
            return
        if as_of is None or not money or on <= as_of.isoformat():
            yield entry


class Retold:
    """Each noun's trace; None where the ledger would not know the id."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        entries = list(entries)
        self.plain = Plain.of(entries)
        self.streams = {entry.stream for entry in entries}
        self.entries = {entry.seq: entry for entry in entries}
        self.tapes = {e.data["tape"]: e.data for e in entries if e.type == "TapeOpened"}

    def donor(self, donor: str) -> Told | None:
        own = self._fens(lambda fen: self.plain.donor_of(fen) == donor)
        gifts = sorted({(self.plain.gift[fen].seq, self.plain.gift[fen].donation) for fen in own})
        told = {"donor": donor, **self._stands(own)}
        told["donations"] = [
            {
                "donation": donation,
                "fund": min(self.plain.gift[fen].fund for fen in own if self.plain.gift[fen].seq == seq),
                "on": next(self.plain.path[fen][0][1] for fen in own if self.plain.gift[fen].seq == seq),
                "seq": seq,
                "amount": sum(1 for fen in own if self.plain.gift[fen].seq == seq),
            }
            for seq, donation in gifts
        ]
        return {**told, "flows": self._flows(own)} if own else None

    def donation(self, donation: str) -> Told | None:
        own = self._fens(lambda fen: self.plain.gift[fen].donation == donation)
        if not own:
            return None
        whose = self.donor(donor) if (donor := self.plain.donor_of(own[0])) is not None else None
        if whose is not None:
            [gift] = [one for one in whose["donations"] if one["donation"] == donation]
        else:
            seq, on, _, _ = self.plain.path[own[0]][0]
            gift = {"fund": min(self.plain.gift[fen].fund for fen in own), "on": on, "seq": seq, "amount": len(own)}
        told = {"donor": donor, **gift, "donation": donation}
        return {**told, **self._stands(own), "flows": self._flows(own)}

    def case(self, case: str) -> Told | None:
        if f"case/{case}" not in self.streams:
            return None
        there = self._fens(lambda fen: _ids(self.plain.place[fen])[1] == case)
        stands = Counter(self.plain.place[fen].split("/")[0] for fen in there)
        returned = self._returned(case)
        donors: list[Told] = []
        for seq, donation in sorted({(self.plain.gift[fen].seq, self.plain.gift[fen].donation) for fen in there}):
            own = [fen for fen in there if self.plain.gift[fen].seq == seq]
            ranges = [f"{tape}:{lo}-{hi}" for tape, lo, hi, _ in _runs(own, lambda _: None)]
            whose = self.plain.donor_of(own[0])
            donors.append({"donor": whose, "donation": donation, "amount": len(own), "ranges": ranges})
        return {
            "case": case,
            "allocated": len(there) + returned,
            "paid": stands["hospital"],
            "used": stands["used"],
            "returned": returned,
            "donors": donors,
        }

    def _returned(self, case: str) -> int:
        """What went home from the case's hospitals and uses, less what went there from a fund."""
        net = 0
        for path in self.plain.path.values():
            for _, _, source, target in path:
                if source is not None and source.startswith(("hospital/", "used/")) and is_home(target):
                    net += _ids(source)[1] == case
                elif source is not None and is_home(source) and target.startswith(("hospital/", "used/")):
                    net -= _ids(target)[1] == case
        return net

    def hospital(self, hospital: str) -> Told | None:
        if f"hospital/{hospital}" not in self.streams:
            return None
        there = self._fens(lambda fen: _ids(self.plain.place[fen])[0] == hospital)
        sums = Counter((_ids(self.plain.place[fen])[1], self.plain.place[fen].split("/")[0]) for fen in there)
        cases: list[Told] = [
            {"case": case, "paid": sums[case, "hospital"], "used": sums[case, "used"]}
            for case in sorted({str(case) for case, _ in sums})
        ]
        donors = Counter(self.plain.donor_of(fen) for fen in there)
        return {
            "hospital": hospital,
            "paid": sum(one["paid"] for one in cases),
            "used": sum(one["used"] for one in cases),
            "total": len(there),
            "cases": [{**one, "total": one["paid"] + one["used"]} for one in cases],
            "donors": [
                {"donor": donor, "amount": donors[donor]}
                for donor in sorted(donors, key=lambda donor: (donor is None, donor))
            ],
        }

    def fund(self, fund: str) -> Told | None:
        if f"fund/{fund}" not in self.streams:
            return None
        tapes = []
        for name, terms in self.tapes.items():
            own = [fen for fen in self.plain.place if fen[0] == name]
            void = sum(1 for fen in own if self.plain.place[fen] == "void")
            if terms["fund"] == fund:
                said = {key: value for key, value in terms.items() if key not in ("fund", "on")}
                tapes.append({**said, "issued": len(own), "void": void})
        figures = self._figures(fund)
        return {"fund": fund, **{name: figures[name] for name in figures if name != "brought_forward"}, "tapes": tapes}

    def balances(self) -> dict[str, Told]:
        """By fund; `void` is that of the fund's tapes."""
        funds = {stream.removeprefix("fund/") for stream in self.streams if stream.startswith("fund/")}
        void = Counter(self.plain.gift[fen].fund for fen, place in self.plain.place.items() if place == "void")
        return {fund: {"fund": fund, **self._figures(fund), "void": void[fund]} for fund in funds}

    def _figures(self, fund: str) -> Told:
        money = self._fens(lambda fen: self.plain.place[fen] != "void")
        received = [fen for fen in money if self.plain.gift[fen].fund == fund]
        own = Counter(self.plain.place[fen].split("/")[0] for fen in money if self.plain.fund_of(fen) == escaped(fund))
        crossed = Counter(step for fen in self.plain.path for step in self._crossings(fen))
        return {
            "received": len(received),
            "brought_forward": sum(
                1 for fen in received if self.plain.type[self.plain.gift[fen].seq] == "BalanceBroughtForward"
            ),
            "transferred_in": sum(count * sign for (_, to, sign), count in crossed.items() if to == fund),
            "transferred_out": sum(count * sign for (start, _, sign), count in crossed.items() if start == fund),
            **{name: own[kind] for name, kind in KINDS.items()},
        }

    def _crossings(self, fen: Fen) -> Iterator[tuple[str, str, int]]:
        """Each time one serial went to another fund, `(from, to, 1)`; -1 for what a reversal or voiding took back."""
        issued = at = self.plain.gift[fen].fund
        for seq, _, _, target in self.plain.path[fen]:
            to = issued if target == "void" else unquote(target.split("/")[1]) if is_home(target) else at
            if to != at:
                undone = target == "void" or self.plain.type[seq] == "EntryReversed"
                yield (to, at, -1) if undone else (at, to, 1)
            at = to

    def serial(self, fen: Fen) -> Told | None:
        if fen not in self.plain.place:
            return None
        gift, place = self.plain.gift[fen], self.plain.place[fen]
        hospital, case = _ids(place)
        return {
            "serial": f"{fen[0]}:{fen[1]}",
            "donation": gift.donation,
            "donor": self.plain.donor_of(fen),
            "fund": gift.fund,
            "place": place,
            "home": self.plain.home[fen] or None,
            "since": self.plain.since[fen],
            "case": case,
            "hospital": hospital,
            "movements": [
                {
                    **{"seq": seq, "on": on, "type": self.plain.type[seq], "from": source, "to": target},
                    **{
                        "record": self.entries[seq].stream,
                        "basis": self._told(seq, "basis"),
                        "by": self._told(seq, "by"),
                    },
                }
                for seq, on, source, target in self.plain.path[fen]
            ],
        }

    def _told(self, seq: int, name: str) -> Any:
        """What an entry says beside its money, on its first part."""
        data = self.entries[seq].data
        return self.entries[data.get("of", seq)].data.get(name)

    def _fens(self, wanted: Callable[[Fen], bool]) -> list[Fen]:
        """Those wanted, in the order of tapes."""
        return sorted(filter(wanted, self.plain.place), key=lambda fen: (int(fen[0][1:]), fen[1]))

    def _stands(self, own: list[Fen]) -> Told:
        by_place = Counter(self.plain.place[fen] for fen in own)
        return {"given": by_place.total() - by_place["void"], "by_place": dict(by_place)}

    def _flows(self, own: list[Fen]) -> list[Told]:
        in_order = sorted(own, key=lambda fen: (self.plain.gift[fen].seq, int(fen[0][1:]), fen[1]))
        runs = _runs(in_order, lambda fen: (self.plain.gift[fen].donation, self.plain.place[fen]))
        return [
            {
                "tape": tape,
                "lo": lo,
                "hi": hi,
                "donation": donation,
                "case": _ids(place)[1],
                "hospital": _ids(place)[0],
                "place": place,
                "amount": hi - lo,
            }
            for tape, lo, hi, (donation, place) in runs
        ]


def _runs(fens: list[Fen], of: Callable[[Fen], Any]) -> list[tuple[str, int, int, Any]]:
    """Fens in order as ranges, neighbours together that are alike in what `of` tells of them."""
    runs: list[tuple[str, int, int, Any]] = []
    for tape, n in fens:
        what = of((tape, n))
        if runs and (runs[-1][0], *runs[-1][2:]) == (tape, n, what):
            runs[-1] = (tape, runs[-1][1], n + 1, what)
        else:
            runs.append((tape, n, n + 1, what))
    return runs


def _ids(place: str) -> tuple[str | None, str | None]:
    """The hospital and the case of a place."""
    kind, *ids = map(unquote, place.split("/"))
    if kind not in ("case", "hospital", "used"):
        return None, None
    return (ids[0] if len(ids) == 2 else None), ids[-1]
