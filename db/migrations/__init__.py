"""Migrations of the database, run by Alembic.

``upgrade`` runs the revisions that a database lacks; ``versions`` has one module for each.
``postgres_counting`` is the part of a revision that only PostgreSQL has.
"""
