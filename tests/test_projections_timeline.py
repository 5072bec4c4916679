"""Laws of timelines and pages: page after page is the whole; every step of every fen is told once, as it happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import SCALE
from hypothesis import given, settings
from hypothesis import strategies as st
from lives import live
from projected import CASES, START, STEP, STEPS, Fen, Ledger, Plain, Step, escaped, folded, opened, random_entries

from ledger.decisions import CloseCase, MakeAllocation, ReceiveDonation
from ledger.errors import Unknown
from projections.history import NOW, Vantage, reading_from
from projections.timeline import timeline
from projections.trace import Page, Traces, reading, whole

RANDOM = settings(max_examples=8 * SCALE)
HISTORIES = st.one_of(
    STEPS.map(lambda steps: ("entries", steps)),
    st.lists(STEP, min_size=20, max_size=50).map(lambda steps: ("commands", steps)),
)


def write(ledger: Ledger, history: tuple[str, list[Step]]) -> Plain:
    kind, steps = history
    if kind == "commands":
        live(ledger, steps)
    else:
        ledger.append(random_entries(steps), moves_per_part=5)
    folded(ledger)
    return Plain.of(ledger.journal.entries.read(0, 1_000_000))


def paged(traces: Traces, noun: str, id: str, limit: int) -> Iterator[dict[str, Any]]:
    """Every page of a trace."""
    after: int | None = -1
    while after is not None:
        page = whole(getattr(traces, noun)(id, Page(after, limit)))
        after = page.pop("next")
        yield page


@RANDOM
@given(history=HISTORIES, limit=st.integers(1, 4), back=st.booleans())
def test_page_after_page_is_the_whole(history: tuple[str, list[Step]], limit: int, back: bool, server_url: str) -> None:
    with opened(server_url) as ledger:
        plain = write(ledger, history)
        known_at = ledger.journal.entries.head().at if back else None
        donors = {donor for donor in map(plain.donor_of, plain.gift) if donor is not None}
        with reading_from(ledger.journal, Vantage(known_at=known_at)) as traces:
            for noun, name in [*(("donor", donor) for donor in donors), *(("case", case) for case in CASES)]:
                trace = whole(getattr(traces, noun)(name))
                lists = [member for member, value in trace.items() if isinstance(value, list)]
                joined: dict[str, list[Any]] = {member: [] for member in lists}
                for page in paged(traces, noun, name, limit):
                    for member in lists:
                        joined[member] += page.pop(member)
                    assert page == {member: value for member, value in trace.items() if member not in lists}, (
                        "totals are whole"
                    )
                assert joined == {member: trace[member] for member in lists}


@RANDOM
@given(history=HISTORIES)
def test_the_timeline_of_gifts_tells_every_step_of_every_fen(history: tuple[str, list[Step]], server_url: str) -> None:
    with opened(server_url) as ledger:
        plain = write(ledger, history)
        with reading(ledger.journal) as traces:
            for donor in {plain.donor_of(fen) for fen in plain.gift} - {None}:
                told: dict[Fen, list[Any]] = defaultdict(list)
                for one in timeline(traces, "donor", str(donor)):
                    assert one["amount"] == one["hi"] - one["lo"]
                    assert one["type"] == plain.type[one["seq"]]
                    for n in range(one["lo"], one["hi"]):
                        told[one["tape"], n].append((one["seq"], one["on"], one["from"], one["to"]))
                own = [fen for fen in plain.gift if plain.donor_of(fen) == donor]
                assert told == {fen: plain.path[fen] for fen in own}
            gift = next(iter(plain.gift.values()))
            steps = list(timeline(traces, "donation", gift.donation))
            assert {one["donation"] for one in steps} == {gift.donation}
            if plain.donors.get(gift.donation, gift.donor) is not None:
                of_donor = timeline(traces, "donor", str(plain.donors.get(gift.donation, gift.donor)))
                assert [one for one in of_donor if one["donation"] == gift.donation] == steps


@RANDOM
@given(history=HISTORIES)
def test_the_timeline_of_a_case_tells_what_moved_its_money_and_whose_it_was(
    history: tuple[str, list[Step]], server_url: str
) -> None:
    with opened(server_url) as ledger:
        plain = write(ledger, history)
        streams = {entry.seq: entry.stream for entry in ledger.journal.entries.read(0, 1_000_000)}
        with reading(ledger.journal) as traces:
            for case in CASES:
                expected: dict[tuple[Any, ...], int] = defaultdict(int)
                came: dict[int, set[str]] = defaultdict(set)
                for fen, path in plain.path.items():
                    for seq, on, source, target in path:
                        ends = [of_case(place, case) for place in (source, target)]
                        if any(ends):
                            expected[seq, on, plain.type[seq], source, target] += 1
                        if ends == [False, True]:
                            came[seq].add(plain.gift[fen].donation)
                steps = list(timeline(traces, "case", case))
                assert {
                    (one["seq"], one["on"], one["type"], one["from"], one["to"]): one["amount"]
                    for one in steps
                    if one["amount"]
                } == expected
                assert {one["seq"]: one["gifts"] for one in steps if "gifts" in one} == {
                    seq: len(gifts) for seq, gifts in came.items()
                }
                assert [one["seq"] for one in steps] == sorted(one["seq"] for one in steps)
                own = {seq for seq, stream in streams.items() if stream == f"case/{case}"}
                assert own <= {one["seq"] for one in steps}
                assert all(one["record"] == streams[one["seq"]] for one in steps)


def of_case(place: str | None, case: str) -> bool:
    kind, _, rest = (place or "").partition("/")
    return kind in ("case", "hospital", "used") and rest.split("/")[-1] == escaped(case)


@pytest.fixture
def ledger(server_url: str) -> Iterator[Ledger]:
    with opened(server_url) as ledger:
        yield ledger


def test_a_case_is_told_from_its_opening_to_its_closing(ledger: Ledger) -> None:
    for command in (
        *(
            ReceiveDonation(
                key=f"d{n}", donation=f"D{n}", fund="heart", amount=1_000, fee_bp=0, on=START, donor=f"P{n}"
            )
            for n in range(30)
        ),
        MakeAllocation(key="a", allocation="A", case="C1", amount=25_000, on=START),
        CloseCase(key="c", case="C1", on=START),
    ):
        ledger.writer.submit(command)
    folded(ledger)
    with reading_from(ledger.journal, NOW) as traces:
        opening, allocation, closing = timeline(traces, "case", "C1")
    assert (opening["type"], opening["on"], opening["from"], opening["amount"]) == ("CaseOpened", None, None, 0)
    assert opening["at"].endswith("Z")
    assert (allocation["gifts"], len(allocation["givers"])) == (25, 20)
    assert allocation["givers"][0] == {"donor": "P0", "donation": "D0", "amount": 1_000}
    assert (closing["type"], closing["amount"], closing["to"]) == ("CaseClosed", 25_000, "fund/heart")
    with reading_from(ledger.journal, NOW) as traces, pytest.raises(Unknown):
        list(timeline(traces, "case", "nobody"))
