"""验证页: what the page that verifies receipts is given, and the same page as one file that works without a network."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from reports.entries import LABELS
from reports.pages import rendered, static
from reports.traces import WORDS, Reader

_PLACES = ("fund", "case", "hospital", "used", "cash", "fee", "cost", "hold", "refunded", "out", "void")
_COSTS = ("programme", "management", "fundraising", "channel", "other")


def setting_of(policy: str, reader: Reader, *, online: bool = False) -> dict[str, Any]:
    """What `verify.js` reads beside the receipt: whose signature counts, words; online, where the log is."""
    words = {
        "types": {name: reader.word(name) for name in WORDS if name[:1].isupper()}
        | {name: LABELS[name][reader.language != "zh"] for name in LABELS if name[:1].isupper()},
        "places": {kind: reader.word(f"at_{kind}") for kind in _PLACES} | {kind: reader.word(kind) for kind in _COSTS},
    }
    found = {"policy": policy, "exponent": reader.exponent, "currency": reader.currency, "words": words}
    return found | ({"receipt": "/v1/entries/{seq}/receipt", "log": "/log/"} if online else {})


def page_alone(policy: str, origin: str, reader: Reader) -> str:
    """The page with its script and style in it, which may fetch nothing: the policy in its head names no source."""
    style = _text("site.css") + _text("verify.css")
    script = _text("verify.js")
    return rendered(
        "verify_alone.html",
        reader.language,
        setting=setting_of(policy, reader),
        origin=origin,
        style=style,
        style_digest=_digest(style),
        script=script,
        script_digest=_digest(script),
    )


def _text(name: str) -> str:
    found = static(name)
    assert found is not None, name
    text = found.body.decode()
    assert "</s" not in text.replace("</span", ""), f"{name} would end the element that it stands in"
    return text


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
