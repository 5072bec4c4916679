"""`fenhao confirm`: confirmation letters 函证 to hospitals and donors, and whether one is as the log has it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.settings import Settings
from api.words import Words, common
from ledger.errors import BadValue, InputFault

if TYPE_CHECKING:
    from api.bootstrap import Fenhao
    from reports.confirmations import Letter

# As in `api.cli`, each command imports what it needs when it runs.

FORMATS = (".json", ".html", ".pdf")


class NotWritten(InputFault):
    """A letter's file that cannot be written."""

    code = "letter_not_written"
    zh = "无法使用 {path}：{reason_zh}"
    en = "{path} cannot be used: {reason}"


@click.group()
def confirm() -> None:
    """函证 / Confirmation letters, and whether one is as the log has it."""


def _letter(noun: str, about: str) -> click.Command:
    """The command for letters to hospitals, or to donors."""

    @confirm.command(noun, help=about)
    @click.argument("id", metavar=noun[0].upper())
    @click.option(
        "--as-of", "until", required=True, metavar="DATE", help="余额截止日 / balances at the end of that day"
    )
    @click.option("--from", "since", metavar="DATE", help="期间首日，默认当年 1 月 1 日 / first day; default 1 January")
    @click.option("--reply-to", metavar="TEXT", help="回函直接寄往 / where the reply goes, the auditor's address say")
    @click.option(
        "--out",
        required=True,
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE.(json|html|pdf)",
        help="写入此文件，按扩展名定格式 / write it here, as what its name ends in",
    )
    @common
    def command(
        words: Words, settings: Settings, id: str, until: str, since: str | None, reply_to: str | None, out: Path
    ) -> None:
        from api.bootstrap import assembled, log_of
        from ledger.ids import check_id, check_text
        from ledger.times import parse_day
        from reports.confirmations import About, letter_of, reference_of

        if out.suffix.lower() not in FORMATS:
            raise BadValue(
                "out", out.name, f"a name that ends in {', '.join(FORMATS)}", f"扩展名应为 {'、'.join(FORMATS)}"
            )
        last = parse_day(until, "as-of")
        first = date(last.year, 1, 1) if since is None else parse_day(since, "from")
        if first > last:
            raise BadValue("from", first, "not after --as-of", "不得晚于 --as-of")
        if reply_to is not None:
            check_text(reply_to, "reply-to")
        about = About(noun, check_id(id, noun), first, last)
        with assembled(settings, words.status.wait) as fenhao:
            _require_past(fenhao, last)
            head = log_of(fenhao).publish(words.status.entries)
            fenhao.runner.catch_up(progress=words.status.views)
            made = letter_of(fenhao.journal, head, about)
            data = _written(made, _addressee(fenhao, about), reply_to, out.suffix.lower())
        words.status.clear()
        _write(out, data)
        reference = str(reference_of(made))
        words.say(f"函证已写入 {out}；核验编号：{reference}", f"the letter is in {out}; its reference: {reference}")
        words.give({**made, "reference": reference, "out": str(out)})

    return command


_letter("hospital", "致医院的函证：已拨付未结算余额 / A letter to a hospital: what it was paid and has not settled")
_letter("donor", "致捐赠人的函证：捐赠及其现状 / A letter to a donor: what was given, and where it stands")


@confirm.command()
@click.argument("what", metavar="CODE|FILE")
@common
def check(words: Words, settings: Settings, what: str) -> None:
    """核对函证：核验编号或文件，同 verify-report / Does the log give a letter's figures? Its reference, or its file.

    Exit code 1: it does not; the letter was changed, or is of another ledger. 2: it cannot be told.
    """
    from api.verify_report_command import hold_against_log

    hold_against_log(words, settings, what)


def _require_past(fenhao: Fenhao, day: date) -> None:
    """Raises BadValue for a day that is not over, or under way, in the ledger's zone."""
    from ledger.times import find_zone, local_day

    today = local_day(fenhao.journal.entries.clock(), find_zone(fenhao.journal.entries.head().zone or "UTC"))
    if day > today:
        raise BadValue("as-of", day, f"not after today, {today}", f"不得晚于今天（{today}）")


def _addressee(fenhao: Fenhao, about: Any) -> str:
    """What a hospital is called; a donor is not named."""
    from projections.trace import reading

    if about.noun != "hospital":
        return "捐赠人 / the donor"
    with reading(fenhao.journal) as traces:
        return str(traces.entries("hospital", about.id)[0].data["name"])


def _written(letter: Letter, addressee: str, reply_to: str | None, kind: str) -> bytes:
    """The letter's file. Raises what printing raises."""
    import msgspec

    from audit.checkpoint import Checkpoint
    from reports.confirmation_page import page_of
    from reports.confirmations import reference_of
    from reports.printing import Attached, pdf

    reference = reference_of(letter)
    told = msgspec.json.format(msgspec.json.encode({**letter, "reference": str(reference)}), indent=2) + b"\n"
    if kind == ".json":
        return told
    head = Checkpoint(letter["origin"], letter["size"], bytes.fromhex(letter["root"]))
    page = page_of(letter, reference, head, addressee, reply_to)
    if kind == ".html":
        return page.encode()
    return pdf(page, date.fromisoformat(letter["to"]), [Attached("confirmation.json", told, "figures")])


def _write(out: Path, data: bytes) -> None:
    from audit.files import write_whole

    try:
        write_whole(out, data)
    except OSError as error:
        raise NotWritten(path=out, reason=error.strerror, reason_zh=error.strerror) from error
