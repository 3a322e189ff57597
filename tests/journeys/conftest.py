"""A finished demo city on each engine, built once per worker; tests get copies of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url

from app import db
from app.demo.run import build_demo
from app.settings import Settings
from tests import databases

FIRMS = 400
SEED = 7


@dataclass(frozen=True, slots=True)
class Demo:
    """A finished demo: its settings, its summary, and an engine on its database."""

    settings: Settings
    summary: dict[str, Any]
    engine: Engine

    @property
    def folder(self) -> Path:
        """The demo's folder with inbox, exchange, book and truth."""
        return self.settings.home / "demo"


@dataclass(frozen=True, slots=True)
class Built:
    """A finished demo to copy from."""

    home: Path
    url: str
    summary: dict[str, Any]


def _settings(home: Path, url: str) -> Settings:
    return Settings(_env_file=None, home=home, database_url=url, secret_key="test-key")  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def sqlite_demo(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A demo on the embedded database."""
    home = tmp_path_factory.mktemp("demo-sqlite")
    url = f"sqlite:///{home / 'huiqitong.db'}"
    summary = build_demo(_settings(home, url), firms=FIRMS, seed=SEED, fresh=False, quiet=True)
    return Built(home, url, summary)


@pytest.fixture(scope="session")
def postgres_demo(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: URL
) -> Iterator[Built]:
    """The same demo on PostgreSQL."""
    home = tmp_path_factory.mktemp("demo-postgres")
    with databases.postgres_copy(postgres_server, "template0") as made:
        url = made.render_as_string(hide_password=False)
        summary = build_demo(_settings(home, url), firms=FIRMS, seed=SEED, fresh=False, quiet=True)
        yield Built(home, url, summary)


@pytest.fixture(params=["sqlite", "postgres"])
def demo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Demo]:
    """A copy of the finished demo that the test may change, on both engines in turn."""
    built: Built = request.getfixturevalue(f"{request.param}_demo")
    home = tmp_path / "home"
    if request.param == "sqlite":
        checkpoint(built.url)
        shutil.copytree(built.home, home)
        url = f"sqlite:///{home / 'huiqitong.db'}"
        yield from _demo(home, url, built.summary)
        return
    shutil.copytree(built.home, home)
    server: URL = request.getfixturevalue("postgres_server")
    name = make_url(built.url).database
    assert name is not None
    with databases.postgres_copy(server, name) as made:
        yield from _demo(home, made.render_as_string(hide_password=False), built.summary)


def checkpoint(url: str) -> None:
    """Bring everything of a SQLite database into its one file, to be copied."""
    engine = db.make_engine(url)
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()


def _demo(home: Path, url: str, summary: dict[str, Any]) -> Iterator[Demo]:
    engine = db.make_engine(url)
    try:
        yield Demo(_settings(home, url), summary, engine)
    finally:
        engine.dispose()
