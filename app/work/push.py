"""Push to finance: examined, packed, checked and released by three people, then sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from app import auth
from app.claims import ClaimState, Move, claims_by_no, desk, move
from app.errors import AppError, SeparationError
from app.roles import Role
from app.tables import approvals
from app.work.before_release import ReleaseFinding, examine
from ledger.applications import (
    Application,
    ApplicationState,
    get_applications,
    list_applications,
)
from ledger.bulk import chunks
from ledger.candidates import load_facts
from ledger.findings import Finding
from ledger.packages import (
    Package,
    PackageFile,
    check_package,
    get_package,
    make_package,
    mark_package_sent,
    mark_package_unknown,
    release_package,
)
from ledger.validation import VerifiedAccount, stops, validate_applications
from matching.profile_store import accounts_of


class NothingToPushError(AppError):
    """No reserved application of the purse passed examination and validation."""

    def __init__(self, purse: str) -> None:
        super().__init__(f"账套 {purse} 没有可推送的支付申请")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A package made, and what stayed behind with the reason."""

    package: Package
    held: tuple[ReleaseFinding, ...]
    invalid: tuple[Finding, ...]


def prepare(connection: Connection, *, purse: str, by: str, on: date, at: datetime) -> Prepared:
    """Examine and validate what is reserved of a purse and bind what passes into a package.

    Raises NotAllowedError, SeparationError (the maker decided on one of the claims) and
    NothingToPushError.
    """
    auth.require(connection, by, Role.FINANCE_MAKER, purse=purse, on=on)
    waiting = desk(connection, purse=purse, states=[ClaimState.RESERVED])
    held = examine(connection, [c.claim_no for c in waiting], on=on, by=by, at=at)
    stopped = {finding.claim_no for finding in held}
    ready = [
        item
        for item in list_applications(connection, purse=purse, states=[ApplicationState.RESERVED])
        if item.claim_no not in stopped
    ]
    _separate(connection, ready, by)
    accounts = _accounts(connection, ready)
    facts = load_facts(connection, ready, purse=purse, accounts=accounts, on=on)
    invalid = validate_applications(ready, facts)
    refused = {finding.where for finding in stops(invalid)}
    good = [item for item in ready if item.application_no not in refused]
    if not good:
        raise NothingToPushError(purse)
    package = make_package(
        connection,
        purse=purse,
        application_nos=[item.application_no for item in good],
        on=on,
        by=by,
        at=at,
    )
    return Prepared(package=package, held=tuple(held), invalid=tuple(invalid))


def check(
    connection: Connection, package_no: str, *, by: str, on: date, at: datetime, digest: str = ""
) -> Package:
    """Let a second person of finance confirm the package's exact content."""
    package = get_package(connection, package_no)
    auth.require(connection, by, Role.FINANCE_CHECKER, purse=package.purse, on=on)
    return check_package(connection, package_no, by=by, at=at, digest=digest or None)


def release(
    connection: Connection, package_no: str, *, by: str, on: date, at: datetime, key: bytes
) -> PackageFile:
    """Let a third person release the package; returns the signed files to hand over."""
    package = get_package(connection, package_no)
    auth.require(connection, by, Role.FINANCE_RELEASER, purse=package.purse, on=on)
    return release_package(connection, package_no, by=by, at=at, key=key)


def sent(
    connection: Connection, package_no: str, *, by: str, on: date, at: datetime, known: bool = True
) -> Package:
    """Record the hand-over, or that no reply came; the firms' claims move to pushed.

    After a lost reply nothing is sent again before finance was asked by the package's own number.
    """
    before = get_package(connection, package_no)
    mark = mark_package_sent if known else mark_package_unknown
    package = mark(connection, package_no, on=on, by=by, at=at)
    if before.state == "released":
        members = get_applications(connection, package.application_nos)
        numbers = sorted({item.claim_no for item in members})
        moves = [
            Move(claim_no=c.claim_no, to=ClaimState.PUSHED, event="pushed", ref=package_no)
            for c in claims_by_no(connection, numbers)
            if c.state is ClaimState.RESERVED
        ]
        move(connection, moves, by=by, at=at)
    return package


def _accounts(
    connection: Connection, items: Sequence[Application]
) -> dict[str, list[VerifiedAccount]]:
    """Return the verified accounts of the payees, as validation wants them."""
    found = accounts_of(connection, sorted({item.payee_uscc for item in items}))
    return {
        uscc: [
            VerifiedAccount(
                uscc=uscc,
                account_no=account.account_no,
                account_name=account.account_name,
                cnaps=account.cnaps,
                verified_on=account.verified_on,
            )
            for account in accounts
        ]
        for uscc, accounts in found.items()
    }


def _separate(connection: Connection, items: Sequence[Application], by: str) -> None:
    """Nobody pays what they decided on (受审分离)."""
    for part in chunks(sorted({item.claim_no for item in items})):
        query = select(approvals.c.claim_no).where(
            approvals.c.claim_no.in_(part), approvals.c.username == by
        )
        row = connection.execute(query).first()
        if row is not None:
            raise SeparationError(by, row.claim_no)
