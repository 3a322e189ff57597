"""Refusals of the money package: one class per case, each wording its own message in Chinese."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.findings import Finding
from ledger.money import display


class LedgerError(Exception):
    """A request about money that cannot be carried out; nothing of it may be kept.

    The caller rolls its transaction back (or the savepoint it set).
    """


class UnknownAccountError(LedgerError):
    """A leg names an account that was never opened."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(f"科目 {code} 未开立; 请先开立再记账")


class MixedBooksError(LedgerError):
    """A leg joins accounts of two books."""

    def __init__(self, key: str, debit: str, credit: str) -> None:
        super().__init__(f"分录 {key}: {debit} 与 {credit} 不属同一账套, 不能对记")


class KeyReusedError(LedgerError):
    """The idempotency key was used before with other content."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"业务键 {key} 已用于内容不同的记录; 请核对是否重号")


class FloorBreachedError(LedgerError):
    """A posting would take an account below its floor."""

    def __init__(self, account: str, balance: int, needed: int) -> None:
        self.account = account
        self.balance_fen = balance
        self.needed_fen = needed
        super().__init__(
            f"科目 {account} 余额 {display(balance)}, 需减少 {display(needed)}, 余额不足"
        )


class PeriodClosedError(LedgerError):
    """The period takes no more entries."""

    def __init__(self, period: str) -> None:
        self.period = period
        super().__init__(f"会计期间 {period} 已结账, 不能再记; 请记入未结账的期间")


class PeriodOrderError(LedgerError):
    """A period cannot be closed while an earlier one is open."""

    def __init__(self, period: str, earlier: str) -> None:
        super().__init__(f"期间 {period} 不能先于 {earlier} 结账")


class UnknownEntryError(LedgerError):
    """No journal entry has this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"没有业务键为 {key} 的分录")


class AlreadyReversedError(LedgerError):
    """An entry is reversed at most once, and a reversal never."""

    def __init__(self, key: str) -> None:
        super().__init__(f"分录 {key} 已冲销或本身就是冲销, 不能再冲")


class BudgetRefusedError(LedgerError):
    """A budget file cannot be taken in; nothing of it was kept."""

    def __init__(self, file_name: str, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        first = self.findings[0].message if self.findings else "文件没有可读的内容"
        super().__init__(f"预算文件 {file_name} 未导入: 共 {len(self.findings)} 处问题; {first}")


class UnknownPurseError(LedgerError):
    """No purse has this code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"资金账套 {code} 不存在")


class PurseChangedError(LedgerError):
    """A purse exists with other facts that may not change once it is used."""

    def __init__(self, code: str) -> None:
        super().__init__(f"资金账套 {code} 已有记录, 区划、级次或核算方式不能改")


class UnknownAllotmentError(LedgerError):
    """No allotment has this number."""

    def __init__(self, allotment_no: str) -> None:
        super().__init__(f"预算指标 {allotment_no} 不存在; 请先导入指标")


class InsufficientAllotmentError(LedgerError):
    """The allotment's unreserved rest does not cover the reservation."""

    def __init__(self, allotment_no: str, available: int, needed: int) -> None:
        self.allotment_no = allotment_no
        self.available_fen = available
        self.needed_fen = needed
        super().__init__(
            f"预算指标 {allotment_no} 可用 {display(available)},"
            f" 本次需预占 {display(needed)}, 额度不足"
        )


class InsufficientPlanError(LedgerError):
    """The monthly plan does not cover the reservation."""

    def __init__(self, allotment_no: str, planned: int, needed: int) -> None:
        super().__init__(
            f"预算指标 {allotment_no} 用款计划余 {display(planned)},"
            f" 本次需 {display(needed)}, 待用款计划"
        )


class AllotmentOverdrawnError(LedgerError):
    """While an allotment is overdrawn (超占) nothing more may be reserved on it."""

    def __init__(self, allotment_no: str, overdrawn: int) -> None:
        self.allotment_no = allotment_no
        self.overdrawn_fen = overdrawn
        super().__init__(f"预算指标 {allotment_no} 超占 {display(overdrawn)}, 处理前不能再预占")


class AllotmentPurseError(LedgerError):
    """The allotment belongs to another purse than the application."""

    def __init__(self, allotment_no: str, expected: str, found: str) -> None:
        super().__init__(f"预算指标 {allotment_no} 属资金账套 {found}, 不属 {expected}")


class UnknownApplicationError(LedgerError):
    """No payment application has this number."""

    def __init__(self, application_no: str) -> None:
        self.application_no = application_no
        super().__init__(f"支付申请 {application_no} 不存在")


class ApplicationExistsError(LedgerError):
    """The application number, or the claim's part, is taken by a live application."""

    def __init__(self, application_no: str, claim_no: str, part: int) -> None:
        super().__init__(
            f"支付申请 {application_no}: 申请号已用, 或兑现件 {claim_no} 第 {part} 部分已有在办申请"
        )


class IllegalStepError(LedgerError):
    """The application is not in a state from which this step is possible."""

    def __init__(self, application_no: str, event: str, state: str) -> None:
        self.application_no = application_no
        super().__init__(f"支付申请 {application_no} 当前为 {state}, 不能办理 {event}")


class AmountExceededError(LedgerError):
    """More would be paid or returned than the application stands at."""

    def __init__(self, application_no: str, event: str, limit: int, found: int) -> None:
        self.application_no = application_no
        self.limit_fen = limit
        self.found_fen = found
        super().__init__(
            f"支付申请 {application_no} 办理 {event}:"
            f" 至多 {display(limit)}, 来文为 {display(found)}"
        )


class BookCheckFailedError(LedgerError):
    """The checking program did not end with a result."""

    def __init__(self, file_name: str, told: str) -> None:
        super().__init__(f"账簿 {file_name} 的独立校验程序未完成: {told.strip()[-400:]}")


# --- packages, answers, statements, reconciliation -------------------------------------------


class FileRefusedError(LedgerError):
    """A file from finance or a bank cannot be taken in; nothing of it was kept."""

    def __init__(self, file_name: str, what: str) -> None:
        self.file_name = file_name
        super().__init__(f"文件 {file_name} 未导入: {what}")


class StatementUnbalancedError(FileRefusedError):
    """Opening balance plus lines is not the closing balance."""

    def __init__(self, file_name: str, opening: int, reached: int, closing: int) -> None:
        super().__init__(
            file_name,
            f"期初 {display(opening)} 加减明细得 {display(reached)}, "
            f"期末应为 {display(closing)}, 相差 {display(closing - reached)}",
        )


class StatementNumberTakenError(FileRefusedError):
    """The account has another statement with this number."""

    def __init__(self, file_name: str, account_no: str, statement_no: str) -> None:
        super().__init__(file_name, f"账号 {account_no} 的对账单 {statement_no} 已有内容不同的一份")


class StatementGapError(FileRefusedError):
    """A statement does not continue where the account's last one ended."""

    def __init__(self, file_name: str, what: str, expected: str, found: str) -> None:
        super().__init__(file_name, f"与上一份对账单不衔接: {what}应为 {expected}, 实为 {found}")


class StatementAccountError(FileRefusedError):
    """No purse, or more than one, pays from the statement's account."""

    def __init__(self, file_name: str, account_no: str, purses: Sequence[str]) -> None:
        which = f"有多个资金账套({'、'.join(purses)})" if purses else "没有资金账套"
        super().__init__(file_name, f"账号 {account_no} {which}在用; 请指明资金账套")


class UnknownPackageError(LedgerError):
    """No push package has this number."""

    def __init__(self, package_no: str) -> None:
        super().__init__(f"推送包 {package_no} 不存在")


class PackageRefusedError(LedgerError):
    """A package cannot be made of these applications."""

    def __init__(self, what: str) -> None:
        super().__init__(f"不能组包: {what}")


class PackageStateError(LedgerError):
    """The package is not in the state this step needs."""

    def __init__(self, package_no: str, step: str, state: str) -> None:
        super().__init__(f"推送包 {package_no} 当前为 {state}, 不能{step}")


class SamePersonError(LedgerError):
    """Maker, checker, releaser, matcher and signer are different people."""

    def __init__(self, what: str, by: str, earlier: str) -> None:
        super().__init__(f"{what}: {by} 已办理{earlier}, 须由另一人办理")


class PackageChangedError(LedgerError):
    """The applications are no longer what the maker and checker saw."""

    def __init__(self, package_no: str, expected: str, found: str) -> None:
        super().__init__(
            f"推送包 {package_no} 内容已变: 摘要应为 {expected[:12]}…, "
            f"实为 {found[:12]}…; 请重新组包"
        )


class UnknownBreakError(LedgerError):
    """No break has this id."""

    def __init__(self, break_id: str) -> None:
        super().__init__(f"差异 {break_id} 不存在")


class BreakClosedError(LedgerError):
    """The break is closed already."""

    def __init__(self, break_id: str) -> None:
        super().__init__(f"差异 {break_id} 已关闭, 不能再改")


class BreakNoteError(LedgerError):
    """A break is closed or explained only with a reason."""

    def __init__(self, break_id: str) -> None:
        super().__init__(f"差异 {break_id}: 请写明处理说明")


class NotReconciledError(LedgerError):
    """The day was not reconciled yet."""

    def __init__(self, on: str) -> None:
        super().__init__(f"{on} 尚未对账, 不能签认")


class DaySignedError(LedgerError):
    """The day is signed off and frozen."""

    def __init__(self, on: str) -> None:
        super().__init__(f"{on} 已签认, 对账结果不能再改")


class MatchRefusedError(LedgerError):
    """Order and lines cannot be matched by hand."""

    def __init__(self, application_no: str, line_ids: Sequence[int]) -> None:
        lines = "、".join(str(key) for key in line_ids)
        super().__init__(
            f"申请 {application_no} 与流水 {lines} 不能勾对: 金额须恰好相等, 且双方都未勾对"
        )
