"""Writes the files that departments send: CSV and XLSX, the same bytes every time, with a note."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, InvalidOperation
from pathlib import Path
from unicodedata import normalize
from xml.sax.saxutils import escape

SHANGHAI = timezone(timedelta(hours=8))

Row = list[str]
"""One line of a file, cell by cell, as the clerk wrote it."""


@dataclass(slots=True, kw_only=True)
class Sheet:
    """One file before it is written: headings, rows and what the delivery note says of it."""

    file: str
    source: str
    owner: str
    as_of: date
    received_at: datetime
    columns: Sequence[tuple[str, str]]
    """Field code and official heading, in the order of the file."""
    rows: list[Row] = field(default_factory=list)
    list_code: str | None = None
    unit: str = "元"
    complete: bool = True
    encoding: str = "utf-8-sig"
    money: frozenset[str] = frozenset()
    max_error_share: str = "0.05"

    def column(self, code: str) -> int:
        """Return the place of a field in the rows."""
        return next(place for place, (name, _) in enumerate(self.columns) if name == code)

    def content(self) -> bytes:
        """Return the bytes of the file."""
        headings = [heading for _, heading in self.columns]
        if self.file.endswith(".xlsx"):
            numeric = {place for place, (code, _) in enumerate(self.columns) if code in self.money}
            return xlsx([headings, *self.rows], numeric=numeric)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(headings)
        writer.writerows(self.rows)
        return text.getvalue().encode(self.encoding)

    def totals(self) -> dict[str, str]:
        """Return the control total of each money column, in the file's unit, dirt left out."""
        sums = {}
        for code in sorted(self.money):
            place = self.column(code)
            total = Decimal(0)
            for row in self.rows:
                if row[place]:
                    try:
                        total += Decimal(normalize("NFKC", row[place]).replace(",", ""))
                    except InvalidOperation:
                        continue
            sums[code] = format(total, "f")
        return sums


def write_delivery(folder: Path, sheets: Sequence[Sheet], *, note: str = "交接单.json") -> Path:
    """Write the files and the delivery note that lists them in order of intake."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for sheet in sheets:
        content = sheet.content()
        folder.joinpath(sheet.file).write_bytes(content)
        entries.append(
            {
                "file": sheet.file,
                "source": sheet.source,
                "list_code": sheet.list_code,
                "owner": sheet.owner,
                "as_of": sheet.as_of.isoformat(),
                "received_at": sheet.received_at.isoformat(),
                "unit": sheet.unit,
                "complete": sheet.complete,
                "rows": len(sheet.rows),
                "totals": sheet.totals(),
                "sha256": hashlib.sha256(content).hexdigest(),
                "max_error_share": sheet.max_error_share,
            }
        )
    path = folder / note
    text = json.dumps({"deliveries": entries}, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", "utf-8")
    return path


def received(day: date, hour: int = 9, minute: int = 0) -> datetime:
    """Return an instant of a day in Nanchang."""
    return datetime.combine(day, time(hour, minute), SHANGHAI)


def yuan(fen: int) -> str:
    """Return an amount in 元 with two decimals, exactly."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def wan(fen: int) -> str:
    """Return an amount that is whole in 百元 in 万元 with two decimals, exactly."""
    assert fen % 10_000 == 0, fen
    return yuan(fen // 10_000)


# --- XLSX ------------------------------------------------------------------------------------

_TYPES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
    '<Override PartName="/xl/styles.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_ROOT = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
_BOOK = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
_BOOK_PARTS = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" '
    f'Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
)
_STYLES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/><name val="宋体"/></font>'
    '</fonts><fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)


def xlsx(rows: Iterable[Sequence[str]], *, numeric: set[int]) -> bytes:
    """Return a workbook of one sheet; columns in ``numeric`` hold numbers below the heading.

    The archive carries one fixed time stamp, so equal rows give equal bytes. A cell in a numeric
    column that is no plain number is written as text, as a clerk's typing would be.
    """
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    lines = [f'{head}<worksheet xmlns="{_MAIN}"><sheetData>']
    names: list[str] = []
    for number, row in enumerate(rows, 1):
        names = names or [_column_name(place) for place in range(len(row))]
        cells = []
        for place, text in enumerate(row):
            if not text:
                continue
            where = f"{names[place]}{number}"
            if number > 1 and place in numeric and text.lstrip("-").replace(".", "", 1).isdecimal():
                cells.append(f'<c r="{where}"><v>{text}</v></c>')
            else:
                cells.append(
                    f'<c r="{where}" t="inlineStr"><is><t xml:space="preserve">'
                    f"{escape(text)}</t></is></c>"
                )
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    lines.append("</sheetData></worksheet>")
    parts = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _ROOT,
        "xl/workbook.xml": _BOOK,
        "xl/_rels/workbook.xml.rels": _BOOK_PARTS,
        "xl/styles.xml": _STYLES,
        "xl/worksheets/sheet1.xml": "".join(lines),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        for name, text in parts.items():
            stamp = zipfile.ZipInfo(name, datetime(2026, 1, 1, tzinfo=UTC).timetuple()[:6])
            stamp.compress_type = zipfile.ZIP_DEFLATED
            stamp.create_system = 3
            stamp.external_attr = 0o600 << 16
            archive.writestr(stamp, text.encode())
    return buffer.getvalue()


def _column_name(place: int) -> str:
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
