"""Subscriptions: events of executions, to everybody who watches.

A transport takes a place from ``admission``, which says which subscriptions may run and ends those
whose key ends. What is asked for is ``planned``; a ``subscriber`` gets it from the ``broadcaster``,
which matches each event once for a ``channel`` and encodes it (``encoding``) once for an
``encoder``. It is written to a ``sink``, the transport's side of a subscription.
"""
