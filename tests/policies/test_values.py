"""Quantities, dates and periods."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.values import (
    LAST_YEAR,
    Combine,
    Period,
    PeriodUnit,
    Quantity,
    RelativeDate,
    Unit,
    add_months,
    money,
    number,
    quantity,
    ratio,
    ratio_words,
    written,
)


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("2000万元", 2_000_000_000, Unit.FEN),
        ("19999999.99元", 1_999_999_999, Unit.FEN),
        ("1.5亿元", 15_000_000_000, Unit.FEN),
        ("5.5%", Fraction(11, 200), Unit.RATIO),
        ("3‰", Fraction(3, 1000), Unit.RATIO),
        ("12", 12, Unit.NUMBER),
        ("0.5", Fraction(1, 2), Unit.NUMBER),
        ("-3", -3, Unit.NUMBER),
    ],
)
def test_quantity(text: str, amount: int | Fraction, unit: Unit) -> None:
    assert quantity(text) == Quantity(amount, unit)


@pytest.mark.parametrize("text", ["", "约5%", "0.001元", "1e5", "五万元", "5 %%"])
def test_what_is_no_exact_quantity_is_refused(text: str) -> None:
    assert quantity(text) is None


@given(
    st.integers(-(10**14), 10**14).map(money)
    | st.decimals(-10, 10, places=4).map(lambda d: ratio(Fraction(d)))
    | st.decimals(-1000, 1000, places=3).map(lambda d: number(Fraction(d)))
)
def test_written_quantity_reads_back(value: Quantity) -> None:
    assert quantity(str(written(value))) == value


AS_OF = date(2026, 6, 30)


@pytest.mark.parametrize(
    ("relative", "day"),
    [
        (RelativeDate(months=-12), date(2025, 6, 30)),
        (RelativeDate(year=-1, month=1, day=1), date(2025, 1, 1)),
        (RelativeDate(days=-30), date(2026, 5, 31)),
        (RelativeDate(months=-4), date(2026, 2, 28)),
        (RelativeDate(year=-3), date(2023, 6, 30)),
        (RelativeDate(year=0, month=2, day=31), date(2026, 2, 28)),
    ],
)
def test_relative_dates(relative: RelativeDate, day: date) -> None:
    assert relative.on(AS_OF) == day


def test_last_day_of_the_month_stands_in() -> None:
    assert add_months(date(2025, 8, 31), 6) == date(2026, 2, 28)
    assert add_months(date(2024, 2, 29), 12) == date(2025, 2, 28)


def test_periods_in_words() -> None:
    three = Period(unit=PeriodUnit.YEAR, first=-3, last=-1, combine=Combine.AVERAGE)
    assert (LAST_YEAR.words(), LAST_YEAR.words(AS_OF)) == ("上年度", "2025年")
    assert (three.words(), three.words(AS_OF)) == ("近3年平均", "2023年至2025年平均")


def test_ratio_that_does_not_end_is_marked() -> None:
    assert ratio_words(Fraction(1, 3)) == "约33.3333%"
    assert ratio_words(Fraction(-1, 20)) == "-5%"
