"""`hqt audit verify`: the ledger's own verification, and the approvals of the department."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, select

from app.tables import approvals, claims
from app.work.decide import approval_digest, approval_subject
from ledger.audit import AuditReport, verify
from ledger.findings import Finding
from ledger.tables import applications, seals


def verify_all(connection: Connection) -> AuditReport:
    """Recompute everything from the rows: journal, applications, statements, seals, approvals."""
    report = verify(connection)
    found = [*_approvals(connection), *_claims(connection)]
    count = connection.execute(select(approvals.c.id)).all()
    return replace(
        report,
        ok=report.ok and not found,
        findings=(*report.findings, *found),
        counts=(*report.counts, ("approvals", len(count))),
    )


def _approvals(connection: Connection) -> list[Finding]:
    """Each approval must be exactly what was sealed when it was made."""
    sealed = {
        row.subject: row.digest
        for row in connection.execute(
            select(seals.c.subject, seals.c.digest).where(seals.c.kind == "approval")
        )
    }
    found = []
    for row in connection.execute(select(approvals).order_by(approvals.c.id)):
        subject = approval_subject(row.claim_no, row.round, row.step)
        digest = approval_digest(
            row.claim_no,
            row.round,
            row.step,
            row.username,
            row.decision,
            row.amount_fen,
            row.content_digest,
        )
        if sealed.pop(subject, None) != digest:
            found.append(
                Finding(
                    code="approval", message="审批记录与封存时不一致, 内容被改动", where=subject
                )
            )
    return found + [
        Finding(code="approval", message="封存过的审批记录不见了", where=subject)
        for subject in sorted(sealed)
    ]


def _claims(connection: Connection) -> list[Finding]:
    """What a claim shows must be what was approved, and what its applications paid."""
    agreed = {
        row.claim_no: row.amount_fen
        for row in connection.execute(
            select(approvals.c.claim_no, approvals.c.amount_fen).where(
                approvals.c.step == "approve", approvals.c.decision == "agree"
            )
        )
    }
    paid: dict[str, int] = {}
    for row in connection.execute(
        select(applications.c.claim_no, applications.c.paid_fen, applications.c.returned_fen)
    ):
        paid[row.claim_no] = paid.get(row.claim_no, 0) + row.paid_fen - row.returned_fen
    found = []
    query = select(claims.c.claim_no, claims.c.approved_fen, claims.c.paid_fen)
    for row in connection.execute(query.order_by(claims.c.claim_no)):
        if row.approved_fen is not None and row.approved_fen != agreed.get(row.claim_no):
            found.append(
                Finding(code="claim-approved", message="审定金额与审批记录不符", where=row.claim_no)
            )
        if row.paid_fen != paid.get(row.claim_no, 0):
            found.append(
                Finding(code="claim-paid", message="实发金额与支付申请不符", where=row.claim_no)
            )
    return found
