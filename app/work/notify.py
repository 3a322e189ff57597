"""Notices: at most one per firm, benefit version and reason, written with what caused it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from app.channels import Channel
from app.claims import Claim
from app.tables import notices, outbox
from ledger.bulk import chunks
from ledger.money import display
from matching.enterprise_list import mail_addresses
from policies.benefits import Benefit


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A notice to be written unless the firm already has one for this reason."""

    uscc: str
    benefit_id: str
    benefit_version: int
    kind: str
    reason: str
    title: str
    body: str
    award_fen: int | None = None
    claim_no: str | None = None


MODE_ZH = {
    "direct": "免申即享",
    "instant": "即申即享",
    "promised": "承诺兑现",
    "apply": "申报",
    "filing": "申报享受",
}


def offer_draft(
    uscc: str, benefit: Benefit, *, period: str, due_fen: int, ask_for_account: bool
) -> Draft:
    """Tell a firm what it can get, how much, and what one step is left."""
    step = (
        "请先核验本企业收款账户, 再确认金额。"
        if ask_for_account
        else "请核对金额和收款账户, 一次确认即可。"
    )
    return Draft(
        uscc=uscc,
        benefit_id=benefit.id,
        benefit_version=benefit.version,
        kind="offer",
        reason=f"eligible/{period}",
        title=f"可享: {benefit.name.zh} {display(due_fen)}",
        body=(
            f"贵企业符合“{benefit.name.zh}”的全部条件, 测算金额 {display(due_fen)}。"
            f"兑现方式: {MODE_ZH[benefit.mode]}; 依据: {benefit.document.title}{benefit.basis}。"
            f"{step}"
        ),
        award_fen=due_fen,
    )


def question_draft(
    uscc: str, benefit: Benefit, *, period: str, question_zh: str, field: str
) -> Draft:
    """Ask the one thing that is missing, with the benefit it would decide."""
    return Draft(
        uscc=uscc,
        benefit_id=benefit.id,
        benefit_version=benefit.version,
        kind="question",
        reason=f"missing/{field}/{period}",
        title=f"还差一项: {benefit.name.zh}",
        body=f"“{benefit.name.zh}”其余条件均已核实, 只需回答: {question_zh}",
    )


def progress_draft(claim_: Claim, *, title: str, body: str, reason: str) -> Draft:
    """Tell a firm that its case moved, or what it waits for."""
    return Draft(
        uscc=claim_.uscc,
        benefit_id=claim_.benefit_id,
        benefit_version=claim_.benefit_version,
        kind="progress",
        reason=f"{reason}/{claim_.claim_no}",
        title=title,
        body=body,
        claim_no=claim_.claim_no,
    )


def write(connection: Connection, drafts: Iterable[Draft], *, at: datetime) -> int:
    """Write the notices that are new, with their way out; returns how many were written.

    A notice goes to the mail address the register has; firms without one get the inbox only.
    """
    wanted = {(d.uscc, d.benefit_id, d.benefit_version, d.reason): d for d in drafts}
    fresh = [wanted[key] for key in sorted(set(wanted) - _known(connection, wanted))]
    addresses = mail_addresses(connection, sorted({d.uscc for d in fresh}))
    for part in chunks(fresh, 500):
        _write(connection, part, addresses, at)
    return len(fresh)


def message_id(draft: Draft) -> str:
    """Return a stable identity for one notice, so that receivers drop a second copy."""
    key = "|".join([draft.uscc, draft.benefit_id, str(draft.benefit_version), draft.reason])
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@huiqitong>"


_Key = tuple[str, str, int, str]


def _known(connection: Connection, wanted: Mapping[_Key, Draft]) -> set[_Key]:
    usccs = sorted({key[0] for key in wanted})
    known: set[_Key] = set()
    for part in chunks(usccs):
        query = select(
            notices.c.uscc, notices.c.benefit_id, notices.c.benefit_version, notices.c.reason
        ).where(notices.c.uscc.in_(part))
        known |= {
            (r.uscc, r.benefit_id, r.benefit_version, r.reason) for r in connection.execute(query)
        }
    return known


def _write(
    connection: Connection, drafts: Sequence[Draft], addresses: Mapping[str, str], at: datetime
) -> None:
    identities = connection.execute(
        insert(notices).returning(notices.c.id, sort_by_parameter_order=True),
        [
            {
                "uscc": d.uscc,
                "benefit_id": d.benefit_id,
                "benefit_version": d.benefit_version,
                "kind": d.kind,
                "reason": d.reason,
                "title": d.title,
                "body": d.body,
                "award_fen": d.award_fen,
                "claim_no": d.claim_no,
                "created_at": at,
            }
            for d in drafts
        ],
    ).scalars()
    letters = [
        {
            "notice_id": identity,
            "channel": Channel.MAIL.value,
            "address": addresses[draft.uscc],
            "message_id": message_id(draft),
            "state": "queued",
            "attempts": 0,
            "last_error": "",
        }
        for identity, draft in zip(identities, drafts, strict=True)
        if addresses.get(draft.uscc)
    ]
    if letters:
        connection.execute(insert(outbox), letters)
