"""The log on the command line: signed, exported, receipted; and a database that was set back is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import Result
from conftest import Fenhao

from audit.checkpoint import Verifier, open_checkpoint
from audit.merkle import Frontier, leaf_hash
from audit.proof import Receipt
from audit.tiles import tile_path, tiles_of
from audit.verify import split
from ledger.database import connecting

ORIGIN = "example.org/t"


def _json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.strip().splitlines()[-1])


def give(fenhao: Fenhao, count: int, first: int = 0) -> None:
    if first == 0:
        assert fenhao("record", "FundOpened", "--set", "fund=F", "--set", "name=基金").exit_code == 0
    for n in range(first, first + count):
        members = f"donation=D{n} fund=F amount=100 on=2026-01-02".split()
        made = fenhao("record", "DonationReceived", *[word for one in members for word in ("--set", one)])
        assert made.exit_code == 0, made.output


def opened(fenhao: Fenhao) -> None:
    assert fenhao("init", "--origin", ORIGIN, "--no-codes").exit_code == 0


def key_of(folder: Path) -> Verifier:
    return Verifier.parse((folder / "policy").read_text().split("\n")[0].removeprefix("log "))


def whole(folder: Path) -> None:
    """Checks an export by its own files: entries, tree and signed head agree, and no tile is missing."""
    head = open_checkpoint((folder / "checkpoint").read_bytes(), ORIGIN, [key_of(folder)])
    tree = Frontier()
    for number in range((head.size + 255) // 256):
        width = min(256, head.size - 256 * number)
        entries = split((folder / tile_path("entries", number, width)).read_bytes())
        assert len(entries) == width
        for entry in entries:
            tree.append(leaf_hash(entry))
    assert (tree.size, tree.root()) == (head.size, head.root)
    assert all((folder / tile_path(*tile)).exists() for tile in tiles_of(head.size))
    assert (folder / "verify.py").read_bytes() == Path("audit/verify.py").read_bytes()
    assert ORIGIN in (folder / "README.md").read_text()


def test_a_head_is_signed_once_for_each_size(fenhao: Fenhao) -> None:
    opened(fenhao)
    first = _json(fenhao("checkpoint", "--json"))
    assert first["size"] == 1
    assert "没有新分录" in fenhao("checkpoint").stdout
    give(fenhao, 2)
    second = _json(fenhao("checkpoint", "--json"))
    assert (second["size"], second["origin"]) == (5, ORIGIN)
    assert second["note"].startswith(f"{ORIGIN}\n5\n")


def test_an_export_is_whole_and_a_later_one_is_laid_over_it(fenhao: Fenhao, tmp_path: Path) -> None:
    opened(fenhao)
    give(fenhao, 3)
    folder = tmp_path / "export"
    assert _json(fenhao("export", str(folder), "--json"))["size"] == 6
    whole(folder)
    (tmp_path / "old").write_bytes((folder / "checkpoint").read_bytes())
    give(fenhao, 2, first=3)
    more = _json(fenhao("export", str(folder), "--since", str(tmp_path / "old"), "--json"))
    assert (more["size"], more["since"]) == (8, 6)
    whole(folder)
    assert {path.name for path in (folder / "checkpoints").iterdir()} == {"6", "8"}


def test_an_export_is_never_mixed_with_other_things(fenhao: Fenhao, tmp_path: Path) -> None:
    opened(fenhao)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("private")
    refused = fenhao("export", str(tmp_path / "full"))
    assert refused.exit_code == 2
    assert "letter.txt" in refused.stderr
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "policy").write_text("log example.org/other+00000000+AAAA\nquorum none\n")
    assert "another ledger" in fenhao("export", str(tmp_path / "other")).stderr
    picture = tmp_path / "head"
    picture.write_bytes(b"\xff\xd8\xff\xe0")
    refused = fenhao("export", str(tmp_path / "new"), "--since", str(picture))
    assert refused.exit_code == 2
    assert "no head that can be used" in refused.stderr


def test_a_receipt_proves_its_entry_without_us(fenhao: Fenhao, tmp_path: Path) -> None:
    opened(fenhao)
    give(fenhao, 2)
    file = tmp_path / "r.tlog-proof"
    assert fenhao("receipt", "4", "--out", str(file)).exit_code == 0
    made = Receipt.parse(file.read_bytes())
    assert json.loads(made.entry)["data"]["donation"] == "D1"
    fenhao("export", str(tmp_path / "export"))
    assert made.check(ORIGIN, [key_of(tmp_path / "export")]).size == 5
    assert fenhao("receipt", "3").stdout.startswith("c2sp.org/tlog-proof@v1\n")
    refused = fenhao("receipt", "99")
    assert refused.exit_code == 2
    assert "no head is signed over entry 99" in refused.stderr


def as_owner(url: str, text: str) -> None:
    """What somebody with the owner's password does in the test's one schema, guards off."""
    with connecting(url) as owner, owner.transaction():
        [(schema,)] = owner.execute("select nspname from pg_namespace where nspname like 'cli_%'").fetchall()
        owner.execute(f"set local search_path to {schema}; set local session_replication_role = replica")
        owner.execute(text.replace("SCHEMA", schema))


SET_BACK = """
delete from holding; delete from tape; delete from entry where seq >= 2;
update head set size = 2, leaf = (select leaf from entry where seq = 1)
"""
"""What restoring an old backup does."""


def test_a_database_that_was_set_back_is_refused_signed_or_not(fenhao: Fenhao, embedded_url: str) -> None:
    opened(fenhao)
    give(fenhao, 2)
    as_owner(embedded_url, SET_BACK)
    refused = fenhao("trace", "fund", "F")
    assert refused.exit_code == 2
    assert "it has 2 entries and had 5" in refused.stderr
    assert "现有 2 条分录，曾有 5 条" in fenhao("checkpoint").stderr
    assert fenhao("doctor").exit_code == 1


def test_a_signed_history_is_never_begun_anew_but_continued_under_another_name(
    fenhao: Fenhao, embedded_url: str, tmp_path: Path
) -> None:
    opened(fenhao)
    _json(fenhao("checkpoint", "--json"))
    head = tmp_path / "head"
    head.write_text(_json(fenhao("checkpoint", "--json"))["note"])
    as_owner(embedded_url, "drop schema SCHEMA cascade")
    refused = fenhao("init", "--origin", ORIGIN)
    assert refused.exit_code == 2
    assert "never begun anew" in refused.stderr
    itself = fenhao("init", "--origin", ORIGIN, "--continues", str(head))
    assert (itself.exit_code, "never continued under its own" in itself.stderr) == (2, True)
    made = fenhao("init", "--origin", "example.org/t2", "--continues", str(head), "--no-codes")
    assert made.exit_code == 0, made.output
    opening = json.loads(Receipt.parse(fenhao("receipt", "0").stdout.encode()).entry)["data"]
    assert opening["continues"]["origin"] == ORIGIN
    assert opening["continues"]["size"] == 1
