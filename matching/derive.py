"""The closed list of derivations: fields computed from others, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from fractions import Fraction
from functools import lru_cache

from matching import ranges
from matching.facts import Facts, Reading, UnknownReason, missing, period_end
from matching.insured import covered_months, insured_history
from matching.profiles import Fact, Interval, Item
from policies.code_trees import SizeRow, industries, size_rows
from policies.values import add_months
from policies.vocabulary import Field, PeriodKind

SIZES = ("micro", "small", "medium", "large")


def derived(facts: Facts, field: Field, number: int | None) -> Reading:
    """Compute a derived field for one period number."""
    return RULES[field.origin.rule](facts, field, number)


def _unknown(field: Field, readings: Iterable[Reading], inputs: Iterable[str] = ()) -> Reading:
    """Return the reading of a value that cannot be computed, with the first reason found."""
    seen = list(readings)
    reason = next((r.unknown for r in seen if r.unknown is not None), UnknownReason.MISSING)
    named = tuple(dict.fromkeys((*(name for r in seen for name in r.inputs), *inputs)))
    return Reading(None, reason, _facts(seen), True, named or (field.code,))


def _facts(readings: Iterable[Reading]) -> tuple[Fact, ...]:
    return tuple(fact for reading in readings for fact in reading.facts)


# --- social insurance ----------------------------------------------------------------------------


def _latest_month(facts: Facts, field: Field, _number: int | None) -> Reading:
    """Value of the latest delivered month; nothing delivered under a complete source is zero."""
    (source,) = field.origin.inputs
    history = insured_history(facts)
    if history.last is None:
        return Reading(0) if history.known_absent else missing(source)
    found = facts.at(source, history.last)
    if history.outdated:
        return Reading(None, UnknownReason.STALE, found.facts, True, (source,))
    return found if found.unknown is None else _unknown(field, [found])


def _insured_average(facts: Facts, field: Field, number: int | None) -> Reading:
    """Mean of the insured over the months of the year that the enterprise existed and paid."""
    assert number is not None, field.code
    months = covered_months(facts, number)
    if months is None:
        return missing("insured")
    readings = [facts.at("insured", month) for month in months]
    total = _total(readings)
    if total is None:
        return _unknown(field, readings)
    shared = ranges.scaled(total, Fraction(1, len(months))) if months else (0, 0)
    return Reading(ranges.from_range(shared), None, _facts(readings))


def _insured_year_sum(facts: Facts, field: Field, number: int | None) -> Reading:
    """Sum of a monthly value over the insured months of a year."""
    assert number is not None, field.code
    source = field.origin.inputs[0]
    months = covered_months(facts, number)
    if months is None:
        return missing(source)
    readings = [
        facts.at(source, month) for month in months if facts.at("insured", month).value != 0
    ]
    total = _total(readings)
    if total is None:
        return _unknown(field, readings)
    return Reading(ranges.from_range(total), None, _facts(readings))


def _total(readings: Iterable[Reading]) -> ranges.Range | None:
    total: ranges.Range = (0, 0)
    for reading in readings:
        bounds = ranges.as_range(reading.value)
        if bounds is None:
            return None
        total = ranges.plus(total, bounds)
    return total


def _insured_months(facts: Facts, _field: Field, _number: int | None) -> Reading:
    """Count months with insured > 0 back from the latest; a lower bound where history ends."""
    history = insured_history(facts)
    if history.last is None:
        return Reading(0) if history.known_absent else missing("insured")
    if history.outdated:
        return missing("insured", UnknownReason.STALE)
    month, count = history.last, 0
    used: list[Fact] = []
    while history.months.get(month, 0) > 0:
        used.extend(facts.at("insured", month).facts)
        month, count = month - 1, count + 1
    ended = month in history.months or (month < history.first and history.starts_there)
    value = count if ended else Interval(low=count, high=None)
    return Reading(value, None, tuple(used[:1] + used[-1:]))


# --- ratios and changes --------------------------------------------------------------------------


def _pair(
    facts: Facts, one: tuple[str, int | None], other: tuple[str, int | None]
) -> tuple[Reading, Reading, ranges.Range | None, ranges.Range | None]:
    first, second = facts.at(*one), facts.at(*other)
    return first, second, ranges.as_range(first.value), ranges.as_range(second.value)


def _quotient(facts: Facts, field: Field, number: int | None) -> Reading:
    """First input ÷ second; a base of zero or less has no quotient."""
    top, base = field.origin.inputs
    one, two, first, second = _pair(facts, (top, number), (base, number))
    if first is None or second is None:
        return _unknown(field, [one, two])
    found = ranges.quotient(first, second)
    if found is None:
        return Reading(None, UnknownReason.DENOMINATOR, _facts([one, two]), True, (base,))
    return Reading(ranges.from_range(found), None, _facts([one, two]))


def _growth(facts: Facts, field: Field, number: int | None) -> Reading:
    """(value − last year's) ÷ last year's."""
    assert number is not None, field.code
    (source,) = field.origin.inputs
    one, two, first, second = _pair(facts, (source, number), (source, number - 1))
    if first is None or second is None:
        return _unknown(field, [one, two])
    found = ranges.quotient(first, second)
    if found is None:
        return Reading(None, UnknownReason.DENOMINATOR, _facts([one, two]), True, (source,))
    return Reading(ranges.from_range(ranges.minus(found, (1, 1))), None, _facts([one, two]))


def _increase(facts: Facts, field: Field, number: int | None) -> Reading:
    """Value − last year's; may be negative."""
    assert number is not None, field.code
    (source,) = field.origin.inputs
    one, two, first, second = _pair(facts, (source, number), (source, number - 1))
    if first is None or second is None:
        return _unknown(field, [one, two])
    return Reading(ranges.from_range(ranges.minus(first, second)), None, _facts([one, two]))


def _months_since(facts: Facts, field: Field, _number: int | None) -> Reading:
    """Whole months from a date until the day asked about, by corresponding days."""
    (source,) = field.origin.inputs
    found = facts.at(source, None)
    if not isinstance(found.value, date):
        return _unknown(field, [found])
    return Reading(months_between(found.value, facts.as_of), None, found.facts)


def months_between(start: date, end: date) -> int:
    """Return the whole months from start to end; 0 when end comes first."""
    count = (end.year - start.year) * 12 + end.month - start.month
    if add_months(start, count) > end:
        count -= 1
    return max(count, 0)


# --- size and kind -------------------------------------------------------------------------------


def _sme_size(facts: Facts, field: Field, number: int | None) -> Reading:
    """Size class of 国统字〔2017〕213号: the lowest class that any indicator gives."""
    industry = facts.at("industry", None)
    if not isinstance(industry.value, str):
        return _unknown(field, [industry])
    rows = _size_rows(industry.value)
    if not rows:
        return missing("industry")
    low, high, readings = 3, 3, [industry]
    for row in rows:
        reading = facts.at(row.indicator, number)
        readings.append(reading)
        bounds = ranges.as_range(reading.value) or (None, None)
        steps = (row.small_min, row.medium_min, row.large_min)
        low = min(low, 0 if bounds[0] is None else sum(bounds[0] >= step for step in steps))
        high = min(high, 3 if bounds[1] is None else sum(bounds[1] >= step for step in steps))
    if low == high:
        return Reading(SIZES[low], None, _facts(readings))
    if (low, high) == (0, 3):
        return _unknown(field, readings)
    inputs = tuple(name for r in readings for name in r.inputs)
    return Reading(frozenset(SIZES[low : high + 1]), None, _facts(readings), True, inputs)


@lru_cache(maxsize=4096)
def _size_rows(code: str) -> tuple[SizeRow, ...]:
    tree = industries()
    return tuple(r for r in size_rows() if any(tree.covers(p, code) for p in r.prefixes))


_SMALL_LIMITS = (("taxable_income", 300_000_000), ("staff", 300), ("assets", 5_000_000_000))
"""Upper bounds, inclusive, of 财政部 税务总局公告2023年第12号 (fen, people, fen)."""


def _small_low_profit(facts: Facts, field: Field, number: int | None) -> Reading:
    """Whether all three limits hold; one that is passed decides alone."""
    readings, sure = [], True
    for code, limit in _SMALL_LIMITS:
        reading = facts.at(code, number)
        low, high = ranges.as_range(reading.value) or (None, None)
        if low is not None and low > limit:
            return Reading(False, None, reading.facts)
        sure = sure and high is not None and high <= limit
        readings.append(reading)
    return Reading(True, None, _facts(readings)) if sure else _unknown(field, readings)


# --- item lists ----------------------------------------------------------------------------------


def _items(facts: Facts, field: Field, number: int | None) -> tuple[Reading, list[Item], bool]:
    """Return the reading of the item list, the items that count, and whether that is all."""
    source = facts.at(field.origin.inputs[0], None)
    if not isinstance(source.value, tuple):
        return source, [], False
    where = field.origin.arguments.get("where", {})
    dated = field.origin.arguments.get("date")
    whole = source.complete and _covers_year(facts, field, number)
    kept = []
    for item in source.value:
        assert isinstance(item, Item), field.code
        if not _meets(item, where):
            continue
        day = item.values.get(dated) if dated else None
        if dated and not isinstance(day, date):
            whole = False
        elif not isinstance(day, date) or day.year == number:
            kept.append(item)
    return source, kept, whole


def _meets(item: Item, where: dict[str, object]) -> bool:
    for key, wanted in where.items():
        if key.endswith("_at_least"):
            value = item.values.get(key.removesuffix("_at_least"))
            if not isinstance(value, int) or not isinstance(wanted, int) or value < wanted:
                return False
        elif item.values.get(key) not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


def _covers_year(facts: Facts, field: Field, number: int | None) -> bool:
    """Whether the list was delivered after the year it is asked about (a running year: yes)."""
    if number is None or number >= facts.as_of.year:
        return True
    items = facts.vocabulary[field.origin.inputs[0]]
    register = facts.register(items.code, items.origin.source)
    return register is None or register.as_of >= period_end(PeriodKind.YEAR, number)


def _added(field: Field, source: Reading, values: Sequence[object], *, whole: bool) -> Reading:
    total = 0
    for value in values:
        if not isinstance(value, int):
            return _unknown(field, [source], field.origin.inputs)
        total += value
    if whole:
        return Reading(total, None, source.facts)
    return Reading(Interval(low=total, high=None), None, source.facts, True, field.origin.inputs)


def _items_sum(facts: Facts, field: Field, number: int | None) -> Reading:
    """Sum of one column over the items of a year; a lower bound when the list may be short."""
    source, kept, whole = _items(facts, field, number)
    if source.unknown is not None:
        return _unknown(field, [source])
    column = field.origin.arguments["value"]
    return _added(field, source, [item.values.get(column) for item in kept], whole=whole)


def _items_count(facts: Facts, field: Field, number: int | None) -> Reading:
    """Number of items of a year; a lower bound when the list may be short."""
    source, kept, whole = _items(facts, field, number)
    if source.unknown is not None:
        return _unknown(field, [source])
    return _added(field, source, [1] * len(kept), whole=whole)


def _loans_sum(facts: Facts, field: Field, number: int | None) -> Reading:
    """Sum of one column over the loans running in the year, or on the day."""
    source, kept, whole = _items(facts, field, number)
    if source.unknown is not None:
        return _unknown(field, [source])
    column = field.origin.arguments["value"]
    first = facts.as_of if number is None else date(number, 1, 1)
    last = facts.as_of if number is None else date(number, 12, 31)
    running = [item.values.get(column) for item in kept if _runs(item, first, last)]
    return _added(field, source, running, whole=whole)


def _runs(loan: Item, first: date, last: date) -> bool:
    start, until = loan.values.get("started_on"), loan.values.get("until")
    begun = isinstance(start, date) and start <= last
    return begun and (not isinstance(until, date) or until >= first)


RULES: dict[str, Callable[[Facts, Field, int | None], Reading]] = {
    "latest_month": _latest_month,
    "insured_average": _insured_average,
    "insured_year_sum": _insured_year_sum,
    "insured_months": _insured_months,
    "quotient": _quotient,
    "growth": _growth,
    "increase": _increase,
    "months_since": _months_since,
    "sme_size": _sme_size,
    "small_low_profit": _small_low_profit,
    "items_sum": _items_sum,
    "items_count": _items_count,
    "loans_sum": _loans_sum,
}
"""Every rule a registry entry may name."""
