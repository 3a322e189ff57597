"""The book: another program reads it and comes to the same balances, to the fen."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from app.db import transaction
from ledger.applications import reserve, reserve_many
from ledger.book import check_book, export_book, period_days
from ledger.book_text import plain, quoted
from ledger.errors import BookCheckFailedError
from ledger.journal import balance, close_period
from ledger.payables import owe
from ledger.steps import mark_paid, mark_returned
from tests.ledger.money_flow import AT, DAY, USCC, fund, make_request, send

NEXT = date(2026, 4, 9)


def two_months(connection: Connection) -> None:
    """March: fund, owe, reserve, pay one of two; April: pay the other, one comes back."""
    fund(connection, 1_000_000, "ZB-一/2026")
    for number in ("SQ-1", "SQ-2"):
        owe(
            connection, claim_no=f"BJ-{number}", payee_uscc=USCC, amount_fen=10_001, booked_on=DAY,
            at=AT,
        )  # fmt: skip
    reserve_many(
        connection,
        [make_request(no, 10_001, allotment_no="ZB-一/2026") for no in ("SQ-1", "SQ-2")],
        at=AT,
    )
    send(connection, "SQ-1", "SQ-2")
    mark_paid(connection, "SQ-1", amount_fen=10_001, on=DAY, receipt_ref='HD"\\1', at=AT)
    mark_paid(connection, "SQ-2", amount_fen=10_001, on=NEXT, receipt_ref="HD-2", at=AT)
    mark_returned(connection, "SQ-2", amount_fen=10_001, on=NEXT, ref="TH-2", at=AT)


@pytest.mark.parametrize("close", [True, False])
def test_every_period_passes_beancount_and_equals_sql(
    engine: Engine, tmp_path: Path, close: bool
) -> None:
    with transaction(engine) as connection:
        two_months(connection)
        if close:
            close_period(connection, "2026-03", by="会计", at=AT)
        for period in ("2026-02", "2026-03", "2026-04", "2026-05"):
            files = export_book(connection, period, tmp_path / period)
            check = check_book(tmp_path / period, connection=connection)
            assert check.errors == ()
            assert check.ok
            assert check.entries == files.entries
        last = check.balances
        assert last["Expenses:Financial:C5001"] == balance(connection, "5001") == 20_002
        assert last["Income:Budgetary:C6001"] == -balance(connection, "6001") == -10_001
        assert last[f"Liabilities:Financial:C2303:C{USCC}"] == -10_001


def test_the_same_journal_gives_the_same_bytes(engine: Engine, tmp_path: Path) -> None:
    with transaction(engine) as connection:
        two_months(connection)
        first = export_book(connection, "2026-04", tmp_path / "a")
        second = export_book(connection, "2026-04", tmp_path / "b")
    assert first.path.read_bytes() == second.path.read_bytes()
    text = first.path.read_text("utf-8")
    assert "^claim-BJ--SQ--2" in text
    assert "^application-SQ--2" in text
    assert "name-zh: " in text
    assert text.rstrip().endswith(first.sha256)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [("100.01 CNY", "100.02 CNY", "does not balance"), ("退汇", "支付", "不完整")],
)
def test_a_changed_book_fails(
    engine: Engine, tmp_path: Path, old: str, new: str, told: str
) -> None:
    """A changed amount is out of balance; of a changed word only the digest tells."""
    with transaction(engine) as connection:
        two_months(connection)
        files = export_book(connection, "2026-04", tmp_path)
    text = files.path.read_text("utf-8")
    assert old in text
    files.path.write_text(text.replace(old, new, 1), "utf-8")
    check = check_book(tmp_path)
    assert not check.ok
    assert any(told in error for error in check.errors)
    assert any("不完整" in error for error in check.errors)


def test_a_book_cut_off_between_entries_is_found(engine: Engine, tmp_path: Path) -> None:
    with transaction(engine) as connection:
        two_months(connection)
        files = export_book(connection, "2026-04", tmp_path)
    text = files.path.read_text("utf-8")
    files.path.write_text(text[: text.index("2026-05-01 balance")], "utf-8")
    check = check_book(tmp_path)
    assert not check.ok
    assert any("不完整" in error for error in check.errors)


def test_balances_that_differ_from_sql_are_found(engine: Engine, tmp_path: Path) -> None:
    with transaction(engine) as connection:
        two_months(connection)
        files = export_book(connection, "2026-04", tmp_path)
        told = json.loads(files.balances_path.read_text("utf-8"))
        told["balances"]["Expenses:Financial:C5001"] += 1
        files.balances_path.write_text(json.dumps(told), "utf-8")
        assert not check_book(tmp_path).equals_sql
        export_book(connection, "2026-04", tmp_path)
        owe(connection, claim_no="晚", payee_uscc=USCC, amount_fen=1, booked_on=NEXT, at=AT)
        assert check_book(tmp_path).ok
        assert not check_book(tmp_path, connection=connection).ok
        reserve(connection, make_request("SQ-3", 5, allotment_no="ZB-一/2026", on=NEXT), at=AT)


def test_a_folder_without_a_book_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BookCheckFailedError):
        check_book(tmp_path)


def test_periods_know_their_days() -> None:
    assert period_days("2026-02") == (date(2026, 2, 1), date(2026, 3, 1))
    assert period_days("2026-12") == (date(2026, 12, 1), date(2027, 1, 1))


@given(st.text(), st.text())
def test_names_stay_different(one: str, other: str) -> None:
    assert (plain(one) == plain(other)) == (one == other)
    assert all(char.isascii() and (char.isalnum() or char == "-") for char in plain(one))


@given(st.text())
def test_strings_stay_on_one_line_and_closed(text: str) -> None:
    written = quoted(text)
    inner = written[1:-1].replace("\\\\", "").replace('\\"', "")
    assert '"' not in inner
    assert len(written.splitlines()) == 1
