"""The criteria language: closed, typed, three-valued; what it means stands in docs/criteria.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from enum import StrEnum
from typing import TypeAlias

from policies.values import DateValue, Period, Quantity, Text

Bound: TypeAlias = Quantity | DateValue
Scalar: TypeAlias = Quantity | DateValue | bool | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Any pair of bounds: ``at_least`` ≥, ``more_than`` >, ``at_most`` ≤, ``less_than`` <."""

    at_least: Bound | None = None
    more_than: Bound | None = None
    at_most: Bound | None = None
    less_than: Bound | None = None

    def items(self) -> Iterator[tuple[str, Bound]]:
        """Yield the bounds that are set, by key, lower ones first."""
        for key in BOUND_KEYS:
            bound: Bound | None = getattr(self, key)
            if bound is not None:
                yield key, bound


BOUND_KEYS = ("at_least", "more_than", "at_most", "less_than")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """The value lies within the bounds (numbers, money, ratios, dates)."""

    bounds: Bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """The value is (``negated``: is not) one of the values; one value is ``eq``/``ne``."""

    values: tuple[Scalar, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Under:
    """The code lies (``negated``: does not lie) under one of the prefixes of its tree."""

    prefixes: tuple[str, ...]
    negated: bool = False


class ElapsedUnit(StrEnum):
    """Unit in which elapsed time is counted, by corresponding days."""

    DAYS = "days"
    MONTHS = "months"
    YEARS = "years"


@dataclass(frozen=True, slots=True, kw_only=True)
class Elapsed:
    """Time from a date field until ``as_of``; a date still to come has not elapsed at all."""

    bounds: Bounds
    unit: ElapsedUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """(value − base) ÷ base within the bounds, where base is the same field at ``over``."""

    over: Period
    bounds: Bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Increase:
    """value − base within the bounds, where base is the same field at ``over``."""

    over: Period
    bounds: Bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioTo:
    """value ÷ another field within the bounds."""

    field: str
    period: Period | None
    bounds: Bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists:
    """There is (``expected`` false: there is not) a value, an entry or an item."""

    expected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One entry of the register satisfies everything said here.

    ``valid``: in force on ``as_of``. ``first``: no entry of this register is earlier.
    ``listed_from``, ``listed_until`` and ``expires_after`` are inclusive, inclusive, exclusive.
    """

    valid: bool = True
    level_at_least: str = ""
    listed_from: DateValue | None = None
    listed_until: DateValue | None = None
    expires_after: DateValue | None = None
    first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NotListed:
    """No entry is in force on ``as_of``, nor was on any day from ``since`` on."""

    since: DateValue | None = None


Test: TypeAlias = (
    Compare | Member | Under | Elapsed | Growth | Increase | RatioTo | Exists | Listed | NotListed
)

LEVELS = ("区县级", "市级", "省级", "国家级")
"""Levels of recognitions, lowest first."""


class Stage(StrEnum):
    """When a condition is checked."""

    BEFORE = "before"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One testable condition on one field."""

    field: str
    test: Test
    period: Period | None = None
    clause: str = ""
    label: Text | None = None
    stage: Stage = Stage.BEFORE
    line: int = attribute(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """What no data decides: unknown until ``route_to`` has recorded a finding."""

    text: str
    route_to: str
    clause: str = ""
    stage: Stage = Stage.BEFORE
    line: int = attribute(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Every part is met."""

    of: tuple[Criterion, ...]
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """One part at least is met."""

    of: tuple[Criterion, ...]
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The part is not met."""

    of: Criterion
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast:
    """``n`` or more of the parts are met."""

    n: int
    of: tuple[Criterion, ...]
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Where ``when`` holds ``then`` is asked, else ``otherwise`` (nothing is asked without it)."""

    when: Criterion
    then: Criterion
    otherwise: Criterion | None = None
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Except:
    """``rule`` is met and no exception is."""

    rule: Criterion
    exceptions: tuple[Criterion, ...]
    label: Text | None = None
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A named definition of the same document."""

    name: str
    line: int = attribute(default=0, compare=False, repr=False)


Criterion: TypeAlias = AllOf | AnyOf | Not | AtLeast | When | Except | Use | Open | Leaf
Group: TypeAlias = AllOf | AnyOf | Not | AtLeast | When | Except


def parts(criterion: Criterion) -> tuple[Criterion, ...]:
    """Return the direct parts of a criterion, in the order written."""
    if isinstance(criterion, AllOf | AnyOf | AtLeast):
        return criterion.of
    if isinstance(criterion, Not):
        return (criterion.of,)
    if isinstance(criterion, When):
        rest = () if criterion.otherwise is None else (criterion.otherwise,)
        return (criterion.when, criterion.then, *rest)
    if isinstance(criterion, Except):
        return (criterion.rule, *criterion.exceptions)
    return ()


def walk(criterion: Criterion) -> Iterator[Criterion]:
    """Yield a criterion and all its parts, in the order written."""
    yield criterion
    for part in parts(criterion):
        yield from walk(part)


def rebuilt(criterion: Criterion, change: Callable[[Criterion], Criterion]) -> Criterion:
    """Return the criterion with every direct part replaced by ``change(part)``."""
    if isinstance(criterion, AllOf | AnyOf | AtLeast):
        return replace(criterion, of=tuple(change(part) for part in criterion.of))
    if isinstance(criterion, Not):
        return replace(criterion, of=change(criterion.of))
    if isinstance(criterion, When):
        otherwise = None if criterion.otherwise is None else change(criterion.otherwise)
        return replace(
            criterion, when=change(criterion.when), then=change(criterion.then), otherwise=otherwise
        )
    if isinstance(criterion, Except):
        exceptions = tuple(change(part) for part in criterion.exceptions)
        return replace(criterion, rule=change(criterion.rule), exceptions=exceptions)
    return criterion


def expanded(criterion: Criterion, definitions: Mapping[str, Criterion]) -> Criterion:
    """Replace every ``use`` by its definition; cycles and unknown names are bugs by now."""
    if isinstance(criterion, Use):
        return expanded(definitions[criterion.name], definitions)
    return rebuilt(criterion, lambda part: expanded(part, definitions))


def at_stage(criterion: Criterion, stage: Stage) -> Criterion | None:
    """Keep only what is checked at one stage; None when nothing is left.

    A group that loses parts keeps the rest; ``at_least`` asks at most for what is left.
    """
    if isinstance(criterion, Leaf | Open):
        return criterion if criterion.stage is stage else None
    if isinstance(criterion, Use):
        return criterion
    if isinstance(criterion, AllOf | AnyOf | AtLeast):
        kept = tuple(c for part in criterion.of if (c := at_stage(part, stage)) is not None)
        if not kept and criterion.of:
            return None
        if isinstance(criterion, AtLeast):
            return replace(criterion, n=min(criterion.n, len(kept)), of=kept)
        return replace(criterion, of=kept)
    if isinstance(criterion, Not):
        inner = at_stage(criterion.of, stage)
        return None if inner is None else replace(criterion, of=inner)
    if isinstance(criterion, Except):
        rule = at_stage(criterion.rule, stage)
        kept = tuple(c for part in criterion.exceptions if (c := at_stage(part, stage)) is not None)
        return None if rule is None else replace(criterion, rule=rule, exceptions=kept)
    then = at_stage(criterion.then, stage)
    otherwise = None if criterion.otherwise is None else at_stage(criterion.otherwise, stage)
    guard = at_stage(criterion.when, stage)
    if guard is None or (then is None and otherwise is None):
        return None
    return replace(criterion, when=guard, then=then or AllOf(of=()), otherwise=otherwise)
