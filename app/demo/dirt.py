"""Plants the mistakes that real files carry, and keeps what is true beside each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from app.demo.codes import stranger, wrong_check
from app.demo.files import Row, Sheet
from app.demo.firms import Firm
from app.demo.names import (
    full_width,
    half_brackets,
    other_suffix,
    traditional,
    without_place,
)
from app.demo.truth import Dirt

_NAMED = ("recognition", "local_payout", "patent", "hire")


@dataclass(slots=True, kw_only=True)
class _Mark:
    """A mistake whose row number is known only once its file is complete."""

    kind: str
    sheet: Sheet
    row: Row | None
    field: str
    written: str
    expected: str
    true_uscc: str = ""
    true_value: str = ""


@dataclass(slots=True)
class Spoiler:
    """Spoils the clean files of a city, row by row, each row once."""

    firms: Sequence[Firm]
    sheets: list[Sheet]
    draws: Random
    _marks: list[_Mark] = field(default_factory=list)
    _touched: set[int] = field(default_factory=set)
    _by_code: dict[str, Firm] = field(default_factory=dict)
    _parts: dict[str, Firm] = field(default_factory=dict)
    _pairs: dict[str, list[Firm]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_code = {firm.uscc: firm for firm in self.firms}
        self._parts = {firm.part: firm for firm in self.firms if firm.part}
        named: dict[str, list[Firm]] = {}
        for firm in self.firms:
            named.setdefault(without_place(firm.name), []).append(firm)
        self._pairs = {name: group for name, group in named.items() if len(group) > 1}

    def spoil(self) -> tuple[list[Sheet], list[Dirt]]:
        """Return the files in order of intake, spoiled, and the list of planted mistakes."""
        self._names_without_codes()
        self._wrong_names()
        self._registration()
        self._tax()
        self._insurance()
        self._stale_and_gone()
        self._people_and_accounts()
        self._amounts_as_typed()
        self._correction()
        self._broken_export()
        self._sent_twice()
        self.sheets.sort(key=lambda sheet: sheet.received_at)
        return self.sheets, self._dirt()

    # --- who is meant: codes and names ---------------------------------------------------------

    def _names_without_codes(self) -> None:
        """Take the code away, or spoil it, and write the name as clerks do; names still tell."""
        ways: Sequence[tuple[str, int, Callable[[str], str], Callable[[str], bool]]] = (
            ("missing_code", 5, str, bool),
            ("bracket_variant", 4, half_brackets, lambda name: "（" in name),
            ("suffix_variant", 4, other_suffix, _is_plain_company),
            ("traditional", 4, traditional, lambda name: traditional(name) != name),
            ("without_place", 3, without_place, lambda name: name.startswith(("江西", "南昌"))),
            ("blank_in_name", 3, lambda name: f" {name[:4]}　{name[4:]} ", bool),
        )
        for kind, weight, change, fits in ways:
            for sheet, row, firm in self._pick(_NAMED, self._many(weight), fits=fits):
                name = change(firm.name)
                self._mark(kind, sheet, row, "name", name, "linked", firm, firm.name)
                row[0], row[1] = "", name
        for sheet, row, firm in self._pick(_NAMED, self._many(5), fits=bool):
            code = wrong_check(firm.uscc, self.draws)
            self._mark("bad_check_digit", sheet, row, "uscc", code, "linked", firm, firm.uscc)
            row[0] = code
        for sheet, row, firm in self._pick((*_NAMED, "bank_account"), self._many(4), fits=bool):
            code = full_width(firm.uscc.lower())
            self._mark("full_width_code", sheet, row, "uscc", code, "linked", firm, firm.uscc)
            row[0] = code
        renamed = self._pick(
            _NAMED, self._many(5), fits=bool, only=lambda firm: bool(firm.former_name)
        )
        for sheet, row, firm in renamed:
            name = firm.former_name
            self._mark("old_name", sheet, row, "name", name, "linked", firm, firm.name)
            row[0], row[1] = "", name

    def _wrong_names(self) -> None:
        """Plant a valid code with another's name, a code of another city, a name of two firms."""
        for sheet, row, firm in self._pick(_NAMED, self._many(3), fits=bool):
            other = self.draws.choice(self.firms)
            if other.uscc != firm.uscc:
                self._mark("wrong_name", sheet, row, "name", other.name, "warned", firm, firm.name)
                row[1] = other.name
        for sheet in self._sheets("recognition", "local_payout"):
            if sheet.rows and (sheet.list_code in {"hnte", "srdi"} or not sheet.list_code):
                code = stranger(self.draws)
                row = list(sheet.rows[-1])
                row[0], row[1] = code, "江西外市样例科技有限公司"
                self._refresh_key(sheet, row)
                sheet.rows.append(row)
                self._mark("unknown_firm", sheet, row, "uscc", code, "warned", None, code)
                self._marks[-1].true_uscc = code
        self._shared_trade_names()

    def _shared_trade_names(self) -> None:
        """Name a firm of a pair by what both have in common: only a person can tell which."""
        listed = self._list("tech_sme")
        assert listed is not None
        for number, (name, group) in enumerate(self._pairs.items()):
            certificate = f"2026360199{number:05d}"
            row = ["", name, "", certificate, "2026-05-15", "2026-12-31"]
            listed.rows.append(row)
            firm = group[0]
            self._mark("shared_trade_name", listed, row, "name", name, "queued", firm, firm.name)

    # --- what is impossible --------------------------------------------------------------------

    def _registration(self) -> None:
        sheet = next(s for s in self._sheets("registration") if s.complete)
        place = sheet.column
        broken: Sequence[tuple[str, str, Callable[[Row], str]]] = (
            ("bad_check_digit", "uscc", lambda row: wrong_check(row[0], self.draws)),
            ("impossible_date", "established_on", lambda _: "2026-02-30"),
            ("future_date", "established_on", lambda _: "2027-03-01"),
            ("formula", "uscc", lambda _: '=HYPERLINK("http://demo.invalid","查看")'),
        )
        for kind, code, write in broken:
            for _ in range(self._many(1)):
                row = list(self.draws.choice(sheet.rows))
                firm = self._by_code.get(row[0])
                true = row[place(code)]
                row[place(code)] = write(row)
                sheet.rows.append(row)
                written = row[place(code)]
                self._mark(kind, sheet, row, code, written, "rejected", firm, true)
        for _ in range(self._many(2)):
            row = list(self.draws.choice(sheet.rows[: len(self.firms)]))
            sheet.rows.append(row)
            self._mark(
                "duplicate_exact", sheet, row, "", row[0], "superseded", self._by_code[row[0]]
            )
        for firm in self.firms:
            if firm.established_on >= sheet.as_of.replace(day=1):
                row = sheet.rows[firm.index]
                self._mark("brand_new", sheet, row, "established_on", row[6], "linked", firm)

    def _tax(self) -> None:
        for sheet in self._sheets("tax_annual"):
            year = sheet.file.rsplit("_", 1)[1][:4]
            place = sheet.column
            if year == "2023":
                self._in_place(sheet, "staff", "-5", "negative_count", self._many(1))
                self._in_place(sheet, "year", "二〇二三", "impossible_year", self._many(1))
            elif year == "2024":
                self._in_place(sheet, "staff", "12.5", "broken_count", self._many(1))
            else:
                for _, row, firm in self._rows(sheet, self._many(3)):
                    copy_row = list(row)
                    revenue = place("revenue")
                    copy_row[revenue] = f"{int(row[revenue].split('.')[0]) // 7 + 1000}.00"
                    at = next(n for n, other in enumerate(sheet.rows) if other is row)
                    sheet.rows.insert(at, copy_row)
                    self._mark(
                        "duplicate_conflict",
                        sheet,
                        copy_row,
                        "revenue",
                        copy_row[revenue],
                        "superseded",
                        firm,
                        row[revenue],
                    )
            for _, row, firm in self._rows(sheet, self._many(1)):
                sheet.rows.append(list(row))
                self._mark("duplicate_exact", sheet, sheet.rows[-1], "", row[0], "superseded", firm)

    def _insurance(self) -> None:
        months = self._sheets("social_insurance")
        for sheet, code, value, kind in (
            (months[4], "insured", "-3", "negative_count"),
            (months[9], "month", "2025-13", "impossible_month"),
            (months[-1], "month", "2026-09", "future_month"),
        ):
            for _, row, firm in self._rows(sheet, self._many(1)):
                broken = list(row)
                broken[sheet.column(code)] = value
                true = row[sheet.column(code)]
                sheet.rows.append(broken)
                self._mark(kind, sheet, broken, code, value, "rejected", firm, true)

    def _in_place(self, sheet: Sheet, code: str, value: str, kind: str, count: int) -> None:
        for _, row, firm in self._rows(sheet, count):
            true = row[sheet.column(code)]
            row[sheet.column(code)] = value
            self._mark(kind, sheet, row, code, value, "rejected", firm, true)

    # --- what is no longer so ------------------------------------------------------------------

    def _stale_and_gone(self) -> None:
        early = next(s for s in self._sheets("registration") if not s.complete)
        for row in early.rows:
            firm = self._by_code[row[0]]
            if row[1] != firm.name:
                self._mark("stale_name", early, row, "name", row[1], "superseded", firm, firm.name)
            elif row[10] != firm.status:
                self._mark(
                    "stale_status", early, row, "status", row[10], "superseded", firm, firm.status
                )
        gone = [firm for firm in self.firms if firm.status == "注销" and not firm.part]
        sheet = self._list("innovative_sme")
        if sheet is not None:
            for number, firm in enumerate(gone[: self._many(2)]):
                day, until = "2025-08-15", "2028-08-14"
                sheet.rows.append(
                    [firm.uscc, firm.name, "省级", f"赣创新2025{90000 + number}", day, until]
                )
                row = sheet.rows[-1]
                self._mark("cancelled_in_list", sheet, row, "uscc", firm.uscc, "warned", firm)
        for sheet in self._sheets("recognition"):
            for row in sheet.rows:
                if self._parts and row[0] == self._parts["gone_but_listed"].uscc:
                    firm = self._parts["gone_but_listed"]
                    self._mark("cancelled_in_list", sheet, row, "uscc", row[0], "warned", firm)

    def _people_and_accounts(self) -> None:
        sheet = next(s for s in self._sheets("registration") if s.complete)
        seen: dict[str, Firm] = {}
        for firm in self.firms:
            first = seen.setdefault(firm.legal_representative + firm.phone, firm)
            if first is not firm:
                row = sheet.rows[firm.index]
                self._mark(
                    "shared_representative",
                    sheet,
                    row,
                    "legal_representative",
                    firm.legal_representative,
                    "linked",
                    firm,
                    first.uscc,
                )
        for sheet in self._sheets("bank_account"):
            for row in sheet.rows:
                named = [f for f in (self._by_code.get(row[0]),) if f]
                for firm in named:
                    if firm.former_name and row[2] == firm.former_name:
                        self._mark(
                            "account_in_old_name",
                            sheet,
                            row,
                            "account_name",
                            row[2],
                            "warned",
                            firm,
                            firm.name,
                        )

    def _amounts_as_typed(self) -> None:
        """Amounts with thousands separators, or in full-width digits, as people type them."""
        for sheet in self._sheets("investment", "local_payout"):
            code = "equipment" if sheet.source == "investment" else "amount"
            place = sheet.column(code)
            for number, (_, row, firm) in enumerate(self._rows(sheet, self._many(2))):
                true = row[place]
                whole, _, decimals = true.partition(".")
                row[place] = f"{int(whole):,}.{decimals}" if number % 2 == 0 else full_width(true)
                kind = "thousands_separator" if number % 2 == 0 else "full_width_amount"
                self._mark(kind, sheet, row, code, row[place], "linked", firm, true)

    # --- whole files ---------------------------------------------------------------------------

    def _correction(self) -> None:
        """Corrected returns of 2025 arrive four days later and overtake the first ones."""
        first = next(s for s in self._sheets("tax_annual") if "_2025" in s.file)
        day = first.as_of + timedelta(days=5)
        later = replace(
            first,
            file="税务_企业年度申报_2025_更正.csv",
            as_of=day,
            complete=False,
            received_at=first.received_at + timedelta(hours=8),
            rows=[],
            encoding="utf-8-sig",
        )
        place = first.column("revenue")
        for sheet, row, firm in self._rows(first, self._many(6)):
            corrected = list(row)
            corrected[place] = f"{int(row[place].split('.')[0]) * 21 // 20 + 5000}.00"
            later.rows.append(corrected)
            self._mark(
                "corrected_later",
                sheet,
                row,
                "revenue",
                row[place],
                "superseded",
                firm,
                corrected[place],
            )
        self.sheets.append(later)

    def _broken_export(self) -> None:
        """March 2026 of social insurance came first out of a broken export: refused whole."""
        good = next(s for s in self._sheets("social_insurance") if "202603" in s.file)
        broken = replace(
            good,
            file="人社_参保缴费_202603_导出异常.csv",
            rows=[list(row) for row in good.rows],
            received_at=good.received_at - timedelta(hours=1),
        )
        insured, month = good.column("insured"), good.column("month")
        for number, row in enumerate(broken.rows):
            if number % 5 == 1:
                row[insured] = "#REF!"
            elif number % 5 == 3:
                row[month] = "2026-00"
        self._mark("broken_export", broken, None, "insured", "#REF!", "rejected")
        self.sheets.append(broken)

    def _sent_twice(self) -> None:
        """The tax bureau sends its file of 2023 again, the same bytes under another name."""
        first = next(s for s in self._sheets("tax_annual") if "_2023" in s.file)
        again = copy(first)
        again.file = first.file.replace(".csv", "_重发.csv")
        again.received_at = first.received_at + timedelta(hours=5)
        self._mark("sent_twice", again, None, "", first.file, "superseded", true_value=first.file)
        self.sheets.append(again)

    # --- picking and marking -------------------------------------------------------------------

    def _many(self, weight: int) -> int:
        """Return how many of one kind: ``weight`` in 20,000 firms times six, at least one."""
        return max(1, len(self.firms) * weight * 6 // 20_000)

    def _sheets(self, *sources: str) -> list[Sheet]:
        return [sheet for sheet in self.sheets if sheet.source in sources]

    def _list(self, code: str) -> Sheet | None:
        return next((sheet for sheet in self.sheets if sheet.list_code == code), None)

    def _pick(
        self,
        sources: Iterable[str],
        count: int,
        *,
        fits: Callable[[str], bool],
        only: Callable[[Firm], bool] = bool,
    ) -> list[tuple[Sheet, Row, Firm]]:
        """Return untouched rows of the sources whose firm's name allows the change."""
        pool = [
            (sheet, row, firm)
            for sheet in self._sheets(*sources)
            for row in sheet.rows
            if id(row) not in self._touched
            and (firm := self._by_code.get(row[0])) is not None
            and not firm.part
            and row[1] == firm.name
            and without_place(firm.name) not in self._pairs
            and fits(firm.name)
            and only(firm)
        ]
        chosen = self.draws.sample(pool, min(count, len(pool)))
        self._touched.update(id(row) for _, row, _ in chosen)
        return chosen

    def _rows(self, sheet: Sheet, count: int) -> list[tuple[Sheet, Row, Firm]]:
        pool = [
            row
            for row in sheet.rows
            if id(row) not in self._touched
            and row[0] in self._by_code
            and not self._by_code[row[0]].part
        ]
        chosen = self.draws.sample(pool, min(count, len(pool)))
        self._touched.update(id(row) for row in chosen)
        return [(sheet, row, self._by_code[row[0]]) for row in chosen]

    def _refresh_key(self, sheet: Sheet, row: Row) -> None:
        """Give a copied row a number of its own where it carries one."""
        for code in ("certificate_no", "document_no"):
            if any(name == code for name, _ in sheet.columns) and row[sheet.column(code)]:
                row[sheet.column(code)] += "-外"

    def _mark(
        self,
        kind: str,
        sheet: Sheet,
        row: Row | None,
        code: str,
        written: str,
        expected: str,
        firm: Firm | None = None,
        true_value: str = "",
    ) -> None:
        self._marks.append(
            _Mark(
                kind=kind,
                sheet=sheet,
                row=row,
                field=code,
                written=written,
                expected=expected,
                true_uscc=firm.uscc if firm else "",
                true_value=true_value,
            )
        )
        if row is not None:
            self._touched.add(id(row))

    def _dirt(self) -> list[Dirt]:
        places = {
            id(sheet): {id(row): number for number, row in enumerate(sheet.rows, 2)}
            for sheet in self.sheets
        }
        dirt = []
        for number, mark in enumerate(self._marks, 1):
            row = None if mark.row is None else places[id(mark.sheet)][id(mark.row)]
            dirt.append(
                Dirt(
                    id=f"D{number:04d}",
                    kind=mark.kind,
                    file=mark.sheet.file,
                    row=row,
                    field=mark.field,
                    written=mark.written,
                    true_uscc=mark.true_uscc,
                    true_value=mark.true_value,
                    expected=mark.expected,
                )
            )
        return dirt


def _is_plain_company(name: str) -> bool:
    return name.endswith(("有限公司", "有限责任公司")) and not name.endswith("股份有限公司")
