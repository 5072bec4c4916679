"""Where a serial can be: the names of places, built and read in one spot (docs/format.md has the table)."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ledger.ids import escape, unescape

REFUNDED, VOID = "refunded", "void"
COST_KINDS = ("programme", "management", "fundraising", "channel", "other")


class Place(NamedTuple):
    """A place taken apart. `tape` is the number N of `fund/F/tN`; `rest` what the other kinds name (K of `out/K`)."""

    kind: str
    fund: str | None = None
    hospital: str | None = None
    case: str | None = None
    tape: int | None = None
    rest: str | None = None


@lru_cache(maxsize=4096)
def fund_place(fund: str) -> str:
    """Available in the fund under its tape's own terms."""
    return f"fund/{escape(fund)}"


@lru_cache(maxsize=4096)
def fee_place(fund: str) -> str:
    """Management fee taken from the fund, not yet spent."""
    return f"fee/{escape(fund)}"


def case_place(case: str) -> str:
    """Allocated to the case, not yet paid."""
    return f"case/{escape(case)}"


def hospital_place(hospital: str, case: str) -> str:
    """Paid to the hospital for the case, not yet settled."""
    return f"hospital/{escape(hospital)}/{escape(case)}"


def used_place(case: str, hospital: str | None = None) -> str:
    """Spent for the case: treatment settled at the hospital, or cash to the family when none is named."""
    return f"used/{escape(hospital)}/{escape(case)}" if hospital is not None else f"used/{escape(case)}"


def cost_place(fund: str, kind: str) -> str:
    """Spent by the foundation itself out of the fund or its fees; `kind` is one of `COST_KINDS`."""
    return f"cost/{escape(fund)}/{escape(kind)}"


def hold_place(hold: str) -> str:
    """Not available."""
    return f"hold/{escape(hold)}"


def is_source(place: str) -> bool:
    """Whether a serial there is at home: at a fund or fee place."""
    return place.startswith(("fund/", "fee/"))


@lru_cache(maxsize=65_536)
def parse_place(place: str) -> Place:
    """The parts of a place. Raises ValueError for text that is no place."""
    kind, *segments = place.split("/")
    ids = [unescape(segment) for segment in segments]
    match kind, len(ids):
        case "fund", 2:
            return Place("fund", fund=ids[0], tape=tape_number(segments[1]))
        case (("fund" | "fee"), 1):
            return Place(kind, fund=ids[0])
        case "case", 1:
            return Place(kind, case=ids[0])
        case (("hospital" | "used"), 2):
            return Place(kind, hospital=ids[0], case=ids[1])
        case "used", 1:
            return Place(kind, case=ids[0])
        case "cost", 2:
            return Place(kind, fund=ids[0], rest=ids[1])
        case (("hold" | "out"), 1):
            return Place(kind, rest=ids[0])
        case (("refunded" | "void"), 0):
            return Place(kind)
    raise ValueError(f"not a place: {place}")


@lru_cache(maxsize=65_536)
def tape_name(number: int) -> str:
    """`3` -> `t3`."""
    return f"t{number}"


@lru_cache(maxsize=65_536)
def tape_number(name: str) -> int:
    """`t3` -> `3`. Raises ValueError."""
    if name[:1] == "t" and name[1:].isascii() and name[1:].isdigit() and name[1] != "0":
        return int(name[1:])
    raise ValueError(f"not a tape: {name}")
