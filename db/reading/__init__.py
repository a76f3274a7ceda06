"""Read executions: filters, orders, pages, counts and statistics, compiled to SQL.

``reader`` is the entry point. A query goes through these: ``filters`` and ``normal_filters`` (the
conditions, in one form; ``comparisons`` has the fields and operators), ``paging`` (orders and
positions), ``cursors`` (positions as opaque text), ``page_query`` (a page) with its ``row_query``
(rows, and how to find them) and ``count_query`` (totals, from ``counts`` where possible, with
``states`` to split a filter by state), ``page_statements`` with ``keyset_range`` and
``filter_statements`` (their SQL), ``row_reader`` (which of them to run), and ``runner`` with
``statement_cache``, which compiles each statement once. The pages of many agentflows or sessions
are read at once by ``key_pages``, with ``key_statements`` and ``key_counts``; ``stored_texts``
finds ids that are not UTF-8. ``predicates`` evaluates filters in memory. ``statistics`` says what
can be known of many executions; ``statistics_statements`` compiles it, from counts
(``statistics_counts``) where possible, in the buckets of ``time_buckets``. ``workspaces`` says what
the views see that are bound to one.
"""
