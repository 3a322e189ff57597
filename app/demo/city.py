"""Builds the demo city: its firms, the files of its departments, and the truth beside them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from random import Random

from app.demo.dirt import Spoiler
from app.demo.files import Sheet, received, write_delivery
from app.demo.firms import newcomer, population
from app.demo.lists import ACCOUNT_COLUMNS, credit_sheets, event_sheets, recognition_sheets
from app.demo.returns import (
    INSURANCE_COLUMNS,
    LABOUR_OFFICE,
    early_registration_sheet,
    insurance_sheets,
    registration_row,
    registration_sheet,
    tax_sheets,
)
from app.demo.truth import CityTruth, write_truth
from matching.uscc import is_valid

DEMO_DAY = date(2026, 6, 30)
"""The day of the demo, in Nanchang."""

SMALLEST_CITY = 100
"""Below this one mistake of each kind would be more than a file may bear."""


def generate(folder: Path, *, firms: int, seed: int, as_of: date = DEMO_DAY) -> CityTruth:
    """Write a city's files under ``folder``/inbox and what is true under ``folder``/truth.

    The same number of firms, seed and day give the same bytes. ``as_of`` may be another day of
    June 2026 only: the files speak of the half year that ends with it.

    Raises:
        ValueError: fewer firms than SMALLEST_CITY, or a day outside June 2026.
    """
    if firms < SMALLEST_CITY:
        message = f"演示城市至少 {SMALLEST_CITY} 家企业, 实为 {firms}"
        raise ValueError(message)
    if (as_of.year, as_of.month) != (DEMO_DAY.year, DEMO_DAY.month) or as_of.day < 28:
        message = f"演示日期应在 2026-06-28 至 2026-06-30 之间, 实为 {as_of}"
        raise ValueError(message)
    people = population(firms, seed, as_of)
    sheets: list[Sheet] = [
        early_registration_sheet(people, as_of),
        registration_sheet(people, as_of),
        *tax_sheets(people, seed, as_of),
        *insurance_sheets(people, seed, as_of),
        *recognition_sheets(people, seed, as_of),
        *credit_sheets(people, seed, as_of),
        *event_sheets(people, seed, as_of),
    ]
    ordered, dirt = Spoiler(people, sheets, Random(f"{seed}/dirt")).spoil()
    write_delivery(folder / "inbox", ordered)
    truth = CityTruth(
        folder=folder,
        count=firms,
        seed=seed,
        as_of=as_of,
        firms=tuple(people),
        dirt=tuple(dirt),
        files={sheet.file: len(sheet.rows) for sheet in ordered},
        parts={firm.part: firm.uscc for firm in people if firm.part},
    )
    write_truth(truth)
    return truth


def tomorrow(folder: Path, truth: CityTruth) -> Path:
    """Write what arrives the next day: one firm that did not exist, and its first data.

    Returns the delivery note; ``folder`` gets the files. The firm is valid, in 红谷滩区, insured
    from its first month and newly recognised as a high-tech firm, so that a run which takes the
    delivery in also matches it.
    """
    day = truth.as_of + timedelta(days=1)
    firm = newcomer(truth.count, truth.seed, day - timedelta(days=1))
    assert is_valid(firm.uscc), firm.uscc
    register = registration_sheet([firm], truth.as_of)
    register.file, register.as_of = f"市场监管_企业登记_新设_{day:%Y%m%d}.xlsx", day
    register.received_at, register.complete = received(day, 8), False
    insurance = Sheet(
        file=f"人社_参保缴费_补报_{day:%Y%m%d}.csv",
        source="social_insurance",
        owner=LABOUR_OFFICE,
        as_of=day,
        received_at=received(day, 8, 10),
        columns=INSURANCE_COLUMNS,
        complete=False,
        money=frozenset({"premium", "arrears"}),
        rows=[[firm.uscc, firm.name, "2026-06", "12", "12", "0", "720.00", "0.00"]],
    )
    recognised = recognition_sheets([firm], truth.seed, day)[0]
    recognised.file, recognised.complete = f"科技_高新技术企业_新增_{day:%Y%m%d}.csv", False
    recognised.as_of, recognised.received_at = day, received(day, 8, 20)
    recognised.encoding = "utf-8-sig"
    recognised.rows = [
        [firm.uscc, firm.name, "国家级", "GR202636990001", day.isoformat(), "2029-06-30"]
    ]
    account = Sheet(
        file=f"财政_核验账户_新增_{day:%Y%m%d}.csv",
        source="bank_account",
        owner="南昌市财政局",
        as_of=day,
        received_at=received(day, 8, 30),
        columns=ACCOUNT_COLUMNS,
        complete=False,
        rows=[
            [
                firm.uscc,
                firm.name,
                firm.name,
                "3136000000000000001",
                "赣江商业银行南昌第1支行",
                "313421000018",
                day.isoformat(),
            ]
        ],
    )
    sheets = [register, insurance, recognised, account]
    assert registration_row(firm)[0] == firm.uscc
    return write_delivery(folder, sheets)
