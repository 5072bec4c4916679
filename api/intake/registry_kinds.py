"""Kinds of files that say what there is besides money: codes, funds, hospitals."""

from __future__ import annotations

import hashlib

from api.intake.kind import CODES, FUNDS, HOSPITALS, Kind
from api.intake.rows import Row
from ledger.decisions import Command, DefineCode, OpenFund, RegisterHospital
from ledger.vocabulary import Synonym, check_term


def _code(row: Row) -> Command:
    """The key is of the whole content: what is defined otherwise already is judged, and named, by the decision."""
    row.key("dimension", "code")
    synonyms_in(row)
    content = [row.need("dimension"), row.need("code"), row.need("name"), row.get("parent") or ""]
    digest = hashlib.sha256("\x1f".join(content).encode()).hexdigest()
    return DefineCode(
        key=f"codes:sha256:{digest}",
        dimension=content[0],
        code=content[1],
        name=content[2],
        parent=content[3] or None,
    )


def synonyms_in(row: Row) -> list[Synonym]:
    """What the row of a code says that it is called besides, `a|b`. Raises BadValue, MissingValue."""
    dimension, code = row.need("dimension"), row.need("code")
    terms = [term.strip() for term in (row.get("synonyms") or "").split("|")]
    return [Synonym(dimension, check_term(term), code) for term in terms if term and term != code]


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
        optional=("parent", "synonyms"),
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
        coded=("province",),
        build=_hospital,
    ),
)
