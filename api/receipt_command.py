"""`fenhao receipt`: proofs, for those who have nothing else of the log, that entries are in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.settings import Settings
from api.words import Words, common

if TYPE_CHECKING:
    from api.bootstrap import Fenhao
    from audit.proof import Receipt
    from ledger.vault import Reader as VaultReader

# As in `api.cli`, the command imports what it needs when it runs.


@click.command(short_help="出具存证凭据 / Prove that an entry, or all entries of a gift, are in the signed log")
@click.argument("what", nargs=-1, required=True, metavar="ENTRY | NOUN ID | renew FILE")
@click.option("--out", type=click.Path(path_type=Path), help="写入此文件或文件夹 / write it here: a file, or a folder")
@click.option("--openings", is_flag=True, help="附上可打开的个人信息 / with what opens its personal values")
@click.option("--by", help="经办人编号（--openings 时必填） / who asks for the openings")
@click.option("--reason", help="查阅理由，记入日志（--openings 时必填） / why; it is logged")
@click.option("--restricted-reason", help="查阅已限制处理的信息的理由 / why to read what is restricted")
@common
def receipt(
    words: Words,
    settings: Settings,
    what: tuple[str, ...],
    out: Path | None,
    openings: bool,
    by: str | None,
    reason: str | None,
    restricted_reason: str | None,
) -> None:
    """出具存证凭据 / Prove that an entry, or all entries of a gift, are in the signed log.

    \b
    fenhao receipt 123 --out r.tlog-proof       one entry
    fenhao receipt donation D-1 --out DIR       the gift, and each entry that moved its money
    fenhao receipt donor P-1 --out DIR          the same for all gifts of a donor
    fenhao receipt payment P-1 --out DIR        all entries on any other record
    fenhao receipt renew r.tlog-proof           the same entry under the newest head, and that the old head still holds
    """
    from api.bootstrap import assembled
    from api.intake import UnusableArgument
    from ledger.vault import Reader as VaultReader

    reader = None
    if openings:
        if not (by and reason):
            raise UnusableArgument(
                "--openings", "give --by and --reason: it is logged", "须给出 --by 和 --reason，将留痕"
            )
        reader = VaultReader(by, reason, restricted_reason)
    with assembled(settings, words.status.wait) as fenhao:
        match what:
            case [entry] if entry.isascii() and entry.isdigit() and len(entry) < 19:
                _one(words, fenhao, int(entry), out, reader)
            case ["renew", file]:
                _renew(words, fenhao, Path(file), out)
            case [noun, id]:
                _folder(words, fenhao, (noun, id), out, reader)
            case _:
                raise UnusableArgument(
                    " ".join(what),
                    "give the entry's number, a noun and an id, or renew and a file",
                    "应为分录号、名词加编号，或 renew 加文件",
                )


def _one(words: Words, fenhao: Fenhao, seq: int, out: Path | None, reader: VaultReader | None) -> None:
    """One entry's, into a file or to standard output."""
    from api.bootstrap import log_of
    from audit.log import NotSigned
    from reports.receipts import openings_of, receipts_of

    entries = fenhao.journal.entries.read(seq, 1)
    if not entries:
        raise NotSigned(seq=seq)
    noun, _, own = entries[0].stream.partition("/")
    openings = {} if reader is None else openings_of(fenhao.vault, entries, noun, own, reader)
    [made] = receipts_of(log_of(fenhao), entries, openings)
    words.status.clear()
    text = made.proof.text()
    if out is not None:
        _write(out, made)
        words.say(f"第 {seq} 号分录的存证凭据已写入 {out}", f"the receipt of entry {seq} is in {out}")
    elif not words.json:
        click.echo(text.decode(), nl=False)
    words.give({"entry": seq, "size": made.claimed().size, "receipt": text.decode()})


def _folder(words: Words, fenhao: Fenhao, what: tuple[str, str], out: Path | None, reader: VaultReader | None) -> None:
    """A folder of receipts of all entries that are about something."""
    from api.bootstrap import log_of
    from api.intake import UnusableArgument
    from ledger.ids import check_id
    from reports.receipts import entries_of, openings_of, receipts_of, summary, write_folder
    from reports.traces import Reader

    noun, own = check_id(what[0], "noun"), check_id(what[1], what[0])
    if out is None:
        raise UnusableArgument(f"{noun} {own}", "name a new folder with --out", "请用 --out 指定新文件夹")
    fenhao.runner.catch_up(progress=words.status.views)
    entries = entries_of(fenhao.journal, noun, own)
    openings = {} if reader is None else openings_of(fenhao.vault, entries, noun, own, reader)
    log = log_of(fenhao)
    made = receipts_of(log, entries, openings)
    head = made[0].claimed()
    opened = fenhao.journal.entries.head()
    page = Reader(words.language, opened.currency or "", opened.exponent or 0)
    write_folder(out, f"{noun}/{own}", made, head, log.policy, page)
    words.status.clear()
    words.say(
        f"{len(made)} 张存证凭据已写入 {out}；验证：用浏览器打开 {out}/verify.html，或 python {out}/verify.py {out}",
        f"{len(made)} receipts are in {out}; check: open {out}/verify.html, or python {out}/verify.py {out}",
    )
    words.give({"of": f"{noun}/{own}", "folder": str(out), "size": head.size, "receipts": summary(made)})


def _renew(words: Words, fenhao: Fenhao, file: Path, out: Path | None) -> None:
    """The same entry under the newest head, and, beside it, that this head continues the old one."""
    from api.bootstrap import log_of, read_receipt

    log = log_of(fenhao)
    old, before = read_receipt(file, fenhao)
    newer = log.continuation(before)
    made = log.receipts([old.proof.index], {old.proof.index: old.openings})[0]
    size = made.claimed().size
    path = out or file.with_name(f"{file.name.removesuffix('.tlog-proof')}.{size}.tlog-proof")
    head = path.with_name(f"{path.name}.head")
    words.status.clear()
    if size == before.size:
        words.say(
            f"{file} 已在最新日志头（{size} 条分录）之下", f"{file} is under the newest head already ({size} entries)"
        )
    else:
        _write(head, newer.text())
        _write(path, made)
        words.say(
            f"{file} 的日志头（{before.size} 条分录）仍是同一份历史；新凭据 {path}（{size} 条），一致性证明 {head}",
            f"the head of {file} ({before.size} entries) is of the same history; the new receipt is {path} ({size} "
            f"entries), the proof of consistency {head}",
        )
    history = log.history()
    keys = [history.of(each)[-1] for each in (before.size, size)]
    if keys[0] != keys[1]:
        words.say(
            f"日志此间换过签名密钥：核对新凭据须用新公钥 {keys[1]}；两把密钥共同签署的日志头见 checkpoints/，由旧及新",
            f"the log's key was changed meanwhile: the new receipt asks for the key {keys[1]}; the head that both keys "
            "signed, in checkpoints/, leads from one to the other",
        )
    found: dict[str, Any] = {"entry": old.proof.index, "old_size": before.size, "size": size}
    words.give(found | ({"receipt": str(path), "head": str(head), "key": str(keys[1])} if size > before.size else {}))


def _write(path: Path, what: Receipt | bytes) -> None:
    """Whole or not at all; for the owner's eyes alone where it opens something."""
    from audit.files import write_whole
    from reports.receipts import ReceiptsFault

    data = what if isinstance(what, bytes) else what.proof.text()
    try:
        write_whole(path, data, 0o644 if isinstance(what, bytes) or not what.openings else 0o600)
    except OSError as error:
        raise ReceiptsFault(folder=path, reason=error.strerror, reason_zh=error.strerror) from error
