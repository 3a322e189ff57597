"""Push packages: applications of one purse under one digest, made, checked, released by three.

A package's content is built from the stored rows each time it is asked for; whoever checks or
releases does so for the digest the maker saw, or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from ledger.bulk import chunks, insert_rows
from ledger.errors import (
    PackageChangedError,
    PackageRefusedError,
    PackageStateError,
    SamePersonError,
    UnknownPackageError,
)
from ledger.iso20022 import CreditTransfer, Payer, write_pain001
from ledger.package_files import (
    Manifest,
    PackageFile,
    PackageRow,
    content_digest,
    manifest_bytes,
    package_csv,
    write_package,
)
from ledger.purses import Channel, Purse, get_purse
from ledger.steps import Event, Mark, mark_many, mark_packaged, mark_unpackaged
from ledger.tables import allotments, applications, package_lines, packages

__all__ = [
    "Package",
    "PackageFile",
    "cancel_package",
    "check_package",
    "get_package",
    "list_packages",
    "make_package",
    "mark_package_sent",
    "mark_package_unknown",
    "package_content",
    "release_package",
    "write_package",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A push package as it stands; the total is in fen."""

    package_no: str
    purse: str
    channel: str
    count: int
    total_fen: int
    digest: str
    algorithm: str
    file_name: str
    state: str
    execute_on: date
    made_by: str
    checked_by: str | None
    released_by: str | None
    made_at: datetime
    sent_at: datetime | None
    sent_on: date | None
    application_nos: tuple[str, ...]


def make_package(
    connection: Connection,
    *,
    purse: str,
    application_nos: Sequence[str],
    on: date,
    by: str,
    at: datetime,
    algorithm: str = "sha256",
) -> Package:
    """Bind reserved applications of one purse into a package to be paid on ``on`` or later.

    Raises:
        PackageRefusedError: none given, one twice, one of another purse, or not reserved.
        UnknownPurseError: there is no such purse.
        IllegalStepError: another package took one of them meanwhile.
    """
    owner = get_purse(connection, purse)
    numbers = sorted(set(application_nos))
    rows = _application_rows(connection, numbers)
    _check_members(purse, application_nos, rows)
    package_no = _next_number(connection, on)
    is_iso = owner.channel == Channel.BANK_FILE
    file_name = f"{package_no}.{'xml' if is_iso else 'csv'}"
    content = _content(owner, package_no, on, at, rows)
    connection.execute(
        insert(packages).values(
            package_no=package_no,
            purse=purse,
            channel=owner.channel.value,
            count=len(rows),
            total_fen=sum(row["amount_fen"] for row in rows),
            digest=content_digest(content, algorithm),
            file_name=file_name,
            made_by=by,
            state="made",
            made_at=at,
            meta={"execute_on": on.isoformat(), "algorithm": algorithm},
        )
    )
    insert_rows(
        connection,
        package_lines,
        [
            {
                "package_no": package_no,
                "line": line,
                "application_no": row["application_no"],
                "amount_fen": row["amount_fen"],
                "live": True,
            }
            for line, row in enumerate(rows, start=1)
        ],
    )
    mark_packaged(connection, numbers, package_no=package_no, on=on, by=by, at=at)
    return get_package(connection, package_no)


def _check_members(purse: str, given: Sequence[str], rows: Sequence[RowMapping]) -> None:
    if not given:
        what = "没有选择支付申请"
        raise PackageRefusedError(what)
    known = {row["application_no"] for row in rows}
    for number in given:
        if number not in known:
            what = f"支付申请 {number} 不存在"
            raise PackageRefusedError(what)
    if len(set(given)) != len(given):
        what = "同一支付申请出现两次"
        raise PackageRefusedError(what)
    for row in rows:
        if row["purse"] != purse:
            what = f"支付申请 {row['application_no']} 属资金账套 {row['purse']}, 不属 {purse}"
            raise PackageRefusedError(what)
        if row["state"] != "reserved":
            what = f"支付申请 {row['application_no']} 当前为 {row['state']}, 应为 reserved"
            raise PackageRefusedError(what)


def _next_number(connection: Connection, on: date) -> str:
    """Return the day's next package number; 35 characters at most, as messages allow."""
    prefix = f"HQT{on:%Y%m%d}-"
    last = connection.execute(
        select(func.max(packages.c.package_no)).where(packages.c.package_no.like(f"{prefix}%"))
    ).scalar()
    return f"{prefix}{(int(last.rsplit('-', 1)[1]) if last else 0) + 1:04d}"


def _application_rows(connection: Connection, numbers: Sequence[str]) -> list[RowMapping]:
    found: list[RowMapping] = []
    for part in chunks(sorted(set(numbers))):
        query = (
            select(
                applications,
                allotments.c.doc_no,
                allotments.c.project_code,
                allotments.c.fiscal_year,
                allotments.c.agency_code,
                allotments.c.fund_type_code,
            )
            .join(allotments, allotments.c.allotment_no == applications.c.allotment_no)
            .where(applications.c.application_no.in_(part))
        )
        found.extend(connection.execute(query).mappings())
    return sorted(found, key=lambda row: str(row["application_no"]))


def _content(
    purse: Purse, package_no: str, on: date, at: datetime, rows: Sequence[RowMapping]
) -> bytes:
    """Build the exact bytes of a package from its rows."""
    if purse.channel == Channel.BANK_FILE:
        return write_pain001(
            message_id=package_no,
            created_at=at,
            execute_on=on,
            payer=Payer(
                name=purse.payer_name,
                account_no=purse.payer_account,
                cnaps=purse.payer_bank_cnaps,
            ),
            transfers=[_transfer(row) for row in rows],
        )
    return package_csv([_package_row(purse, package_no, row) for row in rows])


def _transfer(row: RowMapping) -> CreditTransfer:
    return CreditTransfer(
        application_no=row["application_no"],
        amount_fen=row["amount_fen"],
        payee_name=row["payee_name"],
        payee_account=row["payee_account_no"],
        payee_cnaps=row["payee_cnaps"],
        payee_bank_name=row["payee_bank_name"],
        payee_uscc=row["payee_uscc"],
        remark=f"{row['tracking_id']} {row['use_desc']}"[:140],
    )


def _package_row(purse: Purse, package_no: str, row: RowMapping) -> PackageRow:
    return PackageRow(
        application_no=row["application_no"],
        tracking_id=row["tracking_id"],
        allotment_no=row["allotment_no"],
        doc_no=row["doc_no"],
        project_code=row["project_code"],
        fiscal_year=str(row["fiscal_year"]),
        division_code=purse.division_code,
        agency_code=row["agency_code"],
        payer_name=purse.payer_name,
        payer_account=purse.payer_account,
        payee_name=row["payee_name"],
        payee_account=row["payee_account_no"],
        payee_bank_name=row["payee_bank_name"],
        exp_func_code=row["exp_func_code"],
        gov_bgt_eco_code=row["gov_bgt_eco_code"],
        dep_bgt_eco_code=row["dep_bgt_eco_code"],
        fund_type_code=row["fund_type_code"],
        amount_fen=row["amount_fen"],
        use_desc=row["use_desc"],
        uscc=row["payee_uscc"],
        add_word=package_no,
    )


def get_package(connection: Connection, package_no: str) -> Package:
    """Return a package with its application numbers.

    Raises:
        UnknownPackageError: there is none.
    """
    return _package(connection, _row(connection, package_no))


def list_packages(
    connection: Connection, *, purse: str | None = None, state: str | None = None
) -> list[Package]:
    """Return packages, newest first."""
    query = select(packages)
    if purse is not None:
        query = query.where(packages.c.purse == purse)
    if state is not None:
        query = query.where(packages.c.state == state)
    rows = connection.execute(query.order_by(packages.c.package_no.desc())).mappings()
    return [_package(connection, row) for row in rows.all()]


def _row(connection: Connection, package_no: str) -> RowMapping:
    query = select(packages).where(packages.c.package_no == package_no).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise UnknownPackageError(package_no)
    return row


def _package(connection: Connection, row: RowMapping) -> Package:
    numbers = connection.execute(
        select(package_lines.c.application_no)
        .where(package_lines.c.package_no == row["package_no"])
        .order_by(package_lines.c.line)
    ).scalars()
    sent = row["meta"].get("sent_on")
    return Package(
        package_no=row["package_no"],
        purse=row["purse"],
        channel=row["channel"],
        count=row["count"],
        total_fen=row["total_fen"],
        digest=row["digest"],
        algorithm=row["meta"]["algorithm"],
        file_name=row["file_name"],
        state=row["state"],
        execute_on=date.fromisoformat(row["meta"]["execute_on"]),
        made_by=row["made_by"],
        checked_by=row["checked_by"],
        released_by=row["released_by"],
        made_at=row["made_at"],
        sent_at=row["sent_at"],
        sent_on=date.fromisoformat(sent) if sent else None,
        application_nos=tuple(numbers),
    )


def package_content(connection: Connection, package_no: str) -> bytes:
    """Build a package's bytes from what is stored now.

    Raises:
        PackageChangedError: they are not those the maker bound.
    """
    package = get_package(connection, package_no)
    rows = _application_rows(connection, package.application_nos)
    content = _content(
        get_purse(connection, package.purse),
        package_no,
        package.execute_on,
        package.made_at,
        rows,
    )
    found = content_digest(content, package.algorithm)
    if found != package.digest:
        raise PackageChangedError(package_no, package.digest, found)
    return content


def check_package(
    connection: Connection, package_no: str, *, by: str, at: datetime, digest: str | None = None
) -> Package:
    """Let a second person confirm the package's exact content (``digest``: what was shown).

    Raises:
        SamePersonError: the maker cannot check.
        PackageStateError: the package is not newly made.
        PackageChangedError: the content is not what the maker bound, or not what was shown.
    """
    row = _row(connection, package_no)
    if row["state"] != "made":
        raise PackageStateError(package_no, "复核", row["state"])
    _other_person(package_no, "复核", by, {row["made_by"]: "组包"})
    package_content(connection, package_no)
    if digest is not None and digest != row["digest"]:
        raise PackageChangedError(package_no, digest, row["digest"])
    _set(connection, package_no, state="checked", checked_by=by, checked_at=at)
    return get_package(connection, package_no)


def release_package(
    connection: Connection, package_no: str, *, by: str, at: datetime, key: bytes
) -> PackageFile:
    """Let a third person release a checked package; return its files, signed with ``key``.

    The same person may ask again for the files of a package released before.

    Raises:
        SamePersonError: maker and checker cannot release.
        PackageStateError: the package is not checked.
        PackageChangedError: the content is not what was checked.
    """
    row = _row(connection, package_no)
    if row["state"] not in {"checked", "released"}:
        raise PackageStateError(package_no, "放行", row["state"])
    _other_person(package_no, "放行", by, {row["made_by"]: "组包", row["checked_by"]: "复核"})
    if row["state"] == "released" and row["released_by"] != by:
        raise PackageStateError(package_no, "放行", row["state"])
    content = package_content(connection, package_no)
    if row["state"] == "checked":
        _set(connection, package_no, state="released", released_by=by, released_at=at)
    package = get_package(connection, package_no)
    manifest = Manifest(
        package_no=package_no,
        purse=package.purse,
        channel=package.channel,
        file_name=package.file_name,
        count=package.count,
        total_fen=package.total_fen,
        algorithm=package.algorithm,
        digest=package.digest,
        made_by=package.made_by,
        checked_by=package.checked_by or "",
        released_by=by,
        signature="",
    )
    return PackageFile(
        package_no=package_no,
        purse=package.purse,
        channel=package.channel,
        file_name=package.file_name,
        content=content,
        manifest_name=f"{package_no}.manifest.json",
        manifest=manifest_bytes(manifest, key),
    )


def _other_person(package_no: str, step: str, by: str, earlier: dict[str, str]) -> None:
    if by in earlier:
        what = f"推送包 {package_no} {step}"
        raise SamePersonError(what, by, earlier[by])


def _set(connection: Connection, package_no: str, **values: Any) -> None:
    connection.execute(update(packages).where(packages.c.package_no == package_no).values(**values))


def mark_package_sent(
    connection: Connection, package_no: str, *, on: date, by: str, at: datetime
) -> Package:
    """Record that the package was handed over (or, after a query, that it had arrived).

    Raises:
        PackageStateError: it is not released and its outcome is not unknown.
    """
    return _sent(connection, package_no, Event.SENT, ("released", "sent_unknown"), on, by, at)


def mark_package_unknown(
    connection: Connection, package_no: str, *, on: date, by: str, at: datetime
) -> Package:
    """Record that no reply came: query by the package's own number before any resend.

    Raises:
        PackageStateError: it is neither released nor sent.
    """
    return _sent(connection, package_no, Event.UNKNOWN, ("released", "sent"), on, by, at)


def _sent(
    connection: Connection,
    package_no: str,
    event: Event,
    states: tuple[str, ...],
    on: date,
    by: str,
    at: datetime,
) -> Package:
    row = _row(connection, package_no)
    new_state = "sent" if event is Event.SENT else "sent_unknown"
    if row["state"] not in states:
        raise PackageStateError(package_no, "登记推送", row["state"])
    first = row["meta"].get("sent_on") or on.isoformat()
    package = _package(connection, row)
    mark_many(
        connection,
        event,
        [
            Mark(application_no=number, on=on, ref=package_no, by=by)
            for number in package.application_nos
        ],
        at=at,
    )
    _set(
        connection,
        package_no,
        state=new_state,
        sent_at=row["sent_at"] or at,
        meta={**row["meta"], "sent_on": first},
    )
    return get_package(connection, package_no)


def cancel_package(
    connection: Connection, package_no: str, *, on: date, by: str, at: datetime
) -> Package:
    """Give up a package that was not sent; its applications are reserved as before.

    Raises:
        PackageStateError: it was sent, or its sending is unknown.
    """
    row = _row(connection, package_no)
    if row["state"] not in {"made", "checked", "released"}:
        raise PackageStateError(package_no, "作废", row["state"])
    package = _package(connection, row)
    mark_unpackaged(connection, package.application_nos, package_no=package_no, on=on, by=by, at=at)
    connection.execute(
        update(package_lines).where(package_lines.c.package_no == package_no).values(live=False)
    )
    _set(connection, package_no, state="cancelled")
    return get_package(connection, package_no)
