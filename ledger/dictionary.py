"""数据字典: each dimension's codes with parents and names, and the codes nearest to a term that is none of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ledger.errors import UnknownCode, shown
from ledger.terms import ID_DIMENSIONS

NEAREST = 3
"""How many codes are offered for an unknown term."""
LEAST_LIKENESS = 40.0
"""Of 100; below it two texts have nothing to do with one another."""
_WHOLE_CHARS, _WHOLE_LIKENESS = 3, 70.0


class Code(NamedTuple):
    """One code of the dictionary; written out for people as code and name."""

    code: str
    parent: str | None
    name: str

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Wordings:
    """The texts that stand for one dimension's codes (code, name, synonyms), searched for those like a term.

    Likeness is the share of characters in common in order (Indel): Chinese abbreviations keep some characters of the
    name in their order, so 室缺 finds 室间隔缺损. A text of three characters or more that stands whole in the term is
    like it too, the more the longer it is: 先天性心脏病 室间隔缺损（术后） finds both.
    """

    def __init__(self) -> None:
        self._written: list[str] = []
        self._plain: list[str] = []
        self._codes: list[str] = []

    def add(self, text: str, code: str) -> None:
        """Takes in a text that stands for the code."""
        self._written.append(text)
        self._plain.append(_plain(text))
        self._codes.append(code)

    def nearest(self, term: str, limit: int = NEAREST) -> list[str]:
        """The codes whose texts are most like the term, the most alike first; none is offered that is unlike it."""
        from rapidfuzz import fuzz, process  # only for what is not known

        wanted = _plain(term)
        alike = process.extract(wanted, self._plain, scorer=fuzz.ratio, score_cutoff=LEAST_LIKENESS, limit=None)
        likeness = {at: score for _, score, at in alike}
        for at, text in enumerate(self._plain):
            if len(text) >= _WHOLE_CHARS and text in wanted:
                likeness[at] = max(likeness.get(at, 0.0), min(_WHOLE_LIKENESS + len(text), 99.0))
        order = sorted(likeness, key=lambda at: (-likeness[at], self._written[at] != term, at))
        return list(dict.fromkeys(self._codes[at] for at in order))[:limit]


class Dictionary:
    """The codes of every dimension; grows, never changes."""

    def __init__(self) -> None:
        self._codes: dict[str, dict[str, Code]] = {}
        self._wordings: dict[str, Wordings] = {}

    def define(self, dimension: str, code: str, parent: str | None, name: str) -> None:
        """Takes in one `CodeDefined`."""
        self._codes.setdefault(dimension, {})[code] = Code(code, parent, name)
        if dimension in self._wordings:
            self._word(dimension, code, name)

    def also(self, dimension: str, text: str, code: str) -> None:
        """Has `nearest` find the code by this text too."""
        self._wordings_of(dimension).add(text, code)

    def find(self, dimension: str, code: str) -> Code | None:
        """The code as defined, None when it is not."""
        return self._codes.get(dimension, {}).get(code)

    def knows(self, dimension: str, code: str) -> bool:
        """Whether the code is defined in the dimension."""
        return code in self._codes.get(dimension, {})

    def dimensions(self) -> Iterable[str]:
        """All dimensions that have codes."""
        return self._codes.keys()

    def tree(self, dimension: str) -> Iterator[tuple[int, Code]]:
        """The dimension's codes, each below its parent, with how deep it stands; siblings as they were defined."""
        children: dict[str | None, list[Code]] = {}
        for code in self._codes.get(dimension, {}).values():
            children.setdefault(code.parent, []).append(code)
        waiting = [(0, code) for code in reversed(children.get(None, []))]
        while waiting:
            depth, code = waiting.pop()
            yield depth, code
            waiting.extend((depth + 1, child) for child in reversed(children.get(code.code, [])))

    def nearest(self, dimension: str, term: str) -> list[Code]:
        """The codes of the dimension that are most like the term, by code, name or synonym; the most alike first."""
        codes = self._codes.get(dimension, {})
        return [codes[code] for code in self._wordings_of(dimension).nearest(term)]

    def require(self, dimension: str, code: str) -> None:
        """Raises UnknownCode, with the nearest codes, unless the code is defined (ids of `ID_DIMENSIONS` pass)."""
        self.require_all([(dimension, code)])

    def require_all(self, pairs: Iterable[tuple[str, str]]) -> None:
        """The same for several (dimension, code): what is raised names them all, so that one look mends them all."""
        unknown = [pair for pair in pairs if pair[0] not in ID_DIMENSIONS and not self.knows(*pair)]
        for dimension, code in unknown:
            if dimension not in self._codes:
                raise self._unknown_dimension(dimension, code)
        for dimension, code in unknown[:1]:
            raise UnknownCode(
                f"the dictionary has no {dimension} code {shown(code)}",
                f"数据字典 {dimension} 中没有代码 {shown(code)}",
                self.nearest(dimension, code),
                unknown,
            )

    def require_parent(self, dimension: str, parent: str, *, of: str) -> None:
        """Raises UnknownCode, which names both, unless the parent of a new code is defined."""
        if not self.knows(dimension, parent):
            raise UnknownCode(
                f"the dictionary has no {dimension} code {shown(parent)}, the parent of {shown(of)}",
                f"数据字典 {dimension} 中没有代码 {shown(parent)}（{shown(of)} 的上级）",
                self.nearest(dimension, parent),
            )

    def _unknown_dimension(self, dimension: str, code: str) -> UnknownCode:
        from rapidfuzz import fuzz, process

        alike = process.extract(dimension, [*self._codes, *ID_DIMENSIONS], scorer=fuzz.ratio, limit=NEAREST)
        return UnknownCode(
            f"the dictionary has no dimension {shown(dimension)} (code {shown(code)})",
            f"数据字典没有维度 {shown(dimension)}（代码 {shown(code)}）",
            [name for name, *_ in alike],
        )

    def lineage(self, dimension: str, code: str) -> frozenset[str]:
        """The code with all its ancestors."""
        line = {code}
        codes = self._codes.get(dimension, {})
        while (known := codes.get(code)) is not None and known.parent is not None and known.parent not in line:
            code = known.parent
            line.add(code)
        return frozenset(line)

    def attributes(self, plain: Mapping[str, str]) -> dict[str, frozenset[str]]:
        """A case's attributes (one code a dimension) made ready for judging restrictions."""
        return {dimension: self.lineage(dimension, code) for dimension, code in plain.items()}

    def _wordings_of(self, dimension: str) -> Wordings:
        """Made when a term is first unknown: nearly all writing never asks."""
        if dimension not in self._wordings:
            self._wordings[dimension] = Wordings()
            for code in self._codes.get(dimension, {}).values():
                self._word(dimension, code.code, code.name)
        return self._wordings[dimension]

    def _word(self, dimension: str, code: str, name: str) -> None:
        self._wordings[dimension].add(code, code)
        self._wordings[dimension].add(name, code)


def _plain(text: str) -> str:
    """Text with full width, compatibility forms and case put aside."""
    return unicodedata.normalize("NFKC", text).casefold()
