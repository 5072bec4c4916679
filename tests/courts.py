"""Who judges an attack: `verify.py` an export or a receipt, any C2SP client the served log, `fenhao` its own database.

A court has the deed done to a copy, and is then asked as often as one likes, each time anew.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

from attacks import Attack
from forging import Forgery, Key, leaf
from honest import ORIGIN, SIGNER, Honest

from audit import verify
from audit.checkpoint import BadNote, Checkpoint, open_checkpoint
from audit.gossip import Forked, Held, Shelf, compare
from audit.heads import FileHeads
from audit.keys import HeldKeys
from audit.log import Log
from audit.merkle import BadProof, check_consistency, prove_consistency, root
from audit.tiles import TileFault, Tiles
from ledger.codec import decode
from ledger.errors import OperatorFault
from projections.runner import Runner
from reports.confirmations import About, Reference, letter_flaws, letter_of, reference_of
from reports.sample_check import sample_flaws
from reports.sample_folder import Asked, Opened, manifest
from reports.sampling import Wanted, draw, facts_of
from reports.verification import verify_ledger

LOG_KEY = Key(ORIGIN, b"k" * 32)
"""The log's key, in the attackers' hands."""
POLICY = f"log {LOG_KEY}\nquorum none\n"
Verdict = tuple[int, list[str]]
"""An exit code, and what is wrong, in order; nothing with 0."""


class Court(Protocol):
    """Judges one forgery."""

    def judged(self) -> Verdict:
        """The verdict, worked out anew."""
        ...


def verified(*arguments: object) -> Verdict:
    """What `python verify.py --json` answers."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = verify.command(["--json", "--jobs", "1", *map(str, arguments)])
    found = json.loads(out.getvalue())
    if code == 2:
        return code, [found["en"]]
    return code, [f"{problem['seq']}: {problem['what']}" for problem in found["problems"]]


def forged(attack: Attack, export: Path, honest: Honest, folder: Path) -> Forgery:
    """The deed, done to a copy of an export; what the reader has besides lies in the folder."""
    forgery = Forgery.of(export, folder / "export", LOG_KEY)
    forgery.receipt, forgery.kept = honest.receipt, (honest.small / "checkpoint").read_bytes()
    forgery.policy = POLICY.encode()
    assert callable(attack.does)
    attack.does(forgery)
    (folder / "receipt").write_bytes(forgery.receipt)
    (folder / "kept").write_bytes(forgery.kept)
    (folder / "policy").write_bytes(forgery.policy)
    return forgery


class ExportCourt:
    """`verify.py` on an export, with the head or the key that the reader has from elsewhere if the row says so."""

    def __init__(self, attack: Attack, honest: Honest, folder: Path) -> None:
        forged(attack, honest.wide if attack.wide else honest.small, honest, folder)
        self._arguments: list[object] = [folder / "export"]
        self._arguments += ["--head", folder / "kept"] if attack.head else []
        self._arguments += ["--policy", folder / "policy"] if attack.policy else []

    def judged(self) -> Verdict:
        return verified(*self._arguments)


class ReceiptCourt:
    """`verify.py` on a receipt, with the key that the reader has from elsewhere."""

    def __init__(self, attack: Attack, honest: Honest, folder: Path) -> None:
        forged(attack, honest.small, honest, folder)
        self._arguments: list[object] = [folder / "receipt", "--policy", folder / "policy"]
        self._arguments += ["--head", folder / "kept"] if attack.head else []

    def judged(self) -> Verdict:
        return verified(*self._arguments)


class LogCourt:
    """A reader of the public files who keeps a head: is the new one signed, and does it continue the old one?"""

    def __init__(self, attack: Attack, honest: Honest, folder: Path) -> None:
        forged(attack, honest.wide, honest, folder)
        shutil.rmtree(folder / "export" / "tile" / "entries")
        self._folder, self._kept = folder / "export", honest.kept

    def judged(self) -> Verdict:
        try:
            kept = open_checkpoint(self._kept, ORIGIN, [SIGNER.verifier])
            head = open_checkpoint((self._folder / "checkpoint").read_bytes(), ORIGIN, [SIGNER.verifier])
            tiles = Tiles(self._folder).reader(head.size)
            proof = prove_consistency(min(kept.size, head.size), head.size, tiles)
            check_consistency(kept.size, head.size, kept.root, head.root, proof)
            reach_root(root(head.size, tiles), head.root)
        except (BadNote, BadProof, TileFault) as fault:
            return 1, [str(fault)]
        return 0, []


class HeadsCourt:
    """Who holds the head that somebody else was shown against an export, as `fenhao heads compare` does."""

    def __init__(self, attack: Attack, honest: Honest, folder: Path) -> None:
        forged(attack, honest.small, honest, folder)
        self._folder = folder

    def judged(self) -> Verdict:
        trusted = verify.policy_file(self._folder / "policy")

        def keys_of(head: verify.Head) -> list[verify.Key]:
            return trusted.logs_of(head.origin)

        shelf = Shelf(self._folder / "export", keys_of)
        try:
            compare(Held.read(self._folder / "kept", keys_of), shelf.newest, shelf)
            shelf.check(Held.read(self._folder / "kept", keys_of))
        except Forked as fault:
            return 1, [fault.say("en")]
        return 0, []


class SampleCourt:
    """Who holds a sample against an export, as `fenhao sample --check` does; the sample is in the receipt's place."""

    def __init__(self, attack: Attack, honest: Honest, folder: Path) -> None:
        head = verify.note_file(honest.small / "checkpoint")
        self._head, bodies = head, Forgery.of(honest.small, folder / "plain", LOG_KEY).bodies
        self._facts = lambda: facts_of(bodies)
        asked = Asked("mus", "seed", 12, Wanted(since="2026-01-01"), "auditor-1", "audit", "CNY", 2)
        drawn = draw(self._facts, asked.wanted, asked.method, asked.seed, asked.size)
        entries = {one.fact.seq: [decode(bodies[one.fact.seq])] for one in drawn.drawn}
        signed = Checkpoint(head.origin, head.size, head.root)
        members = manifest(asked, drawn, entries, Opened({}, {}), signed, b"")
        self._given = json.loads(done_to(attack, members, honest, folder))

    def judged(self) -> Verdict:
        found = [flaw.en for flaw in sample_flaws(self._given, self._facts, self._head)]
        return (1, found) if found else (0, [])


class LetterCourt:
    """Who has a confirmation letter checked, as `fenhao confirm check FILE` does; it is in the receipt's place."""

    def __init__(self, attack: Attack, honest: Honest, folder: Path) -> None:
        self._journal = honest.ledger.journal
        Runner(self._journal).catch_up()
        about = About("hospital", "H1", date(2026, 1, 1), date(2026, 2, 10))
        self._letter = letter_of(self._journal, honest.log.head_of(71), about)
        letter = {**self._letter, "reference": str(reference_of(self._letter))}
        self._given = json.loads(done_to(attack, letter, honest, folder))

    def judged(self) -> Verdict:
        members = {**self._given}
        reference = Reference.parse(members.pop("reference"))
        found = letter_of(self._journal, self._log_head(reference), reference.about)
        flaws = [flaw.en for flaw in letter_flaws(reference, members, found)]
        return (1, flaws) if flaws else (0, [])

    def _log_head(self, reference: Reference) -> Checkpoint:
        return Checkpoint(ORIGIN, reference.size, bytes.fromhex(self._letter["root"]))


def done_to(attack: Attack, members: dict[str, Any], honest: Honest, folder: Path) -> bytes:
    """The deed, done to a paper in the receipt's place."""
    forgery = Forgery.of(honest.small, folder / "export", LOG_KEY)
    forgery.receipt = json.dumps(members).encode()
    assert callable(attack.does)
    attack.does(forgery)
    return forgery.receipt


def reach_root(found: bytes, signed: bytes) -> None:
    """Raises BadProof unless the tiles come to the root that was signed."""
    if found != signed:
        raise BadProof("the tiles do not come to the signed root")


class DatabaseCourt:
    """`fenhao verify`, then `fenhao checkpoint`, on a database that somebody changed with all guards off.

    If the row says so, the log had come further when its head was kept outside the database.
    """

    def __init__(self, attack: Attack, honest: Honest, folder: Path) -> None:
        self._honest, self._folder, self._further = honest, folder, attack.head
        Runner(honest.ledger.journal).catch_up()
        if isinstance(attack.does, str):
            tamper(honest, attack.does)
        else:
            store(honest, forged(attack, honest.wide, honest, folder))
            Runner(honest.ledger.journal).rebuild()

    def judged(self) -> Verdict:
        journal = self._honest.ledger.journal
        found = verify_ledger(journal, Runner(journal), jobs=1).as_json()["problems"]
        if found:
            return 1, [f"{problem['seq']}: {problem['what']}" for problem in found]
        for name in ("log", "heads"):  # what is signed now shall not stay
            shutil.copytree(self._honest.folder.parent / name, self._folder / name, dirs_exist_ok=True)
        heads = FileHeads(self._folder / "heads", ORIGIN)
        if self._further and (kept := heads.read()):
            heads.swap(kept, kept.grown(kept.size + 3, bytes(32)))
        try:
            Log(journal, self._folder / "log", heads, HeldKeys(SIGNER)).publish()
        except OperatorFault as fault:
            return 2, [fault.say("en")]
        return 0, []


def tamper(honest: Honest, statements: str) -> None:
    """What a superuser does with triggers and foreign keys off."""
    with honest.ledger.database.owner() as owner, owner.transaction():
        owner.execute("set local session_replication_role = replica")
        owner.execute(statements.encode())


def store(honest: Honest, forgery: Forgery) -> None:
    """Puts a whole history in the place of what is in the table, its columns and the head row with it."""
    with honest.ledger.database.owner() as owner, owner.transaction():
        owner.execute("set local session_replication_role = replica")
        owner.execute("delete from entry")
        for seq, (body, entry) in enumerate(zip(forgery.bodies, forgery.entries, strict=True)):
            row = (seq, entry["stream"], entry["version"], entry["type"], leaf(body), body)
            owner.execute(
                "insert into entry (seq, stream, version, type, leaf, body) values (%s, %s, %s, %s, %s, %s)", row
            )
        owner.execute("update head set size = %s, leaf = %s", (len(forgery.bodies), leaf(forgery.bodies[-1])))


INSERT = "insert into entry (seq, stream, version, type, leaf, body) values (%s, %s, %s, %s, %s, %s)"
COURTS: dict[str, Callable[[Attack, Honest, Path], Court]] = {
    "export": ExportCourt,
    "receipt": ReceiptCourt,
    "log": LogCourt,
    "database": DatabaseCourt,
    "heads": HeadsCourt,
    "sample": SampleCourt,
    "letter": LetterCourt,
}
