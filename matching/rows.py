"""Rows of a file checked column by column: values, keys, payloads, and what is wrong where."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from json.encoder import encode_basestring

from matching import cells, uscc
from matching.errors import UnreadableFileError
from matching.read_files import FileTable
from matching.row_findings import RowFinding, finding
from matching.sources import Column, ColumnType, Presence, Source
from policies.findings import Level

_UNIT = re.compile(r"[(\[（【](?:单位[::])?(?:人民币)?(元|万元|亿元)[)\]）】]$")
_IGNORED_HEADINGS = frozenset({"", "序号", "编号", "no", "no."})
_KEY_LENGTH = 200
_BLANKS = re.compile(r"\s+")


@dataclass(slots=True, kw_only=True)
class Rows:
    """The rows of one file after checking; all lists run in the order of the file.

    ``usccs`` holds valid codes only; ``written`` what stood there instead. ``payloads`` is
    canonical JSON. ``rejected`` holds places (not row numbers) of rows with an error. ``totals``
    are the exact sums of money and count columns as written, in the column's unit, over every
    number in the file, good row or not.
    """

    numbers: Sequence[int]
    usccs: list[str | None]
    written: list[str]
    names: list[str]
    keys: list[str]
    payloads: list[str]
    values: Mapping[str, list[cells.Value | None]]
    rejected: set[int] = field(default_factory=set)
    findings: list[RowFinding] = field(default_factory=list)
    totals: dict[str, Fraction] = field(default_factory=dict)


def heading_reader(source: Source) -> Mapping[str, Column]:
    """Return every way to write a heading of a source, in its plain form, with the column."""
    known: dict[str, Column] = {}
    for column in source.columns:
        for text in (column.code, column.heading, *column.aliases):
            known.setdefault(plain_heading(text)[0], column)
    return known


def plain_heading(text: str) -> tuple[str, str]:
    """Return a heading without blanks, marks and unit, and the unit it names (or ``""``)."""
    plain = _BLANKS.sub("", unicodedata.normalize("NFKC", text)).strip("*").lower()
    match = _UNIT.search(plain)
    return (plain[: match.start()], match[1]) if match else (plain, "")


def check_rows(file: str, table: FileTable, source: Source, *, as_of: date, unit: str) -> Rows:
    """Check every cell. Raises UnreadableFileError when the headings themselves are wrong."""
    checker = _Checker(file=file, table=table, source=source, as_of=as_of, unit=unit)
    return checker.run()


@dataclass(slots=True, kw_only=True)
class _Checker:
    file: str
    table: FileTable
    source: Source
    as_of: date
    unit: str
    findings: list[RowFinding] = field(default_factory=list)
    rejected: set[int] = field(default_factory=set)
    totals: dict[str, Fraction] = field(default_factory=dict)
    codes: list[str | None] = field(default_factory=list)

    def run(self) -> Rows:
        """Read the columns, then what spans several of them."""
        places = self._places()
        count = len(self.table.row_numbers)
        self.codes, written = self._codes(places.get("uscc"), count)
        values: dict[str, list[cells.Value | None]] = {}
        fragments: dict[str, list[str]] = {}
        for column in self.source.columns:
            if column.code in places and column.type is not ColumnType.USCC:
                read = self._column(column, *places[column.code])
                values[column.code], fragments[column.code] = read
        if any(written):
            fragments["uscc_written"] = [
                f'"uscc_written":{_json(text)}' if text else "" for text in written
            ]
        names = [str(name or "") for name in values.get("name", [None] * count)]
        self._nameless(names)
        self._order(values)
        return Rows(
            numbers=self.table.row_numbers,
            usccs=self.codes,
            written=written,
            names=names,
            keys=self._keys(values, count),
            payloads=_payloads(fragments, count),
            values=values,
            rejected=self.rejected,
            findings=self.findings,
            totals=self.totals,
        )

    def _places(self) -> dict[str, tuple[int, str]]:
        """Return where each column stands and the unit its heading names."""
        known = heading_reader(self.source)
        places: dict[str, tuple[int, str]] = {}
        unknown: list[str] = []
        for place, heading in enumerate(self.table.headings):
            plain, unit = plain_heading(heading)
            column = known.get(plain)
            if column is None:
                unknown += [heading] if plain not in _IGNORED_HEADINGS else []
            elif column.code in places:
                raise UnreadableFileError(self.file, f"列“{heading}”出现两次", "每列一次")
            else:
                places[column.code] = (place, unit)
        missing = [
            column.heading
            for column in self.source.columns
            if column.code not in places and self._must_stand(column, places)
        ]
        if missing:
            found = f"缺少必需列 {'、'.join(missing)}"
            expected = f"{self.source.label_zh}的官方表头"
            raise UnreadableFileError(self.file, found, expected)
        if unknown:
            self._whole_file("file.columns", "、".join(unknown), "官方表头中的列（已忽略）")
        return places

    def _must_stand(self, column: Column, places: Mapping[str, object]) -> bool:
        """Whether a heading may not be absent; of code and name, one is enough."""
        if column.presence is Presence.OPTIONAL:
            return False
        if column.presence is Presence.REQUIRED:
            return True
        return not (
            (column.code == "uscc" and "name" in places)
            or (column.code == "name" and "uscc" in places)
        )

    def _whole_file(self, code: str, found: str, expected: str) -> None:
        self.findings.append(
            finding(self.file, None, found=found, expected=expected, code=code, level=Level.WARNING)
        )

    def _codes(
        self, where: tuple[int, str] | None, count: int
    ) -> tuple[list[str | None], list[str]]:
        """Return valid codes, and the text of the others."""
        if where is None:
            return [None] * count, [""] * count
        texts = self.table.columns[where[0]]
        column = self.source.column("uscc")
        clean = {text: uscc.clean(text) for text in dict.fromkeys(texts)}
        problems = {text: uscc.check(code) for text, code in clean.items()}
        codes = {
            text: None if any(problem.fatal for problem in problems[text]) else code
            for text, code in clean.items()
        }
        found: list[str | None] = [codes[text] for text in texts]
        bad = {text for text, listed in problems.items() if listed}
        if bad:
            fatal = Level.ERROR if column.presence is Presence.REQUIRED else Level.WARNING
            for place, text in enumerate(texts):
                if text not in bad or (not text and fatal is Level.WARNING):
                    continue
                for problem in problems[text]:
                    level = fatal if problem.fatal else Level.WARNING
                    self._cell(
                        place, column, text, f"uscc.{problem.kind}", level, problem.expected,
                        codes[text],
                    )  # fmt: skip
        written = [
            "" if code is not None else clean[text] for text, code in zip(texts, found, strict=True)
        ]
        return found, written

    def _column(
        self, column: Column, place: int, unit: str
    ) -> tuple[list[cells.Value | None], list[str]]:
        """Return the values of one column and their fragments of the payload."""
        texts = self.table.columns[place]
        if column.type is ColumnType.MONEY and unit and unit != self.unit:
            self._whole_file(
                "file.unit", f"“{column.heading}”的表头写明 {unit}", f"交接单的单位 {self.unit}"
            )
        reading = cells.Reading(column=column, as_of=self.as_of, unit=unit or self.unit)
        read = {text: reading.read(text) for text in dict.fromkeys(texts)}
        if column.type is ColumnType.MONEY:
            self.totals[column.code] = _total(texts, read, reading.unit)
        elif column.type is ColumnType.COUNT:
            self.totals[column.code] = _total(texts, read, "分")
        self._troubles(column, texts, read)
        values = {text: cell.value for text, cell in read.items()}
        fragments = {
            text: "" if value is None else f'"{column.code}":{_json(value)}'
            for text, value in values.items()
        }
        return [values[text] for text in texts], [fragments[text] for text in texts]

    def _troubles(
        self, column: Column, texts: Sequence[str], read: Mapping[str, cells.Cell]
    ) -> None:
        required = column.presence is Presence.REQUIRED
        bad = {text for text, cell in read.items() if cell.trouble is not None}
        if required:
            bad |= {text for text, cell in read.items() if cell == (None, None)}
        if not bad:
            return
        for place, text in enumerate(texts):
            if text not in bad:
                continue
            trouble = read[text].trouble
            if trouble is None:
                self._cell(place, column, text, "cell.missing", Level.ERROR, "必填内容")
                continue
            level = trouble.level
            if level == "choice":
                level = Level.ERROR if required else Level.WARNING
            self._cell(place, column, text, trouble.code, Level(level), trouble.expected)

    def _cell(
        self,
        place: int,
        column: Column,
        found: str,
        code: str,
        level: Level,
        expected: str,
        firm: str | None = None,
    ) -> None:
        if level is Level.ERROR:
            self.rejected.add(place)
        self.findings.append(
            finding(
                self.file,
                self.table.row_numbers[place],
                field=column.heading,
                found=found,
                expected=expected,
                code=code,
                level=level,
                uscc=firm or (self.codes[place] if self.codes else None),
            )
        )

    def _nameless(self, names: Sequence[str]) -> None:
        """Reject rows that name nobody, neither by code nor by name."""
        column = self.source.column("name")
        for place, code in enumerate(self.codes):
            if code is None and not names[place] and place not in self.rejected:
                expected = "有效的统一社会信用代码, 或企业名称"
                self._cell(place, column, "", "row.nobody", Level.ERROR, expected)

    def _order(self, values: Mapping[str, Sequence[cells.Value | None]]) -> None:
        for first, second in self.source.order:
            if first not in values or second not in values:
                continue
            column, earlier = self.source.column(second), self.source.column(first)
            for place, (start, end) in enumerate(zip(values[first], values[second], strict=True)):
                if start is not None and end is not None and str(end) < str(start):
                    expected = f"不早于“{earlier.heading}”{start}"
                    self._cell(place, column, str(end), "date.order", Level.ERROR, expected)

    def _keys(self, values: Mapping[str, Sequence[cells.Value | None]], count: int) -> list[str]:
        if not self.source.key:
            return [""] * count
        keys = _joined(values, self.source.key, count)
        if not self.source.fallback_key:
            return keys
        fallback = _joined(values, self.source.fallback_key, count)
        return [key or other for key, other in zip(keys, fallback, strict=True)]


def _total(texts: Sequence[str], read: Mapping[str, cells.Cell], unit: str) -> Fraction:
    fen, odd = 0, Fraction(0)
    for text in texts:
        value = read[text].value
        if isinstance(value, int):
            fen += value
        elif read[text].trouble is not None:
            odd += cells.amount(text, unit) or 0
    return (fen + odd) / cells.UNIT_FEN[unit]


def _joined(
    values: Mapping[str, Sequence[cells.Value | None]], codes: Sequence[str], count: int
) -> list[str]:
    columns = [values.get(code) or [None] * count for code in codes]
    if len(columns) == 1:
        return ["" if value is None else bounded_key(str(value)) for value in columns[0]]
    if not any(value is not None for column in columns for value in column):
        return [""] * count
    return [
        bounded_key("|".join("" if value is None else str(value) for value in row))
        for row in zip(*columns, strict=True)
    ]


def bounded_key(text: str) -> str:
    """Return a key that fits its column: long ones end in their digest."""
    if len(text) <= _KEY_LENGTH:
        return text
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{text[: _KEY_LENGTH - 33]}|{digest}"


def _payloads(fragments: Mapping[str, list[str]], count: int) -> list[str]:
    if not fragments:
        return ["{}"] * count
    ordered = [fragments[code] for code in sorted(fragments)]
    return ["{" + ",".join(filter(None, row)) + "}" for row in zip(*ordered, strict=True)]


def _json(value: cells.Value) -> str:
    return str(value) if isinstance(value, int) else encode_basestring(value)
