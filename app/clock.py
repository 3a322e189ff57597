"""The only caller of the wall clock. Days are those of Asia/Shanghai.

Everything else takes `as_of` (a day) or `at` (an instant) as a parameter. A demo fixes its day in a
stored setting, which the caller reads and hands in here: `today(fixed=...)`.
"""

import datetime as dt
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now(*, fixed: dt.date | None = None) -> dt.datetime:
    """This instant, aware, in Shanghai; on the fixed day, at the real time of day."""
    instant = dt.datetime.now(SHANGHAI)
    if fixed is None:
        return instant
    return dt.datetime.combine(fixed, instant.timetz())


def today(*, fixed: dt.date | None = None) -> dt.date:
    """The day it is in Shanghai, or the fixed one."""
    return fixed or now().date()


def day_of(instant: dt.datetime) -> dt.date:
    """The Shanghai day on which an aware instant falls."""
    return instant.astimezone(SHANGHAI).date()
