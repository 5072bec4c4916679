"""Where answers lead, as OpenAPI links: from what is told to what it tells of, and to the page behind."""

from __future__ import annotations

from typing import Any

ONWARD: dict[str, dict[str, dict[str, str]]] = {
    "donor_ledger": {
        "donation": {"id": "donations/0/donation"},
        "fund": {"id": "donations/0/fund"},
        "entry": {"seq": "donations/0/seq"},
        "receipt": {"seq": "donations/0/seq"},
        "donor_flows": {"id": "donor"},
        "donor_ledger": {"id": "donor", "cursor": "next"},
    },
    "donation": {
        "donor_ledger": {"id": "donor"},
        "fund": {"id": "fund"},
        "entry": {"seq": "seq"},
        "receipt": {"seq": "seq"},
        "case": {"id": "flows/0/case"},
        "hospital": {"id": "flows/0/hospital"},
        "donation": {"id": "donation", "cursor": "next"},
    },
    "case": {
        "donation": {"id": "donors/0/donation"},
        "donor_ledger": {"id": "donors/0/donor"},
        "case": {"id": "case", "cursor": "next"},
    },
    "hospital": {"case": {"id": "cases/0/case"}, "hospital": {"id": "hospital", "cursor": "next"}},
    "takeStatements": {"bankStatement": {"id": "statements/0/id"}},
    "bankStatements": {"bankStatement": {"id": "statements/0/id"}, "bankStatements": {"cursor": "next"}},
    "bankStatement": {"bankLines": {"account": "account"}},
    "balances": {"fund": {"id": "funds/0/fund"}},
    "serial": {
        "donation": {"id": "donation"},
        "donor_ledger": {"id": "donor"},
        "fund": {"id": "fund"},
        "entry": {"seq": "movements/0/seq"},
    },
    "entries": {
        "entry": {"seq": "entries/0/entry/seq"},
        "receipt": {"seq": "entries/0/entry/seq"},
        "entries": {"cursor": "next"},
    },
    "entry": {"receipt": {"seq": "entry/seq"}},
    "recordBatch": {"entry": {"seq": "results/0/seq"}, "receipt": {"seq": "results/0/seq"}},
    "waiting": {"approve": {"id": "proposals/0/id"}, "decline": {"id": "proposals/0/id"}},
    "show": {"end_showing": {"id": "id"}},
    "showings": {"end_showing": {"id": "showings/0/id"}},
}
"""By operation: which operations its good answer leads to, and where in it their parameters stand."""


def lead_onward(operation: dict[str, Any]) -> None:
    """Puts into the reference's operation the links that its good answer has."""
    for name, parameters in ONWARD.get(operation["operationId"], {}).items():
        good = operation["responses"].get("200") or operation["responses"]["201"]
        to = {parameter: f"$response.body#/{place}" for parameter, place in parameters.items()}
        good.setdefault("links", {})[name] = {"operationId": name, "parameters": to}
