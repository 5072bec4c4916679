"""WeChat Pay merchant bills: 交易账单 (ALL, SUCCESS, REFUND) and 资金账单.

A back-quote stands before each value, so that spreadsheets keep ids as text; it also parts values that hold commas.
Two rows at the end give totals, names and values: the gate. A bill of trades has no balances; its amounts are 订单金额
(what the payer owed, vouchers included) and 申请退款金额, its fee 手续费.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.banking.gate import chain_of
from reports.banking.records import CURRENCY, EXPONENT, Record, balance, lines_of, minor
from reports.banking.statement import Claim, Details, Line, NotAStatement, Statement
from reports.banking.tables import plain_text
from reports.banking.tabular import breaks, read_day

_TRADES, _FUNDS = "微信订单号", "资金流水单号"
_TRADE_TOTALS = {
    "应结订单总金额": "应结订单金额",
    "退款总金额": "退款金额",
    "充值券退款总金额": "充值券退款金额",
    "手续费总金额": "手续费",
    "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额",
    "总交易额": "总金额",
    "总退款金额": "退款金额",
}
"""Totals of a bill of trades, with the column whose sum each is; the last two are of older bills."""

Numbered = tuple[int, Record]


def looks_like(text: str) -> bool:
    """Whether text is a merchant bill of WeChat Pay, by its first line."""
    first = text.lstrip("\ufeff\r\n ").partition("\n")[0]
    return first.count(",") > 5 and (_TRADES in first or _FUNDS in first)


def read(text: str) -> list[Statement]:
    """The bill as one statement for each merchant number, or as one. Raises NotAStatement."""
    header, records, totals = _parts(text)
    if _FUNDS in header:
        return [_funds(records, totals)]
    merchants = dict.fromkeys(record.get("商户号") or None for _, record in records)
    if len(merchants) > 1:
        raise NotAStatement(
            "the bill is of several merchants, and its totals are not for each: download it for one",
            "账单包含多个商户号而合计不分商户：请按单个商户下载",
        )
    return [_trades(next(iter(merchants), None), records, totals)]


def _trades(merchant: str | None, records: Sequence[Numbered], totals: Record) -> Statement:
    if any(record.get("货币种类") not in (None, "", CURRENCY) for _, record in records):
        raise NotAStatement("the bill has trades in other currencies than CNY", "账单含人民币以外的交易")
    claims = [Claim("number of trades", "总交易单数", _count(totals, "总交易单数"), len(records), money=False)]
    for name, column in _TRADE_TOTALS.items():
        if name in totals:
            found = sum(minor(record, column) for _, record in records if column in record)
            claims.append(Claim(name, name, minor(totals, name), found))
    return Statement(merchant, CURRENCY, EXPONENT, lines_of(records, _trade), claims=tuple(claims))


def _trade(record: Record) -> Line:
    refund = record["交易状态"] != "SUCCESS"
    day, clock = read_day((refund and record.get("退款成功时间")) or record["交易时间"])
    order = "订单金额" if "订单金额" in record else "总金额"
    back = "申请退款金额" if "申请退款金额" in record else "退款金额"
    return Line(
        booked_on=day,
        clock=clock,
        amount=-minor(record, back) if refund else minor(record, order),
        fee=minor(record, "手续费"),
        bank_ref=_id(record, "微信退款单号" if refund else _TRADES),
        order_ref=_id(record, "商户订单号"),
        details=Details(counterparty_account=_id(record, "用户标识"), text=record.get("商品名称") or None),
    )


def _funds(records: Sequence[Numbered], totals: Record) -> Statement:
    lines = lines_of(records, _flow)
    coming = [line.amount for line in lines if line.amount > 0]
    going = [-line.amount for line in lines if line.amount < 0]
    claims = [
        Claim("number of movements", "资金流水总笔数", _count(totals, "资金流水总笔数"), len(lines), money=False),
        Claim("number of receipts", "收入笔数", _count(totals, "收入笔数"), len(coming), money=False),
        Claim("money in", "收入金额", minor(totals, "收入金额"), sum(coming)),
        Claim("number of payments", "支出笔数", _count(totals, "支出笔数"), len(going), money=False),
        Claim("money out", "支出金额", minor(totals, "支出金额"), sum(going)),
    ]
    chain = chain_of(lines)
    return Statement(
        account=None,
        currency=CURRENCY,
        exponent=EXPONENT,
        lines=lines,
        opening=None if chain is None else chain.opening,
        closing=None if chain is None else chain.closing,
        claims=(*claims, *(() if chain is None else (breaks(chain.breaks),))),
    )


def _flow(record: Record) -> Line:
    day, clock = read_day(record["记账时间"])
    signs = {"收入": 1, "支出": -1}
    if record["收支类型"] not in signs:
        raise NotAStatement("收支类型 is neither 收入 nor 支出", "收支类型既不是收入也不是支出")
    return Line(
        booked_on=day,
        clock=clock,
        amount=signs[record["收支类型"]] * minor(record, "收支金额(元)"),
        balance=balance(record, "账户结余(元)"),
        bank_ref=_id(record, "微信支付业务单号"),
        order_ref=_id(record, "业务凭证号"),
        details=Details(text=" ".join(filter(None, (record.get("业务名称"), record.get("备注")))) or None),
    )


def _parts(text: str) -> tuple[list[str], list[Numbered], Record]:
    """The header, the rows under it, the totals. Raises NotAStatement, also for a bill without its totals."""
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n") if line.strip()]
    split = next((index for index, line in enumerate(lines[1:], 1) if not line.startswith("`")), None)
    if split is None or len(lines) < split + 2:
        raise NotAStatement("its totals are missing: it is cut off", "缺少末尾的合计：文件不完整")
    header = [name.strip() for name in lines[0].split(",")]
    names = [name.strip() for name in lines[split].split(",")]
    [(_, totals)] = _records(names, lines[split + 1 : split + 2])
    return header, list(_records(header, lines[1:split])), totals


def _records(names: Sequence[str], lines: Sequence[str]) -> Iterator[Numbered]:
    for number, line in enumerate(lines, 2):
        values = [plain_text(value, number) for value in line.removeprefix("`").split(",`")]
        if len(values) != len(names):
            raise NotAStatement(
                f"a row has {len(values)} values for {len(names)} columns: it is cut off or was changed",
                f"此行有 {len(values)} 个值，而列数为 {len(names)}：文件不完整或被改动",
                number,
            )
        yield number, dict(zip(names, values, strict=True))


def _count(totals: Record, name: str) -> int:
    text = totals.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise NotAStatement(f"its totals do not say {name}", f"末尾的合计缺少{name}")
    return int(text)


def _id(record: Record, name: str) -> str | None:
    """An id; the bills write 0 for none."""
    return (record.get(name, "").strip().removeprefix("0") and record[name]) or None
