"""The one place where things are put together, for the command line and for tests."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from api.settings import Settings
from audit.checkpoint import BadNote, Checkpoint, KeySigner, Note, open_checkpoint
from audit.heads import FileHeads, Kept
from audit.log import Log, check_history
from audit.watermark import Watermark
from ledger.database import Database, check_ready, migrate
from ledger.decisions import DefineCode, OpenLedger, check_currency
from ledger.embedded import ensure_running
from ledger.errors import InputFault, LedgerNotOpen, OperatorFault, Refusal, shown
from ledger.journal import Entropy, Journal, check_origin
from ledger.key_files import write_secret
from ledger.money import AmountError, parse_amount
from ledger.times import Clock, find_zone, parse_day, parse_instant, utc_now
from ledger.vault import Vault, open_vault
from ledger.vault_keys import KeyFolder
from ledger.writing import Limits, Writer
from projections.history import Vantage
from projections.runner import Runner
from reports.traces import Reader

Progress = Callable[[str, str], None]
"""Told what is being waited for, in English and in Chinese."""


class KeyFault(OperatorFault):
    """The log's key cannot be read or written."""

    code = "log_key"
    zh = "日志签名密钥 {path} 无法使用：{reason}"
    en = "the log's key {path} cannot be used: {reason}"


class BadSetting(OperatorFault):
    """An environment variable that says nothing usable."""

    code = "bad_setting"
    zh = "环境变量 {name} 的值无效（{value}）：{rule_zh}"
    en = "the environment variable {name} is not valid ({value}): {rule}"


class LedgerIsOpen(InputFault):
    """`init` where there is a ledger already."""

    code = "ledger_open_already"
    zh = "这里已有账本 {origin}（{size} 条分录）；一个数据库模式只能有一个账本"
    en = "there is a ledger here already, {origin} ({size} entries); one schema holds one ledger"


class NotAHead(InputFault):
    """A file that should be a signed head and is none."""

    code = "not_a_head"
    zh = "{path} 不是可用的日志头：{reason}"
    en = "{path} is no head that can be used: {reason}"


class OriginTaken(InputFault):
    """A ledger of that name was signed before; its history is never begun anew."""

    code = "origin_taken"
    zh = (
        "账本 {origin} 已有签名的历史（{size} 条分录），不能以同一名称重新开始："
        "请恢复其数据库；确已丢失时，换用新名称并以 --continues 指明旧日志头"
    )
    en = (
        "the ledger {origin} has a signed history ({size} entries) that is never begun anew: restore its database; if "
        "it is lost, open a ledger of another name with --continues and the old head"
    )


@dataclass(frozen=True, slots=True)
class Fenhao:
    """An assembled ledger: everything that a command needs."""

    settings: Settings
    database: Database
    journal: Journal
    writer: Writer
    runner: Runner
    vault: Vault


@contextmanager
def database(settings: Settings, progress: Progress = lambda en, zh: None) -> Iterator[Database]:
    """The database of the settings: a server of the operator's own, or the embedded one for as long as this lasts."""
    with ExitStack() as stack:
        if settings.database_url is not None:
            yield Database(settings.database_url, settings.service_url, settings.schema)
        else:
            server = stack.enter_context(ensure_running(settings.home, progress=progress))
            service_url = server.service_url if settings.schema == "fenhao" else None
            yield Database(server.owner_url, service_url, settings.schema)


@contextmanager
def assembled(
    settings: Settings,
    progress: Progress = lambda en, zh: None,
    *,
    clock: Clock = utc_now,
    entropy: Entropy = os.urandom,
    unchecked: bool = False,
    connections: int = 4,
) -> Iterator[Fenhao]:
    """All parts together, connected. Raises OperatorFault when the database or its schema is not there.

    Raises HistoryLost for a database that is behind or other than what was seen of it, unless it goes `unchecked`.
    """
    if settings.database_url is None and not (settings.home / "postgres").exists():
        raise LedgerNotOpen()  # a mistyped home must not become a new server
    with database(settings, progress) as place:
        check_ready(place)
        with opened(place, settings, clock=clock, entropy=entropy, connections=connections) as fenhao:
            if not unchecked:
                check_history(fenhao.journal, kept_heads(fenhao).read())
            yield fenhao


@contextmanager
def opened(
    place: Database,
    settings: Settings,
    *,
    clock: Clock = utc_now,
    entropy: Entropy = os.urandom,
    connections: int = 4,
) -> Iterator[Fenhao]:
    """The parts on a database that is at hand already, with at most so many `connections`. Raises BadSetting."""
    watermark = Watermark(partial(FileHeads, settings.heads))
    with watermark, Journal(place, clock=clock, entropy=entropy, pool_size=connections) as journal:
        vault = open_vault(journal, KeyFolder(settings.home / "keys", entropy), entropy)
        writer = Writer(journal, limits=_limits(settings, journal), vault=vault, on_commit=watermark)
        yield Fenhao(settings, place, journal, writer, Runner(journal), vault)


def kept_heads(fenhao: Fenhao) -> FileHeads:
    """What is kept of the ledger's heads outside its database. Raises LedgerNotOpen."""
    return FileHeads(fenhao.settings.heads, fenhao.journal.entries.head().origin or "")


def log_of(fenhao: Fenhao) -> Log:
    """The ledger's log, ready to be signed. Raises LedgerNotOpen, KeyFault."""
    origin = fenhao.journal.entries.head().origin or ""
    signer = KeySigner(origin, log_key(fenhao.settings.home))
    return Log(fenhao.journal, log_folder(fenhao), kept_heads(fenhao), signer)


def read_head(path: Path, fenhao: Fenhao) -> Checkpoint:
    """The checkpoint of this ledger in a file that somebody kept. Raises NotAHead, LedgerNotOpen."""
    log = log_of(fenhao)
    try:
        return open_checkpoint(path.read_bytes(), log.verifier.name, [log.verifier])
    except (OSError, BadNote) as error:
        raise NotAHead(path=path, reason=error) from error


def log_folder(fenhao: Fenhao) -> Path:
    """Where the ledger's public log is: its checkpoint and tiles. Raises LedgerNotOpen."""
    return fenhao.settings.home / "log" / quote(fenhao.journal.entries.head().origin or "", safe="")


def _limits(settings: Settings, journal: Journal) -> Limits:
    """The foundation's own rules, amounts in the ledger's currency. Raises BadSetting: a rule is never passed over."""
    if settings.two_persons_from is None:
        return Limits()
    with suppress(LedgerNotOpen):  # before its first entry there is no money, and no currency to read the amount in
        return Limits(_threshold(settings.two_persons_from, journal.entries.head().exponent or 0))
    return Limits()


def _threshold(text: str, exponent: int) -> int:
    try:
        return parse_amount(text, exponent)
    except AmountError as error:
        rule, rule_zh = error.args
        raise BadSetting(name="FENHAO_TWO_PERSONS_FROM", value=shown(text), rule=rule, rule_zh=rule_zh) from error


def initialise(
    settings: Settings,
    place: Database,
    origin: str,
    currency: str = "CNY",
    zone: str = "Asia/Shanghai",
    *,
    starter_codes: bool = True,
    continues: Checkpoint | None = None,
) -> int:
    """Creates what is missing and opens the ledger; how many entries it has then. `continues` is an older one's head.

    Raises LedgerIsOpen, OriginTaken, BadValue for names that cannot be, KeyFault, DatabaseFault. Opening and the
    starter dictionary are one transaction: a ledger is there whole or not at all.
    """
    check_origin(origin)
    find_zone(zone)
    check_currency(currency)
    with suppress(LedgerNotOpen):
        check_ready(place)
        with opened(place, settings) as existing:
            head = existing.journal.entries.head()
            raise LedgerIsOpen(origin=head.origin, size=head.size)
    heads = FileHeads(settings.heads, origin)
    kept = heads.read()
    if kept is not None and kept.checkpoint:
        raise OriginTaken(origin=origin, size=kept.size)
    opening = OpenLedger(
        key="ledger",
        origin=origin,
        verifier_key=str(KeySigner(origin, log_key(settings.home)).verifier),
        currency=currency,
        exponent=CURRENCY_EXPONENTS.get(currency, 2),
        zone=zone,
        continues=None if continues is None else _named(continues),
    )
    migrate(place)
    if kept is not None and not heads.swap(kept, Kept(origin)):
        raise OriginTaken(origin=origin, size=kept.size)
    with opened(place, settings) as fenhao:
        fenhao.vault.prepare()
        with fenhao.writer.session() as session:
            outcomes = session.run([opening])
            if starter_codes and not isinstance(outcomes[0], Refusal):
                outcomes += session.run(starter_dictionary())
            for outcome in outcomes:
                if isinstance(outcome, Refusal):
                    raise outcome
        return len(outcomes)


def old_head(path: Path) -> Checkpoint:
    """The head of another ledger, by whomever it is signed. Raises NotAHead."""
    try:
        return Checkpoint.parse(Note.parse(path.read_bytes()).text)
    except (OSError, BadNote) as error:
        raise NotAHead(path=path, reason=error) from error


def _named(head: Checkpoint) -> dict[str, Any]:
    """An older ledger's head as entry 0 names it."""
    return {"origin": head.origin, "size": head.size, "root": head.root.hex()}


def reader_of(fenhao: Fenhao) -> Reader:
    """For whom traces are put into words here: the language asked for, the ledger's currency. Raises LedgerNotOpen."""
    head = fenhao.journal.entries.head()
    assert head.currency is not None
    assert head.exponent is not None
    return Reader(fenhao.settings.language, head.currency, head.exponent)


def vantage_of(fenhao: Fenhao, as_of: str | None, known_at: str | None) -> Vantage:
    """From where to look, as people say it, times in the ledger's zone. Raises BadValue, LedgerNotOpen."""
    zone = fenhao.journal.entries.head().zone
    assert zone is not None
    return Vantage(
        None if as_of is None else parse_day(as_of, "as_of"),
        None if known_at is None else parse_instant(known_at, "known_at", find_zone(zone)),
    )


_NO_DECIMALS = ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV")
CURRENCY_EXPONENTS = {
    **dict.fromkeys((*_NO_DECIMALS, "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""Decimals of currencies that have not two (ISO 4217)."""


def starter_dictionary() -> list[DefineCode]:
    """The codes that a new ledger begins with: provinces (GB/T 2260), congenital heart diseases, age bands."""
    text = (files("ledger") / "starter_codes.csv").read_text("utf-8")
    return [
        DefineCode(
            key=f"codes:{row['dimension']}/{row['code']}",
            dimension=row["dimension"],
            code=row["code"],
            name=row["name"],
            parent=row["parent"] or None,
        )
        for row in csv.DictReader(text.splitlines())
    ]


def log_key(home: Path) -> Ed25519PrivateKey:
    """The log's signing key from `home/keys/log.pem`, made on first use (folder 0700, file 0600). Raises KeyFault."""
    path = home / "keys" / "log.pem"
    try:
        if not path.exists():
            new = Ed25519PrivateKey.generate()
            write_secret(path, new.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise KeyFault(path=path, reason=error) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFault(path=path, reason="not an Ed25519 key")
    return key
