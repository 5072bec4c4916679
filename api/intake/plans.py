"""How one file's cells become rows under our names: its header, its mapping and its kind put together once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn
from zoneinfo import ZoneInfo

from api.intake.faults import UnusableFile, UnusableMapping
from api.intake.formats import ReadAmount, ReadMoment, formatted_moments, iso_moments, plain_amounts, styled_amounts
from api.intake.kind import Kind
from api.intake.mapping import Layout, Template
from api.intake.rows import FOREIGN_EXPONENT, Readers, Row
from api.intake.sources import Source
from ledger.ids import looks_personal
from ledger.terms import ID_DIMENSIONS
from ledger.vocabulary import Synonyms


@dataclass(frozen=True, slots=True)
class Plan:
    """One file's way from cells to a row.

    `direct` gives cells to columns of ours by position, `templates` builds from cells; `ignored` and `not_recorded` are
    columns of the file that are not read, and that are read and kept nowhere.
    """

    source: Source
    header: list[str]
    direct: tuple[tuple[str, int], ...]
    templates: tuple[tuple[str, Template], ...]
    positions: Mapping[str, int]
    translations: tuple[tuple[str, Mapping[str, str]], ...]
    readers: Readers
    ignored: list[str]
    not_recorded: list[str]

    def row(self, cells: Sequence[str]) -> Row:
        """The row of these cells; missing trailing ones are empty."""
        values = dict(self.source.layout.constants)
        width = len(cells)
        for ours, position in self.direct:
            if position < width and (text := cells[position].strip()):
                values[ours] = text if text.isascii() else unicodedata.normalize("NFC", text)
        for ours, template in self.templates:
            if text := self._built(template, cells):
                values[ours] = text
        for ours, terms in self.translations:
            if ours in values:
                values[ours] = terms.get(values[ours], values[ours])
        return Row(self.source.kind.name, values, self.readers)

    def only(self, *columns: str | None) -> Plan:
        """The same for these columns of ours alone (and constants): all that a row's place in the order needs."""
        return replace(
            self,
            direct=tuple(each for each in self.direct if each[0] in columns),
            templates=tuple(each for each in self.templates if each[0] in columns),
            translations=tuple(each for each in self.translations if each[0] in columns),
        )

    def _built(self, template: Template, cells: Sequence[str]) -> str:
        built = ""
        for literal, column in template.parts:
            built += literal
            if column is not None:
                position = self.positions[column]
                text = tidy(cells[position]) if position < len(cells) else ""
                if not text:
                    return ""
                built += text
        return tidy(built)


def tidy(text: str) -> str:
    """Text without space at its ends, in NFC: how it is typed does not make it another id."""
    text = text.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def plan(
    source: Source,
    header: Sequence[str],
    dimensions: Collection[str],
    exponent: int,
    zone: ZoneInfo,
    synonyms: Synonyms | None = None,
) -> Plan:
    """The plan for a file of this header. Raises UnusableFile, UnusableMapping.

    `dimensions` are those of the dictionary: columns of their names are attributes where the kind has such. `synonyms`
    are looked up as rows are read, after the mapping's own terms: one that is added later counts for later rows.
    """
    synonyms = {} if synonyms is None else synonyms
    kind, layout = source.kind, source.layout
    names = [tidy(name) for name in header]
    positions = _positions(source, names)
    extra = tuple(
        d for d in sorted(dimensions) if kind.attributes and d not in kind.columns() and d not in ID_DIMENSIONS
    )
    ours = (*kind.columns(), *extra)
    _check_layout(layout, kind, ours, positions)
    theirs = {name: layout.columns.get(name, name) for name in ours}
    direct = {
        name: positions[column]
        for name, column in theirs.items()
        if column in positions and name not in layout.constants and name not in layout.templates
    }
    missing = [name for name in kind.required if name not in direct and name not in layout.ours()]
    if missing:
        _refuse_missing(source, missing, positions)
    built_from = {column for template in layout.templates.values() for column in template.columns()}
    kept = {positions[name] for name in built_from} | {at for name, at in direct.items() if name not in kind.unrecorded}
    seen = set(direct.values())
    return Plan(
        source=source,
        header=names,
        direct=tuple((name, at) for name, at in direct.items() if name not in kind.unrecorded),
        templates=tuple(layout.templates.items()),
        positions=positions,
        translations=(
            *_translations(layout, ours),
            *((name, synonyms.setdefault(name, {})) for name in (*kind.attributes, *extra, *kind.coded)),
        ),
        readers=replace(_readers(source, (*kind.attributes, *extra), exponent, zone), synonyms=synonyms),
        ignored=[name for name, at in positions.items() if at not in seen | kept],
        not_recorded=[name for name, at in positions.items() if at in seen - kept],
    )


def _positions(source: Source, names: Sequence[str]) -> dict[str, int]:
    """Where each named column of the file is. Raises UnusableFile for a name that stands twice or is not text."""
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        if not name:
            continue
        if name in positions:
            shown = name if _named(names) != NOT_NAMED else NOT_NAMED
            raise _fault(source, f"the column {shown} is there twice", f"列 {shown} 出现了两次")
        if not name.isprintable() or len(name) > 200:
            raise _fault(source, "its first row has no column names", "首行不是列名")
        positions[name] = position
    return positions


def _named(names: Collection[str]) -> str:
    """Column names as a message may list them; none of a first row that looks like data, which may be about persons."""
    if any(_DATA.fullmatch(name) or looks_personal(name) for name in names):
        return NOT_NAMED
    return ", ".join(list(names)[:30])[:500]


NOT_NAMED = "… (the first row looks like data, not like column names / 首行似为数据而非列名)"
_DATA = re.compile(r"[+¥$€-]?[0-9][0-9.,:/年月日T -]*(?:元)?")


def _fault(source: Source, reason: str, reason_zh: str) -> UnusableFile:
    return UnusableFile(source.file, source.kind.name, reason, reason_zh)


def _refuse_missing(source: Source, missing: Sequence[str], positions: Mapping[str, int]) -> NoReturn:
    there, wanted = _named(positions), ", ".join(missing)
    raise _fault(
        source,
        f"it has no column {wanted}; its columns are: {there}. Rename them or give a mapping",
        f"缺少列 {wanted}；文件中的列为：{there}。请改列名或提供映射文件",
    )


def _check_layout(layout: Layout, kind: Kind, ours: Collection[str], positions: Mapping[str, int]) -> None:
    """Raises UnusableMapping for a column that the kind or the file does not have."""
    if layout.file is None:
        return
    for name in sorted(layout.ours() - set(ours)):
        raise UnusableMapping(
            layout.file,
            f"{kind.name} has no column {name}; its columns are {', '.join(ours)}",
            f"{kind.name} 没有 {name} 这一列；可用的有 {'、'.join(ours)}",
        )
    built = [column for template in layout.templates.values() for column in template.columns()]
    for column in [*layout.columns.values(), *built]:
        if column not in positions:
            raise UnusableMapping(
                layout.file,
                f"the file has no column {column!r}; its columns are {_named(positions)}",
                f"文件中没有 {column!r} 这一列；文件中的列为 {_named(positions)}",
            )
    formatted = (*kind.amounts, *kind.foreign_amounts, *kind.days())
    for name in sorted(layout.formats.keys() - {*formatted}):
        raise UnusableMapping(
            layout.file,
            f"formats are for dates and amounts; {kind.name} has {', '.join(formatted)}, not {name}",
            f"格式只用于日期和金额；{kind.name} 有 {'、'.join(formatted)}，没有 {name}",
        )
    known = {*ours, *(name for name in ID_DIMENSIONS if f"{name}_id" in ours)}
    for name in sorted(layout.dictionary) if "restriction" not in ours else ():
        if name not in known:
            raise UnusableMapping(
                layout.file, f"{kind.name} has no column {name} to translate", f"{kind.name} 没有可翻译的列 {name}"
            )


def _translations(layout: Layout, ours: Collection[str]) -> list[tuple[str, Mapping[str, str]]]:
    named = {name: f"{name}_id" if name in ID_DIMENSIONS else name for name in layout.dictionary}
    return [(named[name], terms) for name, terms in layout.dictionary.items() if named[name] in ours]


def _readers(source: Source, attributes: tuple[str, ...], exponent: int, zone: ZoneInfo) -> Readers:
    kind, layout = source.kind, source.layout
    amounts: dict[str, ReadAmount] = dict.fromkeys(kind.foreign_amounts, plain_amounts(FOREIGN_EXPONENT))
    moments: dict[str, ReadMoment] = {}
    for name, pattern in layout.formats.items():
        try:
            if name in kind.amounts:
                amounts[name] = styled_amounts(pattern, exponent)
            elif name in kind.foreign_amounts:
                amounts[name] = styled_amounts(pattern, FOREIGN_EXPONENT)
            else:
                moments[name] = formatted_moments(pattern, zone)
        except (ValueError, re.error) as error:
            assert layout.file is not None
            raise UnusableMapping(
                layout.file,
                f"formats: {name} = {pattern!r} is not a strptime format with year, month and day, "
                "nor 1234.56 as amounts are written",
                f"formats：{name} = {pattern!r} 既不是含年月日的 strptime 格式，也不是 1234.56 的书写样式",
            ) from error
    return Readers(plain_amounts(exponent), iso_moments(zone), amounts, moments, attributes, layout.dictionary)
