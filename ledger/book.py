"""The book: a period of the journal as a beancount file, and its check by another program.

Balances brought forward, every entry of the period, and exact closing balances computed by SQL.
beancount runs as a program of its own and must come to the same balances to the fen. As beancount
takes a file that was cut off between two entries for a whole one, the file ends with its counts,
its total and the SHA-256 of all before.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from ledger import book_text
from ledger.accounts import Book, Element
from ledger.book_text import BookEntry, BookLeg
from ledger.errors import BookCheckFailedError
from ledger.journal import balances_at_end, period_of
from ledger.money import Fen, fen
from ledger.tables import accounts, journal, transfers

CHECK_SECONDS = 1_800
"""After this long a check counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFiles:
    """A written book: the file, and beside it the balances as SQL computed them."""

    period: str
    path: Path
    balances_path: Path
    entries: int
    legs: int
    total_fen: Fen
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookCheck:
    """What the other program found; ``balances`` are debits less credits by account name."""

    ok: bool
    errors: tuple[str, ...]
    balances: Mapping[str, Fen]
    equals_sql: bool
    entries: int


@dataclass(frozen=True, slots=True)
class _Shown:
    """An account as the book shows it."""

    id: int
    name: str
    sign: int
    book: str
    opened_on: date
    meta: Mapping[str, str]


def export_book(connection: Connection, period: str, folder: Path) -> BookFiles:
    """Write the book of a period (``YYYY-MM``) into a folder; same journal, same bytes."""
    first, after = period_days(period)
    before = period_of(first - timedelta(days=1))
    shown = _shown(connection)
    opening = balances_at_end(connection, before)
    closing = balances_at_end(connection, period)
    entries = list(_entries(connection, period, shown))
    used = {number for number, amount in (opening | closing).items() if amount}
    used |= {number for _, numbers in entries for number in numbers}
    listed = sorted((shown[number] for number in used), key=lambda item: item.name)

    text = [book_text.head(period)]
    text += [
        book_text.opening(
            item.name,
            min(item.opened_on, first) if opening.get(item.id) else item.opened_on,
            item.meta,
        )
        for item in listed
    ]
    text += _brought_forward(listed, opening, first)
    text += [book_text.entry(entry) for entry, _ in entries]
    balances = {item.name: item.sign * closing.get(item.id, 0) for item in listed}
    text += [book_text.assertion(name, after, amount) for name, amount in balances.items()]

    legs = [leg for entry, _ in entries for leg in entry.legs]
    total = sum(leg.amount_fen for leg in legs)
    body = "".join(text).encode()
    digest = hashlib.sha256(body).hexdigest()
    trailer = f"; entries {len(entries)}\n; legs {len(legs)}\n; total {total}\n; sha256 {digest}\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"book-{period}.beancount"
    _write(path, body + trailer.encode())
    balances_path = folder / f"book-{period}.json"
    told = {"period": period, "sha256": digest, "balances": balances}
    _write(balances_path, (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())
    return BookFiles(
        period=period,
        path=path,
        balances_path=balances_path,
        entries=len(entries),
        legs=len(legs),
        total_fen=Fen(total),
        sha256=digest,
    )


def check_book(folder: Path, *, connection: Connection | None = None) -> BookCheck:
    """Check every book in a folder by beancount, run as its own program.

    Its balances must equal those SQL gave when the book was written, and, with a connection, those
    SQL gives now.

    Raises:
        BookCheckFailedError: there is no book, or the program did not end properly.
    """
    paths = sorted(folder.glob("book-*.beancount"))
    if not paths:
        raise BookCheckFailedError(str(folder), "没有账簿文件")
    errors: list[str] = []
    balances: dict[str, Fen] = {}
    equal, entries = True, 0
    for path in paths:
        period = path.stem.removeprefix("book-")
        whole, count = _whole(path)
        if not whole:
            errors.append(f"{path.name}: 文件不完整或被改动, 与尾部校验行不符")
        told = _run(path)
        errors += [f"{path.name}:{error}" for error in told["errors"]]
        found = {name: fen(amount) for name, amount in told["balances"].items()}
        expected = json.loads(path.with_suffix(".json").read_text("utf-8"))["balances"]
        equal = equal and _same(found, expected)
        if connection is not None:
            equal = equal and _same(found, _sql_balances(connection, period))
        balances = found
        entries += count
    return BookCheck(
        ok=equal and not errors,
        errors=tuple(errors),
        balances=balances,
        equals_sql=equal,
        entries=entries,
    )


def period_days(period: str) -> tuple[date, date]:
    """Return the first day of a period and the first day after it."""
    first = date.fromisoformat(f"{period}-01")
    after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return first, after


def _shown(connection: Connection) -> dict[int, _Shown]:
    found: dict[int, _Shown] = {}
    for row in connection.execute(select(accounts)):
        book, element = Book(row.book), Element(row.meta.get("element", "equity"))
        found[row.id] = _Shown(
            id=row.id,
            name=book_text.account_name(row.code, book, element),
            sign=1 if row.normal == "D" else -1,
            book=row.book,
            opened_on=row.opened_on,
            meta={"code": row.code, "name-zh": row.name_zh, "book": row.book},
        )
    return found


def _entries(
    connection: Connection, period: str, shown: Mapping[int, _Shown]
) -> Iterator[tuple[BookEntry, set[int]]]:
    """Walk a period's entries by day and number, each with the accounts it touches."""
    query = (
        select(
            journal.c.id,
            journal.c.idempotency_key,
            journal.c.kind,
            journal.c.booked_on,
            journal.c.narration,
            journal.c.claim_no,
            journal.c.application_no,
            journal.c.document_ref,
            transfers.c.debit_account_id,
            transfers.c.credit_account_id,
            transfers.c.amount_fen,
        )
        .join(transfers, transfers.c.journal_id == journal.c.id)
        .where(journal.c.period == period)
        .order_by(journal.c.booked_on, journal.c.id, transfers.c.line)
    )
    current: Any = None
    legs: list[BookLeg] = []
    touched: set[int] = set()
    for row in connection.execute(query):
        if current is not None and row.id != current.id:
            yield _entry(current, legs), touched
            legs, touched = [], set()
        current = row
        debit, credit = row.debit_account_id, row.credit_account_id
        legs.append(
            BookLeg(debit=shown[debit].name, credit=shown[credit].name, amount_fen=row.amount_fen)
        )
        touched |= {debit, credit}
    if current is not None:
        yield _entry(current, legs), touched


def _entry(row: Any, legs: Sequence[BookLeg]) -> BookEntry:
    return BookEntry(
        key=row.idempotency_key,
        kind=row.kind,
        booked_on=row.booked_on,
        narration=row.narration,
        legs=tuple(legs),
        claim_no=row.claim_no,
        application_no=row.application_no,
        document_ref=row.document_ref,
    )


def _brought_forward(
    listed: Sequence[_Shown], opening: Mapping[int, int], first: date
) -> list[str]:
    """One entry per set of books; each balances by itself, as no leg crosses two."""
    text: list[str] = []
    for book in Book:
        balances = [
            (item.name, item.sign * opening[item.id])
            for item in listed
            if item.book == book.value and opening.get(item.id)
        ]
        if balances:
            text.append(book_text.brought_forward(first, balances, f"期初余额 {book.value}"))
    return text


def _sql_balances(connection: Connection, period: str) -> dict[str, int]:
    shown = _shown(connection)
    return {
        shown[number].name: shown[number].sign * amount
        for number, amount in balances_at_end(connection, period).items()
    }


def _same(found: Mapping[str, int], expected: Mapping[str, int]) -> bool:
    """Compare balances; an account that is not listed holds zero."""
    names = set(found) | set(expected)
    return all(found.get(name, 0) == expected.get(name, 0) for name in names)


def _whole(path: Path) -> tuple[bool, int]:
    """Hold a book against its last four lines; return whether it is whole and its entries."""
    content = path.read_bytes()
    *body, entries, _legs, _total, digest, end = content.rsplit(b"\n", 5)
    text = body[0] + b"\n" if body else b""
    if end or not digest.startswith(b"; sha256 ") or not entries.startswith(b"; entries "):
        return False, 0
    same = hashlib.sha256(text).hexdigest().encode() == digest.removeprefix(b"; sha256 ")
    return same, int(entries.removeprefix(b"; entries "))


def _run(path: Path) -> dict[str, Any]:
    """Run the checking program on one book, without its cache."""
    program = resources.files("ledger") / "beancount_program" / "check.py"
    with resources.as_file(program) as script:
        done = subprocess.run(
            [sys.executable, str(script), str(path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=CHECK_SECONDS,
            env={**os.environ, "BEANCOUNT_DISABLE_LOAD_CACHE": "1", "PYTHONIOENCODING": "utf-8"},
        )
    if done.returncode:
        raise BookCheckFailedError(path.name, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _write(path: Path, content: bytes) -> None:
    """Write whole or not at all."""
    draft = path.with_suffix(path.suffix + ".tmp")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
