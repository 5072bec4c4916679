"""The laws of the money, checked on nothing but entries as JSON: one fen at a time, as of every date and every entry.

Each check raises Broken. They are written for the facts that the reference model knows, and share no code with it or
with the ledger.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

Entry = dict[str, Any]
Fen = tuple[int, int]
"""(tape number, serial)."""


class Broken(Exception):
    """A law does not hold; says where."""


def require(holds: bool, *where: object) -> None:
    if not holds:
        raise Broken(*where)


def tape_of(item: Entry) -> int:
    return int(item["tape"][1:])


def fens(item: Entry) -> list[Fen]:
    """The fens of one issue or move."""
    return [(tape_of(item), n) for n in range(item["lo"], item["hi"])]


def put(item: Entry) -> dict[Fen, str]:
    """Where its fens are after an issue or a move."""
    to: str = item["to"]
    return dict.fromkeys(fens(item), to)


def issues(entry: Entry) -> list[Entry]:
    return list(entry["data"].get("issue", []))


def moves(entry: Entry) -> list[Entry]:
    return list(entry["data"].get("moves", []))


def posted(entries: list[Entry], until: str = "9999-12-31") -> list[Entry]:
    """The entries with money whose `on` is up to that day, in order of seq."""
    return [entry for entry in entries if (issues(entry) or moves(entry)) and entry["data"]["on"] <= until]


def views(entries: list[Entry]) -> Iterator[list[Entry]]:
    """The entries with money as of each date on which there are any."""
    for day in sorted({entry["data"]["on"] for entry in posted(entries)}):
        yield posted(entries, day)


def follow(entries: list[Entry]) -> Iterator[tuple[Entry, dict[Fen, str]]]:
    """Each entry with where every fen is after it."""
    where: dict[Fen, str] = {}
    for entry in entries:
        for issue in issues(entry):
            where |= put(issue)
        for move in moves(entry):
            where |= put(move)
        yield entry, where


def check_law_1(entries: list[Entry]) -> None:
    """Each serial issued is at exactly one place: nothing is lost, nothing is spent twice."""
    for view in views(entries):
        where: dict[Fen, str] = {}
        issued = 0
        for entry in view:
            for issue in issues(entry):
                issued += issue["hi"] - issue["lo"]
                require(not where.keys() & fens(issue), "issued twice", entry["seq"])
                where |= put(issue)
            for move in moves(entry):
                require(all(where.get(fen) == move["from"] for fen in fens(move)), "spent twice", entry["seq"])
                where |= put(move)
            require(len(where) == issued, "lost", entry["seq"])


def check_law_2(entries: list[Entry]) -> None:
    """A move's range is wholly at `from`; an issue begins at the tape's end; moves are sorted, each serial once."""
    ends: Counter[int] = Counter()
    for entry in posted(entries):
        for issue in issues(entry):
            require(issue["lo"] == ends[tape_of(issue)] < issue["hi"], "not at the tape's end", entry["seq"])
            ends[tape_of(issue)] = issue["hi"]
        order = [(tape_of(move), move["lo"], move["hi"]) for move in moves(entry)]
        require(order == sorted(order) and all(lo < hi for _, lo, hi in order), "not sorted", entry["seq"])
        touched = [fen for move in moves(entry) for fen in fens(move)]
        require(len(touched) == len(set(touched)), "a serial moves twice", entry["seq"])
        for one, next_one in zip(moves(entry), moves(entry)[1:], strict=False):
            kinds = [(move["tape"], move["from"], move["to"]) for move in (one, next_one)]
            require(kinds[0] != kinds[1] or one["hi"] < next_one["lo"], "one range written as two", entry["seq"])
    for view in views(entries):
        before: dict[Fen, str] = {}
        for entry, after in follow(view):
            for move in moves(entry):
                require({before.get(fen) for fen in fens(move)} == {move["from"]}, "not at from", entry["seq"])
            before = dict(after)


def case_of(place: str) -> str | None:
    """The case that money at the place is for."""
    kind, *segments = place.split("/")
    return segments[-1] if kind in ("case", "hospital", "used") else None


def donor_to_case(view: list[Entry]) -> dict[str, dict[str, set[Fen]]]:
    """From each gift forward, move by move, to the cases it is with."""
    found: dict[str, dict[str, set[Fen]]] = defaultdict(lambda: defaultdict(set))
    for n, entry in enumerate(view):
        for fen in (fen for issue in issues(entry) for fen in fens(issue)):
            at = next(issue["to"] for issue in issues(entry) if fen in fens(issue))
            for later in view[n + 1 :]:
                at = next((move["to"] for move in moves(later) if move["from"] == at and fen in fens(move)), at)
            case = case_of(at)
            if case is not None:
                found[entry["data"]["donation"]][case].add(fen)
    return found


def case_to_donor(view: list[Entry]) -> dict[str, dict[str, set[Fen]]]:
    """From each case back, last move first, to the gifts its money came from."""
    found: dict[str, dict[str, set[Fen]]] = defaultdict(lambda: defaultdict(set))
    last: dict[Fen, str] = {}
    for entry in reversed(view):
        for move in moves(entry):
            for fen in fens(move):
                last.setdefault(fen, move["to"])
        for issue in issues(entry):
            for fen in fens(issue):
                case = case_of(last.setdefault(fen, issue["to"]))
                if case is not None:
                    found[case][entry["data"]["donation"]].add(fen)
    return found


def check_law_3(entries: list[Entry]) -> None:
    """Donor → case and case → donor traces are exact inverses, to the fen; together they are what was allocated."""
    for view in views(entries):
        forward, back = donor_to_case(view), case_to_donor(view)
        links = {(gift, case): run for gift, cases in forward.items() for case, run in cases.items()}
        require(links == {(gift, case): run for case, gifts in back.items() for gift, run in gifts.items()}, links)
        allocated: Counter[str] = Counter()
        for entry in view:
            if entry["type"] == "AllocationMade":
                allocated[entry["data"]["case"].replace("%", "%25").replace("/", "%2F")] += entry["data"]["amount"]
        for case in allocated.keys() | back.keys():
            require(sum(map(len, back[case].values())) == allocated[case], "not what was allocated", case)


def check_law_4(entries: list[Entry]) -> None:
    """At every node, opening + inflow = outflow + closing."""
    opening: Counter[str] = Counter()
    since = ""
    for view in views(entries):
        *_, (_, where) = follow(view)
        closing = Counter(where.values())
        inflow, outflow = Counter[str](), Counter[str]()
        for entry in view:
            if entry["data"]["on"] > since:
                for item in issues(entry) + moves(entry):
                    inflow[item["to"]] += item["hi"] - item["lo"]
                    outflow[item.get("from", "")] += item["hi"] - item["lo"]
        for node in opening.keys() | inflow.keys() | outflow.keys() - {""} | closing.keys():
            require(opening[node] + inflow[node] == outflow[node] + closing[node], node, view[-1]["seq"])
        opening, since = closing, max(entry["data"]["on"] for entry in view)


class Knowledge:
    """What entries say besides money, and where each fen is and was at home."""

    def __init__(self) -> None:
        self.tapes: dict[int, Entry] = {}
        self.parents: dict[tuple[str, str], str | None] = {}
        self.cases: dict[str, dict[str, str]] = {}
        self.where: dict[Fen, str] = {}
        self.home: dict[Fen, str] = {}
        self.since: dict[Fen, str] = {}

    def learn(self, entry: Entry) -> None:
        """Takes in one entry."""
        data = entry["data"]
        if entry["type"] == "TapeOpened":
            self.tapes[tape_of(data)] = data
        elif entry["type"] == "CodeDefined":
            self.parents[data["dimension"], data["code"]] = data.get("parent")
        elif entry["type"] == "CaseOpened":
            self.cases[data["case"]] = data["attributes"]
        for item in issues(entry) + moves(entry):
            for fen in fens(item):
                if self.where.get(fen, "").startswith(("fund/", "fee/")):
                    self.home[fen] = self.where[fen]
                self.where[fen], self.since[fen] = item["to"], data["on"]

    def terms(self, fen: Fen) -> Entry:
        """The terms in force: those of tape N at or from fund/F/tN, else the own tape's."""
        at = self.where[fen] if self.where[fen].startswith(("fund/", "fee/")) else self.home[fen]
        changed = at.split("/")[2:]
        return self.tapes[int(changed[0][1:]) if changed else fen[0]]

    def allows(self, fen: Fen, place: str) -> bool:
        """Whether the restriction in force lets the fen go to a case, hospital or used place."""
        kind, *ids = [part.replace("%2F", "/").replace("%25", "%") for part in place.split("/")]
        attributes = dict(self.cases[ids[-1]])
        if len(ids) == 2:
            attributes["hospital"] = ids[0]
        assert kind in ("case", "hospital", "used")
        return all(
            any(code in codes for code in self.lineage(dimension, attributes.get(dimension)))
            for dimension, codes in self.terms(fen)["restriction"].items()
        )

    def lineage(self, dimension: str, code: str | None) -> Iterator[str]:
        """The code, its parent, and so on."""
        while code is not None:
            yield code
            code = self.parents.get((dimension, code))

    def in_its_days(self, fen: Fen, on: str) -> bool:
        """Whether the fen may be allocated on that day."""
        terms = self.terms(fen)
        return bool(terms.get("usable_from", "") <= on <= terms.get("expires_on", "9999-12-31"))


def check_law_5(entries: list[Entry]) -> None:
    """Money goes from a fund to a case only if its terms allow that case on that day, and on only if they still do."""
    known = Knowledge()
    for entry in entries:
        for move in moves(entry):
            for fen in fens(move):
                if move["from"].startswith(("fund/", "case/")):
                    require(known.allows(fen, move["to"]), "forbidden", entry["seq"], fen)
                if move["from"].startswith("fund/"):
                    require(known.in_its_days(fen, entry["data"]["on"]), "outside its days", entry["seq"], fen)
                if move["to"].startswith(("fund/", "fee/")) and not move["from"].startswith("fund/"):
                    require(known.home.get(fen) == move["to"], "not home", entry["seq"], fen)
        known.learn(entry)


def wanted(entry: Entry) -> list[tuple[int, list[str], str]]:
    """What the entry's row of the table says: so much, from one of these places, to that one."""
    data = entry["data"]
    name = {key: str(data.get(key, "")).replace("%", "%25").replace("/", "%2F") for key in ("case", "fund", "hospital")}
    case, fund, hospital = name["case"], name["fund"], name["hospital"]
    match entry["type"]:
        case "AllocationMade":
            return [(data["amount"], [f"fund/{fund}"], f"case/{case}")]
        case "TreatmentSettled":
            return [(data["amount"], [f"hospital/{hospital}/{case}"], f"used/{hospital}/{case}")]
        case "CashGranted":
            return [(data["amount"], [f"case/{case}"], f"used/{case}")]
        case "HospitalPaymentMade":
            amounts: Counter[str] = Counter()
            for line in data["lines"]:
                amounts[line["case"].replace("%", "%25").replace("/", "%2F")] += line["amount"]
            return [(amount, [f"case/{to}"], f"hospital/{hospital}/{to}") for to, amount in amounts.items()]
    return []


def check_law_6(entries: list[Entry]) -> None:
    """A known fact moves only as its row says, names the policy, and moved exactly its amount, as the policy picks."""
    known = Knowledge()
    for entry in entries:
        moved = {fen: (move["from"], move["to"]) for move in moves(entry) for fen in fens(move)}
        expected: dict[Fen, tuple[str, str]] = {}
        for amount, sources, target in wanted(entry):
            require(entry["data"].get("policy") == "earmark-fifo/1", "no policy", entry["seq"])
            on, found = entry["data"]["on"], []
            for fen, place in known.where.items():
                if (
                    place in sources
                    and known.since[fen] <= on
                    and (place.startswith("hospital/") or known.allows(fen, target))
                    and (not place.startswith("fund/") or known.in_its_days(fen, on))
                ):
                    found.append(fen)
            found.sort(key=lambda fen: rank(known.terms(fen), fen))
            expected |= {fen: (known.where[fen], target) for fen in found[:amount]}
            require(len(found) >= amount, "more than there was", entry["seq"])
        require(moved == expected, "not as the policy picks", entry["seq"])
        if entry["type"] == "DonationReceived":
            data = entry["data"]
            fee = data["amount"] * data["fee_bp"] // 10_000
            issued = {issue["to"].split("/")[0]: issue["hi"] - issue["lo"] for issue in issues(entry)}
            parts = {"fund": data["amount"] - fee, "fee": fee}
            require(issued == {kind: part for kind, part in parts.items() if part}, "not its amount", entry["seq"])
        known.learn(entry)


def rank(terms: Entry, fen: Fen) -> tuple[int, bool, str, Fen]:
    """The order of earmark-fifo/1."""
    return -len(terms["restriction"]), "expires_on" not in terms, terms.get("expires_on", ""), fen


def check_law_7(entries: list[Entry]) -> None:
    """Along each serial `on` never goes back, and no move takes serials that arrive later."""
    for view in views(entries):
        since: dict[Fen, str] = {}
        for entry in view:
            on = entry["data"]["on"]
            for item in issues(entry) + moves(entry):
                for fen in fens(item):
                    require("from" not in item or fen in since, "moves before it is there", entry["seq"], fen)
                    require(since.get(fen, "") <= on, "time goes back", entry["seq"], fen)
                    since[fen] = on


CHECKS: dict[int, Callable[[list[Entry]], None]] = {
    1: check_law_1,
    2: check_law_2,
    3: check_law_3,
    4: check_law_4,
    5: check_law_5,
    6: check_law_6,
    7: check_law_7,
}
