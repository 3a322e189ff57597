"""Bank statements and the budget system's execution export, as they stand in files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ledger.errors import FileRefusedError, StatementUnbalancedError
from ledger.grids import Row, columns, read_grid
from ledger.money import yuan
from ledger.reconcile import Direction

STATEMENT_HEAD = (
    "对账单号",
    "账号",
    "户名",
    "起始日期",
    "截止日期",
    "期初余额",
    "期末余额",
    "笔数",
)
"""First row of a bank's CSV; the second row holds the values."""

STATEMENT_COLUMNS = (
    "序号",
    "记账日期",
    "借贷标志",
    "发生额",
    "业务参考号",
    "对方账号",
    "对方户名",
    "银行流水号",
    "摘要",
)
"""Third row of a bank's CSV; one row per line follows. 借 is money out, 贷 money in."""

EXECUTION_COLUMNS = (
    "FISCAL_YEAR",
    "MOF_DIV_CODE",
    "AGENCY_CODE",
    "BGT_ID",
    "COR_BGT_DOC_NO",
    "PRO_CODE",
    "EXP_FUNC_CODE",
    "GOV_BGT_ECO_CODE",
    "ACC_DATE",
    "PAY_COUNT",
    "XPAY_AMT",
)
"""Headings of the execution export; a last row 合计 gives the number of rows and the sum."""

TOTAL_MARK = "合计"

_DIRECTIONS = {
    "借": Direction.DEBIT,
    "D": Direction.DEBIT,
    "贷": Direction.CREDIT,
    "C": Direction.CREDIT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One line of a statement; ``line`` counts from 1, the amount is in fen and above zero."""

    line: int
    booked_on: date
    direction: Direction
    amount_fen: int
    ref: str
    counter_account: str
    counter_name: str
    bank_serial: str
    narration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A bank statement: opening plus lines is closing, or it would have been refused."""

    account_no: str
    statement_no: str
    from_on: date
    to_on: date
    opening_fen: int
    closing_fen: int
    lines: tuple[StatementLine, ...]
    source: str
    file_name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRow:
    """What finance executed from one allotment, in all until ``as_of`` of that year."""

    allotment_no: str
    as_of: date
    executed_fen: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionExport:
    """The rows of one execution export."""

    rows: tuple[ExecutionRow, ...]
    file_name: str
    sha256: str


def read_bank_csv(path: Path) -> Statement:
    """Read a bank's CSV (or the same table as XLSX).

    Raises:
        FileRefusedError: when it cannot be read whole: heading, row, count.
        StatementUnbalancedError: when opening and lines do not make the closing balance.
    """
    grid = read_grid(path)
    head = Row(grid=grid, index=1, columns=columns(grid, 0, STATEMENT_HEAD))
    if len(grid.rows) < 2:
        raise FileRefusedError(grid.file_name, "缺少对账单首部")
    places = columns(grid, 2, STATEMENT_COLUMNS)
    rows = [Row(grid=grid, index=index, columns=places) for index in range(3, len(grid.rows))]
    expected = head.count("笔数")
    if len(rows) != expected:
        raise FileRefusedError(
            grid.file_name, f"首部笔数应为{expected}, 实有{len(rows)}行, 文件可能不完整"
        )
    return checked(
        Statement(
            account_no=head.required("账号"),
            statement_no=head.required("对账单号"),
            from_on=head.day("起始日期"),
            to_on=head.day("截止日期"),
            opening_fen=head.amount("期初余额"),
            closing_fen=head.amount("期末余额"),
            lines=tuple(_line(row, number) for number, row in enumerate(rows, start=1)),
            source="csv",
            file_name=grid.file_name,
            sha256=grid.sha256,
        )
    )


def _line(row: Row, number: int) -> StatementLine:
    direction = _DIRECTIONS.get(row.text("借贷标志"))
    where = f"第{row.index + 1}行"
    if direction is None:
        raise FileRefusedError(
            row.grid.file_name, f"{where}「借贷标志」应为借或贷, 实为{row.text('借贷标志')!r}"
        )
    if row.count("序号") != number:
        raise FileRefusedError(
            row.grid.file_name, f"{where}「序号」应为{number}, 实为{row.text('序号')}"
        )
    amount = row.amount("发生额")
    if amount <= 0:
        raise FileRefusedError(row.grid.file_name, f"{where}「发生额」应大于零, 实为{yuan(amount)}")
    return StatementLine(
        line=number,
        booked_on=row.day("记账日期"),
        direction=direction,
        amount_fen=amount,
        ref=row.text("业务参考号"),
        counter_account=row.text("对方账号"),
        counter_name=row.text("对方户名"),
        bank_serial=row.required("银行流水号"),
        narration=row.text("摘要"),
    )


def checked(statement: Statement) -> Statement:
    """Return the statement when it agrees with itself.

    Raises:
        FileRefusedError: a line outside the statement's days, or a bank serial used twice.
        StatementUnbalancedError: opening plus lines is not closing.
    """
    balance = statement.opening_fen
    serials: set[str] = set()
    for line in statement.lines:
        sign = 1 if line.direction == Direction.CREDIT else -1
        balance += sign * line.amount_fen
        if not statement.from_on <= line.booked_on <= statement.to_on:
            raise FileRefusedError(
                statement.file_name,
                f"第{line.line}笔记账日期{line.booked_on}不在{statement.from_on}"
                f"至{statement.to_on}之内",
            )
        if line.bank_serial in serials:
            raise FileRefusedError(statement.file_name, f"银行流水号{line.bank_serial}出现两次")
        serials.add(line.bank_serial)
    if balance != statement.closing_fen:
        raise StatementUnbalancedError(
            statement.file_name, statement.opening_fen, balance, statement.closing_fen
        )
    return statement


def read_execution(path: Path) -> ExecutionExport:
    """Read the budget system's execution export (XLSX or CSV).

    Raises:
        FileRefusedError: when a heading, a value or the closing totals row is missing or differs.
    """
    grid = read_grid(path)
    places = columns(grid, 0, EXECUTION_COLUMNS)
    rows = [Row(grid=grid, index=index, columns=places) for index in range(1, len(grid.rows))]
    if not rows or rows[-1].text("FISCAL_YEAR") != TOTAL_MARK:
        raise FileRefusedError(grid.file_name, "缺少合计行, 文件可能不完整")
    found = tuple(
        ExecutionRow(
            allotment_no=row.required("BGT_ID"),
            as_of=row.day("ACC_DATE"),
            executed_fen=row.amount("XPAY_AMT"),
            count=row.count("PAY_COUNT"),
        )
        for row in rows[:-1]
    )
    total = sum(row.executed_fen for row in found)
    last = rows[-1]
    if last.count("PAY_COUNT") != len(found) or last.amount("XPAY_AMT") != total:
        raise FileRefusedError(
            grid.file_name,
            f"合计行应为{len(found)}行{yuan(total)}元, "
            f"实为{last.text('PAY_COUNT')}行{last.text('XPAY_AMT')}元",
        )
    seen = {(row.allotment_no, row.as_of) for row in found}
    if len(seen) != len(found):
        raise FileRefusedError(grid.file_name, "同一指标同一日期出现两次")
    return ExecutionExport(rows=found, file_name=grid.file_name, sha256=grid.sha256)


def line_digest(account_no: str, statement_no: str, line: StatementLine) -> str:
    """Return the SHA-256 of a line's whole content with the statement it stands in."""
    text = "\x1f".join(
        (
            account_no,
            statement_no,
            str(line.line),
            line.booked_on.isoformat(),
            line.direction.value,
            str(line.amount_fen),
            line.ref,
            line.counter_account,
            line.counter_name,
            line.bank_serial,
            line.narration,
        )
    )
    return hashlib.sha256(text.encode()).hexdigest()


__all__ = [
    "EXECUTION_COLUMNS",
    "STATEMENT_COLUMNS",
    "STATEMENT_HEAD",
    "TOTAL_MARK",
    "ExecutionExport",
    "ExecutionRow",
    "Statement",
    "StatementLine",
    "checked",
    "line_digest",
    "read_bank_csv",
    "read_execution",
]
