"""The life of a break: found once, owned, explained, closed with a reason; never deleted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ledger.bulk import chunks
from ledger.differences import Break, BreakClass
from ledger.errors import BreakClosedError, BreakNoteError, UnknownBreakError
from ledger.tables import breaks

AGES = ((1, "0-1天"), (3, "2-3天"), (7, "4-7天"), (30, "8-30天"))
"""Upper ends, inclusive, of the age groups; what is older is 30天以上."""

RESOLVED = "后续对账已相符"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBreak:
    """A break as kept, with its age in days at the day asked for."""

    id: str
    break_class: BreakClass
    amount_fen: int
    refs: tuple[str, ...]
    purse: str | None
    found_on: date
    age_days: int
    owner: str | None
    state: str
    note: str
    closed_by: str | None
    closed_at: datetime | None
    voucher_key: str | None


def age_group(age_days: int) -> str:
    """Return the age group a break of so many days belongs to."""
    return next((label for last, label in AGES if age_days <= last), "30天以上")


def record_breaks(
    connection: Connection, found: Sequence[Break], *, on: date, at: datetime
) -> list[str]:
    """Keep breaks by their identity and return the ids that are new.

    A break found again stays what it is; while it is open its amount and references follow
    the latest finding. What a person explained or closed is not touched.
    """
    distinct = {item.id: item for item in found}
    known: dict[str, Any] = {}
    for part in chunks(sorted(distinct)):
        rows = connection.execute(
            select(breaks.c.id, breaks.c.state, breaks.c.amount_fen, breaks.c.refs).where(
                breaks.c.id.in_(part)
            )
        )
        known |= {row.id: row for row in rows}
    fresh = [distinct[key] for key in sorted(distinct) if key not in known]
    if fresh:
        connection.execute(insert(breaks), [_row(item, on, at) for item in fresh])
    for key in sorted(known):
        item, row = distinct[key], known[key]
        changed = row.amount_fen != item.amount_fen or list(row.refs) != list(item.refs)
        if changed and row.state == "open":
            connection.execute(
                update(breaks)
                .where(breaks.c.id == key, breaks.c.state == "open")
                .values(amount_fen=item.amount_fen, refs=list(item.refs), note=item.message)
            )
    return [item.id for item in fresh]


def _row(item: Break, on: date, at: datetime) -> dict[str, Any]:
    return {
        "id": item.id,
        "found_on": on,
        "class": item.break_class.value,
        "amount_fen": item.amount_fen,
        "refs": list(item.refs),
        "purse": item.purse or None,
        "state": "open",
        "note": item.message,
        "found_at": at,
    }


def list_breaks(
    connection: Connection,
    *,
    on: date,
    state: str | None = "open",
    purse: str | None = None,
) -> list[StoredBreak]:
    """Return breaks found by the end of ``on``, oldest first; ``state`` None is every state."""
    query = select(breaks).where(breaks.c.found_on <= on)
    if state is not None:
        query = query.where(breaks.c.state == state)
    if purse is not None:
        query = query.where(breaks.c.purse == purse)
    rows = connection.execute(query.order_by(breaks.c.found_on, breaks.c.id)).mappings()
    return [
        StoredBreak(
            id=row["id"],
            break_class=BreakClass(row["class"]),
            amount_fen=row["amount_fen"],
            refs=tuple(row["refs"]),
            purse=row["purse"],
            found_on=row["found_on"],
            age_days=(on - row["found_on"]).days,
            owner=row["owner"],
            state=row["state"],
            note=row["note"],
            closed_by=row["closed_by"],
            closed_at=row["closed_at"],
            voucher_key=row["voucher_key"],
        )
        for row in rows
    ]


def assign_break(connection: Connection, break_id: str, *, owner: str) -> None:
    """Give a break that is not closed to a person.

    Raises:
        UnknownBreakError, BreakClosedError: there is none, or it is closed.
    """
    _note_of_open(connection, break_id)
    connection.execute(update(breaks).where(breaks.c.id == break_id).values(owner=owner))


def explain_break(connection: Connection, break_id: str, *, by: str, note: str) -> None:
    """Record why a break is right as it stands, for now; it stays listed until closed.

    Raises:
        UnknownBreakError, BreakClosedError: there is none, or it is closed.
        BreakNoteError: no reason was given.
    """
    before = _note_of_open(connection, break_id)
    if not note.strip():
        raise BreakNoteError(break_id)
    connection.execute(
        update(breaks)
        .where(breaks.c.id == break_id)
        .values(state="explained", note=f"{before}\n{by}: {note.strip()}")
    )


def close_break(
    connection: Connection,
    break_id: str,
    *,
    by: str,
    note: str,
    at: datetime,
    voucher_key: str | None = None,
) -> None:
    """Close a break with a reason and, where money moved, the journal entry that settles it.

    Raises:
        UnknownBreakError, BreakClosedError: there is none, or it is closed.
        BreakNoteError: no reason was given.
    """
    before = _note_of_open(connection, break_id)
    if not note.strip():
        raise BreakNoteError(break_id)
    connection.execute(
        update(breaks)
        .where(breaks.c.id == break_id)
        .values(
            state="closed",
            note=f"{before}\n{by}: {note.strip()}",
            closed_by=by,
            closed_at=at,
            voucher_key=voucher_key,
        )
    )


def _note_of_open(connection: Connection, break_id: str) -> str:
    row = connection.execute(
        select(breaks.c.state, breaks.c.note).where(breaks.c.id == break_id).with_for_update()
    ).first()
    if row is None:
        raise UnknownBreakError(break_id)
    if row.state == "closed":
        raise BreakClosedError(break_id)
    return str(row.note)


def close_resolved(
    connection: Connection,
    classes: Collection[BreakClass],
    still_there: Collection[str],
    *,
    on: date,
    by: str,
    at: datetime,
) -> list[str]:
    """Close open breaks of the classes that a whole new run no longer found; return their ids."""
    rows = connection.execute(
        select(breaks.c.id, breaks.c.note)
        .where(breaks.c.state == "open", breaks.c.found_on <= on)
        .where(breaks.c["class"].in_(sorted(item.value for item in classes)))
        .order_by(breaks.c.id)
    ).all()
    gone = [row for row in rows if row.id not in still_there]
    for row in gone:
        connection.execute(
            update(breaks)
            .where(breaks.c.id == row.id)
            .values(
                state="closed",
                note=f"{row.note}\n{on} {RESOLVED}",
                closed_by=by,
                closed_at=at,
            )
        )
    return [row.id for row in gone]
