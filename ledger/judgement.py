"""What one payment order and its bank lines amount to: a match, a break, or nothing yet; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from ledger.differences import (
    Break,
    BreakClass,
    Line,
    Match,
    Order,
    Rule,
    Suggestion,
    Terms,
    break_id,
    normal_account,
    normal_name,
)
from ledger.money import display


def line_order(line: Line) -> tuple[date, str, int]:
    """Return the order in which lines are looked at: day, bank's number, key."""
    return (line.booked_on, line.bank_serial, line.key)


@dataclass(slots=True, kw_only=True)
class Judge:
    """Collects what was found in one run; asked once per order."""

    on: date
    terms: Terms
    covered: Mapping[str, date]
    matched: list[Match] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)

    def is_clean(self, order: Order, debits: list[Line]) -> bool:
        """Say quickly whether an order and its debits agree in all, so that nothing is to judge.

        The answer no only means: look closer.
        """
        line = debits[0]
        asked = order.voucher_on
        return (
            len(debits) == 1
            and line.amount_fen == order.amount_fen == order.paid_fen
            and line.counter_account == order.payee_account
            and line.counter_name == order.payee_name
            and line.purse == order.purse
            and line.booked_on == asked == order.paid_on
            and order.sent_on is not None
            and not order.returned_fen
            and order.charged_allotment_no in {"", order.allotment_no}
        )

    def settle(self, order: Order, debit: Line, rule: Rule) -> None:
        """Note that an order and its one debit settle each other."""
        self.matched.append(
            Match(
                rule=rule,
                purse=order.purse,
                amount_fen=order.amount_fen,
                application_nos=(order.application_no,),
                line_keys=(debit.key,),
            )
        )

    def judge(
        self,
        order: Order,
        *,
        debits: list[Line] | None,
        returns: list[Line] | None,
        rule: Rule,
        is_settled: bool,
    ) -> None:
        """Match or class one order by the lines it has been given."""
        number = order.application_no
        charged = order.charged_allotment_no
        if charged and charged != order.allotment_no:
            self.add(
                BreakClass.WRONG_ALLOTMENT,
                number,
                order.amount_fen,
                order.purse,
                (number, order.allotment_no, charged),
                f"申请{number}应列指标{order.allotment_no}, 财政列入{charged}",
            )
        if order.sent_on is None:
            self._judge_unsent(order, debits, returns)
        elif debits is None:
            if returns is not None:
                self._judge_orphan_return(order, returns)
            elif not is_settled:
                self._judge_bare(order)
        elif len(debits) > 1:
            self._judge_several(order, sorted(debits, key=line_order))
        elif self._judge_single(order, debits[0], rule):
            self._judge_return(order, returns or [])

    def _judge_unsent(
        self, order: Order, debits: list[Line] | None, returns: list[Line] | None
    ) -> None:
        """A payment of an application that we never sent, or took back."""
        if not debits and not returns and not order.paid_fen and not order.voucher_no:
            return
        lines = sorted((debits or []) + (returns or []), key=line_order)
        amount = sum(line.amount_fen for line in debits or []) or order.paid_fen
        self.add(
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
        self.add(
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
        self.add(
            BreakClass.DUPLICATE if twice else BreakClass.AMOUNT,
            number,
            abs(paid - amount),
            order.purse,
            refs,
            f"申请{number}应付{display(amount)}, 银行支出{len(debits)}次合计{display(paid)}",
        )

    def _judge_single(self, order: Order, debit: Line, rule: Rule) -> bool:
        """Match one order with its one debit, or class the difference; say whether it matched."""
        number, amount = order.application_no, order.amount_fen
        refs = (number, debit.bank_serial)
        if debit.purse != order.purse:
            self.add(
                BreakClass.WRONG_ALLOTMENT,
                number,
                debit.amount_fen,
                order.purse,
                refs,
                f"申请{number}应由{order.purse}支付, 实由{debit.purse}的账户支付",
            )
            return False
        if _is_other_payee(order, debit):
            self.add(
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
            self.add(
                BreakClass.AMOUNT,
                number,
                abs(wrong - amount),
                order.purse,
                refs,
                f"申请{number}应付{display(amount)}, 实付{display(wrong)}",
            )
            return False
        self.settle(order, debit, rule)
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
        self.add(
            kind,
            number,
            order.amount_fen,
            order.purse,
            (number, debit.bank_serial),
            f"申请{number}: {words}",
        )

    def _judge_return(self, order: Order, returns: list[Line]) -> None:
        """Compare the money that came back with the returns finance told us of."""
        back = sum(line.amount_fen for line in returns)
        told = order.returned_fen
        number = order.application_no
        if back == told:
            if returns:
                self.matched.append(
                    Match(
                        rule=Rule.REFERENCE,
                        purse=order.purse,
                        amount_fen=back,
                        application_nos=(number,),
                        line_keys=tuple(line.key for line in sorted(returns, key=line_order)),
                        is_return=True,
                    )
                )
            return
        until = self.covered.get(order.purse, self.on)
        if not returns and order.returned_on is not None and order.returned_on > until:
            return
        serials = tuple(line.bank_serial for line in sorted(returns, key=line_order))
        self.add(
            BreakClass.RETURNED,
            number,
            abs(back - told),
            order.purse,
            (number, *serials),
            f"申请{number}银行退回{display(back)}, 财政回告退汇{display(told)}",
        )

    def _judge_orphan_return(self, order: Order, returns: list[Line]) -> None:
        """Money came back for an order whose payment is not on any statement."""
        number = order.application_no
        back = sum(line.amount_fen for line in returns)
        serials = tuple(line.bank_serial for line in sorted(returns, key=line_order))
        self.add(
            BreakClass.RETURNED,
            number,
            back,
            order.purse,
            (number, *serials),
            f"申请{number}银行退回{display(back)}, 流水中没有付款",
        )

    def _days(self, start: date, end: date) -> int:
        """Count the days after ``start`` up to ``end``, rest days left out."""
        days = (end - start).days
        if days <= 0 or not self.terms.rest_days:
            return days
        return days - sum(1 for day in self.terms.rest_days if start < day <= end)

    def add(
        self,
        kind: BreakClass,
        ref: str,
        amount_fen: int,
        purse: str,
        refs: tuple[str, ...],
        message: str,
    ) -> None:
        """Note a break; empty references are left out."""
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
    if account and normal_account(account) != normal_account(order.payee_account):
        return True
    name = debit.counter_name
    if not name or not order.payee_name or name == order.payee_name:
        return False
    return normal_name(name) != normal_name(order.payee_name)
