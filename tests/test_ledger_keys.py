"""The log's key is changed by an entry, to a key of this log that somebody holds and that never was in use."""

from __future__ import annotations

import json
from datetime import date

import pytest
from conftest import ORIGIN, Ledger
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import KeySigner
from ledger.decisions import OpenFund, RotateKey
from ledger.decisions.keys import possession_text
from ledger.errors import BadValue, LedgerNotOpen
from ledger.journal import Journal
from ledger.writing import Writer


def signer(seed: bytes, origin: str = ORIGIN) -> KeySigner:
    return KeySigner(origin, Ed25519PrivateKey.from_private_bytes(seed * 32))


def rotation(to: KeySigner, by: KeySigner | None = None, key: str = "r") -> RotateKey:
    """The command that changes to a key, possession shown `by` another if one is given."""
    named = str(to.verifier)
    return RotateKey(key=key, verifier_key=named, possession=(by or to).sign(possession_text(named)).hex())


def test_the_entry_names_the_new_key_and_its_day(ledger: Ledger) -> None:
    made = ledger.writer.submit_batch([OpenFund(key="F", fund="F", name="基金"), rotation(signer(b"n"))])
    entry = ledger.journal.entries.read(2, 1)[0]
    assert (entry.seq, entry.stream, entry.version, entry.type) == (2, "ledger/main", 2, "KeyRotated")
    assert entry.data == {"key": str(signer(b"n").verifier), "on": str(date.fromisoformat(entry.data["on"]))}
    assert entry.data["on"] >= entry.at[:10]
    assert json.loads(json.dumps(entry.data)) == entry.data
    assert [outcome.replayed for outcome in made] == [False, False]  # type: ignore[union-attr]  # recorded


def test_a_key_that_nobody_shows_to_hold_is_refused(ledger: Ledger) -> None:
    for wrong in (
        rotation(signer(b"n"), by=signer(b"x")),
        RotateKey(key="r", verifier_key=str(signer(b"n").verifier), possession="zz"),
        RotateKey(key="r", verifier_key=str(signer(b"n").verifier), possession=""),
    ):
        with pytest.raises(BadValue, match="possession"):
            ledger.writer.submit(wrong)
    assert ledger.journal.entries.head().size == 1


@pytest.mark.parametrize(
    "key",
    [
        "",
        "k",
        str(signer(b"n", "example.org/other").verifier),
        str(signer(b"n").verifier).replace("+A", "+B"),
        str(signer(b"n").verifier) + "=",
        f"{ORIGIN}+00000000+{str(signer(b'n').verifier).rpartition('+')[2]}",
    ],
    ids=range(6),
)
def test_what_is_no_verifier_key_of_this_log_is_refused(ledger: Ledger, key: str) -> None:
    with pytest.raises(BadValue, match="verifier key"):
        ledger.writer.submit(RotateKey(key="r", verifier_key=key, possession="00" * 64))


def test_no_key_comes_back(ledger: Ledger) -> None:
    ledger.writer.submit(rotation(signer(b"n")))
    assert ledger.writer.submit(rotation(signer(b"n"))).replayed
    ledger.writer.submit(rotation(signer(b"m"), key="s"))
    with pytest.raises(BadValue, match="never in use"):
        ledger.writer.submit(rotation(signer(b"n"), key="t"))
    twice = ledger.writer.submit_batch([rotation(signer(b"q"), key="u"), rotation(signer(b"q"), key="v")])
    assert isinstance(twice[1], BadValue)


def test_before_the_ledger_is_open_there_is_no_key_to_change(journal: Journal) -> None:
    with pytest.raises(LedgerNotOpen):
        Writer(journal).submit(rotation(signer(b"n")))
