"""Alembic's entry: uses the connection the program hands over."""

from __future__ import annotations

from alembic import context

from tradewind.db.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True)
context.run_migrations()
