"""An auditor's sample: whoever has the same entries draws the same; its folder proves what it holds."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from conftest import Fenhao
from hypothesis import given
from hypothesis import strategies as st
from test_api_receipts import FILES, ORIGIN, _json, read_folder

from audit.verify import main as verify
from reports.sampling import Fact, NothingToDraw, Wanted, draw

BY = ("--by", "auditor-1", "--reason", "annual audit")
SEED = ("--seed", "锦鲤 2026", "--size", "4")


@pytest.fixture
def ledger(fenhao: Fenhao, tmp_path: Path) -> Fenhao:
    """Two donors, three gifts, two children, one of them paid for."""
    assert fenhao("init", "--origin", ORIGIN, "--no-codes").exit_code == 0
    for kind, text in FILES.items():
        (tmp_path / f"{kind}.csv").write_text(text, "utf-8")
    made = fenhao("import", *(f"{kind}={tmp_path / kind}.csv" for kind in FILES))
    assert made.exit_code == 0, made.output
    return fenhao


def entries_of(export: Path) -> Iterator[dict[str, Any]]:
    """The entries of a small export, as a stranger reads them."""
    [data] = [path.read_bytes() for path in export.glob("tile/entries/000.p/*")]
    while data:
        length = int.from_bytes(data[:2])
        yield json.loads(data[2 : 2 + length])
        data = data[2 + length :]


def value_of(entry: dict[str, Any]) -> int:
    ranges = entry["data"].get("issue") or entry["data"].get("moves", [])
    return sum(each["hi"] - each["lo"] for each in ranges)


def digest(seed: str, what: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{what}".encode()).digest()


def test_a_stranger_draws_the_same_from_an_export_by_what_the_format_says(ledger: Fenhao, tmp_path: Path) -> None:
    assert ledger("export", tmp_path / "export").exit_code == 0
    entries = list(entries_of(tmp_path / "export"))
    ranked = sorted(entries, key=lambda one: digest("锦鲤 2026", str(one["seq"])))[:4]
    made = _json(ledger("sample", *SEED, *BY, "--out", tmp_path / "random", "--json"))
    assert [one["entry"] for one in made["drawn"]] == sorted(one["seq"] for one in ranked)
    ends = list(accumulate(map(value_of, entries)))
    start = int.from_bytes(digest("锦鲤 2026", "mus")) % ends[-1]
    units = [(start + k * ends[-1]) // 4 for k in range(4)]
    hit = sorted({next(n for n, end in enumerate(ends) if end > unit) for unit in units})
    made = _json(ledger("sample", *SEED, *BY, "--method", "mus", "--out", tmp_path / "mus", "--json"))
    assert [one["entry"] for one in made["drawn"]] == hit
    assert made["population"] == {"facts": len(entries), "amount": ends[-1]}
    for method in ("random", "mus"):
        again = _json(ledger("sample", *SEED, "--method", method, "--of", tmp_path / "export", "--json"))
        before = json.loads((tmp_path / method / "sample.json").read_text())
        assert again["root"] == before["root"]
        checked = ("sample", "--check", tmp_path / method, "--of", tmp_path / "export", "--json")
        assert _json(ledger(*checked)) == {"ok": True, "problems": []}
        del before["drawn"][0]
        (tmp_path / method / "sample.json").write_text(json.dumps(before))
        result = ledger(*checked)
        assert (result.exit_code, "left out of the sample" in result.stdout) == (1, True)
        assert [one["entry"] for one in again["drawn"]][1:] == [one["entry"] for one in before["drawn"]]


def test_each_fact_comes_with_proof_evidence_and_openings_and_the_reading_is_noted(
    ledger: Fenhao, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gift = ["donation=D9", "fund=heart", "amount=7.00", "on=2026-02-01", f"evidence={'ab' * 32}"]
    assert ledger("record", "DonationReceived", *gift).exit_code == 0
    asked = ("--types", "DonationReceived", "--from", "2026-01-02", "--fund", "heart", "--min-amount", "7.00")
    out = tmp_path / "sample"
    made = _json(ledger("sample", "--seed", "s", "--size", "9", *asked, *BY, "--out", out, "--json"))
    found = {one["stream"]: one for one in made["drawn"]}
    assert list(found) == ["donation/D2", "donation/D3", "donation/D9"], "fewer than asked for: all of them"
    assert found["donation/D9"]["evidence"] == ["ab" * 32]
    assert (found["donation/D2"]["opened"], found["donation/D9"]["opened"]) == (["donor_name"], [])
    receipts = read_folder(out)
    assert [each["value"] for each in receipts["donation/D2 DonationReceived"].openings] == ["李四"]
    assert "李四" not in (out / "sample.json").read_text() + (out / "sample.md").read_text()
    assert ((out / found["donation/D2"]["receipts"][0]).stat().st_mode & 0o777) == 0o600
    (tmp_path / "head").write_text(made["head"])
    assert verify([str(out), "--head", str(tmp_path / "head"), "--json"]) == 0
    capsys.readouterr()
    noted = _json(ledger("vault", "log", "--json"))
    assert [(one["by"], one["stream"], one["reason"]) for one in noted["accesses"]][:2] == [
        ("auditor-1", "donation/D3", "annual audit"),
        ("auditor-1", "donation/D2", "annual audit"),
    ]


def test_what_is_erased_or_restricted_is_said_and_not_opened(ledger: Fenhao, tmp_path: Path) -> None:
    erased = ledger("vault", "erase", "donor/P1", "--basis", "request:1", FENHAO_RETENTION_YEARS="0")
    assert erased.exit_code == 0, erased.output
    assert ledger("vault", "erase", "donor/P2", "--basis", "request:2").exit_code == 0
    asked = ("sample", "--seed", "s", "--size", "9", "--types", "DonationReceived", *BY, "--json", "--out")
    made = _json(ledger(*asked, tmp_path / "sample"))
    assert [one["withheld"] for one in made["drawn"]] == [
        {"donor_name": "erased"},
        {"donor_name": "restricted"},
        {"donor_name": "erased"},
    ]
    made = _json(ledger(*asked, tmp_path / "again", "--restricted-reason", "a voucher is disputed"))
    assert [one["opened"] for one in made["drawn"]] == [[], ["donor_name"], []]


WRONG = [
    (["--size", "3"], "--seed"),
    (["--check", "FULL", "--of", "FULL"], "is no sample.json"),
    (["--check", "FULL"], "with --of EXPORT"),
    (["--seed", "s", "--size", "0"], "--size"),
    (["--seed", "s", "--size", "3"], "give --by and --reason"),
    (["--seed", "", "--size", "3", *BY], "seed"),
    (["--seed", "s", "--size", "3", *BY, "--types", "Gift"], "one of A"),
    (["--seed", "s", "--size", "3", *BY, "--from", "2026-02-30"], "from"),
    (["--seed", "s", "--size", "3", *BY, "--from", "2026-02-02", "--to", "2026-02-01"], "not before --from"),
    (["--seed", "s", "--size", "3", *BY, "--min-amount", "1.001"], "at most 2 decimals"),
    (["--seed", "s", "--size", "3", *BY, "--fund", "nope"], "no entry to draw"),
    (["--seed", "s", "--size", "3", "--by", "13800138000", "--reason", "r"], "looks like a phone"),
    (["--seed", "s", "--size", "3", *BY, "--out", "FULL"], "not empty"),
    (["--seed", "s", "--size", "3", "--of", "FULL"], "cannot be read"),
]


def test_what_cannot_be_drawn_is_one_clear_error_and_leaves_nothing(ledger: Fenhao, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    for arguments, said in WRONG:
        out = [] if "--out" in arguments or "--of" in arguments else ["--out", str(tmp_path / "out")]
        given = [each.replace("FULL", str(tmp_path / "full")) for each in (*arguments, *out)]
        result = ledger("sample", *given, "--lang", "en")
        assert (result.exit_code, said in result.output + result.stderr) == (2, True), result.output
        assert not (tmp_path / "out").exists()
    assert os.listdir(tmp_path / "full") == ["x"]
    assert _json(ledger("vault", "log", "--json"))["accesses"] == []


VALUES = st.lists(st.integers(0, 50), min_size=1, max_size=12).filter(any)


def facts(values: list[int]) -> list[Fact]:
    return [Fact(seq, seq, "X", None, value, frozenset()) for seq, value in enumerate(values)]


@given(VALUES, st.integers(1, 20))
def test_each_unit_of_money_is_as_likely_as_any_other(values: list[int], size: int) -> None:
    """Over all starts that there are, a fact is hit as often as it has units, times the size of the sample."""
    total, hits = sum(values), [0] * len(values)
    ends = list(accumulate(values))
    for start in range(total):
        for k in range(size):
            hits[next(n for n, end in enumerate(ends) if end > (start + k * total) // size)] += 1
    assert hits == [value * size for value in values]
    drawn = draw(lambda: facts(values), Wanted(), "mus", "seed", size)
    assert drawn.start is not None
    wanted = [(drawn.start + k * total) // size for k in range(size)]
    assert [unit for one in drawn.drawn for unit in one.units] == wanted
    assert all(
        ends[one.fact.seq] - one.fact.value <= unit < ends[one.fact.seq] for one in drawn.drawn for unit in one.units
    )


@given(VALUES, st.integers(1, 12), st.integers(1, 12))
def test_a_larger_random_sample_holds_the_smaller_one(values: list[int], size: int, more: int) -> None:
    few, many = (draw(lambda: facts(values), Wanted(), "random", "s", n).drawn for n in (size, size + more))
    assert set(few) <= set(many)
    assert len(few) == min(size, len(values))


def test_where_nothing_fits_nothing_is_drawn() -> None:
    for method in ("random", "mus"):
        with pytest.raises(NothingToDraw):
            draw(lambda: facts([0, 0]), Wanted(least=1), method, "s", 3)
    with pytest.raises(NothingToDraw):
        draw(lambda: facts([0, 0]), Wanted(), "mus", "s", 3)
