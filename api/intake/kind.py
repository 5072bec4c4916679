"""What a kind of file is: its columns, the order of its rows, and the command that a row becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from api.commands import keyed_by_content
from api.intake.faults import PaymentDisagrees
from api.intake.rows import BESIDES, Row
from ledger.decisions import Command
from ledger.errors import shown

CODES, FUNDS, HOSPITALS, CASES, DATED = range(5)
"""The turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of file.

    `build` makes the command of a row, or of all rows with the same `group_by`, which may differ only in the columns
    `differing`; it raises the row's Refusal. `dates` begin with the one that rows are ordered by, those without it last
    where the column is optional. `foreign_amounts` are in another currency than the ledger's; `attributes` name
    dimensions that are columns, others may join them; values of `personal` columns go to the vault, under the person
    whom the command is about; columns in `unrecorded` are known and kept nowhere; `coded` are other columns with codes
    of the dimension of their name; `defines` is the column whose values become dimensions.
    """

    name: str
    turn: int
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    build: Callable[..., Command]
    dates: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()
    foreign_amounts: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    unrecorded: tuple[str, ...] = ()
    coded: tuple[str, ...] = ()
    group_by: str | None = None
    differing: tuple[str, ...] = ()
    defines: str | None = None

    def columns(self) -> tuple[str, ...]:
        """All columns that the kind knows."""
        own = (*self.required, *self.optional)
        besides = [name for name in BESIDES if name not in own]
        return (*own, *besides, *self.attributes, *self.personal, *self.unrecorded)

    def days(self) -> tuple[str, ...]:
        """The columns that hold dates."""
        return (*self.dates, "occurred_on")

    def command(self, *rows: Row) -> Command:
        """The command of a row, or of rows that go together, with what any row may say beside. Raises Refusal."""
        command = self.build(*rows)
        if len(rows) > 1:
            self._check_agreement(rows)
        beside = rows[0].beside()
        if self.personal and (personal := rows[0].personal(self.personal)):
            beside["personal"] = personal
        return replace(command, **beside) if beside else command

    def _check_agreement(self, rows: Sequence[Row]) -> None:
        """Raises PaymentDisagrees when rows that go together differ in what they can have only one of."""
        first = rows[0]
        assert self.group_by is not None
        for row in rows[1:]:
            for column in dict.fromkeys([*first.values, *row.values]):
                if column in self.differing or row.get(column) == first.get(column):
                    continue
                if column in self.days() and row.day_if_any(column) == first.day_if_any(column):
                    continue
                said, other = (
                    "…" if column in self.personal else shown(each.get(column) or "-") for each in (first, row)
                )
                own_id = first.need(self.group_by)
                raise PaymentDisagrees(id=own_id, column=column, first=said, other=other)


def by_content(command: Command, kind: str) -> Command:
    """For rows without an id of their own: the command under a key made from all that it says."""
    return keyed_by_content(command, kind)


def amount_of(command: Command) -> int:
    """The amount that a row or its lines state, in minor units; 0 for those that state none."""
    lines = getattr(command, "lines", ())
    return sum(line.amount for line in lines) if lines else getattr(command, "amount", None) or 0
