"""`fenhao bank`: statements of banks and payment channels, taken in, listed, accepted where they do not tie, shown."""

from __future__ import annotations

import hashlib
import re
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.settings import Settings
from api.words import EXIT_REJECTED, EXIT_TAMPERED, Words, common

if TYPE_CHECKING:
    from api.bootstrap import Fenhao
    from reports.banking.reading import Document
    from reports.banking.register import Kept, Register
    from reports.banking.taking import Acceptance, Taken
    from reports.banking.words import Told

# As in `api.cli`, each command imports what it needs when it runs.

_BY = click.option("--by", metavar="STAFF", help="经办人（内部工号） / who does it, an opaque staff id")
_APPROVED_BY = click.option(
    "--approved-by", metavar="STAFF", help="批准人，不同于经办人 / who approves, another person"
)
_REASON = click.option("--reason", metavar="TEXT", help="理由，以明文留存 / why, kept in plain text")


@click.group()
def bank() -> None:
    """银行与支付渠道对账单：导入、查看、接受 / Statements of banks and payment channels."""


@bank.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--account", metavar="A", help="账户名称（文件未写明时必填） / the account's name here")
@click.option("--mapping", type=click.Path(path_type=Path), metavar="M.toml", help="列的对应 / how their columns fit")
@click.option("--dry-run", is_flag=True, help="只试运行 / answer the same, record nothing")
@click.option("--accept", is_flag=True, help="不平的也接受，须注明经办、批准与理由 / take in what does not tie, too")
@_BY
@_APPROVED_BY
@_REASON
@common
def import_(
    words: Words,
    settings: Settings,
    files: tuple[Path, ...],
    account: str | None,
    mapping: Path | None,
    dry_run: bool,
    accept: bool,
    by: str | None,
    approved_by: str | None,
    reason: str | None,
) -> None:
    """导入对账单（按内容识别格式） / Take in statements, in whatever format they are.

    MT940, camt.053, OFX, 中国各银行的 CSV 与 Excel、微信支付与支付宝商户账单，或用映射文件指明列的任何表格。
    期初 + 收入 − 支出须等于期末，否则搁置 / What does not tie is held until two persons accept it.
    """
    from api.intake.mapping import columns_of, read_mapping
    from reports.banking.reading import read_file
    from reports.banking.taking import named

    acceptance = _acceptance(by, approved_by, reason) if accept else None
    columns = None if mapping is None else columns_of(read_mapping(mapping))
    documents = [
        (file, named(read_file(file, columns), account, file)) for file in files
    ]  # all read before any is kept
    taken = []
    with ExitStack() as stack:
        register = _register_for(stack, words, settings, dry_run=dry_run)
        for file, document in documents:
            taken.append((file, document, _take(register, document, file, acceptance, dry_run)))
    words.status.clear()
    given = [_given(words, file, document, each) for file, document, found in taken for each in found]
    if dry_run:
        words.say("试运行：未登记任何内容", "dry run: nothing was recorded")
    words.give({"statements": given})
    sys.exit(EXIT_REJECTED if any(each["state"] == "held" for each in given) else 0)


@bank.command("list")
@click.option("--account", metavar="A", help="只看此账户 / of this account alone")
@click.option("--held", is_flag=True, help="只看搁置的 / those that are held")
@common
def list_(words: Words, settings: Settings, account: str | None, held: bool) -> None:
    """已登记的对账单 / The statements that were taken in."""
    from api.bootstrap import assembled

    with assembled(settings, words.status.wait) as fenhao:
        found = [each for each in _register(fenhao).statements(account) if not held or each.state == "held"]
    words.status.clear()
    if not found:
        words.say("没有对账单", "there are no statements")
    words.give({"statements": [_shown(words, each) for each in found]})


@bank.command()
@click.argument("wanted", metavar="FILE|ID")
@_BY
@_APPROVED_BY
@_REASON
@common
def accept(
    words: Words, settings: Settings, wanted: str, by: str | None, approved_by: str | None, reason: str | None
) -> None:
    """接受搁置的对账单，须两人并注明理由 / Accept what is held, of a file or one (B7): two persons and a reason."""
    from api.bootstrap import assembled

    acceptance, key = _acceptance(by, approved_by, reason), _wanted(wanted)
    with assembled(settings, words.status.wait) as fenhao:
        register = _register(fenhao)
        accepted = {each.id for each in register.accept(key, acceptance)}
        found = [each for each in register.statements() if each.id in accepted]
    words.status.clear()
    words.give({"statements": [_shown(words, each) for each in found]})


@bank.command()
@click.argument("id", metavar="ID")
@_BY
@click.option("--reason", metavar="TEXT", help="查阅往来户名等个人信息的理由 / why personal data is read; noted")
@common
def show(words: Words, settings: Settings, id: str, by: str | None, reason: str | None) -> None:
    """一份对账单的明细；注明 --by 与 --reason 才显示户名与附言 / The lines; of people only with --by and --reason."""
    from api.bootstrap import assembled
    from api.intake import UnusableArgument
    from ledger.errors import Unknown
    from ledger.vault import Reader

    if (by is None) != (reason is None):
        raise UnusableArgument(by or reason, "--by goes with --reason", "--by 须与 --reason 同时给出")
    key = _wanted(id)
    reader = Reader(by, reason) if by is not None and reason is not None else None
    with assembled(settings, words.status.wait) as fenhao:
        register = _register(fenhao)
        kept = register.statements(id=key) if isinstance(key, int) else []
        if not kept:
            raise Unknown("statement", id)
        lines = list(register.lines(kept[0].id, reader))
    words.status.clear()
    members = _shown(words, kept[0])
    words.give({**members, "lines": [_line(words, ordinal, line, kept[0].exponent) for ordinal, line in lines]})


@bank.command()
@click.option("--days", type=click.IntRange(0, 31), default=3, show_default=True, help="日期相差至多几天 / days apart")
@common
def position(words: Words, settings: Settings, days: int) -> None:
    """资金头寸表：账本持有、各账户账面与银行余额 / What the ledger holds, where it should be, what banks say."""
    from api.bootstrap import assembled, reader_of
    from reports import position as report

    with assembled(settings, words.status.wait) as fenhao:
        reader = reader_of(fenhao)
        found = report.read_position(fenhao.journal, fenhao.vault, days)
    words.status.clear()
    for line in report.position_lines(found, reader):
        words.say(line, line)
    words.give(report.position_members(found, reader.exponent))
    sys.exit(EXIT_TAMPERED if found.difference else 0)


def _take(
    register: Register | None, document: Document, file: Path, acceptance: Acceptance | None, dry_run: bool
) -> list[Taken]:
    """What becomes of a document; without a ledger, and without an account, what its statements come to."""
    from reports.banking.taking import judged

    if register is None or (dry_run and any(each.account is None for each in document.statements)):
        return judged(document)
    return register.take(document, file, acceptance, dry_run=dry_run)


def _register_for(stack: ExitStack, words: Words, settings: Settings, *, dry_run: bool) -> Register | None:
    """The ledger's register; None for a dry run where no ledger is."""
    from api.bootstrap import assembled
    from ledger.errors import LedgerNotOpen

    with suppress(*((LedgerNotOpen,) if dry_run else ())):
        return _register(stack.enter_context(assembled(settings, words.status.wait)))
    return None


def _register(fenhao: Fenhao) -> Register:
    from reports.banking.register import Register

    return Register(fenhao.journal, fenhao.vault)


def _acceptance(by: str | None, approved_by: str | None, reason: str | None) -> Acceptance:
    from api.intake import UnusableArgument
    from reports.banking.taking import Acceptance

    if by is None or approved_by is None or reason is None:
        raise UnusableArgument(
            "accept", "name --by, --approved-by and --reason", "须给出 --by、--approved-by 与 --reason"
        )
    acceptance = Acceptance(by, approved_by, reason)
    acceptance.check()
    return acceptance


def _wanted(text: str) -> int | bytes:
    """`B7` or `7` as a statement's number, anything else as a file, by its SHA-256."""
    from api.intake import UnusableArgument

    if re.fullmatch("[Bb]?[0-9]{1,18}", text, re.ASCII):
        return int(text.lstrip("Bb"))
    try:
        with Path(text).open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except (OSError, ValueError) as error:
        raise UnusableArgument(
            text, "give a statement's number (B7) or its file", "应为对账单编号（B7）或其文件"
        ) from error


def _given(words: Words, file: Path, document: Document, each: Taken) -> dict[str, Any]:
    from reports.banking.words import told_of

    members = _told(words, told_of(each), each.state, each.id)
    if each.known and each.state != "already":
        words.say(f"  其中 {each.known} 笔此前已登记", f"  {each.known} of them came with an earlier file")
    return {**members, "known": each.known, "file": str(file), "format": document.format}


def _shown(words: Words, kept: Kept) -> dict[str, Any]:
    from ledger.times import utc_text
    from reports.banking.words import told_of

    members = _told(words, told_of(kept), kept.state, kept.id)
    acceptance = None
    if kept.accepted_at is not None:
        words.say(
            f"  {kept.accepted_by} 接受，{kept.approved_by} 批准：{kept.reason}",
            f"  accepted by {kept.accepted_by}, approved by {kept.approved_by}: {kept.reason}",
        )
        acceptance = {
            "at": utc_text(kept.accepted_at),
            "by": kept.accepted_by,
            "approved_by": kept.approved_by,
            "reason": kept.reason,
        }
    more = {"known": kept.known, "sha256": kept.file, "format": kept.format, "imported_at": utc_text(kept.imported_at)}
    return {**members, **more, "acceptance": acceptance}


def _told(words: Words, told: Told, state: str, id: int | None) -> dict[str, Any]:
    """Says a statement, and why it does not tie; its members for programs, amounts as decimals."""
    from ledger.money import exponent_of
    from reports.banking.amounts import decimal_text
    from reports.banking.words import figures, problems

    words.say(*figures(told, state, id))
    found = problems(told)
    for problem in found:
        words.say(f"  {problem.zh}", f"  {problem.en}")

    def text(minor: int | None, currency: str = told.currency) -> str | None:
        return None if minor is None else decimal_text(minor, exponent_of(currency))

    return {
        "account": told.account,
        "currency": told.currency,
        "opening": text(told.opening),
        "closing": text(told.closing, told.closing_currency or told.currency),
        "count": told.lines,
        "credits": text(told.credits),
        "debits": text(told.debits),
        "ties": told.ties,
        "difference": text(told.difference),
        "problems": [problem._asdict() for problem in found],
        "state": state,
        "id": None if id is None else f"B{id}",
        "first_on": told.first_on,
        "last_on": told.last_on,
    }


def _line(words: Words, ordinal: int, line: Any, exponent: int) -> dict[str, Any]:
    from ledger.errors import shown
    from ledger.money import format_amount
    from reports.banking.amounts import decimal_text

    said = "  ".join(shown(text, 200) for text in (line.bank_ref, line.order_ref, *line.details) if text)
    text = f"  {ordinal:>5}  {line.booked_on}  {format_amount(line.amount, exponent):>16}  {said}"
    words.say(text, text)
    return {
        "ordinal": ordinal,
        "booked_on": line.booked_on,
        "value_on": line.value_on,
        "clock": line.clock,
        "amount": decimal_text(line.amount, exponent),
        "fee": decimal_text(line.fee, exponent),
        "balance": None if line.balance is None else decimal_text(line.balance, exponent),
        "bank_ref": line.bank_ref,
        "order_ref": line.order_ref,
        **line.details._asdict(),
    }
