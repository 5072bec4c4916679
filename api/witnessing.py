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

from audit.checkpoint import COSIGNATURE, BadNote, KeySigner, Verifier, check_name
from audit.files import write_whole
from audit.heads import FileHeads
from audit.key_files import Passphrase, is_encrypted, read_key, write_key
from audit.witness import Witness
from ledger.errors import BadValue, OperatorFault


class NoWitness(OperatorFault):
    """There is no witness here yet, or what it knows cannot be read."""

    code = "no_witness"
    zh = "{folder} 中没有可用的见证密钥（{reason}）：请运行 fenhao witness init --name 名称"
    en = "there is no usable witness key in {folder} ({reason}): run fenhao witness init --name NAME"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a witness has done so far: per log the size it signed last."""

    key: Verifier
    sizes: dict[str, int]
    evidence: list[Path]


def make_key(folder: Path, name: str, passphrase: Passphrase, *, protected: bool = False) -> Verifier:
    """The verifier key of the witness of that name, which is made on first use, `protected` by the passphrase.

    Raises BadValue, NoWitness, and what reading a key raises.
    """
    try:
        check_name(name)
    except BadNote as fault:
        raise BadValue(
            "name", name, "a name without spaces and +, such as witness.example.org/w1", str(fault)
        ) from fault
    others = [path for path in folder.glob("key-*.pem") if path != _key_path(folder, name)]
    if others:
        raise NoWitness(folder=folder, reason=f"it is already that of {unquote(others[0].stem.removeprefix('key-'))}")
    path = _key_path(folder, name)
    if not path.exists():
        write_key(path, Ed25519PrivateKey.generate(), passphrase() if protected else None)
    elif protected and not is_encrypted(path):
        protect(folder, passphrase, passphrase())
    return _signer(folder, passphrase).verifier


def protect(folder: Path, passphrase: Passphrase, new: bytes | None) -> Path:
    """Puts the witness's key under another passphrase, or under none; its file. Raises as reading does."""
    path, signer = _key_file(folder), _signer(folder, passphrase)
    write_key(path, signer.key, new, replace=True)
    return path


def add_log(folder: Path, key: str) -> list[Verifier]:
    """Watches a log of that verifier key; all that are known. Raises BadValue, NoWitness."""
    _key_file(folder)
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


def standing(folder: Path, passphrase: Passphrase) -> Standing:
    """How far the witness is with each log. Raises NoWitness, HeadsFault, and what reading the key raises."""
    heads = {key.name: FileHeads(folder / "heads", key.name).read() for key in _logs(folder)}
    sizes = {origin: kept.size if kept else 0 for origin, kept in heads.items()}
    return Standing(_signer(folder, passphrase).verifier, sizes, sorted((folder / "evidence").glob("*.txt")))


def opened(folder: Path, passphrase: Passphrase, now: Callable[[], int] = lambda: int(time.time())) -> Witness:
    """The witness of this folder. Raises NoWitness, and what reading the key raises."""
    logs: dict[str, list[Verifier]] = {}
    for key in _logs(folder):
        logs.setdefault(key.name, []).append(key)
    return Witness(_signer(folder, passphrase), logs, partial(FileHeads, folder / "heads"), folder / "evidence", now)


def _key_path(folder: Path, name: str) -> Path:
    return folder / f"key-{quote(name, safe='')}.pem"


def _key_file(folder: Path) -> Path:
    """Where the one key is. Raises NoWitness."""
    paths = list(folder.glob("key-*.pem"))
    if len(paths) != 1:
        raise NoWitness(folder=folder, reason=f"{len(paths)} keys")
    return paths[0]


def _signer(folder: Path, passphrase: Passphrase) -> KeySigner:
    path = _key_file(folder)
    return KeySigner(unquote(path.stem.removeprefix("key-")), read_key(path, passphrase), COSIGNATURE)


def _logs(folder: Path) -> list[Verifier]:
    path = folder / "logs"
    if not path.exists():
        return []
    try:
        return [Verifier.parse(line) for line in path.read_text().splitlines() if line]
    except (OSError, UnicodeDecodeError, BadNote) as error:
        raise NoWitness(folder=folder, reason=f"{path}: {error}") from error
