"""Intake: every mistake is told, nothing vanishes, nothing is taken twice, history stays."""

import hashlib
import json
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import Connection, Engine, select

from matching.errors import DeliveryNoteError, UnknownBatchError, UnknownSourceError
from matching.intake import read_delivery_note, write_row_report
from matching.tables import batches, enterprises, link_queue, records, row_findings
from policies.findings import Level
from tests.matching.deliveries import (
    AS_OF,
    AT,
    code,
    codes,
    counts,
    csv_bytes,
    firm,
    table,
    take,
    xlsx_bytes,
)

LATER = AT + timedelta(days=30)
A, B, C = code(1), code(2), code(3)
FIRMS = [
    firm(1, "南昌市鸿运机械有限公司", former_name="南昌市旧名机械有限公司"),
    firm(2, "南昌市宏达食品有限公司"),
    firm(3, "南昌市瑞华电子有限公司", status="注销", cancelled_on="2026-01-05"),
]


def live(connection: Connection, source: str) -> list[tuple[str | None, str, dict[str, object]]]:
    """The records of a source that count now."""
    query = (
        select(records.c.uscc, records.c.record_key, records.c.payload)
        .where(records.c.source == source, records.c.superseded_at.is_(None))
        .order_by(records.c.uscc, records.c.record_key, records.c.id)
    )
    return [tuple(row) for row in connection.execute(query)]


# --- cells -------------------------------------------------------------------------------------

GOOD_TAX = {"uscc": A, "name": "南昌市鸿运机械有限公司", "year": "2025", "revenue": "100"}


@pytest.mark.parametrize(
    ("source", "cells", "field", "expected_code"),
    [
        ("registration", {"uscc": A[:-1] + "W"}, "统一社会信用代码", "uscc.check"),
        ("registration", {"uscc": ""}, "统一社会信用代码", "uscc.missing"),
        ("registration", {"name": ""}, "企业名称", "cell.missing"),
        ("registration", {"status": "开业大吉"}, "登记状态", "choice.unknown"),
        ("registration", {"established_on": "2026-02-30"}, "成立日期", "date.impossible"),
        ("registration", {"established_on": "2025-13-01"}, "成立日期", "date.impossible"),
        ("registration", {"established_on": "2026-06-29"}, "成立日期", "date.future"),
        ("registration", {"established_on": "1066-10-14"}, "成立日期", "date.early"),
        ("registration", {"established_on": "昨天"}, "成立日期", "date.form"),
        ("registration", {"cancelled_on": "2001-01-01"}, "注销日期", "date.order"),
        ("registration", {"registered_capital": "-1"}, "注册资本", "money.negative"),
        ("registration", {"registered_capital": "五百万"}, "注册资本", "money.form"),
        ("registration", {"registered_capital": "1e5"}, "注册资本", "money.form"),
        ("registration", {"registered_capital": "0.001"}, "注册资本", "money.precision"),
        ("registration", {"registered_capital": "9000000000001"}, "注册资本", "money.overflow"),
        ("registration", {"registered_capital": "9" * 40}, "注册资本", "money.overflow"),
        ("registration", {"region": "3601"}, "住所区划代码", "region.form"),
        ("registration", {"industry": "9999"}, "行业代码", "industry.unknown"),
        ("registration", {"industry": "=1+1"}, "行业代码", "industry.form"),
        ("registration", {"address": "路\x07口"}, "住所", "cell.control"),
        ("registration", {"address": "路" * 501}, "住所", "cell.long"),
        ("tax_annual", {**GOOD_TAX, "year": "20x5"}, "所属年度", "year.form"),
        ("tax_annual", {**GOOD_TAX, "year": "2027"}, "所属年度", "year.future"),
        ("tax_annual", {**GOOD_TAX, "year": ""}, "所属年度", "cell.missing"),
        ("tax_annual", {**GOOD_TAX, "staff": "-3"}, "从业人数", "count.negative"),
        ("tax_annual", {**GOOD_TAX, "staff": "3.5"}, "从业人数", "count.form"),
        ("tax_annual", {**GOOD_TAX, "staff": "123456789"}, "从业人数", "count.overflow"),
        ("social_insurance", {"uscc": A, "month": "2026-13", "insured": "1"}, "费款所属期",
         "month.impossible"),
        ("social_insurance", {"uscc": A, "month": "2026-07", "insured": "1"}, "费款所属期",
         "month.future"),
        ("social_insurance", {"uscc": A, "month": "六月", "insured": "1"}, "费款所属期",
         "month.form"),
        ("social_insurance", {"uscc": A, "month": "2026-05", "insured": ""}, "参保人数",
         "cell.missing"),
        ("social_insurance", {"uscc": "", "name": "", "month": "2026-05", "insured": "1"},
         "单位名称", "row.nobody"),
    ],
)  # fmt: skip
def test_a_wrong_cell_rejects_its_row_and_says_where(
    engine: Engine,
    tmp_path: Path,
    source: str,
    cells: dict[str, str],
    field: str,
    expected_code: str,
) -> None:
    row = firm(1, "南昌市鸿运机械有限公司") | cells if source == "registration" else cells
    with engine.begin() as connection:
        report = take(connection, tmp_path, source, [row])
    (found,) = report.findings
    assert (found.code, found.field, found.row_number) == (expected_code, field, 2)
    assert found.level is Level.ERROR
    for part in (f"{source}.csv", "第 2 行", field, found.found or "空", found.expected):
        assert part in found.message
    assert (report.rows_read, report.rows_kept, report.rows_rejected) == (1, 0, 1)
    assert report.state == "accepted"


@pytest.mark.parametrize(
    ("cells", "payload"),
    [
        ({"established_on": "2019/3/1"}, {"established_on": "2019-03-01"}),
        ({"established_on": "2019年3月1日"}, {"established_on": "2019-03-01"}),
        ({"established_on": "20190301"}, {"established_on": "2019-03-01"}),
        ({"established_on": "2019.3.1"}, {"established_on": "2019-03-01"}),
        ({"established_on": "2019-03-01 00:00:00"}, {"established_on": "2019-03-01"}),
        ({"registered_capital": "1,234.5"}, {"registered_capital": 123_450}),
        ({"registered_capital": "１２．５０"}, {"registered_capital": 1_250}),
        ({"registered_capital": "500万元"}, {"registered_capital": 500_000_000}),
        ({"registered_capital": "9000000000000"}, {"registered_capital": 900_000_000_000_000}),
        ({"entity_type": "有限责任公司(自然人独资)"}, {"entity_type": "有限责任公司"}),
        ({"industry": "C3911"}, {"industry": "3911"}),
        ({"park": "NCJK"}, {"park": "NCJK"}),
        ({"park": ""}, {"park": ""}),
        ({"status": "存续（在营）"}, {"status": "存续"}),
    ],
)
def test_ways_of_writing_that_are_understood(
    engine: Engine, tmp_path: Path, cells: dict[str, str], payload: dict[str, object]
) -> None:
    with engine.begin() as connection:
        report = take(connection, tmp_path, "registration", [firm(1, "甲公司") | cells])
        ((_, _, stored),) = live(connection, "registration")
    assert report.findings == ()
    assert {key: stored[key] for key in payload} == payload


@pytest.mark.parametrize(
    ("cells", "warned"),
    [
        ({"region": "360105"}, "region.unknown"),
        ({"industry": "3919"}, ""),
        ({"industry": "3918"}, "industry.unknown"),
        ({"entity_type": "外星公司"}, "choice.unknown"),
    ],
)
def test_an_odd_cell_of_a_good_row_warns(
    engine: Engine, tmp_path: Path, cells: dict[str, str], warned: str
) -> None:
    with engine.begin() as connection:
        report = take(connection, tmp_path, "registration", [firm(1, "甲公司") | cells])
    assert codes(report) == ([warned] if warned else [])
    assert report.rows_kept == 1


# --- files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings_are_told_apart(engine: Engine, tmp_path: Path, encoding: str) -> None:
    content = csv_bytes(table("registration", FIRMS), encoding)
    with engine.begin() as connection:
        report = take(connection, tmp_path, "registration", content=content)
        names = set(connection.scalars(select(enterprises.c.name)))
    assert report.rows_kept == 3
    assert names == {row["name"] for row in FIRMS}


def test_a_workbook_gives_what_its_csv_gives(engine: Engine, tmp_path: Path) -> None:
    lines = table("tax_annual", [{**GOOD_TAX, "revenue": "1234.56", "staff": "12"}])
    typed: list[list[Any]] = [lines[0], [2025 if cell == "2025" else cell for cell in lines[1]]]
    typed[1][lines[0].index("营业收入")] = 1234.56
    typed[1][lines[0].index("从业人数")] = 12
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(connection, tmp_path, "tax_annual", content=csv_bytes(lines))
        again = take(
            connection, tmp_path, "tax_annual", content=xlsx_bytes(typed), file="税务.xlsx"
        )
    assert (again.rows_unchanged, again.rows_kept, again.findings) == (1, 0, ())


def test_dates_of_a_workbook_are_read(engine: Engine, tmp_path: Path) -> None:
    lines: list[list[Any]] = [
        ["企业登记表", "", "", "", ""],
        ["统一社会信用代码", "企业名称", "登记状态", "成立日期", "备注"],
        [A, "甲公司", "存续", datetime(2019, 3, 1), "x"],  # noqa: DTZ001 - a cell has no zone
    ]
    columns = ["曾用名", "企业类型", "法定代表人", "注册资本", "行业代码", "住所区划代码", "住所"]
    lines[1] += columns
    content = xlsx_bytes(lines)
    with engine.begin() as connection:
        report = take(connection, tmp_path, "registration", content=content, file="登记.xlsx")
        ((_, _, payload),) = live(connection, "registration")
    assert payload["established_on"] == "2019-03-01"
    assert codes(report) == ["file.columns"]
    assert report.findings[0].found == "备注"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "空文件"),
        (b"\xff\xfea\x00", "UTF-16"),
        (b"\xd0\xcf\x11\xe0\xa1", "XLS"),
        (b"PK\x03\x04not a workbook", "工作簿无法打开"),
        ("甲,乙\n1,2\n".encode(), "找不到表头"),
        ("所属年度,营业收入\n2025,1\n".encode(), "缺少必需列"),
        ("统一社会信用代码,企业名称,企业名称\nx,y,z\n".encode(), "出现两次"),
        ('统一社会信用代码,所属年度\n"未完,2025\n'.encode(), "引号"),
        ("统一社会信用代码,所属年度\n".encode() + b"\xff\xff,2025\n", "第 2 行"),
        ("统一社会信用代码,所属年度\n甲".encode()[:-1], "不是有效的"),
        (b"\xef\xbb\xbf" + "统一社会信用代码,所属年度\n甲".encode("gb18030"), "UTF-8"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_reason(
    engine: Engine, tmp_path: Path, content: bytes, found: str
) -> None:
    with engine.begin() as connection:
        report = take(connection, tmp_path, "tax_annual", content=content)
        stored = counts(connection)
    assert report.state == "refused"
    assert found in report.reason
    assert [finding.row_number for finding in report.findings] == [None]
    assert (stored["batches"], stored["records"], stored["row_findings"]) == (1, 0, 1)


def test_rows_that_do_not_fit_the_headings_are_listed(engine: Engine, tmp_path: Path) -> None:
    lines = table("registration", FIRMS)
    lines[2] = lines[2][:-1]
    lines[3] = [*lines[3], "多出来"]
    lines += [[""] * len(lines[0]), ["合计", *[""] * (len(lines[0]) - 1)]]
    with engine.begin() as connection:
        report = take(connection, tmp_path, "registration", content=csv_bytes(lines))
    assert codes(report) == ["file.left_out", "row.width", "row.width"]
    assert [finding.row_number for finding in report.findings] == [None, 3, 4]
    assert (report.rows_read, report.rows_kept, report.rows_rejected) == (3, 1, 2)


def test_both_ways_of_reading_csv_agree(engine: Engine, tmp_path: Path) -> None:
    """A quoted cell sends the file down the careful path; the rows stay the same."""
    rows = [{**row, "address": "某路1号"} for row in FIRMS]
    plain = csv_bytes(table("registration", rows))
    quoted = plain.replace("某路1号".encode(), '"某路1号"'.encode())
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", content=plain)
        again = take(connection, tmp_path, "registration", content=quoted)
    assert (again.rows_unchanged, again.repeated) == (3, False)


def test_a_column_in_ten_thousands(engine: Engine, tmp_path: Path) -> None:
    rows = [{**GOOD_TAX, "revenue": "12.3456", "taxable_income": "-1"}]
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        report = take(
            connection, tmp_path, "tax_annual", rows, unit="万元", totals={"revenue": "12.3456"}
        )
        ((_, _, payload),) = live(connection, "tax_annual")
        lines = table("tax_annual", rows)
        lines[0][3] = "营业收入（元）"
        content = csv_bytes(lines)
        other = take(connection, tmp_path, "tax_annual", content=content, unit="万元")
    assert (payload["revenue"], payload["taxable_income"]) == (12_345_600, -1_000_000)
    assert report.findings == ()
    # The heading wins over the note, and then a hundredth of a fen is too little.
    assert codes(other) == ["file.unit", "money.precision"]


# --- the note ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("note", "code_of_finding"),
    [
        ({"sha256": "0" * 64}, "file.sha256"),
        ({"rows": 4}, "file.rows"),
        ({"totals": {"registered_capital": "15000000.01"}}, "file.totals"),
        ({"totals": {"nonsense": "1"}}, "file.totals"),
        ({"totals": {"registered_capital": "many"}}, "file.totals"),
    ],
)
def test_a_file_other_than_its_note_is_refused_whole(
    engine: Engine, tmp_path: Path, note: dict[str, Any], code_of_finding: str
) -> None:
    with engine.begin() as connection:
        report = take(connection, tmp_path, "registration", FIRMS, **note)
        assert (report.state, report.rows_kept) == ("refused", 0)
        assert codes(report) == [code_of_finding]
        assert live(connection, "registration") == []
        again = take(connection, tmp_path, "registration", FIRMS, **note)
        assert again.repeated
        # The sender corrects the note, not the file.
        content = csv_bytes(table("registration", FIRMS))
        right = take(
            connection,
            tmp_path,
            "registration",
            FIRMS,
            sha256=hashlib.sha256(content).hexdigest(),
            rows=3,
            totals={"registered_capital": "15000000.00"},
        )
    assert (right.state, right.rows_kept) == ("accepted", 3)


def test_too_many_bad_rows_refuse_the_file_and_list_every_row(
    engine: Engine, tmp_path: Path
) -> None:
    rows = [*FIRMS, firm(4, "丁公司", established_on="2026-02-30")]
    with engine.begin() as connection:
        refused = take(
            connection, tmp_path, "registration", rows, max_error_share=Fraction(24, 100)
        )
        assert (refused.state, refused.rows_read, refused.rows_rejected) == ("refused", 4, 1)
        assert codes(refused) == ["file.errors", "date.impossible"]
        assert live(connection, "registration") == []
        kept = take(connection, tmp_path, "registration", rows, max_error_share=Fraction(25, 100))
        assert (kept.state, kept.rows_kept) == ("accepted", 3)


def test_a_delivery_note_is_read_in_its_order(tmp_path: Path) -> None:
    entry = {
        "file": "登记.csv",
        "source": "registration",
        "list_code": None,
        "owner": "南昌市市场监督管理局",
        "as_of": "2026-06-28",
        "received_at": "2026-06-29T09:00:00+08:00",
        "unit": "万元",
        "complete": True,
        "rows": 3,
        "totals": {"registered_capital": "1500"},
        "sha256": "A" * 64,
        "max_error_share": "0.05",
    }
    other = {**entry, "file": "失信.csv", "source": "credit", "list_code": "dishonest"}
    path = tmp_path / "交接单.json"
    path.write_text(json.dumps({"deliveries": [entry, other]}), "utf-8")
    first, second = read_delivery_note(path)
    assert (first.file, first.list_code, first.rows, first.unit) == ("登记.csv", "", 3, "万元")
    assert first.max_error_share == Fraction(1, 20)
    assert first.as_of == AS_OF
    assert (second.source, second.list_code) == ("credit", "dishonest")
    for key, value in [
        ("file", "../登记.csv"), ("as_of", "六月"), ("received_at", "2026-06-29T09:00:00"),
        ("unit", "美元"), ("complete", "yes"), ("rows", "3"), ("totals", {"a": 1.5}),
        ("sha256", "xyz"), ("max_error_share", "5%"), ("owner", ""),
    ]:  # fmt: skip
        path.write_text(json.dumps({"deliveries": [entry, {**entry, key: value}]}), "utf-8")
        with pytest.raises(DeliveryNoteError, match=f"第 2 项, {key}"):
            read_delivery_note(path)
    for text in ("{", "[]", '{"deliveries": 1}', '{"deliveries": [1]}'):
        path.write_text(text, "utf-8")
        with pytest.raises(DeliveryNoteError):
            read_delivery_note(path)


@pytest.mark.parametrize(
    ("source", "list_code"),
    [("gossip", ""), ("credit", ""), ("credit", "hnte"), ("registration", "hnte")],
)
def test_an_unknown_source_or_list_is_refused(
    engine: Engine, tmp_path: Path, source: str, list_code: str
) -> None:
    with engine.begin() as connection, pytest.raises(UnknownSourceError):
        take(connection, tmp_path, source, content=b"x", list_code=list_code)


# --- over time ---------------------------------------------------------------------------------


def test_the_same_delivery_twice_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    rows = [*FIRMS, firm(4, "丁公司", established_on="2026-02-30")]
    with engine.begin() as connection:
        first = take(connection, tmp_path, "registration", rows, complete=True)
        before = counts(connection)
        second = take(connection, tmp_path, "registration", rows, complete=True, file="重发.csv")
        assert counts(connection) == before
    assert (first.repeated, second.repeated) == (False, True)
    assert second.batch_id == first.batch_id
    assert second.findings == first.findings
    assert second.rows_kept == first.rows_kept == 3


def test_a_later_batch_replaces_by_key_and_history_stays(engine: Engine, tmp_path: Path) -> None:
    corrected = [{**FIRMS[0], "name": "南昌市新名机械有限公司"}, FIRMS[1]]
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        report = take(connection, tmp_path, "registration", corrected, at=LATER)
        assert (report.rows_kept, report.rows_unchanged) == (1, 1)
        history = connection.execute(
            select(records).where(records.c.uscc == A).order_by(records.c.id)
        ).all()
        entry = connection.execute(select(enterprises).where(enterprises.c.uscc == A)).one()
    old, new = history
    assert (old.superseded_at, old.superseded_by) == (LATER, report.batch_id)
    assert (new.received_at, new.superseded_at) == (LATER, None)
    assert entry.name == "南昌市新名机械有限公司"
    assert entry.former_names == ["南昌市旧名机械有限公司", "南昌市鸿运机械有限公司"]
    assert len(history) == 2


def test_an_older_delivery_that_comes_late_replaces_nothing(engine: Engine, tmp_path: Path) -> None:
    old = [{**FIRMS[0], "name": "南昌市旧名机械有限公司", "former_name": ""}]
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        report = take(connection, tmp_path, "registration", old, as_of=date(2026, 3, 31), at=LATER)
        entry = connection.execute(select(enterprises).where(enterprises.c.uscc == A)).one()
        held = live(connection, "registration")
    assert codes(report) == ["file.late"]
    assert entry.name == FIRMS[0]["name"]
    assert len([uscc for uscc, _, _ in held if uscc == A]) == 2


def test_a_row_twice_in_one_file(engine: Engine, tmp_path: Path) -> None:
    rows = [GOOD_TAX, dict(GOOD_TAX), {**GOOD_TAX, "revenue": "200"}]
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        report = take(connection, tmp_path, "tax_annual", rows)
        held = [payload["revenue"] for _, _, payload in live(connection, "tax_annual")]
        again = take(connection, tmp_path, "tax_annual", [*rows, {**GOOD_TAX, "year": "2024"}])
    assert codes(report) == ["row.duplicate", "row.conflict"]
    assert [found.row_number for found in report.findings] == [3, 4]
    assert (report.rows_kept, report.rows_unchanged) == (2, 1)
    assert held == [10_000, 20_000]
    assert (again.rows_kept, again.rows_unchanged) == (1, 3)


HNTE = {"uscc": A, "name": FIRMS[0]["name"], "certificate_no": "GR1", "listed_on": "2025-10-28"}
OTHER = {"uscc": B, "name": FIRMS[1]["name"], "certificate_no": "GR2", "listed_on": "2025-10-28"}


def test_a_complete_list_ends_what_it_no_longer_names(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(connection, tmp_path, "recognition", [HNTE, OTHER], list_code="hnte", complete=True)
        take(connection, tmp_path, "recognition", [HNTE], list_code="srdi", complete=True)
        partial = [{**OTHER, "certificate_no": "GR3"}]
        take(connection, tmp_path, "recognition", partial, list_code="hnte", at=LATER)
        assert len(live(connection, "recognition")) == 4
        take(
            connection, tmp_path, "recognition", [OTHER], list_code="hnte", complete=True, at=LATER
        )
        assert [row[:2] for row in live(connection, "recognition")] == [(A, "GR1"), (B, "GR2")]


def test_a_slip_in_a_complete_list_ends_nobody(engine: Engine, tmp_path: Path) -> None:
    """A firm that a rejected or queued row may mean keeps its entry."""
    slips = [
        {**HNTE, "listed_on": "2026-02-30"},
        {"name": OTHER["name"], "uscc": "", "certificate_no": "GR2", "listed_on": "六月"},
    ]
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(connection, tmp_path, "recognition", [HNTE, OTHER], list_code="hnte", complete=True)
        report = take(
            connection, tmp_path, "recognition", slips, list_code="hnte", complete=True, at=LATER
        )
        assert [row[0] for row in live(connection, "recognition")] == [A, B]
    assert [found.uscc for found in report.findings] == [A, B]


def test_an_unchanged_list_of_the_next_month_is_a_delivery_of_its_own(
    engine: Engine, tmp_path: Path
) -> None:
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(connection, tmp_path, "recognition", [HNTE], list_code="hnte", complete=True)
        before = counts(connection)
        again = take(
            connection, tmp_path, "recognition", [HNTE], list_code="hnte", complete=True,
            as_of=date(2026, 7, 28), at=LATER,
        )  # fmt: skip
        after = counts(connection)
    assert (again.repeated, again.rows_unchanged) == (False, 1)
    grown = {name for name, number in after.items() if number != before[name]}
    assert grown == {"batches", "registers", "confirmations"}


# --- whom a row is about -----------------------------------------------------------------------


def test_rows_without_a_valid_code_are_linked_or_queued(engine: Engine, tmp_path: Path) -> None:
    firms = [*FIRMS, firm(5, "江西朗盛系统有限公司"), firm(6, "南昌朗盛系统有限公司")]
    base = {"benefit": "奖补", "document_no": "洪府〔2025〕1号", "year": "2025", "amount": "500"}
    rows = [
        {"uscc": "", "name": "南昌市鸿运机械有限责任公司", **base},
        {"uscc": "", "name": "南昌市旧名机械有限公司", **base, "document_no": "2号"},
        {"uscc": B[:-1] + "W", "name": "南昌市宏达食品有限公司", **base},
        {"uscc": "", "name": "朗盛系统有限公司", **base},
        {"uscc": "", "name": "赣州市毫不相干餐饮有限公司", **base},
    ]
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", firms)
        report = take(connection, tmp_path, "local_payout", rows)
        held = connection.execute(
            select(records.c.uscc, records.c.linked_by)
            .where(records.c.source == "local_payout")
            .order_by(records.c.row_number)
        ).all()
        queued = connection.execute(select(link_queue).order_by(link_queue.c.id)).all()
        again = take(connection, tmp_path, "local_payout", rows, file="x.csv", rows=5)
    assert [tuple(row) for row in held] == [
        (A, "name"), (A, "name"), (B, "name"), (None, None), (None, None)
    ]  # fmt: skip
    assert (report.linked_by_code, report.linked_by_name, report.queued) == (0, 3, 2)
    assert report.rows_kept == 5
    assert [len(row.candidates) for row in queued] == [2, 0]
    assert {entry["name"] for entry in queued[0].candidates} == {row["name"] for row in firms[3:]}
    assert [f.code for f in report.findings] == [
        "link.core", "link.former", "link.exact", "uscc.check", "link.queued", "link.queued",
    ]  # fmt: skip
    assert again.repeated


def test_the_code_wins_over_the_name(engine: Engine, tmp_path: Path) -> None:
    rows = [
        {**GOOD_TAX, "name": "南昌市宏达食品有限公司"},
        {**GOOD_TAX, "year": "2024", "name": "南昌市旧名机械有限公司"},
        {**GOOD_TAX, "year": "2023", "name": "鸿运机械有限责任公司"},
        {**GOOD_TAX, "year": "2022", "uscc": code(99), "name": "无人登记有限公司"},
    ]
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        report = take(connection, tmp_path, "tax_annual", rows)
        held = [uscc for uscc, _, _ in live(connection, "tax_annual")]
    assert codes(report) == ["name.mismatch", "uscc.unregistered"]
    assert report.linked_by_code == 4
    assert sorted(filter(None, held)) == sorted([A, A, A, code(99)])


def test_accounts_and_lists_of_changed_and_gone_firms_warn(engine: Engine, tmp_path: Path) -> None:
    base = {"bank_name": "某行", "verified_on": "2026-05-01", "cnaps": "102421000013"}
    accounts = [
        {"uscc": A, "name": FIRMS[0]["name"], "account_name": "南昌市旧名机械有限公司",
         "account_no": "1", **base},
        {"uscc": B, "name": FIRMS[1]["name"], "account_name": "张三", "account_no": "2", **base},
        {"uscc": C, "name": FIRMS[2]["name"], "account_name": FIRMS[2]["name"],
         "account_no": "3", **base, "cnaps": "12"},
    ]  # fmt: skip
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        report = take(connection, tmp_path, "bank_account", accounts)
    assert report.rows_kept == 3
    found = {(entry.row_number, entry.code) for entry in report.findings}
    assert {(2, "account.old_name"), (3, "account.name"), (4, "firm.gone")} <= found
    assert (4, "cnaps.form") in found


# --- reports -----------------------------------------------------------------------------------


def test_the_row_report_opens_and_holds_no_formula(engine: Engine, tmp_path: Path) -> None:
    rows = [
        firm(1, "甲公司", established_on='=HYPERLINK("http://x","y")'),
        firm(2, "乙公司", registered_capital="+1+1"),
        firm(3, "丙公司", industry="@SUM(A1)"),
        firm(4, "丁公司", established_on="-2+3"),
    ]
    path = tmp_path / "问题.xlsx"
    with engine.begin() as connection:
        report = take(connection, tmp_path, "registration", rows, file="=登记.csv")
        write_row_report(connection, report.batch_id, path)
        with pytest.raises(UnknownBatchError):
            write_row_report(connection, 9_999, path)
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    lines = list(sheet.iter_rows())
    assert [cell.value for cell in lines[0]] == ["文件", "行号", "字段", "内容", "应为", "说明"]
    assert [line[1].value for line in lines[1:]] == [2, 3, 4, 5]
    assert [line[3].value for line in lines[1:]] == [
        '=HYPERLINK("http://x","y")', "+1+1", "@SUM(A1)", "-2+3"
    ]  # fmt: skip
    for line in lines[1:]:
        assert line[0].value == "=登记.csv"
        for cell in (line[0], *line[2:]):
            assert cell.data_type == "s"
        assert line[3].quotePrefix
        assert "本行未采用" in str(line[5].value)


def test_findings_and_counts_are_kept_with_the_batch(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        report = take(connection, tmp_path, "registration", [*FIRMS, firm(1, "甲", uscc="9")])
        batch = connection.execute(select(batches)).one()
        kept = connection.execute(select(row_findings)).all()
    assert (batch.rows_read, batch.rows_kept, batch.rows_rejected) == (4, 3, 1)
    assert (batch.state, batch.owner, batch.taken_at) == ("accepted", "南昌市某局", AT)
    assert [row.message for row in kept] == [found.message for found in report.findings]


def test_text_from_files_is_never_sql(engine: Engine, tmp_path: Path) -> None:
    name = "'); DROP TABLE records; --%s %(x)s :y ? {0} \\"
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", [firm(1, name)])
        ((_, _, payload),) = live(connection, "registration")
    assert payload["name"] == name
