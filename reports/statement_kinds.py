"""The statements of finance, each a fold over what the entries posted: 科目余额表, 收支明细, 基金变动表."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from reports.cash_legs import OPENING
from reports.chart import Chart
from reports.postings import AGENCY, GIFT, NATURES, RESTRICTED, REVERSAL, UNRESTRICTED, Account, Transaction
from reports.statements import Column, Table, Value

Names = Mapping[str, str]
"""What funds and hospitals are called, by their streams."""
TRANSFER, REFUND, TERMS = "FundsTransferred", "DonationRefunded", "TermsChanged"


class Period(NamedTuple):
    """From a day to a day, both within."""

    since: date
    until: date


def account_tables(transactions: Iterable[Transaction], period: Period, chart: Chart) -> list[Table]:
    """科目余额表: opening, debits, credits and closing of each code, and below of each account.

    Income and expenses of earlier years are closed into net assets.
    """
    opening, debited, credited = Counter[Account](), Counter[Account](), Counter[Account]()
    for one in transactions:
        for account, amount in one.postings.items():
            if one.on >= period.since:
                (debited if amount > 0 else credited)[account] += abs(amount)
            else:
                opening[account.net if one.on.year < period.since.year else account] += amount
    by_account: dict[tuple[Value, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    by_code: dict[tuple[Value, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for account in {*opening, *debited, *credited}:
        code = chart.code(account)
        detail = account.detail if account.kind in ("bank", "channel", "cash", "advance") else ""
        for n, amount in enumerate((opening[account], debited[account], credited[account])):
            by_code[tuple(code)][n] += amount
            by_account[*code, detail, account.nature, account.fund][n] += amount
    head = (Column("account_code"), Column("account_name", "name"))
    detail_columns = (Column("detail"), Column("nature", "word"), Column("fund"))
    return [
        Table("by_code", (*head, *_SIDES), _balances(by_code)),
        Table("by_account", (*head, *detail_columns, *_SIDES), _balances(by_account)),
    ]


_SIDES = tuple(
    Column(key, "amount")
    for key in ("opening_debit", "opening_credit", "debit", "credit", "closing_debit", "closing_credit")
)


def _balances(sums: Mapping[tuple[Value, ...], Sequence[int]]) -> list[tuple[Value, ...]]:
    """The rows in order, without those that are nothing; an empty text is none."""
    rows = ((*(cell or None for cell in key), *_sides(*each)) for key, each in sorted(sums.items()) if any(each))
    return list(rows)


def _sides(opening: int, debited: int, credited: int) -> tuple[int, ...]:
    """Balances on the side where they stand."""
    closing = opening + debited - credited
    return max(opening, 0), max(-opening, 0), debited, credited, max(closing, 0), max(-closing, 0)


def flow_tables(transactions: Iterable[Transaction], period: Period, names: Names) -> list[Table]:
    """收支明细: what came into each fund and what went out of it, item by item and by class."""
    sums: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one in transactions:
        if one.on >= period.since:
            for fund, item, nature, amount in effects(one):
                sums[fund, item][nature] += amount
    rows = [
        (fund, names.get(f"fund/{fund}"), item, *(by[nature] for nature in NATURES), sum(by.values()))
        for (fund, item), by in sorted(sums.items(), key=lambda each: (each[0][0], _order(each[0][1])))
        if any(by.values())
    ]
    columns = (
        Column("fund"),
        Column("name"),
        Column("item", "word"),
        *(Column(nature, "amount") for nature in NATURES),
    )
    return [Table("flows_by_fund", (*columns, Column("sum", "amount")), rows)]


def fund_flow_tables(transactions: Iterable[Transaction], period: Period, fund: str) -> list[Table]:
    """The same of one fund, entry by entry."""
    rows = [
        (
            one.on.isoformat(),
            runs_text([(one.seq, one.last)]),
            one.type,
            one.stream,
            item,
            nature,
            max(amount, 0),
            max(-amount, 0),
        )
        for one in transactions
        if one.on >= period.since
        for each, item, nature, amount in effects(one)
        if each == fund
    ]
    words = (Column("on", "day"), Column("entries"), Column("type", "word"), Column("record"))
    ends = (Column("item", "word"), Column("nature", "word"), Column("inflow", "amount"), Column("outflow", "amount"))
    return [Table("flows_of_fund", (*words, *ends), rows)]


def _entry(one: Transaction) -> tuple[str, str, str, str]:
    return one.on.isoformat(), runs_text([(one.seq, one.last)]), one.type, one.stream


def effects(one: Transaction) -> Iterator[tuple[str, str, str, int]]:
    """What an entry added to (or took from) a fund's net assets or agency money: `(fund, item, class, amount)`."""
    for account, amount in one.postings.items():
        if account.kind in ("income", "expense"):
            yield account.fund, f"{account.kind}_{account.detail}", account.nature, -amount
        elif account.kind in ("refunded", "out"):
            yield account.fund, account.kind, account.nature, -amount
        elif account.kind in ("net", AGENCY):
            yield account.fund, _item(one, account, -amount), account.nature or AGENCY, -amount


def _item(one: Transaction, account: Account, amount: int) -> str:
    """What a change of net assets itself, or of agency money, is called."""
    if one.cause == TRANSFER:
        return "transferred_in" if (amount > 0) != (one.type == REVERSAL) else "transferred_out"
    by_cause = {OPENING: "opening_balance", TERMS: "terms_changed"}
    if account.kind == AGENCY:
        by_cause |= {GIFT: "agency_received", REFUND: "refunded"}
        return by_cause.get(one.cause, "agency_spent")
    return by_cause.get(one.cause, "other_change")


_ITEMS = ("opening_balance", "income_", "agency_received", "refunded", "transferred_", "terms_changed", "agency_spent")


def _order(item: str) -> tuple[int, str]:
    return next((n for n, start in enumerate(_ITEMS) if item.startswith(start)), len(_ITEMS)), item


ROLL = (
    "opening_balance",
    "income",
    "agency_received",
    "refunded",
    "transferred_in",
    "transferred_out",
    "terms_changed",
    "released",
    "spent",
    "other_change",
)


def fund_tables(transactions: Iterable[Transaction], period: Period, names: Names) -> list[Table]:
    """基金变动表: opening + … = closing of each fund and class, with what went from restricted to unrestricted.

    Restricted money that was spent as it should be is released from its restriction, and the expense is the
    unrestricted's: so much is in both rows.
    """
    opening: Counter[tuple[str, str]] = Counter()
    closing: Counter[tuple[str, str]] = Counter()
    changes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one in transactions:
        for fund, item, nature, amount in effects(one):
            closing[fund, nature] += amount
            if one.on < period.since:
                opening[fund, nature] += amount
                continue
            step = "income" if item.startswith("income_") else item if item in ROLL else "spent"
            changes[fund, nature][step] += amount
    for fund, nature in list(changes):
        if nature == RESTRICTED and (spent := changes[fund, nature].pop("spent", 0)):
            changes[fund, RESTRICTED]["released"] += spent
            changes[fund, UNRESTRICTED]["released"] -= spent
            changes[fund, UNRESTRICTED]["spent"] += spent
            closing[fund, UNRESTRICTED] += 0
    rows = []
    for fund, nature in sorted(closing, key=lambda each: (each[0], NATURES.index(each[1]))):
        steps = [changes[fund, nature][step] for step in ROLL]
        assert opening[fund, nature] + sum(steps) == closing[fund, nature], "opening + changes = closing"
        if any((opening[fund, nature], *steps)):
            name = names.get(f"fund/{fund}")
            rows.append((fund, name, nature, opening[fund, nature], *steps, closing[fund, nature]))
    used = [n for n, step in enumerate(ROLL, 4) if any(row[n] for row in rows)]
    shown = [0, 1, 2, 3, *used, 4 + len(ROLL)]
    columns = (
        Column("fund"),
        Column("name"),
        Column("nature", "word"),
        Column("opening", "amount"),
        *(Column(step, "amount") for step in ROLL),
        Column("closing", "amount"),
    )
    return [Table("fund_roll", [columns[n] for n in shown], [[row[n] for n in shown] for row in rows])]


def runs_text(runs: Iterable[tuple[int, int]]) -> str:
    """Runs of entries by first and last seq: `#3-5, #9`."""
    return ", ".join(f"#{first}" if first == last else f"#{first}-{last}" for first, last in runs)
