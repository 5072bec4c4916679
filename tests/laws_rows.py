"""Laws 5 and 6, judged once at each entry on all entries before it: where money may go, and the rows of the table.

Like `laws.py` it reads nothing but entries as JSON, and shares no code with the reference model or with the ledger.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from laws import Entry, Fen, Law, Law1, Law2, Law3, Law4, Law7, escaped, fens, issues, moves, require, size, tape_of

Moves = dict[Fen, tuple[str, str]]
"""Where each fen goes, (from, to)."""
AT_HOME = ("fund/", "fee/")


class Knowledge:
    """What the entries so far say, and where each fen is and was at home."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.reversed: set[int] = set()
        self.tapes: dict[int, Entry] = {}
        self.parents: dict[tuple[str, str], str | None] = {}
        self.cases: dict[str, dict[str, str]] = {}
        self.closed: set[str] = set()
        self.where: dict[Fen, str] = {}
        self.there: dict[str, set[Fen]] = defaultdict(set)
        self.home: dict[Fen, str] = {}
        self.since: dict[Fen, str] = {}
        self.gift: dict[Fen, str] = {}
        self.movers: dict[Fen, list[int]] = defaultdict(list)

    def learn(self, entry: Entry) -> None:
        """Takes in one entry."""
        data = self.entries.setdefault(entry["seq"], entry)["data"]
        match entry["type"]:
            case "TapeOpened":
                self.tapes[tape_of(data)] = data
            case "CodeDefined":
                self.parents[data["dimension"], data["code"]] = data.get("parent")
            case "CaseOpened" | "CaseAmended":
                self.cases[data["case"]] = data["attributes"]
            case "CaseClosed":
                self.closed.add(escaped(data["case"]))
            case "CaseReopened":
                self.closed.remove(escaped(data["case"]))
            case "EntryReversed":
                self.reversed.add(data["reverses"])
        for issue in issues(entry):
            for fen in fens(issue):
                self.gift[fen] = data["donation"]
                self.home[fen] = "fund/" + escaped(self.tapes[fen[0]]["fund"])
        for item in issues(entry) + moves(entry):
            for fen in fens(item):
                before = self.where.get(fen, "")
                if before.startswith(AT_HOME):
                    self.home[fen] = before
                self.there[before].discard(fen)
                self.there[item["to"]].add(fen)
                self.where[fen], self.since[fen] = item["to"], data["on"]
                if "from" in item:
                    self.movers[fen].append(entry["seq"])

    def terms(self, fen: Fen) -> Entry:
        """The terms in force: those of tape N at or from fund/F/tN, else the own tape's."""
        at = self.where[fen] if self.where[fen].startswith(AT_HOME) else self.home[fen]
        changed = at.split("/")[2:]
        return self.tapes[int(changed[0][1:]) if changed else fen[0]]

    def allows(self, terms: Entry, place: str) -> bool:
        """Whether a restriction lets money go to a case, hospital or used place."""
        kind, *ids = [part.replace("%2F", "/").replace("%25", "%") for part in place.split("/")]
        attributes = dict(self.cases[ids[-1]])
        if len(ids) == 2:
            attributes["hospital"] = ids[0]
        assert kind in ("case", "hospital", "used")
        return all(
            any(code in codes for code in self.lineage(dimension, attributes.get(dimension)))
            for dimension, codes in terms["restriction"].items()
        )

    def lineage(self, dimension: str, code: str | None) -> Iterator[str]:
        """The code, its parent, and so on."""
        while code is not None:
            yield code
            code = self.parents.get((dimension, code))

    def at(self, place: str, on: str) -> list[Fen]:
        """What is at the place and was by that day, in the order of earmark-fifo/1."""
        return self.ordered([fen for fen in self.there[place] if self.since[fen] <= on])

    def at_fund(self, fund: str, on: str) -> list[Fen]:
        """The same at fund/F and fund/F/tN; `fund` as places write it."""
        places = [place for place in self.there if place == f"fund/{fund}" or place.startswith(f"fund/{fund}/")]
        return self.ordered([fen for place in places for fen in self.there[place] if self.since[fen] <= on])

    def ordered(self, found: list[Fen]) -> list[Fen]:
        """By the order of earmark-fifo/1."""
        return sorted(found, key=lambda fen: (*rank(self.terms(fen)), fen))

    def stands(self, seq: int) -> bool:
        return seq not in self.reversed and self.entries[seq]["type"] != "EntryReversed"


def rank(terms: Entry) -> tuple[int, bool, str]:
    """More restricted dimensions first, then earliest expiry, none last."""
    return -len(terms["restriction"]), "expires_on" not in terms, terms.get("expires_on", "")


def in_its_days(terms: Entry, on: str) -> bool:
    return bool(terms.get("usable_from", "") <= on <= terms.get("expires_on", "9999-12-31"))


def is_use(place: str) -> bool:
    return place.startswith(("case/", "hospital/", "used/"))


class Law5:
    """Money goes from a fund to a case only if its terms allow that case on that day, and on only if they still do."""

    def __init__(self) -> None:
        self.known = Knowledge()

    def take(self, entry: Entry) -> None:
        known, kind, where = self.known, entry["type"], entry["seq"]
        if kind == "BalanceBroughtForward":
            for issue in issues(entry):
                if is_use(issue["to"]):
                    require(known.allows(known.tapes[tape_of(issue)], issue["to"]), "forbidden", where)
        for move in moves(entry):
            source, target = move["from"], move["to"]
            if source.startswith("fund/") and target.startswith("fund/") and kind != "EntryReversed":
                (fund, *terms), (to_fund, *to_terms) = source.split("/")[1:], target.split("/")[1:]
                require(fund == to_fund or kind == "FundsTransferred", "changes the fund", where)
                require(terms == to_terms or kind == "TermsChanged", "changes terms", where)
            for fen in fens(move):
                if is_use(target) and source.startswith(("fund/", "case/")) and kind != "EntryReversed":
                    require(known.allows(known.terms(fen), target), "forbidden", where, fen)
                    allowed = not source.startswith("fund/") or in_its_days(known.terms(fen), entry["data"]["on"])
                    require(allowed, "outside its days", where, fen)
                if target.startswith(AT_HOME) and not source.startswith("fund/"):
                    require(known.home.get(fen) == target, "not home", where, fen)
        known.learn(entry)


class Rows:
    """What each row of the table says a fact moves, worked out from the entries before it."""

    def __init__(self, known: Knowledge, entry: Entry) -> None:
        self.known, self.data, self.on = known, entry["data"], entry["data"].get("on", "")
        self.case, self.fund = escaped(self.data.get("case", "")), escaped(self.data.get("fund", ""))
        self.at = f"{escaped(self.data.get('hospital', ''))}/{self.case}"

    def cut(self, found: list[Fen], amount: int) -> list[Fen]:
        require(len(found) >= amount, "more than there was")
        return found[:amount]

    def to(self, found: list[Fen], target: str) -> Moves:
        return {fen: (self.known.where[fen], target) for fen in found}

    def home(self, found: list[Fen]) -> Moves:
        return {fen: (self.known.where[fen], self.known.home[fen]) for fen in found}

    def front(self, found: list[Fen], target: str, amount: int | None = None) -> Moves:
        return self.to(self.cut(found, self.data["amount"] if amount is None else amount), target)

    def allowed(self, found: list[Fen], target: str) -> list[Fen]:
        return [fen for fen in found if self.known.allows(self.known.terms(fen), target)]

    def back_to_case(self, found: list[Fen]) -> Moves:
        return self.home(found) if self.case in self.known.closed else self.to(found, f"case/{self.case}")

    def allocation_made(self) -> Moves:
        there = [fen for fen in self.known.at_fund(self.fund, self.on) if in_its_days(self.known.terms(fen), self.on)]
        return self.front(self.allowed(there, f"case/{self.case}"), f"case/{self.case}")

    def allocation_released(self) -> Moves:
        return self.home(self.cut(self.known.at(f"case/{self.case}", self.on)[::-1], self.data["amount"]))

    def hospital_payment_made(self) -> Moves:
        amounts, moved = Counter[str](), Moves()
        for line in self.data["lines"]:
            amounts[escaped(line["case"])] += line["amount"]
        for case, amount in amounts.items():
            target = f"hospital/{escaped(self.data['hospital'])}/{case}"
            moved |= self.front(self.allowed(self.known.at(f"case/{case}", self.on), target), target, amount)
        return moved

    def hospital_payment_returned(self) -> Moves:
        unsettled, settled = (self.known.at(f"{kind}/{self.at}", self.on)[::-1] for kind in ("hospital", "used"))
        return self.back_to_case(self.cut(unsettled[: self.data["amount"]] + settled, self.data["amount"]))

    def treatment_settled(self) -> Moves:
        return self.front(self.known.at(f"hospital/{self.at}", self.on), f"used/{self.at}")

    def cash_granted(self) -> Moves:
        return self.front(
            self.allowed(self.known.at(f"case/{self.case}", self.on), f"used/{self.case}"), f"used/{self.case}"
        )

    def grant_returned(self) -> Moves:
        return self.back_to_case(self.cut(self.known.at(f"used/{self.case}", self.on)[::-1], self.data["amount"]))

    def donation_refunded(self) -> Moves:
        gift, fee = self.data["donation"], self.data["fee"]
        own = [fen for fen, of in self.known.gift.items() if of == gift and self.known.since[fen] <= self.on]
        last_first = self.known.ordered(own)[::-1]
        given = [fen for fen in last_first if self.known.where[fen].startswith("fund/")]
        fees = [fen for fen in last_first if self.known.where[fen].startswith("fee/")]
        return self.to(self.cut(given, self.data["amount"] - fee) + self.cut(fees, fee), "refunded")

    def funds_transferred(self) -> Moves:
        found = self.cut(self.known.at_fund(self.fund, self.on)[::-1], self.data["amount"])
        below = {fen: self.known.where[fen].split("/")[2:] for fen in found}
        to_fund = escaped(self.data["to_fund"])
        return {fen: (self.known.where[fen], "/".join(["fund", to_fund, *below[fen]])) for fen in found}

    def expense_made(self) -> Moves:
        target = f"cost/{self.fund}/{self.data['kind']}"
        if self.data["from"] == "fee":
            return self.front(self.known.at(f"fee/{self.fund}", self.on), target)
        terms = [(fen, self.known.terms(fen)) for fen in self.known.at_fund(self.fund, self.on)]
        free = [fen for fen, of in terms if of["nature"] == "own" and not of["restriction"]]
        return self.front([fen for fen in free if in_its_days(self.known.terms(fen), self.on)], target)

    def case_closed(self) -> Moves:
        place = f"case/{self.case}"
        for before in self.known.entries.values():
            reached = any(item["to"] == place for item in issues(before) + moves(before))
            require(not reached or before["data"]["on"] <= self.on, "money reached the case later")
        return self.home(self.known.at(place, self.on))


BY_HAND = {"TermsChanged", "SerialsSubstituted", "MoneyHeld", "HoldLifted"}
PICKED = {
    *("AllocationMade", "AllocationReleased", "HospitalPaymentMade", "HospitalPaymentReturned", "TreatmentSettled"),
    *("CashGranted", "GrantReturned", "DonationRefunded", "FundsTransferred", "ExpenseMade"),
}
"""Facts with an amount that name the policy, which picks the serials."""


class Law6:
    """A known fact moves only as its row says; one with an amount names the policy and moved that, as it picks."""

    def __init__(self) -> None:
        self.known = Knowledge()
        self.left: Counter[tuple[str, ...]] = Counter()
        self.budgets: dict[int, Counter[tuple[str, ...]]] = {}

    def take(self, entry: Entry) -> None:
        kind, where = entry["type"], entry["seq"]
        moved = {fen: (move["from"], move["to"]) for move in moves(entry) for fen in fens(move)}
        require(("policy" in entry["data"]) == (kind in PICKED), "names a policy, or does not", where)
        if kind in PICKED or kind == "CaseClosed":
            require(entry["data"].get("policy", "earmark-fifo/1") == "earmark-fifo/1", "no policy", where)
            row = "".join("_" + c.lower() if c.isupper() else c for c in kind).removeprefix("_")
            expected: Moves = getattr(Rows(self.known, entry), row)()
            require(moved == expected, "not as the policy picks", where)
        elif kind in BY_HAND:
            self.check_by_hand(entry, moved)
        elif kind == "EntryReversed":
            self.check_reversal(entry, moved)
        else:
            require(not moved, "moves nothing", where)
        self.check_issues(entry)
        self.check_budgets(entry)
        self.known.learn(entry)

    def check_by_hand(self, entry: Entry, moved: Moves) -> None:
        """Ranges chosen by hand go where their row lets them, and the amount stated is theirs."""
        data, known = entry["data"], self.known
        amount = len(moved)
        for fen, (source, target) in moved.items():
            kind, *ids = source.split("/")
            match entry["type"]:
                case "TermsChanged":
                    tape = int(target.split("/t")[-1]) if target.count("/") == 2 else fen[0]
                    same = known.tapes[tape]["nature"] == known.terms(fen)["nature"]
                    fits = kind == "fund" and target.split("/")[:2] == ["fund", ids[0]] and target != source and same
                    fits = fits and (target.count("/") == 1 or (tape != fen[0] and is_tape_of(known, tape, ids[0])))
                case "MoneyHeld":
                    fits = kind == "fund" and target == "hold/" + escaped(data["hold"])
                case "HoldLifted":
                    fits = source == "hold/" + escaped(data["hold"]) and target == known.home[fen]
                case _:
                    place = target if kind == "fund" else source
                    fits = is_use(place) and place.split("/")[-1] == escaped(data["case"])
                    fits = fits and (kind == "fund" or target == known.home[fen])
            require(fits, "not as its row says", entry["seq"], fen)
        if entry["type"] == "SerialsSubstituted":
            incoming = {target for source, target in moved.values() if source.startswith("fund/")}
            outgoing = {source for source, _ in moved.values() if not source.startswith("fund/")}
            count = sum(source.startswith("fund/") for source, _ in moved.values())
            require(incoming == outgoing and len(incoming) == 1, "not one place", entry["seq"])
            require(amount == 2 * count, "not as much out as in", entry["seq"])
            amount = count
        require(data["amount"] == amount > 0, "not its amount", entry["seq"])

    def check_reversal(self, entry: Entry, moved: Moves) -> None:
        """Exactly back, once, of what can be undone."""
        known, where, seq = self.known, entry["seq"], entry["data"]["reverses"]
        undone = known.entries.get(seq)
        assert undone is not None, "it comes before"
        kind, of = undone["type"], undone["data"]
        back = {fen: (move["to"], move["from"]) for move in moves(undone) for fen in fens(move)}
        back |= {fen: (issue["to"], "void") for issue in issues(undone) for fen in fens(issue)}
        require(moved == back, "not exactly back", where)
        money = bool(back) or kind == "DonationAttributed"
        require(money and kind not in ("EntryReversed", "CaseClosed"), "cannot be undone", where)
        require(seq not in known.reversed, "undone before", where)
        for move in moves(undone):
            for fen in fens(move):
                later = [one for one in known.movers[fen] if one > seq and known.stands(one)]
                require(not later, "moved since by an entry that stands", where, fen)
            case = move["from"].removeprefix("case/")
            require(not move["from"].startswith("case/") or case not in known.closed, "refills a closed case", where)
        for name, namers in NAMED_BY.get(kind, {}).items():
            for other in known.entries.values():
                named = other["type"] in namers and other["data"].get(namers[other["type"]]) == of.get(name)
                require(not named or not known.stands(other["seq"]), "named by an entry that stands", where)

    def check_issues(self, entry: Entry) -> None:
        """New money is as much as is stated, and the fee is its part."""
        data, kind = entry["data"], entry["type"]
        issued = Counter[str]()
        for issue in issues(entry):
            issued[issue["to"]] += size([issue])
            require(self.known.tapes[tape_of(issue)]["fund"] == data["fund"], "another fund's tape", entry["seq"])
        fund = escaped(data.get("fund", ""))
        expected = Counter[str]()
        if kind == "DonationReceived":
            fee = data["amount"] * data["fee_bp"] // 10_000
            expected.update({f"fund/{fund}": data["amount"] - fee, f"fee/{fund}": fee})
        elif kind == "BalanceBroughtForward":
            for line in data.get("lines", [data]):
                at = f"case/{escaped(line['case'])}" if "case" in line else f"fund/{fund}"
                at = f"hospital/{escaped(data['hospital'])}/{escaped(line['case'])}" if "lines" in data else at
                expected[at] += line["amount"]
            require(data["amount"] == expected.total(), "not its amount", entry["seq"])
        require(issued == +expected, "not its amount", entry["seq"])

    def check_budgets(self, entry: Entry) -> None:
        """What comes back of an allocation, a payment or a grant is at most what it was for."""
        data, budget = entry["data"], Counter[tuple[str, ...]]()
        match entry["type"]:
            case "AllocationMade" | "AllocationReleased":
                budget["allocation", data["allocation"]] = data["amount"]
            case "HospitalPaymentMade":
                for line in data["lines"]:
                    budget["payment", data["payment"], line["case"]] += line["amount"]
            case "BalanceBroughtForward":
                if "case" in data:
                    budget["allocation", data["donation"]] = data["amount"]
                for line in data.get("lines", []):
                    budget["payment", data["donation"], line["case"]] += line["amount"]
            case "HospitalPaymentReturned":
                budget["payment", data["payment"], data["case"]] = data["amount"]
            case "CashGranted" | "GrantReturned":
                budget["grant", data["grant"]] = data["amount"]
            case "EntryReversed":
                budget.subtract(self.budgets[data["reverses"]])
        if entry["type"] in ("AllocationReleased", "HospitalPaymentReturned", "GrantReturned"):
            budget = Counter({name: -amount for name, amount in budget.items()})
        self.budgets[entry["seq"]] = budget
        self.left.update(budget)
        require(all(self.left[name] >= 0 for name in budget), "more than stands", entry["seq"])


def is_tape_of(known: Knowledge, tape: int, fund: str) -> bool:
    return tape in known.tapes and escaped(known.tapes[tape]["fund"]) == fund


NAMED_BY: dict[str, dict[str, dict[str, str]]] = {
    "DonationReceived": {"donation": {"DonationAttributed": "donation"}},
    "BalanceBroughtForward": {
        "donation": {
            "DonationAttributed": "donation",
            "AllocationReleased": "allocation",
            "HospitalPaymentReturned": "payment",
        }
    },
    "AllocationMade": {"allocation": {"AllocationReleased": "allocation"}},
    "HospitalPaymentMade": {"payment": {"HospitalPaymentReturned": "payment"}},
    "CashGranted": {"grant": {"GrantReturned": "grant"}},
}
"""By which facts, under which of their members, the member of a fact may be named."""
LAWS: dict[int, type[Law]] = {1: Law1, 2: Law2, 3: Law3, 4: Law4, 5: Law5, 6: Law6, 7: Law7}
"""All seven by number."""
