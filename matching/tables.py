"""Every table of what departments delivered: batches, records, their findings, links, enterprises.

A record is one row as a source delivered it. It is known from ``received_at`` (the instant this
system took it in) until ``superseded_at``; nothing is ever deleted, so any past instant can be
replayed. Amounts inside payloads are whole fen, dates ISO. Codes of lists are ``""`` where a source
has none.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from ledger.columns import AwareDateTime, SerialId, new_metadata

metadata = new_metadata()

batches = Table(
    "batches",
    metadata,
    Column("id", SerialId, primary_key=True),
    Column("source", String(32), nullable=False),
    Column("list_code", String(64), nullable=False, server_default=""),
    # The department that answers for the data, as written in the delivery note.
    Column("owner", String(200), nullable=False),
    Column("file_name", String(300), nullable=False),
    # Of the bytes that were read, not of what the note claims.
    Column("sha256", String(64), nullable=False),
    # The day the source vouches for.
    Column("as_of", Date, nullable=False),
    # When the file reached the inbox, by the note.
    Column("received_at", AwareDateTime, nullable=False),
    # When this system took it in; records are known from then on.
    Column("taken_at", AwareDateTime, nullable=False),
    Column("complete", Boolean, nullable=False),
    # 元 or 万元, for columns whose heading names none.
    Column("unit", String(8), nullable=False),
    Column("rows_declared", Integer),
    Column("rows_read", Integer, nullable=False),
    # New rows stored; read = kept + rejected + unchanged.
    Column("rows_kept", Integer, nullable=False),
    Column("rows_rejected", Integer, nullable=False),
    Column("rows_unchanged", Integer, nullable=False),
    Column("linked_by_code", Integer, nullable=False),
    Column("linked_by_name", Integer, nullable=False),
    Column("queued", Integer, nullable=False),
    # Control totals of the note: column code to the sum in the file's unit, as text.
    Column("totals", JSON, nullable=False),
    # The delivery note's entry as it was, to tell a resend from a corrected note.
    Column("declared", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    # Why it was refused, in Chinese; empty when accepted.
    Column("reason", Text, nullable=False, server_default=""),
    CheckConstraint("state IN ('accepted', 'refused')", name="state"),
    # The same bytes for the same day are one delivery. An unchanged list of the next month is not.
    Index(
        "uq_batches_delivery",
        "sha256",
        "source",
        "list_code",
        "as_of",
        unique=True,
        sqlite_where=text("state = 'accepted'"),
        postgresql_where=text("state = 'accepted'"),
    ),
)

records = Table(
    "records",
    metadata,
    Column("id", SerialId, primary_key=True),
    Column("batch_id", BigInteger, ForeignKey("batches.id"), nullable=False),
    # As a spreadsheet counts: the heading row of a plain file is 1.
    Column("row_number", Integer, nullable=False),
    Column("source", String(32), nullable=False),
    Column("list_code", String(64), nullable=False, server_default=""),
    # Null while nobody knows whom the row is about.
    Column("uscc", String(18)),
    Column("record_key", String(200), nullable=False),
    # Canonical JSON: sorted keys, no blanks, empty cells left out.
    Column("payload", JSON, nullable=False),
    # BLAKE2b-128 of that text: equal digests are equal rows.
    Column("digest", String(32), nullable=False),
    Column("as_of", Date, nullable=False),
    Column("received_at", AwareDateTime, nullable=False),
    # code | name | clerk, null while uscc is.
    Column("linked_by", String(8)),
    Column("superseded_at", AwareDateTime),
    # The batch that replaced or ended it.
    Column("superseded_by", BigInteger, ForeignKey("batches.id")),
    CheckConstraint("(uscc IS NULL) = (linked_by IS NULL)", name="linked"),
    CheckConstraint("linked_by IN ('code', 'name', 'clerk')", name="linked_by"),
    Index("ix_records_batch", "batch_id", "row_number"),
    Index("ix_records_firm", "uscc", "source"),
    Index(
        "ix_records_live",
        "source",
        "list_code",
        "record_key",
        sqlite_where=text("superseded_at IS NULL"),
        postgresql_where=text("superseded_at IS NULL"),
    ),
)

confirmations = Table(
    "confirmations",
    metadata,
    # A later delivery repeated these records unchanged: a run of record ids, both ends included.
    Column("batch_id", BigInteger, ForeignKey("batches.id"), primary_key=True),
    Column("first_record", BigInteger, primary_key=True),
    Column("last_record", BigInteger, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("received_at", AwareDateTime, nullable=False),
    CheckConstraint("last_record >= first_record", name="run"),
)

row_findings = Table(
    "row_findings",
    metadata,
    Column("id", SerialId, primary_key=True),
    Column("batch_id", BigInteger, ForeignKey("batches.id"), nullable=False, index=True),
    # Null when the finding is about the file as a whole.
    Column("row_number", Integer),
    # The heading as people know it; empty for a whole row.
    Column("field", String(100), nullable=False),
    Column("found", Text, nullable=False),
    Column("expected", Text, nullable=False),
    Column("code", String(40), nullable=False),
    Column("level", String(8), nullable=False),
    Column("message", Text, nullable=False),
    # The firm the row names by a valid code, when it does.
    Column("uscc", String(18)),
    CheckConstraint("level IN ('error', 'warning', 'note')", name="level"),
)

link_queue = Table(
    "link_queue",
    metadata,
    Column("id", SerialId, primary_key=True),
    Column("record_id", BigInteger, ForeignKey("records.id"), nullable=False, unique=True),
    # [{uscc, name, score, parts}], best first; scores are 0 to 100.
    Column("candidates", JSON, nullable=False),
    Column("state", String(8), nullable=False, server_default="open"),
    Column("uscc", String(18)),
    Column("decided_by", String(80)),
    Column("decided_at", AwareDateTime),
    CheckConstraint("state IN ('open', 'linked', 'rejected')", name="state"),
    Index("ix_link_queue_state", "state"),
)

enterprises = Table(
    "enterprises",
    metadata,
    # The newest registration, for lookup, search and linkage; history stands in records.
    Column("uscc", String(18), primary_key=True),
    Column("name", String(500), nullable=False),
    Column("core_name", String(500), nullable=False, index=True),
    Column("former_names", JSON, nullable=False),
    # Every name in folded form, one a line, for searching.
    Column("search_text", Text, nullable=False),
    Column("region", String(6), nullable=False, index=True),
    Column("park", Text, nullable=False),
    Column("industry", String(8), nullable=False),
    Column("entity_type", String(40), nullable=False),
    Column("legal_representative", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("established_on", Date),
    Column("as_of", Date, nullable=False),
    Column("updated_batch", BigInteger, ForeignKey("batches.id"), nullable=False),
    # Intake compares names with every delivery: they are read from the index alone.
    Index("ix_enterprises_names", "uscc", "name", "status"),
)

registers = Table(
    "registers",
    metadata,
    # One row a delivery; a source without lists goes by its own name.
    Column("list_code", String(64), primary_key=True),
    Column("batch_id", BigInteger, ForeignKey("batches.id"), primary_key=True),
    Column("source", String(32), nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("received_at", AwareDateTime, nullable=False),
)
