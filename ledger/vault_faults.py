"""What can go wrong with personal values, in words a person can act on. None repeats a value."""

from __future__ import annotations

from ledger.errors import OperatorFault, Refusal


class NoVault(OperatorFault):
    """Personal values, or an erasure, where no vault is at hand."""

    code = "no_vault"
    zh = "给出了个人信息，但没有打开保险库：未登记任何内容"
    en = "personal values are given and no vault is open to take them: nothing was recorded"


class VaultNotPrepared(OperatorFault):
    """The vault has no keys yet."""

    code = "vault_not_prepared"
    zh = "个人信息保险库尚无密钥：请先运行 fenhao migrate"
    en = "the vault of personal values has no keys yet: run fenhao migrate first"


class VaultDamaged(OperatorFault):
    """Something sealed that does not open: changed, or moved to another place than it was sealed for."""

    code = "vault_damaged"
    zh = "保险库中 {what_zh} 无法打开：内容已被改动，或不属于此处；请从备份恢复"
    en = "the vault's {what} does not open: it was changed, or belongs elsewhere; restore it from a backup"

    def __init__(self, what: str, what_zh: str) -> None:
        super().__init__(what=what, what_zh=what_zh)


class CommitmentDiffers(OperatorFault):
    """A value that opens, and is not the one that the entry committed to."""

    code = "commitment_differs"
    zh = "第 {seq} 条分录的承诺值与保险库中的 {field} 不符：其中之一已被改动"
    en = "the commitment in entry {seq} is not to the vault's {field}: one of the two was changed"


class ValueLost(OperatorFault):
    """An entry commits to a value that the vault does not have."""

    code = "value_lost"
    zh = "保险库中没有第 {seq} 条分录的 {field}：请从备份恢复"
    en = "the vault has no {field} of entry {seq}: restore it from a backup"


class SubjectIsRestricted(Refusal):
    """Personal values that are stored and not read: erasure was asked for, and vouchers must be kept till then."""

    code = "subject_restricted"
    zh = "{subject} 的个人信息已限制处理（保存至 {until}，届时可删除）：确需查阅请以 --restricted-reason 说明理由"
    en = (
        "the personal values of {subject} are restricted (kept until {until}, then to be erased): to read them "
        "nevertheless, say why with --restricted-reason"
    )


class NothingKept(Refusal):
    """An erasure of a subject of whom the vault holds nothing."""

    code = "nothing_kept"
    zh = "保险库中没有 {subject} 的个人信息"
    en = "the vault holds nothing of {subject}"


class AlreadyErased(Refusal):
    """An erasure of what is erased."""

    code = "already_erased"
    zh = "{subject} 的个人信息已删除（第 {seq} 条分录）"
    en = "the personal values of {subject} are erased already (entry {seq})"
