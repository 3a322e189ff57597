"""Verification: whatever stored amount is altered, it is found."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine, insert, select, text

from app.db import transaction
from ledger.append_only import drop_statements
from ledger.applications import get_application, reserve, reserve_many
from ledger.audit import SealItem, chain_head, digest_of, seal, seal_new, verify
from ledger.journal import close_period
from ledger.payables import owe
from ledger.reconcile import Direction
from ledger.statement_files import StatementLine, line_digest
from ledger.steps import mark_paid, mark_returned, mark_voucher
from ledger.tables import (
    journal,
    metadata,
    package_lines,
    packages,
    seals,
    statement_lines,
    statements,
)
from tests.ledger.money_flow import AT, DAY, USCC, fund, make_request, send

APPEND_ONLY = ("journal", "transfers", "seals", "statements", "statement_lines")


def fill(connection: Connection) -> None:
    """Two paid applications, one of them returned, a statement, a package; all sealed."""
    fund(connection, 1_000_000)
    for number in ("SQ-1", "SQ-2"):
        owe(
            connection, claim_no=f"BJ-{number}", payee_uscc=USCC, amount_fen=10_000, booked_on=DAY,
            at=AT,
        )  # fmt: skip
    reserve_many(connection, [make_request("SQ-1"), make_request("SQ-2")], at=AT)
    _package(connection)
    send(connection, "SQ-1", "SQ-2")
    mark_voucher(connection, "SQ-1", voucher_no="PZ-1", on=DAY, at=AT)
    mark_paid(connection, "SQ-1", amount_fen=10_000, on=DAY, receipt_ref="HD-1", at=AT)
    mark_paid(connection, "SQ-2", amount_fen=10_000, on=DAY, receipt_ref="HD-2", at=AT)
    mark_returned(connection, "SQ-2", amount_fen=10_000, on=DAY, ref="TH-2", at=AT)
    _statement(connection)
    close_period(connection, "2026-03", by="会计", at=AT)
    seal_new(connection, at=AT)
    approval = digest_of("BJ-SQ-1", 10_000)
    seal(connection, [SealItem(kind="approval", subject="BJ-SQ-1", digest=approval)], at=AT)


def _package(connection: Connection) -> None:
    connection.execute(
        insert(packages).values(
            package_no="BAO-1", purse="CITY", channel="budget-system", count=2, total_fen=20_000,
            digest="d" * 64, made_by="甲", state="made", made_at=AT, meta={},
        )
    )  # fmt: skip
    rows = [
        {"package_no": "BAO-1", "line": i, "application_no": no, "amount_fen": 10_000, "live": True}
        for i, no in enumerate(("SQ-1", "SQ-2"), 1)
    ]
    connection.execute(insert(package_lines), rows)


def _statement(connection: Connection) -> None:
    line = StatementLine(
        line=1, booked_on=DAY, direction=Direction.DEBIT, amount_fen=10_000, ref="SQ-1",
        counter_account="6222", counter_name="某公司", bank_serial="L1", narration="",
    )  # fmt: skip
    key = connection.execute(
        insert(statements)
        .values(
            purse="CITY", account_no="3300", statement_no="1", from_on=DAY, to_on=DAY,
            opening_fen=50_000, closing_fen=40_000, sha256="s" * 64, file_name="a.csv",
            source="csv", imported_at=AT,
        )
        .returning(statements.c.id)
    ).scalar_one()  # fmt: skip
    connection.execute(
        insert(statement_lines).values(
            statement_id=key, line=1, booked_on=DAY, direction="D", amount_fen=10_000, ref="SQ-1",
            counter_account="6222", counter_name="某公司", bank_serial="L1", narration="",
            line_digest=line_digest("3300", "1", line),
        )
    )  # fmt: skip


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """A database with work in it and without its protection, as an intruder would want it."""
    with transaction(engine) as connection:
        fill(connection)
        for name in APPEND_ONLY:
            for statement in drop_statements(metadata.tables[name], engine.dialect.name):
                connection.execute(text(statement))
    return engine


def test_honest_work_verifies(filled: Engine) -> None:
    with transaction(filled) as connection:
        report = verify(connection, known={("approval", "BJ-SQ-1"): digest_of("BJ-SQ-1", 10_000)})
        assert report.findings == ()
        assert report.ok
        assert dict(report.counts)["application"] == 2
        assert report.head == chain_head(connection)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE transfers SET amount_fen = amount_fen + 1 WHERE id = 1", "journal-hash"),
        ("UPDATE transfers SET amount_fen = 9999 WHERE id = 4", "journal-hash"),
        ("UPDATE journal SET narration = 'x' WHERE id = 2", "journal-hash"),
        ("UPDATE journal SET period = '2026-03', booked_on = '2026-02-01' WHERE id = 1", ""),
        ("DELETE FROM transfers WHERE id = 3", "balance"),
        ("UPDATE accounts SET balance_fen = balance_fen + 1 WHERE code = '5001'", "balance"),
        ("UPDATE applications SET amount_fen = 9999 WHERE application_no = 'SQ-1'", ""),
        ("UPDATE applications SET approved_fen = 10001 WHERE application_no = 'SQ-1'", ""),
        ("UPDATE applications SET paid_fen = 9999 WHERE application_no = 'SQ-1'", ""),
        ("UPDATE applications SET reserved_fen = 1 WHERE application_no = 'SQ-2'", ""),
        ("UPDATE applications SET payee_account_no = '1' WHERE application_no = 'SQ-2'", ""),
        ("UPDATE allotments SET amount_fen = amount_fen + 1", "allotment"),
        ("UPDATE statement_lines SET amount_fen = 9999", "statement-line"),
        ("UPDATE statement_lines SET counter_account = '1'", "statement-line"),
        ("UPDATE statements SET closing_fen = 40001", "statement"),
        ("UPDATE statements SET opening_fen = 50001, closing_fen = 40001", "sealed"),
        ("UPDATE packages SET total_fen = 20001", "package"),
        ("UPDATE package_lines SET amount_fen = 9999 WHERE line = 1", "package-line"),
        ("UPDATE seals SET digest = 'x' WHERE seq = 2", "seal-hash"),
        ("DELETE FROM seals WHERE seq = 2", "seal-chain"),
    ],
)
def test_a_single_altered_value_is_found(filled: Engine, statement: str, code: str) -> None:
    with transaction(filled) as connection:
        connection.execute(text(statement))
        report = verify(connection)
        assert not report.ok
        assert not code or code in {finding.code for finding in report.findings}


def test_a_forger_who_also_mends_the_digest_is_found_by_the_seals(filled: Engine) -> None:
    """Everything is made to agree again, except the chain."""
    with transaction(filled) as connection:
        row = connection.execute(select(statement_lines)).one()
        line = StatementLine(
            line=1, booked_on=row.booked_on, direction=Direction.DEBIT, amount_fen=9_000,
            ref=row.ref, counter_account=row.counter_account, counter_name=row.counter_name,
            bank_serial=row.bank_serial, narration=row.narration,
        )  # fmt: skip
        connection.execute(
            statement_lines.update().values(
                amount_fen=9_000, line_digest=line_digest("3300", "1", line)
            )
        )
        connection.execute(statements.update().values(closing_fen=41_000))
        codes = {finding.code for finding in verify(connection).findings}
        assert codes == {"sealed"}


def test_an_approval_altered_in_another_package_is_found(filled: Engine) -> None:
    with transaction(filled) as connection:
        report = verify(connection, known={("approval", "BJ-SQ-1"): digest_of("BJ-SQ-1", 99_999)})
        assert [finding.code for finding in report.findings] == ["sealed"]
        gone = verify(connection, known={("approval", "BJ-9"): digest_of("BJ-9")})
        assert [finding.code for finding in gone.findings] == ["sealed"]


def test_sealing_again_adds_only_what_is_new(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 1_000_000)
        first = seal_new(connection, at=AT)
        assert first == 1
        assert seal_new(connection, at=AT) == 0
        reserve(connection, make_request(), at=AT)
        head = chain_head(connection)
        assert seal_new(connection, at=AT) == 2
        rows = list(connection.execute(select(seals).order_by(seals.c.seq)))
        assert [row.seq for row in rows] == [1, 2, 3]
        assert rows[1].prev_hash == head
        item = SealItem(
            kind="application",
            subject="SQ-1",
            digest=get_application(connection, "SQ-1").content_digest,
        )
        assert seal(connection, [item, item], at=AT) == 0
        assert verify(connection).ok


def test_a_deleted_entry_is_missed_by_its_seal(filled: Engine) -> None:
    with transaction(filled) as connection:
        key = connection.scalar(select(journal.c.idempotency_key).order_by(journal.c.id.desc()))
        number = connection.scalar(select(journal.c.id).order_by(journal.c.id.desc()))
        connection.execute(text("DELETE FROM transfers WHERE journal_id = :id"), {"id": number})
        connection.execute(text("DELETE FROM journal WHERE id = :id"), {"id": number})
        codes = {(f.code, f.where) for f in verify(connection).findings}
        assert ("sealed", f"journal:{key}") in codes
