"""The one write path: commands in, outcomes out, for a single command as for thousands.

A transaction takes the ledger's lock, loads what the batch touches, decides each command in order, appends the entries
and stores the state, set-based, and commits. A refused command leaves no trace and its neighbours stand.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from eventsourcing.persistence import IntegrityError, InterfaceError, OperationalError, PersistenceError
from msgspec import Struct

from ledger.book import Book
from ledger.codec import Entry, decode
from ledger.decisions import Command, Decision, EraseSubject, OpenLedger, ReceiveDonation, receive_plain
from ledger.errors import (
    ApprovalNeeded,
    IdempotencyConflict,
    LedgerError,
    LedgerNotOpen,
    OperatorFault,
    Refusal,
    Unknown,
)
from ledger.journal import Head, Journal, Writing, entries_of
from ledger.needs import Needs
from ledger.registry import Registry
from ledger.vault import Vault
from ledger.vault_faults import NoVault
from ledger.vault_keeping import Keeping

MAX_GROUP = 2_000
"""How many waiting commands of one process share a commit at the most."""
RECENT_COMMITS, RECENT_ENTRIES = 8, 256
"""How many commits, of how many entries at the most, are at hand for those whose commands they were."""
RETRY_PAUSES_S = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0)


class Recorded(Struct, frozen=True):
    """A command that stands recorded: the seq of its entry; `replayed` when it stood so before."""

    seq: int
    replayed: bool = False


Outcome = Recorded | Refusal


@dataclass(frozen=True, slots=True)
class Limits:
    """What the foundation's own rules add: amounts, in minor units, from which a move takes two different persons."""

    two_persons_from: int | None = None

    def require_approval(self, command: Command, decision: Decision) -> None:
        """Raises ApprovalNeeded unless who made and who approved are two where the amount asks for it."""
        if self.two_persons_from is None:
            return
        fact = decision.facts[-1]
        if not fact.moves:
            return
        # A substitution moves both sides of its amount; a payment, a closing, a reversal name none.
        amount = getattr(fact, "amount", None) or sum(moved.hi - moved.lo for moved in fact.moves)
        persons = {command.by, *(command.approved_by or ())} - {None}
        if amount >= self.two_persons_from and len(persons) < 2:
            raise ApprovalNeeded(amount=amount, threshold=self.two_persons_from)


class OutcomeUnknown(OperatorFault):
    """The database cannot be reached, or went away while a commit was under way, and did not come back in time."""

    code = "outcome_unknown"
    zh = "写入未能确认（{reason}）：可能已登记，也可能没有；恢复后请原样重试（同一文件或同一幂等键），不会重复记账"
    en = (
        "the writing was not confirmed ({reason}): it may stand recorded or not; once the cause is gone, ask again in "
        "the same way (the same file, or the same idempotency key), and nothing is recorded twice"
    )


@dataclass(slots=True)
class Batch:
    """Commands with all that can be said of them without the ledger: digests or refusals, and what they need.

    `subjects` are those that the vault will be asked about.
    """

    commands: list[Command] = field(default_factory=list)
    checked: list[bytes | Refusal] = field(default_factory=list)
    needs: Needs = field(default_factory=Needs)
    followers: list[Command] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, commands: Sequence[Command], vault: Vault | None = None) -> Batch:
        """Checks the commands. No lock is held yet, so callers do this side by side.

        Raises NoVault when there is none and something for it.
        """
        batch = cls(list(commands))
        for command in commands:
            try:
                command.check()
                batch.checked.append(command.digest())
                command.needs(batch.needs)
                if command.FOLLOWS:
                    batch.followers.append(command)
                if command.cash:
                    batch.needs.accounts.update(leg.account for leg in command.cash)
                if command.personal or type(command) is EraseSubject:
                    batch.subjects.add(command.subject() or "")
            except Refusal as refusal:
                batch.checked.append(refusal)
        if batch.subjects and vault is None:
            raise NoVault()
        return batch

    def look(self) -> None:
        """Adds to the needs what should be new: idempotency keys, records, business keys."""
        for command, checked in zip(self.commands, self.checked, strict=True):
            if not isinstance(checked, Refusal):
                self.needs.keys.add(command.key)
                command.novelties(self.needs)

    @classmethod
    def joined(cls, batches: Sequence[Batch]) -> Batch:
        """Several batches as one, in order."""
        if len(batches) == 1:
            return batches[0]
        whole = cls()
        for batch in batches:
            whole.commands += batch.commands
            whole.checked += batch.checked
            whole.needs.include(batch.needs)
            whole.followers += batch.followers
            whole.subjects |= batch.subjects
        return whole


@dataclass(slots=True, eq=False)
class _Turn:
    """A caller in the queue, with a batch that may share a commit, or None when it needs the writer for itself.

    `wake` is set when the commands are finished by somebody else's commit, or when it is the caller's turn to commit.
    """

    batch: Batch | None
    wake: threading.Event = field(default_factory=threading.Event)
    finished: bool = False
    outcomes: list[Outcome] = field(default_factory=list)
    error: Exception | None = None


class Session:
    """Several batches in one transaction: all of them are recorded together, or none."""

    def __init__(self, journal: Journal, writing: Writing, limits: Limits, vault: Vault | None) -> None:
        self._journal, self.writing, self._limits, self.vault = journal, writing, limits, vault
        self._registry = Registry()

    def run(self, commands: Sequence[Command]) -> list[Outcome]:
        """One outcome for each command, in order; decided on what earlier batches of the session did."""
        batch = Batch.of(commands, self.vault)
        outcomes = decide_batch(self._journal, self.writing, self._registry, batch, self._limits, self.vault)
        self.writing.cursor.execute("set constraints all immediate; set constraints all deferred")
        return outcomes

    def read(self, first: int, limit: int) -> list[Entry]:
        """At most `limit` entries from seq `first` on, those of the session itself among them."""
        return entries_of(self.writing.cursor, first, limit)


class Abandoned(Exception):
    """Raised inside a session to leave it with nothing recorded."""


class Distrusted(Exception):
    """A batch decided in trust that must be decided with a look at what is there."""


class Writer:
    """Decides and records commands on one journal; one for each process, safe to share between threads.

    Personal values go to the `vault`, in the transaction of their entries; without one they are a NoVault.
    """

    def __init__(
        self,
        journal: Journal,
        pause: Callable[[float], None] = time.sleep,
        limits: Limits | None = None,
        vault: Vault | None = None,
        on_commit: Callable[[Head], None] = lambda head: None,
    ) -> None:
        """`on_commit` is told the chain's end after each commit."""
        self._journal, self.vault = journal, vault
        self._on_commit = on_commit
        self.limits = limits or Limits()
        self._pause = pause
        self._registry: Registry | None = None
        self._queue: deque[_Turn] = deque()
        self._mutex = threading.Lock()
        self._busy = False
        self._trusting = True
        self._recent: tuple[tuple[int, list[tuple[bytes, bytes]]], ...] = ()
        self._recent_log: object = None

    def submit(self, command: Command) -> Recorded:
        """Records one command. Raises its Refusal; OutcomeUnknown when the database stays away."""
        outcome = self.submit_batch([command])[0]
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    def submit_batch(self, commands: Sequence[Command]) -> list[Outcome]:
        """One outcome for each command, in order. Raises OutcomeUnknown, ClockBehind, LedgerNotOpen.

        Callers that come while a commit is under way wait, and share the next one.
        """
        if not commands:
            return []
        turn = _Turn(Batch.of(commands, self.vault))
        if self._await(turn):
            try:
                self._commit(self._take_group())
            finally:
                self._pass_on()
        if turn.error is not None:
            raise turn.error
        return turn.outcomes

    def entries(self, first: int, limit: int) -> list[Entry]:
        """At most `limit` entries from seq `first` on; what was just recorded here is not read from the database."""
        for start, sealed in self._recent:
            if start <= first and first + limit <= start + len(sealed):
                return [decode(body, leaf) for leaf, body in sealed[first - start : first - start + limit]]
        return self._journal.entries.read(first, limit)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """All or nothing: what is run in it commits at its end, and not at all if it is left by an exception.

        Abandoned leaves it quietly. Other writers wait for as long as it lasts.
        """
        self._await(_Turn(None))
        try:
            self._take_group()
            with suppress(Abandoned):
                with self._journal.entries.writing() as writing:
                    yield Session(self._journal, writing, self.limits, self.vault)
                self._on_commit(writing.head)
        finally:
            self._pass_on()

    def _await(self, turn: _Turn) -> bool:
        """Joins the queue; True when it is this caller's turn to commit, False when its commands are finished."""
        with self._mutex:
            self._queue.append(turn)
            leads, self._busy = not self._busy, True
        if not leads:
            try:
                turn.wake.wait()
            except BaseException:
                # Ctrl-C, or the end of the process: the turn must not be waited for by those behind it.
                self._withdraw(turn)
                raise
        return not turn.finished

    def _withdraw(self, turn: _Turn) -> None:
        """Takes a turn that nobody waits for any more out of the queue; passes on what it was to do."""
        with self._mutex:
            queued = turn in self._queue
            leads = queued and turn.wake.is_set()
            if queued:
                self._queue.remove(turn)
        if leads:
            self._pass_on()

    def _take_group(self) -> list[_Turn]:
        """The first in the queue, whose turn it is, with as many behind it as may share its commit."""
        with self._mutex:
            group = [self._queue.popleft()]
            count = len(group[0].batch.commands) if group[0].batch else 0
            while group[0].batch and self._queue and (batch := self._queue[0].batch):
                count += len(batch.commands)
                if count > MAX_GROUP:
                    break
                group.append(self._queue.popleft())
        return group

    def _pass_on(self) -> None:
        """Wakes the next in the queue to commit, if there is one."""
        with self._mutex:
            self._busy = bool(self._queue)
            if self._queue:
                self._queue[0].wake.set()

    def _commit(self, group: list[_Turn]) -> None:
        """Commits what the group asks for, and lets each of it know."""
        try:
            batches = [turn.batch for turn in group if turn.batch is not None]
            outcomes = iter(self._settled(Batch.joined(batches)))
            for turn, batch in zip(group, batches, strict=True):
                turn.outcomes = [next(outcomes) for _ in batch.commands]
        except (LedgerError, PersistenceError) as error:
            for turn in group:
                turn.error = error
        finally:
            # A bug of our own, or Ctrl-C, is the committing caller's to raise; the others learn that it was cut short.
            for turn in group:
                if turn.error is None and turn.batch is not None and len(turn.outcomes) < len(turn.batch.commands):
                    turn.error = OutcomeUnknown(reason="interrupted")
                turn.finished = True
                turn.wake.set()

    def _settled(self, batch: Batch) -> list[Outcome]:
        """The outcomes after a commit that is known to have happened.

        When the connection breaks, the commit may or may not have: the batch is decided anew, behind the lock, which a
        transaction still in doubt holds until its end; commands that did get in then answer by their idempotency keys.
        """
        for pause_s in (*RETRY_PAUSES_S, None):
            try:
                return self._decided(batch)
            except (OperationalError, InterfaceError) as error:
                if pause_s is None:
                    raise OutcomeUnknown(reason=str(error).strip().split("\n")[0]) from error
                self._pause(pause_s)
        raise AssertionError("the last try returns or raises")

    def _decided(self, batch: Batch) -> list[Outcome]:
        """One batch decided and committed.

        Nearly always everything that should be new is new, so a batch is first decided without looking; the database's
        own keys would refuse it otherwise. When they do, or a command is refused, nothing of that stands, and the batch
        is decided again with a look; and so are the next ones, until one is wholly new again.
        """
        if self._trusting:
            with suppress(Distrusted, IntegrityError):
                return self._committed(batch, trusting=True)
        self._trusting = False
        outcomes = self._committed(batch, trusting=False)
        self._trusting = all(isinstance(outcome, Recorded) and not outcome.replayed for outcome in outcomes)
        return outcomes

    def _committed(self, batch: Batch, *, trusting: bool) -> list[Outcome]:
        # Until the commit is through, what is kept between batches is nobody's: a failure leaves none.
        registry, self._registry = self._registry or Registry(), None
        with self._journal.entries.writing() as writing:
            outcomes = decide_batch(self._journal, writing, registry, batch, self.limits, self.vault, trusting=trusting)
        self._registry = registry
        if registry.log is not self._recent_log:  # the database was set back under this process
            self._recent, self._recent_log = (), registry.log
        if 0 < len(writing.sealed) <= RECENT_ENTRIES:
            # One commit under way at a time; readers see the old or the new tuple.
            newest = (writing.head.size - len(writing.sealed), writing.sealed)
            self._recent = (newest, *self._recent[: RECENT_COMMITS - 1])
        self._on_commit(writing.head)
        return outcomes


def decide_batch(
    journal: Journal,
    writing: Writing,
    registry: Registry,
    batch: Batch,
    limits: Limits,
    vault: Vault | None,
    *,
    trusting: bool = False,
) -> list[Outcome]:
    """Decides, appends and stores one batch in the open transaction; the registry grows with it.

    When `trusting`, what should be new is not looked up: raises Distrusted when a command is refused, and the
    database's IntegrityError when something was there already; the transaction must then be given up.
    """
    book = Book(writing.cursor, writing.head, registry, writing.at)
    if not trusting:
        batch.look()
    book.load(batch.needs, trusting=trusting)
    if batch.followers:
        more = Needs()
        for command in batch.followers:
            command.follow(book, more)
        book.load(more, trusting=trusting)
    keeping = vault.keeping(writing, batch.subjects) if vault is not None and batch.subjects else None
    outcomes: list[Outcome] = []
    for command, checked in zip(batch.commands, batch.checked, strict=True):
        outcome = checked if isinstance(checked, Refusal) else _outcome(book, command, checked, limits, keeping)
        if trusting and isinstance(outcome, Refusal) and outcome is not checked:
            raise Distrusted()
        outcomes.append(outcome)
    writing.head = book.head
    journal.append(writing, book.postings)
    book.store()
    if keeping is not None:
        keeping.store()
    registry.size, registry.leaf = writing.head.size, writing.head.leaf
    return outcomes


def _outcome(book: Book, command: Command, digest: bytes, limits: Limits, keeping: Keeping | None) -> Outcome:
    """What becomes of one command; one that is recorded is entered in the book, and in the vault what it has for it."""
    before = book.command(command.key)
    if before is not None:
        if keeping.repeats(command, digest, before) if keeping and command.personal else before[0] == digest:
            return Recorded(before[1], replayed=True)
        return IdempotencyConflict(key=command.key, seq=before[1])
    is_open = book.head.origin is not None
    if not is_open and not isinstance(command, OpenLedger):
        raise LedgerNotOpen()
    try:
        if type(command) is ReceiveDonation and (begun := receive_plain(book, command)) is not None:
            book.record_command(command.key, digest, begun)
            return Recorded(begun)
        if command.on is not None and is_open:
            book.require_day(command.on)
            book.cash.require_open(command.on)
        if command.corrects is not None and command.corrects >= book.head.size:
            raise Unknown("entry", str(command.corrects))
        decision = command.decide(book)
        if command.cash:
            book.cash.require_legs(decision.facts[-1])
        if limits.two_persons_from is not None:
            limits.require_approval(command, decision)
        facts = decision.facts
        if keeping is not None:
            facts, openings = keeping.commit(command, facts)
        posted = book.prepare(facts)
    except Refusal as refusal:
        return refusal
    seq = book.enter(posted, decision.effects)
    if keeping is not None:
        digest = keeping.keep(command, openings, seq, digest)
    book.record_command(command.key, digest, seq)
    return Recorded(seq)
