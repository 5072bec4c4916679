"""Reads an Excel workbook in a process of its own: its bytes come on standard input, the cells go out as JSON.

The library that reads workbooks panics on damaged ones, with a trace on standard error, and takes what memory a file
makes it take; here that ends this process and not the ledger's. Imports nothing of ours: it starts in a moment.
"""

import contextlib
import io
import json
import resource
import sys
from collections.abc import Sequence

MEMORY_BYTES = 2 * 2**30


def main() -> None:
    """Writes the rows of the first sheet that has any; numbers as the shortest decimals that name them."""
    with contextlib.suppress(ValueError, OSError):  # not every system knows the limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    import python_calamine

    workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
    rows: Sequence[Sequence[object]] = []
    for name in workbook.sheet_names:
        rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
        if any(cell != "" for row in rows for cell in row):
            break
    json.dump(rows, sys.stdout, default=str)


if __name__ == "__main__":
    main()
