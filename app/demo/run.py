"""`hqt demo`: a fresh embedded database, a city's files, and the whole chain run on them.

Every step calls the same functions as pages, API and commands. The clock stands still on the
demo's day, so that the same seed gives the same figures on either database.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from rich.console import Console
from sqlalchemy import Connection, Engine, func, inspect, select

from app import auth, installation, migrate
from app.db import make_engine, read, transaction
from app.demo.budget import Moment
from app.demo.city import DEMO_DAY, generate
from app.demo.course import PASSWORD, Course, moment, password_hash
from app.demo.firm_steps import (
    answer_questions,
    confirm_offers,
    match_firms,
    notify_firms,
    publish_catalogue,
    take_in_files,
)
from app.demo.money_steps import (
    close_and_verify,
    decide_claims,
    import_finance_files,
    push_packages,
    reconcile_and_sign,
    reserve_money,
    work_with_finance,
)
from app.demo.people import officers, pick_agents
from app.errors import ForeignDatabaseError
from app.roles import LABELS_ZH
from app.settings import Settings
from app.tables import claims, outbox
from matching.profile_store import accounts_of


def build_demo(
    settings: Settings, *, firms: int, seed: int, fresh: bool, quiet: bool
) -> dict[str, Any]:
    """Build the demo unless a finished one of this size and seed is there; returns its summary.

    Raises ForeignDatabaseError for a database the demo did not create.
    """
    settings.ensure_home()
    engine = make_engine(settings.url)
    try:
        if (kept := _finished(engine, settings, firms=firms, seed=seed)) and not fresh:
            return kept
        _clear(engine, settings)
        run = Course(
            settings=settings,
            engine=engine,
            firms=firms,
            seed=seed,
            console=Console(stderr=True, quiet=quiet),
        )
        return _build(run)
    finally:
        engine.dispose()


def sign_ins(settings: Settings) -> list[dict[str, str]]:
    """Return who may sign in to the demo, with the one password of the demo."""
    engine = make_engine(settings.url)
    try:
        with read(engine) as connection:
            return list((installation.get(connection, "demo") or {}).get("sign_ins", []))
    finally:
        engine.dispose()


def _finished(
    engine: Engine, settings: Settings, *, firms: int, seed: int
) -> dict[str, Any] | None:
    """Return the summary of a finished demo of this size and seed."""
    if not inspect(engine).has_table("installation"):
        if inspect(engine).get_table_names():
            raise ForeignDatabaseError(engine.url.render_as_string())
        return None
    with read(engine) as connection:
        mark = installation.get(connection, "demo")
    if mark is None:
        raise ForeignDatabaseError(engine.url.render_as_string())
    same = mark["finished"] and (mark["firms"], mark["seed"]) == (firms, seed)
    return dict(mark["summary"]) if same and (settings.home / "demo").exists() else None


def _clear(engine: Engine, settings: Settings) -> None:
    """Empty the demo's own database and folder, then bring the database to the newest tables."""
    shutil.rmtree(settings.home / "demo", ignore_errors=True)
    if engine.dialect.name == "sqlite" and engine.url.database:
        # Whatever revision an older demo stood at, its file is the demo's own.
        engine.dispose()
        for suffix in ("", "-wal", "-shm"):
            Path(engine.url.database + suffix).unlink(missing_ok=True)
    elif inspect(engine).get_table_names():
        migrate.downgrade(engine, "base")
    migrate.upgrade(engine)
    with transaction(engine) as connection:
        installation.put(connection, "demo", {"finished": False, "firms": 0, "seed": 0})
        installation.put(connection, "business_date", DEMO_DAY.isoformat())


def _build(run: Course) -> dict[str, Any]:
    with run.step("生成演示城市的部门数据"):
        run.truth = generate(run.folder, firms=run.firms, seed=run.seed)
    with run.step("发布惠企政策事项"):
        publish_catalogue(run)
    with run.step("接收预算指标与用款计划"):
        import_finance_files(run, Moment.OPENING)
    with run.step("归集部门数据"):
        take_in_files(run)
    with run.step("匹配政策与企业"):
        matched = match_firms(run)
    with run.step("推送消息"):
        notify_firms(run, matched)
    with run.step("企业回答与确认"):
        answer_questions(run)
        confirm_offers(run)
    with run.step("主管部门审定"):
        decide_claims(run)
    with run.step("预占指标"):
        reserve_money(run)
    with run.step("校验并推送财政"):
        packages = push_packages(run)
    with run.step("财政与银行办理"):
        import_finance_files(run, Moment.LATE_CUT)
        work_with_finance(run, packages)
    with run.step("对账与签核"):
        reconcile_and_sign(run)
    with run.step("账簿与审计"):
        close_and_verify(run)
    return _finish(run)


# --- the end ---------------------------------------------------------------------------------

_FIRST = (
    "as_of", "seed", "firms", "records_in", "records_rejected", "linked_by_name", "benefits",
    "documents", "verdicts", "notices_sent", "claims_confirmed", "claims_approved",
    "waiting_for_funds", "reserved_fen", "pushed_fen", "paid_fen", "bounced_fen",
    "breaks_planted", "breaks_found", "breaks_open", "journal_balanced", "book_ok",
)  # fmt: skip  # fmt: skip


def _finish(run: Course) -> dict[str, Any]:
    """Choose whom to sign in as, and mark the demo finished with its summary."""
    with transaction(run.engine) as connection:
        run.figures["notices_sent"] = connection.execute(
            select(func.count()).select_from(outbox).where(outbox.c.state == "sent")
        ).scalar_one()
        people = _agents(run, connection)
        for person in people:
            auth.add_user(
                connection,
                username=person.username,
                display_name=person.display_name,
                password_hash=password_hash(),
                grants_=person.grants,
                at=moment(7),
            )
        figures = {"as_of": DEMO_DAY.isoformat(), "seed": run.seed, **run.figures}
        summary = {key: figures.pop(key) for key in _FIRST} | figures
        installation.put(
            connection,
            "demo",
            {
                "finished": True,
                "firms": run.firms,
                "seed": run.seed,
                "as_of": DEMO_DAY.isoformat(),
                "summary": summary,
                "sign_ins": [
                    {
                        "username": person.username,
                        "password": PASSWORD,
                        "display_name": person.display_name,
                        "role_zh": "、".join(
                            dict.fromkeys(LABELS_ZH[grant.role] for grant in person.grants)
                        ),
                        "story": person.story,
                        "where": person.grants[0].department or person.grants[0].purse,
                    }
                    for person in (*people, *officers())
                ],
            },
        )
    return summary


def _agents(run: Course, connection: Connection) -> tuple[Any, ...]:
    """Pick the firms worth signing in as, by what became of them."""
    assert run.truth is not None
    by_state: dict[str, list[str]] = defaultdict(list)
    query = select(claims.c.state, claims.c.uscc, claims.c.benefit_id)
    taken: dict[str, set[str]] = defaultdict(set)
    payable = accounts_of(connection, sorted(run.offers))
    for state, uscc, benefit_id in connection.execute(query.order_by(claims.c.claim_no)):
        by_state[state].append(uscc)
        taken[uscc].add(benefit_id)
    still_open = {
        uscc: [key for key in keys if key not in taken[uscc]]
        for uscc, keys in run.offers.items()
        if uscc in payable
    }
    return pick_agents(
        run.truth,
        offers={uscc: keys for uscc, keys in still_open.items() if keys},
        found={
            "question": sorted(run.questions),
            "waiting": by_state["waiting"],
            "bounced": by_state["bounced"],
            "held": by_state["held"],
            "paid": by_state["receipted"],
            "nearly": [run.truth.parts["nearly"]],
        },
    )
