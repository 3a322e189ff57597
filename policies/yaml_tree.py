"""A YAML text as a small tree that knows its lines; duplicate keys and anchors are mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

import yaml

_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"
_DATE = "tag:yaml.org,2002:timestamp"
_STR = "tag:yaml.org,2002:str"
_TRUE = frozenset({"true", "yes", "on"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """One scalar: its text as written, the tag YAML resolved, and whether it was quoted."""

    text: str
    tag: str
    quoted: bool
    line: int

    @property
    def is_null(self) -> bool:
        """Whether this is an empty value or ``null``."""
        return self.tag == _NULL


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping in the order written; keys are texts."""

    entries: tuple[tuple[Scalar, Node], ...]
    line: int

    def get(self, key: str) -> Node | None:
        """Return the value under a key, or None."""
        return next((value for name, value in self.entries if name.text == key), None)

    def keys(self) -> list[str]:
        """Return the keys in the order written."""
        return [name.text for name, _ in self.entries]

    def line_of(self, key: str) -> int:
        """Return the line of a key, or of the mapping when the key is absent."""
        return next((name.line for name, _ in self.entries if name.text == key), self.line)


@dataclass(frozen=True, slots=True)
class ListNode:
    """A sequence."""

    items: tuple[Node, ...]
    line: int


Node: TypeAlias = Scalar | MapNode | ListNode


class YamlMistake(ValueError):  # noqa: N818 - a mistake in a text, with its line
    """A text that is no plain YAML tree; ``line`` counts from 1."""

    def __init__(self, line: int, found: str, expected: str, key: str = "") -> None:
        self.line = line
        self.found = found
        self.expected = expected
        self.key = key
        super().__init__(f"第 {line} 行: {found}; 应为 {expected}")


def parse(text: str) -> Node:
    """Read one YAML document. Raises YamlMistake."""
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise YamlMistake(line, str(error.problem or error.context), "合法的 YAML") from error
    except yaml.YAMLError as error:
        raise YamlMistake(1, str(error), "合法的 YAML") from error
    if root is None:
        raise YamlMistake(1, "空文件", "一份 YAML 文档")
    return _node(root, ())


def _node(node: yaml.Node, above: tuple[int, ...]) -> Node:
    line = node.start_mark.line + 1
    if id(node) in above or len(above) > 60:
        raise YamlMistake(line, "引用自身或层次过深的结构", "直接写出内容")
    path = (*above, id(node))
    if isinstance(node, yaml.ScalarNode):
        return Scalar(node.value, node.tag, node.style in ("'", '"', "|", ">"), line)
    if isinstance(node, yaml.SequenceNode):
        return ListNode(tuple(_node(item, path) for item in node.value), line)
    assert isinstance(node, yaml.MappingNode)
    return _mapping(node, line, path)


def _mapping(node: yaml.MappingNode, line: int, path: tuple[int, ...]) -> MapNode:
    entries: list[tuple[Scalar, Node]] = []
    seen: set[str] = set()
    for key, value in node.value:
        key_line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise YamlMistake(key_line, "不是文字的键", "文字键")
        if key.value in seen:
            raise YamlMistake(key_line, f"重复的键 {key.value}", "每个键只写一次", key.value)
        seen.add(key.value)
        entries.append((Scalar(key.value, key.tag, False, key_line), _node(value, path)))
    return MapNode(tuple(entries), line)


def plain(node: Node) -> Any:
    """Turn a tree into dict, list, str, int, Decimal, bool, date and None; never a float."""
    if isinstance(node, MapNode):
        return {name.text: plain(value) for name, value in node.entries}
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return _scalar(node)


def _scalar(node: Scalar) -> Any:
    if node.quoted or node.tag == _STR:
        return node.text
    if node.tag == _NULL:
        return None
    if node.tag == _BOOL:
        return node.text.lower() in _TRUE
    if node.tag == _INT and node.text.lstrip("+-").isdigit():
        return int(node.text)
    if node.tag == _FLOAT and node.text.replace(".", "", 1).lstrip("+-").isdigit():
        return Decimal(node.text)
    if node.tag == _DATE:
        try:
            return date.fromisoformat(node.text)
        except ValueError as error:
            raise YamlMistake(node.line, node.text, "真实的日期, 如 2026-01-31") from error
    return node.text


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it, in the order written."""
    yield node
    below = (
        [value for _, value in node.entries]
        if isinstance(node, MapNode)
        else list(node.items)
        if isinstance(node, ListNode)
        else []
    )
    for child in below:
        yield from walk(child)
