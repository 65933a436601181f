"""Tables of the risk room: decisions, reports, reviews, list_entries.

In: a database at step 0005. Out: one at step 0006. Invariant: unchanged once it is released.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings a database of the step before to this one."""
    op.create_table(
        "decisions",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("payment", sa.LargeBinary(), nullable=False),
        sa.Column("external", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("payee", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("channel", sa.BigInteger(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("outcome", sa.BigInteger(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=False),
        sa.Column("probability_ppm", sa.BigInteger(), nullable=False),
        sa.Column("rule_version", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("degraded", sa.Boolean(), nullable=False),
        sa.Column("first", sa.Boolean(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("proves", sa.Boolean(), nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("review", sa.LargeBinary(), nullable=True),
        sa.Column("features", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="decisions_pk"),
        postgresql_with={"autovacuum_vacuum_insert_threshold": -1},
        sqlite_with_rowid=False,
    )
    op.create_index("decisions_book_id_merchant_id_ix", "decisions", ["book_id", "merchant", "id"])
    op.create_index("decisions_book_id_payment_id_ix", "decisions", ["book_id", "payment", "id"])
    op.create_index(
        "decisions_merchant_outcome_ix",
        "decisions",
        ["book_id", "merchant", "outcome", "id"],
        sqlite_where=sa.text("outcome <> 1"),
        postgresql_where=sa.text("outcome <> 1"),
    )
    op.create_index(
        "decisions_outcome_ix",
        "decisions",
        ["book_id", "outcome", "id"],
        sqlite_where=sa.text("outcome <> 1"),
        postgresql_where=sa.text("outcome <> 1"),
    )
    op.create_table(
        "reports",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("decision", sa.LargeBinary(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("label", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("observe_time", sa.BigInteger(), nullable=False),
        sa.Column("count_time", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reporter", sa.Text(), nullable=False),
        sa.Column("state_version", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="reports_pk"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_index("reports_book_id_label_decision_ix", "reports", ["book_id", "label", "decision"])
    op.create_index(
        "reports_book_id_merchant_label_decision_ix", "reports", ["book_id", "merchant", "label", "decision"]
    )
    op.create_table(
        "reviews",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("decision", sa.LargeBinary(), nullable=False),
        sa.Column("payment", sa.LargeBinary(), nullable=False),
        sa.Column("external", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("outcome", sa.BigInteger(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("state_version", sa.BigInteger(), nullable=False),
        sa.Column("due_time", sa.BigInteger(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("decider", sa.Text(), nullable=False),
        sa.Column("decide_time", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="reviews_pk"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_index(
        "reviews_book_id_merchant_create_time_id_ix", "reviews", ["book_id", "merchant", "create_time", "id"]
    )
    op.create_index("reviews_book_id_payment_ix", "reviews", ["book_id", "payment"])
    op.create_index("reviews_book_id_state_create_time_id_ix", "reviews", ["book_id", "state", "create_time", "id"])
    op.create_index("reviews_book_id_state_due_time_id_ix", "reviews", ["book_id", "state", "due_time", "id"])
    op.create_table(
        "list_entries",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.BigInteger(), nullable=False),
        sa.Column("strength", sa.BigInteger(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=False),
        sa.Column("creator", sa.Text(), nullable=False),
        sa.Column("remover", sa.Text(), nullable=False),
        sa.Column("removal", sa.Text(), nullable=False),
        sa.Column("state_version", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="list_entries_pk"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_index("list_entries_book_id_create_time_id_ix", "list_entries", ["book_id", "create_time", "id"])
    op.create_index(
        "list_entries_book_id_kind_create_time_id_ix", "list_entries", ["book_id", "kind", "create_time", "id"]
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_table("list_entries")
    op.drop_table("reviews")
    op.drop_table("reports")
    op.drop_table("decisions")
