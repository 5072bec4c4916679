"""Personal values are looked for in every answer that anybody can be given, in the logs and in the figures."""

from __future__ import annotations

import io
import itertools
import json
import logging
import re
import zipfile
from collections.abc import Iterator
from datetime import date
from urllib.parse import quote

import httpx
import pytest
from serving import Served

from api.bootstrap import log_of
from api.http.access import ACCESS, NOBODY, ROLES, SCOPES, Asker, Grant
from api.http.watching import JsonLines
from ledger.decisions import ReceiveDonation

DAY = "2026-01-02"
CHILD = {
    "beneficiary_name": "上官婉清儿", "guardian_name": "上官婉容", "guardian_phone": "13900139111",
    "id_number": "110101201501010011", "home_address": "某市某路某弄十七号", "diagnosis_text": "出生即现紫绀并气促",
}  # fmt: skip
DONOR = {"donor_name": "欧阳慕容雪", "donor_email": "xue@private.example", "payer_account": "6222020200112230"}
PHONE = "13800138099"
"""Of the donor, by which they are known outside; in the ledger they have a made-up id."""
VALUES = (*CHILD.values(), *DONOR.values(), PHONE)
IDS = {
    "donors": "donor", "donations": "gift", "gifts": "gift", "cases": "PC", "hospitals": "H", "funds": "F",
    "statements": "2026.json", "timestamps": "roots.pem",
}  # fmt: skip
"""What stands in an address behind these words."""
OWN_NAME = re.compile(r"/(my|donors/[^/]+)/gifts/[^/]+/certificate$")
"""The one kind of page that calls a donor by name: to themselves, and to the desk of finance."""


@pytest.fixture(scope="module")
def logs() -> Iterator[io.StringIO]:
    """What the service logs meanwhile."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(lambda record: not record.name.startswith("http"))  # the client's own
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="module")
def donor(served: Served, logs: io.StringIO) -> str:
    """The id of a donor whose gift helped a child, both with all that may be kept of them, signed."""
    vault = served.fenhao.vault
    donor = vault.new_pseudonym("donor")
    gift = ReceiveDonation(key="gift", donation="gift", fund="F", amount=500, on=date(2026, 1, 2), donor=donor)
    with served.fenhao.writer.session() as session:
        session.run([gift])
        keeping = vault.keeping(session.writing, [f"donor/{donor}"])
        keeping.bind([("donor", PHONE, donor)])
        keeping.store()
    more = {"donation": "more", "donor": donor, "fund": "F", "amount": 100, "on": DAY}
    served.record("/v1/donations", **more, personal=DONOR)
    served.record("/v1/cases", case="PC", fund="F", hospital="H", person="PP", personal=CHILD)
    served.record("/v1/allocations", allocation="PA", case="PC", amount=400, on=DAY)
    line = {"case": "PC", "amount": 300}
    served.record("/v1/hospital-payments", payment="PY", hospital="H", lines=[line], on=DAY)
    last = served.record("/v1/settlements", settlement="PS", hospital="H", case="PC", amount=200, on=DAY)["seq"]
    served.fenhao.runner.wait_for(last, 20)
    log_of(served.fenhao).publish()
    return donor


def askers(served: Served, donor: str) -> Iterator[tuple[Asker, dict[str, str]]]:
    """Everybody there can be, with what they show."""
    yield NOBODY, {}
    yield Asker("donor", frozenset((Grant.DONOR, Grant.PUBLIC)), donor), served.donor(donor)
    for role in ROLES:
        yield Asker(role, frozenset((role, Grant.PUBLIC))), served.signed_in(role, name=f"privacy-{role}")
    for scope, grant in SCOPES.items():
        yield Asker(scope, frozenset((grant,))), {"Authorization": f"Bearer {served.token(scope)}"}


def addresses(path: str, donor: str, size: int) -> list[str]:
    """Where a route is asked at: with the donor, the child, the gift in it, and each entry."""
    filled = path
    for word, one in IDS.items():
        filled = re.sub(rf"/{word}/{{\w+}}", f"/{word}/{quote(donor if one == 'donor' else one)}", filled)
    filled = filled.replace("{tape}/{n}", "t1/0").replace("{level}", "0").replace("{tile}", f"000.p/{size}")
    if "{seq}" in filled:
        return [filled.replace("{seq}", str(seq)) for seq in (5, 6, 8)]
    return [re.sub(r"{\w+}", "site.css", filled)]


def said_in(answer: httpx.Response) -> str:
    """All that an answer says, packed files unpacked."""
    said = f"{answer.headers}{answer.text}"
    if answer.content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            said += "".join(packed.read(name).decode(errors="replace") for name in packed.namelist())
    return said


def answers_kept_without_a_person(served: Served, donor: str, logs: io.StringIO) -> int:
    """How many answers the logs tell of; neither they nor the figures have a personal value or a donor's id."""
    figures = served.client("metrics").get("/metrics").text
    for value in (*VALUES, donor):
        assert value not in logs.getvalue(), value
        assert value not in figures, value
    return sum(json.loads(line)["logger"] == "fenhao.request" for line in logs.getvalue().splitlines())


def test_no_answer_to_anybody_has_a_personal_value_that_was_not_asked_for(
    served: Served, donor: str, logs: io.StringIO
) -> None:
    size, asked, named = served.fenhao.journal.entries.head().size, 0, set()
    quick = [path for method, path in ACCESS if method == "GET" and path != "/v1/entries/stream"]
    quick = [path for path in quick if not path.endswith(".pdf")]  # the same as its page, and seconds to print
    for (asker, shown), path in itertools.product(askers(served, donor), quick):
        if not asker.may("GET", path):
            continue
        for at in addresses(path, donor, size):
            for accept in {"text/html, application/json"} if path.startswith("/v1") else {"text/html"}:
                answer = served.client().get(at, headers={**shown, "Accept": accept})
                assert answer.status_code in (200, 303, 400, 403, 404), (at, answer.status_code)
                found = {value for value in VALUES if value in said_in(answer)}
                if OWN_NAME.search(at):
                    assert found <= {DONOR["donor_name"]}, at
                    assert not found or {Grant.DONOR, Grant.FINANCE} & asker.grants, (asker.name, at)
                    named |= {asker.name for _ in found}
                else:
                    assert not found, (asker.name, at, found)
                asked += answer.status_code == 200
    assert asked > 200
    assert named == {"donor", "finance"}
    noted = served.client().get("/v1/personal-accesses", headers=served.signed_in("auditor", name="privacy-auditor"))
    assert "privacy-finance" in {one["by"] for one in noted.json()["accesses"]}, "whoever was shown a name is noted"
    assert answers_kept_without_a_person(served, donor, logs) > 200


def test_what_is_sent_by_mistake_is_repeated_to_nobody_nor_kept(served: Served, donor: str, logs: io.StringIO) -> None:
    """A personal value where an id, a reason or a name of a field should be, in facts, forms, proposals, addresses."""
    finance, programme = (served.signed_in(role, name=f"privacy-{role}") for role in ("finance", "programme"))
    gift = {"donation": "bad", "donor": donor, "fund": "F", "amount": 1, "on": DAY}
    key = {"Idempotency-Key": "bad"}
    size = served.fenhao.journal.entries.head().size
    for value in (PHONE, CHILD["id_number"], DONOR["donor_email"], DONOR["payer_account"]):
        answers = [
            served.client().post("/v1/donations", json={**gift, "donor": value}, headers={**finance, **key}),
            served.client().post("/v1/donations", json={**gift, "personal": {value: "x"}}, headers={**finance, **key}),
            served.client().post("/v1/cases", json={"case": value, "fund": "F"}, headers={**programme, **key}),
            served.client().post(
                "/v1/cases", json={"case": "bad", "fund": "F", "hospital": "H", "person": value},
                headers={**programme, **key},
            ),
            served.client().post("/v1/session", json={"name": "x", "password": value, value: value}),
            served.client().post("/v1/session", json={"name": value, "password": value}),
        ]  # fmt: skip
        for number, answer in enumerate(answers):
            assert answer.status_code != 201, (number, value)
            assert value not in said_in(answer), (number, value)
    assert served.fenhao.journal.entries.head().size == size
    assert answers_kept_without_a_person(served, donor, logs) >= len(answers)
