"""`hqt audit`: recompute everything from the rows and say what does not agree."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands.session import FINDINGS, answer, database, err
from app.db import read
from app.work.verify import verify_all

verbs = typer.Typer(no_args_is_help=True, help="Verify journal, applications, approvals, seals.")


@verbs.callback()
def audit() -> None:
    """Keep `verify` a word of its own."""


@verbs.command()
def verify(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False
) -> None:
    """Verify every stored amount; exit code 1 when something was altered."""
    with database() as engine, read(engine) as connection:
        report = verify_all(connection)
    answer(
        {
            "ok": report.ok,
            "counts": dict(report.counts),
            "head": report.head,
            "findings": [
                {"code": f.code, "where": f.where, "message": f.message} for f in report.findings
            ],
        },
        as_json=as_json,
    )
    if not report.ok:
        err.print(f"[red]发现 {len(report.findings)} 处不一致[/red]")
        raise typer.Exit(FINDINGS)
