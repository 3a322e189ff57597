"""`hqt intake` and `hqt profile`: what departments deliver, and what is known of a firm."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.clock import SHANGHAI
from app.commands.match import Day
from app.commands.session import (
    FINDINGS,
    REFUSED,
    answer,
    database,
    instant,
    refuse,
    settings,
    working_day,
)
from app.db import read, transaction
from app.work.take_in import take_in
from matching.deliveries import Delivery
from matching.errors import MatchingError
from matching.profile_store import profile as load_profile
from matching.row_report import write_row_report


def intake(
    source: Annotated[str, typer.Argument(help="Kind of file: registration, tax_annual, …")],
    files: Annotated[list[Path], typer.Argument(help="CSV or XLSX files.", exists=True)],
    *,
    list_code: Annotated[str, typer.Option("--list", help="Which list, where it is one.")] = "",
    owner: Annotated[str, typer.Option(help="Department that delivers.")] = "",
    as_of: Day = None,
    complete: Annotated[bool, typer.Option(help="The file names everyone.")] = False,
    unit: Annotated[str, typer.Option(help="元 or 万元, where headings say none.")] = "元",
    report: Annotated[Path | None, typer.Option(help="Where to write the row report.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Take in files, match the firms they change, and write the row report (XLSX).

    Exit code 1 when rows were rejected, 3 when a file was refused whole.
    """
    taken = []
    worst = 0
    with database() as engine:
        on, at = working_day(engine, as_of), instant(engine)
        for path in files:
            delivery = Delivery(
                file=path.name,
                source=source,
                owner=owner,
                as_of=on,
                received_at=at,
                list_code=list_code,
                unit=unit,
                complete=complete,
            )
            try:
                with transaction(engine) as connection:
                    done = take_in(connection, delivery, path, at=at, as_of=on)
                    target = report or settings().home / "reports" / f"{path.stem}.xlsx"
                    if done.report.findings:
                        target.parent.mkdir(parents=True, exist_ok=True)
                        write_row_report(connection, done.report.batch_id, target)
            except (MatchingError, OSError) as error:
                raise refuse(error) from error
            found = done.report
            worst = max(
                worst,
                REFUSED if found.state == "refused" else FINDINGS if found.rows_rejected else 0,
            )
            taken.append(
                {
                    "file": path.name,
                    "state": found.state,
                    "reason": found.reason,
                    "repeated": found.repeated,
                    "rows_read": found.rows_read,
                    "rows_kept": found.rows_kept,
                    "rows_rejected": found.rows_rejected,
                    "rows_unchanged": found.rows_unchanged,
                    "linked_by_code": found.linked_by_code,
                    "linked_by_name": found.linked_by_name,
                    "queued": found.queued,
                    "firms_matched": done.matched.firms if done.matched else 0,
                    "eligible": len(done.matched.eligible) if done.matched else 0,
                    "notices": done.notices,
                    "row_report": str(target) if found.findings else None,
                }
            )
    answer({"batches": taken}, as_json=as_json)
    if worst:
        raise typer.Exit(worst)


def profile(
    uscc: Annotated[str, typer.Argument(help="统一社会信用代码.")],
    *,
    known_at: Annotated[
        datetime | None, typer.Option("--known-at", help="Only what had come by this instant.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what is known of a firm: every value with its source and date."""
    until = known_at.replace(tzinfo=SHANGHAI) if known_at else None
    try:
        with database() as engine, read(engine) as connection:
            found = load_profile(connection, uscc, known_at=until)
    except MatchingError as error:
        raise refuse(error) from error
    facts = [
        {
            "field": fact.field,
            "period": fact.period,
            "value": str(fact.value),
            "source": fact.source,
            "as_of": fact.as_of.isoformat(),
            "others": [str(other.value) for other in fact.others],
        }
        for _, fact in sorted(found.facts.items(), key=lambda kv: (kv[0][0], kv[0][1] or 0))
    ]
    answer({"uscc": found.uscc, "name": found.name, "facts": facts}, as_json=as_json)
