"""The commands of the service: run it, and say who may use it."""

from __future__ import annotations

import click

from api.settings import Settings
from api.words import Words, common

# As in `api.cli`, each command imports what it needs when it runs.


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址 / address to listen on")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="端口 / port")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="进程数 / processes")
@common
def serve(words: Words, settings: Settings, host: str, port: int, workers: int) -> None:
    """运行 HTTP 服务 / Run the HTTP service; its reference is at /openapi.json."""
    from api.bootstrap import assembled
    from api.http.serving import serve as run

    # What is not as it must be is told now, in one sentence; and the server of the data folder stays up meanwhile.
    with assembled(settings, words.status.wait) as fenhao:
        fenhao.journal.entries.head()
        words.status.clear()
        words.say(f"服务地址 http://{host}:{port}/ ，按 Ctrl-C 停止", f"serving http://{host}:{port}/ , Ctrl-C ends it")
        run(host, port, workers)


@click.group()
def token() -> None:
    """机器令牌 / Tokens of machines: scoped, expiring, revocable."""


@token.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="用途，可重复 / what for; may be repeated")
@click.option("--days", default=90, show_default=True, type=int, help="有效天数 / how long it is good")
@common
def issue(words: Words, settings: Settings, name: str, scopes: tuple[str, ...], days: int) -> None:
    """签发令牌，只显示这一次 / Issue a token; it is shown this once.

    Scopes: donations, record, read, log, metrics (docs/api.md).
    """
    import os

    from api.bootstrap import assembled
    from api.http.tokens import Tokens

    with assembled(settings, words.status.wait) as fenhao:
        secret, made = Tokens(fenhao.journal, os.urandom).issue(name, scopes, days)
    words.status.clear()
    words.say(
        f"令牌 {made.id}（{name}；{' '.join(made.scopes)}；至 {made.expires_at}），请立即保存，不会再显示：",
        f"token {made.id} ({name}; {' '.join(made.scopes)}; until {made.expires_at}); keep it, it is shown this once:",
    )
    words.say(secret, secret)
    words.give({**made._asdict(), "token": secret})


@token.command("list")
@common
def list_(words: Words, settings: Settings) -> None:
    """列出令牌 / All tokens there ever were, without their secrets."""
    import os

    from api.bootstrap import assembled
    from api.http.tokens import Tokens

    with assembled(settings, words.status.wait) as fenhao:
        tokens = Tokens(fenhao.journal, os.urandom).listed()
    words.status.clear()
    for one in tokens:
        line = f"{one.id}  {one.name}  {' '.join(one.scopes)}  {one.made_at} – {one.expires_at}"
        revoked = (f"  已于 {one.revoked_at} 吊销", f"  revoked {one.revoked_at}") if one.revoked_at else ("", "")
        words.say(line + revoked[0], line + revoked[1])
    if not tokens:
        words.say("没有令牌", "there are no tokens")
    words.give({"tokens": [one._asdict() for one in tokens]})


@token.command()
@click.argument("id")
@common
def revoke(words: Words, settings: Settings, id: str) -> None:
    """吊销令牌，立即生效 / Revoke a token: it opens nothing from the next request on."""
    import os

    from api.bootstrap import assembled
    from api.http.tokens import Tokens

    with assembled(settings, words.status.wait) as fenhao:
        Tokens(fenhao.journal, os.urandom).revoke(id)
    words.status.clear()
    words.say(f"令牌 {id} 已吊销", f"token {id} is revoked")
    words.give({"revoked": id})
