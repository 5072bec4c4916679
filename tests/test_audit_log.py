"""The log signs what it hashed itself, only ever forward, and goes on from wherever a crash left it."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import ORIGIN, SIGNER, Ledger, every_server
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import Checkpoint, KeySigner, open_checkpoint
from audit.heads import FileHeads, HeadsFault, Kept
from audit.keys import HeldKeys
from audit.log import HistoryLost, Log, LogFault, check_history
from audit.merkle import Frontier, check_consistency, check_inclusion, leaf_hash, prove_consistency, prove_inclusion
from audit.tiles import Tiles
from ledger.decisions import OpenFund, ReceiveDonation

DAY = date(2026, 1, 2)


class Bench:
    """A ledger with its log in a folder, and heads in another."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger = ledger
        self.folder = folder / "log"
        self.heads = FileHeads(folder / "heads", ORIGIN)
        self.log = Log(ledger.journal, self.folder, self.heads, HeldKeys(SIGNER))
        self.gifts = 0
        ledger.writer.submit(OpenFund(key="F", fund="F", name="基金"))

    def give(self, count: int) -> None:
        """Records so many gifts."""
        numbers = range(self.gifts, self.gifts + count)
        self.ledger.writer.submit_batch(
            [ReceiveDonation(key=f"D{n}", donation=f"D{n}", fund="F", amount=1 + n, on=DAY) for n in numbers]
        )
        self.gifts += count

    def bodies(self) -> list[bytes]:
        """All entries."""
        with self.ledger.journal.entries.reading() as cursor:
            return [body for (body,) in cursor.execute("select body from entry order by seq").fetchall()]

    def root(self, size: int) -> bytes:
        """The root over the first entries, worked out anew."""
        tree = Frontier()
        for body in self.bodies()[:size]:
            tree.append(leaf_hash(body))
        return tree.root()

    def as_owner(self, *statements: str) -> None:
        """What somebody with the owner's password does, guards off."""
        with self.ledger.database.owner() as owner, owner.transaction():
            owner.execute("set local session_replication_role = replica")
            for statement in statements:
                owner.execute(statement)

    def shown(self) -> Checkpoint:
        """What everybody sees."""
        return open_checkpoint((self.folder / "checkpoint").read_bytes(), ORIGIN, [SIGNER.verifier])


@pytest.fixture
def bench(ledger: Ledger, tmp_path: Path) -> Bench:
    return Bench(ledger, tmp_path)


@every_server
def test_each_head_is_of_all_entries_and_continues_the_one_before(bench: Bench) -> None:
    heads, rests = [], list[int]()
    for count in (1, 300, 0, 700):
        bench.give(count) if count else None
        heads.append(bench.log.publish(rest=partial(rests.append, count)))
        assert bench.shown() == heads[-1]
    assert [head.size for head in heads] == [4, 304, 304, 1004]
    assert rests == [300] * 3 + [700] * 6, "each time that 256 were read, put in a tile, and taken into the tree"
    reader = Tiles(bench.folder).reader(1004)
    for head in heads:
        assert head.root == bench.root(head.size)
        proof = prove_consistency(head.size, 1004, reader)
        check_consistency(head.size, 1004, head.root, heads[-1].root, proof)
    check_inclusion(17, 1004, leaf_hash(bench.bodies()[17]), prove_inclusion(17, 1004, reader), heads[-1].root)
    assert bench.log.checkpoint() == heads[-1]


def test_a_restored_backup_is_refused(bench: Bench) -> None:
    bench.give(5)
    bench.log.publish()
    bench.as_owner(
        "delete from entry where seq >= 4",
        "update head set size = 4, leaf = (select leaf from entry where seq = 3)",
    )
    with pytest.raises(HistoryLost, match="it has 4 entries and had 8"):
        bench.log.publish()
    with pytest.raises(HistoryLost):
        check_history(bench.ledger.journal, bench.heads.read())


def test_entries_that_were_seen_and_not_yet_signed_are_missed_too(bench: Bench) -> None:
    bench.give(2)
    kept = bench.heads.read()
    head = bench.ledger.journal.entries.head()
    assert bench.heads.swap(kept, Kept(ORIGIN).grown(head.size + 1, bytes(32)))
    with pytest.raises(HistoryLost):
        bench.log.publish()


def test_another_history_of_the_same_length_is_refused(bench: Bench) -> None:
    bench.give(3)
    bench.log.publish()
    bench.as_owner(
        "update entry set body = convert_to(replace(convert_from(body, 'UTF8'), 'D2', 'D9'), 'UTF8') where seq = 5"
    )
    with pytest.raises(HistoryLost, match="entry 5 is another"):
        bench.log.publish()


def test_a_changed_entry_among_the_new_ones_is_never_signed(bench: Bench) -> None:
    bench.give(1)
    bench.log.publish()
    bench.give(9)
    bench.as_owner(
        "update entry set body = convert_to(replace(convert_from(body, 'UTF8'), 'D4', 'D8'), 'UTF8') where seq = 7"
    )
    with pytest.raises(LogFault, match="the chain is broken at entry 8"):
        bench.log.publish()
    assert bench.shown().size == 4


def test_a_missing_entry_among_the_new_ones_is_named(bench: Bench) -> None:
    bench.log.publish()
    bench.give(4)
    bench.as_owner("delete from entry where seq = 4")
    with pytest.raises(LogFault, match="entry 4"):
        bench.log.publish()


def test_a_rewritten_head_row_is_refused(bench: Bench) -> None:
    bench.give(4)
    bench.as_owner("update head set leaf = sha256('x')")
    with pytest.raises(LogFault, match="do not lead to the head"):
        bench.log.publish()


def test_changed_tiles_are_refused(bench: Bench) -> None:
    bench.give(300)
    bench.log.publish()
    tile = bench.folder / "tile/0/000"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    upper = bench.folder / "tile/1/000.p/1"
    upper.write_bytes(bytes(32))
    bench.give(1)
    with pytest.raises(LogFault, match="do not come to the root that was signed"):
        bench.log.publish()


def test_a_head_that_another_key_signed_is_refused(bench: Bench) -> None:
    bench.give(1)
    head = bench.log.publish()
    other = KeySigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"z" * 32))
    kept = bench.heads.read()
    assert kept is not None
    assert bench.heads.swap(kept, replace(kept, checkpoint=head.signed(other).decode()))
    with pytest.raises(LogFault, match="no known key"):
        bench.log.publish()


def test_of_two_that_sign_at_once_one_has_the_right_of_way(bench: Bench) -> None:
    bench.give(1)
    bench.log.publish()
    bench.give(5)

    class Slow(FileHeads):
        """Lets another sign between reading and swapping."""

        def swap(self, before: Kept | None, after: Kept) -> bool:
            if not done:
                done.append(Log(bench.ledger.journal, bench.folder, bench.heads, HeldKeys(SIGNER)).publish())
            return super().swap(before, after)

    done: list[Checkpoint] = []
    with pytest.raises(LogFault, match="another process signed"):
        Log(bench.ledger.journal, bench.folder, Slow(bench.folder.parent / "heads", ORIGIN), HeldKeys(SIGNER)).publish()
    assert bench.shown() == done[0]


def test_entries_noted_meanwhile_do_not_keep_a_head_from_being_signed(bench: Bench) -> None:
    bench.give(1)

    class Noted(FileHeads):
        """A writer notes how far it has come between reading and swapping."""

        def swap(self, before: Kept | None, after: Kept) -> bool:
            if len(noted) == 0:
                noted.append(1)
                bench.give(3)
                head = bench.ledger.journal.entries.head()
                assert bench.heads.swap(before, replace(before or Kept(ORIGIN), size=head.size, leaf=head.leaf.hex()))
            return super().swap(before, after)

    noted: list[int] = []
    log = Log(bench.ledger.journal, bench.folder, Noted(bench.folder.parent / "heads", ORIGIN), HeldKeys(SIGNER))
    assert log.publish().size == 4
    kept = bench.heads.read()
    assert kept is not None
    assert kept.size == 7
    assert log.publish().size == 7


@pytest.mark.parametrize("at", ["tiles", "root", "sign", "swap", "show"])
def test_after_a_crash_anywhere_the_next_run_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    bench.give(200)
    before = bench.log.publish()
    bench.give(500)

    def crash(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    class After(FileHeads):
        """Swaps, and is killed."""

        def swap(self, before: Kept | None, after: Kept) -> bool:
            super().swap(before, after)
            raise KeyboardInterrupt

    log = bench.log
    match at:
        case "tiles":
            original = Tiles._write
            count = iter(range(3))
            monkeypatch.setattr(
                Tiles, "_write", lambda *args: original(*args) if next(count, None) is not None else crash()
            )
        case "root":
            monkeypatch.setattr(Log, "_root_of_tiles", crash)
        case "sign":
            monkeypatch.setattr(KeySigner, "sign", crash)
        case "swap":
            log = Log(
                bench.ledger.journal, bench.folder, After(bench.folder.parent / "heads", ORIGIN), HeldKeys(SIGNER)
            )
        case "show":
            monkeypatch.setattr(Log, "_show", crash)
    with pytest.raises(KeyboardInterrupt):
        log.publish()
    monkeypatch.undo()
    assert bench.shown() == before
    after = bench.log.publish()
    assert after == bench.shown() == Checkpoint(ORIGIN, 703, bench.root(703))


def test_heads_are_swapped_by_one_at_a_time(tmp_path: Path) -> None:
    heads = [FileHeads(tmp_path, "o/1") for _ in range(4)]
    assert heads[0].read() is None
    won: list[int] = []

    def race(which: int) -> None:
        for n in range(50):
            before = heads[which].read()
            if heads[which].swap(before, Kept("o/1", size=(before.size if before else 0) + 1, leaf=f"{which}{n}")):
                won.append(which)

    threads = [threading.Thread(target=race, args=(which,)) for which in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = heads[0].read()
    assert last is not None
    assert last.size == len(won)
    assert (tmp_path / "o%2F1.json").stat().st_mode & 0o077 == 0


def test_heads_that_cannot_be_read_are_one_clear_fault(tmp_path: Path) -> None:
    heads = FileHeads(tmp_path, "o")
    heads.swap(None, Kept("o"))
    (tmp_path / "o.json").write_text(json.dumps({"origin": 1}))
    with pytest.raises(HeadsFault, match="cannot be used"):
        heads.read()
    shutil.rmtree(tmp_path)
    tmp_path.write_text("a file")
    with pytest.raises(HeadsFault):
        heads.swap(None, Kept("o"))
