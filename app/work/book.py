"""The book of a period: rendered from the journal and judged by beancount as its own program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from ledger.accounts import Stage, balances, load_chart
from ledger.book import BookCheck, BookFiles, check_book, export_book
from ledger.book_text import account_name
from ledger.seals import seal_new


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedBook:
    """A period's book: the files, what beancount says, and spent money in both."""

    files: BookFiles
    check: BookCheck
    spent_fen_ledger: int
    spent_fen_book: int

    @property
    def ok(self) -> bool:
        """Whether beancount found no error and agrees with SQL to the fen."""
        return self.check.ok and self.spent_fen_ledger == self.spent_fen_book


def close_book(connection: Connection, period: str, folder: Path, *, at: datetime) -> ClosedBook:
    """Write the book of a period (``YYYY-MM``), have it checked, and seal what is new."""
    seal_new(connection, at=at)
    files = export_book(connection, period, folder)
    result = check_book(folder, connection=connection)
    suffix = f":{Stage.SPENT.value}"
    spent = [item for item in balances(connection, prefix="B:") if item.code.endswith(suffix)]
    element = load_chart("budget").accounts[Stage.SPENT.value].element
    names = {account_name(item.code, item.book, element) for item in spent}
    return ClosedBook(
        files=files,
        check=result,
        spent_fen_ledger=sum(item.balance_fen for item in spent),
        spent_fen_book=sum(amount for name, amount in result.balances.items() if name in names),
    )
