"""The words of the interface: Chinese as written in the templates, and their English.

Only words of the interface live here. What policies, departments and enterprises are called comes
from data and stays in its own language.
"""

from __future__ import annotations

from collections.abc import Callable

EN: dict[str, str] = {}
"""English for each Chinese phrase a template passes to ``t``."""


def translator(language: str) -> Callable[[str], str]:
    """Return the function templates call as ``t``: the phrase itself, or its English."""
    if language == "en":
        return lambda phrase: EN.get(phrase, phrase)
    return lambda phrase: phrase
