"""The verifier's own reading of notes, keys, policies and proofs: as the specifications say, and nothing else."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from exports import LOG, head, leaves_of, signer
from hypothesis import given
from hypothesis import strategies as st
from test_audit_verify_chain import ORIGIN, root_of

from audit import verify
from audit.checkpoint import Checkpoint, Note
from audit.merkle import prove_inclusion
from audit.policy import BadPolicy
from audit.policy import Policy as PolicyWritten

KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SIGNATURE = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
EXAMPLE = f"This is an example message.\n\n— example.com/foo {SIGNATURE}\n".encode()
"""The example of C2SP signed-note."""
WITNESSED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+"
    "zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe"
    "+mbIUBkBIfZ+qnA==\n".encode()
)
"""The example of C2SP tlog-cosignature, whose keys are not given."""
ENTRIES = [b"one", b"two", b"three"]
HEAD = head(ENTRIES)
VECTORS = Path(__file__).parents[2] / "shared" / "vectors"


def line(name: str, n: int = 0) -> bytes:
    return f"— {name} {b64encode(n.to_bytes(4, 'big') + b'signature').decode()}\n".encode()


def key_of(text: str) -> verify.Key:
    key = verify.read_key(text)
    assert key is not None
    return key


OURS = key_of(str(LOG.verifier))


def test_the_specifications_examples_are_read() -> None:
    note = verify.read_note(EXAMPLE)
    assert note.text == b"This is an example message.\n"
    assert note.signers([key_of(KEY)]) == {key_of(KEY)}
    assert str(key_of(KEY)) == KEY
    read = verify.read_head(WITNESSED)
    assert (read.origin, read.size) == ("example.com/behind-the-sofa", 20852163)
    assert [name for name, _, _ in read.note.signatures] == ["example.com/behind-the-sofa", "witness.example.com/w1"]


def test_unknown_keys_are_passed_over_and_a_known_one_that_is_wrong_refuses_the_note() -> None:
    wrong = f"— {ORIGIN} {b64encode(OURS.id + bytes(64)).decode()}\n".encode()
    text, right = HEAD.split(b"\n\n")
    assert verify.read_note(HEAD + line("stranger")).signers([OURS]) == {OURS}
    assert verify.read_note(HEAD).signers([key_of(KEY)]) == set()
    assert verify.read_note(HEAD).signers([key_of(str(signer(1, "other.example").verifier))]) == set()
    for lines in (wrong + right, right + wrong):
        with pytest.raises(verify.Refuted, match="is wrong"):
            verify.read_note(text + b"\n\n" + lines).signers([OURS])


def test_a_witness_vouches_for_its_time_which_has_63_bits() -> None:
    signing = signer(3)
    key = verify.Key("w.example", verify.COSIGNATURE, signing.verifier.public)
    for time, holds in ((0, True), (1_700_000_000, True), (2**63 - 1, True), (2**63, False)):
        signature = time.to_bytes(8, "big") + signing.sign(b"cosignature/v1\ntime %d\nthe text\n" % time)
        assert key.signed(b"the text\n", signature) is holds
        assert not key.signed(b"the text\n", (time ^ 1).to_bytes(8, "big") + signature[8:])
        assert not key.signed(b"the text\n", signature[:-1])
        assert not key.signed(b"the text\n", signature[8:])


def test_every_changed_byte_of_a_note_is_refused() -> None:
    for at in range(len(HEAD)):
        changed = HEAD[:at] + bytes([HEAD[at] ^ 1]) + HEAD[at + 1 :]
        with suppress(verify.Unusable, verify.Refuted):
            assert verify.read_head(changed).note.signers([OURS]) == set()


NO_NOTE: list[tuple[bytes, str]] = [
    (b"", "not text"),
    (b"text\n", "not text"),
    (b"text\n\n", "not text"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF", "not UTF-8"),
    (EXAMPLE[:-1], "not text"),
    (EXAMPLE.replace(b"\n", b"\r\n"), "CRLF"),
    (EXAMPLE.replace(b"message", b"mess\tage"), "control character"),
    (EXAMPLE.replace("—".encode(), b"-"), "no signature line"),
    (EXAMPLE.replace(b"example.com/foo ", b"example.com/f+o "), "no signature line"),
    (EXAMPLE.replace(b"example.com/foo ", "example.com/f\u00a0oo ".encode()), "no signature line"),
    (EXAMPLE.replace(b"example.com/foo ", b" "), "no signature line"),
    (EXAMPLE.replace(b"yaQM=", b"yaQM"), "no signature line"),
    (EXAMPLE.replace(b"yaQM=", b"yaQN="), "no signature line"),
    (EXAMPLE + b"\n", "no signature line|not text"),
    (EXAMPLE + b"more\n", "no signature line"),
    (b"a\n\n" + "— a AAAAAA==\n".encode(), "no signature line"),
    (b"x" * 10_000_000, "longer than"),
    (HEAD + b"".join(line("k", n) for n in range(16)), "17 signatures, 16 at most"),
]


@pytest.mark.parametrize(("data", "what"), NO_NOTE, ids=lambda value: repr(value[:30]))
def test_what_is_no_note_is_refused_and_says_why(data: bytes, what: str) -> None:
    with pytest.raises(verify.Unusable, match=what) as refused:
        verify.read_note(data)
    assert refused.value.zh
    assert refused.value.zh != refused.value.en


def test_sixteen_signatures_are_read() -> None:
    assert len(verify.read_note(HEAD + b"".join(line("k", n) for n in range(15))).signatures) == 16


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("o\n7\n", "a line each"),
        ("\n7\nROOT\n", "a line each"),
        ("o\n07\nROOT\n", "leading zeros"),
        ("o\n0700\nROOT\n", "leading zeros"),
        ("o\n-7\nROOT\n", "leading zeros"),
        ("o\n7 \nROOT\n", "leading zeros"),
        ("o\n٧\nROOT\n", "leading zeros"),
        ("o\n9999999999999999999\nROOT\n", "leading zeros"),
        ("o\n7\nAAAA\n", "32 bytes"),
        ("o\n7\nROOT=\n", "32 bytes"),
        ("o\n7\nROOT\n\nmore\n", "a line each"),
    ],
)
def test_what_is_no_head_is_refused_and_says_why(text: str, what: str) -> None:
    with pytest.raises(verify.Unusable, match=what):
        verify.read_head(text.replace("ROOT", b64encode(bytes(32)).decode()).encode() + b"\n" + line("k"))


def test_extension_lines_are_passed_over() -> None:
    note = Checkpoint(ORIGIN, 3, bytes(32)).text() + b"more\nand more\n\n" + line("k")
    assert verify.read_head(note)[:3] == (ORIGIN, 3, bytes(32))


@given(st.binary(max_size=300))
def test_reader_and_writer_agree_on_what_is_a_note(data: bytes) -> None:
    for each in (data, HEAD + data, HEAD[: len(HEAD) // 2] + data):
        try:
            theirs = Note.parse(each)
        except ValueError:
            with pytest.raises(verify.Unusable):
                verify.read_note(each)
        else:
            ours = verify.read_note(each)
            assert ours.text == theirs.text
            assert ours.signatures == tuple((s.name, s.key_id, s.value) for s in theirs.signatures)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "k",
        KEY[:-4],
        KEY.replace("530d903a", "530d903b"),
        KEY.replace("530d903a", "530D903A"),
        KEY.replace("+Aeky", "+Beky"),
        KEY.replace("example.com/foo", "example.com/fo o"),
        f"a+00000000+{b64encode(bytes(33)).decode()}",
        KEY + "\n",
        KEY + "+x",
    ],
)
def test_what_is_no_verifier_key_is_none(text: str) -> None:
    assert verify.read_key(text) is None


# Policies

WITNESS = str(verify.Key("w.example", verify.COSIGNATURE, signer(3).verifier.public))
WITNESS_2 = str(verify.Key("w2.example", verify.COSIGNATURE, signer(4).verifier.public))


def test_a_policy_is_read_as_the_specification_says() -> None:
    policy = verify.read_policy(
        f"# 谁的签名\n\n  log\t{KEY}  https://example.com/log \nlog {LOG.verifier}\n\t\nwitness 见证 {WITNESS} https://w\n"
        f"witness b {WITNESS_2}\ngroup g 2 见证 b\n # more\nquorum g\n".encode()
    )
    assert [key.name for key in policy.logs] == ["example.com/foo", ORIGIN]
    assert policy.logs_of(ORIGIN) == [OURS]
    assert policy.groups == {"g": (2, ("见证", "b"))}
    assert policy.is_witnessed(set(policy.witnesses.values()))
    assert not policy.is_witnessed({policy.witnesses["b"]})
    assert verify.read_policy(f"quorum none\nlog {KEY}".encode()).is_witnessed(set())


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no quorum line"),
        (f"log {KEY}\n", "no quorum line"),
        ("quorum none\n", "no log line"),
        (f"log {KEY}\nquorum none\nquorum none\n", "two quorum lines"),
        (f"log {KEY}\nquorum w\n", "not defined above"),
        (f"log {KEY}\nlog {KEY}\nquorum none\n", "stands twice"),
        (f"log {WITNESS}\nquorum none\n", "no verifier key"),
        (f"log {KEY}\nwitness w {KEY}\nquorum w\n", "no verifier key"),
        (f"log {KEY}\nwitness none {WITNESS}\nquorum none\n", "defined already"),
        (f"log {KEY}\nwitness w {WITNESS}\nwitness w {WITNESS_2}\nquorum w\n", "defined already"),
        (f"log {KEY}\nwitness w {WITNESS}\nwitness v {WITNESS}\nquorum w\n", "stands twice"),
        (f"log {KEY}\nwitness w {WITNESS}\ngroup g any\nquorum g\n", "no such line"),
        (f"log {KEY}\nwitness w {WITNESS}\ngroup g 2 w\nquorum g\n", "as many"),
        (f"log {KEY}\nwitness w {WITNESS}\ngroup g 0 w\nquorum g\n", "as many"),
        (f"log {KEY}\nwitness w {WITNESS}\ngroup g 01 w\nquorum g\n", "as many"),
        (f"log {KEY}\nwitness w {WITNESS}\ngroup g any w w\nquorum g\n", "as many"),
        (f"log {KEY}\nwitness w {WITNESS}\ngroup g any w\ngroup h any w\nquorum g\n", "only once"),
        (f"log {KEY}\ngroup g any none\nquorum g\n", "not defined above"),
        (f"log {KEY}\ngroup g any g\nquorum g\n", "not defined above"),
        (f"log {KEY} a b\nquorum none\n", "no such line"),
        (f"logs {KEY}\nquorum none\n", "no such line"),
        (f"log {KEY}\r\nquorum none\r\n", "CRLF"),
        (f"log {KEY}\0\nquorum none\n", "control character"),
        ("#" * 100_001, "longer than"),
    ],
)
def test_what_is_no_policy_is_refused_and_says_why(text: str, what: str) -> None:
    with pytest.raises(verify.Unusable, match=what):
        verify.read_policy(text.encode())
    if "no log line" not in what:  # without one the writer's may stand, for witnesses
        with pytest.raises(BadPolicy):
            PolicyWritten.parse(text.encode())


# Inclusion


@pytest.mark.parametrize("size", [*range(1, 40), 64, 65, 127])
def test_a_path_leads_to_the_root_and_no_other_does(size: int) -> None:
    leaves = [hashlib.sha256(bytes([n])).digest() for n in range(size)]
    root = root_of(leaves)

    def read(nodes: Sequence[tuple[int, int]]) -> list[bytes]:
        return [root_of(leaves[n << level : (n + 1) << level]) for level, n in nodes]

    for index in range(size):
        path = prove_inclusion(index, size, read)
        assert verify.root_over(leaves[index], index, size, path) == root
        assert verify.root_over(leaves[index], index, size, [*path, bytes(32)]) != root
        assert verify.root_over(leaves[index], size, size, path) is None
        if path:
            assert verify.root_over(leaves[index], index, size, path[:-1]) != root
            assert verify.root_over(leaves[index], index ^ 1, size, path) != root


BESIDE = pytest.mark.skipif(not VECTORS.exists(), reason="the worked vectors do not lie beside this checkout")


@BESIDE
def test_every_published_inclusion_proof_is_judged_as_published() -> None:
    proofs = json.loads((VECTORS / "merkle-proofs.json").read_text())
    judged = Counter[bool]()
    for name, one in proofs.items():
        if name.startswith("inclusion/") and name != "inclusion/single-entry/empty-root-and-leaf.json":
            path = [b64decode(each) for each in one["proof"] or []]
            found = verify.root_over(b64decode(one["leafHash"]), one["leafIdx"], one["treeSize"], path)
            assert (found != b64decode(one["root"])) is one["wantErr"], name
            judged[one["wantErr"]] += 1
    assert judged[True] > 50
    assert judged[False] >= 5


@BESIDE
def test_the_worked_proofs_and_head_are_judged_as_worked() -> None:
    worked = json.loads((VECTORS / "entries.json").read_text())
    read = verify.read_head(worked["checkpoint"].encode())
    assert read.note.signers([key_of(worked["verifier_key"])])
    assert read.root == root_of(leaves_of(entry.encode() for entry in worked["entries"]))
