"""Commands about cases 个案: opened, amended, closed, opened again."""

from __future__ import annotations

from msgspec import field

from ledger.book import Book
from ledger.decisions.base import Command, Decision
from ledger.decisions.choosing import moved
from ledger.errors import BadValue, CaseIsClosed, CaseIsOpen, PersonInOpenCase, ReachedLater
from ledger.events import CaseAmended, CaseClosed, CaseOpened, CaseReopened, Id
from ledger.ids import check_id, check_opaque
from ledger.needs import Needs
from ledger.places import case_place
from ledger.terms import ID_DIMENSIONS, check_dimension

CLOSING_REASONS = ("completed", "withdrawn", "ineligible", "moved", "other")


class OpenCase(Command, frozen=True, kw_only=True, omit_defaults=True):
    """A case of one child at one hospital; `attributes` are the other dimensions, one code each."""

    case: Id
    fund: Id
    hospital: Id
    person: Id | None = None
    household: Id | None = None
    purpose: Id | None = None
    attributes: dict[str, str] = field(default_factory=dict)

    def subject(self) -> str:
        return case_subject(self.case, self.person)

    def check(self) -> None:
        Command.check(self)
        for name in ("case", "person", "household"):
            check_opaque(getattr(self, name), name)

    def novelties(self, needs: Needs) -> None:
        needs.new_streams.add(f"case/{self.case}")

    def needs(self, needs: Needs) -> None:
        needs.streams |= {f"fund/{self.fund}", f"hospital/{self.hospital}"}
        needs.funds.add(self.fund)
        needs.opening_cases.setdefault(self.case, set()).add(self.fund)
        if self.person is not None:
            needs.persons.add(self.person)
        if self.household is not None:
            needs.households.add(self.household)

    def decide(self, book: Book) -> Decision:
        book.require_new("case", self.case)
        book.fund_fee_bp(self.fund)
        attributes = checked_attributes(book, self.hospital, self.person, self.attributes)
        if not self.is_approved():
            require_alone(book, self.case, self.person, self.household, self.purpose)
        return Decision(
            [
                CaseOpened(
                    **self.common(),
                    case=self.case,
                    fund=self.fund,
                    attributes=attributes,
                    household=self.household,
                    purpose=self.purpose,
                )
            ]
        )


class AmendCase(Command, frozen=True, kw_only=True, omit_defaults=True):
    """The case is another than it was: all its attributes anew, hospital and person among them. It moves no money."""

    case: Id
    hospital: Id
    person: Id | None = None
    attributes: dict[str, str] = field(default_factory=dict)

    def subject(self) -> str:
        return case_subject(self.case, self.person)

    def check(self) -> None:
        Command.check(self)
        check_opaque(self.person, "person")

    def needs(self, needs: Needs) -> None:
        needs.streams |= {f"case/{self.case}", f"hospital/{self.hospital}"}
        needs.cases.add(self.case)
        if self.person is not None:
            needs.persons.add(self.person)

    def decide(self, book: Book) -> Decision:
        case = book.case(self.case)
        attributes = checked_attributes(book, self.hospital, self.person, self.attributes)
        if case.is_open and self.person != case.attributes.get("person") and not self.is_approved():
            require_alone(book, self.case, self.person, None, case.purpose)
        return Decision([CaseAmended(**self.common(), case=self.case, attributes=attributes)])


class CloseCase(Command, frozen=True, kw_only=True, omit_defaults=True):
    """结案: what is at the case goes home; money at hospitals may still settle or come back."""

    MOVES_MONEY = True

    case: Id
    reason: str = "completed"

    def check(self) -> None:
        Command.check(self)
        if self.reason not in CLOSING_REASONS:
            raise BadValue(
                "reason", self.reason, " ".join(CLOSING_REASONS), "结案原因应为 " + "、".join(CLOSING_REASONS)
            )

    def needs(self, needs: Needs) -> None:
        needs.streams.add(f"case/{self.case}")
        needs.cases.add(self.case)
        needs.returning.add(case_place(self.case))

    def decide(self, book: Book) -> Decision:
        assert self.on is not None
        case = book.case(self.case)
        if not case.is_open:
            raise CaseIsClosed(case=self.case)
        if case.reached is not None and case.reached > self.on:
            raise ReachedLater(case=self.case, reached=case.reached, on=self.on)
        left = [row for rows in book.places.at(case_place(self.case)).values() for row in rows]
        moves = moved((row, row.home) for row in left)
        return Decision([CaseClosed(**self.common(), moves=moves, case=self.case, reason=self.reason)])


class ReopenCase(Command, frozen=True, kw_only=True, omit_defaults=True):
    """The case takes money again."""

    FOLLOWS = True

    case: Id

    def needs(self, needs: Needs) -> None:
        needs.streams.add(f"case/{self.case}")
        needs.cases.add(self.case)

    def follow(self, book: Book, needs: Needs) -> None:
        """The other cases of its person and household."""
        case = book.find_case(self.case)
        if case is not None:
            needs.persons.update(filter(None, [case.attributes.get("person")]))
            needs.households.update(filter(None, [case.household]))

    def decide(self, book: Book) -> Decision:
        case = book.case(self.case)
        if case.is_open:
            raise CaseIsOpen(case=self.case)
        if not self.is_approved():
            require_alone(book, self.case, case.attributes.get("person"), case.household, case.purpose)
        return Decision([CaseReopened(**self.common(), case=self.case)])


def case_subject(case: str, person: str | None) -> str:
    """Whose the personal values of a case are: its person's, or its own where it names none."""
    return f"case/{case}" if person is None else f"person/{person}"


def checked_attributes(book: Book, hospital: str, person: str | None, others: dict[str, str]) -> dict[str, str]:
    """All attributes of a case. Raises Unknown, UnknownCode, BadValue."""
    book.require_hospital(hospital)
    for own in ID_DIMENSIONS:
        if own in others:
            raise BadValue("attributes", own, "given by a field of its own", "应填在专门的字段中")
    attributes = {**others, "hospital": hospital}
    if person is not None:
        attributes["person"] = person
    for dimension, code in attributes.items():
        check_dimension(dimension)
        check_id(code, dimension)
    book.registry.dictionary.require_all(attributes.items())
    return attributes


def require_alone(book: Book, case: str, person: str | None, household: str | None, purpose: str | None) -> None:
    """Raises PersonInOpenCase when another open case of this purpose is the same person's or household's."""
    for other in book.open_cases_of(person, household):
        if other.id != case and other.purpose == purpose:
            same_person = person is not None and other.attributes.get("person") == person
            raise PersonInOpenCase(
                who="person" if same_person else "household",
                who_zh="受益人" if same_person else "家庭",
                id=person if same_person else household,
                other=other.id,
            )
