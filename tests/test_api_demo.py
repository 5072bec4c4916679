"""Laws of `fenhao demo`: the same facts for the same seed, in a ledger of its own, shown as README shows it."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import Fenhao

from api.bootstrap import opened, starter_dictionary
from api.demo import recording
from api.demo.recording import Demo, DemoRefused, NotTheDemo, open_demo, record
from api.settings import Settings
from ledger.database import Database, connecting
from ledger.decisions import Command, OpenFund
from ledger.writing import Outcome, Writer

README = Path(__file__).parents[1] / "README.md"
TODAY = date(2026, 1, 15)
YEAR = Demo.before(TODAY, 150, 7)

Ledgers = Callable[[], "Home"]


class Home:
    """A folder and a schema for one demo."""

    def __init__(self, url: str, schema: str, folder: Path) -> None:
        self.place = Database(url, schema=schema)
        self.settings = Settings(home=folder, database_url=url, schema=schema)

    def open(self, demo: Demo) -> Demo:
        return open_demo(self.settings, self.place, demo)

    def record(self, demo: Demo) -> None:
        with opened(self.place, self.settings) as fenhao:
            record(fenhao, demo, lambda done, of: None)

    def run(self, command: Command) -> None:
        with opened(self.place, self.settings) as fenhao:
            fenhao.writer.submit(command)

    def facts(self) -> list[tuple[str, str, str]]:
        """What the demo recorded, without what differs each time: at, salt, prev, and commitments, which have salts."""
        with opened(self.place, self.settings) as fenhao:
            entries = fenhao.journal.entries.read(1 + len(starter_dictionary()), 1_000_000)
        plain = [entry.data | {"commitments": sorted(entry.data.get("commitments", ()))} for entry in entries]
        return [
            (entry.stream, entry.type, json.dumps(data, sort_keys=True))
            for entry, data in zip(entries, plain, strict=True)
        ]


@pytest.fixture
def ledgers(embedded_url: str, tmp_path: Path) -> Iterator[Ledgers]:
    """Makes homes with schemas of their own."""
    made: list[str] = []
    numbers = itertools.count()

    def make() -> Home:
        number = next(numbers)
        made.append(f"demo_{os.getpid()}_{number}")
        return Home(embedded_url, made[-1], tmp_path / f"home{number}")

    yield make
    with connecting(embedded_url) as connection:
        for schema in made:
            connection.execute(f"drop schema if exists {schema} cascade")
            connection.execute(f"drop owned by {schema}_service; drop role {schema}_service")


@pytest.mark.timeout(600)
def test_readme_shows_what_the_demo_says_and_the_second_run_says_it_again(
    fenhao: Fenhao, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.times.utc_now", lambda: datetime(2026, 1, 15, tzinfo=UTC))
    first = fenhao("demo", "--lang", "en")
    assert first.exit_code == 0, first.output
    block = re.search(r"```\n(1\. the year\n.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert block is not None
    lines = iter(first.output.splitlines())
    for line in block[1].splitlines():
        promised = line.partition("…")[0].partition(" root ")[0].rstrip()  # folder and root are each machine's
        assert any(said.rstrip().startswith(promised) for said in lines), f"the demo does not say: {line}"
    monkeypatch.setattr("ledger.times.utc_now", lambda: datetime(2026, 2, 15, tzinfo=UTC))
    assert fenhao("demo", "--lang", "en").output == first.output


def test_programs_read_what_people_see(fenhao: Fenhao, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ledger.times.utc_now", lambda: datetime(2026, 1, 15, tzinfo=UTC))
    done = fenhao("demo", "--donations", "150", "--json")
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    assert set(told) == {"origin", "totals", "donor", "case", "refused", "sankey", "verify", "next"}
    assert told["origin"] == "demo.example/150-1-2025-12"
    assert told["verify"]["ok"]
    assert told["verify"]["entries"] == told["totals"]["entries"]
    assert told["donor"]["given"] == sum(one["amount"] for one in told["donor"]["flows"])
    assert sum(one["amount"] for one in told["case"]["donors"]) == told["case"]["used"] > 0
    assert [one["error"] for one in told["refused"]] == [
        "case_closed",
        "duplicate_business_key",
        "not_enough_money",
        "unknown_code",
    ]
    assert Path(told["sankey"]).read_bytes().startswith(b"<!doctype html>")
    for step in told["next"]:
        assert fenhao(*step.removeprefix("fenhao ").split()).exit_code == 0, step


def test_the_same_seed_makes_the_same_facts_and_another_others(ledgers: Ledgers) -> None:
    found = []
    for demo in (YEAR, YEAR, Demo.before(TODAY, 150, 8)):
        home = ledgers()
        home.open(demo)
        home.record(demo)
        found.append(home.facts())
    assert found[0] == found[1]
    assert found[0] != found[2]
    assert len(found[0]) > 300


def test_a_demo_that_was_cut_short_goes_on_where_it_ended(ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "BATCH", 40)
    whole, cut = ledgers(), ledgers()
    whole.open(YEAR)
    whole.record(YEAR)
    cut.open(YEAR)
    submit, left = Writer.submit_batch, iter(range(5))

    def interrupted(writer: Writer, commands: Sequence[Command]) -> list[Outcome]:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return submit(writer, commands)

    with monkeypatch.context() as patched:
        patched.setattr(Writer, "submit_batch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cut.record(YEAR)
    assert 0 < len(cut.facts()) < len(whole.facts())
    there = cut.open(Demo.before(date(2026, 2, 1), 150, 7))
    assert there == YEAR, "a month later it is still that year"
    cut.record(there)
    assert cut.facts() == whole.facts()
    cut.record(there)
    assert cut.facts() == whole.facts()


def test_what_was_recorded_in_between_is_one_clear_fault(ledgers: Ledgers) -> None:
    home = ledgers()
    home.open(YEAR)
    home.run(OpenFund(key="mine", fund="heart", name="我的基金"))
    with pytest.raises(DemoRefused, match="FENHAO_HOME"):
        home.record(YEAR)
    assert len(home.facts()) > 1, "the other commands of a batch stand, as everywhere"


@pytest.mark.parametrize(
    "other", ["ledger.example.org/ours", "demo.example/150-8-2025-12", "demo.example/151-7-2025-12"]
)
def test_no_other_ledger_is_written_to(fenhao: Fenhao, other: str) -> None:
    assert fenhao("init", "--origin", other, "--no-codes").exit_code == 0
    done = fenhao("demo", "--donations", "150", "--seed", "7", "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"] == NotTheDemo.code
    assert other in done.stderr
    assert json.loads(fenhao("verify", "--json").stdout)["entries"] == 1


def test_the_origin_says_which_year_it_is() -> None:
    assert YEAR.origin == "demo.example/150-7-2025-12"
    for month in range(1, 13):
        demo = Demo.before(date(2026, month, 28), 5, 3)
        assert Demo.of_origin(demo.origin) == demo
    for other in ("example.org/a", "demo.example/150-7-2025-12/b", "demo.example/x-7-2025-12"):
        assert Demo.of_origin(other) is None
