"""Import of files: what foundations have in spreadsheets becomes commands, in the order in which it happened.

`reading` files → `mapping` and `plans` (whose columns are ours) → `staging` (all of it, sorted) → `running` (recorded,
counted, rejected). What can be imported is one table, `kinds`.
"""

from api.intake.faults import UnusableArgument, UnusableFile, UnusableMapping
from api.intake.kinds import KINDS
from api.intake.reports import Counts, Reject, Report
from api.intake.running import Progress, run
from api.intake.sources import Source, parse_sources

__all__ = [
    "KINDS",
    "Counts",
    "Progress",
    "Reject",
    "Report",
    "Source",
    "UnusableArgument",
    "UnusableFile",
    "UnusableMapping",
    "parse_sources",
    "run",
]
