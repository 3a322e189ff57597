"""What every verb needs: settings, the engine, the day, and one way to print an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import typer
from rich.console import Console
from sqlalchemy import Engine

from app import clock, installation
from app.db import make_engine, read
from app.settings import Settings

FINDINGS = 1
USAGE = 2
REFUSED = 3

out = Console()
err = Console(stderr=True)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()


@contextmanager
def database() -> Iterator[Engine]:
    """Yield the engine of this installation, and let go of it at the end."""
    settings().ensure_home()
    engine = make_engine(settings().url)
    try:
        yield engine
    finally:
        engine.dispose()


def working_day(engine: Engine, given: datetime | None) -> date:
    """Return the day given on the command line, else the day this installation works on."""
    if given is not None:
        return given.date()
    with read(engine) as connection:
        return installation.business_date(connection)


def instant(engine: Engine) -> datetime:
    """Return now, on the fixed day where the installation has one."""
    with read(engine) as connection:
        return clock.now(fixed=installation.business_date(connection))


def answer(value: Any, *, as_json: bool) -> None:
    """Print one JSON object for machines, or the same as lines for people."""
    if as_json:
        typer.echo(json.dumps(value, ensure_ascii=False, sort_keys=False, default=str))
        return
    for key, item in value.items():
        out.print(f"[bold]{key}[/bold]: {item}", highlight=False, soft_wrap=True)


def refuse(message: object, code: int = REFUSED) -> typer.Exit:
    """Say on stderr why something was refused and return the exit to raise."""
    err.print(f"[red]{message}[/red]", highlight=False, soft_wrap=True)
    return typer.Exit(code)
