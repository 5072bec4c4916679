"""Real statements, published under permissive licences, come to totals that were worked out without any of our code."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reports.banking.gate import judge
from reports.banking.reading import read_file
from reports.banking.statement import Statement

DATA = Path(__file__).parents[2] / "shared" / "data" / "bank-statements"
EXPECTED: dict[str, dict[str, Any]] = (
    json.loads((DATA / "expected.json").read_text("utf-8")) if (DATA / "expected.json").is_file() else {}
)

pytestmark = pytest.mark.skipif(not EXPECTED, reason=f"the public statements are not in {DATA}")


def major(minor: int | None, exponent: int) -> Decimal | None:
    return None if minor is None else Decimal(minor).scaleb(-exponent)


def listed(statements: list[Statement], what: str) -> list[str]:
    """Opening or closing balances as the expectations list them for camt.053."""
    found = []
    for each in statements:
        currency = (each.closing_currency if what == "closing" else None) or each.currency
        found.append(f"{major(getattr(each, what), each.exponent)} {currency}")
    return found


def ties(expected: dict[str, Any]) -> list[bool] | None:
    """Which statements tie: said one by one, counted, or by running balances and totals."""
    stated = expected.get("balances_tie")
    if isinstance(stated, list):
        return stated
    if stated is not None:
        assert not stated["false"]
        return [True] * stated["true"]
    checks = [expected[name] for name in ("balance_chain_ok", "trailer_ok") if name in expected]
    if "note" in expected and "do not chain" in expected["note"]:
        return [False]
    return [all(checks)] if checks else None


@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_statement_comes_to_its_totals_and_is_flagged_if_it_does_not_tie(name: str) -> None:
    expected = EXPECTED[name]
    statements = list(read_file(DATA / name).statements)
    exponent = statements[0].exponent
    assert len(statements) == expected.get("statements", expected.get("accounts", 1))
    assert sum(len(each.lines) for each in statements) == expected["count"]
    credits_, debits = sum(each.credits for each in statements), sum(each.debits for each in statements)
    if "order_total" in expected:
        assert major(credits_, exponent) == Decimal(expected["order_total"])
        assert major(debits, exponent) == Decimal(expected["refund_total"])
        assert major(sum(each.fees for each in statements), exponent) == Decimal(expected["fee_total"])
    else:
        assert major(credits_, exponent) == Decimal(expected["credits"])
        assert major(debits, exponent) == Decimal(expected["debits"])
    assert_balances(statements, expected, exponent)
    verdicts = [judge(each).ties for each in statements]
    if (stated := ties(expected)) is None:
        assert verdicts == [None], "nothing in the file to check its lines against"
    else:
        assert verdicts == stated


def assert_balances(statements: list[Statement], expected: dict[str, Any], exponent: int) -> None:
    """First opening and last closing; for camt.053 all of both, for OFX the ledger's balances."""
    if isinstance(expected.get("opening"), list):
        for what in ("opening", "closing"):
            want = [(Decimal(text.split()[0]), text.split()[1]) for text in expected[what]]
            assert [(Decimal(text.split()[0]), text.split()[1]) for text in listed(statements, what)] == want
    elif "opening" in expected:
        assert major(statements[0].opening, exponent) == Decimal(expected["opening"])
        assert major(statements[-1].closing, exponent) == Decimal(expected["closing"])
    if "ledger_balances" in expected:
        assert [major(each.closing, exponent) for each in statements] == list(map(Decimal, expected["ledger_balances"]))
    if "last_balance" in expected:
        assert major(statements[-1].closing, exponent) == Decimal(expected["last_balance"])
    if "ccy" in expected:
        assert {each.currency for each in statements} == {
            *([expected["ccy"]] if isinstance(expected["ccy"], str) else expected["ccy"])
        }


def test_all_real_statements_are_tried() -> None:
    assert len(EXPECTED) == 19
