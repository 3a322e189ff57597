"""Benefits turned into closures for one day: the same outcomes as the reference, much sooner.

Each distinct leaf is decided once per profile, however many benefits ask it; within an ``all``
the cheap and selective reads come first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeAlias

from matching.evaluate import rule_of
from matching.facts import Facts
from matching.kleene import at_least, guarded
from matching.leaves import FALSE, TRUE, UNKNOWN, Outcome, lacking, negated, outcome_of
from matching.quick import quick
from policies.amounts import (
    Amount,
    AtMost,
    Base,
    Branch,
    ByParameter,
    Choose,
    FieldBase,
    Highest,
    Lowest,
    Minus,
    PerUnit,
    Rate,
    Relief,
    Slices,
    Sum,
    Tiers,
)
from policies.benefits import Benefit
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
)
from policies.vocabulary import FieldType, PeriodKind, Vocabulary

Check: TypeAlias = Callable[[Facts], Outcome]
Collect: TypeAlias = Callable[[Facts, set[str]], None]


@dataclass(frozen=True, slots=True)
class Compiled:
    """One benefit ready for a sweep; ``benefit`` has every definition written out."""

    benefit: Benefit
    check: Check
    collect: Collect

    def missing(self, facts: Facts) -> tuple[str, ...]:
        """Return the fields that keep it undetermined, sorted."""
        found: set[str] = set()
        self.collect(facts, found)
        return tuple(sorted(found))


class Compiler:
    """Compiles benefits that are swept together, so that equal leaves are shared."""

    def __init__(self, vocabulary: Vocabulary, as_of: date) -> None:
        self.vocabulary = vocabulary
        self.as_of = as_of
        self._leaves: dict[Leaf, tuple[Check, Collect]] = {}

    def benefit(self, benefit: Benefit) -> Compiled:
        """Compile one benefit; it must be in force on the days it is asked about."""
        keys = self._keys(benefit)
        check, collect = self._parts(rule_of(benefit), keys)
        return Compiled(flattened(benefit), check, collect)

    def _keys(self, benefit: Benefit) -> Iterator[str]:
        count = 0
        while True:
            count += 1
            yield f"finding:{benefit.id}:{count}"

    def _parts(self, criterion: Criterion, keys: Iterator[str]) -> tuple[Check, Collect]:
        match criterion:
            case Leaf():
                return self._leaf(criterion)
            case Open():
                return _open(next(keys))
            case AllOf():
                return self._all(criterion.of, [self._parts(p, keys) for p in criterion.of])
            case AnyOf():
                return _any([self._parts(part, keys) for part in criterion.of])
            case Not():
                return _not(self._parts(criterion.of, keys))
            case AtLeast():
                return _at_least(criterion.n, [self._parts(p, keys) for p in criterion.of])
            case When():
                guard, then = self._parts(criterion.when, keys), self._parts(criterion.then, keys)
                other = criterion.otherwise
                return _when(guard, then, None if other is None else self._parts(other, keys))
            case Except():
                asked = (criterion.rule, *criterion.exceptions)
                rule, *rest = (self._parts(part, keys) for part in asked)
                return self._all(asked, [rule, *(_not(part) for part in rest)])
            case Use():
                raise AssertionError("definitions are written out before compiling")

    def _all(
        self, criteria: Sequence[Criterion], compiled: Sequence[tuple[Check, Collect]]
    ) -> tuple[Check, Collect]:
        order = sorted(range(len(criteria)), key=lambda i: (self._cost(criteria[i]), i))
        checks = tuple(compiled[i][0] for i in order)

        def check(facts: Facts) -> Outcome:
            found = TRUE
            for one in checks:
                decided = one(facts)
                if decided is FALSE:
                    return FALSE
                if decided is UNKNOWN:
                    found = UNKNOWN
            return found

        return check, _collecting(check, [part[1] for part in compiled])

    def _cost(self, criterion: Criterion) -> int:
        """Return what reading costs, cheap and selective first; groups after leaves."""
        if not isinstance(criterion, Leaf):
            return 10
        field = self.vocabulary[criterion.field]
        if field.code in ("region", "park"):
            return 0
        if field.type is FieldType.LISTING:
            return 3 if field.source_class.value == "C" else 1
        if field.origin.rule:
            return 6
        return 2 if field.period is PeriodKind.AS_OF else 4

    def _leaf(self, leaf: Leaf) -> tuple[Check, Collect]:
        shared = self._leaves.get(leaf)
        if shared is not None:
            return shared
        key = ("leaf", len(self._leaves), id(self))
        decide = quick(leaf, self.vocabulary[leaf.field], self.as_of)

        def check(facts: Facts) -> Outcome:
            found = facts.cache.get(key)
            if found is None:
                found = facts.cache[key] = decide(facts)
            return found  # type: ignore[return-value]

        def collect(facts: Facts, into: set[str]) -> None:
            if check(facts) is UNKNOWN:
                into.update(ask.partition("@")[0] for ask in lacking(leaf, facts))

        self._leaves[leaf] = check, collect
        return check, collect


def _collecting(check: Check, parts: Sequence[Collect]) -> Collect:
    def collect(facts: Facts, into: set[str]) -> None:
        if check(facts) is UNKNOWN:
            for part in parts:
                part(facts, into)

    return collect


def _open(key: str) -> tuple[Check, Collect]:
    def check(facts: Facts) -> Outcome:
        found = facts.finding(key)
        return UNKNOWN if found is None else outcome_of(found)

    def collect(facts: Facts, into: set[str]) -> None:
        if check(facts) is UNKNOWN:
            into.add(key)

    return check, collect


def _any(compiled: Sequence[tuple[Check, Collect]]) -> tuple[Check, Collect]:
    checks = tuple(part[0] for part in compiled)

    def check(facts: Facts) -> Outcome:
        found = FALSE
        for one in checks:
            decided = one(facts)
            if decided is TRUE:
                return TRUE
            if decided is UNKNOWN:
                found = UNKNOWN
        return found

    return check, _collecting(check, [part[1] for part in compiled])


def _not(compiled: tuple[Check, Collect]) -> tuple[Check, Collect]:
    inner = compiled[0]

    def check(facts: Facts) -> Outcome:
        return negated(inner(facts))

    return check, compiled[1]


def _at_least(count: int, compiled: Sequence[tuple[Check, Collect]]) -> tuple[Check, Collect]:
    checks = tuple(part[0] for part in compiled)

    def check(facts: Facts) -> Outcome:
        return at_least(count, [one(facts) for one in checks])

    return check, _collecting(check, [part[1] for part in compiled])


def _when(
    guard: tuple[Check, Collect], then: tuple[Check, Collect], other: tuple[Check, Collect] | None
) -> tuple[Check, Collect]:
    def otherwise(facts: Facts) -> Outcome:
        return TRUE if other is None else other[0](facts)

    def check(facts: Facts) -> Outcome:
        decided = guard[0](facts)
        if decided is TRUE:
            return then[0](facts)
        if decided is FALSE:
            return otherwise(facts)
        return guarded(decided, then[0](facts), otherwise(facts))

    def collect(facts: Facts, into: set[str]) -> None:
        if check(facts) is not UNKNOWN:
            return
        decided = guard[0](facts)
        guard[1](facts, into)
        if decided is not FALSE:
            then[1](facts, into)
        if decided is not TRUE and other is not None:
            other[1](facts, into)

    return check, collect


# --- amounts -------------------------------------------------------------------------------------


def flattened(benefit: Benefit) -> Benefit:
    """Return the benefit with the definitions in its amount written out."""
    if not benefit.definitions:
        return benefit
    amount = _flat(benefit, benefit.amount)
    criteria = benefit.expanded_criteria()
    outcome = tuple(benefit.expand(part) for part in benefit.outcome)
    return replace(benefit, criteria=criteria, amount=amount, outcome=outcome, definitions=())


def _flat(benefit: Benefit, amount: Amount) -> Amount:
    def base(part: Base) -> Base:
        return part if isinstance(part, FieldBase) else _flat(benefit, part)

    match amount:
        case Choose():
            branches = tuple(
                Branch(when=benefit.expand(b.when), amount=_flat(benefit, b.amount))
                for b in amount.branches
            )
            other = None if amount.otherwise is None else _flat(benefit, amount.otherwise)
            return replace(amount, branches=branches, otherwise=other)
        case Tiers():
            steps = tuple(replace(s, amount=_flat(benefit, s.amount)) for s in amount.steps)
            return replace(amount, by=base(amount.by), steps=steps)
        case Sum():
            return replace(amount, of=tuple(_flat(benefit, part) for part in amount.of))
        case Lowest() | Highest() | Minus():
            return replace(amount, of=tuple(base(part) for part in amount.of))
        case AtMost():
            return replace(amount, amount=base(amount.amount))
        case Relief():
            estimate = amount.estimate
            return replace(amount, estimate=None if estimate is None else _flat(benefit, estimate))
        case Rate() | PerUnit():
            return replace(amount, of=base(amount.of))
        case ByParameter():
            return replace(amount, of=None if amount.of is None else base(amount.of))
        case Slices():
            return replace(amount, by=base(amount.by))
        case _:
            return amount


def compile_all(benefits: Sequence[Benefit], vocabulary: Vocabulary, as_of: date) -> list[Compiled]:
    """Compile benefits that are swept together on one day, in their order."""
    compiler = Compiler(vocabulary, as_of)
    return [compiler.benefit(benefit) for benefit in benefits]
