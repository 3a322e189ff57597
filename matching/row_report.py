"""The row report: what was wrong in a delivered file, as a workbook for its sender."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from sqlalchemy import Connection, select

from matching.errors import UnknownBatchError
from matching.row_findings import RowFinding
from matching.tables import batches, row_findings
from policies.findings import Level

HEADINGS = ("文件", "行号", "字段", "内容", "应为", "说明")

_WIDTHS = (36, 8, 18, 30, 40, 60)
_EFFECTS = {
    Level.ERROR: "错误（本行未采用）",
    Level.WARNING: "提示（本行已采用）",
    Level.NOTE: "说明",
}
_FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")


def findings_of(connection: Connection, batch_id: int) -> tuple[RowFinding, ...]:
    """Return the findings of a batch in the order of the file."""
    query = (
        select(row_findings)
        .where(row_findings.c.batch_id == batch_id)
        .order_by(
            row_findings.c.row_number.is_not(None), row_findings.c.row_number, row_findings.c.id
        )
    )
    return tuple(
        RowFinding(
            row_number=row.row_number,
            field=row.field,
            found=row.found,
            expected=row.expected,
            code=row.code,
            level=Level(row.level),
            message=row.message,
            uscc=row.uscc,
        )
        for row in connection.execute(query)
    )


def write_row_report(connection: Connection, batch_id: int, path: Path) -> None:
    """Write the findings of a batch to an XLSX file, one a line, in the order of the file.

    Text from the file is written as text whatever it begins with, so that no spreadsheet takes it
    for a formula. Raises UnknownBatchError.
    """
    file = connection.scalar(select(batches.c.file_name).where(batches.c.id == batch_id))
    if file is None:
        raise UnknownBatchError(batch_id)
    book = Workbook(write_only=True)
    sheet = book.create_sheet("问题清单")
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCDEF", _WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.append([_cell(sheet, heading, bold=True) for heading in HEADINGS])
    for entry in findings_of(connection, batch_id):
        sheet.append(_line(sheet, file, entry))
    book.save(path)


def _line(sheet: WriteOnlyWorksheet, file: str, entry: RowFinding) -> Sequence[object]:
    where = entry.row_number if entry.row_number is not None else "整个文件"
    effect = _EFFECTS[entry.level]
    if entry.row_number is None and entry.level is Level.ERROR:
        effect = "错误（整个文件未采用）"
    texts = (entry.field, entry.found, entry.expected, f"{effect}: {entry.message}")
    return [
        _cell(sheet, file),
        where if isinstance(where, int) else _cell(sheet, where),
        *(_cell(sheet, text) for text in texts),
    ]


def _cell(sheet: WriteOnlyWorksheet, text: str, *, bold: bool = False) -> Cell:
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    if bold:
        cell.font = Font(bold=True)
    if text.startswith(_FORMULA_MARKS):
        cell.quotePrefix = True
    return cell
