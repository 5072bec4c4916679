"""Pages' words and files: every sentence is said in Chinese too, and nothing is asked of another site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from jinja2.ext import babel_extract

from reports.pages import LANGUAGES, catalogues, rendered, static, static_address

REPORTS = Path(__file__).parents[1] / "reports"
TEMPLATES = sorted((REPORTS / "templates").glob("*.html"))


def sentences(template: Path) -> Iterator[str]:
    """What a template says, as its sentences are written in it; of a plural the singular."""
    options = {"trimmed": "true", "silent": "false"}
    for _, _, said, _ in babel_extract(BytesIO(template.read_bytes()), ("_", "gettext", "ngettext"), [], options):
        yield str(said[0] if isinstance(said, tuple) else said)


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


def translated() -> Iterator[tuple[list[str], list[str], bool]]:
    """Every sentence of the Chinese catalogues with its plural if it has one, what it is in Chinese, and any doubt."""
    for catalogue in catalogues("zh"):
        for message in catalogue:
            if message.id:
                both = [[one] if isinstance(one, str) else list(one or ()) for one in (message.id, message.string)]
                yield both[0], both[1], message.fuzzy


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_whatever_a_template_says_it_says_in_chinese_too(template: Path) -> None:
    assert set(sentences(template)) - {english[0] for english, _, _ in translated()} == set()


def test_a_translation_keeps_its_placeholders_and_is_said_in_one_way() -> None:
    said: dict[str, str] = {}
    for english, chinese, fuzzy in translated():
        assert len(chinese) == 1, english
        assert chinese[0], english
        assert not fuzzy, english
        assert placeholders(chinese[0]) == placeholders(english[-1]), english
        assert said.setdefault(english[0], chinese[0]) == chinese[0], english


def test_no_catalogue_keeps_what_nobody_says_any_more() -> None:
    spoken = {sentence for template in TEMPLATES for sentence in sentences(template)}
    assert {english[0] for english, _, _ in translated()} - spoken == set()


def test_each_language_speaks() -> None:
    said = {one: rendered("said.html", one, title="<b>", detail="d") for one in LANGUAGES}
    assert all("&lt;b&gt;" in page for page in said.values()), "what is put in is never markup"


def test_no_template_sheet_or_script_of_ours_names_another_site() -> None:
    own = [*TEMPLATES, *(path for path in (REPORTS / "static").iterdir() if path.name != "htmx.min.js")]
    for path in own:
        named = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"')]*", path.read_text("utf-8"))
        assert [one for one in named if "www.w3.org" not in one] == [], path.name


def test_a_static_file_has_an_address_of_its_own_for_each_edition() -> None:
    found = static("site.css")
    assert found is not None
    assert static_address("site.css") == f"/static/site.css?v={found.digest}"
    assert static("../pages.py") is None
    assert static("nothing.css") is None


def test_a_page_without_plotly_weighs_little() -> None:
    weights = [static(name) for name in ("site.css", "site.js", "htmx.min.js", "mark.svg")]
    assert sum(len(one.body) for one in weights if one is not None) < 100_000
