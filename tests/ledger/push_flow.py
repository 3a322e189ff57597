"""A small world of applications ready to be pushed, for the tests of what goes out and comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection

from ledger.answer_files import AnswerFile, AnswerKind, AnswerLine
from ledger.applications import reserve_many
from ledger.budget import Channel, Purse, import_budget, open_purses
from ledger.iso20022 import cnaps
from ledger.packages import (
    PackageFile,
    check_package,
    make_package,
    mark_package_sent,
    release_package,
)
from ledger.payables import Debt, owe_many
from ledger.statement_files import Statement, StatementLine
from tests.ledger.money_flow import AT, DAY, make_change, make_file, make_purse, make_request

KEY = b"between us and finance"
PURSES = {
    "CITY": "33001616783500000001",
    "ZONE": "33001616783500000002",
    "BANK": "33001616783500000003",
}


def make_world(connection: Connection, purses: Sequence[str] = ("CITY",)) -> None:
    """Open purses with two allotments each, plenty of money on both."""
    open_purses(connection, [_purse(code) for code in purses])
    for code in purses:
        changes = [
            make_change(90_000_000_000, allotment_no=f"ZB-{code}-{n}", purse=code, row=n + 1)
            for n in (1, 2)
        ]
        import_budget(connection, make_file(*changes, name=f"{code}.csv"), at=AT)


def _purse(code: str) -> Purse:
    return replace(
        make_purse(code),
        payer_account=PURSES[code],
        payer_bank_cnaps=cnaps("10533100000"),
        channel=Channel.BANK_FILE if code == "BANK" else Channel.BUDGET_SYSTEM,
    )


def reserve(
    connection: Connection, count: int, *, purse: str = "CITY", first: int = 1, on: date = DAY
) -> list[str]:
    """Owe and reserve so many applications, alternating between the purse's two allotments."""
    requests = [
        replace(
            make_request(
                f"SQ-{purse}-{n:05d}",
                1_000_000 + n,
                allotment_no=f"ZB-{purse}-{n % 2 + 1}",
                purse=purse,
                uscc=f"91330100MA{n:08d}",
                on=on,
            ),
            payee_name=f"第{n}企业有限公司",
            payee_account_no=f"6222{n:012d}",
            payee_cnaps=cnaps("10233100000"),
        )
        for n in range(first, first + count)
    ]
    debts = [
        Debt(
            claim_no=request.claim_no,
            payee_uscc=request.payee_uscc,
            amount_fen=request.amount_fen,
            booked_on=on,
        )
        for request in requests
    ]
    owe_many(connection, debts, at=AT)
    reserve_many(connection, requests, at=AT)
    return [request.application_no for request in requests]


def push(
    connection: Connection,
    numbers: Sequence[str],
    *,
    purse: str = "CITY",
    on: date = DAY,
    at: datetime = AT,
) -> PackageFile:
    """Make, check, release and send a package."""
    package = make_package(
        connection, purse=purse, application_nos=numbers, on=on, by="经办甲", at=at
    )
    check_package(connection, package.package_no, by="复核乙", at=at)
    file = release_package(connection, package.package_no, by="放行丙", at=at, key=KEY)
    mark_package_sent(connection, package.package_no, on=on, by="放行丙", at=at)
    return file


def answer(line: int, kind: AnswerKind, number: str, **said: object) -> AnswerLine:
    """One answer with the usual numbers."""
    usual: dict[str, object] = {
        "line": line,
        "kind": kind,
        "application_no": number,
        "on": DAY,
        "voucher_no": f"PZ-{number}" if kind != AnswerKind.ACCEPTED else "",
        "ref": f"{kind.value}-{number}" if kind in {AnswerKind.PAID, AnswerKind.RETURNED} else "",
    }
    return AnswerLine(**(usual | said))  # type: ignore[arg-type]


def answers(*lines: AnswerLine, name: str = "a.csv") -> AnswerFile:
    """An answer file as read."""
    return AnswerFile(file_name=name, sha256=name.ljust(64, "0"), lines=lines)


def statement(
    *lines: StatementLine,
    number: str = "S-00001",
    opening: int = 1_000_000_000,
    first: date = DAY,
    last: date = DAY,
    account: str = PURSES["CITY"],
) -> Statement:
    """A statement that balances."""
    moved = sum(x.amount_fen if x.direction == "C" else -x.amount_fen for x in lines)
    return Statement(
        account_no=account,
        statement_no=number,
        from_on=first,
        to_on=last,
        opening_fen=opening,
        closing_fen=opening + moved,
        lines=lines,
        source="csv",
        file_name=f"{number}.csv",
        sha256=number.ljust(64, "0"),
    )
