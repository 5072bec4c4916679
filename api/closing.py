"""Closing a month, wherever it is asked for: what stands in its way, and the figures under the ledger's lock."""

from __future__ import annotations

from collections.abc import Callable, Collection

from api.bootstrap import Fenhao, kept_heads
from audit.checkpoint import Checkpoint, Note
from ledger.decisions import CloseMonth, ClosePeriod
from ledger.decisions.periods import last_day
from ledger.writing import Session
from reports.banking.register import Kept, Register
from reports.closing import NoHead, Readiness, bank_accounts, figured, open_lines, readiness
from reports.reconcile import Key


def ready(fenhao: Fenhao, period: str, ideas: Collection[Key] = ()) -> tuple[Readiness, list[Kept]]:
    """What stands in the way of closing a month, and the statements in the ledger's currency; `ideas` are lines of
    which a rule has an idea. Raises BadValue."""
    through, currency = last_day(period), fenhao.journal.entries.head().currency
    with fenhao.journal.entries.reading() as cursor:
        lines = open_lines(cursor, through, ideas)
    kept = [one for one in Register(fenhao.journal, fenhao.vault).statements() if one.currency == currency]
    return readiness(period, lines, kept, bank_accounts(fenhao.journal)), kept


def prepared(fenhao: Fenhao, asked: CloseMonth) -> Callable[[Session], ClosePeriod]:
    """What makes the closing with its figures in a session; all that takes long is done before the lock is taken.

    Raises NoHead, BadValue; and in the session NotReady.
    """
    asked.check()
    found, kept = ready(fenhao, asked.period)
    head = signed_head(fenhao)
    fenhao.runner.catch_up()
    return lambda session: figured(session, fenhao.runner, found, asked, head, kept)


def signed_head(fenhao: Fenhao) -> tuple[int, str]:
    """Size and root, in hex, of the newest signed head. Raises NoHead."""
    kept = kept_heads(fenhao).read()
    if kept is None or not kept.checkpoint:
        raise NoHead()
    head = Checkpoint.parse(Note.parse(kept.checkpoint.encode()).text)
    return head.size, head.root.hex()
