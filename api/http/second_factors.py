"""Second factors of accounts: codes of an authenticator (TOTP, RFC 6238), and recovery codes for when it is lost.

Secrets are sealed with the key `totp.key`, which is not in the database; of recovery codes only digests are kept.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pyotp import TOTP

from api.http.faults import CodeNeeded, SignInRefused
from ledger.database import queries
from ledger.errors import BadValue, OperatorFault, Unknown
from ledger.journal import Entropy, Journal
from ledger.key_files import KeyFile
from ledger.vault_ciphers import Unopenable, seal, unseal

STEP_S = 30
DRIFT_STEPS = 1
"""A code of the step before or after is good too: clocks differ."""
MAX_WRONG = 20
"""So many wrong codes in a row, and no code is good any more: only a recovery code, or an admin's reset, goes on."""
SECRET_BYTES = 20  # RFC 4226 §4, R6: 160 bits
RECOVERY_CODES, RECOVERY_BYTES = 10, 10
_SQL = queries("api.http", "second_factors.sql")


class FactorLost(OperatorFault):
    """A sealed secret that the key at hand does not open."""

    code = "factor_lost"
    zh = "账户 {account} 的动态口令密钥无法解开：请恢复 keys/totp.key，或由管理员重置该账户的动态口令"
    en = "the second factor of {account} cannot be opened: restore keys/totp.key, or have an admin reset it"


class Enrolment(NamedTuple):
    """What goes into an authenticator, shown this once: the secret in base32, and the same as an otpauth URI."""

    secret: str
    uri: str


class SecondFactors:
    """The second factors of one ledger's accounts. Whether the account is open is the caller's to know."""

    def __init__(self, journal: Journal, keys: Path, entropy: Entropy) -> None:
        self._journal, self._entropy = journal, entropy
        self._key = KeyFile(keys / "totp.key", entropy)

    def begin(self, account: str) -> Enrolment:
        """A new secret; one that is in force stays so until the new one is confirmed. Raises KeyFileFault."""
        secret = base64.b32encode(self._entropy(SECRET_BYTES)).decode()
        sealed = seal(self._cipher(), secret.encode(), self._context(account), self._entropy)
        with self._journal.entries.reading() as cursor:
            cursor.execute(_SQL["begin"], {"account": account, "pending": sealed, "now": self._now()})
        return Enrolment(
            secret,
            TOTP(secret).provisioning_uri(name=account, issuer_name=f"fenhao {self._origin()}".replace("/", " ")),
        )

    def confirm(self, account: str, code: str) -> list[str]:
        """The pending secret is in force, as its holder shows by a code of it; ten recovery codes, shown this once.

        Raises BadValue for a code that is not its own or where nothing is pending; FactorLost.
        """
        with self._journal.entries.reading() as cursor:
            row = cursor.execute(_SQL["pending"], {"account": account}).fetchone()
        if row is None:
            raise _nothing_waits()
        step = self._step_of(self._opened(account, bytes(row[0])), code, 0)
        if step is None:
            raise BadValue(
                "code", "…", "it is the code that the authenticator shows now", "应为验证器当前显示的动态口令"
            )
        codes = [base64.b32encode(self._entropy(RECOVERY_BYTES)).decode() for _ in range(RECOVERY_CODES)]
        with self._journal.entries.reading() as cursor, cursor.connection.transaction():
            which = {"account": account, "pending": row[0], "step": step}
            if cursor.execute(_SQL["confirm"], which).fetchone() is None:
                raise _nothing_waits()  # another was begun meanwhile
            cursor.execute(_SQL["forget_recovery"], {"account": account})
            cursor.execute(_SQL["keep_recovery"], {"account": account, "digests": [_digest(one) for one in codes]})
        return ["-".join((one[:4], one[4:8], one[8:12], one[12:])) for one in codes]

    def require(self, account: str, code: str | None) -> None:
        """Returns if the account has no second factor, or this is a good code of it, which it is once.

        Raises CodeNeeded without a code, SignInRefused for a wrong one; FactorLost.
        """
        if not self.stands(account):
            return
        if code is None:
            raise CodeNeeded()
        if len(_plain(code)) == 2 * RECOVERY_BYTES * 4 // 5:
            self._recover(account, code)
            return
        with self._journal.entries.reading() as cursor:
            row = cursor.execute(_SQL["try"], {"account": account, "most": MAX_WRONG}).fetchone()
        if row is None:
            raise SignInRefused()
        secret, last_step = row
        step = self._step_of(self._opened(account, bytes(secret)), code, last_step)
        if step is None or not self._done("use", account, step=step):
            raise SignInRefused()

    def stands(self, account: str) -> bool:
        """Whether a second factor is in force."""
        return self._done("stands", account)

    def reset(self, account: str) -> None:
        """The account has none any more, nor recovery codes. Raises Unknown where there was none."""
        with self._journal.entries.reading() as cursor, cursor.connection.transaction():
            cursor.execute(_SQL["forget_recovery"], {"account": account})
            if cursor.execute(_SQL["reset"], {"account": account}).fetchone() is None:
                raise Unknown("second factor", account)

    def _recover(self, account: str, code: str) -> None:
        if not self._done("recover", account, digest=_digest(code)):
            raise SignInRefused()

    def _step_of(self, secret: str, code: str, last_step: int) -> int | None:
        """The step behind `last_step` whose code this is, as the clock allows."""
        now, shown = int(self._now().timestamp()) // STEP_S, _plain(code).encode(errors="replace")
        steps = range(max(last_step + 1, now - DRIFT_STEPS), now + DRIFT_STEPS + 1)
        good = [step for step in steps if hmac.compare_digest(TOTP(secret).generate_otp(step).encode(), shown)]
        return good[0] if good else None

    def _opened(self, account: str, sealed: bytes) -> str:
        try:
            return unseal(self._cipher(), sealed, self._context(account)).decode()
        except Unopenable:
            raise FactorLost(account=account) from None

    def _cipher(self) -> AESGCM:
        return AESGCM(self._key.read())

    def _context(self, account: str) -> tuple[str, ...]:
        return ("totp", self._origin(), account)

    def _origin(self) -> str:
        return self._journal.entries.origin

    def _done(self, name: str, account: str, **values: object) -> bool:
        with self._journal.entries.reading() as cursor:
            return cursor.execute(_SQL[name], {"account": account, **values}).fetchone() is not None

    def _now(self) -> datetime:
        return self._journal.entries.clock()


def _nothing_waits() -> BadValue:
    return BadValue("code", "…", "nothing waits to be confirmed: enrol anew", "没有待启用的动态口令，请重新登记")


def _plain(code: str) -> str:
    """A code as people type it, without what only helps the eye."""
    return code.replace(" ", "").replace("-", "").upper()


def _digest(code: str) -> bytes:
    return hashlib.sha256(_plain(code).encode(errors="replace")).digest()
