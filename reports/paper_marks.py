"""What a paper's file carries for machines: figures attached to a PDF, a mark in the head of an HTML page."""

from __future__ import annotations

import html
import re
import zlib
from typing import Any

import msgspec

MAX_BYTES = 64 * 2**20
_ATTACHED = re.compile(rb"/EmbeddedFile\b.{0,400}?\bstream\r?\n", re.DOTALL)
_MARK = re.compile(rb'<meta name="fenhao" content="([^"]{1,5000})">')


def attached(data: bytes) -> Any:
    """The figures in a PDF that this program wrote. Raises ValueError, zlib.error."""
    match = _ATTACHED.search(data)
    if match is None:
        raise ValueError("the PDF has no figures of ours in it")
    return msgspec.json.decode(zlib.decompressobj().decompress(data[match.end() :], MAX_BYTES))


def marked(data: bytes) -> str:
    """The mark in a page's head. Raises ValueError."""
    match = _MARK.search(data[: 1 << 20])
    if match is None:
        raise ValueError("the page has no mark of ours")
    return html.unescape(match[1].decode())
