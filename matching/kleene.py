"""Three-valued logic: Kleene's tables, and the short-circuit form of a whole criterion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matching.facts import Facts
from matching.leaves import FALSE, TRUE, UNKNOWN, Outcome, lacking, negated, tested
from policies.criteria import (
    AllOf,
    AnyOf,
    AtLeast,
    Criterion,
    Except,
    Leaf,
    Not,
    Open,
    Use,
    When,
    parts,
)


def all_of(outcomes: Sequence[Outcome]) -> Outcome:
    """And: nothing asked is met."""
    if FALSE in outcomes:
        return FALSE
    return UNKNOWN if UNKNOWN in outcomes else TRUE


def any_of(outcomes: Sequence[Outcome]) -> Outcome:
    """Or: nothing offered is not met."""
    if TRUE in outcomes:
        return TRUE
    return UNKNOWN if UNKNOWN in outcomes else FALSE


def at_least(count: int, outcomes: Sequence[Outcome]) -> Outcome:
    """Whether enough are met: surely, still possibly, or no more."""
    sure = outcomes.count(TRUE)
    if sure >= count:
        return TRUE
    return UNKNOWN if sure + outcomes.count(UNKNOWN) >= count else FALSE


def guarded(guard: Outcome, then: Outcome, otherwise: Outcome) -> Outcome:
    """Take the branch of a guard; an open guard decides nothing unless both branches agree."""
    if guard is TRUE:
        return then
    if guard is FALSE or then is otherwise:
        return otherwise
    return UNKNOWN


def outcome(criterion: Criterion, facts: Facts) -> Outcome:
    """Decide a criterion whose definitions are written out, looking no further than needed.

    Open conditions are unknown here: findings belong to a benefit's numbered rule.
    """
    match criterion:
        case Leaf():
            return tested(criterion, facts).outcome
        case Open():
            return UNKNOWN
        case AllOf():
            return _until(FALSE, (outcome(part, facts) for part in criterion.of), TRUE)
        case AnyOf():
            return _until(TRUE, (outcome(part, facts) for part in criterion.of), FALSE)
        case Not():
            return negated(outcome(criterion.of, facts))
        case AtLeast():
            return at_least(criterion.n, [outcome(part, facts) for part in criterion.of])
        case When():
            return _when(criterion, facts)
        case Except():
            rule = outcome(criterion.rule, facts)
            if rule is FALSE:
                return FALSE
            rest = (negated(outcome(part, facts)) for part in criterion.exceptions)
            return _until(FALSE, rest, rule)
        case Use():
            raise AssertionError("definitions are written out before evaluation")


def _until(decisive: Outcome, outcomes: Iterator[Outcome], otherwise: Outcome) -> Outcome:
    found = otherwise
    for one in outcomes:
        if one is decisive:
            return decisive
        if one is UNKNOWN:
            found = UNKNOWN
    return found


def _when(criterion: When, facts: Facts) -> Outcome:
    guard = outcome(criterion.when, facts)
    if guard is TRUE:
        return outcome(criterion.then, facts)
    other = TRUE if criterion.otherwise is None else outcome(criterion.otherwise, facts)
    if guard is FALSE:
        return other
    return guarded(guard, outcome(criterion.then, facts), other)


def unknowns(criterion: Criterion, facts: Facts) -> set[str]:
    """Return the fields of the unknown leaves that keep a criterion unknown."""
    if outcome(criterion, facts) is not UNKNOWN:
        return set()
    if isinstance(criterion, Leaf):
        return {ask.partition("@")[0] for ask in lacking(criterion, facts)}
    if isinstance(criterion, Open):
        return {"finding"}
    if isinstance(criterion, When):
        guard = outcome(criterion.when, facts)
        asked = [criterion.when]
        asked += [] if guard is FALSE else [criterion.then]
        asked += [] if guard is TRUE or criterion.otherwise is None else [criterion.otherwise]
        return set().union(*(unknowns(part, facts) for part in asked))
    return set().union(*(unknowns(part, facts) for part in parts(criterion)))
