"""The chart of accounts 会计科目表: which code each kind of posting has; from a file where a foundation has its own.

The defaults are those of 民间非营利组织会计制度, whose codes differ between editions: hold them against your own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ledger.errors import InputFault, shown
from reports.postings import Account

DEFAULTS = {
    "bank": "1002 银行存款 | Cash at bank",
    "cash": "1001 现金 | Cash in hand",
    "channel": "1009 其他货币资金 | Money at payment channels",
    "unnamed": "1002 银行存款 | Cash at bank",
    "advance": "1122 其他应收款 | Other receivables",
    "agency_advance": "1801 受托代理资产 | Agency assets",
    "suspense": "2209 其他应付款 | Other payables",
    "agency": "2601 受托代理负债 | Agency liabilities",
    "net_unrestricted": "3101 非限定性净资产 | Unrestricted net assets",
    "net_restricted": "3102 限定性净资产 | Restricted net assets",
    "income_donation": "4101 捐赠收入 | Donations",
    "income_grant": "4101 捐赠收入 | Donations",
    "income_government": "4401 政府补助收入 | Government grants",
    "income_investment": "4601 投资收益 | Investment income",
    "income_interest": "4901 其他收入 | Other income",
    "income_bank": "4901 其他收入 | Other income",
    "refunded": "4101 捐赠收入 | Donations",
    "expense_programme": "5101 业务活动成本 | Programme expenses",
    "expense_management": "5301 管理费用 | Management expenses",
    "expense_fundraising": "5401 筹资费用 | Fundraising expenses",
    "expense_channel": "5401 筹资费用 | Fundraising expenses",
    "expense_other": "5501 其他费用 | Other expenses",
    "out": "5501 其他费用 | Other expenses",
}
"""Code, name in Chinese and name in English by kind of posting, as a file's `[accounts]` gives them."""
_ENTRY = re.compile(r"([0-9A-Za-z.\-]{1,20}) (\S[^|]{0,80}?)(?: \| (\S.{0,80}))?")


class BadChart(InputFault):
    """A chart's file that cannot be used."""

    code = "bad_chart"
    zh = "科目表 {path} 无法使用：{zh_reason}"
    en = "the chart of accounts {path} cannot be used: {reason}"


class Code(NamedTuple):
    """An account of the chart; `name` is `zh | en`."""

    code: str
    name: str


class Chart:
    """Codes by kind of posting; `entries` are those of the defaults and the file together."""

    def __init__(self, entries: Mapping[str, str] = DEFAULTS) -> None:
        self.entries = dict(entries)
        self._codes = {key: Code(*text.split(" ", 1)) for key, text in self.entries.items()}

    def code(self, account: Account) -> Code:
        """The code of what is posted to."""
        return self._codes[key_of(account)]


def key_of(account: Account) -> str:
    """The chart's key of what is posted to."""
    match account.kind:
        case "income" | "expense":
            return f"{account.kind}_{account.detail}"
        case "net":
            return f"net_{account.nature}"
        case "advance" if account.nature:
            return "agency_advance"
    return account.kind


def read_chart(path: Path | None) -> Chart:
    """The chart in a file, over the defaults. Raises BadChart."""
    if path is None:
        return Chart()
    try:
        found = tomllib.loads(path.read_text("utf-8")).get("accounts", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadChart(path=path, reason=str(error), zh_reason=str(error)) from error
    for key, text in found.items() if isinstance(found, dict) else [("accounts", found)]:
        if key not in DEFAULTS:
            raise BadChart(
                path=path,
                reason=f"no kind of posting is called {shown(key)}; there are {', '.join(DEFAULTS)}",
                zh_reason=f"没有名为 {shown(key)} 的记账类别，可用：{'、'.join(DEFAULTS)}",
            )
        if not isinstance(text, str) or not _ENTRY.fullmatch(text):
            raise BadChart(
                path=path,
                reason=f'{key} should read like "1002 银行存款 | Cash at bank", not {shown(str(text))}',
                zh_reason=f"{key} 应写作“1002 银行存款 | Cash at bank”，而不是 {shown(str(text))}",
            )
    return Chart({**DEFAULTS, **found})
