"""Files that somebody names are read up to a limit, and only if they are files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from audit.files import read_at_most


def test_a_pipe_or_a_device_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            read_at_most(path, 10)


def test_of_a_longer_file_no_more_is_read_than_tells(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"x" * 1_000)
    assert len(read_at_most(tmp_path / "long", 10)) == 11
