"""Codes from files, unknown terms put up for review, synonyms read: through the import, on a real database."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from conftest import Ledger, every_server
from hypothesis import given, settings
from hypothesis import strategies as st

from api.bootstrap import starter_dictionary
from api.intake import Report, parse_sources, run
from api.intake.wording import MAX_TERMS
from ledger.decisions import MakeAllocation, OpenCase, OpenFund, ReceiveDonation, RegisterHospital
from ledger.dictionary import Dictionary
from ledger.errors import Refusal
from ledger.vocabulary import Synonym, accept, dictionary_of, synonyms_of, waiting
from ledger.writing import Recorded

COMMON = Path(__file__).parents[1] / "examples" / "dictionary" / "common-synonyms.csv"
CASES = "case_id,fund_id,hospital_id,disease,province\n"
DONATIONS = "donation_id,fund_id,amount,received_on,restriction\n"
CODES = "dimension,code,name,parent,synonyms\n"


class Desk:
    """Where files are written and imported from, with a fund and a hospital to name in them."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger, self.folder = ledger, folder
        ledger.writer.submit_batch(
            [OpenFund(key="F", fund="F", name="心"), RegisterHospital(key="H", hospital="H", name="院")]
        )

    def take_in(
        self,
        *files: tuple[str, str | bytes],
        mapping: str | None = None,
        dry_run: bool = False,
        all_or_nothing: bool = False,
    ) -> Report:
        """Imports the contents; `mapping` is of the first kind. The rejects are in `rejects.csv`."""
        named = []
        for number, (kind, content) in enumerate(files):
            path = self.folder / f"{number}.csv"
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            named.append(f"{kind}={path}")
        toml = self.folder / "m.toml"
        toml.write_text(mapping or "", "utf-8")
        return run(
            self.ledger.journal,
            self.ledger.writer,
            parse_sources(named, [f"{files[0][0]}={toml}"] if mapping else []),
            dry_run=dry_run,
            all_or_nothing=all_or_nothing,
            rejects=self.folder / "rejects.csv",
        )

    def rejects(self) -> list[dict[str, str]]:
        with (self.folder / "rejects.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def waiting(self) -> dict[tuple[str, str], tuple[int, str]]:
        with self.ledger.database.service() as service:
            return {one[:2]: one[2:4] for one in waiting(service)}

    def synonyms(self) -> dict[str, dict[str, str]]:
        with self.ledger.database.service() as service:
            return synonyms_of(service)

    def accept(self, *synonyms: tuple[str, str, str]) -> None:
        with self.ledger.database.service() as service:
            accept(service, [Synonym(*synonym) for synonym in synonyms], by="S1")

    def dictionary(self) -> Dictionary:
        with self.ledger.database.service() as service:
            return dictionary_of(service.cursor())

    def attributes(self, case: str) -> dict[str, str]:
        (fact,) = self.ledger.journal.facts(f"case/{case}")
        return dict(fact.attributes)  # type: ignore[attr-defined]  # a CaseOpened

    def size(self) -> int:
        return self.ledger.journal.entries.head().size


@pytest.fixture
def desk(ledger_with_codes: Ledger, tmp_path: Path) -> Desk:
    """A desk on a ledger with the starter dictionary."""
    return Desk(ledger_with_codes, tmp_path)


@pytest.fixture
def bare(ledger: Ledger, tmp_path: Path) -> Desk:
    """A desk on a ledger with an empty dictionary."""
    return Desk(ledger, tmp_path)


def counts(report: Report, kind: str) -> tuple[int, int, int, int]:
    one = report.kinds[kind]
    return one.read, one.recorded, one.already, one.rejected


# Hierarchy in restrictions.

LINE = ["CHD", "SHUNT", "VSD", "VSD_PM"]


@every_server
def test_a_restriction_on_a_code_admits_cases_of_it_and_below_and_of_none_above(desk: Desk) -> None:
    on, writer = date(2026, 3, 1), desk.ledger.writer
    for own in LINE:
        writer.submit(OpenCase(key=f"C{own}", case=own, fund="F", hospital="H", attributes={"disease": own}))
    admitted: dict[str, list[str]] = {}
    for given_for in LINE:
        fund = f"F-{given_for}"
        writer.submit(OpenFund(key=fund, fund=fund, name="x"))
        restriction = (("disease", (given_for,)),)
        writer.submit(
            ReceiveDonation(key=given_for, donation=given_for, fund=fund, amount=100, on=on, restriction=restriction)
        )
        tries = [
            MakeAllocation(
                key=f"{given_for}{own}", allocation=f"{given_for}{own}", case=own, amount=1, fund=fund, on=on
            )
            for own in LINE
        ]
        outcomes = writer.submit_batch(tries)
        admitted[given_for] = [own for own, one in zip(LINE, outcomes, strict=True) if isinstance(one, Recorded)]
        refused = [one for one in outcomes if isinstance(one, Refusal)]
        assert all(one.fields["by_dimension"] == {"disease": 100} for one in refused)
    assert admitted == {code: LINE[at:] for at, code in enumerate(LINE)}


# Unknown terms.


def test_unknown_terms_wait_wherever_they_stand_all_of_a_row_at_once(desk: Desk) -> None:
    report = desk.take_in(
        ("hospitals", "hospital_id,name,province\nG,妇幼,河南\n"),
        ("cases", CASES + "C1,F,H,室缺,河南\nC2,F,H,室缺,410000\nC3,F,H,VSD,410000\n"),
        ("donations", DONATIONS + "D1,F,5,2026-01-02,disease=室缺|先心病;province=河南\n"),
    )
    assert counts(report, "cases") == (3, 1, 0, 2)
    assert report.waiting == 4
    assert desk.waiting() == {
        ("disease", "室缺"): (3, "donations"),
        ("disease", "先心病"): (1, "donations"),
        ("province", "河南"): (3, "donations"),
    }
    assert "fenhao codes review" in "\n".join(report.lines("zh"))
    assert "4 rows" in "\n".join(report.lines("en"))
    assert report.members()["waiting_for_review"] == 4
    by_case = {row["case_id"]: row["reason_zh"] for row in desk.rejects()}
    assert "VSD 室间隔缺损" in by_case["C1"]
    assert "河南" in by_case["C1"]


def test_terms_are_counted_again_with_every_import(desk: Desk) -> None:
    for _ in range(3):
        desk.take_in(("cases", CASES + "C1,F,H,室缺,\n"))
    assert desk.waiting() == {("disease", "室缺"): (3, "cases")}


@pytest.mark.parametrize("again", ["same", "rejects"])
def test_what_was_accepted_is_read_as_its_code_by_the_same_file_or_its_rejects(desk: Desk, again: str) -> None:
    files = [
        ("hospitals", "hospital_id,name,province\nG,妇幼,河南\n"),
        ("cases", CASES + "C1,F,H,室缺,河南\nC2,F,H,VSD,\n"),
        ("donations", DONATIONS + "D1,F,5,2026-01-02,disease=室缺|ASD;province=河南\n"),
    ]
    desk.take_in(*files)
    desk.accept(("disease", "室缺", "VSD"), ("province", "河南", "410000"))
    assert desk.waiting() == {}
    if again == "rejects":
        rejected = (desk.folder / "rejects.csv").read_text("utf-8-sig")
        files = [(kind, rejected) for kind, _ in files]
    report = desk.take_in(*files)
    assert (report.exit_code, report.waiting) == (0, 0)
    assert desk.attributes("C1") == {"disease": "VSD", "province": "410000", "hospital": "H"}
    (hospital,) = desk.ledger.journal.facts("hospital/G")
    assert hospital.province == "410000"  # type: ignore[attr-defined]  # a HospitalRegistered
    with desk.ledger.journal.entries.reading() as cursor:
        ((key,),) = cursor.execute("select key from tape").fetchall()
    assert '["disease",["ASD","VSD"]]' in key.replace(" ", "")
    assert '["province",["410000"]]' in key.replace(" ", "")


def test_the_mapping_file_wins_over_synonyms_which_are_read_after_it(desk: Desk) -> None:
    desk.accept(("disease", "室缺", "VSD"), ("disease", "间缺", "ASD"))
    mapping = '[dictionary.disease]\n"室缺" = "PDA"\n"缺" = "间缺"\n'
    desk.take_in(("cases", CASES + "C1,F,H,室缺,\nC2,F,H,缺,\nC3,F,H,间缺,\n"), mapping=mapping)
    assert [desk.attributes(case)["disease"] for case in ("C1", "C2", "C3")] == ["PDA", "ASD", "ASD"]


def test_a_synonym_counts_in_its_own_dimension_only(desk: Desk) -> None:
    desk.accept(("disease", "410000", "VSD"), ("province", "VSD", "410000"))
    desk.take_in(("cases", CASES + "C1,F,H,VSD,410000\n"))
    assert desk.attributes("C1") == {"disease": "VSD", "province": "410000", "hospital": "H"}


def test_a_dry_run_and_nothing_at_all_leave_no_trace(desk: Desk) -> None:
    size = desk.size()
    files = [
        ("codes", CODES + "disease,KD,川崎病,,川崎氏病\n"),
        ("cases", CASES + "C1,F,H,室缺,\nC2,F,H,川崎氏病,\n"),
    ]
    tried = desk.take_in(*files, dry_run=True)
    assert (counts(tried, "cases"), tried.waiting) == ((2, 1, 0, 1), 1)
    assert (desk.size(), desk.waiting(), desk.synonyms()) == (size, {}, {})
    assert "试运行" in list(tried.lines("zh"))[-1]
    held = desk.take_in(*files, all_or_nothing=True)
    assert held.waiting == 1
    assert (desk.size(), desk.synonyms()) == (size, {})
    assert desk.waiting() == {("disease", "室缺"): (1, "cases")}
    done = desk.take_in(*files)
    assert counts(done, "cases") == counts(tried, "cases")
    assert desk.synonyms() == {"disease": {"川崎氏病": "KD"}}
    assert desk.attributes("C2")["disease"] == "KD"


def test_nothing_personal_is_kept_and_the_rows_are_told(desk: Desk) -> None:
    rows = ["C1,F,H,VSD 13812345678,\n", "C2,F,H,室缺,zhang@example.org\n", f"C3,F,H,{'很' * 80},\n", "C4,F,H,房缺,\n"]
    report = desk.take_in(("cases", CASES + "".join(rows)))
    assert (report.rejected, report.waiting, report.withheld) == (4, 2, 2)
    assert set(desk.waiting()) == {("disease", "房缺"), ("disease", "很" * 60 + "…")}
    assert "2 rows have terms that are not kept" in "\n".join(report.lines("en"))


def test_a_column_of_remarks_is_not_kept_and_another_of_the_same_file_is(desk: Desk) -> None:
    rows = "".join(f"C{n},F,H,备注{n},\n" for n in range(MAX_TERMS + 50))
    report = desk.take_in(("cases", CASES + rows + "E1,F,H,VSD,豫\n"))
    assert (report.waiting, report.withheld) == (1, MAX_TERMS + 50)
    assert desk.waiting() == {("province", "豫"): (1, "cases")}


def test_an_unknown_dimension_or_parent_is_no_term_to_review(desk: Desk) -> None:
    report = desk.take_in(
        ("codes", CODES + "disease,KD,川崎病,NOPE,\n"), ("donations", DONATIONS + "D1,F,5,2026-01-02,diseas=VSD\n")
    )
    assert (report.rejected, report.waiting, desk.waiting()) == (2, 0, {})
    reasons = " ".join(row["reason_zh"] for row in desk.rejects())
    assert "NOPE（KD 的上级）" in reasons
    assert "没有维度 diseas" in reasons


@pytest.mark.parametrize("kind", ["codes", "cases", "disbursements"])
def test_a_rejects_file_is_like_its_own_rejects(desk: Desk, kind: str) -> None:
    texts = {
        "codes": CODES + "d,CHILD,x,NOPE,\nd,A,a,A,\n",
        "cases": CASES + "C1,F,H,室缺,河南\nC2,F\n",
        "disbursements": "disbursement_id,case_id,amount,disbursed_on,kind\nS,C,1,2026-01-01,gift\n",
    }
    desk.take_in((kind, texts[kind]))
    first = desk.rejects()
    for _ in range(2):
        desk.take_in((kind, (desk.folder / "rejects.csv").read_bytes()))
        again = desk.rejects()
        assert [list(row) for row in again] == [list(row) for row in first]
        own = slice(3, None)
        assert [list(row.values())[own] for row in again] == [list(row.values())[own] for row in first]


# Codes from files.

OWN = [
    "surgery,OPEN_VSD,开胸室缺修补,OPEN,",
    "surgery,ANY,手术,,",
    "surgery,OPEN,开胸,ANY,开胸手术|开刀",
    "surgery,CATH,介入,ANY,封堵",
]


@every_server
@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_parents_may_come_after_children_in_either_encoding(bare: Desk, encoding: str) -> None:
    report = bare.take_in(("codes", (CODES + "\n".join(OWN)).encode(encoding)))
    assert (counts(report, "codes"), report.synonyms) == ((4, 4, 0, 0), 3)
    tree = [(depth, str(code)) for depth, code in bare.dictionary().tree("surgery")]
    assert tree == [(0, "ANY 手术"), (1, "OPEN 开胸"), (2, "OPEN_VSD 开胸室缺修补"), (1, "CATH 介入")]
    assert bare.synonyms() == {"surgery": {"开胸手术": "OPEN", "开刀": "OPEN", "封堵": "CATH"}}
    size = bare.size()
    again = bare.take_in(("codes", CODES + "\n".join(reversed(OWN))))
    assert (counts(again, "codes"), again.synonyms, bare.size()) == ((4, 0, 4, 0), 0, size)


def test_a_parent_may_stand_in_another_file_or_in_the_ledger(desk: Desk) -> None:
    report = desk.take_in(
        ("codes", CODES + "disease,KD1,甲,KD,\ndisease,VSD_X,乙,VSD,\n"), ("codes", CODES + "disease,KD,川崎病,,\n")
    )
    assert counts(report, "codes") == (3, 3, 0, 0)
    assert desk.dictionary().lineage("disease", "VSD_X") == {"VSD_X", "VSD", "SHUNT", "CHD"}


def test_cycles_and_missing_parents_are_named_and_the_rest_is_recorded(bare: Desk) -> None:
    rows = [
        "d,A,a,C,",
        "d,B,b,A,",
        "d,C,c,B,",
        "d,BELOW,x,A,",
        "d,SELF,s,SELF,",
        "d,LOST,l,GONE,",
        "d,GOOD,g,,",
        "e,A,a,,",
    ]
    report = bare.take_in(("codes", CODES + "\n".join(rows)))
    assert counts(report, "codes") == (8, 2, 0, 6)
    reasons = {row["code"]: (row["import_code"], row["reason_zh"]) for row in bare.rejects()}
    assert {code for code, _ in reasons.values()} == {"codes_in_cycle", "unknown_code"}
    assert reasons["A"][1] == reasons["B"][1] == reasons["C"][1]
    assert "A → C → B → A" in reasons["A"][1]
    assert "SELF → SELF" in reasons["SELF"][1]
    assert "没有代码 A（BELOW 的上级）" in reasons["BELOW"][1]
    assert "没有代码 GONE（LOST 的上级）" in reasons["LOST"][1]


def test_rejected_codes_import_from_their_rejects_file_once_mended(bare: Desk) -> None:
    bare.take_in(("codes", CODES + "d,CHILD,x,PARENT,\n"))
    rejected = (bare.folder / "rejects.csv").read_bytes()
    report = bare.take_in(("codes", CODES + "d,PARENT,p,,\n"), ("codes", rejected))
    assert counts(report, "codes") == (2, 2, 0, 0)


def test_a_code_with_other_content_is_rejected_and_both_are_shown(desk: Desk) -> None:
    rows = ["disease,VSD,室间隔缺损,SHUNT,室缺", "disease,ASD,房缺,SHUNT,", "disease,TOF,法洛四联症,CHD,"]
    size = desk.size()
    report = desk.take_in(("codes", CODES + "\n".join(rows)))
    assert (counts(report, "codes"), desk.size()) == ((3, 0, 1, 2), size)
    first, second = (row["reason_zh"] for row in desk.rejects())
    assert "“ASD 房间隔缺损 < SHUNT”" in first
    assert "“ASD 房缺 < SHUNT”" in first
    assert "“TOF 法洛四联症 < CYANOTIC”" in second
    assert "“TOF 法洛四联症 < CHD”" in second
    assert desk.synonyms() == {"disease": {"室缺": "VSD"}}


def test_a_synonym_means_one_code_only(desk: Desk) -> None:
    desk.accept(("disease", "室缺", "VSD"))
    rows = [
        "disease,K1,甲,,川病|K1",
        "disease,K2,乙,,川病",
        "disease,K3,丙,,室缺",
        "disease,K4,丁,,ASD",
        "disease,K5,戊,,K2",
    ]
    rows += ["disease,K6,己,,13812345678", "disease,VSD,室间隔缺损,SHUNT,室缺"]
    report = desk.take_in(("codes", CODES + "\n".join(rows)))
    assert counts(report, "codes") == (7, 1, 1, 5)
    assert [row["import_code"] for row in desk.rejects()] == ["synonym_taken"] * 4 + ["bad_value"]
    assert desk.synonyms() == {"disease": {"室缺": "VSD", "川病": "K1"}}


def test_the_common_synonyms_fit_the_starter_set(desk: Desk) -> None:
    report = desk.take_in(("codes", COMMON.read_bytes()))
    number = len(starter_dictionary())
    assert counts(report, "codes") == (number, 0, number, 0)
    assert report.synonyms > number
    desk.take_in(("cases", CASES + "C1,F,H,室缺,河南\nC2,F,H,Q21.3,内蒙古\n"))
    assert desk.attributes("C2") == {"disease": "TOF", "province": "150000", "hospital": "H"}


def test_codes_and_the_words_for_them_serve_the_cases_of_the_same_import(bare: Desk) -> None:
    cases = "case_id,fund_id,hospital_id,surgery\nC1,F,H,开刀\nC2,F,H,CATH\nC3,F,H,没有\n"
    report = bare.take_in(("cases", cases), ("codes", CODES + "\n".join(OWN)))
    assert counts(report, "cases") == (3, 2, 0, 1)
    assert bare.attributes("C1")["surgery"] == "OPEN"
    assert bare.waiting() == {("surgery", "没有"): (1, "cases")}


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 9)), min_size=1, max_size=12))
def test_whatever_the_order_what_can_be_defined_is_and_cycles_are_not(bare: Desk, pairs: list[tuple[int, int]]) -> None:
    """Codes with parents at random (9 is none): one is recorded just when its line of parents ends at none."""
    lines = {f"c{code}": None if parent == 9 else f"c{parent}" for code, parent in reversed(pairs)}
    rows = "".join(f"d,{code},n,{parent or ''},\n" for code, parent in lines.items())
    report = bare.take_in(("codes", CODES + rows), dry_run=True)

    def rooted(code: str | None, steps: int = 0) -> bool:
        return code is None or (steps < 20 and code in lines and rooted(lines[code], steps + 1))

    assert report.kinds["codes"].recorded == sum(rooted(code) for code in lines)
    assert all(reject.refusal.code in ("codes_in_cycle", "unknown_code") for reject in report.rejects)
