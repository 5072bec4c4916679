"""Attacks on what an auditor is given: a sample of entries, a confirmation letter; rows of the table in `attacks.py`.

Each row: its name, the deed, the check, what it says, the law, and the checks that catch it besides.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from attacks_of_time import Row
from forging import Forgery, Key, head_text, note

Deed = Callable[[Forgery], None]


def paper(change: Callable[[dict[str, Any]], None]) -> Deed:
    """Changes the paper, which lies in the receipt's place."""

    def attack(forgery: Forgery) -> None:
        members = json.loads(forgery.receipt)
        change(members)
        forgery.receipt = json.dumps(members).encode()

    return attack


def without_one(sample: dict[str, Any]) -> None:
    """The entry that nobody should look at."""
    sample["drawn"].pop(2)


def another(sample: dict[str, Any]) -> None:
    """A harmless entry in its place."""
    sample["drawn"][2] |= {"entry": 14, "last": 14}


def restated(letter: dict[str, Any]) -> None:
    """Another balance under the true reference."""
    letter["figures"]["closing"]["paid"] += 100


def referenced(letter: dict[str, Any]) -> None:
    """The reference of figures that somebody would like to have."""
    letter["reference"] = letter["reference"][:-32] + "0" * 32


SAMPLES: list[Row] = [
    (
        "an entry that the seed drew is left out",
        paper(without_one),
        "reports.sample_check._unlike",
        "and left out of the",
    ),
    (
        "another entry is put in its place",
        paper(another),
        "reports.sample_check._unlike",
        "and left out of the sample",
        "",
        ("reports.sample_check._unlike",),
    ),
    (
        "an amount in it is another than the entry's",
        paper(lambda s: s["drawn"][0].update(amount=1)),
        "reports.sample_check._unlike",
        "is told otherwise than the ledger has it",
    ),
    (
        "the population is said to be smaller",
        paper(lambda s: s["population"].update(facts=3)),
        "reports.sample_check.sample_flaws",
        "the population is",
    ),
    (
        "it is said to rest on another head",
        paper(lambda s: s.update(root="00" * 32)),
        "reports.sample_check.sample_flaws",
        "rests on another head",
    ),
]


def kept(over: Callable[[Forgery], tuple[int, bytes]], signer: Callable[[Forgery], Key]) -> Deed:
    """The head that somebody else was shown: of a size, over a root."""

    def attack(forgery: Forgery) -> None:
        size, root = over(forgery)
        forgery.kept = note(head_text(forgery.origin, size, root), signer(forgery))

    return attack


HEADS: list[Row] = [
    (
        "somebody else was shown another head of the same size",
        kept(lambda f: (f.size, bytes(32)), lambda f: f.key),
        "audit.gossip.compare",
        "with two roots",
        "",
        ("audit.gossip.Shelf.check",),
    ),
    (
        "somebody else was shown an older head of another history",
        kept(lambda f: (54, bytes(32)), lambda f: f.key),
        "audit.gossip.Shelf.check",
        "has another root at 54",
    ),
]
LETTERS: list[Row] = [
    (
        "a balance is changed",
        paper(restated),
        "reports.confirmations.letter_flaws",
        "its 'figures' is not as the ledger",
    ),
    (
        "the reference is made up",
        paper(referenced),
        "reports.confirmations.letter_flaws",
        "come to another reference",
    ),
    (
        "the period is another than that of the figures",
        paper(lambda s: s.update(reference=s["reference"].replace("2026-02-10", "2026-02-09"))),
        "reports.confirmations.letter_flaws",
        "come to another reference",
        "",
        ("reports.confirmations.letter_flaws",),
    ),
]
