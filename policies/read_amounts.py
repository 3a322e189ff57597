"""Reading amounts and caps out of a YAML tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.money import Rounding
from policies.amounts import (
    Amount,
    AtMost,
    Base,
    Branch,
    ByParameter,
    Cap,
    CapScope,
    Choose,
    FieldBase,
    Fixed,
    Highest,
    Lowest,
    Minus,
    OpenAmount,
    PerUnit,
    Rate,
    Relief,
    Slice,
    Slices,
    Step,
    Sum,
    Tiers,
)
from policies.criteria import Bounds
from policies.read_criteria import known_field, read_criterion, read_period
from policies.reader import NO_NODE, Reader, below
from policies.values import Quantity, Text, money
from policies.vocabulary import FieldType
from policies.yaml_tree import MapNode, Node

_NUMERIC = (FieldType.MONEY, FieldType.COUNT, FieldType.RATIO, FieldType.NUMBER)
NOTHING = Fixed(money=money(0))
"""Stands where an amount could not be read; a file with findings is never used."""


def read_amount(reader: Reader, node: Node, key: str) -> Amount:
    """Read one amount."""
    if not isinstance(node, MapNode):
        reader.wrong(node, key, "一个金额规则, 如 {fixed: 10万元}")
        return NOTHING
    kind = next((name for name in _READERS if node.get(name) is not None), None)
    if kind is None:
        reader.wrong(node, key, f"含 {'、'.join(_READERS)} 之一的金额规则")
        return NOTHING
    allowed, read = _READERS[kind]
    reader.mapping(node, key, (kind, *allowed, "label", "clause"))
    label = reader.optional(node.get("label"), below(key, "label"), reader.text)
    return read(
        reader, node, key, {"label": label, "clause": reader.string_of(node, "clause", key)}
    )


def read_base(reader: Reader, node: Node, key: str) -> Base:
    """Read the base of a computation: a field, or another amount."""
    if not isinstance(node, MapNode) or node.get("field") is None:
        return read_amount(reader, node, key)
    reader.mapping(node, key, ("field", "period"))
    code = reader.string_of(node, "field", key)
    field = known_field(reader, node, code, below(key, "field"))
    if field is not None and field.type not in _NUMERIC:
        reader.problem("HQ007", node.line, key, f"{field.type.value} 类要素 {code}", "数值类要素")
    period = read_period(reader, node.get("period"), below(key, "period"), field)
    return FieldBase(field=code, period=period, line=node.line)


def _of(reader: Reader, node: MapNode, key: str, name: str = "of") -> Base:
    child = node.get(name)
    if child is None:
        reader.problem("HQ004", node.line, below(key, name), "缺少基数", "{field: …} 或金额规则")
        return NOTHING
    return read_base(reader, child, below(key, name))


def _rounding(reader: Reader, node: MapNode, key: str, default: Rounding) -> Rounding:
    return reader.choice_of(node, "rounding", key, default)


def _fixed(reader: Reader, node: MapNode, key: str, common: dict[str, Any]) -> Amount:
    return Fixed(money=reader.money(node.get("fixed") or NO_NODE, below(key, "fixed")), **common)


def _rate(reader: Reader, node: MapNode, key: str, common: dict[str, Any]) -> Amount:
    return Rate(
        rate=reader.ratio(node.get("rate") or NO_NODE, below(key, "rate")),
        of=_of(reader, node, key),
        rounding=_rounding(reader, node, key, Rounding.DOWN_YUAN),
        **common,
    )


def _per_unit(reader: Reader, node: MapNode, key: str, common: dict[str, Any]) -> Amount:
    return PerUnit(
        each=reader.money(node.get("per_unit") or NO_NODE, below(key, "per_unit")),
        of=_of(reader, node, key),
        rounding=_rounding(reader, node, key, Rounding.DOWN_FEN),
        **common,
    )


_STEP_BOUNDS = {"from": "at_least", "above": "more_than", "to": "at_most", "below": "less_than"}


def _tiers(reader: Reader, node: MapNode, key: str, common: dict[str, Any]) -> Amount:
    at = below(key, "tiers")
    table = reader.mapping(node.get("tiers") or NO_NODE, at, ("by", "steps"), ("by", "steps"))
    steps = []
    for item, path in reader.items(table.get("steps"), below(at, "steps")):
        step = reader.mapping(item, path, (*_STEP_BOUNDS, "amount"), ("amount",))
        found: dict[str, Quantity] = {}
        for name, bound in _STEP_BOUNDS.items():
            value = reader.optional(step.get(name), below(path, name), reader.quantity)
            if value is not None:
                found[bound] = value
        amount = read_amount(reader, step.get("amount") or NO_NODE, below(path, "amount"))
        steps.append(Step(bounds=Bounds(**found), amount=amount))
    if not steps:
        reader.problem("HQ004", table.line, below(at, "steps"), "没有档次", "至少一档")
    return Tiers(by=_of(reader, table, at, "by"), steps=tuple(steps), **common)


def _slices(reader: Reader, node: MapNode, key: str, common: dict[str, Any]) -> Amount:
    at = below(key, "slices")
    table = reader.mapping(node.get("slices") or NO_NODE, at, ("by", "slices"), ("by", "slices"))
    parts = []
    for item, path in reader.items(table.get("slices"), below(at, "slices")):
        part = reader.mapping(item, path, ("from", "below", "rate"), ("from", "rate"))
        start = reader.quantity(part.get("from") or NO_NODE, below(path, "from"))
        end = reader.optional(part.get("below"), below(path, "below"), reader.quantity)
        rate = reader.ratio(part.get("rate") or NO_NODE, below(path, "rate"))
        parts.append(Slice(start=start, below=end, rate=rate))
    if not parts:
        reader.problem("HQ004", table.line, below(at, "slices"), "没有分段", "至少一段")
    rounding = _rounding(reader, node, key, Rounding.DOWN_YUAN)
    by = _of(reader, table, at, "by")
    return Slices(by=by, slices=tuple(parts), rounding=rounding, **common)


def _choose(reader: Reader, node: MapNode, key: str, common: dict[str, Any]) -> Amount:
    branches = []
    for item, path in reader.items(node.get("choose"), below(key, "choose")):
        branch = reader.mapping(item, path, ("when", "amount"), ("when", "amount"))
        when = read_criterion(reader, branch.get("when") or NO_NODE, below(path, "when"))
        amount = read_amount(reader, branch.get("amount") or NO_NODE, below(path, "amount"))
        branches.append(Branch(when=when, amount=amount))
    otherwise = reader.optional(
        node.get("otherwise"), below(key, "otherwise"), lambda n, k: read_amount(reader, n, k)
    )
    if not branches:
        reader.problem("HQ004", node.line, below(key, "choose"), "没有分支", "至少一个分支")
    return Choose(branches=tuple(branches), otherwise=otherwise, **common)


def _several(kind: str, made: Callable[..., Amount]) -> Callable[..., Amount]:
    def read(reader: Reader, node: MapNode, key: str, common: dict[str, Any]) -> Amount:
        one = read_amount if kind == "sum" else read_base
        at = below(key, kind)
        of = tuple(one(reader, item, path) for item, path in reader.items(node.get(kind), at))
        if not of:
            reader.problem("HQ004", node.line, at, "空列表", "至少一项金额规则")
        return made(of=of, **common)

    return read


def _parameter(reader: Reader, node: MapNode, key: str, common: dict[str, Any]) -> Amount:
    of = None if node.get("of") is None else _of(reader, node, key)
    return ByParameter(
        parameter=reader.string_of(node, "parameter", key),
        of=of,
        rounding=_rounding(reader, node, key, Rounding.DOWN_YUAN),
        line=node.line,
        **common,
    )


def _at_most(reader: Reader, node: MapNode, key: str, common: dict[str, Any]) -> Amount:
    at = below(key, "at_most")
    inner = reader.mapping(node.get("at_most") or NO_NODE, at, ("amount", "cap"), ("amount", "cap"))
    cap = reader.money(inner.get("cap") or NO_NODE, below(at, "cap"))
    return AtMost(amount=_of(reader, inner, at, "amount"), cap=cap, **common)


def _open(reader: Reader, node: MapNode, key: str, common: dict[str, Any]) -> Amount:
    low = reader.optional(node.get("low"), below(key, "low"), reader.money)
    high = reader.optional(node.get("high"), below(key, "high"), reader.money)
    text = reader.string_of(node, "open", key)
    return OpenAmount(text=text, low=low or money(0), high=high, **common)


def _relief(reader: Reader, node: MapNode, key: str, common: dict[str, Any]) -> Amount:
    at = below(key, "relief")
    inner = reader.mapping(node.get("relief") or NO_NODE, at, ("note", "estimate"), ("note",))
    note = reader.optional(inner.get("note"), below(at, "note"), reader.text) or Text(zh="")
    estimate = reader.optional(
        inner.get("estimate"), below(at, "estimate"), lambda n, k: read_amount(reader, n, k)
    )
    return Relief(note=note, estimate=estimate, **common)


_READERS: dict[str, tuple[tuple[str, ...], Callable[..., Amount]]] = {
    "fixed": ((), _fixed),
    "rate": (("of", "rounding"), _rate),
    "per_unit": (("of", "rounding"), _per_unit),
    "tiers": ((), _tiers),
    "slices": (("rounding",), _slices),
    "choose": (("otherwise",), _choose),
    "sum": ((), _several("sum", Sum)),
    "lowest": ((), _several("lowest", Lowest)),
    "highest": ((), _several("highest", Highest)),
    "minus": ((), _several("minus", Minus)),
    "parameter": (("of", "rounding"), _parameter),
    "at_most": ((), _at_most),
    "open": (("low", "high"), _open),
    "relief": ((), _relief),
}


def read_cap(reader: Reader, node: Node, key: str) -> Cap:
    """Read one cap."""
    read = reader.mapping(node, key, ("scope", "amount", "clause"), ("scope", "amount"))
    return Cap(
        scope=reader.choice_of(read, "scope", key, CapScope.FIRM_YEAR),
        amount=reader.money(read.get("amount") or NO_NODE, below(key, "amount")),
        clause=reader.string_of(read, "clause", key),
    )
