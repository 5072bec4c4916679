"""Laws of sums: kept up page by page, in pages of any size, they are what their definition comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from _pytest.monkeypatch import MonkeyPatch
from conftest import SCALE
from hypothesis import given, settings
from hypothesis import strategies as st
from lives import live
from projected import STEP, STEPS, Ledger, Plain, Step, escaped, folded, opened, random_entries

from ledger.database import Cursor
from projections import fold, summing
from projections.flows import Scope, flows
from projections.runner import Runner
from projections.summing import Page
from projections.trace import reading, whole
from reports.verification import verify_ledger

RANDOM, RANDOM_ELSEWHERE = settings(max_examples=12 * SCALE), settings(max_examples=3 * SCALE)
HISTORIES = st.one_of(
    STEPS.map(lambda steps: ("entries", steps)),
    st.lists(STEP, min_size=20, max_size=70).map(lambda steps: ("commands", steps)),
)


def write(ledger: Ledger, history: tuple[str, list[Step]]) -> None:
    kind, steps = history
    if kind == "commands":
        live(ledger, steps)
    else:
        ledger.append(random_entries(steps), moves_per_part=5)


def unlike(ledger: Ledger) -> list[str]:
    with ledger.journal.entries.reading() as cursor:
        return summing.unlike(cursor)


def kept(ledger: Ledger) -> list[list[tuple[object, ...]]]:
    """All sums that are not 0, without the bounds, which are of all that ever was."""
    return [
        sorted(ledger.rows(query), key=repr)
        for query in (
            "select whose, fund, kind, hospital, amount from view_standing where amount <> 0",
            "select donor, ranges, given, many from view_donor where ranges <> 0",
            "table view_leader",
            "select floor from view_giving",
            "select * from view_donor_place where amount <> 0",
            "select * from view_period where amount <> 0",
        )
    ]


LIMITS = st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 30))


@RANDOM
@given(history=HISTORIES, limits=LIMITS)
def test_sums_are_what_their_definition_comes_to(
    history: tuple[str, list[Step]], limits: tuple[int, int, int], embedded_url: str
) -> None:
    check_sums_of(embedded_url, history, *limits)


@RANDOM_ELSEWHERE
@given(history=HISTORIES, limits=LIMITS)
def test_they_are_so_on_the_systems_own_server(
    history: tuple[str, list[Step]], limits: tuple[int, int, int], debian_url: str
) -> None:
    check_sums_of(debian_url, history, *limits)


def check_sums_of(url: str, history: tuple[str, list[Step]], many: int, leaders: int, page: int) -> None:
    """A history summed up page by page and anew: the same, and what a count of single serials finds."""
    with opened(url) as ledger, MonkeyPatch.context() as patched:
        patched.setattr(summing, "MANY_RANGES", many)
        patched.setattr(summing, "LEADERS", leaders)
        patched.setattr(fold, "BLOCK_ENTRIES", 1 + page // 3)
        write(ledger, history)
        runner = folded(ledger, page)
        assert runner.recorder.failures() == {}
        assert unlike(ledger) == []
        page_by_page = kept(ledger)
        check_definition(ledger)
        assert Runner(ledger.journal).rebuild().unlike == ()
        assert unlike(ledger) == []
        assert kept(ledger) == page_by_page


def check_definition(ledger: Ledger) -> None:
    """What donors gave and what stands where, as a count of single serials finds it."""
    plain = Plain.of(ledger.journal.entries.read(0, 1_000_000))
    given: Counter[str] = Counter()
    standing: Counter[tuple[str, str]] = Counter()
    for fen, place in plain.place.items():
        if place != "void":
            standing[plain.fund_of(fen), place.split("/")[0]] += 1
        donor = plain.donor_of(fen)
        if donor is not None and place != "void":
            given[donor] += 1
    assert dict(ledger.rows("select donor, given from view_donor where given <> 0")) == given
    whole = "select fund, kind, sum(amount)::bigint from view_standing where whose = 'all' and kind <> 'void'"
    rows = ledger.rows(whole + " group by fund, kind having sum(amount) <> 0")
    assert {(escaped(fund), kind): amount for fund, kind, amount in rows} == standing


LIFE = [(n * 7 % 1000, n * 31 % 1000, n * 17 % 1000, n) for n in range(100)]
"""A hundred commands of all kinds."""


@pytest.fixture
def ledger(server_url: str) -> Iterator[Ledger]:
    """A ledger with a life behind it."""
    with opened(server_url) as ledger:
        live(ledger, LIFE)
        yield ledger


@pytest.fixture(scope="module")
def summed(embedded_url: str) -> Iterator[tuple[Ledger, Runner]]:
    """Such a ledger and its views; whoever changes a sum makes it anew."""
    with opened(embedded_url) as ledger:
        live(ledger, LIFE)
        yield ledger, Runner(ledger.journal)


@pytest.mark.parametrize(("name", "kind"), [("add_flows", "flows"), ("add_periods", "periods")])
def test_a_sum_that_cannot_follow_an_entry_stands_still_alone(
    ledger: Ledger, name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = ledger.journal.entries.head().size
    poisoned, add = size // 2, getattr(summing, name)
    monkeypatch.setattr("projections.flows.FEW_ENTRIES", 0)

    def add_but_one(cursor: Cursor, page: Page) -> object:
        added = add(cursor, page)
        assert not page.first <= poisoned <= page.last, "poison"
        return added

    monkeypatch.setattr(summing, name, add_but_one)
    runner = folded(ledger)
    assert runner.position() == size
    assert runner.failure() is None
    [(where, failure)] = runner.recorder.failures().items()
    assert (where, failure.seq) == (f"journal.{kind}", poisoned)
    assert "poison" in str(failure)
    with_sums = answers(ledger)
    monkeypatch.undo()
    [finding] = verify_ledger(ledger.journal, runner, jobs=1).findings
    assert finding.seq == poisoned
    made = runner.rebuild()
    assert made.entries == size
    assert set(made.unlike) & {"view_standing", "view_period"}
    assert set(made.unlike) <= {"view_standing", "view_donor", "view_giving", "view_leader", "view_period"}
    assert runner.recorder.failures() == {}
    assert verify_ledger(ledger.journal, runner, jobs=1).ok
    assert answers(ledger) == with_sums, "what stands still is told of the other views"


def answers(ledger: Ledger) -> object:
    with reading(ledger.journal) as traces:
        links = [(link.source, link.target, link.amount) for link in flows(ledger.journal, Scope()).links]
        return traces.balances(), whole(traces.donor("P1")), links


@pytest.mark.parametrize(
    "change",
    [
        "update view_standing set amount = amount + 1 where whose = 'all' and kind = 'fund'",
        "update view_standing set first = last + 1 where whose = 'all' and kind = 'fund' and amount > 0",
        "delete from view_standing where whose = 'unknown'",
        "update view_donor set given = given - 1 where donor = 'P1'",
        "update view_donor set ranges = ranges + 1 where donor = 'P1'",
        "insert into view_donor (donor, ranges, given) values ('P7', 1, 1)",
        "update view_leader set given = given + 1 where donor = 'P1'",
        "delete from view_leader where donor = 'P2'",
        "update view_giving set donors = donors + 1",
        "update view_giving set floor = floor * 4",
        "update view_donor_place set amount = amount + 1 where kind = 'fund' and donor = 'P1'",
        "insert into view_donor_place values ('P9', 'heart', 'fund/heart', 'fund', '', 5)",
        "update view_period set amount = amount + 1 where grain = 'month'",
        "delete from view_period where grain = 'day' and figure = 'issued'",
    ],
)
def test_a_sum_that_was_changed_is_found(
    summed: tuple[Ledger, Runner], change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, runner = summed
    monkeypatch.setattr(summing, "MANY_RANGES", 2)
    runner.catch_up()
    assert verify_ledger(ledger.journal, runner, jobs=1).ok
    with ledger.database.owner() as owner:
        assert owner.execute(change).rowcount > 0
    found = verify_ledger(ledger.journal, runner, jobs=1).findings
    assert change.split()[1 + change.startswith(("delete", "insert"))] in "".join(finding.what for finding in found)
    assert runner.rebuild().unlike or "first" in change
    assert verify_ledger(ledger.journal, runner, jobs=1).ok


def test_what_fails_once_is_tried_again(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [RuntimeError("a moment's trouble")]
    add = summing.add_flows

    def add_at_last(cursor: Cursor, page: Page) -> object:
        if failures:
            raise failures.pop()
        return add(cursor, page)

    monkeypatch.setattr(summing, "add_flows", add_at_last)
    runner = folded(ledger)
    assert (runner.recorder.failures(), failures) == ({}, [])
    assert unlike(ledger) == []
