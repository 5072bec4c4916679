"""Who may look around in the demo: an account for each role, whose password everybody may know."""

from __future__ import annotations

from contextlib import suppress

from api.http.accounts import Accounts
from ledger.errors import AlreadyRecorded

PASSWORD = "fenhao-demo-only"  # noqa: S105 - made-up data is all that it opens
ROLES = ("programme", "finance", "auditor", "admin")
SECOND = "demo-finance-2"
"""The second person of finance, for what takes two."""
PORT = 8000
"""Where `fenhao serve` is unless it is told otherwise."""


def name_of(role: str) -> str:
    """The account with that role."""
    return f"demo-{role}"


def open_doors(accounts: Accounts) -> None:
    """Makes the accounts that are not there yet."""
    for name, role in [*((name_of(role), role) for role in ROLES), (SECOND, "finance")]:
        with suppress(AlreadyRecorded):
            accounts.add(name, [role], PASSWORD)
