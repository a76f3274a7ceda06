"""The REST API of executions, as existing clients know it. Needs nothing of GraphQL.

A request first meets ``endpoint``, which reads it with ``parameters`` and answers with
``response``. A list is in one of the ``formats``: JSON, or the CSV and JSON Lines of ``files``,
which the command ``export`` writes too. ``names`` recognizes misspelt parameters, and ``openapi``
describes the API.
"""
