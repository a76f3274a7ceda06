"""Migrations of the database, run by Alembic.

``upgrade`` runs the revisions that a database lacks; ``versions`` has one module for each.
``postgres_counting``, ``postgres_events``, ``postgres_order``, ``postgres_ticks`` and
``postgres_data`` are the parts of revisions that only PostgreSQL has, and ``sqlite_events``,
``sqlite_order`` and ``sqlite_data`` those that only SQLite has. ``event_columns`` are what events
tell as of each revision. ``removal`` takes everything away again.
"""
