"""对账单: statements of banks taken in by a page, with the gate's answer; accepted by two persons; their lines."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from api.http.office import Door, Office, Who
from api.site.frame import Form, reader_of, shown, site_router
from api.site.uploads import Upload
from ledger.errors import Unknown
from ledger.vault import Reader as VaultReader
from reports.bank_desk import Wanted, accounts_of, ask_acceptance, asked_acceptances, lines_of
from reports.banking.reading import read_document
from reports.banking.register import Kept, NotHeld, Register
from reports.banking.taking import Acceptance, SamePerson, Taken, named
from reports.banking.words import Both, Told, problems

router = site_router()
MOST_LINES = 500
"""So many lines of a statement are on its page."""
Number = Annotated[int, Path(ge=1, le=2**53 - 1)]


@router.get("/finance/statements")
def statements(request: Request, office: Door) -> Response:
    """The statements that were taken in, newest first, and the form for one more."""
    with office.fenhao.journal.entries.reading() as cursor:
        accounts = accounts_of(cursor)
    kept = sorted(_register(office).statements(), key=lambda one: one.id, reverse=True)
    return shown(request, office, "finance_statements.html", statements=kept[:200], accounts=accounts)


@router.post("/finance/statements")
def take(request: Request, office: Door, sent: Upload) -> Response:
    """Takes a file in, and says whether each statement in it ties, or by how much not."""
    document = named(read_document(sent.data, sent.name), sent.fields.get("account") or None, sent.name)
    taken = _register(office).take(document, sent.name)
    language = reader_of(request, office).language
    told = [(one, [_said(each, language) for each in problems(_told(one))]) for one in taken]
    return shown(request, office, "finance_taken.html", taken=told, form=document.format, name=sent.name)


@router.get("/finance/statements/{id}")
def statement(request: Request, office: Door, asker: Who, id: Number) -> Response:
    """One statement: whether it ties, who stands for it, its lines."""
    return _shown(request, office, asker.name, id)


@router.post("/finance/statements/{id}/acceptance")
def accept(request: Request, office: Door, asker: Who, id: Number, form: Form) -> Response:
    """The first person says why it is to be accepted, the second that it is. Raises SamePerson, NotHeld, BadValue."""
    assert asker.name is not None
    kept = _kept(office, id)
    if kept.state != "held":
        raise NotHeld(id=f"B{id}")
    with office.fenhao.journal.entries.reading() as cursor:
        first = asked_acceptances(cursor).get(id)
    if first is None:
        ask_acceptance(office.fenhao.journal, id, VaultReader(asker.name, form.get("reason", "").strip()))
    elif first.by == asker.name:
        raise SamePerson()
    else:
        _register(office).accept(id, Acceptance(first.by, asker.name, first.reason))
    return _shown(request, office, asker.name, id)


@router.post("/finance/statements/{id}/names")
def names(request: Request, office: Door, asker: Who, id: Number, form: Form) -> Response:
    """The same with what its lines say of people, for a reason that is noted for good."""
    assert asker.name is not None
    return _shown(request, office, asker.name, id, VaultReader(asker.name, form.get("reason", "").strip()))


def _shown(request: Request, office: Office, me: str | None, id: int, reading: VaultReader | None = None) -> Response:
    kept, language = _kept(office, id), reader_of(request, office).language
    with office.fenhao.journal.entries.reading() as cursor:
        first = asked_acceptances(cursor).get(id)
        wanted = Wanted(kept.currency, account=kept.account, since=kept.first_on, until=kept.last_on)
        standing = {
            one.ordinal: one
            for one in lines_of(cursor, wanted, sorted(office.ideas.ideas(office.fenhao.journal).lines), MOST_LINES * 4)
            if one.statement == id
        }
    lines = []
    for ordinal, line in _register(office).lines(id, reading):
        lines.append((ordinal, line, standing.get(ordinal)))
        if len(lines) >= MOST_LINES:
            break
    why = [_said(each, language) for each in problems(_told(kept))]
    template = "finance_statement_part.html" if request.method == "POST" else "finance_statement.html"
    return shown(
        request, office, template, one=kept, why=why, lines=lines, first=first, me=me, named=reading is not None
    )


def _kept(office: Office, id: int) -> Kept:
    found = _register(office).statements(id=id)
    if not found:
        raise Unknown("statement", f"B{id}")
    return found[0]


def _register(office: Office) -> Register:
    return Register(office.fenhao.journal, office.fenhao.vault)


def _said(both: Both, language: str) -> str:
    return both.zh if language == "zh" else both.en


def _told(one: Taken | Kept) -> Told:
    """A statement's figures, however it came."""
    if isinstance(one, Taken):
        statement, verdict = one.statement, one.verdict
        figures = (statement.currency, statement.exponent, *statement.period, statement.opening, statement.closing)
        lines = (statement.closing_currency, len(statement.lines), statement.credits, statement.debits)
        return Told(statement.account, *figures, *lines, verdict.ties, verdict.difference, verdict.failed)
    kept_figures = (one.currency, one.exponent, one.first_on, one.last_on, one.opening, one.closing)
    kept_lines = (one.closing_currency, one.lines, one.credits, one.debits)
    return Told(one.account, *kept_figures, *kept_lines, one.ties, one.difference, one.failed)
