"""The writer against the reference model, and the laws of the money on what it wrote, as of every date and entry.

Each history is told by a seed: the same ones in every run, drawn anew when FENHAO_TEST_SCALE is above 1 (so many times
as many) or FENHAO_TEST_HOURS is set (for so long: `make soak`). FENHAO_TEST_SEED tells one again.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from itertools import count
from random import SystemRandom

import model_rules as rules
import pytest
from conftest import SCALE
from histories import TALLY, Tally, check_history, told
from model import RULES
from model_state import Command, Plan, State

from ledger.journal import Journal

HOURS = float(os.environ.get("FENHAO_TEST_HOURS", "0"))
SEED = os.environ.get("FENHAO_TEST_SEED")
PER_TEST = 10
"""Histories; all tests together come to 20,000 steps and more."""
CODES = {
    *("already_attributed", "already_recorded", "approval_needed", "bad_value", "bill_exceeded", "cannot_reverse"),
    *("case_closed", "case_open", "duplicate_business_key", "future_date", "idempotency_conflict"),
    *("more_than_stands", "not_enough_money", "not_refundable", "not_standing", "person_in_open_case"),
    *("ranges_elsewhere", "reached_later", "terms_forbid", "unknown_code", "unknown_reference"),
}
"""Every reason for which a command is refused, but for tapes longer than any test can make them."""
FIRST_SEED = 0 if SCALE == 1 and not HOURS else SystemRandom().randrange(10**9)


def shares() -> list[Iterable[int]]:
    """The seeds of each test."""
    if SEED is not None:
        return [[int(SEED)]]
    if HOURS:
        return [until_late()]
    return [range(first, first + PER_TEST) for first in range(FIRST_SEED, FIRST_SEED + 120 * SCALE, PER_TEST)]


def until_late() -> Iterator[int]:
    """Seeds for as long as was asked, with a line a minute on how far it is."""
    begun, said = time.monotonic(), 0
    for seed in count(FIRST_SEED):
        minutes = int(time.monotonic() - begun) // 60
        if minutes >= HOURS * 60:
            return
        if minutes > said:
            said = minutes
            print(next(TALLY.lines()), flush=True)
        yield seed


# Processes that share the tests must know them by the same names, so seeds that each draws anew are not in them.
@pytest.mark.parametrize("seeds", shares(), ids=(f"share-{number}" for number in count()))
def test_all_is_as_the_model_says_and_the_laws_hold_at_every_step(journal: Journal, seeds: Iterable[int]) -> None:
    for seed in seeds:
        check_history(journal, seed)


@pytest.mark.parametrize("server_url", ["debian"], indirect=True)
def test_it_is_so_on_the_systems_own_server(journal: Journal) -> None:
    for seed in range(1_000, 1_004):
        check_history(journal, seed)


def test_a_disagreement_is_cut_down_to_the_commands_that_matter(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strict(state: State, command: Command, why: set[str]) -> Plan:
        if command["amount"] > 5:
            why.add("not_enough_money")
        return rules.make_allocation(state, command, why)

    monkeypatch.setitem(RULES, "make_allocation", strict)
    with pytest.raises(AssertionError) as failure:
        check_history(journal, 0, Tally())
    said = str(failure.value)
    assert re.search(r"^seed 0, two persons from None: Disagreement\n  outcome\n", said), said
    assert said.count("'do'") <= 12, said
    assert "'do': 'make_allocation'" in said.splitlines()[-1]


def test_random_commands_reach_every_rule() -> None:
    tally = Tally()
    for seed in range(40):
        for batch in told(seed):
            for each in zip(batch.commands, batch.expected, strict=True):
                tally.count(*each)
    assert tally.accepted.keys() == RULES.keys()
    assert min(tally.accepted.values()) >= 36, tally.accepted
    assert min(tally.refused[verb] for verb in RULES) >= 6, tally.refused
    assert tally.codes.keys() == CODES
    assert tally.refused.total() < tally.steps / 3
