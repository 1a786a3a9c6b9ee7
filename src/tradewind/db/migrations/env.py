"""Alembic's entry: uses the connection the program hands over."""

from __future__ import annotations

from alembic import context

from tradewind.db import price_tables, tables

connection = context.config.attributes["connection"]
# Importing a module of tables is what adds them to the metadata.
assert price_tables
context.configure(
    connection=connection, target_metadata=tables.metadata, render_as_batch=True, compare_type=True
)
context.run_migrations()
