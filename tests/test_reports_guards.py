"""Rules against payments forgotten or made twice: each finds its stories and passes over the near misses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
import stories_doubled
import stories_unpaid
from guard_stories import CLOCK, Story, Teller, day, library

from ledger.errors import Unknown
from ledger.journal import Journal
from ledger.writing import Writer
from projections.runner import Runner
from reports.guards import CHECKS, Report, guard, rules
from reports.guards.findings import Finding
from reports.guards.reading import read
from reports.guards.rules import Rule
from reports.guards.standing import WAITING

TODAY = day("06-30")
STORIES: dict[str, list[Story]] = {**stories_unpaid.STORIES, **stories_doubled.STORIES}
NUMBERED = [(f"s{n}", each) for n, each in enumerate({each: None for table in STORIES.values() for each in table}, 1)]


@pytest.fixture(scope="module", params=["embedded", "debian"])
def journal(request: pytest.FixtureRequest) -> Iterator[Journal]:
    """All stories, told to one ledger."""
    url = request.getfixturevalue(f"{request.param}_url")
    with library(url) as journal:
        writer = Writer(journal)
        for name, each in NUMBERED:
            Teller(writer, name).tell(each.text)
        Runner(journal).catch_up()
        yield journal


@pytest.fixture(scope="module")
def report(journal: Journal) -> Report:
    """What is found in all of them."""
    return guard(journal, today=TODAY)


def summary(finding: Finding, name: str) -> str:
    """A finding as a story expects it, without the story's prefix."""
    subject = {**finding.subject, **({"tape": "t"} if "tape" in finding.subject else {})}
    named = [value if isinstance(value, tuple) else (value,) for key, value in subject.items() if key != "fund"]
    evidence = ["t" if one.type == "TapeOpened" else one.id for one in finding.evidence]
    words = [
        finding.rule.name,
        *(word for value in named for word in value),
        finding.amount,
        finding.days,
        "<-",
        *evidence,
    ]
    return " ".join(str(word).removeprefix(f"{name}-") for word in words)


@pytest.mark.parametrize(("name", "told"), NUMBERED, ids=[f"{name}: {each.title}" for name, each in NUMBERED])
def test_of_each_story_just_that_is_found(report: Report, name: str, told: Story) -> None:
    found = [summary(finding, name) for finding in report.findings if finding.funds == {name}]
    assert sorted(found) == sorted(told.found)


@pytest.mark.parametrize("rule", CHECKS, ids=lambda rule: rule.name)
def test_every_rule_has_a_story_that_it_finds_and_one_that_it_passes_over(rule: Rule) -> None:
    table = STORIES[rule.name]
    assert any(found.split()[0] == rule.name for each in table for found in each.found)
    assert any(not each.found for each in table)


def test_every_rule_that_is_named_is_applied() -> None:
    named = [value for value in vars(rules).values() if isinstance(value, Rule)]
    assert named == list(CHECKS)
    assert len({rule.name for rule in named}) == len({rule.zh for rule in named}) == len(named)
    assert all(each for rule in named for each in (rule.zh, rule.en, rule.hint_zh, rule.hint_en))


def test_every_finding_names_entries_that_are_there(journal: Journal, report: Report) -> None:
    entries = {entry.seq: entry for entry in journal.entries.read(0, 1_000_000)}
    for finding in report.findings:
        assert finding.evidence
        assert len({one.seq for one in finding.evidence}) <= finding.entries
        for one in finding.evidence:
            entry = entries[one.seq]
            assert (entry.type, entry.stream.partition("/")[2]) == (one.type, one.id)
            assert one.on.isoformat() == entry.data.get("on", "2027-06-30")


def test_the_worst_comes_first(report: Report) -> None:
    amounts = [finding.amount for finding in report.findings]
    assert amounts == sorted(amounts, reverse=True)
    for finding, after in zip(report.findings, report.findings[1:], strict=False):
        if finding.rule == after.rule and finding.amount == after.amount:
            assert finding.days <= after.days if finding.rule.counts == "left" else finding.days >= after.days


def test_a_fund_is_told_its_own_findings_alone(journal: Journal, report: Report) -> None:
    for name in ("s1", "s40"):
        assert guard(journal, today=TODAY, fund=name).findings == tuple(
            finding for finding in report.findings if name in finding.funds
        )
    with pytest.raises(Unknown):
        guard(journal, fund="no such fund")


def test_days_say_what_is_late(journal: Journal, report: Report) -> None:
    late = {finding.subject["case"] for finding in guard(journal, today=TODAY, days=60).of(rules.ALLOCATED_UNPAID)}
    assert late < {finding.subject["case"] for finding in report.of(rules.ALLOCATED_UNPAID)}
    assert late == {f.subject["case"] for f in report.of(rules.ALLOCATED_UNPAID) if f.days >= 60}


def test_today_is_the_day_of_the_ledgers_clock_and_zone(journal: Journal) -> None:
    assert guard(journal).today == (CLOCK + timedelta(hours=8)).date()


def test_advances_add_up_by_age(report: Report) -> None:
    assert report.ages() == (30, 60, 90, 180)
    total = sum(finding.amount for finding in report.of(rules.PAID_UNSETTLED))
    assert sum(sum(ages) for _, ages in report.advances()) == total
    own = dict(report.advances())["s16-H"]
    assert own == [240, 0, 0, 0]
    assert Report(TODAY, 100, None, ()).ages() == (100, 180)


def test_where_money_waits_is_where_the_views_say(journal: Journal) -> None:
    """The report's own fold against the projection's, after all that happened."""
    reading = read(journal, None, CLOCK.date() + timedelta(days=1), 30)
    ours: Counter[str] = Counter()
    for kind in WAITING:
        for place, arrivals in reading.standing.places(kind):
            ours[place] += sum(one.hi - one.lo for one in arrivals)
    with journal.entries.reading() as cursor:
        rows = cursor.execute(
            "select place, sum(hi - lo)::bigint from view_place where kind = any(%s) group by place", (list(WAITING),)
        ).fetchall()
    assert ours == Counter(dict(rows))
    assert ours
