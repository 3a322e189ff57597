"""Chinese working days: holidays and 调休 as announced; a year not announced is not guessed.

Source: the State Council's yearly holiday notices, as kept by the chinesecalendar package.
"""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar


def is_working_day(day: date) -> bool | None:
    """Say whether offices work that day; None when its year has not been announced."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return None


def add_working_days(start: date, days: int) -> date | None:
    """Return the day that lies ``days`` working days after ``start`` (which does not count).

    None when the span reaches into a year whose holidays are not announced (待国务院安排).
    """
    day = start
    for _ in range(days):
        day += timedelta(days=1)
        while not (working := is_working_day(day)):
            if working is None:
                return None
            day += timedelta(days=1)
    return day
