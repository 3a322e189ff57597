"""Settings, the clock and log lines."""

import datetime as dt
import io
import json
import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from app import clock, logs
from app.settings import Settings


def test_environment_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings().url == f"sqlite:///{tmp_path / 'var' / 'huiqitong.db'}"
    monkeypatch.setenv("HQT_DATABASE_URL", "postgresql://somewhere/hqt")
    monkeypatch.setenv("HQT_BIND", "[::1]:9000")
    settings = Settings()
    assert (settings.url, settings.host, settings.port) == (
        "postgresql://somewhere/hqt",
        "::1",
        9000,
    )


def test_settings_file_in_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("HQT_LOG_JSON=true\n", encoding="utf-8")
    assert Settings().log_json


def test_signing_key_is_made_once_and_private(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    key = settings.signing_key()
    assert len(key) >= 48
    assert Settings(home=tmp_path / "home").signing_key() == key
    mode = (tmp_path / "home" / "secret.key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert [f.name for f in settings.home.iterdir()] == ["secret.key"]


def test_a_given_key_leaves_no_file(settings: Settings) -> None:
    assert settings.signing_key() == "test-key"
    assert not settings.home.exists()
    assert "test-key" not in repr(settings)


def test_days_are_those_of_shanghai() -> None:
    late = dt.datetime(2026, 10, 31, 16, 30, tzinfo=dt.UTC)
    assert clock.day_of(late) == dt.date(2026, 11, 1)
    assert clock.now().utcoffset() == dt.timedelta(hours=8)


def test_a_fixed_day_keeps_the_time_of_day() -> None:
    fixed = dt.date(2026, 10, 31)
    assert clock.today(fixed=fixed) == fixed
    assert clock.now(fixed=fixed).date() == fixed
    assert clock.now(fixed=fixed).tzinfo is not None


@pytest.fixture
def kept_logging() -> Iterator[None]:
    """Logging as it was, afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_log_lines_for_machines(kept_logging: None, settings: Settings) -> None:
    out = io.StringIO()
    logs.configure(settings.model_copy(update={"log_json": True}), out)
    structlog.get_logger().info("claim_approved", claim="C1", note="同意")
    structlog.get_logger().debug("unheard")
    logging.getLogger("other").warning("from a library")
    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert (first["event"], first["claim"], first["note"]) == ("claim_approved", "C1", "同意")
    assert (second["event"], second["level"]) == ("from a library", "warning")


def test_log_lines_for_people(kept_logging: None, settings: Settings) -> None:
    out = io.StringIO()
    logs.configure(settings, out)
    structlog.get_logger().info("claim_approved", claim="C1")
    assert "claim_approved" in out.getvalue()
    assert "claim=C1" in out.getvalue()
