"""Receipts for people: nobody is given what opens another's values."""

from __future__ import annotations

from vaults import READER, Vaulted, case, gift

from reports.receipts import openings_of


def test_only_the_record_asked_for_is_opened_whatever_stands_beside_it(vaulted: Vaulted) -> None:
    gifts = [gift("D1", donor_name="张三"), gift("D2", donor="P2", donor_name="李四")]
    vaulted.writer.submit_batch([*gifts, case("C", "K", beneficiary_name="王小明")])
    entries = vaulted.journal.entries.read(0, 20)
    found = openings_of(vaulted.vault, entries, "donation", "D1", READER)
    assert [each["value"] for openings in found.values() for each in openings] == ["张三"]
    assert [access.stream for access in vaulted.vault.accesses(None, 10)] == ["donation/D1"]
    found = openings_of(vaulted.vault, entries, "case", "C", READER)
    assert [each["value"] for openings in found.values() for each in openings] == ["王小明"]
