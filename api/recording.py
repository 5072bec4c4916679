"""`fenhao record`: a fact written as `name=value` or JSON, recorded or tried, and the entry that it became."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from eventsourcing.persistence import PersistenceError
from msgspec import inspect

from api.bootstrap import Fenhao
from api.closing import prepared
from api.commands import Currency, Form, without_none
from api.intake import UnusableArgument
from ledger.codec import Entry
from ledger.decisions import Basis, CloseMonth, Command
from ledger.errors import LedgerError, Refusal
from ledger.events import EntryReversed
from ledger.writing import Abandoned, Recorded

MAX_JSON_CHARS = 2**24


def written_members(form: Form, sets: Sequence[str], file: str | None) -> dict[str, Any]:
    """The members, as JSON has them, that `name=value` texts and a JSON file (`-`: standard input) give together.

    A list's name may be repeated; `name.part=value` gives a part of what has parts; for the rest see `_read`. Raises
    UnusableArgument for what says nothing usable, and for a member given twice.
    """
    members = {} if file is None else _read_object(file)
    for text in sets:
        name, equals, value = (tidy.strip() for tidy in unicodedata.normalize("NFC", text).partition("="))
        if name.partition(".")[0] == "personal":
            text = f"{name}=…"
        if not equals or not name:
            raise UnusableArgument(text, "write --set name=value", "应写作 --set 成员=值")
        if not value:
            raise UnusableArgument(text, "it says no value: leave the member out", "成员没有值：不填请去掉")
        root, dot, part = name.partition(".")
        member = form.member(root)
        kind = None if member is None else member.type
        read = {part: _read_part(value, kind, part)} if dot else _read(value, kind, text)
        before = members.get(root)
        if root not in members:
            members[root] = read
        elif isinstance(before, list) and isinstance(read, list):
            members[root] = [*before, *read]
        elif isinstance(before, dict) and isinstance(read, dict) and not before.keys() & read.keys():
            members[root] = {**before, **read}
        else:
            raise UnusableArgument(text, f"{name} is given twice", f"{name} 给出了两次")
    return members


def _read(text: str, kind: inspect.Type | None, named: str = "") -> Any:
    """A member's text as JSON has it: `a|b` a list, `disease=VSD|ASD;province=410000` a restriction or attributes,
    `kind:ref` a basis, `case:C,amount:60.00` what else has named parts. JSON does for all that is not plain.

    What is not of its kind stays text: `api.commands` says what is wrong with it. `named` is how a fault calls it.
    """
    if kind is None or isinstance(kind, inspect.StrType | inspect.DateType):
        return text
    if isinstance(kind, inspect.IntType):
        return int(text) if re.fullmatch("-?[0-9]{1,20}", text, re.ASCII) else text
    if text[0] in "{[":
        value = _json(text, named or text)
        is_line = isinstance(kind, inspect.VarTupleType) and isinstance(kind.item_type, inspect.StructType)
        return [value] if is_line and text[0] == "{" else value
    match kind:
        case inspect.VarTupleType(item_type=inspect.StructType() as item):
            return [_read(text, item)]
        case inspect.VarTupleType(item_type=inspect.StrType()):
            return [part.strip() for part in text.split("|")]
        case inspect.StructType() if kind.cls is Basis:
            name, colon, ref = (part.strip() for part in text.partition(":"))
            return {"kind": name, "ref": ref} if colon else text
        case inspect.StructType():
            return _parts(text, ",", ":", kind)
    return _parts(text, ";", "=", kind)


def _parts(text: str, between: str, after_name: str, kind: inspect.Type) -> Any:
    """Named parts, by name; the text as it is when it has not that form, or a name twice."""
    parts: dict[str, Any] = {}
    for one in text.strip(f"{between} ").split(between):
        name, sign, value = (part.strip() for part in one.partition(after_name))
        if not sign or name in parts:
            return text
        parts[name] = _read_part(value, kind, name)
    return parts


def _read_part(text: str, kind: inspect.Type | None, name: str) -> Any:
    """The text of one part of what has parts."""
    match kind:
        case inspect.StructType(fields=fields):
            return _read(text, next((without_none(one.type) for one in fields if one.encode_name == name), None))
        case inspect.VarTupleType(item_type=inspect.TupleType(item_types=(_, inner))):
            return _read(text, inner)
    return text


def _read_object(file: str) -> dict[str, Any]:
    """The JSON object in a file or on standard input. Raises UnusableArgument."""
    try:
        if file == "-":
            text = sys.stdin.read(MAX_JSON_CHARS)
        else:
            with Path(file).open(encoding="utf-8-sig") as opened:
                text = opened.read(MAX_JSON_CHARS)
    except (OSError, ValueError) as error:
        raise UnusableArgument(file, f"it cannot be read ({error})", f"无法读取（{error}）") from error
    value = _json(text, file)
    if not isinstance(value, dict):
        raise UnusableArgument(file, "it is not one JSON object", "应为一个 JSON 对象")
    return value


def _json(text: str, named: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unrepeated)
    except (ValueError, RecursionError) as error:
        raise UnusableArgument(named, f"it is not readable JSON ({error})", f"不是可读的 JSON（{error}）") from error


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one command: its entry, the moves of all parts together; or the one that it would become.

    `replayed`: it stood recorded before; `is_reversed`: and was undone since.
    """

    entry: Entry
    replayed: bool = False
    dry_run: bool = False
    is_reversed: bool = False

    def amount(self) -> int:
        """What the fact is about, minor units: its amount or its lines', else what it moved."""
        data = self.entry.data
        if "amount" in data:
            return int(data["amount"])
        lines = sum(int(line["amount"]) for line in data.get("lines", ()))
        return lines or sum(int(one["hi"]) - int(one["lo"]) for one in data.get("moves", ()))

    def members(self, currency: Currency) -> dict[str, Any]:
        """As JSON: `amount` in minor units, `amount_text` in major ones.

        A dry run gives no leaf hash: that hangs on time and salt.
        """
        entry = self.entry
        return {
            "seq": entry.seq,
            "replayed": self.replayed,
            "type": entry.type,
            "stream": entry.stream,
            "issue": entry.data.get("issue", []),
            "moves": entry.data.get("moves", []),
            "amount": self.amount(),
            "amount_text": currency.say(self.amount()),
            "leaf": None if self.dry_run and not self.replayed else entry.leaf.hex(),
            "dry_run": self.dry_run,
            "reversed": self.is_reversed,
        }


def record(fenhao: Fenhao, command: Command, *, dry_run: bool = False) -> Done:
    """Records one command, or only tries it. Raises its Refusal, and what the writer raises.

    The closing of a month is made here out of what was asked for: its figures are taken under the ledger's lock.
    """
    if not dry_run and not isinstance(command, CloseMonth):
        return _done(fenhao, fenhao.writer.entries, fenhao.writer.submit(command))
    made = prepared(fenhao, command) if isinstance(command, CloseMonth) else lambda session: command
    with suppress(Abandoned), fenhao.writer.session() as session:
        outcome = session.run([made(session)])[0]
        if isinstance(outcome, Refusal):
            raise outcome
        done = _done(fenhao, session.read, outcome, dry_run=dry_run)
        if dry_run:
            raise Abandoned()
    return done


def record_all(fenhao: Fenhao, commands: Sequence[Command]) -> list[Done | Exception]:
    """Records what several askers want, in one commit; each one's own outcome. Raises what the writer raises.

    A bug that one of them meets is not the others': each is then recorded alone, once, whatever was recorded already.
    """
    try:
        outcomes = fenhao.writer.submit_batch(commands)
    except (LedgerError, PersistenceError):
        raise
    except Exception as bug:  # noqa: BLE001 - raised where its asker is
        return [bug] if len(commands) == 1 else [_alone(fenhao, one) for one in commands]
    return [one if isinstance(one, Refusal) else _told(fenhao, one) for one in outcomes]


def _alone(fenhao: Fenhao, command: Command) -> Done | Exception:
    try:
        return record_all(fenhao, [command])[0]
    except (LedgerError, PersistenceError) as fault:
        return fault


def _told(fenhao: Fenhao, outcome: Recorded) -> Done | Exception:
    try:
        return _done(fenhao, fenhao.writer.entries, outcome)
    except (LedgerError, PersistenceError) as fault:
        return fault


def _done(fenhao: Fenhao, read: Callable[[int, int], list[Entry]], outcome: Recorded, *, dry_run: bool = False) -> Done:
    """The entry behind an outcome; `read` gives at most so many entries from a seq on."""
    entry = read(outcome.seq, 1)[0]
    if "part" in entry.data:
        moves, last = list(entry.data["moves"]), entry
        while not last.data.get("last"):
            last = read(last.seq + 1, 1)[0]
            moves += last.data["moves"]
        entry = entry._replace(data={**entry.data, "moves": moves})
    is_reversed = outcome.replayed and any(
        msgspec.json.decode(event.state)["reverses"] == entry.seq
        for event in fenhao.journal.entries.select_events(entry.stream)
        if event.topic == EntryReversed.__name__
    )
    return Done(entry, outcome.replayed, dry_run, is_reversed)
