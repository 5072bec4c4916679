"""流水: lines of statements by what stands of them, what is behind each, and what a person decides of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from typing import Annotated, Any

from fastapi import Query, Request, Response

from api.http.bank import State, line_key, wanted_of
from api.http.office import Door, Office, Who
from api.recording import Done
from api.site.deeds import done, fresh_key
from api.site.frame import Form, shown, site_router
from ledger.decisions.matching import PERSON, WRITE_OFF_REASONS
from ledger.errors import BadValue, Unknown
from reports.bank_desk import STATES, Way, accounts_of, counts_of, lines_of
from reports.line_told import told_line
from reports.matching import (
    entries_of,
    fits_an_entry,
    line_ref,
    read_known,
    read_open,
    record_in_parts,
    record_matches,
)
from reports.reconcile import Key, Match
from reports.refusals import refuse

router = site_router()
PAGE = 50
MOST_IDEAS = 30
"""So many suggestions are on the page at once: who decides one sees the next."""
Month = Annotated[str, Query(pattern="^([0-9]{4}-(0[1-9]|1[0-2]))?$")]
_AFTER = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.([0-9]{1,18})\.([0-9]{1,9})", re.ASCII)


@router.get("/finance/lines")
def lines(
    request: Request,
    office: Door,
    state: State | None = None,
    account: Annotated[str, Query(max_length=120)] = "",
    month: Month = "",
    after: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """Lines in the order of their days; how many there are in each state."""
    wanted = wanted_of(office, state, account or None, month or None)
    if match := _AFTER.fullmatch(after):
        wanted = wanted._replace(behind=(date.fromisoformat(match[1]), int(match[2]), int(match[3])))
    ideas = office.ideas.ideas(office.fenhao.journal)
    suggested = sorted(ideas.lines)
    with office.fenhao.journal.entries.reading() as cursor:
        found = lines_of(cursor, wanted, suggested, PAGE + 1)
        counts = counts_of(cursor, wanted, suggested)
        accounts = accounts_of(cursor)
    last = found[PAGE - 1] if len(found) > PAGE else None
    return shown(
        request,
        office,
        "finance_lines.html",
        found=found[:PAGE],
        counts=counts,
        states=[one for one in STATES if one in counts or one == state],
        accounts=accounts,
        state=state,
        account=account,
        month=month,
        sure=ideas.sure,
        after=after,
        next=None if last is None else f"{last.on}.{last.statement}.{last.ordinal}",
    )


@router.post("/finance/lines/rules")
def by_rules(request: Request, office: Door, asker: Who) -> Response:
    """Records what the rules are sure of, in the name of who asked for it. Raises AccountsNotOpen."""
    found = record_matches(office.fenhao.writer, read_open(office.fenhao.journal), asker.name)
    return shown(request, office, "finance_ruled.html", found=found)


@router.get("/finance/suggestions")
def suggestions(request: Request, office: Door) -> Response:
    """What the rules suggest: candidates side by side, to be accepted or refused."""
    return _suggestions(request, office, None)


@router.post("/finance/suggestions")
def decide(request: Request, office: Door, asker: Who, form: Form) -> Response:
    """A person's word on one way: it is recorded as their match, or not put before anybody again."""
    made = _decided(office, asker, form)
    return _suggestions(request, office, made)


@router.get("/finance/lines/{id:id}")
def line(request: Request, office: Door, id: str) -> Response:
    """One line, the entries, gifts and children behind it, and what can be done with it."""
    return _line(request, office, line_key(id), None, None)


@router.post("/finance/lines/{id:id}")
def act(request: Request, office: Door, asker: Who, id: str, form: Form) -> Response:
    """Matches the line by hand, disputes it, has it written off, undoes what was said of it."""
    key = line_key(id)
    deed = form.get("deed", "")
    if deed in ("accept", "refuse"):
        made = _decided(office, asker, form)
    elif deed in _DEEDS:
        fact, members = _DEEDS[deed](office, key, form)
        made = done(office, asker, fact, members, {**form, "propose": "1"} if fact == "LinesWrittenOff" else form)
    else:
        raise BadValue("deed", deed, "something that is done with a line", "未知操作")
    return _line(request, office, key, deed, made)


def _decided(office: Office, asker: Any, form: dict[str, str]) -> Done | None:
    """The match that was recorded; None where the way was refused. Raises Unknown for what is suggested no more."""
    way = office.ideas.ideas(office.fenhao.journal).way(form.get("way", ""))
    if way is None:
        raise Unknown("suggestion", form.get("way", "")[:16])
    if form.get("deed") == "refuse":
        refuse(office.fenhao.journal, way.name, str(asker.name))
        return None
    if not fits_an_entry(way.lines, way.legs):
        match = Match(PERSON, way.lines, way.legs)
        seq = record_in_parts(office.fenhao.writer, match, read_open(office.fenhao.journal), str(asker.name))
        return Done(office.fenhao.journal.entries.read(seq, 1)[0])
    return done(office, asker, "LinesMatched", _matched(office, way, form), form)


def _matched(office: Office, way: Way, form: dict[str, str]) -> dict[str, Any]:
    legs = [{"seq": seq, "leg": leg} for seq, leg in way.legs]
    return {**_named(form), "lines": [_ref(office, key) for key in way.lines], "legs": legs}


def _by_hand(office: Office, key: Key, form: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """Entries as `128`, `128/1` or `payment/P1`, lines as `B9/4`, with spaces or commas between."""
    refs, legs = [_ref(office, key)], []
    for word in re.split(r"[\s,，、]+", form.get("entries", "").strip()):
        if re.fullmatch("B[0-9]{1,18}/[0-9]{1,9}", word, re.ASCII):
            refs.append(_ref(office, line_key(word)))
        elif re.fullmatch("#?[0-9]{1,15}(/[0-9]{1,4})?", word, re.ASCII):
            seq, _, leg = word.lstrip("#").partition("/")
            legs.append({"seq": int(seq), "leg": int(leg or 0)})
        else:
            with office.fenhao.journal.entries.reading() as cursor:
                found = entries_of(cursor, word)
            if not found:
                raise Unknown("stream", word)
            legs.append({"seq": found[0], "leg": 0})
    return "LinesMatched", {**_named(form), "lines": refs, "legs": legs}


def _disputed(office: Office, key: Key, form: dict[str, str]) -> tuple[str, dict[str, Any]]:
    return "LinesDisputed", {**_named(form), "lines": [_ref(office, key)]}


def _written_off(office: Office, key: Key, form: dict[str, str]) -> tuple[str, dict[str, Any]]:
    return "LinesWrittenOff", {**_named(form), "lines": [_ref(office, key)], "reason": form.get("reason", "")}


def _undone(office: Office, key: Key, form: dict[str, str]) -> tuple[str, dict[str, Any]]:
    return "LinesUnmatched", {"match": form.get("match", "")}


_DEEDS: dict[str, Callable[[Office, Key, dict[str, str]], tuple[str, dict[str, Any]]]] = {
    "match": _by_hand,
    "dispute": _disputed,
    "write_off": _written_off,
    "undo": _undone,
}


def _named(form: dict[str, str]) -> dict[str, str]:
    """A match of its own for each form: sent twice it is one, and undone it can be made anew."""
    return {"match": f"M-{form.get('key', '')}"}


def _ref(office: Office, key: Key) -> dict[str, Any]:
    """A line as facts name it. Raises Unknown."""
    with office.fenhao.journal.entries.reading() as cursor:
        known = read_known(cursor)
    if key[0] not in known.files:
        raise Unknown("line", f"B{key[0]}/{key[1]}")
    ref = line_ref(key, known)
    return {"file": ref.file, "statement": ref.statement, "ordinal": ref.ordinal}


def _added(parts: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """What each comes to, the most first."""
    found: Counter[str] = Counter()
    for name, amount in parts:
        found[name] += amount
    return found.most_common()


def _suggestions(request: Request, office: Office, made: Done | None) -> Response:
    ideas = office.ideas.ideas(office.fenhao.journal)
    template = "finance_suggestions_part.html" if request.method == "POST" else "finance_suggestions.html"
    refused = request.method == "POST" and made is None
    return shown(
        request,
        office,
        template,
        ideas=ideas.found[:MOST_IDEAS],
        count=len(ideas.found),
        key=fresh_key(),
        made=made,
        refused=refused,
        back="/finance/suggestions",
        target="#suggestions",
    )


def _line(request: Request, office: Office, key: Key, deed: str | None, made: Done | None) -> Response:
    if made is not None:
        office.fenhao.runner.catch_up()
    found, gifts = told_line(office.fenhao.journal, key)
    ideas = office.ideas.ideas(office.fenhao.journal).of(key)
    if ideas and found.state == "unmatched":
        found = found._replace(state="suggested")
    name = f"B{key[0]}/{key[1]}"
    return shown(
        request,
        office,
        "finance_line.html" if deed is None else "finance_line_part.html",
        one=found,
        name=name,
        gifts=gifts,
        stands=_added(place for gift in gifts for place in gift["by_place"].items()),
        cases=_added((one["case"], one["amount"]) for gift in gifts for one in gift["beneficiaries"]),
        ideas=ideas,
        key=fresh_key(),
        left=found.amount - sum(each.amount for each in found.said if each.undone is None),
        reasons=WRITE_OFF_REASONS,
        deed=deed,
        made=made,
        refused=deed == "refuse",
        back=f"/finance/lines/{name}",
        target="#line",
    )
