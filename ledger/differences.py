"""What reconciliation speaks of: orders, bank lines, matches, breaks, and how they are compared."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


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
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    parts = text.upper().split()
    return parts[0] if len(parts) == 1 else "".join(parts)


def normal_account(text: str) -> str:
    """Return an account number without the blanks and hyphens people write in it."""
    if text.isalnum() and text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum())


def normal_name(text: str) -> str:
    """Return a payee name with full-width brackets, letters and blanks made equal."""
    return "".join(unicodedata.normalize("NFKC", text).upper().split())
