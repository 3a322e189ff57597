"""A small world of purses, allotments and applications for the money tests; no randomness."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import Connection

from ledger.applications import ReserveRequest
from ledger.budget import (
    BudgetImport,
    BudgetImportResult,
    ChangeKind,
    ChangeRow,
    Channel,
    PlanRow,
    Purse,
    import_budget,
    open_purses,
)
from ledger.money import Fen
from ledger.steps import Event, Mark, mark_many

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DAY = date(2026, 3, 2)
USCC = "91330100MA27XXXX07"


def make_purse(code: str = "CITY", *, needs_plan: bool = False, chart: str = "department") -> Purse:
    """A city's general budget, paid through the budget system."""
    return Purse(
        code=code,
        name_zh="市级一般公共预算",
        division_code="330100000",
        level="city",
        fund_type=f"111-{code}",
        channel=Channel.BUDGET_SYSTEM,
        payer_name="市经济和信息化局",
        payer_account="33001616783500000001",
        payer_bank_cnaps="105331000001",
        chart=chart,
        needs_plan=needs_plan,
    )


def make_change(
    amount_fen: int,
    kind: ChangeKind = ChangeKind.ISSUED,
    *,
    allotment_no: str = "ZB-1",
    row: int = 2,
    on: date = DAY,
    purse: str = "CITY",
    doc_no: str = "财企〔2026〕1号",
    purpose: tuple[str, ...] = (),
    priority: int | None = None,
) -> ChangeRow:
    """One row of finance's allotment file."""
    return ChangeRow(
        row=row,
        allotment_no=allotment_no,
        doc_no=doc_no,
        kind=kind,
        amount_fen=Fen(amount_fen),
        effective_on=on,
        fiscal_year=on.year,
        division_code="330100000",
        agency_code="201001",
        agency_name="市经济和信息化局",
        project_code="P001",
        project_name="中小企业发展专项",
        exp_func_code="2150805",
        gov_bgt_eco_code="50701",
        dep_bgt_eco_code="31204",
        fund_type_code="111",
        purse=purse,
        purpose=purpose,
        priority=priority,
    )


def make_plan(
    amount_fen: int, month: str = "2026-03", *, allotment_no: str = "ZB-1", voucher: str = "JH-1"
) -> PlanRow:
    """One approved monthly plan."""
    return PlanRow(
        row=2,
        plan_voucher_no=voucher,
        allotment_no=allotment_no,
        plan_month=month,
        plan_amt_fen=Fen(amount_fen),
    )


def make_file(
    *changes: ChangeRow, plans: tuple[PlanRow, ...] = (), name: str = "zb-1.csv", as_of: date = DAY
) -> BudgetImport:
    """A budget file as read; its name stands in for its content's digest."""
    return BudgetImport(
        file_name=name, sha256=name.ljust(64, "0"), as_of=as_of, changes=changes, plans=plans
    )


def fund(connection: Connection, amount_fen: int, allotment_no: str = "ZB-1") -> BudgetImportResult:
    """Open the purse and issue one allotment."""
    open_purses(connection, [make_purse()])
    change = make_change(amount_fen, allotment_no=allotment_no)
    return import_budget(connection, make_file(change, name=f"{allotment_no}.csv"), at=AT)


def make_request(
    number: str = "SQ-1",
    amount_fen: int = 10_000,
    *,
    claim_no: str | None = None,
    part: int = 1,
    allotment_no: str = "ZB-1",
    purse: str = "CITY",
    uscc: str = USCC,
    on: date = DAY,
) -> ReserveRequest:
    """A request for one application."""
    return ReserveRequest(
        application_no=number,
        claim_no=claim_no or f"BJ-{number}",
        part=part,
        purse=purse,
        allotment_no=allotment_no,
        payee_uscc=uscc,
        payee_name="杭州某某科技有限公司",
        payee_account_no="6222000000000001",
        payee_bank_name="工商银行杭州分行",
        payee_cnaps="102331000001",
        amount_fen=amount_fen,
        booked_on=on,
        by="经办甲",
        use_desc="稳岗补贴",
    )


def send(connection: Connection, *numbers: str) -> None:
    """Bring reserved applications to accepted."""
    for event, ref in ((Event.PACKAGED, "BAO-1"), (Event.SENT, "BAO-1"), (Event.ACCEPTED, "HZ-1")):
        marks = [Mark(application_no=number, on=DAY, ref=ref) for number in numbers]
        mark_many(connection, event, marks, at=AT)
