"""Writers killed and wires cut at any moment: nothing acknowledged is lost, nothing recorded twice, no gap left."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
from conftest import SCALE, Ledger, every_server
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from audit.verify import bundle, verify
from ledger.database import Database
from ledger.decisions import OpenCase, OpenFund, ReceiveDonation, RegisterHospital
from ledger.journal import Journal
from ledger.writing import Recorded, Writer

KILLS = 25 * SCALE

NURSERY = r"""
import os, sys
from datetime import date
from ledger.database import Database
from ledger.decisions import MakeAllocation, PayHospital, PaymentLine, ReceiveDonation
from ledger.journal import Journal
from ledger.writing import Recorded, Writer

ON = date(2026, 3, 1)

def batch(name, size):
    # As many gifts as `size`, each of a fen more, spent as far as the hospital.
    for n in range(size):
        gift = f"{name}-{n}"
        yield ReceiveDonation(key=gift, donation=gift, fund="F", amount=10 + n, on=ON, donor=f"X{n}")
    for n in range(size):
        yield MakeAllocation(key=f"A{name}-{n}", allocation=f"A{name}-{n}", case="C", amount=3, on=ON)
    yield PayHospital(key=f"P{name}", payment=f"P{name}", hospital="H", lines=(PaymentLine("C", size),), on=ON)

def write(life):
    with Journal(Database(sys.argv[1], schema=sys.argv[2])) as journal:
        writer, n = Writer(journal), 0
        while True:
            n += 1
            commands = list(batch(f"{life}.{n}", 1 + n % 20))
            outcomes = writer.submit_batch(commands)
            assert all(isinstance(outcome, Recorded) for outcome in outcomes), outcomes
            said = {command.key: outcome.seq for command, outcome in zip(commands, outcomes)}
            os.write(1, "".join(f"{key} {seq}\n" for key, seq in said.items()).encode())

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            write(line.strip())
        finally:
            os._exit(1)
    os.write(1, f"born {child}\n".encode())
    os.waitpid(child, 0)
    os.write(1, b"dead\n")
"""
"""Forks a writer for each line it is told, which records batches and says what is acknowledged until it is killed."""


class Nursery:
    """The process that forks the writers; `acknowledged` is what all of them were told is recorded."""

    def __init__(self, ledger: Ledger) -> None:
        self.acknowledged: dict[str, int] = {}
        self.process = subprocess.Popen(
            [sys.executable, "-c", NURSERY, ledger.database.owner_url, ledger.database.schema],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the nursery is gone"
        return line.strip()

    def bear(self, life: int) -> int:
        """A new writer's process id."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{life}\n")
        self.process.stdin.flush()
        while (line := self.line()).split()[0] != "born":  # the child may be quicker than its parent
            self.note(line)
        return int(line.split()[1])

    def note(self, line: str) -> None:
        """Takes in one acknowledgement; the writer may die in the middle of none, each batch is one write."""
        key, seq = line.split()
        assert self.acknowledged.setdefault(key, int(seq)) == int(seq)

    def mourn(self) -> None:
        """Reads what the killed writer still said."""
        while (line := self.line()) != "dead":
            self.note(line)


@pytest.fixture
def nursery(ledger: Ledger) -> Iterator[Nursery]:
    ledger.writer.submit_batch(
        [
            OpenFund(key="F", fund="F", name="fund", fee_bp=1000),
            RegisterHospital(key="H", hospital="H", name="hospital"),
            OpenCase(key="C", case="C", fund="F", hospital="H"),
        ]
    )
    nursery = Nursery(ledger)
    yield nursery
    nursery.process.kill()
    nursery.process.communicate()


def cut_connections(ledger: Ledger) -> int:
    """Ends the server's side of every connection that holds or waits for the ledger's lock; how many there were."""
    with ledger.database.owner() as owner:
        rows = owner.execute(
            "select pg_terminate_backend(pid) from pg_locks"
            " where relation = 'head'::regclass and pid <> pg_backend_pid()"
        ).fetchall()
    return len(rows)


def assert_nothing_is_lost(ledger: Ledger, acknowledged: dict[str, int]) -> None:
    with ledger.database.service() as service:
        bodies = [body for (body,) in service.execute("select body from entry order by seq").fetchall()]
        keys = dict(service.execute("select key, seq from command_key").fetchall())
        rows = service.execute(
            "select tape, lo, hi, place, home, since::text from holding order by tape, lo"
        ).fetchall()
        ends = dict(service.execute("select number, ends_at from tape").fetchall())
        ((size, leaf),) = service.execute("select size, leaf from head").fetchall()
    entries = [json.loads(body) for body in bodies]
    assert [entry["seq"] for entry in entries] == list(range(size))
    report = verify(bundle(bodies))
    assert report.problems == ()
    assert (report.head, list(report.places()), report.tapes) == (leaf.hex(), rows, ends)
    assert {key: keys.get(key) for key in acknowledged} == acknowledged
    named = {"DonationReceived": "donation", "AllocationMade": "allocation", "HospitalPaymentMade": "payment"}
    recorded = [(e["data"][named[e["type"]]], e["seq"]) for e in entries if e["type"] in named]
    assert len(recorded) == len(dict(recorded)), "something was recorded twice"
    assert dict(recorded) == {key: seq for key, seq in keys.items() if key not in ("ledger", "F", "H", "C", "last")}


@every_server
def test_nothing_acknowledged_is_lost_by_killing_writers_at_any_moment(ledger: Ledger, nursery: Nursery) -> None:
    moments = random.Random(20260301)
    cuts = 0
    for life in (KILLS, KILLS + 1):  # the second begins when all is imported
        begun = time.monotonic()
        writer = nursery.bear(life)
        nursery.note(nursery.line())
        slowness = max(1.0, (time.monotonic() - begun) / 0.1)  # of this machine, with what else it does
        os.kill(writer, signal.SIGKILL)
        nursery.mourn()
    for life in range(KILLS):
        writer = nursery.bear(life)
        time.sleep((moments.choice([0.02, 0.15]) + moments.random() * 0.1) * slowness)
        if life % 3 == 2:  # the server ends the connections first: the writer has to settle what became of its batch
            cuts += cut_connections(ledger)
            time.sleep(0.08 + moments.random() * 0.1)
        os.kill(writer, signal.SIGKILL)
        nursery.mourn()
    assert cuts > 0
    assert len(nursery.acknowledged) > KILLS
    # Whoever writes next waits for what a killed writer's backend is still committing.
    Writer(ledger.journal).submit(OpenFund(key="last", fund="last", name="last"))
    assert_nothing_is_lost(ledger, nursery.acknowledged)


class Wire:
    """A socket in front of the server's; once `cut`, the next COMMIT goes on `late_s` after its client was left."""

    def __init__(self, folder: Path, server: str, late_s: float) -> None:
        self.server, self.late_s, self.cut = server, late_s, False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / ".s.PGSQL.5432"))
        self.listener.listen()
        self.connections: list[Thread] = []
        self.accepting = Thread(target=self.accept)
        self.accepting.start()

    def accept(self) -> None:
        """Serves each connection with two threads until the listener is shut down."""
        with self.listener, suppress(OSError):
            while True:
                self.connections.append(Thread(target=self.serve, args=(self.listener.accept()[0],)))
                self.connections[-1].start()

    def serve(self, ours: socket.socket) -> None:
        """One connection, from its beginning to its end on both sides."""
        with ours, socket.socket(socket.AF_UNIX) as theirs:
            theirs.connect(self.server)
            answers = Thread(target=self.carry, args=(theirs, ours))
            answers.start()
            self.carry(ours, theirs)
            answers.join()

    def carry(self, source: socket.socket, target: socket.socket) -> None:
        """Passes on what comes until either side ends."""
        with suppress(OSError):
            while data := source.recv(65_536):
                if self.cut and b"COMMIT" in data:
                    self.cut = False
                    source.shutdown(socket.SHUT_RDWR)
                    time.sleep(self.late_s)
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def wired(ledger: Ledger, late_s: float) -> Iterator[tuple[Wire, Journal]]:
    """A journal of the same ledger on the other end of a wire."""
    members = conninfo_to_dict(ledger.database.owner_url)
    with TemporaryDirectory(prefix="wire-", dir="/tmp") as folder:
        wire = Wire(Path(folder), f"{members['host']}/.s.PGSQL.{members.get('port', 5432)}", late_s)
        url = make_conninfo(ledger.database.owner_url, host=folder, port="5432")
        with Journal(Database(url, schema=ledger.database.schema)) as journal:
            yield wire, journal
        wire.listener.shutdown(socket.SHUT_RDWR)
        for thread in (wire.accepting, *wire.connections):
            thread.join(timeout=10)


@every_server
@pytest.mark.parametrize("late_s", [0.0, 0.5])
def test_a_commit_whose_answer_is_lost_or_that_comes_late_is_recorded_once(ledger: Ledger, late_s: float) -> None:
    ledger.writer.submit(OpenFund(key="F", fund="F", name="fund"))
    gifts = [ReceiveDonation(key=f"G{n}", donation=f"G{n}", fund="F", amount=10, on=date(2026, 3, 1)) for n in range(4)]
    with wired(ledger, late_s) as (wire, journal):
        writer = Writer(journal)
        first = writer.submit(gifts[0]).seq
        wire.cut = True
        outcomes = writer.submit_batch(gifts[1:])
        assert not wire.cut
    # Behind the lock the second try sees what the first one did, even if that committed after the connection broke.
    assert outcomes == [Recorded(first + n, replayed=True) for n in (1, 2, 3)]
    assert_nothing_is_lost(ledger, {gift.key: first + n for n, gift in enumerate(gifts)})
