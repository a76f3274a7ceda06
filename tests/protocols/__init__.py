"""Protocols, as tables of cases that any server can be run through.

Each is a program of Node (``cases.mjs``), which uses the client that its protocol comes with, and
knows of a server only what a file in JSON says; ``table.mjs`` runs the cases. ``table.py`` runs a
program for a gateway, and does what only the gateway's operator can do. ``make protocols``, which
is a part of ``make test``, installs what they need where npm is; elsewhere they are left out,
unless ``REQUIRE_NODE`` is set.
"""
