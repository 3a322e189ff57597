"""Reading documents, benefits and parameters out of a YAML tree."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from policies.amounts import Base, ByParameter
from policies.amounts import conditions as amount_conditions
from policies.amounts import walk as walk_amount
from policies.benefits import (
    Benefit,
    BenefitClass,
    Certainty,
    ClaimPeriod,
    Codes,
    Definition,
    DocumentLevel,
    FairCompetition,
    Instalment,
    Material,
    Mode,
    Parameter,
    ParameterValue,
    PolicyDocument,
    PolicyFile,
    Stacking,
    StackingRule,
    Window,
    WorkStep,
    used_definitions,
    used_parameters,
)
from policies.criteria import Criterion, Use
from policies.criteria import walk as walk_criterion
from policies.read_amounts import read_amount, read_cap
from policies.read_cases import read_case
from policies.read_criteria import read_criterion
from policies.reader import NO_NODE, Reader, below
from policies.values import Quantity, Text
from policies.vocabulary import FieldType
from policies.yaml_tree import MapNode, Node, Scalar

FORMAT = "huiqitong-policy/1"
_ID = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")


def read_file(reader: Reader, root: Node) -> PolicyFile:
    """Read the whole content of one file."""
    names = ("format", "document", "parameters", "definitions", "benefits")
    top = reader.mapping(root, "", names, ("format", "document", "benefits"))
    stated = reader.string_of(top, "format", "")
    if stated and stated != FORMAT:
        reader.problem("HQ005", top.line_of("format"), "format", repr(stated), FORMAT)
    document = _document(reader, top.get("document") or NO_NODE)
    parameters = [
        _parameter(reader, n, k) for n, k in reader.items(top.get("parameters"), "parameters")
    ]
    definitions = _definitions(reader, top.get("definitions"))
    benefits: list[Benefit] = []
    for node, _ in reader.items(top.get("benefits"), "benefits"):
        benefit = _benefit(reader, node, document)
        _check_names(reader, node, benefit, definitions, parameters)
        used = used_definitions(benefit, {entry.name: entry for entry in definitions})
        values = used_parameters(benefit, {entry.code: entry for entry in parameters})
        if any((b.id, b.version) == (benefit.id, benefit.version) for b in benefits):
            reader.problem("HQ010", node.line, "id", f"重复的 {benefit.id}", "每个事项版本只写一次")
        benefits.append(replace(benefit, definitions=used, parameters=values))
    reader.benefit = ""
    return PolicyFile(
        document=document,
        parameters=tuple(parameters),
        definitions=tuple(definitions),
        benefits=tuple(benefits),
    )


def _document(reader: Reader, node: Node) -> PolicyDocument:
    key = "document"
    required = ("id", "title", "issuer", "level", "region", "valid_from", "certainty")
    names = (*required, "number", "issued_on", "valid_until", "url", "demo")
    read = reader.mapping(node, key, names, required)
    region = reader.string_of(read, "region", key)
    tree = reader.vocabulary["region"].tree
    if region and tree is not None and region not in tree.names:
        reader.problem(
            "HQ005", read.line_of("region"), "document.region", repr(region), "六位区划代码"
        )
    demo = read.get("demo")
    return PolicyDocument(
        id=_identifier(reader, read, key),
        number=reader.string_of(read, "number", key),
        title=reader.string_of(read, "title", key),
        issuer=reader.string_of(read, "issuer", key),
        level=reader.choice_of(read, "level", key, DocumentLevel.CITY),
        region=region,
        issued_on=reader.optional(read.get("issued_on"), "document.issued_on", reader.day),
        valid_from=reader.day(read.get("valid_from") or NO_NODE, "document.valid_from"),
        valid_until=reader.optional(read.get("valid_until"), "document.valid_until", reader.day),
        url=reader.string_of(read, "url", key),
        certainty=reader.choice_of(read, "certainty", key, Certainty.MEMORY),
        demo=demo is not None and reader.boolean(demo, "document.demo"),
    )


def _identifier(reader: Reader, node: MapNode, key: str) -> str:
    found = reader.string_of(node, "id", key)
    if found and not _ID.match(found):
        expected = "小写字母、数字和连字符, 如 nc-hnte-award"
        reader.problem("HQ005", node.line_of("id"), below(key, "id"), repr(found), expected)
    return found


def _parameter(reader: Reader, node: Node, key: str) -> Parameter:
    read = reader.mapping(node, key, ("code", "label", "type", "values"), ("code", "values"))
    kind = reader.choice_of(read, "type", key, FieldType.NUMBER)
    values = []
    for item, at in reader.items(read.get("values"), below(key, "values")):
        entry = reader.mapping(item, at, ("from", "value", "source"), ("from", "value"))
        value_node = entry.get("value") or NO_NODE
        values.append(
            ParameterValue(
                valid_from=reader.day(entry.get("from") or NO_NODE, below(at, "from")),
                value=_parameter_value(reader, value_node, below(at, "value"), kind),
                source=reader.string_of(entry, "source", at),
            )
        )
    code = reader.string_of(read, "code", key)
    label = reader.optional(read.get("label"), below(key, "label"), reader.text) or Text(zh=code)
    return Parameter(code=code, label=label, values=tuple(values))


def _parameter_value(reader: Reader, node: Node, key: str, kind: FieldType) -> Quantity:
    if kind is FieldType.MONEY:
        return reader.money(node, key)
    return reader.ratio(node, key) if kind is FieldType.RATIO else reader.quantity(node, key)


def _definitions(reader: Reader, node: Node | None) -> list[Definition]:
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return []
    if not isinstance(node, MapNode):
        reader.wrong(node, "definitions", "名称到定义的映射")
        return []
    made = []
    for name, value in node.entries:
        key = f"definitions.{name.text}"
        if not _NAME.match(name.text):
            reader.problem("HQ005", name.line, key, repr(name.text), "小写字母、数字和下划线")
        read = reader.mapping(value, key, ("label", "criterion"), ("criterion",))
        label = reader.optional(read.get("label"), below(key, "label"), reader.text)
        criterion = read_criterion(
            reader, read.get("criterion") or NO_NODE, below(key, "criterion")
        )
        made.append(
            Definition(name=name.text, label=label or Text(zh=name.text), criterion=criterion)
        )
    _check_cycles(reader, node, made)
    return made


def _check_cycles(reader: Reader, node: MapNode, definitions: list[Definition]) -> None:
    uses = {
        d.name: [c.name for c in walk_criterion(d.criterion) if isinstance(c, Use)]
        for d in definitions
    }

    def reaches(start: str, at: str, seen: frozenset[str]) -> bool:
        return any(
            name == start or (name not in seen and reaches(start, name, seen | {name}))
            for name in uses.get(at, [])
        )

    for definition in definitions:
        key = f"definitions.{definition.name}"
        line = node.line_of(definition.name)
        for name in uses[definition.name]:
            if name not in uses:
                reader.problem("HQ008", line, key, f"use: {name}", "本文件 definitions 中的名称")
        if reaches(definition.name, definition.name, frozenset()):
            reader.problem("HQ009", line, key, "定义引用了自身", "不循环的定义")


def _check_names(
    reader: Reader,
    node: Node,
    benefit: Benefit,
    definitions: Iterable[Definition],
    parameters: Iterable[Parameter],
) -> None:
    names = {entry.name for entry in definitions}
    codes = {entry.code for entry in parameters}
    roots: list[Criterion] = [
        benefit.criteria,
        *benefit.outcome,
        *amount_conditions(benefit.amount),
    ]
    for root in roots:
        for part in walk_criterion(root):
            if isinstance(part, Use) and part.name not in names:
                expected = f"本文件 definitions 中的名称: {'、'.join(sorted(names)) or '(无)'}"
                reader.problem("HQ008", part.line, "criteria", f"use: {part.name}", expected)
    amounts: list[Base] = list(walk_amount(benefit.amount))
    for amount in amounts:
        if isinstance(amount, ByParameter) and amount.parameter not in codes:
            expected = f"本文件 parameters 中的代码: {'、'.join(sorted(codes)) or '(无)'}"
            line = amount.line or node.line
            reader.problem("HQ008", line, "amount", f"parameter: {amount.parameter}", expected)


_REQUIRED = (
    "id",
    "version",
    "name",
    "basis",
    "class",
    "mode",
    "lead_department",
    "criteria",
    "amount",
)
_OPTIONAL = (
    *("beneficiary", "valid_from", "valid_until", "window", "period", "period_offset"),
    *("joint_departments", "purse", "allotment_purpose", "codes", "caps", "stacking"),
    *("instalments", "materials", "steps", "promise_working_days", "statutory_working_days"),
    *("publicity_working_days", "credit_gate", "contact", "supervision", "fair_competition"),
    *("performance_goal", "outcome", "cases"),
)


def _benefit(reader: Reader, node: Node, document: PolicyDocument) -> Benefit:
    reader.benefit = ""
    if isinstance(node, MapNode):
        reader.benefit = reader.string_of(node, "id", "")
    read = reader.mapping(node, "", (*_REQUIRED, *_OPTIONAL), _REQUIRED)
    name = reader.optional(read.get("name"), "name", reader.text) or Text(zh="")
    until = read.get("valid_until")
    return Benefit(
        id=_identifier(reader, read, ""),
        version=reader.integer_of(read, "version", "", 1),
        name=name,
        document=document,
        basis=reader.string_of(read, "basis", ""),
        benefit_class=reader.choice_of(read, "class", "", BenefitClass.AWARD),
        mode=reader.choice_of(read, "mode", "", Mode.APPLY),
        beneficiary=reader.optional(read.get("beneficiary"), "beneficiary", reader.text)
        or Text(zh=""),
        valid_from=reader.optional(read.get("valid_from"), "valid_from", reader.day)
        or document.valid_from,
        valid_until=document.valid_until
        if until is None
        else reader.optional(until, "valid_until", reader.day),
        criteria=read_criterion(reader, read.get("criteria") or NO_NODE, "criteria"),
        amount=read_amount(reader, read.get("amount") or NO_NODE, "amount"),
        lead_department=reader.string_of(read, "lead_department", ""),
        window=reader.optional(read.get("window"), "window", lambda n, k: _window(reader, n, k)),
        period=reader.choice_of(read, "period", "", ClaimPeriod.YEAR),
        period_offset=reader.integer_of(read, "period_offset", "", 0),
        joint_departments=reader.strings(read.get("joint_departments"), "joint_departments"),
        purse=reader.optional(read.get("purse"), "purse", reader.string),
        allotment_purpose=reader.string_of(read, "allotment_purpose", ""),
        codes=_codes(reader, read.get("codes")),
        caps=tuple(read_cap(reader, n, k) for n, k in reader.items(read.get("caps"), "caps")),
        stacking=reader.optional(
            read.get("stacking"), "stacking", lambda n, k: _stacking(reader, n, k)
        ),
        instalments=tuple(
            _instalment(reader, n, k)
            for n, k in reader.items(read.get("instalments"), "instalments")
        ),
        materials=tuple(
            _material(reader, n, k) for n, k in reader.items(read.get("materials"), "materials")
        ),
        steps=tuple(_step(reader, n, k) for n, k in reader.items(read.get("steps"), "steps")),
        promise_working_days=reader.optional(
            read.get("promise_working_days"), "promise_working_days", reader.integer
        ),
        statutory_working_days=reader.optional(
            read.get("statutory_working_days"), "statutory_working_days", reader.integer
        ),
        publicity_working_days=reader.integer_of(read, "publicity_working_days", "", 0),
        credit_gate=_gate(reader, read),
        contact=reader.string_of(read, "contact", ""),
        supervision=reader.string_of(read, "supervision", ""),
        fair_competition=reader.optional(
            read.get("fair_competition"), "fair_competition", lambda n, k: _fair(reader, n, k)
        ),
        performance_goal=reader.optional(
            read.get("performance_goal"), "performance_goal", reader.text
        ),
        outcome=tuple(
            read_criterion(reader, n, k) for n, k in reader.items(read.get("outcome"), "outcome")
        ),
        cases=tuple(read_case(reader, n, k) for n, k in reader.items(read.get("cases"), "cases")),
    )


def _gate(reader: Reader, read: MapNode) -> tuple[str, ...]:
    codes = reader.strings(read.get("credit_gate"), "credit_gate")
    for code in codes:
        field = reader.vocabulary.get(code)
        if field is None or field.type is not FieldType.LISTING:
            line = read.line_of("credit_gate")
            reader.problem("HQ006", line, "credit_gate", repr(code), "名单类要素, 如 dishonest")
    return codes


def _window(reader: Reader, node: Node, key: str) -> Window:
    read = reader.mapping(node, key, ("open", "close"), ("open", "close"))
    opening = reader.day(read.get("open") or NO_NODE, below(key, "open"))
    return Window(open=opening, close=reader.day(read.get("close") or NO_NODE, below(key, "close")))


def _codes(reader: Reader, node: Node | None) -> Codes:
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return Codes()
    read = reader.mapping(node, "codes", ("exp_func", "gov_eco", "dep_eco"))
    return Codes(
        exp_func=reader.string_of(read, "exp_func", "codes"),
        gov_eco=reader.string_of(read, "gov_eco", "codes"),
        dep_eco=reader.string_of(read, "dep_eco", "codes"),
    )


def _stacking(reader: Reader, node: Node, key: str) -> Stacking:
    read = reader.mapping(node, key, ("rule", "group", "with", "clause"), ("rule",))
    return Stacking(
        rule=reader.choice_of(read, "rule", key, StackingRule.STACKABLE),
        group=reader.string_of(read, "group", key),
        with_benefits=reader.strings(read.get("with"), below(key, "with")),
        clause=reader.string_of(read, "clause", key),
    )


def _instalment(reader: Reader, node: Node, key: str) -> Instalment:
    read = reader.mapping(node, key, ("share", "when"), ("share",))
    share = reader.ratio(read.get("share") or NO_NODE, below(key, "share"))
    return Instalment(share=share, when=reader.string_of(read, "when", key))


def _material(reader: Reader, node: Node, key: str) -> Material:
    read = reader.mapping(node, key, ("name", "issuer", "held_by_government", "key"), ("name",))
    held, needed = read.get("held_by_government"), read.get("key")
    return Material(
        name=reader.text(read.get("name") or NO_NODE, below(key, "name")),
        issuer=reader.string_of(read, "issuer", key),
        held_by_government=held is not None
        and reader.boolean(held, below(key, "held_by_government")),
        key=needed is None or reader.boolean(needed, below(key, "key")),
    )


def _step(reader: Reader, node: Node, key: str) -> WorkStep:
    read = reader.mapping(node, key, ("role", "working_days"), ("role", "working_days"))
    days = reader.integer_of(read, "working_days", key)
    return WorkStep(role=reader.string_of(read, "role", key), working_days=days)


def _fair(reader: Reader, node: Node, key: str) -> FairCompetition:
    read = reader.mapping(node, key, ("result", "date"), ("result",))
    day = reader.optional(read.get("date"), below(key, "date"), reader.day)
    return FairCompetition(result=reader.string_of(read, "result", key), date=day)
