"""What each fact takes, as JSON Schema: made from the commands' own fields, so that the reference cannot lag behind."""

from __future__ import annotations

from typing import Any

from msgspec import inspect

from api.commands import AMOUNTS, Form, Member, without_none
from api.fact_words import MEANINGS, hint_of
from ledger.money import MAX_MINOR
from reports.entries import word
from reports.traces import Reader

Schema = dict[str, Any]

NOT_IN_BODY = frozenset(("key",))
"""Members that a header gives."""
_ZH, _EN = Reader("zh"), Reader("en")


def form_schema(form: Form) -> Schema:
    """The schema of a fact's JSON object."""
    members = [member for member in form.members if member.name not in NOT_IN_BODY]
    zh, en = MEANINGS[form.fact]
    return {
        "title": form.fact,
        "description": f"{zh} / {en}",
        **_object((member, _described(form, member)) for member in members),
    }


def _described(form: Form, member: Member) -> Schema:
    zh, en = hint_of(form, member)
    label = f"{word(member.name, _ZH)} / {word(member.name, _EN)}"
    return {**_schema(member.type, member.name), "description": f"{label}. {zh} / {en}"}


def _object(members: Any) -> Schema:
    listed = list(members)
    required = [member.name for member, _ in listed if member.required]
    return {
        "type": "object",
        "properties": {member.name: schema for member, schema in listed},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _schema(kind: inspect.Type, name: str) -> Schema:
    """The schema of one value; see `api.commands` for how it is read."""
    match kind:
        case inspect.IntType() if name in AMOUNTS:
            low = 0 if name in ("fee", "insurance", "family") else 1
            return {
                "oneOf": [
                    {"type": "integer", "minimum": low, "maximum": MAX_MINOR},
                    {"type": "string", "pattern": r"^[0-9]{1,16}\.[0-9]{1,4}$"},
                ]
            }
        case inspect.IntType(ge=low, le=high):
            return {"type": "integer", **_given(minimum=low, maximum=MAX_MINOR if high is None else high)}
        case inspect.StrType(min_length=low, max_length=high, pattern=pattern):
            return {"type": "string", **_given(minLength=low, maxLength=high, pattern=pattern)}
        case inspect.DateType():
            return {"type": "string", "format": "date"}
        case inspect.VarTupleType(item_type=inspect.TupleType(item_types=(_, inner))):
            return {"type": "object", "additionalProperties": _schema(inner, name)}
        case inspect.VarTupleType(item_type=inner):
            return {"type": "array", "items": _schema(inner, name)}
        case inspect.DictType(value_type=inner):
            return {"type": "object", "additionalProperties": _schema(inner, name)}
        case inspect.StructType(fields=fields):
            parts = [Member(one.encode_name, one.name, without_none(one.type), one.required) for one in fields]
            return _object((part, _schema(part.type, part.name)) for part in parts)
    raise AssertionError(f"{name}: commands have no fields of type {kind}")


def _given(**bounds: Any) -> Schema:
    return {name: bound for name, bound in bounds.items() if bound is not None}
