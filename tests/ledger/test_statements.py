"""Statements: taken in whole and once, in unbroken order, or refused with a clear word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DatabaseError

from app.demo.finance_files import Entry, execution_xlsx, statement_csv, take_statements
from ledger.errors import (
    FileRefusedError,
    StatementAccountError,
    StatementGapError,
    StatementNumberTakenError,
    StatementUnbalancedError,
)
from ledger.reconcile import Direction
from ledger.statement_files import StatementLine
from ledger.statements import (
    import_execution,
    import_statement,
    next_number,
    read_bank_csv,
    read_execution,
)
from ledger.tables import budget_execution, statement_lines
from tests.ledger.money_flow import AT, DAY
from tests.ledger.push_flow import PURSES, make_world, statement

LINE = StatementLine(
    line=1,
    booked_on=DAY,
    direction=Direction.DEBIT,
    amount_fen=12_345,
    ref="SQ-1",
    counter_account="6222",
    counter_name="甲公司",
    bank_serial="S1",
    narration="补贴",
)
NEXT = DAY + timedelta(days=1)


def write_csv(folder: Path, *, encoding: str = "utf-8") -> Path:
    entries = [
        Entry(
            account_no=PURSES["CITY"],
            account_name="市经济和信息化局",
            purse="CITY",
            booked_on=DAY,
            is_debit=n != 3,
            amount_fen=1_000 + n,
            ref=f"SQ-{n}",
            counter_account=f"6222{n}",
            counter_name="甲，“乙”公司",
            serial=f"S{n}",
            narration="稳岗,补贴",
        )
        for n in (1, 2, 3)
    ]
    (day,) = take_statements({}, entries, DAY)
    path = folder / "statement.csv"
    path.write_bytes(statement_csv(day).decode().encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_is_read_exactly_in_either_encoding(tmp_path: Path, encoding: str) -> None:
    found = read_bank_csv(write_csv(tmp_path, encoding=encoding))
    assert [line.amount_fen for line in found.lines] == [1_001, 1_002, 1_003]
    assert [line.direction for line in found.lines] == ["D", "D", "C"]
    assert found.lines[0].counter_name == "甲，“乙”公司"
    assert found.closing_fen == found.opening_fen - 1_001 - 1_002 + 1_003


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("3,2026-03-02,贷", "", "笔数应为3, 实有2行"),
        ("10.02", "10.03", "相差"),
        (",10.02,", ",10.021,", "不是有效金额"),
        (",10.02,", ",-10.02,", "应大于零"),
        (",借,10.02", ",出,10.02", "应为借或贷"),
        ("\n2,2026-03-02", "\n2,2026-03-03", "不在2026-03-02"),
        ("\n2,2026-03-02", "\n2,2026/03/02", "应为日期"),
        ("\n2,2026-03-02", "\n7,2026-03-02", "应为2, 实为7"),
        (",S2,", ",S1,", "出现两次"),
        (",S2,", ",,", "应填写"),
        ("银行流水号", "流水", "表头缺少: 银行流水号"),
        ("期初余额", "余额", "表头缺少: 期初余额"),
    ],
)
def test_a_bad_statement_is_refused_whole(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = write_csv(tmp_path)
    text = path.read_text()
    if not new:
        text = text[: text.index(old)]
    assert old in path.read_text()
    path.write_text(text.replace(old, new) if new else text)
    with pytest.raises(FileRefusedError, match=words):
        read_bank_csv(path)


def test_a_file_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path)
    content = path.read_bytes().rstrip()
    for end in range(0, len(content) - 1, 7):
        path.write_bytes(content[:end])
        try:
            found = read_bank_csv(path)
        except FileRefusedError:
            continue
        # Only the last narration can be shortened without a trace in numbers.
        assert found.lines[2].amount_fen == 1_003, end


def test_same_file_twice_changes_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        make_world(connection)
        first = import_statement(connection, statement(LINE), at=AT)
        again = import_statement(connection, statement(LINE), at=AT)
        count = connection.scalar(select(func.count()).select_from(statement_lines))
    assert (first.is_replay, again.is_replay, count) == (False, True, 1)
    assert again.statement_id == first.statement_id


def test_unbalanced_statement_is_refused(engine: Engine) -> None:
    with engine.begin() as connection:
        make_world(connection)
        wrong = replace(statement(LINE), closing_fen=5)
        with pytest.raises(StatementUnbalancedError, match="相差"):
            import_statement(connection, wrong, at=AT)


def test_statements_follow_each_other(engine: Engine) -> None:
    with engine.begin() as connection:
        make_world(connection)
        held = statement(LINE)
        import_statement(connection, held, at=AT)
        line = replace(LINE, booked_on=NEXT, bank_serial="S2")
        good = statement(line, number="S-00002", opening=held.closing_fen, first=NEXT, last=NEXT)
        for wrong, kind in (
            (replace(good, statement_no="S-00001"), StatementNumberTakenError),
            (statement(line, number="S-00003", opening=held.closing_fen, first=NEXT, last=NEXT),
             StatementGapError),
            (statement(line, number="S-00002", opening=7, first=NEXT, last=NEXT),
             StatementGapError),
            (statement(line, number="S-00002", opening=held.closing_fen, first=DAY, last=NEXT),
             StatementGapError),
            (replace(good, account_no="404"), StatementAccountError),
        ):  # fmt: skip
            with pytest.raises(kind):
                import_statement(connection, wrong, at=AT)
        assert not import_statement(connection, good, at=AT).is_replay


@pytest.mark.parametrize(
    ("last", "given", "wanted"),
    [
        ("A-00009", "A-00010", None),
        ("A-00009", "A-00011", "A-00010"),
        ("A-00009", "A-00009", "A-00010"),
        ("2026/9", "2027/1", None),
        ("20260731", "20260803", None),
    ],
)
def test_only_sequences_are_held_to_be_without_gaps(
    last: str, given: str, wanted: str | None
) -> None:
    assert next_number(last, given) == wanted


def test_stored_lines_cannot_be_changed(engine: Engine) -> None:
    with engine.begin() as connection:
        make_world(connection)
        import_statement(connection, statement(LINE), at=AT)
    with pytest.raises(DatabaseError), engine.begin() as connection:
        connection.execute(statement_lines.update().values(amount_fen=1))


def write_execution(folder: Path) -> Path:
    row = {
        "fiscal_year": "2026",
        "division_code": "330100000",
        "agency_code": "201001",
        "doc_no": "财企〔2026〕1号",
        "project_code": "P001",
        "exp_func_code": "2150805",
        "gov_bgt_eco_code": "50701",
        "count": 2,
        "executed_fen": 123_456_789_012,
    }
    path = folder / "execution.xlsx"
    path.write_bytes(execution_xlsx({"ZB-1": row, "ZB-2": row | {"executed_fen": 10}}, DAY))
    return path


def test_execution_is_read_to_the_fen_and_once(engine: Engine, tmp_path: Path) -> None:
    export = read_execution(write_execution(tmp_path))
    assert [(row.allotment_no, row.executed_fen) for row in export.rows] == [
        ("ZB-1", 123_456_789_012),
        ("ZB-2", 10),
    ]
    with engine.begin() as connection:
        assert not import_execution(connection, export, at=AT).is_replay
        assert import_execution(connection, export, at=AT).is_replay
        assert connection.scalar(select(func.count()).select_from(budget_execution)) == 2


def test_cut_workbook_is_refused(tmp_path: Path) -> None:
    path = write_execution(tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FileRefusedError):
        read_execution(path)
