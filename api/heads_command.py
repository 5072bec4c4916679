"""`fenhao heads`: heads of a log that people hold, held against each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.settings import Settings
from api.words import Words, common

if TYPE_CHECKING:
    from audit.gossip import KeysOf, Shelf

# As in `api.cli`, each command imports what it needs when it runs.

FILE = click.Path(path_type=Path)


@click.group()
def heads() -> None:
    """日志头 / Heads of a log that people hold."""


@heads.command()
@click.argument("first", type=FILE, metavar="A")
@click.argument("second", type=FILE, metavar="B")
@click.option("--policy", type=FILE, metavar="FILE", help="认可谁的签名 / whose signatures count (C2SP tlog-policy)")
@click.option("--log", type=FILE, metavar="DIR", help="该账本的导出 / an export of that ledger, for heads of two sizes")
@common
def compare(words: Words, settings: Settings, first: Path, second: Path, policy: Path | None, log: Path | None) -> None:
    """比对两份日志头（或凭据）：是否同一历史 / Do two heads, or receipts, belong to one history?

    Exit code 1: they do not, which proves that the ledger showed two histories; 2: it cannot be told.
    """
    from api.verify_command import UnusableForProof
    from audit.gossip import Held
    from audit.gossip import compare as held_against
    from audit.verify import Unusable, kept_head

    try:
        keys_of, shelf = _at_hand(words, settings, kept_head(first).head.origin, policy, log)
        one, other = (Held.read(path, keys_of) for path in (first, second))
        found = held_against(one, other, shelf)
    except Unusable as fault:
        raise UnusableForProof(said=fault.en, said_zh=fault.zh) from fault
    sizes = sorted({one.head.size, other.head.size})
    if found == "same":
        words.say(f"相同：{sizes[0]} 条分录，同一树根", f"the same head, of {sizes[0]} entries")
    else:
        words.say(
            f"一致：{sizes[1]} 条的历史延续了 {sizes[0]} 条的历史",
            f"consistent: the history of {sizes[1]} entries continues that of {sizes[0]}",
        )
    members = [{"file": str(one.path), "size": one.head.size, "root": one.head.root.hex()} for one in (one, other)]
    words.give({"found": found, "origin": one.head.origin, "heads": members})


def _at_hand(
    words: Words, settings: Settings, origin: str, policy: Path | None, log: Path | None
) -> tuple[KeysOf, Shelf | None]:
    """Whose signatures count, and the log, if it is here: the reader's, an export's, or this ledger's own.

    Raises Unusable, CannotTell.
    """
    from api.bootstrap import assembled
    from api.own_log import own_log
    from audit.files import file_name_of
    from audit.gossip import CannotTell, Shelf
    from audit.verify import policy_file

    given = None if policy is None else policy_file(policy)
    if log is not None:
        trusted = given or policy_file(log / "policy")
        return (by := lambda head: trusted.logs_of(head.origin)), Shelf(log, by)
    if (settings.home / "log" / file_name_of(origin)).exists():
        with assembled(settings, words.status.wait, unchecked=True) as fenhao:
            if fenhao.journal.entries.head().origin == origin:
                return own_log(fenhao)
    if given is None:
        raise CannotTell(
            reason=f"whose signature counts for {origin} is not known: give --policy FILE (the policy of an export, or "
            "the key that the foundation publishes) or --log DIR",
            reason_zh=f"不知道账本 {origin} 认可谁的签名：请用 --policy 文件（导出中的 policy 或账本公示的公钥）"
            "或 --log 导出",
        )
    return lambda head: given.logs_of(head.origin), None
