"""The reference model's rules for what the ledger knows besides money: funds, hospitals, codes, cases.

Each rule takes the state and a command, adds all that speaks against it to `why`, and says what it comes to otherwise.
"""

from __future__ import annotations

from model_state import ID_DIMENSIONS, Case, Command, Plan, State, Terms, Why

CLOSING_REASONS = {"completed", "withdrawn", "ineligible", "moved", "other"}


def open_fund(state: State, command: Command, why: Why) -> Plan:
    """A fund with the fee rate of gifts that name none."""
    return Plan(then=lambda: state.funds.update({command["fund"]: command.get("fee_bp", 0)}))


def register_hospital(state: State, command: Command, why: Why) -> Plan:
    """A hospital is known by its id alone."""
    return Plan()


def define_code(state: State, command: Command, why: Why) -> Plan:
    """A code below one that there is; the dimensions of ids have no codes."""
    dimension, code, parent = command["dimension"], command["code"], command.get("parent")
    if dimension in ID_DIMENSIONS or (dimension, code) in state.codes:
        why.add("bad_value")
    if parent is not None and (dimension, parent) not in state.codes:
        why.add("unknown_code")
    return Plan(then=lambda: state.codes.update({(dimension, code): parent}))


def open_case(state: State, command: Command, why: Why) -> Plan:
    """A case of one person at one hospital."""
    case = Case(command["fund"], attributes(state, command, why), command.get("household"), command.get("purpose"))
    guard_against_two(state, None, case, command, why)
    return Plan(then=lambda: state.cases.update({command["case"]: case}))


def amend_case(state: State, command: Command, why: Why) -> Plan:
    """All attributes anew; no money moves."""
    amended, case = attributes(state, command, why), state.cases.get(command["case"])
    if case is None:
        return Plan()
    if case.is_open and amended.get("person") != case.attributes.get("person"):
        guard_against_two(state, command["case"], Case(case.fund, amended, case.household, case.purpose), command, why)
    return Plan(then=lambda: setattr(case, "attributes", amended))


def close_case(state: State, command: Command, why: Why) -> Plan:
    """Everything at the case goes home; refused when money reached it later, even if none of it is there any more."""
    case, place, on = state.cases.get(command["case"]), case_place(command["case"]), command.get("on", "")
    if command.get("reason", "completed") not in CLOSING_REASONS:
        why.add("bad_value")
    if case is None:
        return Plan()
    if not case.is_open:
        why.add("case_closed")
    for fact in state.facts.values():
        reached = {to for _, to in fact.issue} | {to for *_, to in fact.moves}
        if place in reached and fact.command["on"] > on:
            why.add("reached_later")
    return Plan([(serial, serial.home) for serial in state.at(place, on)], then=lambda: setattr(case, "is_open", False))


def reopen_case(state: State, command: Command, why: Why) -> Plan:
    """Opens a closed case; no money comes back."""
    case = state.cases.get(command["case"])
    if case is None:
        return Plan()
    if case.is_open:
        why.add("case_open")
    guard_against_two(state, command["case"], case, command, why)
    return Plan(then=lambda: setattr(case, "is_open", True))


def case_place(case: str) -> str:
    """Where money allocated to the case is."""
    return "case/" + case.replace("%", "%25").replace("/", "%2F")


def attributes(state: State, command: Command, why: Why) -> dict[str, str]:
    """A case's attributes: what is given, the hospital, and the person if there is one."""
    given = command.get("attributes", {})
    if ID_DIMENSIONS & given.keys():
        why.add("bad_value")
    if any(name not in ID_DIMENSIONS and (name, code) not in state.codes for name, code in given.items()):
        why.add("unknown_code")
    person = {"person": command["person"]} if "person" in command else {}
    return {**given, "hospital": command["hospital"], **person}


def guard_against_two(state: State, id: str | None, case: Case, command: Command, why: Why) -> None:
    """The same person or household in another open case of the same purpose needs approval."""
    for other_id, other in state.cases.items():
        same_person = "person" in case.attributes and case.attributes["person"] == other.attributes.get("person")
        same_household = case.household is not None and case.household == other.household
        alike = other.is_open and other_id != id and other.purpose == case.purpose
        if alike and (same_person or same_household) and not set(command.get("approved_by", [])) - {command.get("by")}:
            why.add("person_in_open_case")


def given_terms(state: State, command: Command, nature: str, why: Why) -> Terms:
    """The terms that a command names, in their one form."""
    restriction = {name: sorted(set(codes)) for name, codes in command.get("restriction", {}).items()}
    first, last = command.get("usable_from"), command.get("expires_on")
    one_person = len(restriction.get("person", [])) == 1
    if (
        nature not in ("own", "agency")
        or (not one_person if nature == "agency" else "person" in restriction)
        or len(restriction) > 8
        or not all(restriction.values())
        or (first is not None and last is not None and last < first)
    ):
        why.add("bad_value")
    for name, codes in restriction.items():
        if name == "hospital" and any((name, code) not in state.ids for code in codes):
            why.add("unknown_reference")
        if name not in ID_DIMENSIONS and any((name, code) not in state.codes for code in codes):
            why.add("unknown_code")
    return Terms(nature, restriction, first, last, command.get("agreement"))
