"""Tables of the gateway room: orders, payments, operations, numbers, instruments.

In: a database at step 0003. Out: one at step 0004. Invariant: unchanged once it is released.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings a database of the step before to this one."""
    op.create_table(
        "orders",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("state_version", sa.BigInteger(), nullable=False),
        sa.Column("payment", sa.LargeBinary(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("statement_descriptor", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("return_uri", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="orders_pk"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_index("orders_book_id_merchant_id_ix", "orders", ["book_id", "merchant", "id"])
    op.create_index("orders_book_id_merchant_state_id_ix", "orders", ["book_id", "merchant", "state", "id"])
    op.create_index("orders_book_id_payer_id_ix", "orders", ["book_id", "payer", "id"])
    op.create_table(
        "payments",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("order", sa.LargeBinary(), nullable=True),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("instrument", sa.LargeBinary(), nullable=True),
        sa.Column("mandate", sa.LargeBinary(), nullable=True),
        sa.Column("confirmation", sa.LargeBinary(), nullable=True),
        sa.Column("channel", sa.BigInteger(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("region_source", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("capture_method", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("state_version", sa.BigInteger(), nullable=False),
        sa.Column("authorized", sa.BigInteger(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.BigInteger(), nullable=False),
        sa.Column("refund_pending", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("disputed", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("operations", sa.BigInteger(), nullable=False),
        sa.Column("operation", sa.LargeBinary(), nullable=True),
        sa.Column("authorization", sa.LargeBinary(), nullable=True),
        sa.Column("decision", sa.LargeBinary(), nullable=True),
        sa.Column("outcome", sa.BigInteger(), nullable=False),
        sa.Column("stepped_up", sa.Boolean(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=False),
        sa.Column("hold_expire_time", sa.BigInteger(), nullable=False),
        sa.Column("system_us", sa.BigInteger(), nullable=False),
        sa.Column("bank_us", sa.BigInteger(), nullable=False),
        sa.Column("human_us", sa.BigInteger(), nullable=False),
        sa.Column("history", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("descriptor", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("return_uri", sa.Text(), nullable=False),
        sa.Column("bank_return_uri", sa.Text(), nullable=False),
        sa.Column("mandate_day", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="payments_pk"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_index("payments_book_id_merchant_id_ix", "payments", ["book_id", "merchant", "id"])
    op.create_index("payments_book_id_merchant_state_id_ix", "payments", ["book_id", "merchant", "state", "id"])
    op.create_index("payments_book_id_order_id_ix", "payments", ["book_id", "order", "id"])
    op.create_index("payments_book_id_payer_id_ix", "payments", ["book_id", "payer", "id"])
    op.create_table(
        "operations",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("original", sa.LargeBinary(), nullable=True),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("descriptor", sa.Text(), nullable=False),
        sa.Column("capture", sa.Boolean(), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("hold_debit", sa.BigInteger(), nullable=False),
        sa.Column("hold_credit", sa.BigInteger(), nullable=False),
        sa.Column("hold_amount", sa.BigInteger(), nullable=False),
        sa.Column("hold_captured", sa.BigInteger(), nullable=False),
        sa.Column("hold_released", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("queries", sa.BigInteger(), nullable=False),
        sa.Column("bank_us", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("return_uri", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="operations_pk"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_index(
        "operations_book_id_bank_currency_update_time_ix", "operations", ["book_id", "bank", "currency", "update_time"]
    )
    op.create_index("operations_book_id_subject_number_ix", "operations", ["book_id", "subject", "number"], unique=True)
    op.create_table(
        "numbers",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="numbers_pk"),
        postgresql_with={"autovacuum_vacuum_insert_threshold": -1},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "instruments",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("channel", sa.BigInteger(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("last_four", sa.Text(), nullable=False),
        sa.Column("expire_month", sa.BigInteger(), nullable=False),
        sa.Column("expire_year", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("state_version", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="instruments_pk"),
        sqlite_with_rowid=False,
    )
    op.create_index("instruments_book_id_fingerprint_ix", "instruments", ["book_id", "fingerprint"])
    op.create_index("instruments_book_id_payer_id_ix", "instruments", ["book_id", "payer", "id"])
    op.create_index("instruments_book_id_state_id_ix", "instruments", ["book_id", "state", "id"])


def downgrade() -> None:
    """Takes it back."""
    op.drop_table("instruments")
    op.drop_table("numbers")
    op.drop_table("operations")
    op.drop_table("payments")
    op.drop_table("orders")
