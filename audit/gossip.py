"""Heads that people hold, held against each other: two that the log's key signed and that do not agree prove that it
showed two histories.

Two of one size are alike or they are not. Of two sizes nobody can tell without the log's tree, which is in its folder
and in each export: `Shelf`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from audit.merkle import BadProof, check_consistency, prove_consistency, root
from audit.tiles import TileFault, Tiles
from audit.verify import Head, Kept, Key, Refuted, kept_head
from ledger.errors import InputFault, LedgerError

KeysOf = Callable[[Head], Collection[Key]]
"""The keys whose signature counts on a head like that."""


class CannotTell(InputFault):
    """The heads cannot be compared with what is at hand; the sentence says what would do."""

    code = "cannot_tell"
    zh = "无法判断：{reason_zh}"
    en = "cannot tell: {reason}"


class Forked(LedgerError):
    """One key signed two histories."""

    is_evidence = True
    code = "forked"
    zh = (
        "分叉：{first} 与 {second} 都由账本 {origin} 签名，却是两份不同的历史（{why_zh}）。"
        "这是该账本出示过两份历史的证据，不可能由误差造成：请妥善保存这两份文件，并告知审计机构、登记管理机关（民政部门）、账本的见证方及其他持有日志头的人"
    )
    en = (
        "FORK: {first} and {second} are both signed by the ledger {origin} and are of two histories ({why}). No "
        "accident does that; it proves that the ledger showed two histories. Keep both files safe, and tell the "
        "auditor, the supervising authority, the log's witnesses, and others who hold heads"
    )


@dataclass(frozen=True, slots=True)
class Held:
    """A head in somebody's file, signed by the log."""

    kept: Kept

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.kept.path

    @property
    def head(self) -> Head:
        """What it says."""
        return self.kept.head

    @classmethod
    def read(cls, path: Path, keys_of: KeysOf) -> Held:
        """The head in a file, that of a receipt, or one with the proof that it continues another.

        Raises Unusable; CannotTell unless a key that counts signed it.
        """
        return cls.of(kept_head(path), keys_of)

    @classmethod
    def of(cls, kept: Kept, keys_of: KeysOf) -> Held:
        """A head that is at hand already. Raises CannotTell unless a key that counts signed it."""
        head, path = kept.head, kept.path
        try:
            signers = head.note.signers(keys_of(head))
        except Refuted as fault:
            raise CannotTell(reason=f"{path}: {fault.en}", reason_zh=f"{path}：{fault.zh}") from fault
        if not signers:
            raise CannotTell(
                reason=f"{path} is not signed by a key of {head.origin} that counts at its size; anybody could have "
                "written it. If the ledger changed its key, give --policy with that of the time",
                reason_zh=f"{path} 没有账本 {head.origin} 当时有效公钥的签名，任何人都写得出；"
                "若账本换过公钥，请用 --policy 给出当时的公钥",
            )
        return cls(kept)

    def continues(self, older: Held) -> bool:
        """Whether it brings along the proof that it continues that one."""
        if self.kept.old != older.head.size:
            return False
        try:
            check_consistency(older.head.size, self.head.size, older.head.root, self.head.root, self.kept.proof)
        except BadProof:
            return False
        return True


class Shelf:
    """A log's files: its tree, and its newest head.

    `whole` says that the log itself keeps it, so that nothing larger was ever signed.
    """

    def __init__(self, folder: Path, keys_of: KeysOf, *, whole: bool = False) -> None:
        """Raises Unusable, CannotTell."""
        self.newest = Held.read(folder / "checkpoint", keys_of)
        self._tiles, self._whole = Tiles(folder), whole

    def check(self, held: Held) -> None:
        """Raises Forked unless the head is of the history of the newest one; CannotTell when it is beyond it."""
        head, newest = held.head, self.newest.head
        if head.size > newest.size:
            if self._whole:
                why = f"{held.path} has {head.size} entries, and the ledger here signed {newest.size} at most"
                raise _forked(
                    held, self.newest, why, f"{held.path} 有 {head.size} 条，而此处账本只签署到 {newest.size} 条"
                )
            raise CannotTell(
                reason=f"{held.path} has {head.size} entries, the log at hand has {newest.size}: get a newer export",
                reason_zh=f"{held.path} 有 {head.size} 条分录，手头的日志只有 {newest.size} 条：请取得更新的导出",
            )
        # Two signatures are held against each other: the tree's own root of that size is first proved from the newest.
        try:
            read = self._tiles.reader(newest.size)
            own, proof = root(head.size, read), prove_consistency(head.size, newest.size, read)
            check_consistency(head.size, newest.size, own, newest.root, proof)
        except (TileFault, BadProof) as fault:
            raise CannotTell(
                reason=f"the log beside {self.newest.path} is damaged ({fault}): run fenhao verify on it",
                reason_zh=f"{self.newest.path} 旁的日志已损坏（{fault}）：请先用 fenhao verify 检查",
            ) from fault
        if own != head.root:
            raise _forked(
                held,
                self.newest,
                f"the history of {newest.size} entries has another root at {head.size}",
                f"{newest.size} 条的历史在第 {head.size} 条处树根不同",
            )


def compare(first: Held, second: Held, shelf: Shelf | None) -> Literal["same", "consistent"]:
    """What two heads are to each other. Raises Forked, CannotTell."""
    if first.head.origin != second.head.origin:
        names = f"{first.head.origin}, {second.head.origin}"
        raise CannotTell(reason=f"they are of two ledgers ({names})", reason_zh=f"二者属于两个账本（{names}）")
    if first.head.size == second.head.size:
        if first.head.root != second.head.root:
            size = first.head.size
            raise _forked(first, second, f"both of {size} entries, with two roots", f"同为 {size} 条，树根不同")
        return "same"
    if first.continues(second) or second.continues(first):
        return "consistent"
    if shelf is None:
        sizes = f"{first.head.size}, {second.head.size}"
        raise CannotTell(
            reason=f"they are of different sizes ({sizes}), which takes the log: give --log with an export of it",
            reason_zh=f"二者大小不同（{sizes}），须有日志才能判断：请用 --log 指明该账本的导出",
        )
    for held in (first, second):
        shelf.check(held)
    return "consistent"


def _forked(first: Held, second: Held, why: str, why_zh: str) -> Forked:
    return Forked(first=first.path, second=second.path, origin=first.head.origin, why=why, why_zh=why_zh)
