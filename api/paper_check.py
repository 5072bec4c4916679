"""A paper that somebody has, held against the log: a statement figure by figure, or a confirmation letter."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import NamedTuple

from api.bootstrap import Fenhao, log_of
from api.papers import basis_of
from audit.verify import Said
from reports.confirmations import Given, Letter, Reference, letter_flaws, letter_of, read_letter, reference_of
from reports.report_check import NotAReport, Printed, Verdict, check_report, read_printed

Progress = Callable[[int, int], None]


class LetterVerdict(NamedTuple):
    """What came of a letter: the figures that the log has for it, and what of it is otherwise."""

    given: Given
    letter: Letter
    flaws: list[Said]

    @property
    def reference(self) -> str:
        """The reference of the log's figures."""
        return str(reference_of(self.letter))


def read_paper(data: bytes) -> Printed | Given:
    """A paper's file, by what it holds. Raises NotAReport."""
    try:
        if (given := read_letter(data)) is not None:
            return given
    except (ValueError, zlib.error) as error:
        raise NotAReport(f"it is no paper of ours ({error})", "不是本系统写出的报表或函证") from error
    return read_printed(data)


def check_paper(fenhao: Fenhao, paper: Printed | Given, data: bytes, progress: Progress) -> Verdict | LetterVerdict:
    """Holds it against the log. Raises NotAReport, NoReference, NothingSigned, NoSuchHead, Unknown."""
    if isinstance(paper, Printed):
        return check_report(paper, data, fenhao.journal, basis_of(fenhao), progress)
    reference = Reference.parse(paper.reference)
    fenhao.runner.catch_up()
    found = letter_of(fenhao.journal, log_of(fenhao).head_of(reference.size), reference.about)
    return LetterVerdict(paper, found, list(letter_flaws(reference, paper.members, found)))
