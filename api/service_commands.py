"""The commands of the service: run it, and say who may use it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from api.settings import Settings
from api.words import Words, common

if TYPE_CHECKING:
    from api.http.accounts import Accounts

# As in `api.cli`, each command imports what it needs when it runs.


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址 / address to listen on")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="端口 / port")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="进程数 / processes")
@common
def serve(words: Words, settings: Settings, host: str, port: int, workers: int) -> None:
    """运行 HTTP 服务 / Run the HTTP service; its reference is at /openapi.json."""
    from api.bootstrap import assembled
    from api.http.chores import hear_signals
    from api.http.mail import sender_of
    from api.http.provider import check_oidc
    from api.http.serving import STOPPING
    from api.http.serving import serve as run

    # What is not as it must be is told now, in one sentence; and the server of the data folder stays up meanwhile.
    hear_signals(STOPPING)
    sender_of(settings)
    if settings.oidc is not None:
        check_oidc(settings.oidc)
    with assembled(settings, words.status.wait) as fenhao:
        fenhao.journal.entries.head()
        words.status.clear()
        words.say(f"服务地址 http://{host}:{port}/ ，按 Ctrl-C 停止", f"serving http://{host}:{port}/ , Ctrl-C ends it")
        run(host, port, workers, settings.proxies)


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


@click.group()
def staff() -> None:
    """账户 / Accounts of staff and auditors for the service."""


@staff.command()
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, required=True, help="auditor programme finance admin，可重复 / repeatable"
)
@click.option("--password-stdin", is_flag=True, help="从标准输入读取密码 / read the password from standard input")
@click.option("--oidc", is_flag=True, help="经身份提供方登录，无密码 / the identity provider signs in, no password")
@common
def add(words: Words, settings: Settings, name: str, roles: tuple[str, ...], password_stdin: bool, oidc: bool) -> None:
    """开立账户 / Add an account; NAME is the opaque staff id that entries will have."""
    from api.bootstrap import BadSetting

    if oidc and settings.oidc is None:
        rule, rule_zh = "the identity provider's address", "应为身份提供方的地址"
        raise BadSetting(name="FENHAO_OIDC_ISSUER", value="", rule=rule, rule_zh=rule_zh)
    issuer = settings.oidc.issuer if oidc and settings.oidc else None
    password = None if issuer else _password(password_stdin)
    with _accounts(settings, words) as accounts:
        accounts.add(name, roles, password, issuer)
    words.say(f"账户 {name} 已开立：{' '.join(roles)}", f"account {name} is open: {' '.join(roles)}")
    words.give({"account": name, "roles": sorted(roles)})


@staff.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, help="新的角色 / its roles from now on")
@click.option("--password", "new_password", is_flag=True, help="更换密码 / ask for another password")
@click.option("--password-stdin", is_flag=True, help="从标准输入读取新密码 / read it from standard input")
@common
def change(
    words: Words, settings: Settings, name: str, roles: tuple[str, ...], new_password: bool, password_stdin: bool
) -> None:
    """更改角色或密码，已登录的会话随即失效 / Change roles or password; whoever is signed in signs in anew."""
    password = _password(password_stdin) if new_password or password_stdin else None
    with _accounts(settings, words) as accounts:
        accounts.change(name, roles, password)
    words.say(f"账户 {name} 已更改", f"account {name} is changed")
    words.give({"account": name})


@staff.command()
@click.argument("name")
@common
def close(words: Words, settings: Settings, name: str) -> None:
    """关闭账户，立即生效 / Close an account, at once and for good."""
    with _accounts(settings, words) as accounts:
        accounts.close(name)
    words.say(f"账户 {name} 已关闭", f"account {name} is closed")
    words.give({"closed": name})


@staff.command()
@click.argument("name")
@click.option("--reset", is_flag=True, help="解除，例如手机丢失 / take it off: the authenticator is lost")
@common
def totp(words: Words, settings: Settings, name: str, reset: bool) -> None:
    """登记或解除动态口令 / Enrol an account's second factor (TOTP), or take it off."""
    if reset:
        with _accounts(settings, words) as accounts:
            accounts.reset_factor(name)
        words.say(f"账户 {name} 的动态口令已解除", f"account {name} has no second factor any more")
        words.give({"account": name, "second_factor": False})
        return
    with _accounts(settings, words) as accounts:
        made = accounts.enrol_for(name)
        words.status.clear()
        words.say(
            f"请录入验证器（只显示这一次）：{made.secret}\n{made.uri}",
            f"put this into the authenticator; it is shown this once: {made.secret}\n{made.uri}",
        )
        words.give(made._asdict())
        shown: str = click.prompt("动态口令 / the code that it shows", err=True)
        codes = accounts.factors.confirm(name, shown)
    words.say(
        "已启用。恢复码（每个可用一次，只显示这一次）：",
        "in force; recovery codes, each good once, are shown this once:",
    )
    for one in codes:
        words.say(one, one)
    words.give({"account": name, "second_factor": True, "recovery_codes": codes})


@staff.command("list")
@common
def list_accounts(words: Words, settings: Settings) -> None:
    """列出账户 / All accounts there ever were."""
    with _accounts(settings, words) as accounts:
        found = accounts.listed()
    for one in found:
        closed = (f"  已于 {one.closed_at} 关闭", f"  closed {one.closed_at}") if one.closed_at else ("", "")
        line = f"{one.name}  {' '.join(one.roles)}  {one.made_at}"
        words.say(line + closed[0], line + closed[1])
    if not found:
        words.say("没有账户", "there are no accounts")
    words.give({"accounts": [one._asdict() for one in found]})


@click.command("donor-link")
@click.argument("donor")
@click.option("--days", default=30, show_default=True, type=int, help="有效天数 / how long it is good")
@common
def donor_link(words: Words, settings: Settings, donor: str, days: int) -> None:
    """出具捐赠人查询链接 / A signed link with which a donor sees their own ledger."""
    import os

    from api.bootstrap import assembled
    from api.http.links import Links
    from projections.history import NOW, reading_from

    with assembled(settings, words.status.wait) as fenhao:
        fenhao.runner.catch_up(progress=words.status.views)
        with reading_from(fenhao.journal, NOW) as traces:
            traces.donor(donor)  # a mistyped id is told, not sent
        origin = fenhao.journal.entries.origin
        now = fenhao.journal.entries.clock()
        link = Links(settings.home / "keys", origin, os.urandom).make(donor, days, now)
    words.status.clear()
    words.say(link, link)
    words.give({"donor": donor, "days": days, "link": link})


@contextmanager
def _accounts(settings: Settings, words: Words) -> Iterator[Accounts]:
    import os

    from api.bootstrap import assembled
    from api.http.accounts import Accounts

    with assembled(settings, words.status.wait) as fenhao:
        yield Accounts(fenhao.journal, settings.home / "keys", os.urandom)
    words.status.clear()


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    asked: str = click.prompt("密码 / password", hide_input=True, confirmation_prompt=True, err=True)
    return asked
