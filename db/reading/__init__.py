"""What is asked: filters, pages and counts, from a query to the text of a statement.

A query meets, in this order: ``filters`` and ``normal_filters`` (what is asked for, in one form),
``paging`` (orders and positions), ``cursors``, ``page_query`` (a page, and how it can be had),
``page_statements`` with ``keyset_range`` and ``filter_statements`` (its SQL), ``counts`` (totals
from counters), and ``statement_cache``, which compiles each statement once.
"""
