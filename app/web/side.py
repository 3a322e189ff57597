"""The navigation beside each desk."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SideLink:
    """One entry of the navigation; ``count`` is how much waits there, 0 shows nothing."""

    label: str
    href: str
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SideGroup:
    """Entries under one heading."""

    title: str
    links: tuple[SideLink, ...]


def finance(*, to_push: int = 0, open_breaks: int = 0) -> list[SideGroup]:
    """Return the navigation of the finance desk."""
    return [
        SideGroup(
            title="预算",
            links=(
                SideLink(label="指标执行", href="/finance"),
                SideLink(label="用款计划", href="/finance/plans"),
            ),
        ),
        SideGroup(
            title="支付",
            links=(
                SideLink(label="支付申请与推送", href="/finance/packages", count=to_push),
                SideLink(label="应付明细", href="/finance/payables"),
            ),
        ),
        SideGroup(
            title="对账",
            links=(
                SideLink(label="对账日", href="/finance/days"),
                SideLink(label="差异", href="/finance/breaks", count=open_breaks),
                SideLink(label="账簿", href="/finance/book"),
            ),
        ),
    ]


def desk(*, to_decide: int = 0, waiting: int = 0, findings: int = 0) -> list[SideGroup]:
    """Return the navigation of the competent department."""
    return [
        SideGroup(
            title="办件",
            links=(
                SideLink(label="待我办理", href="/desk", count=to_decide),
                SideLink(label="全部办件", href="/desk/claims"),
                SideLink(label="待资金", href="/desk/waiting", count=waiting),
                SideLink(label="疑点核销", href="/desk/findings", count=findings),
            ),
        ),
        SideGroup(title="企业", links=(SideLink(label="企业档案", href="/desk/firms"),)),
    ]


def policies() -> list[SideGroup]:
    """Return the navigation of the policy authors."""
    return [
        SideGroup(
            title="政策",
            links=(
                SideLink(label="政策事项库", href="/policies"),
                SideLink(label="质检发现", href="/policies/findings"),
                SideLink(label="要素目录", href="/policies/vocabulary"),
            ),
        )
    ]


def supervision(*, open_links: int = 0) -> list[SideGroup]:
    """Return the navigation of supervision."""
    return [
        SideGroup(
            title="成效",
            links=(
                SideLink(label="覆盖与兑现", href="/supervision"),
                SideLink(label="时限", href="/supervision/times"),
                SideLink(label="推送转化", href="/supervision/notices"),
            ),
        ),
        SideGroup(
            title="数据",
            links=(
                SideLink(label="数据批次", href="/supervision/batches"),
                SideLink(label="关联待核", href="/supervision/links", count=open_links),
            ),
        ),
        SideGroup(title="留痕", links=(SideLink(label="查阅记录", href="/supervision/access"),)),
    ]
