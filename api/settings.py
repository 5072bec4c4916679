"""Every environment variable that this product reads, in one frozen place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import BadValue

GARBAGE = 50_000
"""So many more objects make Python look for those in circles; its own habit, 700, takes a sixth of a fold's time, and a
tenth of the start of a command."""
SWITCH_S = 0.0005
"""How long a thread may keep the interpreter from others: the one that all connections hang on, and who hears from the
database while another reads ahead, must not wait long."""


@dataclass(frozen=True, slots=True)
class Oidc:
    """The identity provider of staff and auditors; see FENHAO_OIDC_* below. `url`: where browsers find the service."""

    issuer: str
    url: str
    client: str
    secret_file: Path
    scope: str = "openid"
    name_claim: str = "sub"
    roles: tuple[tuple[str, str, str], ...] = ()

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends browsers back to."""
        return self.url.rstrip("/") + "/oidc/callback"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are, and what the foundation's own rules add.

    FENHAO_HOME           data folder: the embedded server, keys (default `.fenhao` in the working folder)
    FENHAO_DATABASE_URL   the owner's libpq URL of a PostgreSQL 15 or newer; none: the embedded server is used
    FENHAO_SERVICE_URL    the service's URL; none: the owner's connection steps down by SET ROLE
    FENHAO_SCHEMA         the database schema, one for each ledger (default `fenhao`)
    FENHAO_LANGUAGE       zh or en, the language in which people are answered (default zh)
    FENHAO_RETENTION_YEARS
                          how long vouchers are kept, from the end of the year of what they are for; till then personal
                          values are restricted rather than erased (default 30, 会计档案管理办法; 0: not at all)
    FENHAO_HEADS          folder in which the log's heads are kept outside the database; not on the database's disk, and
                          not in its backups (default `heads` in the data folder)
    FENHAO_LOG_PASSPHRASE_FILE
                          file (0600) whose first line is the passphrase of the log's key, where it has one; without it
                          the passphrase is asked for at the terminal
    FENHAO_WITNESS_PASSPHRASE_FILE
                          the same for the key of the witness that is run from here
    FENHAO_POLICY         file that names the log's witnesses and how many must sign (C2SP tlog-policy; default `policy`
                          in the data folder; none: no witness is asked)
    FENHAO_TSA_URL        where the log's heads are time-stamped: an authority's address (RFC 3161 over HTTP)
    FENHAO_TSA_ROOTS      file (PEM) with the root certificates of that authority
    FENHAO_TWO_PERSONS_FROM
                          amount in major units (50000.00) from which a movement takes two persons (default: none does)
    FENHAO_SIGN_EVERY     every how many seconds the service signs the log (default 10; 0: something else does)
    FENHAO_PROXIES        addresses of the reverse proxies whose X-Forwarded-For counts (default 127.0.0.1)
    FENHAO_URL            where browsers find the service: https://ledger.example.org (default: nowhere)
    FENHAO_OIDC_ISSUER    identity provider by which staff and auditors sign in too (OpenID Connect; default: none)
    FENHAO_OIDC_CLIENT    the service's client id there; FENHAO_OIDC_SECRET_FILE, a file (0600) with its secret
    FENHAO_OIDC_SCOPE     what is asked of it (default openid)
    FENHAO_OIDC_NAME      the claim that is the account's name; one that is never given to another (default sub)
    FENHAO_OIDC_ROLES     claim:value=role, by commas, as in groups:ledger-finance=finance; with it the claims make
                          accounts and give roles, without it `fenhao staff add NAME --oidc` does
    FENHAO_SMTP_URL       mail server for donors' codes: smtps://USER@HOST:PORT, or smtp:// with STARTTLS (default: they
                          go to standard error); FENHAO_SMTP_PASSWORD_FILE, a file (0600) with its password
    FENHAO_MAIL_FROM      the sender's address of that mail
    """

    home: Path
    database_url: str | None = None
    service_url: str | None = None
    schema: str = "fenhao"
    language: str = "zh"
    two_persons_from: str | None = None
    heads_folder: Path | None = None
    policy_file: Path | None = None
    log_passphrase_file: Path | None = None
    witness_passphrase_file: Path | None = None
    tsa_url: str | None = None
    tsa_roots: Path | None = None
    retention: str = "30"
    sign_every: str = "10"
    proxies: str = "127.0.0.1"
    oidc: Oidc | None = None
    smtp_url: str | None = None
    smtp_password_file: Path | None = None
    mail_from: str | None = None

    def sign_every_s(self) -> int:
        """Every how many seconds the service signs the log; 0: it does not. Raises BadValue."""
        if not (self.sign_every.isascii() and self.sign_every.isdigit() and len(self.sign_every) <= 5):
            raise BadValue("FENHAO_SIGN_EVERY", self.sign_every, "a whole number of seconds", "应为整数秒数")
        return int(self.sign_every)

    def retention_years(self) -> int:
        """How many years vouchers are kept. Raises BadValue."""
        if not (self.retention.isascii() and self.retention.isdigit() and len(self.retention) <= 4):
            raise BadValue("FENHAO_RETENTION_YEARS", self.retention, "a whole number of years", "应为整数年数")
        return int(self.retention)

    @property
    def heads(self) -> Path:
        """Where the log's heads are kept."""
        return self.heads_folder or self.home / "heads"

    @property
    def policy(self) -> Path:
        """The file that names the log's witnesses, if it is there."""
        return self.policy_file or self.home / "policy"

    @property
    def witness(self) -> Path:
        """The folder of the witness that is run from here, if one is."""
        return self.home / "witness"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings that the environment names; an empty variable counts as none."""
        return cls(
            home=Path(environment.get("FENHAO_HOME") or ".fenhao").absolute(),
            database_url=environment.get("FENHAO_DATABASE_URL") or None,
            service_url=environment.get("FENHAO_SERVICE_URL") or None,
            schema=environment.get("FENHAO_SCHEMA") or "fenhao",
            language="en" if (environment.get("FENHAO_LANGUAGE") or "zh").lower().startswith("en") else "zh",
            sign_every=environment.get("FENHAO_SIGN_EVERY") or "10",
            proxies=environment.get("FENHAO_PROXIES") or "127.0.0.1",
            retention=environment.get("FENHAO_RETENTION_YEARS") or "30",
            two_persons_from=environment.get("FENHAO_TWO_PERSONS_FROM") or None,
            policy_file=Path(policy).absolute() if (policy := environment.get("FENHAO_POLICY")) else None,
            heads_folder=Path(heads).absolute() if (heads := environment.get("FENHAO_HEADS")) else None,
            tsa_url=environment.get("FENHAO_TSA_URL") or None,
            tsa_roots=Path(roots).absolute() if (roots := environment.get("FENHAO_TSA_ROOTS")) else None,
            log_passphrase_file=Path(file).absolute()
            if (file := environment.get("FENHAO_LOG_PASSPHRASE_FILE"))
            else None,
            smtp_url=environment.get("FENHAO_SMTP_URL") or None,
            smtp_password_file=Path(file).absolute()
            if (file := environment.get("FENHAO_SMTP_PASSWORD_FILE"))
            else None,
            mail_from=environment.get("FENHAO_MAIL_FROM") or None,
            oidc=_oidc(issuer, environment) if (issuer := environment.get("FENHAO_OIDC_ISSUER")) else None,
            witness_passphrase_file=Path(file).absolute()
            if (file := environment.get("FENHAO_WITNESS_PASSPHRASE_FILE"))
            else None,
        )


def _oidc(issuer: str, environment: Mapping[str, str]) -> Oidc:
    said = environment.get("FENHAO_OIDC_ROLES") or ""
    parts = [one.strip().rpartition("=") for one in said.split(",") if one.strip()]
    return Oidc(
        issuer,
        environment.get("FENHAO_URL") or "",
        environment.get("FENHAO_OIDC_CLIENT") or "",
        Path(environment.get("FENHAO_OIDC_SECRET_FILE") or "oidc-secret").absolute(),
        environment.get("FENHAO_OIDC_SCOPE") or "openid",
        environment.get("FENHAO_OIDC_NAME") or "sub",
        tuple((*held.partition(":")[::2], role) for held, _, role in parts),
    )
