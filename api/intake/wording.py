"""What an import learns of how its files word the dictionary: synonyms that come with codes, and terms of no code.

Kept at the import's end, outside the chain, for `fenhao codes review` and for later imports; of a dry run, nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ledger.database import Connection
from ledger.vocabulary import Synonym, Synonyms, accept, cut, looks_personal, put_up

MAX_TERMS = 1_000
"""A column of more different unknown terms in one import holds remarks or names, and none of them is kept."""


class Wording:
    """`synonyms` are those in force; they grow as rows of codes bring theirs."""

    def __init__(self, synonyms: Synonyms) -> None:
        self._synonyms = synonyms
        self._learned: list[Synonym] = []
        self._seen: dict[str, Counter[str]] = {}
        self._kinds: dict[tuple[str, str], str] = {}
        self._rows: Counter[tuple[str, ...]] = Counter()
        self._personal = 0

    def learn(self, synonyms: Sequence[Synonym]) -> None:
        """Has later rows read these terms as their codes."""
        for synonym in synonyms:
            if self._synonyms.setdefault(synonym.dimension, {}).get(synonym.term) != synonym.code:
                self._synonyms[synonym.dimension][synonym.term] = synonym.code
                self._learned.append(synonym)

    def forget(self) -> None:
        """Nothing of what was learned is kept: the codes are not recorded after all."""
        self._learned.clear()

    def meet(self, kind: str, unknown: Sequence[tuple[str, str]]) -> None:
        """Takes in the unknown (dimension, term) of one rejected row; none of a row that looks personal anywhere."""
        if not unknown:
            return
        if any(looks_personal(term) for _, term in unknown):
            self._personal += 1
            return
        self._rows[tuple(sorted({dimension for dimension, _ in unknown}))] += 1
        for dimension, term in set(unknown):
            seen = self._seen.setdefault(dimension, Counter())
            if cut(term) in seen or len(seen) <= MAX_TERMS:
                seen[cut(term)] += 1
                self._kinds[dimension, cut(term)] = kind

    def rows(self) -> tuple[int, int]:
        """How many rejected rows have terms that wait for review, and how many have a term that is not kept."""
        kept = sum(rows for dimensions, rows in self._rows.items() if not any(map(self._is_no_list, dimensions)))
        return kept, self._personal + self._rows.total() - kept

    def store(self, connection: Connection) -> int:
        """Keeps what was met and learned; how many synonyms are new or changed."""
        terms = [
            (dimension, term, rows, self._kinds[dimension, term])
            for dimension, seen in self._seen.items()
            if not self._is_no_list(dimension)
            for term, rows in seen.items()
        ]
        with connection.transaction():
            put_up(connection, terms)
            accept(connection, self._learned)
        return len(self._learned)

    def _is_no_list(self, dimension: str) -> bool:
        return len(self._seen[dimension]) > MAX_TERMS
