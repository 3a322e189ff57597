"""Records that count at an instant, with the latest day on which their source vouched for them."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from matching.record_facts import LiveRecord
from matching.tables import batches, confirmations, enterprises, records

_CHUNK = 400


def live_at(known_at: datetime | None) -> ColumnElement[bool]:
    """Test whether a record counted at an instant; None is now."""
    if known_at is None:
        return records.c.superseded_at.is_(None)
    return and_(
        records.c.received_at <= known_at,
        or_(records.c.superseded_at.is_(None), records.c.superseded_at > known_at),
    )


def registered_codes(connection: Connection, known_at: datetime | None) -> list[str]:
    """Return the codes of everyone registered at an instant, in order."""
    query = (
        select(records.c.uscc)
        .distinct()
        .where(records.c.source == "registration", live_at(known_at))
        .order_by(records.c.uscc)
    )
    return [uscc for uscc in connection.scalars(query).all() if uscc is not None]


def records_of(
    connection: Connection,
    usccs: Sequence[str],
    known_at: datetime | None,
    confirmed: Mapping[tuple[str, str], Sequence[Runs]],
) -> dict[str, list[LiveRecord]]:
    """Return the live records of some firms, in order of arrival."""
    query = (
        select(
            records.c.uscc,
            records.c.id,
            records.c.source,
            records.c.list_code,
            records.c.record_key,
            records.c.payload,
            records.c.as_of,
        )
        .where(records.c.uscc.in_(usccs), live_at(known_at))
        .order_by(records.c.uscc, records.c.id)
    )
    held: dict[str, list[LiveRecord]] = {}
    for uscc, own in groupby(connection.execute(query).all(), key=lambda row: row[0]):
        made = [LiveRecord._make(row[1:]) for row in own]
        held[uscc] = [_vouched(record, confirmed) for record in made] if confirmed else made
    return held


def payloads_of(
    connection: Connection, usccs: Sequence[str], source: str, known_at: datetime | None
) -> dict[str, list[tuple[int, Mapping[str, Any]]]]:
    """Return the live records of one kind by firm, one a key, in order of arrival."""
    latest: dict[str, dict[str, tuple[int, Mapping[str, Any]]]] = defaultdict(dict)
    for start in range(0, len(usccs), _CHUNK):
        query = (
            select(records.c.uscc, records.c.id, records.c.record_key, records.c.payload)
            .where(
                records.c.uscc.in_(usccs[start : start + _CHUNK]),
                records.c.source == source,
                live_at(known_at),
            )
            .order_by(records.c.as_of, records.c.id)
        )
        for uscc, id_, key, payload in connection.execute(query):
            latest[str(uscc)][key] = (id_, payload)
    return {
        uscc: sorted(entries.values(), key=lambda entry: entry[0])
        for uscc, entries in latest.items()
    }


def name_on(own: Iterable[LiveRecord]) -> str:
    """Return the name on the newest registration."""
    named = [r for r in own if r.source == "registration"]
    return str(max(named, key=lambda r: (r.as_of, r.id)).payload["name"]) if named else ""


def present_names_of(connection: Connection, usccs: Sequence[str]) -> dict[str, str]:
    """Return the present names of some firms by code."""
    query = select(enterprises.c.uscc, enterprises.c.name).where(enterprises.c.uscc.in_(usccs))
    return {row.uscc: row.name for row in connection.execute(query)}


# --- confirmations -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Runs:
    """Records one delivery repeated unchanged."""

    as_of: date
    firsts: list[int]
    lasts: list[int]

    def holds(self, record_id: int) -> bool:
        """Whether a record is among them."""
        place = bisect_right(self.firsts, record_id) - 1
        return place >= 0 and record_id <= self.lasts[place]


def confirmed_runs(
    connection: Connection, known_at: datetime | None
) -> dict[tuple[str, str], list[Runs]]:
    """Return the repetitions of each source and list, the newest first."""
    query = (
        select(
            batches.c.source,
            batches.c.list_code,
            confirmations.c.batch_id,
            confirmations.c.as_of,
            confirmations.c.first_record,
            confirmations.c.last_record,
        )
        .join(batches, batches.c.id == confirmations.c.batch_id)
        .order_by(confirmations.c.batch_id, confirmations.c.first_record)
    )
    if known_at is not None:
        query = query.where(confirmations.c.received_at <= known_at)
    runs: dict[tuple[str, str, int], Runs] = {}
    for source, list_code, batch_id, as_of, first, last in connection.execute(query):
        own = runs.setdefault((source, list_code, batch_id), Runs(as_of, [], []))
        own.firsts.append(first)
        own.lasts.append(last)
    found: dict[tuple[str, str], list[Runs]] = defaultdict(list)
    for (source, list_code, _), own in runs.items():
        found[source, list_code].append(own)
    for listed in found.values():
        listed.sort(key=lambda own: own.as_of, reverse=True)
    return dict(found)


def _vouched(record: LiveRecord, confirmed: Mapping[tuple[str, str], Sequence[Runs]]) -> LiveRecord:
    for runs in confirmed.get((record.source, record.list_code), ()):
        if runs.as_of <= record.as_of:
            break
        if runs.holds(record.id):
            return record._replace(as_of=runs.as_of)
    return record
