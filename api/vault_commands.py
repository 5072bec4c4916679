"""`fenhao vault ...`: personal values read with a reason, found, erased, and their keys changed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from api.settings import Settings
from api.words import Words, common

if TYPE_CHECKING:
    from ledger.vault import Opened, Reader

Options = dict[str, Any]

_by = click.option("--by", required=True, help="经办人编号 / who asks: an opaque staff id")
_reason = click.option("--reason", required=True, help="查阅理由，记入日志 / why; it is logged")
_restricted = click.option(
    "--restricted-reason", help="查阅已限制处理的信息的理由 / why to read what is restricted, if it is"
)


@click.group()
def vault() -> None:
    """个人信息保险库 / Personal values, outside the chain and encrypted."""


@vault.command("open")
@click.argument("stream")
@_by
@_reason
@_restricted
@common
def open_(words: Words, settings: Settings, stream: str, **options: Any) -> None:
    """打开一个事项的承诺值，如 donation/D1 / Show what opens the commitments on a stream, or whose an id is.

    Field, value, salt and commitment: what a receipt needs. Every reading is logged.
    """
    from api.bootstrap import assembled

    with assembled(settings, words.status.wait) as fenhao:
        reading = fenhao.vault.open(stream, _reader(options))
    words.give(reading)
    if reading.outside_id is not None:
        words.say(f"外部编号：{reading.outside_id}", f"outside id: {reading.outside_id}")
    for one in reading.openings:
        _say(words, one)
    if not reading.openings and reading.outside_id is None:
        words.say("没有个人信息", "no personal values")


def _say(words: Words, one: Opened) -> None:
    """One opening for a person."""
    if one.erased is not None:
        words.say(
            f"第 {one.seq} 条分录 {one.field}：已删除（第 {one.erased} 条分录）",
            f"entry {one.seq} {one.field}: erased (entry {one.erased})",
        )
        return
    words.say(f"第 {one.seq} 条分录 {one.field}：{one.value}", f"entry {one.seq} {one.field}: {one.value}")
    words.say(f"  salt {one.salt}", f"  salt {one.salt}")
    words.say(f"  commitment {one.commitment}", f"  commitment {one.commitment}")


@vault.command()
@click.argument("field", metavar="donor_id|person_id|household_id|case_id")
@click.argument("value")
@_by
@_reason
@common
def find(words: Words, settings: Settings, field: str, value: str, **options: Any) -> None:
    """按外部编号（如手机号）查找假名 / Find the id that stands for an outside one.

    With - for VALUE it is read from a line of input, and stands in no history of commands.
    """
    from api.bootstrap import assembled

    if value == "-":
        value = sys.stdin.readline().strip()
    with assembled(settings, words.status.wait) as fenhao:
        found = fenhao.vault.find(field, value, _reader(options))
    words.say(found, found)
    words.give({field: found})


@vault.command()
@click.argument("subject")
@click.option("--basis", required=True, metavar="KIND:REF", help="依据 / on what ground, e.g. request:2026-17")
@click.option("--by", help="经办人编号 / who does it")
@click.option("--approved-by", multiple=True, help="批准人编号 / who approved it")
@common
def erase(
    words: Words, settings: Settings, subject: str, basis: str, by: str | None, approved_by: tuple[str, ...]
) -> None:
    """删除一人的个人信息 / Erase the personal values of donor/ID, person/ID, household/ID, case/ID or donation/ID.

    While vouchers must be kept (FENHAO_RETENTION_YEARS) they are restricted instead; asked again then, it completes.
    """
    from api.bootstrap import assembled
    from ledger.erasure import erase as erase_subject
    from ledger.errors import BadValue
    from ledger.events import Basis

    kind, colon, ref = basis.partition(":")
    if not (kind and colon and ref):
        raise BadValue("basis", basis, "write KIND:REF, e.g. request:2026-17", "应写作 类别:文号，如 request:2026-17")
    years = settings.retention_years()
    with assembled(settings, words.status.wait) as fenhao:
        done = erase_subject(
            fenhao.writer, fenhao.vault, subject, Basis(kind, ref), years, by=by, approved_by=approved_by or None
        )
    state = "erased" if done.until is None else "restricted"
    until = {} if done.until is None else {"until": done.until}
    words.give({"subject": subject, "state": state, "seq": done.seq, **until, "related": done.related})
    if done.until is None:
        words.say(
            f"{subject} 的个人信息已删除（第 {done.seq} 条分录）；备份中的副本在备份或当时的主密钥销毁后失效",
            f"the personal values of {subject} are erased (entry {done.seq}); backups still hold them until they are "
            "gone, or the master key of their time is",
        )
    else:
        words.say(
            f"凭证尚须保存：{subject} 的个人信息已限制处理（第 {done.seq} 条分录），{done.until} 起可删除，届时再运行",
            f"vouchers must be kept: the personal values of {subject} are restricted (entry {done.seq}); they may be "
            f"erased from {done.until} on: run this again then",
        )
    if done.related:
        listed = ", ".join(done.related)
        words.say(
            f"另有记录以自身编号存有个人信息，如属此人请一并删除：{listed}",
            f"records that hold personal values of their own; erase them too if they are this person's: {listed}",
        )


@vault.command()
@common
def rotate(words: Words, settings: Settings) -> None:
    """更换主密钥 / Wrap all persons' keys by a new master key. Cut short, it goes on when run again."""
    from api.bootstrap import assembled

    with assembled(settings, words.status.wait) as fenhao:
        done = fenhao.vault.rotate(words.status.keys)
    words.status.clear()
    words.give(done)
    if done.resumed:
        words.say("接着完成了上次中断的更换", "an earlier change that was cut short is done")
    words.say(
        f"主密钥 {done.master} 已启用，{done.wrapped} 把密钥已重新加密",
        f"master key {done.master} is in use, {done.wrapped} persons' keys are wrapped by it",
    )
    for old in done.retired:
        path = settings.home / "keys" / f"vault-master-{old}.key"
        words.say(
            f"{path} 只在恢复更早的备份时需要：那些备份销毁后请一并删除",
            f"{path} is needed for nothing but backups from before: remove it when those are gone",
        )


@vault.command("log")
@click.argument("stream", required=False)
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000), help="条数 / how many")
@common
def log(words: Words, settings: Settings, stream: str | None, limit: int) -> None:
    """查阅日志 / Who read personal values, when and why; of one stream or subject, or of all."""
    from api.bootstrap import assembled

    with assembled(settings, words.status.wait) as fenhao:
        accesses = fenhao.vault.accesses(stream, limit)
    words.give({"accesses": [access._asdict() for access in accesses]})
    for one in accesses:
        whose = ", ".join(filter(None, [one.stream, *one.subjects, *one.fields]))
        line = f"{one.at}  {one.by}  {one.what}  {whose}  {one.reason}"
        line += f"  [{one.restricted_reason}]" if one.restricted_reason else ""
        words.say(line, line)
    if not accesses:
        words.say("没有查阅记录", "nothing was read")


def _reader(options: Options) -> Reader:
    from ledger.vault import Reader

    return Reader(options["by"], options["reason"], options.get("restricted_reason"))
