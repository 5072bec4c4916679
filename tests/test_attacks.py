"""Every attack of the table is caught by the check that it names, and passes without it; what is honest passes."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest
from attack_page import page
from attackers import WITNESS, gifts, heading, receipted, rotating, unwitnessed
from attacks import BREAKS, SECTIONS, Attack
from courts import COURTS, LOG_KEY, POLICY, Court, verified
from forging import Forgery
from honest import Honest
from silencing import Check, says, silenced

DOC = Path(__file__).parents[1] / "docs" / "attacks.md"


def rows(*places: str) -> pytest.MarkDecorator:
    """For each attack on one of these places."""
    found = [(where, attack) for _, _, where, attacks in SECTIONS for attack in attacks if where in places]
    return pytest.mark.parametrize(("where", "attack"), [pytest.param(*row, id=row[1].name) for row in found])


def check_of(name: str) -> Check:
    """The check of that name: `module.function` or `module.Class.method`; of `audit.verify` unless it says."""
    audited = ("audit.checkpoint", "audit.gossip", "audit.log", "audit.merkle", "audit.tiles")
    for module in (*audited, "courts", "reports.confirmations", "reports.sample_check", "reports.verification"):
        if name.startswith(f"{module}."):
            return importlib.import_module(module), name.removeprefix(f"{module}.")
    return importlib.import_module("audit.verify"), name


@rows("export", "receipt", "log", "heads", "sample", "letter")
def test_an_attack_on_files_is_caught_by_its_check(where: str, attack: Attack, honest: Honest, tmp_path: Path) -> None:
    assert_caught_by_its_check_alone(attack, COURTS[where](attack, honest, tmp_path))


@rows("database")
def test_an_attack_on_the_database_is_caught(where: str, attack: Attack, honest: Honest, tmp_path: Path) -> None:
    with honest.unchanged():
        assert_caught_by_its_check_alone(attack, COURTS[where](attack, honest, tmp_path))


def assert_caught_by_its_check_alone(attack: Attack, court: Court) -> None:
    """The court says what the row says; without the row's checks, each of which is needed, it finds nothing."""
    code, found = court.judged()
    if not attack.check:
        assert (code, found) == (0, [])
        return
    assert (code, attack.says in "".join(found[:1])) == (attack.code, True), found
    assert says(check_of(attack.check), found[0]), found
    named = [check for check in (attack.check, *attack.also) if check != BREAKS]
    taken_out: list[tuple[str, str]] = []
    while found:
        able = {says(check_of(check), found[0]): check for check in named}
        check = able[max(able)] if max(able) else ""
        if not check and BREAKS in attack.also:  # it goes on refusing, without a word for it
            return
        assert check, (found, taken_out)
        assert (check, found[0]) not in taken_out, "the check goes on saying it"
        taken_out.append((check, found[0]))
        with silenced((check_of(each), sentence) for each, sentence in taken_out):
            try:
                code, found = court.judged()
            except Exception:
                # Whatever it breaks down of, it does not pass.
                if BREAKS in attack.also:
                    return
                raise
    assert code == 0
    assert {each for each, _ in taken_out} == set(named)


def test_what_is_honest_passes(honest: Honest, tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(honest.kept)
    (tmp_path / "receipt").write_bytes(honest.receipt)
    (tmp_path / "policy").write_text(POLICY)
    policy = ["--policy", tmp_path / "policy"]
    assert verified(honest.small, *policy, "--head", honest.folder / "checkpoints/54") == (0, [])
    assert verified(honest.wide, *policy, "--head", tmp_path / "kept") == (0, [])
    assert verified(tmp_path / "receipt", *policy, "--head", honest.small / "checkpoint") == (0, [])


def test_an_honest_log_that_a_witness_signed_passes(honest: Honest, tmp_path: Path) -> None:
    witnessed = heading(
        lambda f: f.read("checkpoint") + WITNESS.line(f.read("checkpoint").partition(b"\n\n")[0] + b"\n")
    )
    court = COURTS["export"](Attack("", unwitnessed(witnessed), policy=True), honest, tmp_path)
    assert court.judged() == (0, [])


def test_a_key_that_both_keys_hand_over_passes(honest: Honest, tmp_path: Path) -> None:
    handed_over = rotating(head=lambda old, new: [old, new])
    assert COURTS["export"](Attack("", handed_over), honest, tmp_path).judged() == (0, [])


# Honest logs of many sizes.

SIZES = (1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537)
"""About the widths of tiles and of the tree's levels."""


@pytest.fixture(scope="module")
def many() -> Forgery:
    """A long honest history: gifts, one after the other."""
    made = Forgery(Path(), LOG_KEY, [], [], 0)
    made.start(str(LOG_KEY))
    gifts(made, max(SIZES) - len(made.entries))
    made.chain()
    return made


@pytest.mark.parametrize("size", SIZES)
def test_an_honest_log_of_any_size_passes(many: Forgery, size: int, tmp_path: Path) -> None:
    cut = Forgery(tmp_path / "export", LOG_KEY, many.bodies[:size], [], size)
    cut.lay(*(each for each in SIZES if each < size))
    cut.write("policy", POLICY.encode())
    assert verified(tmp_path / "export") == (0, [])
    for seq in {0, size // 2, size - 1}:
        (tmp_path / "export" / "receipt").write_bytes(receipted(cut, seq))
        assert verified(tmp_path / "export" / "receipt") == (0, [])


def test_a_log_without_entries_is_no_ledger(tmp_path: Path) -> None:
    empty = Forgery(tmp_path / "export", LOG_KEY, [], [], 0)
    empty.write("policy", POLICY.encode())
    empty.lay()
    (tmp_path / "export" / "tile").mkdir()
    assert verified(tmp_path / "export") == (1, ["0: there is no entry 0"])


# The page.


def test_no_two_attacks_on_one_thing_have_one_name() -> None:
    names = [(where, attack.name) for _, _, where, attacks in SECTIONS for attack in attacks]
    assert len(set(names)) == len(names)


def test_the_page_of_attacks_is_what_the_table_says() -> None:
    """FENHAO_REWRITE_STORIES=1 writes it anew, and fails all the same, so that somebody looks at the difference."""
    if os.environ.get("FENHAO_REWRITE_STORIES") and DOC.read_text("utf-8") != page():
        DOC.write_text(page(), "utf-8")
        pytest.fail(f"{DOC.name} is rewritten: look at the difference")
    assert DOC.read_text("utf-8") == page()
