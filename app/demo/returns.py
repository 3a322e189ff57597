"""Registration, tax and social insurance: the large files, made from the firms as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random

from app.demo.files import Row, Sheet, received, wan, yuan
from app.demo.firms import WAN_FEN, YEARS, Firm
from app.demo.mixes import mix

REGISTRATION_COLUMNS = (
    ("uscc", "统一社会信用代码"),
    ("name", "企业名称"),
    ("former_name", "曾用名"),
    ("entity_type", "企业类型"),
    ("legal_representative", "法定代表人"),
    ("registered_capital", "注册资本"),
    ("established_on", "成立日期"),
    ("industry", "行业代码"),
    ("region", "住所区划代码"),
    ("park", "园区代码"),
    ("status", "登记状态"),
    ("cancelled_on", "注销日期"),
    ("address", "住所"),
    ("phone", "联系电话"),
    ("email", "电子邮箱"),
)
TAX_COLUMNS = (
    ("uscc", "统一社会信用代码"),
    ("name", "纳税人名称"),
    ("year", "所属年度"),
    ("revenue", "营业收入"),
    ("taxable_income", "应纳税所得额"),
    ("rd_expense", "研发费用"),
    ("tax_paid", "实缴税额"),
    ("assets", "资产总额"),
    ("staff", "从业人数"),
    ("taxpayer_type", "纳税人类型"),
    ("tax_credit", "纳税信用等级"),
    ("tax_region", "主管税务机关区划"),
)
TAX_MONEY = frozenset({"revenue", "taxable_income", "rd_expense", "tax_paid", "assets"})
INSURANCE_COLUMNS = (
    ("uscc", "统一社会信用代码"),
    ("name", "单位名称"),
    ("month", "费款所属期"),
    ("insured", "参保人数"),
    ("new_insured", "新增参保人数"),
    ("claims", "领取失业保险金人数"),
    ("premium", "失业保险实缴金额"),
    ("arrears", "欠费金额"),
)
MONTHS = tuple(
    (year, month) for year in (2025, 2026) for month in range(1, 13) if (year, month) <= (2026, 6)
)
"""The eighteen months delivered: the whole of 2025 and the half of 2026."""

MARKET_OFFICE = "南昌市市场监督管理局"
TAX_OFFICE = "国家税务总局南昌市税务局"
LABOUR_OFFICE = "南昌市人力资源和社会保障局"


def registration_row(firm: Firm, *, before: date | None = None) -> Row:
    """Return a firm's line of the register; as it stood on ``before``, with the old name."""
    old = before is not None and firm.renamed_on is not None and firm.renamed_on > before
    gone = firm.cancelled_on is not None and (before is None or firm.cancelled_on <= before)
    status = "存续" if firm.status == "注销" and not gone else firm.status
    return [
        firm.uscc,
        firm.former_name if old else firm.name,
        "" if old else firm.former_name,
        firm.entity_type,
        firm.legal_representative,
        yuan(firm.capital_fen),
        firm.established_on.isoformat(),
        firm.industry,
        firm.region,
        firm.park,
        status,
        firm.cancelled_on.isoformat() if gone and firm.cancelled_on else "",
        firm.address,
        firm.phone,
        firm.email,
    ]


def registration_sheet(firms: Sequence[Firm], as_of: date) -> Sheet:
    """Return the whole register of the city two days before the day of the demo."""
    day = as_of - timedelta(days=2)
    return Sheet(
        file=f"市场监管_企业登记_{day:%Y%m%d}.xlsx",
        source="registration",
        owner=MARKET_OFFICE,
        as_of=day,
        received_at=received(day + timedelta(days=1), 8, 30),
        columns=REGISTRATION_COLUMNS,
        money=frozenset({"registered_capital"}),
        rows=[registration_row(firm) for firm in firms],
    )


def early_registration_sheet(firms: Sequence[Firm], as_of: date) -> Sheet:
    """Return some lines of the register three months older: what they say is overtaken later."""
    day = as_of.replace(month=as_of.month - 3, day=31)

    return Sheet(
        file=f"市场监管_企业登记_{day:%Y%m%d}_部分.csv",
        source="registration",
        owner=MARKET_OFFICE,
        as_of=day,
        received_at=received(day + timedelta(days=6), 10),
        columns=REGISTRATION_COLUMNS,
        money=frozenset({"registered_capital"}),
        encoding="gb18030",
        complete=False,
        rows=[
            registration_row(firm, before=day)
            for firm in firms
            if (firm.region == "360123" or (firm.renamed_on and firm.renamed_on > day))
            and firm.established_on <= day
        ],
    )


def tax_sheets(firms: Sequence[Firm], seed: int, as_of: date) -> list[Sheet]:
    """Return three yearly files: 2023 in CSV, 2024 in 万元 as XLSX, 2025 in GB18030."""
    draws = Random(f"{seed}/tax")
    rows: dict[int, list[Row]] = {year: [] for year in YEARS}
    for firm in firms:
        for row in _tax_rows(firm, draws):
            rows[int(row[2])].append(row)
    days = {2023: date(2026, 6, 8), 2024: date(2026, 6, 8), 2025: date(2026, 6, 20)}
    sheets = []
    for year in YEARS:
        day = min(days[year], as_of)
        sheet = Sheet(
            file=f"税务_企业年度申报_{year}.{'xlsx' if year == 2024 else 'csv'}",
            source="tax_annual",
            owner=TAX_OFFICE,
            as_of=day,
            received_at=received(as_of - timedelta(days=1), 9, year % 100),
            columns=TAX_COLUMNS,
            money=TAX_MONEY,
            rows=rows[year],
        )
        if year == 2024:
            sheet.unit = "万元"
            sheet.columns = tuple(
                (code, f"{heading}（万元）" if code in TAX_MONEY else heading)
                for code, heading in TAX_COLUMNS
            )
        elif year == 2025:
            sheet.encoding = "gb18030"
        sheets.append(sheet)
    return sheets


def _tax_rows(firm: Firm, draws: Random) -> Iterator[Row]:
    shares = mix("mix")
    if draws.random() * 100 >= shares["tax_filed"] and not firm.part:
        return
    research = draws.random() * 100 < shares["research"].get(firm.kind, 0) or firm.part in {
        "zone_star",
        "county_star",
        "city_star",
        "zone_asker",
        "paid_before",
        "nearly",
    }
    if firm.size == "micro" and draws.random() < 0.7:
        research = False
    intensity = draws.randrange(22, 110)
    if firm.part:
        intensity = 29 if firm.part == "nearly" else 68
    credit = draws.choices("ABMCD", [9, 52, 22, 12, 5])[0]
    margin = draws.gauss(5, 6)
    weight = draws.randrange(60, 220)
    for year, revenue in firm.revenue_fen.items():
        if firm.cancelled_on and firm.cancelled_on.year <= year:
            continue
        expense = revenue * intensity // 1000 if research else 0
        expense = expense * draws.randrange(92, 118) // 100 if year == 2025 else expense
        income = revenue * int((margin + draws.gauss(0, 2)) * 100) // 10_000
        figures = [
            revenue,
            income,
            expense,
            revenue * 3 // 100 + max(income, 0) * 5 // 100,
            revenue * weight // 100 + firm.capital_fen // 10,
        ]
        if year == 2024:
            money = [wan(value // 10_000 * 10_000) for value in figures]
        else:
            money = [yuan(value) for value in figures]
        staff = max(1, firm.staff * (100 - 4 * (2025 - year)) // 100 + draws.choice((-1, 0, 0, 1)))
        general = revenue > 500 * WAN_FEN or draws.random() < 0.25
        yield [
            firm.uscc,
            firm.former_name if firm.renamed_on and firm.renamed_on.year > year else firm.name,
            str(year),
            *money,
            "" if not firm.part and draws.random() < 0.01 else str(staff),
            "一般纳税人" if general else "小规模纳税人",
            ("A" if firm.part else credit) if year == 2025 or draws.random() < 0.8 else "B",
            firm.region,
        ]


def insurance_sheets(firms: Sequence[Firm], seed: int, as_of: date) -> list[Sheet]:
    """Return one CSV a month, from January 2025 to June 2026."""
    draws = Random(f"{seed}/insurance")
    rows: dict[tuple[int, int], list[Row]] = {month: [] for month in MONTHS}
    for firm in firms:
        if firm.insurance:
            for when, row in _insurance_rows(firm, draws):
                rows[when].append(row)
    sheets = []
    for number, (year, month) in enumerate(MONTHS):
        day = date(2026, 6, 22) if (year, month) != (2026, 6) else date(2026, 6, 26)
        sheets.append(
            Sheet(
                file=f"人社_参保缴费_{year}{month:02d}.csv",
                source="social_insurance",
                owner=LABOUR_OFFICE,
                as_of=day,
                received_at=received(as_of - timedelta(days=1), 11, number),
                columns=INSURANCE_COLUMNS,
                money=frozenset({"premium", "arrears"}),
                rows=rows[(year, month)],
            )
        )
    return sheets


def _insurance_rows(firm: Firm, draws: Random) -> Iterator[tuple[tuple[int, int], Row]]:
    """Yield a firm's months. Unemployment insurance is 1 % of a wage of 4,000 to 9,000 元."""
    insured = max(1, firm.staff * draws.randrange(55, 100) // 100)
    premium_fen = draws.randrange(4000, 9000)
    gap = draws.randrange(8, 14) if firm.insurance == "gap" else len(MONTHS)
    shown = draws.random() < 0.7
    gap_length = draws.choice((1, 1, 2, 3, 5))
    debt = draws.randrange(1, 4)
    claims = _claims(firm, insured, draws)
    end = firm.cancelled_on or (date(2026, 1, 1) if not firm.live else date(2026, 12, 31))
    for number, (year, month) in enumerate(MONTHS):
        if date(year, month, 28) < firm.established_on or date(year, month, 1) > end:
            continue
        if firm.insurance == "empty":
            yield (year, month), _nobody_insured(firm, year, month)
            continue
        if gap <= number < gap + gap_length:
            if shown:
                yield (year, month), _nobody_insured(firm, year, month)
            continue
        joined = 0
        if draws.random() < 0.12:
            change = draws.choice((-1, 0, 1, 1, 2)) * max(1, insured // 40)
            joined = max(change, 0)
            insured = max(1, insured + change)
        owed = firm.insurance == "arrears" and number >= len(MONTHS) - debt
        due = insured * premium_fen
        yield (
            (year, month),
            [
                firm.uscc,
                firm.name,
                f"{year}-{month:02d}",
                str(insured),
                str(joined),
                str(claims.get((year, month), 0)),
                yuan(0 if owed else due),
                yuan(due if owed else 0),
            ],
        )


def _nobody_insured(firm: Firm, year: int, month: int) -> Row:
    return [firm.uscc, firm.name, f"{year}-{month:02d}", "0", "0", "0", "0.00", "0.00"]


def _claims(firm: Firm, insured: int, draws: Random) -> dict[tuple[int, int], int]:
    """Return who drew unemployment benefit by month; a firm of ``layoffs`` goes over its limit."""
    allowed = insured * 19 // 100 if insured <= 26 else insured * 45 // 1000
    if firm.insurance == "layoffs":
        total = (insured * 26 // 100 if insured <= 26 else max(insured * 7 // 100, 3)) + 1
        if 26 < insured <= 34:
            total = insured * 26 // 100 + 1
    else:
        total = draws.randrange(allowed + 1) if draws.random() < 0.3 else 0
    claims: dict[tuple[int, int], int] = {}
    for _ in range(total):
        when = (2025, draws.randrange(1, 13))
        claims[when] = claims.get(when, 0) + 1
    if draws.random() < 0.1 and insured > 10:
        claims[(2026, draws.randrange(1, 7))] = 1
    return claims
