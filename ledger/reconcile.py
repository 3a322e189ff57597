"""Matching of payment orders with bank lines and finance's own execution: pure, exact, no money moved.

Order of the rules: the reference with counts on both sides and equal amounts; a batch by its exact
total; account and amount inside a window, unique both ways. All else is a suggestion for a person
or a break. There is no tolerance: one fen is a difference. The order of the inputs is without
influence on the result.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from ledger.money import display


class BreakClass(StrEnum):
    """What kind of difference a break is."""

    MISSING_ORDER = "missing_order"
    UNPAID = "unpaid"
    UNKNOWN_DEBIT = "unknown_debit"
    AMOUNT = "amount"
    DUPLICATE = "duplicate"
    RETURNED = "returned"
    LATE = "late"
    PAYEE = "payee"
    WRONG_ALLOTMENT = "wrong_allotment"
    PERIOD_CUT = "period_cut"
    OVER_ALLOTMENT = "over_allotment"
    UNKNOWN_OUTCOME = "unknown_outcome"


LABELS: Mapping[BreakClass, str] = {
    BreakClass.MISSING_ORDER: "无对应支付申请",
    BreakClass.UNPAID: "应付未付",
    BreakClass.UNKNOWN_DEBIT: "不明支出",
    BreakClass.AMOUNT: "金额不符",
    BreakClass.DUPLICATE: "重复支付",
    BreakClass.RETURNED: "退汇不符",
    BreakClass.LATE: "到账逾期",
    BreakClass.PAYEE: "收款人不符",
    BreakClass.WRONG_ALLOTMENT: "指标串用",
    BreakClass.PERIOD_CUT: "跨期入账",
    BreakClass.OVER_ALLOTMENT: "指标超占",
    BreakClass.UNKNOWN_OUTCOME: "结果不明",
}
"""The Chinese word for each class."""


class Direction(StrEnum):
    """Which way a bank line went, seen from the payer's account."""

    DEBIT = "D"
    CREDIT = "C"


class Rule(StrEnum):
    """By which rule orders and lines were brought together."""

    REFERENCE = "reference"
    BATCH = "batch"
    WINDOW = "account-amount"
    MANUAL = "by-hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A payment application with what finance's answers have said of it so far.

    ``sent_on`` is None for an application that was never sent, was rejected or cancelled: any
    payment of it is a break. ``paid_fen`` and ``returned_fen`` are the answers' amounts, not ours.
    """

    application_no: str
    purse: str
    allotment_no: str
    amount_fen: int
    payee_account: str
    payee_name: str = ""
    sent_on: date | None = None
    batch_no: str = ""
    voucher_no: str = ""
    voucher_on: date | None = None
    charged_allotment_no: str = ""
    paid_fen: int = 0
    paid_on: date | None = None
    returned_fen: int = 0
    returned_on: date | None = None
    is_outcome_unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a bank statement; ``key`` is its identity where it is stored."""

    key: int
    purse: str
    booked_on: date
    direction: Direction
    amount_fen: int
    ref: str = ""
    counter_account: str = ""
    counter_name: str = ""
    bank_serial: str = ""
    count: int | None = None
    """How many payments the bank says it holds, when it is a batch line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A payment that finance reported under a number of which we have no application."""

    application_no: str
    purse: str
    amount_fen: int
    voucher_no: str = ""
    allotment_no: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """Finance's figure of what was spent from one allotment through our applications."""

    allotment_no: str
    executed_fen: int
    purse: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The time limits of matching, in days; rest days do not count, ends are inclusive."""

    window_days: int = 10
    unpaid_after_days: int = 3
    late_after_days: int = 3
    rest_days: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Orders and lines that settle each other exactly, to be posted without a person."""

    rule: Rule
    purse: str
    amount_fen: int
    application_nos: tuple[str, ...]
    line_keys: tuple[int, ...]
    is_return: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A likely match that only a person may confirm."""

    purse: str
    amount_fen: int
    application_nos: tuple[str, ...]
    line_keys: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One difference; its id is the same however often and from whatever side it is found."""

    id: str
    break_class: BreakClass
    amount_fen: int
    purse: str
    refs: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one run of matching found, each list sorted."""

    matched: tuple[Match, ...]
    breaks: tuple[Break, ...]
    suggestions: tuple[Suggestion, ...]


def break_id(break_class: BreakClass, ref: str) -> str:
    """Return the stable identity of a break: its class and the one number it is about.

    The number is the application's where there is one, else ``line_ref`` of the bank line, the
    package number for a batch, or the allotment number.
    """
    return f"{break_class.value}:{ref}"


def line_ref(purse: str, bank_serial: str, key: int = 0) -> str:
    """Return the number by which a bank line without an application is known."""
    return f"{purse}/{bank_serial or key}"


def normal_ref(text: str) -> str:
    """Return a reference in the one form that is compared: NFKC, upper case, no blanks."""
    if text.isascii() and text.isupper() and text.isalnum():
        return text
    return "".join(unicodedata.normalize("NFKC", text).upper().split())


def normal_account(text: str) -> str:
    """Return an account number without the blanks and hyphens people write in it."""
    if text.isalnum() and text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum())


def normal_name(text: str) -> str:
    """Return a payee name with full-width brackets, letters and blanks made equal."""
    return "".join(unicodedata.normalize("NFKC", text).upper().split())


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
    first = match_orders(
        orders, lines, on=on, reports=reports, terms=terms, covered=covered
    )
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
    work = _Work(on=on, terms=terms or Terms(), covered=covered or {})
    free = work.group(orders, lines, reports)
    bare = work.bare(orders)
    free = work.take_batches(free, bare)
    work.take_window(free, bare)
    work.take_free_credits(orders)
    for order in orders:
        work.judge(order)
    work.judge_rest()
    return Result(
        matched=tuple(sorted(work.matched, key=_match_order)),
        breaks=tuple(sorted(work.breaks, key=lambda item: item.id)),
        suggestions=tuple(sorted(work.suggestions, key=_suggestion_order)),
    )


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


def compare_executions(
    executions: Sequence[Execution], charged: Sequence[Charge]
) -> list[Break]:
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


def _moved(
    out_of: str, into: str, amount: int, purse: str, charged: Sequence[Charge]
) -> Break:
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


def _line_order(line: Line) -> tuple[date, str, int]:
    return (line.booked_on, line.bank_serial, line.key)


def _match_order(item: Match) -> tuple[str, bool, tuple[int, ...]]:
    return (item.application_nos[0], item.is_return, item.line_keys)


def _suggestion_order(item: Suggestion) -> tuple[tuple[str, ...], tuple[int, ...]]:
    return (item.application_nos, item.line_keys)


_Key = tuple[str, str, int]


@dataclass(slots=True, kw_only=True)
class _Work:
    """The state of one run: which lines belong to which order so far, and what was found."""

    on: date
    terms: Terms
    covered: Mapping[str, date]
    by_ref: dict[str, Order] = field(default_factory=dict)
    batches: dict[str, list[Order]] = field(default_factory=lambda: defaultdict(list))
    debits: dict[str, list[Line]] = field(default_factory=dict)
    credits: dict[str, list[Line]] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    free_debits: list[Line] = field(default_factory=list)
    free_credits: list[Line] = field(default_factory=list)
    matched: list[Match] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)

    def group(
        self, orders: Sequence[Order], lines: Sequence[Line], reports: Sequence[Report]
    ) -> list[Line]:
        """Give every line to the order its reference names; return the debits left free."""
        self._index(orders)
        reported = self._reported(reports)
        free: list[Line] = []
        find, debits, credits = self.by_ref.get, self.debits, self.credits
        for line in lines:
            ref = line.ref
            order = find(ref) or (find(normal_ref(ref)) if ref else None)
            is_debit = line.direction == Direction.DEBIT
            if order is None:
                if normal_ref(ref) in reported:
                    continue
                (free if is_debit else self.free_credits).append(line)
                continue
            place = debits if is_debit else credits
            known = place.get(order.application_no)
            if known is None:
                place[order.application_no] = [line]
            else:
                known.append(line)
        return sorted(free, key=_line_order)

    def _index(self, orders: Sequence[Order]) -> None:
        """Make application, voucher and package numbers findable; a shared voucher is a batch."""
        by_ref = self.by_ref
        vouchers: dict[str, list[Order]] = defaultdict(list)
        for order in orders:
            ref = normal_ref(order.application_no)
            assert ref not in by_ref, f"application {ref} is given twice"
            by_ref[ref] = order
            if order.voucher_no:
                vouchers[normal_ref(order.voucher_no)].append(order)
            if order.batch_no and order.sent_on is not None:
                self.batches[normal_ref(order.batch_no)].append(order)
        for voucher, holders in vouchers.items():
            if len(holders) == 1:
                by_ref.setdefault(voucher, holders[0])
            else:
                self.batches[voucher].extend(holders)

    def _reported(self, reports: Sequence[Report]) -> set[str]:
        """Open a break per payment that finance reported and we never asked for."""
        refs: set[str] = set()
        for report in sorted(reports, key=lambda item: item.application_no):
            if normal_ref(report.application_no) in self.by_ref:
                continue
            refs.update({normal_ref(report.application_no), normal_ref(report.voucher_no)} - {""})
            self._add(
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
            self.matched.append(
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
        self._add(
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
        orders = sorted(orders, key=lambda order: (order.sent_on or self.on, order.application_no))
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
            self.suggestions.append(
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
        last = order.sent_on + timedelta(days=self.terms.window_days)
        return order.sent_on <= line.booked_on <= last

    def take_free_credits(self, orders: Sequence[Order]) -> None:
        """Give money that came back without a reference to the one payment it can belong to."""
        if not self.free_credits:
            return
        lines_of: dict[_Key, list[Line]] = defaultdict(list)
        for line in sorted(self.free_credits, key=_line_order):
            account = normal_account(line.counter_account)
            lines_of[line.purse, account, line.amount_fen].append(line)
        orders_of: dict[_Key, list[Order]] = defaultdict(list)
        for order in orders:
            number = order.application_no
            if number in self.debits and number not in self.credits:
                key = (order.purse, normal_account(order.payee_account), order.amount_fen)
                if key in lines_of and key[1]:
                    orders_of[key].append(order)
        for key, lines in sorted(lines_of.items()):
            holders = orders_of.get(key, [])
            if len(lines) == 1 and len(holders) == 1:
                self.credits[holders[0].application_no] = lines
                continue
            for line in lines:
                ref = line_ref(line.purse, line.bank_serial, line.key)
                self._add(
                    BreakClass.RETURNED,
                    ref,
                    line.amount_fen,
                    line.purse,
                    (line.bank_serial,),
                    f"账户收入{display(line.amount_fen)}, 找不到对应的付款",
                )

    def judge(self, order: Order) -> None:
        """Match or class one order by the lines it has been given."""
        number = order.application_no
        charged = order.charged_allotment_no
        if charged and charged != order.allotment_no:
            self._add(
                BreakClass.WRONG_ALLOTMENT,
                number,
                order.amount_fen,
                order.purse,
                (number, order.allotment_no, charged),
                f"申请{number}应列指标{order.allotment_no}, 财政列入{charged}",
            )
        debits = self.debits.get(number)
        credits = self.credits.get(number)
        if order.sent_on is None:
            self._judge_unsent(order, debits, credits)
        elif debits is None:
            if credits is not None:
                self._judge_orphan_return(order, credits)
            elif number not in self.settled:
                self._judge_bare(order)
        elif len(debits) > 1:
            self._judge_several(order, sorted(debits, key=_line_order))
        elif self._judge_single(order, debits[0]):
            self._judge_return(order, credits or [])

    def _judge_unsent(
        self, order: Order, debits: list[Line] | None, credits: list[Line] | None
    ) -> None:
        """A payment of an application that we never sent, or took back."""
        if not debits and not credits and not order.paid_fen and not order.voucher_no:
            return
        lines = sorted((debits or []) + (credits or []), key=_line_order)
        amount = sum(line.amount_fen for line in debits or []) or order.paid_fen
        self._add(
            BreakClass.MISSING_ORDER,
            order.application_no,
            amount or order.amount_fen,
            order.purse,
            (order.application_no, *(line.bank_serial for line in lines)),
            f"申请{order.application_no}没有推送(或已撤回), 却已支付",
        )

    def _judge_bare(self, order: Order) -> None:
        """An order that no line answers: in transit, unknown, or unpaid."""
        assert order.sent_on is not None
        until = self.covered.get(order.purse, self.on)
        reported = order.paid_on is not None and order.paid_on <= until
        overdue = self._days(order.sent_on, self.on) > self.terms.unpaid_after_days
        if not reported and not overdue:
            return
        unknown = order.is_outcome_unknown and not order.paid_fen
        words = "财政已回告付款, 银行流水中没有" if reported else "推送后逾期, 银行流水中没有付款"
        if unknown:
            words = "推送结果不明, 须按申请号查询后再处理"
        self._add(
            BreakClass.UNKNOWN_OUTCOME if unknown else BreakClass.UNPAID,
            order.application_no,
            order.amount_fen,
            order.purse,
            (order.application_no,),
            f"申请{order.application_no} {display(order.amount_fen)}: {words}",
        )

    def _judge_several(self, order: Order, debits: list[Line]) -> None:
        """An order that more than one debit names."""
        number, amount = order.application_no, order.amount_fen
        paid = sum(line.amount_fen for line in debits)
        refs = (number, *(line.bank_serial for line in debits))
        if paid == amount:
            self.suggestions.append(
                Suggestion(
                    purse=order.purse,
                    amount_fen=amount,
                    application_nos=(number,),
                    line_keys=tuple(line.key for line in debits),
                    reason=f"申请{number}由{len(debits)}笔流水合计付清, 请人工确认",
                )
            )
            return
        twice = any(line.amount_fen == amount for line in debits)
        self._add(
            BreakClass.DUPLICATE if twice else BreakClass.AMOUNT,
            number,
            abs(paid - amount),
            order.purse,
            refs,
            f"申请{number}应付{display(amount)}, 银行支出{len(debits)}次合计{display(paid)}",
        )

    def _judge_single(self, order: Order, debit: Line) -> bool:
        """Match one order with its one debit, or class the difference; say whether it matched."""
        number, amount = order.application_no, order.amount_fen
        refs = (number, debit.bank_serial)
        if debit.purse != order.purse:
            self._add(
                BreakClass.WRONG_ALLOTMENT,
                number,
                debit.amount_fen,
                order.purse,
                refs,
                f"申请{number}应由{order.purse}支付, 实由{debit.purse}的账户支付",
            )
            return False
        if _is_other_payee(order, debit):
            self._add(
                BreakClass.PAYEE,
                number,
                debit.amount_fen,
                order.purse,
                refs,
                f"申请{number}收款人为{order.payee_name} {order.payee_account}, "
                f"银行付给{debit.counter_name} {debit.counter_account}",
            )
            return False
        wrong = debit.amount_fen if debit.amount_fen != amount else order.paid_fen or amount
        if wrong != amount:
            self._add(
                BreakClass.AMOUNT,
                number,
                abs(wrong - amount),
                order.purse,
                refs,
                f"申请{number}应付{display(amount)}, 实付{display(wrong)}",
            )
            return False
        self.matched.append(
            Match(
                rule=self.rules.get(number, Rule.REFERENCE),
                purse=order.purse,
                amount_fen=amount,
                application_nos=(number,),
                line_keys=(debit.key,),
            )
        )
        self._judge_dates(order, debit)
        return True

    def _judge_dates(self, order: Order, debit: Line) -> None:
        """Class a right payment on a wrong day: after its term, or in another month."""
        asked = order.voucher_on or order.sent_on
        assert asked is not None
        days = self._days(asked, debit.booked_on)
        if days > self.terms.late_after_days:
            kind, words = BreakClass.LATE, f"凭证{asked}, 银行{debit.booked_on}入账, 迟{days}天"
        elif (reported := order.paid_on or order.voucher_on) is not None and (
            (reported.year, reported.month) != (debit.booked_on.year, debit.booked_on.month)
        ):
            kind, words = BreakClass.PERIOD_CUT, f"财政记{reported}, 银行记{debit.booked_on}"
        else:
            return
        number = order.application_no
        self._add(
            kind,
            number,
            order.amount_fen,
            order.purse,
            (number, debit.bank_serial),
            f"申请{number}: {words}",
        )

    def _judge_return(self, order: Order, credits: list[Line]) -> None:
        """Compare the money that came back with the returns finance told us of."""
        back = sum(line.amount_fen for line in credits)
        told = order.returned_fen
        number = order.application_no
        if back == told:
            if credits:
                self.matched.append(
                    Match(
                        rule=Rule.REFERENCE,
                        purse=order.purse,
                        amount_fen=back,
                        application_nos=(number,),
                        line_keys=tuple(
                            line.key for line in sorted(credits, key=_line_order)
                        ),
                        is_return=True,
                    )
                )
            return
        until = self.covered.get(order.purse, self.on)
        if not credits and order.returned_on is not None and order.returned_on > until:
            return
        serials = tuple(line.bank_serial for line in sorted(credits, key=_line_order))
        self._add(
            BreakClass.RETURNED,
            number,
            abs(back - told),
            order.purse,
            (number, *serials),
            f"申请{number}银行退回{display(back)}, 财政回告退汇{display(told)}",
        )

    def _judge_orphan_return(self, order: Order, credits: list[Line]) -> None:
        """Money came back for an order whose payment is not on any statement."""
        number = order.application_no
        back = sum(line.amount_fen for line in credits)
        serials = tuple(line.bank_serial for line in sorted(credits, key=_line_order))
        self._add(
            BreakClass.RETURNED,
            number,
            back,
            order.purse,
            (number, *serials),
            f"申请{number}银行退回{display(back)}, 流水中没有付款",
        )

    def judge_rest(self) -> None:
        """Open a break for every debit that belongs to nothing of ours."""
        for line in sorted(self.free_debits, key=_line_order):
            self._add(
                BreakClass.UNKNOWN_DEBIT,
                line_ref(line.purse, line.bank_serial, line.key),
                line.amount_fen,
                line.purse,
                (line.bank_serial, line.ref),
                f"流水{line.bank_serial} {line.booked_on}支出{display(line.amount_fen)}"
                f"付{line.counter_name or '(无户名)'}, 参考号{line.ref or '空'}, 没有对应申请",
            )

    def _days(self, start: date, end: date) -> int:
        """Count the days after ``start`` up to ``end``, rest days left out."""
        days = (end - start).days
        if days <= 0 or not self.terms.rest_days:
            return days
        return days - sum(1 for day in self.terms.rest_days if start < day <= end)

    def _add(
        self,
        kind: BreakClass,
        ref: str,
        amount_fen: int,
        purse: str,
        refs: tuple[str, ...],
        message: str,
    ) -> None:
        self.breaks.append(
            Break(
                id=break_id(kind, ref),
                break_class=kind,
                amount_fen=amount_fen,
                purse=purse,
                refs=tuple(item for item in refs if item),
                message=message,
            )
        )


def _is_other_payee(order: Order, debit: Line) -> bool:
    """Say whether the bank names another account or another name than the order; blanks agree."""
    account = debit.counter_account
    if account and account != order.payee_account:
        if normal_account(account) != normal_account(order.payee_account):
            return True
    name = debit.counter_name
    if not name or not order.payee_name or name == order.payee_name:
        return False
    return normal_name(name) != normal_name(order.payee_name)
