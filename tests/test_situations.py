"""What finance people meet, as stories: each is run on a real ledger and must come out as it is told in `stories/`.

FENHAO_REWRITE_STORIES=1 writes the answers of the stories anew, and docs/situations.md from them; a test whose file
changed fails all the same, so that somebody looks at the difference.
"""

from __future__ import annotations

import os
import re
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import Ledger
from situations import CHAPTERS, MARK, page
from storytelling import STORIES, Entry, Story, Telling, is_refused, path_of
from telling import RUNNING

from api.commands import RECORDABLE
from audit.verify import Report, bundle, verify
from ledger.errors import Unknown
from ledger.money import format_amount
from ledger.places import parse_place, tape_number
from ledger.tapes import Run, parse_run
from projections.trace import FUND_FIGURES, Trace, Traces, reading
from reports.verification import verify_ledger

NAMES = [name for names in CHAPTERS.values() for name in names]
BOTH_SERVERS = ("channel-fee", "surplus-of-a-case", "batch-of-120", "emergency-recharged", "opening-balances")
DOC = Path(__file__).parents[1] / "docs" / "situations.md"
REWRITES = bool(os.environ.get("FENHAO_REWRITE_STORIES"))
REFUSALS = (
    *("already_attributed", "already_recorded", "approval_needed", "bad_value", "bill_exceeded", "cannot_reverse"),
    *("case_closed", "case_open", "duplicate_business_key", "more_than_stands", "not_enough_money", "not_refundable"),
    *("not_standing", "person_in_open_case", "ranges_elsewhere", "reached_later", "terms_forbid", "unknown_reference"),
)
"""What finance people are refused with; two more say what day or code there is not."""
RECORD = ["fenhao", "record"]

every_story = pytest.mark.parametrize(
    ("name", "server_url"),
    [(name, "embedded") for name in NAMES] + [(name, "debian") for name in BOTH_SERVERS],
    indirect=["server_url"],
)


@pytest.fixture
def told(name: str, ledger: Ledger) -> Telling:
    """The story of that name, run."""
    return Telling(Story.read(name), ledger).run()


def assert_kept(path: Path, text: str) -> None:
    """The file holds this text; it is written, and the test fails, where stories are to be rewritten."""
    kept = path.read_text("utf-8") if path.exists() else ""
    if REWRITES and kept != text:
        path.write_text(text, "utf-8")
        pytest.fail(f"{path.name} is rewritten: look at the difference")
    assert text == kept


@every_story
def test_a_situation_comes_out_as_it_is_told(told: Telling) -> None:
    assert_kept(path_of(told.story.name), told.text())
    assert_sound(told)
    assert_totals_tie(told)
    assert_traces_are_inverse(told)
    assert_refusals_are_announced(told)
    assert_refusals_say_the_same(told)
    assert_views_equal_a_rebuild(told)


# What holds at the end of every story.


def report_of(told: Telling) -> Report:
    """The stand-alone verifier's replay of the story's entries."""
    with told.ledger.journal.entries.reading() as cursor:
        bodies = [bytes(body) for (body,) in cursor.execute("select body from entry order by seq").fetchall()]
    return verify(bundle(bodies))


def assert_sound(told: Telling) -> None:
    """The entries verify, and the tables beside them are what the entries come to."""
    found = verify_ledger(told.ledger.journal, told.runner, jobs=1)
    assert (report_of(told).problems, found.findings) == ((), ())


def assert_totals_tie(told: Telling) -> None:
    """Each fund's received + transferred in is the sum of its other figures, and these are what the replay says."""
    told.runner.catch_up()
    entries = told.entries()
    stands: dict[str, Counter[str]] = {}
    for _, lo, hi, place, home, _ in report_of(told).places():
        fund = parse_place(home or place).fund
        assert fund is not None
        stands.setdefault(fund, Counter())[parse_place(place).kind] += hi - lo
    funds = [entry["data"]["fund"] for entry in entries if entry["type"] == "FundOpened"]
    received = 0
    with reading(told.ledger.journal) as traces:
        for fund in funds:
            trace = traces.fund(fund)
            assert trace["received"] + trace["transferred_in"] == trace["transferred_out"] + sum(
                trace[name] for name in FUND_FIGURES
            )
            for name, kinds in FUND_FIGURES.items():
                assert trace[name] == sum(stands.get(fund, Counter())[kind] for kind in kinds), (fund, name)
            received += trace["received"]
    assert received == issued(entries) - sum(counter["void"] for counter in stands.values())


def issued(entries: list[Entry]) -> int:
    """All that was ever issued, by the entries, minor units."""
    return sum(each["hi"] - each["lo"] for entry in entries for each in entry["data"].get("issue", ()))


def assert_traces_are_inverse(told: Telling) -> None:
    """Law 3: from donors and gifts to cases, and from cases back to gifts and donors, are the same serials."""
    entries = told.entries()
    gifts = sorted({entry["data"]["donation"] for entry in entries if entry["data"].get("issue")})
    cases = sorted({entry["data"]["case"] for entry in entries if entry["type"] == "CaseOpened"})
    donors = sorted({entry["data"]["donor"] for entry in entries if "donor" in entry["data"]})
    with reading(told.ledger.journal) as traces:
        from_cases = [(case, one) for case in cases for one in traces.case(case)["donors"]]
        from_gifts = [flow for gift in gifts for flow in traces.donation(gift)["flows"]]
        from_donors = [(donor, flow) for donor in donors for flow in flows_of(traces, donor)]
    back = [((case, one["donation"]), parse_run(run)) for case, one in from_cases for run in one["ranges"]]
    assert runs_by(back) == runs_by([((flow["case"], flow["donation"]), run_of(flow)) for flow in from_gifts])
    named = [((case, one["donor"]), parse_run(run)) for case, one in from_cases for run in one["ranges"]]
    known = [((flow["case"], donor), run_of(flow)) for donor, flow in from_donors]
    assert runs_by([each for each in named if each[0][1] is not None]) == runs_by(known)


def flows_of(traces: Traces, donor: str) -> list[Trace]:
    """A donor's flows; none of one who is no donor any more, since what said so was reversed."""
    try:
        return list(traces.donor(donor)["flows"])
    except Unknown:
        return []


def run_of(flow: Trace) -> Run:
    return Run(tape_number(flow["tape"]), flow["lo"], flow["hi"])


def runs_by(found: list[tuple[tuple[str | None, str | None], Run]]) -> dict[tuple[str | None, str | None], list[Run]]:
    """The runs of each case and gift or donor, those that touch as one; what is with no case is left out."""
    whole: dict[tuple[str | None, str | None], list[Run]] = {}
    for key, run in sorted(found, key=lambda each: each[1]):
        if key[0] is None:
            continue
        runs = whole.setdefault(key, [])
        if runs and (runs[-1].tape, runs[-1].hi) == (run.tape, run.lo):
            runs[-1] = runs[-1]._replace(hi=run.hi)
        else:
            runs.append(run)
    return whole


def assert_refusals_are_announced(told: Telling) -> None:
    """What is refused is what a remark says is tried; a story that goes wrong has a refusal without one."""
    refused = [line for line, answer in zip(told.story.lines, told.answers, strict=True) if is_refused(answer)]
    assert [line.text for line in refused if not line.remark] == []


def assert_refusals_say_the_same(told: Telling) -> None:
    """A refusal says the same amounts in Chinese and in English, and every amount that it is about."""
    for refusal in told.refusals.values():
        zh, en = (Counter(re.findall(r"[0-9][0-9,]*\.[0-9]{2}\b", refusal.say(language))) for language in ("zh", "en"))
        assert zh == en, refusal.say("en")
        said = {name for name in refusal.fields if f"{{{name}:money}}" in refusal.en}
        said |= {name for name, value in refusal.fields.items() if f"{{{name}:if" in refusal.en and value}
        amounts = [refusal.fields[name] for name in said]
        figures = [part for each in amounts for part in (each.values() if isinstance(each, dict) else [each])]
        assert zh == Counter(map(format_amount, figures)), refusal.say("zh")


def assert_views_equal_a_rebuild(told: Telling) -> None:
    """What projections hold is what they come to when they are made anew from the entries."""
    before = views(told)
    told.runner.rebuild()
    assert views(told) == before


SUMS = {
    "view_standing": "select whose, fund, kind, hospital, amount from view_standing where amount <> 0",
    "view_donor_place": "select * from view_donor_place where amount <> 0",
    "view_period": "select * from view_period where amount <> 0",
    "view_donor": "select * from view_donor where ranges <> 0",
    "view_giving": "select donors - (select count(*) from view_donor where empty), floor from view_giving",
}
"""What sums say. What went there and back leaves a row of nothing or none, by where a page ended."""


def views(told: Telling) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every view; of the sums, what they say."""
    named = "select tablename from pg_tables where schemaname = current_schema() and tablename like 'view%'"
    with told.ledger.journal.entries.reading() as cursor:
        names = sorted(name for (name,) in cursor.execute(named).fetchall())
        queries = {name: SUMS.get(name, f"table {name}") for name in names}
        rows = {name: sorted(cursor.execute(query).fetchall(), key=repr) for name, query in queries.items()}
    assert {"view_gift", "view_movement", "view_place", *SUMS} <= rows.keys()
    return rows


# That nothing is left out.


def test_every_story_is_told_once() -> None:
    assert sorted(NAMES) == sorted(path.stem for path in STORIES.iterdir())


def test_every_command_is_met_in_a_story() -> None:
    written = {line.fact for name in NAMES for line in Story.read(name).commands("given", "when")}
    assert written == RECORDABLE.keys() - OF_STATEMENTS


OF_STATEMENTS = {
    *("LinesMatched", "LinesUnmatched", "LinesWrittenOff", "LinesDisputed"),
    *("PeriodClosed", "PeriodReopened"),
}
"""What is about a bank's statements is told where there are some, as in tests/test_cash_model.py."""


def test_every_refusal_about_money_and_cases_is_met_in_a_story() -> None:
    answers = [line.answer[0] for name in NAMES for line in Story.read(name).lines if is_refused(line.answer)]
    assert {f"refused: {code}" for code in REFUSALS} - set(answers) == set()


def test_the_page_for_finance_people_is_what_the_stories_say() -> None:
    beginning, mark, _ = DOC.read_text("utf-8").partition(MARK)
    assert mark, "the page has lost the mark after which it is made"
    assert_kept(DOC, page(beginning))


def test_the_commands_on_the_page_can_be_given_to_a_shell() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", DOC.read_text("utf-8"), re.DOTALL)
    shell = [
        shlex.split(line, comments=True) for block in blocks for line in re.sub(r" \\\n +", " ", block).split("\n")
    ]
    given = [" ".join(part for part in words[2:] if part != "--set") for words in shell if words[:2] == RECORD]
    told = [
        line.text
        for name in NAMES
        for line in Story.read(name).commands("when")
        if not is_refused(line.answer) and RUNNING.search(line.text) is None
    ]
    assert [line for line in given if "…" not in line and "$n" not in line] == told
