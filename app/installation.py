"""Facts about this installation that outlive a process: the demo's mark, the business day."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from app import clock
from app.tables import installation


def get(connection: Connection, key: str) -> Any:
    """Return the stored value, or None."""
    return connection.execute(
        select(installation.c.value).where(installation.c.key == key)
    ).scalar_one_or_none()


def put(connection: Connection, key: str, value: Any) -> None:
    """Store a JSON value under a key, replacing what was there."""
    connection.execute(delete(installation).where(installation.c.key == key))
    connection.execute(insert(installation).values(key=key, value=value))


def business_date(connection: Connection) -> date:
    """Return the day the system works on: a demo's fixed day, else today in Shanghai."""
    fixed = get(connection, "business_date")
    return clock.today(fixed=date.fromisoformat(fixed) if fixed else None)
