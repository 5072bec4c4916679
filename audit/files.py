"""Files that are whole or not at all, and on disk when that is said."""

from __future__ import annotations

import errno
import os
import stat
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

MAX_NAME_LENGTH = 236
"""Of what stands for an origin in a file name, whose limit is 255 bytes."""


def file_name_of(origin: str) -> str:
    """An origin as (part of) a file name: percent-encoded, or its SHA-256 where that would be too long."""
    name = quote(origin, safe="")
    return name if len(name) <= MAX_NAME_LENGTH else sha256(origin.encode()).hexdigest()


def read_at_most(path: Path, limit: int) -> bytes:
    """What is in a file that somebody names, and of a longer one no more than tells that it is too long.

    Raises OSError; for a pipe or a device too, which could keep its reader for ever.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    with path.open("rb") as file:
        return file.read(limit + 1)


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Puts the data at `path`: a crash leaves what was there, or all of it. The folder is made if it is missing.

    The data is on disk when this returns; the name is once the folder is flushed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def flush_folder(folder: Path) -> None:
    """The names in a folder are on disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
