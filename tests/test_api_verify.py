"""`fenhao verify`: exports and receipts in the stand-alone verifier's words, the living ledger against kept heads."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from conftest import Fenhao
from test_api_log import SET_BACK, as_owner, give, opened

from audit import verify


def _json(result: Result) -> Any:
    return json.loads(result.stdout.strip().splitlines()[-1])


def alone(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The stand-alone verifier."""
    command = [sys.executable, "-I", "-W", "error", verify.__file__, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def export(fenhao: Fenhao, tmp_path: Path) -> Path:
    """The export of a small ledger that was signed twice."""
    opened(fenhao)
    fenhao("checkpoint")
    give(fenhao, 3)
    assert fenhao("export", tmp_path / "export").exit_code == 0
    return tmp_path / "export"


def test_both_verifiers_say_the_same_of_an_export(fenhao: Fenhao, export: Path) -> None:
    for path, code in [(None, 0), ("tile/0/000.p/6", 1), ("tile/entries/000.p/6", 1)]:
        if path is not None:
            data = bytearray((export / path).read_bytes())
            data[50] ^= 1
            (export / path).write_bytes(data)
        theirs = alone(export)
        chinese, english = theirs.stdout.rstrip("\n").split("\n\n")
        ours = [fenhao("verify", export, "--jobs", "1", "--lang", language) for language in ("zh", "en")]
        assert [theirs.returncode, *(one.exit_code for one in ours)] == [code] * 3
        assert [one.stdout.rstrip("\n") for one in ours] == [chinese, english]
        assert _json(fenhao("verify", export, "--json")) == json.loads(alone(export, "--json").stdout)
    found = _json(fenhao("verify", export, "--json"))
    assert {"ok", "entries", "root", "problems"} <= found.keys()
    assert found["ok"] is False


def test_the_exports_own_verifier_runs_in_its_folder(export: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "verify.py", "."], cwd=export, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "python verify.py ." in (export / "README.md").read_text()


def test_both_verifiers_say_the_same_of_a_receipt(fenhao: Fenhao, export: Path, tmp_path: Path) -> None:
    file = tmp_path / "r.tlog-proof"
    assert fenhao("receipt", "4", "--out", file).exit_code == 0
    policy = ["--policy", export / "policy"]
    theirs = alone(file, *policy)
    assert theirs.stdout.startswith(fenhao("verify", file, *policy).stdout)
    refused = fenhao("verify", file)
    assert refused.exit_code == 2
    assert alone(file).stderr == refused.stderr
    assert "--policy" in refused.stderr
    file.write_bytes(file.read_bytes().replace(b"index 4", b"index 3"))
    assert fenhao("verify", file, *policy).exit_code == alone(file, *policy).returncode == 1


def test_bad_input_is_one_clear_error_and_exit_code_2(fenhao: Fenhao, export: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    for data, option in product([b"", b"\xff\xd8\xff\xe0", b"a\r\n0700\r\n"], ["", "--head", "--policy"]):
        bad.write_bytes(data)
        arguments = [export, option, bad] if option else [bad]
        refused = fenhao("verify", *arguments, "--json")
        assert refused.exit_code == 2
        assert alone(*arguments).stderr == refused.stderr
        assert _json(refused)["error"] == "unusable"


# The living ledger


def test_the_living_ledger_is_held_against_kept_heads(fenhao: Fenhao, export: Path, tmp_path: Path) -> None:
    kept = [export / "checkpoints" / "1", export / "checkpoint"]
    done = fenhao("verify", "--head", kept[0], "--head", kept[1], "--policy", export / "policy", "--lang", "en")
    assert done.exit_code == 0, done.output
    assert f"agrees with the head you kept, {kept[0]} (1 entries)" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("verified: 6 entries, root ")
    later = tmp_path / "later"
    shutil.copytree(export, later)
    note = (export / "checkpoint").read_text()
    (later / "head").write_text(note.replace("\n6\n", "\n7\n"))
    assert fenhao("verify", "--head", later / "head").exit_code == 2  # its signature is wrong: not a head of ours
    lines = note.split("\n")
    forged = "\n".join([*lines[:2], "A" * 43 + "=", "", "— stranger AAAAAAAA", ""])
    (later / "head").write_text(forged)
    done = fenhao("verify", "--head", later / "head", "--lang", "en")
    assert done.exit_code == 1
    assert "something from entry 0 to 5 was changed" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("TAMPERING: from entry 0 on")
    assert _json(fenhao("verify", "--head", later / "head", "--json"))["problems"][0]["seq"] == 0


def test_a_living_ledger_that_was_set_back_is_found_by_a_kept_head(
    fenhao: Fenhao, export: Path, embedded_url: str
) -> None:
    as_owner(embedded_url, SET_BACK)
    done = fenhao("verify", "--head", export / "checkpoint", "--lang", "en")
    assert done.exit_code == 1
    assert "was signed over 6 entries, and here are 2" in done.stdout


def test_another_ledgers_head_or_key_says_nothing_of_this_one(fenhao: Fenhao, export: Path, tmp_path: Path) -> None:
    (tmp_path / "head").write_text((export / "checkpoint").read_text().replace("example.org/t", "example.org/u"))
    refused = fenhao("verify", "--head", tmp_path / "head")
    assert refused.exit_code == 2
    assert "is the head of another ledger, 'example.org/u'" in refused.stderr
    policy = (export / "policy").read_text().split()[1]
    assert fenhao("verify", "--key", policy).exit_code == 0
    assert fenhao("verify", "--key", "k").exit_code == 2


# A key that was changed


def test_an_export_across_a_change_of_key_is_followed_from_the_old_key(
    fenhao: Fenhao, export: Path, tmp_path: Path
) -> None:
    (tmp_path / "old-policy").write_bytes((export / "policy").read_bytes())
    assert fenhao("key", "rotate").exit_code == 0
    give(fenhao, 2, first=3)
    assert fenhao("export", tmp_path / "whole").exit_code == 0
    for arguments in ([], ["--policy", tmp_path / "old-policy"], ["--head", export / "checkpoint"]):
        done = fenhao("verify", tmp_path / "whole", *arguments, "--json")
        assert done.exit_code == 0, done.output
        assert [one["entry"] for one in _json(done)["keys"]] == [0, 6]
        assert alone(tmp_path / "whole", *arguments).returncode == 0
    (tmp_path / "whole" / "checkpoints" / "7").unlink()
    done = fenhao("verify", tmp_path / "whole", "--json")
    assert done.exit_code == 1
    assert _json(done)["problems"][0]["seq"] == 6
    found = fenhao("verify", "--policy", tmp_path / "old-policy")
    assert found.exit_code == 0, found.output


def test_a_donors_folder_of_receipts_checks_itself_and_newer_heads(
    fenhao: Fenhao, export: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "receipts"
    assert fenhao("receipt", "donation", "D1", "--out", folder).exit_code == 0
    done = subprocess.run(
        [sys.executable, "-I", "verify.py", ".", "--json"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    [one] = json.loads(done.stdout)["receipts"]
    assert (one["type"], one["stream"], one["size"]) == ("DonationReceived", "donation/D1", 6)
    give(fenhao, 2, first=3)
    assert fenhao("checkpoint").exit_code == 0
    old = next(folder.glob("*.tlog-proof"))
    assert fenhao("receipt", "renew", old).exit_code == 0
    [newer] = folder.glob("*.head")
    found = _json(fenhao("verify", old, "--head", newer, "--json"))
    assert found["receipts"][0]["kept"] == [str(newer)]
    assert fenhao("export", tmp_path / "later").exit_code == 0
    assert alone(tmp_path / "later", "--head", newer, "--head", old).returncode == 0
    assert fenhao("verify", "--head", newer, "--head", old).exit_code == 0
