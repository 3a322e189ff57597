"""The whole chain on a small city: the figures hold together, on both databases alike."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import Connection, Engine, Table, func, select, text, update
from sqlalchemy.exc import DatabaseError

from app import auth, db, installation, migrate
from app.auth import Grant
from app.demo.city import DEMO_DAY, generate, tomorrow
from app.demo.course import moment
from app.demo.run import build_demo
from app.errors import AmountChangedError, ForeignDatabaseError, SeparationError
from app.roles import Role
from app.settings import Settings
from app.tables import approvals, claims, clearances, notices
from app.work import match
from app.work.before_release import clear
from app.work.confirm import confirm
from app.work.decide import decide
from app.work.match import match_everyone
from app.work.offers import offers
from app.work.push import check, prepare, release, sent
from app.work.receive import receive
from app.work.reissue import pay_again
from app.work.take_in import take_in
from app.work.verify import verify_all
from ledger.allotments import stages
from ledger.answer_files import AnswerKind, AnswerLine, answer_bytes
from ledger.append_only import drop_statements
from ledger.applications import Application
from ledger.tables import applications, statement_lines, transfers
from matching.deliveries import read_delivery_note
from matching.profile_store import accounts_of
from matching.row_report import write_row_report
from matching.tables import batches, records
from matching.verdicts import VerdictKind
from tests.journeys.conftest import FIRMS, SEED, Built, Demo

WANTED = {
    "firms", "records_in", "records_rejected", "linked_by_name", "benefits", "documents",
    "verdicts", "notices_sent", "claims_confirmed", "claims_approved", "waiting_for_funds",
    "reserved_fen", "pushed_fen", "paid_fen", "bounced_fen", "breaks_planted", "breaks_found",
    "breaks_open", "journal_balanced", "book_ok",
}  # fmt: skip


def test_the_summary_holds_together(demo: Demo) -> None:
    found = demo.summary
    assert set(found) >= WANTED
    assert found["journal_balanced"] is True
    assert found["book_ok"] is True
    assert found["paid_fen"] - found["bounced_fen"] == found["spent_fen_ledger"]
    assert found["spent_fen_ledger"] == found["spent_fen_book"]
    assert found["firms"] == FIRMS
    assert sum(found["verdicts"].values()) % FIRMS == 0
    assert found["claims_confirmed"] > found["claims_approved"] > 0
    assert found["waiting_for_funds"] > 0
    assert found["pushed_fen"] <= found["reserved_fen"]
    assert found["bounced_fen"] > 0


def test_every_planted_fault_is_found_under_its_class_and_no_other(demo: Demo) -> None:
    planted = {(b["id"], b["class"]) for b in demo.summary["breaks_planted"]}
    found = {(b["id"], b["class"]) for b in demo.summary["breaks_found"]}
    assert planted == found
    assert len({kind for _, kind in planted}) >= 8
    assert demo.summary["breaks_open"] == len(demo.summary["breaks_open_why"])


def test_one_purse_pays_by_bank_file_and_the_others_through_the_budget_system(demo: Demo) -> None:
    sent = {path.suffix for path in (demo.folder / "exchange" / "out").glob("HQT*")}
    back = [path.name for path in (demo.folder / "exchange" / "in" / "bank").iterdir()]
    assert {".xml", ".csv"} <= sent
    assert any(name.startswith("pain002") for name in back)
    assert any(name.startswith("camt053") for name in back)


def test_both_databases_give_the_same_figures(sqlite_demo: Built, postgres_demo: Built) -> None:
    assert sqlite_demo.summary == postgres_demo.summary


def test_a_finished_demo_is_reused(demo: Demo) -> None:
    mark = demo.folder / "mark"
    mark.touch()
    again = build_demo(demo.settings, firms=FIRMS, seed=SEED, fresh=False, quiet=True)
    assert again == demo.summary
    assert mark.exists()


def test_a_database_the_demo_did_not_make_is_refused(engine: Engine, tmp_path: Path) -> None:
    url = engine.url.render_as_string(hide_password=False)
    settings = Settings(_env_file=None, home=tmp_path, database_url=url, secret_key="k")  # type: ignore[arg-type]
    with pytest.raises(ForeignDatabaseError):
        build_demo(settings, firms=FIRMS, seed=SEED, fresh=True, quiet=True)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (transfers, "amount_fen"),
        (applications, "amount_fen"),
        (applications, "paid_fen"),
        (approvals, "amount_fen"),
        (statement_lines, "amount_fen"),
        (claims, "approved_fen"),
    ],
    ids=["transfer", "application", "application-paid", "approval", "statement-line", "claim"],
)
def test_one_altered_amount_is_found(demo: Demo, table: Table, column: str) -> None:
    with demo.engine.connect() as connection:
        assert verify_all(connection).ok
        connection.rollback()
    keys = list(table.primary_key.columns)
    with demo.engine.begin() as connection:
        for statement in drop_statements(table, connection.dialect.name):
            connection.execute(text(statement))
        query = select(*keys).where(table.c[column] > 1).order_by(*keys).limit(1)
        row = connection.execute(query).one()
        same = [key == value for key, value in zip(keys, row, strict=True)]
        values: dict[str, Any] = {column: table.c[column] - 1}
        if table is claims:
            values |= {"difference_reason": "手工改动", "due_fen": table.c.due_fen}
        connection.execute(update(table).where(*same).values(values))
    with demo.engine.connect() as connection:
        report = verify_all(connection)
        connection.rollback()
    assert not report.ok
    assert report.findings


def test_a_firm_registered_tomorrow_is_matched_in_the_run_that_brings_it(
    demo: Demo, tmp_path: Path
) -> None:
    truth = generate(tmp_path / "city", firms=FIRMS, seed=SEED)
    note = tomorrow(tmp_path / "tomorrow", truth)
    deliveries = read_delivery_note(note)
    day = deliveries[0].as_of
    told = 0
    with db.transaction(demo.engine) as connection:
        installation.put(connection, "business_date", day.isoformat())
        before = set(connection.execute(select(records.c.uscc).distinct()).scalars())
        for delivery in deliveries:
            done = take_in(
                connection, delivery, note.parent / delivery.file, at=delivery.received_at
            )
            told += done.notices
        new = set(connection.execute(select(records.c.uscc).distinct()).scalars()) - before
    assert len(new) == 1
    assert told > 0
    with db.read(demo.engine) as connection:
        written = connection.execute(
            select(notices.c.benefit_id).where(notices.c.uscc == new.pop())
        ).all()
    assert len(written) == told


def test_taking_in_everything_again_changes_nothing(demo: Demo) -> None:
    inbox = demo.folder / "inbox"
    before = _counts(demo.engine)
    for delivery in read_delivery_note(inbox / "交接单.json"):
        with db.transaction(demo.engine) as connection:
            state = connection.execute(
                select(batches.c.state).where(batches.c.file_name == delivery.file)
            ).scalars()
            if "refused" in set(state):
                continue
            report = take_in(
                connection, delivery, inbox / delivery.file, at=delivery.received_at
            ).report
            assert report.repeated, delivery.file
    assert _counts(demo.engine) == before


def _counts(engine: Engine) -> dict[str, int]:
    with db.read(engine) as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in _tables().items()
        }


def _tables() -> dict[str, Table]:
    return {
        name: table for metadata in migrate.metadatas() for name, table in metadata.tables.items()
    }


def test_the_row_report_opens_in_a_spreadsheet(demo: Demo, tmp_path: Path) -> None:
    with db.read(demo.engine) as connection:
        batch = (
            connection.execute(
                select(batches.c.id).where(batches.c.rows_rejected > 0).order_by(batches.c.id)
            )
            .scalars()
            .first()
        )
        assert batch is not None
        write_row_report(connection, batch, tmp_path / "report.xlsx")
    workbook = openpyxl.load_workbook(tmp_path / "report.xlsx")
    sheet = workbook[workbook.sheetnames[0]]
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) > 1
    assert any("行" in str(cell) for cell in rows[0])


def test_nobody_takes_two_steps_of_one_case(demo: Demo) -> None:
    with db.transaction(demo.engine) as connection:
        row = connection.execute(
            select(approvals.c.claim_no, approvals.c.round, approvals.c.username)
            .where(approvals.c.step == "check")
            .limit(1)
        ).one()
    with pytest.raises(DatabaseError), db.transaction(demo.engine) as connection:
        connection.execute(
            approvals.insert().values(
                claim_no=row.claim_no,
                round=row.round,
                step="accept",
                username=row.username,
                decision="agree",
                amount_fen=1,
                content_digest="x",
                note="",
                decided_at=moment(12),
            )
        )


def test_an_agent_can_not_check_the_case_it_opened(demo: Demo) -> None:
    """A person with a department role who confirmed a case is kept away from deciding it."""
    with db.transaction(demo.engine) as connection:
        found = _claimable(connection)
        number = confirm(
            connection,
            uscc=found[0],
            benefit_id=found[1],
            account_no=found[2],
            shown_fen=found[3],
            by="gx-jingban",
            at=moment(12),
            as_of=DEMO_DAY,
        )
        connection.execute(
            update(claims)
            .where(claims.c.claim_no == number)
            .values(department="南昌市工业和信息化局", state="accepted")
        )
        with pytest.raises(SeparationError):
            decide(
                connection,
                [number],
                step="check",
                by="gx-jingban",
                at=moment(12),
                on=DEMO_DAY,
            )


def test_an_amount_that_is_no_longer_right_is_not_confirmed(demo: Demo) -> None:
    with db.transaction(demo.engine) as connection:
        uscc, benefit, account, due = _claimable(connection)
        with pytest.raises(AmountChangedError):
            confirm(
                connection,
                uscc=uscc,
                benefit_id=benefit,
                account_no=account,
                shown_fen=due + 1,
                by="x",
                at=moment(12),
                as_of=DEMO_DAY,
            )


def _claimable(connection: Connection) -> tuple[str, str, str, int]:
    """Find a firm that was told of an offer and has not taken it up, with an account."""
    query = (
        select(notices.c.uscc)
        .where(notices.c.kind == "offer", notices.c.answered_at.is_(None))
        .order_by(notices.c.id)
    )
    for uscc in connection.execute(query).scalars().all():
        accounts = accounts_of(connection, [uscc]).get(uscc)
        if not accounts:
            continue
        for found in offers(connection, uscc, as_of=DEMO_DAY):
            if found.claimable and found.verdict.kind is VerdictKind.ELIGIBLE and found.due_fen:
                return uscc, found.benefit.id, accounts[0].account_no, found.due_fen
    pytest.fail("the demo leaves nobody with an open offer")


def test_the_truth_beside_the_files_is_kept(demo: Demo) -> None:
    dirt = json.loads((demo.folder / "truth" / "dirt.json").read_text("utf-8"))
    rejected = [d for d in dirt if d["expected"] == "rejected" and d["row"] is not None]
    assert demo.summary["records_rejected"] >= len(rejected)


def test_matching_in_several_processes_gives_the_same(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = match_everyone(demo.engine, as_of=DEMO_DAY, known_at=moment(9))
    monkeypatch.setattr(match, "WORTH_SHARING", 2)
    shared = match_everyone(demo.engine, as_of=DEMO_DAY, known_at=moment(9), processes=2)
    assert shared == alone


def test_a_returned_payment_goes_out_again_and_is_paid_once(demo: Demo, tmp_path: Path) -> None:
    """Bounce, new application on the same reservation, package, answer: spent once in all."""
    with db.read(demo.engine) as connection:
        case = connection.execute(
            select(claims).where(claims.c.state == "bounced").order_by(claims.c.claim_no)
        ).first()
        assert case is not None
        spent = _spent(connection)
    with db.transaction(demo.engine) as connection:
        made = pay_again(
            connection,
            case.claim_no,
            account_no=case.account_no,
            by=f"{case.purse}-zhidan",
            on=DEMO_DAY,
            at=moment(20),
        )
        ready = prepare(
            connection, purse=case.purse, by=f"{case.purse}-zhidan", on=DEMO_DAY, at=moment(20, 1)
        )
    number = ready.package.package_no
    assert made[0].application_no in ready.package.application_nos
    assert _amount(made) == case.due_fen
    with db.transaction(demo.engine) as connection:
        check(connection, number, by=f"{case.purse}-fuhe", on=DEMO_DAY, at=moment(20, 2))
        release(
            connection, number, by=f"{case.purse}-qianfa", on=DEMO_DAY, at=moment(20, 3), key=b"k"
        )
        sent(connection, number, by=f"{case.purse}-zhidan", on=DEMO_DAY, at=moment(20, 4))
    kinds = (AnswerKind.ACCEPTED, AnswerKind.VOUCHER, AnswerKind.PAID)
    lines = [
        AnswerLine(
            line=place,
            application_no=item.application_no,
            tracking_id=item.claim_no,
            package_no=number,
            kind=kind,
            voucher_no="V-again",
            allotment_no=item.allotment_no,
            amount_fen=item.amount_fen,
            on=DEMO_DAY,
            ref=f"R-{kind.value}-{item.application_no}",
        )
        for place, (item, kind) in enumerate(product(made, kinds), start=1)
    ]
    file = tmp_path / "again.csv"
    file.write_bytes(answer_bytes(lines))
    with db.transaction(demo.engine) as connection:
        receive(connection, file, by="system", at=moment(20, 5))
        receive(connection, file, by="system", at=moment(20, 6))
    with db.read(demo.engine) as connection:
        row = connection.execute(select(claims).where(claims.c.claim_no == case.claim_no)).one()
        assert (row.state, row.paid_fen) == ("receipted", case.due_fen)
        assert _spent(connection) == spent + case.due_fen
        assert verify_all(connection).ok


def _amount(items: list[Application]) -> int:
    return sum(item.amount_fen for item in items)


def _spent(connection: Connection) -> int:
    return sum(stage.spent_fen for stage in stages(connection))


def test_a_cleared_finding_lets_its_claim_go_out(demo: Demo) -> None:
    """Held before release, cleared with a reason by someone else, and then in the next package."""
    with db.transaction(demo.engine) as connection:
        row = connection.execute(
            select(claims.c.claim_no, claims.c.department, claims.c.purse)
            .where(claims.c.state == "held")
            .order_by(claims.c.claim_no)
        ).first()
        assert row is not None
        auth.add_user(
            connection,
            username="clearer",
            display_name="另一位复核",
            password_hash="-",
            grants_=[Grant(role=Role.REVIEWER, department=row.department)],
            at=moment(20),
        )
        codes = connection.execute(
            select(clearances.c.code).where(clearances.c.claim_no == row.claim_no)
        ).scalars()
        for code in codes.all():
            clear(connection, row.claim_no, code, by="clearer", reason="已核实", at=moment(20))
    maker = f"{row.purse}-zhidan"
    with db.transaction(demo.engine) as connection:
        ready = prepare(connection, purse=row.purse, by=maker, on=DEMO_DAY, at=moment(20, 1))
    members = {number.rpartition("-")[0] for number in ready.package.application_nos}
    assert row.claim_no in members
