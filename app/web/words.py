"""The words of the interface: Chinese as written in the templates, and their English.

``words.tsv`` has one phrase a line: the Chinese, a tab, the English. Only words of the interface
live there. What policies, departments and enterprises are called comes from data.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("words.tsv")


@cache
def english() -> dict[str, str]:
    """Return the English for each Chinese phrase a template passes to ``t``."""
    rows = (line.split("\t") for line in FILE.read_text(encoding="utf-8").splitlines() if line)
    return {row[0]: row[1] for row in rows}


def translator(language: str) -> Callable[[str], str]:
    """Return the function templates call as ``t``: the phrase itself, or its English."""
    if language == "en":
        words = english()
        return lambda phrase: words.get(phrase, phrase)
    return lambda phrase: phrase
