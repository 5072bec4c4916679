"""Whatever bytes are changed in what `verify.py` reads, it neither believes them nor breaks down.

Each example follows from its number, so that a failing one is met again.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import redirect_stdout
from copy import deepcopy
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from conftest import SCALE
from courts import LOG_KEY, POLICY, verified
from forging import Forgery, Receipt
from honest import Honest

from audit import verify

SEED = 20261122
CHECKED = ("checkpoint", "checkpoints/*", "tile/*/*", "tile/*/*.p/*", "tile/entries/*", "tile/entries/*.p/*")
"""What the verifier promises to hold against each other."""


def changed(data: bytes, chance: random.Random) -> bytes:
    """Other bytes: a bit or a byte changed, put in or taken out, a run doubled, moved or cut off."""
    at, to = sorted((chance.randrange(len(data)), chance.randrange(len(data) + 1)))
    for _ in range(100):
        match chance.randrange(8):
            case 0:
                found = data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
            case 1:
                found = data[:at] + chance.randbytes(1) + data[at + 1 :]
            case 2:
                found = data[:at] + data[at + 1 :]
            case 3:
                found = data[:at] + chance.choice((b"\n", b" ", b"0", b"\x00", b"=", b"\r")) + data[at:]
            case 4:
                found = data[:to] + data[at:]
            case 5:
                found = data[:at] + data[to:]
            case 6:
                found = data[to:] + data[at:to] + data[:at]
            case _:
                found = data[:at]
        if found != data:
            return found
    raise AssertionError("no change was found")


@pytest.fixture
def copy(honest: Honest, tmp_path: Path) -> Path:
    """A copy of the wide export, beside it the policy."""
    shutil.copytree(honest.wide, tmp_path / "export")
    (tmp_path / "policy").write_text(POLICY)
    return tmp_path / "export"


def test_no_changed_byte_of_an_export_is_believed(copy: Path) -> None:
    files = sorted(path for pattern in CHECKED for path in copy.glob(pattern) if path.is_file())
    assert len(files) > 12
    chance = random.Random(SEED)
    for number in range(80 * SCALE):
        path = chance.choice(files)
        before = path.read_bytes()
        path.write_bytes(changed(before, chance))
        code, found = verified(copy, "--policy", copy.parent / "policy")
        assert code in (1, 2), (number, path)
        assert found
        path.write_bytes(before)
    assert verified(copy) == (0, [])


def test_no_missing_or_moved_file_of_an_export_is_believed(copy: Path) -> None:
    files = sorted(path for pattern in CHECKED for path in copy.glob(pattern) if path.is_file())
    chance = random.Random(SEED)
    for path in files:
        if path.parent.name != "checkpoints":  # earlier heads may be left out
            aside = path.rename(copy.parent / "aside")
            assert verified(copy)[0] in (1, 2), path
            aside.rename(path)
        other = chance.choice([each for each in files if each.read_bytes() != path.read_bytes()])
        before = path.read_bytes()
        path.write_bytes(other.read_bytes())
        assert verified(copy)[0] in (1, 2), (path, other)
        path.write_bytes(before)
    assert verified(copy) == (0, [])


def test_no_changed_byte_of_a_receipt_is_believed(honest: Honest, tmp_path: Path) -> None:
    (tmp_path / "policy").write_text(POLICY)
    path = tmp_path / "receipt"
    chance = random.Random(SEED)
    for number in range(400 * SCALE):
        path.write_bytes(changed(honest.receipt, chance))
        assert verified(path)[0] in (1, 2), number
    for number in range(200 * SCALE):  # within the base64, where what is said is said
        made = Receipt.of(honest.receipt)
        if chance.random() < 0.5:
            made.entry = changed(made.entry, chance)
        else:
            opening = chance.choice(made.said["openings"])
            name = chance.choice(sorted(opening))
            opening[name] = changed(opening[name].encode(), chance).decode(errors="replace")
        path.write_bytes(made.text())
        assert verified(path)[0] in (1, 2), number


def test_no_changed_policy_or_kept_head_breaks_the_verifier(honest: Honest, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    (tmp_path / "receipt").write_bytes(honest.receipt)
    for _ in range(100 * SCALE):
        (tmp_path / "policy").write_bytes(changed(POLICY.encode(), chance))
        (tmp_path / "kept").write_bytes(changed((honest.small / "checkpoint").read_bytes(), chance))
        assert verified(tmp_path / "receipt")[0] in (0, 1, 2)  # a policy may change and say the same
        assert verified(tmp_path / "receipt", "--key", LOG_KEY, "--head", tmp_path / "kept")[0] in (0, 1, 2)


def test_no_name_of_a_file_speaks_for_the_verifier(copy: Path) -> None:
    (copy / "tile" / "x\nverified: 9 entries\x1b[2J").touch()
    out = StringIO()
    with redirect_stdout(out):
        assert verify.command([str(copy)]) == 0
    assert "\nverified: 9" not in out.getvalue()
    assert "\x1b" not in out.getvalue()
    assert "other files passed over" in out.getvalue()


# Facts that say something else, under hashes and signatures that agree.


def values_of(found: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value, as (what holds it, its name or index there)."""
    for key in list(found) if isinstance(found, dict) else range(len(found)) if isinstance(found, list) else ():
        yield found, key
        yield from values_of(found[key])


def other_value(value: Any, chance: random.Random, others: list[Any]) -> Any:
    """Another value: of another kind, a little off, or one that stands elsewhere."""
    odd: list[Any] = ["", "x", "张三", "fund/heart", -1, 0, 2**53 - 1, 2**53, [], {}, True, None, 1.5, "2026-02-30"]
    if type(value) is int and chance.random() < 0.5:
        return value + chance.choice((-1, 1, 100))
    return chance.choice(odd) if chance.random() < 0.4 else chance.choice(others)


def test_the_express_lane_and_the_long_way_say_the_same_of_any_facts(
    honest: Honest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(SEED)
    whole = Forgery.of(honest.small, tmp_path / "export", LOG_KEY)
    others = [holder[key] for entry in whole.entries for holder, key in values_of(entry)]
    caught = 0
    for number in range(60 * SCALE):
        forgery = replace(whole, entries=deepcopy(whole.entries))
        for _ in range(chance.choice((1, 1, 2))):
            entry = chance.choice(forgery.entries[12:])
            holder, key = chance.choice(list(values_of(entry)))
            if isinstance(holder, dict) and chance.random() < 0.1:
                del holder[key]
            else:
                holder[key] = other_value(holder[key], chance, others)
        forgery.chain()
        fast = verify.verify(verify.bundle(forgery.bodies))
        with monkeypatch.context() as patched:
            patched.setattr(verify.ChunkReader, "add_gift", lambda *_: False)
            slow = verify.verify(verify.bundle(forgery.bodies))
        assert fast.as_json() == slow.as_json(), number
        assert list(fast.places()) == list(slow.places()), number
        caught += not fast.ok
    assert caught > 40 * SCALE
