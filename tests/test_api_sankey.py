"""`fenhao sankey` at the command line: every format, every bound, and one clear sentence for what cannot be."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import Fenhao

GOLDEN = Path(__file__).parent / "golden"
SMALL = Path(__file__).parents[1] / "examples" / "small"
KINDS = ("funds", "hospitals", "cases", "donations", "allocations", "hospital-payments", "disbursements")


@pytest.fixture
def example(fenhao: Fenhao) -> Fenhao:
    """`fenhao` on the small example."""
    assert fenhao("init", "--origin", "example.org/small").exit_code == 0
    assert fenhao("import", *(f"{kind}={SMALL / kind}.csv" for kind in KINDS)).exit_code == 0
    return fenhao


def test_the_example_is_drawn_and_its_figures_are_those_of_balances_and_traces(example: Fenhao, tmp_path: Path) -> None:
    def drawn(*options: str) -> dict[str, int]:
        """What each node but the donors has, from the links that reach it."""
        out = tmp_path / "flows.json"
        done = example("sankey", *options, "--out", str(out))
        assert done.exit_code == 0, done.output
        found = json.loads(out.read_text("utf-8"))
        sums = dict.fromkeys((node["id"] for node in found["nodes"]), 0)
        for link in found["links"]:
            sums[link["target"]] += link["value"]
        return sums

    everything = drawn()
    balances = json.loads(example("balances", "--json").output)
    for figure, outcome in (("available", "fund"), ("allocated", "case"), ("paid", "hospital"), ("fees", "fee")):
        assert everything[f"outcome/{outcome}"] == balances[figure]
    assert everything["outcome/used"] + everything["outcome/cash"] == balances["used"]
    assert sum(everything[f"fund/{fund}"] for fund in ("heart", "rural", "urgent")) == balances["received"]

    donor = drawn("--donor", "DN-017")
    assert donor["fund/heart"] == 3_000_000
    assert (donor["outcome/used"], donor["outcome/hospital"]) == (2_945_030, 54_970)
    assert drawn("--case", "C2026-001")["fund/heart"] == 3_200_000
    spring = drawn("--from", "2026-03-01", "--to", "2026-05-31")
    rest = [drawn("--to", "2026-02-28"), drawn("--from", "2026-06-01")]
    for node, amount in everything.items():
        assert amount == sum(part.get(node, 0) for part in (spring, *rest)) or node.startswith("donor")

    for kind, beginning in ((".svg", b"<svg "), (".html", b"<!doctype html>")):
        out = tmp_path / f"flows{kind}"
        done = example("sankey", "--fund", "heart", "--out", str(out), "--lang", "en", "--json")
        assert json.loads(done.output)["out"] == str(out)
        assert out.read_bytes().startswith(beginning)
        assert "先天性心脏病救助专项基金" in out.read_text("utf-8")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_example_is_drawn_as_it_was(example: Fenhao, tmp_path: Path, language: str) -> None:
    """After a change that is meant, look at what is drawn, and write it anew with FENHAO_TEST_GOLDEN=write."""
    for kind in ("svg", "html"):
        done = example("sankey", "--out", str(tmp_path / f"flows.{kind}"), "--lang", language)
        assert done.exit_code == 0, done.output
    page = (tmp_path / "flows.html").read_text("utf-8")
    tall = page[page.index("<svg xmlns") : page.index("</svg>", page.index("<svg xmlns"))] + "</svg>\n"
    for name, drawn in (("wide", (tmp_path / "flows.svg").read_text("utf-8")), ("tall", tall)):
        golden = GOLDEN / f"sankey-{name}-{language}.svg"
        if os.environ.get("FENHAO_TEST_GOLDEN") == "write":
            golden.write_text(drawn, "utf-8")
        assert drawn == golden.read_text("utf-8"), f"{golden.name} is another picture"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--donor", "nobody", "--out", "{}/x.svg"), 2, "账本中没有捐赠人 nobody"),
        (("--fund", "none", "--out", "{}/x.svg"), 2, "there is no fund none"),
        (("--out", "{}/x.pdf"), 2, "ends in .html, .svg, .png, .json"),
        (("--out", "{}/no/folder/x.svg"), 2, "cannot write"),
        (("--from", "yesterday", "--out", "{}/x.svg"), 2, "YYYY-MM-DD"),
        (("--from", "2026-02-01", "--to", "2026-01-01", "--out", "{}/x.svg"), 2, "not before --from"),
        (("--by", "staff-7", "--out", "{}/x.svg"), 2, "查阅人与理由须同时填写"),
        ((), 2, "--out"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_sentence(
    fenhao: Fenhao, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    assert fenhao("init", "--origin", "example.org/small", "--no-codes").exit_code == 0
    done = fenhao("sankey", *(argument.format(tmp_path) for argument in arguments))
    assert done.exit_code == code, done.output
    assert said in done.output + done.stderr
    assert not list(tmp_path.glob("x.*"))
