"""Records kept over time: new rows in, replaced ones closed, unchanged ones confirmed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from sqlalchemy import Connection, select, update

from matching.bulk_rows import insert_rows, stored
from matching.linkage import folded
from matching.tables import confirmations, records

_FEW_KEYS = 60
_CHUNK = 900

Identity = tuple[str | None, str]
"""What a later row must share to replace an earlier one: the firm and the record's key.

Rows without a firm go by key and folded name.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecord:
    """One good row on its way into the store; ``name`` as delivered."""

    row_number: int
    uscc: str | None
    name: str
    key: str
    payload: str
    linked_by: str | None

    def identity(self) -> Identity:
        """Return what the row replaces by."""
        return (self.uscc, self.key) if self.uscc else (None, f"{self.key}\n{folded(self.name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The batch that is being stored and what it speaks for."""

    batch_id: int
    source: str
    list_code: str
    as_of: date
    at: datetime
    complete_list: bool
    protected: frozenset[str]
    """Firms whose entries must not end by absence: the file names them in an unusable row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What storing did.

    ``inserted`` are the records that are new, in file order; ``unchanged`` counts rows that were
    there already. ``twins`` maps row numbers to the earlier row of the file with the same key and
    whether that row says the same. ``late`` counts rows older than what is held.
    """

    inserted: tuple[NewRecord, ...]
    unchanged: int
    twins: Mapping[int, tuple[int, bool]]
    late: int


@dataclass(frozen=True, slots=True)
class _Live:
    id: int
    digest: str
    as_of: date


def digest_of(payload: str) -> str:
    """Return the digest by which two canonical payloads are compared."""
    return hashlib.blake2b(payload.encode(), digest_size=16).hexdigest()


def store(connection: Connection, scope: Scope, rows: Sequence[NewRecord]) -> Stored:
    """Store the good rows of a batch.

    Within one key a row replaces those that say otherwise and are not newer; a row that says the
    same only confirms. What is newer stays beside it. A complete list ends what it does not name.
    """
    live = _live(connection, scope, {row.key for row in rows})
    seen: dict[Identity, dict[str, int]] = defaultdict(dict)
    inserted: list[tuple[NewRecord, str]] = []
    confirmed: set[int] = set()
    twins: dict[int, tuple[int, bool]] = {}
    unchanged = 0
    for row in rows:
        identity, digest = row.identity(), digest_of(row.payload)
        earlier = seen[identity]
        if earlier:
            first = earlier.get(digest, next(iter(earlier.values())))
            twins[row.row_number] = (first, digest in earlier)
        known = next((held for held in live.get(identity, ()) if held.digest == digest), None)
        if digest in earlier or known is not None:
            unchanged += 1
        else:
            inserted.append((row, digest))
        if known is not None and known.as_of < scope.as_of:
            confirmed.add(known.id)
        earlier.setdefault(digest, row.row_number)
    replaced, late = _replaced(live, seen, scope)
    _insert(connection, scope, inserted)
    close(connection, replaced, at=scope.at, by=scope.batch_id)
    _confirm(connection, scope, confirmed)
    return Stored(
        inserted=tuple(row for row, _ in inserted), unchanged=unchanged, twins=twins, late=late
    )


def close(connection: Connection, ids: Collection[int], *, at: datetime, by: int) -> None:
    """Mark records as replaced by a batch from an instant on."""
    for chunk in _chunks(sorted(ids)):
        connection.execute(
            update(records)
            .where(records.c.id.in_(chunk))
            .values(superseded_at=at, superseded_by=by)
        )


def _live(
    connection: Connection, scope: Scope, keys: Collection[str]
) -> Mapping[Identity, list[_Live]]:
    """Return what is held now of the same source and list, by identity."""
    query = select(
        records.c.id, records.c.uscc, records.c.record_key, records.c.digest, records.c.as_of
    ).where(
        records.c.source == scope.source,
        records.c.list_code == scope.list_code,
        records.c.superseded_at.is_(None),
    )
    if len(keys) <= _FEW_KEYS and not scope.complete_list:
        query = query.where(records.c.record_key.in_(sorted(keys)))
    found: dict[Identity, list[_Live]] = defaultdict(list)
    nameless: dict[int, tuple[str, _Live]] = {}
    for id_, uscc, key, digest, as_of in connection.execute(query.order_by(records.c.id)).all():
        if uscc is None:
            nameless[id_] = (key, _Live(id_, digest, as_of))
        else:
            found[uscc, key].append(_Live(id_, digest, as_of))
    for chunk in _chunks(sorted(nameless)):
        names = select(records.c.id, records.c.payload).where(records.c.id.in_(chunk))
        for id_, payload in connection.execute(names.order_by(records.c.id)):
            key, held = nameless[id_]
            found[None, f"{key}\n{folded(str(payload.get('name', '')))}"].append(held)
    return found


def _replaced(
    live: Mapping[Identity, list[_Live]], seen: Mapping[Identity, Mapping[str, int]], scope: Scope
) -> tuple[set[int], int]:
    """Return the records that end, and how many rows of the file are older than what is held."""
    ended: set[int] = set()
    late = 0
    for identity, held in live.items():
        digests = seen.get(identity)
        if digests is None and (not scope.complete_list or identity[0] in scope.protected):
            continue
        for record in held:
            if digests is not None and record.digest in digests:
                continue
            if record.as_of <= scope.as_of:
                ended.add(record.id)
            elif digests is not None:
                late += 1
    return ended, late


def _insert(connection: Connection, scope: Scope, rows: Iterable[tuple[NewRecord, str]]) -> None:
    as_of = stored(connection, records.c.as_of, scope.as_of)
    at = stored(connection, records.c.received_at, scope.at)
    columns = (
        "batch_id", "row_number", "source", "list_code", "uscc", "record_key",
        "payload", "digest", "as_of", "received_at", "linked_by",
    )  # fmt: skip
    insert_rows(
        connection,
        records,
        columns,
        [
            (
                scope.batch_id, row.row_number, scope.source, scope.list_code, row.uscc, row.key,
                row.payload, digest, as_of, at, row.linked_by,
            )
            for row, digest in rows
        ],
    )  # fmt: skip


def _confirm(connection: Connection, scope: Scope, ids: Collection[int]) -> None:
    """Note that records were repeated unchanged, as runs of consecutive ids."""
    ordered = sorted(ids)
    if not ordered:
        return
    breaks = [(left, right) for left, right in pairwise(ordered) if right != left + 1]
    starts = [ordered[0], *(right for _, right in breaks)]
    ends = [*(left for left, _ in breaks), ordered[-1]]
    as_of = stored(connection, confirmations.c.as_of, scope.as_of)
    at = stored(connection, confirmations.c.received_at, scope.at)
    insert_rows(
        connection,
        confirmations,
        ("batch_id", "first_record", "last_record", "as_of", "received_at"),
        [
            (scope.batch_id, first, last, as_of, at)
            for first, last in zip(starts, ends, strict=True)
        ],
    )


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
