"""Finance's files for the demo: purses, allotments and plans of 2026, and a late cut.

Sized per 20,000 firms after what the demo pack of benefits grants there: most claims are funded,
the prizes for technology run out of allotment, part of the employment subsidies waits for the
plan of a later month, and a cut of 29 June takes more than is left of one allotment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

from app.demo.files import Row, received, xlsx, yuan
from app.demo.firms import WAN_FEN
from ledger.budget_files import CHANGE_EXTRAS, CHANGE_HEADINGS, PLAN_EXTRAS, PLAN_HEADINGS
from ledger.purses import Channel, Purse

SIZED_FOR = 20_000
"""Firms for which the amounts per city are stated."""

PURSES: tuple[Purse, ...] = (
    Purse(
        code="nanchang",
        name_zh="南昌市本级",
        division_code="360100",
        level="city",
        fund_type="1111",
        channel=Channel.BUDGET_SYSTEM,
        payer_name="南昌市财政局（演示）",
        payer_account="3136010000000000011",
        payer_bank_cnaps="313421000018",
    ),
    Purse(
        code="qingshanhu",
        name_zh="青山湖区",
        division_code="360111",
        level="county",
        fund_type="1111",
        channel=Channel.BUDGET_SYSTEM,
        payer_name="青山湖区财政局（演示）",
        payer_account="3146011100000000022",
        payer_bank_cnaps="314421000027",
    ),
    Purse(
        code="ncjk",
        name_zh="南昌经济技术开发区",
        division_code="360171",
        level="zone",
        fund_type="1111",
        channel=Channel.BANK_FILE,
        payer_name="南昌经开区财政局（演示）",
        payer_account="3136017100000000033",
        payer_bank_cnaps="313421000026",
    ),
    Purse(
        code="social-fund",
        name_zh="失业保险基金（市本级）",
        division_code="360100",
        level="city",
        fund_type="SBJJ",
        channel=Channel.FUND,
        payer_name="南昌市失业保险基金支出户（演示）",
        payer_account="3206010000000000044",
        payer_bank_cnaps="320421000017",
        chart="fund",
        needs_plan=False,
    ),
)
"""Who pays in the demo city. Account and clearing numbers are invented, the zone's division too."""


class Moment(StrEnum):
    """When a budget file reaches us."""

    OPENING = "opening"
    LATE_CUT = "late-cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetFile:
    """One file of finance: where it lies, when it arrives, and the moment of the story."""

    path: Path
    moment: Moment
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One allotment: what it may fund, its amount, and the plan of the months to June."""

    number: str
    document: str
    purse: str
    purpose: str
    agency_code: str
    agency: str
    project: str
    function: str
    government_class: str
    department_class: str
    base_wan: int
    """What the heroes of the stories need in any city, in 万元."""
    per_city_wan: int
    """What SIZED_FOR firms need on top, in 万元."""
    planned_share: int
    """Per cent of the allotment planned up to June; the rest follows in September."""
    priority: int = 1

    def amount_fen(self, firms: int) -> int:
        """Return the allotment for a city of that many firms, in whole 百元."""
        fen = self.base_wan * WAN_FEN + self.per_city_wan * WAN_FEN * firms // SIZED_FOR
        return fen // 10_000 * 10_000


CUT_ALLOTMENT = "NC26-GX-001"
"""The allotment that loses a third on 29 June, when nearly all of it is reserved."""

_LINES: tuple[_Line, ...] = (
    _Line(
        number=CUT_ALLOTMENT,
        document="洪财工指〔2026〕12号",
        purse="nanchang",
        purpose="industry-award",
        agency_code="360100215",
        agency="南昌市工业和信息化局",
        project="工业发展专项（认定奖励）",
        function="2150805",
        government_class="50799",
        department_class="31299",
        base_wan=30,
        per_city_wan=900,
        planned_share=100,
    ),
    _Line(
        number="NC26-GX-002",
        document="洪财工指〔2026〕31号",
        purse="nanchang",
        purpose="industry-award",
        agency_code="360100215",
        agency="南昌市工业和信息化局",
        project="工业发展专项（技术改造）",
        function="2150805",
        government_class="50799",
        department_class="31299",
        base_wan=600,
        per_city_wan=7000,
        planned_share=95,
        priority=2,
    ),
    _Line(
        number="NC26-KJ-001",
        document="洪财教指〔2026〕8号",
        purse="nanchang",
        purpose="tech-award",
        agency_code="360100206",
        agency="南昌市科学技术局",
        project="科技创新券与认定奖励",
        function="2060499",
        government_class="50799",
        department_class="31299",
        base_wan=24,
        per_city_wan=1900,
        planned_share=100,
    ),
    _Line(
        number="NC26-JY-001",
        document="洪财社指〔2026〕19号",
        purse="nanchang",
        purpose="employment",
        agency_code="360100208",
        agency="南昌市人力资源和社会保障局",
        project="就业补助资金",
        function="2080799",
        government_class="50799",
        department_class="31299",
        base_wan=6,
        per_city_wan=420,
        planned_share=45,
    ),
    _Line(
        number="NC26-SW-001",
        document="洪财贸指〔2026〕5号",
        purse="nanchang",
        purpose="trade",
        agency_code="360100216",
        agency="南昌市商务局",
        project="外经贸发展专项",
        function="2160699",
        government_class="50799",
        department_class="31299",
        base_wan=20,
        per_city_wan=600,
        planned_share=90,
    ),
    _Line(
        number="QSH26-GX-001",
        document="青财指〔2026〕17号",
        purse="qingshanhu",
        purpose="county-industry",
        agency_code="360111215",
        agency="青山湖区工业和信息化局",
        project="区级工业奖补",
        function="2150805",
        government_class="50799",
        department_class="31299",
        base_wan=45,
        per_city_wan=420,
        planned_share=100,
    ),
    _Line(
        number="JK26-CY-001",
        document="经开财指〔2026〕6号",
        purse="ncjk",
        purpose="zone-industry",
        agency_code="360171215",
        agency="南昌经开区管委会经济发展局",
        project="园区产业扶持",
        function="2150805",
        government_class="50799",
        department_class="31299",
        base_wan=60,
        per_city_wan=700,
        planned_share=100,
    ),
    _Line(
        number="SB26-WG-001",
        document="赣人社基〔2026〕3号",
        purse="social-fund",
        purpose="stable-job",
        agency_code="360100208",
        agency="南昌市人力资源和社会保障局",
        project="失业保险稳岗返还",
        function="2090299",
        government_class="50999",
        department_class="30399",
        base_wan=60,
        per_city_wan=6600,
        planned_share=100,
    ),
)


def budget_files(folder: Path, *, firms: int, year: int = 2026) -> list[BudgetFile]:
    """Write finance's files for a city of that many firms, in the order in which they arrive.

    Opening files are imported before matching; the late cut after the first push.
    """
    folder.mkdir(parents=True, exist_ok=True)
    issued = folder / f"财政_预算指标_{year}.xlsx"
    plans = folder / f"财政_用款计划_{year}.xlsx"
    cut = folder / f"财政_预算指标_调减_{year}0629.xlsx"
    issued.write_bytes(_changes(_opening_changes(firms, year)))
    plans.write_bytes(_plans(firms, year))
    line = next(line for line in _LINES if line.number == CUT_ALLOTMENT)
    third = line.amount_fen(firms) // 30_000 * 10_000
    document = f"洪财工指〔{year}〕77号"
    cut.write_bytes(_changes([_change(line, "调减", third, date(year, 6, 29), document)]))
    opening = received(date(year, 6, 26), 9)
    return [
        BudgetFile(path=issued, moment=Moment.OPENING, received_at=opening),
        BudgetFile(path=plans, moment=Moment.OPENING, received_at=opening),
        BudgetFile(
            path=cut, moment=Moment.LATE_CUT, received_at=received(date(year, 6, 30), 16, 30)
        ),
    ]


def _opening_changes(firms: int, year: int) -> list[Row]:
    rows = []
    for line in _LINES:
        amount = line.amount_fen(firms)
        first = amount * 8 // 10 // 10_000 * 10_000
        rows.append(_change(line, "下达", first, date(year, 2, 10), line.document))
        rows.append(_change(line, "追加", amount - first, date(year, 5, 20), line.document))
    other = next(line for line in _LINES if line.number == "NC26-GX-002")
    spent = other.amount_fen(firms) // 200_000 * 10_000
    rows.append(_change(other, "他用", spent, date(year, 4, 15), other.document))
    return rows


def _change(line: _Line, kind: str, amount_fen: int, on: date, document: str) -> Row:
    purse = next(purse for purse in PURSES if purse.code == line.purse)
    return [
        line.number,
        document,
        kind,
        yuan(amount_fen),
        on.isoformat(),
        str(on.year),
        purse.division_code,
        line.agency_code,
        line.agency,
        f"{line.number}-P",
        line.project,
        line.function,
        line.government_class,
        line.department_class,
        purse.fund_type,
        "0",
        line.purse,
        line.purpose,
        str(line.priority),
    ]


def _changes(rows: Sequence[Row]) -> bytes:
    headings = [*CHANGE_HEADINGS.values(), *CHANGE_EXTRAS.values()]
    return xlsx([headings, *rows], numeric={list(CHANGE_HEADINGS).index("AMT")})


def _plans(firms: int, year: int) -> bytes:
    headings = [*PLAN_HEADINGS.values(), *PLAN_EXTRAS.values()]
    rows: list[Row] = []
    needing = {purse.code for purse in PURSES if purse.needs_plan}
    for line in _LINES:
        if line.purse not in needing:
            continue
        amount = line.amount_fen(firms)
        now = amount * line.planned_share // 100 // 10_000 * 10_000
        for month, part in (("03", now // 2), ("06", now - now // 2), ("09", amount - now)):
            if part:
                voucher = f"JH{year}{month}-{line.number}"
                rows.append([voucher, line.number, f"{year}-{month}", yuan(part), line.project])
    return xlsx([headings, *rows], numeric={list(PLAN_HEADINGS).index("PLAN_AMT")})
