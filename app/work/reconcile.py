"""A day's reconciliation and its sign-off by another person; what arrived becomes final."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Connection

from app import auth
from app.roles import Role
from app.work.receive import sync_claims
from ledger.applications import ApplicationState, get_applications
from ledger.breaks import StoredBreak
from ledger.daily import DayResult, SignOff, matched_applications, reconcile_day, sign_off
from ledger.iso20022 import read_camt053
from ledger.seals import seal_new
from ledger.statement_files import read_bank_csv, read_execution
from ledger.statements import ExecutionImport, StatementImport, import_execution, import_statement
from ledger.steps import Event, Mark, mark_many


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """The result of a day, and how many payments it made final."""

    day: DayResult
    receipted: int

    @property
    def breaks(self) -> Sequence[StoredBreak]:
        """What a person still has to decide."""
        return self.day.breaks


def take_statement(connection: Connection, path: Path, *, at: datetime) -> StatementImport:
    """Import one statement of an agent bank (CSV, XLSX or camt.053); twice changes nothing."""
    is_iso = path.suffix.lower() == ".xml"
    statement = (
        read_camt053(path.read_bytes(), file_name=path.name) if is_iso else read_bank_csv(path)
    )
    return import_statement(connection, statement, at=at)


def take_execution(connection: Connection, path: Path, *, at: datetime) -> ExecutionImport:
    """Import the budget system's own execution of each allotment; twice changes nothing."""
    return import_execution(connection, read_execution(path), at=at)


def reconcile(connection: Connection, *, on: date, by: str, at: datetime) -> Reconciled:
    """Match a day; payments that stand on the bank's statement are receipted (已到账)."""
    auth.require(connection, by, Role.RECONCILER, on=on)
    day = reconcile_day(connection, on=on, by=by, at=at)
    numbers = matched_applications(connection, on=on)
    fresh = [
        item
        for item in get_applications(connection, numbers)
        if item.state is ApplicationState.PAID
    ]
    mark_many(
        connection,
        Event.RECEIPTED,
        [
            Mark(
                application_no=item.application_no,
                on=on,
                ref=f"reconciled/{on.isoformat()}",
                by=by,
            )
            for item in fresh
        ],
        at=at,
    )
    sync_claims(connection, sorted({item.claim_no for item in fresh}), by=by, at=at)
    seal_new(connection, at=at)
    return Reconciled(day=day, receipted=len(fresh))


def sign(connection: Connection, *, on: date, by: str, at: datetime) -> SignOff:
    """Freeze the day with its totals and digest; never by the person who ran the matching."""
    auth.require(connection, by, Role.RECONCILE_SIGNER, on=on)
    signed = sign_off(connection, on=on, by=by, at=at)
    seal_new(connection, at=at)
    return signed
