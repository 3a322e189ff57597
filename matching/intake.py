"""Intake: one delivered file becomes one batch of records, or is refused whole.

Nothing disappears: a row is stored, stands unchanged, waits for a person to say whom it is about,
or is listed with what was wrong. The same delivery twice changes nothing.
"""

from __future__ import annotations

import gc
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, insert, select

from matching.batch_store import IntakeReport, Work, earlier_report, finish_batch, write_batch
from matching.cells import Value
from matching.deliveries import Delivery, read_delivery_note
from matching.enterprise_list import update_enterprises
from matching.errors import UnreadableFileError
from matching.note_check import compare_rows, compare_totals, is_refused
from matching.read_files import FileTable, read_table
from matching.record_store import NewRecord, Scope, Stored, store
from matching.row_attribution import Attribution, attribute, candidate_json
from matching.row_findings import RowFinding, finding
from matching.row_report import write_row_report
from matching.rows import Rows, check_rows, heading_reader, plain_heading
from matching.sources import Source
from matching.tables import link_queue, records, registers
from matching.uscc import is_valid
from policies.findings import Level

__all__ = ["Delivery", "IntakeReport", "intake", "read_delivery_note", "write_row_report"]


_LOCK = 0x48515449
"""Any number that no other advisory lock of this system uses."""

_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}", re.ASCII)


def intake(connection: Connection, delivery: Delivery, path: Path, *, at: datetime) -> IntakeReport:
    """Take one file in; ``at`` is the instant from which its records are known.

    A file that cannot be read, is not what the note says, or has too many bad rows is refused
    whole: its batch and findings are kept, its rows are not. Raises UnknownSourceError, OSError.
    """
    source = delivery.kind()
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    _one_at_a_time(connection)
    earlier = earlier_report(connection, delivery, digest)
    if earlier is not None:
        return earlier
    with _no_cycle_search():
        return _take_in(connection, delivery, source, content, digest, at)


def _take_in(
    connection: Connection,
    delivery: Delivery,
    source: Source,
    content: bytes,
    digest: str,
    at: datetime,
) -> IntakeReport:
    work = Work(connection=connection, delivery=delivery, source=source, sha256=digest, at=at)
    rows = _read(work, content)
    if rows is None or is_refused(work):
        work.findings += rows.findings if rows is not None else []
        return _refuse(work)
    return _accept(work, rows)


def _one_at_a_time(connection: Connection) -> None:
    """Wait for another intake to end; SQLite's writers wait for each other anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


@contextmanager
def _no_cycle_search() -> Iterator[None]:
    """Hold back the garbage collector: rows make no cycles, and looking for some takes a third."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read(work: Work, content: bytes) -> Rows | None:
    """Read and check the file; None, with a finding, when it is no table of this source."""
    delivery, known = work.delivery, heading_reader(work.source)
    try:
        table = read_table(delivery.file, content, lambda cell: plain_heading(cell)[0] in known)
        rows = check_rows(
            delivery.file, table, work.source, as_of=delivery.as_of, unit=delivery.unit
        )
    except UnreadableFileError as error:
        work.whole_file("file.unreadable", Level.ERROR, error.found, error.expected)
        return None
    work.findings += _ragged(delivery.file, table)
    work.counts.rows_read = len(table.row_numbers) + len(table.ragged)
    work.counts.rows_rejected = len(rows.rejected) + len(table.ragged)
    if table.left_out:
        found = f"第 {'、'.join(map(str, table.left_out[:10]))} 行等 {len(table.left_out)} 行"
        work.whole_file("file.left_out", Level.NOTE, f"{found}为空行或合计行", "数据行（未计入）")
    compare_rows(work, len(table.left_out))
    compare_totals(work, rows)
    return rows


def _ragged(file: str, table: FileTable) -> list[RowFinding]:
    return [
        finding(
            file,
            row.row_number,
            found=f"{row.cells} 列: {row.text}",
            expected=f"{len(table.headings)} 列",
            code="row.width",
            level=Level.ERROR,
            uscc=next(filter(is_valid, _CODE.findall(row.text)), None),
        )
        for row in table.ragged
    ]


# --- outcomes ----------------------------------------------------------------------------------


def _refuse(work: Work) -> IntakeReport:
    reasons = [f for f in work.findings if f.row_number is None and f.level is Level.ERROR]
    reason = "; ".join(f"{f.found}, 应为 {f.expected}" for f in reasons)
    batch_id = write_batch(work, "refused", reason)
    return finish_batch(work, batch_id, "refused", reason)


def _accept(work: Work, rows: Rows) -> IntakeReport:
    attribution = attribute(work.connection, work.delivery, work.source, rows)
    batch_id = write_batch(work, "accepted", "")
    delivery, counts = work.delivery, work.counts
    scope = Scope(
        batch_id=batch_id,
        source=delivery.source,
        list_code=delivery.list_code,
        as_of=delivery.as_of,
        at=work.at,
        complete_list=bool(work.source.lists) and delivery.complete,
        protected=attribution.protected
        | frozenset(f.uscc for f in work.findings if f.uscc is not None),
    )
    stored = store(work.connection, scope, attribution.records)
    work.findings += attribution.findings
    _note_stored(work, attribution.records, stored)
    _queue(work, batch_id, attribution)
    _register(work, batch_id)
    if work.source.kind == "registration":
        _project(work, batch_id, rows, stored)
    counts.rows_kept, counts.rows_unchanged = len(stored.inserted), stored.unchanged
    counts.linked_by_code, counts.linked_by_name = attribution.by_code, attribution.by_name
    counts.queued = len(attribution.queued)
    assert counts.rows_read == counts.rows_kept + counts.rows_rejected + counts.rows_unchanged
    return finish_batch(work, batch_id, "accepted", "")


def _note_stored(work: Work, rows: Sequence[NewRecord], stored: Stored) -> None:
    """Add findings about rows that stand twice in the file, and about late ones."""
    by_number = {row.row_number: row for row in rows} if stored.twins else {}
    for number, (first, same) in sorted(stored.twins.items()):
        row = by_number[number]
        work.findings.append(
            finding(
                work.delivery.file,
                number,
                found=f"与第 {first} 行{'完全相同' if same else '为同一记录但内容不同'}",
                expected="每条记录一行"
                + ("（只采用一次）" if same else "（两行均保留, 以后一行为准）"),
                code="row.duplicate" if same else "row.conflict",
                level=Level.WARNING,
                uscc=row.uscc,
            )
        )
    if stored.late:
        found = f"{stored.late} 行早于已有数据"
        work.whole_file("file.late", Level.WARNING, found, "不早于已有数据的截止日（两者均保留）")


def _queue(work: Work, batch_id: int, attribution: Attribution) -> None:
    """Put new rows that nobody could be found for before a person."""
    query = (
        select(records.c.id, records.c.row_number)
        .where(records.c.batch_id == batch_id, records.c.uscc.is_(None))
        .order_by(records.c.id)
    )
    if not attribution.queued:
        return
    entries = [
        {"record_id": id_, "candidates": candidate_json(attribution.queued[number])}
        for id_, number in work.connection.execute(query)
    ]
    if entries:
        work.connection.execute(insert(link_queue), entries)


def _register(work: Work, batch_id: int) -> None:
    delivery = work.delivery
    work.connection.execute(
        insert(registers).values(
            list_code=delivery.list_code or delivery.source,
            batch_id=batch_id,
            source=delivery.source,
            complete=delivery.complete,
            as_of=delivery.as_of,
            received_at=work.at,
        )
    )


def _project(work: Work, batch_id: int, rows: Rows, stored: Stored) -> None:
    """Carry new registration rows over to the list of enterprises."""
    places = {number: place for place, number in enumerate(rows.numbers)}
    firms: list[tuple[str, Mapping[str, Value | None]]] = []
    for row in stored.inserted:
        assert row.uscc is not None, "a registration row without a code is rejected"
        place = places[row.row_number]
        firms.append((row.uscc, {code: cells[place] for code, cells in rows.values.items()}))
    update_enterprises(work.connection, firms, as_of=work.delivery.as_of, batch_id=batch_id)
