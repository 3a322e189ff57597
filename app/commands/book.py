"""`hqt book`: the beancount rendering of the journal, and its independent check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.session import FINDINGS, answer, database, instant, refuse
from app.db import read, transaction
from app.work.book import close_book
from ledger.book import check_book
from ledger.errors import LedgerError

verbs = typer.Typer(no_args_is_help=True, help="The book of a period.")


@verbs.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write into.")],
    *,
    period: Annotated[str, typer.Option("--period", help="Month, YYYY-MM.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write the book of a month and have beancount check it."""
    try:
        with database() as engine, transaction(engine) as connection:
            closed = close_book(connection, period, folder, at=instant(engine))
    except (LedgerError, ValueError) as error:
        raise refuse(error) from error
    answer(
        {
            "period": period,
            "file": str(closed.files.path),
            "entries": closed.files.entries,
            "legs": closed.files.legs,
            "total_fen": closed.files.total_fen,
            "sha256": closed.files.sha256,
            "ok": closed.ok,
            "errors": list(closed.check.errors),
        },
        as_json=as_json,
    )
    if not closed.ok:
        raise typer.Exit(FINDINGS)


@verbs.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Folder with exported books.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check exported books by beancount and against SQL; exit code 1 on any difference."""
    try:
        with database() as engine, read(engine) as connection:
            result = check_book(folder, connection=connection)
    except LedgerError as error:
        raise refuse(error) from error
    answer(
        {
            "ok": result.ok,
            "equals_sql": result.equals_sql,
            "entries": result.entries,
            "errors": list(result.errors),
        },
        as_json=as_json,
    )
    if not result.ok:
        raise typer.Exit(FINDINGS)
