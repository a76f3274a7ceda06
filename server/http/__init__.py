"""HTTP, whatever the edge.

Every request first passes ``request_gate``: it gets an id, ``guard`` checks its host and origin,
and exceptions that no edge has caught are logged and answered. ``application`` then finds the edge.
Edges read requests through ``request`` and ``bodies``, take a slot of ``concurrency``, and answer
with ``response`` or ``error_responses``; ``errors`` has the status and code of every error, and
``presence`` tells whether a client still waits.
``direct_write`` sends complete responses past ASGI's messages, and ``open_stream`` those that stay
open. ``bundle`` has the pages of the console and GraphiQL with their assets, and ``start_page``
what is at ``/``.
"""
