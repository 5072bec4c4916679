"""`fenhao codes`: from unknown terms to a file that imports whole, as a member of programme staff types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from conftest import Fenhao

from api.bootstrap import starter_dictionary

BASE = {
    "funds": "fund_id,name\nF,先心病\n",
    "hospitals": "hospital_id,name\nH,医院\n",
    "cases": "case_id,fund_id,hospital_id,disease,province\nC1,F,H,室缺,河南\n"
    "C2,F,H,川崎氏病,410000\nC3,F,H,待查,410000\n",
}


class Desk:
    """The command line with files to import."""

    def __init__(self, fenhao: Fenhao, folder: Path) -> None:
        self.fenhao, self.folder = fenhao, folder

    def take_in(self, *more: str) -> Result:
        return self.fenhao("import", *(f"{kind}={self.folder / kind}.csv" for kind in BASE), *more)

    def file(self, text: str, encoding: str = "utf-8") -> str:
        path = self.folder / "codes.csv"
        path.write_text(text, encoding)
        return str(path)

    def review(self, *more: str) -> Any:
        result = self.fenhao("codes", "review", *more, "--json")
        assert result.exit_code == 0, result.output
        return answer(result)

    def terms(self) -> list[tuple[str, str, int]]:
        return [(one["dimension"], one["term"], one["seen"]) for one in self.review()["waiting"]]


@pytest.fixture
def desk(fenhao: Fenhao, tmp_path: Path) -> Desk:
    """An open ledger and the files of BASE."""
    assert fenhao("init", "--origin", "example.org/t").exit_code == 0
    for kind, text in BASE.items():
        (tmp_path / f"{kind}.csv").write_text(text, "utf-8")
    return Desk(fenhao, tmp_path)


def answer(result: Result) -> Any:
    return json.loads(result.stdout.strip().splitlines()[-1])


def test_a_review_from_the_import_that_was_refused_to_the_one_that_is_whole(desk: Desk) -> None:
    refused = desk.take_in("--lang", "zh")
    assert refused.exit_code == 3
    assert "3 行含字典中没有的词条，已列入待审：运行 fenhao codes review" in refused.stdout
    assert desk.terms() == [
        ("disease", "室缺", 1),
        ("disease", "川崎氏病", 1),
        ("disease", "待查", 1),
        ("province", "河南", 1),
    ]
    listed = desk.review("--dimension", "province")["waiting"]
    assert [one["nearest"][0] for one in listed] == [{"code": "410000", "name": "河南省"}]
    accepted = desk.review("--accept", "室缺=VSD", "--dimension", "disease", "--by", "S7")
    assert accepted["accepted"] == [{"dimension": "disease", "term": "室缺", "code": "VSD", "before": None}]
    desk.review("--accept", "河南=410000", "--by", "S7")
    defined = desk.review(
        *("--define", "KD", "--name", "川崎病", "--parent", "OTHER_CHD", "--accept", "川崎氏病=KD", "--by", "S7")
    )
    assert defined["defined"] == [{"dimension": "disease", "code": "KD", "name": "川崎病", "parent": "OTHER_CHD"}]
    assert desk.review("--dismiss", "待查")["dismissed"] == [{"dimension": "disease", "term": "待查"}]
    assert desk.terms() == []
    again = answer(desk.take_in("--json"))["kinds"]["cases"]
    assert (again["recorded"], again["rejected"]) == (2, 1)
    assert desk.terms() == [("disease", "待查", 1)]
    assert desk.fenhao("verify").exit_code == 0


@pytest.mark.parametrize(("waits_as", "synonyms"), [("川崎病", ["川崎病"]), ("KD", [])])
def test_a_new_code_takes_the_term_that_is_its_name_or_itself(desk: Desk, waits_as: str, synonyms: list[str]) -> None:
    (desk.folder / "cases.csv").write_text(f"case_id,fund_id,hospital_id,disease\nC1,F,H,{waits_as}\n", "utf-8")
    desk.take_in()
    desk.review("--define", "KD", "--name", "川崎病", "--by", "S7")
    listed = answer(desk.fenhao("codes", "list", "disease", "--json"))["codes"]
    assert listed[-1] == {
        "dimension": "disease",
        "depth": 0,
        "code": "KD",
        "parent": None,
        "name": "川崎病",
        "synonyms": synonyms,
    }
    assert desk.terms() == []
    assert answer(desk.take_in("--json"))["kinds"]["cases"]["recorded"] == 1


def test_an_accepted_term_can_be_changed_and_taken_back(desk: Desk) -> None:
    desk.review("--accept", "室缺=ASD", "--dimension", "disease", "--by", "S7")
    changed = desk.review("--accept", "室缺=VSD", "--dimension", "disease", "--by", "S8")
    assert changed["accepted"][0]["before"] == "ASD"
    (vsd,) = (one for one in answer(desk.fenhao("codes", "list", "--json"))["codes"] if one["code"] == "VSD")
    assert vsd["synonyms"] == ["室缺"]
    desk.review("--dismiss", "室缺", "--dimension", "disease")
    desk.take_in()
    assert ("disease", "室缺", 1) in desk.terms()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_people_read_the_list_and_the_tree(desk: Desk, language: str) -> None:
    desk.take_in()
    listed = desk.fenhao("codes", "review", "--lang", language).stdout
    assert "VSD 室间隔缺损" in listed
    assert "--accept" in listed
    done = desk.fenhao("codes", "review", "--accept", "室缺=VSD", "--by", "S7", "--lang", language)
    assert done.exit_code == 0
    tree = desk.fenhao("codes", "list", "disease", "--lang", language).stdout.splitlines()
    at = next(number for number, line in enumerate(tree) if line.strip().startswith("VSD "))
    assert "室缺" in tree[at]
    assert tree[at - 1].startswith("    SHUNT")
    assert tree[at].startswith("      VSD 室间隔缺损")
    assert tree[at + 1] == "        VSD_PM 膜周部室间隔缺损"


WRONG = [
    ("by_missing", ["review", "--accept", "室缺=VSD", "--dimension", "disease"]),
    ("term_not_waiting", ["review", "--accept", "没有这条=VSD", "--by", "S7"]),
    ("unknown_code", ["review", "--accept", "室缺=NOPE", "--by", "S7"]),
    ("unknown_code", ["review", "--accept", "室缺=410000", "--by", "S7"]),
    ("bad_value", ["review", "--accept", "室缺", "--by", "S7"]),
    ("bad_value", ["review", "--accept", "VSD=ASD", "--dimension", "disease", "--by", "S7"]),
    ("bad_value", ["review", "--accept", "13812345678=ASD", "--dimension", "disease", "--by", "S7"]),
    ("bad_value", ["review", "--accept", "室缺=H", "--dimension", "hospital", "--by", "S7"]),
    ("bad_value", ["review", "--accept", "室缺=VSD", "--by", "13812345678"]),
    ("bad_value", ["review", "--accept", "室缺=VSD", "--define", "VSD", "--name", "别的", "--by", "S7"]),
    (
        "unknown_code",
        ["review", "--accept", "室缺=KD", "--define", "KD", "--name", "新", "--parent", "NOPE", "--by", "S7"],
    ),
    ("term_not_waiting", ["review", "--accept", "室缺=VSD", "--dismiss", "没有这条", "--by", "S7"]),
    ("term_not_waiting", ["review", "--dismiss", "没有这条", "--dimension", "disease"]),
    ("unusable_argument", ["review", "--define", "KD"]),
    ("unusable_argument", ["review", "--name", "川崎病"]),
    ("unknown_reference", ["list", "nowhere"]),
    ("unusable_argument", ["import"]),
    ("unusable_file", ["import", "missing.csv"]),
    ("unusable_argument", ["import", "missing.csv", "--starter"]),
]


def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(desk: Desk) -> None:
    desk.take_in()
    before = (desk.terms(), desk.fenhao("codes", "list", "--json").stdout)
    for code, arguments in WRONG:
        result = desk.fenhao("codes", *arguments, "--json")
        assert result.exit_code == 2, (arguments, result.output)
        assert (result.stderr.count("error: "), result.stderr.count("错误：")) == (1, 1), arguments
        assert answer(result)["error"] == code, arguments
        assert "13812345678" not in result.output
    assert (desk.terms(), desk.fenhao("codes", "list", "--json").stdout) == before


def test_codes_come_from_a_file_once(desk: Desk) -> None:
    file = desk.file("代码,名称,上级\nOPEN,开胸,ANY\nANY,手术,\n", "gb18030")
    mapping = desk.folder / "m.toml"
    mapping.write_text(
        '[columns]\ncode = "代码"\nname = "名称"\nparent = "上级"\n[constants]\ndimension = "surgery"\n', "utf-8"
    )
    arguments = ["codes", "import", file, "--mapping", str(mapping), "--json"]
    tried = desk.fenhao(*arguments, "--dry-run")
    assert desk.fenhao("codes", "list", "surgery").exit_code == 2
    done = desk.fenhao(*arguments)
    assert answer(tried)["kinds"] == answer(done)["kinds"]
    assert answer(done)["kinds"]["codes"]["recorded"] == 2
    assert answer(desk.fenhao(*arguments))["kinds"]["codes"]["already"] == 2
    assert answer(desk.fenhao("import", f"codes={file}", "--mapping", f"codes={mapping}", "--json"))["kinds"][
        "codes"
    ] == {
        **dict.fromkeys(["read", "already"], 2),
        **dict.fromkeys(["recorded", "rejected", "amount"], 0),
    }
    assert desk.fenhao("codes", "list", "surgery").stdout.splitlines()[1:] == ["  ANY 手术", "    OPEN 开胸"]
    assert desk.fenhao("verify").exit_code == 0


def test_the_starter_set_can_be_taken_in_later(fenhao: Fenhao) -> None:
    fenhao("init", "--origin", "example.org/t", "--no-codes")
    taken = answer(fenhao("codes", "import", "--starter", "--json"))["kinds"]["codes"]
    assert taken["recorded"] == len(starter_dictionary())
    assert answer(fenhao("codes", "import", "--starter", "--json"))["kinds"]["codes"]["already"] == taken["read"]


def test_rejected_codes_make_the_exit_code_three(desk: Desk) -> None:
    rejects = desk.folder / "out.csv"
    result = desk.fenhao(
        "codes", "import", desk.file("dimension,code,name,parent\nd,A,a,B\nd,B,b,A\n"), "--rejects", str(rejects)
    )
    assert result.exit_code == 3
    assert "A → B → A" in rejects.read_text("utf-8-sig")
