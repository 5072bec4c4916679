"""A real pooled fund, imported by the mappings in `examples/ocha-cbpf`, comes to the figures that its source states."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from api.intake import Report, parse_sources, run
from ledger.codec import data_of
from ledger.decisions import OpenLedger
from ledger.journal import Journal
from ledger.vault import open_vault
from ledger.vault_keys import KeyFolder
from ledger.writing import Writer
from projections.runner import Runner
from projections.trace import reading, whole
from reports.verification import verify_ledger

HOUSE = Path(__file__).parents[1]
MAPPINGS = HOUSE / "examples" / "ocha-cbpf"
DATA = HOUSE.parent / "shared" / "data" / "ocha-cbpf"
PROJECTS = "projects-2015-2018.csv"
FILES = {
    "funds": ("funds.csv", "funds.toml"),
    "hospitals": (PROJECTS, "hospitals.toml"),
    "cases": (PROJECTS, "projects-as-cases.toml"),
    "donations": ("contributions-2006-2018.csv", "contributions.toml"),
    "allocations": (PROJECTS, "allocations.toml"),
    "hospital-payments": (PROJECTS, "hospital-payments.toml"),
}

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the public data is not in {DATA}: see {MAPPINGS.name}/README.md"
)


def import_all(journal: Journal, writer: Writer) -> Report:
    files = [f"{kind}={DATA / file}" for kind, (file, _) in FILES.items()]
    mappings = [f"{kind}={MAPPINGS / mapping}" for kind, (_, mapping) in FILES.items()]
    return run(journal, writer, parse_sources(files, mappings))


def counted(read: int, recorded: int, already: int, rejected: int, amount: int = 0) -> dict[str, int]:
    return {"read": read, "recorded": recorded, "already": already, "rejected": rejected, "amount": amount}


def test_the_fund_comes_to_its_published_figures_and_a_second_import_records_nothing(
    journal: Journal, tmp_path: Path
) -> None:
    vault = open_vault(journal, KeyFolder(tmp_path / "keys", os.urandom), os.urandom)
    vault.prepare()
    writer = Writer(journal, vault=vault)
    writer.submit(
        OpenLedger(key="ledger", origin="ledger.example.org/cbpf", verifier_key="test", currency="USD", zone="UTC")
    )
    report = import_all(journal, writer)
    paid = counted(5153, 5148, 0, 5, 274_188_053_670 - 81_542_565)
    assert report.members()["kinds"] == {
        "funds": counted(46, 46, 0, 0),
        "hospitals": counted(5153, 723, 4430, 0),
        "cases": counted(5153, 5153, 0, 0),
        "donations": counted(1043, 1043, 0, 0, 551_781_783_660),
        "allocations": paid,
        "hospital-payments": paid,
    }
    assert {reject.refusal.code for reject in report.rejects} == {"not_enough_money"}
    assert report.exit_code == 3

    size = journal.entries.head().size
    again = import_all(journal, writer)
    assert journal.entries.head().size == size
    assert {counts.recorded for counts in again.kinds.values()} == {0}
    assert again.rejected == report.rejected

    assert_traces_add_up(journal)
    found = verify_ledger(journal, Runner(journal), jobs=1)
    assert found.as_json()["problems"] == []


def assert_traces_add_up(journal: Journal) -> None:
    """Each project's donors add up to its allocation, each donor's flows to their gifts; both agree pair by pair."""
    Runner(journal).catch_up()
    entries = [json.loads(data_of(body)) | {"type": kind} for kind, body in stored(journal)]
    projects = {entry["case"]: 0 for entry in entries if entry["type"] == "CaseOpened"}
    gifts: dict[str, int] = {}
    for entry in entries:
        if entry["type"] == "AllocationMade":
            projects[entry["case"]] += entry["amount"]
        elif entry["type"] == "DonationReceived":
            gifts[entry["donor"]] = gifts.get(entry["donor"], 0) + entry["amount"]
    forth: dict[tuple[str, str], int] = {}
    back: dict[tuple[str, str], int] = {}
    with reading(journal) as traces:
        for case, allocated in projects.items():
            trace = whole(traces.case(case))
            assert trace["allocated"] == allocated == sum(donor["amount"] for donor in trace["donors"])
            for donor in trace["donors"]:
                back[donor["donor"], case] = back.get((donor["donor"], case), 0) + donor["amount"]
        for donor, given in gifts.items():
            trace = whole(traces.donor(donor))
            assert trace["given"] == given == sum(flow["amount"] for flow in trace["flows"])
            assert given == sum(trace["by_place"].values())
            for flow in trace["flows"]:
                if flow["case"] is not None:
                    forth[donor, flow["case"]] = forth.get((donor, flow["case"]), 0) + flow["amount"]
    assert (len(projects), len(gifts)) == (5153, 79)
    assert forth == back


def stored(journal: Journal) -> list[tuple[str, bytes]]:
    with journal.entries.reading() as cursor:
        return cursor.execute("select type, body from entry order by seq").fetchall()
