"""The unified social credit code (统一社会信用代码, GB 32100-2015): cleaning, checking, making.

18 characters: registering authority, kind of body, division of first registration, the nine
characters of the organisation code (GB 11714) and a check character. The first character may be a
letter (A, N, Y). The arithmetic is done here because a city's codes are checked by the hundred
thousand; a test holds it against python-stdnum.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from operator import mul

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""Digits and letters without I, O, S, V, Z."""

LENGTH = 18

_SHAPE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}", re.ASCII)
_PLAIN = re.compile(r"[0-9A-Z]*", re.ASCII)
_IGNORED = re.compile(r"[\s\-‐-―'`’]+")
_VALUES = {char: value for value, char in enumerate(ALPHABET)}
_WEIGHTS = tuple(pow(3, place, 31) for place in range(LENGTH - 1))
_BODY_VALUES = {char: int(char, 36) for char in ALPHABET}
_BODY_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


class ProblemKind(StrEnum):
    """What may be wrong with a code."""

    MISSING = "missing"
    LENGTH = "length"
    CHARACTERS = "characters"
    CHECK = "check"
    ORGANISATION_CHECK = "organisation_check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with a code; ``fatal`` means that it names nobody."""

    kind: ProblemKind
    expected: str
    fatal: bool = True


def clean(text: str) -> str:
    """Return a code as it should be written: half width, upper case, no blanks or hyphens."""
    if len(text) == LENGTH and _PLAIN.fullmatch(text):
        return text
    return _IGNORED.sub("", unicodedata.normalize("NFKC", text)).upper()


def check(text: str) -> tuple[Problem, ...]:
    """Return what is wrong with a code, cleaned first; an empty tuple when nothing is.

    A wrong GB 11714 character inside a code that is right as a whole only warns: such codes were
    really issued. The division in the code is that of first registration and is not judged.
    """
    code = clean(text)
    if not code:
        return (Problem(kind=ProblemKind.MISSING, expected="18 位统一社会信用代码"),)
    if len(code) != LENGTH:
        expected = f"18 位统一社会信用代码（现为 {len(code)} 位）"
        return (Problem(kind=ProblemKind.LENGTH, expected=expected),)
    if not _SHAPE.fullmatch(code):
        expected = "数字和大写字母（不含 I、O、S、V、Z）, 第 3 至 8 位为数字"
        return (Problem(kind=ProblemKind.CHARACTERS, expected=expected),)
    wanted = check_character(code[:17])
    if code[17] != wanted:
        expected = f"校验位与前 17 位相符（按前 17 位应为 {wanted}）"
        return (Problem(kind=ProblemKind.CHECK, expected=expected),)
    own = organisation_check_character(code[8:16])
    if code[16] != own:
        expected = f"主体标识码校验位 {own}（GB 11714）"
        return (Problem(kind=ProblemKind.ORGANISATION_CHECK, expected=expected, fatal=False),)
    return ()


def is_valid(text: str) -> bool:
    """Whether a code, cleaned, can name an enterprise."""
    return not any(problem.fatal for problem in check(text))


def check_character(first: str) -> str:
    """Return the 18th character for the first 17."""
    assert len(first) == LENGTH - 1, first
    total = sum(map(mul, map(_VALUES.__getitem__, first), _WEIGHTS))
    return ALPHABET[-total % 31]


def organisation_check_character(first: str) -> str:
    """Return the ninth character of an organisation code for its first eight (GB 11714)."""
    assert len(first) == len(_BODY_WEIGHTS), first
    total = sum(map(mul, map(_BODY_VALUES.__getitem__, first), _BODY_WEIGHTS))
    return "0123456789X0"[11 - total % 11]


def make(*, authority: str, division: str, body: str) -> str:
    """Make a valid code from its parts.

    ``authority`` is the two leading characters (``91`` a company, ``92`` a household business),
    ``division`` six digits, ``body`` the first eight characters of the organisation code.
    """
    first = f"{authority}{division}{body}{organisation_check_character(body)}"
    code = first + check_character(first)
    assert _SHAPE.fullmatch(code), code
    return code
