"""A history is judged the same wherever its chunks end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from test_audit_verify import long_story
from test_audit_verify_chain import Data, chained, check

from audit import verify


def another_origin(entries: list[Data]) -> None:
    for entry in entries[20:]:
        entry["origin"] = "x"


def very_many_flaws(entries: list[Data]) -> None:
    for entry in entries[20:32]:
        entry["data"]["fund"] = "none"
    for entry in entries[32:50]:
        entry["stream"] = "donation/other"


def a_time_that_goes_back_behind_what_cannot_be_read(entries: list[Data]) -> None:
    entries[32]["v"] = 2
    entries[33]["at"] = entries[0]["at"]


def a_time_that_goes_back_and_a_flaw_besides(entries: list[Data]) -> None:
    entries[32]["at"] = entries[0]["at"]
    entries[32]["data"]["amount"] = "x"


def an_entry_put_in(entries: list[Data]) -> None:
    entries[31]["data"]["fund"] = "none"


@pytest.mark.parametrize(
    "spoil",
    [
        another_origin,
        very_many_flaws,
        a_time_that_goes_back_behind_what_cannot_be_read,
        a_time_that_goes_back_and_a_flaw_besides,
        an_entry_put_in,
    ],
)
def test_where_a_chunk_ends_changes_nothing(
    spoil: Callable[[list[Data]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "MAX_PROBLEMS", 4)
    entries = long_story(60)
    sound = chained(entries)
    spoil(entries)
    chain = chained(entries)
    if spoil is an_entry_put_in:
        chain = [*sound[:31], chain[31], *sound[31:]]
    expected = check(chain).as_json()
    assert expected["problems"]
    for entries_a_chunk in (1, 16, 33):
        assert check(chain, way=verify.Way(entries=entries_a_chunk)).as_json() == expected, entries_a_chunk


def test_a_chunk_of_many_batches_that_break_laws_is_read_singly_once(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = long_story(60)
    for at in range(10, 60, 4):
        entries[at]["data"]["fund"], entries[at + 1]["data"]["by"] = "none", "张"
    chain, read = chained(entries), []

    def counted(*arguments: Any, **options: Any) -> tuple[Any, ...]:
        read.append(options)
        return read_chunk(*arguments, **options)

    read_chunk = verify.read_chunk
    monkeypatch.setattr(verify, "read_chunk", counted)
    report = check(chain, way=verify.Way(read=read_chunk))
    assert len(report.problems) == len(range(10, 60, 4))
    assert read == [{"express": False}]
