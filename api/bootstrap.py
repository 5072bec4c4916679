"""The one place where things are put together, for the command line and for tests."""

from __future__ import annotations

import csv
import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from api.passphrases import Asked
from api.settings import GARBAGE, SWITCH_S, Settings
from audit.checkpoint import MAX_NOTE_BYTES, BadNote, Checkpoint, Note
from audit.files import file_name_of, read_at_most
from audit.heads import FileHeads, Kept
from audit.key_files import Passphrase
from audit.key_folder import KeyFolder as LogKeyFolder
from audit.log import Log, check_history
from audit.peers import Peers, http_post
from audit.policy import NONE, BadPolicy, Policy
from audit.proof import MAX_PROOF_BYTES, BadReceipt, Receipt
from audit.timestamp import Authority
from audit.verify import Unusable, read_roots
from audit.watermark import Watermark
from ledger.database import Database, check_ready, migrate
from ledger.decisions import DefineCode, OpenLedger, check_currency, check_follows
from ledger.embedded import ensure_running
from ledger.errors import InputFault, LedgerNotOpen, OperatorFault, Refusal, shown
from ledger.journal import Entropy, Journal, check_origin
from ledger.money import AmountError, exponent_of, parse_amount
from ledger.times import Clock, find_zone, parse_day, parse_instant, utc_now
from ledger.vault import Vault, open_vault
from ledger.vault_keys import KeyFolder
from ledger.writing import Limits, Writer
from projections.history import Vantage
from projections.runner import Runner
from reports.traces import Reader

Progress = Callable[[str, str], None]
"""Told what is being waited for, in English and in Chinese."""


class BadSetting(OperatorFault):
    """An environment variable that says nothing usable."""

    code = "bad_setting"
    zh = "环境变量 {name} 的值无效（{value}）：{rule_zh}"
    en = "the environment variable {name} is not valid ({value}): {rule}"


class PolicyFault(OperatorFault):
    """The policy file cannot be used."""

    code = "policy"
    zh = "无法使用 policy 文件 {path}：{reason}"
    en = "the policy file {path} cannot be used: {reason}"


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


class NotAReceipt(InputFault):
    """A file that should be a receipt of this ledger and is none."""

    code = "not_a_receipt"
    zh = "{path} 不是本账本可用的存证凭据：{reason}"
    en = "{path} is no receipt of this ledger that can be used: {reason}"


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
    """The database of the settings: a server of the operator's own, or the embedded one for as long as this lasts.

    Facts and rows are made by the hundred thousand and none is in a circle: Python is to look for circles less often.
    Its threads take turns more often.
    """
    gc.set_threshold(GARBAGE)
    sys.setswitchinterval(SWITCH_S)
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
    return FileHeads(fenhao.settings.heads, fenhao.journal.entries.origin)


def log_of(fenhao: Fenhao, passphrase: Passphrase | None = None) -> Log:
    """The ledger's log, ready to be signed; its key's passphrase is asked for when it is. Raises LedgerNotOpen."""
    policy = policy_of(fenhao.settings)
    peers = Peers(policy, http_post, lambda: int(time.time())) if policy.witnesses else None
    return Log(fenhao.journal, log_folder(fenhao), kept_heads(fenhao), log_keys(fenhao, passphrase), peers)


def policy_of(settings: Settings) -> Policy:
    """The log's witnesses, and how many of them must sign; none without a policy file. Raises PolicyFault."""
    path = settings.policy
    if settings.policy_file is None and not path.exists():
        return Policy(quorum=NONE)
    try:
        return Policy.parse(path.read_bytes())
    except (OSError, BadPolicy) as error:
        raise PolicyFault(path=path, reason=error) from error


def authority_of(settings: Settings) -> Authority:
    """Who time-stamps the log's heads. Raises BadSetting."""
    for name, value in (("FENHAO_TSA_URL", settings.tsa_url), ("FENHAO_TSA_ROOTS", settings.tsa_roots)):
        if value is None:
            rule = "an authority's address (http or https), and in the other a file with its root certificates (PEM)"
            rule_zh = "请设为时间戳机构的地址（http 或 https）及其根证书文件（PEM）"
            raise BadSetting(name=name, value="", rule=rule, rule_zh=rule_zh)
    assert settings.tsa_url is not None
    assert settings.tsa_roots is not None
    try:
        read_roots(settings.tsa_roots)
        return Authority(settings.tsa_url, settings.tsa_roots.read_bytes())
    except Unusable as fault:
        value = str(settings.tsa_roots)
        raise BadSetting(name="FENHAO_TSA_ROOTS", value=value, rule=fault.en, rule_zh=fault.zh) from fault


def log_keys(fenhao: Fenhao, passphrase: Passphrase | None = None) -> LogKeyFolder:
    """Where the private keys of the ledger's log are. Raises LedgerNotOpen."""
    return _log_keys(fenhao.settings, fenhao.journal.entries.origin, passphrase)


def _log_keys(settings: Settings, origin: str, passphrase: Passphrase | None = None) -> LogKeyFolder:
    """With a `passphrase`, new keys are put under it; else under the one that the settings name, if they do."""
    asked = passphrase or Asked(settings.log_passphrase_file)
    protected = passphrase is not None or settings.log_passphrase_file is not None
    return LogKeyFolder(settings.home / "keys", origin, asked, protected=protected)


def read_head(path: Path, fenhao: Fenhao) -> Checkpoint:
    """The checkpoint of this ledger in a file that somebody kept. Raises NotAHead, LedgerNotOpen."""
    origin = fenhao.journal.entries.origin
    try:
        return log_of(fenhao).history().open(read_at_most(path, MAX_NOTE_BYTES), origin)
    except (OSError, BadNote) as error:
        raise NotAHead(path=path, reason=error) from error


def read_receipt(path: Path, fenhao: Fenhao) -> tuple[Receipt, Checkpoint]:
    """A receipt that this ledger gave, checked, with its head. Raises NotAReceipt, LedgerNotOpen."""
    origin = fenhao.journal.entries.origin
    try:
        found = Receipt.parse(read_at_most(path, MAX_PROOF_BYTES))
        return found, found.check(origin, log_of(fenhao).history().of(found.claimed().size))
    except (OSError, BadReceipt) as error:
        raise NotAReceipt(path=path, reason=error) from error


def log_folder(fenhao: Fenhao) -> Path:
    """Where the ledger's public log is: its checkpoint and tiles. Raises LedgerNotOpen."""
    return fenhao.settings.home / "log" / file_name_of(fenhao.journal.entries.origin)


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
    passphrase: Passphrase | None = None,
) -> int:
    """Creates what is missing and opens the ledger; how many entries it has then. `continues` is an older one's head.

    The log's key is made under the `passphrase`, if one is given. Raises LedgerIsOpen, OriginTaken, BadValue for names
    that cannot be, LogKeyFault, DatabaseFault. Opening and the
    starter dictionary are one transaction: a ledger is there whole or not at all.
    """
    check_origin(origin)
    find_zone(zone)
    check_currency(currency)
    if continues is not None:
        check_follows(origin, continues.origin)
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
        verifier_key=str(_log_keys(settings, origin, passphrase).make(())),
        currency=currency,
        exponent=exponent_of(currency),
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
        return Checkpoint.parse(Note.parse(read_at_most(path, MAX_NOTE_BYTES)).text)
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
