"""What the guards report's keeper promises: never older than ten times what a reckoning takes, nor of another day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from conftest import Ledger

from reports.guards import kept
from reports.guards.kept import KeptReport
from reports.guards.report import Report

NOON = datetime.fromisoformat("2026-03-01T12:00:00Z")
TODAY = date(2026, 3, 1)


@pytest.mark.parametrize(("takes_s", "reckoned_at_s"), [(0.5, [0, 1, 2, 30, 89]), (9.0, [0, 91]), (1.0, [0, 30, 89])])
def test_what_takes_long_is_kept_ten_times_as_long_and_its_time_is_told(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, takes_s: float, reckoned_at_s: list[int]
) -> None:
    now, today = [NOON], [TODAY]

    def reckon(_: object) -> Report:
        now[0] += timedelta(seconds=takes_s)
        return Report(today[0], 30, None, ())

    monkeypatch.setattr(kept, "guard", reckon)
    monkeypatch.setattr(ledger.journal.entries, "clock", lambda: now[0])
    keeper, found = KeptReport(), []
    for second in (0, 1, 2, 30, 89, 91):
        if second == 91 and takes_s < 9:
            break
        now[0] = max(now[0], NOON + timedelta(seconds=second))
        found.append(keeper.reckoned(ledger.journal, TODAY).at)
    assert sorted({round((at - NOON).total_seconds()) for at in found}) == reckoned_at_s
    today[0] = date(2026, 3, 2)
    assert keeper.reckoned(ledger.journal, today[0]).report.today == today[0], "another day is reckoned at once"
