"""Records of one enterprise turned into facts, as the vocabulary says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from matching.profiles import Fact, FactValue, Item, Listing
from matching.sources import DECLARATION, SOURCES, ColumnType
from policies.vocabulary import FieldType, OriginKind, PeriodKind, Vocabulary

Scalar: TypeAlias = int | Fraction | date | bool | str
Key: TypeAlias = tuple[str, int | None]

_BYSTANDERS = frozenset({"uscc", "uscc_written", "name"})


class LiveRecord(NamedTuple):
    """A record that counts, with the latest day on which its source vouched for it."""

    id: int
    source: str
    list_code: str
    record_key: str
    payload: Mapping[str, Any]
    as_of: date


def _code(value: Any) -> Scalar:
    return str(value)


_READERS: Mapping[FieldType, Callable[[Any], Scalar]] = {
    FieldType.MONEY: int,
    FieldType.COUNT: int,
    FieldType.DATE: date.fromisoformat,
    FieldType.RATIO: Fraction,
    FieldType.NUMBER: Fraction,
    FieldType.BOOL: bool,
    FieldType.CODE: _code,
    FieldType.TEXT: _code,
}


class _Column(NamedTuple):
    """One column that feeds a field; ``read`` is None where the payload holds the value itself."""

    column: str
    field: str
    read: Callable[[Any], Scalar] | None


@dataclass(slots=True)
class FactPlan:
    """How payloads become facts; made once from the vocabulary and used for every firm."""

    vocabulary: Vocabulary
    _columns: dict[str, tuple[PeriodKind, list[_Column]]] = field(default_factory=dict)
    _lists: dict[str, str] = field(default_factory=dict)
    _items: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        as_they_are = {FieldType.MONEY, FieldType.COUNT, FieldType.CODE, FieldType.TEXT}
        for entry in self.vocabulary.fields.values():
            origin = entry.origin
            if origin.kind is OriginKind.COLUMN:
                read = None if entry.type in as_they_are else _READERS[entry.type]
                _, columns = self._columns.setdefault(origin.source, (entry.period, []))
                columns.append(_Column(origin.column, entry.code, read))
            elif origin.kind is OriginKind.LIST:
                self._lists[origin.list_code] = entry.code
            elif origin.kind is OriginKind.ITEMS:
                self._items[origin.source] = entry.code

    def facts(self, records: Iterable[LiveRecord]) -> dict[Key, Fact]:
        """Return the facts of one firm from its live records.

        Where several speak of one field and period, a department's word counts before the firm's
        own, then the later day, then the later record; the others stay with the fact.
        """
        found: dict[Key, Fact] = {}
        listings: dict[str, list[LiveRecord]] = {}
        items: dict[str, list[LiveRecord]] = {}
        for record in records:
            source = record.source
            planned = self._columns.get(source)
            if planned is not None:
                self._values(found, record, *planned)
            elif record.list_code:
                code = self._lists.get(record.list_code)
                if code is not None:
                    listings.setdefault(code, []).append(record)
            elif source == DECLARATION:
                self._declared(found, record)
            else:
                code = self._items.get(source)
                if code is not None:
                    items.setdefault(code, []).append(record)
        for code, held in listings.items():
            _add(found, _several(code, held, tuple(sorted(map(_listing, _single(held)), key=_age))))
        for code, held in items.items():
            _add(found, _several(code, held, tuple(map(_item, _single(held)))))
        return found

    def _values(
        self,
        found: dict[Key, Fact],
        record: LiveRecord,
        kind: PeriodKind,
        columns: list[_Column],
    ) -> None:
        payload, as_of, id_, source = record.payload, record.as_of, record.id, record.source
        period: int | None = None
        if kind is PeriodKind.YEAR:
            period = payload["year"]
        elif kind is PeriodKind.MONTH:
            month = payload["month"]
            period = int(month[:4]) * 12 + int(month[5:]) - 1
        for column, code, read in columns:
            value = payload.get(column)
            if value is None:
                continue
            fact = Fact(
                field=code,
                period=period,
                value=value if read is None else read(value),
                source=source,
                as_of=as_of,
                record_id=id_,
            )
            if (code, period) in found:
                _add(found, fact)
            else:
                found[code, period] = fact

    def _declared(self, found: dict[Key, Fact], record: LiveRecord) -> None:
        payload = record.payload
        entry = self.vocabulary.get(payload["field"])
        if entry is None:
            return
        _add(
            found,
            Fact(
                field=entry.code,
                period=payload.get("period"),
                value=declared_value(entry.type, payload["value"]),
                source=DECLARATION,
                as_of=record.as_of,
                record_id=record.id,
            ),
        )


def declared_value(kind: FieldType, value: Any) -> FactValue:
    """Return a declared value as a fact holds it; lists come as lists of plain mappings."""
    if kind is FieldType.LISTING:
        return tuple(sorted((_listing_of(entry) for entry in value), key=_age))
    if kind is FieldType.ITEMS:
        return tuple(Item(key=str(entry["key"]), values=dict(entry["values"])) for entry in value)
    return _READERS[kind](value)


def _add(found: dict[Key, Fact], fact: Fact) -> None:
    key = (fact.field, fact.period)
    held = found.get(key)
    if held is None:
        found[key] = fact
        return
    every = (replace(held, others=()), *held.others, fact)
    first, *rest = sorted(every, key=_weight, reverse=True)
    found[key] = replace(first, others=tuple(rest))


def _weight(fact: Fact) -> tuple[bool, date, int]:
    return (fact.source != DECLARATION, fact.as_of, fact.record_id or 0)


def _several(code: str, held: list[LiveRecord], value: FactValue) -> Fact:
    newest = max(held, key=lambda record: (record.as_of, record.id))
    return Fact(
        field=code,
        period=None,
        value=value,
        source=newest.source,
        as_of=newest.as_of,
        record_id=newest.id,
    )


def _single(held: list[LiveRecord]) -> list[LiveRecord]:
    """Return one record a key, the latest, in the order of the keys."""
    chosen: dict[str, LiveRecord] = {}
    for record in sorted(held, key=lambda record: (record.as_of, record.id)):
        chosen[record.record_key] = record
    return [chosen[key] for key in sorted(chosen)]


def _age(listing: Listing) -> tuple[date, str]:
    return (listing.listed_on, listing.certificate_no)


def _listing(record: LiveRecord) -> Listing:
    return _listing_of(record.payload)


def _listing_of(payload: Mapping[str, Any]) -> Listing:
    return Listing(
        listed_on=date.fromisoformat(payload["listed_on"]),
        valid_until=_day(payload.get("valid_until")),
        removed_on=_day(payload.get("removed_on")),
        level=payload.get("level") or "",
        certificate_no=payload.get("certificate_no") or "",
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


_DATES = {
    source.kind: frozenset(
        column.code for column in source.columns if column.type is ColumnType.DATE
    )
    for source in SOURCES.values()
}


def _item(record: LiveRecord) -> Item:
    dates = _DATES[record.source]
    return Item(
        key=record.record_key,
        values={
            code: date.fromisoformat(value) if code in dates else value
            for code, value in sorted(record.payload.items())
            if code not in _BYSTANDERS
        },
    )
