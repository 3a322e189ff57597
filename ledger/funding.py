"""Which allotments fund a payment: by stated purpose and order, never across purposes or purses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection

from ledger.allotments import ANY_PURPOSE, AllotmentStages, availabilities, stages
from ledger.money import Fen


class FundingState(StrEnum):
    """Whether the money is there, and if not, what is waited for."""

    READY = "ready"
    NO_ALLOTMENT = "no_allotment"
    NO_PLAN = "no_plan"
    INSUFFICIENT = "insufficient"


LABELS = {
    FundingState.READY: "已落实",
    FundingState.NO_ALLOTMENT: "待指标",
    FundingState.NO_PLAN: "待用款计划",
    FundingState.INSUFFICIENT: "指标不足",
}
"""What the enterprise and the desk are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingPart:
    """What one allotment gives."""

    allotment_no: str
    amount_fen: Fen


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """The answer for one payment; ``parts`` cover it exactly when the state is ready."""

    state: FundingState
    parts: tuple[FundingPart, ...] = ()
    short_fen: int = 0
    """What is missing of the amount."""
    expected_budget_year: int | None = None
    """The budget year in which the money can be expected; None when ready."""


@dataclass(slots=True, kw_only=True)
class _Line:
    """An allotment in the pool with what is left of it."""

    stages: AllotmentStages
    free_fen: int
    usable_fen: int

    def serves(self, purpose: str) -> bool:
        return purpose in self.stages.purpose or ANY_PURPOSE in self.stages.purpose


@dataclass(slots=True, kw_only=True)
class FundingPool:
    """The allotments of one day with a running tally, for funding many payments in one go.

    The pool is a plan and not a hold: reserving is what makes it certain.
    """

    on: date
    _lines: dict[str, list[_Line]] = field(default_factory=dict)

    def take(self, *, purse: str, purpose: str, amount_fen: int) -> Funding:
        """Fund one payment from what is left, in order of priority and number; all or nothing."""
        lines = [line for line in self._lines.get(purse, []) if line.serves(purpose)]
        if not lines:
            return self._waiting(FundingState.NO_ALLOTMENT, amount_fen)
        short = amount_fen - sum(line.usable_fen for line in lines)
        if short > 0:
            missing = amount_fen - sum(line.free_fen for line in lines)
            if missing > 0:
                return self._waiting(FundingState.INSUFFICIENT, missing)
            return self._waiting(FundingState.NO_PLAN, short)
        parts: list[FundingPart] = []
        rest = amount_fen
        for line in lines:
            given = min(rest, line.usable_fen)
            if given > 0:
                number = line.stages.allotment_no
                parts.append(FundingPart(allotment_no=number, amount_fen=Fen(given)))
                line.usable_fen -= given
                line.free_fen -= given
                rest -= given
        return Funding(state=FundingState.READY, parts=tuple(parts))

    def _waiting(self, state: FundingState, short: int) -> Funding:
        """A plan comes with a later month of the same year, an allotment with the next year."""
        same_year = state is FundingState.NO_PLAN and self.on.month < 12
        return Funding(
            state=state,
            short_fen=short,
            expected_budget_year=self.on.year if same_year else self.on.year + 1,
        )


def open_funding(connection: Connection, *, on: date) -> FundingPool:
    """Load the allotments of the fiscal year of ``on`` with what is usable of them that day."""
    pool = FundingPool(on=on)
    listed = [item for item in stages(connection) if item.fiscal_year == on.year]
    usable = availabilities(connection, [item.allotment_no for item in listed], on=on)
    for item in listed:
        held = usable[item.allotment_no]
        pool._lines.setdefault(item.purse, []).append(  # noqa: SLF001 - the pool's own maker
            _Line(
                stages=item,
                free_fen=0 if held.overdrawn_fen else held.available_fen,
                usable_fen=held.usable_fen,
            )
        )
    return pool


def find_funding(
    connection: Connection, *, purse: str, purpose: str, amount_fen: int, on: date
) -> Funding:
    """Say which allotments would fund one payment on a day, or what it waits for."""
    return open_funding(connection, on=on).take(purse=purse, purpose=purpose, amount_fen=amount_fen)
