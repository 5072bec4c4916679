"""Keys in files: one for each ledger, for their owner alone, under a passphrase where one is wanted."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from audit.checkpoint import KeySigner
from audit.files import file_name_of
from audit.key_folder import KeyFolder, RotationUnderWay
from audit.keys import LogKeyFault
from ledger.key_files import SecretIsOpen

ORIGIN = "example.org/a"


def unasked() -> bytes:
    raise AssertionError("nobody asks for a passphrase here")


def folder(path: Path, passphrase: bytes | None = None, *, protected: bool = False, origin: str = ORIGIN) -> KeyFolder:
    """A folder as a new process opens it."""
    return KeyFolder(path, origin, unasked if passphrase is None else lambda: passphrase, protected=protected)


def plain(key: Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_key_lasts_for_its_owner_alone_and_signs(tmp_path: Path) -> None:
    made = folder(tmp_path / "keys").make(())
    [path] = (tmp_path / "keys").iterdir()
    assert path.name == f"log-example.org%2Fa-{made.id.hex()}.pem"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert made.holds(b"text", folder(tmp_path / "keys").signer(made).sign(b"text"))


def test_a_key_that_nothing_names_yet_is_the_one_made_before(tmp_path: Path) -> None:
    first = folder(tmp_path).make(())
    assert folder(tmp_path).make(()) == first
    second = folder(tmp_path).make([first])
    assert second != first
    assert folder(tmp_path).make([first]) == second
    with pytest.raises(RotationUnderWay, match=second.id.hex()):
        folder(tmp_path).require_alone(first)


def test_each_ledger_has_a_key_of_its_own(tmp_path: Path) -> None:
    one, other = folder(tmp_path).make(()), folder(tmp_path, origin="example.org/a-b").make(())
    assert one.public != other.public
    assert folder(tmp_path).make([one]) not in (one, other)
    with pytest.raises(LogKeyFault, match="restore it from a backup"):
        folder(tmp_path, origin="example.org/c").signer(one)


def test_no_origin_leads_out_of_the_folder_or_to_a_name_too_long(tmp_path: Path) -> None:
    for n, origin in enumerate(("../../x", "/" * 200, "a" * 200, "~root", ".", "C:\\x")):
        keys = folder(tmp_path / str(n), origin=origin)
        assert keys.path_of(keys.make(())) in set((tmp_path / str(n)).iterdir())
    assert file_name_of("/" * 200) != file_name_of("/" * 199)


def test_the_one_key_of_older_folders_is_still_read(tmp_path: Path) -> None:
    old = KeySigner(ORIGIN, Ed25519PrivateKey.generate())
    (tmp_path / "log.pem").write_bytes(plain(old.key))
    (tmp_path / "log.pem").chmod(0o600)
    assert folder(tmp_path).signer(old.verifier).verifier == old.verifier
    new = folder(tmp_path).make([old.verifier])
    assert new != old.verifier
    assert not folder(tmp_path).retire(old.verifier), "other ledgers may have it too"
    assert folder(tmp_path).signer(old.verifier).verifier == old.verifier
    folder(tmp_path).require_alone(new)


def test_a_key_put_away_signs_nothing_and_is_kept(tmp_path: Path) -> None:
    keys = folder(tmp_path)
    made = keys.make(())
    assert [keys.retire(made), keys.retire(made), folder(tmp_path).retire(made)] == [True, False, False]
    with pytest.raises(LogKeyFault):
        keys.signer(made)
    assert [path.name for path in (tmp_path / "retired").iterdir()] == [f"log-example.org%2Fa-{made.id.hex()}.pem"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o777, 0o601])
def test_a_key_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    made = folder(tmp_path).make(())
    path = folder(tmp_path).path_of(made)
    assert path is not None
    path.chmod(mode)
    with pytest.raises(SecretIsOpen, match=f"mode {mode:03o}.*chmod 600"):
        folder(tmp_path).signer(made)


def test_a_passphrase_is_asked_for_when_the_key_signs_and_not_before(tmp_path: Path) -> None:
    made = folder(tmp_path, b"correct horse battery", protected=True).make(())
    path = folder(tmp_path).path_of(made)
    assert path is not None
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    with pytest.raises(AssertionError, match="nobody asks"):
        folder(tmp_path).signer(made)
    with pytest.raises(LogKeyFault, match="the passphrase is wrong"):
        folder(tmp_path, b"another passphrase").signer(made)
    assert folder(tmp_path, b"correct horse battery").signer(made).verifier == made


def test_a_new_key_is_put_under_the_passphrase_that_the_old_one_has(tmp_path: Path) -> None:
    first = folder(tmp_path, b"correct horse battery", protected=True).make(())
    second = folder(tmp_path, b"correct horse battery").make([first])
    path = folder(tmp_path).path_of(second)
    assert path is not None
    assert b"ENCRYPTED" in path.read_bytes()


def test_a_key_that_was_made_without_a_passphrase_gets_the_one_that_is_asked_for(tmp_path: Path) -> None:
    made = folder(tmp_path).make(())
    assert folder(tmp_path, b"correct horse battery", protected=True).make(()) == made
    path = folder(tmp_path).path_of(made)
    assert path is not None
    assert b"ENCRYPTED" in path.read_bytes()
    assert folder(tmp_path, b"correct horse battery", protected=True).make(()) == made


def test_a_passphrase_is_set_changed_and_taken_away_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = folder(tmp_path).make(())
    path = folder(tmp_path).protect(made, b"first passphrase")
    assert folder(tmp_path, b"first passphrase").signer(made).verifier == made
    folder(tmp_path, b"first passphrase").protect(made, b"second passphrase")
    before = path.read_bytes()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", crash)
    with pytest.raises(KeyboardInterrupt):
        folder(tmp_path, b"second passphrase").protect(made, None)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [path.name], "no copy of the key is left behind"
    folder(tmp_path, b"second passphrase").protect(made, None)
    assert folder(tmp_path).signer(made).verifier == made
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_holds_another_key_or_none_is_one_clear_fault(tmp_path: Path) -> None:
    made = folder(tmp_path).make(())
    path = folder(tmp_path).path_of(made)
    assert path is not None
    for content, said in (
        (plain(Ed25519PrivateKey.generate()), "it is not example.org/a"),
        (plain(X25519PrivateKey.generate()), "no Ed25519 key"),
        (b"\xff\xd8\xff", "cannot be used"),
        (b"", "cannot be used"),
        (b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "cannot be used"),
    ):
        path.write_bytes(content)
        with pytest.raises(LogKeyFault, match=said):
            folder(tmp_path, b"some passphrase").signer(made)
    path.unlink()
    with pytest.raises(LogKeyFault, match="restore it from a backup"):
        folder(tmp_path).signer(made)
    path.mkdir()
    with pytest.raises(LogKeyFault, match="cannot be used"):
        folder(tmp_path).signer(made)
