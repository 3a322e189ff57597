"""The journal: immutable transfers under headers with unique keys; balances that keep their floor.

Every entry is one or more legs, each with one debit account, one credit account and a positive
amount, so that nothing can be posted out of balance. A key is posted once: the same content again
is a replay and changes nothing, other content is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, select, text, update

from ledger.accounts import (
    AccountBalance,
    add_to_balances,
    balance,
    balances,
    locked_accounts,
    move_opening,
    open_accounts,
)
from ledger.bulk import chunks, insert_rows
from ledger.errors import (
    AlreadyReversedError,
    FloorBreachedError,
    KeyReusedError,
    MixedBooksError,
    PeriodClosedError,
    PeriodOrderError,
    UnknownAccountError,
    UnknownEntryError,
)
from ledger.money import FEN_LIMIT
from ledger.tables import accounts, journal, period_balances, periods, transfers

__all__ = [
    "AccountBalance",
    "Leg",
    "PostResult",
    "Posting",
    "balance",
    "balances",
    "close_period",
    "open_accounts",
    "period_of",
    "post",
    "posted_keys",
    "reverse",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One transfer: account codes and a positive amount in fen."""

    debit: str
    credit: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One journal entry to be posted under its idempotency key."""

    key: str
    kind: str
    booked_on: date
    narration: str
    legs: tuple[Leg, ...]
    claim_no: str | None = None
    application_no: str | None = None
    document_ref: str | None = None
    reverses_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostResult:
    """What a batch did: keys newly posted, keys that were there with the same content."""

    posted: tuple[str, ...]
    replayed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """An account as the journal needs it."""

    id: int
    code: str
    book: str
    normal: str
    opened_on: date


def period_of(day: date) -> str:
    """Return the accounting period of a day, ``YYYY-MM``."""
    return f"{day.year:04d}-{day.month:02d}"


def content_hash(posting: Posting) -> str:
    """Return the SHA-256 of everything a posting says."""
    content = [
        posting.key,
        posting.kind,
        posting.booked_on.isoformat(),
        posting.narration,
        posting.claim_no,
        posting.application_no,
        posting.document_ref,
        posting.reverses_key,
        [[leg.debit, leg.credit, leg.amount_fen] for leg in posting.legs],
    ]
    written = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def post(connection: Connection, postings: Sequence[Posting], *, at: datetime) -> PostResult:
    """Post a batch, all of it or none.

    Balances change once per account, by the net of the batch, in account id order and last of
    all, so that busy accounts are locked briefly; a floor holds for the batch as a whole.

    Raises:
        KeyReusedError: a key is known with other content.
        PeriodClosedError: a new entry falls into a closed period.
        UnknownAccountError: a leg names an account that is not open.
        MixedBooksError: a leg joins two books.
        FloorBreachedError: an account would fall below its floor; the caller must roll back.
    """
    hashes = _distinct(postings)
    known = posted_keys(connection, list(hashes))
    for key in sorted(known):
        if known[key] != hashes[key][0]:
            raise KeyReusedError(key)
    fresh = [(posting, digest) for digest, posting in hashes.values() if posting.key not in known]
    if fresh:
        raced = _post_fresh(connection, fresh, at)
        known |= raced
    posted = tuple(posting.key for posting, _ in fresh if posting.key not in known)
    return PostResult(posted=posted, replayed=tuple(sorted(known)))


def posted_keys(connection: Connection, keys: Sequence[str]) -> dict[str, str]:
    """Return those of the keys that are posted, with the hash of their content."""
    found: dict[str, str] = {}
    for part in chunks(keys):
        query = select(journal.c.idempotency_key, journal.c.request_hash)
        query = query.where(journal.c.idempotency_key.in_(part))
        found |= dict(connection.execute(query).all())
    return found


def reverse(
    connection: Connection,
    key: str,
    *,
    new_key: str,
    booked_on: date,
    narration: str,
    at: datetime,
) -> PostResult:
    """Post the mirror image of an entry; each entry is reversed at most once.

    Raises:
        UnknownEntryError: there is no entry under ``key``.
        AlreadyReversedError: it was reversed before under another key, or is itself a reversal.
    """
    original = connection.execute(
        select(journal).where(journal.c.idempotency_key == key)
    ).one_or_none()
    if original is None:
        raise UnknownEntryError(key)
    undone = connection.scalar(
        select(journal.c.idempotency_key).where(journal.c.reverses_id == original.id)
    )
    if original.reverses_id is not None or undone not in (None, new_key):
        raise AlreadyReversedError(key)
    mirrored = tuple(
        Leg(debit=leg.credit, credit=leg.debit, amount_fen=leg.amount_fen)
        for leg in entry_legs(connection, original.id)
    )
    posting = Posting(
        key=new_key,
        kind="reversal",
        booked_on=booked_on,
        narration=narration,
        legs=mirrored,
        claim_no=original.claim_no,
        application_no=original.application_no,
        document_ref=original.document_ref,
        reverses_key=key,
    )
    return post(connection, [posting], at=at)


def entry_legs(connection: Connection, journal_id: int) -> list[Leg]:
    """Return the legs of one entry in their order."""
    debit, credit = accounts.alias("debit"), accounts.alias("credit")
    query = (
        select(debit.c.code, credit.c.code, transfers.c.amount_fen)
        .join(debit, debit.c.id == transfers.c.debit_account_id)
        .join(credit, credit.c.id == transfers.c.credit_account_id)
        .where(transfers.c.journal_id == journal_id)
        .order_by(transfers.c.line)
    )
    return [Leg(debit=d, credit=c, amount_fen=a) for d, c, a in connection.execute(query)]


def close_period(connection: Connection, period: str, *, by: str, at: datetime) -> None:
    """Close a period and keep every account's balance at its end; closing twice is one closing.

    Raises:
        PeriodOrderError: an earlier period with entries is still open.
    """
    _touch_periods(connection, [period])
    row = connection.execute(
        select(periods).where(periods.c.period == period).with_for_update()
    ).one()
    if row.closed_at is not None:
        return
    earlier = connection.scalar(
        select(func.min(periods.c.period)).where(
            periods.c.period < period, periods.c.closed_at.is_(None)
        )
    )
    if earlier is not None:
        raise PeriodOrderError(period, earlier)
    ends = balances_at_end(connection, period)
    insert_rows(
        connection,
        period_balances,
        [
            {"period": period, "account_id": account_id, "balance_fen": amount}
            for account_id, amount in sorted(ends.items())
            if amount
        ],
    )
    connection.execute(
        update(periods).where(periods.c.period == period).values(closed_at=at, closed_by=by)
    )


def balances_at_end(connection: Connection, period: str) -> dict[int, int]:
    """Return balances by account id at the end of a period, from the last closing before it.

    The cost depends on what was booked since that closing, not on all history.
    """
    start = connection.scalar(
        select(func.max(periods.c.period)).where(
            periods.c.period <= period, periods.c.closed_at.is_not(None)
        )
    )
    found: dict[int, int] = defaultdict(int)
    if start is not None:
        query = select(period_balances.c.account_id, period_balances.c.balance_fen)
        found |= dict(connection.execute(query.where(period_balances.c.period == start)).all())
    for account_id, amount in moves(connection, after=start, until=period).items():
        found[account_id] += amount
    return dict(found)


def moves(connection: Connection, *, after: str | None, until: str) -> dict[int, int]:
    """Return what each account's balance moved in periods after one and up to another."""
    normal = dict(connection.execute(select(accounts.c.id, accounts.c.normal)).all())
    found: dict[int, int] = defaultdict(int)
    for column, side in (
        (transfers.c.debit_account_id, "D"),
        (transfers.c.credit_account_id, "C"),
    ):
        query = (
            select(column, func.sum(transfers.c.amount_fen))
            .join(journal, journal.c.id == transfers.c.journal_id)
            .where(journal.c.period <= until)
            .group_by(column)
        )
        if after is not None:
            query = query.where(journal.c.period > after)
        for account_id, amount in connection.execute(query):
            found[account_id] += int(amount) if normal[account_id] == side else -int(amount)
    return dict(found)


# --- posting, step by step -------------------------------------------------------------------


def _distinct(postings: Sequence[Posting]) -> dict[str, tuple[str, Posting]]:
    """Hash every posting once and fold repeats inside the batch."""
    found: dict[str, tuple[str, Posting]] = {}
    for posting in postings:
        assert posting.legs, f"{posting.key}: an entry has at least one leg"
        for leg in posting.legs:
            assert 0 < leg.amount_fen <= FEN_LIMIT, f"{posting.key}: {leg}"
            assert leg.debit != leg.credit, f"{posting.key}: {leg}"
        digest = content_hash(posting)
        earlier = found.setdefault(posting.key, (digest, posting))
        if earlier[0] != digest:
            raise KeyReusedError(posting.key)
    return found


def _post_fresh(
    connection: Connection, fresh: Sequence[tuple[Posting, str]], at: datetime
) -> dict[str, str]:
    """Insert headers and legs and move balances; return keys another worker posted meanwhile."""
    used = _accounts(connection, {code for p, _ in fresh for leg in p.legs for code in _sides(leg)})
    _check_books(fresh, used)
    _check_periods(connection, sorted({period_of(posting.booked_on) for posting, _ in fresh}))
    reversed_ids = _ids(connection, [p.reverses_key for p, _ in fresh if p.reverses_key])
    first = _next_ids(connection, len(fresh))
    rows = [
        _header(posting, digest, first[i], reversed_ids, at)
        for i, (posting, digest) in enumerate(fresh)
    ]
    raced: dict[str, str] = {}
    if insert_rows(connection, journal, rows, skip_existing=_skip(connection)) < len(rows):
        raced = _raced(connection, rows)
    mine = [
        (row["id"], posting)
        for row, (posting, _) in zip(rows, fresh, strict=True)
        if posting.key not in raced
    ]
    insert_rows(connection, transfers, _legs(mine, used))
    _open_earlier(connection, mine, used)
    _move_balances(connection, mine, used)
    return raced


def _sides(leg: Leg) -> tuple[str, str]:
    return leg.debit, leg.credit


def _accounts(connection: Connection, codes: Iterable[str]) -> dict[str, _Known]:
    wanted = sorted(codes)
    found: dict[str, _Known] = {}
    for part in chunks(wanted):
        query = select(
            accounts.c.id,
            accounts.c.code,
            accounts.c.book,
            accounts.c.normal,
            accounts.c.opened_on,
        ).where(accounts.c.code.in_(part))
        found |= {row.code: _Known(*row) for row in connection.execute(query)}
    for code in wanted:
        if code not in found:
            raise UnknownAccountError(code)
    return found


def _check_books(fresh: Sequence[tuple[Posting, str]], used: Mapping[str, _Known]) -> None:
    for posting, _ in fresh:
        for leg in posting.legs:
            if used[leg.debit].book != used[leg.credit].book:
                raise MixedBooksError(posting.key, leg.debit, leg.credit)


def _check_periods(connection: Connection, names: Sequence[str]) -> None:
    """Refuse closed periods, and hold the open ones open until the transaction ends."""
    _touch_periods(connection, names)
    query = (
        select(periods.c.period, periods.c.closed_at)
        .where(periods.c.period.in_(names))
        .order_by(periods.c.period)
        .with_for_update(read=True)
    )
    for name, closed_at in connection.execute(query):
        if closed_at is not None:
            raise PeriodClosedError(name)


def _touch_periods(connection: Connection, names: Sequence[str]) -> None:
    known = set(connection.scalars(select(periods.c.period).where(periods.c.period.in_(names))))
    missing = [{"period": name} for name in names if name not in known]
    insert_rows(connection, periods, missing, skip_existing=("period",))


def _ids(connection: Connection, keys: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in chunks(keys):
        query = select(journal.c.idempotency_key, journal.c.id)
        query = query.where(journal.c.idempotency_key.in_(part))
        found |= dict(connection.execute(query).all())
    for key in keys:
        if key not in found:
            raise UnknownEntryError(key)
    return found


def _next_ids(connection: Connection, count: int) -> list[int]:
    """Take journal ids: from the sequence, or after the last one under SQLite's write lock."""
    if connection.dialect.name == "postgresql":
        query = text(
            "SELECT nextval(pg_get_serial_sequence('journal', 'id'))"
            " FROM generate_series(1, :count)"
        )
        return sorted(connection.scalars(query, {"count": count}))
    last = connection.scalar(select(func.max(journal.c.id))) or 0
    return list(range(last + 1, last + 1 + count))


def _skip(connection: Connection) -> tuple[str, ...]:
    """Under SQLite's write lock nobody can have come between."""
    return ("idempotency_key",) if connection.dialect.name == "postgresql" else ()


def _raced(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return keys that another worker posted between our look and our insert."""
    keys = [row["idempotency_key"] for row in rows]
    there = _ids(connection, keys)
    others = [row for row in rows if there[row["idempotency_key"]] != row["id"]]
    hashes = posted_keys(connection, [row["idempotency_key"] for row in others])
    for row in others:
        if hashes[row["idempotency_key"]] != row["request_hash"]:
            raise KeyReusedError(row["idempotency_key"])
    return hashes


def _header(
    posting: Posting, digest: str, number: int, reversed_ids: Mapping[str, int], at: datetime
) -> dict[str, Any]:
    return {
        "id": number,
        "idempotency_key": posting.key,
        "request_hash": digest,
        "kind": posting.kind,
        "booked_on": posting.booked_on,
        "period": period_of(posting.booked_on),
        "recorded_at": at,
        "narration": posting.narration,
        "claim_no": posting.claim_no,
        "application_no": posting.application_no,
        "document_ref": posting.document_ref,
        "reverses_id": reversed_ids[posting.reverses_key] if posting.reverses_key else None,
    }


def _legs(mine: Sequence[tuple[int, Posting]], used: Mapping[str, _Known]) -> list[dict[str, Any]]:
    return [
        {
            "journal_id": number,
            "line": line,
            "debit_account_id": used[leg.debit].id,
            "credit_account_id": used[leg.credit].id,
            "amount_fen": leg.amount_fen,
        }
        for number, posting in mine
        for line, leg in enumerate(posting.legs, 1)
    ]


def _open_earlier(
    connection: Connection, mine: Sequence[tuple[int, Posting]], used: Mapping[str, _Known]
) -> None:
    """Move an account's opening day back to its first booking."""
    first: dict[str, date] = {}
    for _, posting in mine:
        for leg in posting.legs:
            for code in _sides(leg):
                if posting.booked_on < first.get(code, used[code].opened_on):
                    first[code] = posting.booked_on
    move_opening(connection, first)


def _move_balances(
    connection: Connection, mine: Sequence[tuple[int, Posting]], used: Mapping[str, _Known]
) -> None:
    net: dict[str, int] = defaultdict(int)
    for _, posting in mine:
        for leg in posting.legs:
            net[leg.debit] += leg.amount_fen if used[leg.debit].normal == "D" else -leg.amount_fen
            net[leg.credit] += leg.amount_fen if used[leg.credit].normal == "C" else -leg.amount_fen
    code_of = {used[code].id: code for code in net}
    order = sorted(code_of)
    for number, (held, floor) in locked_accounts(connection, order).items():
        delta = net[code_of[number]]
        if delta < 0 and floor is not None and held + delta < floor:
            raise FloorBreachedError(code_of[number], held, -delta)
    rows = [{"id": number, "delta": net[code_of[number]]} for number in order]
    add_to_balances(connection, rows)
