"""The stand-alone verifier on accounts, suspense, matches and periods: what is honest passes, and nothing breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

from attacks_of_cash import line
from conftest import SCALE
from courts import LOG_KEY
from forging import Data, Forgery, leaf

from audit.verify import Report, bundle, verify

HEAD = "0f" * 32
"""Stands for the root of the head of entry 0."""
CASH = [{"account": "icbc", "amount": 100}]
TWO = {"by": "li", "approved_by": ["wang"]}
GIFT = {"fund": "F", "fee_bp": 0, "source": "donation"}
STORY: list[tuple[str, str, Data]] = [
    ("FundOpened", "fund/F", {"fund": "F", "name": "F"}),
    ("TapeOpened", "fund/F", {"tape": "t1", "fund": "F", "nature": "own", "restriction": {}}),
    ("AccountOpened", "account/icbc", {"account": "icbc", "kind": "bank"}),
    ("AccountOpened", "account/wechat", {"account": "wechat", "kind": "channel"}),
    ("ReceiptSuspended", "suspense/S", {"suspense": "S", "amount": 100, "cash": CASH}),
    (
        "DonationReceived",
        "donation/A",
        {"donation": "A", "amount": 60, "suspense": "S", "issue": [{"tape": "t1", "lo": 0, "hi": 60, "to": "fund/F"}]}
        | GIFT,
    ),
    ("SuspenseRepaid", "suspense/S", {"suspense": "S", "amount": 40, "cash": [{"account": "icbc"}]}),
    (
        "DonationReceived",
        "donation/B",
        {
            "donation": "B",
            "amount": 70,
            "channel": "wechat",
            "issue": [{"tape": "t1", "lo": 60, "hi": 130, "to": "fund/F"}],
        }
        | GIFT,
    ),
    ("LinesDisputed", "match/X", {"match": "X", "lines": [line(1, 100, 100)]}),
    ("LinesUnmatched", "match/X", {"match": "X", "by": "li"}),
    (
        "LinesMatched",
        "match/M",
        {
            "match": "M",
            "rule": "channel-net/1",
            "lines": [line(2, 70, 75)],
            "legs": [{"seq": 8, "leg": 0, "account": "wechat", "amount": 70}],
        },
    ),
    ("LinesWrittenOff", "match/W", {"match": "W", "reason": "not_ours", "lines": [line(2, 5, 75)], **TWO}),
    (
        "PeriodClosed",
        "period/2026-03",
        {
            "period": "2026-03",
            "through": "2026-03-31",
            "totals": [{"kind": "fund", "fund": "F", "amount": 130}],
            "accounts": [{"account": "icbc", "book": 130, "bank": 130, "bank_on": "2026-03-31"}],
            "suspense": 0,
            "elsewhere": 0,
            "size": 1,
            "root": HEAD,
            **TWO,
        },
    ),
    ("PeriodReopened", "period/2026-03", {"period": "2026-03", "reason": "late", **TWO}),
]
"""A gift of suspended money, one that a channel paid out; all 130 is on the bank account by the end of March."""
ODD: tuple[Any, ...] = ("", "x", 0, -1, 2**53 - 1, True, [], {}, [1], ["x"], [{}], [[]], {"a": 1}, "2026-02-30")


def told(story: list[tuple[str, str, Data]]) -> Report:
    """The verifier's word on these entries, all recorded in April."""
    forgery = Forgery(Path(), LOG_KEY, [], [], 0)
    forgery.start(str(LOG_KEY))
    forgery.entries[0]["at"] = "2026-04-02T00:00:00.000000Z"
    forgery.chain()
    root = leaf(forgery.bodies[0]).hex()
    for kind, stream, data in story:
        on = (
            None
            if kind in ("FundOpened", "TapeOpened", "AccountOpened", "PeriodClosed", "PeriodReopened")
            else "2026-03-10"
        )
        head = {"root": root} if data.get("root") == HEAD else {}
        forgery.add(kind, stream, **{"on": on, **deepcopy(data), **head})
    forgery.chain()
    return verify(bundle(forgery.bodies))


def test_what_is_honest_passes_and_law_8_is_told() -> None:
    report = told(STORY)
    assert report.problems == ()
    assert report._book.cash_position() == {"held": 130, "suspense": 0, "accounts": {"icbc": 130}, "elsewhere": 0}


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each member of a value, at whatever depth: what it is in, and its name or index there."""
    names = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for name in names:
        yield value, name
        yield from places(value[name])


def test_no_member_of_whatever_kind_breaks_it() -> None:
    """What is odd is a problem, or nothing that is judged (a bank's word, which line it was); never an exception."""
    story = deepcopy(STORY)
    wanted = [
        (index, *place, odd) for index in range(2, len(story)) for place in places(story[index][2]) for odd in ODD
    ]
    passed = set()
    for index, where, name, odd in Random(7).sample(wanted, min(160 * SCALE, len(wanted))):
        kept, where[name] = where[name], odd
        if (type(kept), kept) != (type(odd), odd) and told(story[: index + 1]).ok:
            passed.add((story[index][0], name))
        where[name] = kept
    unjudged = {"by", "approved_by", 0, "bank", "bank_on", "size", "channel", "rule", "reason"}
    unjudged |= {"ordinal", "statement", "whole"}  # the bank's file says
    assert {each for each in passed if each[1] not in unjudged} == set()
