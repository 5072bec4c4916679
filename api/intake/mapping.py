"""Mapping files (TOML): how anybody's columns become ours.

    [columns]      ours = "their column"
    [constants]    ours = "a value for every row"
    [templates]    ours = "text with {their column} in it"; empty when one of those cells is
    [formats]      ours = strptime format of a date, or 1234.56 as amounts are written ("1.234,56", "¥1,234.56")
    [dictionary.X] their term = our value, for our column X (X_id for `hospital` and `person`) and, when X is a
                   dimension, in restrictions

A column of ours that no section names is taken from the file's column of the same name, if it has one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple

from api.intake.faults import UnusableMapping
from reports.banking.mapped import Columns

_SECTIONS = ("columns", "constants", "templates", "formats", "dictionary")
MAX_MAPPING_BYTES = 2**24


class Template(NamedTuple):
    """Text to build: for each part the literal before it and their column, None at the end."""

    parts: tuple[tuple[str, str | None], ...]

    def columns(self) -> list[str]:
        """Their columns in it."""
        return [column for _, column in self.parts if column is not None]


@dataclass(frozen=True, slots=True)
class Layout:
    """A mapping file as read; `file` None for the mapping that changes nothing."""

    file: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, Template] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    dictionary: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def ours(self) -> set[str]:
        """Columns of ours that it fills."""
        return {*self.columns, *self.constants, *self.templates}


UNMAPPED = Layout()


def read_mapping(path: Path) -> Layout:
    """The mapping in a file. Raises UnusableMapping."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_MAPPING_BYTES)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnusableMapping(path, f"it is not readable TOML ({reason})", f"不是可读的 TOML（{reason}）") from error
    return mapping_in(path, content)


def mapping_in(path: Path, content: bytes) -> Layout:
    """The same of a file's bytes; faults call it `path`."""
    document = _document(path, content)
    for section, table in document.items():
        if section not in _SECTIONS:
            raise UnusableMapping(
                path,
                f"there is no section [{section}]; the sections are {', '.join(_SECTIONS)}",
                f"没有 [{section}] 这一节；可用的有 {'、'.join(_SECTIONS)}",
            )
        if not isinstance(table, dict):
            raise UnusableMapping(
                path, f"{section} is a section: write [{section}]", f"{section} 应写成 [{section}] 一节"
            )
    tables = document.get("dictionary", {})
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise UnusableMapping(path, f"write [dictionary.{name}]", f"应写成 [dictionary.{name}] 一节")
    layout = Layout(
        file=path,
        columns=_texts(path, "columns", document),
        constants=_texts(path, "constants", document),
        templates={ours: _template(path, text) for ours, text in _texts(path, "templates", document).items()},
        formats=_texts(path, "formats", document),
        dictionary={name: _texts(path, name, tables) for name in tables},
    )
    _refuse_twice(path, layout)
    return layout


def columns_of(layout: Layout) -> Columns:
    """The columns of a bank's table. Raises UnusableMapping for what imports of facts alone have."""
    if layout.templates or layout.dictionary:
        raise UnusableMapping(
            layout.file or "-",
            "for statements there are [columns], [constants] and [formats] alone",
            "对账单映射只有 [columns]、[constants] 与 [formats]",
        )
    return Columns(layout.columns, layout.constants, layout.formats)


def _document(path: Path, content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # tomllib's and the decoder's errors are ValueErrors
        raise UnusableMapping(path, f"it is not readable TOML ({error})", f"不是可读的 TOML（{error}）") from error


def _texts(path: Path, section: str, document: Mapping[str, Any]) -> dict[str, str]:
    """The section's values; whole numbers count as their text."""
    texts = {}
    for name, value in document.get(section, {}).items():
        if type(value) is int:
            value = str(value)
        if not isinstance(value, str):
            raise UnusableMapping(
                path, f"{section}: the value of {name} is not text in quotes", f"{section}：{name} 的值应为带引号的文本"
            )
        texts[name] = value
    return texts


def _template(path: Path, text: str) -> Template:
    parts: list[tuple[str, str | None]] = []
    try:
        for literal, column, spec, conversion in Formatter().parse(text):
            if column == "" or spec or conversion:
                raise ValueError(text)
            parts.append((literal, column))
    except ValueError as error:
        raise UnusableMapping(
            path,
            f'the template "{text}" is text with {{column}} in it, nothing more',
            f'模板 "{text}" 只能是文本加 {{列名}}',
        ) from error
    return Template(tuple(parts))


def _refuse_twice(path: Path, layout: Layout) -> None:
    named = [*layout.columns, *layout.constants, *layout.templates]
    for ours in sorted(named):
        if named.count(ours) > 1:
            raise UnusableMapping(path, f"{ours} is given twice", f"{ours} 给出了两次")
