"""What a running service does besides answering: keeps the views up, and signs the log."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from eventsourcing.persistence import PersistenceError

from api.bootstrap import Fenhao, log_of
from api.passphrases import Asked
from ledger.errors import LedgerError

_log = logging.getLogger("fenhao.chores")
PAUSE_S = 5.0
RESTS = 3
"""How many times as long as it worked a chore rests: the interpreter is one, and those who ask want it too."""
Handler = Callable[[int, FrameType | None], Any] | int | None


@contextmanager
def chores(fenhao: Fenhao, sign_every_s: int, stop: threading.Event) -> Iterator[None]:
    """Does them until the block ends; signs nothing with 0. Several processes may do them."""
    running = [threading.Thread(target=_again_and_again, args=(lambda: _follow(fenhao, stop), "views", stop))]
    if sign_every_s:
        sign = threading.Thread(target=_again_and_again, args=(lambda: _sign(fenhao, sign_every_s, stop), "log", stop))
        running.append(sign)
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in running:
            thread.join()


def hear_signals(stop: threading.Event) -> None:
    """Has SIGTERM and Ctrl-C set `stop` besides what they do already: the server waits for streams, which must end."""
    if threading.current_thread() is not threading.main_thread():
        return  # only there can signals be heard; whoever runs the service in a thread stops it otherwise
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _also(stop, signal.getsignal(number)))
    if stop.is_set():  # it came before the server listened for it
        signal.raise_signal(signal.SIGTERM)


def _also(stop: threading.Event, before: Handler) -> Callable[[int, FrameType | None], None]:
    def heard(number: int, frame: FrameType | None) -> None:
        stop.set()
        if callable(before):
            before(number, frame)

    return heard


def _again_and_again(chore: Callable[[], None], name: str, stop: threading.Event) -> None:
    """Does a chore until it is to stop; what it fails at is said, and tried again after a pause."""
    while not stop.is_set():
        try:
            chore()
        except (LedgerError, PersistenceError) as error:
            _log.warning("%s: %s", name, str(error).strip().split("\n")[0])
            stop.wait(PAUSE_S)


def _follow(fenhao: Fenhao, stop: threading.Event) -> None:
    fenhao.runner.run(stop)


def _sign(fenhao: Fenhao, every_s: int, stop: threading.Event) -> None:
    """Signs whenever there is something new. A passphrase is in its file: nobody is asked in the background."""
    log = log_of(fenhao, Asked(fenhao.settings.log_passphrase_file, ask=False))
    rest = _resting(stop)
    while not stop.is_set():
        log.publish(rest=rest)
        stop.wait(every_s)


def _resting(stop: threading.Event) -> Callable[[], None]:
    """Called now and then by a chore's thread, has it rest in proportion to what it worked since the last call."""
    worked_s = time.thread_time()

    def rest() -> None:
        nonlocal worked_s
        stop.wait(RESTS * (time.thread_time() - worked_s))
        worked_s = time.thread_time()

    return rest
