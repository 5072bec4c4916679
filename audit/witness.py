"""A witness: vouches that the logs it watches only grow (C2SP tlog-witness, cosignature/v1).

It keeps one head for each log and signs a newer one when that is proved to continue it. What it has signed is on disk
before it is said, and two requests at once cannot roll it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from audit.checkpoint import (
    BadNote,
    Checkpoint,
    Note,
    Signer,
    Verifier,
    cosigned_text,
    note_of,
    signature_line,
)
from audit.files import write_whole
from audit.heads import Heads, Kept
from audit.merkle import EMPTY_ROOT, BadProof, check_consistency
from audit.proof import BadReceipt, Continuation
from ledger.errors import OperatorFault

MAX_BODY_BYTES = 256 * 1024
MAX_PROOF_LINES = 63
PLAIN, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"


class ClockWentBack(OperatorFault):
    """The clock is behind the newest cosignature; signing would say something that is not so."""

    code = "clock_went_back"
    zh = "见证方的时钟早于上次签名时间，请先校准时钟"
    en = "the witness's clock is behind its newest signature: set the clock right"


@dataclass(frozen=True, slots=True)
class Request:
    """What add-checkpoint is asked: the size that the witness is thought to have, the proof from it, and the note."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    head: Checkpoint

    @classmethod
    def parse(cls, body: bytes) -> Request:
        """Raises BadNote."""
        try:
            asked = Continuation.parse(body)
        except BadReceipt as fault:
            raise BadNote(str(fault)) from fault
        if len(asked.path) > MAX_PROOF_LINES:
            raise BadNote(f"{len(asked.path)} proof lines ({MAX_PROOF_LINES} at most)")
        note = Note.parse(asked.checkpoint)
        return cls(asked.old, asked.path, note, Checkpoint.parse(note.text))


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over HTTP."""

    status: HTTPStatus
    body: bytes
    content_type: str = PLAIN


class Witness:
    """One witness: its key, the logs it knows by origin with their keys, and where it keeps what it signed.

    `now` gives whole seconds since 1970. `evidence` is a folder for requests that a known log signed and that do not
    continue what it had signed before: proof of two histories, kept once each.
    """

    def __init__(
        self,
        signer: Signer,
        logs: Mapping[str, Sequence[Verifier]],
        heads: Callable[[str], Heads],
        evidence: Path,
        now: Callable[[], int],
    ) -> None:
        self._signer, self._logs, self._heads, self._evidence, self._now = signer, logs, heads, evidence, now
        self._origins = {sha256(origin.encode()).hexdigest(): origin for origin in logs}

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answers `POST /add-checkpoint`. Raises HeadsFault and ClockWentBack, with nothing signed."""
        try:
            request = Request.parse(body)
        except BadNote as fault:
            return _refused(HTTPStatus.BAD_REQUEST, fault)
        head, known = request.head, self._logs.get(request.head.origin)
        if known is None:
            return _refused(HTTPStatus.NOT_FOUND, f"the log {head.origin[:80]} is not known here")
        try:
            signed = request.note.signers(known)
        except BadNote as fault:
            return _refused(HTTPStatus.FORBIDDEN, fault)
        if request.old > head.size:
            return _refused(HTTPStatus.BAD_REQUEST, f"old size {request.old} is above the checkpoint's {head.size}")
        heads = self._heads(head.origin)
        while True:
            kept = heads.read()
            latest = _latest(kept, head.origin)
            if request.old != latest.size:
                if latest.size == head.size and latest.root != head.root:
                    self._keep_evidence(body)
                return Answer(HTTPStatus.CONFLICT, b"%d\n" % latest.size, SIZE)
            try:
                _check(request, latest)
            except BadProof as fault:
                self._keep_evidence(body)
                return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, fault)
            line = self._cosign(request.note.text, kept)
            theirs = [each.line() for each in request.note.signatures if any(each.is_of(key) for key in signed)]
            after = note_of(request.note.text, [*theirs, line]).decode()
            if heads.swap(kept, replace(kept or Kept(head.origin), size=head.size, checkpoint=after)):
                return Answer(HTTPStatus.OK, f"{line}\n".encode())

    def checkpoint(self, origin_hash: str) -> Answer:
        """Answers `GET /<hex SHA-256 of the origin>/checkpoint`: the newest head that was signed here."""
        origin = self._origins.get(origin_hash)
        kept = None if origin is None else self._heads(origin).read()
        if kept is None:
            return _refused(HTTPStatus.NOT_FOUND, "no checkpoint of that log was signed here")
        return Answer(HTTPStatus.OK, kept.checkpoint.encode())

    def _cosign(self, text: bytes, kept: Kept | None) -> str:
        now, own = self._now(), self._signer.verifier
        before = [] if kept is None else Note.parse(kept.checkpoint.encode()).signatures
        if any(each.key_id == own.id and int.from_bytes(each.value[:8], "big") > now for each in before):
            raise ClockWentBack()
        return signature_line(own, now.to_bytes(8, "big") + self._signer.sign(cosigned_text(text, now)))

    def _keep_evidence(self, body: bytes) -> None:
        path = self._evidence / f"{sha256(body).hexdigest()}.txt"
        if not path.exists():
            write_whole(path, body)


def _check(request: Request, latest: Checkpoint) -> None:
    """Raises BadProof unless the head continues the latest one."""
    head = request.head
    if head.size == 0 and head.root != EMPTY_ROOT:
        raise BadProof("the root of an empty log is the hash of nothing")
    if request.old == 0:
        if request.proof:
            raise BadProof("a proof from size 0 is empty")
        if head.size:
            return
    check_consistency(request.old, head.size, latest.root, head.root, request.proof)


def _latest(kept: Kept | None, origin: str) -> Checkpoint:
    """The head that was signed last; the empty one before the first."""
    if kept is None:
        return Checkpoint(origin, 0, EMPTY_ROOT)
    return Checkpoint.parse(Note.parse(kept.checkpoint.encode()).text)


def _refused(status: HTTPStatus, why: object) -> Answer:
    return Answer(status, f"{why}\n".encode())
