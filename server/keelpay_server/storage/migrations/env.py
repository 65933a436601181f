"""Alembic's environment: runs the steps on the connection that `migrate` hands over.

In: a connection in the configuration's attributes. Out: a database at the wanted step.
Invariant: on PostgreSQL all processes that start at once wait for one of them to migrate.
"""

from alembic import context
from sqlalchemy import text

from keelpay_server.storage.schema import metadata

_ADVISORY_LOCK = 0x6B65656C

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    compare_type=True,
    render_as_batch=False,
    transaction_per_migration=False,
)
with context.begin_transaction():
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    context.run_migrations()
