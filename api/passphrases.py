"""The passphrase of a signing key: from a file that a setting names, or asked for at the terminal; never an argument.

It is shown nowhere and kept in no history of commands.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from ledger.errors import BadValue, InputFault, OperatorFault
from ledger.key_files import read_secret

SHORTEST = 12
"""Characters. The file format (PKCS #8) makes guessing no more than 2,048 times slower."""


class PassphraseNeeded(OperatorFault):
    """A key has a passphrase, and there is neither a file that says it nor anybody to ask."""

    code = "passphrase_needed"
    zh = (
        "签名密钥有口令：请在终端运行，或以 FENHAO_LOG_PASSPHRASE_FILE"
        "（见证方为 FENHAO_WITNESS_PASSPHRASE_FILE）指明口令文件"
    )
    en = (
        "the signing key has a passphrase: run this at a terminal, or name its file by FENHAO_LOG_PASSPHRASE_FILE (a "
        "witness's by FENHAO_WITNESS_PASSPHRASE_FILE)"
    )


class PassphraseUnreadable(InputFault):
    """The file that should hold the passphrase cannot be read."""

    code = "passphrase_unreadable"
    zh = "无法读取口令文件 {path}：{reason}"
    en = "the passphrase cannot be read from {path}: {reason}"


class Asked:
    """The passphrase of the key as it is now: known, in the file, or, where one may `ask`, typed once."""

    def __init__(self, file: Path | None, *, ask: bool = True) -> None:
        self._file, self._ask = file, ask
        self._known: bytes | None = None

    def __call__(self) -> bytes:
        """Raises PassphraseNeeded, PassphraseUnreadable, SecretIsOpen."""
        if self._known is None:
            if self._file is not None:
                self._known = from_file(self._file)
            elif not self._ask:
                raise PassphraseNeeded()
            else:
                self._known = _typed("签名密钥的口令 / passphrase of the signing key")
        return self._known


def from_file(path: Path) -> bytes:
    """The first line of a file that only its owner may read. Raises PassphraseUnreadable, SecretIsOpen, BadValue."""
    try:
        text = read_secret(path).decode().split("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise PassphraseUnreadable(path=path, reason=error) from error
    return _long_enough(text)


def new_one() -> bytes:
    """A new passphrase, typed twice alike. Raises PassphraseNeeded, BadValue."""
    return _long_enough(_typed("新口令 / new passphrase", confirm=True).decode())


def for_new_key(file: Path | None) -> Callable[[], bytes]:
    """Under what a new ledger's key is put: what the file says, or what is typed now. Raises as these do."""
    chosen = new_one() if file is None else from_file(file)
    return lambda: chosen


def _typed(what: str, *, confirm: bool = False) -> bytes:
    if not sys.stdin.isatty():
        raise PassphraseNeeded()
    try:
        text: str = click.prompt(what, hide_input=True, confirmation_prompt=confirm, err=True)
    except click.Abort:
        raise KeyboardInterrupt from None
    return text.encode()


def _long_enough(text: str) -> bytes:
    if len(text) < SHORTEST:
        raise BadValue("passphrase", "…", f"at least {SHORTEST} characters", f"至少 {SHORTEST} 个字符")
    return text.encode()
