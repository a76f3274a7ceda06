"""The GraphQL types that clients see; no I/O.

``execution`` is the main type, ``connection`` has its pages, ``inputs`` filters and orders,
``mutation_results`` the results of mutations, ``scalars`` the custom scalars. ``schema.graphql`` is
the printed schema (``make schema``).
"""
