"""Whatever is changed in a history without its keys, the first bad entry is named, and why."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import rfc8785
from test_audit_verify_chain import ORIGIN, Data, Story, canonical, chained, check, every_known_fact, leaf

from audit import verify

PROGRAM = Path(verify.__file__)
VECTORS = Path(__file__).parents[2] / "shared" / "vectors" / "entries.json"


def encode_fast(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


FAST: verify.Codec = (orjson.loads, encode_fast)
CODECS = pytest.mark.parametrize("codec", [verify.STRICT, FAST], ids=["stdlib", "orjson"])


@pytest.fixture(scope="module")
def chain() -> list[bytes]:
    return every_known_fact().bytes()


def first(entries: list[bytes], **options: Any) -> tuple[int | None, str]:
    report = check(entries, **options)
    assert not report.ok
    return report.problems[0].seq, report.problems[0].what


@pytest.mark.skipif(not VECTORS.exists(), reason="the worked entries are not beside this repository")
def test_the_worked_entries_verify() -> None:
    vectors = json.loads(VECTORS.read_text())
    entries = [entry.encode() for entry in vectors["entries"]]
    for size in range(1, len(entries) + 1):
        report = check(entries[:size])
        assert (report.ok, report.root) == (True, vectors["roots"][size])
        assert report.head == vectors["leaf_hashes"][size - 1]


@pytest.mark.parametrize("per_bundle", [1, 2, 7, 256])
def test_the_sizes_of_bundles_do_not_matter(chain: list[bytes], per_bundle: int) -> None:
    bundles = list(verify.bundle(chain, per_bundle))
    assert [entry for one in bundles for entry in verify.split(one)] == chain
    report = verify.verify([b"", *bundles, b""])
    assert report.ok
    assert report.as_json() == check(chain).as_json()


def test_the_root_is_right_at_every_size() -> None:
    from test_audit_verify_chain import root_of

    leaves = [hashlib.sha256(bytes([n])).digest() for n in range(70)]
    for size in range(71):
        tree = verify.Tree()
        for value in leaves[:size]:
            tree.add(0, value)
        assert tree.root() == root_of(leaves[:size])


# Changed bytes


@CODECS
def test_a_changed_byte_is_found_at_its_entry(chain: list[bytes], codec: verify.Codec) -> None:
    for seq in range(len(chain) - 1):
        for at in range(0, len(chain[seq]), 17):
            changed = bytearray(chain[seq])
            changed[at] ^= 1
            found, _ = first([*chain[:seq], bytes(changed), *chain[seq + 1 : seq + 4]], decode=codec)
            assert found == seq, bytes(changed)


def test_every_byte_of_one_entry_is_found(chain: list[bytes]) -> None:
    seq = 20
    for at in range(len(chain[seq])):
        for flip in (0x01, 0x20, 0x80):
            changed = bytearray(chain[seq])
            changed[at] ^= flip
            assert first([*chain[:seq], bytes(changed), *chain[seq + 1 : seq + 4]])[0] == seq


def test_a_changed_byte_is_one_problem_in_plain_words(chain: list[bytes]) -> None:
    changed = chain[17].replace(b"P-7", b"P-8")
    assert changed != chain[17]
    report = check([*chain[:17], changed, *chain[18:]])
    assert report.problems == (verify.Problem(17, "its leaf hash differs from prev of entry 18: it was changed"),)
    assert report.judged == len(chain)


def test_the_hash_of_a_changed_last_entry_differs(chain: list[bytes]) -> None:
    changed = [*chain[:-1], chain[-1].replace(b"A3", b"A4")]
    assert check(changed).head != check(chain).head
    assert check(changed).root != check(chain).root


# Entries deleted, inserted, swapped, doubled


@pytest.mark.parametrize("place", ["head", "middle", "tail"])
@CODECS
def test_a_missing_doubled_or_swapped_entry_is_found(chain: list[bytes], place: str, codec: verify.Codec) -> None:
    at = {"head": 0, "middle": len(chain) // 2, "tail": len(chain) - 2}[place]
    deleted = [*chain[:at], *chain[at + 1 :]]
    swapped = [*chain[:at], chain[at + 1], chain[at], *chain[at + 2 :]]
    doubled = [*chain[: at + 1], chain[at], *chain[at + 1 :]]
    assert first(deleted, decode=codec)[0] == at
    assert first(swapped, decode=codec)[0] == at
    assert first(doubled, decode=codec) == (at + 1, f"entry {at} stands here a second time")
    for tampered in (deleted, swapped, doubled):
        assert len(check(tampered, decode=codec).problems) <= 2


@pytest.mark.parametrize("at", [1, 15, 30])
def test_an_inserted_entry_is_found(chain: list[bytes], at: int) -> None:
    stray = chain[5]
    assert first([*chain[:at], stray, *chain[at:]])[0] == at
    forged = orjson.loads(chain[at])
    forged |= {"type": "SomethingNew", "stream": "ledger/forged", "data": {}, "version": 1}
    found, what = first([*chain[:at], canonical(forged), *chain[at:]])
    assert found == at
    assert "inserted" in what


def test_a_doubled_last_entry_is_found(chain: list[bytes]) -> None:
    assert first([*chain, chain[-1]])[0] == len(chain)


def test_a_history_that_does_not_begin_at_0_is_found(chain: list[bytes]) -> None:
    assert first(chain[3:])[0] == 0
    assert first([])[0] == 0


def test_a_truncated_or_padded_export_is_found(chain: list[bytes]) -> None:
    whole = b"".join(verify.bundle(chain))
    for cut in (1, 2, 3, 100):
        report = verify.verify([whole[:-cut]])
        assert [problem.seq for problem in report.problems] == [len(chain) - 1]
    for padding in (b"\x00", b"\x00\x05abc", b"{"):
        assert [problem.seq for problem in verify.verify([whole + padding]).problems] == [len(chain)]
    assert verify.verify([whole + b"\x00\x00"]).problems[0].seq == len(chain)
    with pytest.raises(ValueError, match="breaks off"):
        verify.split(whole[:-1])


def test_a_back_dated_entry_is_found() -> None:
    story = every_known_fact()
    story.entries[20]["at"] = "2026-01-01T00:59:59.999999Z"
    found, what = first(story.bytes())
    assert (found, what[:12]) == (20, "at goes back")


def test_an_entry_of_another_ledger_is_found() -> None:
    story = every_known_fact()
    story.entries[9]["origin"] = "ledger.example.org/other"
    assert first(story.bytes()) == (9, f"origin is 'ledger.example.org/other', not that of the ledger, '{ORIGIN}'")


# Bytes that are not canonical JSON of the profile

Spoil = Callable[[bytes], bytes]


def swap(old: bytes, new: bytes) -> Spoil:
    return lambda raw: raw.replace(old, new, 1)


SPOILED: list[tuple[Spoil, str]] = [
    (swap(b'"v":1', b'"v": 1'), "canonical"),
    (lambda raw: raw + b"\n", "canonical"),
    (lambda raw: b" " + raw, "canonical"),
    (lambda raw: b"\xef\xbb\xbf" + raw, "not JSON"),
    (swap(b'"v":1,', b'"v":1,"v":1,'), "stands twice"),
    (swap(b'"nature":"own","restriction":{}', b'"restriction":{},"nature":"own"'), "canonical"),
    (swap(b"own", b"\\u006fwn"), "canonical"),
    (swap(b"own", b"own\\/"), "canonical"),
    (swap(b'"v":1', b'"v":1.0'), "not an integer"),
    (swap(b'"v":1', b'"v":1e0'), "not an integer"),
    (swap(b'"v":1', b'"v":-0'), "canonical"),
    (swap(b'"v":1', b'"v":NaN'), "not an integer: NaN"),
    (swap(b'"v":1', b'"v":-Infinity'), "not an integer"),
    (swap(b'"v":1', b'"v":01'), "not JSON"),
    (swap(b'"v":1', b'"v":9007199254740992'), "beyond"),
    (swap(b'"v":1', b'"v":1' + b"0" * 5000), "beyond"),
    (swap(b'"v":1', b'"v":null'), "null"),
    (swap(b'"v":1', b'"v":true'), "v is True"),
    (swap(b'"v":1', b'"v":2'), "v is 2"),
    (swap(b"own", b"o\xc3\x28n"), "UTF-8"),
    (swap(b"own", b"o\\ud800n"), "surrogate"),
    (swap(b"own", "e\u0301".encode()), "NFC"),
    (swap(b"own", b"o\x7fn"), "U+007F"),
    (swap(b"own", b"o\xc2\x85n"), "U+0085"),
    (swap(b"own", b"o\\nn"), "U+000A"),
    (swap(b"own", b"o\x01n"), "not JSON"),
    (swap(b'"restriction":{}', b'"restriction":{"Province":["x"]}'), "no member name"),
    (swap(b'"restriction":{}', b'"restriction":{"":["x"]}'), "no member name"),
    (swap(b'"restriction":{}', b'"restriction":{"x":' + b"[" * 40 + b"]" * 40 + b"}"), "nested"),
    (swap(b'"restriction":{}', b'"restriction":{"x":' + b"[" * 9000 + b"]" * 9000 + b"}"), "nested"),
    (swap(b'"v":1,', b""), "missing or unknown: v"),
    (swap(b'"version":2', b'"version":2,"w":1'), "missing or unknown: w"),
    (swap(b'.000000Z"', b'.000Z"'), "at is no UTC time"),
    (swap(b"2026-01-01T", b"2026-02-30T"), "at is no UTC time"),
    (lambda raw: raw.replace(b'"salt":"', b'"salt":"A', 1), "salt"),
    (swap(b'"seq":7', b'"seq":"7"'), "seq is no integer"),
    (swap(b'"prev":"', b'"prev":"Z'), "prev is not"),
    (swap(b"fund/heart", b"fundheart"), "stream is not"),
    (swap(b"TapeOpened", b"tapeOpened"), "type is no name"),
    (swap(b'"version":2', b'"version":0'), "version is no integer"),
    (lambda _: b"", "0 bytes"),
    (lambda _: b"[]", "not a JSON object"),
    (lambda _: b"{", "not JSON"),
    (lambda _: b"\xff", "not UTF-8"),
]


@CODECS
@pytest.mark.parametrize(("spoil", "what"), SPOILED)
def test_bytes_that_are_not_canonical_are_refused(
    chain: list[bytes], spoil: Spoil, what: str, codec: verify.Codec
) -> None:
    seq = next(n for n, raw in enumerate(chain) if b'"tape":"t1"' in raw)
    spoiled = spoil(chain[seq])
    assert spoiled != chain[seq]
    # Chained again, so that only the bytes themselves are wrong.
    following = orjson.loads(chain[seq + 1])
    following["prev"] = leaf(spoiled)
    found, said = first([*chain[:seq], spoiled, canonical(following)], decode=codec)
    assert found == seq
    assert what in said


def test_an_entry_too_long_does_not_fit_a_bundle() -> None:
    assert len(next(verify.bundle([b"x" * 65_535]))) == 65_537
    with pytest.raises(ValueError, match="does not fit"):
        list(verify.bundle([b"x" * 65_536]))


def test_what_tests_write_is_canonical(chain: list[bytes]) -> None:
    assert all(rfc8785.dumps(json.loads(raw)) == raw for raw in chain)


def test_text_outside_ascii_and_escapes_are_sound_when_canonical() -> None:
    story = every_known_fact()
    story.add("FundOpened", 'fund/a"b\\c', fund='a"b\\c', name="基金 “引号” \U0001f600 é")
    for codec in (verify.STRICT, FAST):
        assert check(story.bytes(), decode=codec).problems == ()


def test_problems_are_capped_and_sorted(chain: list[bytes]) -> None:
    report = check([*chain, *[b"{"] * 500])
    assert len(report.problems) == verify.MAX_PROBLEMS
    seqs = [problem.seq for problem in report.problems if problem.seq is not None]
    assert seqs == sorted(set(seqs))
    assert seqs[0] == len(chain)


# The same answers with any codec and any number of processes


def long_story(gifts: int) -> list[Data]:
    story = Story()
    story.fund("heart")
    story.hospital("H1")
    story.tape("heart", nature="fee")
    story.tape("heart")
    story.tape("heart", {"province": ["410000"]})
    story.case("C1", "heart", province="410000")
    for number in range(gifts):
        day = f"2026-02-{1 + number * 28 // gifts:02d}"
        story.gift(
            f"D{number}", f"t{2 + number % 2}", 100 + number % 7, day, fee_bp=250, channel="a", channel_txn=f"{number}"
        )
        if number % 499 == 498:
            own = str(number)
            story.allocate(own, "C1", "heart", 5_000, day, {"t2", "t3"}.__contains__)
            story.pay(own, "H1", [{"case": "C1", "amount": 4_000}], day, {"t2", "t3"}.__contains__)
    return story.entries


@pytest.fixture(scope="module")
def long_chain() -> list[bytes]:
    prev, chain = hashlib.sha256(b"").hexdigest(), []
    for seq, entry in enumerate(long_story(2_400)):
        chain.append(encode_fast({**entry, "seq": seq, "prev": prev}))
        prev = leaf(chain[-1])
    return chain


def spoil_nothing(chain: list[bytes]) -> list[bytes]:
    return chain


def spoil_a_fee(chain: list[bytes]) -> list[bytes]:
    return [*chain[:1800], chain[1800].replace(b'"fee_bp":250', b'"fee_bp":350'), *chain[1801:]]


def spoil_the_order(chain: list[bytes]) -> list[bytes]:
    return [*chain[:512], chain[513], chain[512], *chain[514:]]


def spoil_and_rechain(chain: list[bytes]) -> list[bytes]:
    entries = [orjson.loads(raw) for raw in chain]
    entries[700]["data"]["fee_bp"] += 100
    entries[800]["data"]["donation"] = "D0"
    entries[900]["version"] = 2
    entries[1000]["data"]["channel_txn"] = "7"
    return chained(entries)


@pytest.mark.parametrize("spoil", [spoil_nothing, spoil_a_fee, spoil_the_order, spoil_and_rechain])
def test_codec_and_processes_change_nothing(
    long_chain: list[bytes], spoil: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "POOL_FROM_ENTRIES", 1_000)
    tampered = spoil(long_chain)
    expected = check(tampered)
    assert expected.ok is (spoil is spoil_nothing)
    for options in ({"decode": FAST}, {"jobs": 2}, {"decode": FAST, "jobs": 2, "spill_dir": tmp_path}):
        seen: list[int] = []
        report = check(tampered, progress=seen.append, **options)
        assert report.as_json() == expected.as_json()
        assert list(report.places()) == list(expected.places())
        assert seen[-1] == len(tampered)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("spoil", [spoil_nothing, spoil_a_fee, spoil_the_order, spoil_and_rechain])
def test_the_express_lane_says_what_the_long_way_says(
    long_chain: list[bytes], spoil: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tampered = spoil(long_chain)
    fast = check(tampered)
    monkeypatch.setattr(verify.ChunkReader, "add_gift", lambda *_: False)
    slow = check(tampered, decode=FAST)
    assert slow.as_json() == fast.as_json()
    assert list(slow.places()) == list(fast.places())


HASH = "0f" * 32


@pytest.mark.parametrize(
    ("commitments", "express", "problems"),
    [
        ({"donor_name": HASH}, True, 0),
        ({"donor_id_no": HASH, "donor_name": HASH, "donor_phone": HASH}, True, 0),
        ({"donor_phone": HASH}, True, 0),
        ({"donor_mail": HASH, "donor_name": HASH}, False, 0),
        ({"donor_name": HASH, "donor_phone": HASH, "donor_tax_no": HASH}, False, 0),
        ({"donor_name": HASH.upper()}, False, 1),
        ({"donor_name": HASH[1:]}, False, 1),
        ({"donor_name": 1}, False, 1),
        ({"Donor": HASH}, False, 1),
        ([HASH], False, 1),
    ],
    ids=str,
)
def test_commitments_are_hashes_by_field_and_known_ones_go_by_the_express_lane(
    commitments: Any, express: bool, problems: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    took: list[bool] = []
    original = verify.ChunkReader.add_gift

    def watched(reader: Any, raw: bytes) -> bool:
        took.append(original(reader, raw))
        return took[-1]

    monkeypatch.setattr(verify.ChunkReader, "add_gift", watched)
    entries = long_story(12)
    at = next(n for n, entry in enumerate(entries) if n > 1 and entry["type"] == "DonationReceived")
    entries[at]["data"]["commitments"] = commitments
    assert len(check(chained(entries)).problems) == problems
    assert took[at - 1] is express


def test_breaches_in_a_long_history_are_each_named(long_chain: list[bytes]) -> None:
    report = check(spoil_and_rechain(long_chain))
    assert [problem.seq for problem in report.problems] == [700, 800, 900, 1000]


def test_what_goes_to_disk_is_judged_the_same(
    long_chain: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tampered = spoil_and_rechain(long_chain)
    expected = check(tampered).as_json()
    monkeypatch.setattr(verify, "SPILL_BYTES", 1_000)
    assert check(tampered, spill_dir=tmp_path).as_json() == expected
    assert not list(tmp_path.iterdir())


def die(raw: bytes) -> Any:
    """A decoder that kills the process it is in, unless that is the one of the test."""
    if os.getpid() != int(os.environ["VERIFY_TEST_PARENT"]):
        os.kill(os.getpid(), signal.SIGKILL)
    return orjson.loads(raw)


def test_a_worker_that_dies_neither_hangs_nor_changes_the_answer(
    long_chain: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERIFY_TEST_PARENT", str(os.getpid()))
    monkeypatch.setattr(verify, "POOL_FROM_ENTRIES", 1_000)
    # Not the fast lane of plain gifts: every entry goes through the decoder.
    report = check(long_chain, decode=(die, encode_fast), jobs=2)
    assert report.ok


# The command


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-W", "error", PROGRAM, *arguments], capture_output=True, text=True, check=False
    )


def test_the_file_runs_alone_on_bundles_and_lines(chain: list[bytes], tmp_path: Path) -> None:
    halves = tmp_path / "a", tmp_path / "b"
    halves[0].write_bytes(b"".join(verify.bundle(chain[:20])))
    halves[1].write_bytes(b"\n".join(chain[20:]) + b"\n")
    done = run(*halves)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"verified: {len(chain)} entries, root {check(chain).root}" in done.stdout
    done = run("--json", *halves)
    assert done.returncode == 0
    assert json.loads(done.stdout) == check(chain).as_json()


def test_tampering_is_exit_code_1_and_names_the_entry(chain: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"\n".join([*chain[:7], *chain[8:]]))
    done = run(path)
    assert done.returncode == 1
    assert done.stdout.startswith("第 7 条分录有误：")
    assert "\nentry 7: seq is 8 where 7 comes next" in done.stdout
    done = run("--json", path)
    assert json.loads(done.stdout)["problems"][0]["seq"] == 7
    whole = b"".join(verify.bundle(chain))
    path.write_bytes(whole[:-1])
    assert run(path).returncode == 1


def test_unusable_input_is_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "image").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "long").write_bytes(b'{"a"' + b" " * 70_000)
    for name in ("empty", "image", "long", "absent", "."):
        done = run(tmp_path / name)
        assert done.returncode == 2, name
        assert [line.split()[0][:6] for line in done.stderr.replace("：", " ").splitlines()] == ["错误", "error:"], name
        assert done.stdout == ""
    assert run().returncode == 2
