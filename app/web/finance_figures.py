"""What the finance desk reads: lists and sums over the ledger's tables, nothing changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, case, func, select

from app.clock import day_of
from app.tables import claims
from app.web.lines import Line, Rows
from ledger.accounts import Book
from ledger.allotments import AllotmentStages
from ledger.columns import sum_fen
from ledger.tables import (
    accounts,
    allotments,
    answer_lines,
    application_events,
    applications,
    breaks,
    journal,
    match_groups,
    match_lines,
    package_lines,
    packages,
    periods,
    plans,
    purses,
    reconcile_runs,
    sign_offs,
    statement_lines,
    statements,
)

OPEN_STATES = ("open", "explained")
AGES = ((0, 1, "1 日以内"), (2, 5, "2-5 日"), (6, 10, "6-10 日"), (11, 9999, "10 日以上"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSums:
    """Sums over allotments, fen."""

    appropriation: int
    available: int
    reserved: int
    in_transit: int
    spent: int
    overdrawn: int


def stage_sums(rows: Sequence[AllotmentStages]) -> StageSums:
    """Add up where the money of some allotments stands."""
    return StageSums(
        appropriation=sum(r.appropriation_fen for r in rows),
        available=sum(r.available_fen for r in rows),
        reserved=sum(r.reserved_fen for r in rows),
        in_transit=sum(r.in_transit_fen for r in rows),
        spent=sum(r.spent_fen for r in rows),
        overdrawn=sum(r.overdrawn_fen for r in rows),
    )


def purse_names(connection: Connection) -> dict[str, str]:
    """Return the purses by code with their names."""
    query = select(purses.c.code, purses.c.name_zh).order_by(purses.c.code)
    return dict(connection.execute(query).all())


def plan_rows(connection: Connection, purse: str = "") -> Rows:
    """Return monthly plans with their allotment, by purse, allotment and month."""
    query = (
        select(plans, allotments.c.doc_no, allotments.c.project_name, allotments.c.purse)
        .join(allotments, allotments.c.allotment_no == plans.c.allotment_no)
        .order_by(allotments.c.purse, plans.c.allotment_no, plans.c.plan_month)
    )
    if purse:
        query = query.where(allotments.c.purse == purse)
    return connection.execute(query).all()


def to_push(connection: Connection) -> Rows:
    """Return by purse how many reserved applications wait to be packed, and their sum."""
    return connection.execute(
        select(
            applications.c.purse,
            purses.c.name_zh,
            purses.c.channel,
            func.count().label("tally"),
            sum_fen(applications.c.amount_fen).label("total_fen"),
        )
        .join(purses, purses.c.code == applications.c.purse)
        .where(applications.c.state == "reserved")
        .group_by(applications.c.purse, purses.c.name_zh, purses.c.channel)
        .order_by(applications.c.purse)
    ).all()


def count_to_push(connection: Connection) -> int:
    """Return how many reserved applications wait to be packed."""
    query = select(func.count()).where(applications.c.state == "reserved")
    return int(connection.execute(query).scalar_one())


def application_states(connection: Connection) -> Rows:
    """Return applications counted and summed by state."""
    return connection.execute(
        select(
            applications.c.state,
            func.count().label("tally"),
            sum_fen(applications.c.amount_fen).label("total_fen"),
        )
        .group_by(applications.c.state)
        .order_by(applications.c.state)
    ).all()


def package_list(connection: Connection) -> Rows:
    """Return the packages, newest first."""
    return connection.execute(
        select(packages, packages.c.count.label("size"), purses.c.name_zh.label("purse_name"))
        .join(purses, purses.c.code == packages.c.purse)
        .order_by(packages.c.made_at.desc(), packages.c.package_no.desc())
    ).all()


def package_row(connection: Connection, number: str) -> Line | None:
    """Return one package."""
    return connection.execute(
        select(packages, packages.c.count.label("size"), purses.c.name_zh.label("purse_name"))
        .join(purses, purses.c.code == packages.c.purse)
        .where(packages.c.package_no == number)
    ).one_or_none()


def count_package_lines(connection: Connection, number: str) -> int:
    """Return how many applications a package holds."""
    query = select(func.count()).where(package_lines.c.package_no == number)
    return int(connection.execute(query).scalar_one())


def package_content(connection: Connection, number: str, *, offset: int, limit: int) -> Rows:
    """Return the applications of a package, by line."""
    return connection.execute(
        select(package_lines.c.line, applications)
        .join(applications, applications.c.application_no == package_lines.c.application_no)
        .where(package_lines.c.package_no == number)
        .order_by(package_lines.c.line)
        .offset(offset)
        .limit(limit)
    ).all()


def package_answers(connection: Connection, number: str) -> Rows:
    """Return what finance answered to a package, by kind and effect."""
    members = select(package_lines.c.application_no).where(package_lines.c.package_no == number)
    return connection.execute(
        select(
            answer_lines.c.kind,
            answer_lines.c.effect,
            func.count().label("tally"),
            sum_fen(answer_lines.c.amount_fen).label("total_fen"),
            func.max(answer_lines.c.on_date).label("latest_on"),
        )
        .where(answer_lines.c.application_no.in_(members))
        .group_by(answer_lines.c.kind, answer_lines.c.effect)
        .order_by(func.min(answer_lines.c.id))
    ).all()


def applications_of(connection: Connection, claim_no: str) -> Rows:
    """Return the payment applications of one claim with the allotment they draw on."""
    return connection.execute(
        select(applications, allotments.c.doc_no, purses.c.name_zh.label("purse_name"))
        .join(allotments, allotments.c.allotment_no == applications.c.allotment_no)
        .join(purses, purses.c.code == applications.c.purse)
        .where(applications.c.claim_no == claim_no)
        .order_by(applications.c.created_at, applications.c.application_no)
    ).all()


def application_history(connection: Connection, claim_no: str) -> Rows:
    """Return what happened to the payment applications of one claim, in order."""
    return connection.execute(
        select(application_events)
        .join(applications, applications.c.application_no == application_events.c.application_no)
        .where(applications.c.claim_no == claim_no)
        .order_by(
            application_events.c.at, application_events.c.application_no, application_events.c.seq
        )
    ).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileDay:
    """One day of reconciliation: what came, what matched, what is open, who signed."""

    on: date
    lines: int
    lines_fen: int
    matched: int
    matched_fen: int
    found_breaks: int
    open_breaks: int
    matched_by: str
    signed_by: str


def days(connection: Connection) -> list[ReconcileDay]:
    """Return every day on which the bank booked, something matched or a break was found."""
    lines = {
        row.day: row
        for row in connection.execute(
            select(
                statement_lines.c.booked_on.label("day"),
                func.count().label("tally"),
                sum_fen(statement_lines.c.amount_fen).label("total"),
            ).group_by(statement_lines.c.booked_on)
        )
    }
    groups = {
        row.day: row
        for row in connection.execute(
            select(
                match_groups.c.on_date.label("day"),
                func.count().label("tally"),
                sum_fen(match_groups.c.amount_fen).label("total"),
            )
            .where(match_groups.c.live)
            .group_by(match_groups.c.on_date)
        )
    }
    found = {
        row.day: row
        for row in connection.execute(
            select(
                breaks.c.found_on.label("day"),
                func.count().label("tally"),
                func.sum(case((breaks.c.state.in_(OPEN_STATES), 1), else_=0)).label("open"),
            ).group_by(breaks.c.found_on)
        )
    }
    runs = dict(
        connection.execute(
            select(reconcile_runs.c.on_date, func.max(reconcile_runs.c.matched_by)).group_by(
                reconcile_runs.c.on_date
            )
        ).all()
    )
    signed = dict(connection.execute(select(sign_offs.c.on_date, sign_offs.c.signed_by)).all())
    every = sorted({*lines, *groups, *found, *runs, *signed}, reverse=True)
    return [
        ReconcileDay(
            on=day,
            lines=lines[day].tally if day in lines else 0,
            lines_fen=int(lines[day].total) if day in lines else 0,
            matched=groups[day].tally if day in groups else 0,
            matched_fen=int(groups[day].total) if day in groups else 0,
            found_breaks=found[day].tally if day in found else 0,
            open_breaks=int(found[day].open) if day in found else 0,
            matched_by=runs.get(day, ""),
            signed_by=signed.get(day, ""),
        )
        for day in every
    ]


def day_statements(connection: Connection, on: date) -> Rows:
    """Return the statements that cover a day, with their control totals."""
    return connection.execute(
        select(
            statements,
            purses.c.name_zh.label("purse_name"),
            select(func.count())
            .where(statement_lines.c.statement_id == statements.c.id)
            .scalar_subquery()
            .label("lines"),
        )
        .join(purses, purses.c.code == statements.c.purse)
        .where(statements.c.from_on <= on, statements.c.to_on >= on)
        .order_by(statements.c.purse, statements.c.statement_no)
    ).all()


def day_rules(connection: Connection, on: date) -> Rows:
    """Return what matched on a day by rule."""
    return connection.execute(
        select(
            match_groups.c.rule,
            func.count().label("tally"),
            sum_fen(match_groups.c.amount_fen).label("total_fen"),
        )
        .where(match_groups.c.on_date == on, match_groups.c.live)
        .group_by(match_groups.c.rule)
        .order_by(match_groups.c.rule)
    ).all()


def day_run(connection: Connection, on: date) -> Line | None:
    """Return the latest matching run of a day."""
    return connection.execute(
        select(reconcile_runs)
        .where(reconcile_runs.c.on_date == on)
        .order_by(reconcile_runs.c.id.desc())
        .limit(1)
    ).one_or_none()


def day_sign_off(connection: Connection, on: date) -> Line | None:
    """Return the sign-off that froze a day."""
    return connection.execute(
        select(sign_offs).where(sign_offs.c.on_date == on).limit(1)
    ).one_or_none()


def break_list(
    connection: Connection,
    *,
    on: date | None = None,
    state: str = "open",
    class_: str = "",
) -> Rows:
    """Return breaks, oldest first; ``state`` open means not closed, all means every one."""
    query = select(breaks).order_by(breaks.c.found_on, breaks.c["class"], breaks.c.id)
    if on is not None:
        query = query.where(breaks.c.found_on == on)
    if state == "open":
        query = query.where(breaks.c.state.in_(OPEN_STATES))
    elif state == "closed":
        query = query.where(breaks.c.state == "closed")
    if class_:
        query = query.where(breaks.c["class"] == class_)
    return connection.execute(query).all()


def count_open_breaks(connection: Connection) -> int:
    """Return how many breaks are not closed."""
    query = select(func.count()).where(breaks.c.state.in_(OPEN_STATES))
    return int(connection.execute(query).scalar_one())


def break_row(connection: Connection, identity: str) -> Line | None:
    """Return one break."""
    return connection.execute(select(breaks).where(breaks.c.id == identity)).one_or_none()


def break_sides(connection: Connection, refs: Sequence[str]) -> tuple[Rows, Rows]:
    """Return the applications and the bank lines a break speaks of."""
    texts = [str(ref) for ref in refs]
    ours = connection.execute(
        select(applications)
        .where(applications.c.application_no.in_(texts))
        .order_by(applications.c.application_no)
    ).all()
    numbers = [row.application_no for row in ours] or texts
    theirs = connection.execute(
        select(statement_lines)
        .where(
            statement_lines.c.bank_serial.in_(texts)
            | statement_lines.c.ref.in_(numbers)
            | statement_lines.c.ref.in_(texts)
        )
        .order_by(statement_lines.c.booked_on, statement_lines.c.id)
    ).all()
    return ours, theirs


def ages(rows: Rows, today: date) -> list[tuple[str, int]]:
    """Count breaks by age in days: same day and next, up to 5, up to 10, older."""
    return [
        (label, sum(low <= (today - row.found_on).days <= high for row in rows))
        for low, high, label in AGES
    ]


def period_rows(connection: Connection) -> Rows:
    """Return the periods with how many entries were booked in each."""
    return connection.execute(
        select(
            periods,
            select(func.count())
            .where(journal.c.period == periods.c.period)
            .scalar_subquery()
            .label("entries"),
        ).order_by(periods.c.period.desc())
    ).all()


def account_rows(connection: Connection, book: str) -> Rows:
    """Return the accounts of a book that are not zero, receivers' details folded into one line."""
    head = accounts.c.code
    query = (
        select(head, accounts.c.name_zh, accounts.c.normal, accounts.c.balance_fen)
        .where(accounts.c.book == book, accounts.c.balance_fen != 0)
        .order_by(head)
    )
    if book != Book.BUDGET.value:
        query = query.where(~head.like("%:%:%"))
    return connection.execute(query).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """What is owed to one receiver: approved and not yet paid, with the oldest approval."""

    uscc: str
    name: str
    claims: int
    owed_fen: int
    oldest_days: int
    waits_for: str


def payables(connection: Connection, today: date) -> list[Payable]:
    """Return what is owed by receiver, oldest first."""
    rows = connection.execute(
        select(
            claims.c.uscc,
            func.max(claims.c.firm_name).label("name"),
            func.count().label("tally"),
            sum_fen(claims.c.approved_fen - claims.c.paid_fen).label("owed"),
            func.min(claims.c.opened_at).label("oldest"),
            func.max(claims.c.waits_for).label("waits_for"),
        )
        .where(
            claims.c.approved_fen > claims.c.paid_fen,
            claims.c.state.not_in(("refused",)),
        )
        .group_by(claims.c.uscc)
    )
    found = [
        Payable(
            uscc=row.uscc,
            name=row.name,
            claims=row.tally,
            owed_fen=int(row.owed),
            oldest_days=(today - day_of(row.oldest)).days,
            waits_for=row.waits_for,
        )
        for row in rows
    ]
    return sorted(found, key=lambda p: (-p.oldest_days, -p.owed_fen, p.uscc))


def matched_lines(connection: Connection, on: date, limit: int) -> Rows:
    """Return examples of what matched on a day: rule, our reference and the amount."""
    return connection.execute(
        select(match_groups.c.rule, match_lines.c.side, match_lines.c.ref, match_lines.c.amount_fen)
        .join(match_lines, match_lines.c.group_id == match_groups.c.id)
        .where(
            match_groups.c.on_date == on, match_groups.c.live, match_lines.c.side == "application"
        )
        .order_by(match_groups.c.id)
        .limit(limit)
    ).all()


def waiting_by_reason(connection: Connection, purse: str = "") -> Rows:
    """Return the approved claims that wait for money, by purse, purpose and reason."""
    query = (
        select(
            claims.c.purse,
            claims.c.purpose,
            claims.c.waits_for,
            claims.c.expected_budget_year,
            func.count().label("tally"),
            sum_fen(claims.c.due_fen).label("total_fen"),
        )
        .where(claims.c.state == "waiting")
        .group_by(
            claims.c.purse, claims.c.purpose, claims.c.waits_for, claims.c.expected_budget_year
        )
        .order_by(claims.c.purse, claims.c.purpose, claims.c.waits_for)
    )
    if purse:
        query = query.where(claims.c.purse == purse)
    return connection.execute(query).all()
