"""Tables that only ever grow: triggers that make both databases refuse every change."""

from __future__ import annotations

from sqlalchemy import DDL, Column, Table, UniqueConstraint, event

_POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION hqt_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'integrity_constraint_violation';
END $body$
"""


def append_only(table: Table) -> Table:
    """Attach the refusing triggers to a table, to be created right after it; return the table."""
    for dialect in ("sqlite", "postgresql"):
        for statement in append_only_statements(table, dialect):
            escaped = statement.replace("%", "%%")
            event.listen(table, "after_create", DDL(escaped).execute_if(dialect=dialect))
    return table


def append_only_statements(table: Table, dialect: str) -> list[str]:
    """Return the statements that make a table append-only, for ``sqlite`` or ``postgresql``.

    SQLite's ``INSERT OR REPLACE`` deletes without firing delete triggers unless a pragma is set,
    so an insert that meets an existing key is refused as well. PostgreSQL's ``TRUNCATE`` has a
    trigger of its own.
    """
    if dialect == "postgresql":
        return _postgres(table.name)
    return _sqlite(table)


def drop_statements(table: Table, dialect: str) -> list[str]:
    """Return the statements that take the protection away again (migrations, repair drills)."""
    if dialect == "postgresql":
        return [
            f"DROP TRIGGER IF EXISTS {table.name}_append_only ON {table.name}",
            f"DROP TRIGGER IF EXISTS {table.name}_no_truncate ON {table.name}",
        ]
    return [
        f"DROP TRIGGER IF EXISTS {table.name}_no_{kind}" for kind in ("update", "delete", "replace")
    ]


def _postgres(name: str) -> list[str]:
    return [
        _POSTGRES_FUNCTION,
        (
            f"CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE ON {name} "
            "FOR EACH ROW EXECUTE FUNCTION hqt_refuse_change()"
        ),
        (
            f"CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION hqt_refuse_change()"
        ),
    ]


def _sqlite(table: Table) -> list[str]:
    name = table.name
    refuse = f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
    taken = " OR ".join(_exists(name, key) for key in _keys(table))
    return [
        f"CREATE TRIGGER {name}_no_update BEFORE UPDATE ON {name} {refuse}",
        f"CREATE TRIGGER {name}_no_delete BEFORE DELETE ON {name} {refuse}",
        f"CREATE TRIGGER {name}_no_replace BEFORE INSERT ON {name} WHEN {taken} {refuse}",
    ]


def _exists(name: str, key: list[Column[object]]) -> str:
    same = " AND ".join(f"{column.name} = NEW.{column.name}" for column in key)
    return f"EXISTS (SELECT 1 FROM {name} WHERE {same})"  # noqa: S608 - names of our own tables


def _keys(table: Table) -> list[list[Column[object]]]:
    """Return the primary key and every unique key, in the order they were declared."""
    keys = [list(table.primary_key.columns)]
    keys += [[column] for column in table.columns if column.unique]
    unique = [item for item in table.constraints if isinstance(item, UniqueConstraint)]
    keys += sorted(
        (list(item.columns) for item in unique if len(item.columns) > 1),
        key=lambda columns: [column.name for column in columns],
    )
    return keys
