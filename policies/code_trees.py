"""Code trees with names: administrative divisions and GB/T 4754-2017 industries."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

NATIONAL = "100000"
"""The division code of the whole country."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTree:
    """Codes of one classification, their names and parents.

    ``kind`` is ``division`` or ``industry`` and says how a code covers another.
    """

    kind: str
    names: Mapping[str, str]
    parents: Mapping[str, str]

    def name(self, code: str) -> str:
        """Return the name of a code or prefix, or the code itself when it is not in the tree."""
        if code in self.names:
            return self.names[code]
        if self.kind == "division":
            return self.names.get(code.ljust(6, "0"), code)
        if code[:1].isalpha() and code[1:] in self.names:
            return self.names[code[1:]]
        return code

    def known(self, code: str) -> bool:
        """Whether a code, or a prefix written short, stands in the tree."""
        return self.name(code) != code or code in self.names or code == ""

    def stem(self, code: str) -> str:
        """Return the part of a code that its descendants begin with.

        ``360100`` becomes ``3601``, ``100000`` becomes the empty text, ``C26`` becomes ``C26``.
        """
        if self.kind == "division":
            if code == NATIONAL:
                return ""
            return code[:2] if code[2:] == "0000" else code[:4] if code[4:] == "00" else code
        return code if code[:1].isalpha() else self.letter(code) + code

    def letter(self, code: str) -> str:
        """Return the section letter of an industry code that is written without it."""
        top = self.parents.get(code[:2], "")
        return top if top[:1].isalpha() else ""

    def covers(self, prefix: str, code: str) -> bool | None:
        """Whether ``code`` lies under ``prefix``; None when the code is too coarse to say."""
        return _covers(self.kind, prefix, code)


@lru_cache(maxsize=100_000)
def _covers(kind: str, prefix: str, code: str) -> bool | None:
    tree = divisions() if kind == "division" else industries()
    stem, own = tree.stem(prefix), tree.stem(code)
    if own.startswith(stem):
        return True
    return None if stem.startswith(own) else False


def _rows(name: str) -> list[dict[str, str]]:
    text = files("policies").joinpath("data", name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))


@cache
def divisions() -> CodeTree:
    """Return the divisions at county level and above (2026)."""
    rows = _rows("divisions_2026.tsv")
    return CodeTree(
        kind="division",
        names={NATIONAL: "全国"} | {row["code"]: row["name"] for row in rows},
        parents={row["code"]: row["parent"] or NATIONAL for row in rows},
    )


@cache
def industries() -> CodeTree:
    """Return the industries of GB/T 4754-2017, sections to classes."""
    rows = _rows("gbt4754_2017.tsv")
    return CodeTree(
        kind="industry",
        names={row["code"]: row["name"] for row in rows},
        parents={row["code"]: row["parent"] for row in rows},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRow:
    """Lower bounds (inclusive) of one indicator for the industries under ``prefixes``.

    ``indicator`` is ``revenue``, ``assets`` (both in fen) or ``staff`` (people).
    """

    industry: str
    prefixes: tuple[str, ...]
    indicator: str
    large_min: int
    medium_min: int
    small_min: int


@cache
def size_rows() -> tuple[SizeRow, ...]:
    """Return the table of 国统字〔2017〕213号 in fen and people."""
    indicators = {"X": "staff", "Y": "revenue", "Z": "assets"}
    made = []
    for row in _rows("sme_2017.tsv"):
        scale = 1_000_000 if row["unit"] == "万元" else 1
        made.append(
            SizeRow(
                industry=row["industry"],
                prefixes=tuple(row["gbt4754_prefixes"].split(";")),
                indicator=indicators[row["indicator"]],
                large_min=int(row["large_min"]) * scale,
                medium_min=int(row["medium_min"]) * scale,
                small_min=int(row["small_min"]) * scale,
            )
        )
    return tuple(made)
