"""The situations by chapter, and the page that tells finance people what to do in each."""

from __future__ import annotations

CHAPTERS = {
    ("收款", "Money comes in"): (
        "channel-fee",
        "two-gifts-one-transfer",
        "cash-box",
        "duplicate-receipt",
        "foreign-gift",
        "interest",
        "agency-money",
        "fee-rate-change",
        "opening-balances",
    ),
    ("匹配与限定", "Allocation and terms"): (
        "two-funds-one-case",
        "same-child-twice",
        "usable-days",
        "lifted-restriction",
        "two-persons",
        "frozen-gift",
    ),
    ("拨付与结算", "Payment and settlement"): (
        "bill-in-instalments",
        "batch-of-120",
        "bounced-payment",
        "moved-hospital",
        "emergency-recharged",
    ),
    ("退回与结案", "Money comes back, cases close"): (
        "surplus-of-a-case",
        "lump-return",
        "closed-before-surgery",
        "grant-repaid",
        "refund-partly-spent",
        "project-closes",
    ),
}


def page(stories: list[str]) -> str:
    return ""
