"""A full verification that is asked for from a page: one at a time on a machine, in a process that gives way to others.

How far it is stands in a file under the data folder, so that any worker of the service can tell; that one is running
is a lock on the file beside it, which ends with whoever holds it, however that ends.
"""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
from eventsourcing.persistence import PersistenceError
from msgspec import Struct
from msgspec.structs import replace

from api.bootstrap import assembled
from api.settings import Settings
from audit.files import write_whole
from ledger.errors import LedgerError
from ledger.times import Clock, utc_now, utc_text
from reports.verification import verify_ledger

NICE = 10
TOLD_EVERY_S = 0.3


class Inspection(Struct, frozen=True):
    """A verification under way or done: by whom it was asked for, when (UTC), how many entries of how many are judged.

    `ok` is None until the end, and afterwards where it could not be done; `lines` are what was found, in Chinese and
    in English.
    """

    by: str
    began: str
    done: int = 0
    size: int = 0
    ended: str | None = None
    ok: bool | None = None
    root: str = ""
    lines: list[tuple[str, str]] = []
    running: bool = False


class Inspector:
    """Begins verifications of one ledger, and tells of the last."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._folder = settings.home / "inspection"

    def begin(self, by: str) -> bool:
        """Has one begin; False while another is under way."""
        lock = self._locked()
        if lock is None:
            return False
        began = Inspection(by, utc_text(self._clock()))
        _tell(self._folder, began)
        threading.Thread(target=self._run, args=(lock, began), daemon=True).start()
        return True

    def last(self) -> Inspection | None:
        """The last one that was asked for, None before the first."""
        try:
            found = msgspec.json.decode((self._folder / "state").read_bytes(), type=Inspection)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        lock = self._locked()
        if lock is None:
            return replace(found, running=True)
        lock.close()
        return found

    def _locked(self) -> BinaryIO | None:
        """The lock, for as long as it is not closed; None where another has it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = (self._folder / "lock").open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    def _run(self, lock: BinaryIO, began: Inspection) -> None:
        """Starts the process and waits for it; what it could not say itself is said here."""
        with lock:
            process = multiprocessing.get_context("spawn").Process(
                target=inspect, args=(self._settings, self._folder, began), daemon=True
            )
            process.start()
            process.join()
            last = msgspec.json.decode((self._folder / "state").read_bytes(), type=Inspection)
            if last.ended is None:
                what = ("验证进程中断，没有结论", "the verification was cut short, there is no result")
                _tell(self._folder, replace(last, ended=utc_text(self._clock()), lines=[what]))


def inspect(settings: Settings, folder: Path, began: Inspection) -> None:
    """The verification itself, in its process."""
    with suppress(OSError):
        os.nice(NICE)
    state = began

    def ended(**found: object) -> None:
        _tell(folder, replace(state, ended=utc_text(utc_now()), **found))

    def progress(done: int, size: int) -> None:
        nonlocal state
        state = replace(state, done=done, size=size)
        tell()

    tell = _now_and_then(lambda: _tell(folder, state))
    try:
        with assembled(settings, unchecked=True, connections=2) as fenhao:
            found = verify_ledger(fenhao.journal, fenhao.runner, jobs=1, progress=progress)
    except LedgerError as error:
        ended(lines=[(error.say("zh", 2), error.say("en", 2))])
    except PersistenceError as error:
        ended(lines=[("数据库没有应答", f"the database: {str(error).strip().splitlines()[0]}")])
    else:
        lines = [(one.zh, one.en) for one in [*found.report.said(), found.report.verdict()]]
        lines = [(one.zh, one.what) for one in found.findings] + lines
        entries = found.report.entries
        ended(ok=found.ok, root=found.report.root, done=entries, size=entries, lines=lines)


def _now_and_then(tell: Callable[[], None]) -> Callable[[], None]:
    """Tells at most every so often."""
    told_s = 0.0

    def maybe() -> None:
        nonlocal told_s
        if time.monotonic() - told_s > TOLD_EVERY_S:
            told_s = time.monotonic()
            tell()

    return maybe


def _tell(folder: Path, state: Inspection) -> None:
    write_whole(folder / "state", msgspec.json.encode(state))
