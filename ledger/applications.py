"""Payment applications: what the department asks finance to pay for one payee.

An application holds part of an allotment from the moment it is made. Its four stage amounts are
the sums of its own transfers, so that no order can be paid or returned beyond its own approval,
whatever others have in the pool. ``ledger.steps`` moves it on.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update
from sqlalchemy.exc import IntegrityError

from ledger.accounts import Stage, stage_code
from ledger.allotments import availabilities
from ledger.bulk import chunks, insert_rows
from ledger.errors import (
    AllotmentOverdrawnError,
    AllotmentPurseError,
    ApplicationExistsError,
    FloorBreachedError,
    IllegalStepError,
    InsufficientAllotmentError,
    InsufficientPlanError,
    UnknownAllotmentError,
    UnknownApplicationError,
)
from ledger.journal import Leg, Posting, post
from ledger.tables import allotments, application_events, applications


class ApplicationState(StrEnum):
    """Where an application stands on its way."""

    RESERVED = "reserved"
    HELD = "held"
    PACKAGED = "packaged"
    SENT = "sent"
    SENT_UNKNOWN = "sent_unknown"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    VOUCHER_ISSUED = "voucher_issued"
    PAID = "paid"
    RECEIPTED = "receipted"
    RETURNED = "returned"
    CANCELLED = "cancelled"


ENDED = (ApplicationState.REJECTED, ApplicationState.CANCELLED, ApplicationState.RETURNED)
"""States in which the claim's part may have a new application."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveRequest:
    """An application to be made, with the allotment it holds."""

    application_no: str
    claim_no: str
    purse: str
    allotment_no: str
    payee_uscc: str
    payee_name: str
    payee_account_no: str
    payee_bank_name: str
    payee_cnaps: str
    amount_fen: int
    booked_on: date
    by: str
    use_desc: str
    part: int = 1
    approved_fen: int | None = None
    """What was approved for this part; None: the amount itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A payment application as it stands; amounts in fen."""

    application_no: str
    claim_no: str
    part: int
    purse: str
    allotment_no: str
    payee_uscc: str
    payee_name: str
    payee_account_no: str
    payee_bank_name: str
    payee_cnaps: str
    amount_fen: int
    approved_fen: int
    reserved_fen: int
    in_transit_fen: int
    paid_fen: int
    returned_fen: int
    state: ApplicationState
    use_desc: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    tracking_id: str
    replaces_no: str | None
    content_digest: str
    package_no: str | None
    voucher_no: str | None
    voucher_on: date | None
    receipt_ref: str | None
    paid_on: date | None
    booked_on: date
    created_at: datetime
    created_by: str
    version: int


CONTENT = (
    "application_no",
    "claim_no",
    "part",
    "purse",
    "allotment_no",
    "payee_uscc",
    "payee_name",
    "payee_account_no",
    "payee_bank_name",
    "payee_cnaps",
    "amount_fen",
    "approved_fen",
    "use_desc",
    "exp_func_code",
    "gov_bgt_eco_code",
    "dep_bgt_eco_code",
    "tracking_id",
    "replaces_no",
    "booked_on",
    "created_by",
)
"""What never changes once an application is made, and is covered by its digest."""


def content_digest(row: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an application's unchanging content."""
    said = [
        value.isoformat() if isinstance(value, date) else value
        for value in (row[name] for name in CONTENT)
    ]
    written = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def get_application(connection: Connection, application_no: str) -> Application:
    """Return an application by its number.

    Raises:
        UnknownApplicationError: there is none.
    """
    found = get_applications(connection, [application_no])
    if not found:
        raise UnknownApplicationError(application_no)
    return found[0]


def get_applications(connection: Connection, application_nos: Sequence[str]) -> list[Application]:
    """Return the applications with these numbers, sorted by number; unknown ones are left out."""
    found: list[Application] = []
    for part in chunks(sorted(set(application_nos))):
        query = select(applications).where(applications.c.application_no.in_(part))
        found += [application(row) for row in connection.execute(query).mappings()]
    return sorted(found, key=lambda item: item.application_no)


def list_applications(
    connection: Connection,
    *,
    purse: str | None = None,
    claim_no: str | None = None,
    payee_uscc: str | None = None,
    states: Iterable[ApplicationState] = (),
    limit: int | None = None,
) -> list[Application]:
    """Return applications by number, narrowed by what is given."""
    query = select(applications).order_by(applications.c.application_no)
    if purse is not None:
        query = query.where(applications.c.purse == purse)
    if claim_no is not None:
        query = query.where(applications.c.claim_no == claim_no)
    if payee_uscc is not None:
        query = query.where(applications.c.payee_uscc == payee_uscc)
    if wanted := sorted(state.value for state in states):
        query = query.where(applications.c.state.in_(wanted))
    if limit is not None:
        query = query.limit(limit)
    found = [application(row) for row in connection.execute(query).mappings()]
    return sorted(found, key=lambda item: item.application_no)


def application(row: RowMapping) -> Application:
    """Return the value of a stored row."""
    values = {item.name: row[item.name] for item in fields(Application)}
    return Application(**(values | {"state": ApplicationState(row["state"])}))


def reserve(connection: Connection, request: ReserveRequest, *, at: datetime) -> Application:
    """Make one application and hold its allotment; see ``reserve_many``."""
    return reserve_many(connection, [request], at=at)[0]


def reserve_many(
    connection: Connection, requests: Sequence[ReserveRequest], *, at: datetime
) -> list[Application]:
    """Make applications and hold their allotments, all or none; returned in number order.

    The same request again is a replay. What others reserve at the same time is counted: neither
    the allotment nor its plan can be exceeded under any number of workers. After a refusal the
    caller rolls back.

    Raises:
        ApplicationExistsError: the number has other content, or the claim's part a live one.
        UnknownAllotmentError, AllotmentPurseError: the allotment is not there, or of other purse.
        AllotmentOverdrawnError: a cut took more than there was (超占).
        InsufficientAllotmentError, InsufficientPlanError: the rest does not cover the request.
    """
    facts = _allotment_facts(connection, requests)
    rows = [_row(request, facts[request.allotment_no], at) for request in requests]
    fresh = _fresh(connection, rows)
    if fresh:
        _check_free_parts(connection, fresh)
        _check_room(connection, fresh)
        _keep(connection, fresh, "reserved", at)
        _post_reservations(connection, fresh, at)
        _check_plans(connection, fresh)
    return get_applications(connection, [request.application_no for request in requests])


def reissue(
    connection: Connection,
    old_no: str,
    *,
    application_no: str,
    payee_account_no: str,
    payee_bank_name: str,
    payee_cnaps: str,
    booked_on: date,
    by: str,
    at: datetime,
    payee_name: str | None = None,
    use_desc: str | None = None,
) -> Application:
    """Make the application that takes over what the bank returned of an old one.

    Payee and allotment stay; the account is the new one. The same again is a replay.

    Raises:
        UnknownApplicationError: there is no old application.
        IllegalStepError: nothing was returned, or it was taken over or released already.
    """
    row = (
        connection.execute(
            select(applications).where(applications.c.application_no == old_no).with_for_update()
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise UnknownApplicationError(old_no)
    done = connection.scalar(
        select(applications.c.application_no).where(applications.c.replaces_no == old_no)
    )
    if done == application_no:
        return get_application(connection, application_no)
    if row["state"] != ApplicationState.RETURNED or not row["reserved_fen"] or done:
        raise IllegalStepError(old_no, "重新申请", row["state"])
    amount = row["reserved_fen"]
    new = dict(row) | {
        "application_no": application_no,
        "payee_account_no": payee_account_no,
        "payee_bank_name": payee_bank_name,
        "payee_cnaps": payee_cnaps,
        "payee_name": payee_name or row["payee_name"],
        "use_desc": use_desc or row["use_desc"],
        "amount_fen": amount,
        "approved_fen": amount,
        "replaces_no": old_no,
        "booked_on": booked_on,
        "created_by": by,
        **_untouched(amount, at),
    }
    new["content_digest"] = content_digest(new)
    _fresh(connection, [new])
    _check_free_parts(connection, [new])
    _keep(connection, [new], "took_over", at)
    _hand_over(connection, dict(row), new, at)
    return get_application(connection, application_no)


# --- making, step by step --------------------------------------------------------------------


def _allotment_facts(
    connection: Connection, requests: Sequence[ReserveRequest]
) -> dict[str, Mapping[str, Any]]:
    wanted = sorted({request.allotment_no for request in requests})
    found: dict[str, Mapping[str, Any]] = {}
    for part in chunks(wanted):
        query = select(allotments).where(allotments.c.allotment_no.in_(part))
        found |= {row["allotment_no"]: row for row in connection.execute(query).mappings()}
    for request in requests:
        if request.allotment_no not in found:
            raise UnknownAllotmentError(request.allotment_no)
        owner = found[request.allotment_no]["purse"]
        if owner != request.purse:
            raise AllotmentPurseError(request.allotment_no, request.purse, owner)
    return found


def _row(request: ReserveRequest, allotment: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    assert request.amount_fen > 0, request.application_no
    row = {
        "application_no": request.application_no,
        "claim_no": request.claim_no,
        "part": request.part,
        "purse": request.purse,
        "allotment_no": request.allotment_no,
        "payee_uscc": request.payee_uscc,
        "payee_name": request.payee_name,
        "payee_account_no": request.payee_account_no,
        "payee_bank_name": request.payee_bank_name,
        "payee_cnaps": request.payee_cnaps,
        "amount_fen": request.amount_fen,
        "approved_fen": (
            request.amount_fen if request.approved_fen is None else request.approved_fen
        ),
        "use_desc": request.use_desc,
        "exp_func_code": allotment["exp_func_code"],
        "gov_bgt_eco_code": allotment["gov_bgt_eco_code"],
        "dep_bgt_eco_code": allotment["dep_bgt_eco_code"],
        "tracking_id": request.claim_no,
        "replaces_no": None,
        "booked_on": request.booked_on,
        "created_by": request.by,
        **_untouched(request.amount_fen, at),
    }
    assert row["amount_fen"] <= row["approved_fen"], request.application_no
    return row | {"content_digest": content_digest(row)}


def _untouched(amount: int, at: datetime) -> dict[str, Any]:
    return {
        "reserved_fen": amount,
        "in_transit_fen": 0,
        "paid_fen": 0,
        "returned_fen": 0,
        "state": ApplicationState.RESERVED.value,
        "package_no": None,
        "voucher_no": None,
        "voucher_on": None,
        "receipt_ref": None,
        "paid_on": None,
        "created_at": at,
        "version": 1,
    }


def _fresh(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows that are not stored yet; a number with other content is refused."""
    known: dict[str, str] = {}
    for part in chunks([row["application_no"] for row in rows]):
        query = select(applications.c.application_no, applications.c.content_digest)
        query = query.where(applications.c.application_no.in_(part))
        known |= dict(connection.execute(query).all())
    fresh: dict[str, dict[str, Any]] = {}
    for row in rows:
        number = row["application_no"]
        seen = known.get(number) or fresh.get(number, row)["content_digest"]
        if seen != row["content_digest"]:
            raise ApplicationExistsError(number, row["claim_no"], row["part"])
        if number not in known:
            fresh[number] = row
    return [fresh[number] for number in sorted(fresh)]


def _check_free_parts(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    taken: set[tuple[str, int]] = set()
    for part in chunks(sorted({row["claim_no"] for row in rows})):
        query = select(applications.c.claim_no, applications.c.part).where(
            applications.c.claim_no.in_(part),
            applications.c.state.not_in([state.value for state in ENDED]),
        )
        taken |= set(connection.execute(query))
    for row in rows:
        key = (row["claim_no"], row["part"])
        if key in taken:
            raise ApplicationExistsError(row["application_no"], *key)
        taken.add(key)


def _needed(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    needed: dict[str, int] = defaultdict(int)
    for row in rows:
        needed[row["allotment_no"]] += row["amount_fen"]
    return dict(sorted(needed.items()))


def _check_room(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse early what cannot fit; the floor of the accounts has the last word."""
    needed = _needed(rows)
    on = max(row["booked_on"] for row in rows)
    held = availabilities(connection, list(needed), on=on)
    for number, amount in needed.items():
        if held[number].overdrawn_fen:
            raise AllotmentOverdrawnError(number, held[number].overdrawn_fen)
        if held[number].available_fen < amount:
            raise InsufficientAllotmentError(number, held[number].available_fen, amount)


def _check_plans(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Hold the month's plan against everything used, while the allotment's rows are ours."""
    needed = _needed(rows)
    months: dict[str, date] = {}
    for row in rows:
        first = months.get(row["allotment_no"], row["booked_on"])
        months[row["allotment_no"]] = min(first, row["booked_on"])
    for on in sorted(set(months.values())):
        numbers = [number for number in needed if months[number] == on]
        for number, held in sorted(availabilities(connection, numbers, on=on).items()):
            if held.needs_plan and held.plan_short_fen:
                left = max(needed[number] - held.plan_short_fen, 0)
                raise InsufficientPlanError(number, left, needed[number])


def _keep(
    connection: Connection, rows: Sequence[Mapping[str, Any]], event: str, at: datetime
) -> None:
    try:
        insert_rows(connection, applications, rows)
    except IntegrityError as error:
        # Another worker made one of them between our look and our insert.
        first = rows[0]
        raise ApplicationExistsError(
            first["application_no"], first["claim_no"], first["part"]
        ) from error
    events = [
        {
            "application_no": row["application_no"],
            "seq": 1,
            "event": event,
            "amount_fen": row["amount_fen"],
            "journal_key": _reserve_key(row["application_no"]),
            "ref": row["replaces_no"] or "",
            "on_date": row["booked_on"],
            "at": at,
            "by": row["created_by"],
        }
        for row in rows
    ]
    insert_rows(connection, application_events, events)


def _reserve_key(application_no: str) -> str:
    return f"reserved:{application_no}"


def _reservation(row: Mapping[str, Any], kind: str) -> Posting:
    number = row["allotment_no"]
    return Posting(
        key=_reserve_key(row["application_no"]),
        kind=kind,
        booked_on=row["booked_on"],
        narration=f"预占 {row['application_no']} {row['payee_name']}",
        legs=(
            Leg(
                debit=stage_code(number, Stage.RESERVED),
                credit=stage_code(number, Stage.AVAILABLE),
                amount_fen=row["amount_fen"],
            ),
        ),
        claim_no=row["claim_no"],
        application_no=row["application_no"],
    )


def _post_reservations(
    connection: Connection, rows: Sequence[Mapping[str, Any]], at: datetime
) -> None:
    try:
        post(connection, [_reservation(row, "reserved") for row in rows], at=at)
    except FloorBreachedError as error:
        number = error.account.split(":")[1]
        raise InsufficientAllotmentError(number, error.balance_fen, error.needed_fen) from error


def _hand_over(
    connection: Connection, old: Mapping[str, Any], new: Mapping[str, Any], at: datetime
) -> None:
    """Release the old reservation and take it for the new application, in one batch."""
    number, amount = old["allotment_no"], new["amount_fen"]
    key = f"handed_over:{old['application_no']}:{new['application_no']}"
    release = Posting(
        key=key,
        kind="handed_over",
        booked_on=new["booked_on"],
        narration=f"退汇额度转 {new['application_no']}",
        legs=(
            Leg(
                debit=stage_code(number, Stage.AVAILABLE),
                credit=stage_code(number, Stage.RESERVED),
                amount_fen=amount,
            ),
        ),
        claim_no=old["claim_no"],
        application_no=old["application_no"],
    )
    post(connection, [release, _reservation(new, "took_over")], at=at)
    event = {
        "application_no": old["application_no"],
        "seq": old["version"] + 1,
        "event": "handed_over",
        "amount_fen": amount,
        "journal_key": key,
        "ref": new["application_no"],
        "on_date": new["booked_on"],
        "at": at,
        "by": new["created_by"],
    }
    insert_rows(connection, application_events, [event])
    connection.execute(
        update(applications)
        .where(applications.c.application_no == old["application_no"])
        .values(reserved_fen=0, version=old["version"] + 1)
    )


def applications_of_claims(connection: Connection, claim_nos: Sequence[str]) -> list[Application]:
    """Return every application of some claims, by number, ended ones included."""
    found: list[Application] = []
    for part in chunks(sorted(set(claim_nos))):
        query = select(applications).where(applications.c.claim_no.in_(part))
        found += [application(row) for row in connection.execute(query).mappings()]
    return sorted(found, key=lambda item: item.application_no)


def claims_of_applications(connection: Connection, application_nos: Sequence[str]) -> list[str]:
    """Return the claim numbers behind some applications; unknown numbers are passed over."""
    found: set[str] = set()
    for part in chunks(sorted(set(application_nos))):
        query = select(applications.c.claim_no).where(applications.c.application_no.in_(part))
        found |= set(connection.execute(query).scalars())
    return sorted(found)
