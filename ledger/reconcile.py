"""Matching of payment orders with bank lines and finance's execution: pure, exact, no money moved.

Order of the rules: the reference with counts on both sides and equal amounts; a batch by its exact
total; account and amount inside a window, unique both ways. All else is a suggestion for a person
or a break. There is no tolerance: one fen is a difference. The order of the inputs is without
influence on the result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from ledger.differences import (
    LABELS,
    Break,
    BreakClass,
    Direction,
    Execution,
    Line,
    Match,
    Order,
    Report,
    Result,
    Rule,
    Suggestion,
    Terms,
    break_id,
    line_ref,
    normal_account,
    normal_ref,
)
from ledger.executions import Charge, charges, compare_executions
from ledger.judgement import Judge, line_order
from ledger.money import display

__all__ = [
    "LABELS",
    "Break",
    "BreakClass",
    "Charge",
    "Direction",
    "Execution",
    "Line",
    "Match",
    "Order",
    "Report",
    "Result",
    "Rule",
    "Suggestion",
    "Terms",
    "break_id",
    "charges",
    "compare_executions",
    "line_ref",
    "match",
    "match_orders",
]


def match(
    orders: Sequence[Order],
    lines: Sequence[Line],
    executions: Sequence[Execution] = (),
    *,
    on: date,
    reports: Sequence[Report] = (),
    terms: Terms | None = None,
    covered: Mapping[str, date] | None = None,
) -> Result:
    """Match orders with bank lines as known at the end of day ``on``, and check the executions.

    ``covered`` gives per purse the last day of which we hold the statement (default: ``on``).
    Application numbers and line keys must be unique in what is handed over.
    """
    first = match_orders(orders, lines, on=on, reports=reports, terms=terms, covered=covered)
    found = list(first.breaks)
    if executions:
        found.extend(compare_executions(executions, charges(orders, reports)))
    return Result(
        matched=first.matched,
        breaks=tuple(sorted(found, key=lambda item: item.id)),
        suggestions=first.suggestions,
    )


def match_orders(
    orders: Sequence[Order],
    lines: Sequence[Line],
    *,
    on: date,
    reports: Sequence[Report] = (),
    terms: Terms | None = None,
    covered: Mapping[str, date] | None = None,
) -> Result:
    """Match orders with bank lines only; see ``match``."""
    judge = Judge(on=on, terms=terms or Terms(), covered=covered or {})
    work = _Work(judge=judge)
    free = work.group(orders, lines, reports)
    bare = work.bare(orders)
    free = work.take_batches(free, bare)
    work.take_window(free, bare)
    work.take_free_credits(orders)
    debits, returns, rules, settled = work.debits, work.returns, work.rules, work.settled
    for order in orders:
        number = order.application_no
        mine = debits.get(number)
        if mine is not None and number not in returns and judge.is_clean(order, mine):
            judge.settle(order, mine[0], rules.get(number, Rule.REFERENCE))
            continue
        judge.judge(
            order,
            debits=mine,
            returns=returns.get(number),
            rule=rules.get(number, Rule.REFERENCE),
            is_settled=number in settled,
        )
    work.judge_rest()
    return Result(
        matched=tuple(sorted(judge.matched, key=_match_order)),
        breaks=tuple(sorted(judge.breaks, key=lambda item: item.id)),
        suggestions=tuple(sorted(judge.suggestions, key=_suggestion_order)),
    )


def _match_order(item: Match) -> tuple[str, bool, tuple[int, ...]]:
    return (item.application_nos[0], item.is_return, item.line_keys)


def _suggestion_order(item: Suggestion) -> tuple[tuple[str, ...], tuple[int, ...]]:
    return (item.application_nos, item.line_keys)


_Key = tuple[str, str, int]


@dataclass(slots=True, kw_only=True)
class _Work:
    """The state of one run: which lines belong to which order so far, and what was found."""

    judge: Judge
    by_number: dict[str, Order] = field(default_factory=dict)
    batches: dict[str, list[Order]] = field(default_factory=lambda: defaultdict(list))
    debits: dict[str, list[Line]] = field(default_factory=dict)
    returns: dict[str, list[Line]] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    free_debits: list[Line] = field(default_factory=list)
    free_credits: list[Line] = field(default_factory=list)

    def group(
        self, orders: Sequence[Order], lines: Sequence[Line], reports: Sequence[Report]
    ) -> list[Line]:
        """Give every line to the order its reference names; return the debits left free."""
        find, debits, returns = self._index(orders).get, self.debits, self.returns
        unresolved: list[Line] = []
        for line in lines:
            order = find(line.ref)
            if order is None:
                unresolved.append(line)
                continue
            place = debits if line.direction is Direction.DEBIT else returns
            known = place.get(order.application_no)
            if known is None:
                place[order.application_no] = [line]
            else:
                known.append(line)
        return self._second_look(orders, unresolved, reports)

    def _index(self, orders: Sequence[Order]) -> dict[str, Order]:
        self.by_number = {order.application_no: order for order in orders}
        assert len(self.by_number) == len(orders), "an application is given twice"
        return self.by_number

    def _second_look(
        self, orders: Sequence[Order], unresolved: Sequence[Line], reports: Sequence[Report]
    ) -> list[Line]:
        """Look for references in normal form, for vouchers, packages and reported numbers."""
        wanted = {normal_ref(line.ref) for line in unresolved} - {""}
        by_ref = self._other_refs(orders, wanted) if wanted else {}
        reported = self._reported(reports)
        free: list[Line] = []
        for line in unresolved:
            ref = normal_ref(line.ref)
            order = by_ref.get(ref)
            is_debit = line.direction is Direction.DEBIT
            if order is not None:
                place = self.debits if is_debit else self.returns
                place.setdefault(order.application_no, []).append(line)
            elif ref not in reported:
                (free if is_debit else self.free_credits).append(line)
        return sorted(free, key=line_order)

    def _other_refs(self, orders: Sequence[Order], wanted: set[str]) -> dict[str, Order]:
        """Find the wanted references among all orders; a voucher or package of many is a batch."""
        by_ref: dict[str, Order] = {}
        vouchers: dict[str, list[Order]] = defaultdict(list)
        for order in orders:
            ref = normal_ref(order.application_no)
            if ref in wanted:
                by_ref[ref] = order
            if order.voucher_no and (ref := normal_ref(order.voucher_no)) in wanted:
                vouchers[ref].append(order)
            ref = normal_ref(order.batch_no)
            if ref in wanted and order.sent_on is not None:
                self.batches[ref].append(order)
        for voucher in sorted(vouchers):
            if len(vouchers[voucher]) == 1:
                by_ref.setdefault(voucher, vouchers[voucher][0])
            else:
                self.batches[voucher].extend(vouchers[voucher])
        return by_ref

    def _reported(self, reports: Sequence[Report]) -> set[str]:
        """Open a break per payment that finance reported and we never asked for."""
        refs: set[str] = set()
        for report in sorted(reports, key=lambda item: item.application_no):
            if report.application_no in self.by_number:
                continue
            refs.update({normal_ref(report.application_no), normal_ref(report.voucher_no)} - {""})
            self.judge.add(
                BreakClass.MISSING_ORDER,
                report.application_no,
                report.amount_fen,
                report.purse,
                (report.application_no, report.voucher_no),
                f"财政回告支付申请{report.application_no}已付{display(report.amount_fen)}, "
                "本系统没有这笔申请",
            )
        return refs

    def bare(self, orders: Sequence[Order]) -> dict[str, Order]:
        """Return the sent orders that no line has named."""
        debits = self.debits
        return {
            order.application_no: order
            for order in orders
            if order.sent_on is not None and order.application_no not in debits
        }

    def take_batches(self, free: list[Line], bare: dict[str, Order]) -> list[Line]:
        """Settle whole packages by one line of the exact total and count; return what is left."""
        if not free or not self.batches:
            return free
        by_batch: dict[str, list[Line]] = defaultdict(list)
        left: list[Line] = []
        for line in free:
            ref = normal_ref(line.ref)
            (by_batch[ref] if ref in self.batches else left).append(line)
        for ref in sorted(by_batch):
            self._batch(ref, by_batch[ref], bare)
        return left

    def _batch(self, ref: str, lines: list[Line], bare: dict[str, Order]) -> None:
        """Judge one package or shared voucher that the bank paid in one sum."""
        holders = sorted(
            (order for order in self.batches[ref] if order.application_no in bare),
            key=lambda order: order.application_no,
        )
        numbers = tuple(order.application_no for order in holders)
        for number in numbers:
            del bare[number]
        self.settled.update(numbers)
        total = sum(order.amount_fen for order in holders)
        paid = sum(line.amount_fen for line in lines)
        first = lines[0]
        exact = len(lines) == 1 and paid == total and first.count in (None, len(holders))
        if exact and holders:
            self.judge.matched.append(
                Match(
                    rule=Rule.BATCH,
                    purse=first.purse,
                    amount_fen=total,
                    application_nos=numbers,
                    line_keys=(first.key,),
                )
            )
            return
        twice = len(lines) > 1 and any(line.amount_fen == total for line in lines)
        self.judge.add(
            BreakClass.DUPLICATE if twice else BreakClass.AMOUNT,
            ref,
            abs(paid - total),
            first.purse,
            (ref, *(line.bank_serial for line in lines)),
            f"批次{ref}共{len(holders)}笔{display(total)}, 银行支出{len(lines)}次"
            f"合计{display(paid)}",
        )

    def take_window(self, free: list[Line], bare: dict[str, Order]) -> None:
        """Give free debits to bare orders of the same account and amount, if unique both ways."""
        if not free:
            return
        lines_of: dict[_Key, list[Line]] = defaultdict(list)
        for line in free:
            account = normal_account(line.counter_account)
            lines_of[line.purse, account, line.amount_fen].append(line)
        orders_of: dict[_Key, list[Order]] = defaultdict(list)
        for order in bare.values():
            key = (order.purse, normal_account(order.payee_account), order.amount_fen)
            if key in lines_of and key[1]:
                orders_of[key].append(order)
        for key in sorted(lines_of):
            self._pair(lines_of[key], orders_of.get(key, []))

    def _pair(self, lines: list[Line], orders: list[Order]) -> None:
        """Pair lines and orders that share purse, account and amount."""
        orders = sorted(
            orders, key=lambda order: (order.sent_on or self.judge.on, order.application_no)
        )
        near = {
            line.key: [order for order in orders if self._within(order, line)] for line in lines
        }
        wanted: dict[str, int] = defaultdict(int)
        for line in lines:
            for order in near[line.key]:
                wanted[order.application_no] += 1
        for line in lines:
            candidates = near[line.key]
            if len(candidates) == 1 and wanted[candidates[0].application_no] == 1:
                number = candidates[0].application_no
                self.debits[number] = [line]
                self.rules[number] = Rule.WINDOW
                continue
            open_orders = [o for o in candidates if o.application_no not in self.settled]
            if not open_orders:
                self.free_debits.append(line)
                continue
            self.settled.add(open_orders[0].application_no)
            self.judge.suggestions.append(
                Suggestion(
                    purse=line.purse,
                    amount_fen=line.amount_fen,
                    application_nos=(open_orders[0].application_no,),
                    line_keys=(line.key,),
                    reason=f"同账户同金额有{len(candidates)}笔申请, 流水{line.bank_serial}"
                    "没有业务参考号, 请人工确认",
                )
            )

    def _within(self, order: Order, line: Line) -> bool:
        """Say whether the line's day lies in the order's window, both ends included."""
        if order.sent_on is None:
            return False
        last = order.sent_on + timedelta(days=self.judge.terms.window_days)
        return order.sent_on <= line.booked_on <= last

    def take_free_credits(self, orders: Sequence[Order]) -> None:
        """Give money that came back without a reference to the one payment it can belong to."""
        if not self.free_credits:
            return
        lines_of: dict[_Key, list[Line]] = defaultdict(list)
        for line in sorted(self.free_credits, key=line_order):
            account = normal_account(line.counter_account)
            lines_of[line.purse, account, line.amount_fen].append(line)
        orders_of: dict[_Key, list[Order]] = defaultdict(list)
        for order in orders:
            number = order.application_no
            if number in self.debits and number not in self.returns:
                key = (order.purse, normal_account(order.payee_account), order.amount_fen)
                if key in lines_of and key[1]:
                    orders_of[key].append(order)
        for key, lines in sorted(lines_of.items()):
            holders = orders_of.get(key, [])
            if len(lines) == 1 and len(holders) == 1:
                self.returns[holders[0].application_no] = lines
                continue
            for line in lines:
                ref = line_ref(line.purse, line.bank_serial, line.key)
                self.judge.add(
                    BreakClass.RETURNED,
                    ref,
                    line.amount_fen,
                    line.purse,
                    (line.bank_serial,),
                    f"账户收入{display(line.amount_fen)}, 找不到对应的付款",
                )

    def judge_rest(self) -> None:
        """Open a break for every debit that belongs to nothing of ours."""
        for line in sorted(self.free_debits, key=line_order):
            self.judge.add(
                BreakClass.UNKNOWN_DEBIT,
                line_ref(line.purse, line.bank_serial, line.key),
                line.amount_fen,
                line.purse,
                (line.bank_serial, line.ref),
                f"流水{line.bank_serial} {line.booked_on}支出{display(line.amount_fen)}"
                f"付{line.counter_name or '(无户名)'}, 参考号{line.ref or '空'}, 没有对应申请",
            )
