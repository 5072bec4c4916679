"""A donor's papers as pages and as files: statements (捐赠人台账), certificates (捐赠证书); and checking a number."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from api.bootstrap import log_folder
from api.http.faults import NotEntitled, NotInLog
from api.http.office import Door, Office
from api.site.donor import Whose
from api.site.frame import reader_of, shown, site_router
from api.site.public import head_of
from audit.checkpoint import Checkpoint, Note
from ledger.errors import BadValue, Unknown
from ledger.money import AmountError, parse_amount
from reports import certificates
from reports.donor import Wording
from reports.donor_statement import DonorReader, donor_file, members_of, neighbour_of, period_of, told_of
from reports.postings import Basis, NothingSigned

router = site_router()
Size = Annotated[int | None, Query(ge=1, le=2**53 - 1)]
Typed = Annotated[str, Query(max_length=60)]
TYPES = {
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
}
MAX_ROWS = 300
"""So many gifts and steps are on a page; the files have them all."""


@router.get("/my/statements/{name}")
@router.get("/donors/{id:id}/statements/{name}")
def statement(request: Request, office: Door, whose: Whose, name: str, size: Size = None) -> Response:
    """The statement of a month or a year, `2026-10`, `2026`; as a file with what that ends in, `2026-10.pdf`.

    `size` names an earlier signed head that it is to rest on: made again so, it is the same.
    """
    named, dot, form = name.partition(".")
    if dot and f".{form}" not in TYPES:
        raise BadValue("statement", name, f"it ends in {' '.join(TYPES)}", f"扩展名应为 {'、'.join(TYPES)}")
    basis = _basis(office, size)
    told = told_of(office.fenhao.journal, office.fenhao.vault, whose.donor, named, basis, whose.looking)
    reader = reader_of(request, office)
    speaking = DonorReader(reader.language, basis.currency, basis.exponent, Wording(reader, told.names))
    if dot:
        return _file(donor_file(told, speaking, f".{form}"), f"{whose.donor}-{name}", TYPES[f".{form}"])
    following = neighbour_of(named, 1)
    return shown(
        request,
        office,
        "donor_statement.html",
        desk=whose,
        speaking=speaking,
        rows=MAX_ROWS,
        before=neighbour_of(named, -1),
        following=following if period_of(following).first <= office.today() else None,
        **members_of(told),
    )


@router.get("/my/gifts/{donation:id}/certificate")
@router.get("/my/gifts/{donation:id}/certificate.pdf")
@router.get("/donors/{id:id}/gifts/{donation:id}/certificate")
@router.get("/donors/{id:id}/gifts/{donation:id}/certificate.pdf")
def certificate(request: Request, office: Door, whose: Whose, donation: str) -> Response:
    """The certificate of one gift that stands."""
    reader = reader_of(request, office)
    try:
        told = certificates.certificate_of(
            office.fenhao.journal, office.fenhao.vault, whose.donor, donation, whose.naming
        )
    except Unknown:
        raise NotEntitled() if whose.own else Unknown("donation", donation) from None
    if request.url.path.endswith(".pdf"):
        made = certificates.certificate_file(told, reader, office.origin)
        return _file(made, f"{donation}-certificate.pdf", TYPES[".pdf"])
    return shown(request, office, "donor_certificate.html", desk=whose, **certificates.members_of(told, reader))


@router.get("/certificates")
def check(request: Request, office: Door, number: Typed = "", amount: Typed = "") -> Response:
    """Whether the number of a certificate is the log's, and the amount on it the gift's: for who holds one."""
    verdict = None
    if number:
        wanted = certificates.parse_number(number)
        try:
            minor = parse_amount(amount.replace(",", ""), office.currency.exponent) if amount.strip() else None
        except AmountError as error:
            raise BadValue("amount", amount, *error.args) from error
        verdict = certificates.judged(office.fenhao.journal, wanted, minor)
    return shown(
        request, office, "certificates.html", number=number, amount=amount, verdict=verdict, head=head_of(office)
    )


def _basis(office: Office, size: int | None) -> Basis:
    """The newest signed head, or the one of that size. Raises NothingSigned, NotInLog."""
    folder, entries = log_folder(office.fenhao), office.fenhao.journal.entries.head()
    path = folder / "checkpoint" if size is None else folder / "checkpoints" / str(size)
    try:
        head = Checkpoint.parse(Note.parse(path.read_bytes()).text)
    except FileNotFoundError:
        raise NothingSigned() if size is None else NotInLog() from None
    return Basis(head.origin, entries.currency or "", entries.exponent or 0, head.size, head.root)


def _file(body: bytes, name: str, media_type: str) -> Response:
    """A file that is the asker's own."""
    kept = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-._") else "_" for letter in name)
    headers = {"Content-Disposition": f'attachment; filename="fenhao-{kept}"', "Cache-Control": "private, no-cache"}
    return Response(body, headers=headers, media_type=media_type)
