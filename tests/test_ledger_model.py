"""The writer against the reference model, and the laws of the money on what it wrote, as of every date and entry.

FENHAO_TEST_SCALE multiplies the number of examples; above 1 they are drawn anew each time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import laws
import pytest
from conftest import SCALE
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from model import Command, Held, Issued, Model, Moved, Refused, Replayed
from model import Outcome as Expected
from psycopg import sql

from audit.verify import verify
from ledger import decisions
from ledger.database import Database
from ledger.journal import Journal
from ledger.writing import Outcome, Recorded, Writer

QUICK = settings(
    derandomize=SCALE == 1,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink],  # explaining a failure would take minutes of a real database
)
EXAMPLES, LAWS = settings(QUICK, max_examples=60 * SCALE), settings(QUICK, max_examples=12 * SCALE)

TODAY = "2026-03-05"
NOW = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)
"""Already the 5th in the ledger's zone."""

Entry = dict[str, Any]


def wipe(database: Database) -> None:
    """Makes the schema as migrated, guards off: quicker than a new one for each example."""
    with database.owner() as owner, owner.transaction():
        owner.execute("set local session_replication_role = replica")
        for (table,) in owner.execute(
            "select tablename from pg_tables where schemaname = %s and tablename not in ('head', 'migration')",
            (database.schema,),
        ).fetchall():
            owner.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))
        owner.execute("delete from head")
        owner.execute("insert into head default values")


# What is asked: small pools of ids, days and amounts, so that commands meet each other.

PAST = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", TODAY]
DAYS = st.sampled_from(PAST)
ON = st.sampled_from([*PAST[1:], *PAST[2:], *PAST * 4, "2026-03-06"])
GIVEN, SPENT = st.sampled_from([*range(5, 51), 0]), st.sampled_from([*range(1, 13), *range(1, 13), 40, -1])
FUNDS = st.sampled_from([*["F1", "F2"] * 8, "F/3", "FX"])
HOSPITALS = st.sampled_from([*["H1"] * 10, *["H%2"] * 7, "HX"])
CASES = st.sampled_from([*["C1"] * 9, *["C/2"] * 7, *["C3"] * 5, "C4", "CX"])
PERSONS, HOMES = st.sampled_from(["P1", "P2", "P3"]), st.sampled_from(["M1", "M2"])
DISEASES = st.sampled_from(["heart", "vsd", "asd", "lung", "lung", "nope"])
RESTRICTIONS = st.sampled_from(
    [
        *[{}] * 4,
        {"disease": ["heart"]},
        {"disease": ["vsd", "asd"]},
        {"province": ["henan"]},
        {"disease": ["lung", "vsd"], "province": ["henan"]},
        {"hospital": ["H1"]},
        {"hospital": ["H%2"], "disease": ["heart"]},
        {"disease": ["nope"]},
    ]
)
AGENCY = st.sampled_from([{"person": ["P1"]}, {"person": ["P2"], "disease": ["heart"]}, {"person": ["P1", "P2"]}, {}])


def some_id(letter: str) -> st.SearchStrategy[str]:
    return st.integers(0, 99).map(lambda n: f"{letter}{n}")


def verb(do: str, optional: dict[str, st.SearchStrategy[Any]], **members: st.SearchStrategy[Any]) -> Any:
    return st.fixed_dictionaries({"do": st.just(do), **members}, optional=optional)


GIFT_OPTIONS = {
    "donor": st.sampled_from(["X1", "X2", "X3"]),
    "fee_bp": st.sampled_from([0, 0, 500, 500, 3333, 3333, 10_000, 10_001]),
    "usable_from": DAYS,
    "expires_on": st.one_of(DAYS, st.just("9999-12-31")),
}
CHANNEL = {"channel": st.just("wx"), "channel_txn": st.sampled_from(["T1", "T2", "T3"]), "line": st.sampled_from("12")}
GIFTS = [
    verb(
        "receive_donation",
        GIFT_OPTIONS,
        donation=some_id("D"),
        fund=FUNDS,
        amount=GIVEN,
        on=ON,
        restriction=RESTRICTIONS,
    ),
    verb("receive_donation", CHANNEL, donation=some_id("D"), fund=FUNDS, amount=GIVEN, on=ON),
    verb(
        "receive_donation",
        GIFT_OPTIONS,
        donation=some_id("D"),
        fund=FUNDS,
        amount=GIVEN,
        on=ON,
        restriction=AGENCY,
        nature=st.just("agency"),
    ),
]
LINE = st.fixed_dictionaries(
    {"case": CASES, "amount": SPENT},
    optional={"bill_no": st.sampled_from(["B1", "B2"]), "bill_amount": st.integers(10, 40)},
)
LINES = st.sampled_from([1, 1, 1, 2, 2, 3, 0]).flatmap(lambda size: st.lists(LINE, min_size=size, max_size=size))
SPENDING = [
    verb("make_allocation", {"fund": FUNDS}, allocation=some_id("A"), case=CASES, amount=SPENT, on=ON),
    verb("make_allocation", {}, allocation=some_id("A"), case=CASES, amount=SPENT, on=ON),
    verb("pay_hospital", {}, payment=some_id("Y"), hospital=HOSPITALS, lines=LINES, on=ON),
    verb(
        "pay_hospital",
        {},
        payment=some_id("Y"),
        hospital=HOSPITALS,
        lines=st.lists(LINE, min_size=1, max_size=1),
        on=ON,
        account=st.just("icbc"),
        bank_ref=st.sampled_from(["R1", "R2", "R3"]),
    ),
    verb("settle_treatment", {}, settlement=some_id("S"), hospital=HOSPITALS, case=CASES, amount=SPENT, on=ON),
    verb(
        "grant_cash",
        {"purpose": st.sampled_from(["food", "travel"]), "period": st.sampled_from(["2026-02", "2026-03"])},
        grant=some_id("G"),
        case=CASES,
        amount=SPENT,
        on=ON,
    ),
]
REGISTERING = [
    verb("open_fund", {"on": ON, "fee_bp": st.sampled_from([0, 250, -1])}, fund=FUNDS),
    verb("register_hospital", {"on": ON}, hospital=HOSPITALS),
    verb(
        "define_code", {"on": ON, "parent": DISEASES}, dimension=st.sampled_from(["disease", "person"]), code=DISEASES
    ),
    verb(
        "open_case",
        {
            "on": ON,
            "person": PERSONS,
            "household": HOMES,
            "purpose": st.just("travel"),
            "approved_by": st.just(["staff-1"]),
        },
        case=CASES,
        fund=FUNDS,
        hospital=HOSPITALS,
        attributes=st.fixed_dictionaries({}, optional={"disease": DISEASES, "province": st.just("henan")}),
    ),
]
KINDS = [*GIFTS * 3, *SPENDING * 5, *SPENDING[:4] * 5, *REGISTERING]
AGAIN = st.tuples(st.sampled_from(["again", "other"]), st.integers(0, 200))
ITEM = st.integers(0, len(KINDS) - 1 + 3).flatmap(lambda n: KINDS[n] if n < len(KINDS) else AGAIN)
BATCHES = st.lists(st.lists(ITEM, min_size=1, max_size=30), min_size=1, max_size=6)
FIRST: list[Command] = [
    {"do": "open_fund", "fund": "F1"},
    {"do": "open_fund", "fund": "F2", "fee_bp": 1000},
    {"do": "register_hospital", "hospital": "H1"},
    {"do": "register_hospital", "hospital": "H%2"},
    {"do": "define_code", "dimension": "disease", "code": "heart"},
    {"do": "define_code", "dimension": "disease", "code": "vsd", "parent": "heart"},
    {"do": "define_code", "dimension": "disease", "code": "asd", "parent": "heart"},
    {"do": "define_code", "dimension": "disease", "code": "lung"},
    {"do": "define_code", "dimension": "province", "code": "henan"},
    {
        "do": "open_case",
        "case": "C1",
        "fund": "F1",
        "hospital": "H1",
        "person": "P1",
        "attributes": {"disease": "vsd", "province": "henan"},
    },
    {
        "do": "open_case",
        "case": "C/2",
        "fund": "F1",
        "hospital": "H%2",
        "household": "M1",
        "attributes": {"disease": "asd"},
    },
    {
        "do": "open_case",
        "case": "C3",
        "fund": "F2",
        "hospital": "H1",
        "person": "P2",
        "attributes": {"disease": "lung", "province": "henan"},
    },
    *[
        {"do": "receive_donation", "donation": f"D-{n}", "fund": fund, "amount": 50, "on": f"2026-03-0{n}", **more}
        for n, fund, more in (
            (1, "F1", {"donor": "X1"}),
            (2, "F2", {"donor": "X2", "restriction": {"province": ["henan"]}}),
            (3, "F1", {"restriction": {"disease": ["heart"]}, "expires_on": "2026-03-04"}),
        )
    ],
    *[
        {"do": "make_allocation", "allocation": f"A-{n}", "case": case, "amount": 20, "on": f"2026-03-0{n}"}
        for n, case in ((2, "C1"), (3, "C/2"), (4, "C3"))
    ],
    {"do": "pay_hospital", "payment": "Y-1", "hospital": "H1", "lines": [{"case": "C1", "amount": 16}], "on": TODAY},
]


def resolved(batches: list[list[Any]], together: bool) -> Iterator[list[Command]]:
    """Batches of commands with keys: ("again", n) makes an earlier one again, ("other", n) under its key another.

    FIRST comes before the first batch, or in it when `together`.
    """
    asked: list[Command] = []
    for batch in [[*FIRST, *batches[0]], *batches[1:]] if together else [FIRST, *batches]:
        commands: list[Command] = []
        for item in batch:
            if isinstance(item, dict):
                commands.append({**item, "key": f"k{len(asked) + len(commands)}"})
            else:
                before = [*asked, *commands]
                command = before[item[1] % len(before)]
                commands.append(command if item[0] == "again" else {**command, "on": "2026-03-03", "by": "staff-2"})
        asked += commands
        yield commands


def ask(command: Command) -> decisions.Command:
    """The ledger's command for one of the model's."""
    members = {name: value for name, value in command.items() if name not in ("do", "account", "bank_ref")}
    for name in ("on", "usable_from", "expires_on"):
        if name in members:
            members[name] = date.fromisoformat(members[name])
    if "restriction" in members:
        members["restriction"] = tuple((name, tuple(codes)) for name, codes in sorted(members["restriction"].items()))
    if "lines" in members:
        members["lines"] = tuple(decisions.PaymentLine(**line) for line in members["lines"])
    if "bank_ref" in command:
        members["cash"] = (decisions.CashLeg(command["account"], bank_ref=command["bank_ref"]),)
    if "approved_by" in members:
        members["approved_by"] = tuple(members["approved_by"])
    if command["do"] in ("open_fund", "register_hospital", "define_code"):
        members["name"] = "名称"
    return VERBS[command["do"]](**members)


VERBS: dict[str, Callable[..., decisions.Command]] = {
    "open_fund": decisions.OpenFund,
    "register_hospital": decisions.RegisterHospital,
    "define_code": decisions.DefineCode,
    "open_case": decisions.OpenCase,
    "receive_donation": decisions.ReceiveDonation,
    "make_allocation": decisions.MakeAllocation,
    "pay_hospital": decisions.PayHospital,
    "settle_treatment": decisions.SettleTreatment,
    "grant_cash": decisions.GrantCash,
}


def opened_writer(journal: Journal) -> Writer:
    """A writer on an empty ledger that was just opened, at NOW and later by the wall's seconds."""
    wipe(journal.database)
    begun = datetime.now(UTC)
    journal.entries.clock = lambda: NOW + (datetime.now(UTC) - begun)
    writer = Writer(journal)
    writer.submit(decisions.OpenLedger(key="open", origin="ledger.example.org/test", verifier_key="k"))
    return writer


def entries_of(journal: Journal) -> list[Entry]:
    with journal.entries.reading() as cursor:
        return [json.loads(body) for (body,) in cursor.execute("select body from entry order by seq").fetchall()]


def issues(entry: Entry) -> list[Issued]:
    return [Issued(int(i["tape"][1:]), i["lo"], i["hi"], i["to"]) for i in entry["data"].get("issue", [])]


def moves(entry: Entry) -> list[Moved]:
    return [Moved(int(m["tape"][1:]), m["lo"], m["hi"], m["from"], m["to"]) for m in entry["data"].get("moves", [])]


def assert_agree(command: Command, expected: Expected, outcome: Outcome, entries: list[Entry]) -> None:
    if isinstance(expected, Refused):
        assert not isinstance(outcome, Recorded), (command, expected, outcome)
        assert outcome.code in expected.kinds, (command, expected, outcome)
    elif isinstance(expected, Replayed):
        assert outcome == Recorded(expected.seq, replayed=True), (command, expected, outcome)
    else:
        assert outcome == Recorded(expected.seq), (command, expected, outcome)
        entry = entries[expected.seq]
        assert (issues(entry), moves(entry)) == (expected.issue, expected.moves), command
        opened = entries[expected.seq - len(expected.opened) : expected.seq]
        assert [one["data"]["tape"] for one in opened] == [f"t{number}" for number in expected.opened]


def assert_tables_agree(journal: Journal, expected: Model) -> None:
    with journal.entries.reading() as cursor:
        rows = cursor.execute("select tape, lo, hi, place, home, since::text from holding order by tape, lo").fetchall()
        assert [Held(*row) for row in rows] == expected.held()
        assert dict(cursor.execute("select number, ends_at from tape").fetchall()) == expected.ends()


def history(journal: Journal, batches: list[list[Any]], together: bool = False) -> list[Entry]:
    """The entries that these batches come to, without the model."""
    writer = opened_writer(journal)
    for commands in resolved(batches, together):
        writer.submit_batch([ask(command) for command in commands])
    return entries_of(journal)


@EXAMPLES
@given(batches=BATCHES, together=st.booleans())
def test_every_outcome_and_every_serial_is_as_the_model_says(
    journal: Journal, batches: list[list[Any]], together: bool
) -> None:
    writer, expected = opened_writer(journal), Model()
    for commands in resolved(batches, together):
        outcomes = writer.submit_batch([ask(command) for command in commands])
        wanted = [expected.submit(command, TODAY) for command in commands]
        entries = entries_of(journal)
        assert len(entries) == expected.size
        for each in zip(commands, wanted, outcomes, strict=True):
            assert_agree(*each, entries)
        assert_tables_agree(journal, expected)
    report = verify(journal.entries.bundles())
    assert report.problems == ()
    assert [Held(*row) for row in report.places()] == expected.held()


GENERATED = given(batches=BATCHES, together=st.booleans())


@LAWS
@GENERATED
def test_law_1_each_serial_is_at_exactly_one_place(journal: Journal, batches: list[list[Any]], together: bool) -> None:
    laws.check_law_1(history(journal, batches, together))


@LAWS
@GENERATED
def test_law_2_moves_start_where_the_serials_are_and_issues_at_the_tapes_end(
    journal: Journal, batches: list[list[Any]], together: bool
) -> None:
    laws.check_law_2(history(journal, batches, together))


@LAWS
@GENERATED
def test_law_3_donor_to_case_and_case_to_donor_are_inverses(
    journal: Journal, batches: list[list[Any]], together: bool
) -> None:
    laws.check_law_3(history(journal, batches, together))


@LAWS
@GENERATED
def test_law_4_at_every_node_opening_and_inflow_are_outflow_and_closing(
    journal: Journal, batches: list[list[Any]], together: bool
) -> None:
    laws.check_law_4(history(journal, batches, together))


@LAWS
@GENERATED
def test_law_5_money_goes_only_where_its_terms_allow(
    journal: Journal, batches: list[list[Any]], together: bool
) -> None:
    laws.check_law_5(history(journal, batches, together))


@LAWS
@GENERATED
def test_law_6_each_fact_moves_exactly_its_amount_as_the_policy_picks(
    journal: Journal, batches: list[list[Any]], together: bool
) -> None:
    laws.check_law_6(history(journal, batches, together))


@LAWS
@GENERATED
def test_law_7_along_each_serial_time_never_goes_back(
    journal: Journal, batches: list[list[Any]], together: bool
) -> None:
    laws.check_law_7(history(journal, batches, together))


def money(seq: int, type: str, on: str, **data: Any) -> Entry:
    return {"seq": seq, "type": type, "data": {"on": on, **data}}


def ranges(items: str) -> list[Entry]:
    """`"t1:0-9 fund/F > case/C"` as issues (no source) or moves, several divided by commas."""
    found = []
    for item in items.split(", "):
        run, *ends = item.replace(" > ", " ").split(" ")
        tape, bounds = run.split(":")
        lo, hi = map(int, bounds.split("-"))
        places = {"to": ends[0]} if len(ends) == 1 else {"from": ends[0], "to": ends[1]}
        found.append({"tape": tape, "lo": lo, "hi": hi, **places})
    return found


def sound() -> list[Entry]:
    """A small history that keeps every law."""
    own, heart = {"nature": "own", "restriction": {}}, {"nature": "own", "restriction": {"disease": ["heart"]}}
    made = {"policy": "earmark-fifo/1", "case": "C", "hospital": "H"}
    gift = {"fund": "F", "fee_bp": 0}
    return [
        money(1, "CaseOpened", "", case="C", attributes={"disease": "lung", "hospital": "H"}),
        money(2, "TapeOpened", "", tape="t1", **own),
        money(3, "DonationReceived", "2026-03-01", donation="D1", amount=6, issue=ranges("t1:0-6 fund/F"), **gift),
        money(4, "DonationReceived", "2026-03-03", donation="D2", amount=4, issue=ranges("t1:6-10 fund/F"), **gift),
        money(5, "TapeOpened", "", tape="t2", **heart),
        money(6, "DonationReceived", "2026-03-01", donation="D3", amount=5, issue=ranges("t2:0-5 fund/F"), **gift),
        money(7, "AllocationMade", "2026-03-02", amount=4, fund="F", moves=ranges("t1:0-4 fund/F > case/C"), **made),
        money(8, "CashGranted", "2026-03-04", amount=3, moves=ranges("t1:0-3 case/C > used/C"), **made),
    ]


BREACHES: list[tuple[int, int, dict[str, Any]]] = [
    (1, 8, {"moves": ranges("t1:0-3 fund/F > used/C")}),
    (1, 4, {"issue": ranges("t1:5-9 fund/F")}),
    (2, 4, {"issue": ranges("t1:7-11 fund/F")}),
    (2, 7, {"moves": ranges("t1:0-2 fund/F > case/C, t1:2-4 fund/F > case/C")}),
    (2, 7, {"moves": ranges("t1:2-4 fund/F > case/C, t1:0-1 fund/F > case/C")}),
    (2, 8, {"moves": ranges("t1:2-5 case/C > used/C")}),
    (3, 8, {"moves": ranges("t1:0-3 case/C > used/X")}),
    (4, 8, {"moves": ranges("t1:2-5 case/C > used/C")}),
    (5, 7, {"moves": ranges("t2:0-4 fund/F > case/C")}),
    (6, 7, {"moves": ranges("t1:1-5 fund/F > case/C")}),
    (6, 7, {"policy": "manual"}),
    (6, 8, {"amount": 2}),
    (6, 3, {"amount": 7}),
    (7, 7, {"moves": ranges("t1:6-10 fund/F > case/C")}),
    (7, 8, {"on": "2026-03-01"}),
]
"""The law, the seq of the entry that breaks it, and what is written there instead."""


def test_the_laws_hold_of_a_sound_history() -> None:
    for check in laws.CHECKS.values():
        check(sound())
    assert len(laws.CHECKS) == 7


@pytest.mark.parametrize(("law", "seq", "instead"), BREACHES)
def test_each_laws_check_sees_that_law_broken(law: int, seq: int, instead: dict[str, Any]) -> None:
    entries = sound()
    entries[seq - 1]["data"] |= instead
    with pytest.raises(laws.Broken):
        laws.CHECKS[law](entries)
