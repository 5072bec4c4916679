"""What a keeper promises: nothing older than ten times what it takes to reckon, nor of another day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from reports.keeper import Keeper

NOON = datetime.fromisoformat("2026-03-01T12:00:00Z")
TODAY = date(2026, 3, 1)


@pytest.mark.parametrize(("takes_s", "reckoned_at_s"), [(0.5, [0, 1, 2, 30, 89]), (9.0, [0, 91]), (1.0, [0, 30, 89])])
def test_what_takes_long_is_kept_ten_times_as_long_and_its_time_is_told(
    takes_s: float, reckoned_at_s: list[int]
) -> None:
    now, keeper, found = [NOON], Keeper[datetime](), []

    def reckon() -> datetime:
        now[0] += timedelta(seconds=takes_s)
        return now[0]

    for second in (0, 1, 2, 30, 89, 91):
        if second == 91 and takes_s < 9:
            break
        now[0] = max(now[0], NOON + timedelta(seconds=second))
        told, at = keeper.reckoned(TODAY, lambda: now[0], reckon)
        assert told == at + timedelta(seconds=takes_s)
        found.append(at)
    assert sorted({round((at - NOON).total_seconds()) for at in found}) == reckoned_at_s
    asked_at = now[0]
    assert keeper.reckoned(date(2026, 3, 2), lambda: now[0], reckon).at == asked_at, "another day is reckoned at once"
