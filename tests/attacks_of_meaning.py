"""Attacks by whoever changes what words mean after they were said; rows of the table in `attacks.py`.

Each row: its name, the deed, the check, what it says, the law, and the checks that catch it besides.
"""

from __future__ import annotations

import attackers as by
from attacks_of_time import Row

CODE = {"dimension": "disease", "name": "x", "on": None}
ROWS: list[Row] = [
    (
        "a code is given another parent, so that restricted money fits",
        by.adding("CodeDefined", "ledger/main", code="TOF", parent="VSD", **CODE),
        "judge_code_defined",
        "the code 'TOF' of disease is defined already",
        "5",
    ),
    (
        "a code is put below one that is none",
        by.adding("CodeDefined", "ledger/main", code="X", parent="Y", **CODE),
        "judge_code_defined",
        "no code 'Y' of disease is defined",
        "5",
    ),
    (
        "a new history says to follow an older one of its own name",
        by.following_itself,
        "read_ledger_opened",
        "continues names the ledger itself",
    ),
]
