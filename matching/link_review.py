"""Rows that wait for a person to say whom they are about, and what the person decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from matching.errors import LinkDecisionError, UnknownEnterpriseError
from matching.linkage import Candidate
from matching.record_store import close
from matching.tables import batches, enterprises, link_queue, records


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLink:
    """One row in the queue with where it stands, what it says and who it may be about."""

    queue_id: int
    record_id: int
    batch_id: int
    file_name: str
    row_number: int
    owner: str
    source: str
    list_code: str
    as_of: date
    payload: Mapping[str, Any]
    candidates: tuple[Candidate, ...]


def open_links(connection: Connection, *, limit: int | None = None) -> list[OpenLink]:
    """Return the rows still to be decided, oldest first; replaced rows are left out."""
    query = (
        select(
            link_queue.c.id.label("queue_id"),
            link_queue.c.candidates,
            records,
            batches.c.file_name,
            batches.c.owner,
        )
        .join(records, records.c.id == link_queue.c.record_id)
        .join(batches, batches.c.id == records.c.batch_id)
        .where(link_queue.c.state == "open", records.c.superseded_at.is_(None))
        .order_by(link_queue.c.id)
        .limit(limit)
    )
    return [
        OpenLink(
            queue_id=row.queue_id,
            record_id=row.id,
            batch_id=row.batch_id,
            file_name=row.file_name,
            row_number=row.row_number,
            owner=row.owner,
            source=row.source,
            list_code=row.list_code,
            as_of=row.as_of,
            payload=row.payload,
            candidates=tuple(Candidate(**entry) for entry in row.candidates),
        )
        for row in connection.execute(query)
    ]


def decide_link(
    connection: Connection, queue_id: int, uscc: str | None, *, by: str, at: datetime
) -> int | None:
    """Record a person's decision: the firm a row is about, or None for nobody we know.

    The row as delivered stays in history; from ``at`` on a copy with the firm counts, unless newer
    records of the same key do. Returns the id of the copy. Any registered firm may be named, not
    only a candidate. Raises LinkDecisionError, UnknownEnterpriseError.
    """
    query = (
        select(link_queue.c.state, records)
        .join(records, records.c.id == link_queue.c.record_id)
        .where(link_queue.c.id == queue_id)
        .with_for_update()
    )
    row = connection.execute(query).one_or_none()
    if row is None or row.state != "open":
        raise LinkDecisionError(queue_id, "" if row is None else row.state)
    known = select(enterprises.c.uscc).where(enterprises.c.uscc == uscc)
    if uscc is not None and connection.scalar(known) is None:
        raise UnknownEnterpriseError(uscc)
    connection.execute(
        update(link_queue)
        .where(link_queue.c.id == queue_id)
        .values(
            state="rejected" if uscc is None else "linked", uscc=uscc, decided_by=by, decided_at=at
        )
    )
    if uscc is None:
        return None
    return _attach(connection, row, uscc, at)


def _attach(connection: Connection, row: Any, uscc: str, at: datetime) -> int:
    held = connection.execute(
        select(records.c.id, records.c.batch_id, records.c.as_of, records.c.digest).where(
            records.c.source == row.source,
            records.c.list_code == row.list_code,
            records.c.record_key == row.record_key,
            records.c.uscc == uscc,
            records.c.superseded_at.is_(None),
        )
    ).all()
    newer = [r for r in held if (r.as_of, r.batch_id) > (row.as_of, row.batch_id)]
    older = [r.id for r in held if r not in newer]
    # A row that was itself replaced meanwhile, or is older than what is held, is only history.
    ended = row.superseded_at if row.superseded_at is not None else (at if newer else None)
    made = connection.execute(
        insert(records).values(
            batch_id=row.batch_id,
            row_number=row.row_number,
            source=row.source,
            list_code=row.list_code,
            uscc=uscc,
            record_key=row.record_key,
            payload=row.payload,
            digest=row.digest,
            as_of=row.as_of,
            received_at=at,
            linked_by="clerk",
            superseded_at=None if ended is None else at,
            superseded_by=None if ended is None else row.superseded_by or newer[-1].batch_id,
        )
    )
    if ended is None:
        close(connection, older, at=at, by=row.batch_id)
    if row.superseded_at is None:
        close(connection, [row.id], at=at, by=row.batch_id)
    (key,) = made.inserted_primary_key or (None,)
    assert isinstance(key, int), "the database counts records"
    return key
