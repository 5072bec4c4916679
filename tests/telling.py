"""Commands as a person writes them: the fact's name, then members as `fenhao record FACT --set name=value` reads them.

`AllocationMade on=2025-03-01 allocation=A1 case=C1 amount=200.00`. A number that runs, `{001..120}`, stands for so many
commands, and within `lines=` for so many lines of one command. Values hold no space.
"""

from __future__ import annotations

import re

from api.commands import Currency, command_of, form_of
from api.recording import written_members
from ledger.decisions import Command

YUAN = Currency("CNY", 2)
RUNNING = re.compile(r"\{([0-9]+)\.\.([0-9]+)\}")
"""A number that runs."""


def spread(text: str) -> list[str]:
    """The text once for each number that runs in it, `C{01..03}`; all of its braces run together."""
    running = RUNNING.search(text)
    if running is None:
        return [text]
    first, last = running.groups()
    numbers = [str(n).zfill(len(first)) for n in range(int(first), int(last) + 1)]
    return [RUNNING.sub(number, text) for number in numbers]


def commands_of(text: str) -> list[Command]:
    """The commands that a line of text stands for. Raises what `fenhao record` refuses before it asks the ledger."""
    fact, *members = text.split(" ")
    lines = [line for member in members if member.startswith("lines=") for line in spread(member)]
    others = " ".join(member for member in members if not member.startswith("lines="))
    form = form_of(fact)
    return [
        command_of(form.fact, written_members(form, [*each.split(" "), *lines], None), YUAN) for each in spread(others)
    ]
