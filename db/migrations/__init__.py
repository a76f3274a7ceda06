"""Migrations of the database, run by Alembic.

``upgrade`` runs the revisions that a database lacks; ``versions`` has one module for each.
``postgres_counting``, ``postgres_events`` and ``postgres_ticks`` are the parts of revisions that
only PostgreSQL has, and ``sqlite_events`` is one that only SQLite has.
"""
