"""Verification: any stored amount that was altered after the fact is found.

Three things stand against a change: each row's own digest, sums that must agree across tables, and
the chain of seals. Everything is recomputed from the rows; cached figures are only compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection, func, select

from ledger.accounts import Stage, stage_code
from ledger.applications import content_digest
from ledger.findings import Finding
from ledger.journal import Leg, Posting, content_hash, period_of
from ledger.money import display
from ledger.reconcile import Direction
from ledger.seals import (
    GENESIS,
    SealItem,
    chain_head,
    chained,
    digest_of,
    seal,
    seal_new,
    statement_digest,
)
from ledger.statement_files import StatementLine, line_digest
from ledger.tables import (
    accounts,
    allotment_changes,
    allotments,
    application_events,
    applications,
    journal,
    package_lines,
    packages,
    period_balances,
    periods,
    seals,
    statement_lines,
    statements,
    transfers,
)

__all__ = [
    "AuditReport",
    "SealItem",
    "chain_head",
    "digest_of",
    "seal",
    "seal_new",
    "verify",
]

_ADDING = ("下达", "追加")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What verification found; no findings is ok."""

    ok: bool
    findings: tuple[Finding, ...]
    counts: tuple[tuple[str, int], ...]
    """How many rows of each kind were checked."""
    head: str
    """Hash of the last seal, to be compared with the one kept outside."""


@dataclass(slots=True)
class _Audit:
    """One run: the findings so far, and the digests recomputed from the rows."""

    connection: Connection
    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    digests: dict[tuple[str, str], str] = field(default_factory=dict)

    def odd(self, code: str, where: str, message: str) -> None:
        self.findings.append(Finding(code=code, where=where, message=message))

    def same(self, code: str, where: str, what: str, expected: int, found: int) -> None:
        if expected != found:
            told = f"{what}: 应为 {display(expected)}, 实为 {display(found)}"
            self.odd(code, where, told)


def verify(
    connection: Connection, *, known: Mapping[tuple[str, str], str] | None = None
) -> AuditReport:
    """Recompute everything from the rows and report whatever does not agree.

    ``known`` gives digests recomputed by others for kinds they sealed themselves (approvals), by
    kind and subject.
    """
    audit = _Audit(connection)
    audit.digests |= known or {}
    checks: tuple[Callable[[_Audit], None], ...] = (
        _journal, _balances, _closings, _allotments, _applications, _packages, _statements, _seals,
    )  # fmt: skip
    for check in checks:
        check(audit)
    return AuditReport(
        ok=not audit.findings,
        findings=tuple(audit.findings),
        counts=tuple(sorted(audit.counts.items())),
        head=chain_head(connection),
    )


def _journal(audit: _Audit) -> None:
    """Every entry's hash, recomputed from its header and legs; its period; its book."""
    audit.counts["journal"] = 0
    for row, legs in _entries(audit.connection):
        audit.counts["journal"] += 1
        key = row.idempotency_key
        posting = Posting(
            key=key,
            kind=row.kind,
            booked_on=row.booked_on,
            narration=row.narration,
            legs=legs,
            claim_no=row.claim_no,
            application_no=row.application_no,
            document_ref=row.document_ref,
            reverses_key=row.reverses_key,
        )
        digest = content_hash(posting)
        audit.digests["journal", key] = digest
        if digest != row.request_hash:
            audit.odd("journal-hash", key, f"分录 {key} 的内容与记账时的摘要不符")
        if row.period != period_of(row.booked_on):
            audit.odd("journal-period", key, f"分录 {key} 的期间 {row.period} 与日期不符")


def _entries(connection: Connection) -> Iterator[tuple[_Header, tuple[Leg, ...]]]:
    """Walk the journal and the transfers side by side, both by entry."""
    codes = dict(connection.execute(select(accounts.c.id, accounts.c.code)).all())
    original = journal.alias("original")
    headers = connection.execute(
        select(journal, original.c.idempotency_key.label("reverses_key"))
        .join(original, original.c.id == journal.c.reverses_id, isouter=True)
        .order_by(journal.c.id)
    )
    legs: dict[int, list[Leg]] = defaultdict(list)
    lines = select(transfers).order_by(transfers.c.journal_id, transfers.c.line)
    for row in connection.execute(lines):
        legs[row.journal_id].append(
            Leg(
                debit=codes[row.debit_account_id],
                credit=codes[row.credit_account_id],
                amount_fen=row.amount_fen,
            )
        )
    for row in headers:
        yield (
            _Header(
                row.idempotency_key,
                row.request_hash,
                row.kind,
                row.booked_on,
                row.period,
                row.narration,
                row.claim_no,
                row.application_no,
                row.document_ref,
                row.reverses_key,
            ),
            tuple(legs.pop(row.id, ())),
        )


@dataclass(frozen=True, slots=True)
class _Header:
    """A journal header as the audit reads it."""

    idempotency_key: str
    request_hash: str
    kind: str
    booked_on: date
    period: str
    narration: str
    claim_no: str | None
    application_no: str | None
    document_ref: str | None
    reverses_key: str | None


def _balances(audit: _Audit) -> None:
    """Every cached balance is the sum of its transfers and keeps its floor."""
    sums = _sums(audit.connection)
    rows = list(audit.connection.execute(select(accounts).order_by(accounts.c.code)))
    audit.counts["account"] = len(rows)
    for row in rows:
        debit, credit = sums.get(row.id, (0, 0))
        expected = debit - credit if row.normal == "D" else credit - debit
        audit.same("balance", row.code, f"科目 {row.code} 余额", expected, row.balance_fen)
        if row.floor_fen is not None and expected < row.floor_fen:
            audit.odd("floor", row.code, f"科目 {row.code} 余额 {display(expected)} 低于下限")


def _sums(connection: Connection) -> dict[int, tuple[int, int]]:
    found: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for side, column in enumerate((transfers.c.debit_account_id, transfers.c.credit_account_id)):
        query = select(column, func.sum(transfers.c.amount_fen)).group_by(column)
        for account_id, amount in connection.execute(query):
            found[account_id][side] = int(amount)
    return {account_id: (debit, credit) for account_id, (debit, credit) in found.items()}


def _closings(audit: _Audit) -> None:
    """Balances kept at a closing are what the entries up to it come to."""
    closed = select(periods.c.period).where(periods.c.closed_at.is_not(None))
    closed = closed.order_by(periods.c.period)
    held: dict[tuple[str, int], int] = {
        (row.period, row.account_id): row.balance_fen
        for row in audit.connection.execute(select(period_balances))
    }
    normal = dict(audit.connection.execute(select(accounts.c.id, accounts.c.normal)).all())
    running: dict[int, int] = defaultdict(int)
    moved = _moves_by_period(audit.connection)
    names = sorted(moved)
    for period in audit.connection.scalars(closed):
        while names and names[0] <= period:
            for account_id, (debit, credit) in moved[names.pop(0)].items():
                sign = 1 if normal[account_id] == "D" else -1
                running[account_id] += sign * (debit - credit)
        for account_id in sorted(running):
            found = held.get((period, account_id), 0)
            where = f"{period}#{account_id}"
            audit.same("closing", where, f"{period} 期末余额", running[account_id], found)


def _moves_by_period(connection: Connection) -> dict[str, dict[int, list[int]]]:
    found: dict[str, dict[int, list[int]]] = {}
    for side, column in enumerate((transfers.c.debit_account_id, transfers.c.credit_account_id)):
        query = (
            select(journal.c.period, column, func.sum(transfers.c.amount_fen))
            .join(journal, journal.c.id == transfers.c.journal_id)
            .group_by(journal.c.period, column)
        )
        for period, account_id, amount in connection.execute(query):
            found.setdefault(period, {}).setdefault(account_id, [0, 0])[side] = int(amount)
    return found


def _allotments(audit: _Audit) -> None:
    """Totals are the sum of changes; the stages of an allotment add up."""
    changes: dict[str, int] = defaultdict(int)
    for row in audit.connection.execute(select(allotment_changes)):
        sign = 1 if row.kind in _ADDING else -1
        changes[row.allotment_no] += sign * row.amount_fen
    held = dict(audit.connection.execute(select(accounts.c.code, accounts.c.balance_fen)).all())
    rows = list(audit.connection.execute(select(allotments).order_by(allotments.c.allotment_no)))
    audit.counts["allotment"] = len(rows)
    for row in rows:
        no = row.allotment_no
        stage = {name: held.get(stage_code(no, name), 0) for name in Stage}
        audit.same("allotment", no, f"指标 {no} 金额与变动之和", changes[no], row.amount_fen)
        audit.same("allotment", no, f"指标 {no} 来源", row.amount_fen, stage[Stage.APPROPRIATION])
        given = stage[Stage.APPROPRIATION] + stage[Stage.OVERDRAWN]
        used = sum(
            stage[name] for name in (Stage.AVAILABLE, Stage.RESERVED, Stage.IN_TRANSIT, Stage.SPENT)
        )
        audit.same("allotment", no, f"指标 {no} 各阶段合计", given, used)


def _applications(audit: _Audit) -> None:
    """Contents keep their digest; stage amounts are the sums of transfers and of events."""
    moved = _moved_by_application(audit.connection)
    told = _told_by_application(audit.connection)
    query = select(applications).order_by(applications.c.application_no)
    rows = [dict(row) for row in audit.connection.execute(query).mappings()]
    audit.counts["application"] = len(rows)
    for row in rows:
        no = row["application_no"]
        digest = content_digest(row)
        audit.digests["application", no] = digest
        if digest != row["content_digest"]:
            audit.odd("application-digest", no, f"支付申请 {no} 的内容与编制时的摘要不符")
        events = told.get(no, {})
        prior = events.get("returned_prior", 0)
        paid, returned = events.get("paid", 0), events.get("returned", 0) + prior
        audit.same("application-paid", no, f"支付申请 {no} 已付", paid, row["paid_fen"])
        audit.same("application-returned", no, f"支付申请 {no} 已退", returned, row["returned_fen"])
        stage = moved.get(no, {})
        expected = (
            ("预占", stage.get("reserved", 0), row["reserved_fen"]),
            ("在途", stage.get("in_transit", 0), row["in_transit_fen"]),
            ("净支付", stage.get("spent", 0), row["paid_fen"] - row["returned_fen"] + prior),
        )
        for word, wanted, found in expected:
            audit.same("application-stage", no, f"支付申请 {no} {word}", wanted, found)
        if row["paid_fen"] - row["returned_fen"] > row["approved_fen"]:
            audit.odd("application-over", no, f"支付申请 {no} 支付超过审定金额")


def _moved_by_application(connection: Connection) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for sign, column in ((1, transfers.c.debit_account_id), (-1, transfers.c.credit_account_id)):
        query = (
            select(journal.c.application_no, accounts.c.code, func.sum(transfers.c.amount_fen))
            .join(journal, journal.c.id == transfers.c.journal_id)
            .join(accounts, accounts.c.id == column)
            .where(journal.c.application_no.is_not(None), accounts.c.book == "budget")
            .group_by(journal.c.application_no, accounts.c.code)
        )
        for number, code, amount in connection.execute(query):
            found[number][code.rsplit(":", 1)[1]] += sign * int(amount)
    return found


def _told_by_application(connection: Connection) -> dict[str, dict[str, int]]:
    table = application_events
    query = select(table.c.application_no, table.c.event, func.sum(table.c.amount_fen)).group_by(
        table.c.application_no, table.c.event
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for number, event, amount in connection.execute(query):
        found[number][event] = int(amount)
    return found


def _packages(audit: _Audit) -> None:
    """A package's control totals are those of its lines, and a line's amount its application's."""
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    query = (
        select(package_lines, applications.c.amount_fen.label("applied_fen"))
        .join(applications, applications.c.application_no == package_lines.c.application_no)
        .order_by(package_lines.c.package_no, package_lines.c.line)
    )
    for line in audit.connection.execute(query):
        totals[line.package_no][0] += 1
        totals[line.package_no][1] += line.amount_fen
        where = f"{line.package_no}#{line.line}"
        audit.same("package-line", where, f"推送包 {where} 金额", line.applied_fen, line.amount_fen)
    rows = audit.connection.execute(select(packages).order_by(packages.c.package_no)).mappings()
    audit.counts["package"] = 0
    for row in rows:
        audit.counts["package"] += 1
        no = row["package_no"]
        audit.digests["package", no] = row["digest"]
        lines, total = totals[no]
        audit.same("package", no, f"推送包 {no} 总额", total, row["total_fen"])
        if lines != row["count"]:
            audit.odd("package", no, f"推送包 {no} 笔数: 应为 {lines}, 实为 {row['count']}")


def _statements(audit: _Audit) -> None:
    """Opening plus lines is closing, and every line keeps its digest."""
    heads = {
        row.id: row
        for row in audit.connection.execute(select(statements).order_by(statements.c.id))
    }
    net: dict[int, int] = defaultdict(int)
    query = select(statement_lines).order_by(statement_lines.c.statement_id, statement_lines.c.line)
    audit.counts["statement_line"] = 0
    for row in audit.connection.execute(query):
        audit.counts["statement_line"] += 1
        head = heads[row.statement_id]
        net[head.id] += row.amount_fen if row.direction == "C" else -row.amount_fen
        line = StatementLine(
            line=row.line,
            booked_on=row.booked_on,
            direction=Direction(row.direction),
            amount_fen=row.amount_fen,
            ref=row.ref,
            counter_account=row.counter_account,
            counter_name=row.counter_name,
            bank_serial=row.bank_serial,
            narration=row.narration,
        )
        digest = line_digest(head.account_no, head.statement_no, line)
        audit.digests["statement_line", str(row.id)] = digest
        if digest != row.line_digest:
            where = f"{head.statement_no}#{row.line}"
            audit.odd("statement-line", where, f"对账单 {where} 行内容与导入时的摘要不符")
    for head in heads.values():
        audit.digests["statement", str(head.id)] = statement_digest(head)
        closing = head.opening_fen + net[head.id]
        what = f"对账单 {head.statement_no} 期末余额"
        audit.same("statement", head.statement_no, what, closing, head.closing_fen)


def _seals(audit: _Audit) -> None:
    """The chain has no gap, every hash follows from the one before, and digests still hold."""
    previous, expected = GENESIS, 0
    latest: dict[tuple[str, str], str] = {}
    checked = {kind for kind, _ in audit.digests}
    for row in audit.connection.execute(select(seals).order_by(seals.c.seq)):
        expected += 1
        where = f"seal#{row.seq}"
        if row.seq != expected or row.prev_hash != previous:
            audit.odd("seal-chain", where, f"封存链在第 {row.seq} 条断开")
        current = chained(row.prev_hash, row.seq, row.kind, row.subject, row.digest, row.at)
        if current != row.hash:
            audit.odd("seal-hash", where, f"封存链第 {row.seq} 条内容被改动")
        previous, expected = row.hash, row.seq
        latest[row.kind, row.subject] = row.digest
    audit.counts["seal"] = expected
    for (kind, subject), digest in sorted(latest.items()):
        found = audit.digests.get((kind, subject))
        if found != digest and (found is not None or kind in checked or kind in _OWN):
            message = (
                f"{kind} {subject} 与封存时不符" if found else f"{kind} {subject} 封存后被删除"
            )
            audit.odd("sealed", f"{kind}:{subject}", message)


_OWN = {"journal", "application", "package", "statement", "statement_line"}
"""Kinds whose digests this module recomputes itself."""
