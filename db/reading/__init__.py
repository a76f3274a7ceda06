"""Read executions: filters, orders, pages and counts, compiled to SQL.

``reader`` is the entry point. A query goes through these: ``filters`` and ``normal_filters`` (the
conditions, in one form; ``comparisons`` has the fields and operators), ``paging`` (orders and
positions), ``cursors`` (positions as opaque text), ``page_query`` (a page) with its ``row_query``
(rows, and how to find them) and ``count_query`` (totals, from ``counts`` where possible, with
``states`` to split a filter by state), ``page_statements`` with ``keyset_range`` and
``filter_statements`` (their SQL), and ``runner`` with ``statement_cache``, which compiles each
statement once. The pages of many agentflows or sessions are read at once by ``key_pages``, with
``key_statements`` and ``key_counts``.
"""
