"""Confirmation letters: their figures are the ledger's under a head, and the log finds them again, or says not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Fenhao
from test_api_receipts import FILES, ORIGIN, _json

MORE = {
    "disbursements": (
        "disbursement_id,case_id,amount,disbursed_on,kind,hospital_id\nS1,C1,20.00,2026-01-20,treatment,H1\n"
    ),
    "returns": "return_id,payment_id,case_id,amount,returned_on,reason\nR1,Y1,C1,5.00,2026-02-02,surplus\n",
}


@pytest.fixture
def ledger(fenhao: Fenhao, tmp_path: Path) -> Fenhao:
    """A hospital that was paid 50.00, settled 20.00 and gave 5.00 back; a donor of 100.00 and 10.00."""
    assert fenhao("init", "--origin", ORIGIN, "--no-codes").exit_code == 0
    files = FILES | MORE
    for kind, text in files.items():
        (tmp_path / f"{kind}.csv").write_text(text, "utf-8")
    made = fenhao("import", *(f"{kind}={tmp_path / kind}.csv" for kind in files))
    assert made.exit_code == 0, made.output
    return fenhao


def test_a_hospitals_letter_has_opening_movements_and_closing_and_is_found_again_later(
    ledger: Fenhao, tmp_path: Path
) -> None:
    out = tmp_path / "h.json"
    asked = ("confirm", "hospital", "H1", "--from", "2026-01-15", "--as-of", "2026-01-31", "--json")
    made = _json(ledger(*asked, "--out", out))
    assert made["figures"] == {
        "opening": {"paid": 5000, "used": 0},
        "movements": [{"type": "TreatmentSettled", "paid": -2000, "used": 2000}],
        "closing": {"paid": 3000, "used": 2000},
        "cases": [{"case": "C1", "paid": 3000}],
    }
    year = _json(ledger(*asked[:3], "--as-of", "2026-02-28", "--out", tmp_path / "year.json", "--json"))
    assert year["from"] == "2026-01-01"
    assert [(one["type"], one["paid"]) for one in year["figures"]["movements"]] == [
        ("HospitalPaymentMade", 5000),
        ("HospitalPaymentReturned", -500),
        ("TreatmentSettled", -2000),
    ]
    # What is recorded later, of those days too, changes nothing of what was true under the head of the letter.
    late = ["settlement=S2", "hospital=H1", "case=C1", "amount=1.00", "on=2026-01-31"]
    assert ledger("record", "TreatmentSettled", *late).exit_code == 0
    found = _json(ledger("confirm", "check", made["reference"], "--json"))
    assert (found["ok"], found["letter"]["figures"]) == (True, made["figures"])
    assert _json(ledger("confirm", "check", str(out), "--json"))["ok"]
    assert _json(ledger(*asked, "--out", tmp_path / "n.json"))["figures"]["closing"] == {"paid": 2900, "used": 2100}


def test_a_donors_letter_has_gifts_and_where_they_stand_and_no_name(ledger: Fenhao, tmp_path: Path) -> None:
    out = tmp_path / "d.html"
    asked = ("confirm", "donor", "P1", "--from", "2026-01-02", "--as-of", "2026-01-31")
    made = _json(ledger(*asked, "--reply-to", "某会计师事务所", "--out", out, "--json"))
    figures = made["figures"]
    assert figures["opening"] == {"given": 10000, "available": 9500, "fees": 500}
    assert figures["gifts"] == [{"donation": "D3", "on": "2026-01-03", "fund": "heart", "amount": 1000}]
    assert figures["closing"]["given"] == sum(figures["closing"].values()) - figures["closing"]["given"] == 11000
    page = out.read_text()
    for words in ("相符", "不相符", "agrees", "某会计师事务所", made["reference"], made["root"], "D3"):
        assert words in page, words
    assert "张三" not in page + json.dumps(made, ensure_ascii=False)
    assert _json(ledger("confirm", "check", str(out), "--json"))["ok"]
    pdf = tmp_path / "d.pdf"
    assert ledger(*asked, "--out", pdf).exit_code == 0
    for file in (pdf, out):
        for command in (("confirm", "check"), ("verify-report",)):
            said = ledger(*command, str(file))
            assert (said.exit_code, "页面上的文字未核对" in said.stdout) == (0, True), said.output
    found = _json(ledger("verify-report", str(pdf), "--json"))
    assert (found["ok"], found["letter"]["figures"]) == (True, figures)
    text = subprocess.run(["pdftotext", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    assert "核验编号" in text
    assert made["reference"].split(".")[-1] in text.replace("\n", "")


def test_a_letter_that_is_not_as_the_log_has_it_is_told(ledger: Fenhao, tmp_path: Path) -> None:
    out = tmp_path / "h.json"
    made = _json(ledger("confirm", "hospital", "H1", "--as-of", "2026-01-31", "--out", out, "--json"))
    reference: str = made["reference"]

    def checked(what: object) -> tuple[int, Any]:
        result = ledger("confirm", "check", str(what), "--json")
        return result.exit_code, json.loads(result.stdout.strip().splitlines()[-1])

    changed = json.loads(out.read_text())
    changed["figures"]["closing"]["paid"] = 1
    out.write_text(json.dumps(changed))
    assert (checked(out)[0], checked(out)[1]["problems"]) == (1, ["its 'figures' is not as the ledger has it"])
    assert ledger("verify-report", str(out)).exit_code == 1, "whichever command is asked"
    for forged in (reference[:-32] + "0" * 32, reference.replace("2026-01-31", "2026-01-10")):
        assert (checked(forged)[0], checked(forged)[1]["reference"] == forged) == (1, False)
    (tmp_path / "none.html").write_text("<p>")
    wrong = [reference.replace(f"#{made['size']}.", "#999."), "hospital/H1", "nothing.json", tmp_path / "none.html"]
    wrong += [reference.replace("H1", "H9"), reference.replace("2026-01-31", "2026-02-31"), tmp_path]
    for what in wrong:
        code, said = checked(what)
        assert (code, set(said)) == (2, {"error", "zh", "en"}), what
    for options in (
        ["hospital", "H9", "--as-of", "2026-01-31", "--out", "x.json"],
        ["hospital", "H1", "--as-of", "2999-01-31", "--out", "x.json"],
        ["hospital", "H1", "--as-of", "2026-01-31", "--from", "2026-02-01", "--out", "x.json"],
        ["donor", "nobody", "--as-of", "2026-01-31", "--out", "x.json"],
        ["donor", "P1", "--as-of", "2026-01-31", "--out", "x.docx"],
        ["donor", "P1", "--as-of", "2026-01-31", "--out", str(tmp_path / "none.html" / "x.json")],
    ):
        assert ledger("confirm", *options).exit_code == 2, options
