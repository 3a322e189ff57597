"""How values are written for people: money, dates, shares, masked names and accounts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from app.clock import SHANGHAI
from matching.profiles import Interval, Item, Listing

SMALL_CELL = 5
WAN_FEN = 1_000_000


def money(amount_fen: int | None, absent: str = "—") -> str:
    """Write fen as yuan with separators and two decimals: ``1,234.50``."""
    if amount_fen is None:
        return absent
    sign = "-" if amount_fen < 0 else ""
    whole, rest = divmod(abs(amount_fen), 100)
    return f"{sign}{whole:,}.{rest:02d}"


def yuan(amount_fen: int | None, absent: str = "—") -> str:
    """Write fen for a phone: ``¥500,000``, decimals only when there are any."""
    if amount_fen is None:
        return absent
    text = money(amount_fen)
    return "¥" + text.removesuffix(".00")


def wan(amount_fen: int | None, absent: str = "—") -> str:
    """Write fen as 万元 with two decimals, cut and never rounded up: ``1,234.50``."""
    if amount_fen is None:
        return absent
    sign = "-" if amount_fen < 0 else ""
    hundredths = abs(amount_fen) // (WAN_FEN // 100)
    return f"{sign}{hundredths // 100:,}.{hundredths % 100:02d}"


def wan_number(amount_fen: int) -> str:
    """Write fen as 万元 for a chart's data: plain digits with two decimals."""
    return wan(int(amount_fen)).replace(",", "")


def short_money(amount_fen: int | None, absent: str = "—") -> str:
    """Write fen in the unit that reads best: ``¥850``, ``12.5 万元``, ``1.20 亿元``."""
    if amount_fen is None:
        return absent
    if abs(amount_fen) >= 10_000 * WAN_FEN:
        return f"{wan(amount_fen // 10_000)} 亿元"
    if abs(amount_fen) >= WAN_FEN:
        return f"{wan(amount_fen).rstrip('0').rstrip('.')} 万元"
    return f"{yuan(amount_fen).removeprefix('¥')} 元"


def day(value: date | datetime | str | None, absent: str = "—") -> str:
    """Write a day as ISO, in Shanghai when an instant is given."""
    if value is None or value == "":
        return absent
    if isinstance(value, datetime):
        value = value.astimezone(SHANGHAI).date()
    return value.isoformat() if isinstance(value, date) else value


def moment(value: datetime | None, absent: str = "—") -> str:
    """Write an instant to the minute, in Shanghai."""
    return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if value else absent


def share(part: int, whole: int) -> str:
    """Write part of whole as per cent with one decimal, exact, half up; a dash when whole is 0."""
    if not whole:
        return "—"
    tenths = (part * 2000 + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10}%"


def small_cell(count: int) -> str:
    """Write a count of firms, hiding counts under five that are not zero."""
    return "<5" if 0 < count < SMALL_CELL else f"{count:,}"


def account_tail(number: str) -> str:
    """Write an account as its last four digits only."""
    return f"•••• {number[-4:]}" if number else "—"


def without_accounts(text: str) -> str:
    """Leave only the tail of account numbers (digits that stand by themselves) in a sentence."""
    return re.sub(r"(?<=\s)\d{12,30}(?=\D|$)", lambda found: account_tail(found.group()), text)


def masked_name(name: str) -> str:
    """Mask the middle of a name for the public: the first four and last two signs stay."""
    if len(name) <= 6:
        return name[:1] + "*" * max(len(name) - 1, 0)
    return name[:4] + "*" * (len(name) - 6) + name[-2:]


def masked_number(number: str) -> str:
    """Mask the middle of a case or credit code: the first four and last four signs stay."""
    return number if len(number) <= 8 else number[:4] + "*" * (len(number) - 8) + number[-4:]


def period(value: int | None, *, monthly: bool = False) -> str:
    """Write the period of a fact: ``2025年``, ``2026年5月`` or nothing for as-of values."""
    if value is None:
        return ""
    if monthly or value > 9999:
        return f"{value // 12}年{value % 12 + 1}月"
    return f"{value}年"


def fact_value(value: Any, *, money_field: bool = False, unit: str = "") -> str:
    """Write any value a profile can hold; money in yuan, lists by their count and newest entry."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Interval):
        low = fact_value(value.low, money_field=money_field)
        high = fact_value(value.high, money_field=money_field)
        if value.low is None or value.high is None:
            return (
                f"不低于 {low} {unit}" if value.high is None else f"不高于 {high} {unit}"
            ).strip()
        return f"{low} 至 {high} {unit}".strip()
    if isinstance(value, tuple):
        return _list_value(value)
    if isinstance(value, int):
        return short_money(value) if money_field else f"{value:,} {unit}".strip()
    if isinstance(value, Fraction):
        return ratio(value)
    return f"{day(value) if isinstance(value, date) else value} {unit}".strip()


def ratio(value: Fraction) -> str:
    """Write a ratio as per cent with up to two decimals, cut."""
    hundredths = int(value * 10_000)
    sign = "-" if hundredths < 0 else ""
    return f"{sign}{abs(hundredths) // 100}.{abs(hundredths) % 100:02d}%"


def _list_value(value: Sequence[Any]) -> str:
    if not value:
        return "不在名单内"
    if all(isinstance(entry, Item) for entry in value):
        return f"{len(value)} 条"
    listed = [entry for entry in value if isinstance(entry, Listing)]
    newest = max(listed, key=lambda entry: entry.listed_on)
    until = f"，有效至 {newest.valid_until}" if newest.valid_until else ""
    gone = f"，{newest.removed_on} 移出" if newest.removed_on else ""
    return f"{newest.level} {newest.listed_on} 列入{until}{gone}".strip()


def claim_period(value: str) -> str:
    """Write what a claim covers: a year, or once."""
    return "一次性" if value == "once" else f"{value} 年度"


FILTERS = {
    "claim_period": claim_period,
    "money": money,
    "yuan": yuan,
    "wan": wan,
    "wan_number": wan_number,
    "short_money": short_money,
    "day": day,
    "moment": moment,
    "small_cell": small_cell,
    "account_tail": account_tail,
    "without_accounts": without_accounts,
    "masked_name": masked_name,
    "masked_number": masked_number,
    "fact_period": period,
}
