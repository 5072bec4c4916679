"""Kinds of files about cases: opened, amended, closed, opened again."""

from __future__ import annotations

from api.intake.kind import CASES, DATED, Kind, by_content
from api.intake.rows import Row
from ledger.decisions import AmendCase, CloseCase, Command, OpenCase, ReopenCase


def _case(row: Row) -> Command:
    return OpenCase(
        key=row.key("case_id"),
        case=row.need("case_id"),
        fund=row.need("fund_id"),
        hospital=row.need("hospital_id"),
        person=row.get("person_id"),
        household=row.get("household_id"),
        purpose=row.get("purpose"),
        attributes=row.attributes(),
    )


def _amendment(row: Row) -> Command:
    command = AmendCase(
        key="-",
        on=row.day_if_any("amended_on"),
        case=row.need("case_id"),
        hospital=row.need("hospital_id"),
        person=row.get("person_id"),
        attributes=row.attributes(),
    )
    return by_content(command, row.kind)


def _closing(row: Row) -> Command:
    reason = row.get("reason") or "completed"
    return by_content(CloseCase(key="-", on=row.day("closed_on"), case=row.need("case_id"), reason=reason), row.kind)


def _reopening(row: Row) -> Command:
    return by_content(ReopenCase(key="-", on=row.day("reopened_on"), case=row.need("case_id")), row.kind)


BENEFICIARY = ("beneficiary_name", "beneficiary_id_no", "guardian_name", "guardian_phone")
"""What files say of a child and who answers for it; other columns of theirs are not read."""

CASE_KINDS = (
    Kind(
        name="cases",
        turn=CASES,
        required=("case_id", "fund_id", "hospital_id"),
        optional=("person_id", "household_id", "purpose"),
        attributes=("disease", "province", "age_band"),
        personal=BENEFICIARY,
        build=_case,
    ),
    Kind(
        name="amendments",
        turn=DATED,
        required=("case_id", "hospital_id"),
        optional=("person_id", "amended_on"),
        attributes=("disease", "province", "age_band"),
        personal=BENEFICIARY,
        dates=("amended_on",),
        build=_amendment,
    ),
    Kind(
        name="closings",
        turn=DATED,
        required=("case_id", "closed_on"),
        optional=("reason",),
        dates=("closed_on",),
        build=_closing,
    ),
    Kind(
        name="reopenings",
        turn=DATED,
        required=("case_id", "reopened_on"),
        dates=("reopened_on",),
        build=_reopening,
    ),
)
