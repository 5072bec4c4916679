"""The log's key changes at one size, signed by both keys; wherever a change is cut off, the next run goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ORIGIN, SIGNER, Ledger
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from test_audit_log import Bench
from test_ledger_keys import rotation

import audit.rotation
from audit.checkpoint import BadNote, Checkpoint, KeySigner, Note, Signer, Verifier, open_checkpoint
from audit.heads import FileHeads, Kept
from audit.keys import HeldKeys, KeyHistory, LogKeyFault
from audit.log import Log, LogFault, SignedMeanwhile
from audit.rotation import rotate
from ledger.errors import OperatorFault
from ledger.writing import Writer

NEW = KeySigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"n" * 32))


class Offline(OperatorFault):
    """The key service does not answer."""

    code = "kms"
    zh = "密钥服务没有应答"
    en = "the key service does not answer"


class KeyService:
    """A key management service: it makes keys, signs and puts them away, keeps a journal, and is not always there."""

    def __init__(self) -> None:
        self.keys = {SIGNER.verifier: SIGNER}
        self.away: set[Verifier] = set()
        self.signed: list[tuple[Verifier, bytes]] = []
        self.online = True
        self.spoils = False

    def signer(self, key: Verifier) -> Signer:
        if not self.online:
            raise Offline()
        if key not in self.keys:
            raise LogKeyFault(key=key, reason="unknown", reason_zh="不存在")
        return RemoteSigner(self, key)

    def make(self, used: Any) -> Verifier:
        for key in self.keys:
            if key not in used and key not in self.away:
                return key
        number = len(self.keys)
        made = KeySigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))
        self.keys[made.verifier] = made
        return made.verifier

    def retire(self, key: Verifier) -> bool:
        new = key not in self.away
        self.away.add(key)
        return new

    def sizes(self, key: Verifier) -> list[int]:
        """The sizes of heads that a key signed, one after the other."""
        return [Checkpoint.parse(text).size for who, text in self.signed if who == key and text.startswith(b"ledger.")]


class RemoteSigner:
    """One key of the service."""

    def __init__(self, service: KeyService, key: Verifier) -> None:
        self._service, self.verifier = service, key

    def sign(self, text: bytes) -> bytes:
        if not self._service.online:
            raise Offline()
        assert self.verifier not in self._service.away, "a key that was put away is never asked to sign"
        self._service.signed.append((self.verifier, text))
        return bytes(64) if self._service.spoils else self._service.keys[self.verifier].sign(text)


class Desk(Bench):
    """A ledger whose log's keys are in a key service."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        super().__init__(ledger, folder)
        self.service = KeyService()
        self.log = Log(ledger.journal, self.folder, self.heads, self.service)

    def rotate(self) -> audit.rotation.Rotation:
        return rotate(self.log, self.ledger.writer, self.service)

    def note(self, size: int) -> Note:
        """What was shown of that size."""
        return Note.parse((self.folder / "checkpoints" / str(size)).read_bytes())

    def signers(self, size: int) -> list[Verifier]:
        """Who signed that size."""
        return self.note(size).signers(self.service.keys)

    def expect_changed(self, size: int, old: Verifier, new: Verifier) -> None:
        """The key changed at that size, and the log is signed as it is."""
        assert self.signers(size) == [old, new]
        head = self.log.publish()
        assert head.size == self.ledger.journal.entries.head().size
        assert self.signers(head.size) == ([old, new] if head.size == size else [new])
        assert head.root == self.root(head.size)
        assert self.note(size).text == Checkpoint(ORIGIN, size, self.root(size)).text()


@pytest.fixture
def desk(ledger: Ledger, tmp_path: Path) -> Desk:
    return Desk(ledger, tmp_path)


def test_the_size_of_the_change_is_signed_by_both_and_larger_ones_by_the_new_key_alone(desk: Desk) -> None:
    desk.give(3)
    desk.log.publish()
    done = desk.rotate()
    assert (done.seq, done.resumed) == (6, False)
    assert desk.signers(6) == [SIGNER.verifier]
    assert desk.signers(7) == [SIGNER.verifier, done.key]
    desk.give(2)
    assert desk.log.publish().size == 9
    assert desk.signers(9) == [done.key]
    assert desk.log.verifier == done.key
    assert SIGNER.verifier in desk.service.away


def test_an_entry_that_comes_behind_the_change_does_not_let_the_log_pass_over_it(desk: Desk) -> None:
    desk.give(2)
    desk.log.publish()
    desk.service.keys[NEW.verifier] = NEW
    desk.ledger.writer.submit(rotation(NEW))
    desk.give(600)
    assert desk.log.publish().size == 606
    assert desk.service.sizes(SIGNER.verifier) == [5, 6]
    assert desk.service.sizes(NEW.verifier) == [6, 606]
    desk.expect_changed(6, SIGNER.verifier, NEW.verifier)


def test_several_changes_between_two_heads_are_all_signed(desk: Desk) -> None:
    keys = [KeySigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in (7, 8, 9)]
    for n, key in enumerate(keys):
        desk.service.keys[key.verifier] = key
        desk.ledger.writer.submit(rotation(key, key=f"r{n}"))
        if n:
            desk.give(1)
    desk.log.publish()
    names = [SIGNER.verifier, *(key.verifier for key in keys)]
    assert [desk.signers(size) for size in (3, 4, 7, 8)] == [names[:2], names[1:3], names[2:4], names[3:]]


def test_a_second_change_follows_the_first(desk: Desk) -> None:
    first = desk.rotate()
    second = desk.rotate()
    assert (first.resumed, second.resumed) == (False, False)
    assert first.key != second.key
    desk.expect_changed(second.seq + 1, first.key, second.key)


def killed(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


def then_killed(real: Callable[..., Any], calls: int = 1) -> Callable[..., Any]:
    """Does what it should so many times, and is killed right after."""
    left = iter(range(calls - 1))

    def call(*args: Any, **options: Any) -> Any:
        result = real(*args, **options)
        if next(left, None) is None:
            raise KeyboardInterrupt
        return result

    return call


CUTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "before the key is made": lambda patch: patch.setattr(KeyService, "make", killed),
    "after the key is made": lambda patch: patch.setattr(KeyService, "make", then_killed(KeyService.make)),
    "before the entry": lambda patch: patch.setattr(Writer, "submit", killed),
    "after the entry": lambda patch: patch.setattr(Writer, "submit", then_killed(Writer.submit)),
    "before the second signature": lambda patch: patch.setattr(
        RemoteSigner, "sign", then_killed(RemoteSigner.sign, calls=3)
    ),
    "after both signatures": lambda patch: patch.setattr(RemoteSigner, "sign", then_killed(RemoteSigner.sign, calls=4)),
    "before the swap": lambda patch: patch.setattr(Log, "_root_of_tiles", then_killed(Log._root_of_tiles, calls=2)),
    "after the swap": lambda patch: patch.setattr(FileHeads, "swap", then_killed(FileHeads.swap, calls=2)),
    "after it is shown": lambda patch: patch.setattr(Log, "_show", then_killed(Log._show, calls=4)),
    "before the old key is put away": lambda patch: patch.setattr(KeyService, "retire", killed),
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("meanwhile", [0, 300])
def test_cut_off_anywhere_the_change_is_ended_by_the_next_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, cut: str, meanwhile: int
) -> None:
    desk.give(10)
    CUTS[cut](monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        desk.rotate()
    monkeypatch.undo()
    if meanwhile:
        desk.give(meanwhile)
    done = desk.rotate()
    assert len(desk.log.history().changes) == 2, "cut off and taken up, it is one change"
    assert desk.log.history().keys == (SIGNER.verifier, done.key)
    desk.expect_changed(done.seq + 1, SIGNER.verifier, done.key)
    assert desk.service.away == {SIGNER.verifier}
    assert not desk.rotate().resumed


@pytest.mark.parametrize("cut", ["after the entry", "before the second signature", "after the swap"])
def test_whoever_signs_next_goes_on_with_a_change_that_was_cut_off(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    desk.give(10)
    CUTS[cut](monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        desk.rotate()
    monkeypatch.undo()
    desk.give(5)
    desk.log.publish()
    desk.expect_changed(14, SIGNER.verifier, desk.log.verifier)


def test_a_service_that_is_away_or_signs_wrongly_stops_the_log_and_spoils_nothing(desk: Desk) -> None:
    before = desk.log.publish()
    desk.give(4)
    desk.service.online = False
    with pytest.raises(Offline):
        desk.log.publish()
    desk.service.online, desk.service.spoils = True, True
    with pytest.raises(LogFault, match="what was signed is not signed"):
        desk.log.publish()
    assert desk.shown() == desk.log.checkpoint() == before
    desk.service.spoils = False
    assert desk.log.publish().size == 7


def test_a_change_to_a_key_that_is_lost_stops_the_log_before_its_size(desk: Desk) -> None:
    desk.give(1)
    before = desk.log.publish()
    desk.ledger.writer.submit(rotation(NEW))
    with pytest.raises(LogKeyFault, match="unknown"):
        desk.log.publish()
    assert desk.log.checkpoint() == before
    desk.service.keys[NEW.verifier] = NEW
    assert desk.log.publish().size == 5


def test_the_old_key_alone_signs_nothing_from_the_change_on(desk: Desk) -> None:
    desk.rotate()
    desk.give(1)
    desk.log.publish()
    history = desk.log.history()
    for size in (3, 4, 9):
        forged = Checkpoint(ORIGIN, size, bytes(32)).signed(SIGNER)
        with pytest.raises(BadNote, match="not both keys" if size == 3 else "no known key"):
            history.open(forged, ORIGIN)
    assert history.open(Checkpoint(ORIGIN, 2, bytes(32)).signed(SIGNER), ORIGIN).size == 2
    with pytest.raises(BadNote, match="no known key"):
        history.open(Checkpoint(ORIGIN, 2, bytes(32)).signed(desk.service.keys[history.keys[1]]), ORIGIN)


def test_a_change_that_the_rows_hide_is_seen_in_the_entries(desk: Desk) -> None:
    desk.log.publish()
    desk.service.keys[NEW.verifier] = NEW
    desk.ledger.writer.submit(rotation(NEW))
    desk.as_owner("update entry set type = 'CodeDefined' where seq = 2")
    with pytest.raises(LogFault, match="entry 2 changes the log's key"):
        desk.log.publish()
    desk.as_owner(
        "update entry set type = 'KeyRotated' where seq in (1, 2)",
        "update entry set stream = 'ledger/main', version = 9 where seq = 1",
    )
    with pytest.raises(LogFault, match="entry 1 names no key, and its row says it does"):
        desk.log.publish()


def test_of_two_that_sign_while_the_key_changes_the_change_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.give(3)
    publish, tries = Log.publish, iter(range(3))

    def contested(log: Log) -> Checkpoint:
        if next(tries, None) is not None:
            raise SignedMeanwhile(reason="another")
        return publish(log)

    monkeypatch.setattr(Log, "publish", contested)
    done = desk.rotate()
    monkeypatch.undo()
    desk.expect_changed(done.seq + 1, SIGNER.verifier, done.key)


def test_which_keys_sign_which_size() -> None:
    a, b, c = (Verifier(ORIGIN, bytes([n]) * 32) for n in range(3))
    history = KeyHistory(((0, a), (5, b), (6, c)))
    assert [history.of(size) for size in (1, 4, 5, 6, 7, 10**9)] == [(a,), (a,), (a, b), (b, c), (c,), (c,)]
    assert [history.next_stop(signed, 9) for signed in (0, 4, 5, 6, 8)] == [5, 5, 6, 9, 9]
    assert history.next_stop(0, 3) == 3


def test_who_knows_only_the_old_key_is_led_to_the_new_one(desk: Desk) -> None:
    done = desk.rotate()
    both = (desk.folder / "checkpoints" / str(done.seq + 1)).read_bytes()
    for key in (SIGNER.verifier, done.key):
        assert open_checkpoint(both, ORIGIN, [key]).size == done.seq + 1


def test_keys_at_hand_are_kept_as_any_keeper_does() -> None:
    held = HeldKeys(SIGNER, NEW)
    assert held.make({SIGNER.verifier}) == NEW.verifier
    assert held.signer(NEW.verifier) is NEW
    assert [held.retire(NEW.verifier), held.retire(NEW.verifier)] == [True, False]
    with pytest.raises(LogKeyFault):
        held.signer(NEW.verifier)
    with pytest.raises(LogKeyFault, match="no further key"):
        held.make({SIGNER.verifier})


def test_heads_that_were_kept_by_another_are_not_taken_over(desk: Desk) -> None:
    desk.log.publish()
    kept = desk.heads.read()
    assert kept is not None
    assert desk.heads.swap(
        kept, Kept(ORIGIN, kept.size, kept.leaf, Checkpoint(ORIGIN, 2, bytes(32)).signed(NEW).decode())
    )
    with pytest.raises(LogFault, match="no known key"):
        desk.rotate()
    assert desk.ledger.journal.entries.head().size == 2
