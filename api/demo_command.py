"""`fenhao demo`: a made-up foundation's year in a ledger of its own, and what to look at in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.settings import Settings
from api.words import EXIT_TAMPERED, Words, common

if TYPE_CHECKING:
    from api.bootstrap import Fenhao
    from api.demo.year import Year
    from reports.verification import Verification

DONATIONS, SEED = 30_000, 1
PICTURE = "demo-sankey.html"


@click.command()
@click.option(
    "--donations",
    type=click.IntRange(100, 10_000_000),
    default=DONATIONS,
    show_default=True,
    help="小额捐赠笔数 / how many small gifts",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=SEED,
    show_default=True,
    help="种子，同一种子同一账本 / same seed, same facts",
)
@click.option(
    "--serve/--no-serve",
    "serving",
    default=None,
    help="随后运行网站 / then run the site; by default where a person watches",
)
@common
def demo(words: Words, settings: Settings, donations: int, seed: int, serving: bool | None) -> None:
    """演示：一家虚构基金会的一年，记入空账本，再看其中的要点 / A made-up foundation's year, and what to look at."""
    from api.bootstrap import assembled, database
    from api.demo.banking import bank_year
    from api.demo.recording import ZONE, Demo, open_demo, record
    from ledger.times import find_zone, local_day, utc_now

    today = local_day(utc_now(), find_zone(ZONE))
    with database(settings, words.status.wait) as place:
        there = open_demo(settings, place, Demo.before(today, donations, seed))
    with assembled(settings, words.status.wait) as fenhao:
        words.say(
            f"一家虚构基金会的一年（{there.origin}）：登记 {donations:,} 笔小额捐赠以及一年中的其他事项",
            f"a made-up foundation's year ({there.origin}): {donations:,} small gifts and what else happened",
        )
        year = record(fenhao, there, words.status.gifts)
        fenhao.runner.catch_up(progress=words.status.views)
        bank_year(fenhao, there)
        found = _show(fenhao, year, words)
        if not found.ok:
            sys.exit(EXIT_TAMPERED)
        if serving is None:
            serving = not words.json and sys.stdin.isatty() and sys.stdout.isatty()
        _open_site(fenhao, words, serving)


def _open_site(fenhao: Fenhao, words: Words, serving: bool) -> None:
    """Says where the pages are and how to come in; serves them until Ctrl-C, if that is wanted."""
    import os
    import socket

    from api.demo.doors import PASSWORD, PORT, ROLES, SECOND, name_of, open_doors
    from api.http.accounts import Accounts

    open_doors(Accounts(fenhao.journal, fenhao.settings.home / "keys", os.urandom))
    port, listening = PORT, None
    if serving:
        try:
            listening = socket.create_server(("127.0.0.1", PORT))
        except OSError:  # somebody else is there
            listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    names = " ".join([*map(name_of, ROLES), SECOND])
    words.say(
        f"\n网页：http://127.0.0.1:{port}/sign-in （每个角色一个入口；账号 {names}，密码 {PASSWORD}）",
        f"\nthe pages: http://127.0.0.1:{port}/sign-in (a door for each role; accounts {names}, password {PASSWORD})",
    )
    if listening is None:
        words.say(f"   先运行：{_program()} serve", f"   first run: {_program()} serve")
        return
    from api.http.serving import serve_here

    words.say("   网站正在运行，按 Ctrl-C 停止", "   the site is running, Ctrl-C ends it")
    with listening:
        serve_here(fenhao.settings, listening)


def _show(fenhao: Fenhao, year: Year, words: Words) -> Verification:
    """Narrative: totals, a donor, a child, what is refused, the picture, verification, and what to try next."""
    from api.bootstrap import reader_of
    from api.demo import telling
    from api.demo.gifts import FIRST_MONTHLY
    from projections.trace import reading, whole
    from reports.balances import balances_of
    from reports.verification import verify_ledger

    reader = reader_of(fenhao)
    child = telling.child_of(year)

    def show(lines: Any) -> None:
        for line in lines:
            words.say(f"   {line}".rstrip(), f"   {line}".rstrip())

    words.status.clear()
    with reading(fenhao.journal) as traces:
        totals = telling.totals_of(balances_of(traces), year, fenhao.journal.entries.head().size)
        words.say("\n一、这一年", "\n1. the year")
        show(telling.totals_lines(totals, reader))
        words.say("\n二、一位月捐人的善款去了哪里", "\n2. where a monthly donor's money went")
        show(telling.donor_lines(traces, FIRST_MONTHLY, reader))
        words.say("\n三、一个孩子得到了谁的帮助", "\n3. who helped one child")
        show(telling.child_lines(traces, child, year, reader))
        told = {"donor": whole(traces.donor(FIRST_MONTHLY)), "case": whole(traces.case(child.case))}
    words.say("\n四、不合规则的一律退回，不留痕迹", "\n4. what breaks a rule is refused, and leaves nothing behind")
    refusals = list(telling.refused(fenhao, year))
    for attempt, refusal in refusals:
        words.say(f"   {attempt.zh}\n     ✗ {refusal.say('zh')}", f"   {attempt.en}\n     ✗ {refusal.say('en')}")
    picture = _draw(fenhao)
    words.say(
        f"\n五、善款流向图（用浏览器打开）：{picture}",
        f"\n5. where the money went, a picture to open in a browser: {picture}",
    )
    found = verify_ledger(fenhao.journal, fenhao.runner, progress=words.status.entries)
    words.status.clear()
    passed = ("通过", "passed") if found.ok else ("未通过", "FAILED")
    words.say(
        f"\n六、验证{passed[0]}：{found.report.entries} 条分录，树根 {found.report.root}",
        f"\n6. verification {passed[1]}: {found.report.entries} entries, root {found.report.root}",
    )
    steps = telling.next_steps(child)
    words.say("\n接下来可以试试：", "\nwhat to try next:")
    show(f"{_program()} {step}" for step in steps)
    tried = [
        {
            "zh": attempt.zh,
            "en": attempt.en,
            "error": refusal.code,
            "refusal_zh": refusal.say("zh"),
            "refusal": refusal.say(),
        }
        for attempt, refusal in refusals
    ]
    origin = fenhao.journal.entries.origin
    words.give(
        {
            "origin": origin,
            "totals": totals,
            **told,
            "refused": tried,
            "sankey": str(picture),
            "verify": found.as_json(),
        }
        | {"next": [f"fenhao {step}" for step in steps]}
    )
    return found


def _draw(fenhao: Fenhao) -> Path:
    """The flow picture of the whole year, in the data folder."""
    from api.bootstrap import reader_of
    from projections.flows import Scope, flows
    from reports.figures import rendered

    path = fenhao.settings.home / PICTURE
    path.write_bytes(rendered(flows(fenhao.journal, Scope()), reader_of(fenhao), path.suffix))
    return path


def _program() -> str:
    """What this program was called as, to be typed again."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "fenhao" else "fenhao"
