"""Laws of the flow page: whole on a screen and on a phone, as a browser shows it; and of folding: the same money."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, pairwise, product
from pathlib import Path as File

import pytest
from browsing import Browser, browser
from hypothesis import given
from hypothesis import strategies as st
from pages import DESK, PHONE
from test_reports_sankey import PATHS, SMALL, flows_of

from projections.flows import DONORS, OUTCOME_ORDER, OUTCOMES, Flows, Path
from reports.figures import rendered
from reports.folding import folded
from reports.portrait import ACROSS, portrait_of, tall_svg
from reports.sankey import chart_of
from reports.traces import Reader

CROWD = flows_of(
    [
        Path(
            f"donor/P{n:07}",
            f"fund/F{n % 9}",
            f"hospital/H{n % 31}" if n % len(OUTCOME_ORDER) < 2 else None,
            OUTCOME_ORDER[n % len(OUTCOME_ORDER)],
            10**8 // (n + 1),
            n,
            n + 1,
        )
        for n in range(60)
    ],
    top=60,
)
"""As crowded as a page can be: every outcome, long names, amounts of all sizes."""


def balances(flows: Flows) -> dict[str, tuple[int, int, int]]:
    """What each node has, what came to it and what left it."""
    came, went = Counter[str](), Counter[str]()
    for link in flows.links:
        went[link.source] += link.amount
        came[link.target] += link.amount
    return {node.id: (node.amount, came[node.id], went[node.id]) for node in flows.nodes}


@given(paths=PATHS, top=st.sampled_from([1, 5, 40]), told=st.integers(0, 8))
def test_folding_keeps_every_node_in_balance_and_the_largest_apart(paths: list[Path], top: int, told: int) -> None:
    whole = flows_of(paths, top)
    small = folded(whole, lambda rank, amount: rank < told)
    layer = {node.id: node.layer for node in small.nodes}
    for node, (amount, came, went) in balances(small).items():
        assert layer[node] == DONORS or came == amount
        assert layer[node] == OUTCOMES or went == amount
    for each in range(4):
        before, after = ([node for node in one.nodes if node.layer == each] for one in (whole, small))
        assert sum(node.amount for node in after) == sum(node.amount for node in before)
        assert sum(node.many for node in after) == sum(node.many for node in before)
        single = [node for node in after if "s/" not in node.id and node.layer != OUTCOMES]
        assert len(single) <= told + 1
    assert [node for node in small.nodes if node.layer == OUTCOMES] == [n for n in whole.nodes if n.layer == OUTCOMES]


@given(paths=PATHS, language=st.sampled_from(["zh", "en"]))
def test_the_numbers_of_the_tall_picture_never_touch_and_stay_inside(paths: list[Path], language: str) -> None:
    portrait = portrait_of(flows_of(paths), Reader(language))
    assert [mark.number for mark in portrait.marks if mark.number] == list(
        range(1, sum(mark.number > 0 for mark in portrait.marks) + 1)
    )
    for layer in range(4):
        marks = [mark for mark in portrait.marks if mark.layer == layer]
        for one, other in pairwise(marks):
            assert one.start + one.length <= other.start
        for one, other in pairwise(mark for mark in marks if mark.number):
            assert other.middle - one.middle >= 16
        assert all(0 <= mark.start < mark.start + mark.length <= ACROSS for mark in marks)
    root = ElementTree.fromstring(tall_svg(portrait))  # noqa: S314 - our own drawing
    assert len(root.findall(".//{*}path")) == len(portrait.ribbons)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all looks."""
    with browser() as made:
        yield made


MEASURE = """(() => {
  document.querySelector('details').open = true;
  const box = each => { const r = each.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
  const shown = [...document.querySelectorAll('main, main *')].filter(each => each.checkVisibility());
  const texts = document.querySelectorAll(innerWidth > 1100 ? '#wide .annotation text' : '#tall svg text');
  return {
    overflow: document.documentElement.scrollWidth - innerWidth,
    right: Math.max(...shown.map(each => each.getBoundingClientRect().right)),
    left: Math.min(...shown.map(each => each.getBoundingClientRect().left)),
    texts: [...texts].map(each => [each.textContent, ...box(each)]),
    ribbons: document.querySelectorAll(innerWidth > 1100 ? '#wide .sankey-link' : '#tall svg path').length,
  };
})()"""


@pytest.fixture(scope="module")
def blank(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[int, int]:
    """How large the picture of an empty page is, by the width."""
    page = tmp_path_factory.mktemp("blank") / "blank.html"
    page.write_text("<!doctype html><title>-</title>", "utf-8")
    return {width: len(chromium.look(page.as_uri(), width, 844).png) for width in (PHONE, DESK)}


@pytest.mark.parametrize(
    ("flows", "language", "width"),
    [(SMALL, "zh", PHONE), (SMALL, "en", DESK), *((CROWD, *each) for each in product(("zh", "en"), (PHONE, DESK)))],
    ids=["small-zh-390", "small-en-1280", "crowd-zh-390", "crowd-zh-1280", "crowd-en-390", "crowd-en-1280"],
)
def test_a_browser_shows_the_whole_page(
    chromium: Browser, blank: dict[int, int], tmp_path: File, flows: Flows, language: str, width: int
) -> None:
    reader = Reader(language)
    page = tmp_path / "page.html"
    page.write_bytes(rendered(flows, reader, ".html"))
    seen = chromium.look(page.as_uri(), width, 844, MEASURE, touch=width < 500)
    assert seen.complaints == []
    assert [address for address in seen.requests if not address.startswith(("data:", "blob:"))] == [page.as_uri()]
    assert seen.said["overflow"] <= 0
    assert 0 <= seen.said["left"] < seen.said["right"] <= width
    drawn = portrait_of(flows, reader).ribbons if width < 500 else chart_of(flows, reader).ribbons
    assert seen.said["ribbons"] == len(drawn) > 0
    for (one, *a), (other, *b) in combinations(seen.said["texts"], 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] + 1 or b[3] <= a[1] + 1, f"{one} and {other} collide"
    assert len(seen.png) > 4 * blank[width]


def test_a_browser_draws_the_page_as_it_was_laid_out(chromium: Browser, tmp_path: File) -> None:
    page = tmp_path / "page.html"
    page.write_bytes(rendered(CROWD, Reader(), ".html"))
    script = "[...document.querySelectorAll('.node-rect')].map(each => Number(each.getAttribute('height')))"
    heights = chromium.look(page.as_uri(), 1280, 844, script).said
    assert sorted(map(round, heights)) == pytest.approx(
        sorted(stop.box.height for stop in chart_of(CROWD, Reader()).stops.values()), abs=1
    )


def test_a_tap_on_the_tall_picture_tells_what_is_there(chromium: Browser, tmp_path: File) -> None:
    page = tmp_path / "page.html"
    page.write_bytes(rendered(SMALL, Reader("en"), ".html"))
    script = """(() => {
      document.querySelector('#tall svg path').dispatchEvent(new MouseEvent('click', { bubbles: true }));
      return document.getElementById('tapped').textContent;
    })()"""
    seen = chromium.look(page.as_uri(), 390, 844, script, touch=True)
    assert seen.said.splitlines()[1:] == ["9.00 CNY · 90.0%", "gifts' entries from 3 to 9"]
