"""Notes and checkpoints: as the specifications say, and nothing else."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoint import BadNote, Checkpoint, KeySigner, Note, Verifier, key_id, open_checkpoint

VECTORS = Path(__file__).parents[2] / "shared" / "vectors" / "entries.json"
KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SIGNATURE = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
EXAMPLE = f"This is an example message.\n\n— example.com/foo {SIGNATURE}\n".encode()
"""The example of C2SP signed-note."""
ROOT = bytes(range(32))
HEAD = Checkpoint("ledger.example.org/a", 7, ROOT)


def signer(name: str = "ledger.example.org/a", seed: int = 1) -> KeySigner:
    return KeySigner(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


LOG = signer()


def other_line(name: str, n: int = 0) -> str:
    return f"— {name} {b64encode(n.to_bytes(4, 'big') + b'signature').decode()}\n"


def test_the_specifications_example_is_signed_by_its_key() -> None:
    key = Verifier.parse(KEY)
    assert str(key) == KEY
    assert Note.parse(EXAMPLE).signers([key]) == [key]
    assert Note.parse(EXAMPLE).text == b"This is an example message.\n"


def test_a_checkpoint_survives_its_note() -> None:
    data = HEAD.signed(LOG)
    assert data.startswith(b"ledger.example.org/a\n7\n" + b64encode(ROOT) + b"\n\n\xe2\x80\x94 ledger.example.org/a ")
    assert open_checkpoint(data, HEAD.origin, [LOG.verifier]) == HEAD


def test_a_key_id_follows_from_name_and_key() -> None:
    public = LOG.verifier.public
    assert key_id("a", public) == hashlib.sha256(b"a\n\x01" + public).digest()[:4]
    assert Verifier.parse(str(LOG.verifier)) == LOG.verifier


def test_signatures_of_unknown_keys_count_for_nothing() -> None:
    data = HEAD.signed(signer("witness.example", 2), LOG, signer("ledger.example.org/a", 3))
    assert Note.parse(data).signers([LOG.verifier]) == [LOG.verifier]
    with pytest.raises(BadNote, match="no known key"):
        Note.parse(data).signers([signer("third.example", 4).verifier])
    with pytest.raises(BadNote, match="no known key"):  # the right key under another name
        Note.parse(data).signers([signer("other.example", 1).verifier])


@pytest.mark.parametrize("first", [True, False])
def test_a_known_keys_wrong_signature_spoils_the_note_wherever_it_stands(first: bool) -> None:
    witness = signer("witness.example", 2)
    good = HEAD.signed(LOG).decode()
    text, _, right = good.rpartition("\n\n")
    wrong = f"— witness.example {b64encode(witness.verifier.id + bytes(64)).decode()}\n"
    lines = wrong + right if first else right + wrong
    with pytest.raises(BadNote, match=r"witness\.example is wrong"):
        Note.parse(f"{text}\n\n{lines}".encode()).signers([LOG.verifier, witness.verifier])
    assert Note.parse(f"{text}\n\n{lines}".encode()).signers([LOG.verifier]) == [LOG.verifier]


def test_every_changed_byte_of_a_note_is_refused() -> None:
    data = HEAD.signed(LOG)
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(BadNote):
            open_checkpoint(changed, HEAD.origin, [LOG.verifier])


@given(st.binary(max_size=300))
def test_no_bytes_make_the_parser_fail_in_another_way(data: bytes) -> None:
    for each in (data, HEAD.text() + data, HEAD.signed(LOG) + data):
        try:
            note = Note.parse(each)
            note.signers([LOG.verifier])
        except BadNote:
            continue
        assert note.text == HEAD.text()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"text\n",
        b"text\n\n",
        EXAMPLE[:-1],
        EXAMPLE.replace(b"\n", b"\r\n"),
        EXAMPLE.replace(b"message", b"mess\tage"),
        EXAMPLE.replace("—".encode(), b"-"),
        EXAMPLE.replace(b"example.com/foo ", b"example.com/f+o "),
        EXAMPLE.replace(b"example.com/foo ", "example.com/f\u00a0oo ".encode()),
        EXAMPLE.replace(b"example.com/foo ", b" "),
        EXAMPLE.replace(b"yaQM=", b"yaQM"),
        EXAMPLE.replace(b"yaQM=", b"yaQN="),
        EXAMPLE.replace(b"yaQM=", b"yaQM= "),
        EXAMPLE + b"\n",
        EXAMPLE + b"more\n",
        EXAMPLE.replace(b"message", b"mess\xffage"),
        b"a\n\n" + "— a AAAAAA==\n".encode(),
        b"x" * 1_000_001,
        b"a\n\n" + "".join(other_line("k") for _ in range(17)).encode(),
    ],
    ids=lambda data: repr(data[:40]),
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(BadNote):
        Note.parse(data)


def test_sixteen_signatures_are_read() -> None:
    data = HEAD.signed(LOG) + "".join(other_line(f"witness{n}.example", n) for n in range(15)).encode()
    assert len(Note.parse(data).signatures) == 16
    assert open_checkpoint(data, HEAD.origin, [LOG.verifier]) == HEAD


@pytest.mark.parametrize(
    "text",
    [
        "o\n7\n",
        "\n7\nROOT\n",
        "o\n07\nROOT\n",
        "o\n0700\nROOT\n",
        "o\n-7\nROOT\n",
        "o\n7 \nROOT\n",
        "o\n٧\nROOT\n",
        "o\n9999999999999999999\nROOT\n",
        "o\n7\nAAAA\n",
        "o\n7\nROOT=\n",
        "o\n7\nROOT\n\nmore\n",
        "o\n7\nROOT",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        Checkpoint.parse(text.replace("ROOT", b64encode(ROOT).decode()).encode())


def test_extension_lines_are_passed_over() -> None:
    assert Checkpoint.parse(HEAD.text() + b"more\nand more\n") == HEAD


def test_another_ledgers_checkpoint_is_refused() -> None:
    with pytest.raises(BadNote, match="not of"):
        open_checkpoint(HEAD.signed(LOG), "ledger.example.org/b", [LOG.verifier])


@pytest.mark.parametrize(
    "text",
    [
        "",
        KEY[:-4],
        KEY.replace("530d903a", "530d903b"),
        KEY.replace("530d903a", "530D903A"),
        KEY.replace("+Aeky", "+Beky"),
        KEY.replace("example.com/foo", "example.com/fo o"),
        f"a+00000000+{b64encode(bytes(33)).decode()}",
        KEY + "\n",
    ],
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        Verifier.parse(text)


@pytest.mark.skipif(not VECTORS.exists(), reason="the worked entries do not lie beside this checkout")
def test_the_worked_checkpoint_is_signed_as_worked() -> None:
    worked = json.loads(VECTORS.read_text())
    key = Verifier.parse(worked["verifier_key"])
    head = open_checkpoint(worked["checkpoint"].encode(), key.name, [key])
    assert (head.size, head.root.hex()) == (len(worked["entries"]), worked["roots"][-1])
    seed = hashlib.sha256(b"fenhao test vector key").digest()
    again = head.signed(KeySigner(key.name, Ed25519PrivateKey.from_private_bytes(seed)))
    assert again == worked["checkpoint"].encode()
    assert b64decode(str(key).split("+")[2])[1:] == key.public
