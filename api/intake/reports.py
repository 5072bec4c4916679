"""What an import came to: counts for each kind, columns that were not used, rows that were rejected."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

from api.intake.faults import RejectsNotWritten, UnusableArgument
from api.intake.plans import Plan
from api.intake.reading import is_of_rejects
from api.intake.staging import StagedRow
from ledger.errors import Refusal
from ledger.money import format_amount

SHOWN_REJECTS = 5


@dataclass(slots=True)
class Counts:
    """Rows of one kind; read = recorded + already + rejected + held_back. `amount`: of the recorded ones, minor."""

    read: int = 0
    recorded: int = 0
    already: int = 0
    rejected: int = 0
    held_back: int = 0
    amount: int = 0

    def members(self) -> dict[str, int]:
        """As the JSON report has them."""
        return {name: getattr(self, name) for name in ("read", "recorded", "already", "rejected", "amount")}


class Reject(NamedTuple):
    """A row that was not recorded, and why."""

    kind: str
    file: Path
    row: int
    refusal: Refusal


@dataclass(slots=True)
class Report:
    """The outcome of one import.

    `rejects` holds the first few only; `rejects_file` all of them, if one was asked for. `held_back` counts rows that
    were good and not recorded, because the import was all or nothing and others were not. `personal` counts values that
    went to the vault by kind, `pseudonyms` outside ids that are new there by column. `waiting` counts rejected rows
    whose unknown terms wait for review, `withheld` those with a term that is not kept (see `api.intake.wording`),
    `synonyms` those that are new or changed.
    """

    exponent: int
    dry_run: bool = False
    kinds: dict[str, Counts] = field(default_factory=dict)
    columns: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    personal: dict[str, int] = field(default_factory=dict)
    pseudonyms: dict[str, int] = field(default_factory=dict)
    waiting: int = 0
    withheld: int = 0
    synonyms: int = 0
    rejects: list[Reject] = field(default_factory=list)
    rejects_file: Path | None = None

    @property
    def rejected(self) -> int:
        """How many rows were rejected."""
        return sum(counts.rejected for counts in self.kinds.values())

    @property
    def exit_code(self) -> int:
        """3 when rows were rejected, else 0."""
        return 3 if self.rejected else 0

    def hold_back(self) -> None:
        """Nothing of what was decided is recorded after all."""
        for counts in self.kinds.values():
            counts.held_back, counts.recorded, counts.amount = counts.recorded, 0, 0
        self.personal.clear()
        self.pseudonyms.clear()

    def members(self) -> dict[str, Any]:
        """The report as JSON; amounts in minor units."""
        members: dict[str, Any] = {
            "kinds": {name: counts.members() for name, counts in self.kinds.items()},
            "columns": self.columns,
            "dry_run": self.dry_run,
            "personal": self.personal,
            "pseudonyms": self.pseudonyms,
            "waiting_for_review": self.waiting,
            "terms_not_kept": self.withheld,
            "synonyms": self.synonyms,
        }
        if any(counts.held_back for counts in self.kinds.values()):
            members["held_back"] = {name: counts.held_back for name, counts in self.kinds.items()}
        return members

    def lines(self, language: str = "en") -> Iterator[str]:
        """The report for a person, in `zh` or `en`."""
        chinese = language == "zh"
        if self.dry_run:
            yield "试运行：未登记任何内容" if chinese else "dry run: nothing was recorded"
        for name, counts in self.kinds.items():
            yield _counted(name, counts, self.exponent, chinese)
        if any(counts.held_back for counts in self.kinds.values()):
            yield (
                "有行被退回，按 --all-or-nothing 未登记任何内容"
                if chinese
                else "rows were rejected, so nothing was recorded"
            )
        for name, count in self.personal.items():
            yield (
                f"{name}：{count} 项个人信息加密存入保险库，分录中只有承诺值"
                if chinese
                else f"{name}: {count} personal values encrypted in the vault, the entries only commit to them"
            )
        for name, count in self.pseudonyms.items():
            yield f"{name}：新增假名 {count} 个" if chinese else f"{name}: {count} new pseudonyms"
        for name, columns in self.columns.items():
            if columns["not_recorded"]:
                listed = ", ".join(columns["not_recorded"])
                yield (
                    f"{name}：不入账的列：{listed}" if chinese else f"{name}: columns kept out of the ledger: {listed}"
                )
            if columns["ignored"]:
                listed = ", ".join(columns["ignored"])
                yield f"{name}：未使用的列：{listed}" if chinese else f"{name}: columns not used: {listed}"
        if self.rejected:
            yield from self._rejected_lines(language)
        yield from self._review_lines(chinese)

    def _review_lines(self, chinese: bool) -> Iterator[str]:
        """What became of synonyms, and of the terms that the dictionary does not have."""
        if self.synonyms:
            yield f"记入同义词 {self.synonyms} 个" if chinese else f"{self.synonyms} synonyms were taken in"
        if self.waiting and self.dry_run:
            yield (
                f"{self.waiting} 行含字典中没有的词条（试运行，未列入待审）"
                if chinese
                else f"{self.waiting} rows have terms that the dictionary lacks (a dry run: not put up for review)"
            )
        elif self.waiting:
            yield (
                f"{self.waiting} 行含字典中没有的词条，已列入待审：运行 fenhao codes review 审定后重新导入即可"
                if chinese
                else f"{self.waiting} rows have terms that wait for review: run fenhao codes review, then import again"
            )
        if self.withheld:
            yield (
                f"{self.withheld} 行的词条未留存（形似个人信息，或该列词条过多）：请改用映射文件"
                if chinese
                else f"{self.withheld} rows have terms that are not kept (personal in look, or too many): use a mapping"
            )

    def _rejected_lines(self, language: str) -> Iterator[str]:
        chinese = language == "zh"
        if self.rejects_file is not None:
            yield (f"退回的行见 {self.rejects_file}" if chinese else f"the rejected rows are in {self.rejects_file}")
            return
        shown = len(self.rejects)
        yield (
            f"{self.rejected} 行被退回（前 {shown} 行如下；用 --rejects OUT.csv 取得全部）："
            if chinese
            else f"{self.rejected} rows were rejected (the first {shown} follow; --rejects OUT.csv writes them all):"
        )
        for reject in self.rejects:
            reason = reject.refusal.say(language, self.exponent)
            where = f"{reject.file} 第 {reject.row} 行" if chinese else f"{reject.file} row {reject.row}"
            yield f"  {where}：{reason}" if chinese else f"  {where}: {reason}"


def _counted(name: str, counts: Counts, exponent: int, chinese: bool) -> str:
    """One kind's line; kinds that hold no money show no amount."""
    amount = format_amount(counts.amount, exponent) if counts.amount else ""
    if chinese:
        recorded = f"登记 {counts.recorded} 行" + (f"（金额 {amount}）" if amount else "")
        held = f"，合格但未登记 {counts.held_back} 行" if counts.held_back else ""
        rest = f"此前已登记 {counts.already} 行，退回 {counts.rejected} 行{held}"
        return f"{name}：读取 {counts.read} 行，{recorded}，{rest}"
    recorded = f"{counts.recorded} recorded" + (f" ({amount})" if amount else "")
    held = f", {counts.held_back} good but not recorded" if counts.held_back else ""
    return (
        f"{name}: {counts.read} rows read, {recorded}, {counts.already} already there, {counts.rejected} rejected{held}"
    )


class Rejects:
    """Where rejected rows go: the first few to the report, all of them to the rejects file.

    The file is CSV in UTF-8 with BOM, readable by its owner only, since it repeats what was given, names too. It holds
    kind, file and row (as a spreadsheet numbers it), the row's own columns, the reason in Chinese and English, a code.
    """

    def __init__(self, report: Report, plans: Sequence[Plan], file: IO[str] | None) -> None:
        self._report, self._file = report, file
        names = dict.fromkeys(name for plan in plans for name, _ in _own(plan, plan.header))
        self._positions = {name: position for position, name in enumerate(names)}
        if file is not None:
            self._writer = csv.writer(file)
            own = [
                name if name not in names else f"import_{name}"
                for name in ("kind", "file", "row", "reason_zh", "reason_en", "code")
            ]
            self._write([*own[:3], *names, *own[3:]])

    def add(self, row: StagedRow, refusal: Refusal) -> None:
        """Takes in one rejected row. Raises RejectsNotWritten."""
        source, report = row.plan.source, self._report
        report.kinds[source.kind.name].rejected += 1
        if len(report.rejects) < SHOWN_REJECTS:
            report.rejects.append(Reject(source.kind.name, source.file, row.number, refusal))
        if self._file is None:
            return
        cells = [""] * len(self._positions)
        for name, cell in _own(row.plan, row.cells):
            cells[self._positions[name]] = cell
        reasons = (refusal.say("zh", report.exponent), refusal.say("en", report.exponent), refusal.code)
        self._write([source.kind.name, str(source.file), row.number, *cells, *reasons])

    def _write(self, cells: Sequence[object]) -> None:
        try:
            self._writer.writerow(cells)
        except OSError as error:
            raise RejectsNotWritten(file=self._report.rejects_file, reason=error.strerror) from error


def _own(plan: Plan, cells: Sequence[str]) -> list[tuple[str, str]]:
    """The file's named columns with these cells; without what a rejects file, given as input again, says besides."""
    pairs = list(zip(plan.header, cells, strict=False))
    if is_of_rejects(plan.header):
        pairs = pairs[3 : len(plan.header) - 3]
    return [pair for pair in pairs if pair[0]]


@contextmanager
def rejecting(report: Report, plans: Sequence[Plan], path: Path | None) -> Iterator[Rejects]:
    """The rejects of one import, written to `path` if there is one. Raises UnusableArgument, RejectsNotWritten."""
    if path is None:
        yield Rejects(report, plans, None)
        return
    try:
        if any(path.exists() and path.samefile(plan.source.file) for plan in plans):
            raise UnusableArgument(path, "this file is being imported", "此文件正被导入")
        file = os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8-sig", newline=""
        )
    except (OSError, ValueError) as error:
        raise UnusableArgument(path, f"it cannot be written ({error})", f"无法写入（{error}）") from error
    report.rejects_file = path
    try:
        yield Rejects(report, plans, file)
    finally:
        try:
            file.close()
        except OSError as error:
            raise RejectsNotWritten(file=path, reason=error.strerror) from error
