"""Triggers and functions survive the way from the tables into a revision."""

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import DDL, Engine, MetaData, event
from sqlalchemy.exc import DBAPIError

from app import db, migrate

FUNCTION = """CREATE FUNCTION house_refuse() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION 'refused: 100 %% of %%', TG_TABLE_NAME; END $$ LANGUAGE plpgsql"""


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> MetaData:
    made = MetaData()
    table = sa.Table("house_frozen", made, sa.Column("id", sa.Integer, primary_key=True))
    sqlite = (
        "CREATE TRIGGER house_frozen_no_delete BEFORE DELETE ON %(table)s "
        "BEGIN SELECT RAISE(ABORT, 'refused: 100 %% of house_frozen'); END"
    )
    postgres = (
        "CREATE TRIGGER house_frozen_no_delete BEFORE DELETE ON %(table)s "
        "FOR EACH ROW EXECUTE FUNCTION house_refuse()"
    )
    function = FUNCTION.replace("100 %%", "100 %%%%").replace("of %%", "of %%")
    event.listen(made, "before_create", DDL(function).execute_if(dialect="postgresql"))
    event.listen(table, "after_create", DDL(sqlite).execute_if(dialect="sqlite"))
    event.listen(table, "after_create", DDL(postgres).execute_if(dialect="postgresql"))
    monkeypatch.setattr(migrate, "metadatas", lambda: [made])
    return made


def delete_is_refused(engine: Engine) -> None:
    with db.transaction(engine) as conn:
        conn.exec_driver_sql("INSERT INTO house_frozen VALUES (1)")
    with (
        pytest.raises(DBAPIError, match="refused: 100 % of house_frozen"),
        db.transaction(engine) as conn,
    ):
        conn.exec_driver_sql("DELETE FROM house_frozen")


def test_listeners_work_when_tables_are_created(engine: Engine, metadata: MetaData) -> None:
    with db.transaction(engine) as conn:
        metadata.create_all(conn)
    delete_is_refused(engine)


def test_a_revision_does_the_same(engine: Engine, metadata: MetaData) -> None:
    with db.transaction(engine) as conn:
        conn.exec_driver_sql("CREATE TABLE house_frozen (id INTEGER PRIMARY KEY)")
        op = Operations(MigrationContext.configure(conn))
        for dialect in migrate.DIALECTS:
            for statement in migrate.extra_ddl(dialect):
                op.invoke(migrate.RunOn(dialect, statement))
    delete_is_refused(engine)


def test_only_the_tables_asked_for(metadata: MetaData) -> None:
    assert migrate.extra_ddl("sqlite", ["other"]) == []
    assert len(migrate.extra_ddl("postgresql", ["house_frozen"])) == 2


def test_functions_are_dropped_on_the_way_back() -> None:
    assert migrate.drop_functions([FUNCTION, "CREATE TRIGGER x"]) == [
        "DROP FUNCTION IF EXISTS house_refuse"
    ]
