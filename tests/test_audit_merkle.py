"""The tree against its definition, against published vectors where they lie beside, and against another library."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import (
    EMPTY_ROOT,
    BadProof,
    Frontier,
    Node,
    check_consistency,
    check_inclusion,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    root,
    subtrees,
)

SIZES = 130
LEAVES = tuple(leaf_hash(b"entry %d" % n) for n in range(SIZES))
VECTORS = Path(__file__).parents[2] / "shared" / "vectors"
UNNEEDED = (
    "consistency/additional/sizes-are-equal-one-and-proof-is-empty.json",
    "inclusion/single-entry/empty-root-and-leaf.json",
)
"""Two vectors that rest on a quirk of the library they were made with."""


@cache
def defined(leaves: tuple[bytes, ...]) -> bytes:
    """MTH straight from RFC 6962 §2.1."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\x01" + defined(leaves[:k]) + defined(leaves[k:])).digest()


def path(m: int, leaves: tuple[bytes, ...]) -> list[bytes]:
    """PATH(m, D[n]) straight from RFC 6962 §2.1.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m < k:
        return [*path(m, leaves[:k]), defined(leaves[k:])]
    return [*path(m - k, leaves[k:]), defined(leaves[:k])]


def proof(m: int, leaves: tuple[bytes, ...], whole: bool = True) -> list[bytes]:
    """SUBPROOF(m, D[n], b) straight from RFC 6962 §2.1.2."""
    if m == len(leaves):
        return [] if whole else [defined(leaves)]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m <= k:
        return [*proof(m, leaves[:k], whole), defined(leaves[k:])]
    return [*proof(m - k, leaves[k:], whole=False), defined(leaves[:k])]


ROOTS = [defined(LEAVES[:size]) for size in range(SIZES + 1)]


def stored(size: int, asked: list[Sequence[Node]] | None = None) -> Callable[[Sequence[Node]], list[bytes]]:
    """Storage of a tree of `size` leaves that answers as its contract says; notes in `asked` what it was asked."""

    def read(nodes: Sequence[Node]) -> list[bytes]:
        if asked is not None:
            asked.append(nodes)
        assert all((n + 1) << level <= size for level, n in nodes)
        return [defined(LEAVES[n << level : (n + 1) << level]) for level, n in nodes]

    return read


def flipped(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """The hashes with one bit of one of them flipped, for each hash."""
    return [
        [one if at != n else bytes([one[0], one[1] ^ 1 << at % 8]) + one[2:] for at, one in enumerate(hashes)]
        for n in range(len(hashes))
    ]


@pytest.mark.parametrize("size", range(SIZES + 1))
def test_the_root_of_every_size_is_as_defined(size: int) -> None:
    asked: list[Sequence[Node]] = []
    assert root(size, stored(size, asked)) == ROOTS[size]
    assert sum(map(len, asked)) <= size.bit_length()
    grown = Frontier()
    for leaf in LEAVES[:size]:
        grown.append(leaf)
    assert (grown.size, grown.root()) == (size, ROOTS[size])
    resumed = Frontier(size, stored(size)(subtrees(0, size)))
    assert resumed.root() == ROOTS[size]


@pytest.mark.parametrize("size", range(1, SIZES + 1))
def test_every_leaf_of_every_size_is_proved_as_defined_and_checks(size: int) -> None:
    for index in range(size):
        asked: list[Sequence[Node]] = []
        made = prove_inclusion(index, size, stored(size, asked))
        assert made == path(index, LEAVES[:size])
        assert len(asked) == 1
        assert len(asked[0]) <= 2 * size.bit_length()
        check_inclusion(index, size, LEAVES[index], made, ROOTS[size])


@pytest.mark.parametrize("new", range(SIZES + 1))
def test_every_prefix_of_every_size_is_proved_as_defined_and_checks(new: int) -> None:
    for old in range(new + 1):
        made = prove_consistency(old, new, stored(new))
        assert made == ([] if old == 0 else proof(old, LEAVES[:new]))
        check_consistency(old, new, ROOTS[old], ROOTS[new], made)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 64, 100, 130])
def test_an_inclusion_proof_proves_nothing_else(size: int) -> None:
    for index in range(size):
        made = prove_inclusion(index, size, stored(size))
        wrong: list[tuple[int, int, bytes, Sequence[bytes], bytes]] = [
            *[(index, size, LEAVES[index], other, ROOTS[size]) for other in flipped(made)],
            (index, size, LEAVES[index], [*made, EMPTY_ROOT], ROOTS[size]),
            (index, size, LEAVES[index], made, ROOTS[size - 1]),
            (index, size, leaf_hash(b"another"), made, ROOTS[size]),
            (index ^ 1, size, LEAVES[index], made, ROOTS[size]),
            (size, size, LEAVES[index], made, ROOTS[size]),
            (-1, size, LEAVES[index], made, ROOTS[size]),
        ]
        if made:
            wrong.append((index, size, LEAVES[index], made[:-1], ROOTS[size]))
            wrong.append((index, size, LEAVES[index], [made[0][:31], *made[1:]], ROOTS[size]))
        for each in wrong:
            with pytest.raises(BadProof):
                check_inclusion(*each)


@pytest.mark.parametrize("new", [1, 2, 3, 7, 8, 9, 64, 100, 130])
def test_a_consistency_proof_proves_nothing_else(new: int) -> None:
    for old in range(1, new + 1):
        made = prove_consistency(old, new, stored(new))
        other = leaf_hash(b"another")
        wrong: list[tuple[int, int, bytes, bytes, Sequence[bytes]]] = [
            *[(old, new, ROOTS[old], ROOTS[new], each) for each in flipped(made)],
            (old, new, ROOTS[old], ROOTS[new], [*made, EMPTY_ROOT]),
            (old, new, other, ROOTS[new], made),
            (old, new, ROOTS[old], other, made),
            (new + 1, new, ROOTS[old], ROOTS[new], made),
        ]
        if made:
            wrong.append((old, new, ROOTS[old], ROOTS[new], made[:-1]))
        for each in wrong:
            with pytest.raises(BadProof):
                check_consistency(*each)


def test_the_empty_tree_is_a_prefix_only_by_its_own_root() -> None:
    check_consistency(0, 5, EMPTY_ROOT, ROOTS[5], [])
    with pytest.raises(BadProof):
        check_consistency(0, 5, ROOTS[1], ROOTS[5], [])


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_a_range_of_the_tree_falls_into_perfect_subtrees_of_falling_size(size: int, seed: int) -> None:
    start, end = 0, size
    while end - start > 1 and seed:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        start, end = (start, middle) if seed & 1 else (middle, end)
        seed >>= 1
    nodes = subtrees(start, end)
    assert sum(1 << level for level, _ in nodes) == end - start
    assert [level for level, _ in nodes] == sorted({level for level, _ in nodes}, reverse=True)


def test_another_library_comes_to_the_same_roots_and_paths() -> None:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for size in range(1, 40):
        tree.append_entry(b"entry %d" % (size - 1))
        assert tree.get_root() == ROOTS[size]
        for index in range(size):
            theirs = tree.prove_inclusion(index + 1, size)
            assert sorted(theirs.path) == sorted([LEAVES[index], *prove_inclusion(index, size, stored(size))])


def vectors() -> dict[str, Any]:
    try:
        text = (VECTORS / "merkle-proofs.json").read_text()
    except FileNotFoundError:
        return {}
    found: dict[str, Any] = json.loads(text)
    return {name: one for name, one in found.items() if name.split("/")[0] in ("inclusion", "consistency")}


@pytest.mark.skipif(not vectors(), reason="the published proofs do not lie beside this checkout")
def test_every_published_proof_is_judged_as_published() -> None:
    judged = 0
    for name, one in vectors().items():
        if name in UNNEEDED:
            continue
        hashes = [b64decode(each) for each in one["proof"] or []]
        try:
            if name.startswith("inclusion"):
                root_hash = b64decode(one["root"])
                check_inclusion(one["leafIdx"], one["treeSize"], b64decode(one["leafHash"]), hashes, root_hash)
            else:
                check_consistency(one["size1"], one["size2"], b64decode(one["root1"]), b64decode(one["root2"]), hashes)
        except BadProof:
            assert one["wantErr"], name
        else:
            assert not one["wantErr"], name
        judged += 1
    assert judged == 194


@pytest.mark.skipif(
    not (VECTORS / "entries.json").exists(), reason="the worked entries do not lie beside this checkout"
)
def test_the_worked_entries_come_to_their_roots() -> None:
    worked = json.loads((VECTORS / "entries.json").read_text())
    grown = Frontier()
    roots = [grown.root().hex()]
    for entry in worked["entries"]:
        grown.append(leaf_hash((entry if isinstance(entry, str) else json.dumps(entry)).encode()))
        roots.append(grown.root().hex())
    assert roots == worked["roots"]
    assert node_hash(b"", b"") == sha256(b"\x01").digest()
