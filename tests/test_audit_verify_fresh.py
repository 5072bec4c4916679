"""How long ago others last vouched for the log is told, and held against what the reader asks for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Fenhao
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from exports import LOG, Made, gifts, head, said, whats
from stamping import Stamper, root, stamper

from audit import verify
from audit.checkpoint import COSIGNATURE, KeySigner, Note, cosigned_text, signature_line

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WEEK = NOW - timedelta(days=7)


def witness(number: int) -> KeySigner:
    return KeySigner(
        f"w{number}.example.org/w", Ed25519PrivateKey.from_private_bytes(bytes([40 + number]) * 32), COSIGNATURE
    )


WITNESSES = [witness(n) for n in range(3)]


def made_with(folder: Path, *ages_days: float | None, asked: str = "2") -> Made:
    """An export with three witnesses, of which so many must sign, and who signed so long ago."""
    made = Made.of(folder, gifts(20))
    lines = [f"witness w{n} {key.verifier}" for n, key in enumerate(WITNESSES)]
    quorum = ["quorum none"] if asked == "none" else [f"group g {asked} w0 w1 w2", "quorum g"]
    made.write_policy(LOG, more="\n".join([*lines, *quorum, ""]))
    note = head(made.entries)
    for key, age in zip(WITNESSES, ages_days, strict=False):
        if age is not None:
            time = int((NOW - timedelta(days=age)).timestamp())
            text = Note.parse(note).text
            value = time.to_bytes(8, "big") + key.sign(cosigned_text(text, time))
            note += f"{signature_line(key.verifier, value)}\n".encode()
    made.put("checkpoint", note)
    made.put("checkpoints/20", note)
    return made


def stamped(made: Made, age_days: float) -> None:
    at = NOW - timedelta(days=age_days)
    made.put("timestamps/roots.pem", root().pem)
    made.put(f"timestamps/{age_days}.checkpoint", note := (made.folder / "checkpoint").read_bytes())
    made.put(f"timestamps/{age_days}.tsr", Stamper(stamper()).answer(note, at))


def test_the_newest_cosignature_is_told(tmp_path: Path) -> None:
    assert WITNESSES[0].verifier.kind == COSIGNATURE
    found = made_with(tmp_path / "export", 30, 1).check()
    assert found.code == 0, said(found)
    assert "newest cosignature: 2026-05-31T12:00:00Z" in said(found)
    assert list(found.members["cosigned"].values()) == ["2026-05-02T12:00:00Z", "2026-05-31T12:00:00Z"]


@pytest.mark.parametrize(
    ("ages", "asked", "code"),
    [
        ((1, 2, None), "2", 0),
        ((1, 7, None), "2", 0),
        ((1, 7.001, None), "2", 1),
        ((30, 1, 2), "2", 0),
        ((30, 1, 20), "2", 1),
        ((30, 30, 6), "any", 0),
        ((1, 1, 8), "all", 1),
    ],
)
def test_as_many_witnesses_as_the_policy_asks_for_signed_lately(
    tmp_path: Path, ages: tuple[float | None, ...], asked: str, code: int
) -> None:
    made = made_with(tmp_path / "export", *ages, asked=asked)
    found = made.check(fresh_since=WEEK)
    assert (made.check().code, found.code) == (0, code), said(found)
    assert not code or "an old head may be served as new" in whats(found)[0]


@pytest.mark.parametrize(("ages", "code"), [((1, 30), 0), ((8,), 1)])
def test_the_newest_time_stamp_is_no_older(tmp_path: Path, ages: tuple[float, ...], code: int) -> None:
    made = made_with(tmp_path / "export", 1, 1)
    for age in ages:
        stamped(made, age)
    found = made.check(fresh_since=WEEK)
    assert (made.check().code, found.code) == (0, code), said(found)


def test_where_nobody_can_tell_it_says_so(tmp_path: Path) -> None:
    made = made_with(tmp_path / "export", asked="none")
    with pytest.raises(verify.Unusable, match="asks for no witness, and there are no time-stamps"):
        made.check(fresh_since=WEEK)
    stamped(made, 1)
    assert made.check(fresh_since=WEEK).code == 0


def test_a_witness_that_lives_in_the_far_future_breaks_nothing(tmp_path: Path) -> None:
    made = made_with(tmp_path / "export", 1)
    key, time = WITNESSES[1], 2**62
    note = (made.folder / "checkpoint").read_bytes()
    value = time.to_bytes(8, "big") + key.sign(cosigned_text(Note.parse(note).text, time))
    made.put("checkpoint", note + f"{signature_line(key.verifier, value)}\n".encode())
    made.put("checkpoints/20", (made.folder / "checkpoint").read_bytes())
    found = made.check(fresh_since=WEEK)
    assert (found.code, found.members["cosigned"][key.name]) == (0, "9999-12-31T23:59:59Z")


def test_the_commands_ask_by_days(fenhao: Fenhao, tmp_path: Path) -> None:
    made = made_with(tmp_path / "export", 1, 1)
    old = fenhao("verify", made.folder, "--max-age", "1", "--json")
    assert (old.exit_code, json.loads(old.stdout)["ok"]) == (1, False)
    assert verify.main([str(made.folder), "--max-age", "1"]) == 1
    assert verify.main([str(made.folder), "--max-age", "999999999"]) == 0
    receipt = tmp_path / "r.tlog-proof"
    receipt.write_bytes(made.receipt(3))
    assert verify.main([str(receipt), "--max-age", "1"]) == 2
    refused = fenhao("verify", "--max-age", "1")
    assert (refused.exit_code, "name one" in refused.stderr) == (2, True)
