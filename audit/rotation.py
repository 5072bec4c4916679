"""The log's key is changed 更换密钥: one line of steps, each of which may be cut off and is taken up by the next run.

1. A new key is made, and lasts.                      Cut off after it: the next run finds it, and makes no other.
2. `KeyRotated` is recorded, at entry n.              Cut off after it: whoever signs next goes on.
3. Size n + 1 is signed by both keys, then the log    Cut off anywhere: the log goes on from what was signed last;
   as it is by the new one alone.                     it never passes over n + 1.
4. The old key is put away.                           Cut off before it: the next run puts it away, and stops there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from audit.checkpoint import Verifier
from audit.keys import LogKeys
from audit.log import Log, SignedMeanwhile
from ledger.decisions import RotateKey
from ledger.decisions.keys import possession_text
from ledger.writing import Writer

TRIES = 5


class Rotation(NamedTuple):
    """The log's key from now on, the entry that names it, the size that both keys signed; whether an earlier rotation
    was ended rather than a new one begun."""

    key: Verifier
    seq: int
    resumed: bool


def rotate(log: Log, writer: Writer, keys: LogKeys, **common: Any) -> Rotation:
    """Changes the log's key, or ends a change that was cut off. `common` are members that any command may have.

    Raises what the log, the writer and the keys raise; asked again it goes on.
    """
    resumed = _finish(log, keys)
    if not resumed:
        new = keys.make(log.history().keys)
        shown = keys.signer(new).sign(possession_text(str(new))).hex()
        writer.submit(RotateKey(key=f"key/{new.id.hex()}", verifier_key=str(new), possession=shown, **common))
        _finish(log, keys)
    size, key = log.history().changes[-1]
    return Rotation(key, size - 1, resumed)


def _finish(log: Log, keys: LogKeys) -> bool:
    """Signs the log as it is, and puts away what signs no more; whether a change of keys was under way."""
    signed, history = log.checkpoint(), log.history()
    under_way = len(history.changes) > 1 and (signed.size if signed else 0) < history.changes[-1][0]
    for left in reversed(range(TRIES)):
        try:
            log.publish()
            break
        except SignedMeanwhile:
            if not left:
                raise
    # From here on no size is left that an old key would sign.
    retired = [keys.retire(key) for key in history.keys[:-1]]
    return under_way or any(retired)
