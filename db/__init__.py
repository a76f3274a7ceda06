"""Store and query executions and API keys. Knows neither GraphQL nor HTTP.

``executions`` and ``keys`` are what the edges call. ``reading`` builds queries and ``writing``
changes; a ``Database`` runs them, in ``sqlite`` or ``postgres``, whichever ``opening`` chooses for
a URL. ``dialect`` has the constructs that the two render differently, ``models`` the tables,
``migrations`` the changes of the tables.
"""
