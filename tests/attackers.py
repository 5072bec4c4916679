"""What attackers do, as the table of attacks (`attacks.py`) says it: small functions over a forgery.

`X(...)` gives an attacker: a function that does the deed to a copy of an export. Who has the log's key seals: chains
all entries anew, lays out the tree, signs it, so that nothing but a law is left to tell.
"""

from __future__ import annotations

import shutil
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from forging import (
    Data,
    Forgery,
    Key,
    Receipt,
    bundles_of,
    canonical,
    head_text,
    leaf,
    note,
    path_of,
    root_of,
    tiles_of,
)

Attacker = Callable[[Forgery], None]
POLICY = "earmark-fifo/1"


def moved(*texts: str) -> list[Data]:
    """`t1:0-100 fund/F > case/C` as moves, `t1:0-100 > fund/F` as issues."""
    found = []
    for text in texts:
        run, *way = text.split(" ")
        tape, _, span = run.partition(":")
        lo, _, hi = span.partition("-")
        places = {"to": way[-1]} if way[0] == ">" else {"from": way[0], "to": way[-1]}
        found.append({"tape": tape, "lo": int(lo), "hi": int(hi), **places})
    return found


def adding(kind: str, stream: str, /, *moves: str, **data: Any) -> Attacker:
    """Records one more entry, as if the service had, and seals."""

    def attack(forgery: Forgery) -> None:
        ranges = {"moves": moved(*moves)} if moves else {}
        forgery.add(kind, stream, **ranges, **data)
        forgery.seal()

    return attack


def editing(kind: str, own: str, /, **members: Any) -> Attacker:
    """Changes members of the fact of an entry (None takes one away; a_b__c goes into a_b), and seals."""

    def attack(forgery: Forgery) -> None:
        for path, value in members.items():
            *steps, last = path.split("__")
            where: Any = forgery.data(kind, own)
            for step in steps:
                where = where[int(step)] if isinstance(where, list) else where[step]
            if value is None:
                del where[last]
            else:
                where[last] = value
        forgery.seal()

    return attack


def entry(kind: str, own: str, /, **members: Any) -> Attacker:
    """Changes members of the entry itself, beside its fact, and seals."""

    def attack(forgery: Forgery) -> None:
        forgery.entries[forgery.find(kind, own)].update(members)
        forgery.seal()

    return attack


def spoiling(old: bytes, new: bytes, kind: str = "CaseAmended", own: str = "C2") -> Attacker:
    """Writes other bytes for an entry than its canonical ones, and seals."""

    def attack(forgery: Forgery) -> None:
        seq = forgery.find(kind, own)

        def spoil(body: bytes) -> bytes:
            assert old in body
            return body.replace(old, new, 1)

        forgery.spoiled[seq] = spoil
        forgery.seal()

    return attack


def gift(own: str, issue: str, /, *more: str, **data: Any) -> Attacker:
    """Books one more gift, and seals; the amount is what is issued unless named."""
    issues = moved(issue, *more)
    amount = sum(each["hi"] - each["lo"] for each in issues)
    members = {"donation": own, "fund": "heart", "amount": amount, "fee_bp": 0, "source": "donation", "issue": issues}
    return adding("DonationReceived", f"donation/{own}", **{**members, **data})


def allocating(own: str, case: str, *moves: str, **data: Any) -> Attacker:
    """Allocates to a case what the moves take, and seals; the amount is theirs unless named."""
    amount = sum(each["hi"] - each["lo"] for each in moved(*moves))
    members = {"allocation": own, "case": case, "fund": "heart", "amount": amount, "policy": POLICY}
    return adding("AllocationMade", f"allocation/{own}", *moves, **{**members, **data})


def holding(*moves: str, **data: Any) -> Attacker:
    """Holds serials chosen by hand, and seals."""
    amount = sum(each["hi"] - each["lo"] for each in moved(*moves))
    return adding("MoneyHeld", "hold/X9", *moves, **{"hold": "X9", "amount": amount, **data})


def substituting(incoming: str, outgoing: str, case: str, **data: Any) -> Attacker:
    """Puts serials in the place of others, and seals."""
    came = moved(incoming)[0]
    moves = sorted((incoming, outgoing), key=lambda text: (int(text[1 : text.index(":")]), text))
    members = {"case": case, "amount": came["hi"] - came["lo"], "basis": {"kind": "policy", "ref": "x"}, **data}
    return adding("SerialsSubstituted", f"case/{case}", *moves, **members)


def reversing(kind: str, own: str, *moves: str) -> Attacker:
    """Reverses an entry by these moves, and seals."""

    def attack(forgery: Forgery) -> None:
        seq = forgery.find(kind, own)
        stream = forgery.entries[seq]["stream"]
        adding("EntryReversed", stream, *moves, reverses=seq, record=stream)(forgery)

    return attack


def both(*attackers: Attacker) -> Attacker:
    """One after the other."""

    def attack(forgery: Forgery) -> None:
        for each in attackers:
            each(forgery)

    return attack


def gifts(forgery: Forgery, count: int) -> None:
    """So many entries of a fund whose gifts go on and on."""
    forgery.add("FundOpened", "fund/F", fund="F", name="F", on=None)
    before = forgery.add("TapeOpened", "fund/F", tape="t1", fund="F", nature="own", restriction={}, on=None)
    for n in range(count - 2):
        data = {"donation": f"D{n}", "fund": "F", "amount": 1, "fee_bp": 0, "source": "donation", "on": "2026-03-10"}
        data["issue"] = [{"tape": "t1", "lo": n, "hi": n + 1, "to": "fund/F"}]
        made = {**before, "stream": f"donation/D{n}", "version": 1, "type": "DonationReceived", "data": data}
        forgery.entries.append(made)


# Whoever seals, and deals with heads and keys.


def mallory(origin: str) -> Key:
    """A key of the attacker's own, under any name."""
    return Key(origin, b"m" * 32)


def loosely(change: Callable[[list[bytes]], list[bytes]]) -> Attacker:
    """Changes the row of entries without chaining them anew; the tree and its signature agree with what is there."""

    def attack(forgery: Forgery) -> None:
        forgery.bodies = change(forgery.bodies)
        forgery.lay()

    return attack


def without(kind: str, own: str) -> Attacker:
    """Takes an entry out, and leaves the others as they are."""

    def attack(forgery: Forgery) -> None:
        seq = forgery.find(kind, own)
        loosely(lambda bodies: bodies[:seq] + bodies[seq + 1 :])(forgery)

    return attack


def swapping(kind: str, own: str) -> Attacker:
    """Changes places between an entry and the next."""

    def attack(forgery: Forgery) -> None:
        seq = forgery.find(kind, own)
        loosely(lambda bodies: [*bodies[:seq], bodies[seq + 1], bodies[seq], *bodies[seq + 2 :]])(forgery)

    return attack


def doubling(kind: str, own: str) -> Attacker:
    """Puts an entry in once more behind itself."""

    def attack(forgery: Forgery) -> None:
        seq = forgery.find(kind, own)
        loosely(lambda bodies: [*bodies[: seq + 1], *bodies[seq:]])(forgery)

    return attack


def inserting(kind: str, own: str) -> Attacker:
    """Puts an entry of its own before another, linked to what is before it; what follows stays."""

    def attack(forgery: Forgery) -> None:
        seq = forgery.find(kind, own)
        made = forgery.add("HospitalRegistered", "hospital/H9", hospital="H9", name="H9", on=None)
        made |= {"seq": seq, "prev": leaf(forgery.bodies[seq - 1]).hex(), "at": forgery.entries[seq - 1]["at"]}
        loosely(lambda bodies: [*bodies[:seq], canonical(made), *bodies[seq:]])(forgery)

    return attack


def shorter(forgery: Forgery) -> None:
    """Leaves the last ten entries out, as if they had never been."""
    forgery.entries = forgery.entries[:-10]
    forgery.seal()


def rewritten(forgery: Forgery) -> None:
    """Gives a gift to another donor, from the first head on."""
    forgery.data("DonationReceived", "G1")["donor"] = "ME"
    forgery.seal(28, 54)


def under(key: Callable[[str], Key], *, named: bool = False, trusted: bool = False) -> Attacker:
    """Signs all heads with another key; `named`: entry 0 names it, `trusted`: so does the policy."""

    def attack(forgery: Forgery) -> None:
        other = key(forgery.origin)
        if named:
            forgery.entries[0]["data"]["key"] = str(other)
        if trusted:
            forgery.write("policy", f"log {other}\nquorum none\n".encode())
        forgery.seal(28, 54, keys=[other])

    return attack


def heading(change: Callable[[Forgery], bytes], path: str = "checkpoint") -> Attacker:
    """Puts another file in the place of a head."""

    def attack(forgery: Forgery) -> None:
        data = change(forgery)
        forgery.write(path, data)
        if path == "checkpoint":
            forgery.write(f"checkpoints/{forgery.size}", data)

    return attack


def signing(change: Callable[[bytes], bytes]) -> Attacker:
    """Signs another text than the head's, with the log's key."""
    return heading(lambda f: note(change(f.read("checkpoint").partition(b"\n\n")[0] + b"\n"), f.key))


def signed_inside_a_fact(forgery: Forgery) -> None:
    """Signs a size between the parts of one fact, besides the newest."""
    forgery.seal(forgery.find("AllocationMade", "A3") + 1)


def rotating(*, head: Callable[[Key, Key], list[Key]] | None, name: str = "") -> Attacker:
    """Hands the log over to a new key, and records a gift under it; `head` says who signs the head at the change."""

    def attack(forgery: Forgery) -> None:
        old, new = forgery.key, mallory(name or forgery.origin)
        forgery.add("KeyRotated", "ledger/main", key=str(new), on=None)
        size = len(forgery.entries)
        gift("X", "t7:4000-4100 > fund/heart")(forgery)
        forgery.lay(keys=[new])
        if head is not None:
            forgery.write(f"checkpoints/{size}", forgery.head(size, *head(old, new)))

    return attack


# What takes more than a line.


def again(forgery: Forgery) -> None:
    """Opens the ledger a second time."""
    first = forgery.entries[0]
    adding("LedgerOpened", "ledger/main", **first["data"])(forgery)


def back_dated(forgery: Forgery) -> None:
    """Puts an entry recorded today among those of the past."""
    late = forgery.add("HospitalRegistered", "hospital/H9", hospital="H9", name="H9", on=None)
    late["at"] = "2026-01-01T00:00:00.000000Z"
    forgery.entries.insert(65, forgery.entries.pop())
    forgery.seal()


def telling_part(forgery: Forgery) -> None:
    """Hides a member in the second part of a fact."""
    forgery.entries[forgery.find("AllocationMade", "A3") + 1]["data"]["by"] = "me"
    forgery.seal()


def open_group(forgery: Forgery) -> None:
    """Ends the history between the parts of one fact."""
    del forgery.entries[forgery.find("AllocationMade", "A3") + 1 :]
    forgery.seal()


def older_named_wrongly(forgery: Forgery) -> None:
    """Says to follow an older ledger at a head that it never had; the head that the reader kept is that ledger's."""
    origin = "ledger.example.org/older"
    forgery.kept = note(head_text(origin, 3, bytes(32)), mallory(origin))
    forgery.entries[0]["data"]["continues"] = {"origin": origin, "size": 3, "root": "11" * 32}
    forgery.seal()


def following_itself(forgery: Forgery) -> None:
    """Says to follow an older history of its own name, to which the reader's old head might belong."""
    forgery.entries[0]["data"]["continues"] = {"origin": forgery.origin, "size": 3, "root": "11" * 32}
    forgery.seal()


def keeping_anothers(forgery: Forgery) -> None:
    """The head that the reader kept is another ledger's."""
    origin = "ledger.example.org/other"
    forgery.kept = note(head_text(origin, 3, bytes(32)), mallory(origin))


def long_ago(forgery: Forgery) -> None:
    """Serves an old head as the newest, with what it needs, beside the files that have come since."""
    forgery.write("checkpoint", forgery.read("checkpoints/54"))
    for path, data in {
        **bundles_of(forgery.bodies[:54]),
        **tiles_of([leaf(body) for body in forgery.bodies[:54]]),
    }.items():
        forgery.write(path, data)


WITNESS = Key("witness.example.org/w1", b"w" * 32, 4)
"""A witness, who signs what is honest."""


def unwitnessed(attacker: Attacker) -> Attacker:
    """The same against a reader whose policy asks for a witness."""

    def attack(forgery: Forgery) -> None:
        forgery.policy = f"log {forgery.key}\nwitness w1 {WITNESS}\nquorum w1\n".encode()
        attacker(forgery)

    return attack


# Whoever carries the files: they can be changed, and nothing can be signed.


def altering(path: str, change: Callable[[bytes], bytes]) -> Attacker:
    """Changes a file; `SIZE` in its path stands for the head's size in the last bundle."""

    def attack(forgery: Forgery) -> None:
        place = path.replace("SIZE", str(forgery.size % 256))
        before = forgery.read(place)
        forgery.write(place, change(before))
        assert forgery.read(place) != before

    return attack


def removing(path: str) -> Attacker:
    """Takes a file away."""
    return lambda forgery: (forgery.folder / path.replace("SIZE", str(forgery.size % 256))).unlink()


def flipped(at: int) -> Callable[[bytes], bytes]:
    """One bit of a byte."""
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def unsigned(attacker: Attacker) -> Attacker:
    """The same deed by somebody who cannot sign: the heads stay as they were."""

    def attack(forgery: Forgery) -> None:
        heads = {path: path.read_bytes() for path in (forgery.folder / "checkpoints").iterdir()}
        newest = forgery.read("checkpoint")
        attacker(forgery)
        forgery.write("checkpoint", newest)
        for path, data in heads.items():
            path.write_bytes(data)

    return attack


def refitted(forgery: Forgery) -> None:
    """Rewrites history and writes the head that fits, under the signature that was there."""
    before = forgery.read("checkpoint")
    rewritten(forgery)
    shutil.rmtree(forgery.folder / "checkpoints")
    forgery.write("checkpoint", resigned(forgery.read("checkpoint"), before))


def receipt(change: Callable[[Forgery, Receipt], None]) -> Attacker:
    """Changes a receipt."""

    def attack(forgery: Forgery) -> None:
        made = Receipt.of(forgery.receipt)
        change(forgery, made)
        assert made.text() != forgery.receipt
        forgery.receipt = made.text()

    return attack


def inner_node(forgery: Forgery, receipt: Receipt) -> None:
    """The hash above the first two entries, given out as an entry of a smaller tree."""
    receipt.entry = leaf(forgery.bodies[0]) + leaf(forgery.bodies[1])
    receipt.index, receipt.path = 0, receipt.path[1:]


def unproved(forgery: Forgery) -> None:
    """Gives a newer head of another history, with a proof made for it, to somebody who has a receipt."""
    hashes = path_of(0, [leaf(body) for body in forgery.bodies])
    lines = ["old 71", *(b64encode(each).decode() for each in hashes), "", ""]
    forgery.kept = "\n".join(lines).encode() + note(head_text(forgery.origin, 100, bytes(32)), forgery.key)


def giving(make: Callable[[Forgery], bytes]) -> Attacker:
    """Gives something else for a receipt."""

    def attack(forgery: Forgery) -> None:
        forgery.receipt = make(forgery)

    return attack


def receipted(forgery: Forgery, seq: int, *keys: Key, origin: str = "") -> bytes:
    """A receipt of an entry of the forgery, under a head of all its entries."""
    leaves = [leaf(body) for body in forgery.bodies]
    text = head_text(origin or forgery.origin, len(leaves), root_of(leaves))
    made = Receipt({}, seq, path_of(seq, leaves), note(text, *(keys or [forgery.key])))
    made.entry = forgery.bodies[seq]
    return made.text()


def resigned(head: bytes, other: bytes) -> bytes:
    """The text of a note with the signatures of another."""
    return head.partition(b"\n\n")[0] + b"\n\n" + other.partition(b"\n\n")[2]
