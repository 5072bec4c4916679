"""`fenhao sample`: an auditor's own choice of entries, with evidence, openings and proofs, that can be drawn again."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from api.settings import Settings
from api.words import EXIT_TAMPERED, Words, common
from ledger.errors import BadValue

if TYPE_CHECKING:
    from api.bootstrap import Fenhao
    from reports.sample_folder import Asked
    from reports.sampling import Wanted

# As in `api.cli`, the command imports what it needs when it runs.

MAX_SIZE = 100_000
MAX_MANIFEST_BYTES = 500_000_000


class Filters(NamedTuple):
    """What the options say of which facts are wanted, as they were typed."""

    since: str | None
    until: str | None
    types: tuple[str, ...]
    fund: str | None
    min_amount: str | None

    def wanted(self, exponent: int) -> Wanted:
        """Raises BadValue."""
        from ledger.events import FACTS
        from ledger.ids import check_id
        from ledger.money import AmountError, parse_amount
        from ledger.times import parse_day
        from reports.sampling import Wanted

        names = [name for text in self.types for name in text.split("|") if name]
        for name in names:
            if name not in FACTS:
                known = ", ".join(sorted(FACTS))
                raise BadValue("types", name, f"one of {known}", f"应为下列之一：{known}")
        since, until = (
            None if text is None else _day(parse_day(text, name))
            for name, text in (("from", self.since), ("to", self.until))
        )
        if since is not None and until is not None and since > until:
            raise BadValue("to", until, "not before --from", "不得早于 --from")
        try:
            least = 0 if self.min_amount is None else parse_amount(self.min_amount, exponent)
        except AmountError as error:
            raise BadValue("min-amount", self.min_amount, *error.args) from error
        fund = None if self.fund is None else check_id(self.fund, "fund")
        return Wanted(since, until, frozenset(names), fund, least)


def _day(day: date) -> str:
    return day.isoformat()


@click.command(short_help="审计抽样 / Draw an auditor's sample of entries, with evidence, openings and proofs")
@click.option("--seed", help="种子，由审计人员自定 / the auditor's own; the same draws the same")
@click.option("--size", type=click.IntRange(1, MAX_SIZE), help="样本量 / how many")
@click.option(
    "--method",
    type=click.Choice(["random", "mus"]),
    default="random",
    show_default=True,
    help="简单随机，或货币单元抽样 / simple random, or by monetary units",
)
@click.option("--from", "since", metavar="DATE", help="记账日期不早于 / posted on that day or later")
@click.option("--to", "until", metavar="DATE", help="记账日期不晚于 / posted on that day or earlier")
@click.option("--types", multiple=True, metavar="FACT|FACT", help="只抽这些事项 / of these kinds of fact alone")
@click.option("--fund", metavar="F", help="只抽与此基金有关的 / about that fund alone")
@click.option("--min-amount", metavar="AMOUNT", help="金额不低于（元） / worth that much at least, in major units")
@click.option("--by", metavar="AUDITOR", help="审计人员编号 / who draws it: an opaque id")
@click.option("--reason", help="事由，记入查阅日志 / why; it is logged")
@click.option("--restricted-reason", help="查阅已限制处理的信息的理由 / why to read what is restricted")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="写入此新文件夹 / a new folder for it")
@click.option(
    "--of",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="EXPORT",
    help="由导出离线重算，不写文件 / draw it from an export instead, offline, and only tell",
)
@click.option(
    "--check",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="样本是否确由种子抽出（配合 --of） / is the sample there the one that its seed draws; with --of",
)
@common
def sample(
    words: Words,
    settings: Settings,
    seed: str | None,
    size: int | None,
    method: str,
    since: str | None,
    until: str | None,
    types: tuple[str, ...],
    fund: str | None,
    min_amount: str | None,
    folder: Path | None,
    check: Path | None,
    **session: Any,
) -> None:
    """审计抽样：种子相同、日志头相同，则样本相同 / Draw a sample of facts: seeded, so that anybody can draw it again.

    \b
    fenhao sample --seed S --size 60 --method mus --by auditor-1 --reason "2026 年审" --out DIR
    fenhao sample --seed S --size 60 --method mus --of EXPORT      the same, from an export, by whoever checks
    fenhao sample --check DIR --of EXPORT                          is that folder's sample the one that its seed draws

    The folder has a receipt of each entry, its evidence hashes, and what opens its commitments (each reading is
    logged); `python verify.py .` checks it there.
    """
    from api.intake import UnusableArgument
    from ledger.ids import check_text

    if check is not None and folder is not None:
        _check(words, check, folder)
        return
    if check is not None or seed is None or size is None:
        said = "give --seed and --size, or --check DIR with --of EXPORT"
        raise UnusableArgument("sample", said, "须给出 --seed 和 --size，或以 --check 文件夹 配合 --of 导出")
    check_text(seed, "seed")
    filters = Filters(since, until, types, fund, min_amount)
    if folder is not None:
        _again(words, folder, filters, method, seed, size)
    else:
        _draw(words, settings, filters, (method, seed, size), session)


def _draw(
    words: Words, settings: Settings, filters: Filters, how: tuple[str, str, int], session: dict[str, Any]
) -> None:
    """The sample of this ledger, with all that belongs to it, in a folder."""
    from api.bootstrap import assembled
    from api.intake import UnusableArgument
    from ledger.vault import Reader
    from reports.receipts import require_new
    from reports.sample_folder import Asked

    by, reason, out = (session[name] for name in ("by", "reason", "out"))
    if not (by and reason and out):
        said = "give --by and --reason (readings are logged) and --out, or --of EXPORT to draw it from an export"
        raise UnusableArgument("sample", said, "须给出 --by、--reason（查阅留痕）和 --out；由导出重算请用 --of")
    reader = Reader(by, reason, session["restricted_reason"])
    reader.check()
    require_new(out)
    with assembled(settings, words.status.wait) as fenhao:
        ledger = fenhao.journal.entries.head()
        currency, exponent = ledger.currency or "", ledger.exponent or 0
        asked = Asked(*how, filters.wanted(exponent), by, reason, currency, exponent)
        members = _written(words, fenhao, asked, reader, out)
    words.status.clear()
    _tell(words, members)
    words.say(
        f"已写入 {out}；验证：python {out}/verify.py {out}", f"it is in {out}; check: python {out}/verify.py {out}"
    )
    words.give({**members, "folder": str(out)})


def _written(words: Words, fenhao: Fenhao, asked: Asked, reader: Any, out: Path) -> dict[str, Any]:
    """Draws, opens, proves and writes; the manifest's members."""
    from api.bootstrap import log_of, reader_of
    from audit.verify import split
    from ledger.journal import bundles_of
    from reports.receipts import write_folder
    from reports.sample_folder import entries_of, files_of, manifest, open_for
    from reports.sampling import draw, facts_of

    log = log_of(fenhao)
    head = log.publish(words.status.entries)

    def facts() -> Iterator[Any]:
        with fenhao.journal.entries.reading() as cursor:
            yield from facts_of(body for bundle in bundles_of(cursor, 0, head.size) for body in split(bundle))

    drawn = draw(facts, asked.wanted, asked.method, asked.seed, asked.size)
    entries = entries_of(fenhao.journal, drawn)
    every = [one for parts in entries.values() for one in parts]
    opened = open_for(fenhao.vault, every, reader)
    receipts = log.receipts([one.seq for one in every], opened.openings, under=head)
    members = manifest(asked, drawn, entries, opened, head, receipts[0].proof.checkpoint)
    lines = (text for pair in _lines(members) for text in pair)
    title = f"审计抽样 / audit sample {asked.seed}"
    write_folder(out, title, receipts, head, log.policy, reader_of(fenhao), files_of(members, lines))
    return members


def _again(words: Words, folder: Path, filters: Filters, method: str, seed: str, size: int) -> None:
    """The sample that an export gives, told and not written."""
    from msgspec import DecodeError, convert

    from api.verify_command import UnusableForProof
    from audit.verify import Export, Unusable
    from reports.sample_folder import told
    from reports.sampling import Opening, draw, facts_of

    try:
        export = Export(folder)
        opening = convert(export.first().get("data"), Opening)
        wanted = filters.wanted(opening.exponent)
        drawn = draw(lambda: facts_of(_bodies(folder)), wanted, method, seed, size)
    except Unusable as fault:
        raise UnusableForProof(said=fault.en, said_zh=fault.zh) from fault
    except (DecodeError, ValueError) as error:
        said = f"{folder} is damaged ({error}): run fenhao verify {folder}"
        said_zh = f"{folder} 已损坏（{error}）：请先运行 fenhao verify {folder}"
        raise UnusableForProof(said=said, said_zh=said_zh) from error
    members = {
        "origin": export.head.origin,
        "size": export.size,
        "root": export.head.root.hex(),
        "currency": opening.currency,
        "exponent": opening.exponent,
        "method": method,
        "seed": seed,
        "population": {"facts": drawn.facts, "amount": drawn.value},
        "drawn": [told(one) for one in drawn.drawn],
    }
    _tell(words, members)
    words.give(members)


def _check(words: Words, given: Path, folder: Path) -> None:
    """Holds a sample's folder against an export; ends the process. Receipts are `verify.py`'s to check."""
    import msgspec

    from api.verify_command import UnusableForProof
    from audit.files import read_at_most
    from audit.verify import Export, Unusable, note_file
    from reports.sample_check import NotASample, how_of, sample_flaws
    from reports.sampling import facts_of

    path = given / "sample.json"
    try:
        members = msgspec.json.decode(read_at_most(path, MAX_MANIFEST_BYTES), type=dict[str, Any])
        how_of(members, path)
        size = msgspec.convert(members.get("size"), int)
        newest = Export(folder).head
        head = newest if newest.size == size else note_file(folder / "checkpoints" / str(size))
        flaws = list(sample_flaws(members, lambda: facts_of(islice(_bodies(folder), size)), head))
    except Unusable as fault:
        raise UnusableForProof(said=fault.en, said_zh=fault.zh) from fault
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise NotASample(path=path) from error
    for flaw in flaws:
        words.say(f"不符：{flaw.zh}", f"it does not agree: {flaw.en}")
    if not flaws:
        words.say(
            "相符：样本确由其种子从这份导出抽出；请再用 verify.py 核对导出与凭据",
            "it agrees: the seed draws this sample from that export; check the export and the receipts with verify.py",
        )
    words.give({"ok": not flaws, "problems": [flaw.en for flaw in flaws]})
    sys.exit(EXIT_TAMPERED if flaws else 0)


def _bodies(folder: Path) -> Iterator[bytes]:
    """The entries of an export, in order. Raises Unusable unless all that its head names are there."""
    from audit.verify import Export, Unusable, split

    export = Export(folder)
    for bundle in export.bundles():
        yield from split(bundle)
    for problem in export.problems:
        raise Unusable(problem.zh, problem.what)


def _tell(words: Words, members: dict[str, Any]) -> None:
    from ledger.money import format_amount

    for zh, en in _lines(members):
        words.say(zh, en)
    for one in members["drawn"]:
        amount = f"{format_amount(one['amount'], members['exponent'])} {members['currency']}"
        line = f"  #{one['entry']}  {one['on'] or '—'}  {one['type']}  {amount}"
        words.say(line, line)


def _lines(members: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """What a sample comes to, in words."""
    drawn, of = len(members["drawn"]), members["population"]
    yield (
        f"由 {of['facts']} 项事项中抽出 {drawn} 项（日志头 {members['size']} 条分录，树根 {members['root']}）",
        f"{drawn} of {of['facts']} facts drawn (head of {members['size']} entries, root {members['root']})",
    )
