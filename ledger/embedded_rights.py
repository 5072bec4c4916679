"""Which account of the operating system the embedded server runs as, and what that account can reach.

PostgreSQL refuses to run as root. Where root starts it, it gets an account of its own, and folders on its way are
opened to that one account, for passing through only: not to everybody, and not for listing.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import OperatorFault

SERVER_ACCOUNT = "fenhao_postgres"

Progress = Callable[[str, str], None]
"""Told what takes long or changes the machine, in English and in Chinese; again and again while it lasts."""


class ServerFault(OperatorFault):
    """The embedded server cannot be started or used; the message says what to do."""

    code = "embedded_server"
    zh = "内置 PostgreSQL：{reason_zh}"
    en = "embedded PostgreSQL: {reason}"

    def __init__(self, reason: str, reason_zh: str) -> None:
        super().__init__(reason=reason, reason_zh=reason_zh)


@dataclass(frozen=True)
class Account:
    """An account of the operating system."""

    uid: int
    gid: int
    name: str

    @classmethod
    def of(cls, uid: int) -> Account:
        """The account of a user id, which may have lost its name."""
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            return cls(uid, uid, str(uid))
        return cls(uid, entry.pw_gid, entry.pw_name)


def account_for(data: Path | None) -> Account:
    """Who serves the data folder (None: it is not made yet). For root, its owner or an account made for this."""
    me = os.geteuid()
    owner = data.stat().st_uid if data else None
    if me != 0:
        if owner not in (None, me):
            name = Account.of(owner or 0).name
            raise ServerFault(f"{data} belongs to {name}: run this as {name}", f"{data} 属于 {name}：请以该用户运行")
        return Account.of(me)
    if owner == 0:
        account = _server_account()
        raise ServerFault(
            f"{data} belongs to root, and PostgreSQL does not run as root: chown -R {account.name} {data}",
            f"{data} 属于 root，而 PostgreSQL 不以 root 运行：请执行 chown -R {account.name} {data}",
        )
    return Account.of(owner) if owner else _server_account()


def _server_account() -> Account:
    try:
        return Account.of(pwd.getpwnam(SERVER_ACCOUNT).pw_uid)
    except KeyError:
        pass
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    said = "no useradd"
    if useradd:
        options = [
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
            "--shell",
            "/bin/false",
        ]
        made = subprocess.run([useradd, *options, SERVER_ACCOUNT], capture_output=True, text=True)
        said = made.stderr.strip()
    try:
        return Account.of(pwd.getpwnam(SERVER_ACCOUNT).pw_uid)  # made by us, or by another process at the same time
    except KeyError:
        raise ServerFault(
            f"PostgreSQL does not run as root, and the account {SERVER_ACCOUNT} cannot be made ({said}): "
            "make it, run this as another user, or set FENHAO_DATABASE_URL",
            f"PostgreSQL 不以 root 运行，且无法建立系统用户 {SERVER_ACCOUNT}（{said}）："
            "请手工建立、改用普通用户运行，或设置 FENHAO_DATABASE_URL",
        ) from None


def let_pass(account: Account, folder: Path, progress: Progress) -> None:
    """As root: let `account` pass through `folder` and the folders above it, where it cannot yet."""
    if _passes(account, folder):
        return
    for each in [*reversed(folder.parents), folder]:
        if not _passes(account, each):
            progress(f"letting {account.name} pass through {each}", f"允许 {account.name} 穿过目录 {each}")
            _grant_search(account, each)


def let_read(account: Account, folder: Path) -> None:
    """As root: make the programs under `folder` readable, if they were installed under a mask that hides them."""
    if _tests(account, "-r", folder):
        return
    for each in [folder, *folder.rglob("*")]:
        mode = stat.S_IMODE(each.lstat().st_mode)
        if not each.is_symlink():
            each.chmod(mode | 0o044 | (0o011 if mode & 0o100 else 0))


def _passes(account: Account, folder: Path) -> bool:
    return _tests(account, "-x", folder)


def _tests(account: Account, flag: str, path: Path) -> bool:
    """Whether `test` says so when run as `account`: it knows modes, access lists and mounts alike."""
    command = ["/bin/sh", "-c", 'test "$0" "$1"', flag, str(path)]
    done = subprocess.run(command, cwd="/", user=account.uid, group=account.gid, extra_groups=[])
    return done.returncode == 0


_ACL = "system.posix_acl_access"
_VERSION = struct.Struct("<I")
_ENTRY = struct.Struct("<HHI")
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NOBODY = 0xFFFFFFFF
_SEARCH = 1


def _grant_search(account: Account, folder: Path) -> None:
    """Add "user:ACCOUNT:--x" to the folder's access list (the format is that of Linux's posix_acl_xattr.h)."""
    fault = ServerFault(
        f"the server's account {account.name} cannot pass through {folder}: allow it (chmod o+x {folder}), "
        "or choose a FENHAO_HOME elsewhere",
        f"数据库用户 {account.name} 无法穿过目录 {folder}：请允许（chmod o+x {folder}），或把 FENHAO_HOME 设在别处",
    )
    if sys.platform != "linux":
        raise fault
    try:
        try:
            raw = os.getxattr(folder, _ACL)
            entries = {(tag, who): bits for tag, bits, who in _ENTRY.iter_unpack(raw[_VERSION.size :])}
        except OSError:  # no list yet: the mode says it all
            mode = folder.stat().st_mode
            entries = {
                (_USER_OBJ, _NOBODY): mode >> 6 & 7,
                (_GROUP_OBJ, _NOBODY): mode >> 3 & 7,
                (_OTHER, _NOBODY): mode & 7,
            }
        entries[_USER, account.uid] = entries.get((_USER, account.uid), 0) | _SEARCH
        # The mask bounds groups and named accounts: what a group has must stay as it is.
        entries[_MASK, _NOBODY] = entries.get((_MASK, _NOBODY), entries[_GROUP_OBJ, _NOBODY]) | _SEARCH
        packed = b"".join(_ENTRY.pack(tag, bits, who) for (tag, who), bits in sorted(entries.items()))
        os.setxattr(folder, _ACL, _VERSION.pack(2) + packed)
    except OSError:
        raise fault from None
    if not _passes(account, folder):
        raise fault
