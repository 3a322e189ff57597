"""Tables of the policy library: documents and benefit versions as published, never changed."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from ledger.append_only import append_only
from ledger.columns import AwareDateTime, SerialId, new_metadata

metadata = new_metadata()

documents = append_only(
    Table(
        "policy_documents",
        metadata,
        Column("row_id", SerialId, primary_key=True, autoincrement=True),
        Column("id", String(80), nullable=False),
        Column("number", String(80), nullable=False),
        Column("title", String(300), nullable=False),
        Column("issuer", String(200), nullable=False),
        Column("level", String(10), nullable=False),
        Column("region", String(6), nullable=False),
        Column("issued_on", Date),
        Column("valid_from", Date, nullable=False),
        Column("valid_until", Date),
        Column("url", Text, nullable=False),
        Column("certainty", String(10), nullable=False),
        Column("demo", Boolean, nullable=False),
        Column("recorded_at", AwareDateTime, nullable=False),
        UniqueConstraint("id", "recorded_at"),
    )
)
"""One row each time the facts of a document were published anew; the latest row holds."""

benefit_versions = append_only(
    Table(
        "benefit_versions",
        metadata,
        Column("id", String(80), primary_key=True),
        Column("version", Integer, primary_key=True),
        Column("document_id", String(80), nullable=False, index=True),
        Column("content", JSON, nullable=False),
        Column("hash", String(64), nullable=False, unique=True),
        Column("mode", String(10), nullable=False),
        Column("purse", String(40)),
        Column("lead_department", String(200), nullable=False),
        Column("valid_from", Date, nullable=False),
        Column("valid_until", Date),
        Column("recorded_at", AwareDateTime, nullable=False),
        Column("published_by", String(80), nullable=False),
        Column("reviewed_by", String(80), nullable=False),
        CheckConstraint("published_by <> reviewed_by", name="two_people"),
        CheckConstraint("version >= 1", name="version_positive"),
    )
)
"""One row a published version; ``hash`` is that of its canonical form, see policies.codec."""

benefit_events = append_only(
    Table(
        "benefit_events",
        metadata,
        Column("row_id", SerialId, primary_key=True, autoincrement=True),
        Column("benefit_id", String(80), nullable=False),
        Column("version", Integer, nullable=False),
        Column("kind", String(20), nullable=False),
        Column("valid_on", Date, nullable=False),
        Column("recorded_at", AwareDateTime, nullable=False),
        Column("by", String(80), nullable=False),
        Column("reason", Text, nullable=False),
        CheckConstraint("kind IN ('repealed', 'reinstated')", name="kind_known"),
        Index("ix_benefit_events_benefit", "benefit_id", "version"),
    )
)
"""What happened to a version afterwards: repealed from a day on, or reinstated."""

drafts = Table(
    "policy_drafts",
    metadata,
    Column("id", SerialId, primary_key=True, autoincrement=True),
    Column("title", String(300), nullable=False),
    Column("text", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("author", String(80), nullable=False),
    Column("reviewer", String(80)),
    Column("review_note", Text),
    Column("created_at", AwareDateTime, nullable=False),
    Column("changed_at", AwareDateTime, nullable=False),
    CheckConstraint("state IN ('draft', 'in_review', 'returned', 'published')", name="state_known"),
    CheckConstraint("reviewer IS NULL OR reviewer <> author", name="two_people"),
)
"""Files being written: YAML text, its author and, once sent for review, its reviewer."""
