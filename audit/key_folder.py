"""The log's private keys as files: PEM (PKCS #8), for their owner's eyes only, under a passphrase if one is wanted.

    keys/log-<origin>-<key id>.pem       a key of that ledger; until an entry names it, the one that will be next
    keys/retired/...                     keys that sign no more
    keys/log.pem                         the one key of a data folder from before keys had names; still read

A file bears the id of its key, so nothing has to be renamed when the key comes into use, and a crash leaves nothing to
be put right.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import KeySigner, Verifier
from audit.files import file_name_of, flush_folder
from audit.key_files import Passphrase, is_encrypted, read_key, unusable, write_key
from audit.keys import LogKeyFault
from ledger.errors import OperatorFault


class RotationUnderWay(OperatorFault):
    """A change of keys was prepared or cut off, and something asks for one key alone."""

    code = "rotation_under_way"
    zh = "更换密钥尚未完成（{path}）：请先运行 fenhao key rotate"
    en = "a change of the log's key is not done yet ({path}): run fenhao key rotate first"


class KeyFolder:
    """`LogKeys` in a folder, for one origin. `protected`: new keys are put under the passphrase even if no other is."""

    def __init__(self, folder: Path, origin: str, passphrase: Passphrase, *, protected: bool = False) -> None:
        self._folder, self._origin, self._passphrase, self._protected = folder, origin, passphrase, protected
        self._known: dict[Verifier, KeySigner] = {}

    def signer(self, key: Verifier) -> KeySigner:
        """See LogKeys."""
        if key not in self._known:
            path = self.path_of(key)
            if path is None:
                missing = self._path(key)
                raise LogKeyFault(key=missing, reason="restore it from a backup", reason_zh="文件不在，请从备份恢复")
            found = self._read(path)
            if found.verifier != key:
                raise LogKeyFault(key=path, reason=f"it is not {key}", reason_zh=f"它不是 {key}")
            self._known[key] = found
        return self._known[key]

    def make(self, used: Collection[Verifier]) -> Verifier:
        """See LogKeys. A file that no entry names yet is the one that an earlier call made."""
        named = {self._path(key) for key in used}
        for path in self._live():
            if path not in named:
                found = self._read(path)
                if self._protected and not is_encrypted(path):
                    write_key(path, found.key, self._passphrase(), replace=True)
                return found.verifier
        protected = self._protected or any(is_encrypted(path) for path in self._live()) or self._old_is_encrypted(used)
        made = KeySigner(self._origin, Ed25519PrivateKey.generate())
        write_key(self._path(made.verifier), made.key, self._passphrase() if protected else None)
        self._known[made.verifier] = made
        return made.verifier

    def retire(self, key: Verifier) -> bool:
        """See LogKeys. A `log.pem` stays where it is: other ledgers may have it too."""
        path = self._path(key)
        self._known.pop(key, None)
        if not path.exists():
            return False
        away = path.parent / "retired"
        try:
            away.mkdir(mode=0o700, exist_ok=True)
            path.rename(away / path.name)
            flush_folder(away)
            flush_folder(path.parent)
        except OSError as error:
            raise unusable(path, error) from error
        return True

    def path_of(self, key: Verifier) -> Path | None:
        """The file in which that key should be; None when there is none."""
        paths = (self._path(key), self._folder / "log.pem")
        return next((path for path in paths if path.exists()), None)

    def require_alone(self, key: Verifier) -> None:
        """Raises RotationUnderWay when another key of this origin is here that is not put away."""
        for path in self._live():
            if path != self._path(key):
                raise RotationUnderWay(path=path)

    def protect(self, key: Verifier, passphrase: bytes | None) -> Path:
        """Puts a key under another passphrase, or under none; its file, which is the old or the new one, whole."""
        signer, path = self.signer(key), self.path_of(key)
        assert path is not None
        write_key(path, signer.key, passphrase, replace=True)
        return path

    def _path(self, key: Verifier) -> Path:
        return self._folder / f"log-{file_name_of(self._origin)}-{key.id.hex()}.pem"

    def _live(self) -> list[Path]:
        """The files of this origin's keys that are not put away."""
        start = f"log-{file_name_of(self._origin)}-"
        paths = self._folder.glob("log-*.pem")
        return sorted(path for path in paths if path.stem[:-8] == start)

    def _old_is_encrypted(self, used: Collection[Verifier]) -> bool:
        old = self._folder / "log.pem"
        return bool(used) and old.exists() and is_encrypted(old)

    def _read(self, path: Path) -> KeySigner:
        return KeySigner(self._origin, read_key(path, self._passphrase))
