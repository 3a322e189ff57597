"""What an evaluation gives: the verdict, its tree of reasons, the award; and their JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from matching.facts import UnknownReason
from matching.leaves import Outcome


class VerdictKind(StrEnum):
    """Who gets it (匹配结果)."""

    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    UNDETERMINED = "undetermined"


class NodeKind(StrEnum):
    """What a node of the tree stands for; VALIDITY and GATE are added by the evaluation."""

    ALL = "all"
    ANY = "any"
    NOT = "not"
    AT_LEAST = "at_least"
    WHEN = "when"
    EXCEPT = "except"
    OPEN = "open"
    LEAF = "leaf"
    GATE = "gate"
    VALIDITY = "validity"


class ChangeKind(StrEnum):
    """What would have to change for a condition to be met.

    RAISE and LOWER have an amount, WAIT a day; JOIN and LEAVE are entries of a register; DO is
    a declared yes.
    """

    RAISE = "raise"
    LOWER = "lower"
    WAIT = "wait"
    JOIN = "join"
    LEAVE = "leave"
    DO = "do"


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How far a condition that is not met is from being met.

    ``amount`` is in ``unit`` (fen, a measure word, or ``ratio``), written exactly as
    ``numerator/denominator`` where it is no whole number. ``share`` orders changes: the amount
    over the value now, in thousandths.
    """

    kind: ChangeKind
    field: str
    text_zh: str
    amount: str = ""
    unit: str = ""
    on: date | None = None
    share: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One condition or group, with what is needed to show it.

    ``value`` and ``threshold`` are words. ``period`` is the period number of a leaf's value.
    ``asks`` says what would decide an unknown leaf, as ``field`` or ``field@number``; ``inputs``
    names the underlying fields whose absence left it unknown.
    """

    kind: NodeKind
    outcome: Outcome
    label_zh: str
    clause: str = ""
    value: str = ""
    threshold: str = ""
    distance: Distance | None = None
    source: str = ""
    fact_as_of: date | None = None
    reason: UnknownReason | None = None
    field: str = ""
    period: int | None = None
    period_zh: str = ""
    needed: int = 0
    route_to: str = ""
    asks: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    disputed: bool = False
    children: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """Yield the node and everything below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardLine:
    """One line of the calculation; ``amount_fen`` is None where it is a range."""

    text_zh: str
    amount_fen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """What the rule gives on the data of the day, in fen.

    ``exact_fen`` is None while a base is unknown; then the amount lies between ``low_fen`` and
    ``high_fen`` (None: no ceiling). ``payable`` is False for relief taken on filing.
    """

    exact_fen: int | None
    low_fen: int
    high_fen: int | None
    lines: tuple[AwardLine, ...] = ()
    missing: tuple[str, ...] = ()
    payable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer for one benefit version, one enterprise and one day.

    ``missing`` has the codes of the fields (and ``finding:…`` keys) that would decide the
    conditions; what the amount lacks stands in ``award.missing``. ``award`` is None for the
    ineligible.
    """

    benefit_id: str
    version: int
    benefit_name: str
    uscc: str
    as_of: date
    kind: VerdictKind
    root: Node
    missing: tuple[str, ...] = ()
    award: Award | None = None

    def to_json(self) -> str:
        """Return canonical JSON: same verdict, same bytes."""
        return json.dumps(_plain(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> Verdict:
        """Read a verdict back."""
        entry = json.loads(text)
        award = entry.pop("award", None)
        return Verdict(
            **entry
            | {
                "as_of": date.fromisoformat(entry["as_of"]),
                "kind": VerdictKind(entry["kind"]),
                "root": _node(entry["root"]),
                "missing": tuple(entry.get("missing", ())),
                "award": None if award is None else award_from_plain(award),
            }
        )


_OMITTED: tuple[object, ...] = (None, "", ())


def _plain(value: Any) -> Any:
    """Turn a dataclass into JSON values, leaving out what says nothing."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        pairs = ((name, getattr(value, name)) for name in value.__dataclass_fields__)
        return {
            name: _plain(entry)
            for name, entry in pairs
            if entry not in _OMITTED and not (entry is False and name == "disputed")
        }
    return str(value) if isinstance(value, StrEnum) else value


def _node(entry: dict[str, Any]) -> Node:
    distance = entry.get("distance")
    reason, as_of = entry.get("reason"), entry.get("fact_as_of")
    return Node(
        **entry
        | {
            "kind": NodeKind(entry["kind"]),
            "outcome": Outcome(entry["outcome"]),
            "distance": None if distance is None else _distance(distance),
            "reason": None if reason is None else UnknownReason(reason),
            "fact_as_of": None if as_of is None else date.fromisoformat(as_of),
            "asks": tuple(entry.get("asks", ())),
            "inputs": tuple(entry.get("inputs", ())),
            "children": tuple(_node(child) for child in entry.get("children", ())),
        }
    )


def _distance(entry: dict[str, Any]) -> Distance:
    on = entry.get("on")
    changed = {"kind": ChangeKind(entry["kind"]), "on": on and date.fromisoformat(on)}
    return Distance(**entry | changed)


def award_to_plain(award: Award) -> dict[str, Any]:
    """Return an award as JSON values."""
    plain = _plain(award)
    assert isinstance(plain, dict), "an award is a mapping"
    return plain


def award_from_plain(entry: dict[str, Any]) -> Award:
    """Read an award back from JSON values."""
    return Award(
        exact_fen=entry.get("exact_fen"),
        low_fen=entry["low_fen"],
        high_fen=entry.get("high_fen"),
        lines=tuple(
            AwardLine(text_zh=line.get("text_zh", ""), amount_fen=line.get("amount_fen"))
            for line in entry.get("lines", ())
        ),
        missing=tuple(entry.get("missing", ())),
        payable=entry.get("payable", False),
    )
