"""What projections are judged by: ledgers of random entries, and a plain model that knows every serial on its own.

The entries are put into the journal as they are, by any name, past the decisions: a view must fold facts that nobody
has thought of yet. The model reads nothing but the entries' JSON.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st
from schemas import own_schema

from ledger.codec import Entry
from ledger.database import Database
from ledger.decisions import (
    Command,
    GrantCash,
    MakeAllocation,
    OpenCase,
    OpenFund,
    OpenLedger,
    PayHospital,
    PaymentLine,
    ReceiveDonation,
    RegisterHospital,
    SettleTreatment,
)
from ledger.journal import Journal, Posting
from ledger.writing import Writer
from projections.runner import Runner

START = date(2026, 1, 1)
FUNDS = ("heart", "b/lood%")
CASES = ("C1", "c/2%")
HOSPITALS = ("H1", "h/2")
DONORS = ("P1", "P2", "P 3", None)
_numbers = count()

Fen = tuple[str, int]


@dataclass
class Ledger:
    """An open ledger in a schema of its own."""

    database: Database
    journal: Journal
    writer: Writer

    def append(self, entries: list[tuple[str, dict[str, Any]]], moves_per_part: int = 1_000_000) -> None:
        """Appends facts by name, each on a stream of its own, split into parts of so many moves."""
        with self.journal.entries.writing() as writing:
            postings: list[Posting] = []
            for topic, data in entries:
                stream = f"any/{next(_numbers)}"
                parts = _parts(data, moves_per_part, writing.head.size + len(postings))
                postings += [
                    Posting(stream, n, topic, msgspec.json.encode(part, order="sorted"))
                    for n, part in enumerate(parts, 1)
                ]
            self.journal.append(writing, postings)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.journal.entries.reading() as cursor:
            return cursor.execute(query).fetchall()

    def views(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every view, and how far they are."""
        names = ("view_tape", "view_gift", "view_attribution", "view_place", "view_movement", "view_tracking")
        return {name: sorted(self.rows(f"table {name}"), key=repr) for name in names}


def _parts(data: dict[str, Any], moves_per_part: int, seq: int) -> list[dict[str, Any]]:
    moves = data.get("moves", [])
    if len(moves) <= moves_per_part:
        return [data]
    parts: list[dict[str, Any]] = [{"of": seq} for _ in range(0, len(moves), moves_per_part)]
    parts[0] = {**data}
    for n, part in enumerate(parts):
        part |= {"part": n + 1, "moves": moves[n * moves_per_part : (n + 1) * moves_per_part]}
    parts[-1]["last"] = True
    return parts


@contextmanager
def opened(url: str) -> Iterator[Ledger]:
    """A new ledger with two funds, two cases and two hospitals; gone afterwards."""
    with own_schema(url) as database, Journal(database) as journal:
        writer = Writer(journal)
        writer.submit(OpenLedger(key="open", origin="ledger.example.org/test", verifier_key="k"))
        writer.submit_batch([OpenFund(key=f"f{fund}", fund=fund, name="基金", fee_bp=500) for fund in FUNDS])
        writer.submit_batch([RegisterHospital(key=f"h{one}", hospital=one, name="医院") for one in HOSPITALS])
        writer.submit_batch([OpenCase(key=f"c{case}", case=case, fund=FUNDS[0], hospital="H1") for case in CASES])
        yield Ledger(database, journal, writer)


def is_home(place: str) -> bool:
    return place.startswith(("fund/", "fee/"))


def escaped(id: str) -> str:
    return id.replace("%", "%25").replace("/", "%2F")


class Gift(NamedTuple):
    """What one serial came as."""

    donation: str
    donor: str | None
    fund: str
    seq: int


@dataclass
class Plain:
    """Where every single serial is and has been."""

    place: dict[Fen, str] = field(default_factory=dict)
    home: dict[Fen, str] = field(default_factory=dict)
    since: dict[Fen, str] = field(default_factory=dict)
    gift: dict[Fen, Gift] = field(default_factory=dict)
    donors: dict[str, str | None] = field(default_factory=dict)
    path: dict[Fen, list[tuple[int, str, str | None, str]]] = field(default_factory=lambda: defaultdict(list))
    funds: dict[str, str] = field(default_factory=dict)
    type: dict[int, str] = field(default_factory=dict)
    _on: str = ""

    @classmethod
    def of(cls, entries: list[Entry]) -> Plain:
        """The model after these entries."""
        plain = cls()
        for entry in entries:
            plain.take(entry.seq, entry.type, entry.data)
        return plain

    def take(self, seq: int, topic: str, data: dict[str, Any]) -> None:
        """One entry more."""
        self.type[seq] = topic
        self._on = self._on if "of" in data else data.get("on", "")
        if topic == "TapeOpened":
            self.funds[data["tape"]] = data["fund"]
        for each in data.get("issue", ()):
            fund = self.funds[each["tape"]]
            for n in range(each["lo"], each["hi"]):
                fen = (each["tape"], n)
                assert fen not in self.place
                self.gift[fen] = Gift(data["donation"], data.get("donor"), fund, seq)
                self._put(fen, seq, None, each["to"], f"fund/{escaped(fund)}")
        for each in data.get("moves", ()):
            for n in range(each["lo"], each["hi"]):
                fen = (each["tape"], n)
                assert self.place[fen] == each["from"]
                self._put(fen, seq, each["from"], each["to"], self.home[fen] or each["from"])
        if topic == "DonationAttributed":
            self._attribute(data["donation"], data["donor"])
        elif topic == "EntryReversed" and "moves" not in data and data["record"].startswith("donation/"):
            self._attribute(data["record"].removeprefix("donation/"), None)

    def _attribute(self, donation: str, donor: str | None) -> None:
        self.donors[donation] = donor

    def _put(self, fen: Fen, seq: int, source: str | None, target: str, home: str) -> None:
        self.place[fen] = target
        self.home[fen] = "" if is_home(target) else home
        self.since[fen] = self._on
        self.path[fen].append((seq, self._on, source, target))

    def rows(self) -> list[tuple[int, int, int, str, str, str]]:
        """Place rows, merged where adjacent and alike."""
        rows: list[tuple[int, int, int, str, str, str]] = []
        for tape, n in sorted(self.place, key=lambda fen: (int(fen[0][1:]), fen[1])):
            fen = (tape, n)
            alike = (self.place[fen], self.home[fen], self.since[fen])
            if rows and rows[-1][0] == int(tape[1:]) and rows[-1][2] == n and rows[-1][3:] == alike:
                rows[-1] = (*rows[-1][:2], n + 1, *alike)
            else:
                rows.append((int(tape[1:]), n, n + 1, *alike))
        return rows

    def donor_of(self, fen: Fen) -> str | None:
        """Whose the serial is, as far as is known: as it was said last."""
        gift = self.gift[fen]
        return self.donors.get(gift.donation, gift.donor)

    def fund_of(self, fen: Fen) -> str:
        """The fund whose place the serial is at, or left last, escaped."""
        return (self.home[fen] or self.place[fen]).split("/")[1]

    def count(self, **ends: str) -> int:
        """How many times a serial went from a place that begins so to one that does."""
        return sum(
            1
            for path in self.path.values()
            for _, _, source, target in path
            if source is not None and source.startswith(ends["source"]) and target.startswith(ends["target"])
        )

    def by(self, of: Any) -> Counter[Any]:
        """How many serials there are of each kind that `of` tells of a serial."""
        return Counter(of(fen) for fen in self.place)


Step = tuple[int, int, int, int]
STEP = st.tuples(*[st.integers(0, 999)] * 4)
STEPS = st.lists(STEP, min_size=3, max_size=25)


Named = tuple[str, dict[str, Any]]


def random_entries(steps: list[Step]) -> list[Named]:
    """A valid history: each step is turned into a fact that the model allows at that point, some dated back."""
    plain = Plain()
    facts: list[Named] = []
    for n in range(6):
        nature = "fee" if n >= 4 else "own"
        terms = {"nature": nature, "restriction": {"disease": [f"D{n}"]} if n in (2, 3) else {}}
        facts.append(("TapeOpened", {"tape": f"t{n + 1}", "fund": FUNDS[n % 2], **terms}))
    for topic, data in facts:
        plain.take(0, topic, data)
    for n, step in enumerate(steps):
        topic, data = _reversal(plain, facts, step) or _fact(plain, step, n)
        moved = [plain.since[each["tape"], i] for each in data.get("moves", ()) for i in range(each["lo"], each["hi"])]
        wanted = START + timedelta(days=n // 3 - step[2] % 5)
        facts.append((topic, {"on": max(wanted.isoformat(), *moved, ""), **data}))
        plain.take(0, *facts[-1])
    return facts


def _reversal(plain: Plain, facts: list[Named], step: Step) -> Named | None:
    """Undoes an earlier fact whose serials are all where it put them, or says that nobody knows whose a gift is."""
    topic, data = facts[step[1] % len(facts)]
    if step[0] % 7 != 0 or topic == "EntryReversed":
        return None
    if topic == "DonationAttributed" and plain.donors.get(data["donation"]) == data["donor"]:
        return "EntryReversed", {"record": f"donation/{data['donation']}"}
    back = [{**each, "from": each["to"], "to": "void"} for each in data.get("issue", ())]
    back += [{**each, "from": each["to"], "to": each["from"]} for each in data.get("moves", ())]
    back.sort(key=lambda each: (int(each["tape"][1:]), each["lo"]))
    still = all(plain.place[each["tape"], n] == each["from"] for each in back for n in range(each["lo"], each["hi"]))
    return ("EntryReversed", {"record": "any/thing", "moves": back}) if back and still else None


def _fact(plain: Plain, step: Step, n: int) -> Named:
    kind, a, b, c = step
    if kind % 10 == 0:
        donations = sorted({gift.donation for fen, gift in plain.gift.items() if plain.donor_of(fen) is None})
        if donations:
            return "DonationAttributed", {"donation": donations[a % len(donations)], "donor": "P1"}
    topic = f"Anything{kind % 5}"
    if kind % 3 == 0 or not plain.place:
        return "BalanceBroughtForward" if c % 4 == 0 else topic, _gift(plain, a, b, c, n)
    return topic, {"moves": _moves(plain, a, b, c)}


def _gift(plain: Plain, a: int, b: int, c: int, n: int) -> dict[str, Any]:
    issue = []
    for tape in sorted({a % 4 + 1, b % 2 + 5}):
        name, fund = f"t{tape}", escaped(FUNDS[(tape - 1) % 2])
        lo = sum(1 for fen in plain.place if fen[0] == name)
        elsewhere = [f"case/{escaped(CASES[b % 2])}", f"hospital/H1/{escaped(CASES[c % 2])}"]
        to = f"fee/{fund}" if tape > 4 else elsewhere[c % 2] if c % 5 == 0 else f"fund/{fund}"
        issue.append({"tape": name, "lo": lo, "hi": lo + 1 + b % 17, "to": to})
    donor = DONORS[c % 4]
    return {"donation": f"G{n}", "issue": issue, **({} if donor is None else {"donor": donor})}


def _moves(plain: Plain, a: int, b: int, c: int) -> list[dict[str, Any]]:
    """Up to 12 neighbouring serials of up to two tapes, each range to where it may go from where it is."""
    moves: list[dict[str, Any]] = []
    tapes = sorted({tape for tape, _ in plain.place})
    for tape in sorted({tapes[a % len(tapes)], tapes[b % len(tapes)]}):
        end = sum(1 for fen in plain.place if fen[0] == tape)
        first = (a * 31 + b) % end
        for number in range(first, min(end, first + 1 + c % 12)):
            source = plain.place[tape, number]
            targets = _targets(source, plain.home[tape, number], tape, plain.funds[tape])
            target = targets[(b + c) % len(targets)]
            last = moves[-1] if moves else None
            if last and (last["tape"], last["hi"], last["from"], last["to"]) == (tape, number, source, target):
                last["hi"] = number + 1
            elif target != source:
                moves.append({"tape": tape, "lo": number, "hi": number + 1, "from": source, "to": target})
    return moves


def _targets(source: str, home: str, tape: str, tape_fund: str) -> list[str]:
    kind, *rest = source.split("/")
    if is_home(source):
        fund = rest[0]
        if kind == "fee":
            return [f"cost/{fund}/management"]
        away = [f"case/{escaped(case)}" for case in CASES] + [f"cost/{fund}/other", "hold/X", "refunded", "out/seized"]
        spent = [f"hospital/{escaped(HOSPITALS[1])}/C1", "used/C1"]
        # Only a gift that is taken back is void, which is its own fund's again by then.
        void = ["void"] if fund == escaped(tape_fund) else []
        return [*away, *spent, *(f"fund/{escaped(each)}" for each in FUNDS), f"fund/{fund}/t9", *void]
    if kind == "case":
        return [home, f"hospital/H1/{rest[0]}", f"used/{rest[0]}", f"hospital/{escaped(HOSPITALS[1])}/{rest[0]}"]
    if kind == "hospital":
        return [f"used/{rest[0]}/{rest[1]}", f"case/{rest[1]}", home]
    if kind == "used":
        return [home, f"case/{rest[-1]}"]
    return [home]


def command_of(step: Step, n: int) -> Command:
    """Some command about money; many are refused, which is as well."""
    kind, a, b, c = step
    key, on, amount = f"k{n}", START + timedelta(days=n // 4), 1 + b % 90
    case, hospital, fund = CASES[a % 2], HOSPITALS[b % 2], FUNDS[0 if c % 3 else 1]
    match kind % 8:
        case 0 | 1 | 2:
            donor = DONORS[c % 4]
            return ReceiveDonation(key=key, donation=f"G{n}", fund=fund, amount=1 + a % 300, on=on, donor=donor)
        case 3 | 4:
            return MakeAllocation(key=key, allocation=f"A{n}", case=case, amount=amount, on=on, fund=fund)
        case 5:
            lines = (PaymentLine(case, amount), PaymentLine(CASES[c % 2], 1 + c % 9))
            return PayHospital(key=key, payment=f"P{n}", hospital=hospital, lines=lines, on=on)
        case 6:
            return SettleTreatment(key=key, settlement=f"S{n}", hospital=hospital, case=case, amount=amount, on=on)
        case _:
            return GrantCash(key=key, grant=f"R{n}", case=case, amount=amount, on=on)


def folded(ledger: Ledger, page_entries: int = 2_000) -> Runner:
    """A runner whose views are up with the journal."""
    runner = Runner(ledger.journal, page_entries)
    runner.catch_up()
    return runner
