"""A day of reconciliation and the life of its breaks: owned, explained, closed, signed, frozen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, insert, select, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from ledger.answer_files import AnswerKind
from ledger.answers import apply_answers
from ledger.breaks import (
    age_group,
    assign_break,
    close_break,
    explain_break,
    list_breaks,
)
from ledger.daily import confirm_match, reconcile_day, sign_off, undo_match
from ledger.errors import (
    BreakClosedError,
    BreakNoteError,
    DaySignedError,
    MatchRefusedError,
    NotReconciledError,
    SamePersonError,
    UnknownBreakError,
)
from ledger.reconcile import Direction
from ledger.statement_files import StatementLine
from ledger.statements import import_statement
from ledger.tables import match_groups, match_lines, sign_offs
from tests.ledger.money_flow import AT, DAY
from tests.ledger.push_flow import answer, answers, make_world, push, reserve, statement

K = AnswerKind
NEXT = DAY + timedelta(days=1)


def line(n: int, key: int | None = None, **said: object) -> StatementLine:
    """A debit that pays application n."""
    made = StatementLine(
        line=key or n,
        booked_on=DAY,
        direction=Direction.DEBIT,
        amount_fen=1_000_000 + n,
        ref=f"SQ-CITY-{n:05d}",
        counter_account=f"6222{n:012d}",
        counter_name=f"第{n}企业有限公司",
        bank_serial=f"S{key or n}",
        narration="稳岗补贴",
    )
    return replace(made, **said)  # type: ignore[arg-type]


def paid(connection: Connection, count: int) -> None:
    """Push so many applications and let finance report all as paid."""
    make_world(connection)
    numbers = reserve(connection, count)
    push(connection, numbers)
    said = [
        answer(place, kind, number, amount_fen=1_000_000 + n)
        for place, (n, number, kind) in enumerate(
            (
                (n, number, kind)
                for kind in (K.VOUCHER, K.PAID)
                for n, number in enumerate(numbers, 1)
            ),
            start=1,
        )
    ]
    apply_answers(connection, answers(*said), at=AT)


def test_a_day_is_matched_once_and_again_changes_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        paid(connection, 3)
        import_statement(connection, statement(line(1), line(2), line(3)), at=AT)
        first = reconcile_day(connection, on=DAY, by="丁", at=AT)
        again = reconcile_day(connection, on=DAY, by="丁", at=AT)
    assert (first.matched, first.matched_fen, first.breaks) == (3, 3_000_006, ())
    assert (again.matched, again.matched_in_all, again.breaks) == (0, 3, ())


def test_unpaid_is_resolved_by_a_later_line(engine: Engine) -> None:
    with engine.begin() as connection:
        paid(connection, 2)
        held = statement(line(1))
        import_statement(connection, held, at=AT)
        first = reconcile_day(connection, on=DAY, by="丁", at=AT)
        assert [item.id for item in first.breaks] == ["unpaid:SQ-CITY-00002"]
        later = statement(
            line(2, 1, booked_on=NEXT, bank_serial="S9"),
            number="S-00002",
            opening=held.closing_fen,
            first=NEXT,
            last=NEXT,
        )
        import_statement(connection, later, at=AT)
        second = reconcile_day(connection, on=NEXT, by="丁", at=AT)
        (closed,) = list_breaks(connection, on=NEXT, state="closed")
    assert (second.breaks, second.resolved) == ((), ("unpaid:SQ-CITY-00002",))
    assert "后续对账已相符" in closed.note


def test_second_payment_on_a_later_day_is_a_duplicate_of_a_settled_order(engine: Engine) -> None:
    with engine.begin() as connection:
        paid(connection, 1)
        held = statement(line(1))
        import_statement(connection, held, at=AT)
        assert reconcile_day(connection, on=DAY, by="丁", at=AT).breaks == ()
        later = statement(
            line(1, booked_on=NEXT, bank_serial="S9"),
            number="S-00002", opening=held.closing_fen, first=NEXT, last=NEXT,
        )  # fmt: skip
        import_statement(connection, later, at=AT)
        for _ in range(2):
            day = reconcile_day(connection, on=NEXT, by="丁", at=AT)
            assert [item.id for item in day.breaks] == ["duplicate:SQ-CITY-00001"]


@pytest.mark.parametrize("ref", ["SQ-CITY-00001", ""])
def test_return_on_a_later_day_of_a_settled_order(engine: Engine, ref: str) -> None:
    with engine.begin() as connection:
        paid(connection, 1)
        held = statement(line(1))
        import_statement(connection, held, at=AT)
        reconcile_day(connection, on=DAY, by="丁", at=AT)
        back = line(1, booked_on=NEXT, bank_serial="S9", direction=Direction.CREDIT, ref=ref)
        later = statement(back, number="S-00002", opening=held.closing_fen, first=NEXT, last=NEXT)
        import_statement(connection, later, at=AT)
        day = reconcile_day(connection, on=NEXT, by="丁", at=AT)
        assert [item.id for item in day.breaks] == ["returned:SQ-CITY-00001"]
        told = answer(1, K.RETURNED, "SQ-CITY-00001", amount_fen=1_000_001, on=NEXT)
        apply_answers(connection, answers(told, name="b.csv"), at=AT)
        after = reconcile_day(connection, on=NEXT, by="丁", at=AT)
    assert (after.breaks, after.matched) == ((), 1)


def test_break_found_again_keeps_owner_and_explanation(engine: Engine) -> None:
    key = "unknown_debit:CITY/S9"
    with engine.begin() as connection:
        make_world(connection)
        import_statement(connection, statement(line(1, ref="QT1", bank_serial="S9")), at=AT)
        reconcile_day(connection, on=DAY, by="丁", at=AT)
        assign_break(connection, key, owner="戊")
        with pytest.raises(BreakNoteError):
            explain_break(connection, key, by="戊", note=" ")
        explain_break(connection, key, by="戊", note="银行串户, 已发函")
        reconcile_day(connection, on=NEXT, by="丁", at=AT)
        (found,) = list_breaks(connection, on=NEXT, state="explained")
        assert (found.owner, found.age_days, found.amount_fen) == ("戊", 1, 1_000_001)
        close_break(connection, key, by="戊", note="银行已冲正", at=AT, voucher_key="v1")
        (closed,) = list_breaks(connection, on=NEXT, state=None)
        assert (closed.state, closed.closed_by, closed.voucher_key) == ("closed", "戊", "v1")
        with pytest.raises(BreakClosedError):
            close_break(connection, key, by="戊", note="再", at=AT)
        with pytest.raises(UnknownBreakError):
            assign_break(connection, "404", owner="戊")
        assert reconcile_day(connection, on=NEXT, by="丁", at=AT).new_breaks == ()


@pytest.mark.parametrize(
    ("days", "group"),
    [(0, "0-1天"), (1, "0-1天"), (2, "2-3天"), (7, "4-7天"), (30, "8-30天"), (31, "30天以上")],
)
def test_age_groups(days: int, group: str) -> None:
    assert age_group(days) == group


def test_a_person_confirms_a_suggestion_to_the_exact_sum(engine: Engine) -> None:
    with engine.begin() as connection:
        paid(connection, 2)
        first = line(1, amount_fen=400_001)
        rest = line(1, 2, amount_fen=600_000)
        import_statement(connection, statement(first, rest, line(2, 3)), at=AT)
        day = reconcile_day(connection, on=DAY, by="丁", at=AT)
        (suggestion,) = day.suggestions
        assert day.breaks == ()
        with pytest.raises(MatchRefusedError):
            confirm_match(
                connection, application_no="SQ-CITY-00001",
                line_ids=suggestion.line_keys[:1], on=DAY, by="戊", at=AT,
            )  # fmt: skip
        group = confirm_match(
            connection, application_no="SQ-CITY-00001",
            line_ids=suggestion.line_keys, on=DAY, by="戊", at=AT,
        )  # fmt: skip
        with pytest.raises(MatchRefusedError):
            confirm_match(
                connection, application_no="SQ-CITY-00001",
                line_ids=suggestion.line_keys, on=DAY, by="戊", at=AT,
            )  # fmt: skip
        after = reconcile_day(connection, on=DAY, by="丁", at=AT)
        assert (after.suggestions, after.breaks, after.matched_in_all) == ((), (), 2)
        undo_match(connection, group, on=DAY, by="戊", at=AT)
        assert len(reconcile_day(connection, on=DAY, by="丁", at=AT).suggestions) == 1


def test_a_line_stands_in_one_live_group(engine: Engine) -> None:
    with engine.begin() as connection:
        paid(connection, 1)
        import_statement(connection, statement(line(1)), at=AT)
        reconcile_day(connection, on=DAY, by="丁", at=AT)
        row = dict(connection.execute(select(match_lines)).mappings().first() or {})
        del row["id"]
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(insert(match_lines).values(row))


def test_sign_off_needs_another_person_and_freezes_the_day(engine: Engine) -> None:
    with engine.begin() as connection:
        paid(connection, 2)
        import_statement(connection, statement(line(1)), at=AT)
        with pytest.raises(NotReconciledError):
            sign_off(connection, on=DAY, by="己", at=AT)
        reconcile_day(connection, on=DAY, by="丁", at=AT)
        reconcile_day(connection, on=DAY, by="戊", at=AT)
        for person in ("丁", "戊"):
            with pytest.raises(SamePersonError):
                sign_off(connection, on=DAY, by=person, at=AT)
        signed = sign_off(connection, on=DAY, by="己", at=AT)
        assert signed.totals["matched"] == {"reference": [1, 1_000_001]}
        assert signed.totals["breaks"] == [["unpaid:SQ-CITY-00002", 1_000_002, "", "open"]]
        assert len(signed.digest) == 64
        for refused in (
            lambda: sign_off(connection, on=DAY, by="庚", at=AT),
            lambda: reconcile_day(connection, on=DAY, by="丁", at=AT),
            lambda: undo_match(connection, 1, on=DAY, by="丁", at=AT),
        ):
            with pytest.raises(DaySignedError):
                refused()
        carried = reconcile_day(connection, on=NEXT, by="丁", at=AT)
        assert [item.id for item in carried.breaks] == ["unpaid:SQ-CITY-00002"]


def test_the_database_refuses_a_signature_of_the_matcher_and_any_change(engine: Engine) -> None:
    with engine.begin() as connection:
        make_world(connection)
        reconcile_day(connection, on=DAY, by="丁", at=AT)
        sign_off(connection, on=DAY, by="己", at=AT)
        row = dict(connection.execute(select(sign_offs)).mappings().one())
    del row["id"]
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(insert(sign_offs).values(row | {"on_date": NEXT, "signed_by": "丁"}))
    with pytest.raises(DatabaseError), engine.begin() as connection:
        connection.execute(text("UPDATE sign_offs SET signed_by = '庚'"))


def test_matching_by_hand_bars_from_signing(engine: Engine) -> None:
    with engine.begin() as connection:
        paid(connection, 1)
        import_statement(connection, statement(line(1, ref="", counter_account="")), at=AT)
        reconcile_day(connection, on=DAY, by="丁", at=AT)
        (key,) = connection.execute(text("SELECT id FROM statement_lines")).scalars()
        confirm_match(
            connection, application_no="SQ-CITY-00001", line_ids=[key], on=DAY, by="戊", at=AT
        )
        assert connection.scalar(select(match_groups.c.rule)) == "by-hand"
        with pytest.raises(SamePersonError):
            sign_off(connection, on=DAY, by="戊", at=AT)
