"""`fenhao timestamp`: an authority stamps a head at once over HTTP, or nothing is kept; exports carry stamps along."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from conftest import ORIGIN, SIGNER, Fenhao, Ledger
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stamping import STAMPING, Holder, OpensslAuthority, Stamper, issue, needs_openssl, root, rsa_key, serving, stamper
from test_api_log import give, opened

from audit.checkpoint import COSIGNATURE, KeySigner
from audit.export import export
from audit.heads import FileHeads
from audit.keys import HeldKeys
from audit.log import Log
from audit.timestamp import Authority, StampFault, stamp
from ledger.times import utc_now

pytestmark = needs_openssl


@pytest.fixture
def roots(tmp_path: Path) -> Path:
    path = tmp_path / "roots.pem"
    path.write_bytes(root().pem)
    return path


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[str]:
    with serving(OpensslAuthority(tmp_path / "authority", stamper()).answer) as address:
        yield address


@pytest.fixture
def stamping(fenhao: Fenhao, monkeypatch: pytest.MonkeyPatch, roots: Path) -> Callable[[str], Result]:
    """`fenhao timestamp` by an authority at an address."""

    def run(address: str) -> Result:
        monkeypatch.setenv("FENHAO_TSA_URL", address)
        monkeypatch.setenv("FENHAO_TSA_ROOTS", str(roots))
        return fenhao("timestamp", "--json")

    return run


def verified(folder: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "verify.py"), str(folder), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_head_is_signed_stamped_and_exported_and_the_export_proves_when(
    fenhao: Fenhao, authority: str, stamping: Callable[[str], Result], roots: Path, tmp_path: Path
) -> None:
    opened(fenhao)
    give(fenhao, 2)
    result = stamping(authority)
    assert result.exit_code == 0, result.output
    made = json.loads(result.stdout)
    assert made["size"] == 5
    file = Path(made["file"])
    assert file.with_suffix(".checkpoint").read_bytes() == (file.parents[1] / "checkpoint").read_bytes()
    give(fenhao, 1, first=2)
    assert fenhao("export", tmp_path / "export").exit_code == 0
    code, told = verified(tmp_path / "export", "--tsa-roots", str(roots))
    assert code == 0, told
    assert "1 time-stamps" in told
    assert "own word" in verified(tmp_path / "export")[1]
    assert fenhao("verify", tmp_path / "export", "--tsa-roots", roots).exit_code == 0


def test_the_doctor_tells_of_old_stamps_and_of_witnesses_that_did_not_sign(
    fenhao: Fenhao, authority: str, stamping: Callable[[str], Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(fenhao)
    assert fenhao("checkpoint").exit_code == 0
    assert "stamp" not in fenhao("doctor", "--lang", "en").stdout, "nobody asked for one"
    policy = tmp_path / "policy"
    key = KeySigner("w.example.org/w", Ed25519PrivateKey.generate(), COSIGNATURE).verifier
    policy.write_text(f"witness w {key}\nquorum none\n")
    monkeypatch.setenv("FENHAO_POLICY", str(policy))
    monkeypatch.setenv("FENHAO_TSA_URL", authority)
    before = fenhao("doctor", "--lang", "en")
    assert (before.exit_code, "nothing was ever stamped" in before.stdout) == (1, True)
    assert "· no signature within 24 hours of w on the newest head (0/1)" in before.stdout
    assert stamping(authority).exit_code == 0
    assert fenhao("doctor").exit_code == 0
    policy.write_text(f"witness w {key}\nquorum w\n")
    assert "too few" in fenhao("doctor", "--lang", "en").stdout
    monkeypatch.setattr("api.doctor.VOUCHED_FOR_LONG", timedelta(0))
    assert "older than 24 hours; run fenhao timestamp" in fenhao("doctor", "--lang", "en").stdout


def test_a_stamp_is_kept_beside_those_before_it_and_only_what_is_whole_is_exported(
    ledger: Ledger, tmp_path: Path
) -> None:
    log = Log(ledger.journal, tmp_path / "log", FileHeads(tmp_path / "heads", ORIGIN), HeldKeys(SIGNER))
    by = Authority("http://a", root().pem, answering(Stamper(stamper())))
    first = stamp(log, tmp_path / "log", by, utc_now)
    other = issue(None, "other root", rsa_key(3), ca=True)
    second_authority = Stamper(issue(other, "other", rsa_key(), purposes=STAMPING))
    second = stamp(log, tmp_path / "log", Authority("http://b", other.pem, answering(second_authority)), utc_now)
    assert (first.head, first.path != second.path) == (second.head, True)
    folder = tmp_path / "log" / "timestamps"
    assert (folder / "roots.pem").read_bytes() == root().pem + other.pem
    (folder / "1-20260101T000000.000000Z.checkpoint").write_bytes(b"a crash left this")
    export(ledger.journal, tmp_path / "log", first.head, log.policy, tmp_path / "export")
    names = {path.name for path in (tmp_path / "export" / "timestamps").iterdir()}
    assert names == {
        "roots.pem",
        *(path.with_suffix(end).name for path in (first.path, second.path) for end in (".tsr", ".checkpoint")),
    }
    assert verified(tmp_path / "export")[0] == 0


def answering(by: Stamper, late: timedelta = timedelta(0)) -> Callable[[str, bytes], tuple[int, bytes]]:
    """An authority that stamps by this machine's clock, or later."""

    def post(_: str, query: bytes) -> tuple[int, bytes]:
        return 200, by.to(query, datetime.now(UTC) + late)

    return post


EXPIRED = Stamper(issue(root(), "expired", rsa_key(), purposes=STAMPING, until=datetime(2026, 1, 1, tzinfo=UTC)))
ELSEWHERE = Stamper(issue(issue(None, "root", rsa_key(3), ca=True), "leaf", rsa_key(), purposes=STAMPING))
FORGED = Stamper(Holder(stamper().certificate, rsa_key(3)))


@pytest.mark.parametrize(
    ("by", "late", "what"),
    [
        (Stamper(stamper(), status=2), 0, "does not hold"),
        (EXPIRED, 0, "does not hold"),
        (ELSEWHERE, 0, "does not hold"),
        (FORGED, 0, "does not hold"),
        (Stamper(stamper(), skips="signer"), 0, "verify.py"),
        (Stamper(stamper()), 301, "5 minutes apart"),
        (Stamper(stamper()), -301, "5 minutes apart"),
        (Stamper(stamper()), -70, "clock is fast"),
    ],
    ids=["refused", "expired", "another root", "forged", "unreadable offline", "late", "early", "behind the entries"],
)
def test_a_stamp_that_would_not_hold_is_not_kept(
    ledger: Ledger, tmp_path: Path, by: Stamper, late: int, what: str
) -> None:
    log = Log(ledger.journal, tmp_path / "log", FileHeads(tmp_path / "heads", ORIGIN), HeldKeys(SIGNER))
    post = answering(by, timedelta(seconds=late))
    with pytest.raises(StampFault, match=what):
        stamp(log, tmp_path / "log", Authority("http://a", root().pem, post), utc_now)
    assert not list((tmp_path / "log").rglob("*.tsr"))
    assert log.checkpoint() is not None
    export(ledger.journal, tmp_path / "log", log.publish(), log.policy, tmp_path / "export")
    assert not (tmp_path / "export" / "timestamps").exists()


def test_a_stamp_over_another_query_is_not_kept(ledger: Ledger, tmp_path: Path) -> None:
    log = Log(ledger.journal, tmp_path / "log", FileHeads(tmp_path / "heads", ORIGIN), HeldKeys(SIGNER))
    old: list[bytes] = []

    def post(_: str, query: bytes) -> tuple[int, bytes]:
        old.append(Stamper(stamper()).to(query, datetime.now(UTC)))
        return 200, old[0]

    by = Authority("http://a", root().pem, post)
    assert stamp(log, tmp_path / "log", by, utc_now).head.size == 1
    with pytest.raises(StampFault, match="Nonce"):
        stamp(log, tmp_path / "log", by, utc_now)


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>"), (500, b"sorry"), (200, b"")])
def test_an_authority_that_answers_nonsense_is_told_of(
    fenhao: Fenhao, stamping: Callable[[str], Result], status: int, body: bytes
) -> None:
    opened(fenhao)
    with serving(lambda query: body, status) as address:
        refused = stamping(address)
    assert refused.exit_code == 2
    assert "no time-stamp was had" in refused.stderr


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/", "ftp://a", "http://[", "nonsense"])
def test_an_authority_that_is_not_there_is_told_of(
    fenhao: Fenhao, stamping: Callable[[str], Result], address: str
) -> None:
    opened(fenhao)
    refused = stamping(address)
    assert (refused.exit_code, "no answer" in refused.stderr) == (2, True), refused.output
    assert json.loads(refused.stdout)["error"] == "timestamp"


def test_without_an_authority_it_says_what_to_set(
    fenhao: Fenhao, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened(fenhao)
    refused = fenhao("timestamp")
    assert (refused.exit_code, "FENHAO_TSA_URL" in refused.stderr) == (2, True)
    monkeypatch.setenv("FENHAO_TSA_URL", "http://a")
    assert "FENHAO_TSA_ROOTS" in fenhao("timestamp").stderr
    (tmp_path / "no.pem").write_bytes(b"no")
    monkeypatch.setenv("FENHAO_TSA_ROOTS", str(tmp_path / "no.pem"))
    assert "holds no root certificates" in fenhao("timestamp").stderr


def test_a_schedule_waits_for_an_authority_that_goes_away(
    fenhao: Fenhao, roots: Path, tmp_path: Path, embedded_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three rounds: stamped, an authority that fails (told of once), stamped again."""
    opened(fenhao)
    real, asked = OpensslAuthority(tmp_path / "authority", stamper()), []

    def answer(query: bytes) -> bytes:
        asked.append(query)
        return b"" if 1 < len(asked) < 4 else real.answer(query)

    class Enough(Exception):
        """The schedule has gone on for long enough."""

    def sleep(_: float) -> None:
        if len(asked) > 4:
            raise Enough

    monkeypatch.setattr("api.log_commands.time.sleep", sleep)
    with serving(answer) as address:
        monkeypatch.setenv("FENHAO_TSA_URL", address)
        monkeypatch.setenv("FENHAO_TSA_ROOTS", str(roots))
        result = fenhao("timestamp", "--every", "1", "--json")
    said = [json.loads(line) for line in result.stdout.splitlines()]
    assert [next(iter(one)) for one in said] == ["size", "away", "size", "size"]
