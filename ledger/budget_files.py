"""Reading finance's budget exports: allotments with their changes, and monthly plans.

A CSV or XLSX file (first sheet) whose first row holds the official field codes or their Chinese
names. Rows of allotments (指标) carry a change: 下达, 追加, 调减, 收回 or 他用 (spent by others).
Amounts are in yuan, to the fen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from ledger.errors import FileRefusedError
from ledger.findings import Finding
from ledger.grids import Grid, read_grid
from ledger.money import Fen, MoneyError, fen


class ChangeKind(StrEnum):
    """What happened to an allotment; the value is the word in the file."""

    ISSUED = "下达"
    ADDED = "追加"
    CUT = "调减"
    RECALLED = "收回"
    USED_ELSEWHERE = "他用"

    @property
    def adds(self) -> bool:
        """Whether the change makes the allotment larger."""
        return self in {ChangeKind.ISSUED, ChangeKind.ADDED}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One change of an allotment as finance's file says it, with the allotment's facts."""

    row: int
    """Row in the file, the heading being 1."""
    allotment_no: str
    doc_no: str
    kind: ChangeKind
    amount_fen: Fen
    """Always positive; the kind says which way."""
    effective_on: date
    fiscal_year: int
    division_code: str
    agency_code: str
    agency_name: str
    project_code: str
    project_name: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    is_direct: bool = False
    purse: str = ""
    """Purse code; empty: found by division and fund type."""
    purpose: tuple[str, ...] = ()
    """Benefit ids or programme codes it may fund; empty keeps what is known, or is any ("*")."""
    priority: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """One monthly plan (用款计划) as approved."""

    row: int
    plan_voucher_no: str
    allotment_no: str
    plan_month: str
    """``YYYY-MM``: the money may be used from this month on."""
    plan_amt_fen: Fen
    use_desc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetImport:
    """A budget file, read: its identity and its rows."""

    file_name: str
    sha256: str
    as_of: date
    changes: tuple[ChangeRow, ...] = ()
    plans: tuple[PlanRow, ...] = ()

    @property
    def total_fen(self) -> int:
        """The control total: the sum of all amounts, whichever way they go."""
        return sum(c.amount_fen for c in self.changes) + sum(p.plan_amt_fen for p in self.plans)


CHANGE_HEADINGS: Mapping[str, str] = {
    "BGT_ID": "指标ID",
    "COR_BGT_DOC_NO": "指标文号",
    "CHANGE_TYPE": "变动类型",
    "AMT": "金额",
    "EFFECTIVE_DATE": "生效日期",
    "FISCAL_YEAR": "预算年度",
    "MOF_DIV_CODE": "财政区划代码",
    "AGENCY_CODE": "单位代码",
    "AGENCY_NAME": "单位名称",
    "PRO_CODE": "项目代码",
    "PRO_NAME": "项目名称",
    "EXP_FUNC_CODE": "支出功能分类科目代码",
    "GOV_BGT_ECO_CODE": "政府支出经济分类代码",
    "DEP_BGT_ECO_CODE": "部门支出经济分类代码",
    "FUND_TYPE_CODE": "资金性质代码",
    "IS_DIR": "直达资金标识",
}
"""Headings an allotment file must have: field code and Chinese name, either will do."""

CHANGE_EXTRAS: Mapping[str, str] = {
    "PURSE": "资金账套",
    "PURPOSE": "支持事项",
    "PRIORITY": "支付顺序",
}
"""Headings it may have; several purposes are separated by a semicolon."""

PLAN_HEADINGS: Mapping[str, str] = {
    "PLAN_VOUCHER_NO": "用款计划单号",
    "BGT_ID": "指标ID",
    "PLAN_MONTH": "计划月份",
    "PLAN_AMT": "核定金额",
}
"""Headings a plan file must have."""

PLAN_EXTRAS: Mapping[str, str] = {"USE_DES": "用途"}
"""Headings it may have."""

_YES = {"1", "是", "Y", "y", "true", "TRUE", "True"}
_NO = {"0", "否", "N", "n", "false", "FALSE", "False", ""}


def read_budget_file(
    path: Path, *, as_of: date | None = None
) -> tuple[BudgetImport, list[Finding]]:
    """Read an allotment or a plan file; rows that cannot be read are findings and left out.

    ``as_of`` is the day of the export; without it, the latest day the rows speak of.

    Raises:
        FileRefusedError: when the file is no table, has no rows, or lacks headings.
    """
    grid = read_grid(path)
    if not grid.rows:
        raise FileRefusedError(grid.file_name, "没有内容")
    findings: list[Finding] = []
    if _place(grid.rows[0], "PLAN_VOUCHER_NO", PLAN_HEADINGS["PLAN_VOUCHER_NO"]) is not None:
        places = _places(grid, PLAN_HEADINGS, PLAN_EXTRAS)
        cells = [_Cells(grid, number, places, findings) for number in range(1, len(grid.rows))]
        plans = [plan for row in cells if (plan := _plan(row)) is not None]
        days = [date.fromisoformat(f"{plan.plan_month}-01") for plan in plans]
        changes: list[ChangeRow] = []
    else:
        places = _places(grid, CHANGE_HEADINGS, CHANGE_EXTRAS)
        cells = [_Cells(grid, number, places, findings) for number in range(1, len(grid.rows))]
        changes = [change for row in cells if (change := _change(row)) is not None]
        days = [change.effective_on for change in changes]
        plans = []
    if as_of is None and not days:
        raise FileRefusedError(grid.file_name, "没有一行可读的数据")
    read = BudgetImport(
        file_name=grid.file_name,
        sha256=grid.sha256,
        as_of=as_of or max(days),
        changes=tuple(changes),
        plans=tuple(plans),
    )
    return read, findings


def _places(
    grid: Grid, wanted: Mapping[str, str], extra: Mapping[str, str]
) -> dict[str, int | None]:
    header = grid.rows[0]
    found = {code: _place(header, code, label) for code, label in {**wanted, **extra}.items()}
    missing = [f"{label}({code})" for code, label in wanted.items() if found[code] is None]
    if missing:
        raise FileRefusedError(grid.file_name, f"表头缺少: {'、'.join(missing)}")
    return found


def _place(header: Sequence[str], code: str, label: str) -> int | None:
    """Return where a heading stands; a unit in brackets after the Chinese name is allowed."""
    for place, heading in enumerate(header):
        plain = heading.replace("（", "(").split("(")[0].strip()
        if heading.strip().upper() == code or plain == label:
            return place
    return None


class _Cells:
    """One row's cells by field code; what is wrong is noted once per field."""

    def __init__(
        self,
        grid: Grid,
        number: int,
        places: Mapping[str, int | None],
        findings: list[Finding],
    ) -> None:
        self.row = number + 1
        self.ok = True
        self._cells = grid.rows[number]
        self._file = grid.file_name
        self._places = places
        self._findings = findings

    def text(self, code: str, *, needed: bool = True) -> str:
        place = self._places[code]
        found = self._cells[place] if place is not None and place < len(self._cells) else ""
        if needed and not found:
            self.odd(code, "应填写, 实为空")
        return found

    def amount(self, code: str, *, zero: bool = False) -> Fen:
        written = self.text(code)
        try:
            found = fen(written)
        except MoneyError:
            self.odd(code, f"应为元、精确到分的金额, 实为{written!r}")
            return Fen(0)
        if found < 0 or (found == 0 and not zero):
            self.odd(code, f"应为正数, 实为{written!r}")
        return found

    def day(self, code: str) -> date:
        written = self.text(code)
        try:
            return date.fromisoformat(written)
        except ValueError:
            self.odd(code, f"应为日期(2026-03-01), 实为{written!r}")
            return date.min

    def whole(self, code: str, *, needed: bool = True) -> int | None:
        written = self.text(code, needed=needed)
        if not written and not needed:
            return None
        if written.isascii() and written.isdecimal():
            return int(written)
        self.odd(code, f"应为整数, 实为{written!r}")
        return 0

    def odd(self, code: str, what: str) -> None:
        self.ok = False
        labels = {**CHANGE_HEADINGS, **CHANGE_EXTRAS, **PLAN_HEADINGS, **PLAN_EXTRAS}
        self._findings.append(
            Finding(
                code="budget-cell",
                message=f"{self._file} 第{self.row}行「{labels[code]}」{what}",
                where=f"{self._file}#{self.row}",
            )
        )


def _change(row: _Cells) -> ChangeRow | None:
    word = row.text("CHANGE_TYPE")
    kinds = {kind.value: kind for kind in ChangeKind}
    if word not in kinds:
        row.odd("CHANGE_TYPE", f"应为{'、'.join(kinds)}之一, 实为{word!r}")
    direct = row.text("IS_DIR", needed=False)
    if direct not in _YES | _NO:
        row.odd("IS_DIR", f"应为1或0, 实为{direct!r}")
    purposes = row.text("PURPOSE", needed=False).replace("；", ";").split(";")
    year = row.whole("FISCAL_YEAR")
    change = ChangeRow(
        row=row.row,
        allotment_no=row.text("BGT_ID"),
        doc_no=row.text("COR_BGT_DOC_NO"),
        kind=kinds.get(word, ChangeKind.ISSUED),
        amount_fen=row.amount("AMT"),
        effective_on=row.day("EFFECTIVE_DATE"),
        fiscal_year=year or 0,
        division_code=row.text("MOF_DIV_CODE"),
        agency_code=row.text("AGENCY_CODE"),
        agency_name=row.text("AGENCY_NAME"),
        project_code=row.text("PRO_CODE"),
        project_name=row.text("PRO_NAME"),
        exp_func_code=row.text("EXP_FUNC_CODE"),
        gov_bgt_eco_code=row.text("GOV_BGT_ECO_CODE"),
        dep_bgt_eco_code=row.text("DEP_BGT_ECO_CODE", needed=False),
        fund_type_code=row.text("FUND_TYPE_CODE"),
        is_direct=direct in _YES,
        purse=row.text("PURSE", needed=False),
        purpose=tuple(item.strip() for item in purposes if item.strip()),
        priority=row.whole("PRIORITY", needed=False),
    )
    return change if row.ok else None


def _plan(row: _Cells) -> PlanRow | None:
    month = row.text("PLAN_MONTH")
    digits = month.replace("-", "")
    if not (len(digits) == 6 and digits.isdecimal() and "01" <= digits[4:] <= "12"):
        row.odd("PLAN_MONTH", f"应为年月(2026-03), 实为{month!r}")
    plan = PlanRow(
        row=row.row,
        plan_voucher_no=row.text("PLAN_VOUCHER_NO"),
        allotment_no=row.text("BGT_ID"),
        plan_month=f"{digits[:4]}-{digits[4:]}",
        plan_amt_fen=row.amount("PLAN_AMT", zero=True),
        use_desc=row.text("USE_DES", needed=False),
    )
    return plan if row.ok else None
