"""The review of unknown terms 待审词条: what a member of staff decides on them, checked whole and then carried out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from api.bootstrap import Fenhao
from ledger.decisions import DefineCode
from ledger.dictionary import Dictionary
from ledger.errors import BadValue, CodeDefinedAlready, InputFault, Refusal, shown
from ledger.ids import check_id, check_opaque
from ledger.terms import ID_DIMENSIONS
from ledger.vocabulary import Synonym, Waiting, accept, check_term, dictionary_of, dismiss, synonyms_of, waiting


class NotWaiting(InputFault):
    """A term that is named without its dimension and waits in none, or in several."""

    code = "term_not_waiting"
    zh = "词条 {term} 不在待审之列，或在多个维度待审：请用 --dimension 指明维度"
    en = "the term {term} waits in no dimension or in several: name one with --dimension"


class NobodyDecides(InputFault):
    """A decision on terms without the name of who takes it."""

    code = "by_missing"
    zh = "审定须记明审定人：请给出 --by 工号"
    en = "who decides is recorded: give --by STAFF"


class NewCode(NamedTuple):
    """A code to define."""

    code: str
    name: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is asked for: `accepted` are `TERM=CODE`, `dismissed` terms; `dimension` None: the one that they wait in."""

    dimension: str | None
    accepted: tuple[str, ...] = ()
    new: NewCode | None = None
    dismissed: tuple[str, ...] = ()
    by: str | None = None

    def __bool__(self) -> bool:
        return bool(self.accepted or self.new or self.dismissed)


@dataclass(slots=True)
class Done:
    """What a verdict came to; `replaced` tells what accepted terms were read as before."""

    defined: list[tuple[str, NewCode]] = field(default_factory=list)
    accepted: list[Synonym] = field(default_factory=list)
    dismissed: list[tuple[str, str]] = field(default_factory=list)
    replaced: dict[Synonym, str] = field(default_factory=dict)

    def members(self) -> dict[str, Any]:
        """As JSON."""
        accepted = [{**one._asdict(), "before": self.replaced.get(one)} for one in self.accepted]
        return {
            "defined": [{"dimension": dimension, **new._asdict()} for dimension, new in self.defined],
            "accepted": accepted,
            "dismissed": [{"dimension": dimension, "term": term} for dimension, term in self.dismissed],
        }

    def lines(self) -> Iterator[tuple[str, str]]:
        """For a person, in Chinese and English."""
        for dimension, new in self.defined:
            yield f"已定义 {dimension} 代码 {new.code} {new.name}", f"defined: {dimension} {new.code} {new.name}"
        for one in self.accepted:
            before = self.replaced.get(one)
            yield (
                f"{one.dimension} 词条 {one.term} 今后读作 {one.code}" + (f"（此前为 {before}）" if before else ""),
                f"{one.dimension} {one.term} is read as {one.code} from now on" + (f", not {before}" if before else ""),
            )
        for dimension, term in self.dismissed:
            yield f"{dimension} 词条 {term} 已忽略", f"{dimension} {term} is dismissed"
        if self.defined or self.accepted:
            yield "重新导入原文件或其退回文件即可", "now import the same file, or its rejects file, again"


def pronounce(fenhao: Fenhao, verdict: Verdict) -> Done:
    """Carries the verdict out: the new code first, then its terms. Raises InputFault and Refusal, with nothing done."""
    if verdict.by is None and (verdict.accepted or verdict.new):
        raise NobodyDecides()
    if verdict.by is not None:
        check_opaque(check_id(verdict.by, "by"), "by")
    with fenhao.database.service() as connection:
        listed = waiting(connection)
        dictionary, before = dictionary_of(connection.cursor()), synonyms_of(connection)
    done = Done()
    if verdict.new is not None:
        meant = (text.rpartition("=")[0].strip() for text in verdict.accepted)
        home = _dimension(verdict, listed, verdict.new.name, verdict.new.code, *meant)
        done.defined.append((home, verdict.new))
        if any((one.dimension, one.term) == (home, verdict.new.name) for one in listed):
            done.accepted.append(Synonym(home, check_term(verdict.new.name), verdict.new.code))
    done.accepted += [_synonym(verdict, listed, dictionary, text) for text in verdict.accepted]
    for one in done.accepted:
        if (was := before.get(one.dimension, {}).get(one.term)) not in (None, one.code):
            done.replaced[one] = str(was)
    for term in verdict.dismissed:
        home = _dimension(verdict, listed, term)
        if term not in before.get(home, {}) and not any(one[:2] == (home, term) for one in listed):
            raise NotWaiting(term=shown(term))
        done.dismissed.append((home, term))
    for home, new in done.defined:
        _define(fenhao, home, new, verdict.by)
    with fenhao.database.service() as connection, connection.transaction():
        accept(connection, done.accepted, verdict.by)
        for home, term in done.dismissed:
            dismiss(connection, home, term)
    return done


def _dimension(verdict: Verdict, listed: list[Waiting], *terms: str) -> str:
    """The dimension that is named, or the only one in which one of the terms waits. Raises NotWaiting."""
    found = {one.dimension for one in listed if one.term in terms}
    if verdict.dimension is None and len(found) != 1:
        raise NotWaiting(term=shown(terms[0]))
    return verdict.dimension or found.pop()


def _synonym(verdict: Verdict, listed: list[Waiting], dictionary: Dictionary, text: str) -> Synonym:
    """What `TERM=CODE` says. Raises BadValue, NotWaiting, UnknownCode."""
    term, equals, code = (part.strip() for part in text.rpartition("="))
    if not (term and equals and code):
        raise BadValue("accept", text, "write TERM=CODE", "应写作 词条=代码")
    term = check_term(term)
    home = _dimension(verdict, listed, term)
    if home in ID_DIMENSIONS:
        raise BadValue("dimension", home, "its codes are ids, without synonyms", "该维度的代码即编号，没有同义词")
    if dictionary.knows(home, term):
        raise BadValue("term", term, "it is a code itself, and read as that", "它本身就是代码，按代码读取")
    if verdict.new is None or verdict.new.code != code:
        dictionary.require(home, code)
    return Synonym(home, term, code)


def _define(fenhao: Fenhao, dimension: str, new: NewCode, by: str | None) -> None:
    """Records the code unless it stands just so. Raises Refusal."""
    content = "\x1f".join([dimension, new.code, new.name, new.parent or "", by or ""])
    key = f"codes-review:sha256:{hashlib.sha256(content.encode()).hexdigest()}"
    command = DefineCode(key=key, dimension=dimension, code=new.code, name=new.name, parent=new.parent, by=by)
    outcome = fenhao.writer.submit_batch([command])[0]
    if isinstance(outcome, Refusal) and not isinstance(outcome, CodeDefinedAlready):
        raise outcome
