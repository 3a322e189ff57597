"""A stand-in for the budget system and its agent bank: files in, files out, the same for one seed.

It checks what it receives as the real one would, pays, bounces what cannot be paid, and plants
the faults of its plan, keeping a list of them that reconciliation must find exactly.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from app.demo.faults import FaultPlan, Planted
from app.demo.finance_files import (
    Entry,
    execution_xlsx,
    read_state,
    statement_csv,
    take_statements,
    write_state,
)
from ledger.answer_files import AnswerKind, AnswerLine, answer_bytes
from ledger.errors import FileRefusedError
from ledger.package_files import (
    PackageRow,
    check_manifest,
    read_manifest,
    read_package_csv,
    write_whole,
)
from ledger.reconcile import BreakClass, break_id, line_ref

LATE_DAYS = 5
"""How many days after the voucher a late payment is made."""

BLANK_PER_THOUSAND = 20
"""How many bank lines carry no reference, where account and amount still tell them apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinanceDay:
    """The files of one day; ``refused`` names packages it would not take, with the reason."""

    on: date
    answers: tuple[Path, ...]
    statements: tuple[Path, ...]
    executions: tuple[Path, ...]
    refused: Mapping[str, str]
    lost: tuple[str, ...]
    """Packages whose answer never arrived: ask with ``query``."""
    bounced: tuple[str, ...]
    """Applications whose payment the payee's bank sent back."""


@dataclass(slots=True, kw_only=True)
class _Payment:
    """One application on its way through the system."""

    package_no: str
    purse: str
    row: PackageRow
    fault: BreakClass | None = None
    bounces: bool = False


@dataclass(slots=True, kw_only=True)
class _Day:
    """What one day has produced so far."""

    on: date
    answers: dict[str, list[AnswerLine]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    bounced: list[str] = field(default_factory=list)


class FinanceSystem:
    """The budget system of the demo's finance bureau; its memory lies in the outgoing folder."""

    def __init__(
        self,
        folder_in: Path,
        folder_out: Path,
        seed: int,
        faults: FaultPlan,
        *,
        key: bytes,
        account_names: Mapping[str, str] | None = None,
    ) -> None:
        """Open the system.

        ``account_names`` is what the payees' banks know: the true holder of each account number.
        Payments under another name come back.
        """
        self.folder_in = folder_in
        self.folder_out = folder_out
        self.seed = seed
        self.faults = faults
        self.key = key
        self.account_names = dict(account_names or {})
        self._file = folder_out / ".finance-system.json"
        self._state = read_state(self._file)
        for name in ("accounts", "executed", "seen", "lost", "planted", "counts"):
            self._state.setdefault(name, {})
        self._state.setdefault("pending", [])
        self._state.setdefault("serial", 0)
        self._twins: Counter[tuple[str, int]] = Counter()

    def process(
        self, packages: Sequence[Path] | None, on: date, *, closes: bool = True
    ) -> FinanceDay:
        """Work one day: take packages (None: every new one in the folder), pay, answer.

        ``closes`` writes the day's statements and execution export; once a day.
        """
        day = _Day(on=on)
        refused: dict[str, str] = {}
        payments: list[_Payment] = []
        for manifest in self._manifests(packages):
            try:
                payments.extend(self._take(manifest))
            except FileRefusedError as error:
                refused[manifest.name.split(".")[0]] = str(error)
        self._twins = Counter(
            (payment.row.payee_account, payment.row.amount_fen) for payment in payments
        )
        for payment in payments:
            self._allotment(payment.row)
        self._plant(payments, on)
        for payment in payments:
            self._pay(payment, day)
        self._foreign(payments, day)
        self._overdue(day)
        lost = self._lose(day, payments)
        answers = [
            self._write(f"answer_{package}_{on:%Y%m%d}.csv", answer_bytes(lines))
            for package, lines in sorted(day.answers.items())
            if package not in lost
        ]
        self._state.setdefault("entries", []).extend(_stored(entry) for entry in day.entries)
        statements, executions = self._close(on) if closes else ((), ())
        write_state(self._file, self._state)
        return FinanceDay(
            on=on,
            answers=tuple(answers),
            statements=statements,
            executions=executions,
            refused=refused,
            lost=tuple(sorted(lost)),
            bounced=tuple(sorted(day.bounced)),
        )

    def query(self, package_no: str) -> Path | None:
        """Answer by the sender's own number: the lost file, or None when nothing was received."""
        lost = self._state["lost"].get(package_no)
        if lost is not None:
            return self._write(lost["name"], lost["content"].encode())
        known = self._state["seen"].get(package_no)
        return self.folder_out / known if known else None

    def planted(self, on: date | None = None) -> list[Planted]:
        """Return the faults planted, those that can be seen by the end of ``on``, by id."""
        found = [
            Planted(
                id=key,
                break_class=BreakClass(item["class"]),
                refs=tuple(item["refs"]),
                amount_fen=item["amount_fen"],
                visible_on=date.fromisoformat(item["visible_on"]),
            )
            for key, item in sorted(self._state["planted"].items())
        ]
        return [item for item in found if on is None or item.visible_on <= on]

    # --- taking packages in ---

    def _manifests(self, packages: Sequence[Path] | None) -> list[Path]:
        given = sorted(self.folder_in.glob("*.manifest.json")) if packages is None else packages
        manifests = [
            path
            if path.name.endswith(".manifest.json")
            else path.with_name(f"{path.stem}.manifest.json")
            for path in given
        ]
        return [path for path in manifests if path.name.split(".")[0] not in self._state["seen"]]

    def _take(self, path: Path) -> list[_Payment]:
        """Check a package: signature, digest, count and total; what differs is refused whole."""
        try:
            manifest = read_manifest(path.read_bytes(), path.name)
            content = path.with_name(manifest.file_name)
            data = content.read_bytes()
        except FileNotFoundError as error:
            raise FileRefusedError(path.name, "文件不存在") from error
        if manifest.channel == "bank-file":
            return []
        check_manifest(manifest, data, self.key)
        rows = read_package_csv(content)
        total = sum(row.amount_fen for row in rows)
        if len(rows) != manifest.count or total != manifest.total_fen:
            raise FileRefusedError(path.name, "笔数或总额与清单不符")
        self._state["seen"][manifest.package_no] = ""
        return [
            _Payment(package_no=manifest.package_no, purse=manifest.purse, row=row) for row in rows
        ]

    # --- faults ---

    def _plant(self, payments: list[_Payment], on: date) -> None:
        """Choose which payments bounce and which get the faults still to be planted."""
        for payment in payments:
            chance = random.Random(f"{self.seed}:{payment.row.application_no}")
            holder = self.account_names.get(payment.row.payee_account, payment.row.payee_name)
            payment.bounces = (
                holder != payment.row.payee_name
                or chance.randrange(1000) < self.faults.bounce_per_thousand
            )
        sound = sorted(
            (payment for payment in payments if not payment.bounces),
            key=lambda payment: payment.row.application_no,
        )
        random.Random(f"{self.seed}:{on}").shuffle(sound)
        for kind in sorted(self.faults.counts):
            if kind in {BreakClass.MISSING_ORDER, BreakClass.UNKNOWN_DEBIT}:
                continue
            if kind == BreakClass.PERIOD_CUT and (on + timedelta(days=1)).month == on.month:
                continue
            for _ in range(self._left(kind)):
                chosen = next((item for item in sound if self._bears(item, kind)), None)
                if chosen is None:
                    break
                sound.remove(chosen)
                chosen.fault = kind
                self._count(kind)

    def _left(self, kind: BreakClass) -> int:
        return self.faults.counts.get(kind, 0) - int(self._state["counts"].get(kind.value, 0))

    def _bears(self, payment: _Payment, kind: BreakClass) -> bool:
        if kind == BreakClass.WRONG_ALLOTMENT:
            return self._other_allotment(payment) is not None
        return kind != BreakClass.AMOUNT or payment.row.amount_fen > 100

    def _other_allotment(self, payment: _Payment) -> str | None:
        """Return another allotment of the same payer that finance could charge by mistake."""
        row = payment.row
        others = [
            number
            for number, item in self._state["executed"].items()
            if number != row.allotment_no and item["payer_account"] == row.payer_account
        ]
        return min(others, default=None)

    def _note(
        self, kind: BreakClass, ref: str, refs: tuple[str, ...], amount: int, visible_on: date
    ) -> None:
        self._state["planted"][break_id(kind, ref)] = {
            "class": kind.value,
            "refs": list(refs),
            "amount_fen": amount,
            "visible_on": visible_on.isoformat(),
        }

    # --- paying ---

    def _pay(self, payment: _Payment, day: _Day) -> None:
        """Accept, issue the voucher, pay, and send the receipt, with the payment's fault."""
        row, on, fault = payment.row, day.on, payment.fault
        voucher = f"PZ{on:%Y%m%d}{self._next():07d}"
        charged = row.allotment_no
        if fault == BreakClass.WRONG_ALLOTMENT:
            charged = self._other_allotment(payment) or charged
        paid = row.amount_fen - (100 if fault == BreakClass.AMOUNT else 0)
        self._answer(day, payment, AnswerKind.ACCEPTED, on)
        self._answer(
            day, payment, AnswerKind.VOUCHER, on,
            voucher=voucher, allotment=charged, amount=row.amount_fen,
        )  # fmt: skip
        if fault in {BreakClass.LATE, BreakClass.PERIOD_CUT}:
            self._postpone(payment, voucher, day)
            return
        self._settle(payment, day, on, voucher=voucher, allotment=charged, amount=paid)
        if fault is not None:
            amount = 100 if fault == BreakClass.AMOUNT else row.amount_fen
            self._note(fault, row.application_no, (row.application_no,), amount, on)

    def _settle(
        self, payment: _Payment, day: _Day, on: date, *, voucher: str, allotment: str, amount: int
    ) -> None:
        """Book the payment at the bank and report it; a bounce comes back the same day."""
        row, fault = payment.row, payment.fault
        entry = self._entry(payment, on, amount, ref=self._ref(row, voucher))
        receipt = f"HD{entry.serial}"
        if fault == BreakClass.PAYEE:
            entry = replace(entry, counter_account=f"9{row.payee_account[1:]}")
        if fault is not None or payment.bounces:
            entry = replace(entry, ref=row.application_no)
        if fault != BreakClass.UNPAID:
            day.entries.append(entry)
        if fault == BreakClass.DUPLICATE:
            day.entries.append(replace(entry, serial=self._serial(on)))
        self._answer(
            day, payment, AnswerKind.PAID, on,
            voucher=voucher, allotment=allotment, amount=amount, ref=receipt,
        )  # fmt: skip
        self._execute(allotment, amount, 1)
        if payment.bounces or fault == BreakClass.RETURNED:
            back = replace(
                entry, is_debit=False, serial=self._serial(on), narration="退汇 账号户名不符"
            )
            day.entries.append(back)
            if payment.bounces:
                self._answer(
                    day, payment, AnswerKind.RETURNED, on, voucher=voucher,
                    amount=amount, ref=f"TH{back.serial}", reason="账号户名不符",
                )  # fmt: skip
                self._execute(allotment, -amount, 0)
                day.bounced.append(row.application_no)

    def _ref(self, row: PackageRow, voucher: str) -> str:
        """Return the bank line's reference: our number, the voucher's, or now and then none."""
        chance = random.Random(f"{self.seed}:ref:{row.application_no}").randrange(1000)
        is_alone = self._twins[row.payee_account, row.amount_fen] == 1
        if chance < BLANK_PER_THOUSAND and is_alone:
            return ""
        return voucher if chance < 300 else row.application_no

    def _postpone(self, payment: _Payment, voucher: str, day: _Day) -> None:
        """Keep a payment for a later day: too late, or just over the end of the month."""
        is_late = payment.fault == BreakClass.LATE
        due = day.on + timedelta(days=LATE_DAYS if is_late else 1)
        self._state["pending"].append(
            {
                "package_no": payment.package_no,
                "purse": payment.purse,
                "row": {name: getattr(payment.row, name) for name in PackageRow.__slots__},
                "voucher": voucher,
                "due": due.isoformat(),
                "told": None if is_late else day.on.isoformat(),
            }
        )
        assert payment.fault is not None
        number = payment.row.application_no
        self._note(payment.fault, number, (number,), payment.row.amount_fen, due)

    def _overdue(self, day: _Day) -> None:
        """Make the payments that were kept for this day or an earlier one."""
        rest: list[dict[str, Any]] = []
        for item in self._state["pending"]:
            due = date.fromisoformat(item["due"])
            if due > day.on:
                rest.append(item)
                continue
            payment = _Payment(
                package_no=item["package_no"],
                purse=item["purse"],
                row=PackageRow(**item["row"]),
            )
            told = date.fromisoformat(item["told"]) if item["told"] else due
            entry = self._entry(
                payment, due, payment.row.amount_fen, ref=payment.row.application_no
            )
            day.entries.append(entry)
            self._answer(
                day, payment, AnswerKind.PAID, told, voucher=item["voucher"],
                allotment=payment.row.allotment_no, amount=payment.row.amount_fen,
                ref=f"HD{entry.serial}",
            )  # fmt: skip
            self._execute(payment.row.allotment_no, payment.row.amount_fen, 1)
        self._state["pending"] = rest

    def _foreign(self, payments: Sequence[_Payment], day: _Day) -> None:
        """Plant what nobody asked for: an order never sent, a debit nobody knows."""
        if not payments:
            return
        first = payments[0]
        for _ in range(self._left(BreakClass.MISSING_ORDER)):
            serial = self._next()
            number = f"WB{day.on:%Y%m%d}{serial:06d}"
            amount = 1_000_000 + serial
            row = replace(first.row, application_no=number, tracking_id="", amount_fen=amount)
            payment = _Payment(package_no=first.package_no, purse=first.purse, row=row)
            voucher = f"PZ{number}"
            entry = self._entry(payment, day.on, amount, ref=number)
            day.entries.append(entry)
            for kind, ref in ((AnswerKind.VOUCHER, ""), (AnswerKind.PAID, f"HD{entry.serial}")):
                self._answer(
                    day, payment, kind, day.on, voucher=voucher,
                    allotment=row.allotment_no, amount=amount, ref=ref,
                )  # fmt: skip
            self._execute(row.allotment_no, amount, 1)
            self._count(BreakClass.MISSING_ORDER)
            self._note(BreakClass.MISSING_ORDER, number, (number,), amount, day.on)
        for _ in range(self._left(BreakClass.UNKNOWN_DEBIT)):
            amount = 730_000 + self._next()
            entry = self._entry(first, day.on, amount, ref=f"QT{self._next():08d}")
            entry = replace(entry, counter_account="6228000000000001", counter_name="不明收款单位")
            day.entries.append(entry)
            self._count(BreakClass.UNKNOWN_DEBIT)
            ref = line_ref(first.purse, entry.serial)
            self._note(BreakClass.UNKNOWN_DEBIT, ref, (entry.serial,), amount, day.on)

    def _count(self, kind: BreakClass) -> None:
        self._state["counts"][kind.value] = self._state["counts"].get(kind.value, 0) + 1

    # --- what it keeps and writes ---

    def _next(self) -> int:
        self._state["serial"] += 1
        return int(self._state["serial"])

    def _serial(self, on: date) -> str:
        return f"{on:%Y%m%d}{self._next():08d}"

    def _entry(self, payment: _Payment, on: date, amount: int, *, ref: str) -> Entry:
        row = payment.row
        return Entry(
            account_no=row.payer_account,
            account_name=row.payer_name,
            purse=payment.purse,
            booked_on=on,
            is_debit=True,
            amount_fen=amount,
            ref=ref,
            counter_account=row.payee_account,
            counter_name=row.payee_name,
            serial=self._serial(on),
            narration=row.use_desc,
        )

    def _answer(
        self,
        day: _Day,
        payment: _Payment,
        kind: AnswerKind,
        on: date,
        *,
        voucher: str = "",
        allotment: str = "",
        amount: int | None = None,
        ref: str = "",
        reason: str = "",
    ) -> None:
        lines = day.answers.setdefault(payment.package_no, [])
        lines.append(
            AnswerLine(
                line=len(lines) + 1,
                kind=kind,
                application_no=payment.row.application_no,
                on=on,
                tracking_id=payment.row.tracking_id,
                package_no=payment.package_no,
                voucher_no=voucher,
                allotment_no=allotment,
                amount_fen=amount,
                ref=ref,
                reason=reason,
            )
        )

    def _allotment(self, row: PackageRow) -> dict[str, Any]:
        item: dict[str, Any] = self._state["executed"].setdefault(
            row.allotment_no,
            {
                "fiscal_year": row.fiscal_year,
                "division_code": row.division_code,
                "agency_code": row.agency_code,
                "doc_no": row.doc_no,
                "project_code": row.project_code,
                "exp_func_code": row.exp_func_code,
                "gov_bgt_eco_code": row.gov_bgt_eco_code,
                "payer_account": row.payer_account,
                "count": 0,
                "executed_fen": 0,
            },
        )
        return item

    def _execute(self, allotment: str, amount: int, count: int) -> None:
        item = self._state["executed"][allotment]
        item["executed_fen"] += amount
        item["count"] += count

    def _lose(self, day: _Day, payments: Sequence[_Payment]) -> set[str]:
        """Keep one package's first answer back, once; rather one without other faults."""
        packages = {payment.package_no for payment in payments}
        for package in packages:
            self._state["seen"][package] = f"answer_{package}_{day.on:%Y%m%d}.csv"
        if not self.faults.loses_reply or self._state["lost"] or not packages:
            return set()
        chosen = random.Random(f"{self.seed}:lost").choice(sorted(packages))
        self._state["lost"][chosen] = {
            "name": f"answer_{chosen}_{day.on:%Y%m%d}.csv",
            "content": answer_bytes(day.answers[chosen]).decode(),
        }
        return {chosen}

    def _close(self, on: date) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """Write the day's statement per account and the execution of every allotment."""
        entries = [_entry_of(item) for item in self._state.pop("entries", [])]
        statements = [
            self._write(f"statement_{day.purse}_{on:%Y%m%d}.csv", statement_csv(day))
            for day in take_statements(self._state["accounts"], entries, on)
        ]
        if not self._state["executed"]:
            return tuple(statements), ()
        content = execution_xlsx(self._state["executed"], on)
        return tuple(statements), (self._write(f"execution_{on:%Y%m%d}.xlsx", content),)

    def _write(self, name: str, content: bytes) -> Path:
        self.folder_out.mkdir(parents=True, exist_ok=True)
        path = self.folder_out / name
        write_whole(path, content)
        return path


def _stored(entry: Entry) -> dict[str, Any]:
    fields = {name: getattr(entry, name) for name in Entry.__slots__}
    return {**fields, "booked_on": entry.booked_on.isoformat()}


def _entry_of(stored: Mapping[str, Any]) -> Entry:
    return Entry(**{**stored, "booked_on": date.fromisoformat(stored["booked_on"])})
