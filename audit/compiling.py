"""How functions over bytes are compiled: by `numba`, once for a machine, and kept beside the code.

They make no arrays, but fill those they are given; so nobody counts who holds one, which took most of the time.
Where there is no folder to keep them in, importing a module with compiled functions raises RuntimeError.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from numba import njit, types

Bytes = Any  # numpy.ndarray[uint8], as the compiler knows it
Words = Any  # numpy.ndarray[uint32]
Numbers = Any  # numpy.ndarray[int64]

NUMBER, TRUTH, NOTHING = types.int64, types.boolean, types.void
TEXT, BYTES = types.Array(types.uint8, 1, "C", readonly=True), types.uint8[::1]
HASHES, ROWS = types.Array(types.uint8, 2, "C", readonly=True), types.uint8[:, ::1]
NUMBERS, TABLE, WORDS = types.int64[::1], types.int64[:, ::1], types.uint32[::1]
"""What compiled functions take and return: bytes to read and to fill, in one row or in several, and numbers."""

_OPTIONS: dict[str, Any] = {"nogil": True, "_nrt": False}

part = njit(**_OPTIONS)
"""Of what is compiled, called by it alone."""
expanded = njit(forceinline=True, **_OPTIONS)
"""The same, and put in place where it is called: for loops that should run on many values at once."""


def compiled(returned: Any, *taken: Any) -> Callable[[Callable[..., Any]], Any]:
    """To be called from Python with just those kinds of values; compiled, or fetched from where it is kept, at once."""
    decorator: Callable[[Callable[..., Any]], Any] = njit(returned(*taken), cache=True, **_OPTIONS)
    return decorator


_SOURCES = ("compiling.py", "gift_records.py", "gift_scanner.py", "sha256.py", "verify.py")


def forget_older(folder: Path) -> bool:
    """Have functions compiled anew whose kept code, in that folder, is of other sources than stand here; whether so.

    `numba` itself looks only at the one file that a function stands in, not at those of its constants and of what it
    calls. Raises OSError.
    """
    sources = sha256(b"".join((Path(__file__).parent / name).read_bytes() for name in _SOURCES)).hexdigest().encode()
    mark = folder / "compiled.sha256"
    if mark.exists() and mark.read_bytes() == sources:
        return False
    for index in folder.glob("*.nbi"):
        index.unlink(missing_ok=True)
    mark.write_bytes(sources)
    return True


def _nothing() -> None:
    """Tells where compiled code is kept."""


if forget_older(Path(str(njit(cache=True)(_nothing).stats.cache_path))):
    # In a process of its own, so that the compiler's 90 MB are given back. Where it fails, compiling is done here.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", "import audit.quick"], env=environment, capture_output=True, check=False)
