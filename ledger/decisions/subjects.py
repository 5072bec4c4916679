"""Commands about persons whose values the vault holds: to restrict them, to erase them. `ledger.erasure` says when."""

from __future__ import annotations

import re
from datetime import date

from ledger.book import Book
from ledger.decisions.base import Command, Decision
from ledger.errors import BadValue
from ledger.events import Fact, SubjectErased, SubjectRestricted
from ledger.ids import check_id, check_opaque
from ledger.needs import Needs

_SUBJECT = re.compile(r"(donor|person|household|case|donation)/(.+)", re.ASCII)


def check_subject(subject: str) -> tuple[str, str]:
    """(noun, id) of whose personal values something is about. Raises BadValue."""
    found = _SUBJECT.fullmatch(subject)
    if found is None:
        raise BadValue(
            "subject",
            subject,
            "write donor/ID, person/ID, household/ID, case/ID or donation/ID",
            "应写作 donor/编号、person/编号、household/编号、case/编号 或 donation/编号",
        )
    return found[1], check_id(found[2], "subject")


class _AboutSubject(Command, frozen=True, kw_only=True, omit_defaults=True):
    """What both commands have: whose values, and on what ground."""

    NEEDS_BASIS = True

    whose: str

    def check(self) -> None:
        if self.personal:
            raise BadValue("personal", "…", f"{type(self).__name__} carries no personal values", "此类事项不含个人信息")
        Command.check(self)
        check_subject(self.whose)
        assert self.basis is not None
        check_opaque(self.basis.ref, "basis ref")

    def subject(self) -> str:
        return self.whose

    def needs(self, needs: Needs) -> None:
        needs.streams.add(self.whose)

    def decide(self, book: Book) -> Decision:
        return Decision([self._fact()])

    def _fact(self) -> Fact:
        raise NotImplementedError


class RestrictSubject(_AboutSubject, frozen=True, kw_only=True, omit_defaults=True):
    """Personal values are stored and not read, till they may be erased on `until`."""

    until: date

    def _fact(self) -> Fact:
        return SubjectRestricted(**self.common(), subject=self.whose, until=self.until)


class EraseSubject(_AboutSubject, frozen=True, kw_only=True, omit_defaults=True):
    """The person's key is destroyed with the entry that says so."""

    def _fact(self) -> Fact:
        return SubjectErased(**self.common(), subject=self.whose)
