"""Attacks by whoever makes up times, or a root of the national hash; rows of the table in `attacks.py`.

Each row: its name, the deed, the check, what it says, and the checks that catch it besides.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography.x509.oid import ExtendedKeyUsageOID
from forging import Forgery, Key, leaf, note, root_of
from stamping import STAMPING, Holder, Stamper, issue, root, rsa_key, stamper

from audit.verify import Sm3Tree, sm3_text

Deed = Callable[[Forgery], None]
Row = tuple[str, Deed, str, str] | tuple[str, Deed, str, str, str] | tuple[str, Deed, str, str, str, tuple[str, ...]]
HOUR = timedelta(hours=1)


def stamped(
    by: Callable[[], Stamper] = lambda: Stamper(stamper()),
    over: Callable[[bytes], bytes] = bytes,
    size: int = 0,
    after: timedelta = timedelta(),
) -> Deed:
    """Has a head stamped so long after its last entry; the export brings the roots of the true authority."""

    def attack(forgery: Forgery) -> None:
        head = forgery.read(f"checkpoints/{size}" if size else "checkpoint")
        at = datetime.fromisoformat(forgery.entries[(size or forgery.size) - 1]["at"]) + after
        forgery.write("timestamps/now.checkpoint", head)
        forgery.write("timestamps/now.tsr", by().answer(over(head), at))
        forgery.write("timestamps/roots.pem", root().pem)

    return attack


def stamped_in_the_past(forgery: Forgery) -> None:
    """Has history changed, sealed and stamped; the stamp over the true one is put beside the false."""
    stamped()(forgery)
    forgery.entries[5]["salt"] = "0" * 32
    forgery.seal()


def with_sm3(
    entries: Callable[[list[bytes]], list[bytes]] = list,
    text: Callable[[bytes], bytes] = bytes,
    seed: bytes = b"",
) -> Deed:
    """Signs an SM3 root, by default the right one."""

    def attack(forgery: Forgery) -> None:
        tree = Sm3Tree()
        for body in entries(forgery.bodies):
            tree.add(body)
        own = root_of([leaf(body) for body in forgery.bodies])
        key = Key(f"{forgery.origin}/sm3", seed or forgery.key.seed)
        said = text(sm3_text(forgery.origin, forgery.size, tree.root(), own))
        forgery.write("sm3/root", note(said, key))

    return attack


def under(title: str, **more: object) -> Callable[[], Stamper]:
    """An authority with another certificate."""
    return lambda: Stamper(issue(root(), title, rsa_key(), **{"purposes": STAMPING, **more}))  # type: ignore[arg-type]  # its own


def unknown() -> Stamper:
    return Stamper(issue(issue(None, "root", rsa_key(3), ca=True), "leaf", rsa_key(), purposes=STAMPING))


EXPIRED = datetime(2026, 1, 1, tzinfo=UTC)
SERVERS = (ExtendedKeyUsageOID.SERVER_AUTH,)
ROWS: list[Row] = [
    ("a time-stamp over another head", stamped(over=lambda head: head + b"x"), "check_imprint", "over other bytes"),
    ("one by an authority that is none", stamped(unknown), "check_chain", "no authority that is trusted here"),
    ("one with a certificate that had expired", stamped(under("old", until=EXPIRED)), "check_chain", "was not valid"),
    (
        "one with a certificate for servers",
        stamped(under("web", purposes=SERVERS)),
        "check_purpose",
        "not for time-stamping alone",
    ),
    (
        "one with an authority's certificate and another key",
        stamped(lambda: Stamper(Holder(stamper().certificate, rsa_key(3)))),
        "check_token_signature",
        "the signature of the authority",
    ),
    ("a true one, over the history before it was changed", stamped_in_the_past, "SignedLog.check_root", "another root"),
    (
        "an entry that is dated before the stamp it came after",
        stamped(size=54, after=HOUR),
        "check_anchored",
        "back-dated",
    ),
    ("an entry that is dated after the stamp over it", stamped(after=-HOUR), "check_anchored", "its time is not true"),
    (
        "an SM3 root over other entries",
        with_sm3(lambda es: es[::-1]),
        "Sm3Root._check",
        "another SM3 root",
        "",
        ("Sm3Root._check",),
    ),
    (
        "an SM3 root of another log",
        with_sm3(text=lambda t: t.replace(b"\nlog l", b"\nlog L")),
        "Sm3Root._check",
        "another ledger or SHA-256 root",
    ),
    ("an SM3 root that a stranger signed", with_sm3(seed=b"m" * 32), "Sm3Root._check", "not signed by the key"),
]
