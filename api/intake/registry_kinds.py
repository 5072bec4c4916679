"""Kinds of files that say what there is besides money: codes, funds, hospitals."""

from __future__ import annotations

from api.intake.kind import CODES, FUNDS, HOSPITALS, Kind
from api.intake.rows import Row
from ledger.decisions import Command, DefineCode, OpenFund, RegisterHospital


def _code(row: Row) -> Command:
    return DefineCode(
        key=row.key("dimension", "code"),
        dimension=row.need("dimension"),
        code=row.need("code"),
        name=row.need("name"),
        parent=row.get("parent"),
    )


def _fund(row: Row) -> Command:
    return OpenFund(
        key=row.key("fund_id"), fund=row.need("fund_id"), name=row.need("name"), fee_bp=row.rate("fee_rate")
    )


def _hospital(row: Row) -> Command:
    return RegisterHospital(
        key=row.key("hospital_id"),
        hospital=row.need("hospital_id"),
        name=row.need("name"),
        province=row.get("province"),
    )


REGISTRY_KINDS = (
    Kind(
        name="codes",
        turn=CODES,
        required=("dimension", "code", "name"),
        optional=("parent",),
        defines="dimension",
        build=_code,
    ),
    Kind(
        name="funds",
        turn=FUNDS,
        required=("fund_id", "name"),
        optional=("fee_rate",),
        build=_fund,
    ),
    Kind(
        name="hospitals",
        turn=HOSPITALS,
        required=("hospital_id", "name"),
        optional=("province",),
        build=_hospital,
    ),
)
