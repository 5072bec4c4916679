"""A sample held against an export by whoever was given both: is it the one that its seed draws, and of that ledger?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import ValidationError, convert

from audit.verify import Head, Said
from ledger.errors import InputFault
from reports.sample_folder import FORMAT, told
from reports.sampling import METHODS, Drawn, Fact, Wanted, draw


class NotASample(InputFault):
    """A file that should be a sample's `sample.json` and is none."""

    code = "not_a_sample"
    zh = "{path} 不是可用的抽样清单（sample.json）"
    en = "{path} is no sample.json that can be used"


def how_of(members: Mapping[str, Any], path: object) -> tuple[Wanted, str, str, int]:
    """What was wanted, the method, the seed and the size, as a sample says. Raises NotASample."""
    try:
        wanted = members["wanted"]
        asked = Wanted(
            convert(wanted["from"], str | None),
            convert(wanted["to"], str | None),
            frozenset(convert(wanted["types"], list[str])),
            convert(wanted["fund"], str | None),
            convert(wanted["min_amount"], int),
        )
        seed, method = convert(members["seed"], str), convert(members["method"], str)
        size = convert(members["asked"], int)
        listed = convert(members["drawn"], list[dict[str, Any]])
        sound = members["format"] == FORMAT and method in METHODS and size > 0 and all("entry" in one for one in listed)
    except (KeyError, TypeError, ValidationError):
        sound = False
    if not sound:
        raise NotASample(path=path)
    return asked, method, seed, size


def sample_flaws(members: Mapping[str, Any], facts: Callable[[], Iterable[Fact]], head: Head) -> Iterator[Said]:
    """What is wrong with a sample, by the facts under a head of its size. Raises NotASample, NothingToDraw."""
    if (members.get("origin"), members.get("root")) != (head.origin, head.root.hex()):
        yield Said(
            "抽样所依据的日志头不是这份导出的",
            "the sample rests on another head than the export has at that size",
        )
    wanted, method, seed, size = how_of(members, "sample.json")
    sample = draw(facts, wanted, method, seed, size)
    if members.get("population") != {"facts": sample.facts, "amount": sample.value}:
        yield Said(
            f"总体应为 {sample.facts} 项、{sample.value}，清单所写不同",
            f"the population is {sample.facts} facts of {sample.value}, and the sample says otherwise",
        )
    yield from _unlike(members["drawn"], {one.fact.seq: one for one in sample.drawn})


def _unlike(listed: Sequence[Mapping[str, Any]], drawn: Mapping[int, Drawn]) -> Iterator[Said]:
    """What the list has that was not drawn, lacks that was, or tells otherwise."""
    given = {one["entry"]: one for one in listed}
    for seq in sorted(drawn.keys() - given.keys()):
        yield Said(f"第 {seq} 条应被抽中，清单中没有", f"entry {seq} is drawn by the seed, and left out of the sample")
    for seq in sorted(given.keys() - drawn.keys()):
        yield Said(f"第 {seq} 条并未被抽中，清单中却有", f"entry {seq} is in the sample, and not drawn by the seed")
    for seq in sorted(given.keys() & drawn.keys()):
        right = told(drawn[seq])
        if {name: given[seq].get(name) for name in right} != right:
            yield Said(f"第 {seq} 条与账本所记不同", f"entry {seq} is told otherwise than the ledger has it")
