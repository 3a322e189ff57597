"""`hqt match` and `hqt explain`: verdicts of everyone, and one verdict in words."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from app.clock import SHANGHAI
from app.commands.session import answer, database, instant, refuse, working_day
from app.db import read
from app.work.match import Matched, run_match
from app.work.offers import offer
from ledger.money import display
from matching.errors import MatchingError
from matching.explain import near_miss, next_questions, reasons
from matching.sweep import Decision
from policies.errors import PolicyError

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day asked about.")]


def match(
    *,
    benefit: Annotated[list[str] | None, typer.Option(help="Only this benefit.")] = None,
    firm: Annotated[list[str] | None, typer.Option(help="Only this uscc.")] = None,
    as_of: Day = None,
    known_at: Annotated[
        datetime | None, typer.Option(help="Only what had been delivered by this instant.")
    ] = None,
    engine_name: Annotated[str, typer.Option("--engine", help="Engine to run on.")] = "local",
    out: Annotated[Path | None, typer.Option(help="Parquet file to write rows to.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Match firms with benefits; rows written are the eligible and the undetermined ones."""
    if engine_name != "local":
        raise refuse(f"引擎 {engine_name} 未安装; 可用: local", 2)
    with database() as engine:
        on = working_day(engine, as_of)
        until = known_at.replace(tzinfo=SHANGHAI) if known_at else instant(engine)
        with read(engine) as connection:
            found = run_match(
                connection,
                as_of=on,
                known_at=until,
                usccs=firm or None,
                benefit_ids=benefit or (),
            )
    if out is not None:
        _frame(found).to_parquet(out, index=False)
    answer(
        {
            "as_of": on.isoformat(),
            "known_at": until.isoformat(),
            "firms": found.firms,
            "benefits": len(found.benefits),
            "eligible": len(found.eligible),
            "undetermined": len(found.undetermined),
            "ineligible": found.ineligible,
            "award_fen_sum": found.award_fen_sum,
        },
        as_json=as_json,
    )


def explain(
    benefit: Annotated[str, typer.Argument(help="Benefit id.")],
    uscc: Annotated[str, typer.Argument(help="统一社会信用代码.")],
    *,
    as_of: Day = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say in words why, what is missing, what would change it, and how the amount is computed."""
    try:
        with database() as engine:
            on = working_day(engine, as_of)
            with read(engine) as connection:
                found = offer(connection, uscc, benefit, as_of=on)
    except (MatchingError, PolicyError) as error:
        raise refuse(error) from error
    miss = near_miss(found.verdict)
    award = found.award
    answer(
        {
            "benefit": found.benefit.name.zh,
            "as_of": on.isoformat(),
            "verdict": found.verdict.kind.value,
            "reasons": [r.text_zh for r in reasons(found.verdict)],
            "near_miss": miss.text_zh if miss else None,
            "questions": [q.text_zh for q in next_questions([found.verdict])],
            "calculation": [line.text_zh for line in award.lines] if award else [],
            "due": display(found.due_fen) if found.due_fen is not None else None,
            "why_not_claimable": found.why_not,
        },
        as_json=as_json,
    )


def _frame(found: Matched) -> pd.DataFrame:
    """Return the rows in the stable form: sorted by benefit and uscc, amounts in fen."""
    rows = sorted([*found.eligible, *found.undetermined], key=lambda d: (d.benefit_id, d.uscc))
    return pd.DataFrame(
        {
            "uscc": [d.uscc for d in rows],
            "benefit_id": [d.benefit_id for d in rows],
            "version": [d.version for d in rows],
            "verdict": [d.kind.value for d in rows],
            "award_fen": pd.array(_column(rows, "award_fen"), dtype="Int64"),
            "award_low_fen": pd.array(_column(rows, "award_low_fen"), dtype="Int64"),
            "award_high_fen": pd.array(_column(rows, "award_high_fen"), dtype="Int64"),
            "missing": [list(d.missing) for d in rows],
        }
    )


def _column(rows: list[Decision], name: str) -> list[int | None]:
    return [getattr(row, name) for row in rows]
