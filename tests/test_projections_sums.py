"""Laws of sums: kept up page by page they are what their definition comes to, whatever happens, in pages of any size."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from _pytest.monkeypatch import MonkeyPatch
from conftest import SCALE, every_server
from hypothesis import given, settings
from hypothesis import strategies as st
from lives import live
from projected import STEP, STEPS, Ledger, Plain, Step, folded, opened, random_entries

from ledger.database import queries
from projections import summing
from projections.runner import Runner

RANDOM = settings(max_examples=12 * SCALE)
HISTORIES = st.one_of(
    STEPS.map(lambda steps: ("entries", steps)),
    st.lists(STEP, min_size=20, max_size=70).map(lambda steps: ("commands", steps)),
)


def write(ledger: Ledger, history: tuple[str, list[Step]]) -> None:
    kind, steps = history
    if kind == "commands":
        live(ledger, steps)
    else:
        ledger.append(random_entries(steps), moves_per_part=5)


def unlike(ledger: Ledger) -> list[str]:
    with ledger.journal.entries.reading() as cursor:
        return [table for kind in summing.SUMS for table in summing.unlike(cursor, kind)]


def kept(ledger: Ledger) -> list[list[tuple[object, ...]]]:
    """All sums that are not 0, without the bounds, which are of all that ever was."""
    return [
        sorted(ledger.rows(query), key=repr)
        for query in (
            "select whose, fund, kind, hospital, amount from view_standing where amount <> 0",
            "select donor, ranges, given, many from view_donor where ranges <> 0",
            "table view_leader",
            "select floor from view_giving",
            "select * from view_donor_place where amount <> 0",
            "select * from view_period where amount <> 0",
        )
    ]


@RANDOM
@every_server
@given(history=HISTORIES, many=st.integers(1, 6), leaders=st.integers(1, 3), page=st.integers(1, 30))
def test_sums_are_what_their_definition_comes_to(
    history: tuple[str, list[Step]], many: int, leaders: int, page: int, server_url: str
) -> None:
    with opened(server_url) as ledger, MonkeyPatch.context() as patched:
        patched.setattr(summing, "MANY_RANGES", many)
        patched.setattr(summing, "LEADERS", leaders)
        write(ledger, history)
        runner = folded(ledger, page)
        assert runner.recorder.failures() == {}
        assert unlike(ledger) == []
        page_by_page = kept(ledger)
        check_definition(ledger)
        Runner(ledger.journal).rebuild()
        assert unlike(ledger) == []
        assert kept(ledger) == page_by_page


def check_definition(ledger: Ledger) -> None:
    """What donors gave and what stands where, as a count of single serials finds it."""
    plain = Plain.of(ledger.journal.entries.read(0, 1_000_000))
    given: Counter[str] = Counter()
    standing: Counter[tuple[str, str]] = Counter()
    for fen, place in plain.place.items():
        standing[plain.fund_of(fen), place.split("/")[0]] += 1
        donor = plain.donor_of(fen)
        if donor is not None and place != "void":
            given[donor] += 1
    assert dict(ledger.rows("select donor, given from view_donor where given <> 0")) == given
    rows = ledger.rows("select fund, kind, sum(amount)::bigint from view_standing where whose = 'all' group by fund, kind")
    escaped = {(fund.replace("%", "%25").replace("/", "%2F"), kind): amount for fund, kind, amount in rows}
    assert {key: amount for key, amount in escaped.items() if amount} == {
        key: amount for key, amount in standing.items() if key[1] != "void"
    } | {key: amount for key, amount in escaped.items() if key[1] == "void" and amount}
