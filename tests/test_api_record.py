"""`fenhao record`: every fact from the command line, what it answers, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli import main
from api.commands import RECORDABLE
from ledger.database import connecting

Fenhao = Callable[..., Result]
STATEMENT = "交易日期,金额,余额\n2026-02-17,9.00,9.00\n2026-02-18,-9.00,0.00\n2026-02-18,1.00,1.00\n".encode()
LINE = f"file:{hashlib.sha256(STATEMENT).hexdigest()},statement:0,ordinal"
TWO = ["by=li", "approved_by=wang"]


@pytest.fixture(scope="module")
def fenhao(embedded_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fenhao]:
    """`fenhao` on a ledger that the tests of this file share, each with ids of its own."""
    schema = f"record_{os.getpid()}"
    environment = {
        "FENHAO_HOME": str(tmp_path_factory.mktemp("record")),
        "FENHAO_DATABASE_URL": embedded_url,
        "FENHAO_SCHEMA": schema,
        "FENHAO_LANGUAGE": "",
        "FENHAO_TWO_PERSONS_FROM": "",
    }

    def run(*arguments: str, stdin: str | None = None, **settings: str) -> Result:
        return CliRunner().invoke(main, list(arguments), input=stdin, env=environment | settings)

    assert run("init", "--origin", "example.org/record").exit_code == 0
    for account in ("6217", "A", "B"):  # before any test, for once one is open every leg names one that is
        assert run("record", "AccountOpened", "--set", f"account={account}", "--set", "kind=bank").exit_code == 0
    statement = tmp_path_factory.mktemp("bank") / "s.csv"
    statement.write_bytes(STATEMENT)
    assert run("bank", "import", str(statement), "--account", "A").exit_code == 0
    assert run("checkpoint").exit_code == 0
    yield run
    with connecting(embedded_url) as connection:
        connection.execute(f"drop schema {schema} cascade; drop owned by {schema}_service; drop role {schema}_service")


def asked(fact: str, *sets: str) -> list[str]:
    return ["record", fact, *(part for text in sets for part in ("--set", text))]


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.strip().splitlines()[-1])


def size(fenhao: Fenhao) -> int:
    return int(answer(fenhao("rebuild", "--json"))["entries"])


STORY: list[tuple[str, list[str], int]] = [
    ("code-defined", ["dimension=surgery", "code=OPEN", "name=开胸"], 0),
    ("FundOpened", ["fund=heart", "name=先心病救助", "fee_bp=500"], 0),
    ("OpenFund", ["fund=urgent", "name=急重症"], 0),
    ("HospitalRegistered", ["hospital=H", "name=第一医院", "province=410000"], 0),
    ("CaseOpened", ["case=C", "fund=heart", "hospital=H", "person=P", "attributes.disease=VSD"], 0),
    ("case_opened", ["case=E", "fund=heart", "hospital=H", "attributes=disease=ASD;surgery=OPEN"], 0),
    ("CaseAmended", ["case=E", "hospital=H", "attributes=disease=ASD"], 0),
    ("DonationReceived", ["donation=D", "fund=heart", "amount=1000.00", "on=2026-01-02", "channel=wechat"], 100_000),
    ("DonationAttributed", ["donation=D", "donor=N", "by=li"], 0),
    (
        "DonationReceived",
        [
            *("donation=D2", "fund=heart", "amount=71234", "on=2026-01-03", "donor=M", "fee_bp=0", "payer=Q"),
            *("restriction=disease=VSD|TOF", "expires_on=2026-12-31", "receipt_to=Z"),
            "foreign=currency:USD,amount:100.00,rate:7.1234,rate_on:2026-01-02",
            "cash=account:6217,amount:712.34,bank_on:2026-01-03,bank_ref:BK1",
        ],
        71_234,
    ),
    (
        "BalanceBroughtForward",
        ["donation=O", "fund=heart", "amount=50.00", "on=2026-01-01", "basis=audit:2025", "case=E"],
        5_000,
    ),
    (
        "BalanceBroughtForward",
        [
            *("donation=O2", "fund=heart", "on=2026-01-01", "basis=audit:2025", "hospital=H"),
            *("lines=case:C,amount:30.00", "lines=case:E,amount:20.00"),
        ],
        5_000,
    ),
    ("AllocationMade", ["allocation=A", "case=C", "amount=800.00", "on=2026-02-01"], 80_000),
    ("AllocationReleased", ["allocation=A", "amount=10.00", "on=2026-02-02", "release=R"], 1_000),
    (
        "HospitalPaymentMade",
        ["payment=HP", "hospital=H", "on=2026-02-03", 'lines=[{"case": "C", "amount": "600.00", "bill_no": "B"}]'],
        60_000,
    ),
    ("TreatmentSettled", ["settlement=S", "hospital=H", "case=C", "amount=500.00", "on=2026-02-04"], 50_000),
    ("HospitalPaymentReturned", ["payment=HP", "case=C", "amount=50.00", "on=2026-02-05", "reason=insurance"], 5_000),
    ("CashGranted", ["grant=G", "case=C", "amount=40.00", "on=2026-02-06", "purpose=travel", "period=2026-02"], 4_000),
    ("GrantReturned", ["grant=G", "amount=15.00", "on=2026-02-07"], 1_500),
    ("DonationRefunded", ["refund=F", "donation=D", "amount=60.00", "fee=10.00", "on=2026-02-08"], 6_000),
    (
        "FundsTransferred",
        ["transfer=T", "fund=heart", "to_fund=urgent", "amount=100.00", "on=2026-02-09", "basis=filing:2026-1"],
        10_000,
    ),
    (
        "TermsChanged",
        ["fund=heart", "donation=D", "on=2026-02-10", "basis=consent:2026-2", "restriction.disease=VSD|ASD"],
        72_234,
    ),
    (
        "SerialsSubstituted",
        [
            *("case=C", "place=case/C", "incoming=t1:7766-7866", "outgoing=t3:60500-60600"),
            *("on=2026-02-11", "basis=consent:2026-3"),
        ],
        100,
    ),
    ("ExpenseMade", ["expense=X", "fund=heart", "kind=channel", "amount=7.00", "from=fee", "on=2026-02-12"], 700),
    ("MoneyHeld", ["hold=W", "ranges=t1:20000-20100|t1:30000-30050", "on=2026-02-13"], 150),
    ("HoldLifted", ["hold=W", "ranges=t1:20000-20100", "on=2026-02-14"], 100),
    ("CaseClosed", ["case=E", "on=2026-02-15", "reason=withdrawn", "by=li", "approved_by=wang|zhao"], 5_000),
    ("CaseReopened", ["case=E"], 0),
    ("EntryReversed", ["reverses=0", "on=2026-02-16"], 700),
    ("AccountOpened", ["account=W", "kind=channel"], 0),
    ("ReceiptSuspended", ["suspense=U", "amount=9.00", "cash=account:A,amount:9.00", "on=2026-02-17"], 900),
    ("SuspenseRepaid", ["suspense=U", "amount=9.00", "cash=account:A", "on=2026-02-18"], 900),
    ("LinesMatched", ["match=LM", f"lines={LINE}:1", f"lines={LINE}:2"], 0),
    ("LinesUnmatched", ["match=LM", "by=li"], 0),
    ("LinesDisputed", ["match=LD", f"lines={LINE}:1"], 900),
    ("LinesWrittenOff", ["match=LW", f"lines={LINE}:3,amount:0.40", "reason=not_ours", *TWO], 40),
    ("PeriodClosed", ["period=2025-11", *TWO], 0),
    ("PeriodReopened", ["period=2025-11", "reason=late", *TWO], 0),
]


def test_every_fact_is_recorded_from_the_command_line_and_the_ledger_verifies(fenhao: Fenhao) -> None:
    done: dict[str, Any] = {}
    for fact, sets, amount in STORY:
        sets = [f"reverses={done['ExpenseMade']['seq']}" if text == "reverses=0" else text for text in sets]
        tried = answer(fenhao(*asked(fact, *sets), "--dry-run", "--json"))
        said = answer(fenhao(*asked(fact, *sets), "--json"))
        assert said["amount"] == amount, (fact, said)
        assert {**said, "leaf": None, "dry_run": True} == tried
        assert said["stream"].startswith(("suspense/", "match/")) or amount == sum(
            one["hi"] - one["lo"] for one in [*said["issue"], *said["moves"]]
        ) // (2 if said["type"] == "SerialsSubstituted" else 1)
        again = answer(fenhao(*asked(fact, *sets), "--json"))
        assert again == {**said, "replayed": True}
        done[said["type"]] = said
    assert sorted(done) == sorted(RECORDABLE)
    assert fenhao("verify").exit_code == 0


def test_what_was_reversed_says_so_when_it_is_asked_for_again(fenhao: Fenhao) -> None:
    fenhao(*asked("FundOpened", "fund=again", "name=再记"))
    gift = asked("DonationReceived", "donation=DA", "fund=again", "amount=1.00", "on=2026-03-01")
    seq = answer(fenhao(*gift, "--json"))["seq"]
    fenhao(*asked("EntryReversed", f"reverses={seq}", "on=2026-03-01"))
    assert answer(fenhao(*gift, "--json"))["reversed"] is True
    said = fenhao(*gift)
    assert "此前已登记" in said.stdout
    assert "已被冲销" in said.stdout
    assert "reversed since" in fenhao(*gift, "--lang", "en").stdout


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "zh",
            [
                "试运行，未登记；将成为第 ",
                "收到捐赠 DT，20,000.50 CNY，2026-03-01",
                "  新收 → 在基金：telling            19,000.48  t",
                "  新收 → 提取的项目管理费：telling   1,000.02  t",
                "  管理费率 5.00%；专项基金 telling；来源 捐赠；限定 disease=VSD|ASD",
            ],
        ),
        (
            "en",
            [
                "a dry run, nothing was recorded; it would be entry ",
                "Donation received DT, 20,000.50 CNY, 2026-03-01",
                "  new → In fund: telling    19,000.48  t",
                "  new → Fee taken: telling   1,000.02  t",
                "  fee rate 5.00%; fund telling; source donation; restriction disease=VSD|ASD",
            ],
        ),
    ],
)
def test_a_person_reads_what_moves_from_where_to_where(fenhao: Fenhao, language: str, lines: list[str]) -> None:
    fenhao(*asked("FundOpened", "fund=telling", "name=说明", "fee_bp=500"))
    gift = ["donation=DT", "fund=telling", "amount=20000.50", "on=2026-03-01", "restriction=disease=VSD|ASD"]
    said = fenhao(*asked("DonationReceived", *gift), "--dry-run", "--lang", language).stdout.splitlines()
    assert len(said) == len(lines)
    assert [line[: len(start)] for line, start in zip(said, lines, strict=True)] == lines


def test_a_person_reads_why_money_goes_home(fenhao: Fenhao) -> None:
    for fact, sets in (
        ("FundOpened", ["fund=home", "name=来处"]),
        ("HospitalRegistered", ["hospital=HH", "name=家"]),
        ("CaseOpened", ["case=CH", "fund=home", "hospital=HH"]),
        ("DonationReceived", ["donation=DH", "fund=home", "amount=30.00", "on=2026-03-01"]),
        ("AllocationMade", ["allocation=AH", "case=CH", "amount=5.00", "on=2026-03-02"]),
    ):
        assert fenhao(*asked(fact, *sets)).exit_code == 0
    closed = ["case=CH", "on=2026-03-03", "reason=withdrawn", "by=li", "approved_by=wang|zhao", "basis=letter:7"]
    said = fenhao(*asked("CaseClosed", *closed)).stdout.splitlines()
    assert said[0].startswith("已登记为第 ")
    assert said[1] == "结案 CH，5.00 CNY，2026-03-03"
    assert said[2].startswith("  已匹配：CH → 在基金：home  5.00  t")
    assert said[3:] == ["  批准 wang, zhao；依据 letter:7；经办 li；原因 申请撤回"]


def test_members_need_not_be_announced_one_by_one(fenhao: Fenhao) -> None:
    done = answer(fenhao("record", "FundOpened", "--set", "fund=plain", "name=先心病 救助", "fee_bp=100", "--json"))
    again = answer(fenhao("record", "open-fund", "fund=plain", "name=先心病 救助", "fee_bp=100", "--json"))
    assert again == {**done, "replayed": True}


def test_a_dry_run_records_nothing(fenhao: Fenhao) -> None:
    before = size(fenhao)
    tried = fenhao(*asked("FundOpened", "fund=tried", "name=试"), "--dry-run")
    assert (tried.exit_code, size(fenhao)) == (0, before)
    refused = fenhao(*asked("CaseClosed", "case=nobody", "on=2026-01-01"), "--dry-run")
    assert refused.exit_code == 2
    assert "nobody" in refused.stderr


def test_a_fact_of_several_entries_is_answered_whole(fenhao: Fenhao, tmp_path_factory: pytest.TempPathFactory) -> None:
    for fact, sets in (
        ("FundOpened", ["fund=many", "name=多段"]),
        ("HospitalRegistered", ["hospital=HM", "name=多"]),
        ("CaseOpened", ["case=M0", "fund=many", "hospital=HM"]),
        ("CaseOpened", ["case=M1", "fund=many", "hospital=HM"]),
        ("DonationReceived", ["donation=DM", "fund=many", "amount=10.00", "on=2026-03-01"]),
    ):
        assert fenhao(*asked(fact, *sets)).exit_code == 0
    path = tmp_path_factory.mktemp("many") / "a.csv"
    rows = [f"AM{n},M{n % 2},0.01,2026-03-02" for n in range(1000)]
    path.write_text("\n".join(["allocation_id,case_id,amount,allocated_on", *rows]), "utf-8")
    assert fenhao("import", f"allocations={path}").exit_code == 0
    payment = ["payment=PM", "hospital=HM", "on=2026-03-03", "lines=case:M0,amount:5.00", "lines=case:M1,amount:5.00"]
    before = size(fenhao)
    tried = answer(fenhao(*asked("HospitalPaymentMade", *payment), "--dry-run", "--json"))
    done = answer(fenhao(*asked("HospitalPaymentMade", *payment), "--json"))
    assert size(fenhao) > before + 1
    assert tried["moves"] == done["moves"]
    assert (done["amount"], len(done["moves"])) == (1000, 1000)
    said = fenhao(*asked("HospitalPaymentMade", *payment))
    assert "等 500 段" in said.stdout, said.output


def test_one_json_object_gives_all_members_and_sets_may_join_it(
    fenhao: Fenhao, tmp_path_factory: pytest.TempPathFactory
) -> None:
    gift = {
        "donation": "DJ",
        "fund": "json",
        "amount": "12.00",
        "on": "2026-03-01",
        "cash": [{"account": "A", "amount": "5.00"}],
    }
    fenhao(*asked("FundOpened", "fund=json", "name=一"))
    path = tmp_path_factory.mktemp("json") / "gift.json"
    path.write_text(json.dumps(gift), "utf-8-sig")
    tried = answer(fenhao("record", "DonationReceived", "--set-json", str(path), "--dry-run", "--json"))
    assert tried["amount"] == 1200
    text = json.dumps(gift)
    done = answer(
        fenhao(*asked("DonationReceived", "cash=account:B,amount:7.00"), "--set-json", "-", "--json", stdin=text)
    )
    stored = answer(
        fenhao(
            "record", "DonationReceived", "--set-json", "-", "--set", "cash=account:B,amount:7.00", "--json", stdin=text
        )
    )
    assert stored == {**done, "replayed": True}
    assert done["amount_text"] == "12.00 CNY"


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["record"], None, "fenhao record --list"),
        (["record", "--set", "a=b"], None, "fenhao record --list"),
        (["record", "zzz"], None, "there are CodeDefined"),
        (["record", "TapeOpened"], None, "opens by itself"),
        (asked("FundOpened", "fund"), None, "write --set name=value"),
        (asked("FundOpened", "fund=", "name=x"), None, "leave the member out"),
        (asked("FundOpened", "fund=F", "fund=G", "name=x"), None, "fund is given twice"),
        (asked("FundOpened", "fund=F", "fund.x=G", "name=x"), None, "fund.x is given twice"),
        (asked("CaseOpened", "case=C", "attributes.a=1", "attributes.a=2"), None, "attributes.a is given twice"),
        (
            asked("FundOpened", "fnud=F"),
            None,
            "no member fnud; fund, name missing. Required: fund, name; optional: fee_bp",
        ),
        (asked("FundOpened", "fund=F", "name=x", "fee_bp=5%"), None, "fee_bp is not valid (5%)"),
        (asked("FundOpened", "fund=F", "name=x", "basis=none"), None, "basis is not valid (none)"),
        (asked("FundOpened", "fund=F", "name=x", "cash=here"), None, "cash is not valid (here)"),
        (asked("FundOpened", "fund=F", "name=x", "cash=[1"), None, "not readable JSON"),
        (asked("HoldLifted", "hold=W", "on=2026-01-01", "ranges=t1"), None, "like t3:100-200"),
        (asked("EntryReversed", "reverses=99999999999999999999", "on=2026-01-01"), None, "reverses"),
        (asked("EntryReversed", "reverses=first", "on=2026-01-01"), None, "a whole number"),
        (asked("EntryReversed", "reverses=999999", "on=2026-01-01"), None, "no entry 999999"),
        (asked("EntryReversed", "reverses=1", "on=2999-01-01"), None, "after today"),
        (["record", "FundOpened", "--set-json", "-"], '{"fund": "F", "fund": "G"}', "a name stands twice"),
        (["record", "FundOpened", "--set-json", "-"], "[1]", "not one JSON object"),
        (["record", "FundOpened", "--set-json", "-"], "{", "not readable JSON"),
        (["record", "FundOpened", "--set-json", "-"], "[" * 200_000, "not readable JSON"),
        (["record", "FundOpened", "--set-json", "-"], '{"fund": "\\ud800", "name": "x"}', "Unicode"),
        (["record", "FundOpened", "--set-json", "-"], '{"fund": "F", "name": "x", "fee_bp": 1e2}', "a whole number"),
        (["record", "FundOpened", "--set-json", "/no/such/file"], None, "cannot be read"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_one_error_in_two_languages_and_changes_nothing(
    fenhao: Fenhao, arguments: list[str], stdin: str | None, said: str
) -> None:
    result = fenhao(*arguments, stdin=stdin)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert result.stderr.count("error: ") == result.stderr.count("错误：") == 1
    assert "Traceback" not in result.output
    fault = json.loads(fenhao(*arguments, "--json", stdin=stdin).stdout)
    assert set(fault) == {"error", "zh", "en"}


def test_an_amount_in_neither_form_is_refused_with_both_readings(fenhao: Fenhao) -> None:
    grant = ["grant=G9", "case=C", "on=2026-01-01"]
    refused = fenhao(*asked("CashGranted", *grant, "amount=20000.5"))
    assert refused.exit_code == 2
    for reading in ("20000 = 200.00 CNY", '"20000.50" = 20,000.50 CNY'):
        assert refused.stderr.count(reading) == 2


def test_every_fact_is_listed_and_explained(fenhao: Fenhao) -> None:
    listed = fenhao("record", "--list").stdout
    facts = answer(fenhao("record", "--list", "--json"))["facts"]
    assert [one["fact"] for one in facts] == list(RECORDABLE)
    for one in facts:
        assert f"{one['fact']}  {one['zh']}" in listed
        for language, written in (("zh", "written_zh"), ("en", "written_en")):
            explained = fenhao("record", one["fact"], "--members", "--lang", language).stdout
            for member in one["members"]:
                line = next(line for line in explained.splitlines() if line[4:].split(" ")[0] == member["name"])
                assert line.startswith("  *") is member["required"]
                assert line.endswith(member[written])
        assert answer(fenhao("record", one["fact"], "--members", "--json")) == one


def test_refusals_name_amounts_in_the_ledgers_own_currency(
    embedded_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    schema = f"record_jpy_{os.getpid()}"
    environment = {
        "FENHAO_HOME": str(tmp_path_factory.mktemp("jpy")),
        "FENHAO_DATABASE_URL": embedded_url,
        "FENHAO_SCHEMA": schema,
    }

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, list(arguments), env=environment)

    try:
        run("init", "--origin", "example.org/jpy", "--currency", "JPY", "--no-codes")
        run(*asked("FundOpened", "fund=F", "name=基金"))
        given = run(*asked("DonationReceived", "donation=D", "fund=F", "amount=5000", "on=2026-01-01"), "--lang", "en")
        assert "Donation received D, 5,000 JPY" in given.stdout
        refund = ["refund=R", "donation=D", "on=2026-01-02", "amount=6000"]
        assert "6,000 of the gift of donation D" in run(*asked("DonationRefunded", *refund)).stderr
        assert (
            "a whole number: 6000 = 6,000 JPY" in run(*asked("DonationRefunded", *refund[:3], "amount=6000.00")).stderr
        )
    finally:
        with connecting(embedded_url) as connection:
            connection.execute(
                f"drop schema if exists {schema} cascade; drop owned by {schema}_service; drop role {schema}_service"
            )


def test_from_the_set_amount_on_a_movement_takes_two_different_persons(
    fenhao: Fenhao, tmp_path_factory: pytest.TempPathFactory
) -> None:
    limit = {"FENHAO_TWO_PERSONS_FROM": "50.00"}
    for fact, sets in (
        ("FundOpened", ["fund=two", "name=双人"]),
        ("HospitalRegistered", ["hospital=H2", "name=二"]),
        ("CaseOpened", ["case=T1", "fund=two", "hospital=H2"]),
        ("DonationReceived", ["donation=DTWO", "fund=two", "amount=500.00", "on=2026-03-01"]),
    ):
        assert fenhao(*asked(fact, *sets), **limit).exit_code == 0
    allocation = ["allocation=AT", "case=T1", "on=2026-03-02"]
    for persons in ([], ["by=li"], ["by=li", "approved_by=li"], ["approved_by=wang"]):
        refused = fenhao(*asked("AllocationMade", *allocation, "amount=50.00", *persons), **limit)
        assert refused.exit_code == 2
        assert "50.00 is 50.00 or more" in refused.stderr
    below = answer(fenhao(*asked("AllocationMade", *allocation, "amount=49.99"), "--json", **limit))
    assert below["amount"] == 4_999
    both = ["allocation=AT2", "case=T1", "on=2026-03-02", "amount=50.00", "by=li", "approved_by=wang"]
    assert answer(fenhao(*asked("AllocationMade", *both), "--json", **limit))["amount"] == 5_000
    header = "allocation_id,case_id,amount,allocated_on,by,approved_by\n"
    rows = ["AT3,T1,50.00,2026-03-03,li,", "AT4,T1,50.00,2026-03-03,li,wang|zhao", "AT5,T1,49.99,2026-03-03,,"]
    path = tmp_path_factory.mktemp("two") / "allocations.csv"
    path.write_text(header + "\n".join(rows), "utf-8")
    report = fenhao("import", f"allocations={path}", "--json", **limit)
    assert report.exit_code == 3
    counts = json.loads(report.stdout)["kinds"]["allocations"]
    assert (counts["recorded"], counts["rejected"], counts["amount"]) == (2, 1, 9_999)


def test_the_doctor_says_from_which_amount_and_a_bad_one_stops_everything(fenhao: Fenhao) -> None:
    assert "未设双人复核金额" in fenhao("doctor").stdout
    said = fenhao("doctor", "--lang", "en", FENHAO_TWO_PERSONS_FROM="50000")
    assert "movements of 50,000.00 CNY or more take two persons" in said.stdout
    for bad in ("50,000", "-1", "0", "0.001", "many"):
        refused = fenhao(*asked("FundOpened", "fund=never", "name=x"), FENHAO_TWO_PERSONS_FROM=bad)
        assert refused.exit_code == 2
        assert f"FENHAO_TWO_PERSONS_FROM is not valid ({bad})" in refused.stderr
    assert "FENHAO_TWO_PERSONS_FROM" in fenhao("doctor", FENHAO_TWO_PERSONS_FROM="many").stdout


def test_a_ledger_is_opened_under_a_limit_too(embedded_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("limit")
    schema = f"record_limit_{os.getpid()}"
    environment = {"FENHAO_HOME": str(home), "FENHAO_DATABASE_URL": embedded_url, "FENHAO_SCHEMA": schema}
    arguments = ["init", "--origin", "example.org/limit", "--no-codes"]
    try:
        opened = CliRunner().invoke(main, arguments, env=environment | {"FENHAO_TWO_PERSONS_FROM": "1.00"})
        assert opened.exit_code == 0, opened.output
    finally:
        with connecting(embedded_url) as connection:
            connection.execute(f"drop schema {schema} cascade; drop owned by {schema}_service")
            connection.execute(f"drop role {schema}_service")
