"""一企一档 as a page shows it: fields grouped by who delivered them, newest value first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from app.web.figures import fact_value, period
from matching.enterprise_list import EnterpriseEntry, enterprises_of
from matching.facts import Facts, usual_period
from matching.profile_store import profile
from matching.profiles import Fact
from matching.sources import DECLARATION, SOURCES
from policies.vocabulary import Field, FieldType, OriginKind, PeriodKind, load_vocabulary

OWN_ANSWERS = "企业自行申报"
DERIVED = "按以上数据推算"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One value: as words, with source, date and whether it is still fresh."""

    label: str
    period: str
    value: str
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
    """Return the profile by owner: registration first, the firm's answers and derived values last.

    Derived values are shown for the period rules usually mean (last year, last month, today).
    """
    vocabulary = load_vocabulary()
    found: dict[str, list[tuple[tuple[str, int], Shown]]] = defaultdict(list)
    rank: dict[str, str] = {DERIVED: "9"}
    known = profile(connection, uscc)
    for (code, when), fact in known.facts.items():
        entry = vocabulary.get(code)
        if entry is None:
            continue
        owner = OWN_ANSWERS if fact.source == DECLARATION else entry.owner_zh
        rank[owner] = min(rank.get(owner, "8"), _rank(entry))
        found[owner].append(((code, -(when or 0)), _shown(entry, fact, when, today, language)))
    found[DERIVED] = list(_derived(Facts(known, vocabulary, today), language))
    return [
        Group(owner=owner, rows=tuple(row for _, row in sorted(rows, key=lambda pair: pair[0])))
        for owner, rows in sorted(found.items(), key=lambda pair: (rank[pair[0]], pair[0]))
        if rows
    ]


def _derived(facts: Facts, language: str) -> Iterator[tuple[tuple[str, int], Shown]]:
    for entry in facts.vocabulary.fields.values():
        if entry.origin.kind is not OriginKind.DERIVED:
            continue
        reading = facts.read(entry.code)
        if reading.value is None or isinstance(reading.value, frozenset) or not reading.facts:
            continue
        meant = usual_period(entry)
        number = meant.numbers(facts.as_of)[0] if meant is not None else None
        yield (
            (entry.code, 0),
            Shown(
                label=_label(entry, language),
                period=period(number, monthly=entry.period is PeriodKind.MONTH),
                value=words(entry, reading.value),
                as_of=reading.as_of or facts.as_of,
                is_stale=False,
                disputed=False,
                others=(),
            ),
        )


def known_firm(connection: Connection, uscc: str) -> EnterpriseEntry | None:
    """Return what the register says of an enterprise, None when it is not registered."""
    return enterprises_of(connection, [uscc]).get(uscc)


def words(entry: Field, value: object) -> str:
    """Write a value of a field for people, codes by their names."""
    if entry.type is FieldType.CODE and isinstance(value, str):
        return entry.code_label(value)
    return fact_value(
        value,
        money_field=entry.type is FieldType.MONEY,
        unit={"fen": "", "月": "个月"}.get(entry.unit, entry.unit),
    )


def _rank(entry: Field) -> str:
    order = "RTSQPCD"
    return str(order.index(entry.source_class.value))


def _shown(entry: Field, fact: Fact, when: int | None, today: date, language: str) -> Shown:
    limit = entry.freshness_days
    return Shown(
        label=_label(entry, language),
        period=period(when, monthly=entry.period is PeriodKind.MONTH),
        value=words(entry, fact.value),
        as_of=fact.as_of,
        is_stale=limit is not None and (today - fact.as_of).days > limit,
        disputed=fact.disputed,
        others=tuple(f"{words(entry, o.value)}（{_source(o)} {o.as_of}）" for o in fact.others),
    )


def _label(entry: Field, language: str) -> str:
    return entry.label_en if language == "en" and entry.label_en else entry.label_zh


def _source(fact: Fact) -> str:
    source = SOURCES.get(fact.source)
    return source.label_zh if source is not None else OWN_ANSWERS
