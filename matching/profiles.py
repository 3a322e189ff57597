"""What is known of one enterprise: values with source and date, and nothing guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value known only to lie between two bounds, both inclusive; None is no bound."""

    low: int | Fraction | None
    high: int | Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One entry of a register (a recognition, a blacklist line) that names the enterprise.

    ``valid_until`` is inclusive; None means the register states no end. ``removed_on`` is the
    first day the entry no longer counts.
    """

    listed_on: date
    valid_until: date | None = None
    removed_on: date | None = None
    level: str = ""
    certificate_no: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of a list the enterprise has many of (a hire, a loan, a project, a payout)."""

    key: str
    values: Mapping[str, int | Fraction | date | bool | str]


FactValue: TypeAlias = (
    int | Fraction | date | bool | str | Interval | tuple[Listing, ...] | tuple[Item, ...]
)
"""Money is fen, counts are whole, ratios are Fraction, codes and texts are str."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One value of one field for one period, with where it came from.

    ``period`` is None for fields that hold as of a day, the calendar year for yearly fields and
    ``year * 12 + month - 1`` for monthly ones. ``as_of`` is the day the source vouches for.
    ``others`` keeps the values that lost a conflict, newest first; ``disputed`` says that the
    enterprise objects to this one.
    """

    field: str
    period: int | None
    value: FactValue
    source: str
    as_of: date
    record_id: int | None = None
    disputed: bool = False
    others: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A delivered list: only a complete and fresh one makes absence a known no."""

    code: str
    complete: bool
    as_of: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Everything known of one enterprise at ``known_at``, as values only.

    ``facts`` maps (field code, period) to a fact. ``registers`` maps a list's code to its latest
    delivery, whether or not this enterprise is on it.
    """

    uscc: str
    name: str
    known_at: datetime | None
    facts: Mapping[tuple[str, int | None], Fact]
    registers: Mapping[str, Register] = field(default_factory=dict)


def month_period(day: date) -> int:
    """Return the period number of a day's month: year × 12 + month − 1."""
    return day.year * 12 + day.month - 1
