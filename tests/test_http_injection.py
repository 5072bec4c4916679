"""What attackers write into every text field: it is refused, or kept as the text it is, and never more than that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from serving import Served
from test_every_event import EXAMPLES

from api.commands import RECORDABLE, form_of
from api.http.access import FACT_ROUTES
from ledger.codec import encode
from reports.verification import verify_ledger

HOSTILE = [
    "'; drop table entry; --",
    "x' or '1'='1",
    "<script>alert(1)</script>",
    "{{7*7}}${7*7}",
    "../../etc/passwd",
    "a\r\nSet-Cookie: x=1",
    "a\x00b",
    "\u202egnp.exe",
    "=cmd|' /C calc'!A0",
    "\ud800",
    "%s%n%1$s",
    "x" * 5_000,
]


def fields_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where texts stand in a JSON value."""
    if isinstance(value, str):
        return [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [one for key, inner in items for one in fields_of(inner, (*path, key))]


def changed(value: Any, path: tuple[Any, ...], text: str) -> Any:
    """The value with another text in one place."""
    if not path:
        return text
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], text)
    return copy


@pytest.mark.parametrize("fact", RECORDABLE)
def test_no_text_in_any_field_is_more_than_text(served: Served, fact: str) -> None:
    example = next(one for one in EXAMPLES if type(one).__name__ == fact)
    form = form_of(fact)
    members = {name: one for name, one in json.loads(encode(example)).items() if form.member(name)}
    asked, client = 0, served.client("record")
    for number, path in enumerate(fields_of(members)):
        for text in HOSTILE[number % 3 :: 3]:
            body = json.dumps(changed(members, path, text)).encode()
            headers = {"Idempotency-Key": f"{fact}-{number}-{asked}", "Content-Type": "application/json"}
            answer = client.post(FACT_ROUTES[fact], content=body, headers=headers)
            assert answer.status_code in (201, 409, 422), (path, text, answer.text)
            assert "set-cookie" not in answer.headers
            assert len(answer.content) < 20_000
            asked += 1
    assert asked


def test_nothing_was_lost_and_the_chain_holds(served: Served) -> None:
    gift = {"donation": "after", "fund": "F", "amount": 1, "on": "2026-01-02"}
    assert served.post("/v1/donations", gift).status_code == 201
    served.fenhao.runner.wait_for(served.fenhao.journal.entries.head().size - 1, 20)
    assert verify_ledger(served.fenhao.journal, served.fenhao.runner).ok
