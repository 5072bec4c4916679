"""The reference model's rules for money: what speaks against a command, and which fens it issues and moves.

Each rule takes the state and a command, adds all that speaks against it to `why`, and says what it comes to otherwise.
"Taking" is from the front of the one order, "giving back" and transfer from its back.
"""

from __future__ import annotations

from collections.abc import Callable

from model_registry import case_place, given_terms
from model_state import BillKey, Command, Fact, Plan, Serial, State, Tape, Terms, Why, business_key, segment

SOURCES = {"donation", "grant", "government", "interest", "investment", "bank"}
RETURN_REASONS = {"surplus", "bank_rejected", "insurance", "re-billed"}
NOTHING = {"ranges_elsewhere", "bad_value"}
"""Why nothing at all is chosen by hand: the design has no code of its own for it."""
COST_KINDS = {"programme", "management", "fundraising", "channel", "other"}


def receive_donation(state: State, command: Command, why: Why) -> Plan:
    """New serials to fund/F, the fee's part to fee/F."""
    fund, amount, nature = command["fund"], command["amount"], command.get("nature", "own")
    if command.get("source", "donation") not in SOURCES or (nature == "agency" and command.get("fee_bp", 0) > 0):
        why.add("bad_value")
    if state.key_holder(business_key(command)):
        why.add("duplicate_business_key")
    terms = given_terms(state, command, nature, why)
    fee = 0 if nature == "agency" else amount * command.get("fee_bp", state.funds.get(fund, 0)) // 10_000
    opening: list[Tape] = []
    parts = [(terms, amount - fee, f"fund/{segment(fund)}"), (Terms("fee"), fee, f"fee/{segment(fund)}")]
    return Plan(
        issue=[(state.tape_number(fund, of, opening), part, to) for of, part, to in parts if part > 0],
        opening=opening,
        said={"fee_bp": 0 if nature == "agency" else command.get("fee_bp", state.funds.get(fund, 0))},
    )


def bring_forward(state: State, command: Command, why: Why) -> Plan:
    """An opening balance at a fund, or at an open case or hospital that its restriction (not its days) allows."""
    fund, case, hospital = command["fund"], command.get("case"), command.get("hospital")
    lines = command.get("lines", [])
    terms = given_terms(state, command, command.get("nature", "own"), why)
    if "basis" not in command or (case is not None and hospital is not None):
        why.add("bad_value")
    if (hospital is None) == bool(lines) or (not lines and "amount" not in command):
        why.add("bad_value")
    if len({line["case"] for line in lines}) < len(lines):  # a balance is one figure
        why.add("bad_value")
    used_otherwise = "allocation" if case is not None else "payment"
    if (case is not None or hospital is not None) and (used_otherwise, command["donation"]) in state.ids:
        why.add("already_recorded")
    parts = [(f"hospital/{segment(hospital)}/{segment(line['case'])}", line) for line in lines if hospital is not None]
    if case is not None:
        parts = [(case_place(case), command)]
    for _, part in parts:
        there = state.cases.get(part["case"])
        if there is not None and not there.is_open:
            why.add("case_closed")
        at = {} if hospital is None else {"hospital": hospital}
        if there is not None and not state.satisfied(terms, {**there.attributes, **at}):
            why.add("terms_forbid")
    amounts = [(to, part.get("amount", 0)) for to, part in parts or [(f"fund/{segment(fund)}", command)]]
    opening: list[Tape] = []
    number = state.tape_number(fund, terms, opening)
    said = {"amount": sum(amount for _, amount in amounts)}
    return Plan(issue=[(number, amount, to) for to, amount in amounts], opening=opening, said=said)


def attribute_donation(state: State, command: Command, why: Why) -> Plan:
    """Says whose an unattributed receipt is."""
    gift = state.records.get(("donation", command["donation"]))
    if gift is None:
        why.add("unknown_reference")
        return Plan()
    if not gift.stands:
        why.add("not_standing")
    if state.donor_of(command["donation"]) is not None:
        why.add("already_attributed")
    return Plan()


def make_allocation(state: State, command: Command, why: Why) -> Plan:
    """fund/F… → case/C, F being the case's own fund unless another is named; only of terms that allow it then."""
    case, on = state.cases.get(command["case"]), command.get("on", "")
    if case is None:
        return Plan()
    if not case.is_open:
        why.add("case_closed")
    fund = command.get("fund", case.fund)
    there = [serial for serial in state.at_fund(fund, on) if state.in_force(serial).usable(on)]
    taken = state.front(state.allowed(there, case.attributes), command["amount"], why)
    return Plan(to(case_place(command["case"]), taken), said={"fund": fund})


def release_allocation(state: State, command: Command, why: Why) -> Plan:
    """case/C → home: at most that allocation, less its releases that stand."""
    made = state.records.get(("allocation", command["allocation"]))
    if made is None:
        why.add("unknown_reference")
        return Plan()
    if not made.stands:
        why.add("not_standing")
    releases = state.standing("release_allocation", allocation=command["allocation"])
    if command["amount"] > made.command["amount"] - total(releases):
        why.add("more_than_stands")
    case = made.command["case"]
    taken = state.back(state.at(case_place(case), command.get("on", "")), command["amount"], why)
    return Plan(home(taken), said={"case": case})


def pay_hospital(state: State, command: Command, why: Why) -> Plan:
    """case/C → hospital/H/C for each line; a restriction must allow that hospital still."""
    hospital, plan, bills = command["hospital"], Plan(), dict(state.bills)
    if not command["lines"]:
        why.add("bad_value")
    if state.key_holder(business_key(command)):
        why.add("duplicate_business_key")
    for line in command["lines"]:
        case = state.cases.get(line["case"])
        if case is not None:
            spoken_for = {id(serial) for serial, _ in plan.moves}
            there = [s for s in state.at(case_place(line["case"]), command.get("on", "")) if id(s) not in spoken_for]
            allowed = state.allowed(there, {**case.attributes, "hospital": hospital})
            target = f"hospital/{segment(hospital)}/{segment(line['case'])}"
            plan.moves += to(target, state.front(allowed, line["amount"], why))
        if "bill_no" in line:
            bill = hospital, line["bill_no"], line["case"]
            limit, stands = bills.get(bill, (line.get("bill_amount", line["amount"]), 0))
            bills[bill] = limit, stands + line["amount"]
            if stands + line["amount"] > limit:
                why.add("bill_exceeded")
    plan.then = lambda: state.bills.update(bills)
    return plan


def return_hospital_payment(state: State, command: Command, why: Why) -> Plan:
    """hospital/H/C, then used/H/C → case/C, or home if the case is closed: at most what that payment paid for it."""
    paid, case, on = state.records.get(("payment", command["payment"])), command["case"], command.get("on", "")
    if command.get("reason", "surplus") not in RETURN_REASONS:
        why.add("bad_value")
    if paid is None or case not in state.cases:
        why.add("unknown_reference")
        return Plan()
    if not paid.stands:
        why.add("not_standing")
    lines = [line for line in paid.command["lines"] if line["case"] == case]
    returns = state.standing("return_hospital_payment", payment=command["payment"], case=case)
    if command["amount"] > sum(line["amount"] for line in lines) - total(returns):
        why.add("more_than_stands")
    bill_no = command.get("bill_no")
    if bill_no is None and lines:
        bill_no = lines[0].get("bill_no")
        if any(line.get("bill_no") != bill_no for line in lines):
            why.add("bad_value")
    of_bill = [line["amount"] for line in lines if line.get("bill_no") == bill_no]
    if not of_bill:
        why.add("bad_value")
    if command["amount"] > sum(of_bill) - total([one for one in returns if one.said["bill_no"] == bill_no]):
        why.add("more_than_stands")
    hospital = paid.command["hospital"]
    at = f"{segment(hospital)}/{segment(case)}"
    unsettled = state.at(f"hospital/{at}", on)
    first = max(min(command["amount"], len(unsettled)), 0)
    taken = state.back(unsettled, first, why) + state.back(state.at(f"used/{at}", on), command["amount"] - first, why)
    moves = to(case_place(case), taken) if state.cases[case].is_open else home(taken)
    bill = None if bill_no is None else (hospital, bill_no, case)
    return Plan(
        moves,
        said={"hospital": hospital, "bill_no": bill_no},
        then=lambda: take_off_bill(state, bill, command["amount"]),
    )


def settle_treatment(state: State, command: Command, why: Why) -> Plan:
    """hospital/H/C → used/H/C; others' shares of the treatment may be told, within its total."""
    shares = command["amount"] + command.get("insurance", 0) + command.get("family", 0)
    if shares > command.get("total", shares):
        why.add("bad_value")
    at = f"{segment(command['hospital'])}/{segment(command['case'])}"
    taken = state.front(state.at(f"hospital/{at}", command.get("on", "")), command["amount"], why)
    return Plan(to(f"used/{at}", taken))


def grant_cash(state: State, command: Command, why: Why) -> Plan:
    """case/C → used/C; a restriction must allow the case still."""
    case = state.cases.get(command["case"])
    if state.key_holder(business_key(command)):
        why.add("duplicate_business_key")
    if case is None:
        return Plan()
    there = state.allowed(state.at(case_place(command["case"]), command.get("on", "")), case.attributes)
    return Plan(to(f"used/{segment(command['case'])}", state.front(there, command["amount"], why)))


def return_grant(state: State, command: Command, why: Why) -> Plan:
    """used/C → case/C, or home if the case is closed: at most that grant."""
    grant = state.records.get(("grant", command["grant"]))
    if grant is None:
        why.add("unknown_reference")
        return Plan()
    if not grant.stands:
        why.add("not_standing")
    if command["amount"] > grant.command["amount"] - state.came_back(grant):
        why.add("more_than_stands")
    case = grant.command["case"]
    taken = state.back(state.at(f"used/{segment(case)}", command.get("on", "")), command["amount"], why)
    moves = to(case_place(case), taken) if state.cases[case].is_open else home(taken)
    return Plan(moves, said={"case": case})


def refund_donation(state: State, command: Command, why: Why) -> Plan:
    """That gift's own serials → refunded: `fee` of them from fee places, the others from any fund's."""
    gift, fee = state.records.get(("donation", command["donation"])), command.get("fee", 0)
    if not 0 <= fee <= command["amount"]:
        why.add("bad_value")
    if gift is None:
        why.add("unknown_reference")
        return Plan()
    own = [s for s in state.serials() if s.gift == command["donation"] and s.since <= command.get("on", "")]
    given = [serial for serial in own if serial.place.startswith("fund/")]
    fees = [serial for serial in own if serial.place.startswith("fee/")]
    taken = state.back(given, command["amount"] - fee, why, "not_refundable")
    taken += state.back(fees, fee, why, "not_refundable")
    return Plan(to("refunded", taken), said={"fee": fee})


def transfer_funds(state: State, command: Command, why: Why) -> Plan:
    """fund/F → fund/G and fund/F/tN → fund/G/tN: the terms go along, neither days nor restriction are judged."""
    fund, to_fund = f"fund/{segment(command['fund'])}", f"fund/{segment(command['to_fund'])}"
    if fund == to_fund or "basis" not in command:
        why.add("bad_value")
    taken = state.back(state.at_fund(command["fund"], command.get("on", "")), command["amount"], why)
    return Plan([(serial, to_fund + serial.place.removeprefix(fund)) for serial in taken])


def make_expense(state: State, command: Command, why: Why) -> Plan:
    """fee/F, or own and unrestricted money of fund/F… within its days → cost/F/K."""
    fund, kind, on = command["fund"], command["kind"], command.get("on", "")
    source = command.get("source", "fund")
    if kind not in COST_KINDS or source not in ("fund", "fee"):
        why.add("bad_value")
    if source == "fee":
        there = state.at(f"fee/{segment(fund)}", on)
    else:
        terms = [(serial, state.in_force(serial)) for serial in state.at_fund(fund, on)]
        there = [serial for serial, of in terms if of.nature == "own" and not of.restriction and of.usable(on)]
    return Plan(to(f"cost/{segment(fund)}/{kind}", state.front(there, command["amount"], why)), said={"from": source})


def change_terms(state: State, command: Command, why: Why) -> Plan:
    """fund/F… → fund/F/tN, or fund/F when the wanted terms are a serial's own tape's; the nature stays."""
    fund, place = command["fund"], f"fund/{segment(command['fund'])}"
    if "basis" not in command:
        why.add("bad_value")
    chosen = by_hand(state, command, state.at_fund(fund, command.get("on", "")), why)
    opening: list[Tape] = []
    moves: list[tuple[Serial, str]] = []
    for serial in chosen:
        wanted = given_terms(state, command, state.in_force(serial).nature, why)
        if wanted == state.tapes[serial.tape - 1].terms:
            moves.append((serial, place))
        else:
            moves.append((serial, f"{place}/t{state.tape_number(fund, wanted, opening)}"))
    if any(serial.place == target for serial, target in moves):
        why.add("bad_value")
    return Plan(moves, opening=opening, said={"amount": len(moves)})


def substitute_serials(state: State, command: Command, why: Why) -> Plan:
    """fund/F… → P, and as much at P → home; P is a case, hospital or used place, also of a closed case."""
    case, place, on = command["case"], command["place"], command.get("on", "")
    kind, *ids = place.split("/")
    if (
        "basis" not in command
        or ids[-1] != segment(case)
        or (kind, len(ids)) not in {("case", 1), ("hospital", 2), ("used", 1), ("used", 2)}
    ):
        why.add("bad_value")
    if case not in state.cases:
        return Plan()
    at_funds = [serial for fund in state.funds for serial in state.at_fund(fund, on)]
    incoming = state.named(command["incoming"], at_funds, why)
    outgoing = state.named(command["outgoing"], state.at(place, on), why)
    if len(incoming) != len(outgoing) or not incoming:
        why.add("bad_value")
    if len({serial.place.split("/")[1] for serial in incoming}) > 1:
        why |= {"ranges_elsewhere", "bad_value"}
    at = {"hospital": ids[0].replace("%2F", "/").replace("%25", "%")} if len(ids) == 2 else {}
    attributes = {**state.cases[case].attributes, **at}
    may = [serial for serial in state.allowed(incoming, attributes) if state.in_force(serial).usable(on)]
    if len(may) < len(incoming):
        why.add("terms_forbid")
    return Plan(to(place, incoming) + home(outgoing), said={"amount": len(incoming)})


def hold_money(state: State, command: Command, why: Why) -> Plan:
    """fund/F… → hold/X, of any funds."""
    at_funds = [serial for fund in state.funds for serial in state.at_fund(fund, command.get("on", ""))]
    chosen = by_hand(state, command, at_funds, why)
    return Plan(to(f"hold/{segment(command['hold'])}", chosen), said={"amount": len(chosen)})


def lift_hold(state: State, command: Command, why: Why) -> Plan:
    """hold/X → home: what is named, or everything that is there."""
    if ("hold", command["hold"]) not in state.ids:
        why.add("unknown_reference")
    there = state.at(f"hold/{segment(command['hold'])}", command.get("on", ""))
    chosen = state.named(command["ranges"], there, why) if command.get("ranges") else there
    if not chosen:
        why |= NOTHING
    return Plan(home(chosen), said={"amount": len(chosen)})


def reverse_entry(state: State, command: Command, why: Why) -> Plan:
    """Back along a recording mistake's moves; issues → void."""
    seq, on = command["reverses"], command.get("on", "")
    if not 0 <= seq < state.size:
        why.add("unknown_reference")
        return Plan()
    fact = state.facts.get(seq)
    if fact is None or not can_be_reversed(state, fact, on):
        why.add("cannot_reverse")
        return Plan()
    of = fact.command
    moves = [(serial, source) for serial, source, _ in fact.moves] + [(serial, "void") for serial, _ in fact.issue]
    plan = Plan(moves, said={"reverses": seq}, then=lambda: setattr(fact, "stands", False))
    if of["do"] == "return_grant":
        again = state.records["grant", of["grant"]]
    elif of["do"] == "return_hospital_payment":
        again = state.records["payment", of["payment"]]
    else:
        if of["do"] == "pay_hospital":
            plan.then = lambda: undo_payment(state, fact)
        return plan
    if state.key_holder(business_key(again.command)) not in (None, again):
        why.add("duplicate_business_key")
    if fact.said.get("bill_no") is not None:
        plan.then = put_back_on_bill(state, fact, again, why)
    return plan


def can_be_reversed(state: State, fact: Fact, on: str) -> bool:
    """Once; each serial still where it was put; nothing that stands names it; no closed case is refilled."""
    of, put = fact.command, [(serial, target) for serial, _, target in fact.moves] + fact.issue
    if not fact.stands or of["do"] in ("reverse_entry", "close_case") or not (put or of["do"] == "attribute_donation"):
        return False
    if any(serial.place != target or serial.since > on for serial, target in put):
        return False
    moved = {id(serial) for serial, *_ in fact.moves}
    for later in state.facts.values():
        stands = later.stands and later.command["do"] != "reverse_entry" and later.seq > fact.seq
        if stands and any(id(serial) in moved for serial, *_ in later.moves):
            return False
    for noun, *verbs in (
        ("donation", "attribute_donation"),
        ("allocation", "release_allocation"),
        ("payment", "return_hospital_payment"),
        ("grant", "return_grant"),
    ):
        id_ = next((name for (kind, name), record in state.records.items() if kind == noun and record is fact), None)
        if id_ is not None and state.standing(*verbs, **{noun: id_}):
            return False
    refilled = {source for _, source, _ in fact.moves}
    return not any(case_place(id_) in refilled for id_, case in state.cases.items() if not case.is_open)


# Bills: lines less returns; forgotten when nothing stands.


def take_off_bill(state: State, bill: BillKey | None, amount: int) -> None:
    """Something of the bill came back or was reversed."""
    if bill is not None:
        limit, stands = state.bills.pop(bill)
        if stands > amount:
            state.bills[bill] = limit, stands - amount


def undo_payment(state: State, fact: Fact) -> None:
    """A payment is reversed: its lines stand on no bill any more."""
    fact.stands = False
    for line in fact.command["lines"]:
        if "bill_no" in line:
            take_off_bill(state, (fact.command["hospital"], line["bill_no"], line["case"]), line["amount"])


def put_back_on_bill(state: State, fact: Fact, paid: Fact, why: Why) -> Callable[[], None]:
    """A return is reversed: its amount stands again on its bill.

    If that was forgotten, its limit is that of the payment's first line of it, and never less than what stands again.
    """
    bill_no, case = fact.said["bill_no"], fact.command["case"]
    line = next(one for one in paid.command["lines"] if one["case"] == case and one.get("bill_no") == bill_no)
    bill = paid.command["hospital"], bill_no, case
    amount = fact.command["amount"]
    limit, stands = state.bills.get(bill, (max(line.get("bill_amount", line["amount"]), amount), 0))
    if stands + amount > limit:
        why.add("bill_exceeded")

    def then() -> None:
        fact.stands = False
        state.bills[bill] = limit, stands + amount

    return then


# Small words of the rules above.


def to(place: str, serials: list[Serial]) -> list[tuple[Serial, str]]:
    """All of them to one place."""
    return [(serial, place) for serial in serials]


def home(serials: list[Serial]) -> list[tuple[Serial, str]]:
    """Each to the fund or fee place that it last left."""
    return [(serial, serial.home) for serial in serials]


def total(facts: list[Fact]) -> int:
    """The sum of their amounts."""
    return sum(fact.command["amount"] for fact in facts)


def by_hand(state: State, command: Command, there: list[Serial], why: Why) -> list[Serial]:
    """The ranges that a command names, or all of one gift's serials that are there."""
    donation = command.get("donation")
    if (donation is None) == (not command.get("ranges")):
        why.add("bad_value")
        return []
    if donation is None:
        return state.named(command["ranges"], there, why)
    gift = state.records.get(("donation", donation))
    if gift is None or not gift.stands:
        why.add("unknown_reference" if gift is None else "not_standing")
    chosen = [serial for serial in there if serial.gift == donation]
    if not chosen:
        why |= NOTHING
    return chosen
