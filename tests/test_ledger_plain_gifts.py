"""Gifts as nearly all are go a way of their own through the writer: it leads where the general one does."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest
from schemas import empty

from ledger import writing
from ledger.book import Book
from ledger.decisions import (
    Basis,
    ClosePeriod,
    Command,
    MakeAllocation,
    OpenCase,
    OpenFund,
    OpenLedger,
    ReceiveDonation,
)
from ledger.errors import Refusal
from ledger.journal import Journal
from ledger.money import MAX_MINOR
from ledger.writing import Writer

NOW = datetime(2026, 3, 20, 4, tzinfo=UTC)
DAYS = [date(2026, 3, day) for day in (18, 19, 20)]
FUNDS = [
    OpenFund(key=name, fund=name, name=name, fee_bp=fee_bp) for name, fee_bp in (("F", 500), ("G/%", 0), ("H", 9999))
]
TABLES = ("entry", "head", "holding", "tape", "command_key", "business_key")
RARE: list[dict[str, Any]] = [
    *({"on": on} for on in (date(2026, 1, 31), date(2026, 3, 21), None)),
    *({"amount": amount} for amount in (0, MAX_MINOR)),
    *({"fund": "nope"}, {"source": "nope"}, {"source": "grant"}, {"nature": "agency"}, {"donor": "13800138000"}),
    *({"fee_bp": 10_000}, {"fee_bp": 0}, {"restriction": (("hospital", ("nope",)),)}, {"expires_on": DAYS[2]}),
    *({"by": "staff-1"}, {"occurred_on": DAYS[0]}, {"basis": Basis("plan", "1")}, {"corrects": 3}, {"corrects": 10**6}),
    *({"line": "2"}, {"payer": "P-2"}, {"receipt_to": "公司"}, {"channel": "a\\b"}, {"donation": "D\u0301"}),
]
"""What a gift may have that few have; some of it is refused."""


def histories(seed: int) -> list[list[Command]]:
    """Batches of gifts, most of them plain, some asked again, and what changes the ledger around them."""
    random = Random(seed)
    made: list[Command] = []

    def gift() -> Command:
        if random.random() < 0.08 and made:
            return random.choice(made)
        key, donation, txn = (random.randrange(10 if random.random() < 0.07 else 10**6) for _ in range(3))
        plain: dict[str, Any] = {
            "key": f"k{key}",
            "donation": f"D{donation}",
            "fund": random.choice(FUNDS).fund,
            "amount": random.choice([1, 2, 19, 20, 1234, 10**9]),
            "donor": random.choice([None, "P1", "捐赠人", "x'y"]),
            "on": random.choice(DAYS),
        }
        if random.random() < 0.7:
            plain |= {"channel": "wechat", "channel_txn": f"T{txn}"}
        made.append(ReceiveDonation(**plain | (random.choice(RARE) if random.random() < 0.3 else {})))
        return made[-1]

    def between(number: int) -> list[Command]:
        case, fund = f"C{number}", random.choice(FUNDS).fund
        spent = MakeAllocation(key=f"a{case}", allocation=case, case=case, amount=1500, on=DAYS[2])
        return [OpenCase(key=case, case=case, fund=fund, hospital="nope"), spent]

    figures: dict[str, Any] = {"totals": (), "accounts": (), "suspense": 0, "elsewhere": 0, "size": 1, "root": "0" * 64}
    closed = ClosePeriod(key="close", period="2026-01", by="staff-1", approved_by=("staff-2",), **figures)
    first: list[list[Command]] = [[OpenLedger(key="open", origin="o.example", verifier_key="k")], [*FUNDS]]
    return [
        *first,
        *([*[gift() for _ in range(40)], *between(n), closed, *[gift() for _ in range(9)]] for n in range(4)),
    ]


def recorded(journal: Journal, batches: list[list[Command]]) -> tuple[list[Any], dict[str, list[Any]]]:
    """All outcomes and all tables of a new ledger, by a clock that stands and salts that are no secret."""
    empty(journal.database)
    journal.entries.clock, journal.entries.entropy = lambda: NOW, bytes
    writer = Writer(journal)
    outcomes = [outcome for batch in batches for outcome in writer.submit_batch(batch)]
    with journal.entries.reading() as cursor:
        tables = {name: cursor.execute(f"select * from {name} order by 1, 2").fetchall() for name in TABLES}  # noqa: S608 - names of ours
    return [(type(one), str(one)) if isinstance(one, Refusal) else one for one in outcomes], tables


def test_the_way_of_plain_gifts_leads_where_the_general_way_does(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    refused: set[str] = set()
    begin = Book.begin

    def counted(*arguments: Any) -> int:
        begun.append(begin(*arguments))
        return begun[-1]

    for seed in range(3):
        batches = histories(seed)
        with monkeypatch.context() as patched:
            patched.setattr(Book, "begin", counted)
            quick = recorded(journal, batches)
        with monkeypatch.context() as patched:
            patched.setattr(writing, "receive_plain", lambda book, gift: None)
            assert recorded(journal, batches) == quick
        refused |= {one[0].__name__ for one in quick[0] if isinstance(one, tuple)}
    assert len(begun) > 150
    assert refused >= {
        "AlreadyRecorded",
        "BadValue",
        "DuplicateBusinessKey",
        "IdempotencyConflict",
        "NotYet",
        "Unknown",
    }
