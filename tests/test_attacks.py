"""Every attack of the table is caught by the check that it names, and passes without it; what is honest passes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from attacks import (
    BREAKS,
    NOBODY_CAN_TELL,
    WHO_BREAKS_THE_LAW,
    WHO_CARRIES,
    WHO_GIVES_RECEIPTS,
    WHO_SIGNS,
    Attack,
)
from forging import Forgery, Key
from honest import ORIGIN, Honest, honest_ledger
from silencing import says, silenced

from audit import verify

LOG_KEY = Key(ORIGIN, b"k" * 32)
by_name = {"ids": lambda attack: attack.name}


@pytest.fixture(scope="module")
def honest(embedded_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Honest]:
    with honest_ledger(embedded_url, tmp_path_factory.mktemp("honest")) as made:
        yield made


def verified(*arguments: object) -> tuple[int, list[str]]:
    """What `python verify.py --json` answers: the exit code, and what is wrong."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = verify.command(["--json", "--jobs", "1", *map(str, arguments)])
    found = json.loads(out.getvalue())
    if code == 2:
        return code, [found["en"]]
    return code, [f"{problem['seq']}: {problem['what']}" for problem in found["problems"]]


class Court:
    """A forgery before the verifier."""

    def __init__(self, attack: Attack, honest: Honest, folder: Path, *, receipt: bool = False) -> None:
        self.attack = attack
        self.forgery = Forgery.of(honest.wide if attack.wide else honest.small, folder / "export", LOG_KEY)
        self.forgery.receipt = honest.receipt
        self.forgery.kept = (honest.small / "checkpoint").read_bytes()
        attack.does(self.forgery)
        (folder / "receipt").write_bytes(self.forgery.receipt)
        (folder / "kept").write_bytes(self.forgery.kept)
        (folder / "policy").write_text(f"log {LOG_KEY}\nquorum none\n")
        self.arguments: list[object] = [folder / "receipt" if receipt else folder / "export"]
        if attack.head:
            self.arguments += ["--head", folder / "kept"]
        if attack.policy or receipt:
            self.arguments += ["--policy", folder / "policy"]

    def judged(self) -> tuple[int, list[str]]:
        return verified(*self.arguments)


def assert_caught_by_its_check_alone(court: Court) -> None:
    """The verifier says what the row says; without the row's checks, each of which is needed, it finds nothing."""
    attack = court.attack
    code, found = court.judged()
    assert (code, attack.says in "".join(found[:1])) == (attack.code, True), found
    assert says(verify, attack.check, found[0]), found
    silent: list[tuple[str, str]] = []
    while found:
        able = [check for check in (attack.check, *attack.also) if check != BREAKS and says(verify, check, found[0])]
        if not able and BREAKS in attack.also:  # it goes on refusing, and has no word for it
            return
        assert able, (found, silent)
        silent.append((able[0], found[0]))
        with silenced(verify, silent):
            try:
                code, found = court.judged()
            except Exception as broken:  # whatever it breaks down of: it does not pass
                assert BREAKS in attack.also, broken
                return
    assert code == 0
    assert {check for check, _ in silent} == {attack.check, *attack.also} - {BREAKS}


@pytest.mark.parametrize("attack", [*WHO_CARRIES, *WHO_BREAKS_THE_LAW, *WHO_SIGNS], **by_name)
def test_an_attack_on_an_export_is_caught(attack: Attack, honest: Honest, tmp_path: Path) -> None:
    assert_caught_by_its_check_alone(Court(attack, honest, tmp_path))


@pytest.mark.parametrize("attack", WHO_GIVES_RECEIPTS, **by_name)
def test_an_attack_on_a_receipt_is_caught(attack: Attack, honest: Honest, tmp_path: Path) -> None:
    assert_caught_by_its_check_alone(Court(attack, honest, tmp_path, receipt=True))


@pytest.mark.parametrize("attack", NOBODY_CAN_TELL, **by_name)
def test_an_attack_that_looks_like_honest_work_passes(attack: Attack, honest: Honest, tmp_path: Path) -> None:
    assert Court(attack, honest, tmp_path).judged() == (0, [])


def test_what_is_honest_passes(honest: Honest, tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(honest.kept)
    (tmp_path / "receipt").write_bytes(honest.receipt)
    (tmp_path / "policy").write_text(f"log {LOG_KEY}\nquorum none\n")
    policy = ["--policy", tmp_path / "policy"]
    assert verified(honest.small, *policy, "--head", honest.folder / "checkpoints/54") == (0, [])
    assert verified(honest.wide, *policy, "--head", tmp_path / "kept") == (0, [])
    assert verified(tmp_path / "receipt", *policy, "--head", honest.small / "checkpoint") == (0, [])
