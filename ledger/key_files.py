"""Files that hold secrets: written whole or not at all, for their owner alone, refused when others may read them."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from ledger.errors import OperatorFault
from ledger.vault_ciphers import KEY_BYTES, Entropy


class SecretIsOpen(OperatorFault):
    """A secret that others than its owner may read or change."""

    code = "secret_is_open"
    zh = "{path} 可被他人读取或改动（权限 {mode}）：请运行 chmod 600 {path}；若他人可能看过，请更换密钥"
    en = "others may read or change {path} (mode {mode}): run chmod 600 {path}, and change the key if they may have"


def write_secret(path: Path, content: bytes, *, replace: bool = False) -> None:
    """Writes `path` with mode 0600 in a folder made with mode 0700; a file of that name stays, unless it is `replace`d.

    Beside, then under its name, then the folder to the disk: a crash leaves no half key, and no key that is used and
    then lost. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".new-key-")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(beside, path)
        else:
            with suppress(FileExistsError):
                os.link(beside, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(beside)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_secret(path: Path) -> bytes:
    """What is in a file that only its owner may read and write. Raises OSError, SecretIsOpen."""
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise SecretIsOpen(path=path, mode=f"{mode:03o}")
        return file.read()


class KeyFileFault(OperatorFault):
    """A key's file cannot be read or written, or holds something else."""

    code = "key_file"
    zh = "密钥文件 {path} 无法使用：{reason}"
    en = "the key file {path} cannot be used: {reason}"


class KeyFile:
    """One key of 32 random bytes in a file of its own, made on first use. Another key ends whatever hangs on it."""

    def __init__(self, path: Path, entropy: Entropy) -> None:
        self._path, self._entropy = path, entropy

    def read(self) -> bytes:
        """The key. Raises KeyFileFault, SecretIsOpen."""
        try:
            if not self._path.exists():
                write_secret(self._path, self._entropy(KEY_BYTES))
            key = read_secret(self._path)
        except OSError as error:
            raise KeyFileFault(path=self._path, reason=error) from error
        if len(key) != KEY_BYTES:
            raise KeyFileFault(path=self._path, reason=f"not {KEY_BYTES} bytes")
        return key
