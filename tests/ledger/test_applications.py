"""Payment applications: what they hold, how they move, and what they refuse."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import DatabaseError

from app.db import transaction
from ledger.applications import (
    ApplicationState,
    get_application,
    list_applications,
    reissue,
    reserve,
    reserve_many,
)
from ledger.audit import verify
from ledger.budget import availability, import_budget, open_purses
from ledger.errors import (
    AllotmentPurseError,
    AmountExceededError,
    ApplicationExistsError,
    FloorBreachedError,
    IllegalStepError,
    InsufficientAllotmentError,
    InsufficientPlanError,
    KeyReusedError,
    UnknownAllotmentError,
    UnknownApplicationError,
)
from ledger.journal import balance, reverse
from ledger.payables import Debt, claim_back, owe, owe_key, owe_many, recovered, remitted
from ledger.steps import (
    Event,
    Mark,
    cancel,
    hold,
    lapse,
    mark_accepted,
    mark_many,
    mark_packaged,
    mark_paid,
    mark_rejected,
    mark_returned,
    mark_sent,
    mark_unknown,
    mark_unpackaged,
    mark_voided,
    mark_voucher,
    resume,
)
from ledger.tables import application_events
from tests.ledger.money_flow import (
    AT,
    DAY,
    USCC,
    fund,
    make_change,
    make_file,
    make_plan,
    make_purse,
    make_request,
    send,
)

S = ApplicationState


def owed(connection: Connection, number: str = "SQ-1", amount: int = 10_000) -> None:
    owe(
        connection,
        claim_no=f"BJ-{number}",
        payee_uscc=USCC,
        amount_fen=amount,
        booked_on=DAY,
        at=AT,
    )


def paid_one(connection: Connection, amount: int = 10_000) -> None:
    """Pay one application whole.

    5001 业务活动费用  100.00 | 2303 应付政府补贴款  100.00
    预占 100.00 | 可用 100.00 ; 在途 | 预占 ; 已支出 | 在途
    2303  100.00 | 4001  100.00 ; 7101  100.00 | 6001  100.00
    """
    fund(connection, 1_000_000)
    owed(connection, amount=amount)
    reserve(connection, make_request(amount_fen=amount), at=AT)
    send(connection, "SQ-1")
    mark_voucher(connection, "SQ-1", voucher_no="PZ-1", on=DAY, at=AT)
    mark_paid(connection, "SQ-1", amount_fen=amount, on=DAY, receipt_ref="HD-1", at=AT)


def test_the_whole_way_posts_every_stage(engine: Engine) -> None:
    with transaction(engine) as connection:
        paid_one(connection)
        mark_many(connection, Event.RECEIPTED, [Mark(application_no="SQ-1", on=DAY)], at=AT)
        found = get_application(connection, "SQ-1")
        assert (found.state, found.paid_fen, found.reserved_fen) == (S.RECEIPTED, 10_000, 0)
        assert (found.voucher_no, found.receipt_ref, found.package_no) == ("PZ-1", "HD-1", "BAO-1")
        held = availability(connection, "ZB-1", on=DAY)
        assert (held.spent_fen, held.available_fen) == (10_000, 990_000)
        assert balance(connection, f"2303:{USCC}") == 0
        for code in ("5001", "4001", "7101", "6001"):
            assert balance(connection, code) == 10_000
        assert verify(connection).ok


def test_a_request_replays_and_other_content_is_refused(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 1_000_000)
        first = reserve(connection, make_request(), at=AT)
        assert reserve(connection, make_request(), at=AT) == first
        with pytest.raises(ApplicationExistsError):
            reserve(connection, make_request(amount_fen=10_001), at=AT)
        with pytest.raises(ApplicationExistsError):
            reserve(connection, make_request("SQ-2", claim_no="BJ-SQ-1"), at=AT)
        reserve(connection, make_request("SQ-2", claim_no="BJ-SQ-1", part=2), at=AT)
        assert availability(connection, "ZB-1", on=DAY).reserved_fen == 20_000
        assert [a.part for a in list_applications(connection, claim_no="BJ-SQ-1")] == [1, 2]


def test_nothing_is_reserved_beyond_the_allotment(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 25_000)
    requests = [make_request(f"SQ-{i}") for i in range(3)]
    with pytest.raises(InsufficientAllotmentError) as caught, transaction(engine) as connection:
        reserve_many(connection, requests, at=AT)
    assert (caught.value.available_fen, caught.value.needed_fen) == (25_000, 30_000)
    with transaction(engine) as connection:
        reserve_many(connection, requests[:2], at=AT)
        with pytest.raises(UnknownAllotmentError):
            reserve(connection, make_request("SQ-9", allotment_no="ZB-9"), at=AT)
        with pytest.raises(AllotmentPurseError):
            reserve(connection, make_request("SQ-9", purse="COUNTY"), at=AT)
        with pytest.raises(UnknownApplicationError):
            get_application(connection, "SQ-9")


def test_nothing_is_reserved_beyond_the_plan(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_purses(connection, [make_purse(needs_plan=True)])
        budget = make_file(make_change(1_000), plans=(make_plan(100),))
        import_budget(connection, budget, at=AT)
    with pytest.raises(InsufficientPlanError), transaction(engine) as connection:
        reserve(connection, make_request(amount_fen=101), at=AT)
    with transaction(engine) as connection:
        assert reserve(connection, make_request(amount_fen=100), at=AT).reserved_fen == 100


def test_a_refused_application_gives_its_reservation_back(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 10_000)
        reserve(connection, make_request(), at=AT)
        send(connection, "SQ-1")
        mark_rejected(connection, ["SQ-1"], ref="退-1", on=DAY, by="财政", at=AT)
        again = mark_rejected(connection, ["SQ-1"], ref="退-2", on=DAY, by="财政", at=AT)
        assert again.replayed == ("SQ-1",)
        assert availability(connection, "ZB-1", on=DAY).available_fen == 10_000
        reserve(connection, make_request("SQ-2", claim_no="BJ-SQ-1"), at=AT)
        assert verify(connection).ok


def test_a_return_reopens_the_debt_and_a_new_application_takes_over(engine: Engine) -> None:
    with transaction(engine) as connection:
        paid_one(connection)
        mark_returned(connection, "SQ-1", amount_fen=10_000, on=DAY, ref="TH-1", at=AT)
        assert balance(connection, f"2303:{USCC}") == 10_000
        assert balance(connection, "7101") == 0
        facts = {
            "application_no": "SQ-2",
            "payee_account_no": "6222000000000002",
            "payee_bank_name": "建设银行杭州分行",
            "payee_cnaps": "105331000002",
            "booked_on": DAY,
            "by": "经办甲",
            "at": AT,
        }
        new = reissue(connection, "SQ-1", **facts)  # type: ignore[arg-type]
        assert reissue(connection, "SQ-1", **facts) == new  # type: ignore[arg-type]
        assert (new.replaces_no, new.reserved_fen, new.payee_uscc) == ("SQ-1", 10_000, USCC)
        assert get_application(connection, "SQ-1").reserved_fen == 0
        with pytest.raises(IllegalStepError):
            reissue(connection, "SQ-1", **{**facts, "application_no": "SQ-3"})  # type: ignore[arg-type]
        with pytest.raises(UnknownApplicationError):
            reissue(connection, "SQ-8", **facts)  # type: ignore[arg-type]
        send(connection, "SQ-2")
        mark_voucher(connection, "SQ-2", voucher_no="PZ-2", on=DAY, at=AT)
        mark_paid(connection, "SQ-2", amount_fen=10_000, on=DAY, receipt_ref="HD-2", at=AT)
        assert availability(connection, "ZB-1", on=DAY).spent_fen == 10_000
        assert verify(connection).ok


def test_what_was_returned_may_be_given_up(engine: Engine) -> None:
    with transaction(engine) as connection:
        paid_one(connection)
        mark_returned(connection, "SQ-1", amount_fen=4_000, on=DAY, ref="TH-1", at=AT)
        cancel(connection, ["SQ-1"], ref="不再支付", on=DAY, by="经办甲", at=AT)
        assert get_application(connection, "SQ-1").state is S.RETURNED
        assert availability(connection, "ZB-1", on=DAY).available_fen == 994_000
        assert verify(connection).ok


def test_a_return_of_an_earlier_year_leaves_its_allotment_alone(engine: Engine) -> None:
    with transaction(engine) as connection:
        paid_one(connection)
        day = date(2027, 1, 8)
        mark_returned(
            connection, "SQ-1", amount_fen=10_000, on=day, ref="TH-1", at=AT, prior_year=True
        )
        assert availability(connection, "ZB-1", on=day).spent_fen == 10_000
        assert [balance(connection, code) for code in ("1201", "3501", "8001", "8101")] == [
            10_000
        ] * 4
        assert get_application(connection, "SQ-1").returned_fen == 10_000
        assert verify(connection).ok


def test_no_order_is_paid_or_returned_beyond_its_own_amount(engine: Engine) -> None:
    with transaction(engine) as connection:
        paid_one(connection)
        owed(connection, "SQ-2")
        reserve(connection, make_request("SQ-2"), at=AT)
        send(connection, "SQ-2")
        with pytest.raises(AmountExceededError):
            mark_paid(connection, "SQ-2", amount_fen=10_001, on=DAY, receipt_ref="HD-2", at=AT)
        with pytest.raises(AmountExceededError):
            mark_returned(connection, "SQ-1", amount_fen=10_001, on=DAY, ref="TH-1", at=AT)
        with pytest.raises(IllegalStepError):
            mark_returned(connection, "SQ-2", amount_fen=1, on=DAY, ref="TH-1", at=AT)
    with pytest.raises(DatabaseError), transaction(engine) as connection:
        connection.execute(text("UPDATE applications SET returned_fen = 10001"))
    with pytest.raises(DatabaseError), transaction(engine) as connection:
        connection.execute(text("UPDATE applications SET paid_fen = 10001"))


def test_nobody_is_paid_what_is_not_owed(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 1_000_000)
        reserve(connection, make_request(), at=AT)
        send(connection, "SQ-1")
    with pytest.raises(FloorBreachedError), transaction(engine) as connection:
        mark_paid(connection, "SQ-1", amount_fen=10_000, on=DAY, receipt_ref="HD-1", at=AT)


def test_messages_may_come_twice_late_or_out_of_order(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 1_000_000)
        owed(connection)
        reserve(connection, make_request(), at=AT)
        mark_packaged(connection, ["SQ-1"], package_no="B-1", on=DAY, by="甲", at=AT)
        mark_unknown(connection, ["SQ-1"], ref="B-1", on=DAY, by="甲", at=AT)
        mark_sent(connection, ["SQ-1"], ref="B-1", on=DAY, by="甲", at=AT)
        # The receipt arrives before acceptance and voucher.
        mark_paid(connection, "SQ-1", amount_fen=10_000, on=DAY, receipt_ref="HD-1", at=AT)
        mark_paid(connection, "SQ-1", amount_fen=10_000, on=DAY, receipt_ref="HD-1", at=AT)
        late = mark_sent(connection, ["SQ-1"], ref="B-1", on=DAY, by="甲", at=AT)
        assert late.replayed == ("SQ-1",)
        with pytest.raises(KeyReusedError):
            mark_paid(connection, "SQ-1", amount_fen=9_999, on=DAY, receipt_ref="HD-1", at=AT)
        with pytest.raises(IllegalStepError):
            mark_accepted(connection, ["SQ-1"], ref="HZ-1", on=DAY, by="甲", at=AT)
        with pytest.raises(UnknownApplicationError):
            mark_accepted(connection, ["SQ-7"], ref="HZ-1", on=DAY, by="甲", at=AT)
        assert get_application(connection, "SQ-1").paid_fen == 10_000
        assert verify(connection).ok


def test_a_part_payment_waits_until_the_rest_is_paid_or_given_up(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 1_000_000)
        owed(connection)
        reserve(connection, make_request(), at=AT)
        send(connection, "SQ-1")
        mark_voucher(connection, "SQ-1", voucher_no="PZ-1", on=DAY, at=AT)
        part = mark_paid(connection, "SQ-1", amount_fen=4_000, on=DAY, receipt_ref="HD-1", at=AT)
        assert (part.state, part.in_transit_fen) == (S.VOUCHER_ISSUED, 6_000)
        mark_voided(connection, ["SQ-1"], ref="作废-1", on=DAY, by="财政", at=AT)
        found = get_application(connection, "SQ-1")
        assert (found.state, found.paid_fen, found.in_transit_fen) == (S.PAID, 4_000, 0)
        assert availability(connection, "ZB-1", on=DAY).available_fen == 996_000
        assert verify(connection).ok


def test_side_steps_keep_the_reservation(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 1_000_000)
        reserve(connection, make_request(), at=AT)
        for step in (hold, resume, hold, resume):
            count = len(list(connection.execute(select(application_events))))
            step(connection, ["SQ-1"], ref=f"第{count}次", on=DAY, by="甲", at=AT)
        mark_packaged(connection, ["SQ-1"], package_no="B-1", on=DAY, by="甲", at=AT)
        with pytest.raises(IllegalStepError):
            cancel(connection, ["SQ-1"], ref="撤", on=DAY, by="甲", at=AT)
        mark_unpackaged(connection, ["SQ-1"], package_no="B-1", on=DAY, by="甲", at=AT)
        found = get_application(connection, "SQ-1")
        assert (found.state, found.package_no, found.reserved_fen) == (S.RESERVED, None, 10_000)
        lapse(connection, fiscal_year=2026, on=date(2026, 12, 31), by="甲", at=AT)
        assert get_application(connection, "SQ-1").state is S.CANCELLED
        assert availability(connection, "ZB-1", on=DAY).available_fen == 1_000_000


def test_a_fund_has_books_of_its_own(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_purses(connection, [make_purse(chart="fund")])
        import_budget(connection, make_file(make_change(50_000)), at=AT)
        owe(
            connection, claim_no="BJ-SQ-1", payee_uscc=USCC, amount_fen=10_000, booked_on=DAY,
            at=AT, chart="fund",
        )  # fmt: skip
        reserve(connection, make_request(), at=AT)
        send(connection, "SQ-1")
        mark_paid(connection, "SQ-1", amount_fen=10_000, on=DAY, receipt_ref="HD-1", at=AT)
        assert balance(connection, "JJ-1002") == -10_000
        assert balance(connection, f"JJ-2001:{USCC}") == 0
        mark_returned(connection, "SQ-1", amount_fen=1_000, on=DAY, ref="T", at=AT)
        mark_returned(connection, "SQ-1", amount_fen=500, on=DAY, ref="T2", at=AT, prior_year=True)
        assert balance(connection, f"JJ-2001:{USCC}") == 1_500
        assert verify(connection).ok


def test_an_approval_may_be_taken_back_and_money_recovered(engine: Engine) -> None:
    with transaction(engine) as connection:
        debts = [
            Debt(claim_no=f"BJ-{i}", payee_uscc=USCC, amount_fen=100, booked_on=DAY)
            for i in range(3)
        ]
        assert len(owe_many(connection, debts, at=AT).posted) == 3
        assert len(owe_many(connection, debts, at=AT).replayed) == 3
        reverse(
            connection, owe_key("BJ-0"), new_key="撤回:BJ-0", booked_on=DAY, narration="撤回审定",
            at=AT,
        )  # fmt: skip
        assert balance(connection, f"2303:{USCC}") == 200
        claim_back(
            connection, decision_no="追-1", claim_no="BJ-1", payee_uscc=USCC, amount_fen=100,
            booked_on=DAY, at=AT,
        )  # fmt: skip
        recovered(
            connection, receipt_no="收-1", claim_no="BJ-1", payee_uscc=USCC, amount_fen=60,
            booked_on=DAY, at=AT,
        )  # fmt: skip
        remitted(connection, receipt_no="缴-1", amount_fen=60, booked_on=DAY, at=AT)
        assert balance(connection, f"1218:{USCC}") == balance(connection, "2103") == 40
        assert balance(connection, "1002") == 0


def test_a_thousand_applications_move_in_bulk(engine: Engine) -> None:
    numbers = [f"SQ-{i:04}" for i in range(1_000)]
    with transaction(engine) as connection:
        fund(connection, 1_000 * 10_000)
        debts = [
            Debt(claim_no=f"BJ-{no}", payee_uscc=f"U{no}", amount_fen=10_000, booked_on=DAY)
            for no in numbers
        ]
        owe_many(connection, debts, at=AT)
        requests = [make_request(no, uscc=f"U{no}") for no in numbers]
        reserve_many(connection, requests, at=AT)
        send(connection, *numbers)
        for event, ref in ((Event.VOUCHER, "PZ"), (Event.PAID, "HD")):
            marks = [Mark(application_no=no, on=DAY, ref=f"{ref}-{no}") for no in numbers]
            assert len(mark_many(connection, event, marks, at=AT).done) == 1_000
        assert availability(connection, "ZB-1", on=DAY).spent_fen == 10_000_000
        assert verify(connection).ok
