"""Faults planted in what finance and the bank send back, each with the break it must become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from ledger.reconcile import BreakClass

PLANTABLE = (
    BreakClass.AMOUNT,
    BreakClass.DUPLICATE,
    BreakClass.MISSING_ORDER,
    BreakClass.UNKNOWN_DEBIT,
    BreakClass.UNPAID,
    BreakClass.RETURNED,
    BreakClass.PAYEE,
    BreakClass.WRONG_ALLOTMENT,
    BreakClass.LATE,
)
"""Classes that the simulated systems can plant on any day; period_cut needs a month's end."""

ONE_EACH: Mapping[BreakClass, int] = MappingProxyType(dict.fromkeys(PLANTABLE, 1))
BANK_ONE_EACH: Mapping[BreakClass, int] = MappingProxyType(
    {BreakClass.DUPLICATE: 1, BreakClass.UNKNOWN_DEBIT: 1}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """How many faults of each class to plant, and whether one reply gets lost."""

    counts: Mapping[BreakClass, int] = field(default_factory=lambda: ONE_EACH)
    loses_reply: bool = True
    bounce_per_thousand: int = 10


NO_FAULTS = FaultPlan(counts={}, loses_reply=False, bounce_per_thousand=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One planted fault: the id its break will have, and from which day it can be seen."""

    id: str
    break_class: BreakClass
    refs: tuple[str, ...]
    amount_fen: int
    visible_on: date
