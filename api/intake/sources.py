"""What to import: files with their kinds and mappings, as the command line names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from api.intake.faults import UnusableArgument
from api.intake.kind import Kind
from api.intake.kinds import KINDS
from api.intake.mapping import UNMAPPED, Layout, read_mapping


@dataclass(frozen=True, slots=True)
class Source:
    """One file to import as one kind."""

    kind: Kind
    file: Path
    layout: Layout = UNMAPPED


def parse_sources(arguments: Sequence[str], mappings: Sequence[str] = ()) -> list[Source]:
    """`KIND=FILE` arguments with `KIND=M.toml` mappings, each for all files of its kind.

    Raises UnusableArgument and UnusableMapping.
    """
    layouts: dict[str, Layout] = {}
    for kind, path in map(_pair, mappings):
        if kind.name in layouts:
            raise UnusableArgument(f"{kind.name}={path}", "this kind has a mapping already", "此类已指定映射文件")
        layouts[kind.name] = read_mapping(path)
    sources = [Source(kind, path, layouts.get(kind.name, UNMAPPED)) for kind, path in map(_pair, arguments)]
    if not sources:
        raise UnusableArgument("-", "name at least one KIND=FILE to import", "请至少给出一个 KIND=FILE")
    for name in layouts.keys() - {source.kind.name for source in sources}:
        raise UnusableArgument(f"--mapping {name}=", f"no file of kind {name} is given", f"没有给出 {name} 类的文件")
    return sources


def _pair(argument: str) -> tuple[Kind, Path]:
    name, equals, path = argument.partition("=")
    if not equals or not path:
        raise UnusableArgument(argument, "write KIND=FILE", "应写作 KIND=FILE")
    if name not in KINDS:
        near = get_close_matches(name, KINDS, n=3, cutoff=0.5)
        there, there_zh = ("the nearest are", "相近的有") if near else ("the kinds are", "可用的有")
        raise UnusableArgument(
            argument,
            f"there is no kind {name}; {there} {', '.join(near or KINDS)}",
            f"没有 {name} 这一类；{there_zh} {'、'.join(near or KINDS)}",
        )
    return KINDS[name], Path(path)
