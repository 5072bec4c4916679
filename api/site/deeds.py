"""What the forms of desks have in common: money asked for, shown before it moves, recorded or proposed, once."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from api.http import proposals
from api.http.access import Asker
from api.http.faults import BadRequest
from api.http.office import Office
from api.http.posting import command_for
from api.recording import Done, record
from ledger.errors import BadValue, Refusal
from ledger.money import AmountError, parse_amount

Members = Mapping[str, Any]


def fresh_key() -> str:
    """What a form is known by, however often it is sent."""
    return os.urandom(12).hex()


def fresh_number(letter: str, day: date) -> str:
    """A number that a form proposes for what it records."""
    return f"{letter}{day:%y%m%d}-{os.urandom(3).hex()}"


def tried(office: Office, asker: Asker, fact: str, members: Members, form: dict[str, str]) -> Done | Refusal:
    """What the fact would become, or why it would not be; nothing is recorded. Raises BadRequest, BadValue."""
    try:
        return record(office.fenhao, command_for(asker, fact, members, _key(form), office), dry_run=True)
    except Refusal as refusal:
        return refusal


def done(office: Office, asker: Asker, fact: str, members: Members, form: dict[str, str]) -> Done | None:
    """Records it; None where the form asks that it wait for a second person. Raises Refusal."""
    if form.get("propose"):
        proposals.propose(office, asker, _key(form), msgspec.json.encode({"fact": fact, "data": members}))
        return None
    return record(office.fenhao, command_for(asker, fact, members, _key(form), office))


def amount_of(form: dict[str, str], name: str, office: Office) -> int:
    """A field as minor units. Raises BadValue for what is no exact amount."""
    text = form.get(name, "").strip()
    try:
        return parse_amount(text, office.currency.exponent)
    except AmountError as error:
        raise BadValue(name, text, *error.args) from None


def fields_of(form: dict[str, str], *names: str) -> dict[str, str]:
    """The fields of those names that say something."""
    return {name: text for name in names if (text := form.get(name, "").strip())}


def _key(form: dict[str, str]) -> str:
    """The form's own idempotency key. Raises BadRequest without one."""
    key = form.get("key", "")
    if not re.fullmatch("[0-9a-f]{24}", key):
        raise BadRequest(rule="the form has no key: load the page anew", rule_zh="表单缺少标识：请重新打开页面")
    return f"http:{key}"
