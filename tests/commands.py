"""Random commands for the ledger: most of them accepted, some of them wrong, some asked twice.

A `random.Random` and no hypothesis strategy: each draw looks at the state that all commands before it left, so a
strategy could not take one of them away without drawing all later ones anew. Here a history, once told, is a list of
plain commands; the shrinker (`histories.py`) leaves some out and asks the model again what becomes of the rest.
"""

from __future__ import annotations

from random import Random
from typing import Any

from chance import DAYS, HOSPITALS, TOMORROW, Chance
from draws import WEIGHTS
from model import Model
from model_state import Command

FIRST: list[Command] = [
    {"do": "open_fund", "fund": "F1"},
    {"do": "open_fund", "fund": "F2", "fee_bp": 1000},
    {"do": "open_fund", "fund": "F/3", "fee_bp": 250},
    *[{"do": "register_hospital", "hospital": hospital} for hospital in HOSPITALS],
    {"do": "define_code", "dimension": "disease", "code": "heart"},
    *[{"do": "define_code", "dimension": "disease", "code": code, "parent": "heart"} for code in ("vsd", "asd")],
    {"do": "define_code", "dimension": "disease", "code": "lung"},
    {"do": "define_code", "dimension": "province", "code": "henan"},
]
"""What every history begins with."""
RECORDS = ("fund", "to_fund", "hospital", "case", "allocation", "payment", "grant", "donation", "hold")
WRONG: dict[str, list[Any]] = {
    "on": [TOMORROW, TOMORROW, DAYS[0], DAYS[1], None],
    "amount": [0, -1, 45, 400],
    **{name: ["nope"] for name in ("reason", "source", "kind", "nature", *RECORDS)},
    "basis": [None, None],
    "attributes": [{"disease": "nope"}, {"colour": "red"}, {"person": "P1"}],
    "restriction": [{"disease": ["nope"]}, {"disease": []}, {"person": ["P1", "P2"]}, {"hospital": ["nope"]}],
    **{name: [["t1:0-1"], ["t1:5-5"], ["x"], ["t99:0-3"]] for name in ("ranges", "incoming", "outgoing")},
}
"""What may be wrong with a command, by member; None leaves it out."""


class Asker(Chance):
    """Draws one command after another; the model must have been asked each of them before the next is drawn."""

    def __init__(self, random: Random, model: Model) -> None:
        super().__init__(random, model)
        self.asked: list[Command] = []

    def next(self) -> Command:
        """One command more, with a key of its own or an earlier one's."""
        number = len(self.asked)
        if number < len(FIRST):
            self.asked.append({**FIRST[number], "key": f"k{number}"})
        elif self.chance(4):
            before = self.any_of(self.asked)
            self.asked.append(before if self.chance(50) else {**before, "by": "staff-9"})
        else:
            self.asked.append({**self.signed(self.spoilt(self.drawn())), "key": f"k{number}"})
        return self.asked[-1]

    def drawn(self) -> Command:
        """A command that should be accepted, as far as its draw can tell."""
        while True:
            [draw] = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
            command = draw(self)
            if command is not None:
                return {"do": draw.__name__, **command}

    def spoilt(self, command: Command) -> Command:
        """Now and then something is wrong with it."""
        if not self.chance(11):
            return command
        name = self.any_of([name for name in WRONG if name in command] or ["on"])
        wrong = list(WRONG[name])
        if name in RECORDS:
            wrong += [one[name] for one in self.asked if name in one][-9:]
        value = self.any_of(wrong)
        rest = {other: had for other, had in command.items() if other not in (name, "foreign")}
        return rest if value is None else {**rest, name: value}

    def signed(self, command: Command) -> Command:
        """Who did it, and who approved: two persons more often where the ledger asks for them."""
        asked_for = self.model.threshold is not None
        by, approver = self.any_of(["staff-1", "staff-2"]), self.any_of(["staff-2", "staff-3"])
        signed = {**command, **self.some(75 if asked_for else 20, by=by)}
        return {**signed, **self.some(80 if asked_for else 15, approved_by=[approver])}
