"""What is odd in data we were given: values, collected and shown, never raised."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found in a file, a row or a request."""

    code: str
    """Stable name of the rule, such as ``amount`` or ``unknown-purse``."""
    message: str
    """In Chinese: which field, what was found, what was expected."""
    where: str
    """File and row, application number or other place."""
