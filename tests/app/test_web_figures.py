"""How values are written for people."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web import figures
from matching.profiles import Interval, Listing


@pytest.mark.parametrize(
    ("fen", "money", "yuan", "short"),
    [
        (None, "—", "—", "—"),
        (0, "0.00", "¥0", "0 元"),
        (5, "0.05", "¥0.05", "0.05 元"),
        (123_450, "1,234.50", "¥1,234.50", "1,234.50 元"),
        (50_000_000, "500,000.00", "¥500,000", "50 万元"),
        (12_345_678, "123,456.78", "¥123,456.78", "12.34 万元"),
        (-100, "-1.00", "¥-1", "-1 元"),
        (123_456_789_000, "1,234,567,890.00", "¥1,234,567,890", "12.34 亿元"),
    ],
)
def test_money(fen: int | None, money: str, yuan: str, short: str) -> None:
    assert figures.money(fen) == money
    assert figures.yuan(fen) == yuan
    assert figures.short_money(fen) == short


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_money_reads_back_to_the_fen(fen: int) -> None:
    whole, _, rest = figures.money(fen).replace(",", "").partition(".")
    assert int(whole + rest) == fen


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, "—"), (0, 9, "0.0%"), (1, 3, "33.3%"), (2, 3, "66.7%"), (1, 1, "100.0%")],
)
def test_share(part: int, whole: int, said: str) -> None:
    assert figures.share(part, whole) == said


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0"), (1, "<5"), (4, "<5"), (5, "5"), (1234, "1,234")]
)
def test_small_cells_are_hidden(count: int, said: str) -> None:
    assert figures.small_cell(count) == said


def test_instants_are_written_in_shanghai() -> None:
    late = datetime(2026, 6, 29, 17, 5, tzinfo=UTC)
    assert figures.moment(late) == "2026-06-30 01:05"
    assert figures.day(late) == "2026-06-30"


def test_masks_keep_only_the_ends() -> None:
    assert figures.account_tail("6222000011112345") == "•••• 2345"
    assert figures.account_tail("") == "—"
    assert figures.masked_number("HQ2026123456789012") == "HQ20**********9012"
    assert figures.masked_name("南昌赣云电子有限公司") == "南昌赣云****公司"
    assert figures.masked_name("赣云") == "赣*"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "是"),
        (False, "否"),
        (Fraction(1, 18), "5.55%"),
        (date(2026, 1, 2), "2026-01-02"),
        ((), "不在名单内"),
        (Interval(low=100, high=None), "不低于 100"),
        ((Listing(listed_on=date(2025, 1, 2), level="省级"),), "省级 2025-01-02 列入"),
    ],
)
def test_profile_values(value: object, said: str) -> None:
    assert figures.fact_value(value) == said


@pytest.mark.parametrize(
    ("number", "said"), [(None, ""), (2025, "2025年"), (2026 * 12 + 4, "2026年5月")]
)
def test_periods(number: int | None, said: str) -> None:
    assert figures.period(number) == said
