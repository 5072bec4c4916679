"""Laws of looking back: on every day, and in every state of knowledge, all is as if nothing else had been recorded."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from conftest import SCALE
from hypothesis import given, settings
from hypothesis import strategies as st
from lives import live, tick
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
    folded,
    opened,
    random_entries,
)
from retold import Retold, counted

from ledger.codec import Entry
from ledger.database import tuples
from ledger.decisions import AttributeDonation, ReceiveDonation, ReverseEntry
from ledger.errors import BadValue, Unknown
from ledger.times import find_zone, parse_instant, parse_utc, utc_text
from projections import fold
from projections.history import NOW, Vantage, entries_known, reading_from
from projections.trace import FUND_FIGURES, Traces, snapshot, whole
from reports.balances import balances_of

RANDOM, RANDOM_ELSEWHERE = settings(max_examples=8 * SCALE), settings(max_examples=2 * SCALE)
HISTORIES = st.one_of(
    STEPS.map(lambda steps: ("entries", steps)),
    st.lists(STEP, min_size=20, max_size=70).map(lambda steps: ("commands", steps)),
)


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    """What was known at some time is made up of several blocks here too."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fold, "BLOCK_ENTRIES", 5)
        patched.setattr(fold, "BLOCKS_TOGETHER", 3)
        yield


@pytest.fixture
def ledger(server_url: str) -> Iterator[Ledger]:
    with opened(server_url) as ledger:
        tick(ledger)
        yield ledger


def write(ledger: Ledger, history: tuple[str, list[Step]]) -> list[Entry]:
    """A random history, by commands or of entries of any kind, most recorded a minute apart; the views folded."""
    kind, steps = history
    if kind == "commands":
        live(ledger, steps)
    else:
        tick(ledger)
        facts = random_entries(steps)
        while facts:
            together = 1 + len(facts) % 5 // 4
            ledger.append(facts[:together], moves_per_part=5)
            facts = facts[together:]
    folded(ledger)
    return ledger.journal.entries.read(0, 1_000_000)


def told(traces: Traces, noun: str, id: str) -> dict[str, Any] | None:
    try:
        return whole(getattr(traces, noun)(id))
    except Unknown:
        return None


def check_all(ledger: Ledger, entries: list[Entry], as_of: date | None, known_at: str | None) -> None:
    """Every trace of every noun, and the balances, as they are told of the entries that count alone."""
    ids = Plain.of(entries)
    retold = Retold(counted(entries, as_of, known_at))
    vantage = Vantage(as_of, None if known_at is None else parse_utc(known_at))
    with reading_from(ledger.journal, vantage) as traces:
        donors = {donor: told(traces, "donor", donor) for donor in [*filter(None, DONORS), "nobody"]}
        assert donors == {donor: retold.donor(donor) for donor in donors}
        for donation in {gift.donation for gift in ids.gift.values()}:
            assert told(traces, "donation", donation) == retold.donation(donation)
        cases = {case: told(traces, "case", case) for case in CASES}
        assert cases == {case: retold.case(case) for case in cases}
        check_inverse(donors.values(), cases)
        for hospital in HOSPITALS:
            assert told(traces, "hospital", hospital) == retold.hospital(hospital)
        for fund in FUNDS:
            assert told(traces, "fund", fund) == retold.fund(fund)
        for fen in sorted(ids.place)[::13]:
            serial = told(traces, "serial", f"{fen[0]}:{fen[1]}")
            assert serial == retold.serial(fen)
            days = [one["on"] for one in serial["movements"]] if serial is not None else []
            assert days == sorted(days)
        balances = balances_of(traces)
        assert {one["fund"]: one for one in balances["funds"]} == retold.balances()
        assert sum(balances[name] for name in (*FUND_FIGURES, "void")) == len(retold.plain.place), "each serial once"


def check_inverse(donors: Iterable[dict[str, Any] | None], cases: dict[str, dict[str, Any] | None]) -> None:
    """From donors to cases and from cases to donors it is the same serials."""
    forth: dict[tuple[str, str, str], set[Fen]] = defaultdict(set)
    back: dict[tuple[str, str, str], set[Fen]] = defaultdict(set)
    for donor in filter(None, donors):
        for flow in donor["flows"]:
            if flow["case"] is not None:
                run = range(flow["lo"], flow["hi"])
                forth[donor["donor"], flow["donation"], flow["case"]] |= {(flow["tape"], n) for n in run}
    for case, trace in cases.items():
        for one in trace["donors"] if trace is not None else ():
            for name in one["ranges"] if one["donor"] is not None else ():
                tape, lo, hi = re.split("[:-]", name)
                back[one["donor"], one["donation"], case] |= {(tape, n) for n in range(int(lo), int(hi))}
    assert forth == back


THREE_POINTS = st.lists(st.tuples(st.integers(-3, 30), st.integers(0, 1_000)), min_size=3, max_size=3)


@RANDOM
@given(history=HISTORIES, points=THREE_POINTS)
def test_looking_back_tells_of_the_entries_that_count_alone(
    history: tuple[str, list[Step]], points: list[tuple[int, int]], embedded_url: str
) -> None:
    check_looking_back(embedded_url, history, points)


@RANDOM_ELSEWHERE
@given(history=HISTORIES, points=THREE_POINTS)
def test_it_does_so_on_the_systems_own_server(
    history: tuple[str, list[Step]], points: list[tuple[int, int]], debian_url: str
) -> None:
    check_looking_back(debian_url, history, points)


def check_looking_back(url: str, history: tuple[str, list[Step]], points: list[tuple[int, int]]) -> None:
    """A history, looked back at from its end and from these points, each a day and an entry."""
    with opened(url) as ledger:
        entries = write(ledger, history)
        check_all(ledger, entries, None, None)
        check_all(ledger, entries, date.max, entries[-1].at)
        for days, n in points:
            as_of, known_at = START + timedelta(days=days), entries[n % len(entries)].at
            check_all(ledger, entries, as_of, None)
            check_all(ledger, entries, None, known_at)
            check_all(ledger, entries, as_of, known_at)


@settings(max_examples=SCALE)
@given(steps=st.lists(STEP, min_size=12, max_size=12))
def test_every_day_in_every_state_of_knowledge(steps: list[Step], server_url: str) -> None:
    with opened(server_url) as ledger:
        entries = write(ledger, ("entries", steps))
        days = sorted({date.fromisoformat(entry.data["on"]) for entry in entries if "on" in entry.data})
        for as_of in [days[0] - timedelta(days=1), *days]:
            for known_at in sorted({entry.at for entry in entries}):
                check_all(ledger, entries, as_of, known_at)


def gift(name: str, on: date, donor: str | None) -> ReceiveDonation:
    return ReceiveDonation(key=name, donation=name, fund=FUNDS[1], amount=100, fee_bp=0, on=on, donor=donor)


def test_a_gift_posted_back_is_there_on_its_day_once_it_is_known(ledger: Ledger) -> None:
    ledger.writer.submit(gift("late", START + timedelta(days=5), "P1"))
    before = ledger.journal.entries.head().at
    ledger.writer.submit(gift("early", START, "P1"))
    folded(ledger)
    with reading_from(ledger.journal, Vantage(as_of=START)) as traces:
        assert [one["donation"] for one in traces.donor("P1")["donations"]] == ["early"]
        [fund] = traces.balances(FUNDS[1])
        assert (fund["received"], fund["available"]) == (100, 100)
    with reading_from(ledger.journal, Vantage(as_of=START, known_at=before)) as traces, pytest.raises(Unknown):
        traces.donor("P1")
    with reading_from(ledger.journal, Vantage(known_at=before)) as traces:
        assert [one["donation"] for one in traces.donor("P1")["donations"]] == ["late"]


def test_whose_a_gift_is_was_known_for_as_long_as_it_was_said(ledger: Ledger) -> None:
    instants: list[datetime] = []

    def then(seq: int) -> int:
        instants.append(ledger.journal.entries.head().at)
        return seq

    then(ledger.writer.submit(gift("G", START + timedelta(days=1), None)).seq)
    said = then(ledger.writer.submit(AttributeDonation(key="a", donation="G", donor="P1", on=START)).seq)
    then(ledger.writer.submit(ReverseEntry(key="b", reverses=said, on=START)).seq)
    then(ledger.writer.submit(AttributeDonation(key="c", donation="G", donor="P2", on=START + timedelta(days=9))).seq)
    folded(ledger)
    seen = []
    for instant in instants:
        with reading_from(ledger.journal, Vantage(known_at=instant)) as traces:
            assert traces.serial("t1:0")["donor"] == traces.donation("G")["donor"]
            seen.append(
                [traces.donation("G")["donor"], *(told(traces, "donor", one) is not None for one in ("P1", "P2"))]
            )
    assert seen == [[None, False, False], ["P1", True, False], [None, False, False], ["P2", False, True]]
    with reading_from(ledger.journal, Vantage(as_of=START + timedelta(days=1))) as traces:
        assert traces.donation("G")["donor"] == "P2", "what moves no money counts whatever its day"
    with reading_from(ledger.journal, NOW) as traces:
        assert (traces.donation("G")["donor"], told(traces, "donor", "P1")) == ("P2", None)


def test_money_of_two_funds_that_goes_together_is_told_apart(ledger: Ledger) -> None:
    """A move of serials whose homes are in two funds is one move of the entry, and two of the view."""
    tape = {"tape": "t1", "fund": FUNDS[0], "nature": "own", "restriction": {}}
    steps = (("fund/heart", f"fund/{FUNDS[0]}"), ("fund/heart", "case/C1"))
    one, two = {"tape": "t1", "lo": 0, "hi": 60}, {"tape": "t1", "lo": 60, "hi": 100}
    other = "fund/b%2Flood%25"
    ledger.append(
        [
            ("TapeOpened", tape),
            (
                "DonationReceived",
                {"on": "2026-01-01", "donation": "G", "issue": [{**one, "hi": 100, "to": steps[0][0]}]},
            ),
            ("FundsTransferred", {"on": "2026-01-02", "moves": [{**two, "from": "fund/heart", "to": other}]}),
            ("Allocated", {"on": "2026-01-03", "moves": [{**one, "from": "fund/heart", "to": "case/C1"}]}),
            ("Allocated", {"on": "2026-01-03", "moves": [{**two, "from": other, "to": "case/C1"}]}),
            ("Paid", {"on": "2026-01-04", "moves": [{**one, "hi": 100, "from": "case/C1", "to": "hospital/H1/C1"}]}),
        ]
    )
    folded(ledger)
    for vantage in (NOW, Vantage(date(2026, 1, 4))):
        with reading_from(ledger.journal, vantage) as traces:
            assert [(one["paid"], one["allocated"]) for one in traces.balances()] == [(40, 0), (60, 0)]
            assert traces.fund(FUNDS[0])["transferred_out"] == traces.fund(FUNDS[1])["transferred_in"] == 40


def test_a_transfer_that_was_reversed_is_none(ledger: Ledger) -> None:
    tape = {"tape": "t1", "fund": FUNDS[0], "nature": "own", "restriction": {}}
    run = {"tape": "t1", "lo": 0, "hi": 100}
    here, there = "fund/heart", "fund/b%2Flood%25"
    ledger.append(
        [
            ("TapeOpened", tape),
            ("DonationReceived", {"on": "2026-01-01", "donation": "G", "issue": [{**run, "to": here}]}),
            ("FundsTransferred", {"on": "2026-01-02", "moves": [{**run, "from": here, "to": there}]}),
            ("EntryReversed", {"on": "2026-01-03", "record": "x/1", "moves": [{**run, "from": there, "to": here}]}),
            ("FundsTransferred", {"on": "2026-01-04", "moves": [{**run, "from": here, "to": there}]}),
            ("Bounced", {"on": "2026-01-05", "moves": [{**run, "from": there, "to": "void"}]}),
        ]
    )
    folded(ledger)
    seen = []
    for day in (2, 3, 4, 5):
        with reading_from(ledger.journal, Vantage(date(2026, 1, day))) as traces:
            fund, other = traces.fund(FUNDS[0]), traces.fund(FUNDS[1])
            assert (fund["transferred_in"], other["transferred_out"]) == (0, 0)
            assert fund["transferred_out"] == other["transferred_in"]
            seen.append((fund["received"], fund["transferred_out"], fund["available"], other["available"]))
    assert seen == [(100, 100, 0, 100), (100, 0, 100, 0), (100, 100, 0, 100), (0, 0, 0, 0)]


def test_how_much_was_known_is_found_at_every_instant(ledger: Ledger) -> None:
    for n in range(5):
        ledger.writer.submit_batch([gift(f"{n}-{k}", START, None) for k in range(n)])
    ats = [entry.at for entry in ledger.journal.entries.read(0, 1_000)]
    with snapshot(ledger.journal) as connection:
        cursor = tuples(connection)
        for at, instant in ((at, parse_utc(at)) for at in {*ats}):
            assert entries_known(cursor, instant) == sum(1 for other in ats if other <= at)
            assert entries_known(cursor, instant - timedelta(microseconds=1)) == sum(1 for other in ats if other < at)
        assert entries_known(cursor, None) == len(ats)
        assert entries_known(cursor, datetime(1, 1, 1, tzinfo=UTC)) == 0


def test_before_the_ledger_knew_of_it_there_was_nothing(ledger: Ledger) -> None:
    folded(ledger)
    with reading_from(ledger.journal, Vantage(known_at=datetime(2020, 1, 1, tzinfo=UTC))) as traces:
        assert traces.balances() == []
        for noun in (("case", CASES[0]), ("hospital", HOSPITALS[0]), ("fund", FUNDS[0])):
            assert told(traces, *noun) is None
        with pytest.raises(Unknown):
            traces.balances(FUNDS[0])


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-05", "2026-01-05T15:59:59.999999Z"),
        ("2026-01-05T09:30", "2026-01-05T01:30:00.000000Z"),
        ("2026-01-05 09:30:15.25", "2026-01-05T01:30:15.250000Z"),
        ("2026-01-05T09:30:00Z", "2026-01-05T09:30:00.000000Z"),
        ("2026-01-05T09:30:00-05:00", "2026-01-05T14:30:00.000000Z"),
    ],
)
def test_an_instant_is_in_the_zone_of_the_ledger_unless_it_says_otherwise(text: str, instant: str) -> None:
    assert utc_text(parse_instant(text, "known_at", find_zone("Asia/Shanghai"))) == instant


def test_a_day_ends_when_the_next_begins_and_a_time_shown_twice_is_the_later(ledger: Ledger) -> None:
    berlin = find_zone("Europe/Berlin")
    assert utc_text(parse_instant("2026-03-29", "known_at", berlin)) == "2026-03-29T21:59:59.999999Z"
    assert utc_text(parse_instant("2026-10-25T02:30", "known_at", berlin)) == "2026-10-25T01:30:00.000000Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-13-01",
        "20260105",
        "2026-01-05T25:00",
        "2026-W01-1",
        "9999-12-31",
        "2026-01-05T",
        "0001-01-01T00:00",
    ],
)
def test_text_that_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_instant(text, "known_at", find_zone("Asia/Shanghai"))
