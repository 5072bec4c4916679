"""A witness's folder: its key, the logs it knows, the heads it signed, and evidence against logs.

witness/key-<name>.pem      its key, for the owner's eyes only
witness/logs                verifier keys of the logs it watches, one a line
witness/heads/              the newest head of each
witness/evidence/           requests that were signed by a log and do not continue what it had signed
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from audit.checkpoint import COSIGNATURE, BadNote, KeySigner, Verifier, check_name
from audit.files import write_whole
from audit.heads import FileHeads
from audit.witness import Witness
from ledger.errors import BadValue, OperatorFault
from ledger.key_files import read_secret, write_secret


class NoWitness(OperatorFault):
    """There is no witness here yet, or its key cannot be read."""

    code = "no_witness"
    zh = "{folder} 中没有可用的见证密钥（{reason}）：请运行 fenhao witness init --name 名称"
    en = "there is no usable witness key in {folder} ({reason}): run fenhao witness init --name NAME"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a witness has done so far: per log the size it signed last."""

    key: Verifier
    sizes: dict[str, int]
    evidence: list[Path]


def make_key(folder: Path, name: str) -> Verifier:
    """The verifier key of the witness of that name, which is made on first use. Raises BadValue, NoWitness."""
    try:
        check_name(name)
    except BadNote as fault:
        raise BadValue(
            "name", name, "a name without spaces and +, such as witness.example.org/w1", str(fault)
        ) from fault
    others = [path for path in folder.glob("key-*.pem") if path != _key_path(folder, name)]
    if others:
        raise NoWitness(folder=folder, reason=f"it is already that of {unquote(others[0].stem.removeprefix('key-'))}")
    if not _key_path(folder, name).exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_secret(_key_path(folder, name), pem)
    return _signer(folder).verifier


def add_log(folder: Path, key: str) -> list[Verifier]:
    """Watches a log of that verifier key; all that are known. Raises BadValue, NoWitness."""
    _signer(folder)
    try:
        new = Verifier.parse(key.strip())
    except BadNote as fault:
        rule, rule_zh = "a log's verifier key, as `fenhao key show` tells it", "应为 fenhao key show 列出的日志验证公钥"
        raise BadValue("key", key, rule, rule_zh) from fault
    known = _logs(folder)
    if new not in known:
        known.append(new)
        write_whole(folder / "logs", "".join(f"{one}\n" for one in known).encode())
    return known


def standing(folder: Path) -> Standing:
    """How far the witness is with each log. Raises NoWitness, HeadsFault."""
    heads = {key.name: FileHeads(folder / "heads", key.name).read() for key in _logs(folder)}
    sizes = {origin: kept.size if kept else 0 for origin, kept in heads.items()}
    return Standing(_signer(folder).verifier, sizes, sorted((folder / "evidence").glob("*.txt")))


def opened(folder: Path, now: Callable[[], int] = lambda: int(time.time())) -> Witness:
    """The witness of this folder. Raises NoWitness."""
    logs: dict[str, list[Verifier]] = {}
    for key in _logs(folder):
        logs.setdefault(key.name, []).append(key)
    return Witness(_signer(folder), logs, partial(FileHeads, folder / "heads"), folder / "evidence", now)


def _key_path(folder: Path, name: str) -> Path:
    return folder / f"key-{quote(name, safe='')}.pem"


def _signer(folder: Path) -> KeySigner:
    paths = list(folder.glob("key-*.pem"))
    if len(paths) != 1:
        raise NoWitness(folder=folder, reason=f"{len(paths)} keys")
    try:
        key = load_pem_private_key(read_secret(paths[0]), None)
    except (OSError, ValueError, TypeError) as error:
        raise NoWitness(folder=folder, reason=error) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise NoWitness(folder=folder, reason=f"{paths[0].name} is no Ed25519 key")
    return KeySigner(unquote(paths[0].stem.removeprefix("key-")), key, COSIGNATURE)


def _logs(folder: Path) -> list[Verifier]:
    path = folder / "logs"
    if not path.exists():
        return []
    try:
        return [Verifier.parse(line) for line in path.read_text().splitlines() if line]
    except (OSError, UnicodeDecodeError, BadNote) as error:
        raise NoWitness(folder=folder, reason=f"{path}: {error}") from error
