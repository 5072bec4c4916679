"""The public picture: no donor in it, and no group of fewer than five children by itself, to the fen all the same."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serving import Served

from api.http.gallery import Gallery
from projections.disclosure import MIN_CHILDREN, Way, public_flows, veiled
from projections.flows import OUTCOMES, Path, Scope, flows

DAY = "2026-01-02"
PERSONS = st.frozensets(st.integers(0, 40).map(str), min_size=1, max_size=12)
WAYS = st.tuples(
    st.sampled_from(["fund/A", "fund/B", "fund/C"]),
    st.sampled_from([None, "hospital/X", "hospital/Y", "hospital/Z"]),
    st.sampled_from(["outcome/used", "outcome/hospital"]),
)


def path(way: Way, amount: int = 10) -> Path:
    return Path("donors/others", *way, amount, 0, 0)


@given(st.dictionaries(WAYS, PERSONS, max_size=12))
def test_a_group_that_is_too_small_is_nowhere_by_itself(children: dict[Way, frozenset[str]]) -> None:
    paths = [path(way, 10 + n) for n, way in enumerate(children)]
    shown = veiled(paths, children)
    assert [one.amount for one in shown] == [one.amount for one in paths]
    assert [one.outcome for one in shown] == [one.outcome for one in paths]
    groups: dict[Way, set[str]] = {}
    for before, after in zip(paths, shown, strict=True):
        key = (after.fund, after.hospital, after.outcome)
        groups.setdefault(key, set()).update(children[before.fund, before.hospital, before.outcome])
    for (fund, hospital, _), persons in groups.items():
        # Fewer stand by themselves only where all funds together have no more of that outcome to hide in.
        assert len(persons) >= MIN_CHILDREN or (fund, hospital) == ("funds/others", None)


def test_large_groups_are_shown_as_they_are() -> None:
    ways: dict[Way, frozenset[str]] = {
        ("fund/A", "hospital/X", "outcome/used"): frozenset("abcde"),
        ("fund/A", "hospital/Y", "outcome/used"): frozenset("abcdef"),
    }
    assert veiled([path(way) for way in ways], ways) == [path(way) for way in ways]


@pytest.fixture(scope="module")
def children(served: Served) -> None:
    """One child at hospital H, six at hospital K; two donors."""
    served.record("/v1/hospitals", hospital="K", name="another")
    served.record("/v1/donations", donation="G1", donor="N", fund="F", amount=10_000, on=DAY)
    served.record("/v1/donations", donation="G2", donor="M", fund="F", amount=10_000, on=DAY)
    for n in range(7):
        case, hospital = f"K{n}", "K" if n else "H"
        served.record("/v1/cases", case=case, fund="F", hospital=hospital, person=f"child-{n}")
        served.record("/v1/allocations", allocation=f"A{n}", case=case, amount=100, on=DAY)
        lines = [{"case": case, "amount": 100}]
        served.record("/v1/hospital-payments", payment=f"P{n}", hospital=hospital, lines=lines, on=DAY)
    served.fenhao.runner.wait_for(served.fenhao.journal.entries.head().size - 1, 20)


@pytest.mark.usefixtures("children")
def test_everybody_sees_the_whole_sum_and_neither_donors_nor_a_single_child(served: Served) -> None:
    shown = public_flows(served.fenhao.journal)
    assert shown.total == flows(served.fenhao.journal, Scope()).total == 20_000
    assert sum(node.amount for node in shown.nodes if node.layer == OUTCOMES) == 20_000
    ids = Counter({node.id: node.amount for node in shown.nodes})
    assert ids["hospital/K"] == 600
    assert "hospital/H" not in ids
    assert not [one for one in ids if one.startswith("donor/")]
    assert next(node.many for node in shown.nodes if node.id == "donors/others") == 2
    answer = served.client().get("/v1/flows")
    assert (answer.status_code, answer.json()["total"]) == (200, 20_000)
    assert '"N"' not in answer.text
    assert "hospital/H" not in answer.text
    named = served.client("read").get("/v1/flows", params={"donor": "N"}).json()
    assert (named["total"], named["nodes"][0]["id"]) == (10_000, "donor/N")
    assert served.client().get("/v1/flows", params={"donor": "N"}).status_code == 401


@pytest.mark.usefixtures("children")
def test_the_public_picture_is_told_once_in_each_language(served: Served) -> None:
    for language, word in (("en", "Where"), ("zh", "其他 2 位捐赠人")):
        first = served.client().get("/v1/flows", headers={"Accept-Language": language})
        again = {"Accept-Language": language, "If-None-Match": first.headers["etag"]}
        assert served.client().get("/v1/flows", headers=again).status_code == 304
        assert (word in first.text) == (language == "zh")


def test_nobody_waits_for_a_picture_that_is_being_made_anew() -> None:
    now = [0.0]
    gallery = Gallery(keep_s=5.0, now_s=lambda: now[0])
    first = gallery.picture("zh", lambda: "1", lambda: b"old")
    assert gallery.picture("zh", lambda: "2", lambda: b"new") is first, "it is new enough"
    now[0] = 6.0
    meanwhile = []

    def paint() -> bytes:
        meanwhile.append(gallery.picture("zh", lambda: "2", lambda: b"never"))
        return b"new"

    assert gallery.picture("zh", lambda: "2", paint).body == b"new"
    assert [one.body for one in meanwhile] == [b"old"]
    now[0] = 12.0
    assert gallery.picture("zh", lambda: "2", lambda: b"never").body == b"new", "nothing has come since"
