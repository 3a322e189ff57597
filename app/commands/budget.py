"""`hqt budget`: the dated mirror of finance's allotments and plans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.session import answer, database, instant, refuse
from app.db import read, transaction
from ledger.allotments import stages
from ledger.budget import import_budget
from ledger.budget_files import read_budget_file
from ledger.errors import LedgerError
from ledger.money import display

verbs = typer.Typer(no_args_is_help=True, help="Allotments (指标) and plans (用款计划).")


@verbs.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="XLSX or CSV with the official headings.")],
    *,
    user: Annotated[str, typer.Option("--as", help="Who imports.")] = "system",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Import allotments, changes and plans; a cut is always accepted, the same file twice is not.

    A row that can not be read refuses the whole file.
    """
    try:
        budget, findings = read_budget_file(file)
        if findings:
            raise refuse("\n".join(f"{file.name} {f.where}: {f.message}" for f in findings))
        with database() as engine, transaction(engine) as connection:
            result = import_budget(connection, budget, at=instant(engine), by=user)
    except (LedgerError, OSError) as error:
        raise refuse(error) from error
    answer(
        {
            "file": file.name,
            "repeated": result.repeated,
            "changes": result.changes,
            "plans": result.plans,
            "total_fen": result.total_fen,
            "over_allotment": [
                {"allotment": o.allotment_no, "fen": o.overdrawn_fen, "break": o.break_id}
                for o in result.over
            ],
        },
        as_json=as_json,
    )


@verbs.command("list")
def list_(
    *,
    purse: Annotated[str | None, typer.Option(help="Only this purse.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show every allotment by stage."""
    with database() as engine, read(engine) as connection:
        found = stages(connection, purse=purse)
    if as_json:
        names = ("appropriation", "available", "reserved", "in_transit", "spent", "overdrawn")
        rows = [
            {"allotment": s.allotment_no, "doc_no": s.doc_no, "purse": s.purse}
            | {f"{name}_fen": getattr(s, f"{name}_fen") for name in names}
            for s in found
        ]
        answer({"allotments": rows}, as_json=True)
        return
    for s in found:
        typer.echo(
            f"{s.allotment_no:<16} {s.doc_no}  下达 {display(s.appropriation_fen)}  "
            f"可用 {display(s.available_fen)}  预占 {display(s.reserved_fen)}  "
            f"在途 {display(s.in_transit_fen)}  已支出 {display(s.spent_fen)}  "
            f"超占 {display(s.overdrawn_fen)}"
        )
