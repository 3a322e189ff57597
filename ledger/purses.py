"""Purses: who pays, out of which fund, by which channel and chart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from ledger.errors import PurseChangedError, UnknownPurseError
from ledger.tables import purses


class Channel(StrEnum):
    """How a purse's applications reach whoever pays."""

    BUDGET_SYSTEM = "budget-system"
    BANK_FILE = "bank-file"
    FUND = "fund"
    BANK_MEDIATED = "bank-mediated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """Who pays: a fiscal division and a fund type, with payer, chart and channel."""

    code: str
    name_zh: str
    division_code: str
    level: str
    """city, county, zone or province."""
    fund_type: str
    channel: Channel
    payer_name: str
    payer_account: str
    payer_bank_cnaps: str
    chart: str = "department"
    needs_plan: bool = True
    """Whether a monthly plan must cover what is reserved."""


def open_purses(connection: Connection, items: Iterable[Purse]) -> None:
    """Keep purses; the same again changes nothing, payer and name may be corrected.

    Raises:
        PurseChangedError: the division, fund type, chart or channel of a known purse differs.
    """
    for item in sorted(items, key=lambda purse: purse.code):
        row = asdict(item) | {"channel": item.channel.value}
        known = (
            connection.execute(select(purses).where(purses.c.code == item.code))
            .mappings()
            .one_or_none()
        )
        if known is None:
            connection.execute(insert(purses).values(row))
            continue
        if any(known[name] != row[name] for name in ("division_code", "fund_type", "chart")):
            raise PurseChangedError(item.code)
        connection.execute(update(purses).where(purses.c.code == item.code).values(row))


def get_purse(connection: Connection, code: str) -> Purse:
    """Return a purse by its code.

    Raises:
        UnknownPurseError: there is none.
    """
    row = connection.execute(select(purses).where(purses.c.code == code)).mappings().one_or_none()
    if row is None:
        raise UnknownPurseError(code)
    return Purse(**(dict(row) | {"channel": Channel(row["channel"])}))
