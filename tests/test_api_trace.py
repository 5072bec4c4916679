"""`fenhao trace` in pages and step by step, as a person and as a program read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Fenhao

SMALL = Path(__file__).parents[1] / "examples" / "small"
KINDS = ("funds", "hospitals", "cases", "donations", "allocations", "hospital-payments", "disbursements")
ALLOCATION = "#222   Allocation           In fund: heart           Allocated: C2026-001     32,000.00"
RELEASE = ("record", "AllocationReleased", "allocation=A2026-001", "amount=20.00", "basis=minutes:2026-7", "by=li")


@pytest.fixture
def example(fenhao: Fenhao) -> Fenhao:
    """`fenhao` on the small example."""
    assert fenhao("init", "--origin", "example.org/small").exit_code == 0
    assert fenhao("import", *(f"{kind}={SMALL / kind}.csv" for kind in KINDS)).exit_code == 0
    return fenhao


def read(example: Fenhao, *arguments: str) -> Any:
    done = example("trace", *arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_traces_in_pages_timelines_and_why_a_serial_is_where_it_is(example: Fenhao) -> None:
    case = read(example, "case", "C2026-001")
    first = read(example, "case", "C2026-001", "--limit", "1")
    second = read(example, "case", "C2026-001", "--limit", "1", "--after", str(first["next"]))
    assert second["next"] is None
    assert first["donors"] + second["donors"] == case["donors"]
    shown = example("trace", "case", "C2026-001", "--limit", "1", "--lang", "en").stdout
    assert f"next page: --after {first['next']}" in shown

    told = read(example, "case", "C2026-001", "--timeline")
    assert [one["type"] for one in told["timeline"]] == [
        *("CaseOpened", "AllocationMade", "HospitalPaymentMade", "CashGranted", "TreatmentSettled")
    ]
    assert (told["allocated"], "donors" in told) == (case["allocated"], False)
    givers = told["timeline"][1]["givers"]
    assert givers == [{name: one[name] for name in ("donor", "donation", "amount")} for one in case["donors"]]
    text = example("trace", "case", "C2026-001", "--timeline", "--lang", "en").stdout
    assert ALLOCATION in text
    assert "ORG-LY 2,000.00, DN-017 30,000.00" in text

    lines = example("trace", "donation", "D2026-005", "--timeline", "--jsonl").stdout.splitlines()
    steps = [json.loads(line)["timeline"] for line in lines[1:]]
    assert [(one["type"], one["lo"], one["hi"]) for one in steps][-1] == ("TreatmentSettled", 0, 2_945_030)

    assert example(*RELEASE, "on=2026-06-01").exit_code == 0
    [move] = [one for one in read(example, "serial", "t4:199999")["movements"] if one["type"] == "AllocationReleased"]
    assert move["basis"] == {"kind": "minutes", "ref": "2026-7"}
    assert (move["record"], move["by"]) == ("allocation/A2026-001", "li")
    why = example("trace", "serial", "t4:199999").stdout
    assert "allocation/A2026-001  minutes:2026-7  li" in why
    assert "依据" in why


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hospital", "ZZ-CH", "--limit", "3"), "pages are of donor and case only"),
        (("serial", "t1:0", "--after", "3"), "只有 donor 与 case 可以分页"),
        (("fund", "heart", "--timeline"), "timelines are of donor, donation, case"),
        (("case", "C2026-001", "--timeline", "--limit", "1"), "a case's timeline is told whole"),
        (("case", "C2026-001", "--limit", "0"), "--limit"),
        (("donor", "DN-017", "--after", "x"), "--after"),
    ],
)
def test_what_has_no_pages_or_timeline_is_said_in_one_sentence(
    fenhao: Fenhao, arguments: tuple[str, ...], said: str
) -> None:
    done = fenhao("trace", *arguments)
    assert done.exit_code == 2
    assert said in done.output + done.stderr


def test_bench_read_measures_every_figure_at_each_size(fenhao: Fenhao) -> None:
    done = fenhao("bench", "read", "--donations", "5000", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found.pop("donations") == [5000]
    assert {"donor", "case", "flows", "balances_as_of", "projection", "rebuild", "memory"} <= found.keys()
    assert all(one["values"][0] >= 0 and one["met"] in (True, False, None) for one in found.values())
