"""The journal: keys, floors, periods, reversals, and tables that refuse to be changed."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import DatabaseError

from app.db import transaction
from ledger.accounts import Account, Book, Normal, load_chart
from ledger.append_only import append_only_statements
from ledger.errors import (
    AlreadyReversedError,
    FloorBreachedError,
    KeyReusedError,
    MixedBooksError,
    PeriodClosedError,
    PeriodOrderError,
    UnknownAccountError,
    UnknownEntryError,
)
from ledger.journal import (
    Leg,
    Posting,
    balance,
    balances,
    close_period,
    open_accounts,
    post,
    reverse,
)
from ledger.tables import accounts, journal, metadata, transfers
from tests.ledger.money_flow import AT, DAY


def open_three(connection: Connection) -> None:
    def make(code: str, normal: Normal, book: Book = Book.FINANCIAL) -> Account:
        return Account(
            code=code, name_zh=code, book=book, normal=normal, opened_on=DAY, floor_fen=0
        )

    open_accounts(
        connection,
        [
            make("cash", Normal.DEBIT),
            make("debt", Normal.CREDIT),
            make("stage", Normal.DEBIT, Book.BUDGET),
        ],
    )


def entry(
    key: str, amount: int = 100, *, on: date = DAY, debit: str = "cash", credit: str = "debt"
) -> Posting:
    return Posting(
        key=key,
        kind="test",
        booked_on=on,
        narration="测试",
        legs=(Leg(debit=debit, credit=credit, amount_fen=amount),),
    )


def test_balances_follow_the_normal_side(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_three(connection)
        post(connection, [entry("a", 100), entry("b", 50)], at=AT)
        assert balance(connection, "cash") == balance(connection, "debt") == 150
        post(connection, [entry("c", 30, debit="debt", credit="cash")], at=AT)
        assert balance(connection, "cash") == 120
        assert [row.code for row in balances(connection, Book.FINANCIAL)] == ["cash", "debt"]
        assert [row.balance_fen for row in balances(connection, prefix="de")] == [120]
        assert balance(connection, "unheard of") == 0


def test_same_key_and_content_replays_and_other_content_is_refused(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_three(connection)
        assert post(connection, [entry("a")], at=AT).posted == ("a",)
        again = post(connection, [entry("a"), entry("a"), entry("b")], at=AT)
        assert (again.posted, again.replayed) == (("b",), ("a",))
        assert balance(connection, "cash") == 200
    with transaction(engine) as connection, pytest.raises(KeyReusedError):
        post(connection, [entry("a", 101)], at=AT)
    with transaction(engine) as connection, pytest.raises(KeyReusedError):
        post(connection, [entry("x", 1), entry("x", 2)], at=AT)


def test_a_breached_floor_refuses_the_whole_batch(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_three(connection)
        post(connection, [entry("a", 100)], at=AT)
    with pytest.raises(FloorBreachedError) as caught, transaction(engine) as connection:
        post(connection, [entry("b", 5), entry("c", 106, debit="debt", credit="cash")], at=AT)
    assert (caught.value.account, caught.value.balance_fen) == ("cash", 100)
    with transaction(engine) as connection:
        assert balance(connection, "cash") == 100
        assert connection.scalar(select(func.count()).select_from(journal)) == 1


def test_unknown_accounts_and_mixed_books_are_refused(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_three(connection)
        with pytest.raises(UnknownAccountError):
            post(connection, [entry("a", debit="nowhere")], at=AT)
        with pytest.raises(MixedBooksError):
            post(connection, [entry("a", debit="stage")], at=AT)


def test_a_closed_period_takes_nothing_but_replays(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_three(connection)
        post(connection, [entry("feb", on=date(2026, 2, 27)), entry("mar")], at=AT)
        with pytest.raises(PeriodOrderError):
            close_period(connection, "2026-03", by="会计", at=AT)
        close_period(connection, "2026-02", by="会计", at=AT)
        close_period(connection, "2026-02", by="会计", at=AT)
        post(connection, [entry("feb", on=date(2026, 2, 27))], at=AT)
        with pytest.raises(PeriodClosedError):
            post(connection, [entry("late", on=date(2026, 2, 28))], at=AT)


def test_an_earlier_booking_moves_the_opening_day_back(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_three(connection)
        post(connection, [entry("jan", on=date(2026, 1, 5))], at=AT)
        query = select(accounts.c.opened_on).where(accounts.c.code == "cash")
        assert connection.scalar(query) == date(2026, 1, 5)


def test_an_entry_is_reversed_once(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_three(connection)
        post(connection, [entry("a", 70)], at=AT)
        for _ in range(2):
            reverse(connection, "a", new_key="-a", booked_on=DAY, narration="冲销", at=AT)
        assert balance(connection, "cash") == 0
        with pytest.raises(AlreadyReversedError):
            reverse(connection, "a", new_key="--a", booked_on=DAY, narration="冲销", at=AT)
        with pytest.raises(AlreadyReversedError):
            reverse(connection, "-a", new_key="--a", booked_on=DAY, narration="冲销", at=AT)
        with pytest.raises(UnknownEntryError):
            reverse(connection, "b", new_key="-b", booked_on=DAY, narration="冲销", at=AT)


def test_a_large_batch_posts_and_replays_whole(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_three(connection)
        batch = [entry(f"k{i}", i + 1) for i in range(2_500)]
        assert len(post(connection, batch, at=AT).posted) == 2_500
        assert len(post(connection, batch, at=AT).replayed) == 2_500
        assert balance(connection, "cash") == 2_500 * 2_501 // 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfers SET amount_fen = 1",
        "UPDATE journal SET narration = 'x'",
        "DELETE FROM transfers",
        "DELETE FROM journal",
    ],
)
def test_journal_rows_refuse_update_and_delete(engine: Engine, statement: str) -> None:
    with transaction(engine) as connection:
        open_three(connection)
        post(connection, [entry("a")], at=AT)
    with pytest.raises(DatabaseError, match="append-only"), transaction(engine) as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("pragma", ["ON", "OFF"])
def test_sqlite_refuses_insert_or_replace(sqlite_engine: Engine, pragma: str) -> None:
    with transaction(sqlite_engine) as connection:
        open_three(connection)
        post(connection, [entry("a")], at=AT)
    with sqlite_engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        cursor = raw.cursor()
        cursor.execute(f"PRAGMA recursive_triggers={pragma}")
        legs = "journal_id, line, debit_account_id, credit_account_id"
        head = "kind, booked_on, period, recorded_at, narration"
        replace = "INSERT OR REPLACE INTO"
        copied = f"SELECT idempotency_key, 'x', {head} FROM journal"
        for statement in (
            f"{replace} transfers SELECT id, {legs}, 1 FROM transfers",
            f"{replace} transfers ({legs}, amount_fen) SELECT {legs}, 1 FROM transfers",
            f"{replace} journal (idempotency_key, request_hash, {head}) {copied}",
        ):
            with pytest.raises(Exception, match="append-only"):
                cursor.execute(statement)
        cursor.execute("PRAGMA recursive_triggers=ON")


def test_postgres_refuses_truncate(postgres_engine: Engine) -> None:
    for name in ("transfers", "journal", "seals", "statement_lines", "application_events"):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction(postgres_engine) as connection,
        ):
            connection.execute(text(f"TRUNCATE {name} CASCADE"))


def test_every_record_of_what_happened_is_append_only(engine: Engine) -> None:
    names = {
        "journal",
        "transfers",
        "seals",
        "period_balances",
        "budget_imports",
        "allotment_changes",
        "application_events",
        "statements",
        "statement_lines",
        "sign_offs",
    }
    sql = (
        "SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger'"
        if engine.dialect.name == "sqlite"
        else "SELECT DISTINCT event_object_table FROM information_schema.triggers"
    )
    with engine.connect() as connection:
        assert names <= set(connection.scalars(text(sql)))
    assert append_only_statements(metadata.tables["journal"], engine.dialect.name)


def test_the_database_itself_refuses_a_broken_floor_and_amount(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_three(connection)
        post(connection, [entry("a")], at=AT)
    copied = "INSERT INTO transfers (journal_id, line, debit_account_id, credit_account_id,"
    for statement in (
        "UPDATE accounts SET balance_fen = -1 WHERE code = 'cash'",
        f"{copied} amount_fen) SELECT journal_id, 9, 1, 2, 0 FROM transfers",
        f"{copied} amount_fen) SELECT journal_id, 9, 1, 1, 5 FROM transfers",
    ):
        with pytest.raises(DatabaseError), transaction(engine) as connection:
            connection.execute(text(statement))
    with transaction(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(transfers)) == 1


@pytest.mark.parametrize("name", ["department", "fund", "budget"])
def test_charts_name_an_account_for_every_role(name: str) -> None:
    chart = load_chart(name)
    assert chart.title
    assert chart.source
    for role in chart.roles:
        assert chart.account(role, DAY, "9133").code.startswith(chart.prefix)
