"""Donors' one-time codes on their way: by mail (SMTP, RFC 5321) where an address was given and a server is set, else to
the operator's console. Neither a code nor an address is ever logged."""

from __future__ import annotations

import logging
import re
import smtplib
import ssl
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from threading import BoundedSemaphore
from urllib.parse import unquote, urlsplit

from api.bootstrap import BadSetting
from api.settings import Settings
from ledger.errors import LedgerError
from ledger.key_files import read_secret

SendCode = Callable[[str, str], None]
"""Takes a phone or an e-mail, and the code for it."""
TIMEOUT_S = 20
MAX_WAITING = 200
"""Codes that wait for the server; beyond that they are dropped, and their donors ask again."""
_ADDRESS = re.compile(r"[^@\s,;:<>()\"\\]{1,64}@[^@\s,;:<>()\"\\]{1,190}")
_PORTS = {"smtp": 587, "smtps": 465}
_log = logging.getLogger("fenhao.mail")


def on_console(contact: str, code: str) -> None:
    """Writes a donor's code where the operator sees it, who passes it on: for a foundation without a gateway."""
    sys.stderr.write(f"验证码 / code for {contact}: {code}\n")


def sender_of(settings: Settings) -> SendCode:
    """How codes are sent. Raises BadSetting."""
    if settings.smtp_url is None:
        return on_console
    mail = Mail(settings)

    def send(contact: str, code: str) -> None:
        (mail if _ADDRESS.fullmatch(contact) else on_console)(contact, code)

    return send


class Mail:
    """Sends codes behind the answer: how long it takes does not tell whether there is such a donor."""

    def __init__(self, settings: Settings) -> None:
        """Raises BadSetting."""
        assert settings.smtp_url is not None
        try:
            parts = urlsplit(settings.smtp_url)
            self._host, self._port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        except (ValueError, KeyError):
            raise _not_usable() from None
        if not self._host or parts.password is not None:
            raise _not_usable()  # a password in an address is seen by whoever sees the environment
        self._scheme, self._user = parts.scheme, unquote(parts.username or "")
        self._password_file = settings.smtp_password_file
        self._from = settings.mail_from or ""
        if not _ADDRESS.fullmatch(self._from):
            rule, rule_zh = "the sender's address", "应为发件人地址"
            raise BadSetting(name="FENHAO_MAIL_FROM", value=self._from, rule=rule, rule_zh=rule_zh)
        self._waiting = BoundedSemaphore(MAX_WAITING)
        self._sending = ThreadPoolExecutor(2, thread_name_prefix="mail")

    def __call__(self, contact: str, code: str) -> None:
        """Returns at once; what cannot be sent is said in the log, without whose it was."""
        if not self._waiting.acquire(blocking=False):
            _log.warning("too many codes wait for the mail server: one was dropped")
            return
        self._sending.submit(self._send, contact, code)

    def close(self) -> None:
        """Returns when all is sent."""
        self._sending.shutdown()

    def _send(self, contact: str, code: str) -> None:
        try:
            with self._connected() as server:
                self._make_private(server)
                server.send_message(self._message(contact, code))
        except (OSError, smtplib.SMTPException, LedgerError) as error:
            _log.warning("a code could not be sent: %s", type(error).__name__)  # its words may be the address
        finally:
            self._waiting.release()

    def _connected(self) -> smtplib.SMTP:
        if self._scheme == "smtps":
            return smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_S, context=ssl.create_default_context())
        return smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)

    def _make_private(self, server: smtplib.SMTP) -> None:
        """TLS, but to this machine itself, and who we are. Raises OSError, SMTPException, SecretIsOpen."""
        nearby = self._host in ("localhost", "127.0.0.1", "::1")
        if self._scheme == "smtp" and (self._user or not nearby):
            server.starttls(context=ssl.create_default_context())
        if self._user:
            password = b"" if self._password_file is None else read_secret(self._password_file)
            server.login(self._user, password.decode(errors="replace").rstrip("\r\n"))

    def _message(self, contact: str, code: str) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"] = self._from, contact
        message["Subject"] = "登录验证码 / your sign-in code"
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=self._from.partition("@")[2])
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        message.set_content(
            f"验证码：{code}\n十分钟内有效，仅可使用一次。若非本人操作，请忽略；切勿告诉他人。\n\n"
            f"Your code: {code}\nIt is good once, for ten minutes. Tell nobody. If you did not ask, do nothing.\n"
        )
        return message


def _not_usable() -> BadSetting:
    """Without the address: it may have a password in it."""
    rule = "smtps://USER@HOST:PORT or smtp://…; the password in FENHAO_SMTP_PASSWORD_FILE"
    rule_zh = "应为 smtps://用户@主机:端口 或 smtp://…；密码放在 FENHAO_SMTP_PASSWORD_FILE"
    return BadSetting(name="FENHAO_SMTP_URL", value="…", rule=rule, rule_zh=rule_zh)
