"""Read executions: filters, orders, pages and counts, compiled to SQL.

A query goes through these in order: ``filters`` and ``normal_filters`` (the conditions, in one
form), ``paging`` (orders and positions), ``cursors`` (positions as opaque text), ``page_query`` (a
page, and how to find it), ``page_statements`` with ``keyset_range`` and ``filter_statements`` (its
SQL), ``counts`` (totals from counters), and ``statement_cache``, which compiles each statement
once. ``comparisons`` has the fields and operators, ``states`` splits filters by state.
"""
