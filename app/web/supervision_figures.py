"""What supervision reads: coverage with its three denominators, times, the funnel of notices."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, case, distinct, func, select

from app.clock import day_of
from app.tables import (
    access_log,
    approvals,
    claim_events,
    claims,
    notices,
    outbox,
    sweep_benefits,
    sweeps,
    users,
)
from app.web.lines import Line, Rows
from ledger.columns import sum_fen
from ledger.tables import purses
from matching.sources import DECLARATION
from matching.tables import batches, enterprises, link_queue, records, row_findings
from policies.benefits import Mode
from policies.library import every_benefit

LIVE = "存续"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Firms that got something, over three populations that must not be confused.

    ``reached`` counts firms paid here; ``paid_elsewhere`` firms that a department paid outside.
    """

    live_firms: int
    eligible_firms: int
    reached: int
    paid_elsewhere: int
    paid_any: int
    reached_of_eligible: int
    as_of: date | None
    paid_fen: int
    approved_fen: int
    claims: int


def coverage(connection: Connection) -> Coverage:
    """Count who was paid, who the rules make eligible, and who is alive."""
    live = connection.execute(select(func.count()).where(enterprises.c.status == LIVE)).scalar_one()
    here = set(
        connection.execute(select(claims.c.uscc).where(claims.c.paid_fen > 0).distinct()).scalars()
    )
    elsewhere = set(
        connection.execute(
            select(records.c.uscc)
            .where(
                records.c.source == "local_payout",
                records.c.superseded_at.is_(None),
                records.c.uscc.is_not(None),
            )
            .distinct()
        ).scalars()
    )
    sweep = last_sweep(connection)
    payable = payable_benefits(connection)
    eligible = eligible_firms(connection, sweep, payable) if sweep is not None else set()
    # A firm that was paid had been eligible, whether or not the last sweep still says so.
    entitled = eligible | here
    sums = connection.execute(
        select(
            sum_fen(claims.c.paid_fen).label("paid"),
            sum_fen(claims.c.approved_fen).label("approved"),
            func.count().label("tally"),
        )
    ).one()
    return Coverage(
        live_firms=live,
        eligible_firms=len(entitled),
        reached=len(here),
        paid_elsewhere=len(elsewhere),
        paid_any=len(here | elsewhere),
        reached_of_eligible=len(here & entitled),
        as_of=sweep.as_of if sweep is not None else None,
        paid_fen=int(sums.paid),
        approved_fen=int(sums.approved),
        claims=sums.tally,
    )


def last_sweep(connection: Connection) -> Line | None:
    """Return the last sweep of the whole population."""
    return connection.execute(select(sweeps).order_by(sweeps.c.id.desc()).limit(1)).one_or_none()


def payable_benefits(connection: Connection) -> list[str]:
    """Return the benefits that a purse of ours pays; reliefs taken on filing are none of them."""
    payers = set(connection.execute(select(purses.c.code)).scalars())
    return [
        entry.id
        for entry in every_benefit(connection)
        if entry.mode is not Mode.FILING and entry.purse in payers
    ]


def eligible_firms(connection: Connection, sweep: Line, benefits: Sequence[str]) -> set[str]:
    """Return the firms that the bitmap of any of these benefits marks as eligible."""
    order = zlib.decompress(sweep.firm_order).decode().split("\n")
    plane = bytearray((len(order) + 7) // 8)
    for bits in connection.execute(
        select(sweep_benefits.c.eligible_bits).where(
            sweep_benefits.c.sweep_id == sweep.id, sweep_benefits.c.benefit_id.in_(benefits)
        )
    ).scalars():
        for index, byte in enumerate(zlib.decompress(bits)):
            plane[index] |= byte
    return {uscc for index, uscc in enumerate(order) if plane[index >> 3] >> (index & 7) & 1}


def by_department(connection: Connection) -> Rows:
    """Return cases by department: how many, approved, paid, and the money."""
    return connection.execute(
        select(
            claims.c.department,
            func.count().label("tally"),
            func.sum(case((claims.c.approved_fen.is_not(None), 1), else_=0)).label("approved"),
            func.sum(case((claims.c.paid_fen > 0, 1), else_=0)).label("paid"),
            func.sum(case((claims.c.state == "waiting", 1), else_=0)).label("waiting"),
            sum_fen(claims.c.approved_fen).label("approved_fen"),
            sum_fen(claims.c.paid_fen).label("paid_fen"),
        )
        .group_by(claims.c.department)
        .order_by(claims.c.department)
    ).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How a department keeps its promise: decided in time, late, and still running late."""

    department: str
    decided: int
    in_time: int
    late: int
    running: int
    running_late: int
    days_median: int | None
    pay_days_median: int | None


def times(connection: Connection, today: date) -> list[Times]:
    """Return by department how long decisions and payments took, in calendar days."""
    decided = {
        number: day_of(at)
        for number, at in connection.execute(
            select(approvals.c.claim_no, func.max(approvals.c.decided_at))
            .where(approvals.c.step == "approve")
            .group_by(approvals.c.claim_no)
        ).all()
    }
    paid = {
        number: day_of(at)
        for number, at in connection.execute(
            select(claim_events.c.claim_no, func.max(claim_events.c.at))
            .where(claim_events.c.to_state == "paid")
            .group_by(claim_events.c.claim_no)
        ).all()
    }
    gathered: dict[str, list[Line]] = {}
    query = select(
        claims.c.claim_no, claims.c.department, claims.c.opened_at, claims.c.due_on, claims.c.state
    ).order_by(claims.c.claim_no)
    for row in connection.execute(query):
        gathered.setdefault(row.department, []).append(row)
    return [_times(name, rows, decided, paid, today) for name, rows in sorted(gathered.items())]


def _times(
    department: str,
    rows: Rows,
    decided: dict[str, date],
    paid: dict[str, date],
    today: date,
) -> Times:
    done = [row for row in rows if row.claim_no in decided]
    open_ = [row for row in rows if row.claim_no not in decided and row.state != "refused"]
    in_time = sum(row.due_on is None or decided[row.claim_no] <= row.due_on for row in done)
    return Times(
        department=department,
        decided=len(done),
        in_time=in_time,
        late=len(done) - in_time,
        running=len(open_),
        running_late=sum(row.due_on is not None and row.due_on < today for row in open_),
        days_median=_median([(decided[r.claim_no] - day_of(r.opened_at)).days for r in done]),
        pay_days_median=_median(
            [(paid[r.claim_no] - decided[r.claim_no]).days for r in done if r.claim_no in paid]
        ),
    )


def _median(values: list[int]) -> int | None:
    return sorted(values)[(len(values) - 1) // 2] if values else None


def funnel(connection: Connection) -> Rows:
    """Return notices by kind: written, mailed, read, answered."""
    mailed = select(outbox.c.notice_id).where(outbox.c.state == "sent").distinct().scalar_subquery()
    return connection.execute(
        select(
            notices.c.kind,
            func.count().label("written"),
            func.count(distinct(notices.c.uscc)).label("firms"),
            func.sum(case((notices.c.id.in_(mailed), 1), else_=0)).label("mailed"),
            func.sum(case((notices.c.read_at.is_not(None), 1), else_=0)).label("read"),
            func.sum(case((notices.c.answered_at.is_not(None), 1), else_=0)).label("answered"),
        )
        .group_by(notices.c.kind)
        .order_by(notices.c.kind)
    ).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """One benefit's way from offer to money, counted in firms."""

    benefit_id: str
    offered: int
    read: int
    confirmed: int
    approved: int
    paid: int
    paid_fen: int


def conversions(connection: Connection) -> list[Conversion]:
    """Return for each benefit how many offers were read, confirmed, approved and paid."""
    offered = {
        row.benefit_id: row
        for row in connection.execute(
            select(
                notices.c.benefit_id,
                func.count(distinct(notices.c.uscc)).label("offered"),
                func.sum(case((notices.c.read_at.is_not(None), 1), else_=0)).label("read"),
            )
            .where(notices.c.kind == "offer")
            .group_by(notices.c.benefit_id)
        )
    }
    claimed = {
        row.benefit_id: row
        for row in connection.execute(
            select(
                claims.c.benefit_id,
                func.count().label("confirmed"),
                func.sum(case((claims.c.approved_fen.is_not(None), 1), else_=0)).label("approved"),
                func.sum(case((claims.c.paid_fen > 0, 1), else_=0)).label("paid"),
                sum_fen(claims.c.paid_fen).label("paid_fen"),
            ).group_by(claims.c.benefit_id)
        )
    }
    return [
        Conversion(
            benefit_id=key,
            offered=offered[key].offered if key in offered else 0,
            read=int(offered[key].read) if key in offered else 0,
            confirmed=claimed[key].confirmed if key in claimed else 0,
            approved=int(claimed[key].approved) if key in claimed else 0,
            paid=int(claimed[key].paid) if key in claimed else 0,
            paid_fen=int(claimed[key].paid_fen) if key in claimed else 0,
        )
        for key in sorted({*offered, *claimed})
    ]


def batch_list(connection: Connection) -> Rows:
    """Return the deliveries, newest first, with how many findings each has."""
    return connection.execute(
        select(
            batches,
            select(func.count())
            .where(row_findings.c.batch_id == batches.c.id)
            .scalar_subquery()
            .label("findings"),
        )
        .where(batches.c.source != DECLARATION)
        .order_by(batches.c.received_at.desc(), batches.c.id.desc())
    ).all()


def batch_row(connection: Connection, identity: int) -> Line | None:
    """Return one delivery."""
    return connection.execute(select(batches).where(batches.c.id == identity)).one_or_none()


def count_batch_findings(connection: Connection, identity: int) -> int:
    """Return how many findings a delivery has."""
    query = select(func.count()).where(row_findings.c.batch_id == identity)
    return int(connection.execute(query).scalar_one())


def batch_findings(connection: Connection, identity: int, *, offset: int, limit: int) -> Rows:
    """Return the findings of a delivery, by row."""
    return connection.execute(
        select(row_findings)
        .where(row_findings.c.batch_id == identity)
        .order_by(row_findings.c.row_number, row_findings.c.id)
        .offset(offset)
        .limit(limit)
    ).all()


def batch_codes(connection: Connection, identity: int) -> Rows:
    """Return the findings of a delivery counted by kind."""
    return connection.execute(
        select(row_findings.c.code, row_findings.c.level, func.count().label("tally"))
        .where(row_findings.c.batch_id == identity)
        .group_by(row_findings.c.code, row_findings.c.level)
        .order_by(func.count().desc(), row_findings.c.code)
    ).all()


def count_open_links(connection: Connection) -> int:
    """Return how many rows wait for a person to say whose they are."""
    query = select(func.count()).where(link_queue.c.state == "open")
    return int(connection.execute(query).scalar_one())


def access_rows(connection: Connection, *, offset: int, limit: int) -> Rows:
    """Return who looked at whose data and why, newest first."""
    return connection.execute(
        select(access_log, users.c.display_name, enterprises.c.name.label("firm_name"))
        .outerjoin(users, users.c.username == access_log.c.username)
        .outerjoin(enterprises, enterprises.c.uscc == access_log.c.uscc)
        .order_by(access_log.c.id.desc())
        .offset(offset)
        .limit(limit)
    ).all()


def count_access(connection: Connection) -> int:
    """Return how many looks at firms' data were written down."""
    return int(connection.execute(select(func.count()).select_from(access_log)).scalar_one())
