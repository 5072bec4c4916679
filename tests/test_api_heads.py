"""Two heads that anybody holds: the same, consistent, or proof that the ledger showed two histories."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest
from asked import request_body
from click.testing import Result
from conftest import Fenhao
from exports import LOG, NEXT, OTHER, Made, gifts, head, keyed
from test_api_log import give, opened
from test_audit_verify_chain import chained

from audit.checkpoint import KeySigner
from audit.gossip import Forked, Held, Shelf
from audit.merkle import prove_consistency
from audit.tiles import Tiles
from audit.verify import read_key

SIZES = (3, 256, 300, 511, 600)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """An export signed at several sizes."""
    return Made.of(tmp_path_factory.mktemp("honest") / "export", gifts(600), SIZES[:-1])


def forked(size: int) -> bytes:
    """A head of another history, signed by the log all the same."""
    story = gifts(600)
    story.entries[2]["data"]["agreement"] = "another"
    return head(chained(keyed(story.entries))[:size])


def at(made: Made, size: int) -> Path:
    return made.folder / "checkpoints" / str(size)


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def expect_answer(result: Result, code: int, what: str) -> None:
    assert (result.exit_code, what in result.output) == (code, True), result.output


@pytest.mark.parametrize("old", SIZES)
@pytest.mark.parametrize("new", SIZES)
def test_heads_of_one_history_are_consistent_by_an_export(fenhao: Fenhao, made: Made, old: int, new: int) -> None:
    result = fenhao("heads", "compare", at(made, old), at(made, new), "--log", made.folder, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["found"] == ("same" if old == new else "consistent")


def test_heads_of_one_size_are_compared_with_the_key_alone(fenhao: Fenhao, made: Made, tmp_path: Path) -> None:
    policy = ("--policy", made.folder / "policy")
    same, other = put(tmp_path / "same", at(made, 300).read_bytes()), put(tmp_path / "other", forked(300))
    expect_answer(fenhao("heads", "compare", at(made, 300), same, *policy), 0, "相同")
    fork = fenhao("heads", "compare", at(made, 300), other, *policy, "--json")
    expect_answer(fork, 1, "proves that the ledger showed two histories")
    assert json.loads(fork.stdout)["error"] == "forked"
    assert "请妥善保存" in fork.stderr


@pytest.mark.parametrize("size", [3, 256, 511, 599, 600])
def test_a_head_of_another_history_is_a_fork_whatever_its_size(
    fenhao: Fenhao, made: Made, tmp_path: Path, size: int
) -> None:
    other = put(tmp_path / "other", forked(size))
    for pair in ((at(made, 300), other), (other, at(made, 300))):
        expect_answer(fenhao("heads", "compare", *pair, "--log", made.folder), 1, "FORK")


def test_what_cannot_be_told_says_what_would_do(fenhao: Fenhao, made: Made, tmp_path: Path) -> None:
    policy = ("--policy", made.folder / "policy")
    expect_answer(fenhao("heads", "compare", at(made, 3), at(made, 300), *policy), 2, "give --log")
    expect_answer(fenhao("heads", "compare", at(made, 3), at(made, 300)), 2, "give --policy")
    expect_answer(fenhao("heads", "compare", at(made, 3), tmp_path / "none", *policy), 2, "cannot be read")
    expect_answer(fenhao("heads", "compare", at(made, 3), put(tmp_path / "x", b"x"), *policy), 2, "no head")
    short = Made.of(tmp_path / "short", gifts(300), (3,))
    expect_answer(
        fenhao("heads", "compare", at(made, 3), at(made, 600), "--log", short.folder), 2, "get a newer export"
    )


@pytest.mark.parametrize("key", [OTHER, NEXT])
def test_a_head_that_the_log_did_not_sign_accuses_nobody(
    fenhao: Fenhao, made: Made, tmp_path: Path, key: KeySigner
) -> None:
    stranger = put(tmp_path / "stranger", head(made.entries[:200], key))
    for pair in ((at(made, 300), stranger), (stranger, at(made, 300))):
        expect_answer(fenhao("heads", "compare", *pair, "--log", made.folder), 2, "anybody could have written it")
    damaged = put(tmp_path / "damaged", at(made, 300).read_bytes().replace(b"\n300\n", b"\n301\n"))
    expect_answer(fenhao("heads", "compare", at(made, 300), damaged, "--log", made.folder), 2, "signature of")
    elsewhere = put(tmp_path / "elsewhere", head(made.entries[:9], LOG, origin="ledger.example.org/other"))
    expect_answer(fenhao("heads", "compare", at(made, 300), elsewhere, "--log", made.folder), 2, "cannot tell")


def test_a_damaged_log_accuses_nobody(fenhao: Fenhao, tmp_path: Path) -> None:
    made = Made.of(tmp_path / "export", gifts(600), SIZES[:-1])
    made.flip("tile/0/000", 40)
    made.flip("tile/0/001.p/44", 0)
    expect_answer(fenhao("heads", "compare", at(made, 3), at(made, 300), "--log", made.folder), 2, "damaged")


def test_the_ledger_itself_knows_its_heads_and_those_that_it_never_signed(fenhao: Fenhao, tmp_path: Path) -> None:
    opened(fenhao)
    names = []
    for n in range(2):
        give(fenhao, 2, first=2 * n)
        names.append(put(tmp_path / str(n), json.loads(fenhao("checkpoint", "--json").stdout)["note"].encode()))
    fenhao("key", "rotate")
    give(fenhao, 1, first=4)
    names.append(put(tmp_path / "last", json.loads(fenhao("checkpoint", "--json").stdout)["note"].encode()))
    for one in names:
        for other in names:
            expect_answer(
                fenhao("heads", "compare", one, other, "--lang", "en"), 0, "same" if one == other else "consistent"
            )
    receipt = tmp_path / "r.tlog-proof"
    assert fenhao("receipt", "1", "--out", receipt).exit_code == 0
    expect_answer(fenhao("heads", "compare", names[0], receipt), 0, "一致")


def test_a_head_beyond_all_that_the_ledger_itself_signed_is_a_fork(made: Made, tmp_path: Path) -> None:
    short = Made.of(tmp_path / "short", gifts(300), (3,))
    key = read_key(str(LOG.verifier))
    assert key is not None
    shelf = Shelf(short.folder, lambda head: [key], whole=True)
    with pytest.raises(Forked, match="signed 300 at most"):
        shelf.check(Held.read(at(made, 511), lambda head: [key]))


def test_a_head_that_brings_its_proof_needs_no_log(fenhao: Fenhao, made: Made, tmp_path: Path) -> None:
    policy = ("--policy", made.folder / "policy")
    proof = [b64encode(one).decode() for one in prove_consistency(256, 600, Tiles(made.folder).reader(600))]
    proved = put(tmp_path / "a.head", request_body(256, proof, at(made, 600).read_bytes()))
    for pair in ((at(made, 256), proved), (proved, at(made, 256))):
        expect_answer(fenhao("heads", "compare", *pair, *policy), 0, "一致")
    expect_answer(fenhao("heads", "compare", at(made, 300), proved, *policy), 2, "give --log")
    expect_answer(fenhao("heads", "compare", put(tmp_path / "other", forked(256)), proved, *policy), 2, "give --log")
