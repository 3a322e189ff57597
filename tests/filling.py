"""One plausible row in each table of a reflected database, where its rules allow one."""

import datetime as dt
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Connection, MetaData, Table
from sqlalchemy.exc import SQLAlchemyError


def fill(conn: Connection, tables: MetaData, skip: Collection[str] = ()) -> dict[str, int]:
    """Insert a row in each table and say how many each then holds.

    A table whose CHECK or trigger refuses the made-up row stays empty and is left out.
    """
    filled: dict[str, int] = {}
    rows: dict[str, dict[str, Any]] = {}
    for table in tables.sorted_tables:
        if table.name in skip:
            continue
        row = {column.name: _value(column, rows) for column in table.columns if _wanted(column)}
        try:
            with conn.begin_nested():
                conn.execute(table.insert().values(**row))
        except SQLAlchemyError:
            continue
        rows[table.name] = row
    for name in rows:
        count = sa.select(sa.func.count()).select_from(tables.tables[name])
        filled[name] = conn.scalar(count) or 0
    return filled


def _wanted(column: Column[Any]) -> bool:
    return not column.nullable


def _value(column: Column[Any], rows: dict[str, dict[str, Any]]) -> Any:
    for key in column.foreign_keys:
        target: Table = key.column.table
        if target.name in rows:
            return rows[target.name].get(key.column.name, 1)
    kind = column.type
    if isinstance(kind, sa.Boolean):
        return False
    if isinstance(kind, sa.Integer | sa.Numeric):
        return 1
    if isinstance(kind, sa.DateTime):
        return dt.datetime(2026, 10, 31, 12, tzinfo=dt.UTC)
    if isinstance(kind, sa.Date):
        return dt.date(2026, 10, 31)
    if isinstance(kind, sa.LargeBinary):
        return b"x"
    if isinstance(kind, sa.JSON):
        return {}
    return "x" * min(getattr(kind, "length", None) or 1, 1)
