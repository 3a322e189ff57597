"""一企一档 as a page shows it: fields grouped by who delivered them, newest value first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from app.web.figures import fact_value, period
from matching.profile_store import profile
from matching.profiles import Fact
from policies.vocabulary import Field, FieldType, PeriodKind, load_vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One value: as words, with source, date and whether it is still fresh."""

    label: str
    period: str
    value: str
    source: str
    as_of: date
    is_stale: bool
    disputed: bool
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The values of one owner."""

    owner: str
    rows: tuple[Shown, ...]


def groups(connection: Connection, uscc: str, today: date, language: str) -> list[Group]:
    """Return the profile by owner department; registration first, the firm's own answers last."""
    vocabulary = load_vocabulary()
    found: dict[str, list[tuple[tuple[str, int], Shown]]] = defaultdict(list)
    rank: dict[str, str] = {}
    facts = profile(connection, uscc).facts
    for (code, when), fact in facts.items():
        entry = vocabulary.get(code)
        if entry is None:
            continue
        owner = fact.source or entry.owner_zh
        rank[owner] = min(rank.get(owner, "Z"), _rank(entry))
        found[owner].append(((code, -(when or 0)), _shown(entry, fact, when, today, language)))
    return [
        Group(owner=owner, rows=tuple(row for _, row in sorted(rows, key=lambda pair: pair[0])))
        for owner, rows in sorted(found.items(), key=lambda pair: (rank[pair[0]], pair[0]))
    ]


def words(entry: Field, value: object) -> str:
    """Write a value of a field for people, codes by their names."""
    if entry.type is FieldType.CODE and isinstance(value, str):
        return entry.code_label(value)
    return fact_value(
        value,
        money_field=entry.type is FieldType.MONEY,
        unit="" if entry.type is FieldType.MONEY else entry.unit,
    )


def _rank(entry: Field) -> str:
    order = "RTSQPCD"
    return str(order.index(entry.source_class.value))


def _shown(entry: Field, fact: Fact, when: int | None, today: date, language: str) -> Shown:
    limit = entry.freshness_days
    return Shown(
        label=entry.label_en if language == "en" and entry.label_en else entry.label_zh,
        period=period(when, monthly=entry.period is PeriodKind.MONTH),
        value=words(entry, fact.value),
        source=fact.source,
        as_of=fact.as_of,
        is_stale=limit is not None and (today - fact.as_of).days > limit,
        disputed=fact.disputed,
        others=tuple(f"{words(entry, o.value)}（{o.source} {o.as_of}）" for o in fact.others),
    )
