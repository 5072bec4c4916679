"""What can be imported: every kind of file. Kinds of an earlier turn are recorded before those of a later one; within
the last turn, rows go by date.
"""

from api.intake.bank_kinds import BANK_KINDS
from api.intake.case_kinds import CASE_KINDS
from api.intake.fund_kinds import FUND_KINDS
from api.intake.gift_kinds import GIFT_KINDS
from api.intake.registry_kinds import REGISTRY_KINDS
from api.intake.spending_kinds import SPENDING_KINDS

_ALL = (*REGISTRY_KINDS, *CASE_KINDS, *GIFT_KINDS, *SPENDING_KINDS, *FUND_KINDS, *BANK_KINDS)
KINDS = {kind.name: kind for kind in _ALL}
"""Every kind by its name."""
