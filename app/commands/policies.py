"""`hqt policies`: lint and cases of policy files, and publishing them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.session import FINDINGS, answer, database, err, instant, refuse
from app.db import transaction
from app.errors import AppError
from app.work.check_policies import check_files
from app.work.publish import publish_folder
from policies.errors import PolicyError

verbs = typer.Typer(no_args_is_help=True, help="Policy files: check and publish.")


@verbs.command()
def check(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.", exists=True)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read, lint and run the cases of policy files; exit code 1 on errors or failed cases."""
    result = check_files(paths)
    answer(result, as_json=as_json)
    errors = [f for f in result["findings"] if f["level"] == "error"]
    if errors or result["failed"]:
        err.print(f"[red]{len(errors)} 处错误, {result['failed']} 个用例不符[/red]")
        raise typer.Exit(FINDINGS)


@verbs.command()
def publish(
    path: Annotated[Path, typer.Argument(help="File or folder.", exists=True)],
    *,
    user: Annotated[str, typer.Option("--as", help="Who publishes.")],
    reviewed_by: Annotated[str, typer.Option("--reviewed-by", help="The second person.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Publish policy files as versions; the same files again change nothing."""
    try:
        with database() as engine:
            at = instant(engine)
            with transaction(engine) as connection:
                done = publish_folder(
                    connection, by=user, reviewed_by=reviewed_by, at=at, folder=path
                )
    except (AppError, PolicyError) as error:
        raise refuse(error) from error
    answer(
        {"documents": done.documents, "benefits": done.benefits, "new": done.new}, as_json=as_json
    )
