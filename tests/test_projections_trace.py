"""Laws of traces: both ways the same, to the fen, and the same as a model that knows every serial on its own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import SCALE
from hypothesis import given, settings
from hypothesis import strategies as st
from projected import (
    CASES,
    DONORS,
    FUNDS,
    HOSPITALS,
    START,
    STEP,
    STEPS,
    Fen,
    Ledger,
    Plain,
    Step,
    command_of,
    escaped,
    folded,
    opened,
    random_entries,
)

from ledger.database import tuples
from ledger.decisions import ReceiveDonation
from ledger.errors import BadValue, Unknown
from projections.trace import Traces, reading, snapshot, whole

RANDOM = settings(max_examples=10 * SCALE)
HISTORIES = st.one_of(
    STEPS.map(lambda steps: ("entries", steps)), st.lists(STEP, max_size=60).map(lambda s: ("commands", s))
)


@pytest.fixture
def ledger(server_url: str) -> Iterator[Ledger]:
    with opened(server_url) as ledger:
        yield ledger


def write(ledger: Ledger, history: tuple[str, list[Step]]) -> Plain:
    """Writes a random history, entries of any kind or commands; the model after it, the views folded."""
    kind, steps = history
    if kind == "entries":
        ledger.append(random_entries(steps), moves_per_part=5)
    else:
        ledger.writer.submit_batch([command_of(step, n) for n, step in enumerate(steps)])
    folded(ledger)
    return Plain.of(ledger.journal.entries.read(0, 1_000_000))


def fens(tape: str, lo: int, hi: int) -> set[Fen]:
    return {(tape, n) for n in range(lo, hi)}


def of_range(text: str) -> set[Fen]:
    tape, _, span = text.partition(":")
    lo, _, hi = span.partition("-")
    return fens(tape, int(lo), int(hi))


def donors_of(plain: Plain) -> set[str]:
    return {donor for donor in map(plain.donor_of, plain.gift) if donor is not None}


@RANDOM
@given(history=HISTORIES)
def test_donor_and_case_traces_are_exact_inverses(history: tuple[str, list[Step]], server_url: str) -> None:
    with opened(server_url) as ledger:
        plain = write(ledger, history)
        forth: dict[tuple[Any, ...], set[Fen]] = defaultdict(set)
        back: dict[tuple[Any, ...], set[Fen]] = defaultdict(set)
        with reading(ledger.journal) as traces:
            for donor in donors_of(plain):
                for flow in traces.donor(donor)["flows"]:
                    if flow["case"] is not None:
                        run = fens(flow["tape"], flow["lo"], flow["hi"])
                        assert len(run) == flow["amount"]
                        forth[donor, flow["donation"], flow["case"]] |= run
            for case in CASES:
                for one in traces.case(case)["donors"]:
                    if one["donor"] is not None:
                        serials = set().union(*map(of_range, one["ranges"]))
                        assert len(serials) == one["amount"]
                        back[one["donor"], one["donation"], case] |= serials
        assert forth == back


@RANDOM
@given(history=HISTORIES)
def test_a_donor_trace_tells_of_every_fen_of_the_donor(history: tuple[str, list[Step]], server_url: str) -> None:
    with opened(server_url) as ledger:
        plain = write(ledger, history)
        with reading(ledger.journal) as traces:
            for donor in donors_of(plain):
                trace = whole(traces.donor(donor))
                own = {fen: gift for fen, gift in plain.gift.items() if plain.donor_of(fen) == donor}
                assert trace["by_place"] == Counter(plain.place[fen] for fen in own)
                assert trace["given"] == sum(1 for fen in own if plain.place[fen] != "void")
                assert {one["donation"]: one["amount"] for one in trace["donations"]} == Counter(
                    gift.donation for gift in own.values()
                )
                seen = {
                    fen: (flow["donation"], flow["place"])
                    for flow in trace["flows"]
                    for fen in fens(flow["tape"], flow["lo"], flow["hi"])
                }
                assert seen == {fen: (gift.donation, plain.place[fen]) for fen, gift in own.items()}
                order = [
                    (plain_seq(plain, flow["donation"]), int(flow["tape"][1:]), flow["lo"]) for flow in trace["flows"]
                ]
                assert order == sorted(order)
                assert sum(flow["amount"] for flow in trace["flows"]) == len(own)
                check_donations(traces, own, trace)


def check_donations(traces: Traces, own: dict[Fen, Any], trace: dict[str, Any]) -> None:
    """Each gift's own trace is the donor's, narrowed to it."""
    for donation in {gift.donation for gift in own.values()}:
        part = whole(traces.donation(donation))
        assert part["donor"] == trace["donor"]
        assert part["flows"] == [flow for flow in trace["flows"] if flow["donation"] == donation]
        assert sum(part["by_place"].values()) == part["amount"]
        for n, flow in enumerate(part["flows"], 1):
            page = whole(traces.donation(donation, (int(flow["tape"][1:]), flow["hi"])))
            assert page == {**part, "flows": part["flows"][n:]}, "a page goes on behind the last one's end"


@RANDOM
@given(history=HISTORIES)
def test_a_case_trace_adds_up(history: tuple[str, list[Step]], server_url: str) -> None:
    with opened(server_url) as ledger:
        plain = write(ledger, history)
        with reading(ledger.journal) as traces:
            for case in CASES:
                trace = whole(traces.case(case))
                at = {place for place in plain.place.values() if place.split("/")[-1] == escaped(case)}
                stands = Counter(place.split("/")[0] for place in plain.place.values() if place in at)
                assert (trace["paid"], trace["used"]) == (stands["hospital"], stands["used"])
                assert sum(one["amount"] for one in trace["donors"]) == stands.total()
                assert trace["returned"] == returned(plain, case)
                assert trace["allocated"] == stands.total() + trace["returned"]
                order = [plain_seq(plain, one["donation"]) for one in trace["donors"]]
                assert order == sorted(set(order)), "one for each gift, in the order of the gifts"


def plain_seq(plain: Plain, donation: str) -> int:
    return next(gift.seq for gift in plain.gift.values() if gift.donation == donation)


def returned(plain: Plain, case: str) -> int:
    """What went home from the case's hospitals and uses, less what went there without the case."""
    net = 0
    for path in plain.path.values():
        for _, _, source, target in path:
            ends = (source or "/").split("/"), target.split("/")
            kinds = ends[0][0], ends[1][0]
            if kinds[0] in ("hospital", "used") and kinds[1] in ("fund", "fee"):
                net += ends[0][-1] == escaped(case)
            if kinds[0] in ("fund", "fee") and kinds[1] in ("hospital", "used"):
                net -= ends[1][-1] == escaped(case)
    return net


@RANDOM
@given(history=HISTORIES)
def test_hospital_and_fund_traces_say_what_stands_there(history: tuple[str, list[Step]], server_url: str) -> None:
    with opened(server_url) as ledger:
        plain = write(ledger, history)
        with reading(ledger.journal) as traces:
            for hospital in HOSPITALS:
                trace = whole(traces.hospital(hospital))
                ends = (f"hospital/{escaped(hospital)}/", f"used/{escaped(hospital)}/")
                there = [fen for fen, place in plain.place.items() if place.startswith(ends)]
                assert trace["total"] == len(there) == trace["paid"] + trace["used"]
                assert sum(one["total"] for one in trace["cases"]) == len(there)
                donors = {one["donor"]: one["amount"] for one in trace["donors"]}
                assert donors == Counter(plain.donor_of(fen) for fen in there)
                for name, noun in (("cases", "case"), ("donors", "donor")):
                    for n, one in enumerate(trace[name], 1):
                        behind = one[noun] and whole(traces.hospital(hospital, one[noun]))[name]
                        assert behind in (trace[name][n:], None), "a page goes on behind the last one's id"
            for fund in FUNDS:
                check_fund(plain, whole(traces.fund(fund)), escaped(fund))


def check_fund(plain: Plain, trace: dict[str, Any], fund: str) -> None:
    own = Counter(place.split("/")[0] for fen, place in plain.place.items() if plain.fund_of(fen) == fund)
    assert [trace[name] for name in ("available", "allocated", "paid", "used")] == [
        own[kind] for kind in ("fund", "case", "hospital", "used")
    ]
    assert [trace[name] for name in ("fees", "costs", "held", "refunded", "out")] == [
        own[kind] for kind in ("fee", "cost", "hold", "refunded", "out")
    ]
    issued = [fen for fen, gift in plain.gift.items() if escaped(gift.fund) == fund]
    assert trace["received"] == sum(1 for fen in issued if plain.place[fen] != "void")
    assert sum(tape["issued"] for tape in trace["tapes"]) == len(issued)
    rest = ("transferred_out", "available", "allocated", "paid", "used", "fees", "costs", "held", "refunded", "out")
    assert trace["received"] + trace["transferred_in"] == sum(trace[name] for name in rest)


@RANDOM
@given(history=HISTORIES, pick=st.integers(0, 10_000))
def test_a_serial_trace_tells_every_step_of_one_fen(
    history: tuple[str, list[Step]], pick: int, server_url: str
) -> None:
    with opened(server_url) as ledger:
        plain = write(ledger, history)
        for fen in sorted(plain.place)[pick % 7 :: 23]:
            with reading(ledger.journal) as traces:
                trace = traces.serial(f"{fen[0]}:{fen[1]}")
            assert trace["place"] == plain.place[fen]
            assert trace["home"] == (plain.home[fen] or None)
            assert trace["since"] == plain.since[fen]
            assert trace["donation"] == plain.gift[fen].donation
            steps = [(one["seq"], one["on"], one["from"], one["to"]) for one in trace["movements"]]
            assert steps == plain.path[fen]


@pytest.mark.parametrize("noun", ["donor", "donation", "case", "hospital", "fund"])
def test_an_id_that_the_ledger_does_not_have_is_refused(ledger: Ledger, noun: str) -> None:
    folded(ledger)
    with reading(ledger.journal) as traces, pytest.raises(Unknown):
        getattr(traces, noun)("nobody")


@pytest.mark.parametrize("name", ["t1:95", "t2:5", "t99:0"])
def test_a_serial_that_was_never_issued_is_refused(ledger: Ledger, name: str) -> None:
    ledger.writer.submit_batch([command_of((0, 99, 0, 0), 0)])
    folded(ledger)
    with reading(ledger.journal) as traces, pytest.raises(Unknown):
        traces.serial(name)


@pytest.mark.parametrize("name", ["", "t1", "1:5", "t1:-5", "t1:5.0", "t0:5", "t1:99999999999999999999", "t1:٣"])
def test_text_that_names_no_serial_is_refused(ledger: Ledger, name: str) -> None:
    with reading(ledger.journal) as traces, pytest.raises(BadValue):
        traces.serial(name)


def test_what_is_known_but_has_no_money_is_empty(ledger: Ledger) -> None:
    folded(ledger)
    with reading(ledger.journal) as traces:
        assert whole(traces.case(CASES[0])) == {
            "case": CASES[0],
            "allocated": 0,
            "paid": 0,
            "used": 0,
            "returned": 0,
            "donors": [],
        }
        assert whole(traces.hospital(HOSPITALS[0]))["total"] == 0
        assert whole(traces.fund(FUNDS[0]))["tapes"] == []


def test_one_trace_sees_one_state_while_the_views_move_on(ledger: Ledger) -> None:
    gifts = [command_of((0, 99, 0, 0), n) for n in range(2)]
    ledger.writer.submit(gifts[0])
    runner = folded(ledger)
    with reading(ledger.journal) as traces:
        before = traces.donor(str(DONORS[0]))
        ledger.writer.submit(gifts[1])
        assert runner.catch_up() > 0
        assert sum(flow["amount"] for flow in before["flows"]) == before["given"] == 100
    with reading(ledger.journal) as traces:
        assert traces.donor(str(DONORS[0]))["given"] == 200


def test_how_to_read_a_trace_is_planned_once_and_kept_whoever_was_not_found_since(ledger: Ledger) -> None:
    ledger.writer.submit(command_of((0, 99, 0, 0), 0))
    folded(ledger)
    planned = "select sum(generic_plans) from pg_prepared_statements where statement like '-- Begins `gifts`%'"
    for _ in range(40):  # a dozen for each connection that the pool may have
        with snapshot(ledger.journal) as connection:
            whole(Traces(connection).donor(str(DONORS[0])))
        with pytest.raises(Unknown), reading(ledger.journal) as traces:
            traces.donor("P-nobody")
    with snapshot(ledger.journal) as connection:
        assert tuples(connection).execute(planned).fetchall() > [(0,)]


def test_long_lists_can_be_read_in_any_order_and_left_half_read(ledger: Ledger) -> None:
    gifts = [
        ReceiveDonation(key=f"k{n}", donation=f"G{n}", fund=FUNDS[1], amount=100, on=START, donor=DONORS[0])
        for n in range(5_000)
    ]
    ledger.writer.submit_batch(gifts)
    folded(ledger)
    with reading(ledger.journal) as traces:
        trace = traces.donor(str(DONORS[0]))
        first = next(trace["flows"])
        assert len(list(trace["donations"])) == 5_000
        fee, second = next(trace["flows"]), next(trace["flows"])
        assert (fee["donation"], second["lo"]) == (first["donation"], first["hi"])
        again = whole(traces.donor(str(DONORS[0])))
    assert len(again["flows"]) == 10_000
