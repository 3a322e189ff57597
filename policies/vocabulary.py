"""The vocabulary: one typed registry of everything a criterion may ask about an enterprise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from policies import yaml_tree
from policies.code_trees import CodeTree, divisions, industries
from policies.errors import VocabularyError


class FieldType(StrEnum):
    """What kind of value a field holds."""

    MONEY = "money"
    COUNT = "count"
    RATIO = "ratio"
    NUMBER = "number"
    DATE = "date"
    BOOL = "bool"
    CODE = "code"
    TEXT = "text"
    LISTING = "listing"
    ITEMS = "items"


class PeriodKind(StrEnum):
    """What one value of a field stands for: a day, a calendar year, a month."""

    AS_OF = "as_of"
    YEAR = "year"
    MONTH = "month"


class SourceClass(StrEnum):
    """Who holds the value; a derived field has the class of its weakest input."""

    REGISTRATION = "R"
    TAX = "T"
    SOCIAL_INSURANCE = "S"
    REGISTERS = "P"
    RECOGNITIONS = "Q"
    CREDIT = "C"
    DECLARED = "D"


class Sensitivity(StrEnum):
    """Who may see the value."""

    PUBLIC = "public"
    INTERNAL = "internal"
    SENSITIVE = "sensitive"


class OriginKind(StrEnum):
    """How a field's value comes to be."""

    COLUMN = "column"
    LIST = "list"
    ITEMS = "items"
    DERIVED = "derived"
    DECLARED = "declared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a field's values come from.

    COLUMN has ``source`` and ``column``; LIST ``source`` and ``list_code``; ITEMS ``source``;
    DERIVED the ``rule`` (one of matching.derive), its ``inputs`` and ``arguments``.
    """

    kind: OriginKind
    source: str = ""
    column: str = ""
    list_code: str = ""
    rule: str = ""
    inputs: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLabel:
    """One code a field may hold; ``children`` of trees are not listed here."""

    code: str
    zh: str
    en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One entry of the registry (要素).

    ``unit`` is ``fen`` for money, a Chinese measure word for counts. ``freshness_days`` is how
    old a value may be, None for values that do not age.
    """

    code: str
    label_zh: str
    label_en: str
    type: FieldType
    period: PeriodKind
    source_class: SourceClass
    origin: Origin
    owner_zh: str
    sensitivity: Sensitivity
    question_zh: str
    question_en: str
    unit: str = ""
    meaning: str = ""
    freshness_days: int | None = None
    code_tree: str = ""
    codes: tuple[CodeLabel, ...] = ()

    @property
    def is_declared(self) -> bool:
        """Whether only the enterprise can say it."""
        return self.origin.kind is OriginKind.DECLARED

    def code_label(self, code: str) -> str:
        """Return the Chinese name of one of the field's codes."""
        tree = self.tree
        if tree is not None:
            return tree.name(code)
        return next((entry.zh for entry in self.codes if entry.code == code), code)

    @property
    def tree(self) -> CodeTree | None:
        """Return the code tree the field's codes belong to, if any."""
        if self.code_tree == "division":
            return divisions()
        return industries() if self.code_tree == "industry" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """All fields by code, in the order of their codes."""

    fields: Mapping[str, Field]

    def __getitem__(self, code: str) -> Field:
        return self.fields[code]

    def __contains__(self, code: object) -> bool:
        return code in self.fields

    def get(self, code: str) -> Field | None:
        """Return a field, or None when the code is not registered."""
        return self.fields.get(code)

    def by_source(self, source: str) -> list[Field]:
        """Return the fields that one source delivers (columns, lists and item lists)."""
        return [entry for entry in self.fields.values() if entry.origin.source == source]


@cache
def load_vocabulary() -> Vocabulary:
    """Return the registry of this installation. Raises VocabularyError."""
    folder = files("policies").joinpath("data", "vocabulary")
    texts = {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }
    return read_vocabulary(texts)


def read_vocabulary(texts: Mapping[str, str]) -> Vocabulary:
    """Read registry files given as name → text. Raises VocabularyError."""
    fields: dict[str, Field] = {}
    for name in sorted(texts):
        for entry, line in _entries(name, texts[name]):
            made = _field(name, line, entry)
            if made.code in fields:
                raise VocabularyError(name, line, made.code, "重复的要素代码", "每个代码只登记一次")
            fields[made.code] = made
    for made in fields.values():
        missing = [code for code in made.origin.inputs if code not in fields]
        if missing:
            found = f"未登记的输入要素 {missing}"
            raise VocabularyError(made.origin.rule, 0, made.code, found, "已登记的要素")
    return Vocabulary(fields=MappingProxyType(dict(sorted(fields.items()))))


def _entries(name: str, text: str) -> Iterable[tuple[dict[str, Any], int]]:
    try:
        root = yaml_tree.parse(text)
        if isinstance(root, yaml_tree.Scalar) and root.is_null:
            return
        if not isinstance(root, yaml_tree.ListNode):
            raise VocabularyError(name, root.line, "", "不是列表", "要素条目的列表")
        for item in root.items:
            plain = yaml_tree.plain(item)
            if not isinstance(plain, dict):
                raise VocabularyError(name, item.line, "", repr(plain), "一条要素")
            yield plain, item.line
    except yaml_tree.YamlMistake as mistake:
        raise VocabularyError(name, mistake.line, "", mistake.found, mistake.expected) from mistake


_KEYS = frozenset(
    {"code", "label", "meaning", "type", "unit", "period", "source_class", "from", "list"}
    | {"items", "derive", "declared", "owner", "freshness_days", "sensitivity", "code_tree"}
    | {"codes", "question"}
)


def _field(name: str, line: int, entry: dict[str, Any]) -> Field:
    code = str(entry.get("code", ""))
    unknown = sorted(set(entry) - _KEYS)
    if unknown:
        raise VocabularyError(name, line, code, f"未知的键 {unknown}", "、".join(sorted(_KEYS)))
    try:
        question = entry.get("question") or {}
        return Field(
            code=code,
            label_zh=entry["label"]["zh"],
            label_en=entry["label"].get("en", ""),
            meaning=entry.get("meaning") or "",
            type=FieldType(entry["type"]),
            unit=entry.get("unit") or "",
            period=PeriodKind(entry["period"]),
            source_class=SourceClass(entry["source_class"]),
            origin=_origin(entry),
            owner_zh=(entry.get("owner") or {}).get("zh", "企业"),
            freshness_days=entry.get("freshness_days"),
            sensitivity=Sensitivity(entry.get("sensitivity", "internal")),
            code_tree=entry.get("code_tree") or "",
            codes=tuple(_code(item) for item in entry.get("codes") or ()),
            question_zh=question.get("zh", f"请填写{entry['label']['zh']}。"),
            question_en=question.get("en", ""),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise VocabularyError(name, line, code, str(error), "登记表规定的键和取值") from error


def _code(item: Any) -> CodeLabel:
    if isinstance(item, dict):
        code = str(item["code"])
        label = item.get("label") or item
        return CodeLabel(code=code, zh=label.get("zh", code), en=label.get("en", ""))
    return CodeLabel(code=str(item), zh=str(item))


def _origin(entry: dict[str, Any]) -> Origin:
    if "from" in entry and isinstance(entry["from"], dict):
        column = entry["from"]
        return Origin(kind=OriginKind.COLUMN, source=column["source"], column=column["column"])
    if "list" in entry:
        listed = entry["list"]
        return Origin(kind=OriginKind.LIST, source=listed["source"], list_code=listed["list"])
    if "items" in entry:
        return Origin(kind=OriginKind.ITEMS, source=entry["items"]["source"])
    if "derive" in entry:
        derive = dict(entry["derive"])
        rule, inputs = derive.pop("rule"), tuple(derive.pop("inputs"))
        return Origin(kind=OriginKind.DERIVED, rule=rule, inputs=inputs, arguments=derive)
    return Origin(kind=OriginKind.DECLARED, source="declaration")
