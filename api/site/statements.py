"""对账单: statements of banks taken in by a page, with the gate's answer; accepted by two persons; their lines."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from api.http.bank_statements import accepted, kept_of, taken_in
from api.http.office import Door, Office, Who
from api.http.uploads import Upload
from api.site.frame import Form, reader_of, shown, site_router
from ledger.vault import Reader as VaultReader
from reports.bank_desk import Wanted, accounts_of, asked_acceptances, lines_of
from reports.banking.register import Register
from reports.banking.words import Both, problems, told_of

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
    form, taken = taken_in(office, sent)
    language = reader_of(request, office).language
    told = [(one, [_said(each, language) for each in problems(told_of(one))]) for one in taken]
    return shown(request, office, "finance_taken.html", taken=told, form=form, name=sent.name)


@router.get("/finance/statements/{id}")
def statement(request: Request, office: Door, asker: Who, id: Number) -> Response:
    """One statement: whether it ties, who stands for it, its lines."""
    return _shown(request, office, asker.name, id)


@router.post("/finance/statements/{id}/acceptance")
def accept(request: Request, office: Door, asker: Who, id: Number, form: Form) -> Response:
    """The first person says why it is to be accepted, the second that it is. Raises SamePerson, NotHeld, BadValue."""
    accepted(office, asker, id, form.get("reason"))
    return _shown(request, office, asker.name, id)


@router.post("/finance/statements/{id}/names")
def names(request: Request, office: Door, asker: Who, id: Number, form: Form) -> Response:
    """The same with what its lines say of people, for a reason that is noted for good."""
    assert asker.name is not None
    return _shown(request, office, asker.name, id, VaultReader(asker.name, form.get("reason", "").strip()))


def _shown(request: Request, office: Office, me: str | None, id: int, reading: VaultReader | None = None) -> Response:
    kept, language = kept_of(office, id), reader_of(request, office).language
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
    why = [_said(each, language) for each in problems(told_of(kept))]
    template = "finance_statement_part.html" if request.method == "POST" else "finance_statement.html"
    return shown(
        request, office, template, one=kept, why=why, lines=lines, first=first, me=me, named=reading is not None
    )


def _register(office: Office) -> Register:
    return Register(office.fenhao.journal, office.fenhao.vault)


def _said(both: Both, language: str) -> str:
    return both.zh if language == "zh" else both.en
