"""Who may look around in the demo: an account for each role, whose password everybody may know."""

from __future__ import annotations

from contextlib import suppress

from api.http.accounts import Accounts
from ledger.errors import AlreadyRecorded

PASSWORD = "fenhao-demo-only"  # noqa: S105 - made-up data is all that it opens
ROLES = ("programme", "finance", "auditor", "admin")
PORT = 8000
"""Where `fenhao serve` is unless it is told otherwise."""


def name_of(role: str) -> str:
    """The account with that role."""
    return f"demo-{role}"


def open_doors(accounts: Accounts) -> None:
    """Makes the accounts that are not there yet."""
    for role in ROLES:
        with suppress(AlreadyRecorded):
            accounts.add(name_of(role), [role], PASSWORD)
