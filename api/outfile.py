"""Files that commands write: whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from api.sankey_command import CannotWrite


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """What is written in the block stands at `path` once it ends; nothing if it ends badly. Raises CannotWrite.

    A crash leaves what was there before, and at most a file `.NAME.new` beside it.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise CannotWrite(path=path, reason=error.strerror or str(error)) from error
    finally:
        beside.unlink(missing_ok=True)
