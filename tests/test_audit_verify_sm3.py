"""SM3 国密: the national hash by the standard's own examples, and a signed root over the same entries by it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from conftest import Fenhao
from exports import LOG, NEXT, OTHER, Made, gifts, said, signer, whats
from test_api_log import give, opened
from test_audit_verify_chain import ORIGIN

from audit import verify
from audit.checkpoint import Checkpoint, KeySigner, Verifier, open_checkpoint, signature_line


@pytest.mark.parametrize(
    ("data", "digest"),
    [  # GB/T 32905-2016, annex A
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_the_standards_examples_hold(data: bytes, digest: str) -> None:
    assert verify.plain_sm3(data).hex() == digest
    assert verify.sm3(data).hex() == digest


@pytest.mark.skipif("sm3" not in hashlib.algorithms_available, reason="this OpenSSL has no SM3 to compare with")
def test_plain_python_and_openssl_agree_at_every_length() -> None:
    for length in range(200):
        data = bytes(n * 7 % 256 for n in range(length))
        assert verify.plain_sm3(data) == hashlib.new("sm3", data).digest()


@cache
def root_of(entries: tuple[bytes, ...]) -> bytes:
    """MTH of RFC 6962 §2.1, by SM3; each of them once, for in Python it is slow."""
    if len(entries) < 2:
        return verify.plain_sm3(b"\0" + entries[0]) if entries else verify.plain_sm3(b"")
    half = 1 << (len(entries) - 1).bit_length() - 1
    return verify.plain_sm3(b"\1" + root_of(entries[:half]) + root_of(entries[half:]))


def test_the_tree_has_the_shape_of_rfc_6962() -> None:
    tree, entries = verify.Sm3Tree(), [b"%d" % n for n in range(40)]
    for n, entry in enumerate(entries):
        assert tree.root() == root_of(tuple(entries[:n]))
        tree.add(entry)


def text(made: Made, size: int, origin: str = ORIGIN) -> bytes:
    """What is signed, put together as `docs/format.md` says."""
    national = b64encode(root_of(tuple(made.entries[:size]))).decode()
    own = (made.folder / "checkpoints" / str(size)).read_bytes().split(b"\n")[2].decode()
    return f"{origin}/sm3\n{size}\n{national}\nlog {origin}\nsha256 {own}\n".encode()


def signed(what: bytes, *keys: KeySigner) -> bytes:
    lines = [signature_line(key.verifier, key.sign(what)) for key in keys or (signer(1, f"{ORIGIN}/sm3"),)]
    return what + "\n".join(["", *lines, ""]).encode()


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = Made.of(tmp_path_factory.mktemp("sm3") / "export", gifts(300), (200,))
    made.put("sm3/root", signed(text(made, 300)))
    return made


@pytest.fixture
def made(honest: Made, tmp_path: Path) -> Made:
    """A copy to do harm to."""
    shutil.copytree(honest.folder, tmp_path / "export")
    return Made(tmp_path / "export", honest.entries)


def test_an_honest_root_agrees_and_an_older_one_too(made: Made) -> None:
    found = made.check()
    assert found.code == 0, said(found)
    assert found.members["sm3"] == {"size": 300, "root": root_of(tuple(made.entries)).hex(), "agrees": True}
    assert "SM3 树根与分录相符：300 条" in said(found)
    made.put("sm3/root", signed(text(made, 200)))
    assert made.check().members["sm3"]["size"] == 200
    assert made.check().code == 0


def test_it_is_the_same_without_openssls(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "sm3", verify.plain_sm3)
    assert made.check().members["sm3"]["agrees"]


def test_an_export_without_one_says_nothing_of_it(made: Made) -> None:
    shutil.rmtree(made.folder / "sm3")
    found = made.check()
    assert (found.code, found.members["sm3"], "SM3" in said(found)) == (0, None, False)


def change(old: bytes, new: bytes, *keys: KeySigner) -> Callable[[Made], bytes]:
    def made_of(made: Made) -> bytes:
        before = text(made, 300)
        assert old in before
        return signed(before.replace(old, new), *keys)

    return made_of


def beyond(made: Made) -> bytes:
    """Signed over more than is there; the export was set back."""
    longer = signed(text(made, 300))
    shutil.rmtree(made.folder)
    made.entries = made.entries[:200]
    made.write_policy(LOG)
    made.sign(200)
    return longer


NAME = f"{ORIGIN}/sm3"
HARM: list[tuple[str, Callable[[Made], bytes], str]] = [
    ("another root", lambda m: signed(text(m, 300).replace(text(m, 300).split(b"\n")[2], b"A" * 43 + b"=")), "another"),
    ("of another size", change(b"\n300\n", b"\n299\n"), "another SM3 root"),
    ("that names another SHA-256 root", change(b"\nsha256 ", b"\nsha256 A"), "another ledger or SHA-256 root"),
    ("that names another log", change(b"log ledger", b"log lodger"), "another ledger or SHA-256 root"),
    ("with one line more", lambda m: signed(text(m, 300) + b"more\n"), "another ledger or SHA-256 root"),
    ("of another name", change(f"{NAME}\n".encode(), f"{ORIGIN}/sm4\n".encode()), "another ledger or SHA-256 root"),
    ("signed by a stranger", lambda m: signed(text(m, 300), signer(9, NAME)), "not signed by the key in force"),
    ("signed by the next key", lambda m: signed(text(m, 300), signer(2, NAME)), "not signed by the key in force"),
    ("signed under the log's own name", lambda m: signed(text(m, 300), LOG), "not signed by the key in force"),
    (
        "with a broken signature",
        lambda m: text(m, 300) + signed(text(m, 200))[len(text(m, 200)) :],
        "the signature of",
    ),
    ("beyond the head", beyond, "an old head is served as new"),
    ("that is none", lambda m: b"x", "no SM3 root"),
]


@pytest.mark.parametrize(("harm", "what"), [each[1:] for each in HARM], ids=[each[0] for each in HARM])
def test_a_root_that_does_not_hold_is_found(made: Made, harm: Callable[[Made], bytes], what: str) -> None:
    made.put("sm3/root", harm(made))
    found = made.check()
    assert found.code == 1, said(found)
    assert any(what in one for one in whats(found)), whats(found)


def test_another_history_under_the_same_sha256_root_would_be_found(made: Made) -> None:
    """As if SHA-256 were broken: the SM3 root speaks of the entries that the export was made with."""
    other = (*made.entries[:7], made.entries[7] + b" ", *made.entries[8:])
    note = text(made, 300).replace(b64encode(root_of(tuple(made.entries))), b64encode(root_of(other)))
    made.put("sm3/root", signed(note))
    assert "another SM3 root than the entries come to" in whats(made.check())[0]


def test_where_the_key_changes_both_sign(tmp_path: Path) -> None:
    story = gifts(20)
    story.add("KeyRotated", "ledger/main", key=str(NEXT.verifier))
    made = Made.of(tmp_path / "export", story)
    made.sign(21, LOG, NEXT)
    both = signer(1, NAME), signer(2, NAME)
    made.put("sm3/root", signed(text(made, 21), *both))
    assert made.check().code == 0, whats(made.check())
    for one in (*both, signer(9, NAME)):
        made.put("sm3/root", signed(text(made, 21), one))
        assert made.check().code == 1
    assert OTHER.verifier.public == signer(9, NAME).verifier.public


def test_an_export_asked_for_it_has_a_root_that_others_can_open(fenhao: Fenhao, tmp_path: Path) -> None:
    opened(fenhao)
    give(fenhao, 3)
    folder = tmp_path / "export"
    result = fenhao("export", folder, "--sm3", "--json")
    assert result.exit_code == 0, result.output
    key = Verifier.parse((folder / "sm3" / "policy").read_text().split("\n")[0].removeprefix("log "))
    head = open_checkpoint((folder / "sm3" / "root").read_bytes(), "example.org/t/sm3", [key])
    assert head.size == json.loads(result.stdout)["size"] == 6
    command = [sys.executable, "-I", folder / "verify.py", folder, "--json"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["sm3"] == {"size": 6, "root": head.root.hex(), "agrees": True}
    assert done.returncode == 0
    give(fenhao, 1, first=3)
    assert fenhao("export", folder).exit_code == 0
    assert fenhao("verify", folder).exit_code == 0, "an older root stands beside a newer head"
    assert Checkpoint.parse((folder / "checkpoint").read_bytes().split(b"\n\n")[0] + b"\n").size == 7
