"""The months of social insurance that are known: what was delivered, and where history begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from matching.facts import Facts, period_end
from matching.profiles import month_period
from policies.vocabulary import PeriodKind


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuredHistory:
    """Months (year × 12 + month − 1) with a delivered number of insured, up to the day asked.

    ``starts_there``: nothing can lie before ``first``. ``outdated``: the latest month is past
    the freshness limit. ``known_absent``: a complete delivery does not know the enterprise.
    """

    months: Mapping[int, int]
    first: int
    last: int | None
    starts_there: bool
    outdated: bool
    known_absent: bool


def insured_history(facts: Facts) -> InsuredHistory:
    """Return the history, made once per profile."""
    found = facts.cache.get("insured_history")
    if found is None:
        found = facts.cache["insured_history"] = _history(facts)
    assert isinstance(found, InsuredHistory), "the cache holds what was put there"
    return found


def _history(facts: Facts) -> InsuredHistory:
    latest = month_period(facts.as_of)
    months = {
        period: fact.value
        for (code, period), fact in facts.profile.facts.items()
        if code == "insured"
        and period is not None
        and period <= latest
        and isinstance(fact.value, int)
    }
    register = facts.register("social_insurance", "insured")
    limit = facts.vocabulary["insured"].freshness_days or 0
    delivered = register is not None and (facts.as_of - register.as_of).days <= limit
    if not months:
        absent = delivered and register is not None and register.complete
        return InsuredHistory(
            months={}, first=0, last=None, starts_there=False, outdated=False, known_absent=absent
        )
    first, last = min(months), max(months)
    age = (facts.as_of - period_end(PeriodKind.MONTH, last)).days
    return InsuredHistory(
        months=months,
        first=first,
        last=last,
        starts_there=_starts(facts, first, months[first]),
        outdated=limit > 0 and age > limit,
        known_absent=False,
    )


def _starts(facts: Facts, first: int, insured: int) -> bool:
    """Whether the enterprise was founded in the first month, or insured everyone anew then."""
    founded = facts.at("established_on", None).value
    if isinstance(founded, date) and month_period(founded) >= first:
        return True
    new = facts.at("new_insured", first).value
    return isinstance(new, int) and insured > 0 and new >= insured


def covered_months(facts: Facts, year: int) -> range | None:
    """Return the months of a year to add up; None while one of them was not delivered.

    Months before the enterprise existed, or before its insurance is known to begin, do not
    count. A closed year must be delivered to December; the running year to its latest month.
    """
    history = insured_history(facts)
    start, end = year * 12, year * 12 + 11
    founded = facts.at("established_on", None).value
    if isinstance(founded, date):
        start = max(start, month_period(founded))
    if history.last is None:
        return range(0) if start > end or history.known_absent else None
    if history.first > start and history.starts_there:
        start = history.first
    if year >= facts.as_of.year:
        end = min(end, history.last)
    if all(month in history.months for month in range(start, end + 1)):
        return range(start, end + 1)
    return None
