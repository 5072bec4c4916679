"""Laws of flows: the same as a count of single serials, every node in balance, and nothing told twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from _pytest.monkeypatch import MonkeyPatch
from conftest import SCALE, every_server
from hypothesis import given, settings
from hypothesis import strategies as st
from lives import tick
from projected import CASES, DONORS, FUNDS, START, STEPS, Fen, Ledger, Plain, Step, folded, opened, random_entries
from retold import counted

from ledger.decisions import MakeAllocation, PayHospital, PaymentLine, ReceiveDonation, ReturnHospitalPayment
from ledger.errors import Unknown
from ledger.places import parse_place
from ledger.times import parse_utc
from projections import flows as module
from projections import summing
from projections.flows import OUTCOME_ORDER, Flows, Scope, flows
from projections.history import Vantage

RANDOM = settings(max_examples=12 * SCALE)
DAYS = st.one_of(st.none(), st.integers(0, 6).map(lambda days: START + timedelta(days=days)))
SCOPES = st.builds(
    Scope,
    donor=st.sampled_from([None, None, *filter(None, DONORS)]),
    fund=st.sampled_from([None, None, *FUNDS]),
    case=st.sampled_from([None, None, *CASES]),
    since=DAYS,
    until=DAYS,
)


def way(plain: Plain, fen: Fen) -> tuple[str, ...]:
    """The nodes that a serial's final path runs through."""
    gift, place = plain.gift[fen], parse_place(plain.place[fen])
    donor = plain.donor_of(fen)
    opening = plain.type[gift.seq] == "BalanceBroughtForward"
    giver = f"donor/{donor}" if donor is not None else "donors/opening" if opening else "donors/unknown"
    fund = parse_place(plain.home[fen] or plain.place[fen]).fund
    hospital = [] if place.hospital is None else [f"hospital/{place.hospital}"]
    kind = "cash" if place.kind == "used" and not hospital else place.kind
    return (giver, f"fund/{fund}", *hospital, f"outcome/{kind}")


def within(plain: Plain, fen: Fen, scope: Scope) -> bool:
    """Whether a serial is money, and of the scope."""
    place, nodes = parse_place(plain.place[fen]), way(plain, fen)
    received = date.fromisoformat(plain.path[fen][0][1])
    return (
        place.kind != "void"
        and scope.donor in (None, plain.donor_of(fen))
        and scope.fund in (None, nodes[1].partition("/")[2])
        and scope.case in (None, place.case)
        and (scope.since or date.min) <= received <= (scope.until or date.max)
    )


def balances(found: Flows) -> dict[str, tuple[int, int]]:
    """What came to each node, and what left it."""
    came = Counter[str]()
    went = Counter[str]()
    for link in found.links:
        went[link.source] += link.amount
        came[link.target] += link.amount
    return {node.id: (came[node.id], went[node.id]) for node in found.nodes}


def check_against(plain: Plain, found: Flows, scope: Scope, *, exact: bool = True) -> None:
    """The flows are those that a count of the serials finds; no gift in one is outside the entries that it names."""
    fens = [fen for fen in plain.place if within(plain, fen, scope)]
    links: Counter[tuple[str, str]] = Counter()
    gifts: dict[tuple[str, str], set[int]] = {}
    for fen in fens:
        nodes = way(plain, fen)
        for pair in pairwise(nodes):
            links[pair] += 1
            gifts.setdefault(pair, set()).add(plain.gift[fen].seq)
    assert {(one.source, one.target): one.amount for one in found.links} == links
    every = {gift.seq for gift in plain.gift.values()}
    for one in found.links:
        seqs = gifts[one.source, one.target]
        assert one.first <= min(seqs) <= max(seqs) <= one.last
        assert {one.first, one.last} <= every
        assert (one.first, one.last) == (min(seqs), max(seqs)) or not (exact and told_of_gifts(scope))
    assert {node.id for node in found.nodes} == {node for fen in fens for node in way(plain, fen)}
    assert found.total == len(fens)


@RANDOM
@given(
    steps=STEPS,
    scopes=st.lists(SCOPES, min_size=2, max_size=4),
    points=st.lists(st.tuples(DAYS, st.integers(0, 1_000)), min_size=2, max_size=2),
)
def test_flows_of_the_past_are_those_of_the_entries_that_count_alone(
    steps: list[Step], scopes: list[Scope], points: list[tuple[date | None, int]], server_url: str
) -> None:
    with opened(server_url) as ledger:
        tick(ledger)
        for fact in random_entries(steps):
            ledger.append([fact], moves_per_part=5)
        folded(ledger)
        entries = ledger.journal.entries.read(0, 1_000_000)
        for as_of, n in points:
            known_at = entries[-1 - n % len(steps)].at
            plain = Plain.of(list(counted(entries, as_of, known_at)))
            donors = set(map(plain.donor_of, plain.gift))
            for scope in (Scope(), *scopes):
                vantage = Vantage(as_of, parse_utc(known_at))
                if scope.donor is not None and scope.donor not in donors:
                    with pytest.raises(Unknown):
                        flows(ledger.journal, scope, 200, vantage)
                else:
                    check_against(plain, flows(ledger.journal, scope, 200, vantage), scope, exact=False)


def told_of_gifts(scope: Scope) -> bool:
    """Whether no sums answer for that."""
    return scope.case is not None or scope.since is not None or scope.until is not None


@RANDOM
@given(steps=STEPS, scopes=st.lists(SCOPES, min_size=3, max_size=6), many=st.integers(1, 5), page=st.integers(1, 30))
def test_flows_are_what_a_count_of_single_serials_finds(
    steps: list[Step], scopes: list[Scope], many: int, page: int, server_url: str
) -> None:
    with opened(server_url) as ledger, MonkeyPatch.context() as patched:
        patched.setattr(summing, "MANY_RANGES", many)
        patched.setattr(module, "FEW_ENTRIES", 0)
        ledger.append(random_entries(steps), moves_per_part=5)
        folded(ledger, page)
        plain = Plain.of(ledger.journal.entries.read(0, 1_000_000))
        donors = set(map(plain.donor_of, plain.gift))
        for scope in (Scope(), *scopes):
            if scope.donor is not None and scope.donor not in donors:
                with pytest.raises(Unknown):
                    flows(ledger.journal, scope)
            else:
                check_against(plain, flows(ledger.journal, scope, top=200), scope)
                check_folded(flows(ledger.journal, scope, top=200), flows(ledger.journal, scope, top=1))
        check_without_sums(ledger)


def check_without_sums(ledger: Ledger) -> None:
    """Where the sums stand still, the same is told of places and gifts."""
    with_sums = [flows(ledger.journal, Scope(), top=top) for top in (1, 2, 200)]
    with ledger.database.owner() as owner:
        owner.execute("update view_tracking set notification_id = 1 where application_name = 'journal.flows'")
    without = [flows(ledger.journal, Scope(), top=top) for top in (1, 2, 200)]
    assert [one.nodes for one in with_sums] == [one.nodes for one in without]
    amounts = [[(link.source, link.target, link.amount) for link in one.links] for one in (*with_sums, *without)]
    assert amounts[:3] == amounts[3:]


def check_folded(whole: Flows, small: Flows) -> None:
    """Putting nodes together changes no total, and leaves every node in balance and the largest by name."""
    assert small.total == whole.total
    for node in small.nodes:
        came, went = balances(small)[node.id]
        assert node.layer == 0 or came == node.amount
        assert node.layer == 3 or went == node.amount
    for layer, noun in enumerate(("donor", "fund", "hospital")):
        named = [node for node in whole.nodes if node.id.startswith(noun + "/")]
        kept = [node for node in small.nodes if node.id.startswith(noun + "/")]
        others = [node for node in small.nodes if node.id == f"{noun}s/others"]
        assert kept == (named[:1] if len(named) > 2 else named)
        assert sum(node.many for node in (*kept, *others)) == len(named)
        assert sum(node.amount for node in small.nodes if node.layer == layer) == sum(
            node.amount for node in whole.nodes if node.layer == layer
        )
    assert [node for node in small.nodes if node.layer == 3] == [node for node in whole.nodes if node.layer == 3]


@pytest.fixture
def ledger(server_url: str) -> Iterator[Ledger]:
    """A gift of 100.00, 60.00 of it paid for a child, 10.00 of which came back and went home again."""
    with opened(server_url) as ledger:
        for command in (
            ReceiveDonation(key="1", donation="D1", fund="heart", amount=10_000, on=START, donor="P1"),
            MakeAllocation(key="2", allocation="A1", case="C1", amount=6_000, on=START),
            PayHospital(key="3", payment="Y1", hospital="H1", lines=(PaymentLine("C1", 6_000),), on=START),
            ReturnHospitalPayment(key="4", payment="Y1", case="C1", amount=1_000, on=START),
        ):
            ledger.writer.submit(command)
        folded(ledger)
        yield ledger


@every_server
def test_a_return_is_no_cycle(ledger: Ledger) -> None:
    found = flows(ledger.journal, Scope())
    assert [(one.source, one.target, one.amount) for one in found.links] == [
        ("donor/P1", "fund/heart", 10_000),
        ("fund/heart", "hospital/H1", 5_000),
        ("fund/heart", "outcome/case", 1_000),
        ("fund/heart", "outcome/fee", 500),
        ("fund/heart", "outcome/fund", 3_500),
        ("hospital/H1", "outcome/hospital", 5_000),
    ]
    assert [(node.id, node.layer, node.name) for node in found.nodes if node.layer in (1, 2)] == [
        ("fund/heart", 1, "基金"),
        ("hospital/H1", 2, "医院"),
    ]
    assert [node.id for node in found.nodes if node.layer == 3] == [
        one for one in OUTCOME_ORDER if one in balances(found)
    ]


@pytest.mark.parametrize("scope", [Scope(donor="P9"), Scope(fund="lung"), Scope(case="C9")], ids=str)
def test_what_the_ledger_does_not_have_has_no_flows(ledger: Ledger, scope: Scope) -> None:
    with pytest.raises(Unknown):
        flows(ledger.journal, scope)


def test_a_period_without_gifts_is_an_empty_picture(ledger: Ledger) -> None:
    found: Any = flows(ledger.journal, Scope(until=START - timedelta(days=1)))
    assert (found.nodes, found.links, found.total) == ((), (), 0)
