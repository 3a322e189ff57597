"""Many rows at once, the quick way of each engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import JSON, Connection, Table, bindparam, insert, text
from sqlalchemy.dialects import postgresql, sqlite

Item = TypeVar("Item")

CHUNK = 2_000
"""Keys per IN list, well inside the limits of both engines."""

ARRAYS_FROM = 20
"""From this many rows on PostgreSQL gets arrays instead of one message per row."""


def chunks(items: Sequence[Item], size: int = CHUNK) -> Iterator[Sequence[Item]]:
    """Cut a sequence into pieces small enough for one statement."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def insert_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    skip_existing: tuple[str, ...] = (),
) -> int:
    """Insert rows that all name the same columns, and return how many went in.

    ``skip_existing`` names the key on which rows already there are left alone.
    """
    if not rows:
        return 0
    names = list(rows[0])
    plain = not any(isinstance(table.c[name].type, JSON) for name in names)
    if connection.dialect.name == "postgresql" and plain and len(rows) >= ARRAYS_FROM:
        return _insert_arrays(connection, table, names, rows, skip_existing)
    if not skip_existing:
        connection.execute(insert(table), list(rows))
        return len(rows)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).on_conflict_do_nothing(index_elements=list(skip_existing))
    return connection.execute(statement, list(rows)).rowcount


def _array_parameter(table: Table, name: str) -> str:
    """Return the SQL of an array parameter ``:name`` typed like the column of that name."""
    kind = table.c[name].type.compile(dialect=postgresql.dialect())
    kind = {"BIGSERIAL": "BIGINT", "SERIAL": "INTEGER"}.get(kind, kind)
    return f"CAST(:{name} AS {kind}[])"


def _insert_arrays(
    connection: Connection,
    table: Table,
    names: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    skip_existing: tuple[str, ...],
) -> int:
    columns = ", ".join(f'"{name}"' for name in names)
    arrays = ", ".join(_array_parameter(table, name) for name in names)
    skip = f" ON CONFLICT ({', '.join(skip_existing)}) DO NOTHING" if skip_existing else ""
    statement = text(
        f"INSERT INTO {table.name} ({columns}) SELECT * FROM unnest({arrays}){skip}"  # noqa: S608
    ).bindparams(*(bindparam(name) for name in names))
    values = {name: [row[name] for row in rows] for name in names}
    return connection.execute(statement, values).rowcount
