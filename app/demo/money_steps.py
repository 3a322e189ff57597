"""The demo's second half: decided, reserved, pushed, answered, reconciled and booked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import func, select

from app.db import read, transaction
from app.demo.budget import PURSES, Moment, budget_files
from app.demo.city import DEMO_DAY
from app.demo.course import Course, moment
from app.demo.faults import FaultPlan
from app.demo.finance import FinanceWorld
from app.demo.firm_steps import send_mail
from app.demo.people import officers
from app.roles import Role
from app.tables import approvals, claims
from app.work.book import close_book
from app.work.decide import decide
from app.work.fund import fund
from app.work.notify import write
from app.work.push import NothingToPushError, check, prepare, release, sent
from app.work.receive import receive
from app.work.reconcile import reconcile, sign, take_execution, take_statement
from app.work.verify import verify_all
from ledger.budget import change_keys, import_budget, over_allotment_id
from ledger.budget_files import read_budget_file
from ledger.columns import sum_fen
from ledger.differences import BreakClass
from ledger.packages import write_package
from ledger.purses import open_purses
from ledger.tables import applications
from matching.profile_store import accounts_of

STAYS_ONE_IN = 30


def import_finance_files(run: Course, when: Moment) -> None:
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


def decide_claims(run: Course) -> None:
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


def reserve_money(run: Course) -> None:
    """Reserve allotments for what was approved, and tell the others what they wait for."""
    with transaction(run.engine) as connection:
        funded = fund(connection, on=DEMO_DAY, by="system", at=moment(15))
        write(connection, funded.drafts, at=moment(15))
    run.figures["reserved_fen"] = funded.reserved_fen
    run.figures["waiting_for_funds"] = funded.waiting


def push_packages(run: Course) -> list[tuple[str, str]]:
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


def work_with_finance(run: Course, packages: Sequence[tuple[str, str]]) -> None:
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
    send_mail(run)


def _holders(run: Course) -> dict[str, str]:
    """Return what the payees' banks know: the holder of each account number."""
    with read(run.engine) as connection:
        usccs = list(connection.execute(select(claims.c.uscc).distinct()).scalars())
        return {
            account.account_no: account.account_name
            for accounts in accounts_of(connection, sorted(usccs)).values()
            for account in accounts
        }


def reconcile_and_sign(run: Course) -> None:
    """Reconcile the day, have another person sign it, and hold breaks against the truth."""
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


def close_and_verify(run: Course) -> None:
    """Write and check the book, verify everything, and compare what was spent three ways."""
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
