"""The engine's own tables: books, requests, accounts, legs, journal, work, snapshots."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Work
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.payer import Payer
from keelpay_server.book.ports import AccountRow
from keelpay_server.book.request import RequestRow
from keelpay_server.ledger.account import CHART_MASK, CREDIT_FLOORED_INDEXES, DEBIT_FLOORED_INDEXES

from .entity import entity_table, metadata

SUM_MAX = 1 << 62
"""What an account's sums may come to, in minor units."""


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, autoincrement=False)


def _listed(indexes: tuple[int, ...]) -> str:
    return ", ".join(str(index) for index in sorted(indexes))


installation = Table(
    "installation", metadata, Column("id", Text, nullable=False), Column("value", Text, nullable=False),
    PrimaryKeyConstraint("id"), sqlite_with_rowid=False,
)  # fmt: skip

books = Table(
    "books", metadata,
    _number("book_id"),
    _number("sequence"),
    Column("head", LargeBinary, nullable=False),
    _number("offset_us"),
    _number("business_us"),
    _number("next_owner"),
    PrimaryKeyConstraint("book_id"), postgresql_with={"fillfactor": 50},
)  # fmt: skip

requests = entity_table(RequestRow, "requests", Index(None, "book_id", "create_time"), append_only=True)

accounts = entity_table(
    AccountRow, "accounts",
    CheckConstraint(
        f"(id & {CHART_MASK}) NOT IN ({_listed(CREDIT_FLOORED_INDEXES)}) OR credits - debits - pending_debits >= 0",
        name="credit_floor",
    ),
    CheckConstraint(
        f"(id & {CHART_MASK}) NOT IN ({_listed(DEBIT_FLOORED_INDEXES)}) OR debits - credits - pending_credits >= 0",
        name="debit_floor",
    ),
    CheckConstraint(
        "debits >= 0 AND credits >= 0 AND pending_debits >= 0 AND pending_credits >= 0", name="not_negative"
    ),
    # So that no difference of two sums and a hold leaves 64 bits, where SQLite would go on in floating point.
    CheckConstraint(
        " AND ".join(f"{name} <= {SUM_MAX}" for name in ("debits", "credits", "pending_debits", "pending_credits")),
        name="bounded",
    ),
    changing=True,
)  # fmt: skip

legs = Table(
    "legs", metadata,
    _number("book_id"), _number("sequence"), _number("n"),
    _number("debit"), _number("credit"), _number("amount"), _number("code"),
    PrimaryKeyConstraint("book_id", "sequence", "n"),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("debit <> credit", name="two_accounts"),
    Index(None, "book_id", "debit", "sequence"),
    Index(None, "book_id", "credit", "sequence"),
    sqlite_with_rowid=False, postgresql_with={"autovacuum_vacuum_insert_threshold": -1},
)  # fmt: skip

journal = Table(
    "journal", metadata,
    _number("book_id"), _number("first"), _number("last"), _number("wall_time"), _number("business_time"),
    Column("body", LargeBinary, nullable=False), Column("link", LargeBinary, nullable=False),
    PrimaryKeyConstraint("book_id", "first"),
    Index(None, "book_id", "last"),
    postgresql_with={"autovacuum_vacuum_insert_threshold": -1},
)  # fmt: skip

work = entity_table(Work, "work", Index(None, "book_id", "clock", "due_time"), changing=True)

snapshots = Table(
    "snapshots", metadata,
    _number("book_id"), Column("name", Text, nullable=False), _number("sequence"),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("book_id", "name"),
)  # fmt: skip

merchants = entity_table(
    Merchant, "merchants", Index(None, "book_id", "partner", "id"), Index(None, "book_id", "number"), changing=True
)
payers = entity_table(
    Payer, "payers", Index(None, "book_id", "partner", "id"), Index(None, "book_id", "number"), changing=True
)
banks = entity_table(Bank, "banks")
