"""The rules of matching: what is matched adds up, what is unclear is left to a person, and order never matters."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from operator import attrgetter
from random import Random

import pytest
from conftest import SCALE
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.reconcile import MOST_CANDIDATES, Key, Match, Movement, Reconciliation, reconcile


def line(n: int, amount: int, day: int = 100, *refs: str, account: str = "icbc") -> Movement:
    return Movement((1, n), account, day, amount, refs)


def leg(n: int, amount: int, day: int = 100, *refs: str, account: str = "icbc", channel: bool = False) -> Movement:
    return Movement((n, 0), account, day, amount, refs, channel)


def matched(found: Reconciliation) -> list[tuple[str, list[int], list[int]]]:
    """Each match by rule, ordinals of lines, seqs of legs."""
    return [(one.rule, [n for _, n in one.lines], [n for n, _ in one.legs]) for one in found.matches]


def suggested(found: Reconciliation) -> list[tuple[str, int, int]]:
    return [(one.alternatives[0].rule, one.ways, one.difference) for one in found.suggestions]


def test_a_reference_matches_whatever_the_days_and_the_bank_s_goes_before_ours() -> None:
    found = reconcile(
        [line(1, 500, 100, "B1", "O1"), line(2, 500, 100, "B2", "O1")], [leg(7, 500, 190, "B2"), leg(8, 500, 90, "O1")]
    )
    assert matched(found) == [("reference/1", [2], [7]), ("reference/1", [1], [8])]


def test_one_transfer_for_two_gifts_matches_by_its_reference_as_a_whole() -> None:
    found = reconcile([line(1, 150, 100, "B")], [leg(7, 100, 100, "B"), leg(8, 50, 100, "B")])
    assert matched(found) == [("reference/1", [1], [7, 8])]


def test_a_reference_with_other_amounts_is_suggested_with_how_far_they_are_apart() -> None:
    found = reconcile([line(1, 149, 100, "B")], [leg(7, 100, 100, "B"), leg(8, 50, 100, "B"), leg(9, 149)])
    assert matched(found) == []
    assert suggested(found) == [("reference/1", 1, -1)]
    assert [each.key for each in found.legs_left] == [(9, 0)]


def test_a_gift_known_by_its_channel_s_number_matches_on_whatever_account_it_came() -> None:
    found = reconcile(
        [line(1, 100, 100, "4200", account="wx-1")], [leg(7, 100, 99, "4200", account="wechat", channel=True)]
    )
    assert matched(found) == [("reference/1", [1], [7])]
    elsewhere = reconcile([line(1, 100, 100, "4200", account="wx-1")], [leg(7, 100, 99, "4200", account="boc")])
    assert matched(elsewhere) == []


@pytest.mark.parametrize(("days", "rules"), [(3, ["amount-day/1"]), (4, [])])
def test_the_same_amount_matches_within_the_window_and_no_further(days: int, rules: list[str]) -> None:
    found = reconcile([line(1, -500, 100)], [leg(7, -500, 100 + days), leg(8, 500, 100)])
    assert [rule for rule, _, _ in matched(found)] == rules


@pytest.mark.parametrize(("lines", "legs"), [(1, 2), (2, 1), (2, 2)])
def test_twins_are_suggested_and_never_matched(lines: int, legs: int) -> None:
    found = reconcile([line(n, 500, 100) for n in range(lines)], [leg(n, 500, 101) for n in range(legs)])
    assert (matched(found), found.lines_left, found.legs_left) == ([], [], [])
    assert suggested(found) == [("amount-day/1", legs, 0)] * lines


def test_all_that_a_suggestion_may_mean_is_for_a_person_not_only_what_it_shows() -> None:
    found = reconcile([line(1, 500, 101), line(2, 1100, 101)], [*(leg(n, 500) for n in range(8)), leg(9, 600, 103)])
    assert [(one.ways, len(one.alternatives)) for one in found.suggestions] == [(8, 5)]
    assert matched(found) == []
    assert [each.key for each in found.legs_left] == [(9, 0)]


def test_what_is_suggested_by_one_rule_is_matched_by_no_later_one() -> None:
    """Leg 7 may be one of the twins; that it also makes 700 with leg 9 does not settle the matter."""
    found = reconcile([line(1, 500), line(2, 500), line(3, 700)], [leg(7, 500), leg(9, 200)])
    assert matched(found) == []
    assert [each.key for each in found.lines_left] == [(1, 3)]


def test_one_line_for_several_legs_and_several_lines_for_one_leg() -> None:
    found = reconcile(
        [line(1, 1000), line(2, -300), line(3, -450)], [leg(5, 400), leg(6, 350), leg(7, 250), leg(8, -750)]
    )
    assert matched(found) == [("subset/1", [1], [5, 6, 7]), ("subset/1", [2, 3], [8])]


def test_two_ways_to_add_up_are_suggested_both() -> None:
    found = reconcile([line(1, 1000)], [leg(5, 400), leg(6, 600), leg(7, 300), leg(8, 700)])
    assert matched(found) == []
    assert {one.legs for one in found.suggestions[0].alternatives} == {((5, 0), (6, 0)), ((7, 0), (8, 0))}


def test_a_leg_that_two_lines_may_need_is_given_to_neither() -> None:
    found = reconcile([line(1, 1000), line(2, 900)], [leg(5, 400), leg(6, 600), leg(7, 500)])
    assert matched(found) == []
    assert suggested(found) == [("subset/1", 1, 0)] * 2


def test_a_search_that_was_not_made_or_not_finished_says_so() -> None:
    many = [leg(n, 3 * n + 100_000) for n in range(MOST_CANDIDATES + 1)]
    found = reconcile([line(1, 250_001)], many)
    assert [(one.candidates, one.cut_off) for one in found.given_up] == [(MOST_CANDIDATES + 1, False)]
    random = Random(1)
    hard = [leg(n, 2 * random.randrange(10**6, 2 * 10**6)) for n in range(MOST_CANDIDATES)]
    found = reconcile([line(1, 2 * 10**7 + 1)], hard)
    assert [(one.candidates, one.cut_off) for one in found.given_up] == [(MOST_CANDIDATES, True)]
    assert len(found.lines_left) == 1


def test_what_a_line_with_too_many_candidates_may_need_is_matched_to_no_other() -> None:
    crowd = [leg(n, 1_000 + n, 100) for n in range(MOST_CANDIDATES)]
    pair = [leg(80, 400, 103), leg(81, 600, 103)]
    alone = reconcile([line(1, 1000, 106)], [*crowd, *pair])
    assert matched(alone) == [("subset/1", [1], [80, 81])]
    contested = reconcile([line(1, 1000, 106), line(2, 90_000, 101)], [*crowd, *pair])
    assert matched(contested) == []


def wechat(n: int, amount: int, day: int) -> Movement:
    return leg(n, amount, day, f"TX{n}", account="wechat", channel=True)


def test_a_channel_s_payout_is_its_gifts_less_refunds_and_fees_of_days_on_end() -> None:
    legs = [
        wechat(1, 10_000, 100),
        wechat(2, 2_500, 100),
        wechat(3, -75, 100),
        wechat(4, 5_000, 101),
        wechat(5, -2_500, 101),
    ]
    daily = reconcile([line(1, 12_425, 101), line(2, 2_500, 102)], legs)
    assert matched(daily) == [("channel-net/1", [1], [1, 2, 3]), ("channel-net/1", [2], [4, 5])]
    together = reconcile([line(1, 14_925, 102)], legs)
    assert matched(together) == [("channel-net/1", [1], [1, 2, 3, 4, 5])]
    for day in (99, 108):
        assert matched(reconcile([line(1, 12_425, day)], legs)) == []


def test_a_payout_that_two_spans_of_days_explain_is_suggested() -> None:
    found = reconcile([line(1, 500, 103)], [wechat(1, 500, 100), wechat(2, 500, 102)])
    assert (matched(found), suggested(found)) == ([], [("channel-net/1", 2, 0)])
    both = reconcile([line(1, 500, 103), line(2, 500, 103)], [wechat(1, 500, 102)])
    assert (matched(both), suggested(both)) == ([], [("channel-net/1", 1, 0)] * 2)


LINES: Callable[[Match], tuple[Key, ...]] = attrgetter("lines")
LEGS: Callable[[Match], tuple[Key, ...]] = attrgetter("legs")
SMALL = st.builds(
    lambda n, amount, day, ref, account, channel: Movement(
        n, account, day, amount or 1, () if ref is None else (ref,), channel and account == "w"
    ),
    st.tuples(st.integers(0, 400), st.integers(0, 3)),
    st.integers(-6, 12),
    st.integers(100, 110),
    st.none() | st.sampled_from(["a", "b", "c", "d"]),
    st.sampled_from(["i", "w"]),
    st.booleans(),
)


def distinct(movements: list[Movement]) -> list[Movement]:
    return list({one.key: one for one in movements}.values())


@settings(max_examples=150 * SCALE)
@given(st.lists(SMALL, max_size=14), st.lists(SMALL, max_size=14), st.randoms(use_true_random=False))
def test_matches_add_up_take_nothing_twice_and_do_not_depend_on_order(
    some: list[Movement], others: list[Movement], random: Random
) -> None:
    lines, legs = distinct(some), distinct(others)
    found = reconcile(lines, legs)
    of_lines, of_legs = {one.key: one for one in lines}, {one.key: one for one in legs}
    for match in found.matches:
        assert sum(of_lines[key].amount for key in match.lines) == sum(of_legs[key].amount for key in match.legs)
    for side, all_of_it, left in ((LINES, of_lines, found.lines_left), (LEGS, of_legs, found.legs_left)):
        taken: Counter[Key] = Counter(key for match in found.matches for key in side(match))
        assert set(taken.values()) <= {1}
        assert not taken.keys() & {one.key for one in left}
        assert taken.keys() | {one.key for one in left} <= all_of_it.keys()
        offered = {key for one in found.suggestions for way in one.alternatives for key in side(way)}
        assert not offered & taken.keys()
    assert reconcile(random.sample(lines, len(lines)), random.sample(legs, len(legs))) == found


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Movement], list[Movement]]:
    """Legs of a foundation's life, and the statement that a bank would send of it: references here and there, gifts of
    one transfer together, a channel that pays out each day what came on it."""
    random = Random(draw(st.integers(0, 2**32)))
    legs, lines = [], []
    for n in range(draw(st.integers(0, 25))):
        amount, day = random.choice((1, -1)) * random.randrange(10**5, 10**9), random.randrange(100, 130)
        parts = random.choice((1, 1, 1, 2, 3))
        refs = (f"B{n}",) if parts > 1 or random.random() < 0.5 else ()
        shares = [amount // parts] * (parts - 1) + [amount - amount // parts * (parts - 1)]
        legs += [leg(10 * n + k, share, day, *refs) for k, share in enumerate(shares)]
        lines.append(line(n, amount, day + random.randrange(3), *refs))
    by_day: Counter[int] = Counter()
    for n in range(draw(st.integers(0, 40))):
        gift = wechat(1000 + n, random.randrange(100, 10**5), random.randrange(100, 130))
        legs.append(gift)
        by_day[gift.day] += gift.amount
    lines += [line(1000 + day, net, day + 1) for day, net in by_day.items()]
    return lines, legs


@settings(max_examples=60 * SCALE)
@given(histories())
def test_a_history_reconciles_to_zero_against_the_statement_made_from_it(
    history: tuple[list[Movement], list[Movement]],
) -> None:
    found = reconcile(*history)
    assert (found.lines_left, found.legs_left, found.given_up) == ([], [], [])
    assert len(found.matches) + len(found.suggestions) == len(history[0])


@settings(max_examples=60 * SCALE)
@given(histories().filter(lambda history: bool(history[0])), st.randoms(use_true_random=False), st.integers(1, 99))
def test_one_changed_line_is_found(
    history: tuple[list[Movement], list[Movement]], random: Random, changed: int
) -> None:
    lines, legs = history
    index = random.randrange(len(lines))
    wrong = lines[index]._replace(amount=lines[index].amount + changed)
    found = reconcile([*lines[:index], wrong, *lines[index + 1 :]], legs)
    assert wrong.key not in {key for match in found.matches for key in match.lines}
    assert found.legs_left or any(one.difference for one in found.suggestions)


def test_ten_thousand_lines_against_a_hundred_thousand_legs_take_seconds() -> None:
    """Gifts of few amounts by a channel, payments with and without references, strangers' lines between them."""
    random = Random(3)
    legs = []
    for n in range(100_000):
        if n % 10:
            legs.append(
                wechat(n, random.choice((100, 2_500, 2_500, 5_000, random.randrange(1, 10**6))), random.randrange(365))
            )
        else:
            refs = (f"B{n}",) if random.random() < 0.5 else ()
            legs.append(leg(n, -random.randrange(1_000, 10**8), random.randrange(365), *refs))
    own = [one for one in legs if not one.channel]
    lines = [line(n, one.amount, one.day + n % 3, *one.refs) for n, one in enumerate(own)]
    began = time.process_time()
    found = reconcile(lines, legs)
    assert time.process_time() - began < 20
    assert len(found.matches) > 9_000
