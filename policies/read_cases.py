"""Reading the cases that stand beside a rule."""

from __future__ import annotations

import re
from datetime import date

from policies.benefits import (
    Case,
    CaseFact,
    CaseInterval,
    CaseItems,
    CaseListing,
    CasePlain,
    CaseRegister,
    CaseScalar,
    Expectation,
)
from policies.read_criteria import field_quantity, field_scalar
from policies.reader import NO_NODE, Reader, below
from policies.values import Quantity, RelativeDate, quantity
from policies.vocabulary import Field, FieldType, PeriodKind
from policies.yaml_tree import ListNode, MapNode, Node, Scalar

_KEY = re.compile(r"^(?P<field>[^@]+?)(?:@(?P<year>\d{4})(?:-(?P<month>\d{2}))?)?$")
_FINDING = re.compile(r"^finding:[a-z0-9-]+:[0-9]+$")
_NAMES = ("name", "as_of", "profile", "expect", "amount", "missing", "why")


def read_case(reader: Reader, node: Node, key: str) -> Case:
    """Read one case."""
    read = reader.mapping(node, key, _NAMES, ("as_of", "profile", "expect"))
    profile = read.get("profile")
    facts: list[CaseFact] = []
    if isinstance(profile, MapNode):
        for name, value in profile.entries:
            fact = _fact(reader, name, value, below(below(key, "profile"), name.text))
            facts += [] if fact is None else [fact]
    elif profile is not None and not (isinstance(profile, Scalar) and profile.is_null):
        reader.wrong(profile, below(key, "profile"), "要素到值的映射")
    amount, bounds = _amount(reader, read.get("amount"), below(key, "amount"))
    missing = read.get("missing")
    return Case(
        name=reader.string_of(read, "name", key),
        as_of=reader.day(read.get("as_of") or NO_NODE, below(key, "as_of")),
        profile=tuple(sorted(facts, key=lambda fact: (fact.field, fact.period or 0))),
        expect=reader.choice_of(read, "expect", key, Expectation.ELIGIBLE),
        amount=amount,
        amount_range=bounds,
        missing=None if missing is None else reader.strings(missing, below(key, "missing")),
        why=reader.string_of(read, "why", key),
    )


def _amount(
    reader: Reader, node: Node | None, key: str
) -> tuple[Quantity | None, CaseInterval | None]:
    if isinstance(node, ListNode):
        ends = [reader.optional(item, at, reader.money) for item, at in reader.items(node, key)]
        if len(ends) != 2:
            reader.wrong(node, key, "[下限, 上限]")
            return None, None
        return None, CaseInterval(low=ends[0], high=ends[1])
    return reader.optional(node, key, reader.money), None


def _fact(reader: Reader, name: Scalar, node: Node, key: str) -> CaseFact | None:
    if _FINDING.match(name.text):
        return CaseFact(field=name.text, period=None, value=reader.boolean(node, key))
    match = _KEY.match(name.text)
    field = None if match is None else reader.vocabulary.get(match["field"])
    if match is None or field is None:
        reader.problem("HQ006", name.line, key, repr(name.text), "要素代码、要素@年 或 要素@年-月")
        return None
    month = int(match["month"]) if match["month"] else None
    written = PeriodKind.AS_OF if not match["year"] else PeriodKind.YEAR
    if month is not None:
        written = PeriodKind.MONTH
    if written is not field.period or (month is not None and not 1 <= month <= 12):
        forms = {
            "as_of": field.code,
            "year": f"{field.code}@2025",
            "month": f"{field.code}@2026-05",
        }
        reader.problem("HQ011", name.line, key, repr(name.text), forms[field.period.value])
        return None
    year = int(match["year"]) if match["year"] else None
    period = year * 12 + month - 1 if year is not None and month is not None else year
    as_of: date | None = None
    if isinstance(node, MapNode) and node.get("value") is not None:
        dated = reader.mapping(node, key, ("value", "as_of"), ("value", "as_of"))
        as_of = reader.day(dated.get("as_of") or NO_NODE, below(key, "as_of"))
        node = dated.get("value") or node
    return CaseFact(
        field=field.code, period=period, value=_value(reader, node, key, field), as_of=as_of
    )


def _value(reader: Reader, node: Node, key: str, field: Field) -> CasePlain:
    if field.type is FieldType.LISTING:
        return _register(reader, node, key)
    if field.type is FieldType.ITEMS:
        return _items(reader, node, key)
    numeric = field.type not in (FieldType.CODE, FieldType.TEXT, FieldType.BOOL, FieldType.DATE)
    if numeric and isinstance(node, ListNode):
        ends = [
            reader.optional(item, at, lambda n, k: field_quantity(reader, n, k, field))
            for item, at in reader.items(node, key)
        ]
        if len(ends) != 2:
            reader.wrong(node, key, "[下限, 上限], 不知道的一端写 null")
            return CaseInterval(low=None, high=None)
        return CaseInterval(low=ends[0], high=ends[1])
    value = field_scalar(reader, node, key, field)
    if isinstance(value, RelativeDate):
        reader.wrong(node, key, "确定的日期")
        return date.min
    return value


def _register(reader: Reader, node: Node, key: str) -> CaseRegister:
    if isinstance(node, Scalar) and node.text in ("none", "unknown"):
        return CaseRegister(complete=node.text == "none")
    nodes = reader.items(node, key) if isinstance(node, ListNode) else [(node, key)]
    return CaseRegister(entries=tuple(_listing(reader, item, at) for item, at in nodes))


def _listing(reader: Reader, node: Node, key: str) -> CaseListing:
    if not isinstance(node, MapNode):
        reader.wrong(node, key, "none、unknown 或 {listed_on, valid_until, level}")
        return CaseListing(listed_on=date.min)
    names = ("listed_on", "valid_until", "removed_on", "level")
    read = reader.mapping(node, key, names, ("listed_on",))
    return CaseListing(
        listed_on=reader.day(read.get("listed_on") or NO_NODE, below(key, "listed_on")),
        valid_until=reader.optional(read.get("valid_until"), below(key, "valid_until"), reader.day),
        removed_on=reader.optional(read.get("removed_on"), below(key, "removed_on"), reader.day),
        level=reader.string_of(read, "level", key),
    )


def _items(reader: Reader, node: Node, key: str) -> CasePlain:
    if isinstance(node, Scalar) and node.text in ("none", "unknown"):
        return CaseItems(items=()) if node.text == "none" else CaseRegister(complete=False)
    made = []
    for item, at in reader.items(node, key):
        if not isinstance(item, MapNode):
            reader.wrong(item, at, "含 key 和各栏的映射")
            continue
        values = [(n.text, _item_value(v)) for n, v in item.entries if n.text != "key"]
        made.append((reader.string_of(item, "key", at, at), tuple(values)))
    return CaseItems(items=tuple(made))


def _item_value(node: Node) -> CaseScalar:
    if not isinstance(node, Scalar):
        return ""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", node.text):
        return date.fromisoformat(node.text)
    if node.text.lower() in ("true", "false") and not node.quoted:
        return node.text.lower() == "true"
    value = None if node.quoted else quantity(node.text)
    return node.text if value is None else value
