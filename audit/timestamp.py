"""Time-stamps 时间戳 (RFC 3161): an authority outside the foundation says that a head of the log was there, and when.

    timestamps/<size>-<time>.checkpoint   just the bytes that were stamped: the head as it was shown
    timestamps/<size>-<time>.tsr          the authority's answer; the stamp is there once this is
    timestamps/roots.pem                  the roots of all authorities that were ever asked

A head is stamped at once, so a stamp bounds on both sides: what is under the head was recorded before it, and what
comes after the head no more than a few minutes earlier. A stamp that could not bound so is not kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from audit import verify
from audit.checkpoint import Checkpoint, Note
from audit.files import flush_folder, write_whole
from audit.log import Log, Progress
from audit.peers import Post, http_post
from ledger.errors import OperatorFault
from ledger.times import Clock

FOLDER, ROOTS = "timestamps", "roots.pem"
MAX_DELAY = timedelta(minutes=5)
"""Between asking for the head and the time on the stamp. The verifier grants entries twice as much."""

post = partial(http_post, content_type="application/timestamp-query")


class StampFault(OperatorFault):
    """No stamp was had, or one that would not hold; nothing was kept."""

    code = "timestamp"
    zh = "未取得时间戳：{reason_zh}。日志头已签署，未受影响；排除后重新运行即可"
    en = "no time-stamp was had: {reason}. The head is signed all the same; set this right and run it again"


@dataclass(frozen=True, slots=True)
class Authority:
    """Whom to ask (an http or https URL), and the root certificates (PEM) that its answers must lead to.

    `post` carries a request there (`application/timestamp-query`) and brings the status and the answer back.
    """

    url: str
    roots: bytes
    post: Post = post

    def ask(self, data: bytes) -> bytes:
        """The authority's answer over these bytes, checked. Raises StampFault."""
        from cryptography.x509 import load_pem_x509_certificates
        from rfc3161_client import (
            HashAlgorithm,
            TimestampRequestBuilder,
            VerificationError,
            VerifierBuilder,
            decode_timestamp_response,
        )

        request = TimestampRequestBuilder(data, HashAlgorithm.SHA256, nonce=True, cert_req=True).build()
        try:
            status, answer = self.post(self.url, request.as_bytes())
        except OSError as error:
            raise StampFault(reason=f"no answer ({error})", reason_zh=f"时间戳机构无应答（{error}）") from error
        if status != 200:
            raise StampFault(reason=f"the authority answers {status}", reason_zh=f"时间戳机构返回 {status}")
        verifier = VerifierBuilder.from_request(request)
        try:
            for root in load_pem_x509_certificates(self.roots):
                verifier = verifier.add_root_certificate(root)
            verifier.build().verify_message(decode_timestamp_response(answer), data)
        except (VerificationError, ValueError) as error:
            raise StampFault(reason=f"its answer does not hold: {error}", reason_zh=f"其应答不成立：{error}") from error
        return answer


@dataclass(frozen=True, slots=True)
class Stamped:
    """A head with the time that an authority put on it, and the file that holds its answer."""

    head: Checkpoint
    at: datetime
    path: Path


def stamp(
    log: Log, folder: Path, authority: Authority, now: Clock, progress: Progress = lambda done, size: None
) -> Stamped:
    """Publishes the log, whose files are in `folder`, and has the head that is shown then stamped.

    Raises StampFault, and what `Log.publish` raises.
    """
    started = now()
    log.publish(progress)
    note = (folder / "checkpoint").read_bytes()
    answer = authority.ask(note)
    _write_roots(folder / FOLDER / ROOTS, authority.roots)
    at = _checked(folder, note, answer)
    head = Checkpoint.parse(Note.parse(note).text)
    if abs(at - started) > MAX_DELAY:
        raise StampFault(
            reason=f"it says {verify.shown_time(at)}, the head was asked for at {verify.shown_time(started)}; these "
            "may be 5 minutes apart (is the clock right?)",
            reason_zh=f"其时间为 {verify.shown_time(at)}，而日志头取自 {verify.shown_time(started)}，"
            "相差不得超过 5 分钟（请检查本机时钟）",
        )
    if (last := log.recorded_at(head.size - 1)) > at + verify.AHEAD:
        raise StampFault(
            reason=f"the last entry says {verify.shown_time(last)}, later than the stamp: this machine's clock is fast",
            reason_zh=f"最后一条分录的登记时间为 {verify.shown_time(last)}，晚于时间戳：本机时钟偏快",
        )
    path = folder / FOLDER / f"{head.size}-{at:%Y%m%dT%H%M%S.%fZ}.tsr"
    if not path.exists():  # another of the same head and moment says the same
        # The answer last: cut off before it, there is a file that no stamp belongs to, and exports leave it out.
        write_whole(path.with_suffix(".checkpoint"), note)
        write_whole(path, answer)
        flush_folder(path.parent)
    return Stamped(head, at, path)


def _checked(folder: Path, note: bytes, answer: bytes) -> datetime:
    """The time on an answer, which the stand-alone verifier will accept too. Raises StampFault."""
    try:
        token = verify.read_token(answer)
        verify.check_token(token, note, verify.read_roots(folder / FOLDER / ROOTS))
    except verify.Flaw as flaw:
        reason = f"verify.py could not read the answer: {flaw}"
        raise StampFault(reason=reason, reason_zh=f"verify.py 无法读取其应答（{flaw}）") from flaw
    except verify.Told as fault:
        reason = f"verify.py would refuse it: {fault.en}"
        raise StampFault(reason=reason, reason_zh=f"verify.py 不会接受：{fault.zh}") from fault
    return token.at


def _write_roots(path: Path, roots: bytes) -> None:
    """Those of the authority join those of earlier ones."""
    known = path.read_bytes() if path.exists() else b""
    if roots.strip() not in known:
        write_whole(path, known + roots.strip() + b"\n")


def files_of(folder: Path, size: int) -> Iterator[tuple[str, bytes]]:
    """What an export of a log takes along: the stamps on heads up to that size, and the roots, by their paths."""
    for path in stamp_files(folder, size):
        yield f"{FOLDER}/{path.name}", path.read_bytes()


def stamp_files(folder: Path, size: int) -> list[Path]:
    """The files of the stamps on heads up to that size that a log keeps, with the roots where there are any."""
    stamps = [path for path in (folder / FOLDER).glob("*.tsr") if int(path.name.partition("-")[0]) <= size]
    found = [file for path in stamps for file in (path, path.with_suffix(".checkpoint"))]
    return [*found, folder / FOLDER / ROOTS] if found else []
