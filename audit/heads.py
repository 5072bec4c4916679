"""What is remembered of the log outside its database: how far it had come, and the newest head that was signed.

Whoever restores an old backup, or rewrites history, has not changed what stands here. It is changed by compare-and-swap
alone, so that of two processes only one can go on from what both have seen.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import msgspec

from audit.files import file_name_of, flush_folder, write_whole
from ledger.errors import OperatorFault


class HeadsFault(OperatorFault):
    """What is kept of the log's heads cannot be read or written."""

    code = "heads"
    zh = "日志头的外部记录 {path} 无法使用：{reason}"
    en = "the heads kept at {path} cannot be used: {reason}"


@dataclass(frozen=True, slots=True)
class Kept:
    """The log had `size` entries, the last with leaf hash `leaf` (hex, "" for none), and had signed `checkpoint`.

    `checkpoint` is the newest signed note as text, "" before the first.
    """

    origin: str
    size: int = 0
    leaf: str = ""
    checkpoint: str = ""

    def grown(self, size: int, leaf: bytes) -> Kept:
        """The same after it has grown; itself when it is further already."""
        return replace(self, size=size, leaf=leaf.hex()) if size > self.size else self


class Heads(Protocol):
    """Where heads are kept: a file here, or any store that compares and swaps (an object store, another database)."""

    def read(self) -> Kept | None:
        """What is kept; None before anything is. Raises HeadsFault."""
        ...

    def swap(self, before: Kept | None, after: Kept) -> bool:
        """Puts `after` in the place of `before`, lasting; False, with nothing done, when something else is there."""
        ...


class FileHeads:
    """Heads in a file of their own, one for each origin, beside neither the database nor its backups."""

    def __init__(self, folder: Path, origin: str) -> None:
        self._path = folder / f"{file_name_of(origin)}.json"
        self._lock = folder / f".{file_name_of(origin)}.lock"

    def read(self) -> Kept | None:
        """What is kept; None before anything is. Raises HeadsFault."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Kept)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise HeadsFault(path=self._path, reason=error) from error

    def swap(self, before: Kept | None, after: Kept) -> bool:
        """Puts `after` in the place of `before`, lasting; False, with nothing done, when something else is there."""
        with self._locked():
            if self.read() != before:
                return False
            try:
                write_whole(self._path, msgspec.json.encode(after), mode=0o600)
                flush_folder(self._path.parent)
            except OSError as error:
                raise HeadsFault(path=self._path, reason=error) from error
            return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = self._lock.open("w")
        except OSError as error:
            raise HeadsFault(path=self._path, reason=error) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
