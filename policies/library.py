"""The policy library: publishing versions, and reading what was live on a day, as known then."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from policies.benefits import Benefit, PolicyDocument, PolicyFile
from policies.codec import benefit_hash, canonical, from_canonical
from policies.errors import SameReviewerError, UnknownBenefitError, VersionTakenError
from policies.tables import benefit_events, benefit_versions, documents, drafts


def publish(
    connection: Connection, file: PolicyFile, *, by: str, reviewed_by: str, at: datetime
) -> list[tuple[str, int]]:
    """Publish every benefit version of a file; returns (id, version) of those that are new.

    A version already published with the same content is left as it is. Raises
    SameReviewerError, and VersionTakenError when a published version would change.
    """
    if by == reviewed_by:
        raise SameReviewerError(by)
    _record_document(connection, file.document, at)
    made: list[tuple[str, int]] = []
    for benefit in sorted(file.benefits, key=lambda b: (b.id, b.version)):
        digest = benefit_hash(benefit)
        known = _hash(connection, benefit.id, benefit.version)
        if known is None:
            _insert(connection, benefit, digest, by=by, reviewed_by=reviewed_by, at=at)
            made.append((benefit.id, benefit.version))
        elif known != digest:
            raise VersionTakenError(benefit.id, benefit.version)
    return made


def _hash(connection: Connection, benefit_id: str, version: int) -> str | None:
    table = benefit_versions
    query = select(table.c.hash).where(table.c.id == benefit_id, table.c.version == version)
    return connection.execute(query).scalar_one_or_none()


def _insert(
    connection: Connection,
    benefit: Benefit,
    digest: str,
    *,
    by: str,
    reviewed_by: str,
    at: datetime,
) -> None:
    connection.execute(
        insert(benefit_versions).values(
            id=benefit.id,
            version=benefit.version,
            document_id=benefit.document.id,
            content=json.loads(canonical(benefit)),
            hash=digest,
            mode=benefit.mode.value,
            purse=benefit.purse,
            lead_department=benefit.lead_department,
            valid_from=benefit.valid_from,
            valid_until=benefit.valid_until,
            recorded_at=at,
            published_by=by,
            reviewed_by=reviewed_by,
        )
    )


_DOCUMENT_COLUMNS = (
    *("id", "number", "title", "issuer", "region", "issued_on", "valid_from", "valid_until"),
    *("url", "demo"),
)


def _record_document(connection: Connection, document: PolicyDocument, at: datetime) -> None:
    """Add a row when the facts of a document are new or differ from the latest row."""
    values: dict[str, Any] = {name: getattr(document, name) for name in _DOCUMENT_COLUMNS}
    values |= {"level": document.level.value, "certainty": document.certainty.value}
    latest = connection.execute(
        select(documents)
        .where(documents.c.id == document.id)
        .order_by(documents.c.row_id.desc())
        .limit(1)
    ).first()
    if latest is None or any(latest._mapping[name] != value for name, value in values.items()):  # noqa: SLF001
        connection.execute(insert(documents).values(**values, recorded_at=at))


# --- reading -------------------------------------------------------------------------------------


def live_benefits(
    connection: Connection, as_of: date, known_at: datetime | None = None
) -> list[Benefit]:
    """Return the latest version in force on a day of each benefit, sorted by id.

    ``known_at`` leaves out what was published, repealed or reinstated later.
    """
    table = benefit_versions
    query = select(table.c.id, table.c.version, table.c.hash).where(
        table.c.valid_from <= as_of,
        (table.c.valid_until.is_(None)) | (table.c.valid_until >= as_of),
    )
    if known_at is not None:
        query = query.where(table.c.recorded_at <= known_at)
    rows = connection.execute(query.order_by(table.c.id, table.c.version)).all()
    repealed = _repealed(connection, as_of, known_at)
    held = {row.id: row for row in rows if (row.id, row.version) not in repealed}
    return _benefits(connection, [held[key] for key in sorted(held)])


def _repealed(
    connection: Connection, as_of: date, known_at: datetime | None
) -> set[tuple[str, int]]:
    table = benefit_events
    query = select(table).where(table.c.valid_on <= as_of)
    if known_at is not None:
        query = query.where(table.c.recorded_at <= known_at)
    state: dict[tuple[str, int], str] = {}
    for row in connection.execute(query.order_by(table.c.recorded_at, table.c.row_id)):
        state[row.benefit_id, row.version] = row.kind
    return {key for key, kind in state.items() if kind == "repealed"}


def benefit(connection: Connection, benefit_id: str, version: int | None = None) -> Benefit:
    """Return one version, the latest when none is named. Raises UnknownBenefitError."""
    table = benefit_versions
    query = select(table.c.id, table.c.version, table.c.hash).where(table.c.id == benefit_id)
    if version is not None:
        query = query.where(table.c.version == version)
    row = connection.execute(query.order_by(table.c.version.desc()).limit(1)).first()
    if row is None:
        raise UnknownBenefitError(benefit_id, version)
    return _benefits(connection, [row])[0]


def versions(connection: Connection, benefit_id: str) -> Sequence[Row[Any]]:
    """Return the published versions of a benefit, oldest first, without their content."""
    table = benefit_versions
    columns = [column for column in table.c if column.name != "content"]
    query = select(*columns).where(table.c.id == benefit_id).order_by(table.c.version)
    return connection.execute(query).all()


def every_benefit(connection: Connection) -> list[Benefit]:
    """Return the latest version of every benefit ever published, sorted by id."""
    table = benefit_versions
    latest = select(table.c.id, func.max(table.c.version).label("version")).group_by(table.c.id)
    newest = latest.subquery()
    query = select(table.c.id, table.c.version, table.c.hash).join(
        newest, (table.c.id == newest.c.id) & (table.c.version == newest.c.version)
    )
    return _benefits(connection, connection.execute(query.order_by(table.c.id)).all())


def repeal(
    connection: Connection,
    benefit_id: str,
    version: int,
    *,
    from_day: date,
    by: str,
    at: datetime,
    reason: str,
) -> None:
    """Take a version out of force from a day on. Raises UnknownBenefitError."""
    benefit(connection, benefit_id, version)
    connection.execute(
        insert(benefit_events).values(
            benefit_id=benefit_id,
            version=version,
            kind="repealed",
            valid_on=from_day,
            recorded_at=at,
            by=by,
            reason=reason,
        )
    )


def _benefits(connection: Connection, rows: Sequence[Row[str, int, str]]) -> list[Benefit]:
    """Return stored versions; the content of those not read before is fetched and checked."""
    table = benefit_versions
    for row in rows:
        if row.hash in _READ:
            continue
        content = connection.execute(
            select(table.c.content).where(table.c.id == row.id, table.c.version == row.version)
        ).scalar_one()
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        found = from_canonical(text.encode())
        assert benefit_hash(found) == row.hash, f"stored content of {row.id} {row.version} changed"
        _READ[row.hash] = found
    return [_READ[row.hash] for row in rows]


_READ: dict[str, Benefit] = {}
"""Versions read by this process, by the hash of their content: published ones never change."""


# --- drafts --------------------------------------------------------------------------------------


def save_draft(
    connection: Connection,
    *,
    title: str,
    text: str,
    author: str,
    at: datetime,
    draft_id: int | None = None,
) -> int:
    """Store a draft's YAML; a new one gets an id, an existing one goes back to ``draft``."""
    if draft_id is None:
        result = connection.execute(
            insert(drafts).values(
                title=title,
                text=text,
                state="draft",
                author=author,
                created_at=at,
                changed_at=at,
            )
        )
        key = result.inserted_primary_key
        assert key is not None, "an insert gives a key"
        return int(key[0])
    connection.execute(
        update(drafts)
        .where(drafts.c.id == draft_id)
        .values(title=title, text=text, state="draft", changed_at=at)
    )
    return draft_id


def set_draft_state(
    connection: Connection,
    draft_id: int,
    state: str,
    *,
    at: datetime,
    reviewer: str | None = None,
    note: str | None = None,
) -> None:
    """Move a draft: ``in_review``, ``returned`` or ``published``. Raises SameReviewerError."""
    author = connection.execute(select(drafts.c.author).where(drafts.c.id == draft_id)).scalar_one()
    if reviewer is not None and reviewer == author:
        raise SameReviewerError(author)
    connection.execute(
        update(drafts)
        .where(drafts.c.id == draft_id)
        .values(state=state, reviewer=reviewer, review_note=note, changed_at=at)
    )


def list_drafts(connection: Connection) -> Sequence[Row[Any]]:
    """Return every draft, latest change first."""
    query = select(drafts).order_by(drafts.c.changed_at.desc(), drafts.c.id.desc())
    return connection.execute(query).all()
