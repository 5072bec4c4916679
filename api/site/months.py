"""关账: the months of the books, what keeps one open, closing and reopening by two persons; papers, and their check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import Path, Request, Response

from api.closing import ready
from api.http.bank import MONTH
from api.http.office import Door, Office, Who
from api.http.uploads import Upload
from api.paper_check import LetterVerdict, check_paper, read_paper
from api.papers import KINDS
from api.site.deeds import done, fresh_key
from api.site.frame import Form, reader_of, shown, site_router
from reports.closing import CutOff, NotReady, cut_off
from reports.donor_statement import periods_between
from reports.months import first_day, months
from reports.statement_words import StatementReader

router = site_router()
MOST_OPEN = 100
"""So many open lines are named on the page; the list of lines has them all."""
Period = Annotated[str, Path(pattern=MONTH)]


@router.get("/finance/months")
def listed(request: Request, office: Door) -> Response:
    """The months, newest first."""
    with office.fenhao.journal.entries.reading() as cursor:
        found = months(cursor, office.today())[::-1]
    return shown(request, office, "finance_months.html", months=found)


@router.get("/finance/months/{period}")
def month(request: Request, office: Door, period: Period) -> Response:
    """One month: what is in the way of closing it, its cut-off list, its papers."""
    found, _ = ready(office.fenhao, period, office.ideas.ideas(office.fenhao.journal).lines)
    with office.fenhao.journal.entries.reading() as cursor:
        told = months(cursor, office.today())
        across = cut_off(cursor, period)
    this = next((one for one in told if one.period == period), None)
    last = next((one for one in reversed(told) if one.state == "closed"), None)
    closed = None
    if this is not None and this.state == "closed" and this.seq is not None:
        closed = office.fenhao.journal.entries.read(this.seq, 1)[0].data
    return shown(
        request,
        office,
        "finance_month.html",
        period=period,
        this=this,
        closed=closed,
        is_last=last is not None and last.period == period,
        found=found,
        open=found.lines[:MOST_OPEN],
        across=_summed(across),
        kinds=[kind for kind in KINDS if kind != "ratios"],
        key=fresh_key(),
        title=titles(request, office),
    )


@router.post("/finance/months/{period}")
def decide(request: Request, office: Door, asker: Who, form: Form, period: Period) -> Response:
    """Closes the month or opens it again, once a second person approves. Raises NotReady, Refusal."""
    reopening = form.get("deed") == "reopen"
    members: dict[str, Any] = {"period": period}
    if reason := form.get("reason", "").strip():
        members["reason"] = reason
    elif not reopening:
        found, _ = ready(office.fenhao, period)
        if not found.is_ready:
            raise NotReady(found)
    done(office, asker, "PeriodReopened" if reopening else "PeriodClosed", members, {**form, "propose": "1"})
    return shown(request, office, "finance_done.html", made=None)


@router.get("/finance/papers")
def papers(request: Request, office: Door) -> Response:
    """Statements and vouchers of every month and year in which anything was posted, and where a paper is checked."""
    today = office.today()
    with office.fenhao.journal.entries.reading() as cursor:
        first = first_day(cursor) or today
    return shown(
        request,
        office,
        "finance_papers.html",
        years=periods_between(first, today),
        kinds=KINDS,
        title=titles(request, office),
    )


def _summed(across: Sequence[CutOff]) -> list[tuple[tuple[Any, ...], tuple[int, int, int]]]:
    """The cut-off list by fact, account and days: of each how many entries, what they come to, the first of them."""
    found: dict[tuple[Any, ...], tuple[int, int, int]] = {}
    for one in across:
        key = (one.type, one.account, one.on, one.bank_on)
        count, amount, first = found.get(key, (0, 0, one.seq))
        found[key] = (count + 1, amount + one.amount, first)
    return sorted(found.items(), key=lambda each: (each[0][2], each[0][3], each[0][:2]))


def titles(request: Request, office: Office) -> Callable[[str], str]:
    """What statements are called."""
    return StatementReader(reader_of(request, office).language).word


@router.post("/finance/papers")
def check(request: Request, office: Door, sent: Upload) -> Response:
    """Holds a paper's file against the log, a statement or a letter, figure by figure. Raises NotAReport."""
    found = check_paper(office.fenhao, read_paper(sent.data), sent.data, lambda *_: None)
    template = "finance_checked_letter.html"
    if not isinstance(found, LetterVerdict):
        template = "finance_checked.html"
        found.require_pages()
    return shown(
        request,
        office,
        template,
        verdict=found,
        name=sent.name,
        title=titles(request, office),
    )
