"""PostgreSQL: many gateways over one database.

``database`` is the entry point, with connections from ``connection_pool`` that ``opening``
configures. ``replicated`` adds a replica for reads: ``lag`` measures how far it is behind, and
``recent_writers`` knows the clients that must read from the primary. ``compaction`` adds count
deltas to the counts, a ``snapshot`` is a state for several reads, ``commit_watch`` hears of
commits, and ``sql`` renders the constructs of ``db.dialect``.
"""
