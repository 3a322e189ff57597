"""The demo's figures for people: what came in, what was found, what became of the money."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from ledger.money import display

_COUNTS = (
    ("firms", "企业"),
    ("records_in", "接收数据行"),
    ("records_rejected", "退回数据行"),
    ("linked_by_name", "按名称关联"),
    ("documents", "政策文件"),
    ("benefits", "惠企事项"),
    ("notices_sent", "送出消息"),
    ("claims_confirmed", "企业确认"),
    ("claims_approved", "部门审定"),
    ("waiting_for_funds", "待资金"),
    ("held_before_release", "放款前暂停"),
    ("matched", "对账相符"),
    ("breaks_open", "待处理差异"),
)
_AMOUNTS = (
    ("reserved_fen", "预占指标"),
    ("pushed_fen", "推送财政"),
    ("paid_fen", "已支付"),
    ("bounced_fen", "已退汇"),
    ("spent_fen_ledger", "指标已支出"),
    ("spent_fen_book", "账簿已支出"),
)


def show_summary(summary: dict[str, Any]) -> None:
    """Print the figures of a finished demo and what a person still has to decide."""
    out = Console()
    table = Table(title=f"演示城市 {summary['as_of']} (种子 {summary['seed']})", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    verdicts = summary["verdicts"]
    for key, label in _COUNTS[:6]:
        table.add_row(label, f"{summary[key]:,}")
    table.add_row(
        "匹配结果",
        f"符合 {verdicts['eligible']:,}  待定 {verdicts['undetermined']:,}  "
        f"不符合 {verdicts['ineligible']:,}",
    )
    for key, label in _COUNTS[6:]:
        table.add_row(label, f"{summary[key]:,}")
    for key, label in _AMOUNTS:
        table.add_row(label, display(summary[key]))
    table.add_row("账是否平衡", _yes(summary["journal_balanced"]))
    table.add_row("账簿经 beancount 核验", _yes(summary["book_ok"]))
    out.print(table)
    planted = {(item["id"], item["class"]) for item in summary["breaks_planted"]}
    found = {(item["id"], item["class"]) for item in summary["breaks_found"]}
    out.print(
        f"埋设差异 {len(planted)} 处, 对账找出 {len(found)} 处, 完全一致: {_yes(planted == found)}"
    )
    for item in summary["breaks_open_why"]:
        out.print(f"  {item['class']:<16} {item['why']}", highlight=False)


def _yes(value: bool) -> str:  # noqa: FBT001 - one word for one truth
    return "是" if value else "否"
