"""HTTP, whatever is asked for.

Every request passes ``request_gate``: it gets an id, ``guard`` checks its host and origin, and
what no endpoint caught is answered with an id. Endpoints read a request through ``exchange`` and
``bodies``, take a place in ``concurrency``, and refuse with ``errors`` and ``error_responses``.
"""
