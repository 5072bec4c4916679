"""Laws of the made-up year: the same seed tells the same, every command is accepted, and nothing happens too early."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import chain, pairwise

import pytest
from conftest import Ledger
from msgspec.structs import replace

from api.demo.year import demo_year
from ledger import decisions
from ledger.decisions import AmendCase, AttributeDonation, Command, ReceiveDonation, ReopenCase
from ledger.errors import Refusal
from projections.runner import Runner
from reports.verification import verify_ledger

TODAY = date(2026, 3, 14)


def commands(donations: int, seed: int, today: date = TODAY) -> list[Command]:
    return list(chain.from_iterable(demo_year(donations, seed, today, 0)))


@pytest.mark.parametrize("seed", range(1, 7))
def test_every_command_is_accepted(ledger_with_codes: Ledger, seed: int) -> None:
    journal, writer = ledger_with_codes.journal, ledger_with_codes.writer
    for batch in demo_year(400, seed, TODAY, journal.entries.head().size, named=False):
        outcomes = zip(batch, writer.submit_batch(batch), strict=True)
        assert [(command, outcome) for command, outcome in outcomes if isinstance(outcome, Refusal)] == []
    runner = Runner(journal)
    runner.catch_up()
    assert verify_ledger(journal, runner).ok


def test_the_same_seed_tells_the_same_and_another_another() -> None:
    assert commands(500, 7) == commands(500, 7)
    assert commands(500, 7) != commands(500, 8)


def test_names_change_nothing_else() -> None:
    unnamed = list(chain.from_iterable(demo_year(500, 7, TODAY, 0, named=False)))
    assert unnamed == [replace(command, personal=()) for command in commands(500, 7)]
    assert any(command.personal for command in commands(500, 7))


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2026, 3, 1), date(2028, 2, 29), date(2026, 12, 31)], ids=str)
def test_the_year_is_the_twelve_whole_months_before_and_never_goes_back(today: date) -> None:
    days = [command.on for command in commands(500, 1, today) if command.on is not None]
    first = today.replace(year=today.year - 1, day=1)
    assert first == days[0]
    assert days[-1] < today.replace(day=1)
    assert all(one <= other for one, other in pairwise(days))


def test_there_are_as_many_small_gifts_as_asked_for_and_every_tenth_on_one_day() -> None:
    gifts = [command for command in commands(3_000, 1) if isinstance(command, ReceiveDonation)]
    small = Counter(gift.on for gift in gifts if (gift.channel_txn or "").startswith(("WE", "AL")))
    assert abs(sum(small.values()) - 3_000) <= 5
    [(day, count)] = small.most_common(1)
    assert day is not None
    assert (day.month, day.day) == (9, 9)
    assert 300 <= count <= 320
    mean = sum(gift.amount for gift in gifts if gift.channel in ("wechat", "alipay")) // sum(small.values())
    assert 1_500 < mean < 4_000


def test_even_a_small_year_has_every_movement_of_money() -> None:
    kinds = {getattr(decisions, name) for name in decisions.__all__ if isinstance(getattr(decisions, name), type)}
    moving = {kind for kind in kinds if issubclass(kind, Command) and kind.MOVES_MONEY}
    told = {type(command) for command in commands(20_000, 1)}
    assert moving <= told
    assert {AmendCase, ReopenCase, AttributeDonation} <= told
