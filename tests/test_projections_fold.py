"""Laws of folding: the views follow from the entries alone, whatever their kinds, parts and pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from conftest import SCALE
from hypothesis import given, settings
from hypothesis import strategies as st
from projected import STEP, STEPS, Ledger, Plain, Step, command_of, folded, opened, random_entries

from projections.fold import ProjectionFailed, items_of, read_items, whole_entries
from projections.runner import Runner

RANDOM = settings(max_examples=10 * SCALE)


@pytest.fixture
def ledger(server_url: str) -> Iterator[Ledger]:
    with opened(server_url) as ledger:
        yield ledger


def entries_of(ledger: Ledger) -> list[Any]:
    return ledger.journal.entries.read(0, 1_000_000)


def place_rows(ledger: Ledger) -> list[tuple[Any, ...]]:
    rows = ledger.rows("select tape, lo, hi, place, home, since from view_place order by tape, lo")
    return [(*row[:5], row[5].isoformat()) for row in rows]


@RANDOM
@given(steps=STEPS, sizes=st.lists(st.integers(1, 12), min_size=1, max_size=3), part=st.sampled_from([1, 3, 1_000]))
def test_views_say_what_the_entries_say_whatever_the_page_size(
    steps: list[Step], sizes: list[int], part: int, server_url: str
) -> None:
    with opened(server_url) as ledger:
        ledger.append(random_entries(steps), part)
        seen = []
        for size in sizes:
            runner = folded(ledger, size)
            assert runner.lag() == 0
            seen.append(ledger.views())
            with runner.recorder.folding() as cursor:
                runner.recorder.forget(cursor)
        folded(ledger)
        assert all(views == ledger.views() for views in seen)
        plain = Plain.of(entries_of(ledger))
        assert place_rows(ledger) == plain.rows()
        issued = ledger.rows("select tape, lo, hi, donation, donor, seq from view_gift")
        gifts = {
            (f"t{tape}", n): (donation, donor, seq)
            for tape, lo, hi, donation, donor, seq in issued
            for n in range(lo, hi)
        }
        assert gifts == {fen: (gift.donation, plain.donor_of(fen), gift.seq) for fen, gift in plain.gift.items()}


@RANDOM
@given(steps=STEPS, part=st.sampled_from([1, 1_000]))
def test_movements_are_the_moves_of_the_entries_dated_by_their_first_part(
    steps: list[Step], part: int, server_url: str
) -> None:
    with opened(server_url) as ledger:
        ledger.append(random_entries(steps), part)
        folded(ledger, 3)
        rows = ledger.rows("select seq, posted_on, tape, lo, hi, source, target from view_movement")
        moved = {
            (f"t{tape}", n, seq, on.isoformat(), source, target)
            for seq, on, tape, lo, hi, source, target in rows
            for n in range(lo, hi)
        }
        assert moved == {
            (*fen, *step) for fen, path in Plain.of(entries_of(ledger)).path.items() for step in path if step[2]
        }


@RANDOM
@given(steps=st.lists(STEP, max_size=60), size=st.integers(1, 40))
def test_views_agree_with_the_rows_of_the_write_side(steps: list[Step], size: int, server_url: str) -> None:
    with opened(server_url) as ledger:
        ledger.writer.submit_batch([command_of(step, n) for n, step in enumerate(steps)])
        folded(ledger, size)
        rows = "select tape, lo, hi, place, home, since from {} order by tape, lo"
        assert ledger.rows(rows.format("view_place")) == ledger.rows(rows.format("holding"))


@RANDOM
@given(steps=STEPS, cut=st.integers(0, 30))
def test_folding_anew_gives_the_same_views(steps: list[Step], cut: int, server_url: str) -> None:
    with opened(server_url) as ledger:
        entries = random_entries(steps)
        ledger.append(entries[:cut])
        folded(ledger, 4)
        ledger.append(entries[cut:])
        runner = folded(ledger, 4)
        before = ledger.views()
        assert runner.rebuild().entries == len(entries_of(ledger))
        assert ledger.views() == before


GIFT = {"on": "2026-01-01", "donation": "G", "issue": [{"tape": "t1", "lo": 0, "hi": 1000, "to": "fund/heart"}]}
TAPE = {"tape": "t1", "fund": "heart", "nature": "own", "restriction": {}}


def every_other(source: str, target: str) -> list[dict[str, Any]]:
    return [{"tape": "t1", "lo": n, "hi": n + 1, "from": source, "to": target} for n in range(0, 1000, 2)]


def test_no_reader_ever_sees_a_part_of_an_entry_without_the_others(ledger: Ledger) -> None:
    split = {"on": "2026-01-02", "moves": every_other("fund/heart", "case/C1")}
    ledger.append([("TapeOpened", TAPE), ("DonationReceived", GIFT), ("Split", split)], moves_per_part=12)
    runner = Runner(ledger.journal, page_entries=5)
    whole = len(entries_of(ledger))
    seen = []
    runner.catch_up(progress=lambda done, _: seen.append(done))
    assert whole > 30
    assert seen[-2:] == [9, whole], "the parts are folded in one page, though it is longer than asked"
    assert ledger.rows("select count(*), min(posted_on), max(posted_on) from view_movement") == [
        (500, date(2026, 1, 2), date(2026, 1, 2))
    ]


def test_a_page_is_cut_before_an_entry_whose_parts_go_on_behind_it(ledger: Ledger) -> None:
    split = {"on": "2026-01-02", "moves": every_other("fund/heart", "case/C1")}
    ledger.append([("TapeOpened", TAPE), ("DonationReceived", GIFT), ("Split", split)], moves_per_part=100)
    page = items_of(ledger.journal.entries.select_notifications(0, 1_000))
    first = next(n for n, one in enumerate(page) if one.data.part == 1)
    for end in range(first + 1, len(page)):
        assert whole_entries(page[:end]) == page[:first]
        assert whole_entries(page[first + 1 : end]) == []
    assert whole_entries(page) == page


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (b'{"seq":10,"type":"Odd","data":{"on":"yesterday"}}', "entry 10 (Odd)"),
        (b'{"seq":11,"type":"Odd","data":{}}', "entry 10 (Odd): AssertionError: in its place there is entry 11"),
        (b"nothing", "entry 10 ()"),
    ],
)
def test_lines_are_read_up_to_the_first_that_is_no_entry_of_that_place(size: int, odd: bytes, said: str) -> None:
    lines = [b'{"seq":%d,"type":"Fine","data":{"on":"2026-01-0%d"}}' % (n, n) for n in (7, 8)]
    lines += [b'{"seq":9,"type":"Fine","data":{"of":8,"part":2,"last":true}}']
    for read_on in ([], [odd, lines[0]]):
        rows = [*lines, *read_on]
        lumps = [b"\n".join(rows[n : n + size]) for n in range(0, len(rows), size)]
        items, failure = read_items(lumps, 7)
        assert [(item.seq, item.data.on) for item in items] == [
            (7, date(2026, 1, 7)),
            (8, date(2026, 1, 8)),
            (9, date(2026, 1, 8)),
        ]
        assert (said in str(failure)) if read_on else failure is None


def move(target: str, lo: int = 0, hi: int = 1) -> list[dict[str, Any]]:
    return [{"tape": "t1", "lo": lo, "hi": hi, "from": "fund/heart", "to": target}]


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        ({"on": "2026-01-02", "moves": move("case/C1", 990, 1001)}, "Gone"),
        ({"on": "2025-12-31", "moves": move("case/C1")}, "Gone"),
        ({"on": "2026-01-02", "moves": move("moon")}, "not a place"),
        ({"moves": move("case/C1")}, "has a day"),
        ({"on": "2026-01-02", "moves": [{"lo": 0}]}, "missing required field"),
        ({"on": "yesterday"}, "Invalid RFC3339"),
    ],
)
def test_an_entry_that_cannot_be_folded_is_named_and_all_before_it_is_folded(
    ledger: Ledger, fact: dict[str, Any], reason: str
) -> None:
    ledger.append([("TapeOpened", TAPE), ("DonationReceived", GIFT), ("Fine", {}), ("Odd", fact), ("Fine", {})])
    size = len(entries_of(ledger))
    runner = Runner(ledger.journal)
    with pytest.raises(ProjectionFailed, match=reason) as failed:
        runner.catch_up()
    assert failed.value.fields["seq"] == size - 2
    assert failed.value.fields["type"] == "Odd"
    assert runner.position() == size - 2
    assert runner.lag() == 2
    assert ledger.rows("select count(*) from view_gift") == [(1,)]
    seen = Runner(ledger.journal).failure()
    assert seen is not None
    assert seen.fields == failed.value.fields


def test_a_gift_is_kept_as_its_entry_says_in_any_script_and_with_nobody_named(ledger: Ledger) -> None:
    ranges = [
        {"tape": "t1", "lo": 0, "hi": 5, "to": "fund/heart"},
        {"tape": "t1", "lo": 5, "hi": 7, "to": "used/H%2F1/C"},
    ]
    gifts = [{"on": "1999-12-31", "donation": "捐赠\\1\t", "donor": "王 👪", "issue": ranges}]
    gifts += [{"on": "2026-01-01", "issue": [{"tape": "t1", "lo": 7, "hi": 2**53 - 1, "to": "used/C"}]}]
    ledger.append([("TapeOpened", TAPE), ("Odd", gifts[0]), ("BalanceBroughtForward", gifts[1])])
    folded(ledger)
    first = len(entries_of(ledger)) - 2
    old, new = date(1999, 12, 31), date(2026, 1, 1)
    kept = "select lo, hi, donation, donor, fund, target, hospital, case_id, opening, posted_on, seq from view_gift"
    assert ledger.rows(f"{kept} order by lo") == [
        (0, 5, "捐赠\\1\t", "王 👪", "heart", "fund/heart", None, None, False, old, first),
        (5, 7, "捐赠\\1\t", "王 👪", "heart", "used/H%2F1/C", "H/1", "C", False, old, first),
        (7, 2**53 - 1, None, None, "heart", "used/C", None, "C", True, new, first + 1),
    ]
