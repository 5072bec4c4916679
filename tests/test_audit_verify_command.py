"""`python verify.py`, alone in a folder: what each bad input is answered, the exit codes, and what is printed."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from exports import LOG, OTHER, Made, gifts, head, signer
from test_audit_verify_receipt import continuation

from audit import verify

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 4


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the verifier, an export of 20 entries signed at 8 too, and a receipt; read only."""
    folder = tmp_path_factory.mktemp("alone")
    shutil.copy(verify.__file__, folder / "verify.py")
    made = Made.of(folder / "export", gifts(20), (8,))
    (folder / "receipts").mkdir()
    for seq in (4, 5):
        (folder / "receipts" / f"{seq}.tlog-proof").write_bytes(made.receipt(seq))
    shutil.copy(folder / "export" / "policy", folder / "receipts")
    return folder


def run(place: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The verifier as a stranger runs it: no site packages of a project, no environment, warnings are errors."""
    command = [sys.executable, "-I", "-W", "error", "verify.py", *arguments]
    return subprocess.run(
        command, cwd=place, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin", **environment}
    )


def test_an_export_a_receipt_and_a_folder_of_them_pass(place: Path) -> None:
    done = run(place, "export", "--head", "export/checkpoints/8", "--policy", "export/policy")
    assert (done.returncode, done.stderr) == (0, "")
    chinese, english = done.stdout.split("\n\n")
    assert chinese.splitlines()[-1].startswith("验证通过：20 条分录，树根 ")
    assert english.splitlines()[-1].startswith("verified: 20 entries, root ")
    assert "与您保存的 export/checkpoints/8（8 条）一致" in chinese
    for arguments in (["receipts/4.tlog-proof"], ["receipts"], ["receipts/4.tlog-proof", "receipts/5.tlog-proof"]):
        done = run(place, *arguments, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["ok"] is True
    bundles = ["export/tile/entries/000.p/20"]
    assert run(place, *bundles, "--head", "export/checkpoints/8", "--policy", "export/policy").returncode == 0
    assert run(place, *bundles, "--key", str(OTHER.verifier)).returncode == 1


def test_it_needs_nothing_of_the_environment(place: Path, tmp_path: Path) -> None:
    """A terminal without UTF-8 is written to as well, and nothing is left behind."""
    for name in ("export", "verify.py"):
        (shutil.copytree if (place / name).is_dir() else shutil.copy)(place / name, tmp_path / name)
    before = sorted(tmp_path.rglob("*"))
    done = run(tmp_path, "export", "--jobs", "2", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.returncode == 0
    assert sorted(tmp_path.rglob("*")) == before


Bad = Callable[[Path], list[str]]


def file(data: bytes, *before: str) -> Bad:
    """Arguments that end with a file of these bytes."""

    def make(folder: Path) -> list[str]:
        (folder / "bad").write_bytes(data)
        return [*before, "bad"]

    return make


def spoiled(path: str, data: bytes | None) -> Bad:
    """A copy of the export with one file replaced, or gone."""

    def make(folder: Path) -> list[str]:
        shutil.copytree(folder / "export", folder / "bad")
        if data is None:
            (folder / "bad" / path).unlink()
        else:
            (folder / "bad" / path).write_bytes(data)
        return ["bad"]

    return make


def empty(folder: Path) -> list[str]:
    (folder / "bad").mkdir()
    return ["bad"]


ENTRIES = gifts(20).bytes()
NOTE = head(ENTRIES[:8])
SEVENTEEN = NOTE + NOTE[NOTE.rindex("—".encode()) :] * 16
TEN_MB = NOTE.replace(b"\n\n", b"\n" + b"x" * 10_000_000 + b"\n\n", 1)
CRLF = NOTE.replace(b"\n", b"\r\n")
ZEROS = NOTE.replace(b"\n8\n", b"\n0700\n")
ELSEWHERE = head(ENTRIES[:8], signer(1, "ledger.example.org/other"), origin="ledger.example.org/other")
NOT_OURS = f"log {signer(1, 'ledger.example.org/other').verifier}\nquorum none\n".encode()
RECEIPT = "receipts/4.tlog-proof"


def piped(path: str) -> Bad:
    """A pipe in the place of a file of the export: nobody ever writes into it."""

    def make(folder: Path) -> list[str]:
        shutil.copytree(folder / "export", folder / "bad")
        (folder / "bad" / path).unlink(missing_ok=True)
        (folder / "bad" / path).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(folder / "bad" / path)
        return ["bad"]

    return make


def receipt(change: Callable[[bytes], bytes]) -> Bad:
    def make(folder: Path) -> list[str]:
        (folder / "bad").write_bytes(change((folder / RECEIPT).read_bytes()))
        return ["bad", "--policy", "export/policy"]

    return make


def headed(data: bytes) -> Callable[[bytes], bytes]:
    """The receipt with another head in it."""
    return lambda found: found.partition(b"\n\n")[0] + b"\n\n" + data


HEADS = {
    "a JPEG": (JPEG, "not UTF-8"),
    "nothing": (b"", "not text, an empty line"),
    "10 MB": (TEN_MB, "longer than 1000000 bytes"),
    "17 signatures": (SEVENTEEN, "17 signatures, 16 at most"),
    "CRLF": (CRLF, "its lines end in CRLF"),
    "size 0700": (ZEROS, "'0700' is no decimal number without leading zeros"),
}
BAD: dict[str, tuple[Bad, str]] = {
    "no such path": (lambda _: ["nowhere"], "nowhere cannot be read: No such file"),
    "an empty folder": (empty, "neither an export (no checkpoint, no tile) nor a folder of receipts"),
    "a JPEG as anything": (file(JPEG), "is neither a receipt, nor entry bundles, nor one JSON entry a line"),
    "an empty file": (file(b""), "is neither a receipt"),
    "an export and a file": (lambda _: ["export", RECEIPT], "export cannot be read: Is a directory"),
    "an export without its head": (spoiled("checkpoint", None), "bad/checkpoint cannot be read"),
    "an export without its policy": (spoiled("policy", None), "bad/policy cannot be read"),
    **{
        f"a pipe as {path}": (piped(path), f"bad/{path} is no regular file but a pipe or a device")
        for path in ("checkpoint", "policy", "tile/0/000.p/20", "tile/entries/000.p/20")
    },
    "a device as an export's entries": (lambda _: ["/dev/zero"], "/dev/zero is no regular file"),
    "an export with a JPEG as policy": (spoiled("policy", JPEG), "bad/policy is no policy that can be used"),
    "a receipt that is cut off": (receipt(lambda data: data[:300]), "is no receipt that can be used"),
    "a receipt with CRLF": (receipt(lambda data: data.replace(b"\n", b"\r\n")), "its lines end in CRLF"),
    "a receipt of 10 MB": (receipt(lambda data: data + bytes(10_000_000)), "longer than 2000000 bytes"),
    "a receipt with a bad index": (receipt(lambda data: data.replace(b"index 4", b"index 04")), "is not extra, index"),
    "a receipt with a bad hash": (receipt(lambda data: data.replace(b"=\n\n", b"\n\n", 1)), "is not extra, index"),
    "a receipt without its entry": (receipt(lambda data: data.replace(b"extra ", b"extra AAAA")), "hold its entry"),
    "a receipt, and no policy": (lambda f: receipt(bytes)(f)[:1], "give --policy FILE"),
    "another ledger's head": (file(ELSEWHERE, "export", "--head"), "bad is the head of another ledger"),
    "another ledger's head for a receipt": (file(ELSEWHERE, RECEIPT, "--head"), "bad is the head of another ledger"),
    "another ledger's head for entries": (
        file(ELSEWHERE, "export/tile/entries/000.p/20", "--head"),
        "bad is the head of another ledger",
    ),
    "another ledger's policy": (file(NOT_OURS, "export", "--policy"), "the policy is of another ledger"),
    "a damaged head": (
        file(NOTE[:-8] + b"AAAAAA=\n", "export", "--policy", "export/policy", "--head"),
        "bad is damaged: the signature of",
    ),
    "a JPEG as policy": (file(JPEG, "export", "--policy"), "bad is no policy that can be used"),
    "a key that is none": (lambda _: ["export", "--key", "k"], "'k' is no verifier key"),
    "a proof that is none": (
        file(continuation(ENTRIES, 8).replace(b"old 8\n", b"old 8\nAAAA\n"), RECEIPT, "--head"),
        "a hash of its proof is not 32 bytes",
    ),
    **{f"{name} as head": (file(data, "export", "--head"), what) for name, (data, what) in HEADS.items()},
    **{f"{name} as the export's head": (spoiled("checkpoint", data), what) for name, (data, what) in HEADS.items()},
    **{f"{name} in a receipt": (receipt(headed(data)), what) for name, (data, what) in HEADS.items() if data != TEN_MB},
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error_and_exit_code_2(
    place: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make, what = BAD[name]
    for each in place.iterdir():
        (tmp_path / each.name).symlink_to(each)
    arguments = make(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert verify.main(arguments) == 2
    done = capsys.readouterr()
    assert done.out == ""
    chinese, english = done.err.splitlines()
    assert chinese.startswith("错误：")
    assert english.startswith("error: ")
    assert what in english
    assert verify.main([*arguments, "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["zh"], told["en"]) == (chinese[3:], english[7:])


@pytest.mark.parametrize("arguments", [[], ["export", "--jobs", "0"], ["export", "--jobs", "x"], ["export", "--what"]])
def test_arguments_that_are_none_are_exit_code_2(place: Path, arguments: list[str]) -> None:
    assert run(place, *arguments).returncode == 2


def test_signatures_are_asked_for_in_words_where_the_library_is_missing(place: Path) -> None:
    code = "import sys; sys.modules['cryptography.exceptions'] = None; import verify; sys.exit(verify.main(['export']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install cryptography" in done.stderr


def test_a_bug_of_ours_never_looks_like_tampering(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for raised, code in ((ZeroDivisionError(), 70), (KeyboardInterrupt(), 130), (OSError("disk full"), 2)):

        def fail(*_: object, error: BaseException = raised, **__: object) -> None:
            raise error

        monkeypatch.setattr(verify, "examine", fail)
        assert verify.main([str(tmp_path)]) == code


def test_whoever_has_read_enough_may_go(place: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-I", "verify.py", "export"], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        running.stdout.close()
        assert running.wait() in (0, 141)


def test_progress_is_shown_on_a_terminal_alone(place: Path) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-I", "verify.py", "export"], cwd=place, stdout=subprocess.PIPE, stderr=theirs, check=False
    )
    os.close(theirs)
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "verifying 20 / 20" in shown
    assert shown.endswith("\r\x1b[K")


def test_many_processes_say_what_one_says(tmp_path: Path) -> None:
    made = Made.of(tmp_path / "export", gifts(8_400), (100, 8_193))
    shutil.copy(verify.__file__, tmp_path / "verify.py")
    assert made.entries
    one, two = (run(tmp_path, "export", "--jobs", jobs, "--json") for jobs in "12")
    assert (one.returncode, two.stderr) == (0, "")
    assert one.stdout == two.stdout
    made.flip("tile/0/030", 0)
    one, two = (run(tmp_path, "export", "--jobs", jobs, "--json") for jobs in "12")
    assert one.returncode == 1
    assert one.stdout == two.stdout
    assert LOG.verifier.name in json.loads(one.stdout)["origin"]
