"""Tiles: the files of a tree that grows, as the specification counts them, and what a crash leaves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.merkle import (
    Frontier,
    check_consistency,
    check_inclusion,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    root,
)
from audit.tiles import TileFault, Tiles, frontier, tile_path, tiles_of

LEAVES = [leaf_hash(b"entry %d" % n) for n in range(70_000)]


def root_of(size: int) -> bytes:
    grown = Frontier()
    for leaf in LEAVES[:size]:
        grown.append(leaf)
    return grown.root()


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_tile_is_found_where_the_specification_puts_it() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path(1, 0, 17) == "tile/1/000.p/17"
    assert tile_path("entries", 999, 255) == "tile/entries/999.p/255"
    assert tile_path(0, 1000) == "tile/0/x001/000"


def test_a_tree_of_70_000_has_the_tiles_that_the_specification_counts() -> None:
    tiles = tiles_of(70_000)
    assert [tile for tile in tiles if tile[2] < 256] == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert len(tiles) == 273 + 1 + 1 + 1 + 1
    assert tiles_of(256) == [(0, 0, 256), (1, 0, 1)]
    assert tiles_of(0) == []
    assert tiles_of(70_000, since=69_999) == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]


@settings(max_examples=25)
@given(st.lists(st.sampled_from([1, 2, 3, 100, 255, 256, 257, 1000]), min_size=1, max_size=8), st.data())
def test_a_tree_grown_in_any_steps_proves_every_leaf_and_every_size(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("log")
    tiles = Tiles(folder)
    sizes = [0]
    for step in steps:
        sizes.append(tiles.grow(sizes[-1], LEAVES[sizes[-1] : sizes[-1] + step]))
        size = sizes[-1]
        reader = tiles.reader(size)
        assert root(size, reader) == root_of(size) == Frontier(size, frontier(size, reader)).root()
        assert {tile_path(*tile) for tile in tiles_of(size)} <= files(folder).keys()
        index = data.draw(st.integers(0, size - 1))
        check_inclusion(index, size, LEAVES[index], prove_inclusion(index, size, reader), root_of(size))
        old = data.draw(st.sampled_from(sizes))
        check_consistency(old, size, root_of(old), root_of(size), prove_consistency(old, size, reader))
    shutil.rmtree(folder)


def test_full_tiles_do_not_change_as_the_tree_grows(tmp_path: Path) -> None:
    tiles = Tiles(tmp_path)
    tiles.grow(0, LEAVES[:66_000])
    full = {name: data for name, data in files(tmp_path).items() if ".p/" not in name}
    tiles.grow(66_000, LEAVES[66_000:70_000])
    assert len(full) == 258
    assert {name: files(tmp_path)[name] for name in full} == full


@pytest.mark.parametrize("stop", range(6))
def test_what_a_crash_leaves_is_gone_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int) -> None:
    tiles = Tiles(tmp_path)
    tiles.grow(0, LEAVES[:300])
    left = [stop]

    def crash(self: Path, target: Path) -> Path:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return original(self, target)

    original = Path.rename
    monkeypatch.setattr(Path, "rename", crash)
    with pytest.raises(KeyboardInterrupt):
        tiles.grow(300, LEAVES[300:1500])
    monkeypatch.undo()
    assert root(300, tiles.reader(300)) == root_of(300)
    assert tiles.grow(300, LEAVES[300:1600]) == 1600
    assert root(1600, tiles.reader(1600)) == root_of(1600)


def test_a_full_tile_that_says_otherwise_is_never_overwritten(tmp_path: Path) -> None:
    tiles = Tiles(tmp_path)
    tiles.grow(0, LEAVES[:300])
    with pytest.raises(TileFault, match="already"):
        tiles.grow(0, LEAVES[1:301])


def test_a_missing_or_short_tile_is_named(tmp_path: Path) -> None:
    tiles = Tiles(tmp_path)
    tiles.grow(0, LEAVES[:300])
    (tmp_path / "tile/0/000").write_bytes(b"short")
    with pytest.raises(TileFault, match="tile/0/000 has 5 bytes"):
        prove_inclusion(1, 300, tiles.reader(300))
    (tmp_path / "tile/0/000").unlink()
    with pytest.raises(TileFault, match="tile/0/000 is missing"):
        prove_inclusion(1, 300, tiles.reader(300))


def test_a_full_tile_serves_for_the_partial_one_that_it_replaced(tmp_path: Path) -> None:
    tiles = Tiles(tmp_path)
    tiles.grow(0, LEAVES[:200])
    tiles.grow(200, LEAVES[200:256])
    shutil.rmtree(tmp_path / "tile/0/000.p")
    assert root(200, tiles.reader(200)) == root_of(200)
