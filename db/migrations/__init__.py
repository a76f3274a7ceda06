"""Bringing a database to the newest revision."""
