"""The same entries in a tree of the national hash, SM3 国密 (GB/T 32905), signed beside the log.

sm3/root      the ledger's name with /sm3, size, SM3 root, then the log's name and SHA-256 root; a C2SP signed note
sm3/policy    whose signature counts on it: the log's key under that name
"""

from __future__ import annotations

from audit.checkpoint import Checkpoint
from audit.log import Log, LogFault, Progress
from audit.merkle import Frontier, leaf_hash
from audit.policy import NONE, Peer, Policy
from audit.verify import Sm3Tree, sm3_origin, sm3_text, split
from ledger.journal import Journal, bundles_of

PER_READ = 256


def sm3_files(
    journal: Journal, log: Log, head: Checkpoint, progress: Progress = lambda done, size: None
) -> dict[str, bytes]:
    """The files, by their paths in an export, over the entries under a signed head.

    Raises LogFault when the entries do not come to that head: nothing is signed over others.
    """
    national, tree = Sm3Tree(), Frontier()
    with journal.entries.reading() as cursor:
        for data in bundles_of(cursor, 0, head.size, PER_READ):
            for entry in split(data):
                national.add(entry)
                tree.append(leaf_hash(entry))
            progress(tree.size, head.size)
    if (tree.size, tree.root()) != (head.size, head.root):
        raise LogFault(reason="the entries do not come to the head that was signed")
    text = sm3_text(head.origin, head.size, national.root(), head.root)
    note, keys = log.sign_beside(sm3_origin(head.origin), head.size, text)
    return {"sm3/root": note, "sm3/policy": Policy([Peer(key) for key in keys], quorum=NONE).text()}
