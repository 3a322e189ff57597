"""Matching: every class of fault by a table, and random faults found whatever the order of inputs."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.reconcile import (
    BreakClass,
    Direction,
    Execution,
    Line,
    Match,
    Order,
    Report,
    Result,
    Rule,
    Terms,
    break_id,
    line_ref,
    match,
)

ON = date(2026, 7, 10)
PURSE = "330100-GB"


def make_order(number: int = 1, **changes: object) -> Order:
    order = Order(
        application_no=f"ZF{number:06d}",
        purse=PURSE,
        allotment_no="BGT-A",
        amount_fen=100_000 + number,
        payee_account=f"62220000{number:06d}",
        payee_name=f"企业{number}有限公司",
        sent_on=ON,
        batch_no="PK01",
        voucher_no=f"PZ{number:06d}",
        voucher_on=ON,
        paid_fen=100_000 + number,
        paid_on=ON,
    )
    return replace(order, **changes)  # type: ignore[arg-type]


def make_line(order: Order, key: int = 1, **changes: object) -> Line:
    line = Line(
        key=key,
        purse=order.purse,
        booked_on=ON,
        direction=Direction.DEBIT,
        amount_fen=order.amount_fen,
        ref=order.application_no,
        counter_account=order.payee_account,
        counter_name=order.payee_name,
        bank_serial=f"S{key:08d}",
    )
    return replace(line, **changes)  # type: ignore[arg-type]


def ids(result: Result) -> set[str]:
    return {found.id for found in result.breaks}


def test_one_line_of_the_same_reference_and_amount_is_matched() -> None:
    order = make_order()
    result = match([order], [make_line(order)], on=ON)
    assert result.breaks == ()
    assert result.matched == (
        Match(
            rule=Rule.REFERENCE,
            purse=PURSE,
            amount_fen=order.amount_fen,
            application_nos=("ZF000001",),
            line_keys=(1,),
        ),
    )


def test_reference_is_compared_in_normal_form() -> None:
    order = make_order()
    line = make_line(order, ref=" zf００0001 ", counter_account="6222 0000-000001")
    assert match([order], [line], on=ON).breaks == ()


def test_voucher_number_is_a_reference_too() -> None:
    order = make_order()
    assert len(match([order], [make_line(order, ref="PZ000001")], on=ON).matched) == 1


O1 = make_order()
NOT_TOLD: Any = {"paid_fen": 0, "paid_on": None, "voucher_no": "", "voucher_on": None}


@pytest.mark.parametrize(
    ("order", "lines", "kind", "ref", "amount"),
    [
        (O1, [make_line(O1, amount_fen=O1.amount_fen + 1)], "amount", "ZF000001", 1),
        (O1, [make_line(O1, amount_fen=O1.amount_fen - 7)], "amount", "ZF000001", 7),
        (replace(O1, paid_fen=5), [make_line(O1)], "amount", "ZF000001", O1.amount_fen - 5),
        (O1, [make_line(O1), make_line(O1, 2)], "duplicate", "ZF000001", O1.amount_fen),
        (O1, [], "unpaid", "ZF000001", O1.amount_fen),
        (
            replace(make_order(**NOT_TOLD), sent_on=ON - timedelta(days=4)),
            [],
            "unpaid",
            "ZF000001",
            O1.amount_fen,
        ),
        (
            make_order(**NOT_TOLD, is_outcome_unknown=True, sent_on=ON - timedelta(days=4)),
            [],
            "unknown_outcome",
            "ZF000001",
            O1.amount_fen,
        ),
        (
            O1,
            [make_line(O1), make_line(O1, 2, direction=Direction.CREDIT)],
            "returned",
            "ZF000001",
            O1.amount_fen,
        ),
        (
            O1,
            [make_line(O1), make_line(O1, 2, direction=Direction.CREDIT, ref="")],
            "returned",
            "ZF000001",
            O1.amount_fen,
        ),
        (
            replace(O1, returned_fen=O1.amount_fen, returned_on=ON),
            [make_line(O1)],
            "returned",
            "ZF000001",
            O1.amount_fen,
        ),
        (O1, [make_line(O1, counter_account="999")], "payee", "ZF000001", O1.amount_fen),
        (O1, [make_line(O1, counter_name="别家公司")], "payee", "ZF000001", O1.amount_fen),
        (
            replace(O1, charged_allotment_no="BGT-B"),
            [make_line(O1)],
            "wrong_allotment",
            "ZF000001",
            O1.amount_fen,
        ),
        (O1, [make_line(O1, purse="OTHER")], "wrong_allotment", "ZF000001", O1.amount_fen),
        (
            replace(O1, sent_on=ON - timedelta(days=5), voucher_on=ON - timedelta(days=5)),
            [make_line(O1)],
            "late",
            "ZF000001",
            O1.amount_fen,
        ),
        (
            replace(O1, sent_on=date(2026, 6, 30), voucher_on=None, paid_on=date(2026, 6, 30)),
            [make_line(O1, booked_on=date(2026, 7, 1))],
            "period_cut",
            "ZF000001",
            O1.amount_fen,
        ),
        (replace(O1, sent_on=None), [make_line(O1)], "missing_order", "ZF000001", O1.amount_fen),
        (
            replace(O1, sent_on=None, voucher_no=""),
            [make_line(O1, ref="X", bank_serial="S9", counter_account="1")],
            "unknown_debit",
            f"{PURSE}/S9",
            O1.amount_fen,
        ),
    ],
)
def test_one_fault_is_one_break_of_its_class(
    order: Order, lines: list[Line], kind: str, ref: str, amount: int
) -> None:
    if kind == "unknown_debit":
        order = replace(order, paid_fen=0)
    (found,) = match([order], lines, on=ON).breaks
    assert (found.id, found.amount_fen) == (break_id(BreakClass(kind), ref), amount)


def test_a_right_payment_on_a_wrong_day_is_matched_and_noted() -> None:
    order = replace(O1, sent_on=ON - timedelta(days=5), voucher_on=ON - timedelta(days=5))
    result = match([order], [make_line(O1)], on=ON)
    assert len(result.matched) == 1
    assert [found.break_class for found in result.breaks] == [BreakClass.LATE]


def test_rest_days_do_not_make_a_payment_late() -> None:
    start = ON - timedelta(days=5)
    order = replace(O1, sent_on=start, voucher_on=start)
    rest = frozenset({start + timedelta(days=1), start + timedelta(days=2)})
    assert match([order], [make_line(O1)], on=ON, terms=Terms(rest_days=rest)).breaks == ()


def test_an_order_in_transit_is_no_break() -> None:
    order = make_order(**NOT_TOLD)
    assert match([order], [], on=ON + timedelta(days=3)).breaks == ()


def test_reported_payment_waits_for_the_statement_of_its_day() -> None:
    before = {PURSE: ON - timedelta(days=1)}
    assert match([O1], [], on=ON, covered=before).breaks == ()


def test_return_told_and_seen_is_matched_on_both_sides() -> None:
    order = replace(O1, returned_fen=O1.amount_fen, returned_on=ON)
    lines = [make_line(O1), make_line(O1, 2, direction=Direction.CREDIT)]
    result = match([order], lines, on=ON)
    assert result.breaks == ()
    assert [found.is_return for found in result.matched] == [False, True]


def test_payment_finance_reports_under_a_foreign_number_is_one_break() -> None:
    report = Report(
        application_no="ZF999", purse=PURSE, amount_fen=70, voucher_no="PZ9", allotment_no="BGT-A"
    )
    line = make_line(O1, ref="ZF999", amount_fen=70)
    executions = [Execution(allotment_no="BGT-A", executed_fen=O1.amount_fen + 70)]
    result = match([O1], [make_line(O1), replace(line, key=2)], executions, on=ON, reports=[report])
    assert ids(result) == {"missing_order:ZF999"}


def test_blank_reference_is_found_by_account_and_amount_when_unique() -> None:
    result = match([O1, make_order(2)], [make_line(O1, ref=""), make_line(make_order(2), 2)], on=ON)
    assert [found.rule for found in result.matched] == [Rule.WINDOW, Rule.REFERENCE]
    assert result.breaks == ()


def test_two_orders_of_one_account_and_amount_are_only_suggested() -> None:
    twin = replace(make_order(2), payee_account=O1.payee_account, amount_fen=O1.amount_fen)
    twin = replace(twin, paid_fen=O1.amount_fen, payee_name=O1.payee_name)
    lines = [make_line(O1, 1, ref=""), make_line(O1, 2, ref="")]
    result = match([O1, twin], lines, on=ON)
    assert result.matched == ()
    assert result.breaks == ()
    assert len(result.suggestions) == 2
    assert ids(match([O1, twin], lines[:1], on=ON)) == {"unpaid:ZF000002"}


def test_blank_account_is_never_matched_by_amount_alone() -> None:
    line = make_line(O1, ref="", counter_account="", counter_name="")
    result = match([O1], [line], on=ON)
    assert result.matched == ()
    assert ids(result) == {
        "unpaid:ZF000001",
        break_id(BreakClass.UNKNOWN_DEBIT, f"{PURSE}/{line.bank_serial}"),
    }


def test_split_payment_of_the_exact_sum_is_only_suggested() -> None:
    lines = [make_line(O1, 1, amount_fen=1), make_line(O1, 2, amount_fen=O1.amount_fen - 1)]
    result = match([O1], lines, on=ON)
    assert (result.matched, result.breaks) == ((), ())
    assert result.suggestions[0].line_keys == (1, 2)


@pytest.mark.parametrize(
    ("change", "count", "found"),
    [(0, None, set()), (0, 3, set()), (0, 2, {"amount:PK01"}), (1, 3, {"amount:PK01"})],
)
def test_batch_line_needs_the_exact_total_and_count(
    change: int, count: int | None, found: set[str]
) -> None:
    orders = [make_order(n) for n in (1, 2, 3)]
    total = sum(order.amount_fen for order in orders)
    line = make_line(orders[0], ref="PK01", amount_fen=total + change, count=count)
    result = match(orders, [replace(line, counter_account="", counter_name="")], on=ON)
    assert ids(result) == found
    assert len(result.matched) == (0 if found else 1)


def test_batch_paid_twice_is_one_duplicate() -> None:
    orders = [make_order(n) for n in (1, 2)]
    total = sum(order.amount_fen for order in orders)
    lines = [make_line(orders[0], key, ref="PK01", amount_fen=total) for key in (1, 2)]
    assert ids(match(orders, lines, on=ON)) == {"duplicate:PK01"}


def test_money_moved_between_allotments_without_a_word_is_found_by_the_sums() -> None:
    orders = [make_order(n) for n in (1, 2)]
    lines = [make_line(order, key) for key, order in enumerate(orders, 1)]
    executions = [
        Execution(allotment_no="BGT-A", executed_fen=orders[0].amount_fen),
        Execution(allotment_no="BGT-B", executed_fen=orders[1].amount_fen),
    ]
    result = match(orders, lines, executions, on=ON)
    assert ids(result) == {"wrong_allotment:ZF000002"}


def test_money_moved_with_a_word_is_not_counted_twice() -> None:
    orders = [make_order(1), replace(make_order(2), charged_allotment_no="BGT-B")]
    lines = [make_line(order, key) for key, order in enumerate(orders, 1)]
    executions = [
        Execution(allotment_no="BGT-A", executed_fen=orders[0].amount_fen),
        Execution(allotment_no="BGT-B", executed_fen=orders[1].amount_fen),
    ]
    assert ids(match(orders, lines, executions, on=ON)) == {"wrong_allotment:ZF000002"}


@pytest.mark.parametrize(("change", "kind"), [(5, "missing_order"), (-5, "unpaid")])
def test_execution_that_reports_do_not_explain_is_a_break(change: int, kind: str) -> None:
    executions = [Execution(allotment_no="BGT-A", executed_fen=O1.amount_fen + change)]
    assert ids(match([O1], [make_line(O1)], executions, on=ON)) == {f"{kind}:BGT-A"}


FAULTS = (
    "none", "none", "none", "blank", "amount", "duplicate", "unpaid", "returned", "payee",
    "wrong_allotment", "late", "missing_order", "unknown_debit",
)  # fmt: skip


def plant(kinds: list[str]) -> tuple[list[Order], list[Line], list[Execution], set[str]]:
    """Build one order (and its line) per kind, with the ids of the faults planted."""
    orders: list[Order] = []
    lines: list[Line] = []
    truth: set[str] = set()
    executed = {"BGT-A": 0, "BGT-B": 0}
    for n, kind in enumerate(kinds, start=1):
        order = make_order(n)
        line: Line | None = make_line(order, n)
        assert line is not None
        if kind == "blank":
            line = replace(line, ref="")
        elif kind == "amount":
            line = replace(line, amount_fen=line.amount_fen + 100_000)
        elif kind == "duplicate":
            lines.append(replace(line, key=n + 10_000, bank_serial=f"D{n}"))
        elif kind == "unpaid":
            line = None
        elif kind == "returned":
            lines.append(
                replace(line, key=n + 10_000, bank_serial=f"R{n}", direction=Direction.CREDIT)
            )
        elif kind == "payee":
            line = replace(line, counter_account="1")
        elif kind == "wrong_allotment":
            order = replace(order, charged_allotment_no="BGT-B")
        elif kind == "late":
            start = ON - timedelta(days=6)
            order = replace(order, sent_on=start, voucher_on=start)
        elif kind == "missing_order":
            order = replace(order, sent_on=None)
        elif kind == "unknown_debit":
            lines.append(replace(line, key=n + 10_000, bank_serial=f"U{n}", ref=f"Q{n}"))
            lines[-1] = replace(lines[-1], counter_account=f"77{n}")
        executed[order.charged_allotment_no or "BGT-A"] += order.paid_fen
        orders.append(order)
        if line is not None:
            lines.append(line)
        if kind not in {"none", "blank"}:
            ref = line_ref(PURSE, f"U{n}") if kind == "unknown_debit" else order.application_no
            truth.add(break_id(BreakClass(kind), ref))
    executions = [
        Execution(allotment_no=name, executed_fen=amount) for name, amount in executed.items()
    ]
    return orders, lines, executions, truth


@settings(max_examples=80)
@given(st.lists(st.sampled_from(FAULTS), max_size=40), st.randoms(use_true_random=False))
def test_every_planted_fault_is_found_and_nothing_else(
    kinds: list[str], order_of: random.Random
) -> None:
    orders, lines, executions, truth = plant(kinds)
    straight = match(orders, lines, executions, on=ON)
    assert ids(straight) == truth
    shuffled: tuple[list[Any], ...] = (orders, lines, executions)
    for rows in shuffled:
        order_of.shuffle(rows)
    assert match(orders, lines, executions, on=ON) == straight


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 3)), max_size=12),
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 12)), max_size=12),
)
def test_a_line_settles_at_most_one_order_and_sums_agree(
    wanted: list[tuple[int, int, int]], paid: list[tuple[int, int, int]]
) -> None:
    """Lines without any reference, few accounts and amounts: the most ambiguous input there is."""
    orders = [
        replace(
            make_order(n),
            payee_account=str(account),
            payee_name="",
            amount_fen=amount,
            sent_on=ON - timedelta(days=days),
            voucher_on=None,
            paid_fen=0,
            paid_on=None,
        )
        for n, (account, amount, days) in enumerate(wanted, 1)
    ]
    lines = [
        Line(
            key=n,
            purse=PURSE,
            booked_on=ON - timedelta(days=days),
            direction=Direction.DEBIT,
            amount_fen=amount,
            counter_account=str(account),
            bank_serial=f"S{n}",
        )
        for n, (account, amount, days) in enumerate(paid, 1)
    ]
    result = match(orders, lines, on=ON)
    used = [key for found in result.matched for key in found.line_keys]
    used += [key for found in result.suggestions for key in found.line_keys]
    assert len(used) == len(set(used))
    unknown = [found for found in result.breaks if found.break_class == BreakClass.UNKNOWN_DEBIT]
    assert len(used) + len(unknown) == len(lines)
    by_number = {order.application_no: order for order in orders}
    for found in result.matched:
        (number,) = found.application_nos
        assert by_number[number].amount_fen == found.amount_fen
