"""Criteria in Chinese words, generated from their parts where the author wrote no label."""

from __future__ import annotations

from datetime import date

from policies.criteria import (
    AllOf,
    AnyOf,
    AtLeast,
    Bound,
    Bounds,
    Compare,
    Criterion,
    Elapsed,
    Except,
    Exists,
    Growth,
    Increase,
    Leaf,
    Listed,
    Member,
    Not,
    NotListed,
    Open,
    RatioTo,
    Scalar,
    Test,
    Under,
    Use,
    When,
)
from policies.values import LAST_MONTH, LAST_YEAR, DateValue, Period, Quantity, RelativeDate, day_of
from policies.vocabulary import Field, FieldType, PeriodKind, Vocabulary

_BOUND_WORDS = {"at_least": "不低于", "more_than": "高于", "at_most": "不高于", "less_than": "低于"}
_DATE_WORDS = {"at_least": "不早于", "more_than": "晚于", "at_most": "不晚于", "less_than": "早于"}
_ELAPSED_UNITS = {"days": "天", "months": "个月", "years": "年"}


def criterion_words(criterion: Criterion, vocabulary: Vocabulary, as_of: date | None = None) -> str:
    """Say a criterion in one phrase; ``as_of`` turns relative periods and dates into fixed ones."""
    if isinstance(criterion, Leaf):
        return leaf_words(criterion, vocabulary, as_of)
    if isinstance(criterion, Open):
        return criterion.text
    if isinstance(criterion, Use):
        return f"符合“{criterion.name}”"
    if criterion.label is not None:
        return criterion.label.zh
    match criterion:
        case AllOf():
            return "同时满足以下各项"
        case AnyOf():
            return "满足以下任意一项"
        case Not():
            return f"不属于: {criterion_words(criterion.of, vocabulary, as_of)}"
        case AtLeast():
            return f"以下{len(criterion.of)}项中至少满足{criterion.n}项"
        case When():
            return f"当“{criterion_words(criterion.when, vocabulary, as_of)}”时"
        case Except():
            return "满足规定且不属于例外情形"


def leaf_words(leaf: Leaf, vocabulary: Vocabulary, as_of: date | None = None) -> str:
    """Say a leaf: ``2025年营业收入 不低于 2000万元``."""
    if leaf.label is not None:
        return leaf.label.zh
    field = vocabulary[leaf.field]
    subject = subject_words(field, leaf.period, as_of)
    threshold = threshold_words(leaf.test, field, vocabulary, as_of)
    return f"{subject} {threshold}".strip()


def subject_words(field: Field, period: Period | None, as_of: date | None = None) -> str:
    """Say a field with its period: ``2025年营业收入``."""
    meant = period or {PeriodKind.YEAR: LAST_YEAR, PeriodKind.MONTH: LAST_MONTH}.get(field.period)
    return (meant.words(as_of) if meant else "") + field.label_zh


def threshold_words(
    test: Test, field: Field, vocabulary: Vocabulary, as_of: date | None = None
) -> str:
    """Say what a test asks: ``不低于 2000万元``."""
    match test:
        case Compare():
            return _bounds(test.bounds, field, as_of)
        case Member():
            return _member(test, field, as_of)
        case Under():
            names = "、".join(field.code_label(prefix) for prefix in test.prefixes)
            return f"{'不属于' if test.negated else '属于'} {names}"
        case Elapsed():
            unit = _ELAPSED_UNITS[test.unit.value]
            said = {"at_least": "满", "more_than": "超过", "at_most": "不超过", "less_than": "不满"}
            return "且".join(
                f"{said[k]} {_bound(b, None, as_of)}{unit}" for k, b in test.bounds.items()
            )
        case Growth():
            return f"比{test.over.words(as_of)}增长 {_bounds(test.bounds, None, as_of)}"
        case Increase():
            return f"比{test.over.words(as_of)}增加 {_bounds(test.bounds, field, as_of)}"
        case RatioTo():
            other = subject_words(vocabulary[test.field], test.period, as_of)
            return f"占{other}的比例 {_bounds(test.bounds, None, as_of)}"
        case Exists():
            return "有记录" if test.expected else "没有记录"
        case Listed():
            return _listed(test, as_of)
        case NotListed():
            since = f"（{date_words(test.since, as_of)}以来）" if test.since else ""
            return f"未列入{since}"


def _bounds(bounds: Bounds, field: Field | None, as_of: date | None) -> str:
    dated = field is not None and field.type is FieldType.DATE
    words = _DATE_WORDS if dated else _BOUND_WORDS
    return "且".join(f"{words[key]} {_bound(bound, field, as_of)}" for key, bound in bounds.items())


def _bound(bound: Bound, field: Field | None, as_of: date | None) -> str:
    if isinstance(bound, Quantity):
        counted = field is not None and field.type in (FieldType.COUNT, FieldType.NUMBER)
        return bound.words(field.unit if counted and field else "")
    return date_words(bound, as_of)


def date_words(value: DateValue, as_of: date | None = None) -> str:
    """Say a date: ``2026年3月1日``; a relative one by its distance while ``as_of`` is open."""
    if as_of is None and isinstance(value, RelativeDate):
        return value.words()
    day = day_of(value, as_of or date.min)
    return f"{day.year}年{day.month}月{day.day}日"


def _member(test: Member, field: Field, as_of: date | None) -> str:
    if field.type is FieldType.BOOL and len(test.values) == 1:
        return "为是" if test.values[0] != test.negated else "为否"
    names = "、".join(scalar_words(value, field, as_of) for value in test.values)
    if len(test.values) == 1:
        return f"{'不是' if test.negated else '为'} {names}"
    return f"{'不属于' if test.negated else '属于'} {names}"


def scalar_words(value: Scalar, field: Field, as_of: date | None = None) -> str:
    """Say one value of a field."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Quantity):
        return _bound(value, field, as_of)
    if isinstance(value, str):
        return field.code_label(value) or "（空）"
    return date_words(value, as_of)


def _listed(test: Listed, as_of: date | None) -> str:
    said = ["首次列入" if test.first else "已列入"]
    if test.level_at_least:
        said.append(f"{test.level_at_least}及以上")
    if test.listed_from is not None:
        said.append(f"{date_words(test.listed_from, as_of)}（含）以后认定")
    if test.listed_until is not None:
        said.append(f"{date_words(test.listed_until, as_of)}（含）以前认定")
    if test.valid:
        said.append("在有效期内")
    if test.expires_after is not None:
        said.append(f"有效期晚于{date_words(test.expires_after, as_of)}")
    return "，".join(said)
