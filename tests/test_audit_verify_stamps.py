"""A time-stamp counts when an authority stamped just this head of just this log; and entries fit between the stamps."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID
from exports import LOG, OTHER, Made, gifts, head, keyed, said, whats
from stamping import (
    LONG_AGO,
    STAMPING,
    Holder,
    OpensslAuthority,
    Stamper,
    issue,
    needs_openssl,
    root,
    rsa_key,
    stamper,
)
from test_audit_verify_chain import chained

from audit import verify

FIRST = datetime(2026, 2, 1, 4, tzinfo=UTC)
SIZES = (10, 20, 40)
MINUTE = timedelta(minutes=1)


def hour(seq: int) -> datetime:
    """When the entry is recorded: an hour after the one before."""
    return FIRST + seq * timedelta(hours=1)


def entries(recorded: Callable[[int], datetime] = hour) -> list[bytes]:
    """40 entries; from the 11th on they say to be recorded when they are told."""
    story = keyed(gifts(40).entries)
    return chained(
        {**entry, "at": (recorded(seq) if seq >= 10 else hour(seq)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
        for seq, entry in enumerate(story)
    )


def put_stamp(made: Made, size: int, at: datetime, by: Stamper | None = None, over: bytes | None = None) -> str:
    """Has the head of that size stamped; the name of the stamp."""
    shown = (made.folder / "checkpoints" / str(size)).read_bytes()
    name = f"timestamps/{size}-{at:%Y%m%dT%H%M%SZ}"
    made.put(f"{name}.checkpoint", shown)
    made.put(f"{name}.tsr", (by or Stamper(stamper())).answer(shown if over is None else over, at))
    return name


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """An export with heads of 10, 20 and 40, each stamped half an hour after its last entry."""
    made = Made(tmp_path_factory.mktemp("stamped") / "export", entries())
    made.write_policy(LOG)
    for size in SIZES:
        made.sign(size)
        put_stamp(made, size, hour(size - 1) + 30 * MINUTE)
    made.put("timestamps/roots.pem", root().pem)
    return made


@pytest.fixture
def made(honest: Made, tmp_path: Path) -> Made:
    """A copy to do harm to."""
    shutil.copytree(honest.folder, tmp_path / "export")
    return Made(tmp_path / "export", honest.entries)


def roots(folder: Path, *holders: Holder) -> Path:
    path = folder / "roots-of-mine.pem"
    path.write_bytes(b"".join(one.pem for one in holders))
    return path


def test_stamps_are_told_and_whose_word_their_roots_are(honest: Made, tmp_path: Path) -> None:
    found = honest.check()
    assert found.code == 0, said(found)
    assert found.members["timestamps"]["holding"] == 3
    assert found.members["timestamps"]["last"] == "2026-02-02T19:30:00Z"
    assert "时间戳 3 个" in said(found)
    assert "the foundation's own word" in said(found)
    mine = honest.check(tsa_roots=roots(tmp_path, root()))
    assert (mine.code, "own word" in said(mine)) == (0, False), said(mine)


def test_an_export_without_stamps_says_nothing_of_them(tmp_path: Path) -> None:
    made = Made.of(tmp_path / "export", gifts(5))
    found = made.check(tsa_roots=roots(tmp_path, root()))
    assert (found.code, found.members["timestamps"]["count"]) == (0, 0)
    assert "时间戳" not in said(found)


def replaced(made: Made, by: Stamper, size: int = 20, over: bytes | None = None) -> None:
    for path in (made.folder / "timestamps").glob(f"{size}-*"):
        path.unlink()
    put_stamp(made, size, hour(size - 1) + 30 * MINUTE, by, over)


def swapped(made: Made) -> None:
    first, second = sorted((made.folder / "timestamps").glob("[12]*.tsr"))
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)


def of_a_fork(made: Made, *keys: Any) -> None:
    """Another history of the same size, signed and stamped."""
    forked = entries(lambda seq: hour(seq) + MINUTE)
    name = put_stamp(made, 20, hour(19) + 40 * MINUTE)
    note = head(forked[:20], *keys)
    made.put(f"{name}.checkpoint", note)
    made.put(f"{name}.tsr", Stamper(stamper()).answer(note, hour(19) + 40 * MINUTE))


def put(path: str, data: bytes) -> Callable[[Made], None]:
    return lambda made: made.put(path, data)


def remove(pattern: str) -> Callable[[Made], None]:
    return lambda made: next((made.folder / "timestamps").glob(pattern)).unlink()


def cut_back(made: Made) -> None:
    """The export is set back to 20 entries; a stamp over 40 is left."""
    shutil.rmtree(made.folder / "tile")
    shutil.rmtree(made.folder / "checkpoints")
    (made.folder / "checkpoint").unlink()
    made.sign(10)
    made.sign(20)


def with_purposes(*purposes: x509.ObjectIdentifier, critical: bool = True) -> Callable[[Made], None]:
    holder = issue(root(), "odd", rsa_key(), purposes=purposes, critical=critical)
    return lambda made: replaced(made, Stamper(holder))


def under(*among: Holder, **more: Any) -> Callable[[Made], None]:
    """Stamped by an authority whose certificate the last of these issued."""
    return lambda made: replaced(
        made, Stamper(issue(among[-1] if among else root(), "leaf", rsa_key(), purposes=STAMPING, **more), among)
    )


BEFORE, AFTER = hour(19), hour(19) + 60 * MINUTE
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\5\0")
SAME_NAME = issue(None, "root", rsa_key(3), ca=True)
HARM: list[tuple[str, Callable[[Made], None], str]] = [
    ("over other bytes", lambda m: replaced(m, Stamper(stamper()), over=b"other"), "stamped over other bytes"),
    ("tokens swapped between heads", swapped, "stamped over other bytes"),
    ("the authority refused", lambda m: replaced(m, Stamper(stamper(), status=2)), "refused to stamp"),
    ("a fork", lambda m: of_a_fork(m, LOG), "was signed over another root"),
    ("a head that a stranger signed", lambda m: of_a_fork(m, OTHER), "not signed by the key in force"),
    ("no answer to a stamped head", remove("20-*.tsr"), "cannot be read"),
    ("an answer without its head", remove("20-*.checkpoint"), "cannot be read"),
    ("no roots", remove("roots.pem"), "roots.pem cannot be read"),
    ("roots that are none", put("timestamps/roots.pem", b"-----BEGIN"), "holds no root certificates"),
    ("other roots", put("timestamps/roots.pem", SAME_NAME.pem), "no authority that is trusted"),
    ("no stamp at all", put("timestamps/20-x.tsr", b"\x30\x80"), "cannot be read"),
    ("a stamp beyond the head", cut_back, "an old head is served as new"),
    ("by a certificate for servers", with_purposes(ExtendedKeyUsageOID.SERVER_AUTH), "not for time-stamping"),
    ("by one for more", with_purposes(*STAMPING, ExtendedKeyUsageOID.SERVER_AUTH), "not for time-stamping"),
    ("by one that need not be", with_purposes(*STAMPING, critical=False), "not for time-stamping"),
    ("by one for anything", with_purposes(), "not for time-stamping"),
    ("by an expired certificate", under(since=LONG_AGO, until=BEFORE), "a certificate was not valid"),
    ("by a later certificate", under(since=AFTER), "a certificate was not valid"),
    (
        "under an expired intermediate",
        under(issue(root(), "inter", rsa_key(2), ca=True, until=BEFORE)),
        "a certificate was not valid",
    ),
    ("issued by one that may not", under(issue(root(), "inter", rsa_key(2))), "no authority that is trusted"),
    (
        "issued too far below",
        under(
            shallow := issue(root(), "shallow", rsa_key(2), ca=True, path_length=0),
            issue(shallow, "deep", rsa_key(3), ca=True),
        ),
        "no authority that is trusted",
    ),
    (
        "issued by one that may sign no certificates",
        under(
            issue(
                root(),
                "inter",
                rsa_key(2),
                ca=True,
                more=((x509.KeyUsage(True, *[False] * 8), True),),
            )
        ),
        "no authority that is trusted",
    ),
    ("with an unknown demand", under(more=((UNKNOWN, True),)), "no authority that is trusted"),
    ("under a name alone", under(SAME_NAME), "no authority that is trusted"),
    (
        "signed with another key",
        lambda m: replaced(m, Stamper(Holder(stamper().certificate, rsa_key(3)))),
        "signature of the authority on it is wrong",
    ),
    (
        "signed as something else",
        lambda m: replaced(m, Stamper(stamper(), content="1.2.840.113549.1.7.1")),
        "what is signed is no time-stamp",
    ),
    *(
        (f"without its {one}", partial(replaced, by=Stamper(stamper(), skips=one)), "is no time-stamp")
        for one in ("content", "digest", "signer")
    ),
]


@pytest.mark.parametrize(("harm", "what"), [each[1:] for each in HARM], ids=[each[0] for each in HARM])
def test_a_stamp_that_does_not_hold_is_found(made: Made, harm: Callable[[Made], None], what: str) -> None:
    harm(made)
    found = made.check()
    assert found.code == 1, said(found)
    assert any(what in one for one in whats(found)), whats(found)


def test_other_files_beside_stamps_are_named_and_passed_over(made: Made) -> None:
    made.put("timestamps/read me\n.tsr", b"")
    made.put("timestamps/notes.txt", b"")
    found = made.check()
    assert found.code == 0, said(found)
    assert found.members["passed_over"] == ["timestamps/notes.txt", "timestamps/read me\n.tsr"]


def test_stamps_of_an_authority_that_the_reader_does_not_trust_do_not_hold(honest: Made, tmp_path: Path) -> None:
    found = honest.check(tsa_roots=roots(tmp_path, SAME_NAME))
    assert (found.code, len(whats(found))) == (1, 3)
    for bad in (b"", b"no roots"):
        (tmp_path / "bad.pem").write_bytes(bad)
        with pytest.raises(verify.Unusable, match=r"bad\.pem"):
            honest.check(tsa_roots=tmp_path / "bad.pem")


@pytest.mark.parametrize(
    ("recorded", "seq", "what"),
    [
        (lambda seq: max(hour(9), hour(seq) - (41 * MINUTE if seq == 10 else 0 * MINUTE)), 10, "back-dated"),
        (lambda seq: hour(seq) + (32 * MINUTE if seq == 19 else 0 * MINUTE), 19, "its time is not true"),
    ],
    ids=["earlier than the stamp before it", "later than the stamp over it"],
)
def test_an_entry_that_lies_about_its_time_does_not_fit_between_the_stamps(
    tmp_path: Path, recorded: Callable[[int], datetime], seq: int, what: str
) -> None:
    """The history is rewritten with other times, chained, signed and, where it must be, stamped anew."""
    made = Made(tmp_path / "export", entries(recorded))
    made.write_policy(LOG)
    made.put("timestamps/roots.pem", root().pem)
    for size in SIZES:
        made.sign(size)
        put_stamp(made, size, hour(size - 1) + 30 * MINUTE)
    found = made.check()
    assert (found.code, [problem["seq"] for problem in found.members["problems"]]) == (1, [seq]), said(found)
    assert what in whats(found)[0]


def test_clocks_may_differ_a_little(tmp_path: Path) -> None:
    """An entry under a stamp says at most a minute more than it, one after it at most ten minutes less."""
    made = Made(tmp_path / "export", entries())
    made.write_policy(LOG)
    made.put("timestamps/roots.pem", root().pem)
    for size in SIZES:
        made.sign(size)
    put_stamp(made, 10, hour(9) - MINUTE)
    put_stamp(made, 20, hour(20) + 10 * MINUTE)
    assert made.check().code == 0, whats(made.check())
    put_stamp(made, 20, hour(20) + 10 * MINUTE + timedelta(microseconds=1))
    put_stamp(made, 10, hour(9) - MINUTE - timedelta(microseconds=1))
    assert [problem["seq"] for problem in made.check().members["problems"]] == [9, 20]


def intermediate() -> Holder:
    return issue(root(), "inter", rsa_key(2), ca=True, path_length=0)


def by_elliptic_curve(curve: ec.EllipticCurve, hash_name: str) -> Stamper:
    inter = intermediate()
    return Stamper(issue(inter, "leaf", ec.generate_private_key(curve), purposes=STAMPING), (inter,), hash=hash_name)


WAYS: dict[str, Callable[[], Stamper]] = {
    "RSA": lambda: Stamper(stamper()),
    "RSA and SHA-384": lambda: Stamper(stamper(), hash="sha384"),
    "RSA-PSS": lambda: Stamper(stamper(), hash="sha512", pss=True),
    "ECDSA on P-256": lambda: by_elliptic_curve(ec.SECP256R1(), "sha256"),
    "ECDSA on P-384": lambda: by_elliptic_curve(ec.SECP384R1(), "sha384"),
    "ECDSA on P-521": lambda: by_elliptic_curve(ec.SECP521R1(), "sha512"),
    "Ed25519": lambda: Stamper(
        issue(root(), "ed", ed25519.Ed25519PrivateKey.generate(), purposes=STAMPING), hash="sha512"
    ),
    "a certificate named by SHA-1": lambda: Stamper(stamper(), naming="v1"),
    "a certificate named by SHA-512": lambda: Stamper(stamper(), naming="sha512"),
    "granted with changes": lambda: Stamper(stamper(), status=1),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_ways_in_which_authorities_sign_are_known(way: str) -> None:
    by = WAYS[way]()
    token = verify.read_token(by.answer(b"a head", hour(3) + timedelta(microseconds=120_000)))
    assert token.at == hour(3) + timedelta(microseconds=120_000)
    verify.check_token(token, b"a head", [root().certificate])
    with pytest.raises(verify.Refuted, match="other bytes"):
        verify.check_token(token, b"a tail", [root().certificate])


@needs_openssl
@pytest.mark.parametrize("hash_name", ["sha256", "sha384", "sha512"])
def test_what_openssl_stamps_is_read(tmp_path: Path, hash_name: str) -> None:
    inter = intermediate()
    leaf = issue(inter, "leaf", ec.generate_private_key(ec.SECP256R1()), purposes=STAMPING)
    for folder, authority in (("a", (stamper(), ())), ("b", (leaf, (inter,)))):
        answer = OpensslAuthority(tmp_path / folder, *authority).stamp(b"a head", hash_name)
        token = verify.read_token(answer)
        assert abs(token.at - datetime.now(UTC)) < timedelta(seconds=30)
        verify.check_token(token, b"a head", [root().certificate])


def test_no_bit_of_an_answer_changes_what_it_says_without_being_found() -> None:
    """What isn't signed (the status, versions, the signer's name beside) may change, and says nothing."""
    answer = Stamper(by_elliptic_curve(ec.SECP256R1(), "sha256").holder, (intermediate(),)).answer(b"a head", hour(3))
    honest, passed = verify.read_token(answer), 0
    for at in range(len(answer)):
        changed = answer[:at] + bytes([answer[at] ^ 1 << at % 8]) + answer[at + 1 :]
        try:
            token = verify.read_token(changed)
            verify.check_token(token, b"a head", [root().certificate])
        except (verify.Flaw, verify.Refuted):
            continue
        assert (token.at, token.imprint, token.content) == (honest.at, honest.imprint, honest.content)
        passed += 1
    assert passed < len(answer) // 10


def test_an_answer_that_breaks_off_or_is_none_is_refused() -> None:
    answer = Stamper(stamper()).answer(b"a head", hour(3))
    for length in range(len(answer)):
        with pytest.raises(verify.Flaw):
            verify.read_token(answer[:length])
    for bad in (answer + b"\0", answer + answer, b"\x30\x80" + answer + b"\0\0", b"<html>", b"\x30" * 90_000):
        with pytest.raises(verify.Flaw):
            verify.read_token(bad)


@pytest.mark.parametrize(
    ("data", "count"),
    [(b"", 0), (b"\5\0", 1), (b"\5\0\2\1\7", 2), (b"\4\x81\x80" + bytes(128), 1)],
)
def test_lengths_have_one_form(data: bytes, count: int) -> None:
    assert len(verify.read_der(data)) == count


@pytest.mark.parametrize(
    "data", [b"\5", b"\5\1", b"\4\x81\x7f" + bytes(127), b"\4\x82\0\x80" + bytes(128), b"\x30\x80\0\0", b"\x1f\1\0"]
)
def test_what_is_no_der_is_refused(data: bytes) -> None:
    with pytest.raises(verify.Flaw):
        verify.read_der(data)
