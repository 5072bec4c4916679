"""The vocabulary beside the dictionary: what is never kept, what the service may do to it, what counts as read."""

from __future__ import annotations

import pytest
from conftest import Ledger, every_server
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors
from test_ledger_guarded_by_database import allowed

from ledger.decisions import DefineCode
from ledger.errors import BadValue
from ledger.vocabulary import (
    MAX_TERM_CHARS,
    Synonym,
    accept,
    check_term,
    cut,
    dictionary_of,
    dismiss,
    looks_personal,
    put_up,
    synonyms_of,
    waiting,
)

PERSONAL = [
    "13812345678",
    "室缺 138-1234-5678",
    "VSD（１３８ １２３４ ５６７８）",
    "0371-6512345",
    "(010) 6512 3456",
    "110101201501011234",
    "11010120150101123X",
    "6222 0200 1234 5678",
    "zhang@example.org",
    "2019-03-04",
    "2019年3月4日",
    "2019/3/4出生",
]
TERMS = [
    "室缺",
    "Q21.0",
    "410000",
    "410100",
    "1-3岁",
    "0-28天",
    "室间隔缺损（8mm）",
    "VSD+ASD",
    "2019年前手术",
    "II型",
    "张",
]


@pytest.mark.parametrize("text", PERSONAL)
def test_what_looks_personal_is_no_term(text: str) -> None:
    assert looks_personal(text)
    with pytest.raises(BadValue) as caught:
        check_term(text)
    assert text not in caught.value.say("zh")


@pytest.mark.parametrize("text", TERMS)
def test_words_for_diseases_places_and_ages_are_terms(text: str) -> None:
    assert check_term(text) == text


@given(st.text(alphabet="室缺 -(", max_size=8), st.from_regex(r"[0-9]{7,18}", fullmatch=True), st.text(max_size=8))
def test_seven_digits_look_personal_wherever_they_stand(before: str, digits: str, after: str) -> None:
    assert looks_personal(before + digits + after)


@given(st.text(min_size=1, max_size=200))
def test_a_long_term_is_cut_and_then_no_synonym(term: str) -> None:
    kept = cut(term)
    assert len(kept) <= MAX_TERM_CHARS + 1
    assert kept == term or (kept[:-1] == term[:MAX_TERM_CHARS] and len(kept) > MAX_TERM_CHARS)


@pytest.fixture
def worded(ledger: Ledger) -> Ledger:
    """Three codes, one synonym, two terms that wait."""
    ledger.writer.submit_batch(
        [
            DefineCode(key="1", dimension="disease", code="VSD", name="室间隔缺损"),
            DefineCode(key="2", dimension="disease", code="ASD", name="房间隔缺损"),
            DefineCode(key="3", dimension="province", code="410000", name="河南省"),
        ]
    )
    with ledger.database.service() as service:
        accept(service, [Synonym("disease", "室缺", "VSD")], by="S1")
        put_up(service, [("disease", "房缺", 3, "cases"), ("province", "豫", 1, "hospitals")])
    return ledger


@every_server
def test_terms_are_counted_accepted_changed_and_dismissed(worded: Ledger) -> None:
    with worded.database.service() as service:
        put_up(service, [("disease", "房缺", 2, "donations"), ("disease", "法四", 7, "cases")])
        assert [one[:4] for one in waiting(service, "disease")] == [
            ("disease", "法四", 7, "cases"),
            ("disease", "房缺", 5, "donations"),
        ]
        accept(service, [Synonym("disease", "房缺", "VSD"), Synonym("disease", "房缺", "ASD")])
        assert synonyms_of(service) == {"disease": {"室缺": "VSD", "房缺": "ASD"}}
        accept(service, [Synonym("disease", "室缺", "ASD")], by="S2")
        assert service.execute("select code, accepted_by from synonym where term = '室缺'").fetchall() == [
            ("ASD", "S2")
        ]
        dismiss(service, "disease", "法四")
        dismiss(service, "disease", "房缺")
        assert [one.term for one in waiting(service)] == ["豫"]
        assert synonyms_of(service) == {"disease": {"室缺": "ASD"}}


def test_what_becomes_a_code_neither_waits_nor_is_read_as_another(worded: Ledger) -> None:
    for code in ("室缺", "房缺"):
        worded.writer.submit(DefineCode(key=code, dimension="disease", code=code, name=code))
    with worded.database.service() as service:
        assert synonyms_of(service) == {}
        assert [one.term for one in waiting(service)] == ["豫"]
        assert dictionary_of(service.cursor()).knows("disease", "室缺")


FORBIDDEN = [
    "update synonym set term = 'x'",
    "update synonym set dimension = 'x'",
    "truncate synonym",
    "truncate unknown_term",
    "update unknown_term set term = 'x'",
    "update unknown_term set first_at = now()",
    "update code set parent = 'x'",
    "alter table synonym add column note text",
    "drop table unknown_term",
    "create trigger mine before insert on synonym for each row execute function refuse_change()",
]
BREACHES = [
    "insert into synonym (dimension, term, code) values ('disease', 'x', 'NOPE')",
    "insert into synonym (dimension, term, code) values ('province', 'x', 'VSD')",
    "insert into synonym (dimension, term, code) values ('disease', '', 'VSD')",
    "insert into synonym (dimension, term, code) values ('disease', repeat('x', 61), 'VSD')",
    "insert into unknown_term (dimension, term, seen, kind) values ('disease', repeat('x', 62), 1, 'cases')",
    "insert into unknown_term (dimension, term, seen, kind) values ('disease', 'x', 0, 'cases')",
]


@every_server
def test_the_service_may_do_to_the_vocabulary_what_it_needs_and_no_more(worded: Ledger) -> None:
    with worded.database.service() as service:
        assert allowed(service, FORBIDDEN) == []
        assert allowed(service, BREACHES, (errors.IntegrityError,)) == []
        assert [one.term for one in waiting(service)] == ["房缺", "豫"]
