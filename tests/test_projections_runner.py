"""Laws of the runner: it follows, several may run, and one that dies leaves the views in step with their tracking."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from projected import FUNDS, START, Ledger, command_of, folded, opened

from ledger import journal
from ledger.decisions import ReceiveDonation
from projections import runner as module
from projections import summing
from projections.fold import ProjectionFailed, items_of
from projections.rebuilding import Beside
from projections.runner import Runner
from projections.views import digests

TRACKED = ("journal", "journal.flows", "journal.periods")
ODD = ("Odd", {"on": "2026-01-02", "moves": [{"tape": "t9", "lo": 0, "hi": 1, "from": "fund/heart", "to": "case/C1"}]})
DROP = "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%%' and query ~ %s"


@pytest.fixture
def ledger(server_url: str) -> Iterator[Ledger]:
    with opened(server_url) as ledger:
        yield ledger


def give(ledger: Ledger, first: int, count: int) -> int:
    """Records so many gifts; the seq of the last."""
    ledger.writer.submit_batch(
        [
            ReceiveDonation(
                key=f"k{n}", donation=f"G{n}", fund=FUNDS[n % 2], amount=1 + n % 7, on=START, donor=f"P{n % 10}"
            )
            for n in range(first, first + count)
        ]
    )
    return ledger.journal.entries.head().size - 1


@contextmanager
def running(runner: Runner) -> Iterator[list[BaseException]]:
    """The runner following in a thread of its own; what it raised."""
    stop, raised = threading.Event(), list[BaseException]()

    def work() -> None:
        try:
            runner.run(stop)
        except ProjectionFailed as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield raised
    finally:
        stop.set()
        thread.join(timeout=20)
        assert not thread.is_alive()


def views_from_scratch(ledger: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    Runner(ledger.journal).rebuild()
    return ledger.views()


def test_a_runner_follows_what_is_recorded(ledger: Ledger) -> None:
    runner = Runner(ledger.journal)
    give(ledger, 0, 30)
    with running(runner):
        for n in range(30, 60, 10):
            seq = give(ledger, n, 10)
            runner.wait_for(seq, timeout_s=10)
            assert runner.lag() == 0
    views = ledger.views()
    assert views == views_from_scratch(ledger)


def test_what_is_recorded_within_a_moment_is_folded_as_one_page(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "GATHER_S", 0.5)
    pages: list[int] = []
    folding = Runner._fold

    def counted(runner: Runner, items: Any, *rest: Any) -> bool:
        pages.append(len(items))
        return folding(runner, items, *rest)

    monkeypatch.setattr(Runner, "_fold", counted)
    runner = Runner(ledger.journal)
    runner.catch_up()
    pages.clear()
    with running(runner):
        seq = [give(ledger, n, 1) for n in range(20)][-1]
        runner.wait_for(seq, timeout_s=10)
    assert sum(pages) >= 20
    assert len(pages) <= 10


def test_waiting_for_an_entry_that_does_not_come_times_out(ledger: Ledger) -> None:
    runner = folded(ledger)
    runner.wait_for(runner.position() - 1, timeout_s=0)
    with pytest.raises(TimeoutError):
        runner.wait_for(runner.position(), timeout_s=0.1)


def test_a_runner_stops_at_an_entry_that_cannot_be_folded_and_others_can_tell(ledger: Ledger) -> None:
    seq = give(ledger, 0, 5)
    with running(Runner(ledger.journal)) as raised:
        Runner(ledger.journal).wait_for(seq, timeout_s=10)
        ledger.append([ODD])
        deadline = time.monotonic() + 10
        while not raised and time.monotonic() < deadline:
            time.sleep(0.02)
    [error] = raised
    assert isinstance(error, ProjectionFailed)
    assert f"entry {seq + 1} (Odd)" in str(error)
    seen = Runner(ledger.journal).failure()
    assert seen is not None
    assert seen.seq == seq + 1


def test_a_failure_is_no_more_once_its_entry_is_folded(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.append([ODD])
    runner = Runner(ledger.journal)
    with pytest.raises(ProjectionFailed):
        runner.catch_up()
    assert runner.failure() is not None
    monkeypatch.setattr("projections.fold.Changes._move", lambda *_: None)  # a version that understands it
    runner.catch_up()
    assert runner.failure() is None


def test_a_runner_starts_again_when_its_connections_drop(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES_S", (0.05,))
    runner = Runner(ledger.journal)
    seq = give(ledger, 0, 10)
    with running(runner) as raised:
        runner.wait_for(seq, timeout_s=10)
        for n in (10, 20):
            with ledger.database.owner() as owner:
                owner.execute(DROP, (ledger.database.schema,))
            time.sleep(0.3)
            seq = give(ledger, n, 10)
            runner.wait_for(seq, timeout_s=20)
        assert raised == []
    assert runner.lag() == 0


def test_catching_up_can_be_limited_in_time_and_tells_how_far_it_is(ledger: Ledger) -> None:
    seq = give(ledger, 0, 50)
    runner = Runner(ledger.journal, page_entries=10)
    seen: list[tuple[int, int]] = []
    assert runner.catch_up(limit_s=0, progress=lambda *at: seen.append(at)) == 10
    assert seen == [(10, seq + 1)]
    assert runner.catch_up(progress=lambda *at: seen.append(at)) == seq + 1
    assert seen[-1] == (seq + 1, seq + 1)


def test_several_runners_at_once_do_the_work_once(ledger: Ledger) -> None:
    seq = give(ledger, 0, 400)
    runners = [Runner(ledger.journal, page_entries=7 + n) for n in range(3)]
    reached: list[int] = []
    threads = [threading.Thread(target=lambda one=one: reached.append(one.catch_up())) for one in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reached == [seq + 1] * 3
    views = ledger.views()
    assert views == views_from_scratch(ledger)


FOLD_ON = """
import sys
from ledger.database import Database
from ledger.journal import Journal
from projections.runner import Runner
from projections.views import digests
journal = Journal(Database(sys.argv[1], schema=sys.argv[2]))
runner = Runner(journal, page_entries=20)
print("ready", flush=True)
while True:
    runner.catch_up()
    runner.rebuild()
"""


@pytest.mark.parametrize("n", range(4))
def test_killed_at_any_point_views_and_tracking_are_in_step(ledger: Ledger, n: int) -> None:
    ledger.writer.submit_batch([command_of((k * 7, k * 31, k * 17, k), k) for k in range(300)])
    size = give(ledger, 1_000, 700) + 1
    command = [sys.executable, "-c", FOLD_ON, ledger.database.owner_url, ledger.database.schema]
    for again in range(3):
        with subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(timedelta(milliseconds=60 + 130 * n + 47 * again).total_seconds())
            process.kill()
        check_in_step(ledger)
    assert folded(ledger).position() == size
    check_in_step(ledger)


def test_a_rebuild_keeps_nobody_waiting_and_takes_in_what_came_meanwhile(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(ledger.journal, page_entries=20)
    give(ledger, 0, 50)
    folding = Beside.fold

    def meanwhile(views: Beside, *page: Any) -> None:
        folding(views, *page)
        if views.position == 20:
            runner.wait_for(give(ledger, 50, 30), timeout_s=10)
            with ledger.database.owner() as owner:
                assert owner.execute("update view_gift set donor = 'P-else' where donation = 'G60'").rowcount == 1

    monkeypatch.setattr(Beside, "fold", meanwhile)
    with running(runner):
        made = Runner(ledger.journal, page_entries=20).rebuild()
    assert (made.entries, made.unlike) == (ledger.journal.entries.head().size, ("view_gift",))
    check_in_step(ledger)
    assert ledger.rows("select donor from view_gift where donation = 'G60'") == [("P0",)]


def check_in_step(ledger: Ledger) -> None:
    """Views and sums are all of one position, and are what folding up to there anew comes to."""
    recorder = Runner(ledger.journal).recorder
    position, views = recorder.position(), ledger.views()
    assert set(views["view_tracking"]) == ({(name, position) for name in TRACKED} if position else set())
    with recorder.folding() as cursor:
        before = digests(cursor)
        recorder.forget(cursor)
        page = items_of(ledger.journal.entries.select_notifications(1, 100_000, position))
        assert bool(page) == recorder.fold(cursor, page)
        assert digests(cursor) == before
        assert position == 0 or [summing.unlike(cursor, kind) for kind in summing.SUMS] == [[], []]
    assert views == ledger.views()
