"""A real pooled fund, imported by the mappings in `examples/ocha-cbpf`, comes to the figures that its source states."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.intake import Report, parse_sources, run
from ledger.decisions import OpenLedger
from ledger.journal import Journal
from ledger.writing import Writer

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


def test_the_fund_comes_to_its_published_figures_and_a_second_import_records_nothing(journal: Journal) -> None:
    writer = Writer(journal)
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
