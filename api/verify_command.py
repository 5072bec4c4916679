"""`fenhao verify`: the living ledger, an export or receipts, in the words of the stand-alone verifier."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.settings import Settings
from api.words import EXIT_TAMPERED, Words, common
from ledger.errors import InputFault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit.verify import Kept, Policy, Said

# As in `api.cli`, the command imports what it needs when it runs.


class UnusableForProof(InputFault):
    """A file or folder that cannot be read as what it should be, in the verifier's own words."""

    code = "unusable"
    zh = "{said_zh}"
    en = "{said}"


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[DIR|RECEIPT]...")
@click.option(
    "--head",
    "heads",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="您从前保存的日志头，可多次给出 / a head that you kept; more than once if you like",
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="认可谁的签名 / whose signatures count (C2SP tlog-policy)",
)
@click.option(
    "--tsa-roots",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="所信任的时间戳机构根证书 / roots (PEM) of the authorities whose time-stamps count",
)
@click.option(
    "--max-age",
    type=click.IntRange(1),
    metavar="DAYS",
    help="最近的见证签名和时间戳不得早于若干天前 / others vouched for the newest head that recently",
)
@click.option("--key", metavar="KEY", help="只认可此公钥，代替 --policy / the one key that counts, instead of a policy")
@click.option(
    "--jobs", type=click.IntRange(1), metavar="N", help="进程数，默认按需 / processes; by default as many as help"
)
@common
def verify(
    words: Words,
    settings: Settings,
    paths: tuple[Path, ...],
    heads: tuple[Path, ...],
    policy: Path | None,
    tsa_roots: Path | None,
    max_age: int | None,
    key: str | None,
    jobs: int | None,
) -> None:
    """验证全部分录、资金位置与视图；或离线验证账本导出、存证凭据 / Check every entry and all
    that follows from it; or an export, or receipts, offline.
    """
    from audit.aside import way_for
    from audit.codec import FAST
    from audit.verify import Unusable, days_ago, examine, kept_heads, own_policy
    from ledger.times import utc_now

    try:
        if paths:
            found = examine(
                paths,
                policy=policy,
                key=key,
                kept=heads,
                tsa_roots=tsa_roots,
                fresh_since=None if max_age is None else days_ago(max_age, utc_now()),
                decode=FAST,
                way=way_for,
                jobs=jobs,
                progress=words.status.entries,
            )
            words.status.clear()
            words.give(found.members)
            _say(words, found.lines)
            sys.exit(found.code)
        if tsa_roots is not None or max_age is not None:
            # They guard a reader against being served an old head; whoever asks here serves it.
            said = "--tsa-roots and --max-age are for exports: name one; of the ledger here `fenhao doctor` tells"
            said_zh = "--tsa-roots 和 --max-age 只用于导出，请指明导出文件夹；本账本的情况请看 fenhao doctor"
            raise UnusableForProof(said=said, said_zh=said_zh)
        _verify_living(words, settings, kept_heads(heads), own_policy(policy, key), jobs)
    except Unusable as fault:
        raise UnusableForProof(said=fault.en, said_zh=fault.zh) from fault


def _verify_living(
    words: Words, settings: Settings, heads: list[Kept], policy: Policy | None, jobs: int | None
) -> None:
    """The ledger of the settings; ends the process. Raises Unusable."""
    from api.bootstrap import assembled
    from reports.verification import verify_ledger

    with assembled(settings, words.status.wait, unchecked=True) as fenhao:
        found = verify_ledger(
            fenhao.journal, fenhao.runner, heads=heads, policy=policy, jobs=jobs, progress=words.status.entries
        )
    words.status.clear()
    words.give(found.as_json())
    _say(words, [*found.agreeing, *found.report.said()])
    for finding in found.findings:
        words.say(f"不一致：{finding.zh}", f"mismatch: {finding.what}")
    if found.ok or not found.report.ok:
        _say(words, [found.report.verdict()])
    sys.exit(0 if found.ok else EXIT_TAMPERED)


def _say(words: Words, lines: Iterable[Said]) -> None:
    for line in lines:
        words.say(line.zh, line.en)
