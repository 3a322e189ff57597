"""Answers of finance and bank applied to applications: nothing lost, nothing twice.

Every line is kept with its effect. What cannot be applied (an unknown number, another amount, a
step that does not fit) opens a break and leaves the money where it was.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from ledger.answer_files import (
    STATE_WORDS,
    AnswerFile,
    AnswerKind,
    AnswerLine,
    read_answer,
    read_answer_file,
)
from ledger.applications import Application, ApplicationState, get_applications
from ledger.breaks import record_breaks
from ledger.bulk import chunks, insert_rows
from ledger.differences import Break, BreakClass, break_id
from ledger.errors import LedgerError
from ledger.iso20022 import read_pain002
from ledger.money import display
from ledger.steps import Event, Mark, mark_many
from ledger.tables import answer_imports, answer_lines, applications, package_lines, packages

__all__ = [
    "AnswerFile",
    "AnswerKind",
    "AnswerLine",
    "AnswerResult",
    "Effect",
    "apply_answers",
    "load_answers",
    "read_answer",
    "read_answer_file",
]


class Effect(StrEnum):
    """What became of an answer line."""

    APPLIED = "applied"
    REPLAYED = "replayed"
    DIFFERENCE = "difference"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerResult:
    """What an answer file did, by effect, with the breaks it opened."""

    import_id: int
    is_replay: bool
    applied: int
    replayed: int
    differences: int
    unknown: int
    breaks: tuple[str, ...]


_EVENTS = {
    AnswerKind.ACCEPTED: Event.ACCEPTED,
    AnswerKind.REJECTED: Event.REJECTED,
    AnswerKind.VOUCHER: Event.VOUCHER,
    AnswerKind.PAID: Event.PAID,
    AnswerKind.RETURNED: Event.RETURNED,
}
"""Also the order in which kinds are applied."""

_WORDS = {kind: word for word, kind in STATE_WORDS.items()}


def load_answers(path: Path) -> AnswerFile:
    """Read an answer file of either channel: pain.002 when it is XML, else the official columns.

    Raises:
        FileRefusedError: when it cannot be read whole.
    """
    if path.suffix.lower() != ".xml":
        return read_answer_file(path)
    content = path.read_bytes()
    return AnswerFile(
        file_name=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        lines=tuple(read_pain002(content)),
    )


def apply_answers(
    connection: Connection, answers: AnswerFile, *, at: datetime, by: str = "系统"
) -> AnswerResult:
    """Apply an answer file; the same file again, or the same line in another, changes nothing."""
    known = connection.execute(
        select(answer_imports.c.id).where(answer_imports.c.sha256 == answers.sha256)
    ).scalar()
    if known is not None:
        return AnswerResult(
            import_id=known,
            is_replay=True,
            applied=0,
            replayed=len(answers.lines),
            differences=0,
            unknown=0,
            breaks=(),
        )
    work = _Work(connection, answers.lines, at, by)
    work.run()
    import_id = _keep(connection, answers, work, at)
    fresh = [
        number
        for on in sorted({line.on for line, _ in work.found})
        for number in record_breaks(
            connection, [item for line, item in work.found if line.on == on], on=on, at=at
        )
    ]
    _close_packages(connection, {item.package_no for item in work.known.values()})
    count = Counter(work.effects.values())
    return AnswerResult(
        import_id=import_id,
        is_replay=False,
        applied=count[Effect.APPLIED],
        replayed=count[Effect.REPLAYED],
        differences=count[Effect.DIFFERENCE],
        unknown=count[Effect.UNKNOWN],
        breaks=tuple(fresh),
    )


class _Work:
    """The lines of one file on their way to effects and breaks."""

    def __init__(
        self, connection: Connection, lines: Sequence[AnswerLine], at: datetime, by: str
    ) -> None:
        self.connection = connection
        self.lines = lines
        self.at = at
        self.by = by
        self.effects: dict[int, Effect] = {}
        self.found: list[tuple[AnswerLine, Break]] = []
        self.known: dict[str, Application] = {}
        self.amounts: dict[int, int] = {}

    def run(self) -> None:
        """Sort out what is known and new, then apply kind by kind."""
        self._reload({line.application_no for line in self.lines})
        seen = _seen(self.connection, sorted(self.known) + self._unknown())
        fresh: list[AnswerLine] = []
        for line in self.lines:
            key = _identity(line)
            if key in seen:
                self.effects[line.line] = Effect.REPLAYED
                continue
            seen.add(key)
            if line.application_no not in self.known:
                self._unknown_line(line)
                continue
            fresh.append(line)
        for kind, event in _EVENTS.items():
            self._apply(event, [line for line in fresh if line.kind == kind])

    def _unknown(self) -> list[str]:
        return sorted({line.application_no for line in self.lines} - set(self.known))

    def _reload(self, numbers: Iterable[str]) -> None:
        for item in get_applications(self.connection, sorted(numbers)):
            self.known[item.application_no] = item

    def _unknown_line(self, line: AnswerLine) -> None:
        self.effects[line.line] = Effect.UNKNOWN
        self._break(
            line,
            BreakClass.MISSING_ORDER,
            line.amount_fen or 0,
            f"财政回告支付申请{line.application_no}{_WORDS[line.kind]}, 本系统没有这笔申请",
        )

    def _apply(self, event: Event, lines: Sequence[AnswerLine]) -> None:
        """Check each line against its application, and take the step for those that fit."""
        if not lines:
            return
        self._reload({line.application_no for line in lines})
        fitting = [line for line in lines if self._fits(line)]
        self._step(event, fitting)
        if event is Event.PAID:
            self._receipts([line for line in fitting if line.ref])

    def _fits(self, line: AnswerLine) -> bool:
        """Compare amount, allotment and year; say whether the step may be tried."""
        item = self.known[line.application_no]
        if line.kind in {AnswerKind.ACCEPTED, AnswerKind.REJECTED}:
            return True
        if line.allotment_no and line.allotment_no != item.allotment_no:
            self._break(
                line,
                BreakClass.WRONG_ALLOTMENT,
                item.amount_fen,
                f"申请{item.application_no}应列指标{item.allotment_no}, "
                f"财政列入{line.allotment_no}",
                item.allotment_no,
                line.allotment_no,
            )
        if line.kind == AnswerKind.RETURNED:
            return self._return_fits(line, item)
        told = item.amount_fen if line.amount_fen is None else line.amount_fen
        if told == item.amount_fen:
            return True
        self._break(
            line,
            BreakClass.AMOUNT,
            abs(told - item.amount_fen),
            f"申请{item.application_no}应付{display(item.amount_fen)}, 财政回告{display(told)}",
        )
        # Less than asked has truly been paid and is booked; more can never be.
        if 0 < told < item.amount_fen:
            return True
        self.effects[line.line] = Effect.DIFFERENCE
        return False

    def _return_fits(self, line: AnswerLine, item: Application) -> bool:
        standing = item.paid_fen - item.returned_fen
        told = standing if line.amount_fen is None else line.amount_fen
        is_same_year = item.paid_on is not None and item.paid_on.year == line.on.year
        if is_same_year and 0 < told <= standing:
            return True
        why = "超过已付金额" if is_same_year else "不在付款当年, 须按财政意见处理"
        self._break(
            line, BreakClass.RETURNED, told, f"申请{item.application_no}退汇{display(told)}: {why}"
        )
        self.effects[line.line] = Effect.DIFFERENCE
        return False

    def _step(self, event: Event, lines: Sequence[AnswerLine]) -> None:
        """Take the step for all at once; if refused, halve until the refused ones stand out."""
        if not lines:
            return
        try:
            with self.connection.begin_nested():
                result = mark_many(
                    self.connection, event, [self._mark(line) for line in lines], at=self.at
                )
        except LedgerError as error:
            if len(lines) == 1:
                self._refused(lines[0], str(error))
                return
            middle = len(lines) // 2
            self._step(event, lines[:middle])
            self._step(event, lines[middle:])
            return
        replayed = set(result.replayed) - set(result.done)
        for line in lines:
            is_replay = line.application_no in replayed
            self.effects[line.line] = Effect.REPLAYED if is_replay else Effect.APPLIED

    def _mark(self, line: AnswerLine) -> Mark:
        ref = {
            AnswerKind.ACCEPTED: line.package_no,
            AnswerKind.REJECTED: line.reason[:100],
            AnswerKind.VOUCHER: line.voucher_no,
        }.get(line.kind, line.ref or line.voucher_no)
        return Mark(
            application_no=line.application_no,
            on=line.on,
            ref=ref or f"{line.kind.value}-{line.on}",
            amount_fen=line.amount_fen if line.kind not in _WITHOUT_AMOUNT else None,
            by=self.by,
        )

    def _refused(self, line: AnswerLine, why: str) -> None:
        item = self.known[line.application_no]
        self.effects[line.line] = Effect.DIFFERENCE
        kind = BreakClass.RETURNED if line.kind == AnswerKind.RETURNED else BreakClass.MISSING_ORDER
        self._break(line, kind, line.amount_fen or item.amount_fen, why)

    def _receipts(self, lines: Sequence[AnswerLine]) -> None:
        """Note the receipts (回单) of what is now paid in full."""
        self._reload({line.application_no for line in lines})
        marks = [
            Mark(application_no=line.application_no, on=line.on, ref=line.ref, by=self.by)
            for line in lines
            if self.known[line.application_no].state == ApplicationState.PAID
        ]
        if marks:
            mark_many(self.connection, Event.RECEIPTED, marks, at=self.at)

    def _break(
        self, line: AnswerLine, kind: BreakClass, amount: int, message: str, *refs: str
    ) -> None:
        item = self.known.get(line.application_no)
        numbers = (line.application_no, line.voucher_no, *refs)
        self.found.append(
            (
                line,
                Break(
                    id=break_id(kind, line.application_no),
                    break_class=kind,
                    amount_fen=amount,
                    purse=item.purse if item else "",
                    refs=tuple(number for number in numbers if number),
                    message=message,
                ),
            )
        )


_WITHOUT_AMOUNT = {AnswerKind.ACCEPTED, AnswerKind.REJECTED}
_Identity = tuple[str, str, str, str]


def _identity(line: AnswerLine) -> _Identity:
    """Return what makes an answer the same answer in another file."""
    return (line.application_no, line.kind.value, line.voucher_no, line.ref)


def _seen(connection: Connection, numbers: Sequence[str]) -> set[_Identity]:
    found: set[_Identity] = set()
    for part in chunks(numbers):
        query = select(
            answer_lines.c.application_no,
            answer_lines.c.kind,
            answer_lines.c.voucher_no,
            answer_lines.c.ref,
        ).where(answer_lines.c.application_no.in_(part))
        found |= {(a, b, c, d) for a, b, c, d in connection.execute(query)}
    return found


def _keep(connection: Connection, answers: AnswerFile, work: _Work, at: datetime) -> int:
    """Store the file's lines with their effects."""
    lines = [replace(line, amount_fen=_amount(line, work)) for line in answers.lines]
    key = connection.execute(
        insert(answer_imports).values(
            file_name=answers.file_name,
            sha256=answers.sha256,
            kind="pain.002" if answers.file_name.endswith(".xml") else "answers",
            rows=len(lines),
            total_fen=sum(line.amount_fen or 0 for line in lines),
            imported_at=at,
        )
    ).inserted_primary_key
    assert key is not None
    insert_rows(
        connection,
        answer_lines,
        [
            {
                "import_id": key[0],
                "line": line.line,
                "kind": line.kind.value,
                "application_no": line.application_no,
                "tracking_id": line.tracking_id,
                "package_no": line.package_no,
                "voucher_no": line.voucher_no,
                "allotment_no": line.allotment_no,
                "amount_fen": line.amount_fen or 0,
                "on_date": line.on,
                "ref": line.ref,
                "reason": line.reason,
                "effect": work.effects[line.line].value,
            }
            for line in lines
        ],
    )
    return int(key[0])


def _amount(line: AnswerLine, work: _Work) -> int:
    """Return the amount an answer speaks of: its own, or all of the application."""
    if line.amount_fen is not None:
        return line.amount_fen
    item = work.known.get(line.application_no)
    return item.amount_fen if item and line.kind not in _WITHOUT_AMOUNT else 0


def _close_packages(connection: Connection, numbers: set[str | None]) -> None:
    """Mark packages answered in which no application waits for its first answer."""
    waiting = [
        ApplicationState.PACKAGED.value,
        ApplicationState.SENT.value,
        ApplicationState.SENT_UNKNOWN.value,
    ]
    for number in sorted(number for number in numbers if number):
        left = connection.execute(
            select(applications.c.application_no)
            .join(package_lines, package_lines.c.application_no == applications.c.application_no)
            .where(package_lines.c.package_no == number, applications.c.state.in_(waiting))
            .limit(1)
        ).first()
        if left is None:
            connection.execute(
                update(packages)
                .where(packages.c.package_no == number)
                .where(packages.c.state.in_(["sent", "sent_unknown"]))
                .values(state="answered")
            )
