"""The log's key on the command line: changed, put under a passphrase, refused when it lies open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from conftest import Fenhao
from test_api_log import ORIGIN, give, opened

from audit.checkpoint import Note, Verifier


def _json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.strip().splitlines()[-1])


def secret(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A passphrase file that the settings name."""
    made = secret(tmp_path / "passphrase", "correct horse battery\nand more\n")
    monkeypatch.setenv("FENHAO_LOG_PASSPHRASE_FILE", str(made))
    return made


def test_a_key_is_changed_and_both_sign_where_it_changes(fenhao: Fenhao, tmp_path: Path) -> None:
    opened(fenhao)
    give(fenhao, 2)
    [first] = _json(fenhao("key", "show", "--json"))["keys"]
    done = _json(fenhao("key", "rotate", "--by", "staff-1", "--json"))
    assert (done["entry"], done["double_signed"], done["resumed"]) == (5, 6, False)
    folder = tmp_path / "home" / "log" / "example.org%2Ft"
    keys = [Verifier.parse(first["key"]), Verifier.parse(done["key"])]
    note = Note.parse((folder / "checkpoints" / "6").read_bytes())
    assert note.signers(keys) == keys
    give(fenhao, 1, first=2)
    assert _json(fenhao("checkpoint", "--json"))["size"] == 7
    assert Note.parse((folder / "checkpoint").read_bytes()).signers(keys) == keys[1:]
    shown = _json(fenhao("key", "show", "--json"))["keys"]
    assert [(one["key"], one["from_size"], one["file"] is None) for one in shown] == [
        (first["key"], 0, True),
        (done["key"], 6, False),
    ]
    assert fenhao("doctor").exit_code == 0
    assert _json(fenhao("export", str(tmp_path / "e"), "--json"))["size"] == 7
    assert (tmp_path / "e" / "policy").read_text() == f"log {done['key']}\nquorum none\n"


def test_a_key_that_was_prepared_is_the_next_one(fenhao: Fenhao) -> None:
    opened(fenhao)
    told = _json(fenhao("key", "rotate", "--prepare", "--json"))["key"]
    assert _json(fenhao("key", "rotate", "--prepare", "--json"))["key"] == told
    assert len(_json(fenhao("key", "show", "--json"))["keys"]) == 1, "nothing has changed yet"
    assert _json(fenhao("checkpoint", "--json"))["size"] == 1
    assert _json(fenhao("key", "rotate", "--json"))["key"] == told


def test_nothing_else_records_a_change_of_keys(fenhao: Fenhao) -> None:
    opened(fenhao)
    refused = fenhao("record", "KeyRotated", "--set", "key=example.org/t+00000000+AQ==")
    assert refused.exit_code == 2
    assert "fenhao key rotate records it" in refused.stderr
    assert _json(fenhao("checkpoint", "--json"))["size"] == 1


def test_an_earlier_head_that_the_old_key_signed_still_begins_an_export(fenhao: Fenhao, tmp_path: Path) -> None:
    opened(fenhao)
    (tmp_path / "old").write_text(_json(fenhao("checkpoint", "--json"))["note"])
    fenhao("key", "rotate")
    assert _json(fenhao("export", str(tmp_path / "e"), "--since", str(tmp_path / "old"), "--json"))["since"] == 1


def test_a_key_that_lies_open_signs_nothing(fenhao: Fenhao, tmp_path: Path) -> None:
    opened(fenhao)
    [key] = (tmp_path / "home" / "keys").glob("log-*.pem")
    key.chmod(0o644)
    refused = fenhao("checkpoint")
    assert refused.exit_code == 2
    assert f"chmod 600 {key}" in refused.stderr
    assert not (tmp_path / "home" / "log").exists() or not list((tmp_path / "home" / "log").rglob("checkpoint"))
    assert "others may read or change" in fenhao("doctor", "--lang", "en").stdout
    key.chmod(0o600)
    assert fenhao("checkpoint").exit_code == 0


def test_a_ledger_is_opened_with_its_key_under_a_passphrase(fenhao: Fenhao, tmp_path: Path, file: Path) -> None:
    opened(fenhao)
    [key] = (tmp_path / "home" / "keys").glob("log-*.pem")
    assert b"ENCRYPTED" in key.read_bytes()
    assert fenhao("checkpoint").exit_code == 0
    assert fenhao("key", "rotate").exit_code == 0
    [new] = (tmp_path / "home" / "keys").glob("log-*.pem")
    assert b"ENCRYPTED" in new.read_bytes()
    assert fenhao("doctor").exit_code == 0


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        ("wrong passphrase\n", 0o600, "the passphrase is wrong"),
        ("short\n", 0o600, "at least 12 characters"),
        ("correct horse battery\n", 0o644, "chmod 600"),
        (None, 0o600, "cannot be read from"),
    ],
    ids=["wrong", "short", "open", "missing"],
)
def test_a_passphrase_file_that_does_not_serve_is_refused(
    fenhao: Fenhao, file: Path, content: str | None, mode: int, said: str
) -> None:
    opened(fenhao)
    file.unlink()
    if content is not None:
        file.write_text(content)
        file.chmod(mode)
    refused = fenhao("checkpoint")
    assert refused.exit_code == 2
    assert said in refused.stderr
    assert "horse" not in refused.output


def test_without_a_file_or_a_terminal_a_passphrase_is_missed_only_for_signing(
    fenhao: Fenhao, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(fenhao)
    fenhao("checkpoint")
    monkeypatch.delenv("FENHAO_LOG_PASSPHRASE_FILE")
    assert fenhao("receipt", "0", "--out", str(tmp_path / "r")).exit_code == 0
    assert "was not opened" in fenhao("doctor", "--lang", "en").stdout
    give(fenhao, 1)
    refused = fenhao("checkpoint")
    assert refused.exit_code == 2
    assert "FENHAO_LOG_PASSPHRASE_FILE" in refused.stderr


def test_a_passphrase_is_set_changed_and_taken_away(fenhao: Fenhao, tmp_path: Path) -> None:
    opened(fenhao)
    first, second = (secret(tmp_path / name, f"{name} is the passphrase\n") for name in ("first", "second"))
    assert _json(fenhao("key", "passphrase", "--new", str(first), "--json"))["passphrase"] is True
    assert fenhao("key", "passphrase", "--new", str(second)).exit_code == 2, "the old one is asked for"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FENHAO_LOG_PASSPHRASE_FILE", str(first))
        assert fenhao("key", "passphrase", "--new", str(second)).exit_code == 0
        assert "the passphrase is wrong" in fenhao("checkpoint").stderr
        patch.setenv("FENHAO_LOG_PASSPHRASE_FILE", str(second))
        assert fenhao("checkpoint").exit_code == 0
        assert _json(fenhao("key", "passphrase", "--remove", "--json"))["passphrase"] is False
    give(fenhao, 1)
    assert fenhao("checkpoint").exit_code == 0


def test_a_passphrase_is_typed_twice_and_stands_nowhere(
    fenhao: Fenhao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[bool, bool]] = []

    def prompt(text: str, *, hide_input: bool, confirmation_prompt: bool, err: bool) -> str:
        asked.append((hide_input, confirmation_prompt))
        return "a typed passphrase"

    monkeypatch.setattr("api.passphrases.click.prompt", prompt)
    monkeypatch.setattr(
        "api.passphrases.sys", type("Terminal", (), {"stdin": type("Tty", (), {"isatty": lambda: True})})
    )
    made = fenhao("init", "--origin", ORIGIN, "--no-codes", "--passphrase")
    assert made.exit_code == 0, made.output
    assert fenhao("checkpoint").exit_code == 0
    assert asked == [(True, True), (True, False)]
    [key] = (tmp_path / "home" / "keys").glob("log-*.pem")
    assert b"ENCRYPTED" in key.read_bytes()
    assert "typed passphrase" not in made.output


def test_a_passphrase_waits_until_a_change_of_keys_is_done(
    fenhao: Fenhao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(fenhao)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ledger.writing.Writer.submit", killed)
    assert fenhao("key", "rotate").exit_code == 130
    monkeypatch.undo()
    refused = fenhao("key", "passphrase", "--new", str(secret(tmp_path / "p", "some passphrase\n")))
    assert refused.exit_code == 2
    assert "run fenhao key rotate first" in refused.stderr
    assert fenhao("doctor").exit_code == 1
    assert fenhao("key", "rotate").exit_code == 0
    assert fenhao("doctor").exit_code == 0
    assert len(_json(fenhao("key", "show", "--json"))["keys"]) == 2


def test_the_key_of_an_older_folder_goes_on_signing(fenhao: Fenhao, tmp_path: Path) -> None:
    opened(fenhao)
    keys = tmp_path / "home" / "keys"
    [key] = keys.glob("log-*.pem")
    key.rename(keys / "log.pem")
    assert fenhao("checkpoint").exit_code == 0
    assert fenhao("doctor").exit_code == 0
    assert fenhao("key", "rotate").exit_code == 0
    assert {path.name for path in keys.glob("log*.pem")} > {"log.pem"}
    assert fenhao("doctor").exit_code == 0
