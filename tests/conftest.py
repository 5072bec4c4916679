"""Fixtures: servers that live as long as the run, and a fresh ledger in a schema of its own for each test."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from honest import Honest, honest_ledger
from hypothesis import HealthCheck, settings
from pages import CheckAxe, Look, Windows, check_accessible, chromium_running, looking
from schemas import keeping, own_schema, promised
from serving import Served, serving
from vaults import Vaulted

from api.bootstrap import starter_dictionary
from api.cli import main
from api.settings import GARBAGE
from audit.checkpoint import KeySigner
from ledger.database import Database, connecting
from ledger.decisions import OpenLedger
from ledger.embedded import ensure_running
from ledger.journal import Journal
from ledger.writing import Writer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

gc.set_threshold(GARBAGE)
SCALE = int(os.environ.get("FENHAO_TEST_SCALE", "1"))
"""How many times the usual number of examples property tests try; more for a soak."""
ORIGIN = "ledger.example.org/test"
SIGNER = KeySigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"k" * 32))
"""Whose key entry 0 of the fixtures' ledgers names."""
Fenhao = Callable[..., Result]
"""`fenhao` with these arguments."""

settings.register_profile(
    "ci",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
settings.load_profile("ci")


def pytest_collection_finish() -> None:
    """What was imported and collected stays: it need not be looked through for circles again and again."""
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what random histories were tried, if any were."""
    histories = sys.modules.get("histories")
    if histories is not None and histories.TALLY.seeds:
        terminalreporter.section("random histories against the model")
        for line in histories.TALLY.lines():
            terminalreporter.line(line)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker among several hands in what it tried."""
    histories, output = sys.modules.get("histories"), getattr(session.config, "workeroutput", None)
    if histories is not None and output is not None:
        output["tally"] = histories.TALLY.packed()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes in what a worker tried."""
    if tally := getattr(node, "workeroutput", {}).get("tally"):
        import histories

        histories.TALLY.add(tally)


@dataclass(frozen=True)
class Ledger:
    """An open ledger on a database of its own schema."""

    database: Database
    journal: Journal
    writer: Writer


@pytest.fixture(scope="session")
def embedded_url() -> Iterator[str]:
    """The owner's URL of an embedded server that ends with the run.

    Its folder is not pytest's: each new run closes those to others, and the server, which runs as another user, ends
    when it cannot read its own.
    """
    with TemporaryDirectory(prefix="fenhao-home-") as folder, ensure_running(Path(folder)) as server:
        with connecting(server.owner_url) as owner:  # what it holds ends with the run: nothing waits for the disk
            owner.execute("alter system set fsync = off")
            owner.execute("alter system set synchronous_commit = off")
            owner.execute("alter system set full_page_writes = off")
            owner.execute("select pg_reload_conf()")
        with keeping(server.owner_url):
            yield server.owner_url


@dataclass(frozen=True)
class SystemServer:
    """A server of the system's own PostgreSQL in a folder."""

    folder: Path
    programs: Path

    @property
    def url(self) -> str:
        """Its owner's."""
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def start(self) -> None:
        """Raises CalledProcessError when it does not come up."""
        options = f"-c listen_addresses='' -k {self.folder} -c fsync=off -c full_page_writes=off"
        self.program("pg_ctl", "-w", "-o", options, "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        """As a crash would: nobody is waited for. Nothing, where it is stopped already."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.program("pg_ctl", "-w", "-m", "immediate", "stop")

    def program(self, name: str, *arguments: str) -> None:
        """Runs one of its programs; as root, which PostgreSQL refuses, as a user of its own."""
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run(
            [*as_user, str(self.programs / name), "-D", str(self.folder / "data"), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )


@contextmanager
def system_server(name: str) -> Iterator[SystemServer]:
    """A running server of the system's own PostgreSQL; skips where none is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not found or (os.geteuid() == 0 and shutil.which("runuser") is None):
        pytest.skip("no PostgreSQL of the system's own is installed: see .ci/packages.txt")
    folder = Path(f"/tmp/fenhao-{name}-{os.getpid()}")
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = SystemServer(folder, found[-1].parent)
    try:
        server.program("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C")
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def honest(embedded_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Honest]:
    """An honest ledger with a fact of every kind, its log, exports and a receipt; whoever changes it undoes that."""
    with honest_ledger(embedded_url, tmp_path_factory.mktemp("honest")) as made:
        yield made


@pytest.fixture(scope="session")
def debian_url() -> Iterator[str]:
    """The URL of a server of the system's own PostgreSQL, started for the run."""
    with system_server("tests") as server, keeping(server.url):
        yield server.url


@pytest.fixture
def server_url(request: pytest.FixtureRequest) -> str:
    """The server that a test uses: the embedded one, unless the test is parametrised with `every_server`."""
    name = getattr(request, "param", "embedded")
    url = request.getfixturevalue(f"{name}_url")
    assert isinstance(url, str)
    return url


every_server = pytest.mark.parametrize("server_url", ["embedded", "debian"], indirect=True)
"""Marks tests that run on the embedded server and on the system's own."""


@pytest.fixture
def database(server_url: str) -> Iterator[Database]:
    """A migrated schema of its own."""
    with own_schema(server_url) as made:
        yield made


@pytest.fixture
def journal(database: Database) -> Iterator[Journal]:
    """A journal on which no ledger is open yet."""
    with Journal(database, pool_size=12) as made:
        yield made


@pytest.fixture(scope="module")
def served(embedded_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A running service on a ledger of the module's own, with fund F, hospital H and case C; tests add their own."""
    with own_schema(embedded_url) as database, serving(database, tmp_path_factory.mktemp("served")) as made:
        made.record("/v1/funds", fund="F", name="fund", fee_bp=0)
        made.record("/v1/hospitals", hospital="H", name="hospital")
        made.record("/v1/cases", case="C", fund="F", hospital="H", person="P")
        yield made


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser that lives as long as the run; skips where none is installed."""
    with chromium_running() as browser:
        yield browser


@pytest.fixture
def window(chromium: Browser) -> Iterator[Windows]:
    """Opens watched windows: `window(PHONE, dark=True)`."""
    windows = Windows(chromium)
    yield windows
    windows.close()


@pytest.fixture
def page(window: Windows) -> Page:
    """A watched window on a desk, in Chinese."""
    return window()


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Stores a picture of a whole page: `look(page, "donor-390")`."""
    return looking(tmp_path / "pictures")


@pytest.fixture
def check_axe() -> CheckAxe:
    """Fails unless axe finds no violation on a page."""
    return check_accessible


@pytest.fixture
def ledger(journal: Journal) -> Ledger:
    """An open ledger with an empty dictionary."""
    writer = Writer(journal)
    writer.submit(OpenLedger(key="ledger", origin=ORIGIN, verifier_key=str(SIGNER.verifier)))
    return Ledger(journal.database, journal, writer)


@pytest.fixture
def vaulted(journal: Journal, tmp_path: Path) -> Vaulted:
    """An open ledger with a fund, a hospital and a vault."""
    return Vaulted.on(journal, tmp_path / "keys")


@pytest.fixture
def ledger_with_codes(ledger: Ledger) -> Ledger:
    """An open ledger with the starter dictionary."""
    ledger.writer.submit_batch(starter_dictionary())
    return ledger


@pytest.fixture
def fenhao(embedded_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Fenhao]:
    """`fenhao` in a home and a schema of its own; what `init` finds is migrated already."""
    schema = f"cli_{abs(hash(request.node.name)) % 10**8}"
    environment = {
        "FENHAO_HOME": str(tmp_path / "home"),
        "FENHAO_DATABASE_URL": embedded_url,
        "FENHAO_SCHEMA": schema,
        "FENHAO_LANGUAGE": "",
    }
    with promised(embedded_url, schema) as bring:

        def run(*arguments: str, typed: str | None = None, **more: str) -> Result:
            words = [str(argument) for argument in arguments]
            if words[:1] == ["init"]:
                bring()
            return CliRunner().invoke(main, words, input=typed, env=environment | more)

        yield run
