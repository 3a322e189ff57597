"""The mirror of the budget: files taken in once, cuts always, availability never exceeded."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlalchemy import Connection, Engine, select

from app.db import transaction
from ledger.applications import reserve
from ledger.budget import (
    ChangeKind,
    ChangeRow,
    FundingState,
    availability,
    find_funding,
    get_purse,
    import_budget,
    open_funding,
    open_purses,
    read_budget_file,
    set_purpose,
    stages,
)
from ledger.budget_files import CHANGE_HEADINGS, PLAN_HEADINGS
from ledger.errors import (
    AllotmentOverdrawnError,
    BudgetRefusedError,
    FileRefusedError,
    PurseChangedError,
    UnknownAllotmentError,
    UnknownPurseError,
)
from ledger.journal import close_period
from ledger.steps import cancel
from ledger.tables import allotment_changes, breaks, journal
from tests.ledger.money_flow import (
    AT,
    DAY,
    fund,
    make_change,
    make_file,
    make_plan,
    make_purse,
    make_request,
)

CUT = ChangeKind.CUT


def cut(connection: Connection, amount: int, name: str, kind: ChangeKind = CUT) -> str:
    change = make_change(amount, kind, doc_no=name)
    found = import_budget(connection, make_file(change, name=name), at=AT)
    return found.over[0].break_id if found.over else ""


def test_an_issued_allotment_is_available(engine: Engine) -> None:
    with transaction(engine) as connection:
        assert fund(connection, 1_000_000).changes == 1
        held = availability(connection, "ZB-1", on=DAY)
        assert (held.available_fen, held.appropriation_fen, held.usable_fen) == (10**6,) * 3
        assert [row.available_fen for row in stages(connection, purse="CITY")] == [10**6]
        with pytest.raises(UnknownAllotmentError):
            availability(connection, "ZB-9", on=DAY)


def test_the_same_file_or_row_twice_changes_nothing(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_purses(connection, [make_purse()])
        first = make_file(make_change(500), make_change(500, row=3), make_second())
        assert import_budget(connection, first, at=AT).changes == 3
        assert import_budget(connection, first, at=AT).repeated
        later = make_file(
            make_change(500), make_change(500, row=3), make_change(500, row=4), name="later.csv"
        )
        found = import_budget(connection, later, at=AT)
        assert (found.changes, found.known_changes) == (1, 2)
        assert availability(connection, "ZB-1", on=DAY).available_fen == 1_500


def make_second() -> ChangeRow:
    """A second allotment in the same file."""
    return make_change(7, allotment_no="ZB-2", row=9)


def test_a_cut_takes_the_unreserved_rest_first(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 1_000)
        reserve(connection, make_request(amount_fen=400), at=AT)
        assert cut(connection, 500, "减-1") == ""
        held = availability(connection, "ZB-1", on=DAY)
        assert (held.available_fen, held.reserved_fen, held.overdrawn_fen) == (100, 400, 0)


def test_a_cut_beyond_the_rest_is_taken_in_and_opens_a_break(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 1_000)
        reserve(connection, make_request(amount_fen=400), at=AT)
        identity = cut(connection, 750, "减-1")
        held = availability(connection, "ZB-1", on=DAY)
        assert (held.available_fen, held.overdrawn_fen, held.appropriation_fen) == (0, 150, 250)
        assert held.usable_fen == 0
        row = connection.execute(select(breaks)).mappings().one()
        assert (row["id"], row["class"], row["amount_fen"]) == (identity, "over_allotment", 150)
        assert (row["state"], row["purse"]) == ("open", "CITY")
        with pytest.raises(AllotmentOverdrawnError):
            reserve(connection, make_request("SQ-2", 1), at=AT)


def test_more_money_and_released_money_make_good_what_is_overdrawn(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 1_000)
        reserve(connection, make_request(amount_fen=900), at=AT)
        cut(connection, 500, "减-1")
        cut(connection, 150, "增-1", ChangeKind.ADDED)
        assert availability(connection, "ZB-1", on=DAY).overdrawn_fen == 250
        cancel(connection, ["SQ-1"], ref="撤", on=DAY, by="经办甲", at=AT)
        held = availability(connection, "ZB-1", on=DAY)
        assert (held.overdrawn_fen, held.available_fen, held.reserved_fen) == (0, 650, 0)


def test_rows_that_cannot_be_applied_refuse_the_whole_file(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 100)
    bad = make_file(
        make_change(5, row=2, allotment_no="ZB-7"),
        make_change(5, row=3, allotment_no="ZB-8", purse="NONE"),
        make_change(5, CUT, row=4, allotment_no="ZB-9"),
        make_change(101, CUT, row=5),
        plans=(make_plan(5, allotment_no="ZB-6"),),
        name="bad.csv",
    )
    with pytest.raises(BudgetRefusedError) as caught, transaction(engine) as connection:
        import_budget(connection, bad, at=AT)
    told = " ".join(finding.message for finding in caught.value.findings)
    assert len(caught.value.findings) == 4
    assert all(word in told for word in ("ZB-8", "ZB-9", "ZB-6", "减后为负", "第4行"))
    with transaction(engine) as connection:
        assert len(list(connection.execute(select(allotment_changes)))) == 1


def test_a_change_of_a_closed_month_is_booked_on_the_files_day(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 100)
        close_period(connection, "2026-03", by="会计", at=AT)
        late = make_file(make_change(9, CUT), name="late.csv", as_of=date(2026, 4, 1))
        import_budget(connection, late, at=AT)
        days = set(connection.scalars(select(journal.c.booked_on)))
        assert days == {DAY, date(2026, 4, 1)}


def test_plans_limit_what_is_usable_month_by_month(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_purses(connection, [make_purse(needs_plan=True)])
        plans = (make_plan(300), make_plan(200, "2026-05", voucher="JH-2"))
        import_budget(connection, make_file(make_change(1_000), plans=plans), at=AT)
        assert availability(connection, "ZB-1", on=DAY).usable_fen == 300
        assert availability(connection, "ZB-1", on=date(2026, 5, 1)).usable_fen == 500
        reserve(connection, make_request(amount_fen=250), at=AT)
        assert availability(connection, "ZB-1", on=DAY).planned_fen == 50
        changed = make_file(plans=(make_plan(250),), name="plan-2.csv")
        import_budget(connection, changed, at=AT)
        assert availability(connection, "ZB-1", on=DAY).planned_fen == 0


def test_funding_follows_purpose_and_order(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_purses(connection, [make_purse(), make_purse("COUNTY")])
        rows = (
            make_change(100, allotment_no="ZB-B", priority=1, purpose=("稳岗",)),
            make_change(100, allotment_no="ZB-A", priority=2, purpose=("稳岗", "研发")),
            make_change(100, allotment_no="ZB-C", purse="COUNTY", purpose=("稳岗",)),
        )
        import_budget(connection, make_file(*rows), at=AT)
        found = find_funding(connection, purse="CITY", purpose="稳岗", amount_fen=150, on=DAY)
        assert found.state is FundingState.READY
        assert [(p.allotment_no, p.amount_fen) for p in found.parts] == [
            ("ZB-B", 100),
            ("ZB-A", 50),
        ]
        none = find_funding(connection, purse="CITY", purpose="外贸", amount_fen=1, on=DAY)
        assert (none.state, none.expected_budget_year) == (FundingState.NO_ALLOTMENT, 2027)
        short = find_funding(connection, purse="CITY", purpose="稳岗", amount_fen=201, on=DAY)
        assert (short.state, short.short_fen) == (FundingState.INSUFFICIENT, 1)
        set_purpose(connection, "ZB-C", ["*"], priority=5)
        any_purpose = find_funding(connection, purse="COUNTY", purpose="外贸", amount_fen=1, on=DAY)
        assert any_purpose.state is FundingState.READY


def test_a_pool_never_promises_the_same_money_twice(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_purses(connection, [make_purse(needs_plan=True)])
        import_budget(connection, make_file(make_change(1_000), plans=(make_plan(100),)), at=AT)
        pool = open_funding(connection, on=DAY)
    states = [pool.take(purse="CITY", purpose="任何", amount_fen=60).state for _ in range(2)]
    assert states == [FundingState.READY, FundingState.NO_PLAN]


def test_purses_keep_their_nature(engine: Engine) -> None:
    with transaction(engine) as connection:
        open_purses(connection, [make_purse()])
        open_purses(connection, [make_purse()])
        assert get_purse(connection, "CITY") == make_purse()
        with pytest.raises(PurseChangedError):
            open_purses(connection, [make_purse(chart="fund")])
        with pytest.raises(UnknownPurseError):
            get_purse(connection, "NONE")


CELLS = {
    "BGT_ID": "ZB-1",
    "COR_BGT_DOC_NO": "财企〔2026〕1号",
    "CHANGE_TYPE": "下达",
    "AMT": "1,000.50",
    "EFFECTIVE_DATE": "2026-03-02",
    "FISCAL_YEAR": "2026",
    "MOF_DIV_CODE": "330100000",
    "AGENCY_CODE": "201001",
    "AGENCY_NAME": "市经信局",
    "PRO_CODE": "P1",
    "PRO_NAME": "中小企业发展专项",
    "EXP_FUNC_CODE": "2150805",
    "GOV_BGT_ECO_CODE": "50701",
    "DEP_BGT_ECO_CODE": "31204",
    "FUND_TYPE_CODE": "111",
    "IS_DIR": "是",
    "PURPOSE": "稳岗；研发",
}


def write_csv(path: Path, *rows: list[str], encoding: str = "utf-8-sig") -> Path:
    path.write_text("\n".join(",".join(f'"{c}"' for c in row) for row in rows), encoding=encoding)
    return path


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
@pytest.mark.parametrize("chinese", [True, False])
def test_allotment_files_are_read_by_code_or_chinese_heading(
    tmp_path: Path, encoding: str, chinese: bool
) -> None:
    labels = {**CHANGE_HEADINGS, "AMT": "金额（元）", "PURPOSE": "支持事项"}
    heading = [labels[code] if chinese else code for code in CELLS]
    file = write_csv(tmp_path / "zb.csv", heading, list(CELLS.values()), encoding=encoding)
    budget, findings = read_budget_file(file)
    assert findings == []
    (change,) = budget.changes
    assert (change.amount_fen, change.is_direct) == (100_050, True)
    assert (change.purpose, change.row) == (("稳岗", "研发"), 2)
    assert (budget.as_of, budget.total_fen) == (DAY, 100_050)


def test_plan_files_come_as_xlsx_too(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(PLAN_HEADINGS))
    sheet.append(["JH-1", "ZB-1", "202603", 12.3])
    book.save(tmp_path / "plan.xlsx")
    budget, findings = read_budget_file(tmp_path / "plan.xlsx")
    assert findings == []
    assert [(p.plan_month, p.plan_amt_fen) for p in budget.plans] == [("2026-03", 1_230)]


@pytest.mark.parametrize(
    ("code", "value", "told"),
    [
        ("AMT", "12.345", "金额"),
        ("AMT", "-1", "应为正数"),
        ("EFFECTIVE_DATE", "3月2日", "应为日期"),
        ("CHANGE_TYPE", "增加", "应为下达"),
        ("FISCAL_YEAR", "二〇二六", "应为整数"),
        ("IS_DIR", "也许", "应为1或0"),
        ("BGT_ID", "", "应填写"),
    ],
)
def test_a_bad_cell_is_named_with_row_and_field(
    tmp_path: Path, code: str, value: str, told: str
) -> None:
    good, bad = list(CELLS.values()), list({**CELLS, code: value}.values())
    file = write_csv(tmp_path / "zb.csv", list(CELLS), good, bad)
    budget, findings = read_budget_file(file)
    assert [change.row for change in budget.changes] == [2]
    assert any(told in f.message and "第3行" in f.message for f in findings)


def test_a_file_without_its_headings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefusedError, match="金额"):
        read_budget_file(write_csv(tmp_path / "zb.csv", ["BGT_ID"], ["ZB-1"]))
    with pytest.raises(FileRefusedError):
        read_budget_file(write_csv(tmp_path / "no.csv", list(CELLS)))
    (tmp_path / "empty.csv").touch()
    with pytest.raises(FileRefusedError):
        read_budget_file(tmp_path / "empty.csv")
