"""Erasure 删除权: when a person's values may go, and what happens until then.

Vouchers must be kept for years (会计档案管理办法: 30, counted from the end of the year). As long as that lasts for
anything recorded about a person, erasure restricts the values to storage instead; asked for again later, it completes.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import msgspec
from msgspec import Struct

from ledger.database import Cursor, queries
from ledger.decisions import Basis, EraseSubject, RestrictSubject
from ledger.decisions.subjects import check_subject
from ledger.errors import BadValue, LedgerNotOpen, Refusal
from ledger.ids import MAX_ID_LENGTH
from ledger.times import find_zone, local_day
from ledger.vault import Vault
from ledger.vault_faults import AlreadyErased, NothingKept
from ledger.writing import Session, Writer

MAX_RETENTION_YEARS = 1_000
_SQL = queries("ledger", "vault.sql")


class Erasure(Struct, frozen=True, omit_defaults=True):
    """What came of asking: the values are gone since entry `seq`, or restricted by it `until` they may go.

    `related` are records of the subject's, gifts or cases, that hold personal values under their own names.
    """

    subject: str
    seq: int
    until: date | None = None
    related: tuple[str, ...] = ()


def erase(
    writer: Writer,
    vault: Vault,
    subject: str,
    basis: Basis,
    retention_years: int,
    *,
    by: str | None = None,
    approved_by: tuple[str, ...] | None = None,
) -> Erasure:
    """Destroys a subject's key and records it, or restricts the subject while vouchers must be kept.

    Asked again while nothing has changed, a restriction answers the same and records nothing. Raises BadValue,
    NothingKept, AlreadyErased, and what the writer and the vault raise.
    """
    check_subject(subject)
    check_retention(retention_years)
    person = vault.person(subject)
    if person.key is None:
        if person.erased_at is not None:
            raise AlreadyErased(subject=subject, seq=person.erased_at)
        raise NothingKept(subject=subject)
    common: dict[str, Any] = {"whose": subject, "basis": basis, "by": by, "approved_by": approved_by}
    with writer.session() as session:
        until = _kept_until(session, subject, retention_years)
        made = f"{subject}:{person.made_at}"
        if until is None:
            seq = _recorded(session, EraseSubject(key=_key("erase", made), **common))
        elif person.restricted_until == until:
            assert person.restricted_at is not None
            seq = person.restricted_at
        else:
            key = _key("restrict", f"{made}:{person.restricted_at}:{until}")
            seq = _recorded(session, RestrictSubject(key=key, until=until, **common))
        related = _asked(session.writing.cursor, "related", subject)
    return Erasure(subject, seq, until, tuple(other for (other,) in related))


def check_retention(years: int) -> int:
    """`years` if vouchers can be kept so long; 0 keeps none. Raises BadValue."""
    if 0 <= years <= MAX_RETENTION_YEARS:
        return years
    raise BadValue("retention years", years, f"0 to {MAX_RETENTION_YEARS}", f"应为 0 至 {MAX_RETENTION_YEARS}")


def _kept_until(session: Session, subject: str, years: int) -> date | None:
    """The first day on which the subject may be erased, None when it may be now."""
    head = session.writing.head
    if head.zone is None:
        raise LedgerNotOpen()
    last = _last_day(session.writing.cursor, subject)
    if last is None or years == 0:
        return None
    until = date(last.year + years + 1, 1, 1)
    return until if until > local_day(session.writing.at, find_zone(head.zone)) else None


def _last_day(cursor: Cursor, subject: str) -> date | None:
    """The last business day of anything recorded about a subject; None when nothing with a day is."""
    ((day,),) = _asked(cursor, "last_day", subject)
    assert day is None or isinstance(day, date)
    return day


def _asked(cursor: Cursor, query: str, subject: str) -> list[tuple[Any, ...]]:
    """What one of the queries about a subject's entries gives."""
    noun, own_id = check_subject(subject)
    member = "donation" if noun in ("donor", "donation") else "case"
    quoted = msgspec.json.encode(own_id).decode()
    return cursor.execute(_SQL[query], {"noun": noun, "id": own_id, "member": member, "quoted": quoted}).fetchall()


def _recorded(session: Session, command: EraseSubject | RestrictSubject) -> int:
    """The entry of a command that is recorded. Raises its Refusal."""
    (outcome,) = session.run([command])
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome.seq


def _key(verb: str, made: str) -> str:
    """An idempotency key: the same request for the same key of the same subject is one."""
    key = f"{verb}:{made}"
    return key if len(key) <= MAX_ID_LENGTH else f"{verb}:sha256:{hashlib.sha256(made.encode()).hexdigest()}"
