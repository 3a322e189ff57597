"""One run of the demo: where it is, what time it is there, and the figures it gathers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console
from sqlalchemy import Engine

from app import auth
from app.clock import SHANGHAI
from app.demo.city import DEMO_DAY
from app.demo.faults import Planted
from app.demo.truth import CityTruth
from app.settings import Settings

PASSWORD = "huiqitong2026"  # noqa: S105 - the demo prints it on its sign-in page


def moment(hour: int, minute: int = 0) -> datetime:
    """Return an instant of the demo's day."""
    return datetime.combine(DEMO_DAY, time(hour, minute), SHANGHAI)


@dataclass(slots=True)
class Course:
    """One run of the demo: where it is, and the figures it gathers."""

    settings: Settings
    engine: Engine
    firms: int
    seed: int
    console: Console
    figures: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    truth: CityTruth | None = None
    offers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    questions: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    planted: list[Planted] = field(default_factory=list)
    cuts: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The demo's own folder under the home of the installation."""
        return self.settings.home / "demo"

    @contextmanager
    def step(self, label: str) -> Iterator[None]:
        """Say what is being done, and how long it took."""
        started = perf_counter()
        with self.console.status(label):
            yield
        self.seconds[label] = round(perf_counter() - started, 2)
        self.console.print(f"[green]✓[/green] {label} ({self.seconds[label]:.1f} s)")


@lru_cache(maxsize=1)
def password_hash() -> str:
    """Hash the demo's one password once: it is printed on the sign-in page anyway."""
    return auth.hash_password(PASSWORD)
