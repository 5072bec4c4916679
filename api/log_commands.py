"""The commands of the log: sign its head, export it, give receipts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from api.settings import Settings
from api.words import Words, common

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.bootstrap import Fenhao
    from audit.checkpoint import Checkpoint
    from audit.log import Log

# As in `api.cli`, each command imports what it needs when it runs.


@click.command()
@click.option("--every", type=click.IntRange(1), metavar="SECONDS", help="每隔若干秒签署一次 / again every so often")
@common
def checkpoint(words: Words, settings: Settings, every: int | None) -> None:
    """签署日志头 / Sign the log as it is now, on demand or on a schedule."""
    from api.bootstrap import assembled, log_of

    if every is not None:
        _keep_signing(words, settings, every)
    with assembled(settings, words.status.wait) as fenhao:
        log = log_of(fenhao)
        before = log.checkpoint()
        head = log.publish(words.status.entries)
        words.status.clear()
        _tell(words, head, fenhao, again=head == before)


def _keep_signing(words: Words, settings: Settings, every_s: int) -> NoReturn:
    """Signs what has come, again and again."""
    told: Checkpoint | None = None

    def sign(fenhao: Fenhao, log: Log, back: bool) -> None:
        nonlocal told
        head = log.publish(words.status.entries)
        words.status.clear()
        if head != told:
            _tell(words, head, fenhao)
        elif back:
            words.say("已恢复，日志头不变", "all is well again, the head stands")
        told = head

    keep_at(words, settings, every_s, sign)


def keep_at(words: Words, settings: Settings, every_s: int, step: Callable[[Fenhao, Log, bool], None]) -> NoReturn:
    """Does a step to the log, again and again; it is told whether things had gone wrong just before.

    A database, or those that the log asks, that go away are told of once, and waited for. Raises what keeps it from the
    first step, and evidence at any time.
    """
    from eventsourcing.persistence import PersistenceError

    from api.bootstrap import assembled, log_of
    from api.passphrases import Asked
    from audit.log import SignedMeanwhile
    from audit.peers import NoQuorum
    from audit.timestamp import StampFault
    from ledger.database import DatabaseFault
    from ledger.embedded import ServerFault

    asked = Asked(settings.log_passphrase_file)  # once, however often the database goes away
    begun = away = False
    while True:
        try:
            # Anew after each outage, so that an embedded server is started again too.
            with assembled(settings, words.status.wait) as fenhao:
                log = log_of(fenhao, asked)
                while True:
                    step(fenhao, log, away)
                    begun, away = True, False
                    time.sleep(every_s)
        except SignedMeanwhile:
            continue
        except (PersistenceError, DatabaseFault, ServerFault, NoQuorum, StampFault) as error:
            if not begun:
                raise
            if not away:
                reason = str(error).strip().split("\n")[0]
                words.say(
                    f"暂时无法完成，每 {every_s} 秒重试：{reason}",
                    f"nothing can be done for now, trying again every {every_s} s: {reason}",
                )
                words.give({"away": reason})
            away = True
            time.sleep(every_s)


def _tell(words: Words, head: Checkpoint, fenhao: Fenhao, *, again: bool = False) -> None:
    from api.bootstrap import log_folder

    place = log_folder(fenhao) / "checkpoint"
    done = ("没有新分录，日志头不变", "nothing new, the head stands") if again else ("已签署", "signed")
    words.say(
        f"{done[0]}：{head.size} 条分录，树根 {head.root.hex()}（{place}）",
        f"{done[1]}: {head.size} entries, root {head.root.hex()} ({place})",
    )
    members = {"origin": head.origin, "size": head.size, "root": head.root.hex(), "note": place.read_text()}
    words.give(members)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--since",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="CHECKPOINT",
    help="只导出此日志头之后的部分 / only what came after this head, to lay over an earlier export",
)
@click.option("--sm3", is_flag=True, help="附国密 SM3 树根 / with the signed root of the same entries by SM3")
@common
def export(words: Words, settings: Settings, folder: Path, since: Path | None, sm3: bool) -> None:
    """导出全部日志供审计离线验证 / Write the whole signed log, for an auditor to check offline."""
    from api.bootstrap import assembled, log_folder, log_of, read_head
    from audit.export import export as write
    from audit.sm3 import sm3_files

    with assembled(settings, words.status.wait) as fenhao:
        log = log_of(fenhao)
        earlier = None if since is None else read_head(since, fenhao)
        head = log.publish(words.status.entries)
        size = 0 if earlier is None else earlier.size
        more = sm3_files(fenhao.journal, log, head, words.status.entries) if sm3 else {}
        place, progress = log_folder(fenhao), words.status.entries
        files = write(fenhao.journal, place, head, log.policy, folder, size, progress, more)
    words.status.clear()
    words.say(
        f"已导出 {head.size - size} 条分录（{files} 个文件）到 {folder}；验证：python {folder}/verify.py {folder}",
        f"{head.size - size} entries exported ({files} files) to {folder}; check: python {folder}/verify.py {folder}",
    )
    words.give({"folder": str(folder), "origin": head.origin, "size": head.size, "since": size, "files": files})
