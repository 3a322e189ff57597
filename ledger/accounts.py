"""Accounts and the charts they come from; charts are data, never code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

import yaml
from sqlalchemy import Connection, select, text, update

from ledger.bulk import chunks, insert_rows
from ledger.money import Fen
from ledger.tables import accounts


class Book(StrEnum):
    """Which set of books an account belongs to; a leg never crosses two."""

    BUDGET = "budget"
    FINANCIAL = "financial"
    BUDGETARY = "budgetary"
    SUSPENSE = "suspense"


class Normal(StrEnum):
    """The side on which an account's balance grows."""

    DEBIT = "D"
    CREDIT = "C"


class Element(StrEnum):
    """What kind of thing an account counts; decides its root in the book."""

    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    INCOME = "income"
    EXPENSE = "expense"


class Stage(StrEnum):
    """Where the money of an allotment stands; each is an account of its own."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    IN_TRANSIT = "in_transit"
    SPENT = "spent"
    APPROPRIATION = "appropriation"
    OVERDRAWN = "overdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account to open."""

    code: str
    name_zh: str
    book: Book
    normal: Normal
    opened_on: date
    floor_fen: int | None = None
    """Lowest balance allowed, in the normal direction; None is no floor."""
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBalance:
    """An account with its balance in its normal direction."""

    code: str
    name_zh: str
    book: Book
    normal: Normal
    balance_fen: Fen


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartAccount:
    """One line of a chart of accounts."""

    code: str
    name_zh: str
    normal: Normal
    book: Book
    element: Element
    verified: bool
    floor_fen: int | None = None
    per_payee: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart of accounts with its regime, and which account plays which role."""

    name: str
    title: str
    regime: str
    source: str
    prefix: str
    roles: Mapping[str, str]
    accounts: Mapping[str, ChartAccount]

    def code(self, role: str, payee_uscc: str = "") -> str:
        """Return the account code of a role; detail accounts carry the payee's code."""
        line = self.accounts[self.roles[role]]
        code = self.prefix + line.code
        return f"{code}:{payee_uscc}" if line.per_payee else code

    def account(self, role: str, opened_on: date, payee_uscc: str = "") -> Account:
        """Return the account of a role, ready to be opened."""
        line = self.accounts[self.roles[role]]
        return Account(
            code=self.code(role, payee_uscc),
            name_zh=f"{line.name_zh}—{payee_uscc}" if line.per_payee else line.name_zh,
            book=line.book,
            normal=line.normal,
            opened_on=opened_on,
            floor_fen=line.floor_fen,
            meta={"element": line.element.value, "chart": self.name, "regime": self.regime},
        )


@cache
def load_chart(name: str) -> Chart:
    """Read a chart from ``ledger/data``: ``department``, ``fund`` or ``budget``."""
    text = (resources.files("ledger") / "data" / f"chart_{name}.yaml").read_text("utf-8")
    raw: dict[str, Any] = yaml.safe_load(text)
    lines = [_chart_account(item) for item in raw["accounts"]]
    return Chart(
        name=raw["chart"],
        title=raw["title"],
        regime=raw["regime"],
        source=raw["source"],
        prefix=raw["prefix"],
        roles=raw["roles"],
        accounts={line.code: line for line in lines},
    )


def stage_code(allotment_no: str, stage: Stage) -> str:
    """Return the code of an allotment's stage account."""
    return f"{load_chart('budget').prefix}{allotment_no}:{stage.value}"


def stage_accounts(allotment_no: str, opened_on: date) -> list[Account]:
    """Return the stage accounts of an allotment, ready to be opened."""
    chart = load_chart("budget")
    return [
        Account(
            code=stage_code(allotment_no, Stage(line.code)),
            name_zh=f"{line.name_zh}—{allotment_no}",
            book=line.book,
            normal=line.normal,
            opened_on=opened_on,
            floor_fen=line.floor_fen,
            meta={"element": line.element.value, "chart": chart.name, "allotment": allotment_no},
        )
        for line in chart.accounts.values()
    ]


def open_accounts(connection: Connection, items: Iterable[Account]) -> int:
    """Open the accounts that do not exist yet; the same again changes nothing.

    Returns how many were opened. An earlier ``opened_on`` moves the opening day back.
    """
    wanted = {item.code: item for item in items}
    known: dict[str, date] = {}
    for part in chunks(sorted(wanted)):
        query = select(accounts.c.code, accounts.c.opened_on).where(accounts.c.code.in_(part))
        known |= dict(connection.execute(query).all())
    rows = [_row(wanted[code]) for code in sorted(wanted) if code not in known]
    opened = insert_rows(connection, accounts, rows, skip_existing=("code",)) if rows else 0
    move_opening(
        connection,
        {code: wanted[code].opened_on for code in known if wanted[code].opened_on < known[code]},
    )
    return opened


def move_opening(connection: Connection, days: Mapping[str, date]) -> None:
    """Move opening days back to those given by account code."""
    for code in sorted(days):
        connection.execute(
            update(accounts)
            .where(accounts.c.code == code, accounts.c.opened_on > days[code])
            .values(opened_on=days[code])
        )


def balance(connection: Connection, code: str) -> Fen:
    """Return one account's balance in its normal direction; an unopened account holds zero."""
    found = connection.scalar(select(accounts.c.balance_fen).where(accounts.c.code == code))
    return Fen(found or 0)


def balances(
    connection: Connection, book: Book | None = None, prefix: str | None = None
) -> list[AccountBalance]:
    """Return balances by account code, of one book or of codes that begin with a prefix."""
    query = select(
        accounts.c.code,
        accounts.c.name_zh,
        accounts.c.book,
        accounts.c.normal,
        accounts.c.balance_fen,
    )
    if book is not None:
        query = query.where(accounts.c.book == book.value)
    if prefix is not None:
        query = query.where(accounts.c.code.startswith(prefix, autoescape=True))
    found = [
        AccountBalance(
            code=row.code,
            name_zh=row.name_zh,
            book=Book(row.book),
            normal=Normal(row.normal),
            balance_fen=Fen(row.balance_fen),
        )
        for row in connection.execute(query)
    ]
    return sorted(found, key=lambda item: item.code)


def locked_accounts(
    connection: Connection, ids: Sequence[int]
) -> dict[int, tuple[int, int | None]]:
    """Lock accounts in id order until the transaction ends; return balance and floor by id."""
    found: dict[int, tuple[int, int | None]] = {}
    for part in chunks(sorted(set(ids))):
        query = (
            select(accounts.c.id, accounts.c.balance_fen, accounts.c.floor_fen)
            .where(accounts.c.id.in_(part))
            .order_by(accounts.c.id)
            .with_for_update(key_share=True)
        )
        found |= {row.id: (row.balance_fen, row.floor_fen) for row in connection.execute(query)}
    return found


def locked_balances(connection: Connection, codes: Sequence[str]) -> dict[str, int]:
    """Lock accounts in id order until the transaction ends, and return balances by code."""
    ids: dict[int, str] = {}
    for part in chunks(sorted(set(codes))):
        query = select(accounts.c.id, accounts.c.code).where(accounts.c.code.in_(part))
        ids |= {row.id: row.code for row in connection.execute(query)}
    return {
        ids[number]: held for number, (held, _) in locked_accounts(connection, list(ids)).items()
    }


def add_to_balances(connection: Connection, rows: Sequence[Mapping[str, int]]) -> None:
    """Add ``delta`` to the balance of each account ``id``; the rows are locked already."""
    if connection.dialect.name == "postgresql":
        statement = text(
            "UPDATE accounts SET balance_fen = balance_fen + v.delta, version = version + 1"
            " FROM unnest(CAST(:ids AS BIGINT[]), CAST(:deltas AS BIGINT[])) AS v(id, delta)"
            " WHERE accounts.id = v.id"
        )
        ids, deltas = [row["id"] for row in rows], [row["delta"] for row in rows]
        connection.execute(statement, {"ids": ids, "deltas": deltas})
        return
    statement = text(
        "UPDATE accounts SET balance_fen = balance_fen + :delta, version = version + 1"
        " WHERE id = :id"
    )
    connection.execute(statement, list(rows))


def _chart_account(raw: Mapping[str, Any]) -> ChartAccount:
    return ChartAccount(
        code=raw["code"],
        name_zh=raw["name_zh"],
        normal=Normal(raw["normal"]),
        book=Book(raw["book"]),
        element=Element(raw["element"]),
        verified=raw["verified"],
        floor_fen=raw.get("floor_fen"),
        per_payee=raw.get("per_payee", False),
    )


def _row(account: Account) -> dict[str, Any]:
    return {
        "code": account.code,
        "name_zh": account.name_zh,
        "book": account.book.value,
        "normal": account.normal.value,
        "floor_fen": account.floor_fen,
        "balance_fen": 0,
        "version": 0,
        "opened_on": account.opened_on,
        "meta": dict(sorted(account.meta.items())),
    }
