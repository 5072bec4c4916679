"""A confirmation letter as a page, in Chinese and English at once: it goes to people whose language nobody asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from audit.checkpoint import Checkpoint
from reports.confirmations import Letter, Reference
from reports.pages import rendered
from reports.traces import WORDS, Reader

Cell = tuple[str, str]
"""Text in Chinese and in English; an amount reads the same in both."""


class Table(NamedTuple):
    """A table of the letter: heading, columns, rows; the last columns are amounts."""

    heading: Cell
    columns: tuple[Cell, ...]
    rows: Sequence[tuple[Cell, ...]]


def page_of(letter: Letter, reference: Reference, head: Checkpoint, addressee: str, reply_to: str | None) -> str:
    """The letter as HTML; `addressee` is what the one is called, `reply_to` where the answer is to go."""
    reader = Reader("zh", letter["currency"], letter["exponent"])
    tables = list(_hospital(letter, reader) if letter["noun"] == "hospital" else _donor(letter, reader))
    return rendered(
        "confirmation.html",
        "zh",
        letter=letter,
        reference=str(reference),
        root=head.root.hex(),
        addressee=addressee,
        reply_to=reply_to,
        tables=tables,
    )


def _hospital(letter: Letter, reader: Reader) -> Iterator[Table]:
    figures = letter["figures"]
    columns = (("项目", "Item"), ("已拨付未结算", "Paid, not settled"), ("已结算", "Settled"))
    rows = [_both(_day("期初余额", "Opening", letter["from"]), figures["opening"], reader)]
    rows += [_both(_word(one["type"]), one, reader) for one in figures["movements"]]
    rows.append(_both(_day("期末余额", "Closing", letter["to"]), figures["closing"], reader))
    yield Table(("期间发生额与余额", "Movements and balances"), columns, rows)
    if figures["cases"]:
        cases = [(_same(one["case"]), _same(reader.money(one["paid"]))) for one in figures["cases"]]
        heading = ("期末未结算余额，按个案编号", "Not settled at the close, by case")
        yield Table(heading, (("个案编号", "Case"), columns[1]), cases)


def _donor(letter: Letter, reader: Reader) -> Iterator[Table]:
    figures = letter["figures"]
    opening, closing = figures["opening"], figures["closing"]
    columns = (
        ("项目", "Item"),
        _day("期初", "Opening", letter["from"]),
        _day("期末", "Closing", letter["to"]),
    )
    rows = [
        (_word(name), _same(reader.money(opening.get(name, 0))), _same(reader.money(closing.get(name, 0))))
        for name in dict.fromkeys([*opening, *closing])
    ]
    yield Table(("累计捐赠及其现状", "Given so far, and where it stands"), columns, rows)
    gifts = [
        (_same(one["donation"]), _same(one["on"]), _same(one["fund"]), _same(reader.money(one["amount"])))
        for one in figures["gifts"]
    ]
    named = (("捐赠编号", "Donation"), ("日期", "Date"), ("专项基金", "Fund"), ("金额", "Amount"))
    yield Table(("本期捐赠", "Gifts of the period"), named, gifts)


def _both(name: Cell, figures: dict[str, Any], reader: Reader) -> tuple[Cell, ...]:
    return name, _same(reader.money(figures["paid"])), _same(reader.money(figures["used"]))


def _same(text: str) -> Cell:
    return text, ""


def _word(key: str) -> Cell:
    return WORDS.get(key, (key, key))


def _day(zh: str, en: str, day: str) -> Cell:
    return f"{zh}（{day}）", f"{en} ({day})"
