"""What answers look like, for the reference: answers themselves are written straight from what the rooms below give."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.http.problems import MEDIA_TYPE, TITLES


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


Answers = dict[int | str, dict[str, Any]]


def answers(good: dict[int, tuple[type[BaseModel], str]], *faults: int) -> Answers:
    """What a route answers: its good answers by status, and the statuses of its problems."""
    said: Answers = {status: {"model": model, "description": text} for status, (model, text) in good.items()}
    for status in sorted({*faults, 500}):
        zh, en = TITLES[status]
        said[status] = problem_answer(f"{zh} / {en}")
    return said


def problem_answer(description: str) -> dict[str, Any]:
    """A problem, as the reference describes it."""
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
