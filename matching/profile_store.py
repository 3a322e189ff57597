"""Profiles out of records: what is known of each enterprise, now or at any past instant."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from matching.declarations import declare
from matching.enterprise_list import EnterpriseEntry, enterprise, search_enterprises
from matching.link_review import OpenLink, decide_link, open_links
from matching.profiles import Profile, Register
from matching.record_facts import FactPlan, LiveRecord
from matching.tables import (
    batches,
    confirmations,
    enterprises,
    link_queue,
    records,
    registers,
    row_findings,
)
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
    wanted = sorted(set(usccs)) if usccs is not None else _registered(connection, known_at)
    if not wanted:
        return
    plan = FactPlan(load_vocabulary())
    confirmed = _confirmed(connection, known_at)
    lists = _registers(connection, known_at)
    doubts = _doubts(connection, lists, known_at)
    complete = {code: register for code, (register, _) in lists.items()}
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        held = _records(connection, chunk, known_at, confirmed)
        names = _names(connection, chunk)
        for uscc in chunk:
            own = held.get(uscc, [])
            yield Profile(
                uscc=uscc,
                name=_name(own) or names.get(uscc, ""),
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
    for uscc, payloads in _payloads(connection, usccs, "bank_account", known_at).items():
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
    for uscc, payloads in _payloads(connection, usccs, "local_payout", known_at).items():
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


# --- reading records ---------------------------------------------------------------------------


def _live_at(known_at: datetime | None) -> ColumnElement[bool]:
    """Test whether a record counted at an instant; None is now."""
    if known_at is None:
        return records.c.superseded_at.is_(None)
    return and_(
        records.c.received_at <= known_at,
        or_(records.c.superseded_at.is_(None), records.c.superseded_at > known_at),
    )


def _registered(connection: Connection, known_at: datetime | None) -> list[str]:
    query = (
        select(records.c.uscc)
        .distinct()
        .where(records.c.source == "registration", _live_at(known_at))
        .order_by(records.c.uscc)
    )
    return [uscc for uscc in connection.scalars(query).all() if uscc is not None]


def _records(
    connection: Connection,
    usccs: Sequence[str],
    known_at: datetime | None,
    confirmed: Mapping[tuple[str, str], Sequence[_Runs]],
) -> dict[str, list[LiveRecord]]:
    query = (
        select(
            records.c.uscc,
            records.c.id,
            records.c.source,
            records.c.list_code,
            records.c.record_key,
            records.c.payload,
            records.c.as_of,
        )
        .where(records.c.uscc.in_(usccs), _live_at(known_at))
        .order_by(records.c.uscc, records.c.id)
    )
    held: dict[str, list[LiveRecord]] = {}
    for uscc, own in groupby(connection.execute(query).all(), key=lambda row: row[0]):
        made = [LiveRecord._make(row[1:]) for row in own]
        held[uscc] = [_vouched(record, confirmed) for record in made] if confirmed else made
    return held


def _payloads(
    connection: Connection, usccs: Sequence[str], source: str, known_at: datetime | None
) -> dict[str, list[tuple[int, Mapping[str, Any]]]]:
    """Return the live records of one kind by firm, one a key, in order of arrival."""
    latest: dict[str, dict[str, tuple[int, Mapping[str, Any]]]] = defaultdict(dict)
    for start in range(0, len(usccs), _CHUNK):
        query = (
            select(records.c.uscc, records.c.id, records.c.record_key, records.c.payload)
            .where(
                records.c.uscc.in_(usccs[start : start + _CHUNK]),
                records.c.source == source,
                _live_at(known_at),
            )
            .order_by(records.c.as_of, records.c.id)
        )
        for uscc, id_, key, payload in connection.execute(query):
            latest[str(uscc)][key] = (id_, payload)
    return {
        uscc: sorted(entries.values(), key=lambda entry: entry[0])
        for uscc, entries in latest.items()
    }


def _name(own: Iterable[LiveRecord]) -> str:
    """Return the name on the newest registration."""
    named = [r for r in own if r.source == "registration"]
    return str(max(named, key=lambda r: (r.as_of, r.id)).payload["name"]) if named else ""


def _names(connection: Connection, usccs: Sequence[str]) -> dict[str, str]:
    query = select(enterprises.c.uscc, enterprises.c.name).where(enterprises.c.uscc.in_(usccs))
    return {row.uscc: row.name for row in connection.execute(query)}


# --- confirmations -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Runs:
    """Records one delivery repeated unchanged."""

    as_of: date
    firsts: list[int]
    lasts: list[int]

    def holds(self, record_id: int) -> bool:
        place = bisect_right(self.firsts, record_id) - 1
        return place >= 0 and record_id <= self.lasts[place]


def _confirmed(
    connection: Connection, known_at: datetime | None
) -> dict[tuple[str, str], list[_Runs]]:
    """Return the repetitions of each source and list, the newest first."""
    query = (
        select(
            batches.c.source,
            batches.c.list_code,
            confirmations.c.batch_id,
            confirmations.c.as_of,
            confirmations.c.first_record,
            confirmations.c.last_record,
        )
        .join(batches, batches.c.id == confirmations.c.batch_id)
        .order_by(confirmations.c.batch_id, confirmations.c.first_record)
    )
    if known_at is not None:
        query = query.where(confirmations.c.received_at <= known_at)
    runs: dict[tuple[str, str, int], _Runs] = {}
    for source, list_code, batch_id, as_of, first, last in connection.execute(query):
        own = runs.setdefault((source, list_code, batch_id), _Runs(as_of, [], []))
        own.firsts.append(first)
        own.lasts.append(last)
    found: dict[tuple[str, str], list[_Runs]] = defaultdict(list)
    for (source, list_code, _), own in runs.items():
        found[source, list_code].append(own)
    for listed in found.values():
        listed.sort(key=lambda own: own.as_of, reverse=True)
    return dict(found)


def _vouched(
    record: LiveRecord, confirmed: Mapping[tuple[str, str], Sequence[_Runs]]
) -> LiveRecord:
    for runs in confirmed.get((record.source, record.list_code), ()):
        if runs.as_of <= record.as_of:
            break
        if runs.holds(record.id):
            return record._replace(as_of=runs.as_of)
    return record


# --- registers ---------------------------------------------------------------------------------


def _registers(
    connection: Connection, known_at: datetime | None
) -> dict[str, tuple[Register, int]]:
    """Return each list's delivery that counts, with its batch: the latest complete one if any.

    A later partial delivery adds entries and takes nothing away from what absence means.
    """
    query = select(registers).order_by(
        registers.c.list_code, registers.c.complete, registers.c.as_of, registers.c.batch_id
    )
    if known_at is not None:
        query = query.where(registers.c.received_at <= known_at)
    return {
        row.list_code: (
            Register(code=row.list_code, complete=row.complete, as_of=row.as_of),
            row.batch_id,
        )
        for row in connection.execute(query)
    }


def _doubts(
    connection: Connection,
    lists: Mapping[str, tuple[Register, int]],
    known_at: datetime | None,
) -> dict[str, frozenset[str]]:
    """Return the lists on which a firm may stand without our knowing, by firm.

    Such a firm is a candidate of an undecided row, or named by a rejected row of the delivery
    that counts: its absence is no knowledge.
    """
    found: dict[str, set[str]] = defaultdict(set)
    queued = (
        select(records.c.source, records.c.list_code, link_queue.c.candidates)
        .join(records, records.c.id == link_queue.c.record_id)
        .where(_live_at(known_at))
    )
    undecided = link_queue.c.state == "open"
    if known_at is not None:
        undecided = or_(undecided, link_queue.c.decided_at > known_at)
    for source, list_code, candidates in connection.execute(queued.where(undecided)):
        for candidate in candidates:
            found[candidate["uscc"]].add(list_code or source)
    codes = {batch_id: code for code, (_, batch_id) in lists.items()}
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
