"""Holds a printed statement against the log: its head, its code, and every figure in it, computed anew.

The file says what it is and what it rests on (its proof); whatever it says is computed again from the entries below
that size, and those entries are hashed again to the head that the log's key signed. A file that is byte for byte what
would be written again is unchanged; of one that another program saved the cells are compared.
"""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct

from audit.merkle import Frontier, leaf_hash
from ledger.database import queries, tuples
from ledger.errors import InputFault, shown
from ledger.journal import Journal
from projections.trace import snapshot
from reports.banking.statement import NotAStatement
from reports.banking.tables import decoded, excel_rows
from reports.paper_marks import MAX_BYTES, attached, marked
from reports.postings import Basis
from reports.statement_files import csv_cell, statement_file
from reports.statement_making import KINDS, Making
from reports.statement_words import StatementReader
from reports.statements import FORMAT, Line, Statement, canonical, code_of, lines_of, members

NAMED = ("donor",)
"""Statements that call children by masked name, from the vault, which the log cannot tell: their code is over ids."""
MOST_DIFFERENCES = 20
FETCH_ROWS = 2_000
_SQL = queries("reports", "statements.sql")
_HEX = r"^[0-9a-f]{64}$"


class NotAReport(InputFault):
    """A file that is no statement of ours, or one that cannot be held against this ledger."""

    code = "not_a_report"
    zh = "该文件无法核对：{zh_reason}"
    en = "the file cannot be checked: {reason}"

    def __init__(self, reason: str, zh_reason: str) -> None:
        super().__init__(reason=reason, zh_reason=zh_reason)


class Proof(Struct, frozen=True):
    """What a printed statement says of itself."""

    format: str
    statement: str
    parameters: dict[str, Any]
    origin: str
    size: Annotated[int, Meta(ge=1, le=2**53)]
    root: Annotated[str, Meta(pattern=_HEX)]
    code: Annotated[str, Meta(pattern=_HEX)]
    language: str


class Printed(NamedTuple):
    """A file as it is read: its format, its proof, and its cells where it has any, or its figures."""

    form: str
    proof: Proof
    rows: Sequence[Sequence[str | Decimal]]
    figures: Any = None


class Problem(NamedTuple):
    """Something in the file that the log does not say; `where` in both languages."""

    zh: str
    en: str
    said: str
    computed: str


class Verdict(NamedTuple):
    """What came of it: `unchanged` byte for byte; `pages` False where pages of a PDF or HTML could not be compared."""

    proof: Proof
    problems: Sequence[Problem]
    unchanged: bool
    pages: bool = True

    @property
    def ok(self) -> bool:
        """Whether the file says what the log says, as far as could be seen."""
        return not self.problems and self.pages

    @property
    def is_named(self) -> bool:
        """Whether the statement calls things by names that the log cannot tell, which were not looked at."""
        return self.proof.statement in NAMED

    def require_pages(self) -> None:
        """Raises NotAReport where nothing is wrong but pages that could not be compared."""
        if self.problems or self.pages:
            return
        if self.is_named:
            raise NotAReport(
                "it is a donor's statement: what it carries is the log's, but its pages call funds and children by "
                "names that no log tells: write it here (fenhao statement donor) and compare, or check XLSX or JSON",
                "这是捐赠人台账：所附数据与日志一致，但页面以名称显示基金与孩子，名称不在日志之中；"
                "请在本机重新生成（fenhao statement donor）后比对，或核对其 XLSX、JSON",
            )
        raise NotAReport(
            "its figures are the log's, but its pages are not those that this machine prints (another version, other "
            "fonts, or they were changed): print the statement here and compare",
            "内嵌数据与日志一致，但页面与本机所打印的不同（版本、字体不同，或页面被改动）：请在本机重新打印后比对",
        )


def read_printed(data: bytes) -> Printed:
    """A statement's file, by what it holds. Raises NotAReport."""
    try:
        return _read(data)
    except NotAStatement as error:
        raise NotAReport(error.reason, error.reason_zh) from error
    except (ValueError, zlib.error, csv.Error) as error:
        raise NotAReport(f"it is no statement of ours ({error})", "不是本系统写出的报表") from error


def _read(data: bytes) -> Printed:
    if len(data) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    if data[:5] == b"%PDF-":
        figures = attached(data)
        return Printed(".pdf", msgspec.convert(figures, Proof), (), figures)
    if data.lstrip()[:1] == b"{":
        figures = msgspec.json.decode(data)
        return Printed(".json", msgspec.convert(figures, Proof), (), figures)
    if data.lstrip()[:1] == b"<":
        return Printed(".html", msgspec.json.decode(marked(data), type=Proof), ())
    if data[:2] == b"PK":
        form, rows = ".xlsx", [row.cells for row in excel_rows(data)]
    else:
        form, rows = ".csv", [list(row) for row in csv.reader(io.StringIO(decoded(data), newline="")) if any(row)]
    last = next((cell for cell in rows[-1] if cell), "") if rows else ""
    if not isinstance(last, str) or not last.startswith("# {"):
        raise ValueError("it does not end in a proof")
    return Printed(form, msgspec.json.decode(last[2:], type=Proof), rows)


def check_report(
    printed: Printed, data: bytes, journal: Journal, basis: Basis, progress: Callable[[int, int], None]
) -> Verdict:
    """Holds the file against the log, whose newest signed head is `basis`. Raises NotAReport, Unknown."""
    proof = printed.proof
    _check_fits(proof, basis)
    problems = list(_heads(proof, journal, basis, progress))
    resting = basis._replace(size=proof.size, root=bytes.fromhex(proof.root))
    try:
        made = Making(journal, resting).make(proof.statement, proof.parameters)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise NotAReport(f"it says of itself what no statement does ({error})", "其自述的参数无效") from error
    if (code := code_of(made)) != proof.code:
        problems.append(Problem("校验码", "the code", proof.code, code))
    reader = StatementReader(proof.language, basis.currency, basis.exponent)
    has_file = printed.form != ".html"  # pages of a donor's statement alone, with names that the log cannot tell
    unchanged = has_file and not problems and statement_file(made, reader, printed.form) == data
    if has_file and not unchanged:
        problems += _differences(printed, made, reader)
    return Verdict(proof, problems[:MOST_DIFFERENCES], unchanged, unchanged or printed.form not in (".pdf", ".html"))


def _check_fits(proof: Proof, basis: Basis) -> None:
    """Raises NotAReport for a statement of another ledger, version, or of more entries than are signed."""
    if proof.format != FORMAT or proof.statement not in KINDS or proof.language not in ("zh", "en"):
        raise NotAReport("this version does not know such a statement", "本版本没有这种报表")
    if proof.origin != basis.origin:
        name = shown(proof.origin)
        raise NotAReport(f"it is of another ledger, {name}", f"它属于另一账本 {name}")
    if proof.size > basis.size:
        raise NotAReport(
            f"it rests on {proof.size} entries, and {basis.size} are signed here",
            f"它依据前 {proof.size} 条分录，而此处只签署了 {basis.size} 条",
        )


def _heads(proof: Proof, journal: Journal, basis: Basis, progress: Callable[[int, int], None]) -> Iterator[Problem]:
    """Whether the entries, hashed anew, come to the file's head and to the one that is signed."""
    tree = Frontier()
    with (
        snapshot(journal) as connection,
        connection.cursor("bodies", row_factory=tuples(connection).row_factory) as cursor,
    ):
        cursor.execute(_SQL["bodies"], {"size": basis.size})
        while rows := cursor.fetchmany(FETCH_ROWS):
            for (body,) in rows:
                tree.append(leaf_hash(body))
                if tree.size == proof.size and (root := tree.root().hex()) != proof.root:
                    yield Problem("树根", "the root", proof.root, root)
            progress(tree.size, basis.size)
    if (tree.size, tree.root()) != (basis.size, basis.root):
        yield Problem(
            f"账本的前 {basis.size} 条分录与已签署的日志头不符",
            f"the ledger's first {basis.size} entries do not come to the signed head",
            basis.root.hex(),
            tree.root().hex(),
        )


def _differences(printed: Printed, made: Statement, reader: StatementReader) -> Iterator[Problem]:
    """Where a file says otherwise than the statement made anew."""
    if printed.figures is not None:
        yield from _unlike_figures(
            printed.figures, {**members(made), "code": code_of(made), "language": reader.language}
        )
        return
    for number, (row, line) in enumerate(zip_longest(printed.rows, lines_of(made, reader)), 1):
        cells = zip_longest(_said(row or ()), _computed(line, printed.form), fillvalue="")
        called = _called(line) if made.kind in NAMED else set()
        for column, (one, other) in enumerate(cells, 1):
            if one != other and column not in called:
                yield Problem(f"第 {number} 行第 {column} 列", f"line {number}, column {column}", str(one), str(other))


def _called(line: Line | None) -> set[int]:
    """The columns of a row in which things are called by name."""
    if line is None or line.role != "row":
        return set()
    return {number for number, column in enumerate(line.columns, 1) if column.kind == "word"}


def _said(row: Sequence[str | Decimal]) -> list[str | Decimal]:
    """A row's cells without empty ones at its end."""
    cells = [cell.strip() if isinstance(cell, str) else cell for cell in row]
    while cells and cells[-1] == "":
        cells.pop()
    return cells


def _computed(line: Line | None, form: str) -> list[str | Decimal]:
    """The same of a line that should be there."""
    if line is None:
        return []
    if form == ".csv":
        return _said([csv_cell(cell) for cell in line.cells])
    return _said(["" if cell is None else Decimal(cell) if isinstance(cell, int) else cell for cell in line.cells])


def _unlike_figures(said: Any, computed: Any, path: str = "") -> Iterator[Problem]:
    """Where two values of JSON differ, by the path to it: `tables.0.rows.3.2`."""
    if isinstance(said, dict) and isinstance(computed, dict):
        pairs = [(key, said.get(key), computed.get(key)) for key in sorted({*said, *computed})]
    elif isinstance(said, list) and isinstance(computed, (list, tuple)):
        pairs = [(str(n), *pair) for n, pair in enumerate(zip_longest(said, computed))]
    else:
        if said != computed:
            where = path.lstrip(".")
            yield Problem(where, where, _short(said), _short(computed))
        return
    for key, one, other in pairs:
        yield from _unlike_figures(one, other, f"{path}.{key}")


def _short(value: Any) -> str:
    return canonical({"": value}).decode()[4:-1][:200]
