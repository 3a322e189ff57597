"""Transactions: committed whole, rolled back whole, and readers that cannot write."""

import threading

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app import db

notes = sa.Table("house_notes", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))


@pytest.fixture(autouse=True)
def _table(engine: Engine) -> None:
    with db.transaction(engine) as conn:
        notes.create(conn)


def count(engine: Engine) -> int:
    with db.read(engine) as conn:
        return conn.scalar(sa.select(sa.func.count()).select_from(notes)) or 0


def test_end_of_block_commits(engine: Engine) -> None:
    with db.transaction(engine) as conn:
        conn.execute(notes.insert().values(id=1))
    assert count(engine) == 1


def test_exception_rolls_back_data_and_tables(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), db.transaction(engine) as conn:
        conn.execute(notes.insert().values(id=1))
        conn.execute(text("CREATE TABLE house_half (id INTEGER)"))
        raise ZeroDivisionError
    assert count(engine) == 0
    assert not sa.inspect(engine).has_table("house_half")


def test_reader_refuses_to_write_and_the_next_writer_may(engine: Engine) -> None:
    with pytest.raises(DBAPIError), db.read(engine) as conn:
        conn.execute(notes.insert().values(id=1))
    with db.transaction(engine) as conn:
        conn.execute(notes.insert().values(id=1))
    assert count(engine) == 1


def test_reader_sees_one_moment(engine: Engine) -> None:
    with db.read(engine) as before:
        select = sa.select(sa.func.count()).select_from(notes)
        assert before.scalar(select) == 0
        with db.transaction(engine) as conn:
            conn.execute(notes.insert().values(id=1))
        assert before.scalar(select) == 0
    assert count(engine) == 1


def test_writers_wait_for_each_other(engine: Engine) -> None:
    """Read-then-write in every thread: none fails with a locked database, none is lost."""

    def work(first: int) -> None:
        for number in range(first, first + 10):
            with db.transaction(engine) as conn:
                conn.execute(sa.select(sa.func.count()).select_from(notes)).scalar_one()
                conn.execute(notes.insert().values(id=number))

    threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(engine) == 40


def test_sqlite_is_durable_and_strict(sqlite_engine: Engine) -> None:
    with db.read(sqlite_engine) as conn:
        assert conn.scalar(text("PRAGMA journal_mode")) == "wal"
        assert conn.scalar(text("PRAGMA synchronous")) == 2
        assert conn.scalar(text("PRAGMA foreign_keys")) == 1
        assert conn.scalar(text("PRAGMA recursive_triggers")) == 1


def test_other_engines_are_refused() -> None:
    with pytest.raises(db.UnsupportedDatabaseError, match="mysql"):
        db.make_engine("mysql://localhost/x")
