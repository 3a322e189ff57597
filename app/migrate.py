"""Migrations without a configuration file: `upgrade`, `downgrade`, and writing a new revision.

`python -m app.migrate "what changes"` writes a revision that leads from the newest one to the
tables in the code, with the triggers and functions of both engines (`make migration M='…'`).
"""

import importlib
import re
import sys
import tempfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.config import Config
from alembic.operations import MigrateOperation, Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import ExecutableDDLElement

from app import db

PACKAGES = ("ledger", "policies", "matching", "app")
DIALECTS = ("sqlite", "postgresql")


def metadatas() -> list[MetaData]:
    """The tables of each package that has any, lowest package first."""
    return [
        importlib.import_module(f"{package}.tables").metadata
        for package in PACKAGES
        if find_spec(f"{package}.tables")
    ]


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to a revision, all steps in one transaction."""
    with db.transaction(engine) as conn:
        command.upgrade(config(conn), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the database back to a revision; `base` leaves it empty."""
    with db.transaction(engine) as conn:
        command.downgrade(config(conn), revision)


def current(conn: Connection) -> str | None:
    """The revision this database stands at, or None before the first."""
    from alembic.migration import MigrationContext

    return MigrationContext.configure(conn).get_current_revision()


def head() -> str | None:
    """The newest revision in the code, or None while there is none."""
    return ScriptDirectory.from_config(config()).get_current_head()


def create_all(conn: Connection) -> None:
    """Make every table straight from the code; for tests, before the first revision."""
    for metadata in metadatas():
        metadata.create_all(conn)


def config(conn: Connection | None = None) -> Config:
    """The configuration alembic wants, made in memory."""
    made = Config()
    made.set_main_option("script_location", str(_scripts()).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = conn
    return made


def _scripts() -> Path:
    """The folder of migrations: inside the package when installed, else at the root."""
    package = Path(__file__).resolve().parent
    inside = package / "alembic"
    return inside if inside.is_dir() else package.parent / "alembic"


# --- triggers and functions, which autogeneration does not see --------------------------------


def extra_ddl(dialect: str, tables: Iterable[str] | None = None) -> list[str]:
    """The statements that listeners add around CREATE TABLE on one engine, in order.

    Args:
        dialect: `sqlite` or `postgresql`.
        tables: names of the tables wanted; None means all, with what hangs on the metadata as well.
    """
    wanted = None if tables is None else set(tables)
    found: list[str] = []
    for metadata in metadatas():
        chosen = [t for t in metadata.sorted_tables if wanted is None or t.name in wanted]
        if not chosen:
            continue
        found += _statements(metadata, metadata.dispatch.before_create, dialect)
        for table in chosen:
            found += _statements(table, table.dispatch.before_create, dialect)
            found += _statements(table, table.dispatch.after_create, dialect)
        found += _statements(metadata, metadata.dispatch.after_create, dialect)
    return list(dict.fromkeys(found))


def _statements(target: Table | MetaData, listeners: Iterable[Any], dialect: str) -> list[str]:
    compiler = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}[dialect]()
    found = []
    for listener in listeners:
        if not isinstance(listener, ExecutableDDLElement):
            continue
        ddl = listener.against(target)
        condition = ddl._ddl_if  # noqa: SLF001 - the only place SQLAlchemy keeps it
        if condition is not None and not _applies(condition.dialect, dialect):
            continue
        text = str(ddl.compile(dialect=compiler)).strip()
        # PostgreSQL's compiler doubles every percent sign for its driver; here it is plain text.
        found.append(text.replace("%%", "%") if dialect == "postgresql" else text)
    return found


def _applies(limit: Any, dialect: str) -> bool:
    if limit is None:
        return True
    return dialect == limit if isinstance(limit, str) else dialect in limit


@Operations.register_operation("run_on")
class RunOn(MigrateOperation):
    """A statement for one engine alone: `op.run_on("sqlite", "CREATE TRIGGER …")`."""

    def __init__(self, dialect: str, statement: str) -> None:
        self.dialect = dialect
        self.statement = statement

    @classmethod
    def run_on(cls, operations: Operations, dialect: str, statement: str) -> None:
        """Run the statement if the migration runs on that engine."""
        operations.invoke(cls(dialect, statement))


@Operations.implementation_for(RunOn)
def _run_on(operations: Operations, operation: RunOn) -> None:
    conn = operations.get_bind()
    if conn.dialect.name == operation.dialect:
        # Straight to the driver: a trigger body may hold colons that are no parameters.
        conn.exec_driver_sql(operation.statement.replace("%", _percent(conn)))


def _percent(conn: Connection) -> str:
    return "%%" if conn.dialect.paramstyle in {"format", "pyformat"} else "%"


@renderers.dispatch_for(RunOn)
def _render_run_on(_context: AutogenContext, operation: RunOn) -> str:
    text = operation.statement.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'op.run_on(\n    "{operation.dialect}",\n    """{text}\n""",\n)'


def drop_functions(statements: Iterable[str]) -> list[str]:
    """The statements that take away the PostgreSQL functions which the given ones make."""
    pattern = re.compile(r"CREATE\s+(?:OR\s+REPLACE\s+)?FUNCTION\s+([\w.]+)", re.IGNORECASE)
    names = [m.group(1) for s in statements for m in pattern.finditer(s)]
    return [f"DROP FUNCTION IF EXISTS {name}" for name in names]


def write_revision(message: str) -> None:
    """Compare the newest revision with the tables in the code and write what is missing."""
    with tempfile.TemporaryDirectory() as folder:
        engine = db.make_engine(f"sqlite:///{folder}/compare.db")
        upgrade(engine)
        with db.transaction(engine) as conn:
            command.revision(config(conn), message, autogenerate=True)
        engine.dispose()


if __name__ == "__main__":
    write_revision(sys.argv[1])
