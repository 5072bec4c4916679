"""`fenhao timestamp`: an authority outside says that the log's head was there, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from api.log_commands import keep_at
from api.settings import Settings
from api.words import Words, common

if TYPE_CHECKING:
    from api.bootstrap import Fenhao
    from audit.log import Log

# As in `api.cli`, the command imports what it needs when it runs.


@click.command()
@click.option("--every", type=click.IntRange(1), metavar="SECONDS", help="每隔若干秒一次 / again every so often")
@common
def timestamp(words: Words, settings: Settings, every: int | None) -> None:
    """为日志头加盖时间戳 / Sign the log as it is now, and have an authority time-stamp the head (RFC 3161).

    FENHAO_TSA_URL is the authority, FENHAO_TSA_ROOTS its root certificates.
    """
    from api.bootstrap import assembled, authority_of, log_folder, log_of
    from audit.timestamp import stamp
    from audit.verify import shown_time
    from ledger.times import utc_now

    authority = authority_of(settings)

    def once(fenhao: Fenhao, log: Log, _: bool = False) -> None:
        made = stamp(log, log_folder(fenhao), authority, utc_now, words.status.entries)
        words.status.clear()
        at = shown_time(made.at)
        words.say(
            f"已盖时间戳 {at}：{made.head.size} 条分录，树根 {made.head.root.hex()}（{made.path}）",
            f"stamped {at}: {made.head.size} entries, root {made.head.root.hex()} ({made.path})",
        )
        words.give({"size": made.head.size, "root": made.head.root.hex(), "at": at, "file": str(made.path)})

    if every is not None:
        keep_at(words, settings, every, once)
    with assembled(settings, words.status.wait) as fenhao:
        once(fenhao, log_of(fenhao))
