"""函证 Confirmation letters: what the ledger says a hospital holds, or a donor gave, for them to agree with or not.

The figures are those of the entries under a signed head, posted up to a day; nothing else is looked at, so the same are
found again for as long as the log is the same. A letter bears a reference that says which figures those are and what
they come to, by which anybody who has the log checks it:

    hospital/H1@2026-01-01..2026-12-31#1234.<32 hex digits>

of the noun, the id (percent-encoded), first and last day, size of the head, and the first 128 bits of SHA-256 over the
letter's members (JCS) with the head's root.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import msgspec

from audit.checkpoint import Checkpoint
from audit.verify import Said
from ledger.database import Connection, queries, tuples
from ledger.errors import InputFault, Unknown
from ledger.ids import check_id
from ledger.journal import Journal
from ledger.places import parse_place
from projections.history import QUERIES
from projections.trace import FUND_FIGURES, Traces, snapshot
from reports.paper_marks import attached, marked

FORMAT = "fenhao-confirmation/1"
NOUNS = ("hospital", "donor")
_SQL = queries("reports", "confirmations.sql")
_REFERENCE = re.compile(
    r"(hospital|donor)/([^\s@#]{1,360})@(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)#(\d{1,16})\.([0-9a-f]{32})", re.ASCII
)
_FIGURE_OF = {kind: name for name, kinds in FUND_FIGURES.items() for kind in kinds}
Letter = dict[str, Any]
"""`{format, noun, id, from, to, origin, currency, exponent, size, root, figures}`, amounts in minor units."""


class NoReference(InputFault):
    """Text that is no letter's reference."""

    code = "no_reference"
    zh = "{text} 不是函证编号：应为函证上“核验编号”一行的全部内容"
    en = "{text} is no reference of a confirmation letter: give the whole line that the letter calls its reference"


class About(NamedTuple):
    """Whom a letter is for, and about which days (inclusive)."""

    noun: str
    id: str
    since: date
    until: date


class Reference(NamedTuple):
    """What a letter's reference says."""

    about: About
    size: int
    digest: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Raises NoReference, BadValue."""
        match = _REFERENCE.fullmatch(text.strip())
        try:
            if match is not None:
                days = (date.fromisoformat(match[3]), date.fromisoformat(match[4]))
                about = About(match[1], check_id(unquote(match[2], errors="strict"), match[1]), *days)
                return cls(about, int(match[5]), match[6])
        except ValueError:
            pass
        raise NoReference(text=text[:120])

    def __str__(self) -> str:
        about = self.about
        days = f"{about.since.isoformat()}..{about.until.isoformat()}"
        return f"{about.noun}/{quote(about.id, safe='')}@{days}#{self.size}.{self.digest}"


class Given(NamedTuple):
    """A letter as somebody has it: its reference, its members where the file carries them; `pages` beside those are
    compared by nobody but people."""

    reference: str
    members: Letter | None = None
    pages: bool = False


def read_letter(data: bytes) -> Given | None:
    """What a letter's file carries, by what it holds; None for another paper's. Raises ValueError, zlib.error."""
    start = data.lstrip()[:1]
    if start == b"<":
        mark = marked(data)
        return Given(mark, pages=True) if _REFERENCE.fullmatch(mark) else None
    if data[:5] != b"%PDF-" and start != b"{":
        return None
    members = attached(data) if start == b"%" else msgspec.json.decode(data)
    if not isinstance(members, dict) or members.get("format") != FORMAT:
        return None
    return Given(str(members.pop("reference", "")), members, start == b"%")


def letter_of(journal: Journal, head: Checkpoint, about: About) -> Letter:
    """The letter on what the entries under a head say. The views must have come that far. Raises Unknown."""
    ledger = journal.entries.head()
    with snapshot(journal) as connection:
        figures = _FIGURES[about.noun](connection, about, head.size)
    return {
        "format": FORMAT,
        "noun": about.noun,
        "id": about.id,
        "from": about.since.isoformat(),
        "to": about.until.isoformat(),
        "origin": head.origin,
        "currency": ledger.currency,
        "exponent": ledger.exponent,
        "size": head.size,
        "root": head.root.hex(),
        "figures": figures,
    }


def reference_of(letter: Letter) -> Reference:
    """What a letter's figures and its head come to."""
    digest = hashlib.sha256(msgspec.json.encode(letter, order="sorted")).hexdigest()[:32]
    since, until = date.fromisoformat(letter["from"]), date.fromisoformat(letter["to"])
    return Reference(About(letter["noun"], letter["id"], since, until), letter["size"], digest)


def _traces(connection: Connection, until: date, size: int) -> Traces:
    return Traces(connection, QUERIES, {"as_of": until, "size": size})


def _hospital(connection: Connection, about: About, size: int) -> dict[str, Any]:
    """`paid`: with the hospital, not settled; `used`: settled. Cases are those of which something is not settled."""
    before, now = (
        _traces(connection, day, size).hospital(about.id) for day in (about.since - timedelta(days=1), about.until)
    )
    rows = tuples(connection).execute(_SQL["hospital_movements"], {**about._asdict(), "size": size}).fetchall()
    movements = [{"type": topic, "paid": paid, "used": used} for topic, paid, used in rows]
    figures = {
        "opening": {name: before[name] for name in ("paid", "used")},
        "movements": movements,
        "closing": {name: now[name] for name in ("paid", "used")},
        "cases": [{"case": one["case"], "paid": one["paid"]} for one in now["cases"] if one["paid"]],
    }
    for name in ("paid", "used"):
        assert before[name] + sum(one[name] for one in movements) == now[name], "a letter adds up"
    return figures


def _donor(connection: Connection, about: About, size: int) -> dict[str, Any]:
    """`given` is what was received, and stands at the places after it; gifts are those of the period."""
    try:
        before = _traces(connection, about.since - timedelta(days=1), size).donor(about.id)["by_place"]
    except Unknown:
        before = {}
    now = _traces(connection, about.until, size).donor(about.id)
    gifts = [
        {name: gift[name] for name in ("donation", "on", "fund", "amount")}
        for gift in now["donations"]
        if gift["on"] >= about.since.isoformat()
    ]
    return {"opening": _standing(before), "gifts": gifts, "closing": _standing(now["by_place"])}


def _standing(by_place: Mapping[str, int]) -> dict[str, int]:
    """What a donor gave by where it stands; `given` is all of it. Money recorded by mistake is none."""
    sums: Counter[str] = Counter()
    for place, amount in by_place.items():
        if (kind := parse_place(place).kind) != "void":
            sums[_FIGURE_OF[kind]] += amount
    return {"given": sums.total(), **{name: sums[name] for name in FUND_FIGURES if sums[name]}}


_FIGURES = {"hospital": _hospital, "donor": _donor}


def letter_flaws(given: Reference, members: Mapping[str, Any] | None, found: Letter) -> Iterator[Said]:
    """What of a letter's reference, and of its members where they are at hand, is not as the log has it."""
    own = reference_of(found)
    if own != given:
        yield Said(f"账本得出的核验编号是 {own}", f"the ledger's figures come to another reference, {own}")
    for name in () if members is None else found:
        if members is not None and members.get(name) != found[name]:
            yield Said(f"“{name}”与账本不同", f"its {name!r} is not as the ledger has it")
