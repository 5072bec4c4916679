"""What answers look like, for the reference: answers themselves are written straight from what the rooms below give."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.http.faults import BadRequest
from api.http.problems import MEDIA_TYPE, TITLES
from ledger.errors import shown


class Shape(BaseModel):
    """An object with exactly these members."""

    model_config = ConfigDict(extra="forbid")


class Problem(Shape):
    """RFC 9457. `type` is stable; `detail` is for people; `figures` are the values behind it, in minor units."""

    type: str = Field(pattern="^urn:fenhao:problem:[a-z0-9_]+$")
    title: str
    status: int
    detail: str
    figures: dict[str, Any]


class Issue(Shape):
    """New serials [lo, hi) of a tape, put at a place."""

    tape: str
    lo: int
    hi: int
    to: str


class Move(Shape):
    """Serials [lo, hi) of a tape taken from one place to another."""

    tape: str
    lo: int
    hi: int
    source: str = Field(alias="from")
    to: str


class RecordedFact(Shape):
    """The entry that a request became: `leaf` is its RFC 6962 leaf hash, `amount` in minor units."""

    seq: int
    replayed: bool = Field(description="此前已登记 / recorded before, nothing was recorded now")
    reversed: bool = Field(description="其后已被冲销 / undone since")
    type: str
    stream: str
    issue: list[Issue]
    moves: list[Move]
    amount: int
    amount_text: str
    leaf: str = Field(pattern="^[0-9a-f]{64}$")


class BatchFact(Shape):
    """One fact of a batch: its name, and its members as its own route takes them."""

    fact: str
    data: dict[str, Any]


class BatchRequest(Shape):
    """Facts in order; with mode `all` they are recorded all together or not at all."""

    mode: Literal["each", "all"] = "each"
    facts: list[BatchFact] = Field(max_length=5_000)


class BatchResult(Shape):
    """What became of one fact: its entry, or why there is none."""

    status: int
    seq: int | None = None
    type: str | None = None
    stream: str | None = None
    leaf: str | None = None
    problem: Problem | None = None


class BatchAnswer(Shape):
    """How many were recorded now, before, and not; and each, in order."""

    recorded: int
    replayed: int
    refused: int
    results: list[BatchResult]


class Gift(Shape):
    """One gift: `amount` as issued, `seq` its entry."""

    donation: str | None
    fund: str
    on: date
    seq: int
    amount: int


class DonorLedger(Shape):
    """A donor's ledger: amounts in minor units; `by_place` says where all that was given is."""

    donor: str
    given: int
    by_place: dict[str, int]
    donations: list[Gift]
    next: str | None


class Flow(Shape):
    """Serials [lo, hi) of a gift and where they are."""

    tape: str
    lo: int
    hi: int
    donation: str | None
    case: str | None
    hospital: str | None
    place: str
    amount: int


class DonationTrace(Shape):
    """One gift and where its money is."""

    donation: str
    donor: str | None
    fund: str
    on: date
    seq: int
    amount: int
    given: int
    by_place: dict[str, int]
    flows: list[Flow]
    next: str | None


class CaseDonor(Shape):
    """A gift's part in a case; ranges like `t3:100-200`."""

    donor: str | None
    donation: str | None
    amount: int
    ranges: list[str]


class CaseTrace(Shape):
    """What stands for a case, what came home from it, whose money it is."""

    case: str
    allocated: int
    paid: int
    used: int
    returned: int
    donors: list[CaseDonor]
    next: str | None


class HospitalCase(Shape):
    """What stands at a hospital for one case."""

    case: str
    paid: int
    used: int
    total: int


class HospitalDonor(Shape):
    """What of a donor's stands at a hospital."""

    donor: str | None
    amount: int


class HospitalTrace(Shape):
    """What stands at a hospital: one of the two lists, as asked for."""

    hospital: str
    paid: int
    used: int
    total: int
    cases: list[HospitalCase] | None = None
    donors: list[HospitalDonor] | None = None
    next: str | None


class Figures(Shape):
    """received + transferred_in = the sum of the others, but `brought_forward` (a part of received) and `void`."""

    received: int
    transferred_in: int
    transferred_out: int
    available: int
    allocated: int
    paid: int
    used: int
    fees: int
    costs: int
    held: int
    refunded: int
    out: int


class Tape(Shape):
    """A tape of a fund: its terms, how many serials were issued, how many of them are void."""

    tape: str
    nature: str
    restriction: dict[str, list[str]]
    usable_from: date | None = None
    expires_on: date | None = None
    agreement: str | None = None
    person: str | None = None
    issued: int
    void: int


class FundTrace(Figures):
    """A fund's figures and tapes."""

    fund: str
    tapes: list[Tape]


class FundBalance(Figures):
    """A fund's line in the balances."""

    fund: str
    brought_forward: int
    void: int


class Balances(Figures):
    """The figures over all funds, and each fund's."""

    brought_forward: int
    void: int
    funds: list[FundBalance]


class Step(Shape):
    """One step of a serial's way, with its entry's record, why and by whom; the first is its issue, from nowhere."""

    seq: int
    on: date
    type: str
    source: str | None = Field(alias="from")
    to: str
    record: str
    basis: dict[str, Any] | None
    by: str | None


class SerialTrace(Shape):
    """One serial: whose gift, where it is, where it goes back to, and how it came there."""

    serial: str
    donation: str | None
    donor: str | None
    fund: str
    place: str
    home: str | None
    since: date
    case: str | None
    hospital: str | None
    movements: list[Step]


class Stop(Shape):
    """A node of the flow picture; layers 0 to 3 are donors, funds, hospitals, outcomes."""

    id: str
    label: str
    layer: int


class Stream(Shape):
    """Money between two nodes, in minor units."""

    source: str
    target: str
    value: int


class Picture(Shape):
    """Where money went, net of returns."""

    total: int
    nodes: list[Stop]
    links: list[Stream]


class Alive(Shape):
    """The process answers."""

    alive: bool


class Ready(Shape):
    """The service can be asked."""

    ready: bool


class SealedEntry(Shape):
    """An entry exactly as it is sealed, with its RFC 6962 leaf hash beside it."""

    leaf: str = Field(pattern="^[0-9a-f]{64}$")
    entry: dict[str, Any]


class EntryList(Shape):
    """Entries in the order of the chain."""

    entries: list[SealedEntry]
    next: str | None


S = TypeVar("S", bound=Shape)


def read_as(body: bytes, shape: type[S]) -> S:
    """A body as an object of that shape. Raises BadRequest, without what it says: it may be a secret."""
    try:
        found = shape.model_validate_json(body, strict=True)
        if _has_nul(found.model_dump()):
            raise BadRequest(rule="there is a NUL in a text", rule_zh="文本中含有 NUL 字符")
        return found
    except ValidationError as error:
        # A name that is none of ours may be somebody's phone.
        wrong = ", ".join(
            dict.fromkeys(
                "…" if one["type"] == "extra_forbidden" else shown(".".join(map(str, one["loc"])) or "body")
                for one in error.errors()
            )
        )
        raise BadRequest(rule=f"{wrong} is not as documented", rule_zh=f"{wrong} 与文档不符") from None


def _has_nul(value: Any) -> bool:
    """Whether a NUL is in a text: no database keeps one, and nobody means one."""
    if isinstance(value, str):
        return "\0" in value
    inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_has_nul, inner))


Answers = dict[int | str, dict[str, Any]]
_COMPONENT = "#/components/schemas/{model}"


def answers(good: dict[int, tuple[type[BaseModel], str]], *faults: int) -> Answers:
    """What a route answers: its good answers by status, and the statuses of its problems."""
    said: Answers = {status: {"model": model, "description": text} for status, (model, text) in good.items()}
    for status in sorted({*faults, 400, 401, 429, 500}):
        zh, en = TITLES[status]
        said[status] = problem_answer(f"{zh} / {en}")
    return said


_OF_MEMBERS = {
    "donation": "donation", "donor": "donor_ledger", "case": "case", "hospital": "hospital", "fund": "fund",
}  # fmt: skip
"""Which operation tells of what a member of a fact names."""


def linked(said: Answers, members: Iterable[str]) -> Answers:
    """The same, saying that what is recorded leads to its entry, its receipt, and what its members name."""
    seq = {"seq": "$response.body#/seq"}
    links: dict[str, Any] = {name: {"operationId": name, "parameters": seq} for name in ("entry", "receipt")}
    for member in members:
        if member in _OF_MEMBERS:
            to = {"id": f"$request.body#/{member}"}
            links[member] = {"operationId": _OF_MEMBERS[member], "parameters": to}
    return {status: {**one, "links": links} if status in (200, 201) else one for status, one in said.items()}


def leading(said: Answers, status: int, member: str, *operations: str) -> Answers:
    """The same, saying that the answer's own member is the id that these operations take."""
    to = {name: {"operationId": name, "parameters": {"id": f"$response.body#/{member}"}} for name in operations}
    return {**said, status: {**said[status], "links": to}}


BODIES: dict[str, dict[str, Any]] = {}
"""Schemas of bodies that are read by hand, by name: the reference has each once, among its components."""


def json_body(shape: type[Shape]) -> dict[str, Any]:
    """How a body that is read by hand is declared."""
    return body_of(shape.__name__, shape.model_json_schema(ref_template=_COMPONENT))


def body_of(name: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The same for a schema that was made otherwise."""
    BODIES.update(schema.pop("$defs", {}))
    BODIES[name] = schema
    content = {"application/json": {"schema": {"$ref": _COMPONENT.format(model=name)}, **more}}
    return {"requestBody": {"required": True, "content": content}}


def with_body(description: str, media_type: str) -> Answers:
    """A good answer that is no JSON."""
    schema = {"type": "string"} if media_type.startswith("text/") else {"type": "string", "format": "binary"}
    return {200: {"description": description, "content": {media_type: {"schema": schema}}}}


def problem_answer(description: str) -> dict[str, Any]:
    """A problem, as the reference describes it."""
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
