"""${message}.

In: ${f"a database at step {down_revision}" if down_revision else "an empty database"}. Out: one at step ${up_revision}. Invariant: unchanged once it is released.
"""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings a database of the step before to this one."""
    ${upgrades}


def downgrade() -> None:
    """Takes it back."""
    ${downgrades}
