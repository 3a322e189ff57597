"""Claims move only along the state machine, and every step leaves an event."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, delete, insert, update
from sqlalchemy.exc import DatabaseError

from app.claims import (
    TRANSITIONS,
    ClaimState,
    Move,
    claim,
    claim_number,
    content_digest,
    events,
    move,
)
from app.errors import ClaimStateError, UnknownClaimError
from app.tables import claim_events, claims
from tests.app.build import AT, save_claim


def test_every_transition_leads_to_a_state_that_has_transitions() -> None:
    assert set(TRANSITIONS) == set(ClaimState)
    assert {to for targets in TRANSITIONS.values() for to in targets} <= set(ClaimState)


def test_money_can_not_be_skipped_over() -> None:
    for early in (ClaimState.CONFIRMED, ClaimState.ACCEPTED, ClaimState.APPROVED):
        assert ClaimState.PAID not in TRANSITIONS[early]
    assert ClaimState.PUSHED not in TRANSITIONS[ClaimState.APPROVED]


def test_a_move_changes_state_and_columns_and_writes_the_event(engine: Engine) -> None:
    with engine.begin() as connection:
        number = save_claim(connection, state="reviewed")
        move(
            connection,
            [
                Move(
                    claim_no=number,
                    to=ClaimState.APPROVED,
                    event="approve",
                    changes=(("approved_fen", 10_000_000), ("due_fen", 10_000_000)),
                )
            ],
            by="head",
            at=AT,
        )
        after = claim(connection, number)
        assert (after.state, after.approved_fen) == (ClaimState.APPROVED, 10_000_000)
        assert [(e.event, e.from_state, e.to_state, e.by) for e in events(connection, number)] == [
            ("approve", "reviewed", "approved", "head")
        ]


def test_a_move_off_the_machine_is_refused_with_its_state_named(engine: Engine) -> None:
    with engine.begin() as connection:
        number = save_claim(connection)
        with pytest.raises(ClaimStateError, match="已受理"):
            move(
                connection,
                [Move(claim_no=number, to=ClaimState.PAID, event="paid")],
                by="x",
                at=AT,
            )


def test_unknown_claims_are_named(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises(UnknownClaimError, match="HQ-none"):
        claim(connection, "HQ-none")


def test_one_firm_has_one_claim_a_benefit_and_period(engine: Engine) -> None:
    with engine.begin() as connection:
        save_claim(connection)
    with pytest.raises(DatabaseError), engine.begin() as connection:
        save_claim(connection, claim_no="another")


def test_an_approved_amount_that_differs_needs_a_reason(engine: Engine) -> None:
    with engine.begin() as connection:
        number = save_claim(connection)
    with pytest.raises(DatabaseError), engine.begin() as connection:
        connection.execute(update(claims).where(claims.c.claim_no == number).values(approved_fen=1))
    with engine.begin() as connection:
        connection.execute(
            update(claims)
            .where(claims.c.claim_no == number)
            .values(approved_fen=1, difference_reason="核减重复项目")
        )


@pytest.mark.parametrize("change", ["update", "delete"])
def test_events_can_not_be_changed_in_the_database(engine: Engine, change: str) -> None:
    with engine.begin() as connection:
        number = save_claim(connection)
        connection.execute(
            insert(claim_events).values(
                claim_no=number, event="e", from_state="", to_state="accepted", by="x", at=AT
            )
        )
    statement = update(claim_events).values(by="y") if change == "update" else delete(claim_events)
    with pytest.raises(DatabaseError, match="append-only"), engine.begin() as connection:
        connection.execute(statement)


def test_the_number_of_a_claim_depends_only_on_firm_benefit_and_period() -> None:
    one = claim_number("91360111MA35TEST0X", "b", "2026")
    assert one == claim_number("91360111MA35TEST0X", "b", "2026")
    assert one.startswith("HQ2026")
    assert one != claim_number("91360111MA35TEST0X", "b", "2025")


def test_the_digest_of_an_approval_changes_with_amount_and_account(engine: Engine) -> None:
    with engine.begin() as connection:
        first = claim(connection, save_claim(connection))
        other = claim(connection, save_claim(connection, period="2025", claim_no="x"))
        richer = claim(
            connection, save_claim(connection, period="2024", claim_no="y", account_no="99")
        )
    assert len({content_digest(c) for c in (first, other, richer)}) == 3
