"""The competent department decides: accept, 经办, 复核, 负责人, each a different person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection, insert, select

from app import auth
from app.claims import STATE_ZH, Claim, ClaimState, Move, claims_by_no, content_digest, desk, move
from app.errors import ClaimStateError, SeparationError, StaleApprovalError
from app.roles import Role
from app.tables import approvals
from ledger.bulk import chunks
from ledger.payables import Debt, owe_many
from ledger.purses import get_purse
from ledger.seals import SealItem, digest_of, seal

STEP_ROLE = {
    "accept": Role.WINDOW_CLERK,
    "check": Role.HANDLER,
    "review": Role.REVIEWER,
    "approve": Role.HEAD,
}
STEP_FROM = {
    "accept": ClaimState.CONFIRMED,
    "check": ClaimState.ACCEPTED,
    "review": ClaimState.CHECKED,
    "approve": ClaimState.REVIEWED,
}
STEP_TO = {
    "accept": ClaimState.ACCEPTED,
    "check": ClaimState.CHECKED,
    "review": ClaimState.REVIEWED,
    "approve": ClaimState.APPROVED,
}
STEP_ZH = {"accept": "受理", "check": "经办审核", "review": "复核", "approve": "负责人审定"}


def decide(
    connection: Connection,
    claim_nos: Sequence[str],
    *,
    step: str,
    by: str,
    at: datetime,
    on: date,
    decision: str = "agree",
    note: str = "",
) -> int:
    """Take one step for some claims of one or more departments; returns how many.

    All or none: raises NotAllowedError, SeparationError (the same person took another step),
    StaleApprovalError (content changed since the step before) or ClaimStateError. An approval
    makes the debt to the receiver: Dr 5001 / Cr 2303 on the day ``on``.
    """
    found = claims_by_no(connection, list(dict.fromkeys(claim_nos)))
    for department in sorted({c.department for c in found}):
        auth.require(connection, by, STEP_ROLE[step], department=department, on=on)
    for claim_ in found:
        if claim_.state is not STEP_FROM[step]:
            raise ClaimStateError(claim_.claim_no, STATE_ZH[claim_.state], STEP_ZH[step])
    digests = {c.claim_no: content_digest(c) for c in found}
    _separate(connection, found, digests, by)
    connection.execute(
        insert(approvals),
        [
            {
                "claim_no": c.claim_no,
                "round": c.round,
                "step": step,
                "username": by,
                "decision": decision,
                "amount_fen": c.claimed_fen,
                "content_digest": digests[c.claim_no],
                "note": note,
                "decided_at": at,
            }
            for c in found
        ],
    )
    seal(
        connection,
        [
            SealItem(
                kind="approval",
                subject=approval_subject(c.claim_no, c.round, step),
                digest=approval_digest(
                    c.claim_no, c.round, step, by, decision, c.claimed_fen, digests[c.claim_no]
                ),
            )
            for c in found
        ],
        at=at,
    )
    _move(connection, found, step=step, by=by, at=at, agreed=decision == "agree", note=note)
    if step == "approve" and decision == "agree":
        charts = {code: get_purse(connection, code).chart for code in {c.purse for c in found}}
        owe_many(
            connection,
            [
                Debt(
                    claim_no=c.claim_no,
                    payee_uscc=c.uscc,
                    amount_fen=c.claimed_fen,
                    booked_on=on,
                    chart=charts[c.purse],
                )
                for c in found
            ],
            at=at,
        )
    return len(found)


def to_decide(connection: Connection, username: str, *, on: date) -> list[tuple[str, Claim]]:
    """Return the claims that wait for a step this person may take, oldest first."""
    person = auth.user(connection, username)
    if person is None:
        return []
    waiting = []
    for step, state in STEP_FROM.items():
        if STEP_ROLE[step] not in person.roles():
            continue
        taken = select(approvals.c.claim_no).where(approvals.c.username == username)
        already = {row.claim_no for row in connection.execute(taken)}
        waiting += [
            (step, claim_)
            for claim_ in desk(connection, states=[state])
            if person.has(STEP_ROLE[step], department=claim_.department, on=on)
            and claim_.claim_no not in already
        ]
    return waiting


def approval_subject(claim_no: str, round_: int, step: str) -> str:
    """Return the name under which an approval is sealed."""
    return f"{claim_no}/{round_}/{step}"


def approval_digest(
    claim_no: str,
    round_: int,
    step: str,
    username: str,
    decision: str,
    amount_fen: int,
    content: str,
) -> str:
    """Return the SHA-256 of one approval: who decided what on which exact content."""
    return digest_of(claim_no, round_, step, username, decision, amount_fen, content)


def _separate(
    connection: Connection, found: Sequence[Claim], digests: dict[str, str], by: str
) -> None:
    """Refuse a person who took another step of a case, and content that has since changed."""
    numbers = [c.claim_no for c in found]
    rounds = {c.claim_no: c.round for c in found}
    openers = {c.claim_no for c in found if c.opened_by == by}
    if openers:
        raise SeparationError(by, min(openers))
    for part in chunks(numbers):
        query = select(
            approvals.c.claim_no,
            approvals.c.round,
            approvals.c.username,
            approvals.c.content_digest,
        ).where(approvals.c.claim_no.in_(part))
        for row in connection.execute(query):
            if row.username == by:
                raise SeparationError(by, row.claim_no)
            if row.round == rounds[row.claim_no] and row.content_digest != digests[row.claim_no]:
                raise StaleApprovalError(row.claim_no)


def _move(
    connection: Connection,
    found: Sequence[Claim],
    *,
    step: str,
    by: str,
    at: datetime,
    agreed: bool,
    note: str,
) -> None:
    moves = []
    for claim_ in found:
        changes: tuple[tuple[str, object], ...] = ()
        if step == "approve" and agreed:
            amount = claim_.claimed_fen
            changes = (("approved_fen", amount), ("due_fen", amount))
        moves.append(
            Move(
                claim_no=claim_.claim_no,
                to=STEP_TO[step] if agreed else ClaimState.REFUSED,
                event=step if agreed else "refused",
                note=note or ("" if agreed else "不予通过"),
                changes=changes,
            )
        )
    move(connection, moves, by=by, at=at)
