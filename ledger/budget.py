"""The dated mirror of finance's budget: purses, allotments, their changes, monthly plans.

Finance owns the allotments; this is what its files said, posted to stage accounts so that what we
reserve can never exceed it. A cut is always taken in: what it takes beyond the unreserved rest
stands in the allotment's overdrawn account (超占) and opens a break, and until that is made good
nothing more can be reserved there. For every allotment
available + reserved + in transit + spent = appropriation + overdrawn.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ledger.accounts import Stage, open_accounts, stage_accounts, stage_code
from ledger.allotments import (
    ANY_PURPOSE,
    AllotmentStages,
    Availability,
    availability,
    set_purpose,
    stage_balances,
    stages,
)
from ledger.budget_files import (
    BudgetImport,
    ChangeKind,
    ChangeRow,
    PlanRow,
    read_budget_file,
)
from ledger.bulk import chunks, insert_rows
from ledger.errors import BudgetRefusedError
from ledger.findings import Finding
from ledger.funding import Funding, FundingPool, FundingState, find_funding, open_funding
from ledger.journal import Leg, Posting, period_of, post
from ledger.money import Fen, display
from ledger.purses import Channel, Purse, get_purse, open_purses
from ledger.reconcile import BreakClass, break_id
from ledger.tables import (
    allotment_changes,
    allotments,
    breaks,
    budget_imports,
    periods,
    plans,
    purses,
)

__all__ = [
    "AllotmentStages",
    "Availability",
    "BudgetImport",
    "BudgetImportResult",
    "ChangeKind",
    "ChangeRow",
    "Channel",
    "Funding",
    "FundingPool",
    "FundingState",
    "OverAllotment",
    "PlanRow",
    "Purse",
    "availability",
    "find_funding",
    "get_purse",
    "import_budget",
    "open_funding",
    "open_purses",
    "read_budget_file",
    "set_purpose",
    "stages",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverAllotment:
    """A cut that took more than the unreserved rest."""

    allotment_no: str
    overdrawn_fen: Fen
    break_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetImportResult:
    """What an import did; ``repeated`` says the same file was there and nothing changed."""

    import_id: int
    repeated: bool
    changes: int = 0
    known_changes: int = 0
    """Rows that an earlier file had delivered."""
    plans: int = 0
    total_fen: int = 0
    over: tuple[OverAllotment, ...] = ()


def import_budget(
    connection: Connection, budget: BudgetImport, *, at: datetime, by: str | None = None
) -> BudgetImportResult:
    """Take in a budget file: the same file, or the same row in another file, changes nothing.

    Changes are booked on their effective day, or on the file's day when that month is closed.

    Raises:
        BudgetRefusedError: rows that cannot be applied (unknown purse, unknown allotment, a cut
            below zero in all); nothing was kept.
    """
    known = connection.scalar(
        select(budget_imports.c.id).where(budget_imports.c.sha256 == budget.sha256)
    )
    if known is not None:
        return BudgetImportResult(import_id=known, repeated=True)
    fresh = _fresh_changes(connection, budget)
    targets = _targets(connection, budget, [change for change, _ in fresh])
    import_id = _keep_import(connection, budget, at, by)
    _keep_allotments(connection, targets.values(), budget.as_of)
    over = _post_changes(connection, budget, fresh, import_id, at)
    _keep_plans(connection, budget.plans, import_id)
    return BudgetImportResult(
        import_id=import_id,
        repeated=False,
        changes=len(fresh),
        known_changes=len(budget.changes) - len(fresh),
        plans=len(budget.plans),
        total_fen=budget.total_fen,
        over=tuple(over),
    )


def _fresh_changes(connection: Connection, budget: BudgetImport) -> list[tuple[ChangeRow, str]]:
    """Return the changes no earlier file delivered, with their identity, in order of effect."""
    keyed = change_keys(budget)
    known: set[str] = set()
    for part in chunks([key for _, key in keyed]):
        query = select(allotment_changes.c.change_key)
        known |= set(connection.scalars(query.where(allotment_changes.c.change_key.in_(part))))
    fresh = [(change, key) for change, key in keyed if key not in known]
    return sorted(
        fresh, key=lambda item: (item[0].effective_on, not item[0].kind.adds, item[0].row)
    )


def change_keys(budget: BudgetImport) -> list[tuple[ChangeRow, str]]:
    """Return each change of a file with its identity, whatever file delivers it.

    Two rows that look alike in one file are two changes; the same two in a later export are
    known.
    """
    seen: Counter[str] = Counter()
    keyed: list[tuple[ChangeRow, str]] = []
    for change in budget.changes:
        said = json.dumps(
            [
                change.allotment_no,
                change.kind.value,
                change.doc_no,
                change.effective_on.isoformat(),
                change.amount_fen,
            ],
            ensure_ascii=False,
        )
        seen[said] += 1
        keyed.append((change, hashlib.sha256(f"{said}#{seen[said]}".encode()).hexdigest()))
    return keyed


def over_allotment_id(allotment_no: str, change_key: str) -> str:
    """Return the id of the break a cut makes: an allotment may be cut too far twice."""
    return break_id(BreakClass.OVER_ALLOTMENT, f"{allotment_no}/{change_key[:12]}")


def _targets(
    connection: Connection, budget: BudgetImport, fresh: Sequence[ChangeRow]
) -> dict[str, dict[str, Any]]:
    """Return the allotment rows as they will stand, or refuse the file with all that is wrong."""
    known = {
        row["allotment_no"]: dict(row) for row in connection.execute(select(allotments)).mappings()
    }
    payers = list(connection.execute(select(purses)))
    by_code = {row.code for row in payers}
    by_division = {(row.division_code, row.fund_type): row.code for row in payers}
    targets: dict[str, dict[str, Any]] = {}
    odd: list[Finding] = []
    for change in fresh:
        no = change.allotment_no
        purse = change.purse or by_division.get((change.division_code, change.fund_type_code), "")
        if no not in known and not change.kind.adds:
            odd.append(_odd(budget, change.row, f"指标 {no} 未曾下达, 不能{change.kind.value}"))
            continue
        if no not in known and purse not in by_code:
            place = change.purse or f"{change.division_code}/{change.fund_type_code}"
            odd.append(_odd(budget, change.row, f"指标 {no} 的资金账套 {place} 不存在"))
            continue
        row = targets.get(no) or known.get(no) or _new_allotment(change, purse)
        if change.purse and change.purse != row["purse"]:
            message = f"指标 {no} 属资金账套 {row['purse']}, 文件写 {change.purse}"
            odd.append(_odd(budget, change.row, message))
            continue
        known[no] = targets[no] = _changed(row, change)
        if known[no]["amount_fen"] < 0:
            short = display(-known[no]["amount_fen"])
            odd.append(_odd(budget, change.row, f"指标 {no} 减后为负, 差 {short}"))
    odd += [
        _odd(budget, plan.row, f"用款计划 {plan.plan_voucher_no} 的指标 {plan.allotment_no} 不存在")
        for plan in budget.plans
        if plan.allotment_no not in known
    ]
    if odd or not (budget.changes or budget.plans):
        raise BudgetRefusedError(budget.file_name, odd)
    return dict(sorted(targets.items()))


def _odd(budget: BudgetImport, row: int, message: str) -> Finding:
    return Finding(
        code="budget-row",
        message=f"{budget.file_name} 第{row}行: {message}",
        where=f"{budget.file_name}#{row}",
    )


def _new_allotment(change: ChangeRow, purse: str) -> dict[str, Any]:
    return {
        "allotment_no": change.allotment_no,
        "purse": purse,
        "amount_fen": 0,
        "purpose": [ANY_PURPOSE],
        "priority": 100,
    }


def _changed(row: Mapping[str, Any], change: ChangeRow) -> dict[str, Any]:
    facts = {
        name: getattr(change, name)
        for name in (
            "fiscal_year",
            "agency_code",
            "agency_name",
            "project_code",
            "project_name",
            "exp_func_code",
            "gov_bgt_eco_code",
            "dep_bgt_eco_code",
            "fund_type_code",
            "is_direct",
        )
    }
    signed = change.amount_fen if change.kind.adds else -change.amount_fen
    said = {"purpose": sorted(change.purpose)} if change.purpose else {}
    ordered = {} if change.priority is None else {"priority": change.priority}
    first = {} if row.get("doc_no") else {"doc_no": change.doc_no}
    return {**row, **facts, **said, **ordered, **first, "amount_fen": row["amount_fen"] + signed}


def _keep_import(connection: Connection, budget: BudgetImport, at: datetime, by: str | None) -> int:
    kind = "mixed" if budget.changes and budget.plans else "plans" if budget.plans else "allotments"
    made = connection.execute(
        insert(budget_imports)
        .values(
            file_name=budget.file_name,
            sha256=budget.sha256,
            kind=kind,
            as_of=budget.as_of,
            rows=len(budget.changes) + len(budget.plans),
            total_fen=budget.total_fen,
            imported_at=at,
            imported_by=by,
        )
        .returning(budget_imports.c.id)
    )
    return int(made.scalar_one())


def _keep_allotments(
    connection: Connection, rows: Iterable[Mapping[str, Any]], as_of: date
) -> None:
    for row in rows:
        values = {**row, "as_of": max(as_of, row.get("as_of", as_of))}
        key = allotments.c.allotment_no == row["allotment_no"]
        if not connection.execute(update(allotments).where(key).values(values)).rowcount:
            connection.execute(insert(allotments).values(values))


def _post_changes(
    connection: Connection,
    budget: BudgetImport,
    fresh: Sequence[tuple[ChangeRow, str]],
    import_id: int,
    at: datetime,
) -> list[OverAllotment]:
    """Post every change against the locked balances, and keep it with what it took too much."""
    if not fresh:
        return []
    opened: dict[str, date] = {}
    for change, _ in fresh:
        earliest = min(change.effective_on, opened.get(change.allotment_no, change.effective_on))
        opened[change.allotment_no] = earliest
    numbers = sorted(opened)
    open_accounts(connection, [item for no in numbers for item in stage_accounts(no, opened[no])])
    held = stage_balances(connection, numbers, lock=True)
    closed = set(
        connection.scalars(select(periods.c.period).where(periods.c.closed_at.is_not(None)))
    )
    postings: list[Posting] = []
    kept: list[dict[str, Any]] = []
    for change, key in fresh:
        legs, too_much = _change_legs(change, held[change.allotment_no])
        late = period_of(change.effective_on) in closed
        postings.append(
            Posting(
                key=f"budget:{key}",
                kind="budget",
                booked_on=budget.as_of if late else change.effective_on,
                narration=f"{change.kind.value} {change.allotment_no} {change.doc_no}",
                legs=legs,
                document_ref=change.doc_no,
            )
        )
        kept.append(
            {
                "change_key": key,
                "allotment_no": change.allotment_no,
                "kind": change.kind.value,
                "amount_fen": change.amount_fen,
                "doc_no": change.doc_no,
                "effective_on": change.effective_on,
                "import_id": import_id,
                "overdrawn_fen": too_much,
                "journal_key": f"budget:{key}",
            }
        )
    post(connection, postings, at=at)
    insert_rows(connection, allotment_changes, kept)
    return _open_breaks(connection, budget, kept, at)


def _change_legs(change: ChangeRow, held: dict[Stage, int]) -> tuple[tuple[Leg, ...], int]:
    """Return a change's legs and what it overdrew, and move the running balances."""
    no, amount = change.allotment_no, int(change.amount_fen)
    source = stage_code(no, Stage.APPROPRIATION)
    near = stage_code(no, Stage.AVAILABLE)
    over = stage_code(no, Stage.OVERDRAWN)
    if change.kind.adds:
        made_good = min(held[Stage.OVERDRAWN], amount)
        rest = amount - made_good
        parts = ((over, source, made_good), (near, source, rest))
        held[Stage.OVERDRAWN] -= made_good
        held[Stage.AVAILABLE] += rest
        too_much = 0
    else:
        free = min(held[Stage.AVAILABLE], amount)
        too_much = amount - free
        parts = ((source, near, free), (source, over, too_much))
        held[Stage.AVAILABLE] -= free
        held[Stage.OVERDRAWN] += too_much
    legs = tuple(Leg(debit=d, credit=c, amount_fen=a) for d, c, a in parts if a)
    return legs, too_much


def _open_breaks(
    connection: Connection,
    budget: BudgetImport,
    kept: Sequence[Mapping[str, Any]],
    at: datetime,
) -> list[OverAllotment]:
    """Open one break for each cut that overdrew its allotment."""
    found: list[OverAllotment] = []
    for row in kept:
        if not row["overdrawn_fen"]:
            continue
        no = row["allotment_no"]
        identity = over_allotment_id(no, row["change_key"])
        amount = Fen(row["overdrawn_fen"])
        purse = connection.scalar(select(allotments.c.purse).where(allotments.c.allotment_no == no))
        connection.execute(
            insert(breaks).values(
                {
                    "id": identity,
                    "found_on": budget.as_of,
                    "class": BreakClass.OVER_ALLOTMENT.value,
                    "amount_fen": amount,
                    "refs": [no, row["doc_no"]],
                    "purse": purse,
                    "state": "open",
                    "note": f"{row['kind']}文号 {row['doc_no']}, 超出未预占部分 {display(amount)}",
                    "found_at": at,
                }
            )
        )
        found.append(OverAllotment(allotment_no=no, overdrawn_fen=amount, break_id=identity))
    return found


def _keep_plans(connection: Connection, rows: Sequence[PlanRow], import_id: int) -> None:
    """Keep plans by voucher number; a later file's amount replaces the earlier one."""
    for row in rows:
        values = {
            "allotment_no": row.allotment_no,
            "plan_month": row.plan_month,
            "plan_amt_fen": row.plan_amt_fen,
            "use_desc": row.use_desc,
            "import_id": import_id,
        }
        key = plans.c.plan_voucher_no == row.plan_voucher_no
        if not connection.execute(update(plans).where(key).values(values)).rowcount:
            values["plan_voucher_no"] = row.plan_voucher_no
            connection.execute(insert(plans).values(values))
