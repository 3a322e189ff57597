"""Amounts: reading, writing, rounding and splitting never lose a fen."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import (
    FEN_LIMIT,
    MoneyError,
    Rounding,
    decimal_yuan,
    display,
    fen,
    rounded,
    share,
    split,
    yuan,
)

amounts = st.integers(min_value=-FEN_LIMIT, max_value=FEN_LIMIT)
positive = st.integers(min_value=0, max_value=FEN_LIMIT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12.30", 1230),
        ("1,234,567.89", 123_456_789),
        ("2000万元", 2_000_000_000),
        ("1.5亿元", 15_000_000_000),
        ("3百万元", 300_000_000),
        ("7分", 7),
        ("-0.01", -1),
        (12, 1200),
    ],
)
def test_fen_reads_what_people_write(text: str | int, expected: int) -> None:
    assert fen(text) == expected


@pytest.mark.parametrize(
    "text", ["", "abc", "1.234", "0.0000001万元", "9999999亿元", "1e5", "１２"]
)
def test_fen_refuses_what_is_not_exact(text: str) -> None:
    with pytest.raises(MoneyError):
        fen(text)


@given(amounts)
def test_yuan_and_fen_are_inverse(amount: int) -> None:
    assert fen(yuan(amount)) == amount
    assert int(decimal_yuan(amount) * 100) == amount


@given(positive, st.lists(st.integers(0, 1_000), min_size=1, max_size=8).filter(any))
def test_parts_of_a_split_sum_to_the_whole(amount: int, weights: list[int]) -> None:
    parts = split(amount, tuple(weights))
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        exact = Fraction(amount * weight, sum(weights))
        assert abs(part - exact) < 1


@given(positive, st.fractions(min_value=0, max_value=1, max_denominator=10_000))
def test_a_share_is_never_above_the_exact_one(amount: int, ratio: Fraction) -> None:
    found = share(amount, ratio)
    assert 0 <= amount * ratio - found < 1


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rounding.DOWN_FEN, 12_345),
        (Rounding.HALF_UP_FEN, 12_346),
        (Rounding.DOWN_YUAN, 12_300),
        (Rounding.HALF_UP_YUAN, 12_300),
        (Rounding.DOWN_HUNDRED_YUAN, 10_000),
    ],
)
def test_rounding_follows_its_name(rule: Rounding, expected: int) -> None:
    assert rounded(Fraction(24_691, 2), rule) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(0, "¥0.00"), (12_345, "¥123.45"), (12_500_000, "12.5万元"), (-2_000_000, "-2万元")],
)
def test_display_is_for_people(amount: int, expected: str) -> None:
    assert display(amount) == expected
