"""The published and estimated shares that the city follows, read from data files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml


@cache
def mix(name: str) -> Mapping[str, Any]:
    """Return one data file of the city (industries, regions, names, mix); sources stand inside."""
    text = resources.files("app.demo").joinpath("data", f"{name}.yaml").read_text("utf-8")
    content: Mapping[str, Any] = yaml.safe_load(text)
    return content
