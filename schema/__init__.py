"""The GraphQL types that clients see; no I/O.

``execution``, ``agentflow`` and ``session`` are the main types, and ``node`` gives them ids that
are unique among all. ``connection`` and ``agentflow_connection`` have their pages, ``statistics``
the numbers of executions, ``inputs`` filters and orders, ``mutation_results`` the results of
mutations, ``execution_event`` what subscriptions tell, ``scalars`` the custom scalars.
``declarations`` attaches to fields the scope that they need and how many rows they return.
``schema.graphql`` is the printed schema (``make schema``).
"""
