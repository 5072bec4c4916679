"""`fenhao record`: the command line's way to record any one fact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from api.settings import Settings
from api.words import Words, common

if TYPE_CHECKING:
    from api.commands import Form
    from api.recording import Done

# As in `api.cli`, the command imports what it needs when it runs.


@click.command()
@click.argument("fact", required=False)
@click.argument("more", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="成员的值，可重复 / a member, may be repeated")
@click.option("--set-json", "file", metavar="FILE", help="JSON 对象，- 为标准输入 / members as one JSON object")
@click.option("--dry-run", is_flag=True, help="只试运行 / tell what it would do, record nothing")
@click.option("--list", "listing", is_flag=True, help="列出全部事项及其成员 / show every fact with its members")
@click.option("--members", "explaining", is_flag=True, help="说明该事项的成员 / explain the fact's members")
@common
def record(
    words: Words,
    settings: Settings,
    fact: str | None,
    more: tuple[str, ...],
    sets: tuple[str, ...],
    file: str | None,
    dry_run: bool,
    listing: bool,
    explaining: bool,
) -> None:
    """登记任一事项，如 DonationReceived、AllocationReleased、EntryReversed / Record any one fact.

    \b
    fenhao record DonationReceived --set donation=D1 fund=heart amount=20000.00 on=2026-03-01 donor=DN-017
    fenhao record --list
    fenhao record HospitalPaymentReturned --members
    """
    from api.bootstrap import assembled, reader_of
    from api.commands import RECORDABLE, Currency, command_of, form_of
    from api.intake import UnusableArgument
    from api.recording import record as record_one
    from api.recording import written_members
    from reports.entries import entry_lines

    if listing:
        _list([form_of(name) for name in RECORDABLE], words)
        return
    if fact is None:
        raise UnusableArgument(
            "FACT", "name a fact; fenhao record --list shows them", "请给出事项：见 fenhao record --list"
        )
    form = form_of(fact)
    if explaining:
        _explain(form, words)
        return
    members = written_members(form, [*sets, *more], file)
    with assembled(settings, words.status.wait) as fenhao:
        reader = reader_of(fenhao)
        words.exponent = reader.exponent
        currency = Currency(reader.currency, reader.exponent)
        done = record_one(fenhao, command_of(form.fact, members, currency), dry_run=dry_run)
    words.status.clear()
    words.give(done.members(currency))
    _headline(done, words)
    for line in entry_lines(done.entry, done.amount(), reader, members):
        words.say(line, line)


def _headline(done: Done, words: Words) -> None:
    """What became of the command, before the entry itself."""
    seq = done.entry.seq
    if done.replayed:
        words.say(
            f"此前已登记为第 {seq} 号分录，本次未再登记" + ("（该分录其后已被冲销）" if done.is_reversed else ""),
            f"recorded already as entry {seq}, nothing was recorded now"
            + (" (that entry has been reversed since)" if done.is_reversed else ""),
        )
        words.say(
            "如确为另一笔，请给出不同的幂等键（--set key=…）", "if it is another one, give it a key (--set key=...)"
        )
    elif done.dry_run:
        words.say(f"试运行，未登记；将成为第 {seq} 号分录", f"a dry run, nothing was recorded; it would be entry {seq}")
    else:
        words.say(f"已登记为第 {seq} 号分录", f"recorded as entry {seq}")


def _list(forms: list[Form], words: Words) -> None:
    """Every fact: one line of meaning, and its members but those that any fact may have."""
    from api.commands import common_names
    from api.fact_words import MEANINGS

    shared = common_names()
    for form in forms:
        zh, en = MEANINGS[form.fact]
        words.say(f"{form.fact}  {zh}", f"{form.fact}  {en}")
        required, optional = (
            " ".join(form.names(required=True)),
            " ".join(name for name in form.names(required=False) if name not in shared),
        )
        words.say(f"  必填 {required}", f"  required {required}")
        if optional:
            words.say(f"  选填 {optional}", f"  optional {optional}")
    words.say(f"均可选填：{' '.join(shared)}", f"any may have: {' '.join(shared)}")
    words.give({"facts": [_described(form) for form in forms]})


def _explain(form: Form, words: Words) -> None:
    """One fact's members: which must be there, how each is written."""
    from rich.cells import cell_len

    from api.fact_words import MEANINGS, hint_of
    from reports.entries import word
    from reports.traces import Reader

    zh, en = MEANINGS[form.fact]
    words.say(f"{form.fact}：{zh}", f"{form.fact}: {en}")
    reader = Reader(words.language)
    rows = [(member, word(member.name, reader), *hint_of(form, member)) for member in form.members]
    named, called = max(len(row[0].name) for row in rows), max(cell_len(row[1]) for row in rows)
    for member, label, hint_zh, hint_en in rows:
        start = (
            f"  {'*' if member.required else ' '} {member.name:{named}}  {label}{' ' * (called - cell_len(label))}  "
        )
        words.say(start + hint_zh, start + hint_en)
    words.say("* 必填", "* required")
    words.give(_described(form))


def _described(form: Form) -> dict[str, Any]:
    """A fact's members for a program."""
    from api.fact_words import MEANINGS, hint_of

    zh, en = MEANINGS[form.fact]
    members = [
        {"name": member.name, "required": member.required, "written_zh": written[0], "written_en": written[1]}
        for member in form.members
        if (written := hint_of(form, member))
    ]
    return {"fact": form.fact, "command": form.command.__name__, "zh": zh, "en": en, "members": members}
