"""Finance's execution of each allotment against the payments it reported to us; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ledger.differences import Break, BreakClass, Execution, Order, Report, break_id
from ledger.money import display


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What the answers say was spent for one application, and from which allotment."""

    application_no: str
    purse: str
    own_allotment_no: str
    charged_allotment_no: str
    amount_fen: int


def charges(orders: Iterable[Order], reports: Iterable[Report] = ()) -> list[Charge]:
    """List what finance's answers charged to each allotment, orders of ours and foreign ones."""
    found = [
        Charge(
            application_no=order.application_no,
            purse=order.purse,
            own_allotment_no=order.allotment_no,
            charged_allotment_no=order.charged_allotment_no or order.allotment_no,
            amount_fen=order.paid_fen - order.returned_fen,
        )
        for order in orders
        if order.paid_fen != order.returned_fen
    ]
    found.extend(
        Charge(
            application_no=report.application_no,
            purse=report.purse,
            own_allotment_no=report.allotment_no,
            charged_allotment_no=report.allotment_no,
            amount_fen=report.amount_fen,
        )
        for report in reports
        if report.allotment_no
    )
    return found


def compare_executions(executions: Sequence[Execution], charged: Sequence[Charge]) -> list[Break]:
    """Compare finance's execution of each allotment with the payments it reported to us.

    A payment known to be charged elsewhere is explained by its own break and not counted again.
    What was moved between two allotments without a word is found by its equal and opposite sums.
    """
    rest: dict[str, int] = {}
    purse_of: dict[str, str] = {}
    for row in executions:
        rest[row.allotment_no] = rest.get(row.allotment_no, 0) + row.executed_fen
        purse_of[row.allotment_no] = row.purse
    for item in charged:
        if item.charged_allotment_no in rest:
            rest[item.charged_allotment_no] -= item.amount_fen
    differing = {allotment: amount for allotment, amount in rest.items() if amount}
    return _execution_breaks(differing, purse_of, charged)


def _execution_breaks(
    rest: dict[str, int], purse_of: Mapping[str, str], charged: Sequence[Charge]
) -> list[Break]:
    """Class the sums left over per allotment: pairs that cancel first, then single ones."""
    found: list[Break] = []
    by_amount: dict[int, list[str]] = defaultdict(list)
    for allotment in sorted(rest):
        by_amount[rest[allotment]].append(allotment)
    for amount in sorted(amount for amount in by_amount if amount > 0):
        while by_amount[amount] and by_amount.get(-amount):
            into, out_of = by_amount[amount].pop(0), by_amount[-amount].pop(0)
            found.append(_moved(out_of, into, amount, purse_of.get(out_of, ""), charged))
    for amount in sorted(by_amount):
        for allotment in by_amount[amount]:
            more = amount > 0
            kind = BreakClass.MISSING_ORDER if more else BreakClass.UNPAID
            words = "多于" if more else "少于"
            found.append(
                Break(
                    id=break_id(kind, allotment),
                    break_class=kind,
                    amount_fen=abs(amount),
                    purse=purse_of.get(allotment, ""),
                    refs=(allotment,),
                    message=f"指标{allotment}的预算执行数{words}财政已回告的支付"
                    f"{display(abs(amount))}",
                )
            )
    return found


def _moved(out_of: str, into: str, amount: int, purse: str, charged: Sequence[Charge]) -> Break:
    """Build the break for money spent from one allotment and booked on another."""
    candidates = sorted(
        item.application_no
        for item in charged
        if item.charged_allotment_no == out_of and item.amount_fen == amount
    )
    principal = candidates[0] if len(candidates) == 1 else f"{out_of}>{into}"
    kind = BreakClass.WRONG_ALLOTMENT
    refs = (principal, out_of, into) if len(candidates) == 1 else (out_of, into)
    return Break(
        id=break_id(kind, principal),
        break_class=kind,
        amount_fen=amount,
        purse=purse,
        refs=refs,
        message=f"应列指标{out_of}的{display(amount)}被列入指标{into}",
    )
