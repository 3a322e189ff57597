"""Column types every package's tables share, so that both databases hold the same thing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, DateTime, Integer, MetaData, cast, func
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

SerialId = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit key the database counts up by itself on either engine."""


class AwareDateTime(TypeDecorator[datetime]):
    """An instant, always aware, kept in UTC.

    SQLite has no zone of its own: values are stored there as naive UTC and handed back aware.
    A naive value is refused on the way in.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware instant into UTC; naive values are a bug of the caller."""
        if value is None:
            return None
        assert value.tzinfo is not None, "instants must carry their time zone"
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Hand back an aware UTC instant whatever the engine returned."""
        if value is None:
            return None
        assert isinstance(value, datetime), dialect.name
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def new_metadata() -> MetaData:
    """Return a MetaData with the one naming convention of the house."""
    return MetaData(naming_convention=NAMING)


def sum_fen(amount: ColumnElement[int]) -> ColumnElement[int]:
    """Return the sum of amounts as a whole number of fen, zero where there are none.

    PostgreSQL widens a sum of 64-bit numbers to a decimal; amounts stay far below that need.
    """
    return cast(func.coalesce(func.sum(amount), 0), BigInteger)
