"""For each verb a command that should be accepted, drawn from what the model knows to exist; None if there is nothing.

Amounts are small, ids and days few, so that commands meet each other.
"""

from __future__ import annotations

from collections.abc import Callable

import model_rules as rules
from chance import BASIS, DAYS, DISEASES, DONORS, HOSPITALS, PERSONS, TODAY, Chance
from model_registry import case_place, given_terms
from model_state import Command, Fact, Serial, business_key, segment


def open_fund(c: Chance) -> Command | None:
    return {"fund": c.id("F"), **c.some(50, fee_bp=c.any_of([0, 100, 10_000, -1]))} if c.chance(40) else None


def register_hospital(c: Chance) -> Command | None:
    return {"hospital": c.id("H")}


def define_code(c: Chance) -> Command | None:
    parent = c.any_of([*DISEASES, c.any_of(["nope", "heart"])])
    return {"dimension": c.any_of(["disease"] * 9 + ["person"]), "code": c.id("d"), **c.some(60, parent=parent)}


def described(c: Chance) -> Command:
    """A case's hospital, person and attributes."""
    disease = c.any_of(DISEASES)
    return {
        "hospital": c.any_of(HOSPITALS),
        "attributes": {**c.some(90, disease=disease), **c.some(70, province="henan")},
        **c.some(70, person=c.any_of(PERSONS)),
    }


def open_case(c: Chance) -> Command | None:
    if sum(case.is_open for case in c.state.cases.values()) > 6:
        return None
    household = c.any_of(["M1", "M2"])
    return {
        "case": c.id("C"),
        "fund": c.any_of(list(c.state.funds)[:3]),
        **described(c),
        **c.some(30, household=household),
        **c.some(70, purpose=c.any_of(["travel", "care", "drugs"])),
    }


def amend_case(c: Chance) -> Command | None:
    case = c.one(c.state.cases)
    if case is None:
        return None
    had = c.state.cases[case].attributes.get("person")
    same = {"person": had} if had is not None and c.chance(60) else {}
    return {"case": case, **described(c), **same}


def close_case(c: Chance) -> Command | None:
    case = c.any_case()
    if case is None or c.chance(30):
        return None
    place, facts = case_place(case), c.state.facts.values()
    reached = [fact.command["on"] for fact in facts if place in {to for *_, to in [*fact.moves, *fact.issue]}]
    reason = c.any_of(["withdrawn", "moved", "other"])
    return {"case": case, "on": c.day(reached if c.chance(85) else []), **c.some(40, reason=reason)}


def reopen_case(c: Chance) -> Command | None:
    case = c.one(name for name, each in c.state.cases.items() if not each.is_open)
    return None if case is None else {"case": case}


def receive_donation(c: Chance) -> Command | None:
    agency, amount = c.chance(10), c.random.randint(4, 40)
    person = {"person": [c.any_of(PERSONS)]}
    foreign = {"currency": "USD", "amount": amount, "exponent": 2, "rate": "1.00", "rate_on": DAYS[0]}
    return {
        "donation": c.id("D"),
        "fund": c.any_of(list(c.state.funds)[:3]),
        "amount": amount,
        "on": c.any_of([*DAYS, *DAYS[:4]]),
        **({"restriction": person, "nature": "agency"} if agency else c.terms()),
        **c.some(55, donor=c.any_of(DONORS)),
        **c.some(0 if agency else 25, fee_bp=c.any_of([0, 500, 3333, 10_000])),
        **c.some(25, channel="wx", channel_txn=c.any_of("123456789"), line=c.any_of("12")),
        **c.some(10, source=c.any_of(["grant", "government", "bank"])),
        **c.some(5, payer="X9", receipt_to="X8"),
        **c.some(4, foreign=foreign),
    }


def bring_forward(c: Chance) -> Command | None:
    brought = {
        "donation": c.id("B"),
        "fund": c.any_of(list(c.state.funds)[:3]),
        "basis": BASIS,
        "on": c.any_of([*DAYS, *DAYS[:3]]),
        **c.some(50, donor=c.any_of(DONORS)),
    }
    case, amount = c.any_case(), c.random.randint(3, 20)
    if case is None or c.chance(35):
        return {**brought, "amount": amount, **c.terms()}
    terms = c.terms() if c.chance(50) else {}
    if c.chance(45):
        return {**brought, "case": case, "amount": amount, **terms}
    cases = [case, *[c.open_case() or case for _ in range(c.random.randrange(3))]]
    once = cases if c.chance(8) else dict.fromkeys(cases)
    lines = [{"case": each, "amount": c.random.randint(1, 9)} for each in once]
    return {**brought, "hospital": c.any_of(HOSPITALS), "lines": lines, **terms}


def attribute_donation(c: Chance) -> Command | None:
    gifts = [own for (noun, own), fact in c.state.records.items() if noun == "donation" and fact.stands]
    gift = c.one(one for one in gifts if c.state.donor_of(one) is None) if c.chance(85) else c.one(gifts)
    return None if gift is None else {"donation": gift, "donor": c.any_of(DONORS)}


def make_allocation(c: Chance) -> Command | None:
    case_id = c.any_case()
    if case_id is None:
        return None
    case, (fund, _) = c.state.cases[case_id], c.funded()
    named = c.some(35, fund=fund)
    there = c.state.allowed(c.state.at_fund(named.get("fund", case.fund), TODAY), case.attributes)
    if not there:
        return None
    on = c.days_of(there)
    most = sum(serial.since <= on and c.state.in_force(serial).usable(on) for serial in there)
    return {"allocation": c.id("A"), "case": case_id, "amount": c.part(min(most, 20)), "on": on, **named}


def release_allocation(c: Chance) -> Command | None:
    made = c.one(c.made("make_allocation") + [f for f in c.made("bring_forward") if "case" in f.command])
    if made is None:
        return None
    allocation = made.command.get("allocation") or made.command["donation"]
    releases = c.state.standing("release_allocation", allocation=allocation)
    left = made.command["amount"] - sum(f.command["amount"] for f in releases)
    there = c.state.at(case_place(made.command["case"]), TODAY)
    if not there or (left == 0 and c.chance(80)):
        return None
    on = c.days_of(there)
    most = min(max(left, 1), sum(serial.since <= on for serial in there))
    return {"allocation": allocation, "amount": c.part(most), "on": on, **c.some(20, release=c.id("L"))}


def pay_hospital(c: Chance) -> Command | None:
    hospital, lines, found = c.any_of(HOSPITALS), list[Command](), list[Serial]()
    cases = [one for one in c.state.cases if c.state.at(case_place(one), TODAY)]
    for case in [c.one(cases) for _ in range(c.any_of([1, 1, 1, 2, 3]))] if cases else []:
        assert case is not None
        attributes = {**c.state.cases[case].attributes, "hospital": hospital}
        there = c.state.allowed(c.state.at(case_place(case), TODAY), attributes)
        most = len(there) - sum(line["amount"] for line in lines if line["case"] == case)
        if most > 0:
            found += there
            lines.append({"case": case, "amount": c.part(min(most, 12)), **bill(c, hospital, case)})
    if not lines:
        return None
    return {
        "payment": c.id("Y"),
        "hospital": hospital,
        "lines": lines,
        "on": c.day(serial.since for serial in found),
        **c.some(45, account="icbc", bank_ref=bank_ref(c)),
    }


def bank_ref(c: Chance) -> str:
    """A bank's reference, now and then one that is in use, or was until all came back."""
    payments = [fact.command for fact in c.state.facts.values() if "bank_ref" in fact.command]
    free_again = [each["bank_ref"] for each in payments if not c.state.key_holder(business_key(each))]
    return c.any_of(free_again) if free_again and c.chance(60) else f"R{c.random.randint(1, 12)}"


def bill(c: Chance, hospital: str, case: str) -> Command:
    """A bill's members for a line, mostly of a bill with room."""
    bill_no = c.any_of(["B1", "B2", "B3"])
    limit, stands = c.state.bills.get((hospital, bill_no, case), (1, 0))
    if c.chance(40) or (limit - stands < 1 and c.chance(70)):
        return {}
    return {"bill_no": bill_no, **c.some(70, bill_amount=c.random.randint(10, 40))}


def settle_treatment(c: Chance) -> Command | None:
    places = sorted({s.place for s in c.state.serials() if s.place.startswith("hospital/")})
    place = c.one(places)
    if place is None:
        return None
    there, on = c.state.at(place, TODAY), c.days_of(c.state.at(place, TODAY))
    _, hospital, case = (part.replace("%2F", "/").replace("%25", "%") for part in place.split("/"))
    amount = c.part(sum(serial.since <= on for serial in there))
    shares = c.some(15, insurance=3, family=c.random.randint(0, 2), total=amount + 5)
    return {"settlement": c.id("S"), "hospital": hospital, "case": case, "amount": amount, "on": on, **shares}


def return_hospital_payment(c: Chance) -> Command | None:
    paid = c.one(c.made("pay_hospital") + [f for f in c.made("bring_forward") if "hospital" in f.command])
    if paid is None:
        return None
    payment = paid.command.get("payment") or paid.command["donation"]
    case, hospital = c.any_of(paid.command["lines"])["case"], paid.command["hospital"]
    lines = [line for line in paid.command["lines"] if line["case"] == case]
    returns = c.state.standing("return_hospital_payment", payment=payment, case=case)
    line = c.any_of(lines)
    same = [one for one in returns if one.said["bill_no"] == line.get("bill_no")]
    left = sum(one["amount"] for one in lines if one.get("bill_no") == line.get("bill_no"))
    left -= sum(one.command["amount"] for one in same)
    at = f"{segment(hospital)}/{segment(case)}"
    there = c.state.at(f"hospital/{at}", TODAY) + c.state.at(f"used/{at}", TODAY)
    if not there or (left == 0 and c.chance(80)):
        return None
    on = c.days_of(there)
    most = min(max(left, 1), sum(serial.since <= on for serial in there))
    named = {"bill_no": line["bill_no"]} if "bill_no" in line and c.chance(60) else {}
    reason = c.any_of(["surplus", "bank_rejected", "insurance", "re-billed"])
    back = most if c.chance(40) else c.part(most)
    return {
        "payment": payment,
        "case": case,
        "amount": back,
        "on": on,
        **named,
        **c.some(40, reason=reason, return_id="Z1"),
    }


def grant_cash(c: Chance) -> Command | None:
    case = c.one(one for one in c.state.cases if c.state.at(case_place(one), TODAY))
    if case is None:
        return None
    there = c.state.allowed(c.state.at(case_place(case), TODAY), c.state.cases[case].attributes)
    if not there:
        return None
    on = c.days_of(there)
    most = min(sum(serial.since <= on for serial in there), 8)
    purpose, period = c.any_of(["food", "travel"]), c.any_of(["2026-02", "2026-03"])
    named = {**c.some(45, purpose=purpose), **c.some(35, period=period)}
    return {"grant": c.id("G"), "case": case, "amount": c.part(most), "on": on, **named}


def return_grant(c: Chance) -> Command | None:
    grant = c.one(c.made("grant_cash"))
    if grant is None:
        return None
    left = grant.command["amount"] - c.state.came_back(grant)
    there = c.state.at(f"used/{segment(grant.command['case'])}", TODAY)
    if not there or (left == 0 and c.chance(80)):
        return None
    on = c.days_of(there)
    most = min(max(left, 1), sum(serial.since <= on for serial in there))
    return {"grant": grant.command["grant"], "amount": most if c.chance(50) else c.part(most), "on": on}


def refund_donation(c: Chance) -> Command | None:
    own: dict[str, list[Serial]] = {}
    for serial in c.state.serials():
        if serial.place.startswith(("fund/", "fee/")):
            own.setdefault(serial.gift, []).append(serial)
    gift = c.one(own)
    if gift is None:
        return None
    on = c.days_of(own[gift])
    kinds = [serial.place.split("/")[0] for serial in own[gift] if serial.since <= on]
    fee = c.random.randint(0, kinds.count("fee")) if c.chance(50) else 0
    given = c.part(min(kinds.count("fund"), 9)) if kinds.count("fund") else 0
    return {"refund": c.id("R"), "donation": gift, "amount": given + fee or 1, "fee": fee, "on": on}


def transfer_funds(c: Chance) -> Command | None:
    (fund, there), to_fund = c.funded(), c.any_of(list(c.state.funds)[:3])
    if not there or (to_fund == fund and c.chance(80)):
        return None
    on = c.days_of(there)
    amount = c.part(min(sum(serial.since <= on for serial in there), 15))
    return {"transfer": c.id("T"), "fund": fund, "to_fund": to_fund, "amount": amount, "on": on, "basis": BASIS}


def make_expense(c: Chance) -> Command | None:
    fund, there = c.funded()
    kind = c.any_of(["programme", "management", "fundraising", "channel", "other"])
    spent = {"expense": c.id("E"), "fund": fund, "kind": kind, "source": "fund"}
    fees = c.state.at(f"fee/{segment(fund)}", TODAY)
    if fees and c.chance(50):
        there, spent = fees, {**spent, "source": "fee"}
    else:
        terms = [(serial, c.state.in_force(serial)) for serial in there]
        there = [serial for serial, of in terms if of.nature == "own" and not of.restriction]
    if not there:
        return None
    on = c.days_of(there)
    return {**spent, "amount": c.part(min(sum(s.since <= on for s in there), 6)), "on": on}


def change_terms(c: Chance) -> Command | None:
    fund, there = c.funded()
    if not there:
        return None
    first = c.any_of(there)
    nature = c.state.in_force(first).nature
    own = c.state.tapes[first.tape - 1].terms
    if c.chance(30):
        wanted = {**own._asdict(), "nature": None}
    elif nature == "agency":
        wanted = {"restriction": {"person": [c.any_of(PERSONS)]}, **c.some(30, agreement="AG2")}
    else:
        wanted = c.terms()
    terms = {name: value for name, value in wanted.items() if value is not None}
    other = given_terms(c.state, terms, nature, set())
    alike = [s for s in there if c.state.in_force(s).nature == nature and c.state.in_force(s) != other]
    chosen = c.handful(alike if alike and c.chance(90) else there)
    by_hand: Command = {"ranges": c.ranges(chosen)}
    if c.chance(30):
        by_hand, chosen = {"donation": chosen[0].gift}, [s for s in there if s.gift == chosen[0].gift]
    return {"fund": fund, **by_hand, **terms, "basis": BASIS, "on": c.day(serial.since for serial in chosen)}


def substitute_serials(c: Chance) -> Command | None:
    places = sorted({s.place for s in c.state.serials() if s.place.startswith(("case/", "hospital/", "used/"))})
    place = c.one(places)
    if place is None:
        return None
    _, *ids = (part.replace("%2F", "/").replace("%25", "%") for part in place.split("/"))
    at = {"hospital": ids[0]} if len(ids) == 2 else {}
    _, there = c.funded()
    may = c.state.allowed(there, {**c.state.cases[ids[-1]].attributes, **at}) if c.chance(88) else there
    outgoing = c.handful(c.state.at(place, TODAY))
    if not may:
        return None
    incoming = c.handful(may)
    size = min(len(incoming), len(outgoing))
    both = incoming[:size] + outgoing[: size if c.chance(95) else size + 1]
    return {
        "case": ids[-1],
        "place": place,
        "incoming": c.ranges(both[:size]),
        "outgoing": c.ranges(both[size:]),
        "basis": BASIS,
        "on": c.day(serial.since for serial in both),
    }


def hold_money(c: Chance) -> Command | None:
    _, there = c.funded()
    if c.chance(30):
        there = [serial for serial in c.state.serials() if serial.place.startswith("fund/")]
    if not there or c.chance(50):
        return None
    chosen = c.handful(there)
    by_hand: Command = {"ranges": c.ranges(chosen)}
    if c.chance(25):
        by_hand, chosen = {"donation": chosen[0].gift}, [s for s in there if s.gift == chosen[0].gift]
    return {"hold": c.id("X"), **by_hand, "on": c.day(serial.since for serial in chosen)}


def lift_hold(c: Chance) -> Command | None:
    holds = sorted(own for noun, own in c.state.ids if noun == "hold")
    hold = c.one(one for one in holds if c.state.at(f"hold/{segment(one)}", TODAY))
    if hold is None:
        return None
    there = c.state.at(f"hold/{segment(hold)}", TODAY)
    chosen = c.handful(there)
    named = c.some(40, ranges=c.ranges(chosen))
    return {"hold": hold, **named, "on": c.day(serial.since for serial in (chosen if named else there))}


def reverse_entry(c: Chance) -> Command | None:
    on = c.any_of([TODAY] * 4 + DAYS)
    # Whoever reverses an entry knows its seq, so that was committed before.
    known = [fact for seq, fact in c.state.facts.items() if seq < c.committed]
    may = [fact for fact in known if rules.can_be_reversed(c.state, fact, on)]
    # Late ones first, or gifts of long ago would be most of it; returns, as they take keys and bills again.
    returns = [fact for fact in may if fact.command["do"].startswith("return_")]
    if c.chance(14) or (not may and c.chance(20)):
        in_the_way = [fact for fact in known if fact not in may and (fact.moves or fact.issue)]
        nearly = [fact for fact in in_the_way if is_in_place(fact)]
        refused = c.one(nearly if nearly and c.chance(75) else in_the_way)
        if refused is not None and c.chance(75):
            return {"reverses": refused.seq, "on": TODAY}
        return {"reverses": c.any_of([c.state.size + 5, *range(c.committed)]), "on": on}
    fact = c.one((returns if returns and c.chance(30) else may)[-12:])
    taken = [each for each in returns if holders(c, each) or c.chance(2)]
    if taken and c.chance(60):
        fact = c.one(taken)
    return None if fact is None else {"reverses": fact.seq, "on": on}


def is_in_place(fact: Fact) -> bool:
    """Whether its serials are still where it put them, so that only something else keeps it from being undone."""
    put = [(serial, target) for serial, _, target in fact.moves] + fact.issue
    return all(serial.place == target for serial, target in put)


def holders(c: Chance, returned: Fact) -> set[str]:
    """Why a return cannot be undone: its key or its bill was taken since."""
    why: set[str] = set()
    rules.reverse_entry(c.state, {"do": "reverse_entry", "reverses": returned.seq, "on": TODAY}, why)
    return why


WEIGHTS: dict[Callable[[Chance], Command | None], int] = {
    **{open_fund: 1, register_hospital: 1, define_code: 1, open_case: 5, amend_case: 4, close_case: 4, reopen_case: 4},
    **{receive_donation: 9, bring_forward: 5, attribute_donation: 4, make_allocation: 12, release_allocation: 5},
    **{pay_hospital: 10, return_hospital_payment: 7, settle_treatment: 5, grant_cash: 6, return_grant: 4},
    **{refund_donation: 3, transfer_funds: 3, make_expense: 4, change_terms: 5, substitute_serials: 5},
    **{hold_money: 4, lift_hold: 3, reverse_entry: 12},
}
"""How often each is drawn."""
