"""Pages: templates, their words in two languages, and the files that they need beside them.

Templates are written in English; what they say in Chinese is in catalogues, one for each part of the site, read as they
are: nothing is compiled. A sentence that a catalogue does not have stays English, which a test does not allow.
"""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple
from urllib.parse import quote

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.filters import do_urlencode

LANGUAGES = {"zh": "zh_CN", "en": "en"}
"""Each language of ours with the locale that its catalogues and pages are marked with."""
PLOTLY = "plotly.min.js"
_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "html": "text/html; charset=utf-8",
}


class Static(NamedTuple):
    """A file that pages need: its bytes, those compressed, its type, and the digest that its address carries."""

    body: bytes
    gzipped: bytes
    media_type: str
    digest: str


def rendered(template: str, language: str, **members: Any) -> str:
    """The page that a template makes of these members, in that language."""
    return _environment(language).get_template(template).render(language=language, **members)


@cache
def static(name: str) -> Static | None:
    """The file of that name, plotly's among them; None where there is none."""
    found = _static_files().get(name)
    if found is None:
        return None
    body = found.read_bytes()
    kind = _TYPES[name.rpartition(".")[2]]
    return Static(body, gzip.compress(body, 6, mtime=0), kind, hashlib.sha256(body).hexdigest()[:12])


def static_address(name: str) -> str:
    """Where a page finds a file: another address whenever the file has changed."""
    found = static(name)
    assert found is not None, f"no static file {name}"
    return f"/static/{name}?v={found.digest}"


def catalogues(language: str) -> Iterator[Catalog]:
    """The catalogues of a language, one for each part of the site."""
    folder = files("reports") / "locales" / LANGUAGES[language]
    for one in sorted(folder.iterdir() if folder.is_dir() else [], key=lambda each: each.name):
        if one.name.endswith(".po"):
            yield read_po(io.BytesIO(one.read_bytes()), locale=LANGUAGES[language])


@cache
def _static_files() -> dict[str, Traversable]:
    own = {one.name: one for one in (files("reports") / "static").iterdir() if one.is_file()}
    return {**own, PLOTLY: files("plotly") / "package_data" / PLOTLY}


@cache
def _environment(language: str) -> Environment:
    made = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    words = Catalog(locale=LANGUAGES[language])
    for catalogue in catalogues(language):
        for message in catalogue:
            if message.id:
                words.add(message.id, message.string)
    compiled = io.BytesIO()
    write_mo(compiled, words)
    compiled.seek(0)
    made.install_gettext_translations(Translations(compiled), newstyle=True)  # type: ignore[attr-defined]  # i18n's
    made.globals["static"] = static_address
    made.filters["urlencode"] = _urlencode
    return made


def _urlencode(value: Any) -> str:
    """Jinja's own leaves `/` as it is: an id with `/../` in it would lead elsewhere."""
    return quote(value, safe="") if isinstance(value, str) else do_urlencode(value)
