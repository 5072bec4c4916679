"""The journal: the library's own recorder suites judge it, and its entries are byte for byte what the format says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import rfc8785
from conftest import ORIGIN, Ledger, every_server
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eventsourcing.persistence import Notification, StoredEvent
from eventsourcing.tests.persistence import ApplicationRecorderTestCase, NonInterleavingNotificationIDsBaseCase

from audit.checkpoint import KeySigner
from audit.verify import verify
from ledger.book import Book
from ledger.codec import Entry, encode
from ledger.database import Database
from ledger.decisions import Command, OpenFund, OpenLedger, ReceiveDonation
from ledger.errors import BadValue, Refusal
from ledger.events import AllocationMade, DonationReceived, Issued, Moved
from ledger.journal import Journal, JournalRecorder, Notice, Posting
from ledger.registry import Registry
from ledger.writing import Writer

VECTORS = Path(__file__).parents[2] / "shared" / "vectors" / "entries.json"


class _AnyState:
    """The recorder under test, with the suites' sample states, which are not JSON, wrapped into JSON."""

    def __init__(self, recorder: JournalRecorder) -> None:
        self._recorder = recorder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._recorder, name)

    def insert_events(self, events: Sequence[StoredEvent], **options: Any) -> Any:
        return self._recorder.insert_events([_rewrapped(event, _as_json) for event in events], **options)

    def select_events(self, *arguments: Any, **options: Any) -> list[StoredEvent]:
        return [_rewrapped(event, _as_sample) for event in self._recorder.select_events(*arguments, **options)]

    def select_notifications(self, *arguments: Any, **options: Any) -> list[Notification]:
        return [_rewrapped(event, _as_sample) for event in self._recorder.select_notifications(*arguments, **options)]


def _rewrapped(event: Any, change: Any) -> Any:
    if isinstance(event, Notice):
        return msgspec.structs.replace(event, state=change(event.state))
    return type(event)(**{**vars(event), "state": change(event.state)})


def _as_json(state: bytes) -> bytes:
    return json.dumps({"state": state.decode()}).encode()


def _as_sample(state: bytes) -> bytes:
    sample: str = json.loads(state)["state"]
    return sample.encode()


def _suite(case: type, journal: Journal, test: str) -> None:
    """Runs one test of the library's suite on our recorder."""
    with journal.entries.writing() as writing:
        writing.cursor.execute("update head set origin = 'suite.example.org'")

    class Suite(case):  # type: ignore[misc]  # given
        def create_recorder(self) -> Any:
            return _AnyState(journal.entries)

        def new_originator_id(self) -> str:
            return str(uuid4())

    getattr(Suite(test), test)()


@every_server
@pytest.mark.parametrize(
    "test",
    [name for name in dir(ApplicationRecorderTestCase) if name.startswith(("test_", "optional_test_"))],
)
def test_the_librarys_application_recorder_suite_passes(journal: Journal, test: str) -> None:
    _suite(ApplicationRecorderTestCase, journal, test)
    assert journal.entries.max_notification_id() or test == "test_insert_select"


def test_the_librarys_suite_finds_no_interleaving_of_ids(journal: Journal) -> None:
    _suite(NonInterleavingNotificationIDsBaseCase, journal, "test")
    assert journal.entries.max_notification_id() == 2000


def _recorded(ledger: Ledger) -> list[bytes]:
    with ledger.journal.entries.reading() as cursor:
        return [body for (body,) in cursor.execute("select body from entry order by seq")]


def test_entries_are_canonical_json_in_a_hash_chain_from_genesis(ledger: Ledger) -> None:
    ledger.writer.submit_batch(
        [
            OpenFund(key="1", fund="心", name='先心病 "救助" \\ 基金'),
            ReceiveDonation(key="2", donation="D/1%", fund="心", amount=100, on=date(2026, 1, 2)),
        ]
    )
    previous = hashlib.sha256(b"").hexdigest()
    for seq, body in enumerate(_recorded(ledger)):
        entry = json.loads(body)
        assert rfc8785.dumps(entry) == body
        assert (entry["seq"], entry["prev"], entry["origin"], entry["v"]) == (seq, previous, ORIGIN, 1)
        previous = hashlib.sha256(b"\x00" + body).hexdigest()
    assert ledger.journal.entries.head().leaf.hex() == previous


def test_the_published_vectors_are_reproduced_byte_for_byte(database: Database) -> None:
    if not VECTORS.exists():
        pytest.skip("the published vectors are not beside this checkout")
    vectors = json.loads(VECTORS.read_text("utf-8"))
    seed = hashlib.sha256(b"fenhao test vector key").digest()
    key = str(KeySigner("ledger.example.org/vectors", Ed25519PrivateKey.from_private_bytes(seed)).verifier)
    assert key == vectors["verifier_key"]
    salts = [bytes.fromhex(json.loads(entry)["salt"]) for entry in vectors["entries"]]
    assert _reproduced(database, vectors["entries"], salts, key) == vectors["entries"]


def _reproduced(database: Database, entries: list[str], salts: list[bytes], key: str) -> list[str]:
    commands: list[tuple[int, list[Command]]] = [
        (0, [OpenLedger(key="0", origin="ledger.example.org/vectors", verifier_key=key, on=date(2026, 1, 1))]),
        (1, [OpenFund(key="1", fund="heart", name="先心病救助专项基金")]),
    ]
    moments = iter(datetime(2026, 1, 2, 3, 4, second, tzinfo=UTC) for second in (0, 1, 2, 3))
    given = iter(salts)
    with Journal(database, clock=lambda: next(moments), entropy=lambda n: next(given)) as journal:
        writer = Writer(journal)
        for _, batch in commands:
            assert not [o for o in writer.submit_batch(batch) if isinstance(o, Refusal)]
        # The vectors open the tape and receive the gift at different moments: one fact a transaction.
        with journal.entries.writing() as writing:
            tape = json.loads(entries[2])
            journal.entries.insert_events(
                [StoredEvent(tape["stream"], tape["version"], tape["type"], rfc8785.dumps(tape["data"]))],
                writing=writing,
            )
        with journal.entries.writing() as writing:
            gift = DonationReceived(
                on=date(2026, 1, 2),
                issue=(Issued("t1", 0, 10000, "fund/heart"),),
                donation="D-1",
                donor="P-7",
                fund="heart",
                amount=10000,
                fee_bp=0,
                source="donation",
                channel="bank",
                channel_txn="T-1",
            )
            journal.events.put([_posting(gift)], writing=writing)
        with journal.entries.reading() as cursor:
            return [body.decode() for (body,) in cursor.execute("select body from entry order by seq")]


def _posting(gift: DonationReceived) -> Any:
    return Posting(gift.stream, 1, type(gift).__name__, encode(gift))


def test_facts_come_back_from_the_journal_as_they_went_in(ledger: Ledger) -> None:
    ledger.writer.submit_batch(
        [
            OpenFund(key="1", fund="F", name="基金", fee_bp=500),
            ReceiveDonation(key="2", donation="D", fund="F", amount=1000, on=date(2026, 1, 2), donor="P"),
        ]
    )
    fact = next(ledger.journal.facts("donation/D"))
    assert fact == DonationReceived(
        on=date(2026, 1, 2),
        issue=(Issued("t1", 0, 950, "fund/F"), Issued("t2", 0, 50, "fee/F")),
        donation="D",
        donor="P",
        fund="F",
        amount=1000,
        fee_bp=500,
        source="donation",
    )


def test_a_fact_too_long_for_one_entry_is_split_at_its_moves(ledger: Ledger) -> None:
    moves = tuple(Moved("t1", 2 * n, 2 * n + 1, "fund/F", "case/C") for n in range(3000))
    fact = AllocationMade(on=date(2026, 1, 2), moves=moves, allocation="A", case="C", fund="F", amount=3000, by="staff")
    with ledger.journal.entries.writing() as writing:
        book = Book(writing.cursor, writing.head, Registry(), writing.at)
        (posted,) = book.prepare([fact])
        ledger.journal.append(writing, posted.postings)
    bodies = _recorded(ledger)
    parts: list[dict[str, Any]] = [json.loads(body) for body in bodies[1:]]
    assert len(parts) > 2
    assert max(map(len, bodies)) <= 65_535
    assert [part["version"] for part in parts] == list(range(1, len(parts) + 1))
    assert [part["data"]["part"] for part in parts] == list(range(1, len(parts) + 1))
    assert all(
        set(part["data"]) - {"last"} == {"moves", "of", "part"} and part["data"]["of"] == 1 for part in parts[1:]
    )
    assert [part["data"].get("last") for part in parts] == [None] * (len(parts) - 1) + [True]
    assert [move for part in parts for move in part["data"]["moves"]] == list(msgspec.to_builtins(moves))


def test_a_fact_that_no_split_makes_fit_is_refused_and_leaves_nothing(ledger: Ledger) -> None:
    long = OpenFund(key="k", fund="F", name="x" * 199, evidence=tuple(f"{n:0120d}" for n in range(700)))
    (outcome,) = ledger.writer.submit_batch([long])
    assert isinstance(outcome, BadValue)
    assert len(_recorded(ledger)) == 1


def test_a_whole_ledger_verifies_from_bundles_that_the_server_makes(ledger: Ledger) -> None:
    ledger.writer.submit(OpenFund(key="1", fund="F", name="基金"))
    report = verify(ledger.journal.entries.bundles(per_bundle=1))
    assert (report.ok, report.entries) == (True, 2)


def test_entries_are_read_from_any_seq(ledger: Ledger) -> None:
    ledger.writer.submit(OpenFund(key="1", fund="F", name="基金"))
    (entry,) = ledger.journal.entries.read(1, 10)
    assert isinstance(entry, Entry)
    assert (entry.seq, entry.type, entry.stream) == (1, "FundOpened", "fund/F")
