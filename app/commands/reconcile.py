"""`hqt reconcile`: match a day, list its breaks, and sign it by another person."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from app.commands.session import FINDINGS, answer, database, instant, refuse, working_day
from app.db import read, transaction
from app.errors import AppError
from app.work.reconcile import reconcile as run
from app.work.reconcile import sign
from ledger.breaks import list_breaks
from ledger.daily import signed_days
from ledger.errors import LedgerError


def reconcile(
    *,
    date: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Day to reconcile.")
    ] = None,
    user: Annotated[str, typer.Option("--as", help="Who matches, or signs.")] = "duizhang",
    sign_off: Annotated[
        bool, typer.Option("--sign-off", help="Sign the matched day instead of matching it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Match a day; exit code 1 while breaks are open. A signed day is only shown."""
    with database() as engine:
        on, at = working_day(engine, date), instant(engine)
        with read(engine) as connection:
            signed = on in signed_days(connection)
        matched: int | None = None
        try:
            if sign_off:
                with transaction(engine) as connection:
                    sign(connection, on=on, by=user, at=at)
                signed = True
            elif not signed:
                with transaction(engine) as connection:
                    matched = run(connection, on=on, by=user, at=at).day.matched_in_all
        except (AppError, LedgerError) as error:
            raise refuse(error) from error
        with read(engine) as connection:
            found = list_breaks(connection, on=on)
            if matched is None:
                matched = signed_days(connection).get(on, 0)
    answer(
        {
            "date": on.isoformat(),
            "matched": matched,
            "breaks": [
                {
                    "id": b.id,
                    "class": b.break_class.value,
                    "amount_fen": b.amount_fen,
                    "refs": list(b.refs),
                    "age_days": b.age_days,
                    "owner": b.owner,
                }
                for b in found
            ],
            "signed_off": signed,
        },
        as_json=as_json,
    )
    if found:
        raise typer.Exit(FINDINGS)
