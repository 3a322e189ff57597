"""One leaf against one profile: the outcome, why it is unknown, and how far off it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

from matching import ranges
from matching.facts import Facts, Reading, UnknownReason, usual_period
from matching.profiles import Interval, Listing
from policies.criteria import (
    LEVELS,
    Bounds,
    Compare,
    Elapsed,
    ElapsedUnit,
    Exists,
    Growth,
    Increase,
    Leaf,
    Listed,
    Member,
    NotListed,
    RatioTo,
    Scalar,
    Under,
)
from policies.values import Period, Quantity, RelativeDate, add_months, day_of
from policies.vocabulary import Field


class Outcome(StrEnum):
    """Three values, everywhere."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


TRUE, FALSE, UNKNOWN = Outcome.TRUE, Outcome.FALSE, Outcome.UNKNOWN


def outcome_of(known: bool) -> Outcome:  # noqa: FBT001 - the value is the argument
    """Return the outcome of something known."""
    return TRUE if known else FALSE


def negated(outcome: Outcome) -> Outcome:
    """Return not."""
    if outcome is UNKNOWN:
        return UNKNOWN
    return FALSE if outcome is TRUE else TRUE


@dataclass(frozen=True, slots=True)
class Tested:
    """What testing a leaf gave; ``base`` is the second reading of growth and ratio tests."""

    outcome: Outcome
    reading: Reading
    reason: UnknownReason | None = None
    base: Reading | None = None


def tested(leaf: Leaf, facts: Facts) -> Tested:
    """Test one leaf; the readable form that every faster one must equal."""
    reading = facts.read(leaf.field, leaf.period)
    test = leaf.test
    if isinstance(test, Growth | Increase | RatioTo):
        return _two(leaf, test, reading, facts)
    if isinstance(test, Listed | NotListed):
        return _register(test, reading, facts.as_of)
    if isinstance(test, Exists):
        return _exists(test, reading)
    if reading.unknown is not None or reading.value is None:
        return Tested(UNKNOWN, reading, reading.unknown)
    if isinstance(test, Compare):
        found = compared(reading.value, test.bounds, facts.as_of)
    elif isinstance(test, Member):
        found = member(reading.value, test, facts.as_of)
    elif isinstance(test, Under):
        found = under(reading.value, test, facts.vocabulary[leaf.field])
    else:
        found = elapsed(reading.value, test, facts.as_of)
    return Tested(found, reading, UnknownReason.INTERVAL if found is UNKNOWN else None)


def lacking(leaf: Leaf, facts: Facts) -> tuple[str, ...]:
    """Return what an unknown leaf lacks, as ``field`` or ``field@number`` (a period number)."""
    test = leaf.test
    asked = [(leaf.field, leaf.period)]
    if isinstance(test, RatioTo):
        asked.append((test.field, test.period))
    elif isinstance(test, Growth | Increase):
        asked.append((leaf.field, test.over))
    unknown = [one for one in asked if facts.read(*one).unknown is not None] or asked
    return tuple(dict.fromkeys(name for one in unknown for name in _lacking(*one, facts)))


def _lacking(field: str, period: Period | None, facts: Facts) -> Iterator[str]:
    meant = period or usual_period(facts.vocabulary[field])
    if meant is None:
        yield field
        return
    numbers = list(meant.numbers(facts.as_of))
    unknown = [number for number in numbers if facts.at(field, number).unknown is not None]
    for number in unknown or numbers:
        yield f"{field}@{number}"


# --- numbers and dates ---------------------------------------------------------------------------


def compared(value: object, bounds: Bounds, as_of: date) -> Outcome:
    """Compare a number, a range or a date with bounds."""
    if isinstance(value, date):
        return outcome_of(all(_date_within(value, k, b, as_of) for k, b in bounds.items()))
    bounds_of = ranges.as_range(value)
    assert bounds_of is not None, type(value)
    return within(bounds_of, bounds)


def _date_within(value: date, key: str, bound: object, as_of: date) -> bool:
    assert isinstance(bound, date | RelativeDate), key
    limit = day_of(bound, as_of)
    if key == "at_least":
        return value >= limit
    if key == "more_than":
        return value > limit
    return value <= limit if key == "at_most" else value < limit


def within(value: ranges.Range, bounds: Bounds) -> Outcome:
    """Whether a range lies within bounds: wholly, not at all, or perhaps."""
    low, high = value
    perhaps = False
    for key, bound in bounds.items():
        assert isinstance(bound, Quantity), key
        limit = bound.amount
        if key == "at_least":
            sure = low is not None and low >= limit
            never = high is not None and high < limit
        elif key == "more_than":
            sure = low is not None and low > limit
            never = high is not None and high <= limit
        elif key == "at_most":
            sure = high is not None and high <= limit
            never = low is not None and low > limit
        else:
            sure = high is not None and high < limit
            never = low is not None and low >= limit
        if never:
            return FALSE
        perhaps = perhaps or not sure
    return UNKNOWN if perhaps else TRUE


def member(value: object, test: Member, as_of: date) -> Outcome:
    """Whether a value is one of a set."""
    wanted = [_plain(entry, as_of) for entry in test.values]
    if isinstance(value, frozenset):
        found = _choices(value, set(wanted))
    elif isinstance(value, Interval):
        possible = any(_inside(entry, value) for entry in wanted)
        found = UNKNOWN if possible else FALSE
    else:
        found = outcome_of(any(_same(value, entry) for entry in wanted))
    return negated(found) if test.negated else found


def _choices(possible: frozenset[str], wanted: set[object]) -> Outcome:
    if possible <= wanted:
        return TRUE
    return UNKNOWN if possible & wanted else FALSE


def _plain(entry: Scalar, as_of: date) -> object:
    if isinstance(entry, Quantity):
        return entry.amount
    return day_of(entry, as_of) if isinstance(entry, RelativeDate) else entry


def _same(value: object, entry: object) -> bool:
    return isinstance(value, bool) == isinstance(entry, bool) and value == entry


def _inside(entry: object, interval: Interval) -> bool:
    if isinstance(entry, bool) or not isinstance(entry, int | Fraction):
        return False
    above = interval.low is None or entry >= interval.low
    return above and (interval.high is None or entry <= interval.high)


def under(value: object, test: Under, field: Field) -> Outcome:
    """Whether a code lies under one of the prefixes; a code too coarse to say is unknown."""
    codes = sorted(value) if isinstance(value, frozenset) else [str(value)]
    found = {_code_under(code, test.prefixes, field) for code in codes}
    outcome = found.pop() if len(found) == 1 else UNKNOWN
    return negated(outcome) if test.negated else outcome


def _code_under(code: str, prefixes: tuple[str, ...], field: Field) -> Outcome:
    tree = field.tree
    if tree is None:
        return outcome_of(code.startswith(prefixes))
    answers = [tree.covers(prefix, code) for prefix in prefixes]
    if True in answers:
        return TRUE
    return UNKNOWN if None in answers else FALSE


def elapsed(value: object, test: Elapsed, as_of: date) -> Outcome:
    """Whether enough, or little enough, time has passed, by corresponding days."""
    assert isinstance(value, date), type(value)
    if value > as_of:
        return FALSE
    for key, bound in test.bounds.items():
        assert isinstance(bound, Quantity), key
        limit = elapsed_on(value, int(bound.amount), test.unit)
        passed = {
            "at_least": limit <= as_of,
            "more_than": limit < as_of,
            "at_most": limit >= as_of,
            "less_than": limit > as_of,
        }
        if not passed[key]:
            return FALSE
    return TRUE


def elapsed_on(start: date, count: int, unit: ElapsedUnit) -> date:
    """Return the day on which ``count`` units since ``start`` are full."""
    if unit is ElapsedUnit.DAYS:
        return start + timedelta(days=count)
    return add_months(start, count * (12 if unit is ElapsedUnit.YEARS else 1))


# --- two readings --------------------------------------------------------------------------------


def _two(leaf: Leaf, test: Growth | Increase | RatioTo, reading: Reading, facts: Facts) -> Tested:
    if isinstance(test, RatioTo):
        base = facts.read(test.field, test.period)
    else:
        base = facts.read(leaf.field, test.over)
    for one in (reading, base):
        if one.unknown is not None:
            return Tested(UNKNOWN, reading, one.unknown, base)
    top, below = ranges.as_range(reading.value), ranges.as_range(base.value)
    assert top is not None, leaf.field
    assert below is not None, leaf.field
    found = changed(test, top, below)
    if found is None:
        return Tested(UNKNOWN, reading, UnknownReason.DENOMINATOR, base)
    outcome = within(found, test.bounds)
    return Tested(outcome, reading, UnknownReason.INTERVAL if outcome is UNKNOWN else None, base)


def changed(
    test: Growth | Increase | RatioTo, top: ranges.Range, base: ranges.Range
) -> ranges.Range | None:
    """Return the growth, increase or ratio as a range; None when the base may not be positive."""
    if isinstance(test, Increase):
        return ranges.minus(top, base)
    found = ranges.quotient(top, base)
    if found is None or isinstance(test, RatioTo):
        return found
    return ranges.minus(found, (1, 1))


# --- registers -----------------------------------------------------------------------------------


def _exists(test: Exists, reading: Reading) -> Tested:
    if reading.unknown is not None:
        return Tested(UNKNOWN, reading, reading.unknown)
    there = outcome_of(reading.value not in ((), ""))
    if reading.value == () and not reading.complete:
        return Tested(UNKNOWN, reading, UnknownReason.INCOMPLETE_REGISTER)
    return Tested(there if test.expected else negated(there), reading)


def _register(test: Listed | NotListed, reading: Reading, as_of: date) -> Tested:
    if reading.unknown is not None:
        return Tested(UNKNOWN, reading, reading.unknown)
    entries = register_entries(reading)
    found = (
        listed(test, entries, as_of, complete=reading.complete)
        if isinstance(test, Listed)
        else not_listed(test, entries, as_of, complete=reading.complete)
    )
    reason = UnknownReason.INCOMPLETE_REGISTER if found is UNKNOWN else None
    return Tested(found, reading, reason)


def register_entries(reading: Reading) -> tuple[Listing, ...]:
    """Return the entries of a register reading."""
    assert isinstance(reading.value, tuple), "a register holds entries"
    return tuple(entry for entry in reading.value if isinstance(entry, Listing))


def in_force(entry: Listing, as_of: date) -> bool:
    """Whether an entry counts on a day."""
    return (
        entry.listed_on <= as_of
        and (entry.valid_until is None or entry.valid_until >= as_of)
        and (entry.removed_on is None or entry.removed_on > as_of)
    )


def listed(test: Listed, entries: tuple[Listing, ...], as_of: date, *, complete: bool) -> Outcome:
    """Whether one entry satisfies everything; an incomplete register never gives a no."""
    best = FALSE
    for entry in entries:
        found = _entry(test, entry, entries, as_of, complete=complete)
        if found is TRUE:
            return TRUE
        if found is UNKNOWN:
            best = UNKNOWN
    return best if complete else UNKNOWN


def _entry(
    test: Listed, entry: Listing, entries: tuple[Listing, ...], as_of: date, *, complete: bool
) -> Outcome:
    if entry.listed_on > as_of or (test.valid and not in_force(entry, as_of)):
        return FALSE
    if test.listed_from is not None and entry.listed_on < day_of(test.listed_from, as_of):
        return FALSE
    if test.listed_until is not None and entry.listed_on > day_of(test.listed_until, as_of):
        return FALSE
    until = entry.valid_until
    if test.expires_after and until and until <= day_of(test.expires_after, as_of):
        return FALSE
    level = LEVELS.index(entry.level) if entry.level in LEVELS else None
    if test.level_at_least and level is not None and level < LEVELS.index(test.level_at_least):
        return FALSE
    if test.first and any(other.listed_on < entry.listed_on for other in entries):
        return FALSE
    unsure = (test.level_at_least and level is None) or (test.first and not complete)
    return UNKNOWN if unsure else TRUE


def not_listed(
    test: NotListed, entries: tuple[Listing, ...], as_of: date, *, complete: bool
) -> Outcome:
    """Whether no entry is, or since a day was, in force."""
    start = as_of if test.since is None else day_of(test.since, as_of)
    if any(_touches(entry, start, as_of) for entry in entries):
        return FALSE
    return TRUE if complete else UNKNOWN


def _touches(entry: Listing, start: date, end: date) -> bool:
    return (
        entry.listed_on <= end
        and (entry.valid_until is None or entry.valid_until >= start)
        and (entry.removed_on is None or entry.removed_on > start)
    )
