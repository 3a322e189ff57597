"""After a bounce: the firm's other or newly verified account gets a new application."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection

from app import auth
from app.claims import STATE_ZH, ClaimState, Move, claim, move
from app.errors import ClaimStateError, NoVerifiedAccountError
from app.roles import Role
from app.work.fund import application_number
from ledger.applications import Application, ApplicationState, applications_of_claims, reissue
from matching.profile_store import verified_accounts


def pay_again(
    connection: Connection, claim_no: str, *, account_no: str, by: str, on: date, at: datetime
) -> list[Application]:
    """Make new applications for what the bank returned of a claim, to a verified account.

    The money is still reserved for this claim; the new applications take it over and go the whole
    way again, examined and validated like any other. Raises NotAllowedError, ClaimStateError (not
    bounced) and NoVerifiedAccountError.
    """
    case = claim(connection, claim_no)
    auth.require(connection, by, Role.FINANCE_MAKER, purse=case.purse, on=on)
    if case.state is not ClaimState.BOUNCED:
        raise ClaimStateError(claim_no, STATE_ZH[case.state], "重新支付")
    account = next(
        (a for a in verified_accounts(connection, case.uscc) if a.account_no == account_no), None
    )
    if account is None:
        raise NoVerifiedAccountError(case.uscc)
    before = applications_of_claims(connection, [claim_no])
    taken_over = {item.replaces_no for item in before}
    returned = [
        item
        for item in before
        if item.state is ApplicationState.RETURNED and item.application_no not in taken_over
    ]
    made = [
        reissue(
            connection,
            item.application_no,
            application_no=application_number(claim_no, len(before) + index),
            payee_name=account.account_name,
            payee_account_no=account.account_no,
            payee_bank_name=account.bank_name,
            payee_cnaps=account.cnaps,
            booked_on=on,
            by=by,
            at=at,
        )
        for index, item in enumerate(returned, start=1)
    ]
    step = Move(
        claim_no=claim_no,
        to=ClaimState.RESERVED,
        event="reissued",
        note=f"退汇后重新申请支付, 收款账户尾号 {account.account_no[-4:]}",
        ref=made[0].application_no,
        changes=(
            ("account_name", account.account_name),
            ("account_no", account.account_no),
            ("bank_name", account.bank_name),
            ("cnaps", account.cnaps),
        ),
    )
    move(connection, [step], by=by, at=at)
    return made
