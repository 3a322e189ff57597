"""How the journal is written in the language of beancount: names, strings, directives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ledger.accounts import Book, Element
from ledger.money import yuan

_ROOTS: Mapping[Element, str] = {
    Element.ASSET: "Assets",
    Element.LIABILITY: "Liabilities",
    Element.EQUITY: "Equity",
    Element.INCOME: "Income",
    Element.EXPENSE: "Expenses",
}
_BOOKS: Mapping[Book, str] = {
    Book.BUDGET: "Budget",
    Book.FINANCIAL: "Financial",
    Book.BUDGETARY: "Budgetary",
    Book.SUSPENSE: "Suspense",
}
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLeg:
    """One leg in the names of the book."""

    debit: str
    credit: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookEntry:
    """One journal entry as the book shows it."""

    key: str
    kind: str
    booked_on: date
    narration: str
    legs: Sequence[BookLeg]
    claim_no: str | None = None
    application_no: str | None = None
    document_ref: str | None = None


def account_name(code: str, book: Book, element: Element) -> str:
    """Return a name beancount accepts, a different one for every code.

    ``2303:9133…`` becomes ``Liabilities:Financial:C2303:C9133…``; a component is letters and
    digits after a capital, so anything else in a code is written out by its number.
    """
    parts = [f"C{plain(part)}" for part in code.split(":")]
    return ":".join([_ROOTS[element], _BOOKS[book], *parts])


def plain(text: str) -> str:
    """Write a text in letters, digits and hyphens, reversibly: ``-`` doubled, others by number."""
    return "".join(
        char if char in _LETTERS else "--" if char == "-" else f"-u{ord(char):X}-" for char in text
    )


def quoted(text: str) -> str:
    """Write a string; line breaks become blanks."""
    flat = " ".join(text.splitlines())
    return '"' + flat.replace("\\", "\\\\").replace('"', '\\"') + '"'


def head(period: str) -> str:
    """Return the options of a book: exact to the fen, in yuan."""
    return (
        f'option "title" {quoted(f"惠企通账簿 {period}")}\n'
        'option "operating_currency" "CNY"\n'
        'option "tolerance_multiplier" "0"\n'
        "1970-01-01 commodity CNY\n"
    )


def opening(name: str, on: date, meta: Mapping[str, str]) -> str:
    """Return the directive that opens an account, its official code and name beside it."""
    lines = "".join(f"  {key}: {quoted(value)}\n" for key, value in meta.items())
    return f"{on.isoformat()} open {name} CNY\n{lines}"


def brought_forward(on: date, balances: Sequence[tuple[str, int]], title: str) -> str:
    """Return the entry that brings balances forward; amounts are debits less credits."""
    postings = "".join(f"  {name}  {yuan(amount)} CNY\n" for name, amount in balances)
    return f"{on.isoformat()} * {quoted(title)} #opening\n{postings}"


def entry(item: BookEntry) -> str:
    """Return one journal entry with links to its claim and application."""
    links = "".join(
        f" ^{word}-{plain(number)}"
        for word, number in (("claim", item.claim_no), ("application", item.application_no))
        if number
    )
    document = f"  document-ref: {quoted(item.document_ref)}\n" if item.document_ref else ""
    postings = "".join(
        f"  {leg.debit}  {yuan(leg.amount_fen)} CNY\n  {leg.credit}  {yuan(-leg.amount_fen)} CNY\n"
        for leg in item.legs
    )
    return (
        f"{item.booked_on.isoformat()} * {quoted(item.narration)} #{plain(item.kind)}{links}\n"
        f"  key: {quoted(item.key)}\n{document}{postings}"
    )


def assertion(name: str, on: date, amount: int) -> str:
    """Return the exact balance an account must have at the beginning of a day."""
    return f"{on.isoformat()} balance {name}  {yuan(amount)} CNY\n"
