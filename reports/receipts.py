"""Receipts 存证凭据 for people: one for each entry of a gift, a donor or a record, in a folder that checks itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from msgspec import json

from audit import verify
from audit.anchor import vouching
from audit.checkpoint import Checkpoint, Note
from audit.files import write_whole
from audit.log import Log, Openings
from audit.policy import Policy
from audit.proof import Receipt
from ledger.codec import Entry, decode
from ledger.errors import InputFault
from ledger.journal import Journal
from ledger.vault import Reader as VaultReader
from ledger.vault import Vault
from projections.trace import reading
from reports.entries import word
from reports.traces import Reader
from reports.verifying_page import page_alone

_NOTHING: Mapping[str, bytes] = MappingProxyType({})


class ReceiptsFault(InputFault):
    """The folder cannot take the receipts."""

    code = "receipts"
    zh = "无法写入 {folder}：{reason_zh}"
    en = "cannot write to {folder}: {reason}"


def entries_of(journal: Journal, noun: str, id: str) -> list[Entry]:
    """The entries of which a donor, a gift or any record `noun/id` gets receipts, by seq; see `Traces.entries`.

    A part of a longer entry comes with its first part, which says what it is. Raises Unknown.
    """
    with reading(journal) as traces:
        entries = {one.seq: one for one in traces.entries(noun, id)}
    firsts = {one.data["of"] for one in entries.values() if "of" in one.data}
    entries |= {seq: one for seq in firsts - entries.keys() for one in journal.entries.read(seq, 1)}
    return [entries[seq] for seq in sorted(entries)]


def openings_of(vault: Vault, entries: Iterable[Entry], noun: str, id: str, reader: VaultReader) -> Openings:
    """What opens the commitments that the one asked for is entitled to: those on the record itself, a donor's on gifts.

    Each reading is logged. What is erased is left out. Raises what the vault raises.
    """
    own = f"{noun}/{id}" if noun != "donor" else "donation/"
    streams = {one.stream for one in entries if one.data.get("commitments")}
    found: dict[int, list[dict[str, str]]] = {}
    for stream in sorted(streams):
        if stream != own and not (noun == "donor" and stream.startswith(own)):
            continue
        for one in vault.open(stream, reader).openings:
            if one.value is not None and one.salt is not None:
                opening = {"field": one.field, "stream": stream, "value": one.value, "salt": one.salt}
                found.setdefault(one.seq, []).append(opening)
    return found


def receipts_of(log: Log, entries: Sequence[Entry], openings: Openings) -> list[Receipt]:
    """Receipts of these entries, all under one head, which is signed now if none covers them yet."""
    seqs = [one.seq for one in entries]
    head = log.checkpoint()
    if head is None or head.size <= max(seqs):
        log.publish()
    return log.receipts(seqs, openings)


def require_new(folder: Path) -> None:
    """Raises ReceiptsFault for a folder that holds something, or cannot be looked into."""
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ReceiptsFault(
                folder=folder,
                reason="it is there and not empty; name a new one",
                reason_zh="已存在且非空，请另选文件夹",
            )
    except OSError as error:
        raise ReceiptsFault(folder=folder, reason=error.strerror, reason_zh=error.strerror) from error


def write_folder(
    folder: Path,
    title: str,
    receipts: Sequence[Receipt],
    head: Checkpoint,
    policy: Policy,
    reader: Reader,
    more: Mapping[str, bytes] = _NOTHING,
) -> None:
    """A folder with the receipts, whose signature counts, how to check them, and with what (a page in the reader's
    language, and verify.py): whole or not at all.

    `more` are files besides, by their names. Raises ReceiptsFault for one that holds something.
    """
    folder = folder.absolute()
    beside = folder.with_name(f".{folder.name}.new")
    require_new(folder)
    try:
        shutil.rmtree(beside, ignore_errors=True)
        for one in receipts:
            mode = 0o600 if one.openings else 0o644
            write_whole(beside / f"{one.proof.index:06}.tlog-proof", one.proof.text(), mode)
        write_whole(beside / "policy", policy.text())
        write_whole(beside / "README.md", _readme(title, receipts, head, policy).encode())
        for name, data in more.items():
            write_whole(beside / name, data)
        shutil.copyfile(verify.__file__, beside / "verify.py")
        page = page_alone(policy.text().decode("utf-8", "replace"), head.origin, reader)
        write_whole(beside / "verify.html", page.encode())
        beside.rename(folder)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise ReceiptsFault(folder=folder, reason=error.strerror, reason_zh=error.strerror) from error


def _readme(title: str, receipts: Sequence[Receipt], head: Checkpoint, policy: Policy) -> str:
    zh, en = Reader("zh"), Reader("en")
    rows = []
    for one in receipts:
        entry = decode(one.entry)
        opened = ", ".join(each["field"] for each in one.openings)
        kind = f"{word(entry.type, zh)} / {word(entry.type, en)}"
        rows.append(f"| `{entry.seq:06}.tlog-proof` | {kind} | {entry.data.get('on', entry.at[:10])} | {opened} |")
    witnesses = vouching(Note.parse(receipts[0].proof.checkpoint), policy)
    return README.format(
        title=title,
        origin=head.origin,
        size=head.size,
        root=head.root.hex(),
        rows="\n".join(rows),
        count=len(receipts),
        witnesses=", ".join(f"{name} {verify.shown_time(at)}" for name, at in witnesses) or "—",
    )


def summary(receipts: Sequence[Receipt]) -> list[dict[str, object]]:
    """What each receipt is of: `{entry, type, stream, openings}`."""
    entries = [json.decode(one.entry) for one in receipts]
    return [
        {
            "entry": entry["seq"],
            "type": entry["type"],
            "stream": entry["stream"],
            "openings": [each["field"] for each in one.openings],
        }
        for entry, one in zip(entries, receipts, strict=True)
    ]


README = """# {title}

这里是 {count} 张存证凭据：账本 {origin} 中与之有关的每一条分录各一张。每张凭据含有分录原文，并证明它在该账本
已签名的日志头（{size} 条分录）之中：此后任何人，包括基金会自己，都无法改动它而不被发现。凭据中的编号都是内部编号；
“可打开”一栏列出凭据附带、可与分录中的承诺值核对的个人信息，请妥善保管。

用浏览器打开 verify.html，选择一张凭据，即可验证，无需联网。或用 Python 3.11 及以上和 cryptography 库：

    python verify.py .

退出码：0 成立；1 不成立；2 无法读取。`policy` 是认可的签名公钥，请与基金会公示的核对。日后如需确认日志仍是同一份历史，
请基金会运行 `fenhao receipt renew`，换取最新日志头下的同一张凭据。

Receipts: {count}, one for each entry of the ledger {origin} that is about it. Each holds the entry itself and proves
that it is under the ledger's signed head of {size} entries: from then on nobody, the foundation included, can change
it unseen. All ids are internal ones; the last column names the personal values that come with a receipt and can
be held against the entry: keep those to yourself.

Open verify.html in a browser and choose a receipt: it is checked there, without a network. Or with Python 3.11 or newer
and the library cryptography:

    python verify.py .

Exit codes: 0 they hold; 1 one does not; 2 unusable. `policy` says whose signature counts: compare it with the key that
the foundation publishes. Whether the log is still of the same history later on, `fenhao receipt renew` tells: the
foundation gives the same receipt under its newest head.

| 凭据 / receipt | 分录 / entry | 日期 / date | 可打开 / opened |
|---|---|---|---|
{rows}

{size} 条分录的树根 / root of {size} entries: `{root}`

见证签名 / witnesses that signed this head, and when: {witnesses}
"""
