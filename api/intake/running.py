"""An import from files to report: stage all, record in order, count, and put rejected rows aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, Protocol

from api.intake.codes import codes_apart, codes_in_order
from api.intake.faults import PaymentIncomplete
from api.intake.kind import CODES, amount_of
from api.intake.pseudonyms import Pseudonyms
from api.intake.registry_kinds import synonyms_in
from api.intake.reports import Counts, Rejects, Report, rejecting
from api.intake.sources import Source
from api.intake.staging import StagedRow, Staging
from api.intake.wording import Wording
from ledger.decisions import Command
from ledger.errors import CodeDefinedAlready, Refusal, UnknownCode
from ledger.journal import Journal
from ledger.times import find_zone
from ledger.vault_faults import NoVault
from ledger.vocabulary import dictionary_of
from ledger.writing import Abandoned, Outcome, Recorded, Session, Writer

BATCH_COMMANDS = 2_000

Submit = Callable[[Sequence[Command]], list[Outcome]]


class Progress(Protocol):
    """Told how far an import is: `stage` is "read" or "record", `done` and `total` count rows (None: not known)."""

    def __call__(self, stage: str, done: int, total: int | None) -> None: ...


class Request(NamedTuple):
    """What the writer is asked for, with the rows that ask for it; `repeats` say again what the others say.

    Instead of a command there may be refusals, one for each of `rows` and `repeats`.
    """

    rows: list[StagedRow]
    repeats: list[StagedRow]
    command: Command | None
    refusals: list[Refusal]


def run(
    journal: Journal,
    writer: Writer,
    sources: Sequence[Source],
    *,
    dry_run: bool = False,
    all_or_nothing: bool = False,
    rejects: Path | None = None,
    pseudonymise: Sequence[str] = (),
    progress: Progress = lambda stage, done, total: None,
) -> Report:
    """Imports the files, merged in order of date, argument and row; `dry_run` answers the same and records nothing.

    Rows that break a rule are rejected and the others recorded, or with `all_or_nothing` none. Ids in the columns
    `pseudonymise` are replaced by the vault's. Raises UnusableFile, UnusableMapping, UnusableArgument and NoVault
    before anything is recorded, LedgerNotOpen, DatabaseFault, and what the writer raises; run again after those, what
    was recorded answers as already there.
    """
    if pseudonymise and writer.vault is None:
        raise NoVault()
    head = journal.entries.head()
    assert head.exponent is not None
    assert head.zone is not None
    report = Report(head.exponent, dry_run, {source.kind.name: Counts() for source in sources})
    with journal.database.service() as connection:
        staging = Staging(connection, head.exponent, find_zone(head.zone))
        for argument, source in sorted(enumerate(sources), key=lambda pair: pair[1].kind.turn):
            staging.stage(argument, source, lambda rows: progress("read", rows, None))
        plans = [staging.plans[argument] for argument in range(len(sources))]
        _list_columns(report, staging)
        wording = Wording(staging.synonyms)
        with rejecting(report, plans, rejects) as aside, staging.rows() as rows:
            counted = _Recording(report, aside, wording, Pseudonyms(pseudonymise), staging.size, progress)
            codes, others = codes_apart(rows)
            codes = codes_in_order(codes, dictionary_of(connection.cursor()), staging.synonyms) if codes else []
            if not (dry_run or all_or_nothing):
                counted.record(codes, writer)
                counted.record(others, writer)
            else:
                with writer.session() as session:
                    counted.record(codes, writer, session)
                    counted.record(others, writer, session)
                    if all_or_nothing and report.rejected:
                        report.hold_back()
                        wording.forget()
                    if dry_run or report.rejected:
                        raise Abandoned()
        report.waiting, report.withheld = wording.rows()
        if not dry_run:
            report.synonyms = wording.store(connection)
    return report


def _list_columns(report: Report, staging: Staging) -> None:
    """What the files have and the ledger does not take, for each kind."""
    for _, plan in sorted(staging.plans.items()):
        columns = report.columns.setdefault(plan.source.kind.name, {"not_recorded": [], "ignored": []})
        for name, listed in (("not_recorded", plan.not_recorded), ("ignored", plan.ignored)):
            columns[name] += [column for column in listed if column not in columns[name]]


class _Recording:
    """Takes staged rows through the writer, by the batch, and counts what becomes of them."""

    def __init__(
        self,
        report: Report,
        rejects: Rejects,
        wording: Wording,
        names: Pseudonyms,
        total: int,
        progress: Progress,
    ) -> None:
        self._report, self._rejects, self._total, self._progress = report, rejects, total, progress
        self._wording, self._names = wording, names
        self._done = 0

    def record(self, rows: Iterable[StagedRow], writer: Writer, session: Session | None = None) -> None:
        """Records the rows in their order, by the batch: each on its own, or all in one session."""
        batch: list[list[StagedRow]] = []
        for _, together in groupby(rows, _Distinct()):
            batch.append(list(together))
            if len(batch) == BATCH_COMMANDS:
                self._settle(batch, writer, session)
                batch = []
        self._settle(batch, writer, session)

    def _settle(self, batch: Sequence[list[StagedRow]], writer: Writer, session: Session | None) -> None:
        """Records one batch and enters its outcomes, in the order of the rows."""
        if not self._names.columns:
            settled = self._submit(batch, writer.submit_batch if session is None else session.run)
        elif session is not None:
            settled = self._submit_named(batch, session)
        else:
            with writer.session() as own:
                settled = self._submit_named(batch, own)
        for request, outcome in settled:
            self._enter(request, outcome)
        self._report.pseudonyms.update(self._names.kept)
        self._progress("record", self._done, self._total)

    def _submit_named(self, batch: Sequence[list[StagedRow]], session: Session) -> list[tuple[Request, Outcome | None]]:
        """The same with outside ids looked up, and kept for what is recorded, in the session's transaction."""
        self._names.learn(session, (staged for rows in batch for staged in rows))
        settled = self._submit(batch, session.run)
        recorded = (request for request, outcome in settled if isinstance(outcome, Recorded) and not outcome.replayed)
        self._names.keep(session, (staged for request in recorded for staged in request.rows))
        return settled

    def _submit(self, batch: Sequence[list[StagedRow]], submit: Submit) -> list[tuple[Request, Outcome | None]]:
        """What each row, or all rows of a payment, ask for, and what came of it; None when nothing could be asked."""
        requests = [self._request(rows) for rows in batch]
        commands = [request.command for request in requests if request.command is not None]
        outcomes = iter(submit(commands) if commands else [])
        return [(request, None if request.command is None else next(outcomes)) for request in requests]

    def _request(self, rows: list[StagedRow]) -> Request:
        """What one row, or all rows of a payment, come to."""
        kind = rows[0].plan.source.kind
        self._report.kinds[kind.name].read += len(rows)
        self._done += len(rows)
        repeats: list[StagedRow] = []
        if len(rows) > 1:
            rows, repeats = _without_repeats(rows)
        try:
            return Request(rows, repeats, kind.command(*map(self._names.read, rows)), [])
        except Refusal as refusal:
            faults = self._own_faults(rows) if len(rows) > 1 else {}
            if not faults:
                return Request(rows, repeats, None, [refusal] * (len(rows) + len(repeats)))
        first = min(faults)
        incomplete = self._incomplete(rows[first], faults[first])
        refusals = [faults.get(position, incomplete) for position in range(len(rows) + len(repeats))]
        return Request(rows, repeats, None, refusals)

    def _incomplete(self, faulty: StagedRow, fault: Refusal) -> Refusal:
        exponent = self._report.exponent
        reason, reason_zh = fault.say("en", exponent), fault.say("zh", exponent)
        own_id = (faulty.joined or "").partition(" ")[2]
        return PaymentIncomplete(id=own_id, row=faulty.number, reason=reason, reason_zh=reason_zh)

    def _enter(self, request: Request, outcome: Outcome | None) -> None:
        rows, repeats, command, refusals = request
        kind = rows[0].plan.source.kind
        if outcome is None or command is None:
            self._reject([*rows, *repeats], refusals)
            return
        if isinstance(outcome, Refusal) and not isinstance(outcome, CodeDefinedAlready):
            if isinstance(outcome, UnknownCode):
                self._wording.meet(kind.name, outcome.fields["unknown"])
            self._reject([*rows, *repeats], [outcome] * (len(rows) + len(repeats)))
            return
        if kind.turn == CODES:
            self._wording.learn(synonyms_in(rows[0].read()))
        counts = self._report.kinds[kind.name]
        counts.already += len(repeats)
        if isinstance(outcome, Refusal) or outcome.replayed:
            counts.already += len(rows)
            return
        counts.recorded += len(rows)
        counts.amount += amount_of(command)
        if command.personal:
            known = self._report.personal.get(kind.name, 0)
            self._report.personal[kind.name] = known + len(command.personal)

    def _own_faults(self, rows: Sequence[StagedRow]) -> dict[int, Refusal]:
        """Which rows of a payment could not stand alone, by their position, and why."""
        faults: dict[int, Refusal] = {}
        for position, staged in enumerate(rows):
            try:
                staged.plan.source.kind.command(self._names.read(staged))
            except Refusal as refusal:
                faults[position] = refusal
        return faults

    def _reject(self, rows: Sequence[StagedRow], refusals: Sequence[Refusal]) -> None:
        for staged, refusal in zip(rows, refusals, strict=True):
            self._rejects.add(staged, refusal)


class _Distinct:
    """The key by which neighbouring rows are one: what they are joined by, else each its own."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, row: StagedRow) -> object:
        self._count += 1
        return self._count if row.joined is None else row.joined


def _without_repeats(rows: list[StagedRow]) -> tuple[list[StagedRow], list[StagedRow]]:
    """Rows of one payment, those of a file that says just what an earlier one said put apart: the file given twice."""
    kept: list[StagedRow] = []
    repeats: list[StagedRow] = []
    seen: list[list[str]] = []
    for _, own in groupby(rows, lambda row: id(row.plan)):
        of_file = list(own)
        content = sorted(repr(staged.plan.row(staged.cells).values) for staged in of_file)
        (repeats if content in seen else kept).extend(of_file)
        seen.append(content)
    return kept, repeats
