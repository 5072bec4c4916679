"""Alipay merchant bills: 账务明细 (movements of the account) and 业务明细 (trades with fees), also in their zip.

GBK text; lines that begin with # tell whose it is and, below the rows, the totals: the gate. Running balances are shown
where they join up, but judge nothing: rows of one second stand in any order, and frozen money is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from reports.banking.amounts import minor_units
from reports.banking.chinese_banks import plain
from reports.banking.gate import chain_of
from reports.banking.records import CURRENCY, EXPONENT, Record, balance, lines_of, minor
from reports.banking.statement import Claim, Details, Line, NotAStatement, Statement
from reports.banking.tables import csv_rows, decoded, text_of, zip_texts
from reports.banking.tabular import read_day

_ACCOUNT = re.compile(r"#\s*账号\s*[:：]\s*\[?([0-9A-Za-z@.*-]+)")
_TOTAL = re.compile(
    r"#\s*(支出|收入|交易|退款)合计\s*[:：]\s*([0-9]+)\s*笔[,，]\s*(?:商家实收|商家实收退款)?共\s*(-?[0-9.,]+?)\s*元"
)
_SUMMARY = ("汇总查询", "(汇总)", "（汇总）")


def looks_like(text: str) -> bool:
    """Whether text is a bill of Alipay, by its first lines."""
    head = text[:400]
    return head.lstrip("\ufeff \r\n").startswith("#") and "支付宝" in head


def read_zip(data: bytes) -> list[Statement]:
    """The bills in an archive, summaries left aside. Raises NotAStatement."""
    statements: list[Statement] = []
    for _, content in zip_texts(data):
        text = decoded(content)
        if looks_like(text) and not any(mark in text[:400] for mark in _SUMMARY):
            statements += read(text)
    if not statements:
        raise NotAStatement("there is no bill of Alipay in the archive", "压缩包中没有支付宝账单明细")
    return statements


def read(text: str) -> list[Statement]:
    """The bill as one statement. Raises NotAStatement."""
    remarks = [line.strip() for line in text.splitlines() if line.lstrip("\ufeff ").startswith("#")]
    if not any("列表结束" in remark for remark in remarks):
        raise NotAStatement("it is cut off: the line 列表结束 is missing", "文件不完整：缺少“列表结束”一行")
    account = next((found[1] for found in map(_ACCOUNT.match, remarks) if found), None)
    totals = {found[1]: (int(found[2]), found[3]) for found in map(_TOTAL.match, remarks) if found}
    records = list(_records(text))
    movements = "收入" in totals or "支出" in totals
    wanted = ("收入", "支出") if movements else ("交易", "退款")
    if not totals.keys() >= set(wanted):
        raise NotAStatement("its totals are missing: it is cut off", "缺少末尾的合计：文件不完整")
    return [_movements(account, records, totals) if movements else _trades(account, records, totals)]


def _movements(
    account: str | None, records: Sequence[tuple[int, Record]], totals: Mapping[str, tuple[int, str]]
) -> Statement:
    lines = lines_of(records, _movement)
    coming = [line.amount for line in lines if line.amount > 0]
    going = [line.amount for line in lines if line.amount < 0]
    chain = chain_of(lines)
    whole = chain is not None and chain.breaks == 0
    return Statement(
        account=account,
        currency=CURRENCY,
        exponent=EXPONENT,
        lines=lines,
        opening=chain.opening if whole and chain else None,
        closing=chain.closing if whole and chain else None,
        claims=(*_claims("收入", "money in", totals, coming), *_claims("支出", "money out", totals, going)),
    )


def _trades(
    account: str | None, records: Sequence[tuple[int, Record]], totals: Mapping[str, tuple[int, str]]
) -> Statement:
    lines = lines_of(records, _trade)
    received = {back: [minor(r, "商家实收") for _, r in records if _is_refund(r) is back] for back in (False, True)}
    return Statement(
        account=account,
        currency=CURRENCY,
        exponent=EXPONENT,
        lines=lines,
        claims=(
            *_claims("交易", "trades", totals, received[False]),
            *_claims("退款", "refunds", totals, received[True]),
        ),
    )


def _claims(name: str, what: str, totals: Mapping[str, tuple[int, str]], amounts: Sequence[int]) -> Iterator[Claim]:
    """Number and sum; the sign of a sum differs between bills and says nothing."""
    count, total = totals[name]
    yield Claim(f"number of {what}", f"{name}笔数", count, len(amounts), money=False)
    yield Claim(what, f"{name}合计", abs(minor_units(total, EXPONENT)), abs(sum(amounts)))


def _movement(record: Record) -> Line:
    day, clock = read_day(record["发生时间"])
    words = (record.get("商品名称"), record.get("业务类型"), record.get("备注"))
    return Line(
        booked_on=day,
        clock=clock,
        amount=minor(record, "收入金额") - abs(minor(record, "支出金额")),
        balance=balance(record, "账户余额"),
        bank_ref=record.get("账务流水号") or None,
        order_ref=record.get("商户订单号") or None,
        details=Details(
            counterparty_account=record.get("对方账号") or None,
            reference=record.get("业务流水号") or None,
            text=" ".join(filter(None, words)) or None,
        ),
    )


def _trade(record: Record) -> Line:
    refund = _is_refund(record)
    day, clock = read_day(record.get("完成时间") or record["创建时间"])
    amount = abs(minor(record, "订单金额"))
    parts = (record.get("支付宝交易号"), record.get("退款批次号/请求号") if refund else None)
    return Line(
        booked_on=day,
        clock=clock,
        amount=-amount if refund else amount,
        fee=-minor(record, "服务费"),
        bank_ref="/".join(part for part in parts if part) or None,
        order_ref=record.get("商户订单号") or None,
        details=Details(counterparty_account=record.get("对方账户") or None, text=record.get("商品名称") or None),
    )


def _is_refund(record: Record) -> bool:
    return "退款" in record.get("业务类型", "")


def _records(text: str) -> Iterator[tuple[int, Record]]:
    """The rows by column name, units taken off, each with its line number."""
    names: list[str] | None = None
    for row in csv_rows(text, delimiter=","):
        cells = [text_of(cell) for cell in row.cells]
        if cells[0].startswith("#"):
            continue
        if names is None:
            names = [re.sub(r"\([+-]?元\)$", "", plain(cell)) for cell in cells]
        elif len(cells) < len(names) or any(cells[len(names) :]):
            raise NotAStatement(
                "the row has not as many cells as the header", "此行的格数与表头不符：文件不完整或被改动", row.number
            )
        else:
            yield row.number, dict(zip(names, cells, strict=False))
