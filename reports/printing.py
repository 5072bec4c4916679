"""Pages as PDF, by WeasyPrint: nothing is fetched but our own static files, and the same page gives the same bytes.

WeasyPrint is imported when something is printed: nothing else needs it, nor the system's libraries that it needs.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from datetime import UTC, date, datetime, time
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from ledger.errors import OperatorFault

STATIC = Path(str(files("reports") / "static"))
"""Where style sheets and pictures lie that a page may name."""
STYLE = "print.css"
PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk"


class PrinterMissing(OperatorFault):
    """The libraries that set text are not on this machine."""

    code = "printer_missing"
    zh = (
        f"生成 PDF 需要 Pango：请安装（Debian、Ubuntu：apt install {PACKAGES}；macOS：brew install pango），"
        "或改存为其他格式"
    )
    en = (
        f"a PDF needs Pango: install it (Debian, Ubuntu: apt install {PACKAGES}; macOS: brew install pango), "
        "or write another format"
    )


class FontMissing(OperatorFault):
    """No font of this machine has the Chinese characters of the page."""

    code = "font_missing"
    zh = "本机没有中文字体，PDF 中的“{sample}”等字无法显示：请安装（Debian、Ubuntu：apt install fonts-noto-cjk）"
    en = (
        "no font here has Chinese characters such as {sample}: install one (Debian, Ubuntu: apt install fonts-noto-cjk)"
    )


class Attached(NamedTuple):
    """A file within a PDF."""

    name: str
    content: bytes
    description: str


def pdf(html: str, made_on: date, attached: Sequence[Attached] = ()) -> bytes:
    """The page as PDF. `made_on` is the date that it bears, its content's own: the clock is not read.

    Whatever the page names lies in the static folder. Raises PrinterMissing, FontMissing.
    """
    weasyprint = _weasyprint()
    made_at = datetime.combine(made_on, time(), UTC)
    fetcher = _only_static(weasyprint)
    # The font configuration must live until the pages are written.
    fonts = weasyprint.text.fonts.FontConfiguration()
    sheet = weasyprint.CSS(filename=STATIC / STYLE, url_fetcher=fetcher, font_config=fonts)
    attachments = [
        weasyprint.Attachment(
            string=one.content,
            name=one.name,
            description=one.description,
            created=made_at,
            modified=made_at,
            relationship="Data",
        )
        for one in attached
    ]
    page = weasyprint.HTML(string=html, base_url=f"{STATIC.as_uri()}/", url_fetcher=fetcher)
    try:
        document = page.render(font_config=fonts, stylesheets=[sheet])
        document.metadata.created = document.metadata.modified = made_at.isoformat()
        document.metadata.attachments = attachments
        made = document.write_pdf(pdf_tags=True, custom_metadata=True, pdf_identifier=_identifier(html, attached))
    except weasyprint.urls.FatalURLFetchingError as error:
        raise AssertionError("a page to print names only what is ours") from error
    _check_glyphs(document)
    assert isinstance(made, bytes)
    return made


def _weasyprint() -> Any:
    """The library, whose import looks for the system's. Raises PrinterMissing."""
    try:
        with redirect_stdout(io.StringIO()):  # it prints advice of its own beside the exception
            import weasyprint
    except OSError as error:
        raise PrinterMissing from error
    return weasyprint


def _only_static(weasyprint: Any) -> Any:
    """A fetcher that opens files of the static folder; anything else ends the printing."""

    class OnlyStatic(weasyprint.urls.URLFetcher):  # type: ignore[misc]  # has no types
        def fetch(self, url: str, headers: object = None) -> Any:
            path = Path(url.removeprefix("file://")).resolve()
            if not url.startswith("file:///") or not path.is_relative_to(STATIC.resolve()):
                raise PermissionError(url)
            return super().fetch(url, headers)

    return OnlyStatic(allowed_protocols={"file"}, fail_on_errors=True)


def _identifier(html: str, attached: Sequence[Attached]) -> bytes:
    """What names the document in its trailer: a digest of what it is made of, as text that PDF holds as it is."""
    digest = hashlib.sha256(html.encode())
    for one in attached:
        digest.update(hashlib.sha256(one.content).digest())
    return digest.hexdigest()[:32].encode()


def _check_glyphs(document: Any) -> None:
    """Raises FontMissing when common Chinese characters came out as boxes; a rare one may."""
    missing = {code for font in document.fonts.values() for code in font.missing}
    if common := sorted(code for code in missing if 0x4E00 <= code <= 0x9FFF):
        raise FontMissing(sample="".join(map(chr, common[:3])))
