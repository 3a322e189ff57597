"""Small values that criteria, amounts and cases are written with: quantities, dates, periods."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias

from ledger.money import Fen, MoneyError, display, fen


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text for people in Chinese, and in English where there is one."""

    zh: str
    en: str = ""


class Unit(StrEnum):
    """What the number of a quantity counts."""

    FEN = "fen"
    RATIO = "ratio"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact number with its unit: money in fen, a ratio (5 % is 1/20), or a plain number."""

    amount: int | Fraction
    unit: Unit

    def words(self, measure: str = "") -> str:
        """Write the quantity for people; ``measure`` is a measure word for plain numbers."""
        if self.unit is Unit.FEN:
            return money_words(self.amount)
        if self.unit is Unit.RATIO:
            return ratio_words(self.amount)
        return number_words(self.amount) + measure


def money(amount: int) -> Quantity:
    """Return an amount of fen as a quantity."""
    return Quantity(amount, Unit.FEN)


def ratio(amount: Fraction) -> Quantity:
    """Return a ratio as a quantity."""
    return Quantity(amount, Unit.RATIO)


def number(amount: int | Fraction) -> Quantity:
    """Return a plain number as a quantity; whole fractions become ints."""
    return Quantity(whole(amount), Unit.NUMBER)


def whole(amount: int | Fraction) -> int | Fraction:
    """Turn a fraction without a rest into an int."""
    return int(amount) if amount == int(amount) else amount


_DECIMAL = re.compile(r"^[+-]?[0-9][0-9,_]*(\.[0-9]+)?$")
_RATIO_SCALES = {"%": 100, "％": 100, "‰": 1000}
_MONEY_ENDS = ("元", "分", "万", "亿")


def quantity(text: str) -> Quantity | None:
    """Read ``2000万元``, ``5%``, ``3‰`` or ``12.5``; None when the text is none of them."""
    cut = text.strip()
    if cut[-1:] in _RATIO_SCALES:
        share = decimal(cut[:-1].strip())
        return None if share is None else ratio(share / _RATIO_SCALES[cut[-1]])
    if cut.endswith(_MONEY_ENDS):
        try:
            return money(fen(cut))
        except MoneyError:
            return None
    plain = decimal(cut)
    return None if plain is None else number(plain)


def decimal(text: str) -> Fraction | None:
    """Read a decimal number exactly; None when the text is not one."""
    if not _DECIMAL.match(text):
        return None
    return Fraction(text.replace(",", "").replace("_", ""))


def written(value: Quantity) -> str | int:
    """Write a quantity as a benefit file does, so that reading it gives the same quantity."""
    if value.unit is Unit.FEN:
        assert isinstance(value.amount, int), "money is whole fen"
        return money_written(value.amount)
    if value.unit is Unit.RATIO:
        return f"{terminating(Fraction(value.amount) * 100)}%"
    return value.amount if isinstance(value.amount, int) else terminating(value.amount)


def money_written(amount: int) -> str:
    """Write fen as ``2000万元``, ``1.5亿元`` or ``12.34元``, exactly."""
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size >= 10_000_000_000 and size % 1_000_000_000 == 0:
        return f"{sign}{terminating(Fraction(size, 10_000_000_000))}亿元"
    if size >= 1_000_000 and size % 10_000 == 0:
        return f"{sign}{terminating(Fraction(size, 1_000_000))}万元"
    return f"{sign}{terminating(Fraction(size, 100))}元"


def terminating(value: int | Fraction) -> str:
    """Write a number whose decimals end, without trailing zeros."""
    exact = Fraction(value)
    places = 0
    while (exact * 10**places).denominator != 1:
        places += 1
        assert places <= 40, "the decimals of this number do not end"
    digits = str(abs(int(exact * 10**places))).rjust(places + 1, "0")
    sign = "-" if exact < 0 else ""
    return sign + digits[: len(digits) - places] + (f".{digits[-places:]}" if places else "")


def money_words(amount: int | Fraction) -> str:
    """Write an amount of fen for people, rounded down to the fen where a fraction is left."""
    exact = Fraction(amount)
    shown = exact.numerator // exact.denominator
    return display(shown) if shown else "0元"


def ratio_words(amount: int | Fraction) -> str:
    """Write a ratio as a percentage with at most four decimals (cut, marked 约 when cut)."""
    return _shortened(Fraction(amount) * 100, 4) + "%"


def number_words(amount: int | Fraction) -> str:
    """Write a number with at most four decimals (cut, marked 约 when cut)."""
    return _shortened(Fraction(amount), 4)


def _shortened(exact: Fraction, places: int) -> str:
    scaled = exact * 10**places
    cut = abs(scaled.numerator) // scaled.denominator
    text = terminating(Fraction(cut, 10**places))
    sign = "-" if exact < 0 else ""
    return ("约" if Fraction(cut) != abs(scaled) else "") + sign + text


# --- dates ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeDate:
    """A day named from ``as_of``: ``months``/``days`` before or after it, or a day of a year.

    With ``month`` and ``day`` it is that day of the year ``as_of.year + year``.
    """

    year: int = 0
    months: int = 0
    days: int = 0
    month: int | None = None
    day: int | None = None

    def on(self, as_of: date) -> date:
        """Return the day meant when the rule is asked about ``as_of``."""
        if self.month is not None:
            year = as_of.year + self.year
            last = calendar.monthrange(year, self.month)[1]
            base = date(year, self.month, min(self.day or 1, last))
        else:
            base = add_months(as_of, 12 * self.year)
        return add_months(base, self.months) + timedelta(days=self.days)

    def words(self) -> str:
        """Say the day in Chinese."""
        if self.month is not None:
            named = {0: "本年", -1: "上年", 1: "次年"}.get(self.year)
            year = named or (f"{-self.year}年前" if self.year < 0 else f"{self.year}年后")
            said = f"{year}{self.month}月{self.day or 1}日"
        else:
            parts = [(self.year, "年"), (self.months, "个月"), (self.days, "日")]
            said = "".join(
                f"{abs(count)}{unit}{'前' if count < 0 else '后'}" for count, unit in parts if count
            )
        return said or "当日"


DateValue: TypeAlias = date | RelativeDate


def add_months(day: date, months: int) -> date:
    """Return the corresponding day months away; the last day of the month when it has none."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def day_of(value: DateValue, as_of: date) -> date:
    """Resolve a date of a rule for one day."""
    return value.on(as_of) if isinstance(value, RelativeDate) else value


# --- periods -------------------------------------------------------------------------------------


class PeriodUnit(StrEnum):
    """Whether a period is one of calendar years or of months."""

    YEAR = "year"
    MONTH = "month"


class Combine(StrEnum):
    """How the values of several periods become one."""

    SUM = "sum"
    AVERAGE = "average"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Years or months counted from that of ``as_of`` (0), first to last, both inclusive."""

    unit: PeriodUnit
    first: int
    last: int
    combine: Combine | None = None

    def numbers(self, as_of: date) -> range:
        """Return the period numbers as facts carry them (see matching.profiles.Fact)."""
        year = self.unit is PeriodUnit.YEAR
        base = as_of.year if year else as_of.year * 12 + as_of.month - 1
        return range(base + self.first, base + self.last + 1)

    def words(self, as_of: date | None = None) -> str:
        """Say the period in Chinese, with the year when ``as_of`` is given."""
        if as_of is not None:
            ends = [period_words(self.unit, n) for n in (self.numbers(as_of)[0], *self._end(as_of))]
            return "至".join(ends) + _COMBINED.get(self.combine, "")
        year = self.unit is PeriodUnit.YEAR
        named = {-1: "上年度", 0: "本年度"} if year else {-1: "上月", 0: "本月"}
        if self.first == self.last:
            return named.get(self.first) or f"前{-self.first}{'年' if year else '个月'}"
        return f"近{self.last - self.first + 1}{'年' if year else '个月'}" + _COMBINED.get(
            self.combine, ""
        )

    def _end(self, as_of: date) -> tuple[int, ...]:
        return () if self.first == self.last else (self.numbers(as_of)[-1],)


_COMBINED: dict[Combine | None, str] = {
    Combine.SUM: "合计",
    Combine.AVERAGE: "平均",
    Combine.MIN: "最低",
    Combine.MAX: "最高",
}

LAST_YEAR = Period(unit=PeriodUnit.YEAR, first=-1, last=-1)
THIS_YEAR = Period(unit=PeriodUnit.YEAR, first=0, last=0)
LAST_MONTH = Period(unit=PeriodUnit.MONTH, first=-1, last=-1)


def period_words(unit: PeriodUnit, count: int) -> str:
    """Say one period number: ``2025年`` or ``2026年5月``."""
    if unit is PeriodUnit.YEAR:
        return f"{count}年"
    return f"{count // 12}年{count % 12 + 1}月"


def fen_of(value: Quantity) -> Fen:
    """Return a money quantity's fen."""
    assert value.unit is Unit.FEN, "not an amount of money"
    assert isinstance(value.amount, int), "money is whole fen"
    return Fen(value.amount)
