"""The tables of the application: people and roles, notices, claims and what was decided on them."""

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
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from ledger.append_only import append_only
from ledger.columns import AwareDateTime, SerialId, new_metadata

metadata = new_metadata()

installation = Table(
    "installation",
    metadata,
    Column("key", String(64), primary_key=True, doc="Name of a fact about this installation."),
    Column("value", JSON, nullable=False, doc="Its value: the demo's size, the fixed day, …"),
)

users = Table(
    "users",
    metadata,
    Column("username", String(64), primary_key=True),
    Column("display_name", String(80), nullable=False),
    Column("password_hash", String(200), nullable=False, doc="Argon2id, never the password."),
    Column("email", String(200), nullable=False, default=""),
    Column("active", Boolean, nullable=False, default=True),
    Column("created_at", AwareDateTime, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    Column("id", SerialId, primary_key=True),
    Column("username", ForeignKey("users.username"), nullable=False),
    Column("role", String(32), nullable=False, doc="A value of app.roles.Role."),
    Column("uscc", String(18), nullable=False, default="", doc="Enterprise an agent acts for."),
    Column("department", String(120), nullable=False, default="", doc="Department it is held in."),
    Column("purse", String(40), nullable=False, default="", doc="Purse it is held for."),
    Column("valid_until", Date, doc="Last day of the authorisation, inclusive; null is no end."),
    UniqueConstraint("username", "role", "uscc", "department", "purse"),
)

access_log = Table(
    "access_log",
    metadata,
    Column("id", SerialId, primary_key=True),
    Column("username", String(64), nullable=False),
    Column("uscc", String(18), nullable=False, doc="Enterprise whose data an officer looked at."),
    Column("purpose", String(200), nullable=False, doc="Case number or stated purpose."),
    Column("at", AwareDateTime, nullable=False),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", SerialId, primary_key=True),
    Column("as_of", Date, nullable=False, doc="The day the rules were asked about."),
    Column("known_at", AwareDateTime, nullable=False, doc="What had been delivered by then."),
    Column("engine", String(16), nullable=False),
    Column("catalogue_hash", String(64), nullable=False),
    Column("firms", Integer, nullable=False),
    Column("benefits", Integer, nullable=False),
    Column("eligible", Integer, nullable=False),
    Column("undetermined", Integer, nullable=False),
    Column("ineligible", Integer, nullable=False),
    Column("award_fen_sum", BigInteger, nullable=False, doc="Sum of exact payable awards, fen."),
    Column("firm_order", LargeBinary, nullable=False, doc="Deflated usccs in bit order."),
)

sweep_benefits = Table(
    "sweep_benefits",
    metadata,
    Column("sweep_id", ForeignKey("sweeps.id"), primary_key=True),
    Column("benefit_id", String(80), primary_key=True),
    Column("benefit_version", Integer, primary_key=True),
    Column("eligible", Integer, nullable=False),
    Column("undetermined", Integer, nullable=False),
    Column("award_fen_sum", BigInteger, nullable=False),
    Column("eligible_bits", LargeBinary, nullable=False, doc="Deflated bitmap over firm_order."),
    Column("undetermined_bits", LargeBinary, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("id", SerialId, primary_key=True),
    Column("uscc", String(18), nullable=False),
    Column("benefit_id", String(80), nullable=False),
    Column("benefit_version", Integer, nullable=False),
    Column("kind", String(16), nullable=False, doc="offer, question or progress."),
    Column("reason", String(120), nullable=False, doc="Why now; once per reason."),
    Column("title", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("award_fen", BigInteger, doc="Amount shown, fen; null when none is shown."),
    Column("claim_no", String(40), doc="The claim a progress notice is about."),
    Column("created_at", AwareDateTime, nullable=False),
    Column("read_at", AwareDateTime),
    Column("answered_at", AwareDateTime, doc="When the firm confirmed, declined or answered."),
    UniqueConstraint("uscc", "benefit_id", "benefit_version", "reason"),
)
Index("ix_notices_inbox", notices.c.uscc, notices.c.created_at)

outbox = Table(
    "outbox",
    metadata,
    Column("id", SerialId, primary_key=True),
    Column("notice_id", ForeignKey("notices.id"), nullable=False),
    Column("channel", String(16), nullable=False, doc="A value of app.channels.Channel."),
    Column("address", String(200), nullable=False),
    Column("message_id", String(120), nullable=False, unique=True, doc="Receivers drop repeats."),
    Column("state", String(12), nullable=False, doc="queued, sent, failed or suppressed."),
    Column("attempts", Integer, nullable=False, default=0),
    Column("last_error", String(300), nullable=False, default=""),
    Column("sent_at", AwareDateTime),
    UniqueConstraint("notice_id", "channel"),
)
Index("ix_outbox_queue", outbox.c.state, outbox.c.id)

claims = Table(
    "claims",
    metadata,
    Column("claim_no", String(40), primary_key=True, doc="办件编号, also 业务追溯码."),
    Column("uscc", String(18), nullable=False),
    Column("firm_name", String(200), nullable=False, doc="Name on the day of confirmation."),
    Column("benefit_id", String(80), nullable=False),
    Column("benefit_version", Integer, nullable=False),
    Column("period", String(16), nullable=False, doc="What one award covers: a year, or once."),
    Column("mode", String(12), nullable=False),
    Column("channel", String(12), nullable=False, default="web", doc="web, window or phone."),
    Column("state", String(24), nullable=False, doc="A value of app.claims.ClaimState."),
    Column("round", Integer, nullable=False, default=1, doc="Rises when approval starts again."),
    Column("department", String(120), nullable=False),
    Column("purse", String(40), nullable=False),
    Column("purpose", String(40), nullable=False, doc="Purpose an allotment must allow."),
    Column("computed_fen", BigInteger, nullable=False, doc="测算: by the rule, that day."),
    Column("claimed_fen", BigInteger, nullable=False, doc="申报: what the firm confirmed."),
    Column("approved_fen", BigInteger, doc="审定: by the competent department."),
    Column("due_fen", BigInteger, doc="应发: after stacking and cost sharing."),
    Column("paid_fen", BigInteger, nullable=False, default=0, doc="实发: paid less returned."),
    Column("difference_reason", String(300), nullable=False, default=""),
    Column("account_name", String(200), nullable=False, default=""),
    Column("account_no", String(64), nullable=False, default=""),
    Column("bank_name", String(120), nullable=False, default=""),
    Column("cnaps", String(12), nullable=False, default=""),
    Column("verdict", JSON, nullable=False, doc="The stored verdict, with its tree and award."),
    Column("as_of", Date, nullable=False, doc="Day the verdict was asked about."),
    Column("opened_at", AwareDateTime, nullable=False),
    Column("opened_by", String(64), nullable=False),
    Column("due_on", Date, doc="Promised day of the decision; null when it cannot be said."),
    Column("waits_for", String(32), nullable=False, default="", doc="待指标, 待用款计划, …"),
    Column("expected_budget_year", Integer),
    Column("hold_reason", String(300), nullable=False, default=""),
    UniqueConstraint("uscc", "benefit_id", "period"),
    CheckConstraint("computed_fen >= 0 AND claimed_fen >= 0", name="amounts"),
    CheckConstraint("approved_fen IS NULL OR approved_fen >= 0", name="approved"),
    CheckConstraint("paid_fen >= 0 AND (paid_fen = 0 OR paid_fen <= due_fen)", name="paid"),
    CheckConstraint(
        "approved_fen IS NULL OR approved_fen = claimed_fen OR difference_reason <> ''",
        name="difference_has_a_reason",
    ),
)
Index("ix_claims_desk", claims.c.department, claims.c.state)
Index("ix_claims_state", claims.c.state, claims.c.purse)

claim_events = Table(
    "claim_events",
    metadata,
    Column("id", SerialId, primary_key=True),
    Column("claim_no", ForeignKey("claims.claim_no"), nullable=False),
    Column("event", String(32), nullable=False),
    Column("from_state", String(24), nullable=False),
    Column("to_state", String(24), nullable=False),
    Column("by", String(64), nullable=False, doc="User name, or system."),
    Column("at", AwareDateTime, nullable=False),
    Column("note", String(400), nullable=False, default=""),
    Column("ref", String(120), nullable=False, default="", doc="Application, voucher, entry …"),
)
Index("ix_claim_events_claim", claim_events.c.claim_no, claim_events.c.id)

approvals = Table(
    "approvals",
    metadata,
    Column("id", SerialId, primary_key=True),
    Column("claim_no", ForeignKey("claims.claim_no"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("step", String(12), nullable=False, doc="accept, check, review or approve."),
    Column("username", String(64), nullable=False),
    Column("decision", String(12), nullable=False, doc="agree or refuse."),
    Column("amount_fen", BigInteger, nullable=False, doc="Amount agreed to in this step, fen."),
    Column("content_digest", String(64), nullable=False, doc="Of exactly what was decided on."),
    Column("note", String(400), nullable=False, default=""),
    Column("decided_at", AwareDateTime, nullable=False),
    # 受审分离: one person takes one step of a case, whatever roles they hold.
    UniqueConstraint("claim_no", "round", "username", name="uq_approvals_one_step_each"),
    UniqueConstraint("claim_no", "round", "step", name="uq_approvals_step_once"),
    CheckConstraint("amount_fen >= 0", name="amount"),
    CheckConstraint("step IN ('accept', 'check', 'review', 'approve')", name="step"),
)

clearances = Table(
    "clearances",
    metadata,
    Column("id", SerialId, primary_key=True),
    Column("claim_no", ForeignKey("claims.claim_no"), nullable=False),
    Column("code", String(40), nullable=False, doc="Which comparison before release found it."),
    Column("found", String(400), nullable=False),
    Column("state", String(12), nullable=False, doc="open or cleared."),
    Column("found_at", AwareDateTime, nullable=False),
    Column("cleared_by", String(64)),
    Column("cleared_at", AwareDateTime),
    Column("reason", String(400), nullable=False, default=""),
    UniqueConstraint("claim_no", "code"),
)

api_replies = Table(
    "api_replies",
    metadata,
    Column("username", String(64), primary_key=True),
    Column("idempotency_key", String(120), primary_key=True, doc="As the caller sent it."),
    Column("request_hash", String(64), nullable=False, doc="SHA-256 of method, path and body."),
    Column("status", Integer, nullable=False),
    Column("body", JSON, nullable=False, doc="What was answered, word for word."),
    Column("at", AwareDateTime, nullable=False),
)

for _table in (claim_events, approvals, access_log):
    append_only(_table)
