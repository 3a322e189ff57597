"""Reading typed values out of a YAML tree; every mistake becomes a finding with line and key."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import date
from enum import StrEnum
from typing import TypeVar

from policies.findings import Finding, Level
from policies.values import Quantity, RelativeDate, Text, Unit, quantity
from policies.vocabulary import Vocabulary
from policies.yaml_tree import ListNode, MapNode, Node, Scalar

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

NO_NODE = Scalar("", "tag:yaml.org,2002:null", False, 0)
_ISO_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_SHOWN = 60


class Reader:
    """Collects findings while values are read; a value read with a finding is a placeholder."""

    def __init__(self, file: str, vocabulary: Vocabulary) -> None:
        self.file = file
        self.vocabulary = vocabulary
        self.benefit = ""
        self.findings: list[Finding] = []

    def problem(self, code: str, line: int, key: str, found: str, expected: str) -> None:
        """Record one mistake."""
        where = f", 事项 {self.benefit}" if self.benefit else ""
        at = f", 键 {key}" if key else ""
        self.findings.append(
            Finding(
                code=code,
                level=Level.ERROR,
                message=f"{self.file} 第 {line} 行{where}{at}: 写的是 {found}; 应为 {expected}",
                file=self.file,
                line=line,
                benefit=self.benefit,
                key=key,
                found=found,
                expected=expected,
            )
        )

    def wrong(self, node: Node, key: str, expected: str) -> None:
        """Record a value of the wrong kind."""
        self.problem("HQ005", node.line, key, shown(node), expected)

    # --- structure --------------------------------------------------------------------------------

    def mapping(
        self, node: Node, key: str, allowed: Collection[str], required: Collection[str] = ()
    ) -> MapNode:
        """Read a mapping and refuse keys that are not known."""
        if not isinstance(node, MapNode):
            self.wrong(node, key, f"含 {'、'.join(required) or '下级键'} 的映射")
            return MapNode((), node.line)
        for name, _ in node.entries:
            if name.text not in allowed:
                expected = "、".join(sorted(allowed))
                self.problem("HQ003", name.line, below(key, name.text), "未知的键", expected)
        for needed in required:
            if node.get(needed) is None:
                self.problem("HQ004", node.line, below(key, needed), "缺少该键", "必须写明")
        return node

    def items(self, node: Node | None, key: str) -> list[tuple[Node, str]]:
        """Read a list as (item, key) pairs; an absent or null list is empty."""
        if node is None or (isinstance(node, Scalar) and node.is_null):
            return []
        if not isinstance(node, ListNode):
            self.wrong(node, key, "列表")
            return []
        return [(item, f"{key}[{index}]") for index, item in enumerate(node.items)]

    def optional(self, node: Node | None, key: str, read: Callable[[Node, str], T]) -> T | None:
        """Read a value that may be absent or null."""
        if node is None or (isinstance(node, Scalar) and node.is_null):
            return None
        return read(node, key)

    # --- scalars ----------------------------------------------------------------------------------

    def string(self, node: Node, key: str) -> str:
        """Read a text; numbers and dates count as the text that was written."""
        if not isinstance(node, Scalar):
            self.wrong(node, key, "文字")
            return ""
        return "" if node.is_null and not node.quoted else node.text

    def string_of(self, node: MapNode, name: str, key: str, default: str = "") -> str:
        """Read an optional text of a mapping."""
        child = node.get(name)
        return default if child is None else self.string(child, below(key, name))

    def strings(self, node: Node | None, key: str) -> tuple[str, ...]:
        """Read a list of texts."""
        return tuple(self.string(item, at) for item, at in self.items(node, key))

    def boolean(self, node: Node, key: str) -> bool:
        """Read true or false."""
        if isinstance(node, Scalar) and node.text.lower() in ("true", "false"):
            return node.text.lower() == "true"
        self.wrong(node, key, "true 或 false")
        return False

    def integer(self, node: Node, key: str) -> int:
        """Read a whole number."""
        if isinstance(node, Scalar) and re.fullmatch(r"[+-]?\d+", node.text):
            return int(node.text)
        self.wrong(node, key, "整数")
        return 0

    def integer_of(self, node: MapNode, name: str, key: str, default: int = 0) -> int:
        """Read an optional whole number of a mapping."""
        child = node.get(name)
        return default if child is None else self.integer(child, below(key, name))

    def day(self, node: Node, key: str) -> date:
        """Read a date written ``2026-01-31``."""
        if isinstance(node, Scalar) and _ISO_DATE.match(node.text):
            try:
                return date.fromisoformat(node.text)
            except ValueError:
                self.wrong(node, key, "真实存在的日期")
                return date.min
        self.wrong(node, key, "日期, 如 2026-01-31")
        return date.min

    def day_value(self, node: Node, key: str) -> date | RelativeDate:
        """Read a date or a relative one, such as ``{months: -12}``."""
        if not isinstance(node, MapNode):
            return self.day(node, key)
        names = ("year", "years", "months", "days", "month", "day")
        self.mapping(node, key, names)
        month: int | None = self.optional(node.get("month"), below(key, "month"), self.integer)
        day: int | None = self.optional(node.get("day"), below(key, "day"), self.integer)
        if not 1 <= (month or 1) <= 12 or not 1 <= (day or 1) <= 31:
            self.wrong(node, key, "月份 1 至 12, 日 1 至 31")
            return RelativeDate()
        if (month is None and day is not None) or not node.entries:
            self.wrong(node, key, "相对日期, 如 {months: -12} 或 {year: -1, month: 1, day: 1}")
        return RelativeDate(
            year=self.integer_of(node, "year", key) + self.integer_of(node, "years", key),
            months=self.integer_of(node, "months", key),
            days=self.integer_of(node, "days", key),
            month=month,
            day=(day or 1) if month is not None else None,
        )

    def choice(self, node: Node, key: str, kind: type[E]) -> E:
        """Read one of a closed set."""
        members = list(kind)
        if isinstance(node, Scalar):
            for member in members:
                if member.value == node.text:
                    return member
        self.wrong(node, key, " | ".join(member.value for member in members))
        return members[0]

    def choice_of(self, node: MapNode, name: str, key: str, default: E) -> E:
        """Read an optional one of a closed set."""
        child = node.get(name)
        return default if child is None else self.choice(child, below(key, name), type(default))

    def text(self, node: Node, key: str) -> Text:
        """Read ``{zh: …, en: …}``, or a bare Chinese text."""
        if isinstance(node, Scalar) and not node.is_null:
            return Text(zh=node.text)
        read = self.mapping(node, key, ("zh", "en"), ("zh",))
        return Text(zh=self.string_of(read, "zh", key), en=self.string_of(read, "en", key))

    # --- quantities -------------------------------------------------------------------------------

    def quantity(self, node: Node, key: str) -> Quantity:
        """Read any quantity."""
        value = quantity(node.text) if isinstance(node, Scalar) else None
        if value is None:
            self.wrong(node, key, "数量, 如 2000万元、5%、12")
            return Quantity(0, Unit.NUMBER)
        return value

    def money(self, node: Node, key: str) -> Quantity:
        """Read an amount of money with its unit; zero may stand bare."""
        value = quantity(node.text) if isinstance(node, Scalar) else None
        if value is not None and (value.unit is Unit.FEN or value.amount == 0):
            return Quantity(int(value.amount), Unit.FEN)
        self.wrong(node, key, "带单位的金额, 如 2000万元、1500元")
        return Quantity(0, Unit.FEN)

    def ratio(self, node: Node, key: str) -> Quantity:
        """Read a ratio with its sign; a bare number from 0 to 1 counts as one."""
        value = quantity(node.text) if isinstance(node, Scalar) else None
        if value is not None and value.unit is Unit.RATIO:
            return value
        if value is not None and value.unit is Unit.NUMBER and -1 <= value.amount <= 1:
            return Quantity(value.amount, Unit.RATIO)
        self.wrong(node, key, "带百分号的比例, 如 5% 或 3‰")
        return Quantity(0, Unit.RATIO)

    def plain_number(self, node: Node, key: str) -> Quantity:
        """Read a number without a unit."""
        value = quantity(node.text) if isinstance(node, Scalar) else None
        if value is not None and value.unit is Unit.NUMBER:
            return value
        self.wrong(node, key, "不带单位的数, 如 12")
        return Quantity(0, Unit.NUMBER)


def below(key: str, name: str) -> str:
    """Return the path of a key under another."""
    return f"{key}.{name}" if key else name


def shown(node: Node) -> str:
    """Return a node as a finding quotes it, cut when long."""
    if isinstance(node, MapNode):
        text = "{" + ", ".join(node.keys()) + "}"
    elif isinstance(node, ListNode):
        text = f"{len(node.items)} 项的列表"
    else:
        text = "空值" if node.is_null else repr(node.text)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
