"""How functions over bytes are compiled: by `numba`, once for a machine, and kept beside the code.

They make no arrays, but fill those they are given; so nobody counts who holds one, which took most of the time.
Where there is no folder to keep them in, importing a module with compiled functions raises RuntimeError.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from numba import njit

Bytes = Any  # numpy.ndarray[uint8], as the compiler knows it
Words = Any  # numpy.ndarray[uint32]
Numbers = Any  # numpy.ndarray[int64]

_OPTIONS: dict[str, Any] = {"nogil": True, "_nrt": False}

compiled = njit(cache=True, **_OPTIONS)
part = njit(**_OPTIONS)
"""Of what is compiled, called by it alone."""
expanded = njit(forceinline=True, **_OPTIONS)
"""The same, and put in place where it is called: for loops that should run on many values at once."""

_SOURCES = ("compiling.py", "gift_records.py", "gift_scanner.py", "sha256.py", "verify.py")


def forget_older(folder: Path) -> None:
    """Have functions compiled anew whose kept code, in that folder, is of other sources than stand here.

    `numba` itself looks only at the one file that a function stands in, not at those of its constants and of what it
    calls. Raises OSError.
    """
    sources = sha256(b"".join((Path(__file__).parent / name).read_bytes() for name in _SOURCES)).hexdigest()
    mark = folder / "compiled.sha256"
    if not mark.exists() or mark.read_text() != sources:
        for index in folder.glob("*.nbi"):
            index.unlink(missing_ok=True)
        mark.write_text(sources)
