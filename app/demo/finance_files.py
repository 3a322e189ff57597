"""The files the simulated budget system and its bank write, the same bytes each time."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from ledger.grids import csv_bytes
from ledger.money import decimal_yuan, yuan
from ledger.package_files import write_whole
from ledger.statement_files import (
    EXECUTION_COLUMNS,
    STATEMENT_COLUMNS,
    STATEMENT_HEAD,
    TOTAL_MARK,
)

OPENING_FEN = 500_000_000_000
"""What every payer account of the simulation starts with: 50 亿元."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One movement on a payer's account, not yet on a statement."""

    account_no: str
    account_name: str
    purse: str
    booked_on: date
    is_debit: bool
    amount_fen: int
    ref: str
    counter_account: str
    counter_name: str
    serial: str
    narration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementDay:
    """A statement to be written: number, days and balances, with its entries."""

    account_no: str
    account_name: str
    purse: str
    number: str
    from_on: date
    to_on: date
    opening_fen: int
    closing_fen: int
    entries: tuple[Entry, ...]


def take_statements(
    accounts: dict[str, Any], entries: Sequence[Entry], on: date
) -> list[StatementDay]:
    """Close the day: number a statement per account that is known or has entries.

    ``accounts`` keeps, per account, the last number, day and balance, and is changed.
    """
    for entry in entries:
        accounts.setdefault(
            entry.account_no,
            {
                "name": entry.account_name,
                "purse": entry.purse,
                "sequence": 0,
                "to_on": (on - timedelta(days=1)).isoformat(),
                "balance_fen": OPENING_FEN,
            },
        )
    days: list[StatementDay] = []
    for number in sorted(accounts):
        account = accounts[number]
        mine = sorted(
            (entry for entry in entries if entry.account_no == number),
            key=lambda entry: (entry.booked_on, entry.serial),
        )
        first = date.fromisoformat(account["to_on"]) + timedelta(days=1)
        assert first <= on, f"the statement of {on} was written before"
        opening = account["balance_fen"]
        closing = opening + sum(
            -entry.amount_fen if entry.is_debit else entry.amount_fen for entry in mine
        )
        account["sequence"] += 1
        account["to_on"] = on.isoformat()
        account["balance_fen"] = closing
        days.append(
            StatementDay(
                account_no=number,
                account_name=account["name"],
                purse=account["purse"],
                number=f"{account['purse']}-{account['sequence']:05d}",
                from_on=first,
                to_on=on,
                opening_fen=opening,
                closing_fen=closing,
                entries=tuple(mine),
            )
        )
    return days


def statement_csv(day: StatementDay) -> bytes:
    """Write a statement as the agent bank's CSV."""
    head = [
        day.number,
        day.account_no,
        day.account_name,
        day.from_on.isoformat(),
        day.to_on.isoformat(),
        yuan(day.opening_fen),
        yuan(day.closing_fen),
        str(len(day.entries)),
    ]
    rows: list[Sequence[str]] = [STATEMENT_HEAD, head, STATEMENT_COLUMNS]
    rows.extend(
        [
            str(line),
            entry.booked_on.isoformat(),
            "借" if entry.is_debit else "贷",
            yuan(entry.amount_fen),
            entry.ref,
            entry.counter_account,
            entry.counter_name,
            entry.serial,
            entry.narration,
        ]
        for line, entry in enumerate(day.entries, start=1)
    )
    return csv_bytes(rows)


def execution_xlsx(executed: Mapping[str, Mapping[str, Any]], on: date) -> bytes:
    """Write the budget execution per allotment in official columns, with a totals row."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "预算执行"
    sheet.append(list(EXECUTION_COLUMNS))
    for number in sorted(executed):
        row = executed[number]
        sheet.append(
            [
                row["fiscal_year"],
                row["division_code"],
                row["agency_code"],
                number,
                row["doc_no"],
                row["project_code"],
                row["exp_func_code"],
                row["gov_bgt_eco_code"],
                on.isoformat(),
                row["count"],
                decimal_yuan(row["executed_fen"]),
            ]
        )
    total = sum(row["executed_fen"] for row in executed.values())
    blanks = [None] * (len(EXECUTION_COLUMNS) - 3)
    sheet.append([TOTAL_MARK, *blanks, len(executed), decimal_yuan(total)])
    instant = datetime(on.year, on.month, on.day)  # noqa: DTZ001 (Excel knows no zones)
    book.properties.created = instant
    book.properties.modified = instant
    out = io.BytesIO()
    book.save(out)
    return _same_every_time(out.getvalue(), on, instant)


def _same_every_time(content: bytes, on: date, instant: datetime) -> bytes:
    """Rewrite a workbook with fixed times inside, so that equal content is equal bytes."""
    out = io.BytesIO()
    stamp = instant.strftime("%Y-%m-%dT%H:%M:%SZ")
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in sorted(old.namelist()):
            data = old.read(name)
            if name == "docProps/core.xml":
                data = _stamped(data, stamp)
            info = zipfile.ZipInfo(name, date_time=(on.year, on.month, on.day, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, data)
    return out.getvalue()


def _stamped(data: bytes, stamp: str) -> bytes:
    """Put one time into the workbook's modified mark, which openpyxl sets when saving."""
    text = data.decode()
    before, mark, rest = text.partition("<dcterms:modified")
    if not mark:
        return data
    opening, _, after = rest.partition(">")
    return f"{before}{mark}{opening}>{stamp}{after[after.index('<') :]}".encode()


def read_state(path: Path) -> dict[str, Any]:
    """Read what the simulation remembers; empty at first."""
    if not path.exists():
        return {}
    state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return state


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Keep what the simulation remembers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(state, ensure_ascii=False, sort_keys=True, indent=1).encode())
