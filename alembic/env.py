"""Run by alembic: which tables there are and which connection to use (see app/migrate.py)."""

from collections.abc import Iterable
from typing import Any

from alembic import context
from alembic.operations import ops
from sqlalchemy.types import TypeDecorator

from app import migrate


def add_extra_ddl(_context: Any, _revision: Any, directives: list[ops.MigrationScript]) -> None:
    """Put triggers and functions of newly created tables beside the tables."""
    script = directives[0]
    if script.upgrade_ops is None or script.downgrade_ops is None:
        return
    created = [op.table_name for op in script.upgrade_ops.ops if isinstance(op, ops.CreateTableOp)]
    if not created:
        return
    for dialect in migrate.DIALECTS:
        statements = migrate.extra_ddl(dialect, created)
        script.upgrade_ops.ops.extend(run_on(dialect, statements))
        if dialect == "postgresql":
            script.downgrade_ops.ops.extend(run_on(dialect, migrate.drop_functions(statements)))


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """Write our own column types as the plain types they are kept in."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


def run_on(dialect: str, statements: Iterable[str]) -> list[migrate.RunOn]:
    return [migrate.RunOn(dialect, statement) for statement in statements]


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=migrate.metadatas(),
    compare_server_default=False,
    render_item=render_item,
    process_revision_directives=add_extra_ddl,
    # SQLite cannot alter a column in place; alembic then rebuilds the table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
