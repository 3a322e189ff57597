"""Refusals of the application, each in words its user knows."""

from __future__ import annotations


class AppError(Exception):
    """A request that cannot be carried out."""


class NotAllowedError(AppError):
    """The person does not hold the role the step needs."""

    def __init__(self, username: str, what: str) -> None:
        super().__init__(f"{username} 没有“{what}”的权限")


class SeparationError(AppError):
    """The person has already taken another step of the same case (受审分离)."""

    def __init__(self, username: str, claim_no: str) -> None:
        super().__init__(
            f"{username} 已办理过办件 {claim_no} 的其他环节, 同一人不得兼办 (受审分离)"
        )


class ClaimStateError(AppError):
    """The claim is not in a state from which the step can be taken."""

    def __init__(self, claim_no: str, state: str, step: str) -> None:
        super().__init__(f"办件 {claim_no} 当前状态为“{state}”, 不能{step}")


class UnknownClaimError(AppError):
    """There is no such claim."""

    def __init__(self, claim_no: str) -> None:
        super().__init__(f"没有编号为 {claim_no} 的办件")


class NotEligibleError(AppError):
    """The rule, on the data of the day, does not give this enterprise the benefit."""

    def __init__(self, benefit: str, verdict: str) -> None:
        super().__init__(f"按当日数据, “{benefit}”的匹配结果为{verdict}, 不能确认申领")


class AmountChangedError(AppError):
    """The amount shown to the firm is no longer what the rule gives."""

    def __init__(self, shown: str, now: str) -> None:
        super().__init__(f"页面显示金额 {shown} 与当前测算金额 {now} 不一致, 请刷新后重新确认")


class AlreadyClaimedError(AppError):
    """The enterprise has a claim for this benefit and period already."""

    def __init__(self, benefit: str, period: str, claim_no: str) -> None:
        super().__init__(f"“{benefit}”{period} 已有办件 {claim_no}, 不重复受理")


class NoVerifiedAccountError(AppError):
    """No verified bank account is known under this number."""

    def __init__(self, uscc: str) -> None:
        super().__init__(f"企业 {uscc} 没有该已核验账户, 请先到开户行或窗口核验收款账户")


class StackingError(AppError):
    """A stacking rule leaves nothing to pay."""

    def __init__(self, why: str) -> None:
        super().__init__(f"按不重复享受规则不予受理: {why}")


class StaleApprovalError(AppError):
    """The content decided on is no longer the content of the claim."""

    def __init__(self, claim_no: str) -> None:
        super().__init__(f"办件 {claim_no} 的内容在审批后有变化, 原审批失效, 须重新审批")


class ForeignDatabaseError(AppError):
    """The database was not made by the demo, so the demo does not touch it."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"数据库 {url} 不是演示程序建立的, 拒绝覆盖; 请另设 HQT_HOME 或 HQT_DATABASE_URL"
        )
