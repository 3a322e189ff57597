"""What one cell says: text to a typed value, or what is wrong with it.

Cells are read once per distinct text, so this may be careful without being slow.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from stdnum.iso7064 import mod_11_10

from ledger.money import FEN_LIMIT
from matching.sources import Column, ColumnType
from policies.code_trees import divisions, industries

Value: TypeAlias = int | str
"""As it goes into a payload: fen, counts and years as int; dates ISO, months YYYY-MM, texts."""

EARLIEST_YEAR = 1900
COUNT_LIMIT = 10_000_000
TEXT_LIMIT = 500

UNIT_FEN = {"分": 1, "元": 100, "万元": 1_000_000, "亿元": 10_000_000_000}
_DECIMALS = {"元": 2, "万元": 6, "亿元": 10}
_PLAIN_MONEY = re.compile(r"(\d+)(?:\.(\d+))?", re.ASCII)
_NUMBER = re.compile(r"([+-]?)(\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d+))?\s*(万元|亿元|元|分)?", re.ASCII)
_WHOLE = re.compile(r"\d+|\d{1,3}(?:,\d{3})+", re.ASCII)
_DATE = re.compile(
    r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|\.(\d{1,2})\.(\d{1,2})"
    r"|年(\d{1,2})月(\d{1,2})日|(\d{2})(\d{2}))(?:[ T]00:00(?::00)?)?",
    re.ASCII,
)
_MONTH = re.compile(r"(\d{4})(?:-(\d{1,2})|/(\d{1,2})|\.(\d{1,2})|年(\d{1,2})月|(\d{2}))", re.ASCII)
_YEAR = re.compile(r"(\d{4})(?:年|年度)?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_INDUSTRY = re.compile(r"([A-T])?(\d{2,4})", re.ASCII)
_BLANK_WORDS = frozenset({"", "-", "--", "—", "——", "/", "无", "空", "NULL", "null", "N/A", "n/a"})


class Trouble(NamedTuple):
    """What is wrong with a cell; an error rejects the row, a warning keeps it.

    The level ``choice`` stands for a value outside a closed set: an error where the column is
    required, else a warning.
    """

    code: str
    level: str
    expected: str


class Cell(NamedTuple):
    """What a cell says; both None when it is empty."""

    value: Value | None
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one column of one file is read: the day it vouches for and the unit of its money."""

    column: Column
    as_of: date
    unit: str = "元"

    def read(self, text: str) -> Cell:
        """Read one cell, already free of blanks at its ends."""
        if text in _BLANK_WORDS:
            return Cell(self.column.blank)
        if _CONTROL.search(text):
            return _wrong("cell.control", "不含控制字符的文字")
        kind = self.column.type
        if kind is ColumnType.MONEY:
            return _money(text, self.unit, signed=self.column.signed)
        if kind is ColumnType.COUNT:
            return _count(text)
        if kind is ColumnType.DATE:
            return _date(text, None if self.column.future else self.as_of)
        if kind is ColumnType.MONTH:
            return _month(text, self.as_of)
        if kind is ColumnType.YEAR:
            return _year(text, self.as_of)
        if kind is ColumnType.CHOICE:
            return _choice(text, self.column.choices)
        if kind is ColumnType.REGION:
            return _region(text)
        if kind is ColumnType.INDUSTRY:
            return _industry(text)
        if kind is ColumnType.CNAPS:
            return _cnaps(text)
        if len(text) > TEXT_LIMIT:
            return _wrong("cell.long", f"不超过 {TEXT_LIMIT} 字")
        return Cell(text)


def amount(text: str, unit: str) -> Fraction | None:
    """Return the exact fen a text says in a unit, however large; None when it is no number."""
    match = _NUMBER.fullmatch(_half_width(text))
    if match is None:
        return None
    sign, whole, decimals, own_unit = match.groups()
    number = Fraction(int(whole.replace(",", "")))
    if decimals:
        number += Fraction(int(decimals), 10 ** len(decimals))
    number *= UNIT_FEN[own_unit or unit]
    return -number if sign == "-" else number


def _half_width(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _wrong(code: str, expected: str) -> Cell:
    return Cell(None, Trouble(code, "error", expected))


def _odd(value: Value | None, code: str, expected: str) -> Cell:
    return Cell(value, Trouble(code, "warning", expected))


def _money(text: str, unit: str, *, signed: bool) -> Cell:
    plain = _PLAIN_MONEY.fullmatch(text)
    if plain is not None and len(plain[2] or "") <= _DECIMALS[unit]:
        # The usual cell, without the detour over fractions.
        fen = int(plain[1] + (plain[2] or "").ljust(_DECIMALS[unit], "0"))
        if fen <= FEN_LIMIT:
            return Cell(fen)
    exact = amount(text, unit)
    if exact is None:
        return _wrong("money.form", f"金额数字（单位 {unit}）, 例如 1234.56")
    if exact < 0 and not signed:
        return _wrong("money.negative", "不小于 0 的金额")
    if abs(exact) > FEN_LIMIT:
        return _wrong("money.overflow", f"不超过 9 万亿元; 请核对单位（本列按 {unit} 读）")
    if exact.denominator != 1:
        return _wrong("money.precision", "精确到分的金额")
    return Cell(int(exact))


def _count(text: str) -> Cell:
    plain = _half_width(text)
    if plain.endswith("人"):
        plain = plain[:-1].strip()
    whole, dot, rest = plain.partition(".")
    if dot and rest.strip("0") == "" and rest:
        plain = whole
    if plain[:1] == "-" and _WHOLE.fullmatch(plain[1:]):
        return _wrong("count.negative", "不小于 0 的整数")
    if not _WHOLE.fullmatch(plain):
        return _wrong("count.form", "不小于 0 的整数")
    number = int(plain.replace(",", ""))
    if number > COUNT_LIMIT:
        return _wrong("count.overflow", f"不超过 {COUNT_LIMIT} 的整数")
    return Cell(number)


def _date(text: str, latest: date | None) -> Cell:
    match = _DATE.fullmatch(_half_width(text))
    if match is None:
        return _wrong("date.form", "日期, 例如 2026-06-30")
    year, month, day = (int(part) for part in match.groups() if part)
    if not 1 <= month <= 12:
        return _wrong("date.impossible", "真实存在的日期（月份为 1 至 12）")
    try:
        found = date(year, month, day)
    except ValueError:
        return _wrong("date.impossible", "真实存在的日期")
    if year < EARLIEST_YEAR:
        return _wrong("date.early", f"{EARLIEST_YEAR} 年以后的日期")
    if latest is not None and found > latest:
        return _wrong("date.future", f"不晚于数据截止日 {latest.isoformat()} 的日期")
    return Cell(found.isoformat())


def _month(text: str, as_of: date) -> Cell:
    match = _MONTH.fullmatch(_half_width(text))
    if match is None:
        return _wrong("month.form", "年月, 例如 2026-05")
    year, month = (int(part) for part in match.groups() if part)
    if not 1 <= month <= 12:
        return _wrong("month.impossible", "真实存在的年月（月份为 1 至 12）")
    if year < EARLIEST_YEAR:
        return _wrong("month.early", f"{EARLIEST_YEAR} 年以后的年月")
    if (year, month) > (as_of.year, as_of.month):
        return _wrong("month.future", f"不晚于数据截止月 {as_of:%Y-%m} 的年月")
    return Cell(f"{year}-{month:02d}")


def _year(text: str, as_of: date) -> Cell:
    match = _YEAR.fullmatch(_half_width(text))
    if match is None or int(match[1]) < EARLIEST_YEAR:
        return _wrong("year.form", "年度, 例如 2025")
    if int(match[1]) > as_of.year:
        return _wrong("year.future", f"不晚于 {as_of.year} 的年度")
    return Cell(int(match[1]))


def _choice(text: str, choices: tuple[str, ...]) -> Cell:
    plain = _half_width(text).replace("(", "（").replace(")", "）")
    if plain in choices:
        return Cell(plain)
    # Registers add what is in brackets: 有限责任公司（自然人独资）.
    stem = plain.partition("（")[0]
    if stem in choices:
        return Cell(stem)
    return Cell(None, Trouble("choice.unknown", "choice", "、".join(choices)))


def _region(text: str) -> Cell:
    plain = _half_width(text)
    if not (len(plain) == 6 and plain.isdecimal()):
        return _wrong("region.form", "六位行政区划代码")
    if plain not in divisions().names:
        return _odd(plain, "region.unknown", "现行县级以上行政区划代码")
    return Cell(plain)


def _industry(text: str) -> Cell:
    match = _INDUSTRY.fullmatch(_half_width(text).upper())
    if match is None:
        return _wrong("industry.form", "GB/T 4754-2017 行业代码, 例如 3911")
    code, names = match[2], industries().names
    if code in names:
        return Cell(code)
    if len(code) == 4 and code[:3] in names:
        return _odd(code, "industry.unknown", "GB/T 4754-2017 小类代码")
    return _wrong("industry.unknown", "GB/T 4754-2017 中的行业代码")


def _cnaps(text: str) -> Cell:
    plain = _half_width(text).replace(" ", "")
    if not (len(plain) == 12 and plain.isdecimal()):
        return _odd(None, "cnaps.form", "12 位联行号")
    if not mod_11_10.is_valid(plain):
        return _odd(plain, "cnaps.check", "校验位相符的 12 位联行号")
    return Cell(plain)
