"""Receipts: what they say is checked without us, and every byte of them matters."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint, KeySigner
from audit.merkle import Node, fold, leaf_hash, prove_inclusion, root, subtrees
from audit.proof import BadReceipt, Proof, Receipt

ENTRIES = [f'{{"seq":{n}}}'.encode() for n in range(11)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
SIGNER = KeySigner("ledger.example.org/a", Ed25519PrivateKey.from_private_bytes(b"k" * 32))
OPENING = {"field": "donor_name", "stream": "donation/D", "value": "张三", "salt": "00" * 32}


def read(nodes: list[Node]) -> list[bytes]:
    """Perfect subtrees of the eleven leaves."""
    hashes = []
    for level, n in nodes:
        row = LEAVES[n << level : (n + 1) << level]
        hashes.append(
            row[0] if level == 0 else fold([read([(level - 1, 2 * n)])[0], read([(level - 1, 2 * n + 1)])[0]])
        )
    return hashes


HEAD = Checkpoint("ledger.example.org/a", 11, root(11, read))  # type: ignore[arg-type]


def receipt(index: int = 5, **kwargs: object) -> Receipt:
    path = tuple(prove_inclusion(index, 11, read))  # type: ignore[arg-type]
    return Receipt.make(Proof(index, path, HEAD.signed(SIGNER)), ENTRIES[index], **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize("index", range(11))
def test_a_receipt_survives_its_file_and_proves_its_entry(index: int) -> None:
    made = receipt(index, openings=[OPENING] if index % 2 else [])
    again = Receipt.parse(made.proof.text())
    assert again == made
    assert again.entry == ENTRIES[index]
    assert list(again.openings) == ([OPENING] if index % 2 else [])
    assert again.check("ledger.example.org/a", [SIGNER.verifier]) == HEAD == again.claimed()


def test_the_file_is_as_the_specification_lays_it_out() -> None:
    lines = receipt().proof.text().decode().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("extra ")
    assert lines[2] == "index 5"
    assert lines[3] == b64encode(LEAVES[4]).decode()
    blank = lines.index("")
    assert lines[blank + 1 : blank + 3] == ["ledger.example.org/a", "11"]


def test_no_changed_byte_passes() -> None:
    data = receipt().proof.text()
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(BadReceipt):
            Receipt.parse(changed).check("ledger.example.org/a", [SIGNER.verifier])


def test_another_entry_log_or_key_is_refused() -> None:
    made = receipt()
    other = KeySigner("ledger.example.org/a", Ed25519PrivateKey.from_private_bytes(b"z" * 32))
    with pytest.raises(BadReceipt, match="no known key"):
        made.check("ledger.example.org/a", [other.verifier])
    with pytest.raises(BadReceipt, match="not of"):
        made.check("ledger.example.org/b", [SIGNER.verifier])
    with pytest.raises(BadReceipt, match="does not lead to the root"):
        Receipt.make(made.proof, ENTRIES[6]).check("ledger.example.org/a", [SIGNER.verifier])


@given(st.binary(max_size=400))
def test_no_bytes_make_the_parser_fail_in_another_way(data: bytes) -> None:
    for each in (data, b"c2sp.org/tlog-proof@v1\n" + data, receipt().proof.text()[:-10] + data):
        try:
            found = Receipt.parse(each)
            found.check("ledger.example.org/a", [SIGNER.verifier])
        except BadReceipt:
            continue
        assert found.entry == ENTRIES[5]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff\xe0 a picture",
        b"c2sp.org/tlog-proof@v1\nindex 07\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 7\nAAAA\n\nx",
        b"c2sp.org/tlog-proof@v1\r\nindex 7\r\n\r\nx",
        b"c2sp.org/tlog-proof@v1\nextra e30=\nindex 7\n\nx",
        b"x" * 2_000_001,
    ],
    ids=lambda data: repr(data[:30]),
)
def test_what_is_no_receipt_is_refused(data: bytes) -> None:
    with pytest.raises(BadReceipt):
        Receipt.parse(data)


def test_subtrees_of_the_test_itself_are_right() -> None:
    assert fold(read(subtrees(0, 11))) == HEAD.root
