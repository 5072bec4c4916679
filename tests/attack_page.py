"""The table of attacks as a page: `docs/attacks.md`."""

from __future__ import annotations

from collections.abc import Iterator

from attacks import BREAKS, SECTIONS, Attack

BEGINNING = """# 攻击一览 · Attacks, and what catches each

*Made from `tests/attacks.py` by `tests/test_attacks.py`; change it there.*

Each row is done, by a test, to a copy of an honest export, receipt, log or database. The attacker may seal again
whatever hashes and signatures they can. Then the verifier is asked (`verify.py`, `fenhao verify` and `fenhao
checkpoint`, or a reader of the public log), and asked again without the check named first: the attack then passes, or
is caught by the checks named after it, and passes without those. A check is a function of `audit/verify.py` unless it
says of which module. `docs/trust.md` says who could do what, what nobody can tell, and what covers that.

Laws are numbered as in `docs/trust.md`. Exit code 1 is evidence of tampering, 2 unusable input. *Stops*: without the
check nothing that follows can be judged, and the program stops rather than pass.
"""


def page() -> str:
    """The whole of it."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield BEGINNING
    for zh, en, where, rows in SECTIONS:
        yield f"## {zh} · {en}\n"
        if any(row.check for row in rows):
            yield "| attack | law | caught by | what is said | exit |"
            yield "|---|---|---|---|---|"
            yield from (_row(row) for row in rows)
        else:
            yield from (f"- {row.name}" for row in rows)
        yield f"\n*{len(rows)} on {'an' if where == 'export' else 'a' if where == 'receipt' else 'the'} {where}.*\n"


def _row(row: Attack) -> str:
    said = row.says.replace("|", "\\|")
    checks = ", ".join(f"`{check}`" if check != BREAKS else "*stops*" for check in (row.check, *row.also) if check)
    has = [text for text, given in (("a kept head", row.head), ("the key", row.policy)) if given]
    name = row.name + (f" (the reader has {' and '.join(has)})" if has else "")
    return f"| {name} | {row.law} | {checks or 'nobody'} | {said} | {row.code if row.check else 0} |"
