"""Tables in files as rows of text: CSV in UTF-8 or GB18030, XLSX; nothing is guessed or rounded."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from ledger.errors import FileRefusedError
from ledger.money import Fen, MoneyError, fen


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A file's rows as text, empty rows left out, with its name and SHA-256."""

    file_name: str
    sha256: str
    rows: tuple[tuple[str, ...], ...]


def read_grid(path: Path) -> Grid:
    """Read a CSV or XLSX file (first sheet) as text.

    Raises:
        FileRefusedError: when it is neither, or its text has no known encoding.
    """
    content = path.read_bytes()
    if path.suffix.lower() in {".xlsx", ".xlsm"}:
        rows = _xlsx_rows(path.name, content)
    else:
        rows = _csv_rows(path.name, content)
    return Grid(
        file_name=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        rows=tuple(row for row in rows if any(row)),
    )


def _csv_rows(name: str, content: bytes) -> list[tuple[str, ...]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        try:
            reader = csv.reader(io.StringIO(text, newline=""), strict=True)
            return [tuple(cell.strip() for cell in row) for row in reader]
        except csv.Error as error:
            raise FileRefusedError(name, f"CSV格式有误({error})") from error
    raise FileRefusedError(name, "编码不是UTF-8或GB18030")


def _xlsx_rows(name: str, content: bytes) -> list[tuple[str, ...]]:
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise FileRefusedError(name, "不是完整的XLSX文件") from error
    sheet = book.worksheets[0]
    rows = [tuple(_cell(value) for value in row) for row in sheet.iter_rows(values_only=True)]
    book.close()
    return rows


def _cell(value: object) -> str:
    """Write a cell's value as text; numbers keep the digits that Excel shows."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    return str(value).strip()


def columns(grid: Grid, at: int, wanted: Sequence[str]) -> dict[str, int]:
    """Return where each wanted heading stands in row ``at``.

    Raises:
        FileRefusedError: naming the headings that are missing.
    """
    if at >= len(grid.rows):
        raise FileRefusedError(grid.file_name, f"缺少表头行: {'、'.join(wanted)}")
    found = {heading: place for place, heading in enumerate(grid.rows[at])}
    missing = [heading for heading in wanted if heading not in found]
    if missing:
        raise FileRefusedError(grid.file_name, f"表头缺少: {'、'.join(missing)}")
    return {heading: found[heading] for heading in wanted}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row with its place in the file, its cells asked for by heading."""

    grid: Grid
    index: int
    columns: dict[str, int]

    def text(self, heading: str) -> str:
        """Return a cell's text, empty when the row is short."""
        cells, place = self.grid.rows[self.index], self.columns[heading]
        return cells[place] if place < len(cells) else ""

    def required(self, heading: str) -> str:
        """Return a cell's text, refusing the file when it is empty."""
        text = self.text(heading)
        if not text:
            raise self._refused(heading, "应填写, 实为空")
        return text

    def amount(self, heading: str) -> Fen:
        """Return a cell as an amount written in yuan."""
        try:
            return fen(self.text(heading))
        except MoneyError as error:
            raise self._refused(heading, str(error)) from error

    def day(self, heading: str) -> date:
        """Return a cell as a date written 2026-07-01 or 20260701."""
        try:
            return date.fromisoformat(self.text(heading))
        except ValueError as error:
            raise self._refused(heading, f"应为日期, 实为{self.text(heading)!r}") from error

    def count(self, heading: str) -> int:
        """Return a cell as a whole number that is not negative."""
        text = self.text(heading)
        if not (text.isascii() and text.isdecimal()):
            raise self._refused(heading, f"应为笔数, 实为{text!r}")
        return int(text)

    def _refused(self, heading: str, what: str) -> FileRefusedError:
        return FileRefusedError(self.grid.file_name, f"第{self.index + 1}行「{heading}」{what}")


def csv_bytes(rows: Sequence[Sequence[str]]) -> bytes:
    """Write rows as CSV in UTF-8 with CRLF, the same bytes for the same rows."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows(rows)
    return out.getvalue().encode()
