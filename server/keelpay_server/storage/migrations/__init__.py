"""Migrations: how a database of any age becomes one of today, by Alembic."""
