"""The embedded server: shared, stopped by its last user, undeceived by old pids, closed to everybody else."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import psycopg
import pytest

from ledger.embedded import EmbeddedServer, ServerFault, ensure_running
from ledger.embedded_cluster import Cluster, memory_settings
from ledger.embedded_rights import account_for

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="needs root: another account of the operating system plays a part")

USER = """
import os, sys
from pathlib import Path
from ledger.embedded import ensure_running, exit_on_sigterm
exit_on_sigterm()
server = ensure_running(Path(sys.argv[1]))
print(server.pid, flush=True)
sys.stdin.readline()
"""
"""A user of the server in a process of its own; it ends when its standard input does."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, for homes; whatever server was left there is ended."""
    path = Path(tempfile.mkdtemp(prefix="fenhao-test-"))
    path.chmod(0o755)
    yield path
    for pid_file in path.rglob("postmaster.pid"):
        if process := Cluster.find(pid_file.parents[1]).postmaster():
            process.kill()
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def pattern() -> Iterator[Path]:
    """A home whose server was made once and stopped, to be copied."""
    path = Path(tempfile.mkdtemp(prefix="fenhao-test-"))
    path.chmod(0o755)
    ensure_running(path / "home").stop()
    yield path / "home"
    shutil.rmtree(path)


@pytest.fixture
def home(folder: Path, pattern: Path) -> Path:
    """A home with its data folder made and no server running."""
    subprocess.run(["cp", "-a", str(pattern), str(folder / "home")], check=True)
    return folder / "home"


def user(home: Path, code: str = USER) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
        # As a terminal starts it: what nohup has its children ignore is not ignored here.
        preexec_fn=partial(signal.signal, signal.SIGHUP, signal.SIG_DFL),
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> int:
    process.communicate()
    return process.returncode


def server_pid(home: Path) -> int | None:
    process = Cluster.find(home).postmaster()
    return process.pid if process else None


def test_the_database_is_utf8_with_c_collation_checksums_and_fsync(folder: Path) -> None:
    query = """SELECT current_user::text, pg_encoding_to_char(encoding)::text, datcollate, datctype,
                      current_setting('data_checksums'), current_setting('fsync'), current_setting('listen_addresses')
               FROM pg_database WHERE datname = current_database()"""
    with ensure_running(folder / "home") as server:
        for url, role in ((server.owner_url, "postgres"), (server.service_url, "fenhao_service")):
            with psycopg.connect(url) as connection:
                assert connection.execute(query).fetchone() == (role, "UTF8", "C", "C", "on", "on", "")


@pytest.mark.parametrize(("memory_mb", "buffers_mb"), [(512, 128), (4_096, 512), (65_536, 1_024)])
def test_buffers_are_an_eighth_of_the_memory_within_bounds(memory_mb: int, buffers_mb: int) -> None:
    assert f"shared_buffers = {buffers_mb}MB\n" in memory_settings(memory_mb)


def test_the_service_role_has_no_power_of_its_own(home: Path) -> None:
    query = """SELECT rolinherit, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolcanlogin
               FROM pg_roles WHERE rolname = current_user"""
    with ensure_running(home) as server, psycopg.connect(server.service_url) as connection:
        assert connection.execute(query).fetchone() == (False, False, False, False, False, False, True)


def test_uses_share_one_server_and_the_last_one_stops_it(home: Path) -> None:
    first = ensure_running(home)
    second = ensure_running(home)
    third = user(home)
    assert first.pid is not None
    assert first.pid == second.pid == int(said(third))
    first.stop()
    second.stop()
    second.stop()
    assert server_pid(home) is not None
    assert end(third) == 0
    assert server_pid(home) is None


def test_a_forked_child_that_ends_leaves_its_parent_the_server(home: Path) -> None:
    forks = USER.replace(
        "print(server.pid", "child = os.fork()\nif child == 0: sys.exit()\nos.waitpid(child, 0)\nprint(server.pid"
    )
    process = user(home, forks)
    assert said(process) == str(server_pid(home))
    assert end(process) == 0
    assert server_pid(home) is None


def test_a_killed_user_leaves_its_server_to_the_next_who_stops_it(home: Path) -> None:
    killed = user(home)
    pid = int(said(killed))
    killed.kill()
    end(killed)
    assert server_pid(home) == pid
    with ensure_running(home) as server:
        assert server.pid == pid
    assert server_pid(home) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_user_that_is_told_to_end_stops_the_server(home: Path, number: signal.Signals) -> None:
    process = user(home)
    assert said(process) == str(server_pid(home))
    process.send_signal(number)
    assert end(process) == 128 + number
    assert server_pid(home) is None


def test_two_processes_may_race_for_the_first_start(folder: Path) -> None:
    racers = [user(folder / "home") for _ in range(4)]
    pids = {said(racer) for racer in racers}
    assert len(pids) == 1
    assert [end(racer) for racer in racers] == [0] * 4
    assert server_pid(folder / "home") is None


def test_a_stranger_with_the_old_pid_is_neither_believed_nor_killed(home: Path) -> None:
    account = account_for(home / "postgres")
    with ensure_running(home) as server:
        lines = (home / "postgres" / "postmaster.pid").read_text().splitlines()
    stranger = subprocess.Popen(["sleep", "60"], user=account.uid if ROOT else None, cwd="/")
    try:
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (home / "postgres" / name).write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
            os.chown(home / "postgres" / name, account.uid, account.gid)
        with ensure_running(home) as server:
            assert server.pid not in (None, stranger.pid)
        assert server_pid(home) is None
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("left", ["", "garbage\n", "-7\n", "999999999\n"])
def test_a_broken_pid_file_does_not_stop_the_start(home: Path, left: str) -> None:
    account = account_for(home / "postgres")
    (home / "postgres" / "postmaster.pid").write_text(left)
    os.chown(home / "postgres" / "postmaster.pid", account.uid, account.gid)
    with ensure_running(home) as server:
        assert server.pid is not None


def test_a_killed_server_recovers_with_its_data(home: Path) -> None:
    first = ensure_running(home)
    with psycopg.connect(first.owner_url) as connection:
        connection.execute("CREATE TABLE kept (fen bigint)")
        connection.execute("INSERT INTO kept VALUES (200)")
    process = Cluster.find(home).postmaster()
    assert process is not None
    process.kill()
    while server_pid(home):
        time.sleep(0.01)
    with ensure_running(home) as second, psycopg.connect(second.owner_url) as connection:
        assert second.pid not in (None, process.pid)
        assert connection.execute("SELECT fen FROM kept").fetchone() == (200,)
        first.stop()
        assert second.pid is not None


def test_a_half_made_folder_is_swept_away(folder: Path) -> None:
    half = folder / "home" / "postgres.new-killed"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with ensure_running(folder / "home") as server:
        assert server.pid is not None
    assert sorted(path.name for path in (folder / "home").glob("postgres*")) == [
        "postgres",
        "postgres.lock",
        "postgres.users",
    ]


@pytest.mark.parametrize(
    ("file", "text", "words"), [("PG_VERSION", "15\n", "PostgreSQL 15"), ("photo", "", "not empty")]
)
def test_a_folder_that_is_not_ours_is_refused_and_kept(folder: Path, file: str, text: str, words: str) -> None:
    data = folder / "home" / "postgres"
    data.mkdir(parents=True)
    (data / file).write_text(text)
    with pytest.raises(ServerFault, match=words):
        ensure_running(folder / "home")
    assert (data / file).read_text() == text


def test_keys_are_private(home: Path) -> None:
    (home / "keys").chmod(0o755)
    with ensure_running(home):
        assert stat.S_IMODE((home / "keys").stat().st_mode) == 0o700
        assert stat.S_IMODE((home / "keys" / "service_password").stat().st_mode) == 0o600
        assert (home / "keys").stat().st_uid == os.geteuid()


def test_data_restored_without_its_keys_gets_a_new_password(home: Path) -> None:
    old = (home / "keys" / "service_password").read_text()
    shutil.rmtree(home / "keys")
    with ensure_running(home) as server, psycopg.connect(server.service_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert (home / "keys" / "service_password").read_text() != old


@pytest.mark.parametrize("role", ["fenhao_service", "fenhao_service:wrong", "embedded_postgres", "root"])
def test_nobody_connects_without_the_password_or_as_another_role(home: Path, role: str) -> None:
    with (
        ensure_running(home) as server,
        pytest.raises(psycopg.OperationalError, match=r"password|no pg_hba\.conf entry"),
    ):
        psycopg.connect(server.owner_url.replace("postgres@", f"{role}@"))


@needs_root
def test_another_account_of_the_system_cannot_be_the_owner(home: Path) -> None:
    code = "import os, psycopg, sys; os.setgid(65534); os.setuid(65534); psycopg.connect(sys.argv[1])"
    with ensure_running(home) as server:
        command = [sys.executable, "-c", code, server.owner_url]
        shut = subprocess.run(command, capture_output=True, text=True)
        # Even if somebody opened the folders: the server asks the kernel who is calling.
        (home / "postgres").chmod(0o755)
        (home / "postgres" / ".s.PGSQL.5432").chmod(0o777)
        home.chmod(0o755)
        opened = subprocess.run(command, capture_output=True, text=True)
    assert "Permission denied" in shut.stderr
    assert "Peer authentication failed" in opened.stderr


@needs_root
def test_as_root_folders_are_opened_to_the_server_alone(folder: Path) -> None:
    folder.chmod(0o700)
    told: list[str] = []
    with ensure_running(folder / "home", progress=lambda en, _: told.append(en)) as server:
        assert server.pid is not None
    assert stat.S_IMODE(folder.stat().st_mode) & 0o007 == 0
    look = "import os, sys; os.setgid(65534); os.setuid(65534); os.stat(sys.argv[1])"
    nobody = subprocess.run([sys.executable, "-c", look, str(folder / "home")], capture_output=True, text=True)
    assert "PermissionError" in nobody.stderr
    assert any(str(folder) in en for en in told)


@needs_root
def test_an_ordinary_user_can_use_it_too(folder: Path) -> None:
    account = pwd.getpwnam(Cluster.find(folder / "home").account.name)
    os.chown(folder, account.pw_uid, account.pw_gid)
    drop = f"import os; os.setgroups([]); os.setgid({account.pw_gid}); os.setuid({account.pw_uid})\n"
    # Imported before the drop: an ordinary user may be unable to read the interpreter's own folder.
    code = USER.replace("exit_on_sigterm()\n", f"{drop}exit_on_sigterm()\n")
    process = user(folder / "home", code)
    assert said(process) == str(server_pid(folder / "home"))
    assert (folder / "home").stat().st_uid == account.pw_uid
    with ensure_running(folder / "home") as server, psycopg.connect(server.owner_url) as connection:  # root joins it
        assert connection.execute("SELECT current_user::text").fetchone() == ("postgres",)
    assert end(process) == 0
    assert server_pid(folder / "home") is None


def long_home(folder: Path, pattern: Path) -> Path:
    home = folder / ("x" * 60) / ("仁" * 20) / "home"
    home.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", str(pattern), str(home)], check=True)
    return home


def test_a_long_path_has_its_socket_in_a_short_private_folder(folder: Path, pattern: Path) -> None:
    home = long_home(folder, pattern)
    socket_dir = Cluster.find(home).socket_dir()
    with ensure_running(home) as server, psycopg.connect(server.owner_url) as connection:
        assert connection.execute("SHOW unix_socket_directories").fetchone() == (str(socket_dir),)
        assert stat.S_IMODE(socket_dir.stat().st_mode) == 0o700
    socket_dir.rmdir()


def test_a_socket_folder_that_others_can_write_is_refused(folder: Path, pattern: Path) -> None:
    home = long_home(folder, pattern)
    socket_dir = Cluster.find(home).socket_dir()
    socket_dir.mkdir()
    socket_dir.chmod(0o777)
    try:
        with pytest.raises(ServerFault, match="not a private folder"):
            ensure_running(home)
    finally:
        socket_dir.rmdir()


def test_the_log_quotes_no_values(home: Path) -> None:
    with ensure_running(home) as server:
        with psycopg.connect(server.owner_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE child (name text PRIMARY KEY, fen bigint)")
            connection.execute("INSERT INTO child VALUES ('张小明', 1)")
            for statement in ("INSERT INTO child VALUES ('张小明', 1)", "SELECT '张小明'::int", "SELECT 张小明"):
                with suppress(psycopg.Error):
                    connection.execute(statement)
                    raise AssertionError("the statement should have failed")
            with suppress(psycopg.Error):
                connection.execute("INSERT INTO child VALUES (%s, %s)", ("张小明", "张小明"))
        log = server.log.read_text()
    assert "ready to accept connections" in log
    assert "张小明" not in log


def test_waiting_ends_at_the_deadline_with_a_fault_that_says_for_what(home: Path) -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    holder = user(
        home,
        "import fcntl, sys\nfile = open(sys.argv[1] + '/postgres.lock')\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\nprint('held', flush=True)\nsys.stdin.readline()",
    )
    assert said(holder) == "held"
    with pytest.raises(ServerFault, match="another process is starting or stopping"):
        ensure_running(home, timeout_s=5, clock=lambda: now, sleep=sleep)
    assert 5 <= now < 6
    assert end(holder) == 0


def test_faults_speak_chinese_and_english(folder: Path) -> None:
    (folder / "home").write_text("a file stands where the home should be")
    with pytest.raises(ServerFault) as caught:
        ensure_running(folder / "home")
    assert "FENHAO_HOME" in caught.value.say("en")
    assert "无法使用" in caught.value.say("zh")


def test_an_ended_use_has_no_pid(home: Path) -> None:
    server: EmbeddedServer = ensure_running(home)
    server.stop()
    assert server.pid is None
