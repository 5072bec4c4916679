"""One file on its way into the register: what of it is new, what is known, all in the one write transaction given.

What lines say of people is sealed under a key of the file in the vault; amounts, days and references stand in clear.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from ledger.database import queries
from ledger.errors import InputFault, Refusal, shown
from ledger.ids import check_id, check_opaque
from ledger.journal import Entropy, Writing
from ledger.vault import Reader, Vault
from ledger.vault_ciphers import PersonKey
from reports.banking.gate import Verdict, judge
from reports.banking.reading import Document
from reports.banking.statement import Statement

_SQL = queries("reports.banking", "bank.sql")


class NoAccount(InputFault):
    """A file that does not say whose account it is of."""

    code = "bank_account_missing"
    zh = "文件 {file} 未写明账号，未登记任何内容：请以 --account 指明账户"
    en = "{file} does not say of which account it is, and nothing was recorded: name it with --account"


class SeveralAccounts(InputFault):
    """One name given to a file of several accounts."""

    code = "bank_accounts_several"
    zh = "文件 {file} 含多个账户（{accounts}），不能以 --account 统一命名：请省略 --account"
    en = "{file} holds several accounts ({accounts}), which cannot all have one name: leave --account out"


class StatementDiffers(Refusal):
    """A statement under a number that the bank gave another one."""

    code = "bank_statement_differs"
    zh = "账户 {account} 的对账单 {number}（至 {last_on}）已登记为 B{id}，但两者金额不同：未登记任何内容，请向银行核实"
    en = (
        "statement {number} of account {account} (to {last_on}) is there already as B{id} with other figures: nothing "
        "was recorded; ask the bank which is right"
    )


class DaysTakenInAlready(Refusal):
    """A statement over days that another format's statement of the account tells of: lines would count twice."""

    code = "bank_days_twice"
    zh = (
        "账户 {account} 在 {first_on} 至 {last_on} 已有另一种格式的对账单 B{id}，再导入会重复计入：未登记任何内容。"
        "每个账户请只用一种格式；确无重叠时可加 --accept"
    )
    en = (
        "account {account} has a statement in another format over {first_on} to {last_on}, B{id}; lines would count "
        "twice, so nothing was recorded. Keep to one format for an account; --accept if no line is in both"
    )


class SamePerson(Refusal):
    """A statement accepted and approved by one and the same."""

    code = "same_person"
    zh = "经办人与批准人须为不同的人"
    en = "who accepts and who approves are two different persons"


class Acceptance(NamedTuple):
    """A person's word, with another's approval, for statements that do not tie."""

    by: str
    approved_by: str
    reason: str

    def check(self) -> None:
        """Raises BadValue, SamePerson."""
        Reader(self.by, self.reason).check()
        check_opaque(check_id(self.approved_by, "approved_by"), "approved_by")
        if self.by == self.approved_by:
            raise SamePerson()


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one statement: `state` is recorded, held, accepted or already; `id` None where none was given.

    `known` are the lines that had come with an earlier file.
    """

    statement: Statement
    verdict: Verdict
    state: str
    id: int | None = None
    known: int = 0


def named(document: Document, account: str | None, file: object) -> Document:
    """The document with its account called `account`. Raises SeveralAccounts, BadValue."""
    found = dict.fromkeys(each.account for each in document.statements)
    if account is not None:
        if len(found) > 1:
            raise SeveralAccounts(file=shown(file, 200), accounts=[shown(each) for each in found])
        document = document._replace(statements=tuple(replace(each, account=account) for each in document.statements))
    for name in dict.fromkeys(each.account for each in document.statements):
        if name is not None:
            check_id(name, "account")
    return document


def judged(document: Document) -> list[Taken]:
    """What would become of a document's statements in a register that has none of them."""
    verdicts = [(each, judge(each)) for each in document.statements]
    return [Taken(each, verdict, "recorded" if verdict.passes else "held") for each, verdict in verdicts]


class Taking:
    """One document on its way into the register, in one transaction."""

    def __init__(
        self,
        writing: Writing,
        vault: Vault,
        entropy: Entropy,
        document: Document,
        acceptance: Acceptance | None,
    ) -> None:
        self._writing, self._cursor = writing, writing.cursor
        self._vault, self._entropy = vault, entropy
        self._document, self._acceptance = document, acceptance
        self._subject = subject_of(document.sha256.hex())

    def run(self) -> list[Taken]:
        """What became of each statement."""
        if self._cursor.execute(_SQL["file"], (self._document.sha256,)).fetchone() is not None:
            ids = dict(self._cursor.execute(_SQL["ids"], (self._document.sha256,)).fetchall())
            return [replace(each, state="already", id=ids.get(n)) for n, each in enumerate(judged(self._document))]
        found = [self._looked_up(each) for each in judged(self._document)]
        if all(each.state == "already" for each in found):
            return found
        self._cursor.execute(_SQL["add_file"], (self._document.sha256, self._document.format, self._writing.at))
        keeping = self._vault.keeping(self._writing, [self._subject])
        key = keeping.key(self._subject)
        taken = [
            each if each.state == "already" else self._added(position, each, key) for position, each in enumerate(found)
        ]
        keeping.store()
        return taken

    def _looked_up(self, each: Taken) -> Taken:
        """A statement as it stands to what is there already."""
        statement = each.statement
        self._refuse_days_twice(statement)
        if statement.number is not None:
            last_on = statement.period[1]
            row = self._cursor.execute(
                _SQL["same_number"], (statement.account, statement.currency, statement.number, last_on)
            ).fetchone()
            if row is None:
                return each
            there, *figures = row
            if tuple(figures) != _figures(statement):
                raise StatementDiffers(account=statement.account, number=statement.number, last_on=last_on, id=there)
            return replace(each, state="already", id=there, known=len(statement.lines))
        known = len(self._known(statement))
        if known and known == len(statement.lines):
            return replace(each, state="already", known=known)
        return replace(each, known=known)

    def _refuse_days_twice(self, statement: Statement) -> None:
        """Raises DaysTakenInAlready, unless two persons say that no line is in both."""
        first_on, last_on = statement.period
        if self._acceptance is not None or not statement.lines:
            return
        row = self._cursor.execute(
            _SQL["same_days"], (statement.account, statement.currency, statement.number is None, last_on, first_on)
        ).fetchone()
        if row is not None:
            raise DaysTakenInAlready(account=statement.account, first_on=first_on, last_on=last_on, id=row[0])

    def _known(self, statement: Statement) -> set[int]:
        """The ordinals of lines that came with an earlier file."""
        if statement.number is not None:
            return set()
        marks = _marks(statement)
        rows = self._cursor.execute(
            _SQL["known_lines"],
            {
                "account": statement.account,
                "currency": statement.currency,
                "days": [line.booked_on for line in statement.lines],
                "amounts": [line.amount for line in statement.lines],
                "marks": [mark for mark, _ in marks],
                "twins": [twin for _, twin in marks],
            },
        )
        return {position for (position,) in rows}

    def _added(self, position: int, each: Taken, key: PersonKey) -> Taken:
        statement, verdict = each.statement, each.verdict
        known = self._known(statement)
        row = self._cursor.execute(_SQL["add_statement"], self._columns(position, each, len(known))).fetchone()
        assert row is not None
        (made,) = row
        self._copy_lines(made, position, statement, known, key)
        if verdict.passes or self._acceptance is None:
            return replace(each, id=made)
        self._cursor.execute(_SQL["add_acceptance"], (made, self._writing.at, *self._acceptance))
        return replace(each, id=made, state="accepted")

    def _columns(self, position: int, each: Taken, known: int) -> dict[str, Any]:
        statement, verdict = each.statement, each.verdict
        first_on, last_on = statement.period
        return {
            "sha256": self._document.sha256,
            "position": position,
            "account": statement.account,
            "currency": statement.currency,
            "exponent": statement.exponent,
            "number": statement.number,
            "first_on": first_on,
            "last_on": last_on,
            "opening": statement.opening,
            "closing": statement.closing,
            "closing_currency": statement.closing_currency,
            "lines": len(statement.lines),
            "known": known,
            "credits": statement.credits,
            "debits": statement.debits,
            "fees": statement.fees,
            "ties": verdict.ties,
            "difference": verdict.difference,
            "failed": json.dumps(verdict.failed, ensure_ascii=False),
        }

    def _copy_lines(self, id: int, position: int, statement: Statement, known: set[int], key: PersonKey) -> None:
        entropy = self._entropy
        with self._cursor.copy(_SQL["copy_lines"]) as copy:
            for ordinal, (line, (mark, twin)) in enumerate(zip(statement.lines, _marks(statement), strict=True), 1):
                if ordinal in known:
                    continue
                words = json.dumps(line.details, ensure_ascii=False) if any(line.details) else None
                copy.write_row(
                    (
                        id,
                        ordinal,
                        statement.account,
                        statement.currency,
                        line.booked_on,
                        line.value_on,
                        line.clock,
                        line.amount,
                        line.fee,
                        line.balance,
                        line.bank_ref,
                        line.order_ref,
                        mark,
                        twin,
                        None if words is None else key.seal_words(place_of(position, ordinal), words, entropy),
                    )
                )


def subject_of(sha256_hex: str) -> str:
    """Under which name the vault has the key of a file's lines."""
    return f"bankfile/{sha256_hex}"


def place_of(position: int, ordinal: int) -> str:
    """Where in its file a line stands: what its words are sealed for."""
    return f"{position}/{ordinal}"


def _figures(statement: Statement) -> tuple[int | None, ...]:
    return statement.opening, statement.closing, len(statement.lines), statement.credits, statement.debits


def _marks(statement: Statement) -> list[tuple[str | None, int]]:
    """By what each line is known again in an overlapping file, None for not at all; twins are counted from 1."""
    seen: Counter[tuple[date, int, str | None]] = Counter()
    marks: list[tuple[str | None, int]] = []
    for line in statement.lines:
        mark = None
        if statement.number is None:
            mark = line.bank_ref
            if mark is None and line.balance is not None:
                mark = f"{line.clock or ''} {line.balance}"
        seen[line.booked_on, line.amount, mark] += 1
        marks.append((mark, seen[line.booked_on, line.amount, mark]))
    return marks
