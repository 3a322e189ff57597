"""Plain builders of rows the application tests need; realistic defaults, no randomness."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, insert

from app import auth
from app.auth import Grant
from app.claims import ClaimState, claim_number
from app.roles import Role
from app.tables import claims

AT = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)
ON = date(2026, 6, 30)
DEPARTMENT = "南昌市工业和信息化局"


def save_claim(connection: Connection, **changes: Any) -> str:
    """Insert one accepted claim of 100,000 yuan and return its number."""
    row: dict[str, Any] = {
        "uscc": "91360111MA35TEST0X",
        "firm_name": "南昌云栖精密制造有限公司",
        "benefit_id": "nc-demo-award",
        "benefit_version": 1,
        "period": "2026",
        "mode": "direct",
        "channel": "web",
        "state": ClaimState.ACCEPTED.value,
        "round": 1,
        "department": DEPARTMENT,
        "purse": "nanchang",
        "purpose": "industry-award",
        "computed_fen": 10_000_000,
        "claimed_fen": 10_000_000,
        "account_name": "南昌云栖精密制造有限公司",
        "account_no": "6222000011112222",
        "bank_name": "江西银行南昌青山湖支行",
        "cnaps": "313421000016",
        "verdict": {},
        "as_of": ON,
        "opened_at": AT,
        "opened_by": "agent01",
    } | changes
    row.setdefault("claim_no", claim_number(row["uscc"], row["benefit_id"], row["period"]))
    connection.execute(insert(claims).values(row))
    return str(row["claim_no"])


def save_officer(connection: Connection, username: str, *roles: Role) -> None:
    """Add an officer of the one department with the given roles."""
    auth.add_user(
        connection,
        username=username,
        display_name=username,
        password_hash=HASH,
        grants_=[Grant(role=role, department=DEPARTMENT) for role in roles],
        at=AT,
    )


HASH = auth.hash_password("correct horse")
