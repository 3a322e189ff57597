"""Files as departments would send them, small and made on the spot."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from sqlalchemy import Connection, func, select

from matching import uscc
from matching.intake import Delivery, IntakeReport, intake
from matching.sources import SOURCES, Presence
from matching.tables import metadata

AS_OF = date(2026, 6, 28)
AT = datetime(2026, 6, 29, 1, tzinfo=UTC)

Row = Mapping[str, str]


def code(number: int, *, authority: str = "91") -> str:
    """A valid credit code, another one for each number."""
    return uscc.make(authority=authority, division="360111", body=f"MA{number:06d}")


def firm(number: int, name: str, **cells: str) -> dict[str, str]:
    """A registration row with realistic defaults."""
    return {
        "uscc": code(number),
        "name": name,
        "former_name": "",
        "entity_type": "有限责任公司",
        "legal_representative": f"张{number}",
        "registered_capital": "5000000",
        "established_on": "2019-03-01",
        "industry": "3911",
        "region": "360111",
        "park": "",
        "status": "存续",
        "address": f"江西省南昌市青山湖区高新大道{number}号",
        **cells,
    }


def headings(source: str, rows: Sequence[Row]) -> list[str]:
    """The official headings: those that must stand, and others that the rows use."""
    return [
        column.heading
        for column in SOURCES[source].columns
        if column.presence is not Presence.OPTIONAL or any(column.code in row for row in rows)
    ]


def table(source: str, rows: Sequence[Row]) -> list[list[str]]:
    """Heading and rows as a table of texts."""
    by_heading = {column.heading: column.code for column in SOURCES[source].columns}
    top = headings(source, rows)
    return [top, *([row.get(by_heading[heading], "") for heading in top] for row in rows)]


def csv_bytes(lines: Sequence[Sequence[str]], encoding: str = "utf-8-sig") -> bytes:
    """Those lines as a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue().encode(encoding)


def xlsx_bytes(lines: Sequence[Sequence[Any]]) -> bytes:
    """Those lines as the first sheet of a workbook."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for line in lines:
        sheet.append(list(line))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def take(
    connection: Connection,
    folder: Path,
    source: str,
    rows: Sequence[Row] = (),
    /,
    *,
    content: bytes | None = None,
    file: str = "",
    at: datetime = AT,
    **delivery: Any,
) -> IntakeReport:
    """Write the rows (or the bytes) as a file and take it in."""
    name = file or f"{source}.csv"
    path = folder / name
    path.write_bytes(csv_bytes(table(source, rows)) if content is None else content)
    announced = {
        "file": name,
        "source": source,
        "owner": "南昌市某局",
        "as_of": AS_OF,
        "received_at": AT,
        "max_error_share": 1,
        **delivery,
    }
    return intake(connection, Delivery(**announced), path, at=at)


def counts(connection: Connection) -> dict[str, int]:
    """The number of rows in every table of the package."""
    return {
        made.name: connection.scalar(select(func.count()).select_from(made)) or 0
        for made in metadata.sorted_tables
    }


def codes(report: IntakeReport) -> list[str]:
    """The codes of a report's findings, in their order."""
    return [found.code for found in report.findings]
