"""Random histories: told by the model, written to a real ledger batch by batch, judged at every step, and shrunk."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from random import Random
from typing import Any

from chance import TODAY
from commands import Asker
from laws import Broken, Entry
from laws_rows import LAWS
from model import Held, Issued, Model, Moved, Refused, Replayed
from model import Outcome as Expected
from model_state import Command
from schemas import empty

from audit.verify import verify
from ledger import decisions
from ledger.journal import Journal
from ledger.writing import Limits, Outcome, Recorded, Writer
from projections.runner import Runner
from projections.trace import reading

NOW = datetime(2026, 3, 5, 17, 0, tzinfo=UTC)
"""Already TODAY in the ledger's zone."""
STEPS = 170
"""Commands in a history."""
SHRINK_S = 60.0
CASE_FIGURES = ("allocated", "paid", "used", "returned")
FUND_FIGURES = {
    **{"received": "received", "fund": "available", "case": "allocated", "hospital": "paid", "used": "used"},
    **{"fee": "fees", "cost": "costs", "hold": "held", "refunded": "refunded"},
}
"""A fund's figures in a trace by the kinds of place that they count."""
CASE_FILES = "select id, is_open, attributes, household, purpose from case_file"
Links = dict[tuple[str | None, str, str], set[tuple[int, int]]]
"""(donor, donation, case) → fens."""


class Disagreement(Exception):
    """The ledger is not as the model, a law or the verifier says: `what` names which thing, the rest says how."""

    def __init__(self, what: str, *how: object) -> None:
        super().__init__(what, *how)
        self.what = what


@dataclass
class Tally:
    """What was tried, for the report at the end of the run."""

    seeds: list[int] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0
    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    def count(self, command: Command, outcome: Expected) -> None:
        """One step; a refusal with several reasons counts for each as a part."""
        self.steps += 1
        if isinstance(outcome, Refused):
            self.refused[command["do"]] += 1
            self.codes.update(outcome.kinds if len(outcome.kinds) == 1 else ())
        elif not isinstance(outcome, Replayed):
            self.accepted[command["do"]] += 1

    def packed(self) -> dict[str, Any]:
        """In plain types, for the way between processes."""
        counts = {name: dict(getattr(self, name)) for name in ("accepted", "refused", "codes")}
        return {"seeds": self.seeds, "steps": self.steps, "seconds": self.seconds, **counts}

    def add(self, packed: dict[str, Any]) -> None:
        """Takes in what another process tried."""
        self.seeds = sorted([*self.seeds, *packed["seeds"]])
        self.steps += packed["steps"]
        self.seconds += packed["seconds"]
        for name in ("accepted", "refused", "codes"):
            getattr(self, name).update(packed[name])

    def lines(self) -> Iterator[str]:
        """The report."""
        tried = set(self.seeds)
        first = [seed for seed in self.seeds if seed - 1 not in tried]
        last = [seed for seed in self.seeds if seed + 1 not in tried]
        seeds = ", ".join(f"{lo} to {hi}" for lo, hi in zip(first, last, strict=True))
        yield f"{self.steps} steps in {len(self.seeds)} histories (seeds {seeds}), {self.seconds:.0f} s"
        yield "accepted/refused: " + ", ".join(
            f"{verb} {self.accepted[verb]}/{self.refused[verb]}" for verb in sorted(self.accepted | self.refused)
        )
        yield "refused for one reason: " + ", ".join(f"{code} {n}" for code, n in sorted(self.codes.items()))


TALLY = Tally()


@dataclass
class Batch:
    """Commands of one transaction with what the model says of each, and the model after them."""

    commands: list[Command]
    expected: list[Expected]
    model: Model


def threshold_of(seed: int) -> int | None:
    """From which amount on the ledger of this seed's history asks for two persons."""
    return [None, None, 12][seed % 3]


def told(seed: int, steps: int = STEPS) -> Iterator[Batch]:
    """The history of a seed: mostly small batches, some large."""
    random, model = Random(seed), Model(threshold_of(seed))
    asker = Asker(random, model)
    while steps > 0:
        batch, asker.committed = Batch([], [], model), model.size
        for _ in range(min(steps, random.choice([1, 2, 8, 20, 40, 60]))):
            batch.commands.append(asker.next())
            batch.expected.append(model.submit(batch.commands[-1], TODAY))
            steps -= 1
        yield batch


def retold(threshold: int | None, batches: Iterable[list[Command]]) -> Iterator[Batch]:
    """The same for plain commands, some of which may have been left out."""
    model = Model(threshold)
    for commands in batches:
        batch = Batch([], [], model)
        for command in commands:
            batch.commands.append(numbered(command, model))
            batch.expected.append(model.submit(batch.commands[-1], TODAY))
        yield batch


class Judged:
    """A ledger just opened, and the laws, which are told its entries as they come."""

    def __init__(self, journal: Journal, threshold: int | None) -> None:
        empty(journal.database)
        begun = datetime.now(UTC)
        journal.entries.clock = lambda: NOW + (datetime.now(UTC) - begun)
        self.journal, self.writer = journal, Writer(journal, limits=Limits(two_persons_from=threshold))
        self.writer.submit(decisions.OpenLedger(key="open", origin="ledger.example.org/test", verifier_key="k"))
        self.laws = {number: law() for number, law in LAWS.items()}
        self.entries: list[Entry] = []
        self.batches = 0
        self.views = Runner(journal)

    def judge(self, batches: Iterable[Batch]) -> None:
        """Writes all batches. Raises Disagreement."""
        for batch in batches:
            self.batch(batch)
        self.check_traces(batch.model, {donation for donation, donor in batch.model.donors().items() if donor is None})
        self.check_funds(batch.model)
        same("views that stand still", {}, self.views.recorder.failures())
        report = verify(self.journal.entries.bundles())
        same("verify", [], list(report.problems))
        same("verified places", batch.model.held(), [Held(*row) for row in report.places()])

    def batch(self, batch: Batch) -> None:
        """Writes one batch, and looks at every outcome, entry, table and trace."""
        outcomes = self.submit([ask(command) for command in batch.commands])
        self.read_on()
        for each in zip(batch.commands, batch.expected, outcomes, strict=True):
            self.check_outcome(*each)
        same("number of entries", batch.model.size, len(self.entries))
        self.check_tables(batch.model)
        self.check_traces(batch.model)

    def submit(self, commands: list[decisions.Command]) -> list[Outcome]:
        """In a transaction of its own; now and then two batches in one, as an import that is all or nothing."""
        self.batches += 1
        if self.batches % 6:
            return self.writer.submit_batch(commands)
        half = len(commands) // 2
        with self.writer.session() as session:
            return session.run(commands[:half]) + session.run(commands[half:])

    def read_on(self) -> None:
        """Tells the laws what has come."""
        with self.journal.entries.reading() as cursor:
            new = cursor.execute("select body from entry where seq >= %s order by seq", (len(self.entries),)).fetchall()
        for (body,) in new:
            self.entries.append(json.loads(body))
            for number, law in self.laws.items():
                try:
                    law.take(self.entries[-1])
                except Broken as broken:
                    raise Disagreement(f"law {number}", broken.args, self.entries[-1]) from broken

    def check_outcome(self, command: Command, expected: Expected, outcome: Outcome) -> None:
        if isinstance(expected, Refused):
            code = None if isinstance(outcome, Recorded) else outcome.code
            if code not in expected.kinds:
                raise Disagreement("outcome", command, f"expected {expected}", f"got {outcome}")
            return
        replayed = isinstance(expected, Replayed)
        if outcome != Recorded(expected.seq, replayed=replayed):
            raise Disagreement("outcome", command, f"expected {expected}", f"got {outcome!r}")
        if not isinstance(expected, Replayed):
            data = self.entries[expected.seq]["data"]
            same("issues and moves", (expected.issue, expected.moves), (issued(data), moved(data)), command)
            same("members", expected.said, {name: data.get(name) for name in expected.said}, command)
            before = self.entries[expected.seq - len(expected.opened) : expected.seq]
            opened = [one["data"]["tape"] for one in before]
            same("tapes opened", [f"t{number}" for number in expected.opened], opened, command)

    def check_tables(self, model: Model) -> None:
        with self.journal.entries.reading() as cursor:

            def rows(query: str) -> list[Any]:
                return cursor.execute(query).fetchall()

            held = rows("select tape, lo, hi, place, home, since::text from holding order by tape, lo")
            same("table holding", model.held(), [Held(*row) for row in held])
            same("table tape", model.ends(), dict(rows("select number, ends_at from tape")))
            cases = {
                row[0]: row[1:] for row in rows("select id, is_open, attributes, household, purpose from case_file")
            }
            expected = {
                name: (case.is_open, case.attributes, case.household, case.purpose)
                for name, case in model.state.cases.items()
            }
            same("table case_file", expected, cases)
            keys = {"\x1e".join(part or "" for part in key): seq for key, seq in model.business_keys().items()}
            same("table business_key", keys, dict(rows("select key, seq from business_key")))
            bills = rows("select hospital, bill_no, case_id, limit_minor, paid_minor from bill where paid_minor > 0")
            same("table bill", model.bills(), {(h, b, c): (limit, paid) for h, b, c, limit, paid in bills})

    def check_traces(self, model: Model, nobodys: Iterable[str] = ()) -> None:
        """Donor → cases and case → donors, as the views tell it, are inverses, and what the model says.

        The other way of gifts that are `nobodys` yet is asked for gift by gift.
        """
        self.views.catch_up()
        donors = model.donors()
        forth: Links = defaultdict(set)
        back: Links = defaultdict(set)
        with reading(self.journal) as traces:
            given = [traces.donor(donor) for donor in sorted({one for one in donors.values() if one is not None})]
            for trace in given + [traces.donation(donation) for donation in nobodys]:
                for flow in trace["flows"]:
                    if flow["case"] is not None:
                        run = fens(flow["tape"], flow["lo"], flow["hi"])
                        forth[trace["donor"], flow["donation"], flow["case"]] |= run
            for case in model.state.cases:
                trace = traces.case(case)
                same("case", model.case_sums(case), {name: trace[name] for name in CASE_FIGURES}, case)
                for one in trace["donors"]:
                    for text in one["ranges"]:
                        tape, span = text.split(":")
                        back[one["donor"], one["donation"], case] |= fens(tape, *map(int, span.split("-")))
        links = {(donors[gift], gift, case): run for (gift, case), run in model.links().items()}
        asked = {link: run for link, run in links.items() if link[0] is not None or link[1] in nobodys}
        same("donor to case", asked, dict(forth))
        same("case to donor", links, dict(back))

    def check_funds(self, model: Model) -> None:
        """Each fund's figures, as the views tell them, are the model's."""
        with reading(self.journal) as traces:
            for fund in model.state.funds:
                trace, sums = traces.fund(fund), model.fund_sums(fund)
                found = {name: trace[figure] for name, figure in FUND_FIGURES.items()}
                found["transferred"] = trace["transferred_in"] - trace["transferred_out"]
                same("fund", {name: sums.get(name, 0) for name in found}, found, fund)


def ask(command: Command) -> decisions.Command:
    """The ledger's command for one of the model's."""
    members = {name: value for name, value in command.items() if name not in ("do", "account", "bank_ref")}
    for name in ("on", "usable_from", "expires_on"):
        if name in members:
            members[name] = date.fromisoformat(members[name])
    for name in ("ranges", "incoming", "outgoing", "approved_by"):
        if name in members:
            members[name] = tuple(members[name])
    if "restriction" in members:
        members["restriction"] = tuple((name, tuple(codes)) for name, codes in sorted(members["restriction"].items()))
    if "lines" in members:
        members["lines"] = tuple(decisions.PaymentLine(**line) for line in members["lines"])
    if "foreign" in members:
        rate_on = date.fromisoformat(members["foreign"]["rate_on"])
        members["foreign"] = decisions.Foreign(**{**members["foreign"], "rate_on": rate_on})
    if "basis" in members:
        members["basis"] = decisions.Basis(**members["basis"])
    if "bank_ref" in command:
        members["cash"] = (decisions.CashLeg(command["account"], bank_ref=command["bank_ref"]),)
    if command["do"] in ("open_fund", "register_hospital", "define_code"):
        members["name"] = "名称"
    verb: type[decisions.Command] = getattr(decisions, command["do"].title().replace("_", ""))
    return verb(**members)


def issued(data: Entry) -> list[Issued]:
    return [Issued(int(i["tape"][1:]), i["lo"], i["hi"], i["to"]) for i in data.get("issue", [])]


def moved(data: Entry) -> list[Moved]:
    return [Moved(int(m["tape"][1:]), m["lo"], m["hi"], m["from"], m["to"]) for m in data.get("moves", [])]


def fens(tape: str, lo: int, hi: int) -> set[tuple[int, int]]:
    return {(int(tape[1:]), number) for number in range(lo, hi)}


def same(what: str, expected: object, found: object, *at: object) -> None:
    """Raises Disagreement, which shows of two collections only what differs."""
    if expected == found:
        return
    if isinstance(expected, dict) and isinstance(found, dict):
        names = [name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)]
        expected, found = ({name: each.get(name) for name in names} for each in (expected, found))
    elif isinstance(expected, list) and isinstance(found, list):
        expected, found = ([one for one in a if one not in b] for a, b in ((expected, found), (found, expected)))
    raise Disagreement(what, *at, f"expected {expected}", f"got {found}")


# Running a seed; shrinking one that fails.


def check_history(journal: Journal, seed: int, tally: Tally = TALLY) -> None:
    """One history. Raises AssertionError with the shortest failing commands that were found in SHRINK_S."""
    begun, batches = time.monotonic(), list[Batch]()

    def kept() -> Iterator[Batch]:
        for batch in told(seed):
            batches.append(batch)
            for each in zip(batch.commands, batch.expected, strict=True):
                tally.count(*each)
            yield batch

    tally.seeds.append(seed)
    try:
        Judged(journal, threshold_of(seed)).judge(kept())
    except Exception as failure:  # whatever the ledger raised: it is shrunk, shown and raised
        commands = [(n, named(one, batches[-1].model)) for n, batch in enumerate(batches) for one in batch.commands]
        if kind_of(failure_of(journal, seed, commands)) != kind_of(failure):
            raise  # nothing that the same commands do again
        raise AssertionError(shrunk(journal, seed, commands, failure)) from failure
    finally:
        tally.seconds += time.monotonic() - begun


Told = list[tuple[int, Command]]
"""Commands with the number of their batch."""


def shrunk(journal: Journal, seed: int, commands: Told, failure: Exception) -> str:
    """Leaves out as many commands as possible, halves first, then single ones, while it fails in the same way."""
    until, size = time.monotonic() + SHRINK_S, max(len(commands) // 2, 1)
    wanted = kind_of(failure)
    while time.monotonic() < until:
        before = len(commands)
        for start in range(len(commands) - size, -size, -size):
            rest = commands[: max(start, 0)] + commands[start + size :]
            found = failure_of(journal, seed, rest) if time.monotonic() < until else None
            if kind_of(found) == wanted and found is not None:
                commands, failure = rest, found
        if size == 1 and len(commands) == before:
            break
        size = max(size // 2, 1)
    told_by = "\n".join(f"  {n}: {command}" for n, command in commands)
    how = "\n  ".join(str(one) for one in failure.args)
    kind = type(failure).__name__
    return f"seed {seed}, two persons from {threshold_of(seed)}: {kind}\n  {how}\nin batches:\n{told_by}"


def failure_of(journal: Journal, seed: int, commands: Told) -> Exception | None:
    """How these commands fail; None when they do not."""
    numbers = sorted({n for n, _ in commands})
    batches = [[command for n, command in commands if n == number] for number in numbers]
    try:
        Judged(journal, threshold_of(seed)).judge(retold(threshold_of(seed), batches))
    except Exception as failure:  # noqa: BLE001  # whatever it is: the caller compares it with the first one
        return failure
    return None


def kind_of(failure: Exception | None) -> tuple[str, str]:
    return type(failure).__name__, failure.what if isinstance(failure, Disagreement) else ""


def named(command: Command, model: Model) -> Command:
    """With the key of the command that made an entry instead of its seq, which leaving others out would change."""
    keys = {seq: key for key, (_, seq) in model.keys.items()}
    if command["do"] == "reverse_entry" and command["reverses"] in keys:
        return {**command, "reverses": keys[command["reverses"]]}
    return command


def numbered(command: Command, model: Model) -> Command:
    """The inverse of `named`; an entry that is not there any more is one that never comes."""
    if isinstance(command.get("reverses"), str):
        return {**command, "reverses": model.keys.get(command["reverses"], ({}, 1_000_000))[1]}
    return command
