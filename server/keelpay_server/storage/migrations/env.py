"""Alembic's environment: runs the steps on the connection that `migrate` hands over, in its transaction.

In: a connection in the configuration's attributes. Out: a database at the wanted step.
Invariant: nothing is committed here.
"""

from alembic import context

# Without the metadata: steps name everything in full, and must not change when a naming convention does.
context.configure(connection=context.config.attributes["connection"], transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
