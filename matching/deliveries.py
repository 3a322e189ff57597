"""Deliveries as announced: the note (交接单) that comes with the files of an inbox."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from matching.errors import DeliveryNoteError, UnknownSourceError
from matching.sources import SOURCES, Source

UNITS = ("元", "万元")
DEFAULT_ERROR_SHARE = Fraction(1, 20)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One file and what its sender says of it.

    ``rows``, ``totals`` and ``sha256`` are compared with the file where they are given.
    ``totals`` are sums as written, in the file's unit. ``complete`` says that the file names
    everyone it concerns, so that absence means something. More than ``max_error_share`` of bad
    rows refuses the whole file.
    """

    file: str
    source: str
    owner: str
    as_of: date
    received_at: datetime
    list_code: str = ""
    unit: str = "元"
    complete: bool = False
    rows: int | None = None
    totals: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""
    max_error_share: Fraction = DEFAULT_ERROR_SHARE

    def kind(self) -> Source:
        """Return the kind of file. Raises UnknownSourceError for an unknown source or list."""
        source = SOURCES.get(self.source)
        if source is None:
            raise UnknownSourceError(self.source, "", "、".join(SOURCES))
        if (self.list_code or source.lists) and self.list_code not in source.lists:
            known = "、".join(source.lists) or "无名单代码"
            raise UnknownSourceError(self.source, self.list_code or "（空）", known)
        return source

    def declared(self) -> dict[str, Any]:
        """Return what the sender says, as plain values, to tell a resend from a correction."""
        return {
            "sha256": self.sha256,
            "owner": self.owner,
            "rows": self.rows,
            "totals": dict(sorted(self.totals.items())),
            "unit": self.unit,
            "complete": self.complete,
            "max_error_share": str(self.max_error_share),
        }


def read_delivery_note(path: Path) -> list[Delivery]:
    """Read a note; the order is that of intake. Raises DeliveryNoteError, UnknownSourceError."""
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DeliveryNoteError(path.name, 0, "内容", str(error), "UTF-8 的 JSON") from error
    listed = content.get("deliveries") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise DeliveryNoteError(path.name, 0, "deliveries", "没有列表", "交付文件的列表")
    return [_delivery(path.name, place, entry) for place, entry in enumerate(listed, 1)]


def _delivery(file: str, place: int, entry: Any) -> Delivery:
    if not isinstance(entry, dict):
        raise DeliveryNoteError(file, place, "", repr(entry)[:80], "一个交付文件的说明")
    note = _Entry(file, place, entry)
    made = Delivery(
        file=note.file_name(),
        source=note.text("source"),
        owner=note.text("owner"),
        as_of=note.day("as_of"),
        received_at=note.instant("received_at"),
        list_code=str(entry.get("list_code") or ""),
        unit=note.one_of("unit", UNITS),
        complete=note.flag("complete"),
        rows=note.count("rows"),
        totals=note.totals(),
        sha256=note.digest(),
        max_error_share=note.share("max_error_share"),
    )
    made.kind()
    return made


@dataclass(frozen=True, slots=True)
class _Entry:
    file: str
    place: int
    entry: Mapping[str, Any]

    def _wrong(self, key: str, expected: str) -> DeliveryNoteError:
        found = repr(self.entry.get(key, "（缺）"))[:80]
        return DeliveryNoteError(self.file, self.place, key, found, expected)

    def text(self, key: str) -> str:
        value = self.entry.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, "文字")
        return value.strip()

    def file_name(self) -> str:
        """A name inside the folder of the note, never a path that leads out of it."""
        name = self.text("file")
        if name != Path(name).name or name in {".", ".."} or "\\" in name:
            raise self._wrong("file", "与交接单同一文件夹内的文件名")
        return name

    def day(self, key: str) -> date:
        try:
            return date.fromisoformat(self.text(key))
        except ValueError as error:
            raise self._wrong(key, "日期, 例如 2026-06-28") from error

    def instant(self, key: str) -> datetime:
        try:
            value = datetime.fromisoformat(self.text(key))
        except ValueError as error:
            raise self._wrong(key, "带时区的时间") from error
        if value.tzinfo is None:
            raise self._wrong(key, "带时区的时间, 例如 2026-06-29T09:00:00+08:00")
        return value

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self.entry.get(key, allowed[0])
        if value not in allowed:
            raise self._wrong(key, " 或 ".join(allowed))
        return str(value)

    def flag(self, key: str) -> bool:
        value = self.entry.get(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true 或 false")
        return value

    def count(self, key: str) -> int | None:
        value = self.entry.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise self._wrong(key, "行数")
        return value

    def totals(self) -> dict[str, str]:
        value = self.entry.get("totals") or {}
        if not isinstance(value, dict) or any(isinstance(v, bool | float) for v in value.values()):
            raise self._wrong("totals", "字段代码到合计数（写作文字）的对照")
        return {str(code): str(total) for code, total in value.items()}

    def digest(self) -> str:
        value = str(self.entry.get("sha256") or "").lower()
        if value and not _SHA256.fullmatch(value):
            raise self._wrong("sha256", "64 位十六进制摘要")
        return value

    def share(self, key: str) -> Fraction:
        value = self.entry.get(key)
        if value is None:
            return DEFAULT_ERROR_SHARE
        try:
            share = Fraction(str(value))
        except (ValueError, ZeroDivisionError) as error:
            raise self._wrong(key, "0 至 1 之间的小数") from error
        if not 0 <= share <= 1:
            raise self._wrong(key, "0 至 1 之间的小数")
        return share
