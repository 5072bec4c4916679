"""How functions over bytes are compiled: by `numba`, once for a machine, and kept beside the code.

They make no arrays, but fill those they are given; so nobody counts who holds one, which took most of the time.
Where there is no folder to keep them in, importing a module with compiled functions raises RuntimeError.
"""

from __future__ import annotations

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
