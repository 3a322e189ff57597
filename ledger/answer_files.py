"""What the budget system answers to a package, as it stands in its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from ledger.errors import FileRefusedError
from ledger.grids import Row, columns, csv_bytes, read_grid
from ledger.money import yuan

ANSWER_COLUMNS = (
    "PAY_APP_NO",
    "TRACKING_ID",
    "PACKAGE_NO",
    "STATE",
    "PAY_CERT_NO",
    "BGT_ID",
    "XPAY_AMT",
    "ACC_DATE",
    "RECEIPT_NO",
    "REASON",
)
"""Headings of an answer file; a last row 合计 gives the number of rows and the sum of XPAY_AMT."""

_TOTAL_MARK = "合计"


class AnswerKind(StrEnum):
    """What an answer says of an application."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    VOUCHER = "voucher"
    PAID = "paid"
    RETURNED = "returned"


STATE_WORDS = {
    "已接收": AnswerKind.ACCEPTED,
    "已退回": AnswerKind.REJECTED,
    "已生成凭证": AnswerKind.VOUCHER,
    "已支付": AnswerKind.PAID,
    "已退汇": AnswerKind.RETURNED,
}
"""The budget system's word for each kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLine:
    """One answer about one application; ``line`` counts from 1 in its file, amount in fen."""

    line: int
    kind: AnswerKind
    application_no: str
    on: date
    tracking_id: str = ""
    package_no: str = ""
    voucher_no: str = ""
    allotment_no: str = ""
    amount_fen: int | None = None
    """None when the answer names no amount: all there is."""
    ref: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFile:
    """The lines of one answer file, with its name and SHA-256."""

    file_name: str
    sha256: str
    lines: tuple[AnswerLine, ...]


def read_answer_file(path: Path) -> AnswerFile:
    """Read an answer file of the budget system (CSV or XLSX).

    Raises:
        FileRefusedError: when a heading or value is wrong or the totals row is missing or differs.
    """
    grid = read_grid(path)
    places = columns(grid, 0, ANSWER_COLUMNS)
    rows = [Row(grid=grid, index=index, columns=places) for index in range(1, len(grid.rows))]
    if not rows or rows[-1].text("PAY_APP_NO") != _TOTAL_MARK:
        raise FileRefusedError(grid.file_name, "缺少合计行, 文件可能不完整")
    lines = tuple(_line(row, number) for number, row in enumerate(rows[:-1], start=1))
    last, total = rows[-1], sum(line.amount_fen or 0 for line in lines)
    if last.count("TRACKING_ID") != len(lines) or last.amount("XPAY_AMT") != total:
        raise FileRefusedError(
            grid.file_name,
            f"合计行应为{len(lines)}行{yuan(total)}元, "
            f"实为{last.text('TRACKING_ID')}行{last.text('XPAY_AMT')}元",
        )
    return AnswerFile(file_name=grid.file_name, sha256=grid.sha256, lines=lines)


def read_answer(path: Path) -> list[AnswerLine]:
    """Read the lines of an answer file; see ``read_answer_file``."""
    return list(read_answer_file(path).lines)


def answer_bytes(lines: Sequence[AnswerLine]) -> bytes:
    """Write answers as the budget system writes them, with the totals row at the end."""
    words = {kind: word for word, kind in STATE_WORDS.items()}
    total = sum(line.amount_fen or 0 for line in lines)
    rows = [list(ANSWER_COLUMNS)]
    rows.extend(
        [
            line.application_no,
            line.tracking_id,
            line.package_no,
            words[line.kind],
            line.voucher_no,
            line.allotment_no,
            "" if line.amount_fen is None else yuan(line.amount_fen),
            line.on.isoformat(),
            line.ref,
            line.reason,
        ]
        for line in lines
    )
    rows.append([_TOTAL_MARK, str(len(lines)), "", "", "", "", yuan(total), "", "", ""])
    return csv_bytes(rows)


def _line(row: Row, number: int) -> AnswerLine:
    word = row.text("STATE")
    kind = STATE_WORDS.get(word)
    where = f"第{row.index + 1}行"
    if kind is None:
        raise FileRefusedError(
            row.grid.file_name,
            f"{where}「STATE」应为{'、'.join(STATE_WORDS)}之一, 实为{word!r}",
        )
    amount = row.amount("XPAY_AMT") if row.text("XPAY_AMT") else None
    if amount is not None and amount < 0:
        raise FileRefusedError(
            row.grid.file_name, f"{where}「XPAY_AMT」不应为负, 实为{yuan(amount)}"
        )
    return AnswerLine(
        line=number,
        kind=kind,
        application_no=row.required("PAY_APP_NO"),
        on=row.day("ACC_DATE"),
        tracking_id=row.text("TRACKING_ID"),
        package_no=row.text("PACKAGE_NO"),
        voucher_no=row.text("PAY_CERT_NO"),
        allotment_no=row.text("BGT_ID"),
        amount_fen=amount,
        ref=row.text("RECEIPT_NO"),
        reason=row.text("REASON"),
    )
