"""Outside ids (a phone, another system's number) replaced by the vault's random ones, the same each time.

A batch's ids are looked up at once, in the transaction that records the batch: two imports never give one person two
ids. New ones are kept only if a row that names them is recorded; a dry run keeps none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from api.intake.rows import Row
from api.intake.staging import StagedRow
from ledger.errors import Refusal
from ledger.ids import check_opaque, check_value
from ledger.vault import NOUNS
from ledger.vault_faults import NoVault
from ledger.writing import Session

KINDRED = {column: (column,) for column in NOUNS} | {"donor_id": ("donor_id", "payer", "receipt_to")}
"""The columns that hold ids of one kind, by the one that is named for them all."""
Outside = tuple[str, str]
"""(the column that is named for its kind, outside id)."""


class Pseudonyms:
    """What stands for the outside ids of a batch of rows; without `columns` rows are read as they are.

    `kept` counts new ones by column. An id in a column that is not among these must not look personal.
    """

    def __init__(self, columns: Sequence[str] = ()) -> None:
        self.columns = tuple(dict.fromkeys(columns))
        self.kept: Counter[str] = Counter()
        self._known: dict[Outside, str] = {}
        self._new: dict[Outside, str] = {}

    def learn(self, session: Session, rows: Iterable[StagedRow]) -> None:
        """Looks up what these rows name; forgets those before. Raises NoVault."""
        if session.vault is None:
            raise NoVault()
        wanted: dict[Outside, None] = {}
        for staged in rows:
            with suppress(Refusal):  # the row is read again when it becomes a command, and refused then
                wanted.update(dict.fromkeys(self._named(staged.read())))
        found = session.vault.pseudonyms(
            session.writing.cursor, [(NOUNS[column], outside) for column, outside in wanted]
        )
        known = {one: found[pair] for one in wanted if (pair := (NOUNS[one[0]], one[1])) in found}
        self._new = {one: session.vault.new_pseudonym(NOUNS[one[0]]) for one in wanted if one not in known}
        self._known = known | self._new

    def read(self, staged: StagedRow) -> Row:
        """The row with opaque ids. Raises the row's Refusal, which repeats no outside id."""
        row = staged.read()
        for column in NOUNS:
            if column in row.values and column not in self.columns:
                check_opaque(row.values[column], column)
        named = list(self._named(row)) if self.columns else []
        if not named:
            return row
        values = dict(row.values)
        for column in self.columns:
            for each in KINDRED[column]:
                if each in values:
                    values[each] = self._known[column, values[each]]
        if _restricts_persons(self.columns, row):
            values["restriction"] = self._replaced(row)
        return row._replace(values=values)

    def keep(self, session: Session, rows: Iterable[StagedRow]) -> None:
        """Keeps the new ones that recorded rows name."""
        used = dict.fromkeys(one for staged in rows for one in self._named(staged.read()) if one in self._new)
        if not used or session.vault is None:
            return
        bound = [(NOUNS[column], outside, self._new[column, outside]) for column, outside in used]
        keeping = session.vault.keeping(session.writing, [f"{noun}/{opaque}" for noun, _, opaque in bound])
        keeping.bind(bound)
        keeping.store()
        self.kept.update(column for column, _ in used)

    def _named(self, row: Row) -> Iterator[Outside]:
        """The outside ids that a row names. Raises BadValue for one that cannot be."""
        for column in self.columns:
            for each in KINDRED[column]:
                if each in row.values:
                    yield column, check_value(row.values[each], each)
        if _restricts_persons(self.columns, row):
            for dimension, codes in row.restriction("restriction"):
                for code in codes if dimension == "person" else ():
                    yield "person_id", check_value(code, "restriction")

    def _replaced(self, row: Row) -> str:
        """The restriction with opaque ids of persons, its other parts as they are."""
        parts = []
        for part, (dimension, codes) in zip(
            row.values["restriction"].strip("; ").split(";"), row.restriction("restriction"), strict=True
        ):
            opaque = "|".join(self._known["person_id", code] for code in codes) if dimension == "person" else ""
            parts.append(f"person={opaque}" if opaque else part)
        return ";".join(parts)


def _restricts_persons(columns: Sequence[str], row: Row) -> bool:
    return "person_id" in columns and "person" in row.values.get("restriction", "")
