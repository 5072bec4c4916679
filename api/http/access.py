"""Who may what: one table of every route, and nothing that is not in it is answered.

A grant is a role that a person has, or a scope that a machine's token has. Whoever has one of a route's grants may ask;
what a donor asks for must be their own besides (`Asker.require_own`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from api.http.faults import NotEntitled


class Grant(StrEnum):
    """What entitles: `PUBLIC` everybody, then the roles of persons, then the scopes of tokens."""

    PUBLIC = "public"
    DONOR = "donor"
    AUDITOR = "auditor"
    PROGRAMME = "programme"
    FINANCE = "finance"
    ADMIN = "admin"
    GIVE = "scope:donations"
    RECORD = "scope:record"
    READ = "scope:read"
    LOG = "scope:log"
    METRICS = "scope:metrics"


ROLES = (Grant.AUDITOR, Grant.PROGRAMME, Grant.FINANCE, Grant.ADMIN)
"""What an account can be."""
SCOPES = {grant.removeprefix("scope:"): grant for grant in Grant if grant.startswith("scope:")}
"""What a token can be for, by the name that people use."""

_EVERYBODY = frozenset(Grant)
_SIGNED_IN = frozenset((Grant.DONOR, *ROLES))
_STAFF = frozenset((Grant.PROGRAMME, Grant.FINANCE, Grant.ADMIN))
READERS = _STAFF | {Grant.AUDITOR, Grant.READ}
"""Who may ask about anybody's money."""
_DONOR = frozenset((Grant.DONOR,))
_LOG = _STAFF | {Grant.AUDITOR, Grant.LOG}
_MONEY = frozenset((Grant.FINANCE, Grant.RECORD))
_CASES = frozenset((Grant.PROGRAMME, Grant.RECORD))
_DESK = frozenset((Grant.FINANCE, Grant.ADMIN, Grant.AUDITOR))
_FINANCE = frozenset((Grant.FINANCE,))
_REGISTRY = frozenset((Grant.ADMIN, Grant.RECORD))

FACT_ROUTES = {
    "CodeDefined": "/v1/codes",
    "FundOpened": "/v1/funds",
    "HospitalRegistered": "/v1/hospitals",
    "CaseOpened": "/v1/cases",
    "CaseAmended": "/v1/case-amendments",
    "CaseClosed": "/v1/case-closings",
    "CaseReopened": "/v1/case-reopenings",
    "DonationReceived": "/v1/donations",
    "BalanceBroughtForward": "/v1/opening-balances",
    "DonationAttributed": "/v1/attributions",
    "AllocationMade": "/v1/allocations",
    "AllocationReleased": "/v1/releases",
    "HospitalPaymentMade": "/v1/hospital-payments",
    "HospitalPaymentReturned": "/v1/returns",
    "TreatmentSettled": "/v1/settlements",
    "CashGranted": "/v1/cash-grants",
    "GrantReturned": "/v1/grant-returns",
    "DonationRefunded": "/v1/refunds",
    "FundsTransferred": "/v1/transfers",
    "TermsChanged": "/v1/terms-changes",
    "SerialsSubstituted": "/v1/substitutions",
    "ExpenseMade": "/v1/expenses",
    "MoneyHeld": "/v1/holds",
    "HoldLifted": "/v1/hold-liftings",
    "AccountOpened": "/v1/accounts",
    "ReceiptSuspended": "/v1/suspended-receipts",
    "SuspenseRepaid": "/v1/suspense-repayments",
    "LinesMatched": "/v1/bank/matches",
    "LinesWrittenOff": "/v1/bank/write-offs",
    "LinesDisputed": "/v1/bank/disputes",
    "LinesUnmatched": "/v1/bank/unmatches",
    "PeriodClosed": "/v1/period-closings",
    "PeriodReopened": "/v1/period-reopenings",
    "EntryReversed": "/v1/reversals",
}
"""Where each fact is asked for."""

API: dict[tuple[str, str], frozenset[Grant]] = {
    ("GET", "/openapi.json"): _EVERYBODY,
    ("GET", "/healthz"): _EVERYBODY,
    ("GET", "/readyz"): _EVERYBODY,
    ("GET", "/metrics"): frozenset((Grant.ADMIN, Grant.METRICS)),
    # Saying who one is.
    ("POST", "/v1/session"): _EVERYBODY,
    ("POST", "/v1/session/link"): _EVERYBODY,
    ("POST", "/v1/session/code"): _EVERYBODY,
    ("POST", "/v1/session/new-code"): _EVERYBODY,
    ("GET", "/oidc/start"): _EVERYBODY,
    ("GET", "/oidc/callback"): _EVERYBODY,
    ("GET", "/v1/session"): _SIGNED_IN,
    ("DELETE", "/v1/session"): _SIGNED_IN,
    ("POST", "/v1/session/factor"): frozenset(ROLES),
    ("POST", "/v1/session/factor/confirmation"): frozenset(ROLES),
    ("DELETE", "/v1/accounts/{id}/factor"): frozenset((Grant.ADMIN,)),  # another's than their own
    # Recording: programme staff keep cases, finance the money, an admin what both refer to.
    ("POST", "/v1/codes"): _REGISTRY,
    ("POST", "/v1/funds"): _REGISTRY,
    ("POST", "/v1/hospitals"): _REGISTRY | {Grant.PROGRAMME},
    ("POST", "/v1/cases"): _CASES,
    ("POST", "/v1/case-amendments"): _CASES,
    ("POST", "/v1/case-closings"): _CASES,
    ("POST", "/v1/case-reopenings"): _CASES,
    ("POST", "/v1/donations"): _MONEY | {Grant.GIVE},
    ("POST", "/v1/opening-balances"): _MONEY,
    ("POST", "/v1/attributions"): _MONEY,
    ("POST", "/v1/allocations"): _CASES,
    ("POST", "/v1/releases"): _CASES,
    ("POST", "/v1/hospital-payments"): _MONEY,
    ("POST", "/v1/returns"): _MONEY,
    ("POST", "/v1/settlements"): _MONEY | {Grant.PROGRAMME},
    ("POST", "/v1/cash-grants"): _MONEY,
    ("POST", "/v1/grant-returns"): _MONEY,
    ("POST", "/v1/refunds"): _MONEY,
    ("POST", "/v1/transfers"): _MONEY,
    ("POST", "/v1/terms-changes"): _MONEY,
    ("POST", "/v1/substitutions"): _MONEY,
    ("POST", "/v1/expenses"): _MONEY,
    ("POST", "/v1/holds"): _MONEY,
    ("POST", "/v1/hold-liftings"): _MONEY,
    ("POST", "/v1/reversals"): _MONEY,
    ("POST", "/v1/accounts"): _MONEY,
    ("POST", "/v1/suspended-receipts"): _MONEY,
    ("POST", "/v1/suspense-repayments"): _MONEY,
    ("POST", "/v1/bank/matches"): _MONEY,
    ("POST", "/v1/bank/write-offs"): _MONEY,
    ("POST", "/v1/bank/disputes"): _MONEY,
    ("POST", "/v1/bank/unmatches"): _MONEY,
    ("POST", "/v1/period-closings"): _MONEY,
    ("POST", "/v1/period-reopenings"): _MONEY,
    ("POST", "/v1/batches"): _STAFF | {Grant.RECORD, Grant.GIVE},  # and each fact in it as above
    # Two persons: who may record a fact proposes it, and another who may approves; see `proposals`.
    ("POST", "/v1/proposals"): _STAFF,
    ("GET", "/v1/proposals"): _STAFF | {Grant.AUDITOR},
    ("POST", "/v1/proposals/{id}/approval"): _STAFF,
    ("POST", "/v1/proposals/{id}/refusal"): _STAFF,
    # Asking.
    ("GET", "/v1/donors/{id}/ledger"): READERS | {Grant.DONOR},
    ("GET", "/v1/donors/{id}/flows"): READERS | {Grant.DONOR},
    ("GET", "/v1/donations/{id}/trace"): READERS | {Grant.DONOR},
    ("GET", "/v1/cases/{id}/trace"): READERS,
    ("GET", "/v1/hospitals/{id}"): READERS,
    ("GET", "/v1/funds/{id}"): READERS,
    ("GET", "/v1/serials/{tape}/{n}"): READERS,
    ("GET", "/v1/balances"): READERS,
    ("GET", "/v1/flows"): _EVERYBODY,  # without donors, and choosing nothing, for those who are no readers
    # The bank and the books: finance does, auditors read.
    ("POST", "/v1/bank/statements"): _MONEY,
    ("GET", "/v1/bank/statements"): _DESK | {Grant.READ},
    ("GET", "/v1/bank/statements/{id}"): _DESK | {Grant.READ},
    ("POST", "/v1/bank/statements/{id}/acceptance"): _MONEY,
    ("GET", "/v1/bank/lines"): _DESK | {Grant.READ},
    ("GET", "/v1/bank/lines/{id}"): _DESK | {Grant.READ},
    ("GET", "/v1/periods"): _DESK | {Grant.READ},
    ("GET", "/v1/periods/{period}"): _DESK | {Grant.READ},
    ("GET", "/v1/statements/{kind}"): _DESK | {Grant.READ},
    ("GET", "/v1/vouchers"): _DESK | {Grant.READ},
    ("GET", "/v1/entries"): _LOG,
    ("GET", "/v1/entries/stream"): _LOG,
    ("GET", "/v1/entries/{seq}"): _LOG,
    ("GET", "/v1/entries/{seq}/receipt"): _LOG | {Grant.DONOR},
    # Personal values: each desk those of its own people, auditors what was shown to them; see `personal`, `showings`.
    ("POST", "/v1/personal-openings"): frozenset((Grant.PROGRAMME, Grant.FINANCE, Grant.AUDITOR)),
    ("POST", "/v1/personal-showings"): frozenset((Grant.PROGRAMME, Grant.FINANCE)),
    ("GET", "/v1/personal-showings"): _STAFF | {Grant.AUDITOR},
    ("DELETE", "/v1/personal-showings/{id}"): frozenset((Grant.PROGRAMME, Grant.FINANCE)),
    ("GET", "/v1/personal-accesses"): frozenset((Grant.AUDITOR, Grant.ADMIN)),
    # The log.
    ("GET", "/log/checkpoint"): _EVERYBODY,
    ("GET", "/log/tile/{level}/{tile}"): _EVERYBODY,
    ("GET", "/log/tile/entries/{tile}"): _LOG,
    ("GET", "/log/timestamps"): _EVERYBODY,
    ("GET", "/log/timestamps/{name}"): _EVERYBODY,
}
"""Which grants open which route for programs (method and path, as the application declares it)."""

PAGES: dict[tuple[str, str], frozenset[Grant]] = {
    # Coming and going, then what everybody may see.
    ("GET", "/sign-in"): _EVERYBODY,
    ("POST", "/sign-in"): _EVERYBODY,
    ("POST", "/sign-in/code"): _EVERYBODY,
    ("GET", "/enter"): _EVERYBODY,
    ("POST", "/enter"): _EVERYBODY,
    ("POST", "/language"): _EVERYBODY,
    ("GET", "/static/{name}"): _EVERYBODY,
    ("GET", "/"): _EVERYBODY,
    ("GET", "/flows"): _EVERYBODY,
    ("GET", "/flows.csv"): _EVERYBODY,
    # The desk of programme staff; who may record a fact may preview and propose it.
    ("GET", "/programme"): _STAFF,
    ("GET", "/programme/watch"): _STAFF,
    ("GET", "/programme/funds/{id}"): READERS,
    ("GET", "/programme/allocation"): frozenset((Grant.PROGRAMME,)),
    ("POST", "/programme/allocation/preview"): frozenset((Grant.PROGRAMME,)),
    ("POST", "/programme/allocation"): frozenset((Grant.PROGRAMME,)),
    ("GET", "/programme/proposals"): _STAFF,
    ("POST", "/programme/proposals/{id}/approval"): _STAFF,
    ("POST", "/programme/proposals/{id}/refusal"): _STAFF,
    # The desk of finance.
    ("GET", "/finance"): _DESK,
    ("GET", "/finance/position"): _DESK,
    ("GET", "/finance/advances"): _DESK,
    ("GET", "/finance/statements"): _DESK,
    ("POST", "/finance/statements"): _FINANCE,
    ("GET", "/finance/statements/{id}"): _DESK,
    ("POST", "/finance/statements/{id}/acceptance"): _FINANCE,
    ("POST", "/finance/statements/{id}/names"): _FINANCE,
    ("GET", "/finance/lines"): _DESK,
    ("POST", "/finance/lines/rules"): _FINANCE,
    ("GET", "/finance/lines/{id}"): _DESK,
    ("POST", "/finance/lines/{id}"): _FINANCE,
    ("GET", "/finance/suggestions"): _DESK,
    ("POST", "/finance/suggestions"): _FINANCE,
    ("GET", "/finance/suspense"): _DESK,
    ("POST", "/finance/suspense/{id}"): _FINANCE,
    ("GET", "/finance/months"): _DESK,
    ("GET", "/finance/months/{period}"): _DESK,
    ("POST", "/finance/months/{period}"): _FINANCE,
    ("GET", "/finance/papers"): _DESK,
    ("POST", "/finance/papers"): _DESK,
    ("GET", "/finance/payment"): _FINANCE,
    ("POST", "/finance/payment/preview"): _FINANCE,
    ("POST", "/finance/payment"): _FINANCE,
    ("GET", "/verify"): _EVERYBODY,
    ("GET", "/verify.html"): _EVERYBODY,
    ("GET", "/cases"): READERS,
    ("GET", "/cases/{id}"): READERS,
    ("GET", "/cases/{id}/flows.csv"): READERS,
    ("POST", "/cases/{id}/names"): frozenset((Grant.PROGRAMME, Grant.FINANCE)),
    # The audit: what the entries say, for whoever may have them.
    ("GET", "/audit"): _LOG,
    ("GET", "/audit/entries"): _LOG,
    ("GET", "/audit/entries/{seq}"): _LOG,
    ("GET", "/audit/tests"): _LOG,
    ("GET", "/audit/verification"): _LOG,
    ("POST", "/audit/verification"): frozenset((Grant.AUDITOR, Grant.ADMIN)),
    ("GET", "/audit/export.zip"): _LOG,
    ("GET", "/heads"): _EVERYBODY,
    ("POST", "/heads"): _EVERYBODY,
    # 我的善款: a donor's own, and the same of any donor for those who may ask about anybody's money.
    ("GET", "/my"): _DONOR,
    ("GET", "/my/gifts/{donation}"): _DONOR,
    ("GET", "/my/flows"): _DONOR,
    ("GET", "/my/flows.csv"): _DONOR,
    ("GET", "/donors/{id}"): READERS,
    ("GET", "/donors/{id}/gifts/{donation}"): READERS,
    ("GET", "/donors/{id}/flows"): READERS,
    ("GET", "/donors/{id}/flows.csv"): READERS,
    ("GET", "/my/statements/{name}"): _DONOR,
    ("GET", "/my/gifts/{donation}/certificate"): _DONOR,
    ("GET", "/my/gifts/{donation}/certificate.pdf"): _DONOR,
    ("GET", "/donors/{id}/statements/{name}"): READERS,
    ("GET", "/donors/{id}/gifts/{donation}/certificate"): READERS,
    ("GET", "/donors/{id}/gifts/{donation}/certificate.pdf"): READERS,
    ("GET", "/certificates"): _EVERYBODY,
}
"""The same of the pages that browsers show."""

ACCESS = API | PAGES
"""All of it."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever asks: `name` as entries and logs have it (None: nobody in particular), what they have, whose donor's they
    are."""

    name: str | None
    grants: frozenset[Grant]
    donor: str | None = None

    def may(self, method: str, path: str) -> bool:
        """Whether the table opens that route for this asker."""
        return not ACCESS.get((method, path), frozenset[Grant]()).isdisjoint(self.grants)

    def require_own(self, donor: str) -> None:
        """Raises NotEntitled for a donor who asks for another's."""
        if self.donor is not None and self.donor != donor:
            raise NotEntitled()

    @property
    def is_machine(self) -> bool:
        """Whether this is a program with a token."""
        return any(grant.startswith("scope:") for grant in self.grants)


NOBODY = Asker(None, frozenset((Grant.PUBLIC,)))
"""Who asks without saying who they are."""


def check_complete(declared: Iterable[tuple[str, str]]) -> None:
    """Our own bug otherwise: every route of the application is in the table, and every line of it is a route."""
    declared = set(declared)
    assert declared == set(ACCESS), f"routes and table differ: {sorted(declared ^ set(ACCESS))}"
    assert all(("POST", path) in ACCESS for path in FACT_ROUTES.values()), "every fact has its line"
