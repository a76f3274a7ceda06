"""The REST API of executions, as its clients know it; it needs nothing of GraphQL.

A request meets ``endpoint``, ``parameters`` (what it asks for) and ``response``; ``openapi``
describes all of it.
"""
