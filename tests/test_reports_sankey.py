"""Laws of the flow picture: nothing overlaps, nothing is fetched, and every format tells the same."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path as File

import pytest
from browsing import program
from hypothesis import given
from hypothesis import strategies as st

from projections.flows import OUTCOME_ORDER, Flows, Path, Scope, woven
from reports import figures
from reports.figures import BROWSERS, BrowserFailed, BrowserMissing, rendered
from reports.plotting import figure
from reports.sankey import WIDTH, Box, Chart, chart_of, graph
from reports.traces import Reader

AMOUNTS = st.one_of(st.integers(1, 50), st.integers(1, 10**12))
PATHS = st.lists(
    st.builds(
        lambda donor, fund, hospital, outcome, amount, first, more: Path(
            f"donor/P{donor}",
            f"fund/F{fund}",
            f"hospital/H{hospital}" if outcome < 2 else None,
            OUTCOME_ORDER[outcome],
            amount,
            first,
            first + more,
        ),
        st.integers(0, 30),
        st.integers(0, 12),
        st.integers(0, 30),
        st.integers(0, len(OUTCOME_ORDER) - 1),
        AMOUNTS,
        st.integers(0, 99),
        st.integers(0, 99),
    ),
    max_size=60,
)


def flows_of(paths: list[Path], top: int = 24) -> Flows:
    names = {f"fund/F{n}": f"专项救助基金之名称相当之长以至于排不下第{n}号" for n in range(12)}
    return woven(Scope(), paths, len({path.donor for path in paths}), names, top)


SMALL = flows_of(
    [
        Path("donor/<P&1>", "fund/F1", "hospital/H1", "outcome/used", 600, 3, 9),
        Path("donor/<P&1>", "fund/F1", None, "outcome/fund", 300, 3, 3),
        Path("donors/unknown", "fund/F2", None, "outcome/fee", 100, 5, 5),
    ]
)


def apart(one: Box, other: Box) -> bool:
    return (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )


def labels(chart: Chart) -> list[Box]:
    return [stop.label.box for stop in chart.stops.values() if stop.label is not None]


@given(paths=PATHS, top=st.sampled_from([1, 5, 40]), language=st.sampled_from(["zh", "en"]))
def test_labels_and_boxes_never_overlap_and_stay_inside(paths: list[Path], top: int, language: str) -> None:
    chart = chart_of(flows_of(paths, top), Reader(language))
    boxes = [stop.box for stop in chart.stops.values()]
    for one, other in (*combinations(labels(chart), 2), *combinations(boxes, 2)):
        assert apart(one, other)
    for box in (*labels(chart), *boxes):
        assert 0 <= box.x <= box.x + box.width <= WIDTH
        assert 0 <= box.y <= box.y + box.height <= chart.height
    for ribbon in chart.ribbons:
        assert chart.stops[ribbon.source].box.x < chart.stops[ribbon.target].box.x


@given(paths=PATHS, language=st.sampled_from(["zh", "en"]))
def test_the_svg_is_well_formed_and_the_same_each_time(paths: list[Path], language: str) -> None:
    found, reader = flows_of(paths), Reader(language)
    text = rendered(found, reader, ".svg")
    assert text == rendered(found, reader, ".svg")
    root = ElementTree.fromstring(text)  # noqa: S314 - our own drawing
    chart = chart_of(found, reader)
    tag = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{tag}g/{tag}path")) == len(chart.ribbons)
    said = {node.text for node in root.iter(f"{tag}text")}
    assert {line for stop in chart.stops.values() if stop.label for line in stop.label.lines} <= said


@given(paths=PATHS)
def test_json_is_nodes_with_layers_and_links_by_id(paths: list[Path]) -> None:
    found = json.loads(rendered(flows_of(paths), Reader(), ".json"))
    assert set(found) == {"nodes", "links"}
    layer = {node["id"]: node["layer"] for node in found["nodes"]}
    assert len(layer) == len(found["nodes"])
    for node in found["nodes"]:
        assert set(node) == {"id", "label", "layer"}
        assert node["label"]
    for link in found["links"]:
        assert set(link) == {"source", "target", "value"}
        assert type(link["value"]) is int
        assert link["value"] > 0
        assert layer[link["source"]] < layer[link["target"]]
    assert sum(link["value"] for link in found["links"] if layer[link["source"]] == 0) == sum(p.amount for p in paths)


def test_labels_are_in_both_languages() -> None:
    paths = [Path(f"donor/P{n}", "fund/F1", None, "outcome/cash", 9, 0, 0) for n in range(2)]
    others = Path("donors/others", "fund/F1", None, "outcome/cash", 1, 0, 0)
    found = woven(Scope(), [*paths, others], 1_236, {"fund/F1": "心脏病救助基金"}, 2)
    told = {language: [node["label"] for node in graph(found, Reader(language))["nodes"]] for language in ("zh", "en")}
    assert told["zh"] == ["P0", "P1", "其他 1,234 位捐赠人", "心脏病救助基金", "现金发放"]
    assert told["en"] == ["P0", "P1", "1,234 other donors", "心脏病救助基金", "Cash to families"]


class Tags(HTMLParser):
    """What a page's tags name besides themselves, and its policy."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.fetched += [f"{tag} {name}" for name in ("src", "href", "data", "action", "srcset") if name in said]
        if said.get("http-equiv") == "Content-Security-Policy":
            self.policy = re.sub(r"\s+", " ", said["content"] or "")


def test_the_page_fetches_nothing_and_forbids_itself_to() -> None:
    text = rendered(SMALL, Reader(), ".html").decode()
    tags = Tags()
    tags.feed(text)
    assert tags.fetched == []
    assert (
        tags.policy == "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
    )
    assert "<P&1>" not in text
    assert "6.00 CNY</td><td>60.0%</td><td>捐赠分录 第 3 号起，至第 9 号" in text


def test_the_plotly_figure_says_what_the_graph_says() -> None:
    chart = chart_of(SMALL, Reader("en"))
    [trace] = figure(chart)["data"]
    stops = list(chart.stops)
    drawn = {
        (stops[source], stops[target]): value
        for source, target, value in zip(
            trace["link"]["source"], trace["link"]["target"], trace["link"]["value"], strict=True
        )
    }
    assert drawn == {
        ("donor/<P&1>", "fund/F1"): 900,
        ("donors/unknown", "fund/F2"): 100,
        ("fund/F1", "hospital/H1"): 600,
        ("hospital/H1", "outcome/used"): 600,
        ("fund/F1", "lane/outcome/fund"): 300,
        ("lane/outcome/fund", "outcome/fund"): 300,
        ("fund/F2", "lane/outcome/fee"): 100,
        ("lane/outcome/fee", "outcome/fee"): 100,
    }
    assert ["9.00 CNY · 90.0%", "gifts' entries from 3 to 9"] in trace["link"]["customdata"]
    assert trace["node"]["label"][0] == "&lt;P&amp;1&gt;"


@pytest.mark.parametrize("kind", [".html", ".svg"])
def test_an_empty_picture_says_so(kind: str) -> None:
    assert "There is no money in this." in rendered(flows_of([]), Reader("en"), kind).decode()


def test_a_png_is_painted_at_twice_the_size() -> None:
    program(BROWSERS)
    painted = rendered(SMALL, Reader(), ".png")
    assert painted.startswith(b"\x89PNG\r\n\x1a\n")
    height = chart_of(SMALL, Reader()).height
    assert [int.from_bytes(painted[at : at + 4]) for at in (16, 20)] == [2 * WIDTH, 2 * height]


def test_a_missing_browser_is_one_clear_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BrowserMissing, match="apt install chromium"):
        rendered(SMALL, Reader(), ".png")


def test_a_browser_that_paints_nothing_is_a_fault_with_its_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: File
) -> None:
    fake = tmp_path / "chromium"
    fake.write_text("#!/bin/sh\necho no display >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(figures, "BROWSERS", ("chromium",))
    with pytest.raises(BrowserFailed, match="no display"):
        rendered(SMALL, Reader(), ".png")
