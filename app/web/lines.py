"""Rows as queries of pages return them: named columns, read by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import Row

Line: TypeAlias = Row[*tuple[Any, ...]]
"""One row of a query made for a page."""

Rows: TypeAlias = Sequence[Line]
"""What a query made for a page returns."""
