"""What an enterprise has had or asked for before: own claims and payouts made elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from app.claims import Claim, ClaimState, claim, claims_of_firms
from ledger.tables import purses
from matching.award import Earlier
from matching.profile_store import PayoutElsewhere, payouts_elsewhere_of
from policies.library import every_benefit

# From here on the department has decided: the amount counts for certain.
_IN_REVIEW = {
    ClaimState.CONFIRMED,
    ClaimState.ACCEPTED,
    ClaimState.CHECKED,
    ClaimState.REVIEWED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The firm's claims, and payouts other systems made to it.

    ``groups`` maps a benefit to its stacking group; ``payers`` are the purses this installation
    pays from: a benefit of another purse is explained here and claimed elsewhere.
    """

    claims: tuple[Claim, ...]
    elsewhere: tuple[Earlier, ...]
    groups: dict[str, str]
    payers: frozenset[str]

    def claim_for(self, benefit_id: str, period: str) -> Claim | None:
        """Return the claim for this benefit and period, refused ones included."""
        for case in self.claims:
            if case.benefit_id == benefit_id and case.period == period:
                return case
        return None

    @property
    def payouts(self) -> tuple[Earlier, ...]:
        """Everything stacking must count; a claim still in review is not certain."""
        own = [
            Earlier(
                benefit_id=case.benefit_id,
                group=self.groups.get(case.benefit_id, ""),
                period=None if case.period == "once" else int(case.period),
                amount_fen=case.due_fen if case.due_fen is not None else case.claimed_fen,
                certain=case.state not in _IN_REVIEW,
            )
            for case in self.claims
            if case.state is not ClaimState.REFUSED
        ]
        return (*own, *self.elsewhere)

    def without(self, claim_no: str) -> History:
        """Return the history as it is for judging this claim itself."""
        rest = tuple(c for c in self.claims if c.claim_no != claim_no)
        return replace(self, claims=rest)

    def with_claim(self, connection: Connection, claim_no: str) -> History:
        """Return the history with one more claim, just opened."""
        return replace(self, claims=(*self.claims, claim(connection, claim_no)))


def history_of(connection: Connection, uscc: str) -> History:
    """Load one enterprise's history."""
    return histories(connection, [uscc])[uscc]


def histories(connection: Connection, usccs: Sequence[str]) -> dict[str, History]:
    """Load the histories of some enterprises, an empty one for those without any."""
    own: dict[str, list[Claim]] = defaultdict(list)
    for case in claims_of_firms(connection, usccs):
        own[case.uscc].append(case)
    groups = {b.id: b.stacking.group for b in every_benefit(connection) if b.stacking}
    payers = frozenset(connection.execute(select(purses.c.code)).scalars())
    elsewhere = payouts_elsewhere_of(connection, usccs)
    return {
        uscc: History(
            claims=tuple(own.get(uscc, ())),
            elsewhere=tuple(_earlier(elsewhere.get(uscc, ()), groups)),
            groups=groups,
            payers=payers,
        )
        for uscc in usccs
    }


def _earlier(payouts: Iterable[PayoutElsewhere], groups: dict[str, str]) -> Iterable[Earlier]:
    """Read payouts of other systems; ``benefit`` is our id where the payer knew it."""
    for payout in payouts:
        yield Earlier(
            benefit_id=payout.benefit,
            group=groups.get(payout.benefit, ""),
            period=payout.year,
            amount_fen=payout.amount_fen,
            paid_on=payout.paid_on,
        )
