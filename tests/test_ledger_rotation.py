"""Another master key: every person's key is wrapped anew, whatever cuts it short, and the old key is of no more use."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import every_server
from vaults import ORIGIN, READER, Vaulted, erased, gift, vault_rows

from ledger import vault as vault_module
from ledger.journal import Journal
from ledger.vault import Vault
from ledger.vault_ciphers import wrapping_context
from ledger.vault_faults import VaultDamaged
from ledger.vault_keys import KeyFault, KeyFolder
from ledger.writing import Recorded


def peopled(vaulted: Vaulted, persons: int = 11) -> dict[str, str]:
    """So many donors with a gift and a name each; one of them erased. Their names by gift."""
    gifts = [gift(f"D{n}", donor=f"P{n:02}", donor_name=f"名{n}") for n in range(persons)]
    assert all(isinstance(one, Recorded) for one in vaulted.writer.submit_batch(gifts))
    erased(vaulted, "donor/P03")
    return {f"D{n}": f"名{n}" for n in range(persons) if n != 3}


def assert_all_open(vaulted: Vaulted, names: dict[str, str]) -> None:
    again = vaulted.again()
    assert {name: again.values(f"donation/{name}")["donor_name"] for name in names} == names


@every_server
def test_after_a_rotation_the_old_key_opens_nothing_and_is_not_needed(vaulted: Vaulted) -> None:
    names = peopled(vaulted)
    (old,) = vaulted.keys.glob("vault-master-*.key")
    before = set(vaulted.rows("select wrapped from vault_person"))
    told_progress: list[tuple[int, int]] = []
    done = vaulted.vault.rotate(lambda n, total: told_progress.append((n, total)))
    assert (done.wrapped, done.resumed) == (10, False)
    assert told_progress[-1] == (10, 10)
    assert before & set(vaulted.rows("select wrapped from vault_person where wrapped is not null")) == set()
    assert (done.retired, vaulted.vault.condition().retired) == ((old.stem.removeprefix("vault-master-"),),) * 2
    old.unlink()
    assert vaulted.vault.condition().retired == ()
    assert_all_open(vaulted, names)
    vaulted.again().writer.submit(gift("D99", donor="P99", donor_name="新"))
    assert vaulted.rows("select distinct master from vault_person where wrapped is not null") == [(done.master,)]
    assert vaulted.vault.condition().wrappings == {done.master: 11}


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("page", range(5))
def test_a_rotation_cut_short_anywhere_opens_everything_and_goes_on(
    vaulted: Vaulted, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(vault_module, "REWRAP_ROWS", 3)
    names = peopled(vaulted)

    def dies(done: int, total: int) -> None:
        if done >= page * 3:
            raise Killed

    if page == 4:  # the very first moment: the new key is in use, and wraps nothing yet
        monkeypatch.setattr(Vault, "_rewrap", lambda *_: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        vaulted.vault.rotate(dies)
    monkeypatch.undo()
    assert_all_open(vaulted, names)
    vaulted.again().writer.submit(gift("E", donor="new", donor_name="新"))
    vaulted.again().writer.submit(gift("E2", donor="P00", donor_name="又"))
    resumed = vaulted.again().vault.rotate()
    left = vaulted.rows("select distinct master from vault_person where wrapped is not null")
    assert left == [(resumed.master,)]
    assert resumed.resumed
    assert_all_open(vaulted, {**names, "E": "新", "E2": "又"})
    assert len(list(vaulted.keys.glob("vault-master-*.key"))) == 2


ROTATES = """
import os, sys, time
from pathlib import Path
from ledger import vault as module
from ledger.database import Database
from ledger.journal import Journal
from ledger.vault import open_vault
from ledger.vault_keys import KeyFolder
module.REWRAP_ROWS = 1
def told(done, total):
    os.write(1, f"{done}\\n".encode())
    time.sleep(0.01)
with Journal(Database(sys.argv[1], schema=sys.argv[2])) as journal:
    open_vault(journal, KeyFolder(Path(sys.argv[3]), os.urandom), os.urandom).rotate(told)
"""


def test_a_killed_rotation_goes_on(vaulted: Vaulted) -> None:
    names = peopled(vaulted, 40)
    process = subprocess.Popen(
        [sys.executable, "-c", ROTATES, vaulted.database.owner_url, vaulted.database.schema, str(vaulted.keys)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert process.stdout is not None
    while int(process.stdout.readline()) < 7:
        time.sleep(0)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wrapped = dict(vaulted.rows("select master, count(*) from vault_person where wrapped is not null group by 1"))
    assert len(wrapped) == 2
    assert_all_open(vaulted, names)
    done = vaulted.again().vault.rotate()
    assert (done.resumed, sum(wrapped.values())) == (True, 39)
    assert vaulted.again().vault.condition().wrappings == {done.master: 39}
    assert_all_open(vaulted, names)


def test_a_writer_of_before_the_rotation_uses_the_new_key(vaulted: Vaulted) -> None:
    peopled(vaulted)
    done = vaulted.again().vault.rotate()
    vaulted.writer.submit(gift("E", donor="new", donor_name="新"))
    assert vaulted.rows("select master from vault_person where subject = 'donor/new'") == [(done.master,)]


def test_without_the_old_key_a_rotation_stops_before_it_harms(vaulted: Vaulted) -> None:
    peopled(vaulted)
    (old,) = vaulted.keys.glob("vault-master-*.key")
    content = old.read_bytes()
    old.unlink()
    before = vault_rows(vaulted)
    with pytest.raises(KeyFault, match=re.escape(str(old))):
        vaulted.again().vault.rotate()
    assert vault_rows(vaulted) == before
    old.write_bytes(content)
    assert vaulted.again().vault.rotate().resumed


def test_a_page_that_another_rotation_took_is_not_the_end(vaulted: Vaulted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rotations at once: what the one waits for, the other wraps, and dies; the rest is the first one's."""
    monkeypatch.setattr(vault_module, "REWRAP_ROWS", 2)
    names = peopled(vaulted)
    with monkeypatch.context() as patched:
        patched.setattr(Vault, "_rewrap", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            vaulted.vault.rotate()
    ((new,),) = vaulted.rows("select master from vault_keys")
    keys = KeyFolder(vaulted.keys, os.urandom)
    with ThreadPoolExecutor(1) as threads, vaulted.database.owner() as other:
        with other.transaction():
            for subject, old, wrapped in other.execute(
                "select subject, master, wrapped from vault_person where subject in ('donor/P00', 'donor/P01')"
            ).fetchall():
                context = wrapping_context(ORIGIN, subject)
                anew = keys.wrap(new, keys.unwrap(old, wrapped, context), context)
                change = "update vault_person set master = %s, wrapped = %s where subject = %s"
                other.execute(change, (new, anew, subject))
            rotating = threads.submit(vaulted.again().vault.rotate)
            while vaulted.rows("select count(*) from pg_locks where not granted") == [(0,)]:
                time.sleep(0.01)
        assert rotating.result(30).wrapped == 8
    assert vaulted.vault.condition().wrappings == {new: 10}
    assert_all_open(vaulted, names)


def test_another_ledgers_master_key_in_the_same_folder_is_none_of_ours(vaulted: Vaulted) -> None:
    """Nobody is told to remove it."""
    other = KeyFolder(vaulted.keys, os.urandom).make("master")
    vaulted.vault.rotate()
    assert other not in vaulted.vault.condition().retired
    assert len(vaulted.vault.condition().retired) == 1


def test_a_damaged_key_of_one_person_is_named(vaulted: Vaulted) -> None:
    peopled(vaulted)
    vaulted.rows("update vault_person set wrapped = '\\x00' where subject = 'donor/P05'")
    with pytest.raises(VaultDamaged, match="donor/P05"):
        vaulted.vault.rotate()


def test_a_rotation_while_others_write_misses_nobody(vaulted: Vaulted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "REWRAP_ROWS", 2)
    names = peopled(vaulted)
    other = vaulted.again()

    def writes(done: int, total: int) -> None:
        other.writer.submit(gift(f"W{done}", donor=f"a{done}", donor_name="w"))
        if done == 4:
            erased(other, "donor/P09")

    done = vaulted.vault.rotate(writes)
    names.pop("D9")
    assert vaulted.rows("select distinct master from vault_person where wrapped is not null") == [(done.master,)]
    assert_all_open(vaulted, names)
    assert vaulted.vault.open("donation/D9", READER).openings[0].erased is not None


def test_another_folder_is_no_place_for_these_keys(vaulted: Vaulted, tmp_path: Path, journal: Journal) -> None:
    vaulted.writer.submit(gift("D1", donor_name="甲"))
    other = Vault(journal, KeyFolder(tmp_path / "other", os.urandom), os.urandom)
    with pytest.raises(KeyFault, match="backup of your keys"):
        other.open("donation/D1", READER)
