"""What can be wrong with an import: a whole file, mapping or argument, or one row of a file."""

from __future__ import annotations

from pathlib import Path

from ledger.errors import InputFault, OperatorFault, Refusal, shown


class UnusableFile(InputFault):
    """A file that cannot be read as its kind; nothing was recorded. `row`: the spreadsheet row, if one is to blame."""

    code = "unusable_file"
    zh = "文件 {file}{where_zh} 无法作为 {kind} 导入，未登记任何内容：{reason_zh}"
    en = "{file}{where} cannot be imported as {kind}, and nothing was recorded: {reason}"

    def __init__(self, file: Path | str, kind: str, reason: str, reason_zh: str, *, row: int | None = None) -> None:
        super().__init__(
            file=shown(file, 200),
            kind=kind,
            reason=reason,
            reason_zh=reason_zh,
            row=row,
            where="" if row is None else f", row {row},",
            where_zh="" if row is None else f" 第 {row} 行",
        )


class UnusableMapping(InputFault):
    """A mapping file that cannot be used; nothing was recorded."""

    code = "unusable_mapping"
    zh = "映射文件 {file} 无法使用，未登记任何内容：{reason_zh}"
    en = "the mapping {file} cannot be used, and nothing was recorded: {reason}"

    def __init__(self, file: Path | str, reason: str, reason_zh: str) -> None:
        super().__init__(file=shown(file, 200), reason=reason, reason_zh=reason_zh)


class UnusableArgument(InputFault):
    """An argument of the import that says nothing usable; nothing was recorded."""

    code = "unusable_argument"
    zh = "参数 {argument} 无法使用，未登记任何内容：{reason_zh}"
    en = "the argument {argument} cannot be used, and nothing was recorded: {reason}"

    def __init__(self, argument: object, reason: str, reason_zh: str) -> None:
        super().__init__(argument=shown(argument, 200), reason=reason, reason_zh=reason_zh)


class RejectsNotWritten(OperatorFault):
    """The rejects file broke off half way (a full disk, say)."""

    code = "rejects_not_written"
    zh = "无法写入退回文件 {file}（{reason}）：已登记的分录有效，排除故障后重新导入同样的文件即可，不会重复登记"
    en = (
        "the rejects file {file} cannot be written ({reason}): what is recorded stands; import the same files again "
        "once that is mended, nothing is recorded twice"
    )


class MissingValue(Refusal):
    """A row without something that it needs."""

    code = "missing_value"
    zh = "缺少 {column}：此列必填"
    en = "{column} is missing: it may not be empty"


class DamagedText(Refusal):
    """A row with bytes that are no text in the file's encoding."""

    code = "damaged_text"
    zh = "此行含有无法解码的字节：请在原系统中重新导出"
    en = "the row has bytes that are no text in the file's encoding: export it again"


class RowTooLong(Refusal):
    """A row of more characters than any fact could need."""

    code = "row_too_long"
    zh = "此行共 {length} 个字符，超过上限 {limit}"
    en = "the row has {length} characters, more than {limit}"


class TooManyCells(Refusal):
    """A row with more cells than the header has columns."""

    code = "too_many_cells"
    zh = "此行有 {cells} 格，而表头只有 {columns} 列：请检查是否有未加引号的逗号"
    en = "the row has {cells} cells and the header {columns} columns: look for a comma that is not in quotes"


class PaymentDisagrees(Refusal):
    """Rows of one payment (or one opening balance at a hospital) that differ in what it has once."""

    code = "payment_disagrees"
    zh = "{id} 的各行 {column} 不一致（{first}；{other}）：同一编号的各行须相同"
    en = "the rows of {id} differ in {column} ({first}; {other}): rows of one id have one"


class PaymentLineRepeated(Refusal):
    """Two rows of one payment that are alike in everything."""

    code = "payment_line_repeated"
    zh = "拨付 {payment} 中个案 {case} 有完全相同的两行：如确为两笔，请填写不同的 invoice_no 或合并为一行"
    en = (
        "payment {payment} has two identical rows for case {case}: if both are meant, give each its invoice_no "
        "or make them one row"
    )


class PaymentIncomplete(Refusal):
    """A good row of a payment (or one opening balance at a hospital) another row of which is rejected."""

    code = "payment_incomplete"
    zh = "同一笔 {id} 的第 {row} 行被退回（{reason_zh}）：一笔须整笔登记"
    en = "row {row} of the same {id} is rejected ({reason}): it is recorded whole or not at all"


class CodesInCycle(Refusal):
    """Codes each of which is to stand below the next, and so below itself."""

    code = "codes_in_cycle"
    zh = "{dimension} 代码的上级成环：{cycle}"
    en = "the parents of {dimension} codes go round in a circle: {cycle}"


class SynonymTaken(Refusal):
    """A synonym that is a code itself, or is read as another code."""

    code = "synonym_taken"
    zh = "词条 {term} 在 {dimension} 中已指 {other}，不能再作 {code} 的同义词：可先用 codes review --dismiss 取消"
    en = (
        "the {dimension} term {term} means {other} already and cannot stand for {code} too: "
        "take it back first, with codes review --dismiss"
    )
