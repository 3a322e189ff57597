"""The finance desk: allotments and plans, packages and answers, reconciliation, book, payables."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from starlette.responses import Response

from app import auth, installation
from app.roles import Role
from app.web import case_view, side
from app.web import finance_figures as figures
from app.web.access import Face
from app.web.page import page, see
from app.web.paging import PAGE_SIZE, paging
from app.web.visit import NotFoundError, Visit, reading_in, writing_in
from app.work import push
from app.work.book import close_book
from app.work.reconcile import reconcile, sign
from ledger.accounts import Book
from ledger.breaks import assign_break, close_break, explain_break
from ledger.budget import stages
from ledger.differences import LABELS, BreakClass
from ledger.packages import write_package

router = APIRouter(prefix="/finance", include_in_schema=False)
Reading = Annotated[Visit, Depends(reading_in(Face.FINANCE), scope="function")]
Writing = Annotated[Visit, Depends(writing_in(Face.FINANCE), scope="function")]

BOOK_CHECK = "book_check"
"""Under which fact of the installation the last independent check of the book is kept."""

PACKAGE_STATES = {
    "made": "待复核",
    "checked": "待签发",
    "released": "已签发",
    "sent": "已送出",
    "sent_unknown": "结果待查",
    "answered": "已回执",
    "cancelled": "已作废",
}
APPLICATION_STATES = {
    "reserved": "已预占",
    "packaged": "已组包",
    "sent": "已推送",
    "sent_unknown": "结果待查",
    "accepted": "财政已接收",
    "rejected": "财政退回",
    "voucher_issued": "已出凭证",
    "paid": "已支付",
    "receipted": "已回单",
    "returned": "已退汇",
    "cancelled": "已撤销",
    "held": "暂停",
}
ANSWERS = {
    "accepted": "接收",
    "rejected": "退回",
    "voucher": "支付凭证",
    "paid": "支付回单",
    "returned": "退汇",
}
EFFECTS = {
    "applied": "已入账",
    "replayed": "重复回执",
    "difference": "有差异",
    "unknown": "查无申请",
}
RULES = {
    "reference": "业务编号一致",
    "batch": "批次号与合计一致",
    "account-amount": "账户金额日期唯一",
    "by-hand": "人工勾对",
}
BOOKS = {Book.BUDGET: "预算指标账", Book.FINANCIAL: "财务会计", Book.BUDGETARY: "预算会计"}
CHANNELS = {
    "budget-system": "预算一体化直通",
    "bank-file": "银行报文",
    "fund": "基金渠道",
    "bank-mediated": "银行代办",
}


def outbox_of(visit: Visit) -> Path:
    """Return the folder from which finance and bank collect what we send."""
    home = visit.settings.home
    return (home / "demo" if visit.is_demo else home) / "exchange" / "out"


def show(visit: Visit, template: str, current: str, **context: Any) -> Response:
    """Render a page of this desk with its navigation."""
    return page(
        visit,
        f"finance/{template}.html",
        side=side.finance(
            to_push=figures.count_to_push(visit.connection),
            open_breaks=figures.count_open_breaks(visit.connection),
        ),
        current=current,
        purses=figures.purse_names(visit.connection),
        break_labels={kind.value: label for kind, label in LABELS.items()},
        application_states=APPLICATION_STATES,
        package_states=PACKAGE_STATES,
        channels=CHANNELS,
        **context,
    )


@router.get("")
def allotments(visit: Reading, purse: str = "") -> Response:
    """Show where the money of every allotment stands."""
    rows = stages(visit.connection, purse=purse or None)
    return show(
        visit,
        "allotments",
        "/finance",
        rows=rows,
        sums=figures.stage_sums(rows),
        purse=purse,
        waiting=figures.waiting_by_reason(visit.connection, purse),
    )


@router.get("/plans")
def plans(visit: Reading, purse: str = "") -> Response:
    """Show the monthly plans."""
    rows = figures.plan_rows(visit.connection, purse)
    return show(visit, "plans", "/finance/plans", rows=rows, purse=purse)


@router.get("/packages")
def packages(visit: Reading) -> Response:
    """Show what waits to be packed, and every package."""
    rows = figures.package_list(visit.connection)
    return show(
        visit,
        "packages",
        "/finance/packages",
        waiting=figures.to_push(visit.connection),
        states=figures.application_states(visit.connection),
        rows=rows,
        who=case_view.short_names(
            visit.connection,
            [name for row in rows for name in (row.made_by, row.checked_by, row.released_by)],
        ),
        may_make=visit.has(Role.FINANCE_MAKER),
    )


@router.post("/packages")
def make_package(visit: Writing, purse: Annotated[str, Form()]) -> Response:
    """Validate and pack the reserved applications of a purse."""
    try:
        made = push.prepare(
            visit.connection, purse=purse, by=visit.username, on=visit.today, at=visit.at
        )
    except push.NothingToPushError as error:
        # What was found on the way stays: claims held for a person to clear.
        return see(visit, "/finance/packages", str(error), "warning")
    stayed = len(made.held) + len(made.invalid)
    message = f"已组包 {made.package.count} 笔"
    if stayed:
        message += f"；{stayed} 项疑点或校验未通过的已留下待处理"
    return see(
        visit,
        f"/finance/packages/{made.package.package_no}",
        message,
        "warning" if stayed else "good",
    )


@router.get("/packages/{number}")
def package(visit: Reading, number: str) -> Response:
    """Show one package: content, people, answers, and the step that is next."""
    found = figures.package_row(visit.connection, number)
    if found is None:
        raise NotFoundError("推送包")
    turning = paging(visit.request, figures.count_package_lines(visit.connection, number))
    return show(
        visit,
        "package",
        "/finance/packages",
        package=found,
        lines=figures.package_content(
            visit.connection, number, offset=turning.offset, limit=PAGE_SIZE
        ),
        turning=turning,
        answers=figures.package_answers(visit.connection, number),
        answer_labels=ANSWERS,
        effect_labels=EFFECTS,
        step=next_step(visit, found),
        who=case_view.short_names(
            visit.connection, [found.made_by, found.checked_by, found.released_by]
        ),
    )


def next_step(visit: Visit, found: Any) -> tuple[str, str] | None:
    """Return the step (name, label) this person may take on a package now."""
    people = {found.made_by, found.checked_by, found.released_by}
    if found.state == "made" and visit.has(Role.FINANCE_CHECKER, purse=found.purse):
        return None if visit.username in people else ("check", "复核通过")
    if found.state == "checked" and visit.has(Role.FINANCE_RELEASER, purse=found.purse):
        return None if visit.username in people else ("release", "签发并送出")
    return None


@router.post("/packages/{number}/check")
def check_package(visit: Writing, number: str, digest: Annotated[str, Form()]) -> Response:
    """Check a package's exact content, as another person than its maker."""
    push.check(
        visit.connection,
        number,
        by=visit.username,
        on=visit.today,
        at=visit.at,
        digest=digest,
    )
    return see(visit, f"/finance/packages/{number}", "已复核，待签发")


@router.post("/packages/{number}/release")
def release_package(visit: Writing, number: str) -> Response:
    """Release a package, as a third person, and hand its files to the purse's channel.

    The files are written whole before the hand-over is recorded; their bytes depend on content
    alone, so that doing it again after a crash writes the same.
    """
    key = visit.settings.signing_key().encode()
    files = push.release(
        visit.connection, number, by=visit.username, on=visit.today, at=visit.at, key=key
    )
    found = figures.package_row(visit.connection, number)
    assert found is not None
    write_package(files, outbox_of(visit))
    push.sent(visit.connection, number, by=visit.username, on=visit.today, at=visit.at)
    return see(visit, f"/finance/packages/{number}", "已签发并送出")


@router.get("/payables")
def payables(visit: Reading) -> Response:
    """Show what is owed by receiver, with its age."""
    rows = figures.payables(visit.connection, visit.today)
    turning = paging(visit.request, len(rows))
    return show(
        visit,
        "payables",
        "/finance/payables",
        rows=rows[turning.offset : turning.offset + PAGE_SIZE],
        total_fen=sum(row.owed_fen for row in rows),
        aged=_aged(rows),
        turning=turning,
    )


def _aged(rows: list[figures.Payable]) -> list[tuple[str, int, int]]:
    bands = (
        (0, 30, "30 日以内"),
        (31, 60, "31-60 日"),
        (61, 90, "61-90 日"),
        (91, 9999, "90 日以上"),
    )
    return [
        (
            label,
            sum(low <= r.oldest_days <= high for r in rows),
            sum(r.owed_fen for r in rows if low <= r.oldest_days <= high),
        )
        for low, high, label in bands
    ]


@router.get("/days")
def days(visit: Reading) -> Response:
    """Show the days of reconciliation."""
    rows = figures.days(visit.connection)
    who = case_view.short_names(
        visit.connection, [name for row in rows for name in (row.matched_by, row.signed_by)]
    )
    return show(visit, "days", "/finance/days", rows=rows, who=who)


@router.get("/days/{on}")
def day(visit: Reading, on: date) -> Response:
    """Show one day: statements, matches by rule, breaks, sign-off."""
    found = figures.break_list(visit.connection, on=on, state="all")
    run = figures.day_run(visit.connection, on)
    signed = figures.day_sign_off(visit.connection, on)
    return show(
        visit,
        "day",
        "/finance/days",
        on=on,
        statements=figures.day_statements(visit.connection, on),
        rules=figures.day_rules(visit.connection, on),
        rule_labels=RULES,
        examples=figures.matched_lines(visit.connection, on, 20),
        breaks=found,
        run=run,
        sign_off=signed,
        who=case_view.short_names(
            visit.connection,
            [run.matched_by if run else None, signed.signed_by if signed else None],
        ),
        may_match=visit.has(Role.RECONCILER),
        may_sign=visit.has(Role.RECONCILE_SIGNER)
        and run is not None
        and run.matched_by != visit.username,
    )


@router.post("/days/{on}/match")
def match_day(visit: Writing, on: date) -> Response:
    """Run the matching of a day again; what was found before stays what it is."""
    result = reconcile(visit.connection, on=on, by=visit.username, at=visit.at)
    return see(
        visit,
        f"/finance/days/{on}",
        f"勾对完成：{len(result.breaks)} 项差异待处理，{result.receipted} 笔转为已到账",
    )


@router.post("/days/{on}/sign")
def sign_day(visit: Writing, on: date) -> Response:
    """Freeze a day, as another person than the one who matched."""
    sign(visit.connection, on=on, by=visit.username, at=visit.at)
    return see(visit, f"/finance/days/{on}", "已签核，当日合计与摘要已冻结")


@router.get("/breaks")
def break_list(visit: Reading, state: str = "open", kind: str = "") -> Response:
    """Show breaks by class, age and owner."""
    rows = figures.break_list(visit.connection, state=state, class_=kind)
    return show(
        visit,
        "breaks",
        "/finance/breaks",
        rows=rows,
        state=state,
        kind=kind,
        classes=Counter(row._mapping["class"] for row in rows),  # noqa: SLF001 - a column's name
        ages=figures.ages(rows, visit.today),
        kinds=[(k.value, LABELS[k]) for k in BreakClass],
    )


@router.get("/breaks/{identity:path}")
def one_break(visit: Reading, identity: str) -> Response:
    """Show one break with both sides."""
    found = figures.break_row(visit.connection, identity)
    if found is None:
        raise NotFoundError("差异")
    ours, theirs = figures.break_sides(visit.connection, found.refs)
    return show(
        visit,
        "break",
        "/finance/breaks",
        item=found,
        kind=found._mapping["class"],  # noqa: SLF001
        ours=ours,
        funds=[row for row in stages(visit.connection) if row.allotment_no in found.refs],
        theirs=theirs,
        may_close=visit.has(Role.RECONCILER),
    )


@router.post("/breaks/{identity:path}")
def settle_break(
    visit: Writing,
    identity: str,
    note: Annotated[str, Form(min_length=2, max_length=400)],
    action: Annotated[str, Form()] = "close",
) -> Response:
    """Take a break over, or close it with what was found out."""
    auth.require(visit.connection, visit.username, Role.RECONCILER, on=visit.today)
    where = f"/finance/breaks/{identity}"
    if action == "assign":
        assign_break(visit.connection, identity, owner=visit.username)
        explain_break(visit.connection, identity, by=visit.username, note=note)
        return see(visit, where, "已认领并记下说明")
    close_break(visit.connection, identity, by=visit.username, note=note, at=visit.at)
    return see(visit, where, "差异已销号")


@router.get("/book")
def book(visit: Reading, book: str = Book.BUDGET.value) -> Response:
    """Show periods, balances and what the independent check of the book said."""
    chosen = book if book in {b.value for b in BOOKS} else Book.BUDGET.value
    return show(
        visit,
        "book",
        "/finance/book",
        periods=figures.period_rows(visit.connection),
        rows=figures.account_rows(visit.connection, chosen),
        book=chosen,
        books={b.value: label for b, label in BOOKS.items()},
        check=installation.get(visit.connection, BOOK_CHECK),
        may_check=visit.has(Role.RECONCILER),
    )


@router.post("/book/check")
def check_period(
    visit: Writing, period: Annotated[str, Form(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
) -> Response:
    """Write a period's book and have the other program judge it; the result is kept."""
    auth.require(visit.connection, visit.username, Role.RECONCILER, on=visit.today)
    folder = visit.settings.home / "books" / period
    closed = close_book(visit.connection, period, folder, at=visit.at)
    kept = {
        "period": period,
        "ok": closed.ok,
        "entries": closed.check.entries,
        "accounts": len(closed.check.balances),
        "errors": list(closed.check.errors)[:20],
        "at": visit.at.isoformat(),
    }
    installation.put(visit.connection, BOOK_CHECK, kept)
    words = "独立核算一致" if closed.ok else "独立核算不一致，请看差错"
    return see(visit, "/finance/book", words, "good" if closed.ok else "bad")
