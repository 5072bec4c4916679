"""Whoever holds a head or a receipt sees on a page whether it is of one history; and time-stamps are served to all."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from serving import Served
from stamping import Stamper, root, stamper

from api.bootstrap import log_folder, log_keys, log_of
from audit import anchor
from audit.checkpoint import Checkpoint, KeySigner
from audit.policy import NONE, Policy
from audit.timestamp import Authority, stamp

PAGE = {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def notes(served: Served) -> list[bytes]:
    """Three heads of the log, the smallest first."""
    made = []
    for number in range(3):
        gift = {"donation": f"H{number}", "donor": "d", "fund": "F", "amount": 10, "on": "2026-01-02"}
        served.record("/v1/donations", **gift)
        log_of(served.fenhao).publish()
        made.append((log_folder(served.fenhao) / "checkpoint").read_bytes())
    return made


def said(served: Served, first: bytes | str, second: bytes | str = "", language: str = "en") -> tuple[int, str]:
    """The status and the verdict on the page, as plain words."""
    given = {"first": first, "second": second}
    fields = {name: text if isinstance(text, str) else text.decode() for name, text in given.items()}
    served.office.public_pace.forget()
    answer = served.client().post("/heads", data=fields, headers={**PAGE, "Accept-Language": language})
    verdict = answer.text.partition('id="verdict"')[2].partition("</div>")[0]
    return answer.status_code, verdict


def forged(served: Served, note: bytes, size: int | None = None) -> bytes:
    """A head that the log's key signed over something else."""
    head = Checkpoint.parse(note.partition(b"\n\n")[0] + b"\n")
    key = log_of(served.fenhao).verifier
    return Checkpoint(head.origin, size or head.size, bytes(32)).signed(log_keys(served.fenhao).signer(key))


def test_heads_of_one_history_are_said_to_be_however_they_were_pasted(served: Served, notes: list[bytes]) -> None:
    older, newer, newest = notes
    assert "Both are the same head" in said(served, newer, newer)[1]
    assert "continues that of" in said(served, newer, older)[1]
    sizes = [note.split(b"\n")[1].decode() for note in (older, newer)]
    assert f"日志延续了 {sizes[0]} 条的日志" in said(served, newer, older, "zh")[1]
    assert "continues that of" in said(served, older)[1], "alone, it is held against the log"
    assert "Both are the same head" in said(served, newest)[1]
    pasted = "\r\n" + newer.decode().replace("\n", "\r\n").rstrip()
    assert "Both are the same head" in said(served, pasted, newer)[1]
    receipt = served.client("log").get("/v1/entries/2/receipt").content
    assert "同一份历史" in said(served, older, receipt, "zh")[1]
    page = served.client().get("/heads", headers=PAGE).text
    assert newest.split(b"\n")[2].decode() in page.replace("&#43;", "+")


def test_two_histories_are_proof_and_the_page_says_whom_to_tell(served: Served, notes: list[bytes]) -> None:
    other = forged(served, notes[1])
    for first, second in ((other, notes[1]), (notes[2], other), (other, other), (other, "")):
        status, verdict = said(served, first, second)
        assert (status, "Two histories" in verdict, "the supervising authority" in verdict) == (200, True, True)
    assert "Two histories" in said(served, forged(served, notes[2], 10**6))[1], "beyond all that was ever signed"
    assert "登记管理机关" in said(served, other, notes[1], "zh")[1]


def test_what_nobody_can_tell_or_read_is_said_as_that(served: Served, notes: list[bytes]) -> None:
    head = Checkpoint.parse(notes[0].partition(b"\n\n")[0] + b"\n")
    stranger = head.signed(KeySigner("x.example.org/x", Ed25519PrivateKey.generate()))
    elsewhere = Checkpoint("other.example.org/o", 3, bytes(32)).signed(KeySigner("o", Ed25519PrivateKey.generate()))
    for first, words, code in (
        (stranger, "cannot be told", 200),
        (elsewhere, "is of the ledger", 200),
        (notes[0].replace(b"\n\xe2\x80\x94 ", b"\n\xe2\x80\x94 A", 1), "cannot be told", 200),
        (re.sub(rb"\n(\d+)\n", b"\n9\n", notes[0], count=1), "the signature of", 200),
        ("", "paste one head", 400),
        ("<script>alert(1)</script>", "cannot be read", 400),
        (notes[0].replace(b"\n\n", b"\n"), "cannot be read", 400),
    ):
        status, verdict = said(served, first, "" if first == "" else notes[1])
        assert (status, words in verdict, "<script>" in verdict) == (code, True, False), verdict
    assert served.client().post("/heads", data={"first": "x" * 1_100_000}, headers=PAGE).status_code == 413


def test_time_stamps_are_served_so_that_anybody_can_hold_heads_against_them(
    served: Served, notes: list[bytes], tmp_path: Path
) -> None:
    client, folder = served.client(), log_folder(served.fenhao)
    assert client.get("/log/timestamps").text == ""
    now = datetime.now(UTC)

    def answers(_: str, query: bytes) -> tuple[int, bytes]:
        return 200, Stamper(stamper()).to(query, now)

    made = stamp(log_of(served.fenhao), folder, Authority("http://tsa", root().pem, answers), lambda: now)
    names = client.get("/log/timestamps").text.splitlines()
    assert names == [made.path.with_suffix(".checkpoint").name, made.path.name, "roots.pem"]
    for name in names:
        answer = client.get(f"/log/timestamps/{name}")
        assert answer.content == (folder / "timestamps" / name).read_bytes()
        assert answer.headers["access-control-allow-origin"] == "*"
    for name in ("nothing.tsr", "..%2fcheckpoint", "roots.pem%00", ""):
        assert client.get(f"/log/timestamps/{name}").status_code in (400, 404), name
    newest = anchor.newest(folder, Policy(quorum=NONE))
    assert newest is not None
    assert newest.stamp is not None
    assert (newest.head, newest.stamp.at, newest.stamp.size) == (made.head, made.at, made.head.size)
    assert f"{made.at:%Y-%m-%d %H:%M} UTC" in client.get("/heads", headers=PAGE).text
