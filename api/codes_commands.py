"""`fenhao codes`: the dictionary 数据字典 taken in from files, shown as a tree, kept up with what files really say."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.settings import Settings
from api.words import Words, common

if TYPE_CHECKING:
    from api.bootstrap import Fenhao
    from ledger.dictionary import Dictionary
    from ledger.vocabulary import Synonyms, Waiting

# As in `api.cli`, each command imports what it needs when it runs.


@click.group()
def codes() -> None:
    """数据字典：导入、查看、审定待审词条 / The dictionary: import, list, review unknown terms."""


@codes.command("import")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--starter", is_flag=True, help="本版本的初始字典 / the starter set of this version")
@click.option("--mapping", type=click.Path(path_type=Path), metavar="M.toml", help="列的对应 / how their columns fit")
@click.option("--dry-run", is_flag=True, help="只试运行 / answer the same, record nothing")
@click.option("--rejects", type=click.Path(path_type=Path), help="退回的行写入此文件 / write rejected rows here")
@common
def import_(
    words: Words,
    settings: Settings,
    file: Path | None,
    starter: bool,
    mapping: Path | None,
    dry_run: bool,
    rejects: Path | None,
) -> None:
    """导入代码：dimension,code,name[,parent,synonyms] / Define the codes in a file, parents in any order."""
    from api import intake
    from api.bootstrap import assembled

    if (file is None) != starter:
        raise intake.UnusableArgument(file or "-", "give one FILE, or --starter", "请给出一个文件，或 --starter")
    with ExitStack() as stack:
        path = file or stack.enter_context(as_file(files("ledger") / "starter_codes.csv"))
        sources = intake.parse_sources([f"codes={path}"], [f"codes={mapping}"] if mapping else [])
        fenhao = stack.enter_context(assembled(settings, words.status.wait))
        report = intake.run(
            fenhao.journal, fenhao.writer, sources, dry_run=dry_run, rejects=rejects, progress=words.status.rows
        )
        if not dry_run:
            fenhao.runner.catch_up(progress=words.status.views)
    words.status.clear()
    for line in report.lines(settings.language):
        words.say(line, line)
    words.give(report.members())
    sys.exit(report.exit_code)


@codes.command("list")
@click.argument("dimension", required=False)
@common
def list_(words: Words, settings: Settings, dimension: str | None) -> None:
    """以树形列出代码及其同义词 / Show the codes as a tree, with their synonyms."""
    from api.bootstrap import assembled
    from ledger.errors import Unknown

    with assembled(settings, words.status.wait) as fenhao:
        dictionary, synonyms = _read(fenhao)
    words.status.clear()
    dimensions = sorted(dictionary.dimensions()) if dimension is None else [dimension]
    if dimension is not None and dimension not in dictionary.dimensions():
        raise Unknown("dimension", dimension)
    found = []
    for name in dimensions:
        tree = list(dictionary.tree(name))
        words.say(f"{name}（{len(tree)}）", f"{name} ({len(tree)})")
        for depth, code in tree:
            also = sorted(term for term, meant in synonyms.get(name, {}).items() if meant == code.code)
            listed = "、".join(also)
            line = f"{'  ' * (depth + 1)}{code}"
            words.say(line + (f"（同：{listed}）" if also else ""), line + (f" (also: {listed})" if also else ""))
            found.append({"dimension": name, "depth": depth, **code._asdict(), "synonyms": also})
    words.give({"codes": found})


@codes.command()
@click.option("--dimension", help="只看或只审此维度 / of this dimension only")
@click.option(
    "--accept", "accepted", multiple=True, metavar="词条=代码", help="词条即此代码 / the TERM means this CODE"
)
@click.option("--define", metavar="代码", help="定义新代码，其名称与代码即不再待审 / define a new code")
@click.option("--name", help="新代码的名称 / the new code's name")
@click.option("--parent", help="新代码的上级 / the new code's parent")
@click.option("--dismiss", "dismissed", multiple=True, metavar="词条", help="不再待审，也不再是同义词 / drop the term")
@click.option("--by", help="审定人（内部工号） / who decides, an opaque staff id")
@common
def review(
    words: Words,
    settings: Settings,
    dimension: str | None,
    accepted: tuple[str, ...],
    define: str | None,
    name: str | None,
    parent: str | None,
    dismissed: tuple[str, ...],
    by: str | None,
) -> None:
    """待审词条：列出，并审定为同义词、新代码或忽略 / Unknown terms: list them, accept, define or dismiss them."""
    from api.bootstrap import assembled
    from api.intake import UnusableArgument
    from api.reviewing import NewCode, Verdict, pronounce

    if (define is None) != (name is None) or (parent is not None and define is None):
        raise UnusableArgument(define or name or parent, "--define goes with --name", "--define 须与 --name 同时给出")
    new = NewCode(define, name, parent) if define is not None and name is not None else None
    verdict = Verdict(dimension, accepted, new, dismissed, by)
    with assembled(settings, words.status.wait) as fenhao:
        done = pronounce(fenhao, verdict) if verdict else None
        if new is not None:
            fenhao.runner.catch_up(progress=words.status.views)
        if done is None:
            _show_waiting(words, fenhao, dimension)
    words.status.clear()
    if done is not None:
        for zh, en in done.lines():
            words.say(zh, en)
        words.give(done.members())


def _read(fenhao: Fenhao) -> tuple[Dictionary, Synonyms]:
    """The dictionary, which finds its codes by their synonyms too, and the synonyms."""
    from ledger.vocabulary import dictionary_of, synonyms_of

    with fenhao.database.service() as connection:
        dictionary, synonyms = dictionary_of(connection.cursor()), synonyms_of(connection)
    for dimension, terms in synonyms.items():
        for term, code in terms.items():
            dictionary.also(dimension, term, code)
    return dictionary, synonyms


def _show_waiting(words: Words, fenhao: Fenhao, dimension: str | None) -> None:
    """The terms that wait, each with the nearest codes."""
    from ledger.times import utc_text
    from ledger.vocabulary import waiting

    dictionary, _ = _read(fenhao)
    with fenhao.database.service() as connection:
        terms = waiting(connection, dimension)
    words.status.clear()
    shown = []
    for one in terms:
        near = dictionary.nearest(one.dimension, one.term)
        _say_waiting(words, one, "；".join(map(str, near)) or "-")
        times = {"first_at": utc_text(one.first_at), "last_at": utc_text(one.last_at)}
        nearest = [{"code": code.code, "name": code.name} for code in near]
        shown.append({**one._asdict(), **times, "nearest": nearest})
    if terms:
        words.say(
            '审定：fenhao codes review --accept "词条=代码" --dimension 维度 --by 工号；'
            "新代码用 --define 代码 --name 名称，忽略用 --dismiss 词条",
            'to decide: fenhao codes review --accept "TERM=CODE" --dimension D --by STAFF; '
            "--define CODE --name NAME for a new code, --dismiss TERM to drop one",
        )
    else:
        words.say("没有待审词条", "no term waits for review")
    words.give({"waiting": shown})


def _say_waiting(words: Words, one: Waiting, near: str) -> None:
    words.say(
        f"{one.dimension} {one.term}：{one.seen} 行（{one.kind}），相近的代码：{near}",
        f"{one.dimension} {one.term}: {one.seen} rows ({one.kind}), nearest: {near}",
    )
