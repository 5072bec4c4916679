"""What requests and answers about people look like: who signs in, reads personal values, proposes, approves."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.http.shapes import Shape


class OwnProof(Shape):
    """What an account's holder shows: the password, and a code where there is a second factor."""

    password: str = Field(min_length=1, max_length=200)
    code: str | None = Field(None, min_length=1, max_length=40, description="动态口令或恢复码 / second factor's code")


class Credentials(OwnProof):
    """Who an account's holder is."""

    name: str = Field(min_length=1, max_length=120)


class FactorCode(Shape):
    """What the authenticator shows now."""

    code: str = Field(min_length=1, max_length=40)


class Enrolment(Shape):
    """What goes into an authenticator, shown this once; in force when it is confirmed."""

    secret: str
    uri: str


class RecoveryCodes(Shape):
    """Each signs in once when the authenticator is lost; shown this once."""

    recovery_codes: list[str]


class Link(Shape):
    """A donor's link."""

    link: str = Field(min_length=1, max_length=1_000)


class Contact(Shape):
    """A phone or an e-mail."""

    contact: str = Field(min_length=1, max_length=200)


class Code(Contact):
    """A one-time code of six or twelve digits, and where it was sent."""

    code: str = Field(pattern="^[0-9][0-9 -]{4,18}[0-9]$")


class SignedIn(Shape):
    """Who is signed in; a browser's changing requests show `csrf` in the header X-CSRF-Token."""

    name: str
    donor: str | None
    roles: list[str]
    second_factor: bool
    csrf: str


class ToOpen(Shape):
    """Which stream's values, and why; what is restricted asks for a reason of its own."""

    stream: str = Field(min_length=3, max_length=200)
    reason: str = Field(min_length=1, max_length=200)
    restricted_reason: str | None = Field(None, min_length=1, max_length=200)


class OpenedValue(Shape):
    """One commitment of an entry with what opens it; `erased`: the entry since which nothing does."""

    seq: int
    field: str
    commitment: str
    value: str | None = None
    salt: str | None = None
    erased: int | None = None


class Opening(Shape):
    """What was read of a stream."""

    stream: str
    openings: list[OpenedValue]
    outside_id: str | None = None


class Access(Shape):
    """One reading of personal values."""

    at: str
    by: str
    what: str
    stream: str | None
    subjects: list[str]
    fields: list[str]
    reason: str
    restricted_reason: str | None


class Accesses(Shape):
    """Readings, newest first."""

    accesses: list[Access]


class ToShow(Shape):
    """Which values of a stream an auditor may read, for how long, and why."""

    auditor: str = Field(min_length=1, max_length=120)
    stream: str = Field(min_length=3, max_length=200)
    fields: list[str] = Field(min_length=1, max_length=50)
    days: int = Field(ge=1, le=90)
    reason: str = Field(min_length=1, max_length=200)


class Shown(Shape):
    """Values shown to an auditor; over at `expires_at`, or when somebody ended it."""

    id: str
    auditor: str
    stream: str
    fields: list[str]
    reason: str
    made_by: str
    made_at: str
    expires_at: str
    ended_at: str | None
    ended_by: str | None


class Showings(Shape):
    """Showings, newest first."""

    showings: list[Shown]


class Proposal(Shape):
    """What waits for a second person, or did; `seq` is the entry that it became."""

    id: str
    fact: str
    data: dict[str, Any]
    made_by: str
    made_at: str
    expires_at: str
    state: Literal["waiting", "approved", "declined"]
    decided_by: str | None
    reason: str | None
    seq: int | None


class Proposals(Shape):
    """Those that wait."""

    proposals: list[Proposal]


class Reason(Shape):
    """Why a proposal is declined."""

    reason: str = Field(min_length=1, max_length=200)
