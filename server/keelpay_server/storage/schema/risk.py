"""Tables of the `risk` room. Decisions are only inserted; the rare outcomes have indexes of their own."""

from sqlalchemy import Index, text

from keelpay_server.risk.decision import Decision
from keelpay_server.risk.label import Report
from keelpay_server.risk.list_entry import ListEntry
from keelpay_server.risk.policy import Outcome
from keelpay_server.risk.review import Review

from .entity import entity_table

_NOT_APPROVED = text(f"outcome <> {Outcome.APPROVE:d}")

decisions = entity_table(
    Decision, "decisions",
    Index(None, "book_id", "payment", "id"),
    Index(None, "book_id", "merchant", "id"),
    Index(
        "decisions_merchant_outcome_ix", "book_id", "merchant", "outcome", "id",
        sqlite_where=_NOT_APPROVED, postgresql_where=_NOT_APPROVED,
    ),
    Index(
        "decisions_outcome_ix", "book_id", "outcome", "id", sqlite_where=_NOT_APPROVED, postgresql_where=_NOT_APPROVED
    ),
    append_only=True,
)  # fmt: skip

reports = entity_table(
    Report, "reports",
    Index(None, "book_id", "merchant", "label", "decision"),
    Index(None, "book_id", "label", "decision"),
    changing=True,
)  # fmt: skip

reviews = entity_table(
    Review, "reviews",
    Index(None, "book_id", "state", "due_time", "id"),
    Index(None, "book_id", "state", "create_time", "id"),
    Index(None, "book_id", "merchant", "create_time", "id"),
    Index(None, "book_id", "payment"),
    changing=True,
)  # fmt: skip

list_entries = entity_table(
    ListEntry, "list_entries",
    Index(None, "book_id", "create_time", "id"),
    Index(None, "book_id", "kind", "create_time", "id"),
    changing=True,
)  # fmt: skip
