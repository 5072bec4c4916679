"""The log's signing hand: entries become leaves, tiles and a signed checkpoint, in one line of steps.

Nothing is signed that was not hashed anew, and nothing that does not continue what was signed before. Each step may be
cut off by a crash, and the next run goes on from what it left: tiles beyond the newest checkpoint are written again,
the same; a checkpoint that was kept and not yet shown is shown first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from msgspec import DecodeError

from audit.checkpoint import BadNote, Checkpoint, Note, Renamed, Verifier, signed_note
from audit.files import write_whole
from audit.heads import Heads, Kept
from audit.keys import KeyHistory, LogKeys
from audit.merkle import EMPTY_ROOT, Frontier, leaf_hash, prove_consistency, prove_inclusion, root
from audit.peers import Peers
from audit.policy import NONE, Peer, Policy
from audit.proof import BadReceipt, Continuation, Proof, Receipt
from audit.tiles import TileFault, Tiles, frontier
from ledger.codec import GENESIS, decode
from ledger.database import Cursor, queries
from ledger.errors import InputFault, LedgerError, OperatorFault
from ledger.journal import Head, Journal
from ledger.times import parse_utc

PAGE = 4_096
"""Entries read at a time: whole tiles."""
SLICE = 256
"""Entries hashed between two rests."""
SQL = queries("audit", "log.sql")
_KEY_ROTATED = b'"type":"KeyRotated"'
Progress = Callable[[int, int], None]
"""Told how many entries are done, of how many."""
Rest = Callable[[], None]
"""Called again and again while there is much to hash, for whoever is not to keep others waiting."""


def _no_rest() -> None:
    """For who is alone."""


class HistoryLost(OperatorFault):
    """The database is not the one whose heads are kept: behind (a restored backup), or with another history."""

    code = "history_lost"
    zh = (
        "数据库与外部保存的日志头不符：{reason_zh}。可能恢复了旧备份或历史被改动：请恢复正确的数据库；"
        "若已无法找回，请用 init --continues 以新名称另开账本"
    )
    en = (
        "the database does not agree with the heads kept outside it: {reason}. An old backup may have been restored, "
        "or history changed: restore the right database; if it is lost, open a new ledger with init --continues"
    )


class LogFault(OperatorFault):
    """The log cannot be signed as it is."""

    code = "log"
    zh = "日志无法签署：{reason}"
    en = "the log cannot be signed: {reason}"


class NotSigned(InputFault):
    """An entry that is not there, so no head is signed over it."""

    code = "not_signed"
    zh = "没有第 {seq} 号分录，无从签署"
    en = "no head is signed over entry {seq}: there is no such entry"


class NoSuchHead(InputFault):
    """A size at which this log was never signed."""

    code = "no_such_head"
    zh = "本账本没有 {size} 条分录的日志头"
    en = "this ledger has no signed head of {size} entries"


class ForkFound(LedgerError):
    """A head that the log's key signed and that is not of its history: evidence of a second one, or of a lost one."""

    is_evidence = True
    code = "fork_found"
    zh = "有签名的日志头（{size} 条分录）与本日志不是同一历史：{zh}。请保存该文件，并查明原因"
    en = "a signed head of {size} entries is not of this log's history: {reason}. Keep that file, and find out why"


def check_history(journal: Journal, kept: Kept | None) -> None:
    """Raises HistoryLost unless the database holds all that was there before, as far as its last leaf tells."""
    if kept is None or not kept.size:
        return
    size = journal.entries.head().size
    if size < kept.size:
        raise HistoryLost(
            reason=f"it has {size} entries and had {kept.size}", reason_zh=f"现有 {size} 条分录，曾有 {kept.size} 条"
        )
    with journal.entries.reading() as cursor:
        rows = cursor.execute(SQL["bodies"], (kept.size - 1, kept.size)).fetchall()
    if not rows or leaf_hash(rows[0][1]).hex() != kept.leaf:
        raise HistoryLost(
            reason=f"entry {kept.size - 1} is another than it was", reason_zh=f"第 {kept.size - 1} 号分录与从前不同"
        )


class SignedMeanwhile(LogFault):
    """Another process signed the log while this one was about to; nothing is lost, ask again."""


Openings = Mapping[int, Sequence[Mapping[str, str]]]
"""By entry, what opens its commitments."""
_NO_OPENINGS: Openings = MappingProxyType({})


class Newest(NamedTuple):
    """The newest head as it was signed, and taken apart, with the keys of its time and before."""

    note: bytes
    head: Checkpoint
    history: KeyHistory


class Log:
    """One ledger's log: its journal, the folder of its tiles, the heads kept outside, and who keeps its keys.

    With `peers`, witnesses, no head is shown, and no receipt given under it, before enough of them signed it.
    """

    def __init__(self, journal: Journal, folder: Path, heads: Heads, keys: LogKeys, peers: Peers | None = None) -> None:
        self._journal = journal
        self._folder = folder
        self._tiles = Tiles(folder)
        self._heads = heads
        self._keys = keys
        self._peers = peers
        self._looked_into: Newest | None = None

    def history(self) -> KeyHistory:
        """Whose signatures count, as the entries say. Raises LogFault."""
        with self._journal.entries.reading() as cursor:
            rows = cursor.execute(SQL["keys"]).fetchall()
        named = [_key_named(seq, body) for seq, body in rows]
        if not named or named[0][0] != 0:
            raise LogFault(reason="entry 0 names no key")
        return KeyHistory(tuple(named))

    def checkpoint(self) -> Checkpoint | None:
        """The newest that was signed; None before the first. Raises LogFault when what is kept is not signed by us."""
        kept = self._heads.read()
        return None if kept is None or not kept.checkpoint else self._opened(kept, self.history())

    @property
    def verifier(self) -> Verifier:
        """Whose signature counts on the next head."""
        return self.history().keys[-1]

    @property
    def policy(self) -> Policy:
        """What a reader of the newest head should ask for: the signature of its key, and those of its witnesses."""
        newest = self._newest()
        own = [Peer(newest.history.of(newest.head.size)[-1])]
        return Policy(own, quorum=NONE) if self._peers is None else replace(self._peers.policy, logs=own)

    def receipt(self, seq: int) -> Receipt:
        """The proof that entry `seq` is under the newest signed head. Raises LogFault when it is not, or not yet."""
        return self.receipts([seq])[0]

    def receipts(
        self, seqs: Sequence[int], openings: Openings = _NO_OPENINGS, under: Checkpoint | None = None
    ) -> list[Receipt]:
        """The same for several, all under one head, each with the openings of its commitments that are given.

        The head is the newest, or one that was shown before.
        """
        note, head, history = self._newest() if under is None else self._shown(under.size)
        last = max(seqs)
        if min(seqs) < 0 or last >= head.size:
            raise LogFault(reason=f"no head is signed over entry {last}; sign one (fenhao checkpoint)")
        with self._journal.entries.reading() as cursor:
            bodies = dict(cursor.execute(SQL["bodies_of"], (list(seqs),)).fetchall())
        read = self._tiles.reader(head.size)
        made = []
        for seq in seqs:
            if seq not in bodies:
                raise LogFault(reason=f"entry {seq} is missing")
            try:
                path = prove_inclusion(seq, head.size, read)
            except TileFault as fault:
                raise LogFault(reason=fault) from fault
            one = Receipt.make(Proof(seq, tuple(path), note), bodies[seq], openings.get(seq, ()))
            try:
                one.check(head.origin, history.of(head.size))
            except BadReceipt as fault:
                # What is about to be given away is checked as its reader will.
                raise LogFault(reason=f"entry {seq} is not the one that was signed: {fault}") from fault
            made.append(one)
        return made

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof (RFC 6962 §2.1.2) that the tree of `old` entries is a prefix of that of `new`; both are signed."""
        assert 0 <= old <= new
        try:
            return prove_consistency(old, new, self._tiles.reader(new))
        except TileFault as fault:
            raise LogFault(reason=fault) from fault

    def continuation(self, before: Checkpoint) -> Continuation:
        """The newest signed head with the proof that it continues one that somebody kept.

        Raises ForkFound when it does not: the log has two histories, or lost one; LogFault.
        """
        note, head, history = self._newest()
        if before.size > head.size:
            raise ForkFound(
                size=before.size, reason=f"only {head.size} are signed here", zh=f"此处只签署了 {head.size} 条"
            )
        made = Continuation(before.size, tuple(self.consistency(before.size, head.size)), note)
        try:
            made.check(before, history.of(head.size))
        except BadReceipt as fault:
            raise ForkFound(size=before.size, reason=fault, zh=fault) from fault
        return made

    def sign_beside(self, name: str, size: int, text: bytes) -> tuple[bytes, list[Verifier]]:
        """A note of another name over a text, signed by the keys in force at a size, which bear that name on it."""
        signers = [Renamed(name, self._keys.signer(key)) for key in self.history().of(size)]
        named = [signer.verifier for signer in signers]
        note = signed_note(text, signers)
        try:
            signed = Note.parse(note).signers(named)
        except BadNote as fault:
            raise LogFault(reason=f"what was signed is not signed: {fault}") from fault
        if len(signed) < len(named):
            raise LogFault(reason="what was signed is not signed by all keys in force")
        return note, named

    def recorded_at(self, seq: int) -> datetime:
        """The time that an entry says. Raises LogFault when it is not there."""
        with self._journal.entries.reading() as cursor:
            rows = cursor.execute(SQL["bodies"], (seq, seq + 1)).fetchall()
        if not rows:
            raise LogFault(reason=f"entry {seq} is missing")
        return parse_utc(decode(rows[0][1]).at)

    def _newest(self) -> Newest:
        """The newest head. Raises LogFault before the first, NoQuorum."""
        kept = self._heads.read()
        if kept is None or not kept.checkpoint:
            raise LogFault(reason="no head is signed yet; sign one (fenhao checkpoint)")
        note = kept.checkpoint.encode()
        # Once looked into, the same note says the same for good.
        if self._looked_into is None or self._looked_into.note != note:
            history = self.history()
            if self._peers is not None:
                self._peers.require_quorum(note)
            self._looked_into = Newest(note, self._opened(kept, history), history)
        return self._looked_into

    def head_of(self, size: int) -> Checkpoint:
        """The head of that size, which was shown. Raises NoSuchHead, LogFault."""
        return self._shown(size).head

    def _shown(self, size: int) -> Newest:
        """The same with its note. Raises NoSuchHead; LogFault for one that is not what the tiles come to."""
        try:
            note = (self._folder / "checkpoints" / str(size)).read_bytes()
        except FileNotFoundError:
            raise NoSuchHead(size=size) from None
        history = self.history()
        try:
            head = history.open(note, self._journal.entries.origin)
        except BadNote as fault:
            raise LogFault(reason=f"the head of {size} entries that was shown: {fault}") from fault
        if self._root_of_tiles(size) != head.root:
            raise LogFault(reason=f"the tiles do not come to the root of {size} entries that was signed")
        return Newest(note, head, history)

    def publish(self, progress: Progress = lambda done, size: None, rest: Rest = _no_rest) -> Checkpoint:
        """Signs the log as it is now, and lets it be seen; a size at which the key changes is signed on the way.

        Raises HistoryLost, LogFault, HeadsFault, and what the keeper of the keys raises.
        """
        check_history(self._journal, self._heads.read())
        head = self._journal.entries.head()
        assert head.origin is not None
        while True:
            kept = self._heads.read()
            history = self.history()  # after what was kept, so that it knows whose signature that bears
            before = Checkpoint(head.origin, 0, EMPTY_ROOT)
            if kept is not None and kept.checkpoint:
                before = self._opened(kept, history)
                # Signed before; a crash right after may have kept it from being witnessed, or seen.
                kept = self._attest(kept)
            if before.size >= head.size:
                return before
            self._sign(kept, before, history.next_stop(before.size, head.size), head, history, progress, rest)

    def _opened(self, kept: Kept, history: KeyHistory) -> Checkpoint:
        try:
            return history.open(kept.checkpoint.encode(), kept.origin)
        except BadNote as fault:
            raise LogFault(reason=f"the checkpoint that is kept: {fault}") from fault

    def _sign(
        self,
        kept: Kept | None,
        before: Checkpoint,
        size: int,
        head: Head,
        history: KeyHistory,
        progress: Progress,
        rest: Rest,
    ) -> None:
        """Signs the head of `size` entries, which is at most `head`, and lets it be seen."""
        tree = self._taken_up(before)
        leaf = b""
        # A crash in here leaves tiles that no checkpoint speaks of: the next run writes them again, the same.
        for leaves in self._leaves(before.size, size, history, rest):
            self._grow(tree, leaves, rest)
            leaf = leaves[-1]
            progress(tree.size, head.size)
        if size == head.size and leaf != head.leaf:
            raise LogFault(reason=f"the entries do not lead to the head of {head.size}")
        signed = Checkpoint(before.origin, size, tree.root())
        if self._root_of_tiles(size) != signed.root:
            raise LogFault(reason="the tiles do not come to the root of the entries")
        after = signed.signed(*(self._keys.signer(key) for key in history.of(size)))
        try:
            history.open(after, before.origin)
        except BadNote as fault:
            # Whoever keeps the keys is not taken at their word.
            raise LogFault(reason=f"what was signed is not signed: {fault}") from fault
        note = kept.checkpoint if kept is not None else ""
        # From the swap on this head is signed history; whoever signed another meanwhile has the right of way.
        while not self._heads.swap(
            kept, mine := replace((kept or Kept(before.origin)).grown(head.size, head.leaf), checkpoint=after.decode())
        ):
            kept = self._heads.read()
            if (kept.checkpoint if kept is not None else "") != note:
                raise SignedMeanwhile(reason="another process signed at the same moment; ask again")
        self._attest(mine)

    def _attest(self, kept: Kept) -> Kept:
        """Has the witnesses sign the head that is kept, if there are any, and lets it be seen; what is kept then.

        Raises NoQuorum.
        """
        if self._peers is not None:
            note = kept.checkpoint
            attested = self._peers.attest(note.encode(), self.consistency)
            while attested != note.encode():
                after = replace(kept, checkpoint=attested.decode())
                if self._heads.swap(kept, after):
                    kept = after
                    break
                again = self._heads.read()
                if again is None or again.checkpoint != note:
                    raise SignedMeanwhile(reason="another process signed at the same moment; ask again")
                kept = again
            self._peers.require_quorum(attested)
        self._show(kept.checkpoint)
        return kept

    def _taken_up(self, before: Checkpoint) -> Frontier:
        """The tree that was signed, from its tiles. Raises LogFault unless it has the root that was signed."""
        try:
            tree = Frontier(before.size, frontier(before.size, self._tiles.reader(before.size)))
        except TileFault as fault:
            raise LogFault(reason=fault) from fault
        if tree.root() != before.root:
            raise LogFault(reason=f"the tiles of {before.size} entries do not come to the root that was signed")
        return tree

    def _leaves(self, start: int, size: int, history: KeyHistory, rest: Rest) -> Iterator[list[bytes]]:
        """The leaf hashes of the entries from .. to, by the page, each hashed anew. Raises LogFault for a broken chain.

        And for a change of keys that the history, which is read from columns beside the entries, does not tell.
        """
        changes = {first - 1 for first, _ in history.changes}
        with self._journal.entries.reading() as cursor:
            prev = self._signed_leaf(cursor, start - 1) if start else GENESIS
            while start < size:
                end = min(start - start % PAGE + PAGE, size)
                leaves: list[bytes] = []
                for seq, body in cursor.execute(SQL["bodies"], (start, end)):
                    if seq != start + len(leaves) or _prev_of(body) != prev.hex().encode():
                        raise LogFault(reason=f"the chain is broken at entry {start + len(leaves)}")
                    if _KEY_ROTATED in body and decode(body).type == "KeyRotated" and seq not in changes:
                        raise LogFault(reason=f"entry {seq} changes the log's key, and its row says otherwise")
                    prev = leaf_hash(body)
                    leaves.append(prev)
                    if len(leaves) % SLICE == 0:
                        rest()
                if len(leaves) < end - start:
                    raise LogFault(reason=f"entry {start + len(leaves)} is missing")
                yield leaves
                start = end

    def _signed_leaf(self, cursor: Cursor, seq: int) -> bytes:
        """The leaf hash of the last entry that was signed, hashed anew. Raises LogFault unless it is as it was."""
        rows = cursor.execute(SQL["bodies"], (seq, seq + 1)).fetchall()
        leaf = leaf_hash(rows[0][1]) if rows else b""
        if leaf != self._tiles.reader(seq + 1)([(0, seq)])[0]:
            raise LogFault(reason=f"entry {seq} is not the one that was signed")
        return leaf

    def _grow(self, tree: Frontier, leaves: Sequence[bytes], rest: Rest) -> None:
        """Writes the tiles, and takes the leaves into the tree. Raises LogFault."""
        try:
            self._tiles.grow(tree.size, leaves, rest)
        except TileFault as fault:
            raise LogFault(reason=fault) from fault
        for leaf in leaves:
            tree.append(leaf)
            if tree.size % SLICE == 0:
                rest()

    def _root_of_tiles(self, size: int) -> bytes:
        try:
            return root(size, self._tiles.reader(size))
        except TileFault as fault:
            raise LogFault(reason=fault) from fault

    def _show(self, note: str) -> None:
        """Puts the checkpoint where everybody looks, and among the others by its size; whole or not at all."""
        size = note.split("\n")[1]
        for place in (self._folder / "checkpoints" / size, self._folder / "checkpoint"):
            if place.exists() and place.read_text() == note:
                continue
            write_whole(place, note.encode())


def _prev_of(body: bytes) -> bytes:
    """The member `prev` of an entry's bytes: the last of that name, since no text inside can hold it unescaped."""
    at = body.rindex(b'"prev":"') + len(b'"prev":"')
    return body[at : at + 64]


def _key_named(seq: int, body: bytes) -> tuple[int, Verifier]:
    """The key that an entry names, with the smallest size that it signs. Raises LogFault."""
    try:
        entry = decode(body)
        if entry.type in ("LedgerOpened", "KeyRotated"):
            return (seq + 1 if seq else 0), Verifier.parse(entry.data["key"])
    except (BadNote, DecodeError, LookupError) as fault:
        raise LogFault(reason=f"entry {seq} names no key: {fault}") from fault
    raise LogFault(reason=f"entry {seq} names no key, and its row says it does")
