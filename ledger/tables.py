"""Every table of the money package: journal, budget mirror, applications, bank side, seals.

Amounts are whole fen. ``…_on`` is a day, ``…_at`` an aware instant in UTC. Tables wrapped in
``append_only`` refuse every update and delete in the database itself.
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
    UniqueConstraint,
    text,
)

from ledger.append_only import append_only
from ledger.columns import AwareDateTime, SerialId, new_metadata

metadata = new_metadata()

# --- accounts and journal --------------------------------------------------------------------

accounts = Table(
    "accounts",
    metadata,
    Column("id", SerialId, primary_key=True),
    Column("code", String(160), nullable=False, unique=True),
    Column("name_zh", String(300), nullable=False),
    # budget | financial | budgetary | suspense
    Column("book", String(16), nullable=False, index=True),
    # The side on which the balance grows, D or C.
    Column("normal", String(1), nullable=False),
    # Lowest balance allowed; null is no floor.
    Column("floor_fen", BigInteger),
    Column("balance_fen", BigInteger, nullable=False, server_default=text("0")),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
    Column("opened_on", Date, nullable=False),
    Column("meta", JSON, nullable=False),
    CheckConstraint("balance_fen >= floor_fen", name="floor"),
    CheckConstraint("normal IN ('D', 'C')", name="normal"),
)

periods = Table(
    "periods",
    metadata,
    # YYYY-MM; a row appears with the first entry booked in it.
    Column("period", String(7), primary_key=True),
    Column("closed_at", AwareDateTime),
    Column("closed_by", String(80)),
)

period_balances = append_only(
    Table(
        "period_balances",
        metadata,
        Column("period", String(7), ForeignKey("periods.period"), primary_key=True),
        Column("account_id", BigInteger, ForeignKey("accounts.id"), primary_key=True),
        # Balance at the end of the period, in the account's normal direction.
        Column("balance_fen", BigInteger, nullable=False),
    )
)

journal = append_only(
    Table(
        "journal",
        metadata,
        Column("id", SerialId, primary_key=True),
        Column("idempotency_key", String(200), nullable=False, unique=True),
        # SHA-256 of the whole posting with its legs, recomputed by the audit.
        Column("request_hash", String(64), nullable=False),
        Column("kind", String(40), nullable=False),
        Column("booked_on", Date, nullable=False, index=True),
        Column("period", String(7), ForeignKey("periods.period"), nullable=False),
        Column("recorded_at", AwareDateTime, nullable=False),
        Column("narration", Text, nullable=False),
        Column("claim_no", String(80), index=True),
        Column("application_no", String(80), index=True),
        Column("document_ref", String(200)),
        Column("reverses_id", BigInteger, ForeignKey("journal.id"), unique=True),
    )
)

transfers = append_only(
    Table(
        "transfers",
        metadata,
        Column("id", SerialId, primary_key=True),
        Column("journal_id", BigInteger, ForeignKey("journal.id"), nullable=False),
        # Counts from 1 inside its journal entry.
        Column("line", Integer, nullable=False),
        Column(
            "debit_account_id", BigInteger, ForeignKey("accounts.id"), nullable=False, index=True
        ),
        Column(
            "credit_account_id", BigInteger, ForeignKey("accounts.id"), nullable=False, index=True
        ),
        Column("amount_fen", BigInteger, nullable=False),
        UniqueConstraint("journal_id", "line"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("debit_account_id <> credit_account_id", name="sides"),
    )
)

seals = append_only(
    Table(
        "seals",
        metadata,
        # Without gaps from 1.
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        # journal | application | statement_line | statement | package | approval | …
        Column("kind", String(40), nullable=False),
        Column("subject", String(200), nullable=False),
        Column("digest", String(64), nullable=False),
        Column("prev_hash", String(64), nullable=False, unique=True),
        Column("hash", String(64), nullable=False, unique=True),
        Column("at", AwareDateTime, nullable=False),
        Index("ix_seals_kind_subject", "kind", "subject"),
    )
)

# --- mirror of the budget --------------------------------------------------------------------

purses = Table(
    "purses",
    metadata,
    Column("code", String(40), primary_key=True),
    Column("name_zh", String(200), nullable=False),
    # MOF_DIV_CODE, a fiscal division; not the same as a region code.
    Column("division_code", String(20), nullable=False),
    # city | county | zone | province
    Column("level", String(16), nullable=False),
    Column("fund_type", String(20), nullable=False),
    # budget-system | bank-file | fund | bank-mediated
    Column("channel", String(20), nullable=False),
    Column("payer_name", String(200), nullable=False),
    Column("payer_account", String(64), nullable=False),
    Column("payer_bank_cnaps", String(14), nullable=False),
    # Name of a chart in ledger/data.
    Column("chart", String(40), nullable=False),
    # Whether a monthly plan (用款计划) must cover what is reserved.
    Column("needs_plan", Boolean, nullable=False, server_default=text("true")),
)

budget_imports = append_only(
    Table(
        "budget_imports",
        metadata,
        Column("id", SerialId, primary_key=True),
        Column("file_name", String(300), nullable=False),
        Column("sha256", String(64), nullable=False, unique=True),
        # allotments | plans | mixed
        Column("kind", String(20), nullable=False),
        Column("as_of", Date, nullable=False),
        Column("rows", Integer, nullable=False),
        Column("total_fen", BigInteger, nullable=False),
        Column("imported_at", AwareDateTime, nullable=False),
        Column("imported_by", String(80)),
    )
)

allotments = Table(
    "allotments",
    metadata,
    # BGT_ID 指标ID
    Column("allotment_no", String(80), primary_key=True),
    # COR_BGT_DOC_NO 指标文号
    Column("doc_no", String(120), nullable=False),
    Column("purse", String(40), ForeignKey("purses.code"), nullable=False, index=True),
    Column("fiscal_year", Integer, nullable=False),
    Column("agency_code", String(40), nullable=False),
    Column("agency_name", String(200), nullable=False),
    Column("project_code", String(80), nullable=False),
    Column("project_name", String(300), nullable=False),
    Column("exp_func_code", String(20), nullable=False),
    Column("gov_bgt_eco_code", String(20), nullable=False),
    Column("dep_bgt_eco_code", String(20), nullable=False),
    Column("fund_type_code", String(20), nullable=False),
    # IS_DIR 直达资金标识
    Column("is_direct", Boolean, nullable=False),
    # Current total of the changes imported so far.
    Column("amount_fen", BigInteger, nullable=False),
    Column("as_of", Date, nullable=False),
    # Benefit ids or programme codes it may fund; "*" is any purpose of the purse.
    Column("purpose", JSON, nullable=False),
    # Smaller is used first.
    Column("priority", Integer, nullable=False, server_default=text("100")),
    CheckConstraint("amount_fen >= 0", name="amount"),
)

allotment_changes = append_only(
    Table(
        "allotment_changes",
        metadata,
        Column("id", SerialId, primary_key=True),
        # Identity of the change whatever file delivers it.
        Column("change_key", String(64), nullable=False, unique=True),
        Column("allotment_no", String(80), ForeignKey("allotments.allotment_no"), nullable=False),
        # 下达 | 追加 | 调减 | 收回 | 他用
        Column("kind", String(8), nullable=False),
        Column("amount_fen", BigInteger, nullable=False),
        Column("doc_no", String(120), nullable=False),
        Column("effective_on", Date, nullable=False),
        Column("import_id", BigInteger, ForeignKey("budget_imports.id"), nullable=False),
        # What the change took beyond the unreserved rest (超占).
        Column("overdrawn_fen", BigInteger, nullable=False, server_default=text("0")),
        Column("journal_key", String(200), nullable=False),
        CheckConstraint("amount_fen > 0", name="amount"),
    )
)

plans = Table(
    "plans",
    metadata,
    # PLAN_VOUCHER_NO
    Column("plan_voucher_no", String(80), primary_key=True),
    Column(
        "allotment_no",
        String(80),
        ForeignKey("allotments.allotment_no"),
        nullable=False,
        index=True,
    ),
    # First month the money may be used, YYYY-MM.
    Column("plan_month", String(7), nullable=False),
    # PLAN_AMT, as approved.
    Column("plan_amt_fen", BigInteger, nullable=False),
    Column("use_desc", String(300), nullable=False, server_default=text("''")),
    Column("import_id", BigInteger, ForeignKey("budget_imports.id"), nullable=False),
    CheckConstraint("plan_amt_fen >= 0", name="amount"),
)

# --- payment applications --------------------------------------------------------------------

applications = Table(
    "applications",
    metadata,
    # PAY_APP_NO
    Column("application_no", String(80), primary_key=True),
    Column("claim_no", String(80), nullable=False, index=True),
    # Which share of the claim's due amount, from 1.
    Column("part", Integer, nullable=False),
    Column("purse", String(40), ForeignKey("purses.code"), nullable=False),
    Column(
        "allotment_no",
        String(80),
        ForeignKey("allotments.allotment_no"),
        nullable=False,
        index=True,
    ),
    Column("payee_uscc", String(40), nullable=False, index=True),
    Column("payee_name", String(200), nullable=False),
    Column("payee_account_no", String(64), nullable=False),
    Column("payee_bank_name", String(200), nullable=False),
    Column("payee_cnaps", String(14), nullable=False),
    # PAY_APP_AMT
    Column("amount_fen", BigInteger, nullable=False),
    Column("approved_fen", BigInteger, nullable=False),
    # Where the money stands; each is the sum of the application's own transfers.
    Column("reserved_fen", BigInteger, nullable=False),
    Column("in_transit_fen", BigInteger, nullable=False),
    Column("paid_fen", BigInteger, nullable=False),
    Column("returned_fen", BigInteger, nullable=False),
    Column("state", String(20), nullable=False),
    Column("use_desc", String(300), nullable=False),
    Column("exp_func_code", String(20), nullable=False),
    Column("gov_bgt_eco_code", String(20), nullable=False),
    Column("dep_bgt_eco_code", String(20), nullable=False),
    # TRACKING_ID 业务追溯码, always the claim number.
    Column("tracking_id", String(80), nullable=False),
    Column("replaces_no", String(80), ForeignKey("applications.application_no"), unique=True),
    # SHA-256 of the unchanging content.
    Column("content_digest", String(64), nullable=False),
    # Latest package, voucher (PAY_CERT_NO) and receipt (回单).
    Column("package_no", String(80), index=True),
    Column("voucher_no", String(80), index=True),
    Column("voucher_on", Date),
    Column("receipt_ref", String(120)),
    Column("paid_on", Date, index=True),
    Column("booked_on", Date, nullable=False),
    Column("created_at", AwareDateTime, nullable=False),
    Column("created_by", String(80), nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("ix_applications_purse_state", "purse", "state"),
    Index(
        "uq_applications_live_claim_part",
        "claim_no",
        "part",
        unique=True,
        sqlite_where=text("state NOT IN ('rejected', 'cancelled', 'returned')"),
        postgresql_where=text("state NOT IN ('rejected', 'cancelled', 'returned')"),
    ),
    CheckConstraint("amount_fen > 0 AND amount_fen <= approved_fen", name="amount"),
    CheckConstraint(
        "reserved_fen >= 0 AND in_transit_fen >= 0 AND paid_fen >= 0 AND returned_fen >= 0",
        name="stages",
    ),
    CheckConstraint("returned_fen <= paid_fen", name="returned"),
    CheckConstraint("paid_fen - returned_fen <= approved_fen", name="paid"),
    CheckConstraint(
        "reserved_fen + in_transit_fen + paid_fen - returned_fen <= approved_fen", name="total"
    ),
)

application_events = append_only(
    Table(
        "application_events",
        metadata,
        Column(
            "application_no",
            String(80),
            ForeignKey("applications.application_no"),
            primary_key=True,
        ),
        Column("seq", Integer, primary_key=True),
        Column("event", String(24), nullable=False),
        Column("amount_fen", BigInteger, nullable=False),
        Column("journal_key", String(200)),
        # Package, voucher, receipt or return number that the event speaks of.
        Column("ref", String(120), nullable=False),
        Column("on_date", Date, nullable=False),
        Column("at", AwareDateTime, nullable=False),
        Column("by", String(80), nullable=False),
        Index("ix_application_events_event_ref", "event", "ref"),
    )
)

# --- packages sent, answers received ---------------------------------------------------------

packages = Table(
    "packages",
    metadata,
    Column("package_no", String(80), primary_key=True),
    Column("purse", String(40), ForeignKey("purses.code"), nullable=False, index=True),
    Column("channel", String(20), nullable=False),
    Column("count", Integer, nullable=False),
    Column("total_fen", BigInteger, nullable=False),
    # Of the exact content that checker and releaser saw.
    Column("digest", String(64), nullable=False),
    Column("file_name", String(300)),
    Column("made_by", String(80), nullable=False),
    Column("checked_by", String(80)),
    Column("checked_at", AwareDateTime),
    Column("released_by", String(80)),
    Column("released_at", AwareDateTime),
    # made | checked | released | sent | sent_unknown | answered | cancelled
    Column("state", String(20), nullable=False),
    Column("made_at", AwareDateTime, nullable=False),
    Column("sent_at", AwareDateTime),
    Column("meta", JSON, nullable=False),
    CheckConstraint("count > 0 AND total_fen > 0", name="totals"),
    CheckConstraint(
        "(checked_by IS NULL OR checked_by <> made_by)"
        " AND (released_by IS NULL OR (checked_by IS NOT NULL"
        " AND released_by <> made_by AND released_by <> checked_by))",
        name="people",
    ),
)

package_lines = Table(
    "package_lines",
    metadata,
    Column("package_no", String(80), ForeignKey("packages.package_no"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("application_no", String(80), ForeignKey("applications.application_no"), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    # False once the package was cancelled or the application answered for good.
    Column("live", Boolean, nullable=False, server_default=text("true")),
    Index(
        "uq_package_lines_live_application",
        "application_no",
        unique=True,
        sqlite_where=text("live"),
        postgresql_where=text("live"),
    ),
    CheckConstraint("amount_fen > 0", name="amount"),
)

answer_imports = append_only(
    Table(
        "answer_imports",
        metadata,
        Column("id", SerialId, primary_key=True),
        Column("file_name", String(300), nullable=False),
        Column("sha256", String(64), nullable=False, unique=True),
        Column("kind", String(20), nullable=False),
        Column("rows", Integer, nullable=False),
        Column("total_fen", BigInteger, nullable=False),
        Column("imported_at", AwareDateTime, nullable=False),
    )
)

answer_lines = append_only(
    Table(
        "answer_lines",
        metadata,
        Column("id", SerialId, primary_key=True),
        Column("import_id", BigInteger, ForeignKey("answer_imports.id"), nullable=False),
        # Counts from 1 inside its file.
        Column("line", Integer, nullable=False),
        # One of accepted, rejected, voucher, paid, returned.
        Column("kind", String(16), nullable=False),
        # PAY_APP_NO as finance wrote it: it may be unknown to us.
        Column("application_no", String(80), nullable=False, index=True),
        Column("tracking_id", String(80), nullable=False),
        Column("package_no", String(80), nullable=False),
        # PAY_CERT_NO
        Column("voucher_no", String(80), nullable=False),
        # BGT_ID that finance charged; empty when the answer does not say.
        Column("allotment_no", String(80), nullable=False),
        # XPAY_AMT
        Column("amount_fen", BigInteger, nullable=False),
        Column("on_date", Date, nullable=False),
        # Receipt (回单) or return number.
        Column("ref", String(120), nullable=False),
        Column("reason", Text, nullable=False),
        # applied | replayed | difference | unknown
        Column("effect", String(16), nullable=False),
        UniqueConstraint("import_id", "line"),
        CheckConstraint("amount_fen >= 0", name="amount"),
    )
)

# --- statements, matching, breaks ------------------------------------------------------------

statements = append_only(
    Table(
        "statements",
        metadata,
        Column("id", SerialId, primary_key=True),
        Column("purse", String(40), ForeignKey("purses.code"), nullable=False),
        Column("account_no", String(64), nullable=False),
        Column("statement_no", String(80), nullable=False),
        Column("from_on", Date, nullable=False),
        Column("to_on", Date, nullable=False),
        Column("opening_fen", BigInteger, nullable=False),
        Column("closing_fen", BigInteger, nullable=False),
        Column("sha256", String(64), nullable=False, unique=True),
        Column("file_name", String(300), nullable=False),
        # camt.053 | csv | budget-export
        Column("source", String(20), nullable=False),
        Column("imported_at", AwareDateTime, nullable=False),
        UniqueConstraint("account_no", "statement_no"),
        CheckConstraint("from_on <= to_on", name="days"),
    )
)

statement_lines = append_only(
    Table(
        "statement_lines",
        metadata,
        Column("id", SerialId, primary_key=True),
        Column("statement_id", BigInteger, ForeignKey("statements.id"), nullable=False),
        # Counts from 1 inside its statement.
        Column("line", Integer, nullable=False),
        Column("booked_on", Date, nullable=False, index=True),
        # D: money leaves our account; C: money comes in.
        Column("direction", String(1), nullable=False),
        Column("amount_fen", BigInteger, nullable=False),
        Column("ref", String(120), nullable=False, index=True),
        Column("counter_account", String(64), nullable=False),
        Column("counter_name", String(200), nullable=False),
        Column("bank_serial", String(80), nullable=False),
        Column("narration", Text, nullable=False),
        Column("line_digest", String(64), nullable=False),
        UniqueConstraint("statement_id", "line"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("direction IN ('D', 'C')", name="direction"),
    )
)

budget_execution = append_only(
    Table(
        "budget_execution",
        metadata,
        Column("id", SerialId, primary_key=True),
        # SHA-256 of the export file the row came in.
        Column("sha256", String(64), nullable=False),
        Column("as_of", Date, nullable=False),
        Column("allotment_no", String(80), nullable=False),
        Column("executed_fen", BigInteger, nullable=False),
        Column("count", Integer, nullable=False),
        Column("imported_at", AwareDateTime, nullable=False),
        UniqueConstraint("sha256", "as_of", "allotment_no"),
        Index("ix_budget_execution_as_of", "as_of", "allotment_no"),
    )
)

reconcile_runs = append_only(
    Table(
        "reconcile_runs",
        metadata,
        Column("id", SerialId, primary_key=True),
        Column("on_date", Date, nullable=False, index=True),
        Column("matched_by", String(80), nullable=False),
        Column("matched_at", AwareDateTime, nullable=False),
        Column("totals", JSON, nullable=False),
    )
)

match_groups = Table(
    "match_groups",
    metadata,
    Column("id", SerialId, primary_key=True),
    Column("on_date", Date, nullable=False, index=True),
    # One of reference, batch, account-amount, by-hand.
    Column("rule", String(24), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("live", Boolean, nullable=False, server_default=text("true")),
    Column("made_by", String(80), nullable=False),
    Column("made_at", AwareDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", AwareDateTime),
)

match_lines = Table(
    "match_lines",
    metadata,
    Column("id", SerialId, primary_key=True),
    Column("group_id", BigInteger, ForeignKey("match_groups.id"), nullable=False, index=True),
    # application | statement_line | execution
    Column("side", String(16), nullable=False),
    # Application number, statement line id or other key, as text.
    Column("ref", String(120), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("live", Boolean, nullable=False, server_default=text("true")),
    Index(
        "uq_match_lines_live_ref",
        "side",
        "ref",
        unique=True,
        sqlite_where=text("live"),
        postgresql_where=text("live"),
    ),
)

breaks = Table(
    "breaks",
    metadata,
    # Stable: made from the class and the principal reference.
    Column("id", String(200), primary_key=True),
    Column("found_on", Date, nullable=False, index=True),
    Column("class", String(24), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("refs", JSON, nullable=False),
    Column("purse", String(40), ForeignKey("purses.code")),
    Column("owner", String(80)),
    # open | explained | closed
    Column("state", String(12), nullable=False, index=True),
    Column("note", Text, nullable=False, server_default=text("''")),
    Column("found_at", AwareDateTime, nullable=False),
    Column("closed_by", String(80)),
    Column("closed_at", AwareDateTime),
    # Idempotency key of the journal entry that closes it.
    Column("voucher_key", String(200)),
    CheckConstraint("state IN ('open', 'explained', 'closed')", name="state"),
    CheckConstraint(
        "state <> 'closed' OR (closed_by IS NOT NULL AND closed_at IS NOT NULL)", name="closed"
    ),
)

sign_offs = append_only(
    Table(
        "sign_offs",
        metadata,
        Column("id", SerialId, primary_key=True),
        Column("on_date", Date, nullable=False),
        # A purse code, or "all".
        Column("purse", String(40), nullable=False),
        Column("totals", JSON, nullable=False),
        Column("digest", String(64), nullable=False),
        Column("matched_by", String(80), nullable=False),
        Column("signed_by", String(80), nullable=False),
        Column("signed_at", AwareDateTime, nullable=False),
        UniqueConstraint("on_date", "purse"),
        CheckConstraint("signed_by <> matched_by", name="people"),
    )
)
