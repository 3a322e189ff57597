"""Working days follow the State Council's calendar, and an unannounced year is not guessed."""

from __future__ import annotations

from datetime import date

import pytest

from app.working_days import add_working_days, is_working_day


@pytest.mark.parametrize(
    ("start", "days", "expected"),
    [
        (date(2026, 6, 30), 1, date(2026, 7, 1)),
        (date(2026, 7, 3), 1, date(2026, 7, 6)),
        # 2026-09-30 is followed by the National Day holiday of 1-7 October.
        (date(2026, 9, 30), 1, date(2026, 10, 8)),
        (date(2026, 6, 30), 0, date(2026, 6, 30)),
    ],
)
def test_working_days_skip_weekends_and_holidays(start: date, days: int, expected: date) -> None:
    assert add_working_days(start, days) == expected


def test_a_span_into_an_unannounced_year_has_no_date() -> None:
    assert is_working_day(date(2031, 3, 3)) is None
    assert add_working_days(date(2030, 12, 30), 5) is None
