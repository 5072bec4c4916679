"""捐赠证书: the thank-you for one gift, whose number anybody can hold against the log.

The number is the gift's entry and the first 80 bits of that entry's leaf hash, `238-AYJA-LMKO-…` in base32. The log's
hash tiles, which are public, have the hash; it is over the entry with its salt, so the number tells nothing of the
gift. Who knows the number and the amount on the certificate is told whether the two belong together.
"""

from __future__ import annotations

import base64
import re
from typing import Any, NamedTuple

from ledger.database import tuples
from ledger.errors import BadValue, InputFault, Unknown
from ledger.journal import Journal
from ledger.vault import Reader as VaultReader
from ledger.vault import Vault
from projections import giving
from projections.giving import Issue
from projections.trace import snapshot
from reports.donor import issue_of
from reports.pages import rendered
from reports.printing import pdf
from reports.traces import Reader

GIFT = "DonationReceived"
LEAF_BYTES = 10
_NUMBER = re.compile(r"([0-9]{1,16})((?:-[A-Z2-7]{4}){4})", re.ASCII)
_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ("", "拾", "佰", "仟")
_SECTIONS = ("", "万", "亿", "万亿")


class Number(NamedTuple):
    """A certificate's number taken apart: the entry, and how its leaf hash begins."""

    seq: int
    leaf: bytes

    def is_of(self, leaf: bytes) -> bool:
        """Whether an entry with this leaf hash is the one meant."""
        return leaf[:LEAF_BYTES] == self.leaf


class Certificate(NamedTuple):
    """What a certificate says: the gift, its number, the fund by name, and who is thanked."""

    gift: Issue
    number: str
    fund: str
    thanked: str


class Verdict(NamedTuple):
    """What the log says of a number: `seq` the gift's entry if it is one's, whether it stands (was not taken
    back), and whether the amount that was asked about is its (None: none was)."""

    seq: int | None
    stands: bool = False
    agrees: bool | None = None


class TakenBack(InputFault):
    """A certificate for a gift that is none any more, or never came as one."""

    code = "no_certificate"
    zh = "这笔捐赠没有证书：它已被冲销，或不是作为捐赠收到的"
    en = "there is no certificate for this: it was taken back, or did not come as a gift"


def certificate_of(
    journal: Journal, vault: Vault, donor: str, donation: str, naming: VaultReader | None
) -> Certificate:
    """The certificate of a donor's gift; by name where `naming` may read it. Raises Unknown, TakenBack."""
    with snapshot(journal) as connection:
        cursor = tuples(connection)
        gift = issue_of(cursor, donor, donation)
        fund = giving.names(cursor, [f"fund/{gift.fund}"]).get(f"fund/{gift.fund}", gift.fund)
    if gift.reversed_by is not None or gift.type != GIFT:
        raise TakenBack()
    subject = f"donor/{donor}"
    named = {} if naming is None else vault.values_of("donor_name", [subject], naming)
    return Certificate(gift, number_of(gift.seq, gift.leaf), fund, named.get(subject, donor))


def certificate_file(told: Certificate, reader: Reader, origin: str) -> bytes:
    """The certificate as PDF, the same bytes whenever it is made. Raises what `pdf` raises."""
    page = rendered("certificate_print.html", reader.language, origin=origin, **members_of(told, reader))
    return pdf(page, told.gift.on)


def members_of(told: Certificate, reader: Reader) -> dict[str, Any]:
    """What the templates of a certificate are given: the amount of yuan is said in capitals too."""
    capitals = reader.currency == "CNY" and reader.exponent == 2 and reader.language == "zh"
    return {
        "told": told,
        "number": told.number,
        "amount": f"{reader.money(told.gift.amount)} {reader.currency}",
        "capitals": f"人民币{in_capitals(told.gift.amount, 2)}" if capitals else "",
    }


def judged(journal: Journal, number: Number, amount: int | None) -> Verdict:
    """Whether a number is that of a gift in the log, and the amount its."""
    with snapshot(journal) as connection:
        try:
            gift = giving.issue(tuples(connection), seq=number.seq)
        except Unknown:
            return Verdict(None)
    if gift.type != GIFT or not number.is_of(gift.leaf):
        return Verdict(None)
    return Verdict(gift.seq, gift.reversed_by is None, None if amount is None else amount == gift.amount)


def number_of(seq: int, leaf: bytes) -> str:
    """The number of the certificate for a gift's entry."""
    text = base64.b32encode(leaf[:LEAF_BYTES]).decode()
    return "-".join([str(seq), *(text[n : n + 4] for n in range(0, len(text), 4))])


def parse_number(text: str) -> Number:
    """The inverse; small letters and spaces are forgiven. Raises BadValue."""
    found = _NUMBER.fullmatch(re.sub(r"\s", "", text).upper())
    if found is None:
        example = number_of(238, b"\x06\x12\x05\xb5\x8e\x20\x8a\xb4\xaf\x84")
        raise BadValue("number", text[:60], f"a number such as {example}", f"编号应如 {example}")
    return Number(int(found[1]), base64.b32decode(found[2].replace("-", "")))


def in_capitals(minor: int, exponent: int) -> str:
    """An amount of yuan in Chinese capitals, 壹万零伍拾元整; for currencies of two decimals."""
    assert minor >= 0
    assert exponent == 2
    yuan, cents = divmod(minor, 100)
    jiao, fen = divmod(cents, 10)
    text = f"{_whole(yuan)}元" if yuan else ""
    if not cents:
        return f"{text or '零元'}整"
    if jiao:
        text += f"{_DIGITS[jiao]}角"
    elif text:
        text += "零"
    return text + (f"{_DIGITS[fen]}分" if fen else "整")


def _whole(number: int) -> str:
    text, gap = "", False
    for section in range((len(str(number)) - 1) // 4, -1, -1):
        part = number // 10 ** (4 * section) % 10_000
        if part == 0:
            gap = bool(text)
            continue
        if text and (gap or part < 1_000):
            text += "零"
        text += _section(part) + _SECTIONS[section]
        gap = False
    return text


def _section(part: int) -> str:
    text, gap = "", False
    for place in range(3, -1, -1):
        digit = part // 10**place % 10
        if digit == 0:
            gap = bool(text)
            continue
        text += ("零" if gap else "") + _DIGITS[digit] + _UNITS[place]
        gap = False
    return text
