"""Engines and transactions: the only place that begins and commits.

Everything else receives a `Connection` and neither commits nor rolls back, so that a claim's state
and its ledger entries change together or not at all.

    engine = make_engine(settings.url)
    with transaction(engine) as conn:   # one per request or job step
        ...
    with read(engine) as conn:          # refuses to write, sees one moment
        ...

On SQLite a transaction takes the write lock at once (`BEGIN IMMEDIATE`): a writer waits at its
start and never fails half-way. On PostgreSQL a transaction is READ COMMITTED, and rows that must
not move are locked or guarded by a condition in the statement itself; a reader has one snapshot for
its whole span.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import StaticPool

BUSY_TIMEOUT_MS = 30_000

_READ = "hqt_read"


def make_engine(url: str) -> Engine:
    """Make the engine for a SQLite or PostgreSQL URL."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
        )
    if parsed.get_backend_name() != "sqlite":
        raise UnsupportedDatabaseError(parsed.get_backend_name())
    in_memory = parsed.database in (None, "", ":memory:")
    options: dict[str, Any] = (
        {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}} if in_memory else {}
    )
    engine = create_engine(parsed, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction that may write: committed at the end, rolled back on any exception."""
    with engine.connect() as conn, conn.begin():
        yield conn


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one moment of the database and refuses to write."""
    options: dict[str, Any] = {_READ: True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as conn:
        yield conn


class UnsupportedDatabaseError(ValueError):
    """The URL names an engine this system does not run on."""

    def __init__(self, name: str) -> None:
        super().__init__(f"不支持数据库 {name}; 请用 sqlite 或 postgresql")


def _prepare_sqlite(dbapi_connection: Any, _record: Any) -> None:
    """Take transaction control from the driver and set what each connection needs."""
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA recursive_triggers=ON")
    cursor.close()


def _begin_sqlite(conn: Connection) -> None:
    """Begin as the caller means to go on: readers with a snapshot, writers with the lock."""
    reading = bool(conn.get_execution_options().get(_READ))
    conn.exec_driver_sql(f"PRAGMA query_only={'ON' if reading else 'OFF'}")
    conn.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
