"""The log among its witnesses: it asks each to sign its newest head, and shows none that too few have signed.

A head is signed history before any witness sees it (`audit.log` keeps it first), so whatever fails here is made good by
asking again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from audit.checkpoint import MAX_NOTE_BYTES, BadNote, Checkpoint, Note, note_of
from audit.policy import Peer, Policy
from audit.proof import Continuation
from ledger.errors import OperatorFault

REFRESH_AFTER_S = 12 * 3600
"""A cosignature older than this is asked for anew when the log is published, so that readers see it is looked after."""
TIMEOUT_S = 10
MAX_TRIES = 3
"""A witness that is further or less far than thought says so, and is asked again from there."""

Post = Callable[[str, bytes], tuple[int, bytes]]
"""Posts a body to a URL; the status and the answer's body. Raises OSError when nothing comes back."""
Prove = Callable[[int, int], Sequence[bytes]]
"""The consistency proof from an older size of this log to a newer one."""


class NoQuorum(OperatorFault):
    """Too few witnesses signed; the head is kept and not shown."""

    code = "no_quorum"
    zh = "见证方签名不足（需 {quorum}，已有 {signed}）：{reasons}。日志头已签署并保存，尚未公布；稍后重新运行即可"
    en = (
        "too few witnesses signed (asked for: {quorum}; there: {signed}): {reasons}. The head is signed and kept and "
        "not shown yet; run the same again later"
    )


class Unwilling(Exception):
    """A witness did not sign; the message says why."""


class Peers:
    """The witnesses of one log, by its policy. `now` gives whole seconds since 1970."""

    def __init__(self, policy: Policy, post: Post, now: Callable[[], int]) -> None:
        self.policy, self._post, self._now = policy, post, now
        self._sizes: dict[str, int] = {}
        self._reasons: dict[str, str] = {}

    def attest(self, note: bytes, prove: Prove) -> bytes:
        """The note with what the witnesses that can be asked add to it; those that don't are passed over here."""
        fresh = self._now() - REFRESH_AFTER_S
        parsed = Note.parse(note)
        times = self.policy.witnessed(parsed)
        asked = {name: peer for name, peer in self.policy.witnesses.items() if peer.url and times.get(name, 0) < fresh}
        self._reasons = {name: "no url" for name, peer in self.policy.witnesses.items() if not peer.url}
        if not asked:
            return note
        with ThreadPoolExecutor(len(asked)) as callers:
            found = {name: callers.submit(self._ask, name, peer, note, prove) for name, peer in asked.items()}
        for name, answer in found.items():
            try:
                note = _signed_by(note, self.policy.witnesses[name], answer.result())
            except Unwilling as reason:
                self._reasons[name] = str(reason)
        return note

    def require_quorum(self, note: bytes) -> None:
        """Raises NoQuorum unless enough witnesses signed the note."""
        signed = self.policy.witnessed(Note.parse(note))
        if not self.policy.is_met(signed):
            reasons = [f"{name}: {why}" for name, why in sorted(self._reasons.items())]
            raise NoQuorum(quorum=self.policy.quorum, signed=sorted(signed), reasons=reasons)

    def _ask(self, name: str, peer: Peer, note: bytes, prove: Prove) -> bytes:
        """The signature lines that a witness answers with. Raises Unwilling."""
        size = Checkpoint.parse(Note.parse(note).text).size
        for _ in range(MAX_TRIES):
            old = self._sizes.get(name, 0)
            asked = Continuation(old, tuple(prove(old, size)) if old else (), note)
            try:
                status, answer = self._post(f"{peer.url.rstrip('/')}/add-checkpoint", asked.text())
            except OSError as error:
                raise Unwilling(f"no answer ({error})") from error
            if status == 200:
                self._sizes[name] = size
                return answer
            if status != 409:
                raise Unwilling(f"{status} {answer[:200].decode(errors='replace').strip()}")
            told = answer.strip()
            if not told.isdigit() or len(told) > 19:
                raise Unwilling("409 without a size")
            self._sizes[name] = int(told)
            if int(told) > size:
                raise Unwilling(f"it has signed a head of {int(told)} entries, and this one has {size}")
        raise Unwilling("it tells another size each time")


def _signed_by(note: bytes, peer: Peer, lines: bytes) -> bytes:
    """The note with the witness's new signature in the place of an older one. Raises Unwilling when there is none."""
    parsed = Note.parse(note)
    try:
        given = Note.parse(parsed.text + b"\n" + lines).signatures
    except BadNote as fault:
        raise Unwilling(f"what it answered is no signature: {fault}") from fault
    own = [one for one in given if one.is_of(peer.key)]
    if not own or not peer.key.holds(parsed.text, own[0].value):
        raise Unwilling("it answered without a signature of its key")
    kept = [one.line() for one in parsed.signatures if not one.is_of(peer.key)]
    return note_of(parsed.text, [*kept, own[0].line()])


def http_post(url: str, body: bytes, content_type: str = "text/plain") -> tuple[int, bytes]:
    """`Post` by HTTP or HTTPS. Raises OSError."""
    import urllib.error  # only for those who ask witnesses
    import urllib.request
    from http.client import HTTPException

    if not url.startswith(("http://", "https://")):
        raise OSError(f"{url[:80]} is no http address")
    try:
        request = urllib.request.Request(url, body, {"Content-Type": content_type})  # noqa: S310 - checked above
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - the same
            return answer.status, answer.read(MAX_NOTE_BYTES)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read(MAX_NOTE_BYTES)
    except (HTTPException, ValueError) as error:  # what answers speaks no HTTP, or the address is none
        raise OSError(str(error)) from error
