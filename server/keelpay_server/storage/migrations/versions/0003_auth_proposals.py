"""Tables of the auth room: proposals.

In: a database at step 0002. Out: one at step 0003. Invariant: unchanged once it is released.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings a database of the step before to this one."""
    op.create_table(
        "proposals",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("proposer", sa.Text(), nullable=False),
        sa.Column("origin", sa.LargeBinary(), nullable=False),
        sa.Column("decider", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state_version", sa.BigInteger(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="proposals_pk"),
        sqlite_with_rowid=False,
    )
    op.create_index("proposals_book_id_create_time_ix", "proposals", ["book_id", "create_time"])
    op.create_index("proposals_book_id_method_id_ix", "proposals", ["book_id", "method", "id"])
    op.create_index("proposals_book_id_origin_ix", "proposals", ["book_id", "origin"])
    op.create_index("proposals_book_id_proposer_id_ix", "proposals", ["book_id", "proposer", "id"])
    op.create_index("proposals_book_id_state_id_ix", "proposals", ["book_id", "state", "id"])


def downgrade() -> None:
    """Takes it back."""
    op.drop_table("proposals")
