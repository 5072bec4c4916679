"""Laws of masking: no more is told of a person than is meant, and each reading of a name is noted."""

from __future__ import annotations

from datetime import date

import pytest
from vaults import ON, READER, Vaulted

from api.bootstrap import starter_dictionary
from ledger.decisions import ReceiveDonation
from ledger.dictionary import Dictionary
from ledger.erasure import erase
from ledger.events import Basis
from projections.flows import Scope, flows
from projections.runner import Runner
from reports.masking import masked_child, masked_name, month_of, with_masked_donors


@pytest.fixture
def dictionary() -> Dictionary:
    made = Dictionary()
    for one in starter_dictionary():
        made.define(one.dimension, one.code, one.parent, one.name)
    return made


def test_a_name_is_its_first_character_however_long_it_is() -> None:
    assert {masked_name(name) for name in ("张三", "张小三", "张", "张某某某")} == {"张**"}


def test_a_child_is_told_by_the_broadest_codes(dictionary: Dictionary) -> None:
    codes = {"disease": "VSD_PM", "province": "410000", "age_band": "0-28d", "hospital": "H1", "person": "K1"}
    assert masked_child("张小三", codes, dictionary) == "张** · 1岁以下 · 河南省 · 先天性心脏病"
    assert masked_child(None, {"province": "410000"}, dictionary) == "河南省"
    assert (month_of(date(2026, 3, 9), "zh"), month_of(date(2026, 3, 9), "en")) == ("2026 年 3 月", "2026-03")


def test_donors_are_called_by_masked_name_where_it_may_be_read(vaulted: Vaulted) -> None:
    for n, donor in enumerate(("P1", "P2", "P3", "P4")):
        name = (("donor_name", f"王小明{n}"),) if donor != "P4" else ()
        vaulted.writer.submit(
            ReceiveDonation(key=donor, donation=f"D{n}", fund="F", amount=1000 - n, on=ON, donor=donor, personal=name)
        )
    erase(vaulted.writer, vaulted.vault, "donor/P2", Basis("request", "1"), 0)
    erase(vaulted.writer, vaulted.vault, "donor/P3", Basis("request", "2"), 30)
    Runner(vaulted.journal).catch_up()
    plain = flows(vaulted.journal, Scope())
    assert [node.name for node in plain.nodes if node.layer == 0] == [None] * 4
    before = len(vaulted.vault.accesses(None, 100))
    masked = with_masked_donors(plain, vaulted.vault, READER)
    assert [node.name for node in masked.nodes if node.layer == 0] == ["王** · P1", None, None, None]
    assert [node[:3] for node in masked.nodes] == [node[:3] for node in plain.nodes]
    noted = vaulted.vault.accesses(None, 100)
    assert [(access.by, access.subjects) for access in noted[: len(noted) - before]] == [(READER.by, ["donor/P1"])]
