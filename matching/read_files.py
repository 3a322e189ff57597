"""Tables out of files: CSV in UTF-8 or GB18030 and XLSX, every cell as the text a person sees."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias

import pandas as pd

from matching.errors import UnreadableFileError

MAX_BYTES = 400_000_000
"""Largest file read, also after a workbook is unpacked four times over."""

_HEADING_ROWS = 10
_SEPARATORS = (",", "\t", ";")
_TOTAL_WORDS = frozenset({"合计", "总计", "小计"})

IsHeading: TypeAlias = Callable[[str], bool]
"""Says whether a cell is the heading of a column one knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ragged:
    """A row with another number of cells than there are headings."""

    row_number: int
    cells: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTable:
    """A file as columns of text, blanks at the ends removed.

    ``columns[i][j]`` stands below ``headings[i]`` in row ``row_numbers[j]``, counted from 1 as a
    spreadsheet shows it. ``left_out`` are blank rows and rows of totals, ``ragged`` rows that do
    not fit the headings; neither is in ``columns``.
    """

    headings: tuple[str, ...]
    columns: tuple[list[str], ...]
    row_numbers: Sequence[int]
    left_out: tuple[int, ...]
    ragged: tuple[Ragged, ...]


def read_table(name: str, content: bytes, is_heading: IsHeading) -> FileTable:
    """Read a file by its content. Raises UnreadableFileError with the place of the trouble.

    The heading row is the first of the ten top rows with at least two known headings, so titles
    above it do no harm.
    """
    if len(content) > MAX_BYTES:
        raise UnreadableFileError(name, f"文件有 {len(content)} 字节", f"不超过 {MAX_BYTES} 字节")
    if not content:
        raise UnreadableFileError(name, "空文件", "带表头的 CSV 或 XLSX 文件")
    if content[:4] == b"PK\x03\x04":
        return _from_rows(name, _workbook_rows(name, content), is_heading)
    if content[:4] == b"\xd0\xcf\x11\xe0":
        raise UnreadableFileError(name, "旧版 Excel（XLS）文件", "XLSX 或 CSV 文件")
    text = _decoded(name, content, is_heading)
    separator = _separator(text, is_heading)
    return _plain(text, separator, is_heading) or _from_rows(
        name, _csv_rows(name, text, separator), is_heading
    )


# --- CSV ---------------------------------------------------------------------------------------


def _decoded(name: str, content: bytes, is_heading: IsHeading) -> str:
    """Decode strictly: a byte that does not fit refuses the file and is named."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableFileError(name, "UTF-16 编码", "UTF-8 或 GB18030 编码")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        broken = error
    if not content.startswith(codecs.BOM_UTF8):
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError as error:
            # The encoding in which more of the file made sense is the one it was meant in.
            meant = ("GB18030", error) if error.start > broken.start else ("UTF-8", broken)
            raise _undecodable(name, content, meant[1], meant[0]) from error
        if _separator(text, is_heading, default=""):
            return text
    raise _undecodable(name, content, broken, "UTF-8")


def _undecodable(
    name: str, content: bytes, error: UnicodeDecodeError, encoding: str
) -> UnreadableFileError:
    line = content.count(b"\n", 0, error.start) + 1
    found = f"第 {line} 行（第 {error.start + 1} 个字节）不是有效的 {encoding} 文字"
    return UnreadableFileError(name, found, "完整的 UTF-8 或 GB18030 文件")


def _separator(text: str, is_heading: IsHeading, default: str = ",") -> str:
    """Return the separator under which the top of the file shows most known headings."""
    top = text[:20_000].splitlines()[:_HEADING_ROWS]
    counts = {
        mark: max((sum(map(is_heading, line.split(mark))) for line in top), default=0)
        for mark in _SEPARATORS
    }
    best = max(_SEPARATORS, key=lambda mark: counts[mark])
    return best if counts[best] else default


def _plain(text: str, separator: str, is_heading: IsHeading) -> FileTable | None:
    """Read the usual file quickly: no quotes, heading first, every row complete; else None."""
    if '"' in text or "\0" in text:
        return None
    stripped = text.rstrip("\r\n")
    lines = stripped.count("\n") + 1
    first = stripped.partition("\n")[0].rstrip("\r").split(separator)
    whole = stripped.count(separator) == lines * (len(first) - 1)
    if not whole or len(first) < 2 or sum(map(is_heading, first)) < 2:
        return None
    if stripped.count("\r") not in {0, stripped.count("\r\n")}:
        return None
    try:
        frame = pd.read_csv(
            io.StringIO(stripped),
            sep=separator,
            header=None,
            dtype=str,
            keep_default_na=False,
            na_filter=False,
            skip_blank_lines=False,
            quoting=csv.QUOTE_NONE,
        )
    except pd.errors.ParserError:
        return None
    if len(frame) != lines:
        return None
    columns = [_stripped(frame[column].tolist()) for column in frame.columns]
    return _sifted(
        tuple(column[0] for column in columns),
        tuple(column[1:] for column in columns),
        range(2, lines + 1),
        (),
        (),
    )


def _csv_rows(name: str, text: str, separator: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return list(reader)
    except csv.Error as error:
        found = f"第 {reader.line_num} 行引号或分隔符有误（{error}）"
        raise UnreadableFileError(name, found, "引号成对、以逗号分隔的 CSV") from error


# --- XLSX --------------------------------------------------------------------------------------


def _workbook_rows(name: str, content: bytes) -> list[list[str]]:
    """Return the rows of the first sheet."""
    try:
        _check_unpacked(name, content)
        frame = pd.read_excel(
            io.BytesIO(content),
            engine="calamine",
            header=None,
            dtype=object,
            keep_default_na=False,
            na_filter=False,
        )
    except UnreadableFileError:
        raise
    except (zipfile.BadZipFile, ValueError, KeyError, OSError, pd.errors.ParserError) as error:
        found = f"工作簿无法打开（{error}）"
        raise UnreadableFileError(name, found, "完整的 XLSX 文件") from error
    except Exception as error:
        # calamine has one error class of its own, which is not part of its public types.
        if type(error).__module__.partition(".")[0] != "python_calamine":
            raise
        found = f"工作簿无法打开（{error}）"
        raise UnreadableFileError(name, found, "完整的 XLSX 文件") from error
    columns = [[_shown(cell) for cell in frame[column].tolist()] for column in frame.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _check_unpacked(name: str, content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > 4 * MAX_BYTES:
        raise UnreadableFileError(name, f"展开后有 {size} 字节", f"不超过 {4 * MAX_BYTES} 字节")


def _shown(cell: Any) -> str:
    """Return the text of a cell: numbers with at most 15 digits, as Excel keeps them."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return "" if cell != cell else format(Decimal(f"{cell:.15g}"), "f")  # noqa: PLR0124 - NaN
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


# --- rows to columns ---------------------------------------------------------------------------


def _from_rows(name: str, rows: list[list[str]], is_heading: IsHeading) -> FileTable:
    top = rows[:_HEADING_ROWS]
    heading_at = next(
        (i for i, row in enumerate(top) if sum(is_heading(cell) for cell in row) >= 2), None
    )
    if heading_at is None:
        seen = "、".join(cell.strip() for cell in (top[0] if top else [])[:8])
        raise UnreadableFileError(name, f"找不到表头（首行为 {seen[:100]}）", "官方表头或字段代码")
    headings = _stripped(rows[heading_at])
    while headings and not headings[-1]:
        headings.pop()
    width = len(headings)
    fitting: list[list[str]] = []
    numbers: list[int] = []
    blank: list[int] = []
    ragged: list[Ragged] = []
    for number, row in enumerate(rows[heading_at + 1 :], heading_at + 2):
        if len(row) > width and not any(cell.strip() for cell in row[width:]):
            row = row[:width]  # noqa: PLW2901 - empty cells to the right say nothing
        if not any(cell.strip() for cell in row):
            blank.append(number)
        elif len(row) != width:
            text = " | ".join(cell.strip() for cell in row)
            ragged.append(Ragged(row_number=number, cells=len(row), text=text))
        else:
            fitting.append(row)
            numbers.append(number)
    columns = tuple(map(_stripped, zip(*fitting, strict=True))) or tuple([] for _ in headings)
    return _sifted(tuple(headings), columns, numbers, tuple(blank), tuple(ragged))


def _stripped(cells: Sequence[str]) -> list[str]:
    return [cell.strip() for cell in cells]


def _sifted(
    headings: tuple[str, ...],
    columns: tuple[list[str], ...],
    numbers: Sequence[int],
    blank: tuple[int, ...],
    ragged: tuple[Ragged, ...],
) -> FileTable:
    """Leave out rows of totals and blank rows, which carry no data of anyone."""
    left_out = {
        place
        for place, first in enumerate(columns[0] if columns else ())
        if first in _TOTAL_WORDS or (not first and _says_nothing(columns, place))
    }
    if left_out:
        kept = [place for place in range(len(numbers)) if place not in left_out]
        blank = tuple(sorted({*blank, *(numbers[place] for place in left_out)}))
        columns = tuple([column[place] for place in kept] for column in columns)
        numbers = [numbers[place] for place in kept]
    return FileTable(
        headings=headings, columns=columns, row_numbers=numbers, left_out=blank, ragged=ragged
    )


def _says_nothing(columns: tuple[list[str], ...], place: int) -> bool:
    cells = [column[place] for column in columns if column[place]]
    return not cells or cells[0] in _TOTAL_WORDS
