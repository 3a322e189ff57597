"""Money as whole fen: the one place that converts, rounds and shows it."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NewType

Fen = NewType("Fen", int)
"""An amount in fen (1/100 yuan), a whole number, never a float."""

FEN_LIMIT = 900_000_000_000_000
"""Largest magnitude accepted anywhere (9 trillion yuan), so that sums stay inside 64 bits."""

_UNITS = {
    "": 100,
    "元": 100,
    "万": 1_000_000,
    "万元": 1_000_000,
    "百万元": 100_000_000,
    "千万元": 1_000_000_000,
    "亿": 10_000_000_000,
    "亿元": 10_000_000_000,
    "分": 1,
}
_WRITTEN = re.compile(r"^\s*([+-]?)([0-9][0-9,]*)(?:\.([0-9]+))?\s*([百千]?万元?|亿元?|元|分)?\s*$")


class MoneyError(ValueError):
    """A text that is not an exact amount of fen."""

    def __init__(self, text: str) -> None:
        super().__init__(f"不是有效金额: {text!r}; 应写作 12.30、2000万元 或 1.5亿元, 且精确到分")


class Rounding(StrEnum):
    """How a fraction of a fen (or of a yuan) is dropped; the rule is always named."""

    DOWN_FEN = "down_fen"
    HALF_UP_FEN = "half_up_fen"
    DOWN_YUAN = "down_yuan"
    HALF_UP_YUAN = "half_up_yuan"
    DOWN_HUNDRED_YUAN = "down_hundred_yuan"


_STEP_FEN = {
    Rounding.DOWN_FEN: 1,
    Rounding.HALF_UP_FEN: 1,
    Rounding.DOWN_YUAN: 100,
    Rounding.HALF_UP_YUAN: 100,
    Rounding.DOWN_HUNDRED_YUAN: 10_000,
}


def fen(text: str | int, *, unit: str = "") -> Fen:
    """Read an amount: ``"12.30"`` (yuan), ``"2000万元"``, ``"1.5亿元"``, or an int of yuan.

    ``unit`` is used when the text names none. Thousands commas are allowed. Raises MoneyError
    when the text is not a number, has less than a fen, or passes FEN_LIMIT.
    """
    match = _WRITTEN.match(str(text))
    if match is None:
        raise MoneyError(str(text))
    sign, whole, decimals, own_unit = match.groups()
    scale = _UNITS[own_unit or unit]
    number = Fraction(int(whole.replace(",", "")))
    if decimals:
        number += Fraction(int(decimals), 10 ** len(decimals))
    amount = number * scale
    if amount.denominator != 1 or amount > FEN_LIMIT:
        raise MoneyError(str(text))
    return Fen(-int(amount) if sign == "-" else int(amount))


def rounded(amount: Fraction, rule: Rounding) -> Fen:
    """Round an exact amount of fen by the named rule; amounts are never negative here."""
    assert amount >= 0, "round only amounts that are not negative"
    step = _STEP_FEN[rule]
    steps = amount / step
    if rule.value.startswith("half_up"):
        steps += Fraction(1, 2)
    return Fen((steps.numerator // steps.denominator) * step)


def share(amount: int, ratio: Fraction, rule: Rounding = Rounding.DOWN_FEN) -> Fen:
    """Return ``ratio`` of an amount, rounded by the named rule."""
    return rounded(amount * ratio, rule)


def split(amount: int, weights: tuple[int, ...]) -> tuple[Fen, ...]:
    """Split an amount by whole weights so that the parts always sum to it (largest remainder)."""
    total = sum(weights)
    assert total > 0, "weights must not all be zero"
    assert min(weights) >= 0, "weights are not negative"
    parts = [amount * weight // total for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
    for i in order[: amount - sum(parts)]:
        parts[i] += 1
    return tuple(Fen(part) for part in parts)


def yuan(amount: int) -> str:
    """Write fen as yuan with two decimals and no separators: ``1234.50`` (files, books)."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def decimal_yuan(amount: int) -> Decimal:
    """Return fen as an exact Decimal of yuan (for XLSX cells and XML)."""
    return Decimal(amount).scaleb(-2)


def display(amount: int) -> str:
    """Write fen for people: ``¥1,234.50``; whole ten-thousands from 1 万 up as ``12.5万元``."""
    if amount and abs(amount) >= 1_000_000 and amount % 10_000 == 0:
        sign = "-" if amount < 0 else ""
        whole, rest = divmod(abs(amount), 1_000_000)
        decimals = f"{rest // 10_000:02d}".rstrip("0")
        return f"{sign}{whole:,}" + (f".{decimals}" if decimals else "") + "万元"
    sign = "-" if amount < 0 else ""
    return f"{sign}¥{abs(amount) // 100:,}.{abs(amount) % 100:02d}"
