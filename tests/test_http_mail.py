"""Donors' codes by mail: over TLS or not at all, behind the answer, and in no log."""

from __future__ import annotations

import email
import email.policy
import logging
from pathlib import Path

import pytest
from postbox import PASSWORD, USER, Postbox, postbox

from api.bootstrap import BadSetting
from api.http.mail import Mail, on_console, sender_of
from api.settings import Settings

TO, CODE, FROM = "wang.xm@example.org", "123456", "ledger@example.org"


def settings_of(box: Postbox, folder: Path, scheme: str, user: str = f"{USER}@", password: str = PASSWORD) -> Settings:
    file = folder / "password"
    file.write_text(password + "\n")
    file.chmod(0o600)
    url = f"{scheme}://{user}127.0.0.1:{box.port}"
    return Settings(home=folder, smtp_url=url, smtp_password_file=file, mail_from=FROM)


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose `mail.pem` this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "mail.pem"))
    return tmp_path


@pytest.mark.parametrize(("scheme", "user"), [("smtp", f"{USER}@"), ("smtps", f"{USER}@"), ("smtp", "")])
def test_a_code_comes_by_mail(trusted: Path, scheme: str, user: str) -> None:
    with postbox(trusted, tls=scheme == "smtps") as box:
        mail = Mail(settings_of(box, trusted, scheme, user))
        mail(TO, CODE)
        mail.close()
        [(login, over_tls, to, text)] = box.got
    assert (login, over_tls, to) == ((f"{USER} {PASSWORD}", True, TO) if user else ("", False, TO))
    message = email.message_from_string(text, policy=email.policy.default)
    body = message.get_body()
    assert body is not None
    said = body.get_content()
    assert f"验证码：{CODE}" in said
    assert f"Your code: {CODE}" in said
    assert (message["From"], message["To"]) == (FROM, TO)


@pytest.mark.parametrize("fault", ["stranger", "password", "refused", "away"])
def test_what_cannot_be_sent_is_said_without_whose_it_was(
    trusted: Path, fault: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    with postbox(trusted, tls=False) as box:
        box.refuses = fault == "refused"
        if fault == "stranger":
            monkeypatch.delenv("SSL_CERT_FILE")
        if fault == "away":
            box.port = 9  # where nobody listens
        mail = Mail(settings_of(box, trusted, "smtp", password="wrong" if fault == "password" else PASSWORD))
        mail(TO, CODE)
        mail.close()
        assert box.got == []
    [record] = [one for one in caplog.records if one.name == "fenhao.mail"]
    assert record.getMessage().startswith("a code could not be sent: ")
    for value in (TO, CODE, PASSWORD):
        assert value not in caplog.text


def test_a_phone_and_a_service_without_a_mail_server_go_to_the_console(
    trusted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sender_of(Settings(home=trusted)) is on_console
    with postbox(trusted, tls=False) as box:
        send = sender_of(settings_of(box, trusted, "smtp"))
        send("13800138000", CODE)
        send(f"{TO}\r\nBcc: all@example.org", CODE)
        assert capsys.readouterr().err.count(CODE) == 2
        assert box.got == []


@pytest.mark.parametrize(
    ("url", "sender"),
    [("http://mail", FROM), ("smtp://", FROM), ("smtps://u:secret-9@mail", FROM), ("smtp://m:x", FROM),
     ("smtp://m", ""), ("smtp://m", "a@b\nBcc: c@d"), ("smtp://m", "nobody")],
)  # fmt: skip
def test_settings_that_cannot_be_are_one_error(tmp_path: Path, url: str, sender: str) -> None:
    with pytest.raises(BadSetting) as caught:
        sender_of(Settings(home=tmp_path, smtp_url=url, mail_from=sender))
    assert "secret-9" not in caught.value.say("zh")
