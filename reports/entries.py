"""One entry as text for people: what it is, which money went from where to where, and what else it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from rich.cells import cell_len

from ledger.codec import Entry
from ledger.money import format_amount
from reports.traces import Reader

SHOWN_RANGES = 4
SHOWN_FLOWS = 20
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def entry_lines(entry: Entry, amount: int, reader: Reader, asked: Mapping[str, Any] = _NOTHING) -> Iterator[str]:
    """The entry in a few lines, the first of them its title; `amount` in minor units is what the fact is about.

    `asked` are the members that it was asked for with: what the entry does not repeat (terms, say) is said as well.
    """
    chinese = reader.language == "zh"
    data = entry.data
    said = [_title(entry, reader)]
    if amount:
        said.append(f"{reader.money(amount)} {reader.currency}")
    if "on" in data:
        said.append(data["on"])
    yield ("，" if chinese else ", ").join(said)
    flows = _flows(data, reader)
    yield from flows or [f"  {word('no_money', reader)}"]
    yield from (f"  {word('line', reader)} {_line(line, reader)}" for line in data.get("lines", ()))
    known = {*data, *data.get("attributes", ()), "key", "personal"}
    rest = [
        f"{word(name, reader)} {_said(name, value, reader)}"
        for name, value in {**data, **{name: asked[name] for name in asked if name not in known}}.items()
        if name not in _SHOWN_ELSEWHERE and name != entry.stream.partition("/")[0]
    ]
    if rest:
        yield "  " + ("；" if chinese else "; ").join(rest)


_SHOWN_ELSEWHERE = frozenset(
    ("on", "amount", "issue", "moves", "lines", "policy", "part", "last", "of", "schema", "record", "reverses")
)


def word(key: str, reader: Reader) -> str:
    """The word for a member, a fact or a value; what has none speaks for itself."""
    pair = LABELS.get(key)
    return reader.word(key) if pair is None else pair[reader.language != "zh"]


def basis_said(basis: Mapping[str, str], reader: Reader) -> str:
    """What something rests on: the kind of paper by its name, where it has one here, and its reference."""
    return f"{word('basis=' + basis['kind'], reader).removeprefix('basis=')} {basis['ref']}"


def _title(entry: Entry, reader: Reader) -> str:
    kind = word(entry.type, reader)
    if "reverses" in entry.data:
        chinese = reader.language == "zh"
        undone = f"第 {entry.data['reverses']} 号分录" if chinese else f"of entry {entry.data['reverses']}"
        return f"{kind} {undone}" + (f"（{entry.stream}）" if chinese else f" ({entry.stream})")
    if entry.type == "CodeDefined":
        return f"{kind} {entry.data['dimension']} {entry.data['code']}"
    return f"{kind} {entry.stream.partition('/')[2]}"


def _flows(data: dict[str, Any], reader: Reader) -> list[str]:
    """A line for each way that money went: from, to, how much, its serials."""
    ways: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in data.get("issue", ()):
        ways.setdefault((word("new_money", reader), reader.place(one["to"])), []).append(one)
    for one in data.get("moves", ()):
        ways.setdefault((reader.place(one["from"]), reader.place(one["to"])), []).append(one)
    rows = [
        (source, target, reader.money(sum(one["hi"] - one["lo"] for one in runs)), _ranges(runs, reader))
        for (source, target), runs in list(ways.items())[:SHOWN_FLOWS]
    ]
    widths = [max((cell_len(row[column]) for row in rows), default=0) for column in range(3)]
    lines = []
    for source, target, amount, ranges in rows:
        ends = f"{source}{' ' * (widths[0] - cell_len(source))} → {target}{' ' * (widths[1] - cell_len(target))}"
        lines.append(f"  {ends}  {amount:>{widths[2]}}  {ranges}")
    if len(ways) > SHOWN_FLOWS:
        lines.append(f"  … +{len(ways) - SHOWN_FLOWS}")
    return lines


def _ranges(runs: list[dict[str, Any]], reader: Reader) -> str:
    shown = " ".join(f"{one['tape']}:{one['lo']}-{one['hi']}" for one in runs[:SHOWN_RANGES])
    more = len(runs) - SHOWN_RANGES
    if more <= 0:
        return shown
    return f"{shown} 等 {len(runs)} 段" if reader.language == "zh" else f"{shown} and {more} more"


def _line(line: dict[str, Any], reader: Reader) -> str:
    if "file" in line:
        return " ".join((line["account"], line["on"], reader.money(line["amount"])))
    parts = [line["case"], reader.money(line["amount"])]
    if "bill_no" in line:
        parts.append(f"{word('bill_no', reader)} {line['bill_no']}")
    if "bill_amount" in line:
        parts.append(f"{word('bill_amount', reader)} {reader.money(line['bill_amount'])}")
    return " ".join(parts)


def _said(name: str, value: Any, reader: Reader) -> str:
    """A member's value in words."""
    match name:
        case "fee" | "bill_amount":
            return reader.money(value)
        case "fee_bp":
            return f"{value // 100}.{value % 100:02}%"
        case "foreign":
            return f"{format_amount(value['amount'], value['exponent'])} {value['currency']} × {value['rate']}"
        case "cash":
            return ", ".join(" ".join(str(leg[part]) for part in leg if part != "amount") for leg in value)
        case "basis":
            return f"{value['kind']}:{value['ref']}"
        case "commitments":
            return ", ".join(value)
        case "reason" | "source" | "kind" | "from":
            return word(f"{name}={value}", reader) if f"{name}={value}" in LABELS else str(value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={'|'.join(one) if isinstance(one, list) else one}" for key, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


LABELS = {
    "no_money": ("不涉及资金", "no money moved"),
    "new_money": ("新收", "new"),
    "on": ("记账日期", "posted on"),
    "occurred_on": ("发生日期", "happened on"),
    "by": ("经办", "by"),
    "approved_by": ("批准", "approved by"),
    "basis": ("依据", "basis"),
    "evidence": ("凭证", "evidence"),
    "corrects": ("更正分录", "corrects entry"),
    "cash": ("银行账户", "bank account"),
    "key": ("幂等键", "idempotency key"),
    "personal": ("个人信息", "personal values"),
    "commitments": ("已存入保险库", "in the vault"),
    "subject": ("个人信息主体", "whose values"),
    "until": ("保存至", "kept until"),
    "donation": ("捐赠", "donation"),
    "fund": ("专项基金", "fund"),
    "amount": ("金额", "amount"),
    "donor": ("捐赠人", "donor"),
    "channel": ("渠道", "channel"),
    "channel_txn": ("渠道流水号", "transaction"),
    "line": ("明细", "line"),
    "fee_bp": ("管理费率", "fee rate"),
    "source": ("来源", "source"),
    "nature": ("性质", "nature"),
    "restriction": ("限定", "restriction"),
    "usable_from": ("起用日", "usable from"),
    "expires_on": ("到期日", "expires on"),
    "agreement": ("协议", "agreement"),
    "payer": ("付款人", "payer"),
    "receipt_to": ("票据抬头", "receipt to"),
    "foreign": ("原币", "in foreign money"),
    "allocation": ("善款匹配", "allocation"),
    "case": ("个案", "case"),
    "release": ("释放编号", "release"),
    "payment": ("拨付", "payment"),
    "hospital": ("医院", "hospital"),
    "lines": ("明细", "lines"),
    "reason": ("原因", "reason"),
    "bill_no": ("账单", "bill"),
    "bill_amount": ("账单金额", "bill amount"),
    "return_id": ("退回编号", "return"),
    "settlement": ("结算", "settlement"),
    "grant": ("发放", "grant"),
    "purpose": ("用途", "purpose"),
    "period": ("期间", "period"),
    "refund": ("捐赠退回", "refund"),
    "fee": ("其中管理费", "fee within it"),
    "transfer": ("资金调剂", "transfer"),
    "to_fund": ("调入基金", "to fund"),
    "ranges": ("号段", "serials"),
    "place": ("位置", "place"),
    "incoming": ("调入号段", "serials coming in"),
    "outgoing": ("调出号段", "serials going out"),
    "expense": ("费用", "expense"),
    "kind": ("费用类别", "kind of cost"),
    "from": ("出自", "from"),
    "hold": ("冻结", "hold"),
    "reverses": ("被冲销的分录", "entry to reverse"),
    "attributes": ("个案属性", "attributes"),
    "person": ("受益人", "person"),
    "household": ("家庭", "household"),
    "dimension": ("维度", "dimension"),
    "code": ("代码", "code"),
    "name": ("名称", "name"),
    "parent": ("上级代码", "parent"),
    "province": ("省份", "province"),
    "LedgerOpened": ("开立账本", "Ledger opened"),
    "TapeOpened": ("开立编号序列", "Tape opened"),
    "KeyRotated": ("更换日志签名密钥", "Log's key changed"),
    "CodeDefined": ("定义代码", "Code defined"),
    "FundOpened": ("设立专项基金", "Fund opened"),
    "HospitalRegistered": ("登记医院", "Hospital registered"),
    "CaseOpened": ("个案立项", "Case opened"),
    "CaseAmended": ("个案变更", "Case amended"),
    "CaseReopened": ("重开个案", "Case reopened"),
    "DonationAttributed": ("认领捐赠", "Donation attributed"),
    "SubjectRestricted": ("限制处理个人信息", "Personal values restricted"),
    "SubjectErased": ("删除个人信息", "Personal values erased"),
    "reason=surplus": ("结余退回", "surplus"),
    "reason=bank_rejected": ("银行退汇", "rejected by the bank"),
    "reason=insurance": ("医保或商保赔付", "paid by insurance"),
    "reason=re-billed": ("重新开单", "billed anew"),
    "reason=completed": ("救助完成", "completed"),
    "reason=withdrawn": ("申请撤回", "withdrawn"),
    "reason=ineligible": ("不符合条件", "not eligible"),
    "reason=moved": ("转由他处救助", "helped elsewhere"),
    "reason=other": ("其他", "other"),
    "basis=audit": ("审计意见", "audit"),
    "basis=consent": ("捐赠人同意", "the donor's consent"),
    "basis=court": ("法院文书", "court order"),
    "basis=filing": ("备案", "filing"),
    "basis=letter": ("来函", "letter"),
    "basis=memo": ("签报", "memo"),
    "basis=minutes": ("会议纪要", "minutes"),
    "basis=plan": ("方案", "plan"),
    "basis=police": ("公安文书", "police letter"),
    "basis=policy": ("制度", "policy"),
    "basis=report": ("报告", "report"),
    "basis=request": ("申请", "request"),
    "basis=resolution": ("决议", "resolution"),
    "source=donation": ("捐赠", "donation"),
    "source=grant": ("资助款", "grant"),
    "source=government": ("政府补助", "government"),
    "source=interest": ("利息", "interest"),
    "source=investment": ("投资收益", "investment"),
    "source=bank": ("银行来款", "bank"),
    "kind=programme": ("业务活动", "programme"),
    "kind=management": ("管理费用", "management"),
    "kind=fundraising": ("筹资费用", "fundraising"),
    "kind=channel": ("渠道手续费", "channel"),
    "kind=other": ("其他", "other"),
    "from=fund": ("基金", "the fund"),
    "from=fee": ("项目管理费", "the fee taken"),
}
"""What members, facts and values are called, in Chinese and in English, beside the words of traces."""
