"""A receipt is checked without us: its entry, path, head, openings, and heads kept from before or after."""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from exports import LOG, NEXT, OTHER, Made, gifts, head, keyed, leaves_of, said, signer
from hypothesis import given
from hypothesis import strategies as st
from test_audit_verify_chain import Story, chained, root_of

from audit import verify
from audit.merkle import prove_consistency
from audit.proof import Continuation

SALT = "5a" * 32
NAME = {"field": "donor_name", "stream": "donation/D0", "value": "张三", "salt": SALT}


RECEIPT = Made(Path(), gifts(5).bytes()).receipt(3, openings=[NAME])


def commitment(opening: dict[str, str]) -> str:
    """As docs/format.md says."""
    text = f'{{"field":"{opening["field"]}","stream":"{opening["stream"]}","value":"{opening["value"]}"}}'
    return hmac.new(bytes.fromhex(opening["salt"]), text.encode(), "sha256").hexdigest()


def story(count: int = 12) -> Story:
    """Entry 3 is a gift by somebody whose name it commits to."""
    made = gifts(count)
    made.entries[3]["data"]["commitments"] = {"donor_name": commitment(NAME)}
    return made


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """An export; its folder also serves as the place for receipts, beside its policy."""
    return Made.of(tmp_path / "export", story(), (8,))


def check(made: Made, data: bytes, **options: Any) -> verify.Outcome:
    made.put("r.tlog-proof", data)
    return verify.examine([made.folder / "r.tlog-proof"], **options)


@pytest.mark.parametrize("seq", range(12))
def test_a_receipt_holds_for_each_entry(made: Made, seq: int) -> None:
    found = check(made, made.receipt(seq))
    assert found.code == 0, said(found)
    [one] = found.members["receipts"]
    assert (one["entry"], one["size"], one["ok"]) == (seq, 12, True)
    assert f"第 {seq} 条分录" in said(found)


def test_openings_are_held_against_the_entry(made: Made) -> None:
    found = check(made, made.receipt(3, openings=[NAME]))
    assert found.code == 0
    assert found.members["receipts"][0]["openings"] == ["donor_name"]
    assert "张三" not in said(found)
    for wrong in (
        {**NAME, "value": "李四"},
        {**NAME, "salt": "00" * 32},
        {**NAME, "stream": "donation/D1"},
        {**NAME, "field": "donor_phone"},
    ):
        found = check(made, made.receipt(3, openings=[wrong]))
        assert found.code == 1
        assert "is not the value that the entry commits to" in said(found)
    assert check(made, made.receipt(4, openings=[NAME])).code == 1
    for unsound in ({**NAME, "value": "\ud800"}, {**NAME, "value": "a\nb"}, {**NAME, "salt": "zz" * 32}):
        with pytest.raises(verify.Unusable, match="opening"):
            check(made, spoil(openings=[unsound])(made.receipt(3)))


def test_a_commitment_of_another_stream_opens_nothing_here(tmp_path: Path) -> None:
    told = story()
    told.entries[4]["data"]["commitments"] = {"donor_name": commitment(NAME)}
    made = Made.of(tmp_path, told)
    found = check(made, made.receipt(4, openings=[NAME]))
    assert found.code == 1
    assert "is not the value that the entry commits to" in said(found)


def test_whose_signature_counts_must_be_known(made: Made) -> None:
    data = made.receipt(4)
    assert check(made, data, key=str(LOG.verifier)).code == 0
    found = check(made, data, key=str(OTHER.verifier))
    assert found.code == 1
    assert "signed by no key of the policy" in said(found)
    assert check(made, made.receipt(4, OTHER)).code == 1
    found = check(made, data, key=str(signer(1, "example.org/b").verifier))
    assert found.code == 1
    assert "is not in the policy" in said(found)
    (made.folder / "policy").unlink()
    with pytest.raises(verify.Unusable, match="give --policy FILE"):
        check(made, data)


def test_the_policy_asks_for_witnesses_of_receipts_too(made: Made) -> None:
    witness = verify.Key("w.example", verify.COSIGNATURE, NEXT.verifier.public)
    made.write_policy(LOG, more=f"witness w {witness}\nquorum w\n")
    found = check(made, made.receipt(4))
    assert found.code == 1
    assert "is not cosigned as the policy asks" in said(found)


def spoil(**changes: Any) -> Callable[[bytes], bytes]:
    """Changes what the proof's extra data says."""

    def change(data: bytes) -> bytes:
        extra = re.search(rb"extra (\S+)", data)
        assert extra is not None
        members = {**json.loads(b64decode(extra[1])), **changes}
        return data.replace(extra[1], b64encode(json.dumps(members).encode()))

    return change


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new)

    return change


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (spoil(entry=b64encode(b'{"a":1}').decode()), "does not lead to the root"),
        (replaced(b"index 4", b"index 5"), "does not lead to the root"),
        (replaced(b"index 4", b"index 99"), "does not lead to the root"),
        (lambda data: re.sub(rb"(index 4\n)[^\n]+\n", rb"\1", data), "does not lead to the root"),
        (lambda data: re.sub(rb"\n12\n", b"\n13\n", data), "is wrong"),
    ],
)
def test_what_does_not_hold_is_refused(made: Made, change: Callable[[bytes], bytes], what: str) -> None:
    found = check(made, change(made.receipt(4)))
    assert found.code == 1
    assert what in said(found)
    assert found.members["problems"][0]["file"].endswith("r.tlog-proof")


def test_an_entry_that_says_it_is_another_is_refused(tmp_path: Path) -> None:
    """A log may sign anything; the entry must be sound itself and say that it stands where the proof has it."""
    sound = story().bytes()
    for entry, what in [(sound[3], "it says to be entry 3"), (b"not json", "the bytes are not JSON")]:
        made = Made(tmp_path / what[:5], [*sound[:4], entry, *sound[5:]])
        made.write_policy(LOG)
        found = check(made, made.receipt(4))
        assert found.code == 1
        assert what in said(found)


def test_no_changed_byte_passes(made: Made) -> None:
    data = made.receipt(3, openings=[NAME])
    for at in range(0, len(data), 3):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with suppress(verify.Unusable):
            assert check(made, changed).code == 1, at


@given(st.binary(max_size=200), st.integers(0, 700))
def test_no_bytes_make_a_reader_fail_in_another_way(data: bytes, at: int) -> None:
    for read, start in (
        (verify.read_receipt, RECEIPT),
        (verify.read_policy, f"log {LOG.verifier}\nquorum none\n".encode()),
        (verify.read_head, head([b"one"])),
    ):
        for each in (data, start[:at] + data + start[at:], start[:at] + data):
            with suppress(verify.Unusable):
                assert isinstance(read(each), verify.Receipt | verify.Policy | verify.Head)


# Heads kept from before, and newer ones


def test_a_kept_head_of_the_same_size_must_agree(made: Made, tmp_path: Path) -> None:
    kept, other = tmp_path / "kept", tmp_path / "other"
    kept.write_bytes(head(made.entries))
    other.write_bytes(head([*made.entries[:-1], b"x"]))
    assert check(made, made.receipt(4), kept=[kept]).members["receipts"][0]["kept"] == [str(kept)]
    found = check(made, made.receipt(4), kept=[other])
    assert found.code == 1
    assert "another history" in said(found)
    found = check(made, made.receipt(4), kept=[made.folder / "checkpoints" / "8"])
    assert found.code == 0
    assert "whether they agree is seen from an export" in said(found)
    assert found.members["receipts"][0]["kept"] == []


def continuation(entries: Sequence[bytes], old: int, *keys: Any) -> bytes:
    leaves = leaves_of(entries)

    def read(nodes: Sequence[tuple[int, int]]) -> list[bytes]:
        return [root_of(leaves[n << level : (n + 1) << level]) for level, n in nodes]

    return Continuation(old, tuple(prove_consistency(old, len(entries), read)), head(entries, *keys)).text()


@pytest.mark.parametrize("old", [5, 6, 7, 8, 9, 11])
def test_a_newer_head_with_its_proof_continues_the_receipts(made: Made, tmp_path: Path, old: int) -> None:
    newer = tmp_path / "newer.head"
    newer.write_bytes(continuation(made.entries, old))
    receipt = made.receipt(4, size=old)
    found = check(made, receipt, kept=[newer])
    assert (found.code, found.members["receipts"][0]["kept"]) == (0, [str(newer)])
    changed = [*made.entries[:2], b"x", *made.entries[3:]]
    newer.write_bytes(continuation(changed, old))
    found = check(made, receipt, kept=[newer])
    assert found.code == 1
    assert "does not continue its head" in said(found)
    newer.write_bytes(continuation(made.entries, old, OTHER))
    with pytest.raises(verify.Unusable, match="signed by no key of the policy"):
        check(made, receipt, kept=[newer])


def test_proofs_of_continuing_are_judged_at_every_pair_of_sizes() -> None:
    entries = [bytes([n]) for n in range(20)]
    for size in range(2, 21):
        for old in range(1, size):
            kept = verify.Kept(Path(), *parsed(continuation(entries[:size], old)))
            before = verify.read_head(head(entries[:old]))
            assert verify.is_continued(before, kept.head, kept.proof)
            assert not verify.is_continued(before, kept.head, [*kept.proof, bytes(32)])
            for at, value in enumerate(kept.proof):
                flipped = bytes([value[0] ^ 1]) + value[1:]
                assert not verify.is_continued(before, kept.head, [*kept.proof[:at], flipped, *kept.proof[at + 1 :]])
            assert not verify.is_continued(kept.head, before, kept.proof)
            assert not verify.is_continued(kept.head, kept.head, kept.proof)


def parsed(data: bytes) -> tuple[verify.Head, int, tuple[bytes, ...]]:
    found = Continuation.parse(data)
    return verify.read_head(found.checkpoint), found.old, found.path


# Many at once


def test_a_folder_of_receipts_is_checked_one_by_one(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "receipts"
    folder.mkdir()
    (folder / "policy").write_bytes((made.folder / "policy").read_bytes())
    for seq in (3, 4, 5):
        (folder / f"{seq:06}.tlog-proof").write_bytes(made.receipt(seq))
    found = verify.examine([folder])
    assert (found.code, found.members["ok"], len(found.members["receipts"])) == (0, True, 3)
    assert found.lines[-1] == ("3 张凭据，3 张成立", "3 of 3 receipts hold")
    (folder / "000006.tlog-proof").write_bytes(b"\xff\xd8\xff\xe0")
    found = verify.examine([folder])
    assert (found.code, found.members["ok"]) == (2, False)
    assert "000006.tlog-proof is no receipt" in said(found)
    (folder / "000005.tlog-proof").write_bytes(made.receipt(5, OTHER))
    found = verify.examine([folder])
    assert (found.code, [one["seq"] for one in found.members["problems"]]) == (1, [5])
    assert verify.examine([folder / "000003.tlog-proof", folder / "000004.tlog-proof"]).code == 0


def test_a_changed_key_needs_the_policy_of_its_time(tmp_path: Path) -> None:
    entries = chained(keyed(gifts(9).entries))
    made = Made(tmp_path, entries)
    made.write_policy(LOG)
    found = check(made, made.receipt(4, NEXT))
    assert found.code == 1
    assert "use the newer policy" in said(found)
    assert check(made, made.receipt(4, LOG, NEXT)).code == 0
    made.write_policy(LOG, NEXT)
    assert check(made, made.receipt(4, NEXT)).code == 0
