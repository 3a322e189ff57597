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
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from matching.bulk_rows import insert_rows
from matching.cells import Value
from matching.deliveries import Delivery, read_delivery_note
from matching.enterprise_list import update_enterprises
from matching.errors import UnreadableFileError
from matching.read_files import FileTable, read_table
from matching.record_store import NewRecord, Scope, Stored, store
from matching.row_attribution import Attribution, attribute, candidate_json
from matching.row_findings import RowFinding, finding
from matching.row_report import findings_of, write_row_report
from matching.rows import Rows, check_rows, heading_reader, plain_heading
from matching.sources import Source
from matching.tables import batches, link_queue, records, registers, row_findings
from matching.uscc import is_valid
from policies.findings import Level

__all__ = ["Delivery", "IntakeReport", "intake", "read_delivery_note", "write_row_report"]


_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}", re.ASCII)


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
class _Counts:
    rows_read: int = 0
    rows_kept: int = 0
    rows_rejected: int = 0
    rows_unchanged: int = 0
    linked_by_code: int = 0
    linked_by_name: int = 0
    queued: int = 0


@dataclass(slots=True, kw_only=True)
class _Work:
    """One intake under way."""

    connection: Connection
    delivery: Delivery
    source: Source
    sha256: str
    at: datetime
    counts: _Counts = field(default_factory=_Counts)
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


def intake(connection: Connection, delivery: Delivery, path: Path, *, at: datetime) -> IntakeReport:
    """Take one file in; ``at`` is the instant from which its records are known.

    A file that cannot be read, is not what the note says, or has too many bad rows is refused
    whole: its batch and findings are kept, its rows are not. Raises UnknownSourceError, OSError.
    """
    source = delivery.kind()
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    earlier = _earlier(connection, delivery, digest)
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
    work = _Work(connection=connection, delivery=delivery, source=source, sha256=digest, at=at)
    rows = _read(work, content)
    if rows is None or _is_refused(work):
        work.findings += rows.findings if rows is not None else []
        return _refuse(work)
    return _accept(work, rows)


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


def _read(work: _Work, content: bytes) -> Rows | None:
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
    _compare_rows(work, len(table.left_out))
    _compare_totals(work, rows)
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


# --- is it what the note says? -----------------------------------------------------------------


def _compare_rows(work: _Work, left_out: int) -> None:
    declared, read = work.delivery.rows, work.counts.rows_read
    # Some senders count blank rows and the row of totals, some do not.
    if declared is not None and declared not in {read, read + left_out}:
        work.whole_file("file.rows", Level.ERROR, f"{read} 行", f"交接单所列 {declared} 行")


def _compare_totals(work: _Work, rows: Rows) -> None:
    for code, text in sorted(work.delivery.totals.items()):
        try:
            declared = Fraction(text.replace(",", ""))
        except ValueError:
            work.whole_file("file.totals", Level.ERROR, f"合计 {code}={text}", "数字")
            continue
        found = rows.totals.get(code)
        if found != declared:
            shown = "文件中没有这一列" if found is None else f"合计 {_decimal(found)}"
            expected = f"交接单所列 {_decimal(declared)}"
            heading = next((c.heading for c in work.source.columns if c.code == code), code)
            work.whole_file("file.totals", Level.ERROR, f"“{heading}”{shown}", expected)


def _decimal(number: Fraction) -> str:
    whole, rest = divmod(abs(number), 1)
    decimals = f"{int(rest * 10**6):06d}".rstrip("0")
    return ("-" if number < 0 else "") + str(whole) + (f".{decimals}" if decimals else "")


def _is_refused(work: _Work) -> bool:
    delivery, counts = work.delivery, work.counts
    if delivery.sha256 and delivery.sha256 != work.sha256:
        work.whole_file(
            "file.sha256", Level.ERROR, f"摘要 {work.sha256}", f"交接单所列 {delivery.sha256}"
        )
    allowed = delivery.max_error_share * counts.rows_read
    if counts.rows_rejected > allowed:
        found = f"{counts.rows_read} 行中有 {counts.rows_rejected} 行错误"
        share = f"{float(delivery.max_error_share):.2%}"
        work.whole_file("file.errors", Level.ERROR, found, f"错误行不超过 {share}")
    return any(f.row_number is None and f.level is Level.ERROR for f in work.findings)


# --- outcomes ----------------------------------------------------------------------------------


def _earlier(connection: Connection, delivery: Delivery, digest: str) -> IntakeReport | None:
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


def _refuse(work: _Work) -> IntakeReport:
    reasons = [f for f in work.findings if f.row_number is None and f.level is Level.ERROR]
    reason = "; ".join(f"{f.found}, 应为 {f.expected}" for f in reasons)
    batch_id = _write_batch(work, "refused", reason)
    return _finish(work, batch_id, "refused", reason)


def _accept(work: _Work, rows: Rows) -> IntakeReport:
    attribution = attribute(work.connection, work.delivery, work.source, rows)
    batch_id = _write_batch(work, "accepted", "")
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
    return _finish(work, batch_id, "accepted", "")


def _note_stored(work: _Work, rows: Sequence[NewRecord], stored: Stored) -> None:
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


def _queue(work: _Work, batch_id: int, attribution: Attribution) -> None:
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


def _register(work: _Work, batch_id: int) -> None:
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


def _project(work: _Work, batch_id: int, rows: Rows, stored: Stored) -> None:
    """Carry new registration rows over to the list of enterprises."""
    places = {number: place for place, number in enumerate(rows.numbers)}
    firms: list[tuple[str, Mapping[str, Value | None]]] = []
    for row in stored.inserted:
        assert row.uscc is not None, "a registration row without a code is rejected"
        place = places[row.row_number]
        firms.append((row.uscc, {code: cells[place] for code, cells in rows.values.items()}))
    update_enterprises(work.connection, firms, as_of=work.delivery.as_of, batch_id=batch_id)


def _write_batch(work: _Work, state: str, reason: str) -> int:
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


def _finish(work: _Work, batch_id: int, state: str, reason: str) -> IntakeReport:
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
