"""Store and query executions and API keys. Knows neither GraphQL nor HTTP.

``executions``, ``agentflows``, ``sessions`` and ``keys`` are what the edges call. ``reading``
builds queries and ``writing`` changes, on the columns of a ``source``; a ``Database`` runs them, in
``sqlite`` or ``postgres``, whichever ``opening`` chooses for a URL; ``snapshots`` let several reads
see one state of it. ``contents`` is the data that engines record for them. ``flowise`` keeps
executions equal to those of a Flowise in the same database. ``dialect`` has the constructs that the
two render differently, ``models`` the tables, ``columns`` what each column holds, and
``migrations`` the changes of the tables. ``events`` tell of every change. ``leases`` say which of
many processes does a work, and ``pacing`` how large its batches are.
"""
