"""Commands about accounts, and about money that came and nobody knows yet whose it is."""

from __future__ import annotations

from datetime import date

from ledger.book import Book
from ledger.cash import ACCOUNT_KINDS
from ledger.decisions.base import Command, Decision, check_amount
from ledger.errors import BadValue
from ledger.events import AccountOpened, Id, ReceiptSuspended, SuspenseRepaid
from ledger.ids import check_opaque
from ledger.needs import Needs


class OpenAccount(Command, frozen=True, kw_only=True, omit_defaults=True):
    """启用账户, under an opaque id: never the account's number."""

    account: Id
    kind: str

    def check(self) -> None:
        Command.check(self)
        check_opaque(self.account, "account")
        if self.kind not in ACCOUNT_KINDS:
            raise BadValue("kind", self.kind, " ".join(ACCOUNT_KINDS), "账户类别应为 " + "、".join(ACCOUNT_KINDS))

    def novelties(self, needs: Needs) -> None:
        needs.new_streams.add(f"account/{self.account}")

    def needs(self, needs: Needs) -> None:
        needs.accounts.add(self.account)

    def decide(self, book: Book) -> Decision:
        book.require_new("account", self.account)
        return Decision([AccountOpened(**self.common(), account=self.account, kind=self.kind)])


class SuspendReceipt(Command, frozen=True, kw_only=True, omit_defaults=True):
    """待查暂收: money on an account, of which nothing more is known yet."""

    MOVES_MONEY = True

    suspense: Id
    amount: int

    def check(self) -> None:
        Command.check(self)
        check_amount(self.amount)
        require_cash(self)

    def novelties(self, needs: Needs) -> None:
        needs.new_streams.add(f"suspense/{self.suspense}")

    def decide(self, book: Book) -> Decision:
        book.require_new("suspense", self.suspense)
        require_accounts(self, book)
        return Decision([ReceiptSuspended(**self.common(), suspense=self.suspense, amount=self.amount)])


class RepaySuspense(Command, frozen=True, kw_only=True, omit_defaults=True):
    """暂收退还: what is left of a suspended receipt, or a part of it, goes back to who paid it."""

    MOVES_MONEY = True

    suspense: Id
    amount: int

    def check(self) -> None:
        Command.check(self)
        check_amount(self.amount)
        require_cash(self)

    def needs(self, needs: Needs) -> None:
        needs.streams.add(f"suspense/{self.suspense}")
        needs.suspense.add(self.suspense)

    def decide(self, book: Book) -> Decision:
        require_accounts(self, book)
        book.cash.require_left(self.suspense, self.amount, self.on or date.min)
        return Decision([SuspenseRepaid(**self.common(), suspense=self.suspense, amount=self.amount)])


def require_cash(command: Command) -> None:
    """Raises BadValue where no account is named."""
    if not command.cash:
        raise BadValue(
            "cash", "-", "name the account (cash=account:A,amount:20000.00)", "请注明账户（cash=account:A,amount:…）"
        )


def require_accounts(command: Command, book: Book) -> None:
    """Raises Unknown for an account that is not open."""
    for leg in command.cash or ():
        book.cash.require_account(leg.account)


def check_cleared(command: Command, suspense: str | None) -> None:
    """Raises BadValue where money that came with a suspended receipt names an account besides."""
    if suspense is not None and command.cash:
        raise BadValue(
            "cash",
            "…",
            "the suspended receipt has the account: name one of the two",
            "待查暂收已注明账户：二者只填其一",
        )
