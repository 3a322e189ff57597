"""Names of invented firms and people, and the ways in which clerks write them differently."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from random import Random
from typing import Any

from opencc import OpenCC

from app.demo.mixes import mix

COMPANY_SUFFIXES = ("股份有限公司", "有限责任公司", "有限公司")
_SHOP_ENDINGS = ("店", "行", "楼", "馆", "厅", "房", "所")


class Names:
    """Draws names that no other firm of this city has; the same draws give the same names."""

    def __init__(self, draws: Random) -> None:
        self._draws = draws
        self._syllables: Mapping[str, Any] = mix("names")
        self._never = tuple(self._syllables["never"])
        self._taken: set[str] = set()

    def trade(self) -> str:
        """Return a trade name (字号) of two or three syllables, not drawn before."""
        draws, syllables = self._draws, self._syllables
        while True:
            text: str = draws.choice(syllables["trade_first"]) + draws.choice(
                syllables["trade_second"]
            )
            if draws.random() > 0.12 or text in self._taken:
                text += draws.choice(syllables["trade_third"])
            if text in self._taken or text.startswith(self._never) or text[-1] == text[-2]:
                continue
            self._taken.add(text)
            return text

    def firm(self, entity_type: str, region_name: str, word: str, *, trade: str = "") -> str:
        """Return a full name with place, trade name, line of business and form of enterprise."""
        draws = self._draws
        trade = trade or self.trade()
        if entity_type == "个体工商户":
            ending = word if word.endswith(_SHOP_ENDINGS) else word + draws.choice(["店", "经营部"])
            return (
                f"南昌市{region_name}{trade}{ending}"
                if "县" not in region_name
                else (f"{region_name}{trade}{ending}")
            )
        if entity_type == "农民专业合作社":
            return f"{region_name}{trade}{word}专业合作社"
        word = word.removesuffix("店") or word
        place = draws.choices(["南昌", "江西", "南昌市", "江西省", region_name], [47, 36, 9, 3, 5])[
            0
        ]
        if entity_type == "合伙企业":
            return f"{place}{trade}{word}合伙企业（有限合伙）"
        if entity_type == "个人独资企业":
            return f"{place}{trade}{word}{draws.choice(['中心', '工作室', '经营部', '厂'])}"
        if entity_type == "股份有限公司":
            return f"{place}{trade}{word}股份有限公司"
        if place in {"南昌", "江西"} and draws.random() < 0.07:
            return f"{trade}{word}（{place}）有限公司"
        suffix = "有限责任公司" if draws.random() < 0.06 else "有限公司"
        return f"{place}{trade}{word}{suffix}"

    def person(self) -> str:
        """Return a person's name of two or three characters."""
        draws, syllables = self._draws, self._syllables
        name: str = draws.choice(syllables["surnames"])
        if draws.random() < 0.82:
            name += draws.choice(syllables["given_first"])
        return name + str(draws.choice(syllables["given_second"]))


@cache
def _converter() -> OpenCC:
    return OpenCC("s2t")


def traditional(name: str) -> str:
    """Return the name in traditional characters."""
    return str(_converter().convert(name))


def full_width(text: str) -> str:
    """Return ASCII characters as their full-width forms, the rest as it is."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def half_brackets(name: str) -> str:
    """Return the name with （） written as ()."""
    return name.replace("（", "(").replace("）", ")")


def other_suffix(name: str) -> str:
    """Return the name with 有限公司 for 有限责任公司 or the other way round."""
    if name.endswith("有限责任公司"):
        return name.removesuffix("有限责任公司") + "有限公司"
    return name.removesuffix("有限公司") + "有限责任公司"


def without_place(name: str) -> str:
    """Return the name without the place it begins with, as people write it in haste."""
    for place in ("江西省", "南昌市", "江西", "南昌"):
        if name.startswith(place):
            return name.removeprefix(place)
    return name
