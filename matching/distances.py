"""How far a condition that is not met is from being met, where it can change at all."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from matching import ranges
from matching.facts import Facts
from matching.leaves import Outcome, Tested, elapsed_on
from matching.verdicts import ChangeKind, Distance
from policies.criteria import (
    Bounds,
    Compare,
    Elapsed,
    Growth,
    Increase,
    Leaf,
    Listed,
    Member,
    NotListed,
    RatioTo,
)
from policies.values import Quantity, add_months, money_words, number_words, ratio_words
from policies.vocabulary import Field, FieldType
from policies.wording import date_words

_FIXED_FIELDS = frozenset({"established_on", "registered_capital"})

_MAY_FALL = frozenset({"social_arrears", "arrears", "layoff_rate", "unemployment_claims", "claims"})
"""Nobody is told to earn, export or employ less; debts may be paid and lay-offs ended."""


def distance(leaf: Leaf, tested: Tested, facts: Facts) -> Distance | None:
    """Return the change that would meet a leaf; None when it is met or nothing can change it."""
    if tested.outcome is not Outcome.FALSE:
        return None
    field, test = facts.vocabulary[leaf.field], leaf.test
    if isinstance(test, Elapsed):
        return _wait(field, test, tested.reading.value, facts.as_of)
    if isinstance(test, Listed):
        text = f"取得或续展“{field.label_zh}”"
        return Distance(kind=ChangeKind.JOIN, field=field.code, text_zh=text)
    if isinstance(test, NotListed):
        text = f"移出“{field.label_zh}”"
        return Distance(kind=ChangeKind.LEAVE, field=field.code, text_zh=text)
    if isinstance(test, Member) and field.type is FieldType.BOOL and field.is_declared:
        return Distance(kind=ChangeKind.DO, field=field.code, text_zh=f"做到“{field.label_zh}”")
    if isinstance(test, Compare | Growth | Increase | RatioTo):
        return _shift(field, test, tested, facts)
    return None


def _wait(field: Field, test: Elapsed, value: object, as_of: date) -> Distance | None:
    if not isinstance(value, date):
        return None
    days = []
    for key, bound in test.bounds.items():
        if key in ("at_most", "less_than") or not isinstance(bound, Quantity):
            continue
        start = elapsed_on(value, int(bound.amount), test.unit)
        days.append(start if key == "at_least" else date.fromordinal(start.toordinal() + 1))
    if not days or max(days) <= as_of:
        return None
    return _until(field, max(days), as_of)


def _until(field: Field, day: date, as_of: date) -> Distance:
    left = (day - as_of).days
    return Distance(
        kind=ChangeKind.WAIT,
        field=field.code,
        text_zh=f"等到{date_words(day)}（还有{left}天）",
        amount=str(left),
        unit="天",
        on=day,
        share=left,
    )


def _shift(
    field: Field, test: Compare | Growth | Increase | RatioTo, tested: Tested, facts: Facts
) -> Distance | None:
    value = ranges.as_range(tested.reading.value)
    if value is None or value[0] is None or value[0] != value[1] or field.code in _FIXED_FIELDS:
        return None
    now = value[0]
    found = _needed(test, tested, now)
    if found is None:
        return None
    target, strict = found
    if field.origin.rule in ("months_since", "insured_months") and target > now:
        return _later(field, target - now + (1 if strict else 0), facts.as_of)
    if field.origin.rule == "quotient":
        return _through_top(field, tested, target, strict=strict, facts=facts)
    if target < now and field.code not in _MAY_FALL:
        return None
    return _change(field, target - now, now, strict=strict)


def _needed(
    test: Compare | Growth | Increase | RatioTo, tested: Tested, now: ranges.Number
) -> tuple[ranges.Number, bool] | None:
    """Return the value that would just do, and whether it must be passed."""
    if isinstance(test, Compare):
        return _bound(test.bounds, now)
    base = ranges.as_range(tested.base.value) if tested.base else None
    if base is None or base[0] is None or base[0] != base[1]:
        return None
    below = base[0]
    if isinstance(test, Increase):
        found = _bound(test.bounds, now - below)
        return None if found is None else (found[0] + below, found[1])
    extra = 1 if isinstance(test, Growth) else 0
    found = _bound(test.bounds, Fraction(now) / below - extra)
    return None if found is None else ((found[0] + extra) * below, found[1])


def _bound(bounds: Bounds, now: ranges.Number) -> tuple[ranges.Number, bool] | None:
    for key, bound in bounds.items():
        assert isinstance(bound, Quantity), key
        limit = bound.amount
        low = (key == "at_least" and now < limit) or (key == "more_than" and now <= limit)
        high = (key == "at_most" and now > limit) or (key == "less_than" and now >= limit)
        if low or high:
            return limit, key in ("more_than", "less_than")
    return None


def _later(field: Field, months: ranges.Number, as_of: date) -> Distance:
    day = add_months(as_of, -(-Fraction(months).numerator // Fraction(months).denominator))
    return _until(field, day, as_of)


def _through_top(
    field: Field, tested: Tested, target: ranges.Number, *, strict: bool, facts: Facts
) -> Distance | None:
    """Turn a missing share into the missing amount of its upper part (R&D expense, claims)."""
    top_code, base_code = field.origin.inputs
    values = {(fact.field, fact.value) for fact in tested.reading.facts}
    tops = [v for code, v in values if code == top_code and isinstance(v, int)]
    bases = [v for code, v in values if code == base_code and isinstance(v, int)]
    if len(tops) != 1 or len(bases) != 1:
        now = ranges.as_range(tested.reading.value)
        assert now is not None, field.code
        assert now[0] is not None, field.code
        return _change(field, target - now[0], now[0], strict=strict)
    top = facts.vocabulary[top_code]
    return _change(top, target * bases[0] - tops[0], tops[0], strict=strict)


def _change(field: Field, by: ranges.Number, now: ranges.Number, *, strict: bool) -> Distance:
    """Round a change outwards to what can really be had, and say it."""
    up = by > 0 or (by == 0 and strict)
    size = Fraction(by if by >= 0 else -by)
    if field.type in (FieldType.MONEY, FieldType.COUNT):
        size = Fraction(-(-size.numerator // size.denominator))
        size += 1 if strict and size in (by, -by) else 0
    words = {
        FieldType.MONEY: money_words(size),
        FieldType.RATIO: ratio_words(size).replace("%", "个百分点"),
    }.get(field.type, number_words(size) + field.unit)
    share = 1000 if not now else int(size * 1000 / Fraction(now if now > 0 else -now))
    verb = ("增加" if up else "减少") + ("超过" if strict and not size else "")
    return Distance(
        kind=ChangeKind.RAISE if up else ChangeKind.LOWER,
        field=field.code,
        text_zh=f"{field.label_zh}{verb}{words}",
        amount=str(size),
        unit={FieldType.MONEY: "fen", FieldType.RATIO: "ratio"}.get(field.type, field.unit),
        share=min(share, 10_000),
    )
