"""`fenhao bank match` and its neighbours: matches recorded, suggested, made and undone by people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from api.bank_commands import bank as bank
from api.settings import Settings
from api.words import Words, common

if TYPE_CHECKING:
    from api.bootstrap import Fenhao
    from ledger.decisions import LegRef
    from reports.matching import Standing
    from reports.reconcile import Key

# As in `api.cli`, each command imports what it needs when it runs.

_BY = click.option("--by", metavar="STAFF", help="经办人（内部工号） / who does it, an opaque staff id")
_APPROVED_BY = click.option("--approved-by", metavar="STAFF", help="批准人 / who approves, another person")
_DAYS = click.option(
    "--days", type=click.IntRange(0, 31), default=3, show_default=True, help="日期相差至多几天 / days apart"
)
_LINES = click.argument("lines", nargs=-1, required=True, metavar="LINE...")


@bank.command()
@click.argument("line", required=False)
@click.argument("entries", nargs=-1, metavar="[ENTRY|LINE]...")
@click.option("--dry-run", is_flag=True, help="只试配，不登记 / show what would match, record nothing")
@_DAYS
@_BY
@common
def match(
    words: Words,
    settings: Settings,
    line: str | None,
    entries: tuple[str, ...],
    dry_run: bool,
    days: int,
    by: str | None,
) -> None:
    """对账：按规则匹配流水与分录并登记；或由人指定一笔（B7/3）与其分录 / Match lines of statements with entries.

    Without arguments whatever the rules are sure of; `fenhao bank match B7/3 128 payment/P1 --by STAFF` by hand; two
    lines alone, money that went from one own account to another.
    """
    from api.bootstrap import assembled
    from reports.matching import read_open, record_matches
    from reports.matching_words import match_lines, match_members

    if line is not None:
        _match_by_hand(words, settings, [line, *entries], by, dry_run=dry_run)
        return
    with assembled(settings, words.status.wait) as fenhao:
        exponent = fenhao.journal.entries.head().exponent or 0
        books = read_open(fenhao.journal, days)
        done = None if dry_run else record_matches(fenhao.writer, books, by)
    words.status.clear()
    for said in match_lines(books.found, books.sides, exponent):
        words.say(said.zh, said.en)
    members = match_members(books.found, books.sides, exponent) if words.json else {}
    if done is not None:
        words.say(f"已登记 {done.recorded} 条匹配分录", f"{done.recorded} matches were recorded")
        if done.refused or done.too_large:
            words.say(
                f"{done.refused} 条被拒绝（他人已先行登记），{done.too_large} 组过大，请人工拆分",
                f"{done.refused} refused (somebody was quicker), {done.too_large} too large: match parts by hand",
            )
        members["recorded"] = done._asdict()
    words.give(members)


@bank.command()
@_DAYS
@common
def suggestions(words: Words, settings: Settings, days: int) -> None:
    """待人判断的流水：规则的建议，与尚未了结的 / Lines for a person: what the rules suggest, what is open."""
    from api.bootstrap import assembled
    from reports.closing import open_lines
    from reports.matching import read_open
    from reports.matching_words import match_lines, match_members

    with assembled(settings, words.status.wait) as fenhao:
        exponent = fenhao.journal.entries.head().exponent or 0
        books = read_open(fenhao.journal, days)
        ideas = {key for one in books.found.suggestions for way in one.alternatives for key in way.lines}
        with fenhao.journal.entries.reading() as cursor:
            still = open_lines(cursor, None, ideas)
    books.found.matches.clear()
    words.status.clear()
    for said in match_lines(books.found, books.sides, exponent):
        words.say(said.zh, said.en)
    members = match_members(books.found, books.sides, exponent)
    states = [{"line": _named(key), "state": state} for key, state in still]
    words.give({**members, "open": states})


@bank.command()
@click.argument("wanted", metavar="LINE|MATCH")
@_BY
@common
def unmatch(words: Words, settings: Settings, wanted: str, by: str | None) -> None:
    """撤销匹配、核销或存疑 / Undo what was said of a line, or one match by its id."""
    from api.bootstrap import assembled
    from api.intake import UnusableArgument
    from ledger.decisions import UnmatchLines
    from reports.bank_lines import read_line

    with assembled(settings, words.status.wait) as fenhao:
        names = [wanted]
        if (key := _key(wanted)) is not None:
            with fenhao.journal.entries.reading() as cursor:
                names = [one.match for one in read_line(cursor, key).said if one.undone is None]
        if not names:
            raise UnusableArgument(wanted, "nothing was said of it that stands", "没有可撤销的匹配")
        _submit(words, fenhao, [UnmatchLines(key=f"unmatch:{name}", match=name, by=by) for name in names])


@bank.command()
@click.argument("line")
@click.argument("entries", nargs=-1, required=True, metavar="[ENTRY|LINE]...")
@_BY
@common
def refuse(words: Words, settings: Settings, line: str, entries: tuple[str, ...], by: str | None) -> None:
    """否决一项建议，不再向任何人提出 / These don't belong together: it is suggested to nobody again."""
    from api.bootstrap import assembled
    from api.intake import UnusableArgument
    from ledger.ids import check_id
    from reports import refusals
    from reports.matching import read_known
    from reports.reconcile import Match

    if by is None:
        raise UnusableArgument("refuse", "name --by: a person says so", "须注明 --by：由人判断")
    check_id(by, "by")
    given = [line, *entries]
    lines = [key for key in map(_key, given) if key is not None]
    with assembled(settings, words.status.wait) as fenhao:
        with fenhao.journal.entries.reading() as cursor:
            _check_known(lines, read_known(cursor))
            legs = [(leg.seq, leg.leg) for name in given if _key(name) is None for leg in _legs(cursor, name)]
        refusals.refuse(fenhao.journal, refusals.way_of(Match("person/1", tuple(lines), tuple(legs))), by)
    words.status.clear()
    words.say("已否决，不再建议", "refused: it is not suggested any more")
    words.give({"refused": given})


@bank.command("write-off")
@_LINES
@click.option(
    "--reason", required=True, metavar="CODE", help="bank_error not_ours before_opening small_difference other"
)
@_BY
@_APPROVED_BY
@common
def write_off(
    words: Words, settings: Settings, lines: tuple[str, ...], reason: str, by: str | None, approved_by: str | None
) -> None:
    """核销：这些流水的余额不属于本账本，须两人 / What is open of these lines is none of this ledger's: two persons."""
    from ledger.decisions import WriteOffLines

    approvers = None if approved_by is None else (approved_by,)
    _set_aside(words, settings, lines, WriteOffLines, reason=reason, by=by, approved_by=approvers)


@bank.command()
@_LINES
@_BY
@common
def dispute(words: Words, settings: Settings, lines: tuple[str, ...], by: str | None) -> None:
    """存疑：与银行交涉中，暂不匹配 / What is open of these lines is contested, and matched with nothing meanwhile."""
    from ledger.decisions import DisputeLines

    _set_aside(words, settings, lines, DisputeLines, by=by)


@bank.command()
@click.argument("wanted", metavar="LINE")
@common
def line(words: Words, settings: Settings, wanted: str) -> None:
    """一笔流水背后：匹配的分录、捐赠、受益个案 / Behind a line: its entries, gifts, and on to cases."""
    from api.bootstrap import assembled, reader_of
    from reports.bank_desk import idea_members, read_ideas
    from reports.bank_lines import read_line
    from reports.matching_words import idea_lines

    with assembled(settings, words.status.wait) as fenhao:
        reader, key = reader_of(fenhao), _required_key(wanted)
        with fenhao.journal.entries.reading() as cursor:
            found = read_line(cursor, key)
        ideas = read_ideas(fenhao.journal).of(key) if found.state == "unmatched" else []
        gifts = [one.stream.partition("/")[2] for one in found.behind if one.stream.startswith("donation/")]
        traced = _traced(fenhao, gifts)
    words.status.clear()
    found = found._replace(state="suggested") if ideas else found
    text = f"{wanted} {found.on} {found.account} {reader.money(found.amount)}  {reader.word(found.state)}"
    words.say(text, text)
    for idea in ideas:
        for both in idea_lines(idea, reader):
            words.say(both.zh, both.en)
    for one in found.behind:
        part = "" if one.amount is None else f" {reader.money(one.amount)}"
        told = f"  #{one.seq} {one.stream} {reader.word(one.type)}{part}"
        words.say(told, told)
    for gift, places in traced.items():
        said = ", ".join(f"{reader.place(place)} {reader.money(amount)}" for place, amount in places.items())
        words.say(f"  {gift}：{said}", f"  {gift}: {said}")
    words.give(
        {
            **{name: value for name, value in found._asdict().items() if name not in ("key", "said", "behind")},
            "line": wanted,
            "said": [one._asdict() for one in found.said],
            "entries": [one._asdict() for one in found.behind],
            "suggested": [idea_members(one) for one in ideas],
            "donations": [{"donation": gift, "by_place": places} for gift, places in traced.items()],
        }
    )


def _traced(fenhao: Fenhao, gifts: list[str]) -> dict[str, dict[str, int]]:
    """Where each gift's money is by now."""
    from projections.trace import reading

    if not gifts:
        return {}
    fenhao.runner.catch_up()
    with reading(fenhao.journal) as traces:
        return {gift: dict(traces.donation(gift)["by_place"]) for gift in gifts}


def _match_by_hand(words: Words, settings: Settings, given: list[str], by: str | None, *, dry_run: bool) -> None:
    from api.bootstrap import assembled
    from api.intake import UnusableArgument
    from reports.matching import match_command, read_known

    if by is None:
        raise UnusableArgument("match", "name --by: a person says so", "须注明 --by：由人判断")
    if dry_run:
        raise UnusableArgument("match", "--dry-run is for the rules", "--dry-run 只用于规则匹配")
    lines = [key for key in map(_key, given) if key is not None]
    names = [text for text in given if _key(text) is None]
    with assembled(settings, words.status.wait) as fenhao:
        with fenhao.journal.entries.reading() as cursor:
            standing = read_known(cursor)
            legs = [leg for name in names for leg in _legs(cursor, name)]
        _check_known(lines, standing)
        command = match_command("person/1", lines, [(leg.seq, leg.leg) for leg in legs], standing, by)
        _submit(words, fenhao, [command])


def _legs(cursor: Any, name: str) -> list[LegRef]:
    """`128`, `128/1` or `payment/P1` as cash legs. Raises Unknown."""
    from ledger.decisions import LegRef
    from ledger.errors import Unknown
    from reports.matching import entries_of

    if re.fullmatch("[0-9]{1,15}(/[0-9]{1,4})?", name, re.ASCII):
        seq, _, leg = name.partition("/")
        return [LegRef(int(seq), int(leg or 0))]
    found = entries_of(cursor, name)
    if not found:
        raise Unknown("stream", name)
    return [LegRef(found[0])]


def _set_aside(words: Words, settings: Settings, names: tuple[str, ...], kind: Any, **more: Any) -> None:
    """A write-off or a dispute of lines."""
    from api.bootstrap import assembled
    from api.commands import keyed_by_content
    from reports.matching import line_ref, match_command, read_known

    keys = [_required_key(name) for name in names]
    with assembled(settings, words.status.wait) as fenhao:
        with fenhao.journal.entries.reading() as cursor:
            standing = read_known(cursor)
        _check_known(keys, standing)
        name = match_command(kind.__name__, keys, [], standing, None).match
        refs = tuple(line_ref(key, standing) for key in keys)
        _submit(words, fenhao, [keyed_by_content(kind(key="-", match=name, lines=refs, **more), "bank")])


def _submit(words: Words, fenhao: Fenhao, commands: list[Any]) -> None:
    """Records the commands, all or none, and says as which entries."""
    seqs = []
    with fenhao.writer.session() as session:
        for outcome in session.run(commands):
            if isinstance(outcome, Exception):
                raise outcome
            seqs.append(outcome.seq)
    words.status.clear()
    for command, seq in zip(commands, seqs, strict=True):
        words.say(f"已登记为第 {seq} 号分录（{command.match}）", f"recorded as entry {seq} ({command.match})")
    words.give({"entries": seqs, "matches": [command.match for command in commands]})


def _check_known(keys: list[Key], standing: Standing) -> None:
    from ledger.errors import Unknown

    for key in keys:
        if key[0] not in standing.files:
            raise Unknown("line", _named(key))


def _key(text: str) -> Key | None:
    """`B7/3` as statement and ordinal."""
    found = re.fullmatch("[Bb]([0-9]{1,18})/([0-9]{1,9})", text, re.ASCII)
    return None if found is None else (int(found[1]), int(found[2]))


def _required_key(text: str) -> Key:
    from api.intake import UnusableArgument

    key = _key(text)
    if key is None:
        raise UnusableArgument(text, "give a line, such as B7/3", "应为流水编号，如 B7/3")
    return key


def _named(key: Key) -> str:
    return f"B{key[0]}/{key[1]}"
