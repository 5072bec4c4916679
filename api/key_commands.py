"""`fenhao key ...`: the keys by which the log is signed, changed and protected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from api.settings import Settings
from api.words import Words, common

# As in `api.cli`, each command imports what it needs when it runs.


@click.group()
def key() -> None:
    """日志签名密钥 / The keys by which the log is signed."""


@key.command()
@common
def show(words: Words, settings: Settings) -> None:
    """列出历次密钥的验证公钥 / Show the verifier keys of the log, each with the sizes that it signs."""
    from api.bootstrap import assembled, log_keys, log_of

    with assembled(settings, words.status.wait) as fenhao:
        history, keys = log_of(fenhao).history(), log_keys(fenhao)
        paths = [keys.path_of(one) for one in history.keys]
    for (first, one), path in zip(history.changes, paths, strict=True):
        words.say(
            f"{one}  自 {first} 条分录起  {path or '不在此处'}", f"{one}  from size {first}  {path or 'not here'}"
        )
    members = [
        {"key": str(one), "from_size": first, "file": path and str(path)}
        for (first, one), path in zip(history.changes, paths, strict=True)
    ]
    words.give({"keys": members})


@key.command()
@click.option("--by", help="经办人编号 / who does it")
@click.option("--approved-by", multiple=True, help="批准人编号 / who approved it")
@click.option(
    "--prepare", is_flag=True, help="只生成并显示新公钥，先告知见证方 / only make the new key, to tell witnesses"
)
@common
def rotate(words: Words, settings: Settings, by: str | None, approved_by: tuple[str, ...], prepare: bool) -> None:
    """更换签名密钥 / Change the key that signs the log. Cut short, it goes on when run again.

    The change is an entry; the head of the size that it makes is signed by both keys, all later ones by the new one.
    Witnesses must know the new key before (fenhao witness add-log): --prepare tells it and changes nothing yet.
    """
    from api.bootstrap import assembled, log_keys, log_of
    from audit.rotation import rotate as change

    with assembled(settings, words.status.wait) as fenhao:
        if prepare:
            new = log_keys(fenhao).make(log_of(fenhao).history().keys)
            words.say(
                f"新公钥：{new}。请先让见证方登记（fenhao witness add-log），再运行 fenhao key rotate",
                f"the new key will be {new}; have witnesses add it (fenhao witness add-log), then fenhao key rotate",
            )
            words.give({"key": str(new)})
            return
        done = change(log_of(fenhao), fenhao.writer, log_keys(fenhao), by=by, approved_by=approved_by or None)
    words.status.clear()
    if done.resumed:
        words.say("接着完成了上次中断的更换", "an earlier change that was cut short is done")
    words.say(
        f"日志改由新密钥签署（第 {done.seq} 号分录）：{done.key}",
        f"the log is signed by a new key (entry {done.seq}): {done.key}",
    )
    words.say(
        "请将新的验证公钥告知持有 policy 文件的人；旧密钥已移入 keys/retired，备份留存后可销毁",
        "tell it to whoever keeps a policy file; the old key is in keys/retired and signs nothing any more",
    )
    words.give({"key": str(done.key), "entry": done.seq, "double_signed": done.seq + 1, "resumed": done.resumed})


@key.command()
@click.option(
    "--new",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="新口令文件（权限 600） / a file (mode 600) whose first line is the new one",
)
@click.option("--remove", is_flag=True, help="取消口令 / take it away")
@common
def passphrase(words: Words, settings: Settings, file: Path | None, remove: bool) -> None:
    """为签名密钥设置或更换口令 / Put the log's key under a passphrase, or under another.

    The passphrase as it is comes from FENHAO_LOG_PASSPHRASE_FILE or is asked for, the new one from --new or likewise.
    """
    from api.bootstrap import assembled, log_keys, log_of
    from api.passphrases import from_file, new_one

    with assembled(settings, words.status.wait) as fenhao:
        keys, current = log_keys(fenhao), log_of(fenhao).history().keys[-1]
        keys.signer(current)
        keys.require_alone(current)
        new: bytes | None = None if remove else from_file(file) if file is not None else new_one()
        path = keys.protect(current, new)
    words.say(
        f"{path} 已{'取消口令' if remove else '改用新口令'}；旧备份仍按原样可用，请一并更换",
        f"{path} {'has no passphrase' if remove else 'has the new passphrase'}; older backups of it open as before",
    )
    given: dict[str, Any] = {"key": str(current), "file": str(path), "passphrase": not remove}
    words.give(given)
