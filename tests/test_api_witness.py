"""Foundations witness each other's logs over HTTP: none shows a head that too few have signed."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path
from urllib.request import urlopen

import pytest
import uvicorn
from asked import request_body
from conftest import ORIGIN, SIGNER, Fenhao, Ledger
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.witness_app import witness_app
from api.witnessing import add_log, make_key, opened, standing
from audit.checkpoint import COSIGNATURE, Checkpoint, KeySigner, Note, Verifier
from audit.export import export
from audit.heads import FileHeads
from audit.keys import HeldKeys
from audit.log import Log
from audit.peers import NoQuorum, Peers, Post, http_post
from audit.policy import Policy
from audit.proof import Receipt
from audit.rotation import rotate
from ledger.decisions import OpenFund, ReceiveDonation

DAY = date(2026, 1, 2)


def unasked() -> bytes:
    raise AssertionError("nobody asks for a passphrase here")


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The witness of the folder over real HTTP; its address."""
    server = uvicorn.Server(
        uvicorn.Config(witness_app(opened(folder, unasked)), port=0, log_level="critical", lifespan="off")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def witness_key(folder: Path, name: str) -> Verifier:
    """A witness in that folder that knows the log of the tests."""
    key = make_key(folder, f"{name}.example.org/w", unasked)
    add_log(folder, str(SIGNER.verifier))
    return key


def policy(threshold: str, **witnesses: tuple[Verifier, str]) -> Policy:
    lines = [f"witness {name} {key} {url}" for name, (key, url) in witnesses.items()]
    lines += [f"group all-of-them {threshold} {' '.join(witnesses)}", "quorum all-of-them", ""]
    return Policy.parse("\n".join([f"log {SIGNER.verifier}", *lines]).encode())


class Clock:
    """The log's; the witnesses stamp by the machine's."""

    def __init__(self) -> None:
        self.now = int(time.time())

    def __call__(self) -> int:
        return self.now


class Foundation:
    """A ledger whose log asks witnesses."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger, self.folder, self.clock = ledger, folder / "log", Clock()
        self.heads = FileHeads(folder / "heads", ORIGIN)
        ledger.writer.submit(OpenFund(key="F", fund="F", name="F"))

    def give(self, *names: str) -> None:
        self.ledger.writer.submit_batch(
            [ReceiveDonation(key=name, donation=name, fund="F", amount=1, on=DAY) for name in names]
        )

    def log(self, by: Policy, post: Post = http_post) -> Log:
        peers = Peers(by, post, self.clock)
        return Log(self.ledger.journal, self.folder, self.heads, HeldKeys(SIGNER), peers)

    def shown(self) -> bytes | None:
        path = self.folder / "checkpoint"
        return path.read_bytes() if path.exists() else None


@pytest.fixture
def foundation(ledger: Ledger, tmp_path: Path) -> Foundation:
    return Foundation(ledger, tmp_path)


def test_a_head_bears_the_signatures_of_its_witnesses_and_so_do_receipts(
    foundation: Foundation, tmp_path: Path
) -> None:
    keys = {name: witness_key(tmp_path / name, name) for name in ("a", "b")}
    with serving(tmp_path / "a") as a, serving(tmp_path / "b") as b:
        by = policy("all", a=(keys["a"], a), b=(keys["b"], b))
        for names in (["D1"], ["D2", "D3"], [f"E{n}" for n in range(300)]):
            foundation.give(*names)
            head = foundation.log(by).publish()
            shown = foundation.shown()
            assert shown is not None
            assert by.open(shown) == head
            assert set(by.witnessed(Note.parse(shown))) == {"a", "b"}
        receipt = Receipt.parse(foundation.log(by).receipt(3).proof.text())
        assert by.open(receipt.proof.checkpoint) == head
        address = f"{a}/{sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
        with urlopen(address) as answer:  # noqa: S310 - on this machine
            assert Note.parse(answer.read()).signers([SIGNER.verifier, keys["a"]]) == [SIGNER.verifier, keys["a"]]
    assert standing(tmp_path / "a", unasked).sizes == {ORIGIN: head.size}


def test_a_change_of_keys_is_witnessed_and_nothing_after_it_before_they_know_the_new_key(
    foundation: Foundation, tmp_path: Path
) -> None:
    new = KeySigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"n" * 32))
    keys = HeldKeys(SIGNER, new)
    witness = witness_key(tmp_path / "a", "a")

    def log(address: str) -> Log:
        peers = Peers(policy("all", a=(witness, address)), http_post, foundation.clock)
        return Log(foundation.ledger.journal, foundation.folder, foundation.heads, keys, peers)

    with serving(tmp_path / "a") as address:
        done = rotate(log(address), foundation.ledger.writer, keys)
        changed = foundation.shown()
        assert changed is not None
        everybody = [SIGNER.verifier, new.verifier, witness]
        assert set(Note.parse(changed).signers(everybody)) == set(everybody)
        foundation.give("D1")
        with pytest.raises(NoQuorum, match="403"):
            log(address).publish()
        assert foundation.shown() == changed
    add_log(tmp_path / "a", str(new.verifier))
    with serving(tmp_path / "a") as address:
        assert log(address).publish().size == done.seq + 3
        shown = foundation.shown()
        assert shown is not None
        assert set(Note.parse(shown).signers(everybody)) == {new.verifier, witness}


def test_an_export_asks_for_the_witnesses_and_fails_without_their_signatures(
    foundation: Foundation, tmp_path: Path
) -> None:
    key = witness_key(tmp_path / "a", "a")
    foundation.give("D1")
    folder = tmp_path / "export"
    with serving(tmp_path / "a") as a:
        log = foundation.log(policy("all", a=(key, a)))
        export(foundation.ledger.journal, foundation.folder, log.publish(), log.policy, folder)

    def verified() -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-I", str(folder / "verify.py"), str(folder)], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    assert verified()[0] == 0, verified()
    own, _ = (folder / "checkpoint").read_text().split(f"— {key.name} ")
    (folder / "checkpoint").write_text(own)
    for path in (folder / "checkpoints").iterdir():
        path.write_text(own)
    code, said = verified()
    assert (code, "not cosigned as the policy asks" in said) == (1, True), said


def test_without_a_quorum_nothing_is_shown_and_asking_again_makes_it_good(
    foundation: Foundation, tmp_path: Path
) -> None:
    keys = {name: witness_key(tmp_path / name, name) for name in ("a", "b")}
    foundation.give("D1")
    with serving(tmp_path / "a") as a:
        closed = "http://127.0.0.1:9"
        by = policy("all", a=(keys["a"], a), b=(keys["b"], closed))
        with pytest.raises(NoQuorum, match=r"there: a\).*b: no answer"):
            foundation.log(by).publish()
        assert foundation.shown() is None
        with pytest.raises(NoQuorum):
            foundation.log(by).receipt(1)
        assert foundation.log(policy("1", a=(keys["a"], a), b=(keys["b"], closed))).publish().size > 0
        with serving(tmp_path / "b") as b:
            foundation.give("D2")
            head = foundation.log(policy("all", a=(keys["a"], a), b=(keys["b"], b))).publish()
    shown = foundation.shown()
    assert shown is not None
    assert by.open(shown) == head


def test_a_witness_that_saw_more_than_the_log_has_does_not_sign_a_shorter_one(
    foundation: Foundation, tmp_path: Path
) -> None:
    key = witness_key(tmp_path / "a", "a")
    foundation.give("D1")
    with serving(tmp_path / "a") as a:
        by = policy("all", a=(key, a))
        foundation.log(by).publish()
        foundation.give("D2")
        foundation.log(by).publish()
        # The foundation sets its database back, and loses what it kept of its heads; the witness does not.
        with foundation.ledger.database.owner() as owner:
            owner.execute("set session_replication_role = replica")
            owner.execute("delete from entry where seq = (select max(seq) from entry)")
            owner.execute("update head set size = size - 1, leaf = (select leaf from entry order by seq desc limit 1)")
        shutil.rmtree(tmp_path / "heads")
        shutil.rmtree(tmp_path / "log")
        with pytest.raises(NoQuorum, match="it has signed a head of"):
            foundation.log(by).publish()


def test_cosignatures_are_asked_for_anew_when_they_are_old(foundation: Foundation, tmp_path: Path) -> None:
    key = witness_key(tmp_path / "a", "a")
    foundation.give("D1")
    with serving(tmp_path / "a") as a:
        by = policy("all", a=(key, a))
        asked: list[str] = []

        def post(url: str, body: bytes) -> tuple[int, bytes]:
            asked.append(url)
            return http_post(url, body)

        foundation.log(by, post).publish()
        first = len(asked)
        foundation.log(by, post).publish()
        assert len(asked) == first
        foundation.clock.now += 13 * 3600
        foundation.log(by, post).publish()
        assert len(asked) > first


def test_over_http_the_answers_have_the_codes_of_the_protocol(tmp_path: Path) -> None:
    witness_key(tmp_path / "a", "a")
    with serving(tmp_path / "a") as a:
        assert http_post(f"{a}/add-checkpoint", b"")[0] == 400
        assert http_post(f"{a}/add-checkpoint", b"x" * 300_000)[0] == 413
        assert http_post(f"{a}/nothing", b"")[0] == 404
        other = request_body(
            0, [], b"other.example.org/o\n1\n" + b"A" * 43 + b"=\n\n" + "— o ".encode() + b"AAAAAAA=\n"
        )
        assert http_post(f"{a}/add-checkpoint", other)[0] == 404


def test_the_commands_make_a_witness_that_needs_no_ledger(fenhao: Fenhao) -> None:
    made = json.loads(fenhao("witness", "init", "--name", "w.example.org/w", "--json").stdout)
    assert Verifier.parse(made["key"], COSIGNATURE).name == "w.example.org/w"
    assert json.loads(fenhao("witness", "init", "--name", "w.example.org/w", "--json").stdout) == made
    assert fenhao("witness", "init", "--name", "another.example.org/w").exit_code == 2
    assert json.loads(fenhao("witness", "add-log", str(SIGNER.verifier), "--json").stdout)["logs"]
    refused = fenhao("witness", "add-log", "no key")
    assert (refused.exit_code, "fenhao key show" in refused.output) == (2, True)
    told = json.loads(fenhao("witness", "status", "--json").stdout)
    assert told == {"key": made["key"], "logs": {ORIGIN: 0}, "evidence": []}


def test_a_witness_key_is_read_and_kept_as_the_logs_is(fenhao: Fenhao, tmp_path: Path) -> None:
    """Under a passphrase from a file, or from another; open to others, or without its passphrase, it signs nothing."""
    first, second = tmp_path / "first", tmp_path / "second"
    for file in (first, second):
        file.write_text(f"a long passphrase, {file.name}\n")
        file.chmod(0o600)
    given = {"FENHAO_WITNESS_PASSPHRASE_FILE": str(first)}
    made = json.loads(fenhao("witness", "init", "--name", "w.example.org/w", "--json", **given).stdout)
    [path] = (tmp_path / "home" / "witness").glob("key-*.pem")
    assert "ENCRYPTED" in path.read_text()
    assert (result := fenhao("witness", "status")).exit_code == 2
    assert "FENHAO_WITNESS_PASSPHRASE_FILE" in result.stderr
    assert fenhao("witness", "passphrase", "--new", str(second), **given).exit_code == 0
    assert "the passphrase is wrong" in fenhao("witness", "serve", "--lang", "en", **given).stderr
    given["FENHAO_WITNESS_PASSPHRASE_FILE"] = str(second)
    assert json.loads(fenhao("witness", "status", "--json", **given).stdout)["key"] == made["key"]
    assert fenhao("witness", "passphrase", "--remove", **given).exit_code == 0
    path.chmod(0o644)
    assert "chmod 600" in fenhao("witness", "status").stderr


@pytest.mark.parametrize("words", [("status",), ("add-log", "x"), ("serve",)])
def test_without_a_key_a_witness_says_what_to_do(fenhao: Fenhao, words: tuple[str, ...]) -> None:
    result = fenhao("witness", *words)
    assert (result.exit_code, "fenhao witness init" in result.output) == (2, True)


def published(log: Log) -> Checkpoint:
    """The head once the witness has started to answer."""
    for _ in range(50):
        try:
            return log.publish()
        except NoQuorum as error:
            if "no answer" not in str(error):
                raise
            time.sleep(0.1)
    raise AssertionError("the witness does not answer")


AICS = shutil.which("aics-witness")


@pytest.mark.skipif(AICS is None, reason="aics-witness (PyPI, Python 3.12) is not installed on this machine")
def test_a_witness_of_others_signs_our_heads(foundation: Foundation, tmp_path: Path) -> None:
    assert AICS is not None
    config = str(tmp_path / "witness.json")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def run(*words: str) -> str:
        return subprocess.run([AICS, *words, "--config", config], check=True, capture_output=True, text=True).stdout

    made = run("init", "--name", "aics.example.org/w")
    key = next(word for word in made.split() if word.startswith("aics.example.org/w+"))
    run("add-log", "--origin", ORIGIN, "--vkey", str(SIGNER.verifier))
    with subprocess.Popen([AICS, "serve", "--config", config, "--listen", f"127.0.0.1:{port}"]) as process:
        try:
            by = policy("all", aics=(Verifier.parse(key, COSIGNATURE), f"http://127.0.0.1:{port}"))
            for names in (["D1"], ["D2", "D3"], [f"E{n}" for n in range(300)]):
                foundation.give(*names)
                head = published(foundation.log(by))
                shown = foundation.shown()
                assert shown is not None
                assert by.open(shown) == head
        finally:
            process.terminate()
