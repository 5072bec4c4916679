"""How a foundation's files word the dictionary's codes: synonyms, and unknown terms 待审词条 that wait for review.

Kept beside the chain: what is recorded is the code, whatever the file said. Terms are words for a disease or a place;
what looks personal is never kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ledger.database import Connection, Cursor, queries
from ledger.dictionary import Dictionary
from ledger.errors import BadValue
from ledger.ids import check_text
from ledger.registry import read_codes

MAX_TERM_CHARS = 60
_SQL = queries("ledger", "vocabulary.sql")
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])[\s().+-]+(?=[0-9])")
_PERSONAL = re.compile(r"[0-9]{7}|[^@\s]@[^@\s]+\.[^@\s]|(19|20)[0-9]{2}\s*[-/.年]\s*[0-9]{1,2}\s*[-/.月]")

Synonyms = dict[str, dict[str, str]]
"""By dimension, terms with the codes that they are read as."""


class Waiting(NamedTuple):
    """A term that waits for review; `seen`: in how many rows, `kind`: in what kind of file last."""

    dimension: str
    term: str
    seen: int
    kind: str
    first_at: datetime
    last_at: datetime


class Synonym(NamedTuple):
    """A term that is read as a code."""

    dimension: str
    term: str
    code: str


def looks_personal(text: str) -> bool:
    """Whether there is a phone, identity or card number, a date of birth or an e-mail in it: seven digits, a date, `@`.

    Numbers are found with spaces and hyphens in them too. A name alone cannot be told from a term.
    """
    plain = unicodedata.normalize("NFKC", text)
    return bool(_PERSONAL.search(plain) or _PERSONAL.search(_BETWEEN_DIGITS.sub("", plain)))


def check_term(term: str) -> str:
    """`term` in NFC if it can be a synonym: at most 60 printable characters, nothing personal. Raises BadValue."""
    term = check_text(term, "term", MAX_TERM_CHARS)
    if looks_personal(term):
        raise BadValue(
            "term",
            "…",
            "it looks like a phone, a number of a person or a date: terms name a disease, a place, an age",
            "形似电话、证件号或日期：词条应是病种、地区、年龄等名称",
        )
    return term


def cut(term: str) -> str:
    """The term as it waits for review: its first 60 characters, and "…" for more."""
    return term if len(term) <= MAX_TERM_CHARS else term[:MAX_TERM_CHARS] + "…"


def synonyms_of(connection: Connection) -> Synonyms:
    """All synonyms in force."""
    found: Synonyms = {}
    for dimension, term, code in connection.execute(_SQL["synonyms"]):
        found.setdefault(dimension, {})[term] = code
    return found


def dictionary_of(cursor: Cursor) -> Dictionary:
    """The whole dictionary as committed."""
    dictionary = Dictionary()
    read_codes(cursor, dictionary)
    return dictionary


def accept(connection: Connection, synonyms: Sequence[Synonym], by: str | None = None) -> None:
    """Has these terms read as these codes, each instead of what it was read as before; they wait no more.

    The codes must be defined; of a term given twice the last counts.
    """
    if synonyms:
        dimensions, terms, codes = _columns({each[:2]: each for each in synonyms}.values())
        connection.execute(_SQL["accept"], {"by": by, "dimensions": dimensions, "terms": terms, "codes": codes})


def put_up(connection: Connection, terms: Sequence[tuple[str, str, int, str]]) -> None:
    """Has these (dimension, term, rows, kind) wait for review; nothing in them may look personal."""
    assert not any(looks_personal(term) for _, term, *_ in terms)
    if terms:
        connection.execute(_SQL["put_up"], _columns(terms))


def waiting(connection: Connection, dimension: str | None = None) -> list[Waiting]:
    """The terms that wait for review, of one dimension or of all."""
    return [Waiting(*row) for row in connection.execute(_SQL["waiting"], {"dimension": dimension})]


def dismiss(connection: Connection, dimension: str, term: str) -> None:
    """Takes the term off the list and out of the synonyms."""
    connection.execute(_SQL["dismiss"], {"dimension": dimension, "term": term})


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
