"""`fenhao bench audit`: how fast the log is signed, proved and verified, in a log of any size.

The log is made of a foundation's days: gifts, and a case for every 500 of them, as facts that obey the laws; they go
straight to the recorder, without the guards, which `bench write` measures. Everything happens in a schema and a folder
of the bench's own, both removed at the end.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.bench_ledger import SEED, schema_for, seconds
from audit.checkpoint import Checkpoint, KeySigner, Verifier
from audit.export import export
from audit.heads import FileHeads
from audit.keys import HeldKeys
from audit.log import Log
from audit.proof import Receipt
from audit.verify import split
from ledger.codec import encode
from ledger.database import Database, migrate
from ledger.decisions import OpenLedger
from ledger.events import (
    AllocationMade,
    CaseOpened,
    DonationReceived,
    Fact,
    FundOpened,
    HospitalPaymentMade,
    HospitalRegistered,
    Issued,
    Moved,
    PaymentLine,
    TapeOpened,
    TreatmentSettled,
)
from ledger.journal import Journal, Posting
from ledger.writing import Writer

ORIGIN = "bench.example.org"
BATCH = 2_000
NEW_ENTRIES = 10_000
RECEIPTS = 200
ROUNDS = 3
GIFTS_PER_CASE = 500
FIRST_DAY = date(2026, 1, 1)
SAMPLE_S = 0.2
POLICY = "earmark-fifo/1"

Note = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its name, its value in a unit, and what it should be at least or `at_most`."""

    zh: str
    en: str
    value: float
    unit: str
    target: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether it is what it should be; None when nothing is asked."""
        if self.target is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target

    def line(self, language: str) -> str:
        """For a person."""
        value = f"{self.value:,.4g}" if self.unit else f"{self.value:,.0f}"
        text = f"{value:>12} {self.unit:<10} {self.zh if language == 'zh' else self.en}"
        if self.target is None:
            return text
        return f"{text}  ({'≤' if self.at_most else '≥'} {self.target:g}: {'✓' if self.met else '✗'})"


@dataclass(frozen=True, slots=True)
class Result:
    """All figures by name."""

    figures: dict[str, Figure]

    def members(self) -> dict[str, Any]:
        """As JSON: per figure value, unit, target, met."""
        return {
            name: {"value": round(one.value, 4), "unit": one.unit, "target": one.target, "met": one.met}
            for name, one in self.figures.items()
        }

    def table(self, language: str) -> Iterator[str]:
        """For a person: one line a figure."""
        return (one.line(language) for one in self.figures.values())


def bench_audit(place: Database, entries: int, note: Note) -> Result:
    """Measures a log of about so many entries. Raises DatabaseFault."""
    signer = KeySigner(ORIGIN, Ed25519PrivateKey.generate())
    with TemporaryDirectory(prefix="fenhao-bench-") as text, _journal(place, signer) as journal:
        folder = Path(text)
        log = Log(journal, folder / "log", FileHeads(folder / "heads", ORIGIN), HeldKeys(signer))
        facts = days()
        note("写入分录", "writing entries")
        _append(journal, facts, entries, note)
        note("首次签署", "signing for the first time")
        signing_s = seconds(log.publish)
        checkpoint_s = [_checkpoint_s(journal, facts, log) for _ in range(ROUNDS)]
        note("凭据", "receipts")
        head = log.publish()
        make_ms, check_ms = _receipts_ms(log, head.size)
        note("导出与验证", "exporting and verifying")
        export(journal, folder / "log", head, log.policy, folder / "export")
        loop = max(_loop_rate(folder / "export") for _ in range(2))
        verified_s, peak = _verify(folder / "export", head.size)
        cores = os.cpu_count() or 1
        rate = head.size / verified_s
        return Result(
            {
                "entries": Figure("分录", "entries", head.size, ""),
                "signing": Figure("首次签署", "signed for the first time", head.size / signing_s, "/s"),
                "checkpoint": Figure(
                    f"{NEW_ENTRIES:,} 条新分录的日志头",
                    f"a checkpoint over {NEW_ENTRIES:,} new entries",
                    min(checkpoint_s),  # what else the machine does only adds to it
                    "s",
                    0.5,
                    at_most=True,
                ),
                "receipt_make": Figure("出具凭据", "a receipt made", make_ms, "ms", 5, at_most=True),
                "receipt_check": Figure("核对凭据", "a receipt checked", check_ms, "ms", 20, at_most=True),
                "loop": Figure("标准库循环：散列、解析、重编码，单核", "a standard-library loop, one core", loop, "/s"),
                "verify": Figure(
                    f"verify.py 全部检查，{cores} 核", f"verify.py, everything, {cores} cores", rate, "/s"
                ),
                "verify_ratio": Figure(
                    "同上，对循环 × 核数", "the same, against the loop × cores", rate / (loop * cores), "×", 0.6
                ),
                "verify_memory": Figure(
                    "verify.py 峰值内存", "verify.py, peak memory", peak / 2**20, "MiB", 300, at_most=True
                ),
            }
        )


def days() -> Iterator[Fact]:
    """Facts without end, from the opening of a fund on: gifts in turn, and what each 500 of them pay for."""
    random = Random(SEED)  # noqa: S311 - sample data, no secret
    yield FundOpened(fund="F", name="F", fee_bp=500)
    yield HospitalRegistered(hospital="H", name="H")
    for tape, nature in (("t1", "own"), ("t2", "fee")):
        yield TapeOpened(fund="F", tape=tape, nature=nature, restriction={})
    end = fee_end = spent = number = 0
    while True:
        on = FIRST_DAY + timedelta(days=min(number // 20_000, 200))
        for _ in range(GIFTS_PER_CASE):
            amount = int(100 * random.paretovariate(1.2)) % 10**8 + 20
            fee = amount // 20
            yield DonationReceived(
                on=on,
                donation=f"D{number}",
                donor=f"P{random.randrange(10**6)}",
                fund="F",
                amount=amount,
                fee_bp=500,
                source="donation",
                channel="wechat",
                channel_txn=f"T{number}",
                issue=(
                    Issued("t1", end, end + amount - fee, "fund/F"),
                    Issued("t2", fee_end, fee_end + fee, "fee/F"),
                ),
            )
            end, fee_end, number = end + amount - fee, fee_end + fee, number + 1
        yield from _case(f"C{number}", on, spent, end)
        spent = end


def _case(case: str, on: date, lo: int, hi: int) -> Iterator[Fact]:
    """A case that takes the serials [lo, hi): allocated, paid, settled."""

    def moved(source: str, target: str) -> dict[str, Any]:
        return {"on": on, "policy": POLICY, "moves": (Moved("t1", lo, hi, source, target),)}

    amount, paid = hi - lo, f"hospital/H/{case}"
    yield CaseOpened(case=case, fund="F", attributes={"hospital": "H"})
    yield AllocationMade(**moved("fund/F", f"case/{case}"), allocation=case, case=case, fund="F", amount=amount)
    lines = (PaymentLine(case, amount),)
    yield HospitalPaymentMade(**moved(f"case/{case}", paid), payment=case, hospital="H", lines=lines)
    yield TreatmentSettled(**moved(paid, f"used/H/{case}"), settlement=case, hospital="H", case=case, amount=amount)


def _append(journal: Journal, facts: Iterator[Fact], count: int, note: Note = lambda zh, en: None) -> None:
    """So many facts more, a transaction for each 2,000."""
    of_fund = itertools.count(1)  # the only stream that has more than one, all of them in the beginning
    for done in range(0, count, BATCH):
        batch = [
            Posting(fact.stream, next(of_fund) if fact.stream == "fund/F" else 1, type(fact).__name__, encode(fact))
            for fact in itertools.islice(facts, min(BATCH, count - done))
        ]
        with journal.entries.writing() as writing:
            journal.append(writing, batch)
        note(f"写入分录 {done:,}", f"writing entries {done:,}")


def _checkpoint_s(journal: Journal, facts: Iterator[Fact], log: Log) -> float:
    _append(journal, facts, NEW_ENTRIES)
    return seconds(log.publish)


def _receipts_ms(log: Log, size: int) -> tuple[float, float]:
    """What one receipt takes to be made, and to be read and checked: medians."""
    random = Random(SEED)  # noqa: S311 - sample data, no secret
    make, check = [], []
    keys = log.history().keys
    for _ in range(RECEIPTS):
        seq = random.randrange(size)
        began = time.perf_counter()
        made = log.receipt(seq).proof.text()
        make.append(time.perf_counter() - began)
        check.append(seconds(partial(_checked, made, keys)))
    return 1_000 * statistics.median(make), 1_000 * statistics.median(check)


def _checked(receipt: bytes, keys: Iterable[Verifier]) -> Checkpoint:
    return Receipt.parse(receipt).check(ORIGIN, keys)


def _loop_rate(folder: Path) -> float:
    """Entries a second of a loop that hashes each, parses it and encodes it again, on one core."""
    count, spent_s = 0, 0.0
    for path in sorted((folder / "tile" / "entries").rglob("*"))[:400]:
        if path.is_dir():
            continue
        entries = split(path.read_bytes())
        began = time.perf_counter()
        for body in entries:
            sha256(b"\x00" + body).digest()
            members = json.loads(body)
            again = json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
            assert again == body
        spent_s += time.perf_counter() - began
        count += len(entries)
    return count / spent_s


def _verify(folder: Path, size: int) -> tuple[float, int]:
    """How long `verify.py` takes over an export, as an auditor runs it, and how much memory at most, in bytes."""
    began = time.perf_counter()
    command = [sys.executable, str(folder / "verify.py"), "--json", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        peak = 0
        while True:
            peak = max(peak, _memory(process.pid))
            try:
                said, _ = process.communicate(timeout=SAMPLE_S)
                break
            except subprocess.TimeoutExpired:
                continue
    report = json.loads(said)
    assert report["ok"], report["problems"][:3]
    assert report["entries"] == size
    return time.perf_counter() - began, peak


def _memory(pid: int) -> int:
    """Of a process and those it started, in bytes; what they share is counted once where the system tells."""
    total = 0
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for one in processes:
            told = one.memory_full_info()
            total += getattr(told, "pss", told.uss)
    except psutil.Error:  # it has just ended
        return total
    return total


@contextmanager
def _journal(place: Database, signer: KeySigner) -> Iterator[Journal]:
    """An open ledger in a schema of its own, whose log has that key."""
    with schema_for(place, "audit") as schema:
        database = Database(place.owner_url, schema=schema)
        migrate(database)
        with Journal(database) as journal:
            Writer(journal).submit(OpenLedger(key="ledger", origin=ORIGIN, verifier_key=str(signer.verifier)))
            yield journal
