"""Storage: tables, migrations, load and save of the book, reads. The only room that knows SQL.

In: batches of the engine, reads of the rooms. Out: durable commits and rows. Invariant: a batch is one transaction
under its book's lock, and SQLite and PostgreSQL give the same results.
"""
