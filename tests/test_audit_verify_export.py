"""Whatever is changed in an export is found: entries, tiles, heads, policy; and an honest one passes at every size."""

from __future__ import annotations

import shutil
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from exports import LOG, NEXT, OTHER, Made, gifts, head, keyed, leaves_of, said, signer, whats
from test_audit_verify_chain import ORIGIN, Story, chained, root_of

from audit import verify
from audit.checkpoint import Checkpoint
from audit.tiles import tile_path, tiles_of


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """700 entries, signed at 6, 256, 300 and 700."""
    return Made.of(tmp_path_factory.mktemp("honest") / "export", gifts(700), (6, 256, 300))


@pytest.fixture
def made(honest: Made, tmp_path: Path) -> Made:
    """A copy to do harm to."""
    shutil.copytree(honest.folder, tmp_path / "export")
    return Made(tmp_path / "export", honest.entries)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513, 600])
def test_an_honest_export_passes_at_every_size(honest: Made, tmp_path: Path, size: int) -> None:
    made = Made(tmp_path / "export", honest.entries)
    made.write_policy(LOG)
    made.sign(size)
    found = made.check()
    assert found.code == 0, said(found)
    assert found.members["checked"]["tiles"] == len(tiles_of(size))
    assert found.members["ok"] is True
    assert found.lines[-1].zh.startswith(f"验证通过：{size} 条分录")


def test_what_smaller_heads_left_behind_is_checked_too(honest: Made) -> None:
    found = honest.check()
    assert found.code == 0, said(found)
    assert found.members["checked"] == {"bundles": 3, "tiles": 4 + 3, "heads": 4}
    assert found.members["keys"] == [{"entry": 0, "key": str(LOG.verifier)}]
    assert "自带" in said(found)


Harm = Callable[[Made], Any]


def remove(path: str) -> Harm:
    return lambda made: (made.folder / path).unlink()


def flip(path: str, at: int) -> Harm:
    return lambda made: made.flip(path, at)


def cut(path: str, count: int) -> Harm:
    return lambda made: made.put(path, (made.folder / path).read_bytes()[:-count])


def pad(path: str, data: bytes) -> Harm:
    return lambda made: made.put(path, (made.folder / path).read_bytes() + data)


def put(path: str, data: bytes) -> Harm:
    return lambda made: made.put(path, data)


def entries(path: str, change: Callable[[list[bytes]], list[bytes]]) -> Harm:
    def harm(made: Made) -> None:
        changed = change(verify.split((made.folder / path).read_bytes()))
        made.put(path, b"".join(verify.bundle(changed, 1000)))

    return harm


def old_head(made: Made) -> None:
    made.put("checkpoint", (made.folder / "checkpoints" / "300").read_bytes())


def only_an_old_head(made: Made) -> None:
    old_head(made)
    (made.folder / "checkpoints" / "700").unlink()


NEWER = head([b"x"] * 701)
LAST = "tile/entries/002.p/188"
HARM: list[tuple[str, Harm, int | None, str]] = [
    ("a byte of an entry", lambda m: m.change(LAST, b'"amount":609', b'"amount":608'), 512, "was changed"),
    ("a byte of the last entry", flip(LAST, -3), 699, "not JSON"),
    ("an entry is gone", entries("tile/entries/001", lambda es: es[:3] + es[4:]), 259, "missing"),
    ("an entry twice", entries("tile/entries/001", lambda es: [*es[:4], es[3], *es[4:]]), 260, "second time"),
    ("two entries swapped", entries("tile/entries/000", lambda es: [es[0], es[2], es[1], *es[3:]]), 1, "seq is 2"),
    ("the last entry is gone", entries(LAST, lambda es: es[:-1]), 699, "holds 187 entries where 188 belong"),
    ("one more at the end", entries(LAST, lambda es: [*es, es[-1]]), 700, "stands here a second time"),
    ("an old bundle is another", entries("tile/entries/000.p/6", lambda es: es[:5] + es[4:5]), 5, "newer bundle"),
    ("a bundle breaks off", cut(LAST, 1), 699, "breaks off"),
    ("a bundle is padded", pad(LAST, b"\0"), 700, "breaks off"),
    ("the first bundle is gone", remove("tile/entries/000"), 0, "tile/entries/000 is missing"),
    ("a bundle is gone", remove("tile/entries/001"), 256, "tile/entries/001 is missing"),
    ("the last bundle is gone", remove(LAST), 512, f"{LAST} is missing"),
    ("a bundle too many", put("tile/entries/003.p/1", b"\0\2{}"), 700, "reach beyond"),
    ("a longer last bundle", put("tile/entries/002.p/189", b"\0\2{}"), 700, "reach beyond"),
    ("a full last bundle", put("tile/entries/002", b"\0\2{}"), 700, "reach beyond"),
    ("a hash of a tile", flip("tile/0/001", 32 * 9), 265, "hash 9 of tile/0/001"),
    ("a hash of a partial tile", flip("tile/0/002.p/188", 0), 512, "hash 0 of tile/0/002.p/188"),
    ("a hash of an old partial tile", flip("tile/0/001.p/44", 33), 257, "hash 1 of tile/0/001.p/44"),
    ("a hash of an upper tile", flip("tile/1/000.p/2", 40), 256, "hash 1 of tile/1/000.p/2"),
    ("a tile is gone", remove("tile/0/001"), 256, "tile/0/001 is missing"),
    ("an upper tile is gone", remove("tile/1/000.p/2"), 0, "tile/1/000.p/2 is missing"),
    ("a tile is short", cut("tile/0/000", 32), 0, "tile/0/000 has 8160 bytes where 8192 belong"),
    ("a tile is long", pad("tile/0/000", b"x"), 0, "tile/0/000 has 8193 bytes"),
    ("a tile is very long", pad("tile/0/000", b"x" * 100_000), 0, "tile/0/000 has 8193 bytes"),
    ("a tile too many", put("tile/0/003", bytes(8192)), 700, "reach beyond"),
    ("a longer last tile", put("tile/0/002", bytes(8192)), 700, "reach beyond"),
    (
        "a newer head than the head",
        lambda m: m.put("checkpoints/701", NEWER),
        700,
        "checkpoints/701 was signed over 701",
    ),
    ("a level too many", put("tile/2/000.p/1", bytes(32)), 700, "reach beyond"),
    ("an old head is served as new", old_head, 300, "an old head is served as new"),
    ("an old head, the new one hidden", only_an_old_head, 300, "an old head is served as new"),
    ("an earlier head is of another size", lambda m: m.put("checkpoints/7", head(m.entries[:6])), None, "head of 6"),
    ("an earlier head is no note", put("checkpoints/6", b"\xff\xd8"), None, "checkpoints/6 is no head"),
    ("an earlier head is of another key", lambda m: m.put("checkpoints/6", head(m.entries[:6], OTHER)), None, "key in"),
    ("an earlier head is another tree's", lambda m: m.put("checkpoints/6", head(m.entries[1:7])), 0, "another root"),
    (
        "the head is of another key",
        lambda m: m.put("checkpoint", head(m.entries, OTHER)),
        None,
        "not signed by the key",
    ),
    (
        "the head is another tree's",
        lambda m: m.put("checkpoint", forged(m)),
        300,
        "root",
    ),
    ("the head is another ledger's", lambda m: m.put("checkpoint", elsewhere(m)), None, "another ledger"),
    ("a signature is wrong", lambda m: m.put("checkpoint", bad_signature(m)), None, "is wrong"),
    ("the policy has another key", lambda m: m.write_policy(OTHER), None, "a wrong key under the right name"),
    ("the policy is another ledger's", lambda m: m.write_policy(signer(1, "example.org/b")), None, "another ledger"),
]


def forged(made: Made) -> bytes:
    return head([*made.entries[:-1], b"x"])


def elsewhere(made: Made) -> bytes:
    name = "ledger.example.org/other"
    return head(made.entries, signer(1, name), origin=name)


def bad_signature(made: Made) -> bytes:
    signed, other = head(made.entries), head(made.entries[:-1])
    return signed[: signed.rindex(b" ")] + other[other.rindex(b" ") :]


@pytest.mark.parametrize(("harm", "seq", "what"), [row[1:] for row in HARM], ids=[row[0] for row in HARM])
def test_harm_is_found_where_it_was_done(made: Made, harm: Harm, seq: int | None, what: str) -> None:
    harm(made)
    found = made.check()
    assert found.code == 1
    first = found.members["problems"][0]
    assert (first["seq"], what in " ".join(whats(found))) == (seq, True), found.members["problems"]
    assert found.lines[-1].en.startswith("TAMPERING")
    assert found.members["ok"] is False


@pytest.mark.parametrize(
    "path",
    ["tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2", "tile/0/000.p/6", "tile/entries/002.p/188"],
)
def test_every_flipped_bit_is_found(made: Made, path: str) -> None:
    data = (made.folder / path).read_bytes()
    for at in range(0, len(data), max(len(data) // 12, 1)):
        made.flip(path, at)
        assert made.check().code == 1, (path, at)
        made.put(path, data)
    assert made.check().code == 0


def test_every_changed_byte_of_the_head_is_refused(made: Made) -> None:
    data = (made.folder / "checkpoint").read_bytes()
    for at in range(len(data)):
        made.flip("checkpoint", at)
        with suppress(verify.Unusable):
            assert made.check().code == 1, at
        made.put("checkpoint", data)


def test_a_shifted_history_names_its_first_bad_entry_and_few_tiles(made: Made) -> None:
    entries("tile/entries/000", lambda es: es[1:])(made)
    found = made.check()
    assert found.members["problems"][0]["seq"] == 0
    assert len(found.members["problems"]) < 15


# A history rewritten and signed again


def rewritten(folder: Path, at: int, key: Any = LOG, sizes: tuple[int, ...] = ()) -> Made:
    story = gifts(700)
    story.entries[at]["data"]["source"] = "grant"
    made = Made(folder, chained(keyed(story.entries, key)))
    made.write_policy(key)
    for size in [*sizes, 700]:
        made.sign(size, key)
    return made


def test_a_history_rewritten_and_signed_again_is_found_by_a_kept_head(honest: Made, tmp_path: Path) -> None:
    made = rewritten(tmp_path / "export", 650)
    assert made.check().code == 0  # in itself it is sound
    kept = honest.folder / "checkpoints"
    assert made.check(kept=[kept / "300"]).code == 0
    found = made.check(kept=[kept / "700", kept / "300"])
    assert found.code == 1
    assert found.members["problems"][0]["seq"] == 300
    assert "from entry 300 to 699 was changed" in said(found)
    assert [one["agrees"] for one in found.members["kept"]] == [True, False]
    assert "与您保存的" in said(found)


def test_a_history_rewritten_under_another_key_is_found_by_a_kept_head_or_policy(honest: Made, tmp_path: Path) -> None:
    made = rewritten(tmp_path / "export", 5, OTHER)
    assert made.check().code == 0
    assert made.check(kept=[honest.folder / "checkpoints" / "6"]).code == 1
    found = made.check(policy=honest.folder / "policy")
    assert found.code == 1
    assert "a wrong key under the right name" in said(found)
    assert made.check(key=str(LOG.verifier)).code == 1
    assert made.check(key=str(OTHER.verifier)).code == 0


def test_a_history_cut_off_and_signed_again_is_found_by_a_kept_head(honest: Made, tmp_path: Path) -> None:
    made = Made(tmp_path / "export", honest.entries)
    made.write_policy(LOG)
    made.sign(300)
    found = made.check(kept=[honest.folder / "checkpoint"])
    assert found.code == 1
    assert found.members["problems"][0]["seq"] == 300
    assert "cut off" in said(found)
    assert "被截断" in said(found)


def test_a_receipt_serves_as_a_kept_head(honest: Made, tmp_path: Path) -> None:
    file = tmp_path / "r.tlog-proof"
    file.write_bytes(honest.receipt(5, size=400))
    assert honest.check(kept=[file]).code == 0
    made = rewritten(tmp_path / "export", 5)
    assert made.check(kept=[file]).code == 1


def test_a_head_inside_a_fact_of_several_entries_is_found(tmp_path: Path) -> None:
    story = Story()
    story.fund("F")
    story.tape("F")
    story.hospital("H1")
    story.case("C", "F")
    story.tape("F", expires_on="2027-01-01")
    for tape in ("t1", "t2"):
        story.gift(f"D-{tape}", tape, 300, "2026-02-01")
    at = story.allocate("A", "C", "F", 600, "2026-02-10", lambda _: True)
    moves = story.entries[at]["data"]["moves"]
    assert [move["tape"] for move in moves] == ["t1", "t2"]
    rest = {"part": 2, "of": at, "last": True, "moves": [moves.pop()]}
    story.entries[at]["data"]["part"] = 1
    part = {**story.entries[at], "version": 2, "data": rest}
    story.entries.insert(at + 1, part)
    assert verify.verify(verify.bundle(chained(keyed(story.entries)))).ok
    assert Made.of(tmp_path / "right", story, (at, at + 2)).check().code == 0
    found = Made.of(tmp_path / "wrong", story, (at + 1,)).check()
    assert found.members["problems"] == [
        {"seq": at, "what": f"checkpoints/{at + 1} ends inside the fact of several entries that begins here"}
    ]


# The log's key is changed


def rotated(folder: Path, at: int = 4, count: int = 8, key: Any = NEXT) -> Made:
    """A history whose entry `at` puts another key in force; nothing is signed yet."""
    story = gifts(count)
    rotation = Story()
    rotation.add("KeyRotated", "ledger/main", on="2026-01-01", key=str(key.verifier))
    entry = {**rotation.entries[-1], "at": story.entries[at - 1]["at"]}
    story.entries.insert(at, entry)
    return Made(folder, chained(keyed(story.entries)))


def test_a_changed_key_is_followed_by_old_and_new_policy(tmp_path: Path) -> None:
    made = rotated(tmp_path / "export")
    made.sign(3)
    made.sign(4)
    made.sign(5, LOG, NEXT)
    made.write_policy(LOG)
    assert made.check().code == 0  # the head that hands over may be the newest
    made.sign(9, NEXT)
    for keys in ([LOG], [NEXT], [LOG, NEXT]):
        made.write_policy(*keys)
        found = made.check()
        assert found.code == 0, said(found)
        assert [key["entry"] for key in found.members["keys"]] == [0, 4]
    made.write_policy(OTHER)
    assert "a wrong key under the right name" in said(made.check())


@pytest.mark.parametrize(
    ("signed", "what"),
    [
        (
            [(4, [LOG]), (5, [LOG]), (9, [NEXT])],
            f"checkpoints/5 is not signed by the key in force at its size, {NEXT.verifier}",
        ),
        ([(5, [NEXT]), (9, [NEXT])], f"checkpoints/5 is not signed by the key in force at its size, {LOG.verifier}"),
        ([(5, [LOG, NEXT]), (9, [LOG])], f"checkpoint is not signed by the key in force at its size, {NEXT.verifier}"),
        ([(4, [NEXT]), (5, [LOG, NEXT]), (9, [NEXT])], "checkpoints/4 is not signed by the key in force"),
        ([(4, [LOG]), (9, [NEXT])], "there is no head of 5 entries that both keys signed"),
    ],
    ids=["old alone at once", "new alone at once", "old alone later", "new too early", "no handing over"],
)
def test_heads_around_a_change_of_key_have_the_right_signatures(
    tmp_path: Path, signed: list[tuple[int, list[Any]]], what: str
) -> None:
    made = rotated(tmp_path / "export")
    made.write_policy(LOG)
    for size, keys in signed:
        made.sign(size, *keys)
    found = made.check()
    assert found.code == 1
    assert what in " ".join(whats(found)), whats(found)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda data: data.update(key=str(signer(2, "example.org/b").verifier)), "not as the ledger"),
        (lambda data: data.update(key=str(LOG.verifier)), "in force before"),
        (lambda data: data.update(key="k"), "no verifier key"),
        (lambda data: data.pop("key"), "no verifier key"),
        (lambda data: data.update(issue=[{"tape": "t1", "lo": 0, "hi": 1, "to": "fund/F"}]), "moves money"),
    ],
)
def test_a_change_of_key_that_makes_no_sense_is_a_breach(change: Callable[[Any], Any], what: str) -> None:
    story = gifts(3)
    story.add("KeyRotated", "ledger/main", on="2026-01-01", key=str(NEXT.verifier))
    data = story.entries[-1]["data"]
    assert verify.verify(verify.bundle(chained(keyed(story.entries)))).ok
    change(data)
    [problem] = verify.verify(verify.bundle(chained(keyed(story.entries)))).problems
    assert problem.seq == 3
    assert what in problem.what


def test_an_entry_0_without_a_key_is_found(tmp_path: Path) -> None:
    made = Made(tmp_path / "export", gifts(5).bytes())
    made.write_policy(LOG)
    made.sign(5)
    assert made.check().members["problems"] == [{"seq": 0, "what": "it names no verifier key of the ledger"}]


# A ledger that follows an older one


def test_a_ledger_that_follows_another_is_held_against_its_last_head(tmp_path: Path) -> None:
    older = "ledger.example.org/older"
    before = gifts(20).bytes()
    kept = {size: tmp_path / f"head{size}" for size in (9, 10, 11)}
    for size, path in kept.items():
        path.write_bytes(head(before[:size], signer(5, older), origin=older))
    root = verify.read_head(kept[10].read_bytes()).root.hex()
    continues = {"origin": older, "size": 10, "root": root}
    made = Made(tmp_path / "export", chained(keyed(gifts(5).entries, LOG, continues=continues)))
    made.write_policy(LOG)
    made.sign(5)
    assert made.check(kept=[kept[9], kept[10]]).code == 0
    assert "follows an older one" in said(made.check())
    assert made.check(kept=[kept[11]]).code == 1
    kept[10].write_bytes(head([*before[:9], b"x"], signer(5, older), origin=older))
    assert made.check(kept=[kept[10]]).code == 1
    with pytest.raises(verify.Unusable, match="another ledger"):
        Made.of(tmp_path / "plain", gifts(5)).check(kept=[kept[10]])


# Whose signatures count


def test_witnesses_are_counted_as_the_policy_asks(made: Made) -> None:
    one, two, three = (cosigner(seed) for seed in (21, 22, 23))
    policy = [f"witness w{n} {key}\n" for n, (key, _) in enumerate((one, two, three), 1)]
    base = head(made.entries)
    made.put("checkpoint", base + one[1](made.entries) + three[1](made.entries))
    for quorum, code in [
        ("quorum none\n", 0),
        ("quorum w1\n", 0),
        ("quorum w2\n", 1),
        ("group g any w1 w2\nquorum g\n", 0),
        ("group g all w1 w2\nquorum g\n", 1),
        ("group g 2 w1 w2 w3\nquorum g\n", 0),
        ("group a all w1 w2\ngroup b any a w3\nquorum b\n", 0),
        ("group a all w1 w2\ngroup b all a w3\nquorum b\n", 1),
    ]:
        made.write_policy(LOG, more="".join(policy) + quorum)
        found = made.check()
        assert found.code == code, (quorum, whats(found))
    made.put("checkpoint", base + one[1](made.entries[:-1]))
    made.write_policy(LOG, more=policy[0] + "quorum none\n")
    assert "the signature of w21.example on it is wrong" in " ".join(whats(made.check()))


def cosigner(seed: int) -> tuple[str, Callable[[list[bytes]], bytes]]:
    """A witness's verifier key, and its cosignature's line (C2SP tlog-cosignature v1)."""
    private = signer(seed).key
    key = verify.Key(f"w{seed}.example", verify.COSIGNATURE, private.public_key().public_bytes_raw())

    def sign(entries: list[bytes]) -> bytes:
        text = Checkpoint(ORIGIN, len(entries), root_of(leaves_of(entries))).text()
        signature = (1_700_000_000).to_bytes(8, "big") + private.sign(b"cosignature/v1\ntime 1700000000\n" + text)
        return f"— {key.name} {b64encode(key.id + signature).decode()}\n".encode()

    return str(key), sign


def test_other_files_are_named_and_left_alone(made: Made) -> None:
    made.put("tile/0/readme.txt", b"x")
    made.put("tile/0/.000.new", b"x")
    made.put("tile/00/000", b"x")
    made.put("checkpoints/0700", b"x")
    made.put("notes.txt", b"x")
    made.put("tile/0/\x1b[2J\nverified", b"x")
    found = made.check()
    assert found.code == 0
    odd = ["checkpoints/0700", "tile/0/\x1b[2J\nverified", "tile/0/readme.txt", "tile/00/000"]
    assert found.members["passed_over"] == odd
    assert "'tile/0/\\x1b[2J\\nverified'" in said(found)
    assert all(line.en.isprintable() and line.zh.isprintable() for line in found.lines)


def test_the_paths_are_those_of_the_specification() -> None:
    for level, number, width in [(0, 0, 256), (0, 1234067, 256), (1, 999, 3), (2, 1000, 255)]:
        assert verify.tile_path(level, number, width) == tile_path(level, number, width)
    assert verify.tile_path(verify.ENTRIES, 5, 7) == "tile/entries/005.p/7"
