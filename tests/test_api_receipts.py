"""Receipts on the command line: one entry, all entries of a gift, what opens its values, and the same ones renewed."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from click.testing import Result
from conftest import Fenhao
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from test_api_log import as_owner

from audit.checkpoint import Checkpoint, KeySigner, Note, Verifier
from audit.merkle import Frontier, leaf_hash
from audit.proof import Continuation, Proof, Receipt

ORIGIN = "example.org/t"
FILES = {
    "funds": "fund_id,name,fee_rate\nheart,先心病救助,0.05\n",
    "hospitals": "hospital_id,name\nH1,第一医院\n",
    "cases": "case_id,fund_id,hospital_id,person_id,beneficiary_name\nC1,heart,H1,K1,王小明\nC2,heart,H1,K2,李小红\n",
    "donations": (
        "donation_id,fund_id,amount,received_on,donor_id,donor_name\n"
        "D1,heart,100.00,2026-01-01,P1,张三\nD2,heart,100.00,2026-01-02,P2,李四\nD3,heart,10.00,2026-01-03,P1,张三\n"
    ),
    "allocations": (
        "allocation_id,case_id,amount,allocated_on\nA1,C1,50.00,2026-01-04\nA2,C2,100.00,2026-01-05\n"
        "A3,C2,40.00,2026-01-06\n"
    ),
    "hospital-payments": "payment_id,hospital_id,paid_on,case_id,amount\nY1,H1,2026-01-07,C1,50.00\n",
}


def _json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.strip().splitlines()[-1])


@pytest.fixture
def ledger(fenhao: Fenhao, tmp_path: Path) -> Fenhao:
    """Two donors, three gifts, two children, one of them paid for."""
    assert fenhao("init", "--origin", ORIGIN, "--no-codes").exit_code == 0
    for kind, text in FILES.items():
        (tmp_path / f"{kind}.csv").write_text(text, "utf-8")
    made = fenhao("import", *(f"{kind}={tmp_path / kind}.csv" for kind in FILES))
    assert made.exit_code == 0, made.output
    return fenhao


def read_folder(folder: Path) -> dict[str, Receipt]:
    """The receipts of a folder by their entry's stream and type, each checked with what lies beside it."""
    key = Verifier.parse((folder / "policy").read_text().split("\n")[0].removeprefix("log "))
    found = {}
    for path in sorted(folder.glob("*.tlog-proof")):
        one = Receipt.parse(path.read_bytes())
        one.check(ORIGIN, [key])
        assert int(path.stem) == one.proof.index
        entry = json.loads(one.entry)
        found[f"{entry['stream']} {entry['type']}"] = one
    return found


def test_a_gift_has_a_receipt_for_itself_and_each_entry_that_moved_its_money(ledger: Fenhao, tmp_path: Path) -> None:
    done = _json(ledger("receipt", "donation", "D1", "--out", tmp_path / "d1", "--json"))
    found = read_folder(tmp_path / "d1")
    assert list(found) == [
        "donation/D1 DonationReceived",
        "allocation/A1 AllocationMade",
        "allocation/A2 AllocationMade",
        "payment/Y1 HospitalPaymentMade",
    ]
    assert [one["entry"] for one in done["receipts"]] == [one.proof.index for one in found.values()]
    assert {one.claimed() for one in found.values()} == {next(iter(found.values())).claimed()}, "all under one head"
    page = (tmp_path / "d1" / "verify.html").read_text()
    assert (tmp_path / "d1" / "policy").read_text().split("\n")[0] in page, "it knows whose signature counts"
    readme = (tmp_path / "d1" / "README.md").read_text()
    assert "善款匹配 / Allocation" in readme
    assert "张三" not in readme
    ledger("receipt", "donation", "D2", "--out", tmp_path / "d2")
    assert "payment/Y1 HospitalPaymentMade" not in read_folder(tmp_path / "d2")


def test_what_comes_later_is_in_the_next_folder(ledger: Fenhao, tmp_path: Path) -> None:
    ledger("receipt", "donation", "D3", "--out", tmp_path / "before")
    refund = ["refund=R1", "donation=D3", "amount=5.00", "fee=0", "on=2026-02-01"]
    assert ledger("record", "DonationRefunded", *refund).exit_code == 0
    ledger("receipt", "donation", "D3", "--out", tmp_path / "after")
    before, after = read_folder(tmp_path / "before"), read_folder(tmp_path / "after")
    assert after.keys() - before.keys() == {"refund/R1 DonationRefunded"}


def test_a_donor_has_receipts_of_all_gifts_and_any_record_of_its_entries(ledger: Fenhao, tmp_path: Path) -> None:
    ledger("receipt", "donor", "P1", "--out", tmp_path / "p1")
    assert {key.split()[0] for key in read_folder(tmp_path / "p1")} >= {"donation/D1", "donation/D3", "allocation/A2"}
    assert "donation/D2 DonationReceived" not in read_folder(tmp_path / "p1")
    ledger("receipt", "payment", "Y1", "--out", tmp_path / "y1")
    assert list(read_folder(tmp_path / "y1")) == ["payment/Y1 HospitalPaymentMade"]


def test_what_was_said_of_a_gift_later_has_a_receipt_too(ledger: Fenhao, tmp_path: Path) -> None:
    ledger("record", "DonationReceived", "donation=D4", "fund=heart", "amount=1.00", "on=2026-02-01")
    said = ledger("record", "DonationAttributed", "donation=D4", "donor=P1")
    assert said.exit_code == 0, said.output
    ledger("receipt", "donation", "D4", "--out", tmp_path / "d4")
    assert list(read_folder(tmp_path / "d4")) == ["donation/D4 DonationReceived", "donation/D4 DonationAttributed"]


def test_openings_come_for_those_entitled_and_are_noted(ledger: Fenhao, tmp_path: Path) -> None:
    asked = ("--openings", "--by", "staff-7", "--reason", "asked by the donor")
    made = ledger("receipt", "donation", "D1", "--out", tmp_path / "d1", *asked)
    assert made.exit_code == 0, made.output
    found = read_folder(tmp_path / "d1")
    [opening] = found["donation/D1 DonationReceived"].openings
    assert (opening["field"], opening["value"]) == ("donor_name", "张三")
    said = json.loads(found["donation/D1 DonationReceived"].entry)["data"]["commitments"]["donor_name"]
    plain = rfc8785.dumps({"field": "donor_name", "stream": "donation/D1", "value": "张三"})
    assert hmac.digest(bytes.fromhex(opening["salt"]), plain, "sha256").hex() == said
    assert all(not one.openings for name, one in found.items() if not name.startswith("donation/D1"))
    everything = b"".join(path.read_bytes() for path in (tmp_path / "d1").iterdir())
    assert "李四".encode() not in everything
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "d1").glob("*.tlog-proof")}
    assert sorted(modes.values()) == [0o600, 0o644, 0o644, 0o644]
    log = _json(ledger("vault", "log", "donation/D1", "--json"))["accesses"]
    assert [(one["by"], one["reason"], one["fields"]) for one in log] == [
        ("staff-7", "asked by the donor", ["donor_name"])
    ]
    assert _json(ledger("vault", "log", "case/C1", "--json"))["accesses"] == [], "no child's values were read"


def test_a_donor_s_openings_are_those_of_all_gifts_and_of_nobody_else(ledger: Fenhao, tmp_path: Path) -> None:
    asked = ("--openings", "--by", "s", "--reason", "r")
    ledger("receipt", "donor", "P1", "--out", tmp_path / "p1", *asked)
    found = read_folder(tmp_path / "p1")
    assert {name for name, one in found.items() if one.openings} == {
        "donation/D1 DonationReceived",
        "donation/D3 DonationReceived",
    }
    assert {each["value"] for one in found.values() for each in one.openings} == {"张三"}


def test_what_is_erased_is_not_opened(ledger: Fenhao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENHAO_RETENTION_YEARS", "0")
    erased = ledger("vault", "erase", "donor/P1", "--basis", "request:1")
    assert erased.exit_code == 0, erased.output
    asked = ("--openings", "--by", "s", "--reason", "r")
    assert ledger("receipt", "donation", "D1", "--out", tmp_path / "d1", *asked).exit_code == 0
    assert all(not one.openings for one in read_folder(tmp_path / "d1").values())


def test_one_entry_comes_with_its_openings_too(ledger: Fenhao, tmp_path: Path) -> None:
    done = _json(ledger("receipt", "donation", "D1", "--out", tmp_path / "d1", "--json"))
    seq = done["receipts"][0]["entry"]
    asked = ("--openings", "--by", "s", "--reason", "r")
    ledger("receipt", str(seq), "--out", tmp_path / "r", *asked)
    assert [each["value"] for each in Receipt.parse((tmp_path / "r").read_bytes()).openings] == ["张三"]
    assert (tmp_path / "r").stat().st_mode & 0o777 == 0o600


def test_a_receipt_is_renewed_under_the_newest_head_and_the_old_head_is_shown_to_hold(
    ledger: Fenhao, tmp_path: Path
) -> None:
    old = tmp_path / "1.tlog-proof"
    ledger("receipt", "3", "--out", old)
    assert _json(ledger("receipt", "renew", old, "--json")).keys() == {"entry", "old_size", "size"}
    ledger("record", "FundOpened", "fund=F2", "name=二")
    ledger("key", "rotate")
    done = _json(ledger("receipt", "renew", old, "--json"))
    before, after = (Receipt.parse(Path(path).read_bytes()) for path in (old, done["receipt"]))
    assert (after.entry, after.openings, after.proof.index) == (before.entry, before.openings, 3)
    assert done["size"] == done["old_size"] + 2
    keys = [Verifier.parse(one["key"]) for one in _json(ledger("key", "show", "--json"))["keys"]]
    assert done["key"] == str(keys[1])
    newer = Continuation.parse(Path(done["head"]).read_bytes())
    assert newer.check(before.check(ORIGIN, keys[:1]), keys[1:]) == after.check(ORIGIN, keys[1:])
    assert Note.parse(newer.checkpoint).signers(keys) == keys, "this is where the key changes"


def test_receipts_under_a_head_of_the_old_key_name_that_key(
    ledger: Fenhao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger("checkpoint")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("audit.log.Log._sign", killed)
        assert ledger("key", "rotate").exit_code == 130
    assert len(_json(ledger("key", "show", "--json"))["keys"]) == 2
    ledger("receipt", "donation", "D1", "--out", tmp_path / "d1")
    assert len(read_folder(tmp_path / "d1")) == 4


def test_a_receipt_of_another_history_is_evidence(ledger: Fenhao, tmp_path: Path) -> None:
    ledger("receipt", "3", "--out", tmp_path / "r")
    forged = Receipt.parse((tmp_path / "r").read_bytes())
    # Whoever has the key signs a history of one other entry, and gives a receipt for it.
    [path] = (tmp_path / "home" / "keys").glob("log-*.pem")
    signer = KeySigner(ORIGIN, load_pem_private_key(path.read_bytes(), None))  # type: ignore[arg-type]  # Ed25519
    lone = Frontier()
    entry = forged.entry.replace(b'"seq":3', b'"seq":0')
    lone.append(leaf_hash(entry))
    fork = Receipt.make(Proof(0, (), Checkpoint(ORIGIN, 1, lone.root()).signed(signer)), entry)
    (tmp_path / "fork").write_bytes(fork.proof.text())
    refused = ledger("receipt", "renew", tmp_path / "fork")
    assert refused.exit_code == 1
    assert "not of this log's history" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["donation", "D9", "--out", "OUT"], "D9"),
        (["donation", "D1"], "--out"),
        (["nonsense", "D1", "--out", "OUT"], "nonsense"),
        (["99999"], "no head is signed over entry 99999"),
        (["x"], "give the entry's number"),
        (["1", "2", "3"], "give the entry's number"),
        (["donation", "D1", "--out", "OUT", "--openings"], "--by and --reason"),
        (["renew", "PICTURE"], "no receipt of this ledger"),
        (["renew", "MISSING"], "no receipt of this ledger"),
        (["donation", "D1", "--out", "FULL"], "not empty"),
        (["donation", "D1", "--out", "PICTURE"], "not empty"),
        (["1", "--out", "FULL"], "cannot write to"),
        (["donation", "D1", "--out", "PICTURE/below"], "cannot write to"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_one_clear_error_and_leaves_nothing(
    ledger: Fenhao, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("private")
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff\xe0")
    before = {path for path in tmp_path.iterdir() if path.name != "home"}
    words = {"OUT": "out", "FULL": "full", "PICTURE": "picture", "MISSING": "missing"}
    given = [
        str(tmp_path / (words[first] + slash + rest)) if first in words else one
        for one in arguments
        for first, slash, rest in [one.partition("/")]
    ]
    refused = ledger("receipt", *given)
    assert refused.exit_code == 2, refused.output
    assert said in refused.stderr
    assert {path for path in tmp_path.iterdir() if path.name != "home"} == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.replace(b"\n", b"\r\n"), "its lines end in CRLF"),
        (lambda data: data + b"x" * 10_000_000, "too long"),
        (lambda data: data.replace(b"\nexample.org/t\n", b"\nexample.org/u\n"), "is wrong"),
        (lambda data: data.replace(b"index 3", b"index 03"), "names no entry"),
        (lambda data: data.replace(b"index 3", b"index 2"), "does not lead to the root"),
        (lambda data: data + data[data.rindex("— ".encode()) :] * 16, "16 at most"),
        (lambda data: data[:-40], "empty line and signature lines"),
    ],
    ids=["crlf", "10 MB", "other ledger", "leading zero", "other entry", "17 signatures", "cut"],
)
def test_a_changed_receipt_is_not_renewed(
    ledger: Fenhao, tmp_path: Path, change: Callable[[bytes], bytes], said: str
) -> None:
    path = tmp_path / "r.tlog-proof"
    ledger("receipt", "3", "--out", path)
    path.write_bytes(change(path.read_bytes()))
    refused = ledger("receipt", "renew", path)
    assert refused.exit_code == 2
    assert said in refused.stderr
    assert refused.stderr.count("error:") == 1


def test_a_folder_cut_off_half_way_is_not_there(
    ledger: Fenhao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reports.receipts.shutil.copyfile", killed)
    assert ledger("receipt", "donation", "D1", "--out", tmp_path / "d1").exit_code == 130
    monkeypatch.undo()
    assert not (tmp_path / "d1").exists()
    assert ledger("receipt", "donation", "D1", "--out", tmp_path / "d1").exit_code == 0
    assert len(read_folder(tmp_path / "d1")) == 4
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".d1")] == []


def test_every_part_of_a_long_entry_comes_with_its_first(
    ledger: Fenhao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.book.MAX_ENTRY_BYTES", 1_150)
    for n in range(12):
        gift = f"donation=S{n} fund=heart amount=1.00 on=2026-01-08 donor=P{n} agreement=G{n:02}"
        assert ledger("record", "DonationReceived", *gift.split()).exit_code == 0
    all_of_it = ["allocation=A9", "case=C2", "amount=20.90", "on=2026-01-09"]
    assert ledger("record", "AllocationMade", *all_of_it).exit_code == 0
    ledger("receipt", "donation", "S11", "--out", tmp_path / "s")
    made = [Receipt.parse(path.read_bytes()) for path in sorted((tmp_path / "s").glob("*.tlog-proof"))]
    gift, first, moving = (json.loads(one.entry) for one in made)
    assert (gift["stream"], first["data"]["part"]) == ("donation/S11", 1)
    assert moving["data"]["of"] == first["seq"]


def test_a_receipt_is_given_only_of_what_was_signed(ledger: Fenhao, tmp_path: Path, embedded_url: str) -> None:
    done = _json(ledger("receipt", "donation", "D1", "--out", tmp_path / "d1", "--json"))
    seq = done["receipts"][1]["entry"]
    change = "update entry set body = convert_to(replace(convert_from(body, 'UTF8'), 'C1', 'C2'), 'UTF8')"
    as_owner(embedded_url, f"{change} where seq = {seq}")
    refused = ledger("receipt", str(seq))
    assert refused.exit_code == 2
    assert f"entry {seq} is not the one that was signed" in refused.stderr
    refused = ledger("receipt", "donation", "D1", "--out", tmp_path / "again")
    assert refused.exit_code == 2
    assert not (tmp_path / "again").exists()
