"""防止漏发、重发: a report of who is entitled to money and has not had it, and of what may have been paid twice."""

from reports.guards.report import CHECKS, Report, guard
from reports.guards.rules import DAYS
from reports.guards.words import finding_told, guard_lines, guard_members

__all__ = ["CHECKS", "DAYS", "Report", "finding_told", "guard", "guard_lines", "guard_members"]
