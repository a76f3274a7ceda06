"""Subscriptions: events of executions, to everybody who watches.

``sink`` is what a transport gives to a subscription, to be written to; ``admission`` says which may
run, and ends those whose key ends.
"""
