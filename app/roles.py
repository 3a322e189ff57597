"""Who may do what: the roles, and which role takes which step."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A role a person holds for an enterprise, a department or a purse."""

    AGENT = "agent"
    WINDOW_CLERK = "window_clerk"
    HANDLER = "handler"
    REVIEWER = "reviewer"
    HEAD = "head"
    AUTHOR = "author"
    POLICY_REVIEWER = "policy_reviewer"
    FINANCE_MAKER = "finance_maker"
    FINANCE_CHECKER = "finance_checker"
    FINANCE_RELEASER = "finance_releaser"
    RECONCILER = "reconciler"
    RECONCILE_SIGNER = "reconcile_signer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


LABELS_ZH = {
    Role.AGENT: "企业经办人",
    Role.WINDOW_CLERK: "窗口受理",
    Role.HANDLER: "经办",
    Role.REVIEWER: "复核",
    Role.HEAD: "负责人",
    Role.AUTHOR: "政策编制",
    Role.POLICY_REVIEWER: "政策审核",
    Role.FINANCE_MAKER: "支付制单",
    Role.FINANCE_CHECKER: "支付复核",
    Role.FINANCE_RELEASER: "支付签发",
    Role.RECONCILER: "对账",
    Role.RECONCILE_SIGNER: "对账签核",
    Role.SUPERVISOR: "监管",
    Role.AUDITOR: "审计",
    Role.ADMINISTRATOR: "管理员",
}

DEPARTMENT_ROLES = {Role.WINDOW_CLERK, Role.HANDLER, Role.REVIEWER, Role.HEAD}
FINANCE_ROLES = {
    Role.FINANCE_MAKER,
    Role.FINANCE_CHECKER,
    Role.FINANCE_RELEASER,
    Role.RECONCILER,
    Role.RECONCILE_SIGNER,
}
POLICY_ROLES = {Role.AUTHOR, Role.POLICY_REVIEWER}

# An administrator runs the system and never decides on money.
ADMINISTRATOR_EXCLUDES = DEPARTMENT_ROLES | FINANCE_ROLES
