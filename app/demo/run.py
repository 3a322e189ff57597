"""`hqt demo`: a fresh embedded database, a city's files, and the whole chain run on them.

Every step calls the same functions as pages, API and commands. The clock stands still on the
demo's day, so that the same seed gives the same figures on either database.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import lru_cache
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

from rich.console import Console
from sqlalchemy import Connection, Engine, func, inspect, select

from app import auth, installation, migrate
from app.clock import SHANGHAI
from app.db import make_engine, read, transaction
from app.demo.budget import PURSES, Moment, budget_files
from app.demo.city import DEMO_DAY, generate
from app.demo.faults import FaultPlan, Planted
from app.demo.finance import FinanceWorld
from app.demo.mail import mail_server
from app.demo.people import officers, pick_agents
from app.demo.truth import CityTruth
from app.errors import ForeignDatabaseError
from app.roles import LABELS_ZH, Role
from app.settings import Settings
from app.tables import approvals, claims, outbox
from app.work.book import close_book
from app.work.confirm import answer, confirm
from app.work.decide import decide
from app.work.deliver import deliver_once
from app.work.fund import fund
from app.work.history import histories
from app.work.match import Matched, match_everyone, store_sweep
from app.work.notify import Draft, offer_draft, question_draft, write
from app.work.offers import Offer, judge, offer
from app.work.publish import publish_folder
from app.work.push import NothingToPushError, check, prepare, release, sent
from app.work.receive import receive
from app.work.reconcile import reconcile, sign, take_execution, take_statement
from app.work.take_in import take_in
from app.work.verify import verify_all
from ledger.budget import change_keys, import_budget, over_allotment_id
from ledger.budget_files import read_budget_file
from ledger.columns import sum_fen
from ledger.differences import BreakClass
from ledger.packages import write_package
from ledger.purses import Channel, open_purses
from ledger.tables import applications
from matching.deliveries import read_delivery_note
from matching.evaluate import deciding_unknowns
from matching.facts import Facts
from matching.profile_store import accounts_of, profiles
from matching.verdicts import VerdictKind
from policies.benefits import Benefit
from policies.library import live_benefits
from policies.vocabulary import Field, load_vocabulary

PASSWORD = "huiqitong2026"  # noqa: S105 - the demo prints it on its sign-in page
CONFIRMING_PER_CENT = 88
ANSWERING_PER_CENT = 35
FIRMS_A_STEP = 200
STAYS_ONE_IN = 30


def moment(hour: int, minute: int = 0) -> datetime:
    """Return an instant of the demo's day."""
    return datetime.combine(DEMO_DAY, time(hour, minute), SHANGHAI)


@dataclass(slots=True)
class _Run:
    """One run of the demo: where it is, and the figures it gathers."""

    settings: Settings
    engine: Engine
    firms: int
    seed: int
    console: Console
    figures: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    truth: CityTruth | None = None
    offers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    questions: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    planted: list[Planted] = field(default_factory=list)
    cuts: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The demo's own folder under the home of the installation."""
        return self.settings.home / "demo"

    @contextmanager
    def step(self, label: str) -> Iterator[None]:
        """Say what is being done, and how long it took."""
        started = perf_counter()
        with self.console.status(label):
            yield
        self.seconds[label] = round(perf_counter() - started, 2)
        self.console.print(f"[green]✓[/green] {label} ({self.seconds[label]:.1f} s)")


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
        run = _Run(
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


# --- the database ----------------------------------------------------------------------------


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


# --- the chain -------------------------------------------------------------------------------


def _build(run: _Run) -> dict[str, Any]:
    with run.step("生成演示城市的部门数据"):
        run.truth = generate(run.folder, firms=run.firms, seed=run.seed)
    with run.step("发布惠企政策事项"):
        _publish(run)
    with run.step("接收预算指标与用款计划"):
        _budget(run, Moment.OPENING)
    with run.step("归集部门数据"):
        _take_in(run)
    with run.step("匹配政策与企业"):
        matched = _match(run)
    with run.step("推送消息"):
        _notify(run, matched)
    with run.step("企业回答与确认"):
        _answer(run)
        _confirm(run)
    with run.step("主管部门审定"):
        _decide(run)
    with run.step("预占指标"):
        _fund(run)
    with run.step("校验并推送财政"):
        packages = _push(run)
    with run.step("财政与银行办理"):
        _budget(run, Moment.LATE_CUT)
        _finance(run, packages)
    with run.step("对账与签核"):
        _reconcile(run)
    with run.step("账簿与审计"):
        _book(run)
    return _finish(run)


def _publish(run: _Run) -> None:
    with transaction(run.engine) as connection:
        for person in officers():
            auth.add_user(
                connection,
                username=person.username,
                display_name=person.display_name,
                password_hash=_password_hash(),
                grants_=person.grants,
                at=moment(7),
            )
        published = publish_folder(connection, by="bianzhi", reviewed_by="shenhe", at=moment(7, 5))
    run.figures["benefits"] = published.benefits
    run.figures["documents"] = published.documents


def _budget(run: _Run, when: Moment) -> None:
    """Import finance's files of one moment; a late cut is taken whatever was reserved."""
    at = moment(7, 30) if when is Moment.OPENING else moment(16, 30)
    with transaction(run.engine) as connection:
        if when is Moment.OPENING:
            open_purses(connection, PURSES)
        for file in budget_files(run.folder / "budget", firms=run.firms):
            if file.moment is when:
                budget, findings = read_budget_file(file.path)
                assert not findings, findings
                import_budget(connection, budget, at=at, by="nanchang-zhidan")
                if when is Moment.LATE_CUT:
                    run.cuts += [
                        over_allotment_id(change.allotment_no, key)
                        for change, key in change_keys(budget)
                    ]


def _take_in(run: _Run) -> None:
    inbox = run.folder / "inbox"
    totals = {"records_in": 0, "records_rejected": 0, "linked_by_name": 0, "link_queue": 0}
    refused: list[str] = []
    for number, delivery in enumerate(read_delivery_note(inbox / "交接单.json")):
        with transaction(run.engine) as connection:
            report = take_in(
                connection, delivery, inbox / delivery.file, at=moment(8, number), match=False
            ).report
        if report.repeated:
            continue
        totals["records_in"] += report.rows_read
        totals["records_rejected"] += report.rows_rejected
        totals["linked_by_name"] += report.linked_by_name
        totals["link_queue"] += report.queued
        if report.state == "refused":
            refused.append(delivery.file)
    run.figures |= totals | {"files_refused": refused}


def _match(run: _Run) -> Matched:
    matched = match_everyone(
        run.engine, as_of=DEMO_DAY, known_at=moment(9), processes=os.cpu_count() or 1
    )
    with transaction(run.engine) as connection:
        store_sweep(connection, matched)
    run.figures["firms"] = matched.firms
    run.figures["verdicts"] = {
        "eligible": len(matched.eligible),
        "undetermined": len(matched.undetermined),
        "ineligible": matched.ineligible,
    }
    return matched


def _offers(
    connection: Connection, matched: Matched, usccs: Sequence[str]
) -> Iterator[tuple[str, list[Offer]]]:
    """Judge some firms against the payable benefits they were found eligible for."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for decision in matched.eligible:
        if decision.payable:
            wanted[decision.uscc].add(decision.benefit_id)
    benefits = {b.id: b for b in matched.benefits}
    chosen = [uscc for uscc in usccs if uscc in wanted]
    past = histories(connection, chosen)
    for profile in profiles(connection, usccs=chosen):
        facts = Facts(profile, load_vocabulary(), DEMO_DAY)
        own = past[profile.uscc]
        yield (
            profile.uscc,
            [judge(benefits[key], facts, own) for key in sorted(wanted[profile.uscc])],
        )


def _groups(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), FIRMS_A_STEP):
        yield items[start : start + FIRMS_A_STEP]


def _payable_firms(matched: Matched) -> list[str]:
    return sorted({d.uscc for d in matched.eligible if d.payable})


def _notify(run: _Run, matched: Matched) -> None:
    """Offer what is certain, ask the one thing that is missing, and send it all by mail."""
    vocabulary = load_vocabulary()
    benefits = {b.id: b for b in matched.benefits}
    asked: dict[str, tuple[int, Draft]] = {}
    for decision in matched.undetermined:
        benefit = benefits[decision.benefit_id]
        if not decision.payable or len(decision.missing) != 1 or not benefit.window_open(DEMO_DAY):
            continue
        entry = vocabulary.get(decision.missing[0])
        if entry is None or not entry.is_declared:
            continue
        run.questions[decision.uscc].append(decision.benefit_id)
        worth = decision.award_high_fen or 0
        if decision.uscc not in asked or asked[decision.uscc][0] < worth:
            draft = question_draft(
                decision.uscc,
                benefit,
                period=str(DEMO_DAY.year),
                question_zh=entry.question_zh,
                field=entry.code,
            )
            asked[decision.uscc] = (worth, draft)
    with transaction(run.engine) as connection:
        drafts = [draft for _, draft in asked.values()]
        for group in _groups(_payable_firms(matched)):
            accounts = accounts_of(connection, group)
            for uscc, found in _offers(connection, matched, group):
                for item in found:
                    if not item.claimable:
                        continue
                    assert item.due_fen is not None
                    run.offers[uscc].append(item.benefit.id)
                    drafts.append(
                        offer_draft(
                            uscc,
                            item.benefit,
                            period=item.period,
                            due_fen=item.due_fen,
                            ask_for_account=not accounts.get(uscc),
                        )
                    )
        write(connection, drafts, at=moment(9, 30))
    _send(run)


def _send(run: _Run) -> None:
    with mail_server(run.folder / "mail.mbox") as (host, port):
        relay = run.settings.model_copy(update={"smtp_host": host, "smtp_port": port})
        deliver_once(run.engine, relay)


def _answer(run: _Run) -> None:
    """Some firms answer the one question they were asked; what it decides is matched at once."""
    random = Random(f"{run.seed}/answers")
    vocabulary = load_vocabulary()
    answered = decided = 0
    for uscc in sorted(run.questions)[: 40 + run.firms // 50]:
        if random.randrange(100) >= ANSWERING_PER_CENT:
            continue
        with transaction(run.engine) as connection:
            asked = offer(connection, uscc, run.questions[uscc][0], as_of=DEMO_DAY)
            unknown = next(deciding_unknowns(asked.verdict.root))
            entry = vocabulary[unknown.field]
            changes = answer(
                connection,
                uscc=uscc,
                field=entry.code,
                period=unknown.period,
                value=_plausible(entry, random),
                at=moment(10),
                as_of=DEMO_DAY,
            )
        answered += 1
        for change in changes:
            if change.after is VerdictKind.ELIGIBLE and change.due_fen:
                run.offers[uscc].append(change.benefit_id)
                decided += 1
    run.figures["questions_answered"] = answered
    run.figures["decided_by_answers"] = decided


def _plausible(entry: Field, random: Random) -> Any:
    """Return what a firm might answer to a question of this type."""
    kind = entry.type.value
    if kind == "bool":
        return True
    if kind == "money":
        return random.randrange(5, 60) * 1_000_000
    if kind == "code":
        return entry.codes[0].code if entry.codes else ""
    return random.randrange(2, 40)


def _confirm(run: _Run) -> None:
    """Firms confirm amount and account, each as its own case; some do not answer at all."""
    random = Random(f"{run.seed}/confirm")
    heroes = set((run.truth.parts if run.truth else {}).values())
    confirmed = without_account = 0
    with read(run.engine) as connection:
        benefits = {b.id: b for b in live_benefits(connection, DEMO_DAY)}
    for group in _groups(sorted(run.offers)):
        with transaction(run.engine) as connection:
            accounts = accounts_of(connection, group)
            past = histories(connection, group)
            for profile in profiles(connection, usccs=group):
                uscc = profile.uscc
                facts = Facts(profile, load_vocabulary(), DEMO_DAY)
                keys = sorted(run.offers[uscc])
                # Who signs in to look around should still find something to confirm.
                spare = _left_open(keys, benefits) if uscc in heroes else set()
                for key in keys:
                    if key in spare or random.randrange(100) >= CONFIRMING_PER_CENT:
                        continue
                    if not accounts.get(uscc):
                        without_account += 1
                        continue
                    found = judge(benefits[key], facts, past[uscc])
                    if not found.claimable or found.due_fen is None:
                        continue
                    number = confirm(
                        connection,
                        uscc=uscc,
                        benefit_id=key,
                        account_no=accounts[uscc][0].account_no,
                        shown_fen=found.due_fen,
                        by=f"firm:{uscc}",
                        at=moment(11),
                        as_of=DEMO_DAY,
                        prepared=found,
                    )
                    past[uscc] = past[uscc].with_claim(connection, number)
                    confirmed += 1
    run.figures["claims_confirmed"] = confirmed
    run.figures["waiting_for_account"] = without_account


def _left_open(keys: Sequence[str], benefits: Mapping[str, Benefit]) -> set[str]:
    """Return up to two offers to leave unconfirmed; those paid by bank file are all taken up."""
    bank = {purse.code for purse in PURSES if purse.channel is Channel.BANK_FILE}
    spare = [key for key in keys if benefits[key].purse not in bank]
    return set(spare[-2:]) if len(keys) > 2 else set()


def _decide(run: _Run) -> None:
    """Each department takes its steps: window, 经办, 复核, 负责人, all different people."""
    by_role = _people_by_role()
    for step, role in (
        ("accept", Role.WINDOW_CLERK),
        ("check", Role.HANDLER),
        ("review", Role.REVIEWER),
        ("approve", Role.HEAD),
    ):
        state = {"accept": "confirmed", "check": "accepted", "review": "checked"}.get(
            step, "reviewed"
        )
        with transaction(run.engine) as connection:
            query = (
                select(claims.c.department, claims.c.claim_no)
                .where(claims.c.state == state)
                .order_by(claims.c.department, claims.c.claim_no)
            )
            lists: dict[str, list[str]] = defaultdict(list)
            for department, number in connection.execute(query):
                lists[department].append(number)
            for department, numbers in sorted(lists.items()):
                decide(
                    connection,
                    numbers if step == "accept" else _today(numbers),
                    step=step,
                    by=by_role[role, department],
                    at=moment(13 if step in {"accept", "check"} else 14),
                    on=DEMO_DAY,
                )
    with read(run.engine) as connection:
        run.figures["claims_approved"] = connection.execute(
            select(func.count()).select_from(approvals).where(approvals.c.step == "approve")
        ).scalar_one()


def _today(numbers: Sequence[str]) -> Sequence[str]:
    """Return what an officer gets done today: one case in thirty stays on the desk."""
    return numbers[: len(numbers) - (len(numbers) + STAYS_ONE_IN // 2) // STAYS_ONE_IN]


def _people_by_role() -> dict[tuple[Role, str], str]:
    """Return one user name for each role of each department and purse."""
    return {
        (grant.role, grant.department or grant.purse): person.username
        for person in reversed(officers())
        for grant in person.grants
    }


def _fund(run: _Run) -> None:
    with transaction(run.engine) as connection:
        funded = fund(connection, on=DEMO_DAY, by="system", at=moment(15))
        write(connection, funded.drafts, at=moment(15))
    run.figures["reserved_fen"] = funded.reserved_fen
    run.figures["waiting_for_funds"] = funded.waiting


def _push(run: _Run) -> list[tuple[str, str]]:
    """Make, check and release one package a purse, and hand it over through the exchange."""
    by_role = _people_by_role()
    key = run.settings.signing_key().encode()
    written: list[tuple[str, str]] = []
    pushed = 0
    held: set[str] = set()
    for purse in PURSES:
        maker = by_role[Role.FINANCE_MAKER, purse.code]
        try:
            with transaction(run.engine) as connection:
                ready = prepare(
                    connection, purse=purse.code, by=maker, on=DEMO_DAY, at=moment(15, 20)
                )
        except NothingToPushError:
            continue
        number = ready.package.package_no
        with transaction(run.engine) as connection:
            checker = by_role[Role.FINANCE_CHECKER, purse.code]
            check(connection, number, by=checker, on=DEMO_DAY, at=moment(15, 40))
        releaser = by_role[Role.FINANCE_RELEASER, purse.code]
        with transaction(run.engine) as connection:
            file = release(connection, number, by=releaser, on=DEMO_DAY, at=moment(16), key=key)
        write_package(file, run.folder / "exchange" / "out")
        written.append((number, maker))
        held |= {finding.claim_no for finding in ready.held}
        pushed += ready.package.total_fen
    run.figures["pushed_fen"] = pushed
    run.figures["held_before_release"] = len(held)
    return written


def _finance(run: _Run, packages: Sequence[tuple[str, str]]) -> None:
    """Let finance and the bank work; take their answers, and ask again where none came."""
    world = FinanceWorld(
        run.folder / "exchange",
        seed=run.seed,
        faults=FaultPlan(),
        key=run.settings.signing_key().encode(),
        account_names=_holders(run),
    )
    day = world.work(on=DEMO_DAY)
    for number, maker in packages:
        with transaction(run.engine) as connection:
            known = number not in day.lost
            sent(connection, number, by=maker, on=DEMO_DAY, at=moment(16, 10), known=known)
    answers = [*day.answers]
    answers += [found for number in day.lost if (found := world.query(number)) is not None]
    for path in answers:
        with transaction(run.engine) as connection:
            received = receive(connection, path, by="system", at=moment(17))
            write(connection, received.drafts, at=moment(17))
    with transaction(run.engine) as connection:
        for path in day.statements:
            take_statement(connection, path, at=moment(18))
        for path in day.executions:
            take_execution(connection, path, at=moment(18))
    run.planted = world.planted(on=DEMO_DAY)
    run.figures["lost_replies"] = list(day.lost)
    _send(run)


def _holders(run: _Run) -> dict[str, str]:
    """Return what the payees' banks know: the holder of each account number."""
    with read(run.engine) as connection:
        usccs = list(connection.execute(select(claims.c.uscc).distinct()).scalars())
        return {
            account.account_no: account.account_name
            for accounts in accounts_of(connection, sorted(usccs)).values()
            for account in accounts
        }


def _reconcile(run: _Run) -> None:
    with transaction(run.engine) as connection:
        result = reconcile(connection, on=DEMO_DAY, by="duizhang", at=moment(18, 30))
    with transaction(run.engine) as connection:
        sign(connection, on=DEMO_DAY, by="qianhe", at=moment(19))
    planted = {item.id: item.break_class.value for item in run.planted}
    planted |= dict.fromkeys(run.cuts, BreakClass.OVER_ALLOTMENT.value)
    found = {item.id: item.break_class.value for item in result.breaks}
    run.figures["matched"] = result.day.matched
    run.figures["breaks_planted"] = [{"id": k, "class": planted[k]} for k in sorted(planted)]
    run.figures["breaks_found"] = [{"id": k, "class": found[k]} for k in sorted(found)]
    run.figures["breaks_open"] = sum(item.state == "open" for item in result.breaks)
    run.figures["breaks_open_why"] = [
        {"id": item.id, "class": item.break_class.value, "why": item.note.splitlines()[0]}
        for item in result.breaks
        if item.state == "open"
    ]


def _book(run: _Run) -> None:
    with transaction(run.engine) as connection:
        totals = connection.execute(
            select(sum_fen(applications.c.paid_fen), sum_fen(applications.c.returned_fen))
        ).one()
        book = close_book(connection, f"{DEMO_DAY:%Y-%m}", run.folder / "book", at=moment(19, 30))
        report = verify_all(connection)
    run.figures["paid_fen"] = int(totals[0] or 0)
    run.figures["bounced_fen"] = int(totals[1] or 0)
    run.figures["spent_fen_ledger"] = book.spent_fen_ledger
    run.figures["spent_fen_book"] = book.spent_fen_book
    run.figures["journal_balanced"] = report.ok
    run.figures["book_ok"] = book.ok and (
        run.figures["paid_fen"] - run.figures["bounced_fen"]
        == book.spent_fen_ledger
        == book.spent_fen_book
    )


# --- the end ---------------------------------------------------------------------------------

_FIRST = (
    "as_of", "seed", "firms", "records_in", "records_rejected", "linked_by_name", "benefits",
    "documents", "verdicts", "notices_sent", "claims_confirmed", "claims_approved",
    "waiting_for_funds", "reserved_fen", "pushed_fen", "paid_fen", "bounced_fen",
    "breaks_planted", "breaks_found", "breaks_open", "journal_balanced", "book_ok",
)  # fmt: skip


def _finish(run: _Run) -> dict[str, Any]:
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
                password_hash=_password_hash(),
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


def _agents(run: _Run, connection: Connection) -> tuple[Any, ...]:
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


@lru_cache(maxsize=1)
def _password_hash() -> str:
    """Hash the demo's one password once: it is printed on the sign-in page anyway."""
    return auth.hash_password(PASSWORD)
