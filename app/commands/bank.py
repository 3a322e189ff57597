"""`hqt bank`: what the agent banks and the budget system send back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.session import answer, database, instant, refuse
from app.db import transaction
from app.work.reconcile import take_execution, take_statement
from ledger.errors import LedgerError

verbs = typer.Typer(no_args_is_help=True, help="Statements of banks and of the budget system.")


@verbs.callback()
def bank() -> None:
    """Keep `import` a word of its own."""


@verbs.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="camt.053, CSV or XLSX files.")],
    *,
    execution: Annotated[
        bool, typer.Option("--execution", help="The budget system's execution export.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Import statements (opening + lines must be closing), or execution exports."""
    taken = []
    with database() as engine:
        at = instant(engine)
        for path in files:
            try:
                with transaction(engine) as connection:
                    if execution:
                        rows = take_execution(connection, path, at=at)
                        taken.append(
                            {"file": path.name, "lines": rows.rows, "repeated": rows.is_replay}
                        )
                    else:
                        found = take_statement(connection, path, at=at)
                        taken.append(
                            {
                                "file": path.name,
                                "purse": found.purse,
                                "lines": found.lines,
                                "repeated": found.is_replay,
                            }
                        )
            except (LedgerError, OSError) as error:
                raise refuse(error) from error
    answer({"imported": taken}, as_json=as_json)
