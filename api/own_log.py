"""This ledger's own log, for heads that somebody holds to be held against."""

from __future__ import annotations

from api.bootstrap import Fenhao, log_folder, log_of
from audit.gossip import KeysOf, Shelf
from audit.verify import Head, Key, read_key


def own_log(fenhao: Fenhao) -> tuple[KeysOf, Shelf]:
    """Whose signatures count on its heads, and its tree. Raises LogFault, and Unusable before the first head."""
    history, origin = log_of(fenhao).history(), fenhao.journal.entries.origin

    def in_force(head: Head) -> list[Key]:
        keys = history.of(head.size) if head.origin == origin else ()
        return [key for one in keys if (key := read_key(str(one))) is not None]

    return in_force, Shelf(log_folder(fenhao), in_force, whole=True)
