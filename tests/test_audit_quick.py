"""Compiled code reads gifts just as the plain reading does, to the byte, whatever they say and whatever was changed."""

from __future__ import annotations

import hashlib
import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest
from conftest import SCALE, Ledger
from exports import Made, gifts
from numba.core.caching import CacheImpl, IndexDataCacheFile
from test_audit_fuzz import changed
from test_audit_verify import long_story, spoil_a_fee, spoil_and_rechain, spoil_nothing
from test_audit_verify_chain import Data, Story, chained, check, leaf

from audit import aside, verify
from audit.aside import PLAINLY, way_for
from audit.codec import FAST
from audit.compiling import forget_older
from audit.gift_scanner import IS_PLAIN
from audit.quick import QUICKLY, GiftReader
from audit.sha256 import NO_PREFIX, hashes
from ledger.decisions import OpenFund, ReceiveDonation
from projections.runner import Runner
from reports.verification import verify_ledger
from reports.verified_tables import issue_line

SEED = 20261122
Change = Callable[[Data, random.Random], object]
ODD_TEXTS = ("", "x", "~ !", 'a"b', "a\\b", "a\tb", "张三", "\x7f", "t1", "x" * 119, "x" * 120, "x" * 121, "fee/heart")
ODD_NUMBERS = (0, 1, 9, 10, 2_500, 9_999, 10_000, 10**14, 10**15 - 1, 10**15, 2**53 - 1, -1)
HASH = "0f" * 32


def texts(name: str) -> Change:
    return lambda data, chance: data.__setitem__(name, chance.choice(ODD_TEXTS))


def numbers(name: str) -> Change:
    return lambda data, chance: data.__setitem__(name, chance.choice(ODD_NUMBERS))


def some_commitments(data: Data, chance: random.Random) -> None:
    fields = chance.sample(["donor_id_no", "donor_name", "donor_phone", "donor_mail"], chance.randrange(4))
    data["commitments"] = {field: chance.choice((HASH, HASH, HASH, HASH[1:], HASH.upper())) for field in fields}


def another_date(data: Data, chance: random.Random) -> None:
    data["on"] = chance.choice(
        ("2024-02-29", "2026-02-29", "1900-02-29", "2000-02-29", "2024-02-30", "2026-04-31", "0000-01-01", "2026-13-01")
    )


def one_issue(data: Data, chance: random.Random) -> None:
    data["issue"] = data.get("issue", [])[: chance.randrange(3)]


def other_issue(data: Data, chance: random.Random) -> None:
    issue = chance.choice(data.get("issue") or [{}])
    name = chance.choice(("lo", "hi", "tape", "to"))
    issue[name] = chance.choice(ODD_NUMBERS if name in ("lo", "hi") else (*ODD_TEXTS, "t0", "t1234567890"))


def a_sum(data: Data, chance: random.Random) -> None:
    """An amount, a fee and issues that come to it, and sometimes hardly."""
    amount, rate = chance.randrange(1, 10 ** chance.randrange(1, 16)), chance.choice((0, 1, 300, 5_000, 9_999))
    fee, lo = amount * rate // 10_000, chance.randrange(10**6)
    parts = [("t1", fee, "fee/heart"), ("t2", amount - fee, "fund/heart")] if fee else [("t2", amount, "fund/heart")]
    if chance.randrange(4) == 0:
        parts.reverse()
    data |= {"amount": amount + chance.choice((0, 0, 0, 1)), "fee_bp": rate}
    data["issue"] = [{"hi": lo + size, "lo": lo, "tape": tape, "to": to} for tape, size, to in parts]


CHANGES: tuple[Change, ...] = (
    *(texts(name) for name in ("by", "channel", "channel_txn", "line", "donor", "donation", "fund", "extra")),
    numbers("amount"),
    numbers("fee_bp"),
    some_commitments,
    another_date,
    one_issue,
    other_issue,
    *(a_sum for _ in range(8)),
    lambda data, chance: data.pop(chance.choice(sorted(data))),
    lambda data, chance: data.__setitem__("source", chance.choice((*verify.SOURCES, "x", "grants"))),
)


def odd_gifts(count: int, chance: random.Random) -> list[bytes]:
    """Gifts, and a few other facts, of which many say something odd; each follows from the one before it."""
    entries = [entry for entry in long_story(count) if entry["type"] != "TapeOpened" or chance.random() < 0.5]
    for entry in entries[1:]:
        for _ in range(chance.choice((0, 1, 1, 2)) if entry["type"] == "DonationReceived" else 0):
            chance.choice(CHANGES)(entry["data"], chance)
        if chance.random() < 0.02:
            entry["at"] = entry["at"].replace("T00", chance.choice(("T24", "T23", "t00")))
        if "donation" in entry["data"] and chance.random() < 0.95:
            entry["stream"] = f"donation/{entry['data']['donation']}"
    return chained(entries)


def both(raws: list[bytes], start: int = 0) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    data = b"".join(verify.bundle(raws, len(raws)))
    return verify.read_chunk(start, data, FAST), QUICKLY.read(start, data, FAST)


@pytest.mark.parametrize("prefix", [NO_PREFIX, 0, 1, 255])
def test_sha256_of_many_texts_is_that_of_the_standard_library(prefix: int) -> None:
    chance = random.Random(SEED)
    data, before = chance.randbytes(2_000), b"" if prefix == NO_PREFIX else bytes([prefix])
    sizes = [*range(200), 2_000, 0, *(chance.randrange(1_500) for _ in range(50))]  # any end of a block, in any lane
    chance.shuffle(sizes)
    starts = [chance.randrange(2_001 - size) for size in sizes]
    for count in (*range(18), len(sizes)):
        found = hashes(data, np.array(starts[:count], np.int64), np.array(sizes[:count], np.int64), prefix)
        texts = (data[start : start + size] for start, size in zip(starts[:count], sizes, strict=False))
        assert found == b"".join(hashlib.sha256(before + text).digest() for text in texts)


def test_gifts_are_read_as_the_pattern_reads_them_whatever_they_say() -> None:
    chance, taken = random.Random(SEED), 0
    for number in range(12 * SCALE):
        raws = odd_gifts(400, chance)
        expected, (*found, _) = both(raws)
        assert tuple(found) == expected, number
        taken += sum(fact[0] for fact in expected[7] if type(fact) is list)
    assert taken > 12 * 100 * SCALE, "enough of them are plain"


def test_a_gift_with_any_byte_changed_is_read_as_the_pattern_reads_it() -> None:
    chance = random.Random(SEED)
    honest = chained(long_story(12))[-4:]
    first = json.loads(honest[0])["seq"]
    for at in range(len(honest[2])):
        for other in chance.sample(b'"\\,}]09afgzA-/:` \x00\x1f~\x7f\xff', 8):
            gift = honest[2][:at] + bytes([other]) + honest[2][at + 1 :]
            after = honest[3].replace(leaf(honest[2]).encode(), leaf(gift).encode())
            expected, (*found, _) = both([*honest[:2], gift, after], first)
            assert tuple(found) == expected, (at, other)


def test_what_is_cut_off_put_in_or_doubled_is_read_as_the_pattern_reads_it() -> None:
    chance = random.Random(SEED)
    honest = chained(long_story(12))[-4:]
    first = json.loads(honest[0])["seq"]
    for number in range(400 * SCALE):
        raws = [*honest[:2], changed(honest[2], chance), honest[3]]
        expected, (*found, _) = both(raws, first)
        assert tuple(found) == expected, number


def lines(raws: list[bytes]) -> Iterator[bytes]:
    for raw in raws:
        entry = json.loads(raw)
        data = entry["data"]
        for issue in data["issue"]:
            number = verify.tape_number(issue["tape"])
            where = entry["seq"], number, issue["lo"], issue["hi"], data["donation"], data.get("donor")
            yield issue_line(*where, data["on"], issue["to"], None, None, False)


def test_aside_is_a_line_for_each_issue_of_gifts_read_quickly_and_all_other_entries() -> None:
    raws = odd_gifts(400, random.Random(SEED))
    reader = GiftReader(0, b"".join(verify.bundle(raws, len(raws))), FAST)
    plain = (reader.gifts[:, IS_PLAIN] != 0).tolist()
    issues, others = reader.aside()
    assert issues.splitlines() == list(lines([raw for raw, is_plain in zip(raws, plain, strict=True) if is_plain]))
    assert others == [raw for raw, is_plain in zip(raws, plain, strict=True) if not is_plain]
    assert 100 < sum(plain) < len(raws) - 100


@pytest.mark.parametrize("spoil", [spoil_nothing, spoil_a_fee, spoil_and_rechain])
def test_a_history_is_judged_the_same_whoever_reads_it(
    spoil: Callable[[list[bytes]], list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "POOL_FROM_ENTRIES", 1_000)
    raws = spoil(chained(long_story(2_000)))
    expected = check(raws)
    across_tiles = QUICKLY._replace(entries=300)
    for way, jobs in ((PLAINLY, 1), (QUICKLY, 2 if spoil is spoil_a_fee else 1), (across_tiles, 1)):
        told: list[Any] = []
        report = check(raws, way=way, told=told.append, jobs=jobs)
        assert report.as_json() == expected.as_json()
        assert list(report.places()) == list(expected.places())
        assert sum(len(others) + issues.count(b"\n") / 2 for issues, others in told) == len(raws)


def test_no_entry_at_all_reads_as_nothing() -> None:
    expected, (*found, aside) = both([])
    assert (tuple(found), aside) == (expected, (b"", []))


@pytest.mark.parametrize("origin", ["", "\\u0000", "\0"])
def test_behind_an_entry_that_cannot_be_read_nobody_takes_an_origin_on_trust(origin: str) -> None:
    raws = chained(long_story(30))
    for at in range(16, 32):
        told = b"{}" if at == 16 else raws[at].replace(b"ledger.example.org/test", origin.encode())
        raws[at] = re.sub(rb'"prev":"[0-9a-f]*"', b'"prev":"%b"' % leaf(raws[at - 1]).encode(), told)
    expected = check(raws, way=verify.Way(entries=16))
    assert [problem.seq for problem in expected.problems][:2] == [16, 17]
    assert check(raws, way=QUICKLY._replace(entries=16)).as_json() == expected.as_json()


def test_a_quotation_mark_in_the_origin_is_not_read_past() -> None:
    entries = [{**entry, "origin": 'a"b'} for entry in long_story(12)]
    raws = chained(entries)
    for at in range(len(raws) - 5, len(raws)):
        told = raws[at].replace(rb'"origin":"a\"b"', b'"origin":"a"b"')
        raws[at] = re.sub(rb'"prev":"[0-9a-f]*"', b'"prev":"%b"' % leaf(raws[at - 1]).encode(), told)
    expected, (*found, _) = both(raws)
    assert tuple(found) == expected
    assert [seq for seq, _ in expected[6]] == list(range(len(raws) - 5, len(raws)))


def test_a_tape_of_fees_between_others_goes_on_in_one_row_whichever_issue_is_its() -> None:
    story = Story()
    story.fund("heart")
    for nature in ("own", "fee", "own"):
        story.tape("heart", nature=nature)
    for number in range(6):
        story.gift(f"D{number}", ("t1", "t3")[number % 2], 100, "2026-02-01", fee_bp=1_000)
    expected, (*found, _) = both(chained(story.entries))
    assert tuple(found) == expected
    assert [row[:3] for row in expected[7][-1][1]] == [
        [b"1", b"0", b"270"],
        [b"2", b"0", b"60"],
        [b"3", b"0", b"270"],
    ]


def test_what_may_not_occur_twice_is_found_as_by_the_replay_itself() -> None:
    chance, found = random.Random(SEED), set()
    for number in range(300 * SCALE):
        seqs = sorted(chance.sample(range(500), chance.randrange(40)))
        digests = [chance.randbytes(14) for _ in seqs]
        if number % 3:  # else all are different
            digests = [chance.choice(digests[:20]) for _ in seqs]
        same_start = bytes(2) if number % 2 else b"\xff\xff"
        versions: dict[bytes, int] = {}
        entries, claims = b"", b""
        for seq, digest in zip(seqs, digests, strict=True):
            versions[digest] = versions.get(digest, 0) + (1 if chance.random() < 0.98 else chance.randrange(3))
            entry = (same_start + digest, seq, versions[digest], chance.randrange(4))
            entries += verify.ENTRY_RECORD.pack(*entry, *(chance.randrange(2**31) for _ in range(6)))
            claims += verify.CLAIM_RECORD.pack(same_start + digest, seq)
        judged = chance.choice((0, 250, 500, 2**40))
        expected = verify.check_versions(entries, judged)
        assert QUICKLY.check_versions(entries, judged) == expected
        reversals = {chance.choice(seqs or [0]): chance.randrange(500) for _ in range(chance.randrange(20))}
        claimed = verify.check_claims(claims, judged, reversals)
        assert QUICKLY.check_claims(claims, judged, reversals) == claimed
        found |= {bool(expected), not expected, 2 + bool(claimed)}
    assert found == {False, True, 2, 3}, "some are sound and some are not"


def test_whoever_chooses_ids_whose_digests_are_alike_does_not_slow_the_search_for_doubles() -> None:
    digests = (number.to_bytes(4, "big") + bytes(12) for number in range(40_000))
    records = b"".join(verify.CLAIM_RECORD.pack(digest, seq) for seq, digest in enumerate(digests))
    QUICKLY.check_claims(records[: verify.CLAIM_RECORD.size], 1, {})  # compiled by now
    begun = process_time()
    assert QUICKLY.check_claims(records, 40_000, {}) == []
    assert process_time() - begun < 1


def test_code_compiled_of_other_sources_is_not_used(tmp_path: Path) -> None:
    kept = tmp_path / "gift_scanner.scan-1.nbi"
    for older in (None, b"of another release", b"\xff\0"):
        if older is not None:
            (tmp_path / "compiled.sha256").write_bytes(older)
        kept.touch()
        assert forget_older(tmp_path)
        assert not kept.exists()
    kept.touch()
    assert not forget_older(tmp_path)
    assert kept.exists()


def damaged(file: IndexDataCacheFile, key: object) -> None:
    raise EOFError


@pytest.mark.parametrize("spoilt", [(CacheImpl, "_locator_classes", []), (IndexDataCacheFile, "load", damaged)])
def test_without_a_folder_for_compiled_code_or_a_sound_one_the_plain_reading_serves(
    spoilt: tuple[type, str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert way_for(10**6) is QUICKLY
    monkeypatch.setattr(*spoilt)
    for name in ("quick", "gift_scanner", "gift_records", "sha256"):
        monkeypatch.delitem(sys.modules, f"audit.{name}")
    assert way_for(10**6) is PLAINLY


def test_an_export_is_judged_the_same_whoever_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "COMPILED_FROM_ENTRIES", 0)
    made = Made.of(tmp_path / "export", gifts(700), (300,))
    for code, at in ((0, None), (1, 40_000), (1, 40_000 + 1_000)):
        if at is not None:
            made.flip("tile/entries/001", at)
        expected = made.check()
        assert expected.code == code
        assert made.check(way=way_for) == expected


def test_a_ledger_is_held_against_its_tables_as_closely(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "COMPILED_FROM_ENTRIES", 0)
    on = date(2026, 3, 1)
    gifts = [ReceiveDonation(key=n, donation=n, fund="F", amount=100, donor=f"P{n}", on=on) for n in "12345"]
    ledger.writer.submit_batch([OpenFund(key="F", fund="F", name="F", fee_bp=500), *gifts])

    def found() -> list[str]:
        return [finding.what for finding in verify_ledger(ledger.journal, Runner(ledger.journal)).findings]

    assert found() == []
    with ledger.database.owner() as owner:
        owner.execute("update view_gift set donor = 'PX' where donation = '3'")
    assert found()[0] == "the table view_gift differs from the entries"
