"""Leaves as closures for one day: the common tests short, everything else by the reference."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeAlias

from matching.facts import Facts, usual_period
from matching.leaves import (
    UNKNOWN,
    Outcome,
    compared,
    member,
    outcome_of,
    tested,
    under,
    within,
)
from policies.criteria import Compare, Leaf, Listed, Member, NotListed, Under
from policies.vocabulary import Field, FieldType

Decide: TypeAlias = Callable[[Facts], Outcome]


def quick(leaf: Leaf, field: Field, as_of: date) -> Decide:
    """Return a function that decides a leaf on facts of ``as_of`` as ``leaves.tested`` does."""
    meant = leaf.period or usual_period(field)
    if meant is not None and meant.combine is not None:
        return lambda facts: tested(leaf, facts).outcome
    number = None if meant is None else meant.numbers(as_of)[0]
    if isinstance(leaf.test, Compare) and field.type is not FieldType.DATE:
        return _compare(leaf.test, field.code, number)
    if isinstance(leaf.test, Member | Under) and field.type in (FieldType.CODE, FieldType.TEXT):
        return _coded(leaf.test, field, number, as_of)
    if isinstance(leaf.test, Listed | NotListed):
        return _register(leaf, field.code)
    return lambda facts: tested(leaf, facts).outcome


def _compare(test: Compare, code: str, number: int | None) -> Decide:
    bounds = test.bounds

    def decide(facts: Facts) -> Outcome:
        reading = facts.at(code, number)
        if reading.unknown is not None:
            return UNKNOWN
        value = reading.value
        if isinstance(value, int):
            return within((value, value), bounds)
        return compared(value, bounds, facts.as_of)

    return decide


def _coded(test: Member | Under, field: Field, number: int | None, as_of: date) -> Decide:
    """Decide each distinct code once, for all profiles."""
    known: dict[object, Outcome] = {}
    code = field.code

    def decide(facts: Facts) -> Outcome:
        reading = facts.at(code, number)
        if reading.unknown is not None:
            return UNKNOWN
        value = reading.value
        found = known.get(value)
        if found is None:
            found = known[value] = decide_code(value)
        return found

    def decide_code(value: object) -> Outcome:
        if isinstance(test, Under):
            return under(value, test, field)
        return member(value, test, as_of)

    return decide


def _register(leaf: Leaf, code: str) -> Decide:
    """Answer at once for who is on no list; entries go to the reference."""
    absent = outcome_of(isinstance(leaf.test, NotListed))

    def decide(facts: Facts) -> Outcome:
        reading = facts.at(code, None)
        if reading.unknown is not None:
            return UNKNOWN
        if reading.value == ():
            return absent if reading.complete else UNKNOWN
        return tested(leaf, facts).outcome

    return decide
