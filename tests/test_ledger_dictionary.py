"""The dictionary: what a starter code is nearest to, what Chinese abbreviations find, and how codes stand in a tree."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bootstrap import starter_dictionary
from ledger.dictionary import NEAREST, Dictionary
from ledger.errors import UnknownCode

ROWS = list(csv.DictReader((files("ledger") / "starter_codes.csv").read_text("utf-8").splitlines()))
DIMENSIONS = sorted({row["dimension"] for row in ROWS})


def dictionary_of(codes: Iterable[tuple[str, str, str | None, str]]) -> Dictionary:
    made = Dictionary()
    for code in codes:
        made.define(*code)
    return made


STARTER = dictionary_of((one.dimension, one.code, one.parent, one.name) for one in starter_dictionary())


def offered(term: str, dimension: str = "disease") -> list[str]:
    return [code.code for code in STARTER.nearest(dimension, term)]


def test_the_starter_set_has_what_a_programme_needs() -> None:
    parents = {(row["dimension"], row["parent"]) for row in ROWS}
    leaves = [row for row in ROWS if row["dimension"] == "disease" and ("disease", row["code"]) not in parents]
    assert len(leaves) >= 84
    provinces = [row["code"] for row in ROWS if row["dimension"] == "province"]
    assert len(provinces) == 34
    assert all(len(code) == 6 and code.endswith("0000") for code in provinces)
    assert max(depth for depth, _ in STARTER.tree("disease")) == 4


FIRST = {
    "province": "110000 120000 130000 140000 150000 210000 220000 230000 310000 320000 330000 340000 350000 360000 "
    "370000 410000 420000 430000 440000 450000 460000 500000 510000 520000 530000 540000 610000 620000 630000 640000 "
    "650000 710000 810000 820000",
    "disease": "CHD SHUNT<CHD CYANOTIC<CHD OBSTRUCTIVE<CHD VSD<SHUNT ASD<SHUNT PFO<SHUNT PDA<SHUNT AVSD<SHUNT "
    "APW<SHUNT PAPVC<SHUNT TOF<CYANOTIC TGA<CYANOTIC DORV<CYANOTIC TAPVC<CYANOTIC TA<CYANOTIC PA<CYANOTIC "
    "TRUNCUS<CYANOTIC SV<CYANOTIC HLHS<CYANOTIC EBSTEIN<CYANOTIC COA<OBSTRUCTIVE IAA<OBSTRUCTIVE PS<OBSTRUCTIVE "
    "AS<OBSTRUCTIVE SVAS<OBSTRUCTIVE MS<OBSTRUCTIVE CAA<CHD OTHER_CHD<CHD",
    "age_band": "0-1 1-3 4-6 7-12 13-17",
}
"""What ledgers of version 0.1.0 began with, `code<parent`: entries say so for good."""


def test_codes_that_ledgers_began_with_stay_as_they_were() -> None:
    now = {f"{row['dimension']}/{row['code']}": row["parent"] for row in ROWS}
    for dimension, listed in FIRST.items():
        for code, _, parent in (each.partition("<") for each in listed.split()):
            assert now[f"{dimension}/{code}"] == parent


def test_names_and_codes_are_unique_and_every_parent_comes_before() -> None:
    seen: set[tuple[str, str]] = set()
    for row in ROWS:
        assert not row["parent"] or (row["dimension"], row["parent"]) in seen, row
        seen.add((row["dimension"], row["code"]))
    assert len(seen) == len(ROWS) == len({(row["dimension"], row["name"]) for row in ROWS})


@given(st.sampled_from(ROWS))
def test_a_starter_code_and_its_name_are_nearest_to_themselves(row: dict[str, str]) -> None:
    assert offered(row["code"], row["dimension"])[0] == row["code"]
    assert offered(row["name"], row["dimension"])[0] == row["code"]
    assert STARTER.knows(row["dimension"], row["code"])
    assert not row["parent"] or row["parent"] in STARTER.lineage(row["dimension"], row["code"])


@given(
    st.sampled_from(DIMENSIONS),
    st.text(max_size=12) | st.sampled_from([row[name] for row in ROWS for name in ("code", "name")]),
)
def test_codes_of_another_dimension_are_never_offered(dimension: str, term: str) -> None:
    near = offered(term, dimension)
    assert len(near) == len(set(near)) <= NEAREST
    assert all(STARTER.knows(dimension, code) for code in near)


@pytest.mark.parametrize(
    ("dimension", "term", "code"),
    [
        ("disease", "室缺", "VSD"),
        ("disease", "房缺", "ASD"),
        ("disease", "房间隔缺", "ASD"),
        ("disease", "法四", "TOF"),
        ("disease", "法乐四联症", "TOF"),
        ("disease", "先心病", "CHD"),
        ("disease", "大血管转位", "TGA"),
        ("disease", "右室双出口", "DORV"),
        ("disease", "膜部室缺", "VSD_PM"),
        ("disease", "完全性肺静脉异位引流", "TAPVC"),
        ("disease", "Ebstein畸形", "EBSTEIN"),
        ("disease", "vsd", "VSD"),
        ("disease", "ＶＳＤ", "VSD"),
        ("disease", "VDS", "VSD"),
        ("disease", "TGA/IVS", "TGA_IVS"),
        ("province", "河南", "410000"),
        ("province", "河南省郑州市", "410000"),
        ("province", "内蒙", "150000"),
        ("province", "410100", "410000"),
        ("age_band", "4-6岁", "4-6"),
        ("age_band", "新生儿", "0-28d"),
    ],
)
def test_what_people_write_finds_its_code_first(dimension: str, term: str, code: str) -> None:
    assert offered(term, dimension)[0] == code


def test_a_name_that_stands_whole_in_a_long_term_is_offered() -> None:
    assert {"CHD", "VSD"} <= set(offered("先天性心脏病 室间隔缺损（术后随访，心功能II级）"))


def test_a_term_like_nothing_gets_no_offer() -> None:
    assert offered("川崎病") == []
    assert offered("") == []


def test_a_synonym_is_found_too() -> None:
    own = dictionary_of([("disease", "AVSD", None, "房室间隔缺损"), ("disease", "VSD", None, "室间隔缺损")])
    assert own.nearest("disease", "心内膜垫")[:1] != [own.find("disease", "AVSD")]
    own.also("disease", "心内膜垫缺损", "AVSD")
    assert own.nearest("disease", "心内膜垫")[0] == own.find("disease", "AVSD")


def test_a_code_defined_after_a_look_is_found_by_the_next() -> None:
    own = dictionary_of([("disease", "VSD", None, "室间隔缺损")])
    assert own.nearest("disease", "川崎氏病") == []
    own.define("disease", "KD", None, "川崎病")
    assert [str(code) for code in own.nearest("disease", "川崎氏病")] == ["KD 川崎病"]


def test_all_unknown_terms_are_named_at_once_and_ids_pass() -> None:
    with pytest.raises(UnknownCode) as caught:
        STARTER.require_all(
            [("hospital", "H"), ("disease", "室缺"), ("age_band", "4-6"), ("province", "河南"), ("person", "P")]
        )
    assert caught.value.fields["unknown"] == (("disease", "室缺"), ("province", "河南"))
    assert caught.value.fields["nearest"][0] == "VSD 室间隔缺损"
    assert "VSD 室间隔缺损" in caught.value.say("zh")
    assert "province 河南" in caught.value.say("zh")
    assert "province 河南" in caught.value.say("en")


def test_an_unknown_dimension_is_said_to_be_one() -> None:
    with pytest.raises(UnknownCode) as caught:
        STARTER.require("diseas", "VSD")
    assert caught.value.fields["nearest"][0] == "disease"
    assert caught.value.fields["unknown"] == ()
    assert "没有维度 diseas" in caught.value.say("zh")


CODES = st.lists(st.integers(0, 30), max_size=20)


@given(CODES)
def test_a_tree_holds_every_code_once_below_its_parent(choices: list[int]) -> None:
    made = Dictionary()
    parents: dict[str, str | None] = {}
    for at, choice in enumerate(choices):
        parents[str(at)] = str(choice) if choice < at else None
        made.define("d", str(at), parents[str(at)], "x")
    line: list[str] = []
    walked = []
    for depth, code in made.tree("d"):
        del line[depth:]
        assert (line[-1] if line else None) == parents[code.code]
        line.append(code.code)
        walked.append(code.code)
        assert made.lineage("d", code.code) == frozenset(line)
    assert sorted(walked) == sorted(parents)
