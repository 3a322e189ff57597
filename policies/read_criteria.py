"""Reading criteria out of a YAML tree, checked against the vocabulary."""

from __future__ import annotations

from collections.abc import Callable

from policies.criteria import (
    BOUND_KEYS,
    LEVELS,
    AllOf,
    AnyOf,
    AtLeast,
    Bound,
    Bounds,
    Compare,
    Criterion,
    Elapsed,
    ElapsedUnit,
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
    Stage,
    Test,
    Under,
    Use,
    When,
)
from policies.reader import Reader, below
from policies.values import (
    LAST_MONTH,
    LAST_YEAR,
    THIS_YEAR,
    Combine,
    Period,
    PeriodUnit,
    Quantity,
)
from policies.vocabulary import Field, FieldType, PeriodKind
from policies.yaml_tree import ListNode, MapNode, Node
from policies.yaml_tree import Scalar as ScalarNode

_GROUPS = ("all", "any", "not", "at_least", "when", "rule", "use", "open", "field")
_NUMERIC = (FieldType.MONEY, FieldType.COUNT, FieldType.RATIO, FieldType.NUMBER)
_CODED = (FieldType.CODE, FieldType.TEXT)
NOTHING = AllOf(of=())
"""Stands where a criterion could not be read; a file with findings is never used."""


def read_criterion(reader: Reader, node: Node, key: str) -> Criterion:
    """Read one criterion."""
    if not isinstance(node, MapNode):
        reader.wrong(node, key, "一个条件, 如 {field: region, under: ['3601']}")
        return NOTHING
    names = node.keys()
    if "field" in names:
        return _leaf(reader, node, key)
    kind = next((name for name in _GROUPS if name in names), None)
    if kind is None:
        reader.wrong(node, key, f"含 {'、'.join(_GROUPS)} 之一的条件")
        return NOTHING
    if kind in ("use", "open"):
        return _named(reader, node, key, kind)
    return _group(reader, node, key, kind)


def _named(reader: Reader, node: MapNode, key: str, kind: str) -> Criterion:
    if kind == "use":
        reader.mapping(node, key, ("use",))
        return Use(name=reader.string_of(node, "use", key), line=node.line)
    reader.mapping(node, key, ("open", "route_to", "clause", "stage"), ("route_to",))
    return Open(
        text=reader.string_of(node, "open", key),
        route_to=reader.string_of(node, "route_to", key),
        clause=reader.string_of(node, "clause", key),
        stage=reader.choice_of(node, "stage", key, Stage.BEFORE),
        line=node.line,
    )


_GROUP_KEYS: dict[str, tuple[str, ...]] = {
    "all": ("all",),
    "any": ("any",),
    "not": ("not",),
    "at_least": ("at_least",),
    "when": ("when", "then", "otherwise"),
    "rule": ("rule", "except"),
}


def _group(reader: Reader, node: MapNode, key: str, kind: str) -> Criterion:
    required = {"when": ("then",), "rule": ("except",)}.get(kind, ())
    reader.mapping(node, key, (*_GROUP_KEYS[kind], "label", "clause"), required)
    label = reader.optional(node.get("label"), below(key, "label"), reader.text)
    clause = reader.string_of(node, "clause", key)
    if kind in ("all", "any"):
        of = _list(reader, node.get(kind), below(key, kind))
        made = AllOf if kind == "all" else AnyOf
        return made(of=of, label=label, clause=clause)
    if kind == "not":
        return Not(of=_part(reader, node, "not", key), label=label, clause=clause)
    if kind == "at_least":
        at = below(key, "at_least")
        inner = reader.mapping(node.get("at_least") or node, at, ("n", "of"), ("n", "of"))
        count, of = reader.integer_of(inner, "n", at, 1), _list(reader, inner.get("of"), at)
        if not 1 <= count <= len(of):
            reader.problem("HQ005", inner.line, below(at, "n"), str(count), f"1 至 {len(of)}")
        return AtLeast(n=count, of=of, label=label, clause=clause)
    if kind == "when":
        otherwise = None
        if node.get("otherwise") is not None:
            otherwise = _part(reader, node, "otherwise", key)
        when, then = _part(reader, node, "when", key), _part(reader, node, "then", key)
        return When(when=when, then=then, otherwise=otherwise, label=label, clause=clause)
    exceptions = _list(reader, node.get("except"), below(key, "except"))
    rule = _part(reader, node, "rule", key)
    return Except(rule=rule, exceptions=exceptions, label=label, clause=clause)


def _part(reader: Reader, node: MapNode, name: str, key: str) -> Criterion:
    child = node.get(name)
    return NOTHING if child is None else read_criterion(reader, child, below(key, name))


def _list(reader: Reader, node: Node | None, key: str) -> tuple[Criterion, ...]:
    if isinstance(node, ListNode) and not node.items:
        reader.wrong(node, key, "至少一个条件")
    elif not isinstance(node, ListNode) and node is not None:
        reader.wrong(node, key, "条件的列表")
        return ()
    return tuple(read_criterion(reader, item, at) for item, at in reader.items(node, key))


# --- leaves --------------------------------------------------------------------------------------

_TEST_KEYS = (
    *("eq", "ne", "in", "not_in", "under", "not_under", "elapsed", "growth", "increase"),
    *("ratio_to", "exists", "listed", "not_listed"),
)


def _leaf(reader: Reader, node: MapNode, key: str) -> Criterion:
    extra = ("field", "period", "clause", "label", "stage")
    reader.mapping(node, key, (*extra, *_TEST_KEYS, *BOUND_KEYS))
    code = reader.string_of(node, "field", key)
    field = known_field(reader, node, code, below(key, "field"))
    if field is None:
        return NOTHING
    return Leaf(
        field=code,
        period=read_period(reader, node.get("period"), below(key, "period"), field),
        test=_test(reader, node, key, field),
        clause=reader.string_of(node, "clause", key),
        label=reader.optional(node.get("label"), below(key, "label"), reader.text),
        stage=reader.choice_of(node, "stage", key, Stage.BEFORE),
        line=node.line,
    )


def known_field(reader: Reader, node: MapNode, code: str, key: str) -> Field | None:
    """Return a registered field; a finding when there is none."""
    field = reader.vocabulary.get(code)
    if field is None:
        expected = "要素登记表中的代码" + _near(reader, code)
        reader.problem("HQ006", node.line_of("field"), key, repr(code), expected)
    return field


def _near(reader: Reader, code: str) -> str:
    near = sorted(c for c in reader.vocabulary.fields if code and (code in c or c in code))
    return f", 例如 {'、'.join(near[:4])}" if near else ""


def _test(reader: Reader, node: MapNode, key: str, field: Field) -> Test:
    names = [name for name in _TEST_KEYS if node.get(name) is not None]
    bounded = [name for name in BOUND_KEYS if node.get(name) is not None]
    if names == ["ratio_to"] and field.type in _NUMERIC:
        return _ratio_to(reader, node, key)
    if len(names) + bool(bounded) != 1:
        found = "、".join((*names, *bounded)) or "没有检验"
        expected = f"恰好一种检验: {'、'.join((*_TEST_KEYS, *BOUND_KEYS))}"
        reader.problem("HQ007", node.line, key, found, expected)
        return Exists(expected=True)
    kind = names[0] if names else "bounds"
    if not _fits(kind, field):
        found = f"对 {field.type.value} 类要素 {field.code} 用 {'、'.join(names or bounded)}"
        reader.problem("HQ007", node.line, key, found, _expected(field))
        return Exists(expected=True)
    if kind == "bounds":
        return Compare(bounds=_bounds(reader, node, key, field))
    child = node.get(kind)
    assert child is not None, kind
    return _TESTS[kind](reader, child, below(key, kind), field)


def _fits(kind: str, field: Field) -> bool:
    if kind in ("bounds", "growth", "increase"):
        dated = kind == "bounds" and field.type is FieldType.DATE
        return field.type in _NUMERIC or dated
    if kind in ("under", "not_under"):
        return field.type in _CODED
    if kind == "elapsed":
        return field.type is FieldType.DATE
    if kind in ("listed", "not_listed"):
        return field.type is FieldType.LISTING
    if kind == "exists":
        return True
    return field.type not in (FieldType.LISTING, FieldType.ITEMS)


def _expected(field: Field) -> str:
    if field.type is FieldType.LISTING:
        return "listed、not_listed 或 exists"
    if field.type is FieldType.ITEMS:
        return "exists"
    if field.type in _CODED:
        return "eq、ne、in、not_in、under、not_under 或 exists"
    if field.type is FieldType.BOOL:
        return "eq: true 或 eq: false"
    if field.type is FieldType.DATE:
        return "at_least、more_than、at_most、less_than、elapsed、eq 或 exists"
    return "at_least、more_than、at_most、less_than、eq、in、growth、increase 或 ratio_to"


def _bounds(reader: Reader, node: MapNode, key: str, field: Field | None) -> Bounds:
    """Read the bounds of a mapping; ``field`` None reads plain numbers."""

    def bound(name: str) -> Bound | None:
        child = node.get(name)
        return None if child is None else _bound(reader, child, below(key, name), field)

    return Bounds(
        at_least=bound("at_least"),
        more_than=bound("more_than"),
        at_most=bound("at_most"),
        less_than=bound("less_than"),
    )


def _bound(reader: Reader, node: Node, key: str, field: Field | None) -> Bound:
    if field is None:
        return reader.plain_number(node, key)
    if field.type is FieldType.DATE:
        return reader.day_value(node, key)
    return field_quantity(reader, node, key, field)


def field_quantity(reader: Reader, node: Node, key: str, field: Field) -> Quantity:
    """Read a quantity in the unit of a field."""
    if field.type is FieldType.MONEY:
        return reader.money(node, key)
    return (reader.ratio if field.type is FieldType.RATIO else reader.plain_number)(node, key)


def field_scalar(reader: Reader, node: Node, key: str, field: Field) -> Scalar:
    """Read one value of a field's own type."""
    if field.type is FieldType.BOOL:
        return reader.boolean(node, key)
    if field.type is FieldType.DATE:
        return reader.day_value(node, key)
    if field.type in _NUMERIC:
        return field_quantity(reader, node, key, field)
    code = reader.string(node, key)
    allowed = [entry.code for entry in field.codes]
    if allowed and code not in allowed and code:
        reader.problem("HQ005", node.line, key, repr(code), "、".join(allowed))
    return code


def _member(reader: Reader, node: Node, key: str, field: Field, *, negated: bool) -> Member:
    if isinstance(node, ListNode):
        if not node.items:
            reader.wrong(node, key, "至少一个取值")
        values = tuple(
            field_scalar(reader, item, at, field) for item, at in reader.items(node, key)
        )
    else:
        values = (field_scalar(reader, node, key, field),)
    return Member(values=values, negated=negated)


def _under(reader: Reader, node: Node, key: str, field: Field, *, negated: bool) -> Under:
    prefixes = (
        reader.strings(node, key) if isinstance(node, ListNode) else (reader.string(node, key),)
    )
    if not prefixes:
        reader.wrong(node, key, "至少一个代码前缀")
    tree = field.tree
    for prefix in prefixes:
        if tree is not None and not tree.known(prefix):
            reader.problem("HQ005", node.line, key, repr(prefix), f"{field.code_tree} 代码或前缀")
    return Under(prefixes=prefixes, negated=negated)


def _elapsed(reader: Reader, node: Node, key: str, _field: Field) -> Elapsed:
    read = reader.mapping(node, key, (*BOUND_KEYS, "unit"), ("unit",))
    bounds = _some_bounds(reader, read, key, None)
    return Elapsed(bounds=bounds, unit=reader.choice_of(read, "unit", key, ElapsedUnit.MONTHS))


def _some_bounds(reader: Reader, node: MapNode, key: str, field: Field | None) -> Bounds:
    bounds = _bounds(reader, node, key, field)
    if not list(bounds.items()):
        reader.problem("HQ004", node.line, key, "没有上下限", "、".join(BOUND_KEYS))
    return bounds


def _ratio_bounds(reader: Reader, node: MapNode, key: str) -> Bounds:
    made: dict[str, Quantity] = {}
    for name in BOUND_KEYS:
        child = node.get(name)
        if child is not None:
            value = reader.quantity(child, below(key, name))
            if value.unit.value == "fen":
                reader.wrong(child, below(key, name), "比例, 如 20%")
            made[name] = value
    if not made:
        reader.problem("HQ004", node.line, key, "没有上下限", "、".join(BOUND_KEYS))
    return Bounds(**made)


def _over(reader: Reader, node: MapNode, key: str, field: Field) -> Period:
    period = read_period(reader, node.get("over"), below(key, "over"), field)
    if period is None:
        reader.problem("HQ004", node.line, below(key, "over"), "缺少对比期", "如 {year: -2}")
        return LAST_YEAR
    return period


def _growth(reader: Reader, node: Node, key: str, field: Field) -> Growth:
    read = reader.mapping(node, key, (*BOUND_KEYS, "over"), ("over",))
    return Growth(over=_over(reader, read, key, field), bounds=_ratio_bounds(reader, read, key))


def _increase(reader: Reader, node: Node, key: str, field: Field) -> Increase:
    read = reader.mapping(node, key, (*BOUND_KEYS, "over"), ("over",))
    bounds = _some_bounds(reader, read, key, field)
    return Increase(over=_over(reader, read, key, field), bounds=bounds)


def _ratio_to(reader: Reader, node: MapNode, key: str) -> Test:
    """Read ``ratio_to: {field, period}`` with the bounds beside it on the leaf."""
    at = below(key, "ratio_to")
    read = reader.mapping(node.get("ratio_to") or node, at, ("field", "period"), ("field",))
    code = reader.string_of(read, "field", at)
    other = known_field(reader, read, code, below(at, "field"))
    if other is not None and other.type not in _NUMERIC:
        reader.problem("HQ007", read.line, at, f"{other.type.value} 类要素", "数值类要素")
    period = read_period(reader, read.get("period"), below(at, "period"), other)
    return RatioTo(field=code, period=period, bounds=_ratio_bounds(reader, node, key))


def _exists(reader: Reader, node: Node, key: str, _field: Field) -> Exists:
    return Exists(expected=reader.boolean(node, key))


def _listed(reader: Reader, node: Node, key: str, _field: Field) -> Listed:
    if isinstance(node, ScalarNode) and node.text == "true":
        return Listed()
    names = ("valid", "level_at_least", "listed_from", "listed_until", "expires_after", "first")
    read = reader.mapping(node, key, names)
    level = reader.string_of(read, "level_at_least", key)
    if level and level not in LEVELS:
        at = below(key, "level_at_least")
        reader.problem("HQ005", read.line_of("level_at_least"), at, level, "、".join(LEVELS))

    def day(name: str) -> object:
        return reader.optional(read.get(name), below(key, name), reader.day_value)

    def flag(name: str, *, default: bool) -> bool:
        child = read.get(name)
        return default if child is None else reader.boolean(child, below(key, name))

    return Listed(
        valid=flag("valid", default=True),
        level_at_least=level,
        listed_from=day("listed_from"),  # type: ignore[arg-type]
        listed_until=day("listed_until"),  # type: ignore[arg-type]
        expires_after=day("expires_after"),  # type: ignore[arg-type]
        first=flag("first", default=False),
    )


def _not_listed(reader: Reader, node: Node, key: str, _field: Field) -> NotListed:
    if isinstance(node, ScalarNode) and node.text == "true":
        return NotListed()
    read = reader.mapping(node, key, ("since",))
    return NotListed(
        since=reader.optional(read.get("since"), below(key, "since"), reader.day_value)
    )


def _eq(reader: Reader, node: Node, key: str, field: Field) -> Member:
    if isinstance(node, ListNode):
        reader.wrong(node, key, "一个取值; 多个取值用 in")
    return _member(reader, node, key, field, negated=False)


def _ne(reader: Reader, node: Node, key: str, field: Field) -> Member:
    if isinstance(node, ListNode):
        reader.wrong(node, key, "一个取值; 多个取值用 not_in")
    return _member(reader, node, key, field, negated=True)


_TESTS: dict[str, Callable[[Reader, Node, str, Field], Test]] = {
    "eq": _eq,
    "ne": _ne,
    "in": lambda r, n, k, f: _member(r, n, k, f, negated=False),
    "not_in": lambda r, n, k, f: _member(r, n, k, f, negated=True),
    "under": lambda r, n, k, f: _under(r, n, k, f, negated=False),
    "not_under": lambda r, n, k, f: _under(r, n, k, f, negated=True),
    "elapsed": _elapsed,
    "growth": _growth,
    "increase": _increase,
    "exists": _exists,
    "listed": _listed,
    "not_listed": _not_listed,
}


# --- periods -------------------------------------------------------------------------------------

_NAMED = {"last_year": LAST_YEAR, "this_year": THIS_YEAR, "last_month": LAST_MONTH}


def read_period(reader: Reader, node: Node | None, key: str, field: Field | None) -> Period | None:
    """Read a period and check that the field has values of that kind."""
    period = reader.optional(node, key, lambda n, k: _period(reader, n, k))
    if period is None or field is None or node is None:
        return period
    fits = {PeriodUnit.YEAR: PeriodKind.YEAR, PeriodUnit.MONTH: PeriodKind.MONTH}[period.unit]
    if field.period is not fits:
        kinds = {"as_of": "时点值, 不写 period", "year": "年度, 如 last_year", "month": "月份"}
        expected = f"要素 {field.code} 是{kinds[field.period.value]}"
        reader.problem("HQ011", node.line, key, period.words(), expected)
    return period


def _period(reader: Reader, node: Node, key: str) -> Period:
    if isinstance(node, ScalarNode) and node.text in _NAMED:
        return _NAMED[node.text]
    if not isinstance(node, MapNode):
        reader.wrong(
            node, key, "last_year、this_year、{year: -2} 或 {years: [-3, -1], combine: sum}"
        )
        return LAST_YEAR
    reader.mapping(node, key, ("year", "years", "month", "months", "combine"))
    for name, unit in (("year", PeriodUnit.YEAR), ("month", PeriodUnit.MONTH)):
        if node.get(name) is not None:
            offset = reader.integer_of(node, name, key)
            return Period(unit=unit, first=offset, last=offset)
        child = node.get(name + "s")
        if child is not None:
            at = below(key, name + "s")
            ends = [reader.integer(item, path) for item, path in reader.items(child, at)]
            if len(ends) != 2 or ends[0] > ends[1] or node.get("combine") is None:
                reader.wrong(child, at, "[起, 止] 和 combine: sum|average|min|max")
                return LAST_YEAR
            combine = reader.choice_of(node, "combine", key, Combine.SUM)
            return Period(unit=unit, first=ends[0], last=ends[1], combine=combine)
    reader.wrong(node, key, "year、years、month 或 months")
    return LAST_YEAR
