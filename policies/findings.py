"""What is odd in a policy file: findings are values, listed and shown, never raised."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding weighs: errors stop a publication."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding; ``line`` counts from 1, 0 where there is none.

    ``code`` is documented in docs/lint.md. ``key``, ``found`` and ``expected`` are given where
    the file itself cannot be read.
    """

    code: str
    level: Level
    message: str
    file: str = ""
    line: int = 0
    benefit: str = ""
    clause: str = ""
    key: str = ""
    found: str = ""
    expected: str = ""

    def order(self) -> tuple[str, int, str, str, str]:
        """Return what findings are sorted by."""
        return (self.file, self.line, self.benefit, self.code, self.message)
