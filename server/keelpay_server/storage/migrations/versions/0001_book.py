"""Tables of the book room: installation, books, requests, accounts, legs, journal, work, snapshots, merchants, payers, banks.

In: an empty database. Out: one at step 0001. Invariant: unchanged once it is released.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings a database of the step before to this one."""
    op.create_table(
        "installation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="installation_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "books",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("offset_us", sa.BigInteger(), nullable=False),
        sa.Column("business_us", sa.BigInteger(), nullable=False),
        sa.Column("next_owner", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", name="books_pk"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "requests",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("entity", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="requests_pk"),
        postgresql_with={"autovacuum_vacuum_insert_threshold": -1},
        sqlite_with_rowid=False,
    )
    op.create_index("requests_book_id_create_time_ix", "requests", ["book_id", "create_time"])
    op.create_table(
        "accounts",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("debits", sa.BigInteger(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("pending_debits", sa.BigInteger(), nullable=False),
        sa.Column("pending_credits", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(id & 255) NOT IN (1) OR debits - credits - pending_credits >= 0", name="accounts_debit_floor_ck"
        ),
        sa.CheckConstraint(
            "(id & 255) NOT IN (8, 9, 10, 11, 12, 13, 15, 16) OR credits - debits - pending_debits >= 0",
            name="accounts_credit_floor_ck",
        ),
        sa.CheckConstraint(
            "debits <= 4611686018427387904 AND credits <= 4611686018427387904 AND pending_debits <= 4611686018427387904 AND pending_credits <= 4611686018427387904",
            name="accounts_bounded_ck",
        ),
        sa.CheckConstraint(
            "debits >= 0 AND credits >= 0 AND pending_debits >= 0 AND pending_credits >= 0",
            name="accounts_not_negative_ck",
        ),
        sa.PrimaryKeyConstraint("book_id", "id", name="accounts_pk"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "legs",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("debit", sa.BigInteger(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name="legs_amount_positive_ck"),
        sa.CheckConstraint("debit <> credit", name="legs_two_accounts_ck"),
        sa.PrimaryKeyConstraint("book_id", "sequence", "n", name="legs_pk"),
        postgresql_with={"autovacuum_vacuum_insert_threshold": -1},
        sqlite_with_rowid=False,
    )
    op.create_index("legs_book_id_credit_sequence_ix", "legs", ["book_id", "credit", "sequence"])
    op.create_index("legs_book_id_debit_sequence_ix", "legs", ["book_id", "debit", "sequence"])
    op.create_table(
        "journal",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("wall_time", sa.BigInteger(), nullable=False),
        sa.Column("business_time", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "first", name="journal_pk"),
        postgresql_with={"autovacuum_vacuum_insert_threshold": -1},
    )
    op.create_index("journal_book_id_last_ix", "journal", ["book_id", "last"])
    op.create_table(
        "work",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("clock", sa.BigInteger(), nullable=False),
        sa.Column("due_time", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=False),
        sa.Column("lease_until_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="work_pk"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_index("work_book_id_clock_due_time_ix", "work", ["book_id", "clock", "due_time"])
    op.create_table(
        "snapshots",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "name", name="snapshots_pk"),
    )
    op.create_table(
        "merchants",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("state_version", sa.BigInteger(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("statement_descriptor", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("fee_plan", sa.Text(), nullable=False),
        sa.Column("payout_bank", sa.Text(), nullable=False),
        sa.Column("payout_account", sa.Text(), nullable=False),
        sa.Column("window_opened", sa.BigInteger(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("return_origins", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="merchants_pk"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_index("merchants_book_id_number_ix", "merchants", ["book_id", "number"])
    op.create_index("merchants_book_id_partner_id_ix", "merchants", ["book_id", "partner", "id"])
    op.create_table(
        "payers",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("state_version", sa.BigInteger(), nullable=False),
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.Column("currencies", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("withdraw_after", sa.BigInteger(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="payers_pk"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_index("payers_book_id_number_ix", "payers", ["book_id", "number"])
    op.create_index("payers_book_id_partner_id_ix", "payers", ["book_id", "partner", "id"])
    op.create_table(
        "banks",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("currencies", sa.Text(), nullable=False),
        sa.Column("settle_time_us", sa.BigInteger(), nullable=False),
        sa.Column("idempotent", sa.Boolean(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="banks_pk"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_table("banks")
    op.drop_table("payers")
    op.drop_table("merchants")
    op.drop_table("snapshots")
    op.drop_table("work")
    op.drop_table("journal")
    op.drop_table("legs")
    op.drop_table("accounts")
    op.drop_table("requests")
    op.drop_table("books")
    op.drop_table("installation")
