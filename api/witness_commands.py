"""`fenhao witness ...`: vouch for other foundations' logs. A witness needs no ledger and no database."""

from __future__ import annotations

from pathlib import Path

import click

from api.settings import Settings
from api.words import Words, common

# As in `api.cli`, each command imports what it needs when it runs.


@click.group()
def witness() -> None:
    """见证其他机构的日志 / Vouch that other foundations' logs only grow."""


@witness.command()
@click.option("--name", required=True, help="见证方名称，如 witness.example.org/w1 / the witness's name")
@click.option("--passphrase", is_flag=True, help="为见证密钥设口令 / put the key under a passphrase")
@common
def init(words: Words, settings: Settings, name: str, passphrase: bool) -> None:
    """生成见证密钥 / Make the witness's key; repeated, it shows the same one."""
    from api.passphrases import Asked, for_new_key
    from api.witnessing import make_key

    file = settings.witness_passphrase_file
    asked = for_new_key(file) if passphrase else Asked(file)
    key = make_key(settings.witness, name, asked, protected=passphrase or file is not None)
    words.say(
        f"见证公钥：{key}。请交给被见证的机构，写入其 policy 文件",
        f"verifier key: {key}. Give it to the logs that you are to witness, for their policy file",
    )
    words.give({"key": str(key)})


@witness.command()
@click.option(
    "--new",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="新口令文件（权限 600） / a file (mode 600) whose first line is the new one",
)
@click.option("--remove", is_flag=True, help="取消口令 / take it away")
@common
def passphrase(words: Words, settings: Settings, file: Path | None, remove: bool) -> None:
    """为见证密钥设置或更换口令 / Put the witness's key under a passphrase, or under another.

    The passphrase as it is comes from FENHAO_WITNESS_PASSPHRASE_FILE or is asked for, the new one from --new or
    likewise.
    """
    from api.passphrases import Asked, from_file, new_one
    from api.witnessing import protect

    new = None if remove else from_file(file) if file is not None else new_one()
    path = protect(settings.witness, Asked(settings.witness_passphrase_file), new)
    words.say(
        f"{path} 已{'取消口令' if remove else '改用新口令'}",
        f"{path} {'has no passphrase' if remove else 'has the new passphrase'}",
    )
    words.give({"file": str(path), "passphrase": not remove})


@witness.command("add-log")
@click.argument("key")
@common
def add_log(words: Words, settings: Settings, key: str) -> None:
    """登记要见证的日志的公钥 / Watch a log: its verifier key, as `fenhao key show` tells it there.

    A log that changes its key is told here again, before it does.
    """
    from api.witnessing import add_log as add

    logs = add(settings.witness, key)
    words.say(f"现见证 {len(logs)} 个日志公钥", f"{len(logs)} keys of logs are known now")
    words.give({"logs": [str(one) for one in logs]})


@witness.command()
@common
def status(words: Words, settings: Settings) -> None:
    """各日志最近见证到何处 / How far each log was witnessed, and what speaks against it."""
    from api.passphrases import Asked
    from api.witnessing import standing

    found = standing(settings.witness, Asked(settings.witness_passphrase_file))
    words.say(f"见证公钥：{found.key}", f"verifier key: {found.key}")
    for origin, size in found.sizes.items():
        words.say(f"{origin}：{size} 条", f"{origin}: {size} entries")
    for path in found.evidence:
        words.say(f"不一致的证据：{path}", f"evidence of two histories: {path}")
    words.give(
        {"key": str(found.key), "logs": found.sizes, "evidence": [str(path) for path in found.evidence]},
    )


@witness.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址 / the address to listen at")
@click.option("--port", default=7380, show_default=True, type=click.IntRange(1, 65_535), help="端口 / the port")
@common
def serve(words: Words, settings: Settings, host: str, port: int) -> None:
    """运行见证服务 / Answer logs that ask, until stopped."""
    import uvicorn

    from api.passphrases import Asked
    from api.witness_app import witness_app
    from api.witnessing import opened

    application = witness_app(opened(settings.witness, Asked(settings.witness_passphrase_file)))
    words.say(f"见证服务：http://{host}:{port}", f"the witness answers at http://{host}:{port}")
    uvicorn.run(application, host=host, port=port, log_level="warning", access_log=False)
