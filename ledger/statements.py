"""Statements and execution exports taken in: whole or not at all, once, and in unbroken order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select

from ledger.bulk import insert_rows
from ledger.errors import (
    StatementAccountError,
    StatementGapError,
    StatementNumberTakenError,
    UnknownPurseError,
)
from ledger.money import display
from ledger.statement_files import (
    ExecutionExport,
    Statement,
    checked,
    line_digest,
    read_bank_csv,
    read_execution,
)
from ledger.tables import budget_execution, purses, statement_lines, statements

__all__ = [
    "ExecutionImport",
    "StatementImport",
    "import_execution",
    "import_statement",
    "read_bank_csv",
    "read_execution",
]

_SEQUENCE = re.compile(r"^(.*[-/])([0-9]+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementImport:
    """What an import did; ``is_replay`` when the same file was there already."""

    statement_id: int
    purse: str
    lines: int
    is_replay: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionImport:
    """What an import of an execution export did."""

    rows: int
    is_replay: bool


def import_statement(
    connection: Connection, statement: Statement, *, at: datetime, purse: str | None = None
) -> StatementImport:
    """Store a statement with its lines; the same file again changes nothing.

    ``purse`` is needed only where several purses pay from one account.

    Raises:
        StatementUnbalancedError, FileRefusedError: the statement does not agree with itself.
        StatementAccountError: no purse, or more than one, pays from the account.
        StatementNumberTakenError: the number is taken by other content.
        StatementGapError: it does not continue where the account's last one ended.
    """
    checked(statement)
    known = connection.execute(
        select(statements.c.id, statements.c.purse).where(statements.c.sha256 == statement.sha256)
    ).first()
    if known is not None:
        return StatementImport(
            statement_id=known.id, purse=known.purse, lines=len(statement.lines), is_replay=True
        )
    owner = _purse_of(connection, statement, purse)
    _check_order(connection, statement)
    key = connection.execute(
        insert(statements).values(
            purse=owner,
            account_no=statement.account_no,
            statement_no=statement.statement_no,
            from_on=statement.from_on,
            to_on=statement.to_on,
            opening_fen=statement.opening_fen,
            closing_fen=statement.closing_fen,
            sha256=statement.sha256,
            file_name=statement.file_name,
            source=statement.source,
            imported_at=at,
        )
    ).inserted_primary_key
    assert key is not None
    insert_rows(
        connection,
        statement_lines,
        [
            {
                "statement_id": key[0],
                "line": line.line,
                "booked_on": line.booked_on,
                "direction": line.direction.value,
                "amount_fen": line.amount_fen,
                "ref": line.ref,
                "counter_account": line.counter_account,
                "counter_name": line.counter_name,
                "bank_serial": line.bank_serial,
                "narration": line.narration,
                "line_digest": line_digest(statement.account_no, statement.statement_no, line),
            }
            for line in statement.lines
        ],
    )
    return StatementImport(
        statement_id=key[0], purse=owner, lines=len(statement.lines), is_replay=False
    )


def _purse_of(connection: Connection, statement: Statement, purse: str | None) -> str:
    if purse is not None:
        account = connection.execute(
            select(purses.c.payer_account).where(purses.c.code == purse)
        ).scalar()
        if account is None:
            raise UnknownPurseError(purse)
        if account != statement.account_no:
            raise StatementAccountError(statement.file_name, statement.account_no, [])
        return purse
    found = connection.execute(
        select(purses.c.code)
        .where(purses.c.payer_account == statement.account_no)
        .order_by(purses.c.code)
    ).scalars()
    codes = list(found)
    if len(codes) != 1:
        raise StatementAccountError(statement.file_name, statement.account_no, codes)
    return str(codes[0])


def _check_order(connection: Connection, statement: Statement) -> None:
    """Refuse a number used before, and a statement that does not follow the account's last."""
    taken = connection.execute(
        select(statements.c.id)
        .where(statements.c.account_no == statement.account_no)
        .where(statements.c.statement_no == statement.statement_no)
    ).first()
    if taken is not None:
        raise StatementNumberTakenError(
            statement.file_name, statement.account_no, statement.statement_no
        )
    last = connection.execute(
        select(statements.c.statement_no, statements.c.to_on, statements.c.closing_fen)
        .where(statements.c.account_no == statement.account_no)
        .order_by(statements.c.to_on.desc(), statements.c.id.desc())
        .limit(1)
    ).first()
    if last is None:
        return
    wanted = next_number(last.statement_no, statement.statement_no)
    if wanted is not None:
        raise StatementGapError(statement.file_name, "编号", wanted, statement.statement_no)
    if statement.from_on <= last.to_on:
        first = last.to_on + timedelta(days=1)
        raise StatementGapError(
            statement.file_name, "起始日期", f"不早于{first}", str(statement.from_on)
        )
    if statement.opening_fen != last.closing_fen:
        raise StatementGapError(
            statement.file_name,
            "期初余额",
            display(last.closing_fen),
            display(statement.opening_fen),
        )


def next_number(last: str, given: str) -> str | None:
    """Return the number that should have come, or None when ``given`` follows ``last``.

    Only numbers that end in a hyphen or slash and digits, with the same words before, are
    taken as a sequence; others (such as dates) are not.
    """
    before, now = _SEQUENCE.match(last), _SEQUENCE.match(given)
    if before is None or now is None or before[1] != now[1]:
        return None
    if int(now[2]) == int(before[2]) + 1:
        return None
    return before[1] + str(int(before[2]) + 1).zfill(len(before[2]))


def import_execution(
    connection: Connection, export: ExecutionExport, *, at: datetime
) -> ExecutionImport:
    """Store the rows of an execution export; the same file again changes nothing."""
    known = connection.execute(
        select(budget_execution.c.id).where(budget_execution.c.sha256 == export.sha256).limit(1)
    ).first()
    if known is not None:
        return ExecutionImport(rows=len(export.rows), is_replay=True)
    insert_rows(
        connection,
        budget_execution,
        [
            {
                "sha256": export.sha256,
                "as_of": row.as_of,
                "allotment_no": row.allotment_no,
                "executed_fen": row.executed_fen,
                "count": row.count,
                "imported_at": at,
            }
            for row in export.rows
        ],
    )
    return ExecutionImport(rows=len(export.rows), is_replay=False)
