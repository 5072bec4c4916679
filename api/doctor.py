"""`fenhao doctor`: what is well and what is not, in the surroundings and in the ledger, each with what to do."""

from __future__ import annotations

import platform
import shutil
import stat
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from api.bootstrap import Fenhao, Progress, assembled, kept_heads, log_folder, log_keys, log_of, policy_of
from api.passphrases import PassphraseNeeded
from api.settings import Settings
from audit.anchor import Stamp, newest_stamp
from audit.checkpoint import BadNote, Note
from audit.log import HistoryLost, check_history
from audit.policy import Policy
from ledger.database import connecting, describe_server, rights_of
from ledger.errors import LedgerError
from ledger.journal import MAX_CLOCK_LAG
from ledger.money import format_amount
from ledger.times import find_zone, local_day, utc_now, utc_text

FREE_BYTES = 1 << 30
VOUCHED_FOR_LONG = timedelta(days=1)
"""Witnesses' signatures are asked for anew after half of that; older ones, and older time-stamps, tell readers less."""
UNSIGNED_FOR_LONG = timedelta(days=1)
"""An entry that no head was signed over for longer is not well: until then nobody outside could miss it."""


class Finding(NamedTuple):
    """One thing that was looked at: well (True), not well (False), or just so (None)."""

    ok: bool | None
    zh: str
    en: str


def examine(settings: Settings, progress: Progress) -> Iterator[Finding]:
    """Looks at Python, disk, keys, database, rights, clock, journal and views. Never raises a LedgerError."""
    version = platform.python_version()
    yield Finding(
        sys.version_info >= (3, 11), f"Python {version}（需要 3.11 以上）", f"Python {version} (3.11 or newer)"
    )
    yield from _disk(settings)
    yield from _keys(settings)
    where = ("外部数据库", "external database") if settings.database_url else ("内嵌数据库", "embedded database")
    try:
        with assembled(settings, progress, unchecked=True) as fenhao:
            with connecting(fenhao.database.owner_url) as connection:
                server = describe_server(connection)
            yield Finding(True, f"{where[0]}：{server}", f"{where[1]}: {server}")
            yield from _ledger(fenhao)
    except LedgerError as fault:
        yield Finding(False, fault.say("zh"), fault.say("en"))


def _disk(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    nearest = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(nearest).free
    yield Finding(
        free > FREE_BYTES,
        f"数据文件夹 {home}：剩余空间 {free >> 20:,} MiB",
        f"data folder {home}: {free >> 20:,} MiB free",
    )


def _keys(settings: Settings) -> Iterator[Finding]:
    keys = settings.home / "keys"
    if not keys.exists():
        yield Finding(None, "尚无密钥文件夹", "no keys folder yet")
        return
    paths = [keys, *keys.iterdir()]
    loose = [path.name for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if loose:
        names = ", ".join(loose)
        yield Finding(
            False,
            f"密钥可被他人读取：{names}；请运行 chmod -R go= {keys}",
            f"others can read keys: {names}; run chmod -R go= {keys}",
        )
    else:
        yield Finding(True, "密钥仅本人可读", "keys are readable by their owner only")


def _ledger(fenhao: Fenhao) -> Iterator[Finding]:
    """The ledger itself: who may do what, the clock, the chain's end, the views."""
    head = fenhao.journal.entries.head()
    with fenhao.database.service() as connection:
        excess = rights_of(connection)
    yield Finding(
        not excess,
        "服务角色只能读取和追加分录" if not excess else f"服务角色权限过大：{', '.join(excess)}；请运行 fenhao migrate",
        "the service role can only read and append entries"
        if not excess
        else f"the service role may do too much: {', '.join(excess)}; run fenhao migrate",
    )
    agrees = head.at - utc_now() < MAX_CLOCK_LAG
    at = utc_text(head.at)
    yield Finding(
        agrees,
        f"系统时钟与最后一条分录（{at}）{'相符' if agrees else '不符，请校准'}",
        f"the clock {'agrees' if agrees else 'does not agree'} with the last entry ({at})",
    )
    yield from _own_key(fenhao)
    yield _heads(fenhao)
    yield from _attested(fenhao, utc_now())
    yield from _vault(fenhao)
    last = fenhao.journal.entries.read(head.size - 1, 1)
    sound = len(last) == 1 and last[0].leaf == head.leaf
    yield Finding(
        sound,
        f"账本 {head.origin}（{head.currency}，{head.zone}）：{head.size:,} 条分录"
        + ("" if sound else "，链头与最后一条分录不符：请运行 fenhao verify"),
        f"ledger {head.origin} ({head.currency}, {head.zone}): {head.size:,} entries"
        + ("" if sound else ", and the head does not name the last one: run fenhao verify"),
    )
    yield _two_persons(fenhao, head.exponent or 0, head.currency or "")
    yield from _followed(fenhao)


def _followed(fenhao: Fenhao) -> Iterator[Finding]:
    """How far behind the views are, and what of them stands still."""
    failures, lag = fenhao.runner.recorder.failures(), fenhao.runner.lag()
    for name, failure in failures.items():
        zh, en = STANDING_ZH.get(name.rpartition(".")[2], "视图"), name.rpartition(".")[2]
        what = "the views stand" if name == en else f"the sums of {en} stand"
        yield Finding(
            False,
            f"{zh}停止更新：{failure.say('zh')}；更新程序后请运行 fenhao rebuild",
            f"{what} still: {failure.say('en')}; run fenhao rebuild with a newer version",
        )
    if fenhao.runner.failure() is None:
        yield Finding(True, f"视图落后 {lag:,} 条分录", f"the views are {lag:,} entries behind")


STANDING_ZH = {"flows": "流向汇总", "periods": "按日汇总"}
"""What the kinds of sums are called."""


def _vault(fenhao: Fenhao) -> Iterator[Finding]:
    """The vault's keys, and what waits to be done with it."""
    try:
        vault = fenhao.vault.condition()
    except LedgerError as fault:
        yield Finding(False, fault.say("zh"), fault.say("en"))
        return
    persons = sum(vault.wrappings.values())
    yield Finding(
        True,
        f"个人信息保险库：{persons:,} 把密钥可用（人与银行文件），主密钥 {vault.master}",
        f"vault of personal values: the keys of {persons:,} persons and bank files open, master key {vault.master}",
    )
    left = persons - vault.wrappings.get(vault.master, 0)
    if left:
        yield Finding(
            False,
            f"主密钥更换未完成，还有 {left:,} 人：请运行 fenhao vault rotate",
            f"a change of the master key was cut short, {left:,} persons are left: run fenhao vault rotate",
        )
    elif vault.retired:
        old = ", ".join(f"vault-master-{master}.key" for master in vault.retired)
        yield Finding(
            None,
            f"旧主密钥只有更早的备份才需要，备份销毁后请删除：{old}",
            f"master keys that only older backups need, to be removed with them: {old}",
        )
    head = fenhao.journal.entries.head()
    today = local_day(utc_now(), find_zone(head.zone or "UTC"))
    due = [subject for subject, until in vault.restricted.items() if until <= today]
    if vault.restricted:
        listed = f": {', '.join(due[:5])}{', …' if len(due) > 5 else ''}" if due else ""
        yield Finding(
            None,
            f"已限制处理 {len(vault.restricted):,} 人，其中 {len(due):,} 人已可删除{listed}",
            f"{len(vault.restricted):,} persons are restricted, of whom {len(due):,} may be erased by now{listed}",
        )


def _two_persons(fenhao: Fenhao, exponent: int, currency: str) -> Finding:
    """From which amount on a movement takes two persons."""
    threshold = fenhao.writer.limits.two_persons_from
    if threshold is None:
        return Finding(
            None,
            "未设双人复核金额（FENHAO_TWO_PERSONS_FROM）",
            "no amount takes two persons (FENHAO_TWO_PERSONS_FROM is not set)",
        )
    amount = f"{format_amount(threshold, exponent)} {currency}"
    return Finding(
        True,
        f"{amount} 及以上的资金移动须由两人经办与批准（FENHAO_TWO_PERSONS_FROM）",
        f"movements of {amount} or more take two persons (FENHAO_TWO_PERSONS_FROM)",
    )


def _heads(fenhao: Fenhao) -> Finding:
    """Whether the database is the one whose heads are kept outside it."""
    kept = kept_heads(fenhao).read()
    try:
        check_history(fenhao.journal, kept)
    except HistoryLost as lost:
        return Finding(False, lost.say("zh"), lost.say("en"))
    if kept is None or not kept.checkpoint:
        return Finding(None, "尚未签署日志头：请运行 fenhao checkpoint", "no head is signed yet: run fenhao checkpoint")
    signed = int(kept.checkpoint.split("\n")[1])
    waiting = fenhao.journal.entries.read(signed, 1)
    if not waiting:
        return Finding(
            True,
            f"数据库与外部保存的日志头一致，{signed:,} 条分录全部已签署",
            f"the database agrees with the heads kept outside it; all {signed:,} entries are signed",
        )
    age = utc_now() - datetime.fromisoformat(waiting[0].at)
    hours = int(age.total_seconds() // 3600)
    late = age > UNSIGNED_FOR_LONG
    return Finding(
        not late,
        f"数据库与外部保存的日志头一致（已签署 {signed:,} 条分录），其后的分录最早已等待 {hours} 小时"
        + ("：请运行 fenhao checkpoint，或定期运行（--every）" if late else ""),
        f"the database agrees with the heads kept outside it ({signed:,} entries signed); the first since has waited "
        f"{hours} h" + (": run fenhao checkpoint, or keep it running (--every)" if late else ""),
    )


def _attested(fenhao: Fenhao, now: datetime) -> Iterator[Finding]:
    """Whether others vouch for the newest head, and lately: its witnesses, and the authority that stamps it."""
    kept = kept_heads(fenhao).read()
    if kept is None or not kept.checkpoint:
        return
    try:
        policy = policy_of(fenhao.settings)
        if policy.witnesses:
            yield _cosigned(policy, policy.witnessed(Note.parse(kept.checkpoint.encode())), now)
    except BadNote as fault:
        yield Finding(
            False, f"最新日志头上的见证签名有误：{fault}", f"a cosignature on the newest head is wrong: {fault}"
        )
    except LedgerError as fault:
        yield Finding(False, fault.say("zh"), fault.say("en"))
    if fenhao.settings.tsa_url is not None:
        yield _stamped(newest_stamp(log_folder(fenhao)), now)


def _cosigned(policy: Policy, times: dict[str, int], now: datetime) -> Finding:
    """Who signed the newest head, and which of the witnesses did not, or long ago."""
    least = (now - VOUCHED_FOR_LONG).timestamp()
    missing = sorted(name for name in policy.witnesses if times.get(name, 0) < least)
    met = policy.is_met({name for name, at in times.items() if at >= least})
    told = f"{len(policy.witnesses) - len(missing)}/{len(policy.witnesses)}"
    if not missing:
        return Finding(True, f"见证方（{told}）24 小时内都已签名", f"all witnesses ({told}) signed within 24 hours")
    names = ", ".join(missing)
    return Finding(
        False if not met else None,
        f"见证方 {names} 对最新日志头没有 24 小时内的签名（{told}"
        + ("）" if met else "，不足约定）：请运行 fenhao checkpoint，或定期运行（--every），并联系见证方"),
        f"no signature within 24 hours of {names} on the newest head ({told}"
        + (")" if met else ", too few): run fenhao checkpoint, or keep it running (--every), and ask the witnesses"),
    )


def _stamped(stamp: Stamp | None, now: datetime) -> Finding:
    """How old the newest time-stamp is."""
    if stamp is None:
        return Finding(
            False,
            "已设时间戳机构，但从未盖过时间戳：请运行 fenhao timestamp",
            "an authority for time-stamps is set, and nothing was ever stamped: run fenhao timestamp",
        )
    late = now - stamp.at > VOUCHED_FOR_LONG
    at = utc_text(stamp.at)
    return Finding(
        not late,
        f"最近的时间戳 {at}（{stamp.size:,} 条分录）"
        + ("，已超过 24 小时：请运行 fenhao timestamp，或定期运行（--every）" if late else ""),
        f"the newest time-stamp is of {at} ({stamp.size:,} entries)"
        + (": older than 24 hours; run fenhao timestamp, or keep it running (--every)" if late else ""),
    )


def _own_key(fenhao: Fenhao) -> Iterator[Finding]:
    """Whether the key that signs the log next is here, and whether a change of keys was cut off."""
    try:
        asks = None if fenhao.settings.log_passphrase_file else _unasked
        history, keys = log_of(fenhao).history(), log_keys(fenhao, asks)
        key = history.keys[-1]
        keys.signer(key)
        keys.require_alone(key)
    except PassphraseNeeded:
        yield Finding(None, "日志签名密钥有口令，未打开核对", "the log's key has a passphrase and was not opened")
    except LedgerError as fault:
        yield Finding(False, fault.say("zh"), fault.say("en"))
    else:
        changed = len(history.changes) - 1
        yield Finding(
            True,
            f"日志签名密钥与账本所记相符（{key.id.hex()}，更换过 {changed} 次）",
            f"the log's key is the one that the entries name ({key.id.hex()}, changed {changed} times)",
        )


def _unasked() -> bytes:
    """Whoever asks how things are is not asked for a passphrase."""
    raise PassphraseNeeded()
