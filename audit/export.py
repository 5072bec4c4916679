"""An export for the auditor: the signed log as files that need none of ours but one, and no network, to be checked.

    checkpoint            the newest signed head           checkpoints/<size>   those before it
    sm3/                  the root of the same entries by SM3, if it was asked for
    timestamps/           what authorities stamped, and their roots, if any did
    tile/<L>/...          the tree                         tile/entries/...     the entries themselves
    policy                whose signature counts (C2SP tlog-policy)
    verify.py, README.md  how to check it

An export beyond an earlier head holds only what has come since; it is laid over the earlier one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from audit import verify
from audit.checkpoint import Checkpoint
from audit.files import write_whole
from audit.policy import Policy
from audit.tiles import WIDTH, Tiles, tile_path, tiles_of
from audit.timestamp import files_of
from ledger.database import Cursor
from ledger.errors import InputFault
from ledger.journal import Journal, bundles_of

Progress = Callable[[int, int], None]
"""Told how many entries are written, of how many."""


_NOTHING: Mapping[str, bytes] = MappingProxyType({})


class ExportFault(InputFault):
    """The folder cannot take the export."""

    code = "export"
    zh = "无法导出到 {folder}：{reason_zh}"
    en = "cannot export to {folder}: {reason}"


def export(
    journal: Journal,
    log: Path,
    head: Checkpoint,
    policy: Policy,
    folder: Path,
    since: int = 0,
    progress: Progress = lambda done, size: None,
    more: Mapping[str, bytes] = _NOTHING,
) -> int:
    """Writes the log up to the signed `head`, whose files are in `log`, into `folder`; how many files.

    `since` is the size of an earlier head: full tiles and bundles of it are left out. `more` are files besides, by
    their paths. Files that are there already with
    the same content stay, so an export cut short is taken up by the same command. Raises ExportFault for a folder with
    another ledger's export or other things in it, TileFault for a log that lost tiles.
    """
    _check_folder(folder, head)
    paths = dict(more)
    tiles = Tiles(log)
    for level, number, width in tiles_of(head.size, since):
        paths[tile_path(level, number, width)] = tiles.read(level, number, width)
    for signed in (log / "checkpoints").iterdir():
        if signed.name.isdigit() and int(signed.name) <= head.size:
            paths[f"checkpoints/{signed.name}"] = signed.read_bytes()
    paths["policy"] = policy.text()
    paths["README.md"] = README.format(origin=head.origin, size=head.size).encode()
    for path, data in paths.items():
        _write(folder / path, data)
    with journal.entries.reading() as cursor:
        count = sum(1 for _ in _bundles(cursor, head.size, since, folder, progress))
    for path, data in files_of(log, head.size):
        _write(folder / path, data)
        count += 1
    shutil.copyfile(verify.__file__, folder / "verify.py")
    # Last, so that a folder with a checkpoint is a whole export.
    _write(folder / "checkpoint", paths[f"checkpoints/{head.size}"])
    return len(paths) + count + 2


def _bundles(cursor: Cursor, size: int, since: int, folder: Path, progress: Progress) -> Iterator[Path]:
    start = since - since % WIDTH
    for data in bundles_of(cursor, start, size, WIDTH):
        end = min(start + WIDTH, size)
        path = folder / tile_path("entries", start // WIDTH, end - start)
        _write(path, data)
        yield path
        start = end
        progress(end, size)


def _check_folder(folder: Path, head: Checkpoint) -> None:
    """Raises ExportFault unless the folder is new, empty, or holds an export of the same log."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise ExportFault(folder=folder, reason=error.strerror, reason_zh=error.strerror) from error
    if not found:
        return
    try:
        first = (folder / "policy").read_text().split("\n")[0]
    except (OSError, UnicodeDecodeError):
        raise ExportFault(
            folder=folder,
            reason=f"there are other things in it ({', '.join(found[:3])}); name a new folder",
            reason_zh=f"其中已有其他文件（{'、'.join(found[:3])}），请另选文件夹",
        ) from None
    if not first.startswith(f"log {head.origin}+"):
        raise ExportFault(folder=folder, reason="it holds another ledger's export", reason_zh="其中是另一账本的导出")


def _write(path: Path, data: bytes) -> None:
    """Beside, then under its name; what is there already with the same content stays."""
    if path.exists() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return
    write_whole(path, data)


README = """# {origin}

这是账本 {origin} 的完整导出（{size} 条分录），供审计人员离线验证；其中不含姓名、电话等个人信息。
只需 Python 3.11 及以上和 cryptography 库：

    python verify.py .

它核对每条分录、哈希树、每个签名日志头与资金规则。两件事请您自己把关：
- 公钥：`policy` 随导出而来。请用从别处（基金会网站、合同、往年的导出）得到的公钥核对：`--key 公钥` 或 `--policy 文件`。
- 历史：请保存每次导出的 `checkpoint`，下次加上 `--head 文件`（可多次）：改写过的历史即使重新签名，也与它不符。

退出码：0 通过；1 发现篡改迹象，指出第一条有误的分录；2 输入无法使用。`--json` 以 JSON 输出，`--jobs N` 指定进程数。

This is the whole ledger {origin}, {size} entries, to be checked offline; it holds no personal data. Python 3.11 or
newer and the library cryptography are all that is needed:

    python verify.py .

It checks every entry, the tree, every signed head and the laws of the money. Two things are yours:
- The key: `policy` came with the export. Compare its key with one from elsewhere (the foundation's site, a contract,
  an earlier export): `--key KEY` or `--policy FILE`.
- The history: keep the `checkpoint` of each export, and give it as `--head FILE` next time, as often as you like: a
  history that was rewritten does not agree with it, even signed again.

Exit codes: 0 verified; 1 evidence of tampering, naming the first bad entry; 2 unusable input. `--json` prints the
report as JSON, `--jobs N` says how many processes may work.

| | |
|---|---|
| `checkpoint` | 最新的签名日志头 / the newest signed head (C2SP tlog-checkpoint) |
| `checkpoints/` | 更早的日志头 / earlier heads, by size |
| `tile/` | 哈希树 / the tree (C2SP tlog-tiles) |
| `tile/entries/` | 分录原文 / the entries, 256 a bundle |
| `timestamps/` | 时间戳（若有）/ time-stamps (RFC 3161), if there are any: what was stamped, the answer, the roots |
| `sm3/` | 国密 SM3 树根（若有）/ the root of the same entries by SM3 (GB/T 32905), signed, if it was asked for |
| `policy` | 认可的签名公钥 / whose signature counts (C2SP tlog-policy) |
"""
