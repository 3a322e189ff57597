"""What the department owes to receivers, and what receivers have to give back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from ledger.accounts import Chart, load_chart, open_accounts
from ledger.journal import Leg, Posting, PostResult, post


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """An approved amount owed to a payee for one part of a claim."""

    claim_no: str
    payee_uscc: str
    amount_fen: int
    booked_on: date
    part: int = 1
    chart: str = "department"
    document_ref: str | None = None


def owe(
    connection: Connection,
    *,
    claim_no: str,
    payee_uscc: str,
    amount_fen: int,
    booked_on: date,
    at: datetime,
    part: int = 1,
    chart: str = "department",
    document_ref: str | None = None,
) -> PostResult:
    """Book an approval: expense against the payable of the payee; its key is ``owe_key``."""
    debt = Debt(
        claim_no=claim_no,
        payee_uscc=payee_uscc,
        amount_fen=amount_fen,
        booked_on=booked_on,
        part=part,
        chart=chart,
        document_ref=document_ref,
    )
    return owe_many(connection, [debt], at=at)


def owe_many(connection: Connection, debts: Sequence[Debt], *, at: datetime) -> PostResult:
    """Book many approvals; the same again is a replay."""
    postings: list[Posting] = []
    opened = []
    for debt in debts:
        chart = load_chart(debt.chart)
        expense = chart.account("expense", debt.booked_on)
        payable = chart.account("payable", debt.booked_on, debt.payee_uscc)
        opened += [expense, payable]
        postings.append(
            Posting(
                key=owe_key(debt.claim_no, debt.part),
                kind="owe",
                booked_on=debt.booked_on,
                narration=f"审定应付 {debt.claim_no}",
                legs=(Leg(debit=expense.code, credit=payable.code, amount_fen=debt.amount_fen),),
                claim_no=debt.claim_no,
                document_ref=debt.document_ref,
            )
        )
    open_accounts(connection, opened)
    return post(connection, postings, at=at)


def owe_key(claim_no: str, part: int = 1) -> str:
    """Return the journal key of an approval, for reversing it."""
    return f"owe:{claim_no}:{part}"


def claim_back(
    connection: Connection,
    *,
    decision_no: str,
    claim_no: str,
    payee_uscc: str,
    amount_fen: int,
    booked_on: date,
    at: datetime,
    chart: str = "department",
) -> PostResult:
    """Book a decision to recover money: a receivable, due to the treasury once it is in."""
    return _recovery(
        connection, load_chart(chart), ("clawback", "clawback_due"), "claim_back", decision_no,
        claim_no, payee_uscc, amount_fen, booked_on, f"追回决定 {decision_no}", at,
    )  # fmt: skip


def recovered(
    connection: Connection,
    *,
    receipt_no: str,
    claim_no: str,
    payee_uscc: str,
    amount_fen: int,
    booked_on: date,
    at: datetime,
    chart: str = "department",
) -> PostResult:
    """Book money a receiver gave back; it can never exceed what was claimed back."""
    return _recovery(
        connection, load_chart(chart), ("bank", "clawback"), "recovered", receipt_no,
        claim_no, payee_uscc, amount_fen, booked_on, f"收回款项 {receipt_no}", at,
    )  # fmt: skip


def remitted(
    connection: Connection,
    *,
    receipt_no: str,
    amount_fen: int,
    booked_on: date,
    at: datetime,
    chart: str = "department",
) -> PostResult:
    """Book recovered money handed to the treasury."""
    return _recovery(
        connection, load_chart(chart), ("clawback_due", "bank"), "remitted", receipt_no,
        None, "", amount_fen, booked_on, f"缴入国库 {receipt_no}", at,
    )  # fmt: skip


def _recovery(
    connection: Connection,
    chart: Chart,
    roles: tuple[str, str],
    kind: str,
    number: str,
    claim_no: str | None,
    payee_uscc: str,
    amount_fen: int,
    booked_on: date,
    narration: str,
    at: datetime,
) -> PostResult:
    debit, credit = (chart.account(role, booked_on, payee_uscc) for role in roles)
    open_accounts(connection, [debit, credit])
    posting = Posting(
        key=f"{kind}:{number}",
        kind=kind,
        booked_on=booked_on,
        narration=narration,
        legs=(Leg(debit=debit.code, credit=credit.code, amount_fen=amount_fen),),
        claim_no=claim_no,
        document_ref=number,
    )
    return post(connection, [posting], at=at)
