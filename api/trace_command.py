"""`fenhao trace`: where money came from and went, whole or in pages, and step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from api.settings import Settings
from api.words import Words, as_text, common, looking_back
from ledger.errors import BadValue

PAGED = ("donor", "case")
TIMED = ("donor", "donation", "case")


@click.command()
@click.argument("noun", type=click.Choice(["donor", "donation", "case", "hospital", "fund", "serial"]))
@click.argument("id")
@looking_back
@click.option("--timeline", "timed", is_flag=True, help="逐笔列出经过 / what happened, step by step")
@click.option("--limit", type=click.IntRange(1, 100_000), metavar="N", help="一页多少笔捐赠 / a page of so many gifts")
@click.option(
    "--after",
    type=click.IntRange(0),
    metavar="SEQ",
    help="接上一页，取其 next / the next page: what the last called next",
)
@click.option("--jsonl", is_flag=True, help="每项一行 JSON / one JSON line for each item")
@common
def trace(
    words: Words,
    settings: Settings,
    noun: str,
    id: str,
    as_of: str | None,
    known_at: str | None,
    timed: bool,
    limit: int | None,
    after: int | None,
    jsonl: bool,
) -> None:
    """追踪善款：捐赠人、捐赠、个案、医院、基金，或一分钱 / Follow the money of a donor, ..., or one serial TAPE:N."""
    from api.bootstrap import assembled, reader_of, vantage_of
    from ledger.ids import check_id
    from projections.history import NOW, reading_from
    from projections.timeline import timeline
    from projections.trace import Page, whole
    from reports.bank_lines import lines_of_gift
    from reports.traces import trace_lines

    check_id(id, noun)
    _check_options(noun, timed, limit, after)
    page = None if limit is None and after is None else Page(-1 if after is None else after, limit or Page().limit)
    with assembled(settings, words.status.wait) as fenhao:
        fenhao.runner.catch_up(progress=words.status.views)
        reader, vantage = reader_of(fenhao), vantage_of(fenhao, as_of, known_at)
        with reading_from(fenhao.journal, vantage) as traces:
            found = getattr(traces, noun)(id, *([] if page is None else [page]))
            if timed:
                found = _told_in_steps(found, timeline(traces, noun, id, page))
            if noun == "donation" and vantage == NOW:
                with fenhao.journal.entries.reading() as cursor:
                    found |= {"bank_lines": lines} if (lines := lines_of_gift(cursor, id)) else {}
            words.status.clear()
            if jsonl:
                for line in _lines_of(found):
                    click.echo(as_text(line))
            elif words.json:
                words.give(whole(found))
            else:
                for text in trace_lines(noun, found, reader, vantage):
                    click.echo(text)


def _check_options(noun: str, timed: bool, limit: int | None, after: int | None) -> None:
    if (limit is not None or after is not None) and noun not in PAGED:
        raise BadValue("limit", noun, "pages are of donor and case only", "只有 donor 与 case 可以分页")
    if timed and noun not in TIMED:
        raise BadValue(
            "timeline", noun, "timelines are of donor, donation, case", "只有 donor、donation、case 有时间线"
        )
    if timed and noun == "case" and (limit is not None or after is not None):
        raise BadValue("timeline", noun, "a case's timeline is told whole", "个案的时间线不分页")


def _told_in_steps(found: dict[str, Any], steps: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """The trace's short members, and the steps in place of its long lists."""
    short = {name: value for name, value in found.items() if not isinstance(value, Iterator) and name != "next"}
    following = {"next": found["next"]} if "next" in found else {}
    return {**short, "timeline": steps, **following}


def _lines_of(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A trace as JSON lines: its short members first, then one line for each item of its long lists."""
    yield {name: value for name, value in found.items() if not isinstance(value, Iterator)}
    for name, value in found.items():
        if isinstance(value, Iterator):
            yield from ({name: item} for item in value)
