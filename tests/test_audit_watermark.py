"""How far the log has come is known outside its database, soon after each commit."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from audit.heads import FileHeads, HeadsFault, Kept
from audit.watermark import Watermark
from ledger.journal import Head


def head(size: int) -> Head:
    return Head("o", "CNY", 2, "Asia/Shanghai", size, bytes([size]) * 32, datetime(2026, 1, 1, tzinfo=UTC))


def kept(folder: Path) -> int:
    found = FileHeads(folder, "o").read()
    return found.size if found else 0


def test_the_first_commit_is_noted_at_once_and_the_next_within_a_second(tmp_path: Path) -> None:
    with Watermark(partial(FileHeads, tmp_path)) as note:
        note(head(3))
        assert kept(tmp_path) == 3
        note(head(4))
        note(head(7))
        assert kept(tmp_path) == 3
        deadline = time.monotonic() + 20
        while kept(tmp_path) != 7 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert kept(tmp_path) == 7


def test_a_commit_does_not_wait_while_an_earlier_one_is_noted(tmp_path: Path) -> None:
    heads, slow, go = FileHeads(tmp_path, "o"), threading.Event(), threading.Event()

    def heads_of(origin: str) -> FileHeads:
        slow.set()
        assert go.wait(20), "the disk is as slow as that"
        return heads

    with Watermark(heads_of, monotonic=lambda: 5.0) as note, ThreadPoolExecutor(1) as disk:
        noting = disk.submit(note, head(3))
        assert slow.wait(20)
        note(head(4))  # or this would wait for good
        assert not noting.done()
        go.set()
    assert kept(tmp_path) == 4


def test_the_end_of_the_process_leaves_nothing_unnoted(tmp_path: Path) -> None:
    with Watermark(partial(FileHeads, tmp_path)) as note:
        note(head(3))
        note(head(4))
    assert kept(tmp_path) == 4


def test_what_is_noted_never_goes_back_and_keeps_what_was_signed(tmp_path: Path) -> None:
    heads = FileHeads(tmp_path, "o")
    heads.swap(None, Kept("o", 9, "00", "note"))
    with Watermark(lambda origin: heads) as note:
        note(head(5))
    assert heads.read() == Kept("o", 9, "00", "note")
    with Watermark(lambda origin: heads) as note:
        note(head(12))
    assert heads.read() == Kept("o", 12, (bytes([12]) * 32).hex(), "note")


def test_a_store_that_fails_stops_the_next_commit(tmp_path: Path) -> None:
    folder = tmp_path / "heads"
    note = Watermark(partial(FileHeads, folder), monotonic=lambda: 0.0)
    note(head(1))
    folder.joinpath("o.json").write_text("broken")
    note(head(2))
    note._late()
    with pytest.raises(HeadsFault):
        note(head(3))
    folder.joinpath("o.json").unlink()
    note.flush()
    assert kept(folder) == 3, "what could not be noted is noted once it can be"
