"""The amount language: what one firm gets, as a tree that is computed exactly and explained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as attribute
from enum import StrEnum
from typing import TypeAlias

from ledger.money import Rounding
from policies.criteria import Bounds, Criterion
from policies.values import Period, Quantity, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldBase:
    """A field's value as the base of a computation."""

    field: str
    period: Period | None = None
    line: int = attribute(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """A stated sum."""

    money: Quantity
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share of a base, rounded down to the yuan unless said otherwise."""

    rate: Quantity
    of: Base
    rounding: Rounding = Rounding.DOWN_YUAN
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerUnit:
    """A sum for each unit (person, patent, square metre) of a base."""

    each: Quantity
    of: Base
    rounding: Rounding = Rounding.DOWN_FEN
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a tier table: within these bounds of the base, this amount."""

    bounds: Bounds
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """The amount of the step that the base falls into; nothing where no step holds it."""

    by: Base
    steps: tuple[Step, ...]
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The part of the base from ``start`` up to ``below``, at one rate."""

    start: Quantity
    below: Quantity | None
    rate: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """Marginal slices: each part of the base at its own rate, added up."""

    by: Base
    slices: tuple[Slice, ...]
    rounding: Rounding = Rounding.DOWN_YUAN
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One line of a matrix."""

    when: Criterion
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose:
    """The amount of the first branch whose criterion is met; ``otherwise``, else nothing."""

    branches: tuple[Branch, ...]
    otherwise: Amount | None = None
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """All parts added up."""

    of: tuple[Amount, ...]
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowest:
    """The smallest of the parts."""

    of: tuple[Base, ...]
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Highest:
    """The largest of the parts."""

    of: tuple[Base, ...]
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minus:
    """The first part less the others, never below zero."""

    of: tuple[Base, ...]
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByParameter:
    """A dated local value, times a base where one is given."""

    parameter: str
    of: Base | None = None
    rounding: Rounding = Rounding.DOWN_YUAN
    label: Text | None = None
    clause: str = ""
    line: int = attribute(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtMost:
    """An amount under a ceiling."""

    amount: Base
    cap: Quantity
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAmount:
    """An amount people decide, between two sums (``high`` None: no ceiling stated)."""

    text: str
    low: Quantity
    high: Quantity | None
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relief:
    """A tax or fee relief taken on filing: explained and estimated, never payable."""

    note: Text
    estimate: Amount | None = None
    label: Text | None = None
    clause: str = ""


Amount: TypeAlias = (
    Fixed
    | Rate
    | PerUnit
    | Tiers
    | Slices
    | Choose
    | Sum
    | Lowest
    | Highest
    | Minus
    | ByParameter
    | AtMost
    | OpenAmount
    | Relief
)
Base: TypeAlias = FieldBase | Amount


class CapScope(StrEnum):
    """What a cap adds up over."""

    FIRM_YEAR = "firm_year"
    FIRM_TOTAL = "firm_total"
    PROJECT = "project"
    GROUP = "group"
    PROGRAMME_YEAR = "programme_year"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """A ceiling at one scope; FIRM_YEAR, FIRM_TOTAL and PROJECT bound one firm's award."""

    scope: CapScope
    amount: Quantity
    clause: str = ""


def parts(amount: Base) -> tuple[Base, ...]:
    """Return the direct parts of an amount, bases included, in the order written."""
    match amount:
        case Rate() | PerUnit():
            return (amount.of,)
        case ByParameter():
            return () if amount.of is None else (amount.of,)
        case Tiers():
            return (amount.by, *(step.amount for step in amount.steps))
        case Slices():
            return (amount.by,)
        case Choose():
            rest = () if amount.otherwise is None else (amount.otherwise,)
            return (*(branch.amount for branch in amount.branches), *rest)
        case Sum() | Lowest() | Highest() | Minus():
            return amount.of
        case AtMost():
            return (amount.amount,)
        case Relief():
            return () if amount.estimate is None else (amount.estimate,)
        case _:
            return ()


def walk(amount: Base) -> Iterator[Base]:
    """Yield an amount and all its parts, bases included."""
    yield amount
    for part in parts(amount):
        yield from walk(part)


def conditions(amount: Base) -> Iterator[Criterion]:
    """Yield the criteria that choose between branches."""
    for part in walk(amount):
        if isinstance(part, Choose):
            yield from (branch.when for branch in part.branches)
