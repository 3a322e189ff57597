"""Profiles out of records: what is known of each enterprise, now or at any past instant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from matching.declarations import declare
from matching.enterprise_list import EnterpriseEntry, enterprise, search_enterprises
from matching.link_review import OpenLink, decide_link, open_links
from matching.live_records import (
    confirmed_runs,
    live_at,
    name_on,
    payloads_of,
    present_names_of,
    records_of,
    registered_codes,
)
from matching.profiles import Profile, Register
from matching.record_facts import FactPlan
from matching.tables import link_queue, records, registers, row_findings
from policies.vocabulary import load_vocabulary

__all__ = [
    "Account",
    "EnterpriseEntry",
    "OpenLink",
    "PayoutElsewhere",
    "accounts_of",
    "decide_link",
    "declare",
    "enterprise",
    "open_links",
    "payouts_elsewhere",
    "payouts_elsewhere_of",
    "profile",
    "profiles",
    "search_enterprises",
    "verified_accounts",
]

_CHUNK = 400
"""Firms read at a time: a few thousand records, whatever the size of the city."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A bank account whose holder a department has verified."""

    account_name: str
    account_no: str
    bank_name: str
    cnaps: str
    verified_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutElsewhere:
    """Money a firm has received outside this system, as its payer reported it."""

    benefit: str
    document_no: str
    year: int
    amount_fen: int
    paid_on: date | None
    payer: str
    record_id: int


def profiles(
    connection: Connection,
    *,
    known_at: datetime | None = None,
    usccs: Sequence[str] | None = None,
) -> Iterator[Profile]:
    """Yield profiles in the order of their codes, a few hundred firms in memory at a time.

    Without ``usccs`` everyone who was registered by then; with it those firms, registered or not.
    ``known_at`` None is now.
    """
    wanted = sorted(set(usccs)) if usccs is not None else registered_codes(connection, known_at)
    if not wanted:
        return
    plan = FactPlan(load_vocabulary())
    confirmed = confirmed_runs(connection, known_at)
    lists = _registers(connection, known_at)
    doubts = _doubts(connection, lists, known_at)
    complete = {code: register for code, (register, _) in lists.items()}
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        held = records_of(connection, chunk, known_at, confirmed)
        names = present_names_of(connection, chunk)
        for uscc in chunk:
            own = held.get(uscc, [])
            yield Profile(
                uscc=uscc,
                name=name_on(own) or names.get(uscc, ""),
                known_at=known_at,
                facts=plan.facts(own),
                registers=_doubted(complete, doubts[uscc]) if uscc in doubts else complete,
            )


def profile(connection: Connection, uscc: str, *, known_at: datetime | None = None) -> Profile:
    """Return one profile; empty but for its registers when nothing is known of the code."""
    return next(profiles(connection, known_at=known_at, usccs=[uscc]))


def verified_accounts(
    connection: Connection, uscc: str, *, known_at: datetime | None = None
) -> list[Account]:
    """Return a firm's verified accounts, the latest verified first."""
    return accounts_of(connection, [uscc], known_at=known_at).get(uscc, [])


def accounts_of(
    connection: Connection, usccs: Sequence[str], *, known_at: datetime | None = None
) -> dict[str, list[Account]]:
    """Return the verified accounts of some firms; those without any are left out."""
    found: dict[str, list[Account]] = {}
    for uscc, payloads in payloads_of(connection, usccs, "bank_account", known_at).items():
        accounts = [
            Account(
                account_name=payload["account_name"],
                account_no=payload["account_no"],
                bank_name=payload["bank_name"],
                cnaps=payload.get("cnaps", ""),
                verified_on=date.fromisoformat(payload["verified_on"]),
            )
            for _, payload in payloads
        ]
        # Equal days: the later delivered account first.
        found[uscc] = sorted(accounts, key=lambda account: account.verified_on)[::-1]
    return found


def payouts_elsewhere(
    connection: Connection, uscc: str, *, known_at: datetime | None = None
) -> list[PayoutElsewhere]:
    """Return what a firm received outside this system, the latest year first."""
    return payouts_elsewhere_of(connection, [uscc], known_at=known_at).get(uscc, [])


def payouts_elsewhere_of(
    connection: Connection, usccs: Sequence[str], *, known_at: datetime | None = None
) -> dict[str, list[PayoutElsewhere]]:
    """Return what some firms received outside this system; those without any are left out."""
    found: dict[str, list[PayoutElsewhere]] = {}
    for uscc, payloads in payloads_of(connection, usccs, "local_payout", known_at).items():
        payouts = [
            PayoutElsewhere(
                benefit=payload["benefit"],
                document_no=payload.get("document_no", ""),
                year=payload["year"],
                amount_fen=payload["amount"],
                paid_on=date.fromisoformat(payload["paid_on"]) if "paid_on" in payload else None,
                payer=payload.get("payer", ""),
                record_id=id_,
            )
            for id_, payload in payloads
        ]
        found[uscc] = sorted(payouts, key=lambda payout: (-payout.year, payout.record_id))
    return found


# --- registers ---------------------------------------------------------------------------------


def _registers(
    connection: Connection, known_at: datetime | None
) -> dict[str, tuple[Register, list[int]]]:
    """Return each list's delivery that counts: the latest complete one if any, else the latest.

    A later partial delivery adds entries and takes nothing away from what absence means. With it
    come the batches that speak of the list's present state: the one that counts and later ones.
    """
    query = select(registers).order_by(
        registers.c.list_code, registers.c.complete, registers.c.as_of, registers.c.batch_id
    )
    if known_at is not None:
        query = query.where(registers.c.received_at <= known_at)
    rows = connection.execute(query).all()
    counting = {row.list_code: row for row in rows}
    return {
        code: (
            Register(code=code, complete=last.complete, as_of=last.as_of),
            _since(rows, last),
        )
        for code, last in counting.items()
    }


def _since(rows: Sequence[Row[Any]], last: Row[Any]) -> list[int]:
    """Return the batches of a list that are not older than the one that counts."""
    start = (last.as_of, last.batch_id)
    return [
        row.batch_id
        for row in rows
        if row.list_code == last.list_code and (row.as_of, row.batch_id) >= start
    ]


def _doubts(
    connection: Connection,
    lists: Mapping[str, tuple[Register, list[int]]],
    known_at: datetime | None,
) -> dict[str, frozenset[str]]:
    """Return the lists on which a firm may stand without our knowing, by firm.

    Such a firm is a candidate of an undecided row, or named by a rejected row of a delivery that
    speaks of the present state: its absence is no knowledge.
    """
    found: dict[str, set[str]] = defaultdict(set)
    queued = (
        select(records.c.source, records.c.list_code, link_queue.c.candidates)
        .join(records, records.c.id == link_queue.c.record_id)
        .where(live_at(known_at))
    )
    undecided = link_queue.c.state == "open"
    if known_at is not None:
        undecided = or_(undecided, link_queue.c.decided_at > known_at)
    for source, list_code, candidates in connection.execute(queued.where(undecided)):
        for candidate in candidates:
            found[candidate["uscc"]].add(list_code or source)
    codes = {batch_id: code for code, (_, batch_ids) in lists.items() for batch_id in batch_ids}
    rejected = (
        select(row_findings.c.batch_id, row_findings.c.uscc)
        .where(
            row_findings.c.batch_id.in_(sorted(codes)),
            row_findings.c.level == "error",
            row_findings.c.uscc.is_not(None),
        )
        .distinct()
    )
    for batch_id, uscc in connection.execute(rejected):
        found[uscc].add(codes[batch_id])
    return {uscc: frozenset(codes) for uscc, codes in found.items()}


def _doubted(complete: Mapping[str, Register], codes: frozenset[str]) -> dict[str, Register]:
    return {
        code: replace(register, complete=False) if code in codes else register
        for code, register in complete.items()
    }
