"""The REST API of executions, as existing clients know it. Needs nothing of GraphQL.

A request first meets ``endpoint``, which reads it with ``parameters`` and answers with
``response``. ``names`` recognizes misspelt parameters, and ``openapi`` describes the API.
"""
