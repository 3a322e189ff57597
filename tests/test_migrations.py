"""Migrations lead exactly to the tables in the code, and back, on both engines and with data."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.engine import URL

from app import db, migrate
from tests import databases, filling


@pytest.fixture(params=["sqlite", "postgres"])
def bare_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without a single table."""
    if request.param == "sqlite":
        engine = db.make_engine(f"sqlite:///{tmp_path / 'bare.db'}")
        yield engine
        engine.dispose()
        return
    server: URL = request.getfixturevalue("postgres_server")
    with databases.postgres_copy(server, "template0") as url:
        engine = db.make_engine(url.render_as_string(hide_password=False))
        yield engine
        engine.dispose()


def difference(conn: Connection) -> list[Any]:
    context = MigrationContext.configure(conn, opts={"target_metadata": migrate.metadatas()})
    return list(compare_metadata(context, migrate.metadatas()))  # type: ignore[arg-type]


def trigger_names(conn: Connection) -> set[str]:
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if conn.dialect.name == "sqlite"
        else "SELECT tgname || ' on ' || tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal"
    )
    return set(conn.exec_driver_sql(query).scalars())


def test_head_equals_the_tables(bare_engine: Engine) -> None:
    migrate.upgrade(bare_engine)
    with db.read(bare_engine) as conn:
        assert migrate.current(conn) == migrate.head()
        assert difference(conn) == []


def test_head_has_every_trigger(bare_engine: Engine) -> None:
    with db.transaction(bare_engine) as conn:
        migrate.create_all(conn)
        wanted = trigger_names(conn)
        for metadata in reversed(migrate.metadatas()):
            metadata.drop_all(conn)
    migrate.upgrade(bare_engine)
    with db.read(bare_engine) as conn:
        assert trigger_names(conn) == wanted


def test_there_and_back_and_there_again(bare_engine: Engine) -> None:
    migrate.upgrade(bare_engine)
    migrate.downgrade(bare_engine, "base")
    assert set(sa.inspect(bare_engine).get_table_names()) <= {"alembic_version"}
    migrate.upgrade(bare_engine)
    with db.read(bare_engine) as conn:
        assert difference(conn) == []


def test_upgrade_keeps_the_data(bare_engine: Engine) -> None:
    """Each revision in turn is filled as far as its tables allow, then the next one follows."""
    scripts = ScriptDirectory.from_config(migrate.config())
    revisions = [script.revision for script in reversed(list(scripts.walk_revisions()))]
    written: dict[str, int] = {}
    for revision in revisions:
        migrate.upgrade(bare_engine, revision)
        reflected = MetaData()
        reflected.reflect(bare_engine)
        with db.transaction(bare_engine) as conn:
            written |= filling.fill(conn, reflected, skip={*written, "alembic_version"})
    assert len(written) > len(reflected.tables) / 4
    with db.read(bare_engine) as conn:
        for name, rows in written.items():
            table = reflected.tables.get(name)
            if table is not None:
                assert conn.scalar(sa.select(sa.func.count()).select_from(table)) == rows, name
