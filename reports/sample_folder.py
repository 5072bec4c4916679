"""A sample for an auditor as a folder: which facts were drawn and how, a receipt for each of their entries, what opens
the commitments in them, and the head that all of it rests on.

    sample.json           how it was drawn, from what, and each fact of it      sample.md   the same for people
    <seq>.tlog-proof      receipts, with openings where there are any
    policy, verify.py, README.md    as in every folder of receipts
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from msgspec import json

from audit.checkpoint import Checkpoint
from audit.log import Openings
from ledger.codec import Entry
from ledger.journal import Journal
from ledger.money import format_amount
from ledger.vault import Reader, Vault
from ledger.vault_faults import SubjectIsRestricted
from reports.sampling import Drawn, Sample, Wanted

FORMAT = "fenhao-sample/1"


class Asked(NamedTuple):
    """What was asked for, by whom and why, of a ledger in which currency."""

    method: str
    seed: str
    size: int
    wanted: Wanted
    by: str
    reason: str
    currency: str
    exponent: int


class Opened(NamedTuple):
    """What opens the commitments of the sample's entries, and of which entries it does not, and why: `erased`, or
    `restricted`."""

    openings: Openings
    withheld: Mapping[int, Mapping[str, str]]


def entries_of(journal: Journal, sample: Sample) -> dict[int, list[Entry]]:
    """The entries of each fact drawn, by its seq."""
    return {one.fact.seq: journal.entries.read(one.fact.seq, one.fact.last - one.fact.seq + 1) for one in sample.drawn}


def open_for(vault: Vault, entries: Iterable[Entry], reader: Reader) -> Opened:
    """Opens what the entries commit to, stream by stream; each reading is logged. Raises what the vault raises."""
    openings: dict[int, list[dict[str, str]]] = {}
    withheld: dict[int, dict[str, str]] = {}
    committed = sorted((one for one in entries if one.data.get("commitments")), key=lambda one: (one.stream, one.seq))
    for stream, group in groupby(committed, key=lambda one: one.stream):
        drawn = {one.seq: sorted(one.data["commitments"]) for one in group}
        try:
            found = vault.open(stream, reader).openings
        except SubjectIsRestricted:
            withheld |= {seq: dict.fromkeys(fields, "restricted") for seq, fields in drawn.items()}
            continue
        for one in found:
            if one.seq not in drawn:
                continue
            if one.value is None or one.salt is None:
                withheld.setdefault(one.seq, {})[one.field] = "erased"
            else:
                opening = {"field": one.field, "stream": stream, "value": one.value, "salt": one.salt}
                openings.setdefault(one.seq, []).append(opening)
    return Opened(openings, withheld)


def manifest(
    asked: Asked, sample: Sample, entries: Mapping[int, Sequence[Entry]], opened: Opened, head: Checkpoint, note: bytes
) -> dict[str, Any]:
    """The members of `sample.json`; no personal value is among them."""
    wanted = asked.wanted
    return {
        "format": FORMAT,
        "origin": head.origin,
        "size": head.size,
        "root": head.root.hex(),
        "currency": asked.currency,
        "exponent": asked.exponent,
        "head": note.decode(),
        "method": asked.method,
        "seed": asked.seed,
        "asked": asked.size,
        "wanted": {
            "from": wanted.since,
            "to": wanted.until,
            "types": sorted(wanted.types),
            "fund": wanted.fund,
            "min_amount": wanted.least,
        },
        "population": {"facts": sample.facts, "amount": sample.value},
        "start": sample.start,
        "by": asked.by,
        "reason": asked.reason,
        "drawn": [_drawn(one, entries[one.fact.seq], opened) for one in sample.drawn],
    }


def _drawn(one: Drawn, entries: Sequence[Entry], opened: Opened) -> dict[str, Any]:
    fact, first = one.fact, entries[0]
    why = {"units": list(one.units)} if one.units else {"rank": one.rank}
    return {
        **told(one),
        **why,
        "stream": first.stream,
        "evidence": first.data.get("evidence", []),
        "commitments": first.data.get("commitments", {}),
        "opened": [each["field"] for each in opened.openings.get(fact.seq, ())],
        "withheld": opened.withheld.get(fact.seq, {}),
        "receipts": [f"{each.seq:06}.tlog-proof" for each in entries],
    }


def told(one: Drawn) -> dict[str, Any]:
    """A fact of the sample in short."""
    fact = one.fact
    return {"entry": fact.seq, "last": fact.last, "type": fact.type, "on": fact.on, "amount": fact.value}


def files_of(members: dict[str, Any], lines: Iterable[str]) -> dict[str, bytes]:
    """The sample's own files; `lines` are what it comes to in words."""
    return {
        "sample.json": json.format(json.encode(members), indent=2) + b"\n",
        "sample.md": ("\n".join([*page_of(members, lines), ""])).encode(),
    }


def page_of(members: dict[str, Any], lines: Iterable[str]) -> Iterator[str]:
    """`sample.md`: what was drawn, with room for what the auditor finds."""
    yield f"# 审计抽样 / audit sample：{members['origin']}"
    yield ""
    yield from lines
    yield ""
    yield HOW.format(**members)
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|{'---|' * len(COLUMNS)}"
    for one in members["drawn"]:
        evidence = ", ".join(f"`{each}`" for each in one["evidence"])
        amount = format_amount(one["amount"], members["exponent"])
        fact = f"| {one['entry']} | {one['on'] or ''} | {one['type']} | {one['stream']} | {amount} |"
        yield f"{fact} {evidence} | |".replace("\n", " ")


COLUMNS = (
    "分录 / entry",
    "日期 / date",
    "事项 / fact",
    "记录 / record",
    "金额 / amount",
    "证据 / evidence",
    "核对 / found",
)
HOW = """种子 `{seed}`，方法 `{method}`，日志头 {size} 条分录，树根 `{root}`。持有同一份账本导出者可自行重算：
`fenhao sample --of 导出文件夹` 加同样的参数，或按 docs/format.md 的定义。种子须由审计人员在日志头签署之后选定。

Seed `{seed}`, method `{method}`, signed head of {size} entries, root `{root}`. Whoever has an export of that head can
draw it again: `fenhao sample --of EXPORT` with the same options, or by the definition in docs/format.md. The auditor is
to choose the seed, after the head was signed. Receipts are checked with `python verify.py .`.
"""
