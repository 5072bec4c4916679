"""What staff show an auditor of personal values: those and no others, for that long, and every reading noted."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import Response
from serving import Served

NAME, GUARDIAN, DONOR = "上官婉清儿", "上官婉容", "欧阳慕容雪"


@pytest.fixture(scope="module", autouse=True)
def people(served: Served) -> None:
    """A child's case and a donor's gift with personal values, and the accounts that meet over them."""
    for role, name in (
        ("programme", "pro"),
        ("finance", "fin"),
        ("auditor", "aud"),
        ("auditor", "eye"),
        ("admin", "adm"),
    ):
        served.signed_in(role, name=name)
    personal = {"beneficiary_name": NAME, "guardian_name": GUARDIAN}
    served.record("/v1/cases", case="SC", fund="F", hospital="H", person="SP", personal=personal)
    gift = {"donation": "SD", "donor": "SN", "fund": "F", "amount": 5, "on": "2026-01-02"}
    served.record("/v1/donations", **gift, personal={"donor_name": DONOR})


def ask(served: Served, who: str, method: str, path: str, body: Any = None) -> Response:
    return served.client().request(method, f"/v1/{path}", headers=served.sessions[who], json=body)


def show(served: Served, who: str = "pro", **changes: Any) -> Response:
    asked = {"auditor": "aud", "stream": "case/SC", "fields": ["beneficiary_name"], "days": 7, "reason": "sample 12"}
    return ask(served, who, "POST", "personal-showings", asked | changes)


def read(served: Served, who: str, stream: str = "case/SC") -> Response:
    return ask(served, who, "POST", "personal-openings", {"stream": stream, "reason": "sample 12"})


def test_an_auditor_reads_what_was_shown_to_them_and_that_is_noted(served: Served) -> None:
    assert read(served, "aud").status_code == 403
    made = show(served)
    assert made.status_code == 201, made.text
    assert {name: made.json()[name] for name in ("auditor", "fields", "made_by", "ended_at")} == {
        "auditor": "aud", "fields": ["beneficiary_name"], "made_by": "pro", "ended_at": None,
    }  # fmt: skip
    found = read(served, "aud")
    assert [(one["field"], one["value"]) for one in found.json()["openings"]] == [("beneficiary_name", NAME)]
    assert GUARDIAN not in found.text
    assert read(served, "eye").status_code == 403, "shown to another"
    assert read(served, "aud", "donation/SD").status_code == 403, "of another stream"
    noted = ask(served, "adm", "GET", "personal-accesses?stream=case/SC").json()["accesses"][0]
    assert (noted["by"], noted["fields"], noted["reason"]) == ("aud", ["beneficiary_name"], "sample 12")
    assert made.json() in ask(served, "aud", "GET", "personal-showings").json()["showings"]
    assert ask(served, "eye", "GET", "personal-showings").json()["showings"] == []
    assert made.json() in ask(served, "adm", "GET", "personal-showings").json()["showings"]


def test_a_showing_ends_by_itself_and_when_staff_end_it(served: Served) -> None:
    made = show(served, auditor="eye", days=2, fields=["guardian_name"])
    path = f"personal-showings/{made.json()['id']}"
    assert read(served, "eye").status_code == 200
    for who, status in (("fin", 403), ("aud", 403), ("pro", 204), ("pro", 404)):
        assert ask(served, who, "DELETE", path).status_code == status, who
    assert read(served, "eye").status_code == 403
    [kept] = ask(served, "eye", "GET", "personal-showings").json()["showings"]
    assert kept["ended_by"] == "pro"
    assert ask(served, "pro", "DELETE", "personal-showings/0").status_code == 404
    made = show(served, auditor="eye", days=2)
    assert read(served, "eye").status_code == 200
    with served.fenhao.database.owner() as owner:
        owner.execute("update access_showing set expires_at = now() where id = %s", (made.json()["id"],))
    assert read(served, "eye").status_code == 403


@pytest.mark.parametrize(
    ("who", "changes", "status"),
    [
        ("fin", {}, 403),
        ("pro", {"stream": "donation/SD", "fields": ["donor_name"]}, 403),
        ("aud", {}, 403),
        ("adm", {}, 403),
        ("pro", {"auditor": "fin"}, 422),
        ("pro", {"auditor": "nobody"}, 422),
        ("pro", {"fields": ["donor_name"]}, 422),
        ("pro", {"fields": []}, 400),
        ("pro", {"days": 0}, 400),
        ("pro", {"days": 91}, 400),
        ("pro", {"reason": "家长 13800138000"}, 422),
        ("pro", {"stream": "case/none"}, 422),
    ],
)
def test_what_cannot_be_shown_is_refused(served: Served, who: str, changes: dict[str, Any], status: int) -> None:
    answer = show(served, who, **changes)
    assert answer.status_code == status, answer.text
    assert "13800138000" not in answer.text
