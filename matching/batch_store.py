"""Batches: one intake under way, what it came to, and how it is written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from matching.bulk_rows import insert_rows
from matching.deliveries import Delivery
from matching.row_findings import RowFinding, finding
from matching.row_report import findings_of
from matching.sources import Source
from matching.tables import batches, row_findings
from policies.findings import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeReport:
    """What became of a delivered file.

    ``rows_read`` = ``rows_kept`` (new records, those in the queue included) + ``rows_rejected`` +
    ``rows_unchanged`` (stood there already, or twice in the file); a refused file keeps none.
    ``linked_by_code``, ``linked_by_name`` and ``queued`` say the same rows less the rejected by
    how they found their firm. ``repeated`` says that this very delivery was taken in before.
    """

    batch_id: int
    state: str
    reason: str
    rows_read: int
    rows_kept: int
    rows_rejected: int
    rows_unchanged: int
    linked_by_code: int
    linked_by_name: int
    queued: int
    findings: tuple[RowFinding, ...]
    repeated: bool


@dataclass(slots=True, kw_only=True)
class Counts:
    """How many rows came to what; see IntakeReport."""

    rows_read: int = 0
    rows_kept: int = 0
    rows_rejected: int = 0
    rows_unchanged: int = 0
    linked_by_code: int = 0
    linked_by_name: int = 0
    queued: int = 0


@dataclass(slots=True, kw_only=True)
class Work:
    """One intake under way."""

    connection: Connection
    delivery: Delivery
    source: Source
    sha256: str
    at: datetime
    counts: Counts = field(default_factory=Counts)
    findings: list[RowFinding] = field(default_factory=list)

    def whole_file(self, code: str, level: Level, found: str, expected: str) -> None:
        """Add a finding about the file as a whole."""
        self.findings.append(
            finding(
                self.delivery.file,
                None,
                found=found,
                expected=expected,
                code=code,
                level=level,
            )
        )


def earlier_report(connection: Connection, delivery: Delivery, digest: str) -> IntakeReport | None:
    """Return the report of the same delivery, when it was taken in or refused before."""
    query = (
        select(batches)
        .where(
            batches.c.sha256 == digest,
            batches.c.source == delivery.source,
            batches.c.list_code == delivery.list_code,
            batches.c.as_of == delivery.as_of,
        )
        .order_by(batches.c.state, batches.c.id)
    )
    for row in connection.execute(query):
        # A refused file may come again with a corrected note; then it is looked at anew.
        if row.state == "accepted" or row.declared == delivery.declared():
            return _report(row, findings_of(connection, row.id), repeated=True)
    return None


def write_batch(work: Work, state: str, reason: str) -> int:
    """Write the batch as announced and return its id; counts follow at its end."""
    delivery = work.delivery
    made = work.connection.execute(
        insert(batches).values(
            source=delivery.source,
            list_code=delivery.list_code,
            owner=delivery.owner,
            file_name=delivery.file,
            sha256=work.sha256,
            as_of=delivery.as_of,
            received_at=delivery.received_at,
            taken_at=work.at,
            complete=delivery.complete,
            unit=delivery.unit,
            rows_declared=delivery.rows,
            totals=dict(sorted(delivery.totals.items())),
            declared=delivery.declared(),
            state=state,
            reason=reason,
            **_columns(work.counts),
        )
    )
    (key,) = made.inserted_primary_key or (None,)
    assert isinstance(key, int), "the database counts batches"
    return key


def finish_batch(work: Work, batch_id: int, state: str, reason: str) -> IntakeReport:
    """Write counts and findings, and report them."""
    work.connection.execute(
        update(batches).where(batches.c.id == batch_id).values(**_columns(work.counts))
    )
    found = tuple(sorted(work.findings, key=RowFinding.order))
    columns = (
        "batch_id", "row_number", "field", "found", "expected", "code", "level", "message", "uscc",
    )  # fmt: skip
    insert_rows(
        work.connection,
        row_findings,
        columns,
        [
            (
                batch_id, entry.row_number, entry.field, entry.found, entry.expected, entry.code,
                entry.level.value, entry.message, entry.uscc,
            )
            for entry in found
        ],
    )  # fmt: skip
    return IntakeReport(
        batch_id=batch_id,
        state=state,
        reason=reason,
        findings=found,
        repeated=False,
        **_columns(work.counts),
    )


_COUNTED = (
    "rows_read", "rows_kept", "rows_rejected", "rows_unchanged",
    "linked_by_code", "linked_by_name", "queued",
)  # fmt: skip


def _columns(counts: Any) -> dict[str, int]:
    return {name: getattr(counts, name) for name in _COUNTED}


def _report(row: Row[Any], findings: tuple[RowFinding, ...], *, repeated: bool) -> IntakeReport:
    return IntakeReport(
        batch_id=row.id,
        state=row.state,
        reason=row.reason,
        findings=findings,
        repeated=repeated,
        **_columns(row),
    )
