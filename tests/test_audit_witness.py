"""A witness signs only what continues what it signed before, and keeps the proof where something does not."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from asked import request_body
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import COSIGNATURE, Checkpoint, KeySigner, Note, signature_line
from audit.heads import FileHeads
from audit.merkle import EMPTY_ROOT, Frontier, leaf_hash, node_hash, prove_consistency
from audit.witness import Answer, ClockWentBack, Witness

SIGNER = KeySigner("log.example.org/l", Ed25519PrivateKey.from_private_bytes(b"l" * 32))
STRANGER = KeySigner("other.example.org/o", Ed25519PrivateKey.from_private_bytes(b"o" * 32))
OWN = KeySigner("w.example.org/w", Ed25519PrivateKey.from_private_bytes(b"w" * 32), COSIGNATURE)
NOW = 1_700_000_000


class History:
    """A log of so many made-up entries; another `salt` is another history."""

    def __init__(self, salt: str = "") -> None:
        self.leaves = [leaf_hash(f"{salt}{n}".encode()) for n in range(40)]

    def head(self, size: int) -> Checkpoint:
        tree = Frontier()
        for leaf in self.leaves[:size]:
            tree.append(leaf)
        return Checkpoint(SIGNER.name, size, tree.root())

    def asked(self, old: int, size: int) -> bytes:
        """A request as an honest log makes it."""
        proof = prove_consistency(old, size, self._read)
        return request_body(old, [b64encode(value).decode() for value in proof], self.head(size).signed(SIGNER))

    def _read(self, nodes: Sequence[tuple[int, int]]) -> list[bytes]:
        def one(level: int, n: int) -> bytes:
            return self.leaves[n] if level == 0 else node_hash(one(level - 1, 2 * n), one(level - 1, 2 * n + 1))

        return [one(*node) for node in nodes]


TRUE, FALSE = History(), History("other ")


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(tmp_path: Path, clock: Clock) -> Callable[[], Witness]:
    """The witness of this folder, as after a start."""
    logs = {SIGNER.name: [SIGNER.verifier]}
    return lambda: Witness(OWN, logs, partial(FileHeads, tmp_path / "heads"), tmp_path / "evidence", clock)


def evidence(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((folder / "evidence").glob("*"))]


def test_what_continues_what_was_signed_is_cosigned_with_the_time(make: Callable[[], Witness], clock: Clock) -> None:
    for old, size in [(0, 1), (1, 1), (1, 7), (7, 8), (8, 33), (33, 33)]:
        clock.now += 1
        answer = make().add_checkpoint(TRUE.asked(old, size))
        assert answer.status == 200
        signed = Note.parse(TRUE.head(size).text() + b"\n" + answer.body)
        assert signed.signers([OWN.verifier]) == [OWN.verifier]
        assert int.from_bytes(signed.signatures[0].value[:8], "big") == clock.now


def test_anybody_may_read_the_newest_head_with_both_signatures(make: Callable[[], Witness]) -> None:
    witness, address = make(), sha256(SIGNER.name.encode()).hexdigest()
    assert witness.checkpoint(address).status == 404
    witness.add_checkpoint(TRUE.asked(0, 5))
    answer = make().checkpoint(address)
    assert answer.status == 200
    assert Note.parse(answer.body).signers([SIGNER.verifier, OWN.verifier]) == [SIGNER.verifier, OWN.verifier]
    assert witness.checkpoint("0" * 64).status == 404


def refusals() -> list[tuple[str, bytes, int, bytes]]:
    """(what it is, the request after a head of 5 was signed, status, what the body holds)."""
    honest = TRUE.asked(5, 9)
    lines = honest.split(b"\n")
    stranger = Checkpoint(STRANGER.name, 9, b"r" * 32).signed(STRANGER)
    foreign = Checkpoint(SIGNER.name, 9, TRUE.head(9).root).signed(STRANGER)
    wrong = TRUE.head(9).text() + f"\n{signature_line(SIGNER.verifier, bytes(64))}\n".encode()
    return [
        ("a fork", FALSE.asked(5, 9), 422, b"does not lead"),
        ("another root of the same size", FALSE.asked(5, 5), 422, b""),
        ("a proof that was tampered with", honest.replace(lines[1], b64encode(b"x" * 32)), 422, b"does not lead"),
        ("a proof that is too short", honest.replace(lines[1] + b"\n", b""), 422, b"hashes"),
        ("the state before", TRUE.asked(3, 9), 409, b"5\n"),
        ("as if for the first time", TRUE.asked(0, 9), 409, b"5\n"),
        ("a roll-back", TRUE.asked(3, 4), 409, b"5\n"),
        ("a roll-back that says what was signed", request_body(5, [], TRUE.head(4).signed(SIGNER)), 400, b"above"),
        ("another log", request_body(0, [], stranger), 404, b"not known"),
        ("a key that is not the log's", request_body(5, [], foreign), 403, b"no known key"),
        ("a signature that is wrong", request_body(5, [], wrong), 403, b"is wrong"),
        ("an old size with a zero before it", honest.replace(b"old 5", b"old 05"), 400, b"not old and a number"),
        ("no old size", honest.replace(b"old 5\n", b""), 400, b"not old and a number"),
        ("a proof line that is no hash", honest.replace(lines[1], b"AAAA"), 400, b"32 bytes"),
        ("too many proof lines", honest.replace(b"old 5\n", b"old 5\n" + 64 * (lines[1] + b"\n")), 400, b"63 at most"),
        ("nothing", b"", 400, b""),
        ("a picture", b"\xff\xd8\xff\xe0" * 100, 400, b""),
        ("CRLF", honest.replace(b"\n", b"\r\n"), 400, b""),
    ]


@pytest.mark.parametrize(
    ("body", "status", "said"), [row[1:] for row in refusals()], ids=[row[0] for row in refusals()]
)
def test_what_does_not_continue_it_is_refused_and_nothing_changes(
    make: Callable[[], Witness], tmp_path: Path, body: bytes, status: int, said: bytes
) -> None:
    make().add_checkpoint(TRUE.asked(0, 5))
    before = make().checkpoint(sha256(SIGNER.name.encode()).hexdigest())
    answer = make().add_checkpoint(body)
    assert answer.status == status
    assert said in answer.body
    assert answer.content_type == ("text/x.tlog.size" if status == 409 else "text/plain; charset=utf-8")
    assert make().checkpoint(sha256(SIGNER.name.encode()).hexdigest()) == before
    assert evidence(tmp_path) == ([body] if status == 422 else [])


def test_two_heads_of_one_size_are_evidence_even_where_the_old_size_is_wrong(
    make: Callable[[], Witness], tmp_path: Path
) -> None:
    make().add_checkpoint(TRUE.asked(0, 5))
    assert make().add_checkpoint(FALSE.asked(0, 5)).status == 409
    assert evidence(tmp_path) == [FALSE.asked(0, 5)]


def test_an_empty_log_has_the_empty_root(make: Callable[[], Witness]) -> None:
    empty = Checkpoint(SIGNER.name, 0, EMPTY_ROOT)
    assert make().add_checkpoint(request_body(0, [], empty.signed(SIGNER))).status == 200
    other = Checkpoint(SIGNER.name, 0, b"r" * 32)
    assert make().add_checkpoint(request_body(0, [], other.signed(SIGNER))).status == 422
    proof = [b64encode(b"x" * 32).decode()]
    assert make().add_checkpoint(request_body(0, proof, TRUE.head(3).signed(SIGNER))).status == 422


def test_of_many_requests_at_once_none_rolls_it_back(make: Callable[[], Witness]) -> None:
    make().add_checkpoint(TRUE.asked(0, 5))
    answers: list[tuple[int, Answer]] = []
    threads = [
        threading.Thread(target=lambda size=size: answers.append((size, make().add_checkpoint(TRUE.asked(5, size)))))
        for size in range(6, 26)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [size for size, answer in answers if answer.status == 200]
    assert len(won) == 1
    assert {answer.body for _, answer in answers if answer.status == 409} == {b"%d\n" % won[0]}
    assert len(answers) == 20


def test_a_clock_that_went_back_signs_nothing(make: Callable[[], Witness], clock: Clock) -> None:
    make().add_checkpoint(TRUE.asked(0, 5))
    clock.now -= 1
    with pytest.raises(ClockWentBack):
        make().add_checkpoint(TRUE.asked(5, 6))
    clock.now += 1
    assert make().add_checkpoint(TRUE.asked(5, 6)).status == 200
