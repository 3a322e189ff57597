"""A stand-in for a bank: takes pain.001, gives pain.002 and camt.053, the same for one seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from pyiso20022.camt.camt_053_001_08 import camt_053_001_08 as camt
from pyiso20022.pain.pain_002_001_12 import pain_002_001_12 as status
from xsdata.models.datatype import XmlDate

from app.demo.faults import BANK_ONE_EACH, FaultPlan, Planted
from app.demo.finance_files import (
    Entry,
    StatementDay,
    read_state,
    take_statements,
    write_state,
)
from ledger.errors import FileRefusedError
from ledger.iso20022 import (
    CAMT_053,
    CURRENCY,
    PAIN_001,
    PAIN_002,
    CreditTransfer,
    Instruction,
    check_schema,
    read_pain001,
    render,
    xml_instant,
)
from ledger.money import decimal_yuan
from ledger.package_files import check_manifest, read_manifest, write_whole
from ledger.reconcile import BreakClass, break_id, line_ref

BANK_FAULTS = FaultPlan(counts=BANK_ONE_EACH, loses_reply=False, bounce_per_thousand=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BankDay:
    """The files of one day; ``refused`` names packages it would not take, with the reason."""

    on: date
    reports: tuple[Path, ...]
    statements: tuple[Path, ...]
    refused: Mapping[str, str]
    rejected: tuple[str, ...]


class Bank:
    """The bank of a purse that instructs it directly; its memory lies in the outgoing folder."""

    def __init__(
        self,
        folder_in: Path,
        folder_out: Path,
        seed: int,
        faults: FaultPlan = BANK_FAULTS,
        *,
        key: bytes,
        account_names: Mapping[str, str] | None = None,
    ) -> None:
        """Open the bank; a payment under another name than ``account_names`` is rejected.

        Of the plan it plants duplicates and debits nobody knows.
        """
        self.folder_in = folder_in
        self.folder_out = folder_out
        self.seed = seed
        self.faults = faults
        self.key = key
        self.account_names = dict(account_names or {})
        self._file = folder_out / ".bank.json"
        self._state = read_state(self._file)
        for name in ("accounts", "seen", "planted"):
            self._state.setdefault(name, {})
        self._state.setdefault("serial", 0)

    def process(self, on: date) -> BankDay:
        """Work one day: take every new pain.001 of the folder, pay, report, write statements."""
        refused: dict[str, str] = {}
        reports: list[Path] = []
        rejected: list[str] = []
        entries: list[Entry] = []
        for path in sorted(self.folder_in.glob("*.manifest.json")):
            try:
                taken = self._take(path)
            except FileRefusedError as error:
                refused[path.name.split(".")[0]] = str(error)
                continue
            if taken is None:
                continue
            purse, instruction = taken
            report, moved, back = self._pay(purse, instruction, on)
            name = f"pain002_{instruction.message_id}.xml"
            reports.append(self._write(name, report))
            self._state["seen"][instruction.message_id] = name
            entries.extend(moved)
            rejected.extend(back)
        statements = [
            self._write(f"camt053_{day.purse}_{on:%Y%m%d}.xml", _statement(day))
            for day in take_statements(self._state["accounts"], entries, on)
        ]
        write_state(self._file, self._state)
        return BankDay(
            on=on,
            reports=tuple(reports),
            statements=tuple(statements),
            refused=refused,
            rejected=tuple(sorted(rejected)),
        )

    def query(self, message_id: str) -> Path | None:
        """Answer by the sender's own number; None when the message never arrived."""
        name = self._state["seen"].get(message_id)
        return self.folder_out / name if name else None

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

    def _take(self, path: Path) -> tuple[str, Instruction] | None:
        """Check and read a new instruction; None for what is not for a bank, or known."""
        manifest = read_manifest(path.read_bytes(), path.name)
        if manifest.channel != "bank-file" or manifest.package_no in self._state["seen"]:
            return None
        content_path = path.with_name(manifest.file_name)
        if not content_path.exists():
            raise FileRefusedError(manifest.file_name, "文件不存在")
        content = content_path.read_bytes()
        check_manifest(manifest, content, self.key)
        return manifest.purse, read_pain001(content)

    def _pay(
        self, purse: str, instruction: Instruction, on: date
    ) -> tuple[bytes, list[Entry], list[str]]:
        """Pay each transfer whose name fits its account; return report, movements, rejections."""
        entries: list[Entry] = []
        results: list[Any] = []
        rejected: list[str] = []
        for transfer in instruction.transfers:
            holder = self.account_names.get(transfer.payee_account, transfer.payee_name)
            if holder != transfer.payee_name:
                rejected.append(transfer.application_no)
                results.append(_result(transfer, "RJCT", "", "户名与账号不符"))
                continue
            entry = self._entry(purse, instruction, transfer, on)
            entries.append(entry)
            results.append(_result(transfer, "ACSC", entry.serial, ""))
        entries.extend(self._faulty(entries, on))
        return _report(instruction, on, results), entries, rejected

    def _faulty(self, entries: Sequence[Entry], on: date) -> list[Entry]:
        """Plant what the plan still owes: a second payment, a debit nobody knows."""
        if not entries:
            return []
        chance = random.Random(f"{self.seed}:{on}")
        more: list[Entry] = []
        for _ in range(self._left(BreakClass.DUPLICATE)):
            entry = chance.choice(entries)
            more.append(replace(entry, serial=self._serial(on)))
            self._note(BreakClass.DUPLICATE, entry.ref, entry.ref, entry.amount_fen, on)
        for _ in range(self._left(BreakClass.UNKNOWN_DEBIT)):
            entry = replace(
                entries[0],
                serial=self._serial(on),
                ref=f"QT{self._state['serial']:08d}",
                amount_fen=640_000 + self._state["serial"],
                counter_account="6228000000000002",
                counter_name="不明收款单位",
            )
            more.append(entry)
            ref = line_ref(entry.purse, entry.serial)
            self._note(BreakClass.UNKNOWN_DEBIT, ref, entry.serial, entry.amount_fen, on)
        return more

    def _left(self, kind: BreakClass) -> int:
        done = sum(item["class"] == kind.value for item in self._state["planted"].values())
        return int(self.faults.counts.get(kind, 0)) - int(done)

    def _note(self, kind: BreakClass, ref: str, shown: str, amount: int, on: date) -> None:
        self._state["planted"][break_id(kind, ref)] = {
            "class": kind.value,
            "refs": [shown],
            "amount_fen": amount,
            "visible_on": on.isoformat(),
        }

    def _serial(self, on: date) -> str:
        self._state["serial"] += 1
        return f"B{on:%Y%m%d}{self._state['serial']:08d}"

    def _entry(
        self, purse: str, instruction: Instruction, transfer: CreditTransfer, on: date
    ) -> Entry:
        return Entry(
            account_no=instruction.payer.account_no,
            account_name=instruction.payer.name,
            purse=purse,
            booked_on=on,
            is_debit=True,
            amount_fen=transfer.amount_fen,
            ref=transfer.application_no,
            counter_account=transfer.payee_account,
            counter_name=transfer.payee_name,
            serial=self._serial(on),
            narration=transfer.remark,
        )

    def _write(self, name: str, content: bytes) -> Path:
        self.folder_out.mkdir(parents=True, exist_ok=True)
        path = self.folder_out / name
        write_whole(path, content)
        return path


def _noon(on: date) -> datetime:
    return datetime.combine(on, time(4), UTC)


def _result(transfer: CreditTransfer, code: str, serial: str, reason: str) -> Any:
    """Build the status of one payment."""
    reasons = []
    if reason:
        cause = status.StatusReason6Choice(cd="BE01")
        reasons = [status.StatusReasonInformation12(rsn=cause, addtl_inf=[reason])]
    amount = status.ActiveOrHistoricCurrencyAndAmount(
        value=decimal_yuan(transfer.amount_fen), ccy=CURRENCY
    )
    return status.PaymentTransaction129(
        orgnl_end_to_end_id=transfer.application_no,
        tx_sts=code,
        sts_rsn_inf=reasons,
        acct_svcr_ref=serial or None,
        orgnl_tx_ref=status.OriginalTransactionReference35(
            amt=status.AmountType4Choice(instd_amt=amount)
        ),
    )


def _report(instruction: Instruction, on: date, results: list[Any]) -> bytes:
    """Write the status report of an instruction, checked against its schema."""
    number = instruction.message_id
    document = status.Document(
        cstmr_pmt_sts_rpt=status.CustomerPaymentStatusReportV12(
            grp_hdr=status.GroupHeader86(msg_id=f"R{number}", cre_dt_tm=xml_instant(_noon(on))),
            orgnl_grp_inf_and_sts=status.OriginalGroupHeader17(
                orgnl_msg_id=number, orgnl_msg_nm_id=PAIN_001
            ),
            orgnl_pmt_inf_and_sts=[
                status.OriginalPaymentInstruction40(orgnl_pmt_inf_id=number, tx_inf_and_sts=results)
            ],
        )
    )
    content = render(document, PAIN_002)
    check_schema(content, PAIN_002, f"{number}.xml")
    return content


def _statement(day: StatementDay) -> bytes:
    """Write a statement as camt.053 with opening and closing balance."""
    document = camt.Document(
        bk_to_cstmr_stmt=camt.BankToCustomerStatementV08(
            grp_hdr=camt.GroupHeader81(msg_id=day.number, cre_dt_tm=xml_instant(_noon(day.to_on))),
            stmt=[
                camt.AccountStatement9(
                    id=day.number,
                    fr_to_dt=camt.DateTimePeriod1(
                        fr_dt_tm=xml_instant(_noon(day.from_on)),
                        to_dt_tm=xml_instant(_noon(day.to_on)),
                    ),
                    acct=camt.CashAccount39(id=_account(day.account_no), ccy=CURRENCY),
                    bal=[
                        _balance("OPBD", day.opening_fen, day.from_on),
                        _balance("CLBD", day.closing_fen, day.to_on),
                    ],
                    ntry=[_camt_entry(entry) for entry in day.entries],
                )
            ],
        )
    )
    return render(document, CAMT_053)


def _account(number: str) -> Any:
    return camt.AccountIdentification4Choice(othr=camt.GenericAccountIdentification1(id=number))


def _balance(code: str, amount: int, on: date) -> Any:
    return camt.CashBalance8(
        tp=camt.BalanceType13(cd_or_prtry=camt.BalanceType10Choice(cd=code)),
        amt=camt.ActiveOrHistoricCurrencyAndAmount(value=decimal_yuan(abs(amount)), ccy=CURRENCY),
        cdt_dbt_ind=camt.CreditDebitCode.DBIT if amount < 0 else camt.CreditDebitCode.CRDT,
        dt=camt.DateAndDateTime2Choice(dt=XmlDate.from_date(on)),
    )


def _camt_entry(entry: Entry) -> Any:
    party = camt.Party40Choice(pty=camt.PartyIdentification135(nm=entry.counter_name))
    account = camt.CashAccount38(id=_account(entry.counter_account))
    parties = (
        camt.TransactionParties6(cdtr=party, cdtr_acct=account)
        if entry.is_debit
        else camt.TransactionParties6(dbtr=party, dbtr_acct=account)
    )
    return camt.ReportEntry10(
        amt=camt.ActiveOrHistoricCurrencyAndAmount(
            value=decimal_yuan(entry.amount_fen), ccy=CURRENCY
        ),
        cdt_dbt_ind=camt.CreditDebitCode.DBIT if entry.is_debit else camt.CreditDebitCode.CRDT,
        sts=camt.EntryStatus1Choice(cd="BOOK"),
        bookg_dt=camt.DateAndDateTime2Choice(dt=XmlDate.from_date(entry.booked_on)),
        acct_svcr_ref=entry.serial,
        bk_tx_cd=camt.BankTransactionCodeStructure4(
            prtry=camt.ProprietaryBankTransactionCodeStructure1(cd="TRF")
        ),
        ntry_dtls=[
            camt.EntryDetails9(
                tx_dtls=[
                    camt.EntryTransaction10(
                        refs=camt.TransactionReferences6(end_to_end_id=entry.ref or "NOTPROVIDED"),
                        rltd_pties=parties,
                    )
                ]
            )
        ],
        addtl_ntry_inf=entry.narration or None,
    )
