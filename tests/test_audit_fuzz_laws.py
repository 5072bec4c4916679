"""Whatever `verify.py` accepts of a history that was changed and sealed again, the laws' own checks accept too.

`laws.py` and `laws_rows.py` judge fen by fen and share nothing with the verifier: what it lets through against them
would be a hole. Amounts are a fiftieth of the honest ledger's, for the laws count every fen.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attackers import reversing
from conftest import SCALE
from courts import LOG_KEY
from forging import Data, Forgery
from honest import Honest
from laws import check
from laws_rows import LAWS

from audit import verify

SEED = 20261122
PART = 50
AMOUNTS = ("lo", "hi", "amount", "bill_amount", "fee")
PLACES = (
    *("fund/heart", "fund/eyes", "fund/heart/t8", "fee/heart", "hold/X1", "refunded", "void", "out/x"),
    *("case/C1", "case/C2", "case/C3", "case/C4", "used/C1", "used/C4", "used/H1/C1", "hospital/H1/C1"),
    *("hospital/H2/C2", "cost/heart/other"),
)
EDGES = (0, 10, 25, 100, 126, 226, 356, 370, 475, 490, 515, 554)
MADE_BY_HAND: tuple[tuple[str, str, Data], ...] = (
    ("MoneyHeld", "hold/Z", {"hold": "Z"}),
    ("HoldLifted", "hold/X1", {"hold": "X1"}),
    ("TermsChanged", "fund/heart", {"fund": "heart", "basis": {"kind": "plan", "ref": "x"}}),
    ("WishFulfilled", "wish/1", {}),
)


def smaller(value: Any) -> Any:
    """The same with amounts and serials a fiftieth."""
    if isinstance(value, dict):
        return {name: each // PART if name in AMOUNTS else smaller(each) for name, each in value.items()}
    return [smaller(each) for each in value] if isinstance(value, list) else value


@pytest.fixture
def small(honest: Honest, tmp_path: Path) -> Forgery:
    """The honest history in small money, each fact in one entry, as the laws' checks read it."""
    made = Forgery.of(honest.small, tmp_path / "export", LOG_KEY)
    made.entries = smaller(made.entries)
    first = made.find("AllocationMade", "A3")
    later = made.entries.pop(first + 1)
    made.entries[first]["data"]["moves"] += later["data"]["moves"]
    del made.entries[first]["data"]["part"]
    return made


def change(forgery: Forgery, chance: Random) -> None:
    """One thing in the history is another."""
    data = chance.choice(forgery.entries[9:])["data"]
    ranges = data.get("moves") or data.get("issue") or []
    match chance.randrange(7):
        case 0 if ranges:
            chance.choice(ranges)[chance.choice(("lo", "hi"))] += chance.choice((-5, -1, 1, 5))
            if "amount" in data and chance.random() < 0.7:
                data["amount"] = sum(each["hi"] - each["lo"] for each in ranges)
        case 1 if ranges:
            one = chance.choice(ranges)
            one[chance.choice([name for name in ("from", "to") if name in one])] = chance.choice(PLACES)
        case 2:
            name = chance.choice(sorted(data))
            said = [each["data"][name] for each in forgery.entries if name in each["data"]]
            data[name] = deepcopy(chance.choice(said))
        case 3 if "amount" in data:
            data["amount"] += chance.choice((-1, 1))
        case 4:
            kind, stream, members = chance.choice(MADE_BY_HAND)
            lo, size = (
                chance.choice((0, 10, 25, 100, 126, 226, 356, 370, 475, 490, 515, 554)),
                chance.choice((1, 5, 20)),
            )
            way = {"from": chance.choice(PLACES), "to": chance.choice(PLACES)}
            moves = [{"tape": f"t{chance.randrange(1, 11)}", "lo": lo, "hi": lo + size, **way}]
            forgery.add(kind, stream, **deepcopy(members), amount=size, moves=moves)
        case 5:
            entry = chance.choice([each for each in forgery.entries if each["data"].get("moves")])
            turned = [f"{m['tape']}:{m['lo']}-{m['hi']} {m['to']} > {m['from']}" for m in entry["data"]["moves"]]
            reversing(entry["type"], entry["stream"].split("/", 1)[1], *turned)(forgery)
        case _:
            donation = f"Z{len(forgery.entries)}"
            lo = forgery.end("t7") + chance.choice((0, 0, 0, 1, -1))
            issue = [
                {"tape": "t7", "lo": lo, "hi": lo + 20, "to": chance.choice(("fund/heart", "fund/heart", "fee/heart"))}
            ]
            gift = {"donation": donation, "fund": "heart", "amount": 20, "fee_bp": 0, "source": "donation"}
            forgery.add("DonationReceived", f"donation/{donation}", **gift, issue=issue)


def test_what_the_verifier_accepts_obeys_the_laws(small: Forgery) -> None:
    laws = [law for number, law in LAWS.items() if number != 3]  # which takes as long as all others together
    honest = deepcopy(small.entries)
    chance = Random(SEED)
    accepted = 0
    for _ in range(70 * SCALE):
        small.entries = deepcopy(honest)
        for _ in range(chance.choice((1, 1, 2))):
            change(small, chance)
        small.chain()
        if verify.verify(verify.bundle(small.bodies)).ok and small.entries != honest:
            check(laws, [{**entry, "seq": seq} for seq, entry in enumerate(small.entries)])
            accepted += 1
    assert 3 * SCALE < accepted < 50 * SCALE, "neither all nor nothing is accepted, or this says nothing"
