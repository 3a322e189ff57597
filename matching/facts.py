"""Reading a profile: freshness, the absence rule of registers, periods, derived fields."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

from matching import ranges
from matching.profiles import Fact, Interval, Item, Listing, Profile, Register
from policies.values import LAST_MONTH, LAST_YEAR, Combine, Period
from policies.vocabulary import Field, OriginKind, PeriodKind, Vocabulary


class UnknownReason(StrEnum):
    """Why a value is not known well enough."""

    MISSING = "missing"
    STALE = "stale"
    INTERVAL = "interval"
    INCOMPLETE_REGISTER = "incomplete_register"
    OPEN = "open"
    DENOMINATOR = "denominator"


ReadValue: TypeAlias = (
    int
    | Fraction
    | date
    | bool
    | str
    | Interval
    | frozenset[str]
    | tuple[Listing, ...]
    | tuple[Item, ...]
)
"""A frozenset holds the codes that are still possible."""


@dataclass(slots=True)  # made by the million: frozen would double its cost; nobody changes one
class Reading:
    """What one look at one field gave: a value, or why there is none.

    ``complete`` is False when a register or item list may hold more than is seen. ``inputs``
    names the fields whose absence made a derived value unknown.
    """

    value: ReadValue | None
    unknown: UnknownReason | None = None
    facts: tuple[Fact, ...] = ()
    complete: bool = True
    inputs: tuple[str, ...] = ()

    @property
    def as_of(self) -> date | None:
        """Return the oldest day vouched for among the facts used."""
        return min((fact.as_of for fact in self.facts), default=None)


@lru_cache(maxsize=4096)
def missing(field: str, reason: UnknownReason = UnknownReason.MISSING) -> Reading:
    """Return a reading without a value, naming the field that is missing."""
    return Reading(None, reason, (), True, (field,))


class Facts:
    """One profile as read for one day; every reading is made once and kept."""

    __slots__ = ("_cache", "as_of", "cache", "findings", "profile", "vocabulary")

    def __init__(
        self,
        profile: Profile,
        vocabulary: Vocabulary,
        as_of: date,
        findings: Mapping[str, bool] | None = None,
    ) -> None:
        self.profile = profile
        self.vocabulary = vocabulary
        self.as_of = as_of
        self.findings = findings or {}
        self._cache: dict[tuple[str, int | None], Reading] = {}
        self.cache: dict[object, object] = {}
        """Room for what others compute once per profile (outcomes of leaves)."""

    def read(self, field: str, period: Period | None = None) -> Reading:
        """Read a field for a period; None is the field's usual one (see ``usual_period``)."""
        meant = period or usual_period(self.vocabulary[field])
        if meant is None:
            return self.at(field, None)
        numbers = meant.numbers(self.as_of)
        if meant.combine is None:
            return self.at(field, numbers[0])
        return self._combined(field, numbers, meant.combine)

    def at(self, field: str, number: int | None) -> Reading:
        """Read a field for one period number (None for fields as of a day)."""
        key = (field, number)
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = self._look(field, number)
        return found

    def register(self, *codes: str) -> Register | None:
        """Return the first register delivered under one of the codes."""
        found = (self.profile.registers.get(code) for code in codes)
        return next((register for register in found if register is not None), None)

    def finding(self, key: str) -> bool | None:
        """Return what a person found on an open condition, None while nobody has."""
        if key in self.findings:
            return self.findings[key]
        fact = self.profile.facts.get((key, None))
        return fact.value if fact is not None and isinstance(fact.value, bool) else None

    # --- one period -------------------------------------------------------------------------------

    def _look(self, code: str, number: int | None) -> Reading:
        field = self.vocabulary[code]
        fact = self.profile.facts.get((code, number))
        kind = field.origin.kind
        if kind in (OriginKind.LIST, OriginKind.ITEMS):
            return self._listed(field, fact)
        if fact is not None:
            if self.stale(field, fact, number):
                return Reading(None, UnknownReason.STALE, (fact,), True, (code,))
            return Reading(fact.value, None, (fact,))
        if kind is OriginKind.DERIVED:
            from matching.derive import derived

            return derived(self, field, number)
        return missing(code)

    def stale(self, field: Field, fact: Fact, number: int | None) -> bool:
        """Whether a fact is past its field's limit; a closed period reported since never ages."""
        limit = field.freshness_days
        if limit is None or (self.as_of - fact.as_of).days <= limit:
            return False
        return number is None or fact.as_of < period_end(field.period, number)

    def _listed(self, field: Field, fact: Fact | None) -> Reading:
        """Read a register or item list: only a complete, fresh delivery makes absence a no."""
        code = field.code
        listed = field.origin.kind is OriginKind.LIST
        names = (field.origin.list_code, code) if listed else (code, field.origin.source)
        register = self.register(*names)
        fresh = register is not None and not self._old(field, register.as_of)
        complete = register is not None and register.complete and fresh
        if fact is not None:
            if self.stale(field, fact, None) and not fresh:
                return Reading(None, UnknownReason.STALE, (fact,), False, (code,))
            return Reading(fact.value, None, (fact,), complete)
        if complete:
            return Reading((), None, (), True)
        if register is None:
            return Reading(None, UnknownReason.MISSING, (), False, (code,))
        reason = UnknownReason.INCOMPLETE_REGISTER if fresh else UnknownReason.STALE
        return Reading(None, reason, (), False, (code,))

    def _old(self, field: Field, day: date) -> bool:
        limit = field.freshness_days
        return limit is not None and (self.as_of - day).days > limit

    # --- several periods --------------------------------------------------------------------------

    def _combined(self, field: str, numbers: range, combine: Combine) -> Reading:
        readings = [self.at(field, number) for number in numbers]
        facts = tuple(fact for reading in readings for fact in reading.facts)
        for reading in readings:
            if reading.unknown is not None:
                return Reading(None, reading.unknown, facts, True, reading.inputs or (field,))
        bounds = [ranges.as_range(reading.value) for reading in readings]
        known = [bound for bound in bounds if bound is not None]
        assert len(known) == len(bounds), "only numbers can be combined"
        total: ranges.Range = (0, 0)
        if combine is Combine.MIN:
            total = ranges.smallest(known)
        elif combine is Combine.MAX:
            total = ranges.largest(known)
        else:
            for bound in known:
                total = ranges.plus(total, bound)
            if combine is Combine.AVERAGE:
                total = ranges.scaled(total, Fraction(1, len(known)))
        return Reading(ranges.from_range(total), None, facts)


def usual_period(field: Field) -> Period | None:
    """Return the period meant where a rule names none: last year, last month, or none."""
    if field.period is PeriodKind.YEAR:
        return LAST_YEAR
    return LAST_MONTH if field.period is PeriodKind.MONTH else None


def period_end(kind: PeriodKind, number: int) -> date:
    """Return the last day of a year or month."""
    if kind is PeriodKind.YEAR:
        return date(number, 12, 31)
    year, month = divmod(number, 12)
    return date(year, month + 1, monthrange(year, month + 1)[1])
