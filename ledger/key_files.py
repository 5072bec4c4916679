"""Files that hold secrets: written whole or not at all, never over one that is there, for their owner's eyes only."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_secret(path: Path, content: bytes) -> None:
    """Writes `path` with mode 0600 in a folder made with mode 0700; leaves a file of that name as it is.

    Beside, then under its name, then the folder to the disk: a crash leaves no half key, and no key that is used and
    then lost. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".new-key-")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(beside, path)
    finally:
        os.unlink(beside)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
