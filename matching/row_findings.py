"""What is odd in a delivered file: findings are values, stored and listed, never raised."""

from __future__ import annotations

from dataclasses import dataclass

from policies.findings import Level

_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFinding:
    """One finding about a file.

    ``row_number`` counts as a spreadsheet shows it, None for the file as a whole. ``field`` is the
    official heading, ``""`` for a whole row. An ``error`` in a row rejects it. ``uscc`` is the firm
    the row names by a valid code, when it does.
    """

    row_number: int | None
    field: str
    found: str
    expected: str
    code: str
    level: Level
    message: str
    uscc: str | None = None

    def order(self) -> tuple[int, str, str, str]:
        """Return what findings are sorted by."""
        return (self.row_number or 0, self.field, self.code, self.found)


def finding(
    file: str,
    row_number: int | None,
    *,
    field: str = "",
    found: str,
    expected: str,
    code: str,
    level: Level | str,
    uscc: str | None = None,
) -> RowFinding:
    """Make a finding and word its message."""
    place = f"第 {row_number} 行" if row_number else "整个文件"
    column = f"“{field}”" if field else ""
    shown = visible(found)
    return RowFinding(
        row_number=row_number,
        field=field,
        found=shown,
        expected=expected,
        code=code,
        level=Level(level),
        message=f"{file} {place}{column}: 实为 {shown or '空'}; 应为 {expected}",
        uscc=uscc,
    )


def visible(text: str) -> str:
    """Return a text as it may be stored and printed: control characters shown, length bounded."""
    clean = "".join(
        char if char.isprintable() or char == " " else f"\\u{ord(char):04x}" for char in text
    )
    return clean if len(clean) <= _SHOWN else clean[: _SHOWN - 1] + "…"
