"""数据校验: what must hold of applications before they are pushed; pure rules with codes."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ledger.allotments import AllotmentStages, Availability
from ledger.applications import Application, ApplicationState
from ledger.differences import normal_account, normal_name
from ledger.findings import Finding
from ledger.iso20022 import is_cnaps
from ledger.money import display

ADVICE = frozenset({"same-payee-amount", "economic-class-department"})
"""Codes that a person should look at and that do not stop a push."""

ECONOMIC_CLASSES = ("507", "508", "509")
"""Classes of the government's economic classification from which subsidies may be paid."""

_LIMITS = {"application_no": 35, "payee_name": 70, "payee_account_no": 34, "use_desc": 140}
_RUNNING = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedAccount:
    """A bank account that was confirmed to belong to an enterprise; the last day is inclusive."""

    uscc: str
    account_no: str
    account_name: str
    cnaps: str
    verified_on: date
    valid_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules are held against: the mirror of the budget and the verified accounts."""

    purse: str
    on: date
    allotments: Mapping[str, AllotmentStages]
    availability: Mapping[str, Availability]
    accounts: Mapping[str, Sequence[VerifiedAccount]]
    """By uscc."""
    paid_before: frozenset[tuple[str, int]] = frozenset()
    """Claim number and part of what was paid and not returned."""
    needs_cnaps: bool = False
    """Whether the channel pays by bank number (pain.001)."""


def validate_applications(applications: Sequence[Application], facts: Facts) -> list[Finding]:
    """Check applications of one purse before a push; an empty list lets them go.

    Findings come in the order of application numbers, then of the rules. Codes in ``ADVICE``
    do not stop a push; see ``stops``.
    """
    found: list[Finding] = []
    for item in sorted(applications, key=lambda item: item.application_no):
        for rule in _RULES:
            found.extend(
                Finding(code=code, message=message, where=item.application_no)
                for code, message in rule(item, facts)
            )
    return found + list(_across(applications, facts))


def stops(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that stop a push."""
    return [finding for finding in findings if finding.code not in ADVICE]


_Found = Iterator[tuple[str, str]]


def _state(item: Application, facts: Facts) -> _Found:
    if item.state != ApplicationState.RESERVED:
        yield "state", f"申请状态应为已预占, 实为{item.state.value}"
    if item.purse != facts.purse:
        yield "purse", f"资金账套应为{facts.purse}, 实为{item.purse}"
    if (item.claim_no, item.part) in facts.paid_before:
        yield "paid-before", f"兑现件{item.claim_no}第{item.part}部分已支付"


def _amounts(item: Application, _: Facts) -> _Found:
    if not 0 < item.amount_fen <= item.approved_fen:
        yield (
            "amount",
            (
                f"申请金额应大于零且不超过审定{display(item.approved_fen)}, "
                f"实为{display(item.amount_fen)}"
            ),
        )
    if item.reserved_fen != item.amount_fen:
        yield (
            "reservation",
            f"预占应为{display(item.amount_fen)}, 实为{display(item.reserved_fen)}",
        )


def _allotment(item: Application, facts: Facts) -> _Found:
    allotment = facts.allotments.get(item.allotment_no)
    held = facts.availability.get(item.allotment_no)
    if allotment is None or held is None:
        yield "allotment", f"指标{item.allotment_no}不在预算镜像中"
        return
    if allotment.purse != item.purse:
        yield "allotment-purse", f"指标{item.allotment_no}属{allotment.purse}, 不属{item.purse}"
    if allotment.fiscal_year != facts.on.year:
        yield (
            "fiscal-year",
            f"指标{item.allotment_no}年度应为{facts.on.year}, 实为{allotment.fiscal_year}",
        )
    if held.overdrawn_fen:
        yield "overdrawn", f"指标{item.allotment_no}超占{display(held.overdrawn_fen)}, 须先处理"
    for code, name, own, theirs in (
        ("function-class", "功能分类", item.exp_func_code, allotment.exp_func_code),
        ("economic-class", "政府经济分类", item.gov_bgt_eco_code, allotment.gov_bgt_eco_code),
        ("economic-class", "部门经济分类", item.dep_bgt_eco_code, allotment.dep_bgt_eco_code),
    ):
        if own != theirs:
            yield code, f"{name}应与指标一致为{theirs}, 实为{own}"


def _classes(item: Application, _: Facts) -> _Found:
    if not item.gov_bgt_eco_code.startswith(ECONOMIC_CLASSES):
        yield (
            "economic-class-subsidy",
            f"政府经济分类{item.gov_bgt_eco_code}不在507、508、509之内, 疑似错用科目",
        )
    if item.gov_bgt_eco_code.startswith("507") and not item.dep_bgt_eco_code.startswith("312"):
        yield (
            "economic-class-department",
            f"对企业补助的部门经济分类一般为312, 实为{item.dep_bgt_eco_code}",
        )


def _payee(item: Application, facts: Facts) -> _Found:
    number = normal_account(item.payee_account_no)
    known = [
        account
        for account in facts.accounts.get(item.payee_uscc, ())
        if normal_account(account.account_no) == number
        and account.verified_on <= facts.on
        and (account.valid_until is None or facts.on <= account.valid_until)
    ]
    if not known:
        yield "account", f"收款账号{mask(item.payee_account_no)}不是该企业已核验的账户"
    elif normal_name(known[0].account_name) != normal_name(item.payee_name):
        yield (
            "account-name",
            f"收款户名应为{known[0].account_name}, 实为{item.payee_name}",
        )
    if item.payee_cnaps and not is_cnaps(item.payee_cnaps):
        yield "bank-number", f"联行号{item.payee_cnaps}校验位不符"
    if facts.needs_cnaps and not item.payee_cnaps:
        yield "bank-number", "银行直联付款须有12位联行号"


def _texts(item: Application, _: Facts) -> _Found:
    if item.tracking_id != item.claim_no:
        yield "tracking", f"业务追溯码应为{item.claim_no}, 实为{item.tracking_id}"
    if not item.use_desc.strip():
        yield "use", "用途不能为空"
    for name, limit in _LIMITS.items():
        text = str(getattr(item, name))
        if len(text) > limit:
            yield "length", f"{name}至多{limit}字, 实为{len(text)}字"
        if any(unicodedata.category(c) == "Cc" for c in text) or text.startswith(_RUNNING):
            yield "text", f"{name}含控制字符或以 = + - @ 开头"


_RULES: tuple[Callable[[Application, Facts], _Found], ...] = (
    _state,
    _amounts,
    _allotment,
    _classes,
    _payee,
    _texts,
)


def _across(applications: Sequence[Application], facts: Facts) -> Iterator[Finding]:
    """Rules over all of them together: duplicates, and the plan each allotment has left."""
    parts: dict[tuple[str, int], list[str]] = defaultdict(list)
    alike: dict[tuple[str, int], list[str]] = defaultdict(list)
    for item in applications:
        parts[item.claim_no, item.part].append(item.application_no)
        alike[item.payee_uscc, item.amount_fen].append(item.application_no)
    for (claim, part), numbers in sorted(parts.items()):
        if len(numbers) > 1:
            yield Finding(
                code="duplicate",
                message=f"兑现件{claim}第{part}部分有多笔申请: {'、'.join(sorted(numbers))}",
                where=min(numbers),
            )
    for (uscc, amount), numbers in sorted(alike.items()):
        if len(numbers) > 1:
            yield Finding(
                code="same-payee-amount",
                message=f"同一企业{uscc}有{len(numbers)}笔{display(amount)}, 请确认不是重复",
                where=min(numbers),
            )
    for number in sorted({item.allotment_no for item in applications}):
        held = facts.availability.get(number)
        if held is not None and held.needs_plan and held.plan_short_fen:
            yield Finding(
                code="plan",
                message=f"指标{number}用款计划不足{display(held.plan_short_fen)}",
                where=number,
            )


def mask(account_no: str) -> str:
    """Return an account number with all but its last four digits hidden."""
    return "*" * max(len(account_no) - 4, 0) + account_no[-4:]
