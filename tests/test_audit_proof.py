"""Receipts: what they say is checked without us, and every byte of them matters."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint, KeySigner
from audit.merkle import Node, fold, leaf_hash, prove_consistency, prove_inclusion, root, subtrees
from audit.proof import BadReceipt, Continuation, Proof, Receipt

SALT = "5a" * 32
VALUE = "张三"
COMMITMENT = hmac.digest(
    bytes.fromhex(SALT),
    rfc8785.dumps({"field": "donor_name", "stream": "donation/D", "value": VALUE}),
    "sha256",
).hex()
ENTRIES = [
    rfc8785.dumps(
        {
            "data": {"commitments": {"donor_name": COMMITMENT}},
            "origin": "ledger.example.org/a",
            "seq": n,
            "stream": "donation/D",
        }
    )
    for n in range(11)
]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
SIGNER = KeySigner("ledger.example.org/a", Ed25519PrivateKey.from_private_bytes(b"k" * 32))
OPENING = {"field": "donor_name", "stream": "donation/D", "value": VALUE, "salt": SALT}


def read(nodes: Sequence[Node]) -> list[bytes]:
    """Perfect subtrees of the eleven leaves."""
    hashes = []
    for level, n in nodes:
        row = LEAVES[n << level : (n + 1) << level]
        hashes.append(
            row[0] if level == 0 else fold([read([(level - 1, 2 * n)])[0], read([(level - 1, 2 * n + 1)])[0]])
        )
    return hashes


HEAD = Checkpoint("ledger.example.org/a", 11, root(11, read))


def receipt(index: int = 5, **kwargs: Any) -> Receipt:
    path = tuple(prove_inclusion(index, 11, read))
    return Receipt.make(Proof(index, path, HEAD.signed(SIGNER)), ENTRIES[index], **kwargs)


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


@pytest.mark.parametrize(
    "change",
    [
        {"value": "张四"},
        {"field": "donor_phone"},
        {"stream": "donation/E"},
        {"salt": "00" * 32},
        {"salt": "5A" * 31},
        {"salt": "not hex"},
    ],
    ids=str,
)
def test_an_opening_that_the_entry_does_not_commit_to_is_refused(change: dict[str, str]) -> None:
    receipt(openings=[OPENING]).check("ledger.example.org/a", [SIGNER.verifier])
    with pytest.raises(BadReceipt, match=r"commits to|not in hex"):
        receipt(openings=[{**OPENING, **change}]).check("ledger.example.org/a", [SIGNER.verifier])


def test_an_entry_of_another_place_is_refused() -> None:
    """A log that signed an entry where it does not say that it is would be at fault itself."""
    path = tuple(prove_inclusion(5, 11, read))
    for lie in (ENTRIES[6], b"{}", b"no entry", b'{"data":[],"origin":"o","seq":5,"stream":"s"}'):
        leaves = [*LEAVES[:5], leaf_hash(lie), *LEAVES[6:]]

        def hashes(nodes: Sequence[Node], leaves: list[bytes] = leaves) -> list[bytes]:
            return [fold_up(leaves[n << level : (n + 1) << level]) for level, n in nodes]

        head = Checkpoint("ledger.example.org/a", 11, root(11, hashes))
        path = tuple(prove_inclusion(5, 11, hashes))
        with pytest.raises(BadReceipt, match=r"says that it is entry 6|entry is none"):
            Receipt.make(Proof(5, path, head.signed(SIGNER)), lie).check("ledger.example.org/a", [SIGNER.verifier])


def test_an_opening_for_another_record_is_refused_even_where_the_entry_commits_to_it() -> None:
    lie = ENTRIES[0].replace(b'"donation/D"', b'"donation/E"')
    head = Checkpoint("ledger.example.org/a", 1, leaf_hash(lie))
    made = Receipt.make(Proof(0, (), head.signed(SIGNER)), lie, [OPENING])
    with pytest.raises(BadReceipt, match="commits to"):
        made.check("ledger.example.org/a", [SIGNER.verifier])


def fold_up(row: list[bytes]) -> bytes:
    """The hash over a perfect subtree's leaves."""
    return row[0] if len(row) == 1 else fold([fold_up(row[: len(row) // 2]), fold_up(row[len(row) // 2 :])])


def continuation(old: int) -> Continuation:
    path = tuple(prove_consistency(old, 11, read))
    return Continuation(old, path, HEAD.signed(SIGNER))


def head_of(size: int) -> Checkpoint:
    return Checkpoint("ledger.example.org/a", size, root(size, read))


@pytest.mark.parametrize("old", range(1, 12))
def test_a_newer_head_proves_that_it_continues_the_one_before(old: int) -> None:
    made = continuation(old)
    again = Continuation.parse(made.text())
    assert again == made
    assert again.check(head_of(old), [SIGNER.verifier]) == HEAD
    other = Checkpoint("ledger.example.org/a", old, bytes(32))
    with pytest.raises(BadReceipt, match=r"does not lead|different roots"):
        again.check(other, [SIGNER.verifier])
    with pytest.raises(BadReceipt, match="continues one of"):
        again.check(head_of(old - 1), [SIGNER.verifier])
    with pytest.raises(BadReceipt, match="not of"):
        again.check(Checkpoint("ledger.example.org/b", old, head_of(old).root), [SIGNER.verifier])


def test_no_changed_byte_of_a_newer_head_passes() -> None:
    data = continuation(5).text()
    assert data.startswith(b"old 5\n")
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(BadReceipt):
            Continuation.parse(changed).check(head_of(5), [SIGNER.verifier])


@given(st.binary(max_size=400))
def test_no_bytes_make_the_parser_of_a_newer_head_fail_in_another_way(data: bytes) -> None:
    for each in (data, b"old 5\n" + data, continuation(5).text()[:-10] + data):
        try:
            found = Continuation.parse(each).check(head_of(5), [SIGNER.verifier])
        except BadReceipt:
            continue
        assert found == HEAD


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
    for each in (Receipt, Continuation):
        with pytest.raises(BadReceipt):
            each.parse(data)


@pytest.mark.parametrize("opening", ["x", {}, {**OPENING, "more": "x"}, {**OPENING, "value": 7}, None], ids=str)
def test_an_opening_that_is_none_is_refused(opening: object) -> None:
    members = {"entry": b64encode(ENTRIES[5]).decode(), "openings": [opening]}
    made = receipt().proof
    with pytest.raises(BadReceipt, match="not field, stream"):
        Receipt.parse(Proof(5, made.path, made.checkpoint, json.dumps(members).encode()).text())


def test_subtrees_of_the_test_itself_are_right() -> None:
    assert fold(read(subtrees(0, 11))) == HEAD.root
