"""Fixtures that every test may use.

- `engine`: an empty migrated database; the test runs twice, as `[sqlite]` and as `[postgres]`.
- `sqlite_engine`: the same on SQLite alone, for what does not depend on the engine.
- `settings`: settings whose home is the test's own folder.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Engine
from sqlalchemy.engine import URL

from app import db
from app.settings import Settings
from tests import databases

# Two shared cores make deadlines a matter of luck.
hypothesis_settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile(
    "nightly",
    deadline=None,
    max_examples=2_000,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_configure(config: pytest.Config) -> None:
    """Give the run one folder for its PostgreSQL server, known to all workers."""
    if not hasattr(config, "workerinput"):
        os.environ[databases.FOLDER_VARIABLE] = str(databases.new_folder())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server when the whole run is over."""
    if not hasattr(config, "workerinput") and databases.FOLDER_VARIABLE in os.environ:
        databases.stop(Path(os.environ.pop(databases.FOLDER_VARIABLE)))


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the machine must not leak into a test."""
    for name in [n for n in os.environ if n.startswith("HQT_") and not n.startswith("HQT_TEST_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a home of the test's own and a fixed key."""
    return Settings(_env_file=None, home=tmp_path / "home", secret_key="test-key")  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, made once per worker."""
    return databases.make_sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_server() -> URL:
    """The PostgreSQL server of this run."""
    return databases.server_url()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: URL) -> str:
    """The name of a migrated database on that server."""
    return databases.make_postgres_template(
        postgres_server, Path(os.environ[databases.FOLDER_VARIABLE])
    )


@pytest.fixture
def sqlite_engine(sqlite_template: Path, tmp_path: Path) -> Iterator[Engine]:
    """An empty migrated SQLite database."""
    file = tmp_path / "test.db"
    shutil.copyfile(sqlite_template, file)
    engine = db.make_engine(f"sqlite:///{file}")
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_engine(postgres_server: URL, postgres_template: str) -> Iterator[Engine]:
    """An empty migrated PostgreSQL database."""
    with databases.postgres_copy(postgres_server, postgres_template) as url:
        engine = db.make_engine(url.render_as_string(hide_password=False))
        yield engine
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """An empty migrated database, on both engines in turn."""
    made = request.getfixturevalue(f"{request.param}_engine")
    assert isinstance(made, Engine)
    return made
