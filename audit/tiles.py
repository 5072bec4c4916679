"""The tree as files: tiles of 256 hashes, and bundles of 256 entries (C2SP tlog-tiles).

    tile/<L>/<N>[.p/<W>]          hashes of perfect subtrees of 256^L leaves; tile N of level L, W of them when partial
    tile/entries/<N>[.p/<W>]      entries 256·N and following, each behind its length in two bytes, big endian

N is written in groups of three digits, all but the last with an x before them: 1234067 is `x001/x234/067`. A full tile
never changes. A partial one belongs to a tree that was signed, and gives way to the full one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from audit.files import flush_folder, write_whole
from audit.merkle import HASH_BYTES, Node, node_hash, subtrees

HEIGHT = 8
WIDTH = 1 << HEIGHT
WRITERS = 8
"""How many tiles are written to the disk at a time."""


class TileFault(Exception):
    """A tile that is missing, cut short, or not what the tree asks for."""


def tile_path(level: int | str, number: int, width: int = WIDTH) -> str:
    """The path of a tile of `width` hashes, or, with level "entries", of a bundle of so many entries."""
    groups = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        groups.append(f"x{number % 1000:03}")
    path = "/".join(["tile", str(level), *reversed(groups)])
    return path if width == WIDTH else f"{path}.p/{width}"


def tiles_of(size: int, since: int = 0) -> list[tuple[int, int, int]]:
    """The tiles (level, number, width) of a tree of `size` leaves, without the full ones that a tree of `since` has."""
    found = []
    level = 0
    while size:
        whole, rest = divmod(size, WIDTH)
        found += [(level, number, WIDTH) for number in range(since // WIDTH, whole)]
        found += [(level, whole, rest)] if rest else []
        level, size, since = level + 1, whole, since // WIDTH
    return found


class Tiles:
    """A folder of tiles."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, level: int, number: int, width: int) -> bytes:
        """The hashes of a tile of at least `width`, cut to it: the partial one, or the full one that replaced it.

        Raises TileFault.
        """
        for path in (tile_path(level, number, width), tile_path(level, number)):
            try:
                data = (self.folder / path).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                continue
            wanted = width if path.endswith(f".p/{width}") else WIDTH
            if len(data) != wanted * HASH_BYTES:
                raise TileFault(f"{path} has {len(data)} bytes where {wanted * HASH_BYTES} are needed")
            return data[: width * HASH_BYTES]
        raise TileFault(f"{tile_path(level, number, width)} is missing")

    def reader(self, size: int) -> Reader:
        """Hashes of the tree of `size` leaves, for proofs."""
        return Reader(self, size)

    def grow(self, size: int, leaves: Sequence[bytes], rest: Callable[[], None] = lambda: None) -> int:
        """Writes the tiles of the tree that has `leaves` after its first `size`; its size. Calls `rest` for each tile.

        Nothing that is there is changed: what was written before a crash is written again, the same. The tiles are on
        disk when this returns. Raises TileFault when a full tile is there already and says otherwise.
        """
        new = size + len(leaves)
        hashes = list(leaves)
        tiles: list[tuple[str, bytes]] = []
        level, old, end = 0, size, new
        while end > old or (level and hashes):
            kept = old % WIDTH
            if kept:
                before = self.read(level, old // WIDTH, kept)
                hashes = [*_hashes(before), *hashes]
            above: list[bytes] = []
            for at in range(0, len(hashes), WIDTH):
                row = hashes[at : at + WIDTH]
                tiles.append((tile_path(level, old // WIDTH + at // WIDTH, len(row)), b"".join(row)))
                if len(row) == WIDTH:
                    above.append(_root(row))
                    rest()
            level, old, end, hashes = level + 1, old // WIDTH, end // WIDTH, above
        # Side by side, for it is the disk that takes its time.
        with ThreadPoolExecutor(WRITERS) as writers:
            folders = set(writers.map(self._write, *zip(*tiles, strict=True)))
            list(writers.map(flush_folder, folders))
        return new

    def _write(self, path: str, data: bytes) -> Path:
        """Beside, then under its name, so that no tile is ever half there; the folder it is in."""
        place = self.folder / path
        if place.exists() and place.read_bytes() == data:
            return place.parent
        if place.exists() and not path.rpartition("/")[0].endswith(".p"):
            raise TileFault(f"{path} is there already with other hashes")
        write_whole(place, data)
        return place.parent


class Reader:
    """`audit.merkle.Read` over the tiles of one tree; each tile is read once."""

    def __init__(self, tiles: Tiles, size: int) -> None:
        self._tiles, self._size = tiles, size
        self._known: dict[tuple[int, int], bytes] = {}

    def __call__(self, nodes: Sequence[Node]) -> list[bytes]:
        """The hashes of perfect subtrees. Raises TileFault."""
        return [self._hash(level, number) for level, number in nodes]

    def _hash(self, level: int, number: int) -> bytes:
        tile_level, inner = divmod(level, HEIGHT)
        first = number << inner
        tile = first // WIDTH
        if (tile_level, tile) not in self._known:
            width = min((self._size >> tile_level * HEIGHT) - tile * WIDTH, WIDTH)
            self._known[tile_level, tile] = self._tiles.read(tile_level, tile, width)
        at = first % WIDTH
        row = self._known[tile_level, tile][at * HASH_BYTES : (at + (1 << inner)) * HASH_BYTES]
        return _root(_hashes(row))


def frontier(size: int, reader: Reader) -> list[bytes]:
    """The hashes of `subtrees(0, size)`: what a tree of that size needs to grow."""
    return reader(subtrees(0, size))


def _hashes(data: bytes) -> list[bytes]:
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def _root(row: Sequence[bytes]) -> bytes:
    """The hash over a power of two of perfect subtrees of one level."""
    while len(row) > 1:
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]
