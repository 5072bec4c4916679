"""比对日志头: whoever holds a head or a receipt sees whether it is of one history with another, or with this log."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from fastapi import Request, Response

from api.http.faults import NotInLog
from api.http.office import Door, Office
from api.own_log import own_log
from api.site.frame import Form, page_language, shown, site_router
from api.site.public import head_of
from audit.gossip import CannotTell, Forked, Held, compare
from audit.verify import Kept, Unusable, read_kept
from ledger.errors import LedgerError

router = site_router()
ONE, OTHER = "A", "B"
"""What the two heads are called on the page."""


class Judged(NamedTuple):
    """What was found: same, consistent, forked, cannot_tell or unusable; sizes, smaller first, or what is said."""

    found: str
    sizes: tuple[int, ...] = ()
    said: str = ""


@router.get("/heads")
def heads(request: Request, office: Door) -> Response:
    """Where heads are put in, and the newest one of this log."""
    return _page(request, office, dict.fromkeys(("first", "second"), ""), None)


@router.post("/heads")
def compared(request: Request, office: Door, form: Form) -> Response:
    """What two heads, or receipts, are to each other; with one alone, what it is to this log."""
    given = {name: form.get(name, "") for name in ("first", "second")}
    judged = _judged(office, given, page_language(request))
    return _page(request, office, given, judged, 400 if judged.found == "unusable" else 200)


def _page(
    request: Request, office: Office, given: dict[str, str], judged: Judged | None, status: int = 200
) -> Response:
    return shown(request, office, "heads.html", status=status, newest=head_of(office), given=given, judged=judged)


def _judged(office: Office, given: dict[str, str], language: str) -> Judged:
    try:
        one, other = (_kept(text, name) for text, name in zip(given.values(), (ONE, OTHER), strict=True))
        if one is None and other is None:
            raise Unusable("请粘贴至少一份日志头或凭据", "paste one head or receipt at least")
        return _held_together(office, [kept for kept in (one, other) if kept is not None])
    except Forked as fault:
        return Judged("forked", said=fault.say(language))
    except CannotTell as fault:
        return Judged("cannot_tell", said=fault.say(language))
    except Unusable as fault:
        return Judged("unusable", said=fault.zh if language == "zh" else fault.en)


def _held_together(office: Office, given: list[Kept]) -> Judged:
    """Raises Forked, CannotTell, Unusable."""
    own = office.origin
    for kept in given:
        if kept.head.origin != own:
            theirs = kept.head.origin[:80]
            raise CannotTell(
                reason=f"{kept.path} is of the ledger {theirs}; this service knows the heads of {own} alone",
                reason_zh=f"{kept.path} 属于账本 {theirs}；此处只能判断账本 {own} 的日志头",
            )
    try:
        keys_of, shelf = own_log(office.fenhao)
    except (Unusable, LedgerError):
        raise NotInLog() from None
    held = [Held.of(kept, keys_of) for kept in given]
    one, other = held if len(held) == 2 else (*held, shelf.newest)
    found = compare(one, other, shelf)
    # Two that are alike may both be of another history than the log itself.
    shelf.check(one)
    return Judged(found, tuple(sorted((one.head.size, other.head.size))))


def _kept(text: str, name: str) -> Kept | None:
    """The head in what was pasted, None for nothing. Raises Unusable.

    A browser sends other line ends than were pasted, and people copy without the last one.
    """
    plain = text.replace("\r\n", "\n").strip()
    return read_kept(Path(name), f"{plain}\n".encode()) if plain else None
