"""Many rows into one table by the quickest safe path of each engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, insert


def stored(connection: Connection, column: Column[Any], value: Any) -> Any:
    """Return a value as the driver of this engine takes it, for use with ``insert_rows``."""
    kind = column.type.dialect_impl(connection.dialect)
    processor = kind.bind_processor(connection.dialect)
    return value if processor is None else processor(value)


def fetch_rows(connection: Connection, query: Select[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a query without parameters as plain tuples, as the driver gives them."""
    compiled = query.compile(dialect=connection.dialect)
    assert not compiled.params, "parameters would need their conversion"
    driver = connection.connection.driver_connection
    assert driver is not None, "the connection is open"
    cursor = driver.cursor()
    try:
        cursor.execute(str(compiled))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    finally:
        cursor.close()
    return rows


def storer(
    connection: Connection, table: Table, columns: Sequence[str]
) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Return what turns a row of values into stored ones, for use with ``insert_rows``."""
    processors = [
        table.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        for name in columns
    ]

    def convert(row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(
            value if processor is None else processor(value)
            for value, processor in zip(row, processors, strict=True)
        )

    return convert


def insert_rows(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Insert tuples of stored values: ``COPY`` on PostgreSQL, ``executemany`` elsewhere."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, rows)
        return
    statement = insert(table).values(dict.fromkeys(columns))
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(columns))
    assert compiled.positiontup is not None, "the driver takes parameters by position"
    places = [list(columns).index(name) for name in compiled.positiontup]
    ordered = rows if places == sorted(places) else [tuple(r[i] for i in places) for r in rows]
    connection.exec_driver_sql(str(compiled), list(ordered))


def _copy(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    driver = connection.connection.driver_connection
    assert driver is not None, "the connection is open"
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {quote(table.name)} ({names}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
