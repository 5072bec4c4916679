"""The Merkle tree over all entries: roots, inclusion and consistency proofs (RFC 6962). Imports nothing else of ours.

Leaves are numbered from 0. The tree of n leaves splits at the largest power of two below n:

    MTH({})    = SHA-256("")
    MTH({d})   = SHA-256(0x00 ‖ d)
    MTH(D[n])  = SHA-256(0x01 ‖ MTH(D[0:k]) ‖ MTH(D[k:n])),  k the largest power of two smaller than n

Every subtree that this comes to is made of *perfect* ones: of 2^level leaves, beginning at a multiple of that. A
perfect subtree never changes once its leaves are there, so only these are ever stored: `(level, n)` stands for the one
over the leaves [n · 2^level, (n + 1) · 2^level), and the perfect subtrees that make up a range say which are needed.

Each prover stands beside its checker. A checker takes nothing on trust: what is wrong with a proof is a BadProof. A
prover is given sizes that its caller has checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree without leaves."""

Node = tuple[int, int]
"""(level, n): a perfect subtree."""
Read = Callable[[Sequence[Node]], Sequence[bytes]]
"""Storage, whole contract: the hashes (32 bytes) of these perfect subtrees, in the order asked. It is asked only for
subtrees all of whose leaves are within the size it was made for, and asked once for each proof, so that it can fetch
everything together. It raises what it likes when it cannot; it never answers with something else."""


class BadProof(ValueError):
    """A proof that does not prove what it is said to."""


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962 §2.1: the hash of one leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 §2.1: the hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def subtrees(start: int, end: int) -> list[Node]:
    """The perfect subtrees that make up MTH(D[start:end]), from left to right, largest first.

    `start` must be a multiple of the largest power of two that is not above `end - start`, as in every split.
    """
    found: list[Node] = []
    while start < end:
        level = (end - start).bit_length() - 1
        assert start % (1 << level) == 0, "a range of the tree begins at a multiple of its largest subtree"
        found.append((level, start >> level))
        start += 1 << level
    return found


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash over subtrees of falling size, from left to right: each split has all but the first below its right."""
    value = hashes[-1]
    for left in reversed(hashes[:-1]):
        value = node_hash(left, value)
    return value


def root(size: int, read: Read) -> bytes:
    """MTH over the first `size` leaves; reads at most log2(size) + 1 hashes."""
    return fold(read(subtrees(0, size))) if size else EMPTY_ROOT


class Frontier:
    """A tree that grows: its perfect subtrees are all that is kept, at most one a level."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """`hashes` are those of `subtrees(0, size)`."""
        self.size = size
        self._hashes = list(hashes)
        assert len(self._hashes) == size.bit_count()

    def append(self, leaf: bytes) -> None:
        """Takes in the next leaf hash."""
        self._hashes.append(leaf)
        self.size += 1
        for _ in range((self.size & -self.size).bit_length() - 1):
            right = self._hashes.pop()
            self._hashes.append(node_hash(self._hashes.pop(), right))

    def root(self) -> bytes:
        """MTH over all leaves so far."""
        return fold(self._hashes) if self._hashes else EMPTY_ROOT


# Inclusion (RFC 6962 §2.1.1): the path of a leaf is the sibling subtrees from the leaf up to the root.


def prove_inclusion(index: int, size: int, read: Read) -> list[bytes]:
    """The proof that leaf `index` is in the tree of `size` leaves: sibling hashes from the bottom up."""
    assert 0 <= index < size
    start, end = 0, size
    siblings: list[tuple[int, int]] = []
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    return _read_ranges(siblings[::-1], read)


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raises BadProof unless the proof leads from leaf hash `leaf` at `index` to the root of `size` leaves.

    RFC 9162 §2.1.3.2 in other words: below the level at which the path leaves the tree's right border every level has a
    sibling, above it only those where the path turns left.
    """
    if not 0 <= index < size:
        raise BadProof(f"there is no leaf {index} in a tree of {size}")
    inner = (index ^ (size - 1)).bit_length()
    border = (index >> inner).bit_count()
    _check_hashes(proof, inner + border, leaf, root)
    value = leaf
    for level, sibling in enumerate(proof[:inner]):
        value = node_hash(sibling, value) if index >> level & 1 else node_hash(value, sibling)
    for sibling in proof[inner:]:
        value = node_hash(sibling, value)
    if value != root:
        raise BadProof("the inclusion proof does not lead to the root")


# Consistency (RFC 6962 §2.1.2): the old tree is a prefix of the new one.


def prove_consistency(old: int, new: int, read: Read) -> list[bytes]:
    """The proof that the tree of `old` leaves is a prefix of that of `new`; empty when either is trivial."""
    assert 0 <= old <= new
    if old in (0, new):
        return []
    start, end = 0, new
    siblings: list[tuple[int, int]] = []
    whole = True  # the old tree is one subtree that the checker's own root stands for
    while old != end:
        middle = start + split(end - start)
        if old <= middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start, whole = middle, False
    if not whole:
        siblings.append((start, end))
    return _read_ranges(siblings[::-1], read)


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raises BadProof unless the proof shows that the tree of `old` leaves is a prefix of that of `new`.

    RFC 9162 §2.1.4.2 in other words: both roots are worked out from the same hashes, the old one from those alone that
    lie to its left.
    """
    if not 0 <= old <= new:
        raise BadProof(f"a tree of {old} leaves cannot be a prefix of one of {new}")
    if old == new:
        _check_hashes(proof, 0, old_root, new_root)
        if old_root != new_root:
            raise BadProof("two trees of one size have different roots")
        return
    if old == 0:
        _check_hashes(proof, 0, old_root, new_root)
        if old_root != EMPTY_ROOT:
            raise BadProof("the root of the empty tree is another")
        return
    level = (old & -old).bit_length() - 1  # of the old tree's last perfect subtree
    last = (old - 1) >> level
    inner = (last ^ (new - 1) >> level).bit_length()
    border = (last >> inner).bit_count()
    seeded = last == 0  # the old tree is perfect: its root stands for the first hash
    _check_hashes(proof, inner + border + (not seeded), old_root, new_root)
    path = [old_root, *proof] if seeded else list(proof)
    old_value = new_value = path[0]
    for n, sibling in enumerate(path[1 : inner + 1]):
        if last >> n & 1:
            old_value, new_value = node_hash(sibling, old_value), node_hash(sibling, new_value)
        else:
            new_value = node_hash(new_value, sibling)
    for sibling in path[inner + 1 :]:
        old_value, new_value = node_hash(sibling, old_value), node_hash(sibling, new_value)
    if old_value != old_root:
        raise BadProof("the consistency proof does not lead to the old root")
    if new_value != new_root:
        raise BadProof("the consistency proof does not lead to the new root")


def split(size: int) -> int:
    """The largest power of two below `size`, which is at least 2: where a tree divides."""
    return 1 << (size - 1).bit_length() - 1


def _read_ranges(ranges: Sequence[tuple[int, int]], read: Read) -> list[bytes]:
    """MTH of each range, all of them read together."""
    parts = [subtrees(*each) for each in ranges]
    hashes = iter(read([node for nodes in parts for node in nodes]))
    return [fold([next(hashes) for _ in nodes]) for nodes in parts]


def _check_hashes(proof: Sequence[bytes], length: int, *others: bytes) -> None:
    if len(proof) != length:
        raise BadProof(f"the proof has {len(proof)} hashes where {length} are needed")
    if any(len(value) != HASH_BYTES for value in (*proof, *others)):
        raise BadProof(f"a hash is not {HASH_BYTES} bytes long")
