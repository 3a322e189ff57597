"""The chain of seals: digests of what was recorded, each hash covering the one before.

Seals are set by one writer, after the work they cover. A chain proves that its inside agrees; its
head (``chain_head``) should be kept somewhere the operator cannot reach.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, String, Table, cast, select, text

from ledger.bulk import chunks, insert_rows
from ledger.tables import (
    applications,
    journal,
    packages,
    seals,
    sign_offs,
    statement_lines,
    statements,
)

GENESIS = "0" * 64
"""Stands before the first seal."""

_LOCK = 4_902_717
"""Key of the PostgreSQL advisory lock that keeps sealing to one writer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealItem:
    """Something to seal: its kind, its key and the digest of its content."""

    kind: str
    subject: str
    digest: str


def digest_of(*parts: object) -> str:
    """Return the SHA-256 of parts written as one JSON list; dates as ISO, instants in UTC."""
    return hashlib.sha256(
        json.dumps([_plain(part) for part in parts], ensure_ascii=False).encode()
    ).hexdigest()


def seal(connection: Connection, items: Sequence[SealItem], *, at: datetime) -> int:
    """Append items to the chain; an item sealed before with the same digest is left out.

    One writer at a time: others wait until this transaction ends. Returns how many were sealed.
    """
    if not items:
        return 0
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    known = _sealed(connection, items)
    fresh = {
        (item.kind, item.subject, item.digest): item
        for item in items
        if item.digest not in known.get((item.kind, item.subject), ())
    }
    last = connection.execute(
        select(seals.c.seq, seals.c.hash).order_by(seals.c.seq.desc()).limit(1)
    ).one_or_none()
    seq, previous = (last.seq, last.hash) if last else (0, GENESIS)
    rows = []
    for item in fresh.values():
        seq += 1
        current = chained(previous, seq, item.kind, item.subject, item.digest, at)
        rows.append(
            {
                "seq": seq,
                "kind": item.kind,
                "subject": item.subject,
                "digest": item.digest,
                "prev_hash": previous,
                "hash": current,
                "at": at,
            }
        )
        previous = current
    return insert_rows(connection, seals, rows)


def seal_new(connection: Connection, *, at: datetime) -> int:
    """Seal everything of the money package that has no seal yet; run it after the work."""
    items: list[SealItem] = []
    for kind, table, key, digest in _SEALED:
        items += [
            SealItem(kind=kind, subject=str(subject), digest=found)
            for subject, found in _unsealed(connection, kind, table, key, digest)
        ]
    return seal(connection, items, at=at)


def chain_head(connection: Connection) -> str:
    """Return the hash of the last seal."""
    query = select(seals.c.hash).order_by(seals.c.seq.desc()).limit(1)
    return connection.scalar(query) or GENESIS


def chained(previous: str, seq: int, kind: str, subject: str, digest: str, at: datetime) -> str:
    """Return the hash of one seal."""
    return digest_of(previous, seq, kind, subject, digest, at)


def statement_digest(row: object) -> str:
    """Return the digest of a statement's header row."""
    names = ("account_no", "statement_no", "from_on", "to_on", "opening_fen", "closing_fen")
    return digest_of(*(getattr(row, name) for name in (*names, "sha256")))


def _unsealed(
    connection: Connection, kind: str, table: Table, key: str, digest: str
) -> Iterable[tuple[str, str]]:
    there = (
        select(seals.c.seq)
        .where(seals.c.kind == kind, seals.c.subject == cast(table.c[key], String))
        .exists()
    )
    query = select(table).where(~there).order_by(table.c[key])
    for row in connection.execute(query):
        found = statement_digest(row) if kind == "statement" else getattr(row, digest)
        yield str(getattr(row, key)), found


def _sealed(connection: Connection, items: Sequence[SealItem]) -> dict[tuple[str, str], set[str]]:
    subjects: dict[str, list[str]] = {}
    for item in items:
        subjects.setdefault(item.kind, []).append(item.subject)
    found: dict[tuple[str, str], set[str]] = {}
    for kind in sorted(subjects):
        for part in chunks(subjects[kind]):
            query = select(seals.c.subject, seals.c.digest).where(
                seals.c.kind == kind, seals.c.subject.in_(part)
            )
            for subject, digest in connection.execute(query):
                found.setdefault((kind, subject), set()).add(digest)
    return found


_SEALED: tuple[tuple[str, Table, str, str], ...] = (
    ("journal", journal, "idempotency_key", "request_hash"),
    ("application", applications, "application_no", "content_digest"),
    ("package", packages, "package_no", "digest"),
    ("statement", statements, "id", ""),
    ("statement_line", statement_lines, "id", "line_digest"),
    ("sign_off", sign_offs, "id", "digest"),
)
"""What ``seal_new`` covers: kind, table, key column, digest column."""


def _plain(part: object) -> object:
    if isinstance(part, datetime):
        return part.astimezone(UTC).isoformat()
    if part is None or isinstance(part, str | int):
        return part
    isoformat = getattr(part, "isoformat", None)
    return isoformat() if isoformat else str(part)
