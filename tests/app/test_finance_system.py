"""The simulated finance system through files, and reconciliation finding exactly what it planted."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.demo.bank import BANK_FAULTS, Bank
from app.demo.faults import NO_FAULTS, PLANTABLE, FaultPlan
from app.demo.finance_system import LATE_DAYS, FinanceDay, FinanceSystem
from ledger.answers import apply_answers, load_answers
from ledger.applications import get_application
from ledger.daily import DayResult, reconcile_day
from ledger.iso20022 import read_camt053
from ledger.package_files import write_package
from ledger.packages import get_package
from ledger.reconcile import BreakClass
from ledger.statements import import_execution, import_statement, read_bank_csv, read_execution
from tests.ledger.money_flow import AT, DAY
from tests.ledger.push_flow import KEY, make_world, push, reserve


def take_in(engine: Engine, day: FinanceDay, *more: Path) -> None:
    with engine.begin() as connection:
        for path in (*day.answers, *more):
            apply_answers(connection, load_answers(path), at=AT)
        for path in day.statements:
            import_statement(connection, read_bank_csv(path), at=AT)
        for path in day.executions:
            import_execution(connection, read_execution(path), at=AT)


def reconcile(engine: Engine, on: date) -> DayResult:
    with engine.begin() as connection:
        return reconcile_day(connection, on=on, by="对账丁", at=AT)


def open_system(folder: Path, plan: FaultPlan, **more: dict[str, str]) -> FinanceSystem:
    return FinanceSystem(folder / "out", folder / "in", 7, plan, key=KEY, **more)


def found(day: DayResult) -> dict[str, int]:
    return {item.id: item.amount_fen for item in day.breaks}


def test_every_planted_fault_is_found_and_nothing_else(engine: Engine, tmp_path: Path) -> None:
    system = open_system(tmp_path, FaultPlan(bounce_per_thousand=100))
    with engine.begin() as connection:
        make_world(connection, ["CITY", "ZONE"])
        for purse, first in (("CITY", 1), ("CITY", 61), ("ZONE", 200)):
            numbers = reserve(connection, 60, purse=purse, first=first)
            write_package(push(connection, numbers, purse=purse), tmp_path / "out")
    day = system.process(None, DAY)
    assert len(day.lost) == 1
    assert day.bounced
    missing = system.query(day.lost[0])
    assert missing is not None
    take_in(engine, day, missing)
    now = reconcile(engine, DAY)
    assert found(now) == {item.id: item.amount_fen for item in system.planted(DAY)}
    again = reconcile(engine, DAY)
    assert (again.matched, again.new_breaks, found(again)) == (0, (), found(now))
    later = DAY + timedelta(days=LATE_DAYS)
    take_in(engine, system.process(None, later))
    end = reconcile(engine, later)
    assert found(end) == {item.id: item.amount_fen for item in system.planted()}
    assert {item.break_class for item in system.planted()} == set(PLANTABLE)
    assert end.suggestions == ()


def test_without_faults_everything_matches_and_nothing_is_left(
    engine: Engine, tmp_path: Path
) -> None:
    system = open_system(tmp_path, NO_FAULTS)
    with engine.begin() as connection:
        make_world(connection)
        write_package(push(connection, reserve(connection, 50)), tmp_path / "out")
    take_in(engine, system.process(None, DAY))
    day = reconcile(engine, DAY)
    assert (day.matched, day.breaks, day.suggestions) == (50, (), ())
    with engine.begin() as connection:
        assert get_package(connection, "HQT20260302-0001").state == "answered"


def test_payment_to_an_account_in_an_old_name_bounces(engine: Engine, tmp_path: Path) -> None:
    holders = {"account_names": {f"6222{3:012d}": "旧名有限公司"}}
    system = open_system(tmp_path, NO_FAULTS, **holders)
    with engine.begin() as connection:
        make_world(connection)
        write_package(push(connection, reserve(connection, 5)), tmp_path / "out")
    day = system.process(None, DAY)
    assert day.bounced == ("SQ-CITY-00003",)
    take_in(engine, day)
    assert reconcile(engine, DAY).breaks == ()


def test_month_end_payment_is_cut_by_the_period(engine: Engine, tmp_path: Path) -> None:
    system = open_system(tmp_path, FaultPlan(counts={BreakClass.PERIOD_CUT: 1}, loses_reply=False))
    last = date(2026, 3, 31)
    with engine.begin() as connection:
        make_world(connection)
        write_package(push(connection, reserve(connection, 9), on=last), tmp_path / "out")
    take_in(engine, system.process(None, last))
    take_in(engine, system.process(None, last + timedelta(days=1)))
    day = reconcile(engine, last + timedelta(days=1))
    assert set(found(day)) == {item.id for item in system.planted()}
    assert [item.break_class for item in day.breaks] == [BreakClass.PERIOD_CUT]


@pytest.mark.parametrize("spoil", ["content", "manifest", "missing"])
def test_a_spoiled_package_is_refused_whole(engine: Engine, tmp_path: Path, spoil: str) -> None:
    system = open_system(tmp_path, NO_FAULTS)
    with engine.begin() as connection:
        make_world(connection)
        file = push(connection, reserve(connection, 3))
    path = write_package(file, tmp_path / "out")
    manifest = tmp_path / "out" / file.manifest_name
    if spoil == "content":
        path.write_bytes(file.content.replace(b"10000.01", b"90000.01"))
    elif spoil == "manifest":
        manifest.write_bytes(file.manifest.replace(b"3000006", b"3000007"))
    else:
        path.unlink()
    day = system.process(None, DAY)
    assert set(day.refused) == {file.package_no}
    assert day.answers == ()
    assert system.query(file.package_no) is None


def test_the_same_seed_writes_the_same_files(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        make_world(connection)
        file = push(connection, reserve(connection, 40))
    written: list[dict[str, bytes]] = []
    for name in ("one", "two"):
        write_package(file, tmp_path / name / "out")
        system = open_system(tmp_path / name, FaultPlan())
        system.process(None, DAY)
        written.append(
            {path.name: path.read_bytes() for path in (tmp_path / name / "in").iterdir()}
        )
    assert written[0] == written[1]


def test_memory_lies_in_the_folder(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        make_world(connection)
        write_package(push(connection, reserve(connection, 40)), tmp_path / "out")
    first = open_system(tmp_path, FaultPlan())
    first.process(None, DAY)
    second = open_system(tmp_path, FaultPlan())
    assert second.planted() == first.planted()
    assert second.process(None, DAY + timedelta(days=1)).answers == ()


def test_a_purse_that_instructs_its_bank_is_reconciled_by_messages(
    engine: Engine, tmp_path: Path
) -> None:
    holders = {f"6222{2:012d}": "旧名有限公司"}
    bank = Bank(tmp_path / "out", tmp_path / "in", 7, key=KEY, account_names=holders)
    with engine.begin() as connection:
        make_world(connection, ["BANK"])
        numbers = reserve(connection, 12, purse="BANK")
        write_package(push(connection, numbers, purse="BANK"), tmp_path / "out")
    day = bank.process(DAY)
    assert day.rejected == ("SQ-BANK-00002",)
    assert bank.query("HQT20260302-0001") == day.reports[0]
    with engine.begin() as connection:
        result = apply_answers(connection, load_answers(day.reports[0]), at=AT)
        (path,) = day.statements
        import_statement(connection, read_camt053(path.read_bytes()), at=AT)
        rejected = get_application(connection, "SQ-BANK-00002")
    assert result.applied == 12
    assert (rejected.state, rejected.reserved_fen) == ("rejected", 0)
    done = reconcile(engine, DAY)
    assert found(done) == {item.id: item.amount_fen for item in bank.planted()}
    assert {item.break_class for item in bank.planted()} == set(BANK_FAULTS.counts)
    assert bank.process(DAY + timedelta(days=1)).reports == ()
