"""Who may use the service, from the command line: tokens, accounts, donors' links."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Fenhao


@pytest.fixture
def opened(fenhao: Fenhao) -> Fenhao:
    assert fenhao("init", "--origin", "ledger.example.org/who", "--no-codes").exit_code == 0
    return fenhao


def said(fenhao: Fenhao, *arguments: str) -> Any:
    result = fenhao(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_token_is_shown_once_listed_without_its_secret_and_revoked(opened: Fenhao) -> None:
    made = said(opened, "token", "issue", "oa", "--scope", "record", "--scope", "read", "--days", "30")
    assert made["token"].startswith("fenhao_")
    listed = opened("token", "list")
    assert made["id"] in listed.output
    assert made["token"] not in listed.output
    assert said(opened, "token", "revoke", made["id"]) == {"revoked": made["id"]}
    assert said(opened, "token", "list")["tokens"][0]["revoked_at"] is not None
    again = opened("token", "revoke", made["id"])
    assert again.exit_code == 2
    assert "Traceback" not in again.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "issue", "oa", "--scope", "everything"),
        ("token", "issue", "oa", "--scope", "read", "--days", "1000"),
        ("donor-link", "nobody"),
        ("staff", "close", "nobody"),
    ],
)
def test_what_cannot_be_is_one_error(opened: Fenhao, arguments: tuple[str, ...]) -> None:
    result = opened(*arguments)
    assert result.exit_code == 2
    assert result.stderr.count("error: ") == 1


def test_accounts_are_opened_changed_and_closed_and_no_password_is_shown(opened: Fenhao) -> None:
    short = opened("staff", "add", "li", "--role", "finance", "--password-stdin", typed="short\n")
    assert short.exit_code == 2
    twice = "correct horse battery\n" * 2
    made = opened("staff", "add", "li", "--role", "finance", typed=twice)
    assert made.exit_code == 0, made.output
    assert "correct horse" not in made.output
    assert opened("staff", "change", "li", "--role", "auditor").exit_code == 0
    assert said(opened, "staff", "list")["accounts"][0]["roles"] == ["auditor"]
    assert opened("staff", "close", "li").exit_code == 0
    assert said(opened, "staff", "list")["accounts"][0]["closed_at"] is not None


def test_a_donor_who_gave_has_a_link(opened: Fenhao) -> None:
    opened("record", "FundOpened", "fund=F", "name=f")
    opened("record", "DonationReceived", "donation=D", "fund=F", "amount=1.00", "on=2026-01-02", "donor=N")
    made = said(opened, "donor-link", "N", "--days", "7")
    assert made["link"].count(".") == 1
    assert opened("donor-link", "N", "--days", "0").exit_code == 2


def test_bench_http_measures_the_service_beside_its_answer_to_nothing_and_kills_it(fenhao: Fenhao) -> None:
    result = fenhao("bench", "http", "--gifts", "100", "--rounds", "1", "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["ratio"]["value"] > 0
    assert figures["acknowledged"]["value"] >= 50
    assert (figures["lost"]["value"], figures["lost"]["met"]) == (0, True)
    measured = {"empty", "posted", "ratio", "p99", "taken_away", "ledger", "flows_cold", "flows_cached"}
    assert set(figures) == measured | {"acknowledged", "lost"}
