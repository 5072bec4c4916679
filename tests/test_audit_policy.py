"""A policy says whose signatures make a checkpoint good; whatever is not exactly one is refused with its line."""

from __future__ import annotations

from itertools import combinations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import (
    COSIGNATURE,
    BadNote,
    Checkpoint,
    KeySigner,
    Note,
    Verifier,
    cosigned_text,
    signature_line,
)
from audit.policy import BadPolicy, Policy

LOG = KeySigner("log.example.org/l", Ed25519PrivateKey.from_private_bytes(bytes(32)))
WITNESSES = [
    KeySigner(f"w.example.org/{name}", Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32), COSIGNATURE)
    for n, name in enumerate(("x1", "x2", "x3", "y1", "y2"), 1)
]
LINES = [f"log {LOG.verifier}", *(f"witness {w.name[-2:]} {w.verifier} https://{w.name}" for w in WITNESSES)]
TWO_LEVELS = "\n".join(
    [
        "# two of the x and any of the y",
        *LINES,
        "group X 2 x1 x2 x3",
        "",
        "\tgroup  Y any y1 y2 ",
        "group XY all X Y",
        "quorum XY",
        "",
    ]
)
HEAD = Checkpoint(LOG.name, 3, b"r" * 32)


def note(*signers: KeySigner, time_s: int = 1_700_000_000) -> bytes:
    """The head signed by the log and these witnesses."""
    lines = [
        signature_line(w.verifier, time_s.to_bytes(8, "big") + w.sign(cosigned_text(HEAD.text(), time_s)))
        for w in signers
    ]
    return HEAD.signed(LOG) + "".join(f"{line}\n" for line in lines).encode()


def test_a_quorum_is_met_by_just_those_sets_of_witnesses_that_its_groups_ask_for() -> None:
    policy = Policy.parse(TWO_LEVELS.encode())
    for count in range(len(WITNESSES) + 1):
        for some in combinations(WITNESSES, count):
            names = {w.name[-2:] for w in some}
            wanted = len(names & {"x1", "x2", "x3"}) >= 2 and bool(names & {"y1", "y2"})
            assert policy.is_met(names) is wanted
            if wanted:
                assert policy.open(note(*some)) == HEAD
            else:
                with pytest.raises(BadNote, match="no quorum"):
                    policy.open(note(*some))


def test_the_time_of_the_newest_cosignature_is_told() -> None:
    policy = Policy.parse(TWO_LEVELS.encode())
    twice = note(WITNESSES[0], time_s=100) + note(WITNESSES[0], time_s=200).splitlines(keepends=True)[-1]
    assert policy.witnessed(Note.parse(twice)) == {"x1": 200}


def test_a_cosignature_over_another_text_or_time_spoils_the_note() -> None:
    policy = Policy.parse(TWO_LEVELS.encode())
    line = note(WITNESSES[0]).splitlines(keepends=True)[-1]
    other = Checkpoint(LOG.name, 4, b"r" * 32).signed(LOG) + line
    with pytest.raises(BadNote, match="the cosignature of x1 is wrong"):
        policy.open(other)


def test_a_log_signature_is_no_cosignature_and_the_other_way_round() -> None:
    plain = KeySigner(WITNESSES[0].name, WITNESSES[0].key)
    assert plain.verifier.id != WITNESSES[0].verifier.id
    with pytest.raises(BadNote, match="no verifier key of a witness"):
        Verifier.parse(str(plain.verifier), COSIGNATURE)
    with pytest.raises(BadNote, match="no verifier key of Ed25519"):
        Verifier.parse(str(WITNESSES[0].verifier))


def test_a_policy_written_out_reads_the_same() -> None:
    policy = Policy.parse(TWO_LEVELS.encode())
    assert Policy.parse(policy.text()) == policy


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no quorum line"),
        ("quorum a\n", "neither a witness nor a group"),
        ("quorum none\nquorum none\n", "a second quorum"),
        ("log\nquorum none\n", "is no log, witness, group or quorum"),
        ("log x+00000000+AAAA\nquorum none\n", "line 1 of the policy"),
        (f"{LINES[0]}\n{LINES[0]}\nquorum none\n", "stands there twice"),
        (f"{LINES[1]}\n{LINES[1]}\nquorum none\n", "the name x1 is taken"),
        (f"{LINES[1]}\n{LINES[1].replace('x1 ', 'z1 ', 1)}\nquorum none\n", "stands there twice"),
        (f"{LINES[1]}\ngroup G 2 x1\nquorum G\n", "1 to 1"),
        (f"{LINES[1]}\ngroup G 01 x1\nquorum G\n", "a threshold is"),
        (f"{LINES[1]}\ngroup G any x1 x1\nquorum G\n", "a member twice"),
        (f"{LINES[1]}\ngroup G any x1\ngroup H any x1\nquorum G\n", "a member twice"),
        (f"{LINES[1]}\ngroup none any x1\nquorum none\n", "is taken"),
        (f"group G any x1\n{LINES[1]}\nquorum G\n", "line 1 of the policy: x1 is neither"),
        (f"{LINES[1].replace(str(WITNESSES[0].verifier), str(LOG.verifier))}\nquorum x1\n", "no verifier key of a wi"),
        ("quorum none\r\n", "control character"),
        ("#" * 100_001, "too long"),
    ],
)
def test_what_is_no_policy_is_refused_and_says_why(text: str, why: str) -> None:
    with pytest.raises(BadPolicy, match=why):
        Policy.parse(text.encode())


def test_names_and_comments_may_be_in_any_bytes() -> None:
    named = LINES[1].replace("x1 ", "乙 ", 1).encode()
    text = b"# \xff\xfe\n" + named + "\nquorum 乙\n".encode()
    policy = Policy.parse(text)
    assert policy.is_met({"乙"})
    assert Policy.parse(policy.text()) == policy
