"""Exact arithmetic on values known only as a range; None is no bound."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

from matching.profiles import Interval

Number: TypeAlias = int | Fraction
Range: TypeAlias = tuple[Number | None, Number | None]


def as_range(value: object) -> Range | None:
    """Return the bounds of a number or interval; None for anything else (bool included)."""
    if isinstance(value, Interval):
        return value.low, value.high
    if isinstance(value, int | Fraction) and not isinstance(value, bool):
        return value, value
    return None


def from_range(bounds: Range) -> Number | Interval:
    """Return the number two equal bounds stand for, else an interval."""
    low, high = bounds
    if low is not None and low == high:
        return int(low) if low == int(low) else low
    return Interval(low=low, high=high)


def plus(one: Range, other: Range) -> Range:
    """Add."""
    low = None if one[0] is None or other[0] is None else one[0] + other[0]
    high = None if one[1] is None or other[1] is None else one[1] + other[1]
    return low, high


def minus(one: Range, other: Range) -> Range:
    """Subtract, as if the two were independent."""
    low = None if one[0] is None or other[1] is None else one[0] - other[1]
    high = None if one[1] is None or other[0] is None else one[1] - other[0]
    return low, high


def scaled(one: Range, factor: Number) -> Range:
    """Multiply by an exact factor that is not negative."""
    low = None if one[0] is None else one[0] * factor
    high = None if one[1] is None else one[1] * factor
    return low, high


def smallest(ranges: list[Range]) -> Range:
    """Return the range of the smallest of several values."""
    highs = [high for _, high in ranges if high is not None]
    low = None if any(low is None for low, _ in ranges) else min(r[0] for r in ranges)  # type: ignore[type-var]
    return low, min(highs) if highs else None


def largest(ranges: list[Range]) -> Range:
    """Return the range of the largest of several values."""
    lows = [low for low, _ in ranges if low is not None]
    high = None if any(high is None for _, high in ranges) else max(r[1] for r in ranges)  # type: ignore[type-var]
    return max(lows) if lows else None, high


def quotient(top: Range, base: Range) -> Range | None:
    """Divide by a base that is surely above zero; None when it may not be."""
    low, high = base
    if low is None or low <= 0:
        return None

    def divided(part: Number | None, *, down: bool) -> Number | None:
        if part is None:
            return None
        over = high if (part >= 0) == down else low
        return Fraction(0) if over is None else Fraction(part) / over

    return divided(top[0], down=True), divided(top[1], down=False)
